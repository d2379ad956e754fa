"""Keep what is to be stamped by outside authorities until it is, across restarts.

Whoever puts an imprint in has it on the disk before the call returns. It stays until a token that
was verified stands beside it; what an authority sent that was not verified is never kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trine.errors import TimestampQueueFull
from trine.services.evidence.timestamp.algorithms import Imprint
from trine.services.evidence.timestamp.limits import RETRY_MS_MAX, RETRY_MS_MIN, WAITING_MAX
from trine.services.evidence.timestamp.store import Store

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS timestamps (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest BLOB NOT NULL,
    asked INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL,
    failure TEXT,
    token BLOB,
    time_ms INTEGER,
    UNIQUE (url, algorithm, digest)
);
CREATE INDEX IF NOT EXISTS due ON timestamps (next_ms) WHERE token IS NULL
"""
COLUMNS: Final = "number, url, algorithm, digest, asked, next_ms, failure, token, time_ms"


@dataclass(frozen=True)
class Entry:
    """One imprint for one authority.

    Attributes:
        number: Its number in the queue.
        url: Authority that is asked.
        imprint: What is to be stamped.
        asked: How often the authority was asked.
        next_ms: When it is asked next, in Unix milliseconds.
        failure: Code of the last failure, where there was one.
        token: The verified token, once there is one.
        time_ms: When the authority says that it was made, in Unix milliseconds.
    """

    number: int
    url: str
    imprint: Imprint
    asked: int
    next_ms: int
    failure: str | None
    token: bytes | None
    time_ms: int | None


class Waiting:
    """A queue in one file; several processes may use it."""

    def __init__(self, path: Path, *, waiting_max: int = WAITING_MAX) -> None:
        """Open the file, or begin one.

        Args:
            path: The file.
            waiting_max: Entries that may wait; what has a token counts no more.

        Raises:
            TimestampStore: It cannot be used.
        """
        self._store = Store(path, SCHEMA)
        self.waiting_max = waiting_max

    def put(self, imprint: Imprint, url: str, *, now_ms: int) -> int:
        """Ask for a timestamp; the same imprint and authority keep their one entry.

        Returns:
            The entry's number; it is on the disk.

        Raises:
            TimestampQueueFull: As many entries wait as may.
            TimestampStore: The file cannot be used.
        """
        key = (url, imprint.algorithm, imprint.digest)
        with self._store.change() as database:
            found = database.execute(
                "SELECT number FROM timestamps WHERE url = ? AND algorithm = ? AND digest = ?", key
            ).fetchone()
            if found is not None:
                return int(found[0])
            waiting = "SELECT count(*) FROM timestamps WHERE token IS NULL"
            (count,) = database.execute(waiting).fetchone()
            if count >= self.waiting_max:
                raise TimestampQueueFull(
                    f"{count} timestamps wait for outside authorities, at most {self.waiting_max}"
                )
            made = database.execute(
                "INSERT INTO timestamps (url, algorithm, digest, next_ms) VALUES (?, ?, ?, ?)",
                (*key, now_ms),
            )
            return int(made.lastrowid or 0)

    def entry(self, number: int) -> Entry | None:
        """Return an entry, where there is one with this number."""
        with self._store.change() as database:
            query = f"SELECT {COLUMNS} FROM timestamps WHERE number = ?"  # noqa: S608 - constant
            row = database.execute(query, (number,)).fetchone()
        return None if row is None else _entry(row)

    def find(self, imprint: Imprint, url: str) -> Entry | None:
        """Return the entry of an imprint and an authority, where there is one."""
        query = f"""SELECT {COLUMNS} FROM timestamps
            WHERE url = ? AND algorithm = ? AND digest = ?"""  # noqa: S608 - constant
        with self._store.change() as database:
            row = database.execute(query, (url, imprint.algorithm, imprint.digest)).fetchone()
        return None if row is None else _entry(row)

    def count(self) -> int:
        """Count the entries that wait for their token."""
        with self._store.change() as database:
            row = database.execute("SELECT count(*) FROM timestamps WHERE token IS NULL").fetchone()
        return int(row[0])

    def due(self, now_ms: int, *, url: str | None = None, count_max: int = 100) -> Sequence[Entry]:
        """List the entries whose authority is to be asked now, the longest overdue first.

        Args:
            now_ms: Unix time in milliseconds.
            url: One authority; by default all.
            count_max: Most entries.
        """
        query = f"""SELECT {COLUMNS} FROM timestamps WHERE token IS NULL AND next_ms <= ?
            AND (? IS NULL OR url = ?) ORDER BY next_ms, number LIMIT ?"""  # noqa: S608 - constant
        with self._store.change() as database:
            found = database.execute(query, (now_ms, url, url, count_max))
            return [_entry(row) for row in found]

    def keep_only(self, urls: Collection[str]) -> int:
        """Forget what waits for other authorities than these; what has a token stays.

        Returns:
            How many entries were forgotten.
        """
        marks = ", ".join("?" for _ in urls)
        query = f"DELETE FROM timestamps WHERE token IS NULL AND url NOT IN ({marks})"  # noqa: S608
        with self._store.change() as database:
            return database.execute(query, tuple(urls)).rowcount

    def done(self, number: int, token: bytes, time_ms: int) -> None:
        """Keep a token that was verified; a first one is never replaced."""
        with self._store.change() as database:
            database.execute(
                "UPDATE timestamps SET token = ?, time_ms = ?, failure = NULL, asked = asked + 1 "
                "WHERE number = ? AND token IS NULL",
                (token, time_ms, number),
            )

    def failed(self, number: int, code: str, *, now_ms: int) -> None:
        """Note a failure and when to ask again: after pauses that double, to `RETRY_MS_MAX`."""
        with self._store.change() as database:
            row = database.execute(
                "SELECT asked FROM timestamps WHERE number = ? AND token IS NULL", (number,)
            ).fetchone()
            if row is not None:
                database.execute(
                    "UPDATE timestamps SET failure = ?, asked = asked + 1, next_ms = ? "
                    "WHERE number = ?",
                    (code, now_ms + pause_ms(int(row[0])), number),
                )


def pause_ms(asked: int) -> int:
    """Return the pause after an authority failed, in milliseconds.

    Args:
        asked: How often it had been asked before.
    """
    return min(RETRY_MS_MAX, RETRY_MS_MIN << min(asked, RETRY_MS_MAX.bit_length()))


def _entry(row: Sequence[Any]) -> Entry:
    number, url, algorithm, digest, *rest = row
    return Entry(number, url, Imprint(algorithm, digest), *rest)
