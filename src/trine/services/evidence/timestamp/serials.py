"""Give every token a number that no other token of the authority has.

RFC 3161, section 2.4.2: a serial number is unique, and stays so after a crash. A number is a
counter and 64 random bits: the counter alone keeps them apart, and where somebody brings an older
copy of the file back, the random bits still do.
"""

import secrets
from pathlib import Path
from typing import Final

from trine.errors import TimestampStore
from trine.services.evidence.timestamp.store import Store

RANDOM_BITS: Final = 64
"""Random bits at the end of a number."""
COUNTER_MAX: Final = 2**63 - 1
"""Highest counter that the file holds; no authority gets there."""
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS serials (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    given INTEGER NOT NULL
);
INSERT OR IGNORE INTO serials VALUES (1, 0)
"""


class Serials:
    """The numbers of one authority, in a file that several processes may share."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin one.

        Raises:
            TimestampStore: It cannot be used.
        """
        self._store = Store(path, SCHEMA)

    def take(self) -> int:
        """Take the next number; it is never given again, whatever happens afterwards.

        Raises:
            TimestampStore: The file cannot be used.
        """
        return self.take_many(1)[0]

    def take_many(self, count: int) -> list[int]:
        """Take so many numbers, ascending, with one write to the disk.

        Raises:
            TimestampStore: The file cannot be used.
        """
        with self._store.change() as database:
            database.execute("UPDATE serials SET given = given + ? WHERE one = 1", (count,))
            row = database.execute("SELECT given FROM serials WHERE one = 1").fetchone()
        if row is None or not 0 < row[0] < COUNTER_MAX:
            raise TimestampStore(f"{self._store.path} holds no counter of serial numbers")
        first = int(row[0]) - count + 1
        return [
            number << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
            for number in range(first, first + count)
        ]
