"""Hold all entries of a log in memory: find each by its bytes, in any earlier state of the log.

>>> held = Entries([Digest(bytes([one]) * 32) for one in (7, 8, 7)])
>>> seven = Digest(bytes([7]) * 32)
>>> held.first(seven), held.upto(3).places(seven), held.upto(2).places(seven)
(0, [0, 2], [0])
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from trine.model.identifiers import Digest


class Entries:
    """The entries of a log that grows; about 200 bytes each."""

    def __init__(self, entries: Iterable[Digest] = ()) -> None:
        """Hold some."""
        self._all: list[Digest] = []
        self._first: dict[Digest, int] = {}
        self._again: defaultdict[Digest, list[int]] = defaultdict(list)
        """Further places of the few that stand more than once."""
        self.extend(entries)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def extend(self, entries: Iterable[Digest]) -> None:
        """Add entries behind those that there are."""
        for entry in entries:
            place = len(self._all)
            if self._first.setdefault(entry, place) != place:
                self._again[entry].append(place)
            self._all.append(entry)

    def first(self, entry: Digest) -> int | None:
        """Return the first index of an entry; nothing where there is none."""
        return self._first.get(entry)

    def entry(self, index: int) -> Digest | None:
        """Return an entry; nothing past the end."""
        return self._all[index] if index < len(self._all) else None

    def upto(self, size: int) -> "Part":
        """Return the log as it was when it had so many entries; nothing is copied."""
        assert size <= len(self._all), "the log has as many entries"
        return Part(self, size)

    def places(self, entry: Digest) -> list[int]:
        """Return every index of an entry, in order."""
        first = self._first.get(entry)
        return [] if first is None else [first, *self._again.get(entry, ())]

    def listed(self, size: int) -> list[Digest]:
        """Return the first entries."""
        return self._all[:size]


class Part(NamedTuple):
    """A log as it was when it had `size` entries.

    Attributes:
        entries: Entries of the log, of which it has more by now.
        size: Number of those that count.
    """

    entries: Entries
    size: int

    def places(self, entry: Digest) -> list[int]:
        """Return every index of an entry, in order."""
        return [place for place in self.entries.places(entry) if place < self.size]

    def entry(self, index: int) -> Digest | None:
        """Return an entry; nothing past the end."""
        return self.entries.entry(index) if index < self.size else None

    def listed(self) -> list[Digest]:
        """Return all entries."""
        return self.entries.listed(self.size)
