"""Tell how far long work is, and how fast it goes."""

import time
from typing import Final

from trine._cli.settings import Settings

TELL_S: Final = 2.0
"""Seconds between two lines of progress."""
KILOBYTE: Final = 1_000
MEGABYTE: Final = 1_000_000


def amount(size: int) -> str:
    """Write a number of bytes for people."""
    if size < MEGABYTE:
        return f"{size / KILOBYTE:.1f} kB"
    return f"{size / MEGABYTE:.1f} MB"


class Pace:
    """Tell how far a piece of work is, and how fast it goes."""

    def __init__(self, settings: Settings) -> None:
        """Start the clock."""
        self._settings = settings
        self._started = self._told = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return max(time.monotonic() - self._started, 1e-9)

    def tell(self, height: int, last: int, blocks: int, size: int, transactions: int = -1) -> None:
        """Print a line where the last one is long ago."""
        if time.monotonic() - self._told < TELL_S:
            return
        self._told = time.monotonic()
        line = f"height {height} of {last}, {amount(size)}"
        line += f", {blocks / self.seconds:.0f} blocks/s"
        if transactions >= 0:
            line += f", {transactions / self.seconds:.0f} transactions/s"
        self._settings.note(line)
