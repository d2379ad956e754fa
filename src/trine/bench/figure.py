"""Hold one measured figure.

Example:
    >>> from trine.bench import Figure
    >>> Figure("sm2", "batch", "1000 keys", 8192, "trine, portable", 9.5).per_s
    105263
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        algorithm: Algorithm or hash function.
        operation: `sign`, `verify` (one), `batch`, `exact` (many, without a random equation),
            `recover`, `hash`, `hash many`, `seal` or `open`.
        case: What is particular: keys, wrong signatures, length.
        count: Items of one run.
        by: Whose code.
        us: CPU time of an item, in microseconds.
    """

    algorithm: str
    operation: str
    case: str
    count: int
    by: str
    us: float

    @property
    def per_s(self) -> int:
        """Items that one core does in a second."""
        return round(1e6 / self.us)
