"""Take signed statements of the usual form apart, verify them, make receipts, many at once."""

from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["byte_strings", "receipts", "take", "verify"]

_Taken: TypeAlias = tuple[str, str, str, str, bytes, int | None, bytes, bytes]

def take(function: str, statements: Sequence[bytes]) -> list[_Taken | None]: ...
def verify(algorithm_name: str, keys: Sequence[bytes], statements: Sequence[bytes]) -> bytes: ...
def receipts(
    function: str,
    size: int,
    number: int,
    tile: bytes,
    places: bytes,
    above: bytes,
    before: bytes,
    behind: bytes,
) -> list[bytes]: ...
def byte_strings(data: bytes, count_max: int) -> list[bytes] | None: ...
