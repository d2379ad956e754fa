"""Draw from one seed, the same on every machine and every version of Python.

Only `random.Random.random` is used: Python promises its sequence for a seed (module `random`,
"Notes on Reproducibility"), and that of nothing else.

>>> dice = Dice(7)
>>> dice.whole(1, 6), dice.one(("a", "b", "c")), dice.decimal(36.0, 38.0, 1)
(2, 'a', Decimal('36.7'))
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

_Item = TypeVar("_Item")
_ID_HALF = 2**52


class Dice:
    """A source of choices."""

    def __init__(self, seed: int) -> None:
        """Start from a seed."""
        self._draw = Random(seed).random  # noqa: S311 - made-up patients, no secrets

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self._draw() < probability

    def whole(self, least: int, most: int) -> int:
        """Choose a whole number, both ends included."""
        return least + int(self._draw() * (most - least + 1))

    def one(self, items: Sequence[_Item]) -> _Item:
        """Choose one of some."""
        return items[int(self._draw() * len(items))]

    def decimal(self, least: float, most: float, digits: int) -> Decimal:
        """Choose a number with so many digits after the point, near the middle more often."""
        share = (self._draw() + self._draw()) / 2
        return Decimal(f"{least + share * (most - least):.{digits}f}")

    def id(self) -> str:
        """Make an id of 26 hexadecimal digits."""
        return f"{int(self._draw() * _ID_HALF):013x}{int(self._draw() * _ID_HALF):013x}"

    def digits(self, count: int) -> str:
        """Make a text of decimal digits."""
        return f"{int(self._draw() * 10**count):0{count}d}"

    def day(self, first: date, last: date) -> date:
        """Choose a day, both ends included."""
        return first + timedelta(days=self.whole(0, (last - first).days))

    def moment(self, day: date) -> datetime:
        """Choose a minute of a day between 8 and 18 o'clock, UTC."""
        minutes = self.whole(8 * 60, 18 * 60)
        return datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=UTC)
