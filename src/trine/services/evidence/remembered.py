"""Remember tiles of a bucket that were read or written last: each of them never changes.

>>> from trine.services.evidence.bucket import open_objects
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as path:
...     objects = Remembered(open_objects(path))
...     objects.write({"logs/1/tile/0/000": b"hashes", "logs/1/checkpoint": b"first"})
...     open_objects(path).write({"logs/1/checkpoint": b"second"})
...     objects.read("logs/1/tile/0/000"), objects.read("logs/1/checkpoint")
(b'hashes', b'second')
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from trine.services.evidence.objects import Objects

REMEMBERED_BYTES_MAX: Final = 64 * 1_024 * 1_024
"""Bytes of objects that are remembered."""

_FOREVER: Final = re.compile(r"(?:.*/)?(?:tile/.*|order)")
"""Names of objects that never change: tiles and bundles, and the order of a finished epoch."""


class Remembered:
    """Objects of a store that is far away. Safe to share between threads."""

    def __init__(self, objects: Objects, *, bytes_max: int = REMEMBERED_BYTES_MAX) -> None:
        """Read and write `objects`."""
        self._objects = objects
        self._bytes_max = bytes_max
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name; nothing where there is none."""
        with self._lock:
            if name in self._known:
                self._known.move_to_end(name)
                return self._known[name]
        found = self._objects.read(name)
        if found is not None:
            self._remember(name, found)
        return found

    def write(self, items: Mapping[str, bytes]) -> None:
        """Keep every item in the store, and then remember it."""
        self._objects.write(items)
        for name, content in items.items():
            self._remember(name, content)

    def remove(self, name: str) -> None:
        """Forget what is below a name, as the store does."""
        with self._lock:
            for one in [one for one in self._known if one.startswith(f"{name}/")]:
                self._bytes -= len(self._known.pop(one))
        self._objects.remove(name)

    def delete(self, names: Sequence[str]) -> None:
        """Forget items, as the store does."""
        with self._lock:
            for name in names:
                self._bytes -= len(self._known.pop(name, b""))
        self._objects.delete(names)

    def _remember(self, name: str, content: bytes) -> None:
        if not _FOREVER.fullmatch(name):
            return
        with self._lock:
            self._bytes += len(content) - len(self._known.pop(name, b""))
            self._known[name] = content
            while self._bytes > self._bytes_max:
                _, dropped = self._known.popitem(last=False)
                self._bytes -= len(dropped)
