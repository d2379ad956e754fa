"""Open the small SQLite files of timestamps, so that what was acknowledged survives a power cut."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trine.errors import TimestampStore

BUSY_S: Final = 10.0
"""Seconds that one process waits for another that writes."""


class Store:
    """One SQLite file; every change is on the disk before the call that made it returns."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open a file, or make it with a schema.

        Raises:
            TimestampStore: It cannot be opened, or is not of this schema.
        """
        self.path = path
        self._schema = schema
        # Only the service itself needs the file: nobody else reads what is stamped.
        with self.refusing():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.close(descriptor)
        with self.change() as database:
            for statement in schema.split(";"):
                database.execute(statement)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn errors of the file into ours.

        Raises:
            TimestampStore: The file cannot be used.
        """
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = f"{self.path} cannot be used: {error}"
            raise TimestampStore(message, instance=str(self.path)) from None

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Change the file in one transaction: all of it is there afterwards, or nothing.

        Raises:
            TimestampStore: The file cannot be used.
        """
        with self.refusing():
            database = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
            try:
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
            finally:
                database.close()
