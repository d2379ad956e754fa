"""Define what every exception of Trine has: a code, an exit status, what it is about."""

import re
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit status of the command line."""

    DONE = 0
    """Done, or verified."""
    NEGATIVE = 1
    """A negative verdict."""
    USAGE = 2
    """The command line cannot be read."""
    UNREACHABLE = 3
    """No node can be reached."""
    REFUSED = 4
    """Refused: no right, quota, or the machine itself."""
    BAD_INPUT = 5
    """An input file cannot be used."""


class TrineError(Exception):
    """Anything that goes wrong in Trine.

    Attributes:
        code: Stable code; never changes its meaning.
        exit_code: Exit status of a command that ends with this error.
        instance: What the error is about, where there is one (a transaction's id, a path).
        details: More for programs, by name; JSON values.
    """

    code: ClassVar[str]
    exit_code: ClassVar[ExitCode]
    by_code: ClassVar[dict[str, type["TrineError"]]] = {}

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        if not abstract:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
            TrineError.by_code[cls.code] = cls

    def __init__(self, message: str = "", *, instance: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.instance = instance
        self.details: dict[str, object] = {}


class BadInput(TrineError, abstract=True):
    """An input file cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class LocalRefusal(TrineError, abstract=True):
    """The machine or the home folder refuses."""

    exit_code = ExitCode.REFUSED


class NegativeVerdict(TrineError, abstract=True):
    """Verification ended with a negative verdict."""

    exit_code = ExitCode.NEGATIVE


class Unavailable(TrineError, abstract=True):
    """Nobody can answer now: no node, or no other service; trying again later may help."""

    exit_code = ExitCode.UNREACHABLE
