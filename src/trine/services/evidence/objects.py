"""Keep the files of a log, tiles above all: in a folder that any web server can serve."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from trine._core import durable as core
from trine.errors import BadArgument


class Objects(Protocol):
    """Whatever keeps named bytes."""

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name; nothing where there is none."""

    def write(self, items: Mapping[str, bytes]) -> None:
        """Keep every item; on return they survive a crash of the machine."""

    def remove(self, name: str) -> None:
        """Forget what is below a name, as if it were a folder; it may be back after a crash."""

    def delete(self, names: Sequence[str]) -> None:
        """Forget items for good; a name without one is fine. Durable at the return."""


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

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; nothing where there is none."""
        try:
            return self._place(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, items: Mapping[str, bytes]) -> None:
        """Write every file whole or not at all, and then sync what was written."""
        core.write_files(list(map(self._place, items)), list(items.values()))

    def remove(self, name: str) -> None:
        """Remove a folder with its files, where it is there."""
        shutil.rmtree(self._place(name), ignore_errors=True)

    def delete(self, names: Sequence[str]) -> None:
        """Remove files, and then sync their folders."""
        folders = set[Path]()
        for place in map(self._place, names):
            try:
                place.unlink()
            except FileNotFoundError:
                continue
            folders.add(place.parent)
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

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
