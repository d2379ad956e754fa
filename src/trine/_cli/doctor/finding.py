"""Say what an examination found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What one examination found.

    Attributes:
        check: What was looked at.
        level: How bad it is.
        found: What was found, with its value.
        remedy: What to do; empty where all is well.
    """

    check: str
    level: Level
    found: str
    remedy: str = ""

    def document(self) -> dict[str, Any]:
        """Write the finding for JSON."""
        return {
            "check": self.check,
            "level": str(self.level),
            "found": self.found,
            "remedy": self.remedy or None,
        }


def ok(check: str, found: str) -> Finding:
    """Tell that all is well."""
    return Finding(check, Level.OK, found)


def judged(
    check: str, found: str, remedy: str, *, warning: bool = False, problem: bool = False
) -> Finding:
    """Tell what was found; the remedy only where it is needed."""
    level = Level.PROBLEM if problem else Level.WARNING if warning else Level.OK
    return Finding(check, level, found, "" if level is Level.OK else remedy)
