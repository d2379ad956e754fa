"""Step the clock of one process with libfaketime; the machine's own stays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trine.errors import BadArgument

PLACES: Final = ("/usr/lib", "/usr/local/lib")
NAME: Final = "libfaketimeMT.so.1"
LOOK_S: Final = 1
"""Seconds after which a process has seen that its clock was stepped."""


def library() -> Path:
    """Find the library.

    Raises:
        BadArgument: It is not installed.
    """
    patterns = (f"faketime/{NAME}", f"*/faketime/{NAME}")
    found = [one for place in PLACES for pattern in patterns for one in Path(place).glob(pattern)]
    if not found:
        message = f"{NAME} is missing, with which clocks are stepped: install the package faketime"
        raise BadArgument(message, instance=NAME)
    return found[0]


class Clock:
    """The clock of one process."""

    def __init__(self, file: Path) -> None:
        """Keep in `file` by how much it is stepped."""
        self.file = file
        self.step(0)

    def step(self, seconds: int) -> None:
        """Let the clock differ from the machine's."""
        partial = self.file.with_name(self.file.name + ".partial")
        partial.write_text(f"{seconds:+d}\n")
        partial.replace(self.file)

    def environment(self) -> dict[str, str]:
        """Say what the process must find in its environment."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": str(LOOK_S),
            # Timers go on as ever, as they do when a real clock is stepped.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
