"""Keep the files of a log, tiles above all: in a folder that any web server can serve."""

import os
import secrets
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

from trine.errors import BadArgument

SYNCS: Final = 32
"""Files that are written and synced at a time: the disk takes many as one."""


class Objects(Protocol):
    """Whatever keeps named bytes."""

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name; nothing where there is none."""

    def write(self, items: Mapping[str, bytes]) -> None:
        """Keep every item; on return they survive a crash of the machine."""

    def remove(self, name: str) -> None:
        """Forget what is below a name, as if it were a folder; it may be back after a crash."""


class Folder:
    """Named bytes as files below a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path:
    ...     objects = Folder(Path(path))
    ...     objects.write({"tile/0/000.p/1": b"hash"})
    ...     objects.read("tile/0/000.p/1"), objects.read("tile/0/001")
    (b'hash', None)
    """

    def __init__(self, path: Path) -> None:
        """Keep files below `path`, which is made with the first of them."""
        self.path = path
        self._pool = ThreadPoolExecutor(SYNCS)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; nothing where there is none."""
        try:
            return self._place(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, items: Mapping[str, bytes]) -> None:
        """Write every file whole or not at all, and then sync what was written."""
        places = [os.fspath(self._place(name)) for name in items]
        partials = list(self._pool.map(_write_partial, places, items.values()))
        for place, partial in zip(places, partials, strict=True):
            os.replace(partial, place)
        for folder in {os.path.dirname(place) for place in places}:
            _sync_folder(folder)

    def remove(self, name: str) -> None:
        """Remove a folder with its files, where it is there."""
        shutil.rmtree(self._place(name), ignore_errors=True)

    def _place(self, name: str) -> Path:
        return self.path.joinpath(*check_name(name))


def check_name(name: str) -> list[str]:
    """Return the parts of a name.

    Raises:
        BadArgument: One is empty, or begins with a dot.
    """
    parts = name.split("/")
    if not all(parts) or any(part.startswith(".") for part in parts):
        raise BadArgument(f"{name!r:.80} is no name of an object")
    return parts


def _write_partial(place: str, content: bytes) -> str:
    """Write a file beside its place, and sync it."""
    folder, name = os.path.split(place)
    partial = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
    with open(partial, "wb", 0) as file:
        file.write(content)
        os.fdatasync(file.fileno())
    return partial


def _sync_folder(path: str) -> None:
    """Make the names in a folder survive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
