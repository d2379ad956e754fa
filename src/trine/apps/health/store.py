"""Keep named objects off the chain: a protocol for stores, and one in a folder.

A store knows names and bytes and nothing of records. What `put` was given is there as a whole or
not at all, and survives a crash once it returns. Any S3 will be a second store behind the same
six methods.

The folder holds one SQLite database, not a file an object: a thousand objects are durable with one
write to the disk instead of two thousand.

>>> import tempfile
>>> store = FolderStore(Path(tempfile.mkdtemp()) / "records")
>>> store.put([("records/0a1b", b"sealed")])
>>> store.get("records/0a1b"), list(store.names("records"))
(b'sealed', ['records/0a1b'])
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from trine.errors import (
    BadArgument,
    DamagedData,
    DiskFull,
    ReadOnlyFolder,
    UnreadableFile,
)

NAME_CHARACTERS_MAX: Final = 200
"""Characters of an object's name."""
DATABASE_FILE: Final = "objects.sqlite3"
"""Name of the database in its folder; SQLite keeps two more files beside it."""
WAIT_S: Final = 30.0
"""Seconds that a writer waits for another process that is writing."""
_PAGE: Final = 1_000
"""Names that are read from the database at a time."""
_NAME: Final = re.compile(r"[a-z0-9]+(/[a-z0-9]+)*").fullmatch
_SETTINGS: Final = (
    "PRAGMA journal_mode=WAL",
    # Durable at the end of each transaction, also through a loss of power.
    "PRAGMA synchronous=FULL",
    # What is deleted is overwritten with zeros.
    "PRAGMA secure_delete=ON",
    "CREATE TABLE IF NOT EXISTS objects (name TEXT PRIMARY KEY, content BLOB NOT NULL)",
)
_FULL: Final = frozenset({sqlite3.SQLITE_FULL})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Store(Protocol):
    """Holds objects by their names: lower-case letters and digits, in folders."""

    def put(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Write objects; each replaces the one of its name. They are durable at the return."""

    def get(self, name: str) -> bytes | None:
        """Read an object; nothing where there is none."""

    def change(self, name: str, update: Callable[[bytes | None], bytes]) -> None:
        """Replace an object by what `update` makes of it; no other change comes between."""

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects for good; a name without an object is fine. Durable at the return."""

    def names(self, folder: str) -> Iterator[str]:
        """List the names of all objects below a folder, in order."""

    def count(self, folder: str) -> int:
        """Count the objects below a folder: much faster than listing them."""


class FolderStore:
    """A store in a folder that only its owner can read; one for each thread."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made where it is missing.

        Raises:
            ReadOnlyFolder, DiskFull: It cannot be made or written.
            DamagedData: It holds a file that is no database, or a damaged one.
        """
        self.folder = folder
        path = folder / DATABASE_FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                # Never where it exists: closing a file that SQLite has open in this process drops
                # its locks (POSIX fcntl), and another process then removes its log of writes.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            message = f"{folder} cannot be written: {error.strerror}"
            raise ReadOnlyFolder(message, instance=str(folder)) from error
        with self._explained():
            self._database = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
            for setting in _SETTINGS:
                self._database.execute(setting)

    def close(self) -> None:
        """Close the database; what was put stays."""
        self._database.close()

    def put(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Write objects in one transaction.

        Raises:
            BadArgument: A name is not allowed.
            DiskFull, ReadOnlyFolder, DamagedData: They cannot be written, and none is.
        """
        for name, _ in objects:
            _check(name)
        with self._transaction():
            self._write(objects)

    def get(self, name: str) -> bytes | None:
        """Read an object.

        Raises:
            BadArgument: The name is not allowed.
            UnreadableFile, DamagedData: The database cannot be read.
        """
        _check(name)
        with self._explained():
            query = "SELECT content FROM objects WHERE name = ?"
            found = self._database.execute(query, (name,)).fetchone()
        return bytes(found[0]) if found else None

    def change(self, name: str, update: Callable[[bytes | None], bytes]) -> None:
        """Replace an object in one transaction; nothing changes where `update` raises.

        Raises:
            BadArgument: The name is not allowed.
            DiskFull, ReadOnlyFolder, DamagedData: It cannot be written.
        """
        with self._transaction():
            self._write([(name, update(self.get(name)))])

    def delete(self, names: Iterable[str]) -> None:
        """Overwrite objects with zeros and remove them, also from the log of writes.

        Overwriting reaches the file and not what lies below it: copies, snapshots, and the spare
        blocks of a flash disk.

        Raises:
            BadArgument: A name is not allowed.
            DiskFull, ReadOnlyFolder, DamagedData: They cannot be removed.
        """
        listed = [(name,) for name in names]
        for (name,) in listed:
            _check(name)
        with self._transaction():
            self._database.executemany("DELETE FROM objects WHERE name = ?", listed)
        with self._explained():
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def names(self, folder: str) -> Iterator[str]:
        """List names below a folder, some at a time; objects may come and go meanwhile.

        Raises:
            BadArgument: The folder's name is not allowed.
            UnreadableFile, DamagedData: The database cannot be read.
        """
        _check(folder)
        last, end = f"{folder}/", f"{folder}0"  # "0" is the character after "/"
        query = "SELECT name FROM objects WHERE name > ? AND name < ? ORDER BY name LIMIT ?"
        while True:
            with self._explained():
                page = self._database.execute(query, (last, end, _PAGE)).fetchall()
            yield from (name for (name,) in page)
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def count(self, folder: str) -> int:
        """Count the objects below a folder.

        Raises:
            BadArgument: The folder's name is not allowed.
            UnreadableFile, DamagedData: The database cannot be read.
        """
        _check(folder)
        query = "SELECT count(*) FROM objects WHERE name > ? AND name < ?"
        with self._explained():
            found = self._database.execute(query, (f"{folder}/", f"{folder}0")).fetchone()
        return int(found[0])

    def _write(self, objects: Sequence[tuple[str, bytes]]) -> None:
        self._database.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?)", objects)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            where = str(self.folder)
            if code in _FULL:
                raise DiskFull(f"{where}: the disk is full", instance=where) from error
            if code in _DAMAGED:
                raise DamagedData(f"{where}: the database is damaged", instance=where) from error
            if code == sqlite3.SQLITE_READONLY:
                raise ReadOnlyFolder(f"{where} cannot be written", instance=where) from error
            raise UnreadableFile(f"{where}: {error}", instance=where) from error


def _check(name: str) -> None:
    if len(name) > NAME_CHARACTERS_MAX or not _NAME(name):
        raise BadArgument("the name of an object has lower-case letters, digits and slashes")
