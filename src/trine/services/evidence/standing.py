"""Remember which statements wait for a receipt, who waits with them, and where the last ones are.

What is here is in the database too; it is here so that no question is asked there about statements
that came a moment ago.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from trine.services.evidence.rows import About
from trine.types import Digest

PLACED_MAX: Final = 32_768
"""Statements whose places are remembered, those of last: 252 bytes each, 8 MiB."""


class Standing:
    """Statements that wait, and those that were placed of late. For one event loop.

    Other threads may ask what an entry is about, and whether it waits.
    """

    def __init__(self) -> None:
        """Know of nothing."""
        self._waiting: dict[Digest, About | None] = {}
        # A dict would look over all that were dropped, to find its first.
        self._placed: OrderedDict[Digest, int] = OrderedDict()
        self._waiters: dict[Digest, list[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        """Count the statements that wait."""
        return len(self._waiting)

    def __contains__(self, entry: Digest) -> bool:
        """Say whether an entry waits."""
        return entry in self._waiting

    @property
    def is_awaited(self) -> bool:
        """Whether anybody waits for a receipt."""
        return bool(self._waiters)

    def add(self, statements: Mapping[Digest, About | None]) -> None:
        """Remember statements that wait from now on, with what they are about where it is known."""
        self._waiting.update(statements)

    def about(self, entry: Digest) -> About | None:
        """Return what a statement that waits is about; nothing where it is not known here."""
        return self._waiting.get(entry)

    def place_of(self, entry: Digest) -> int | None:
        """Return the place of an entry that was placed of late."""
        return self._placed.get(entry)

    def place(self, first: int, entries: Iterable[Digest]) -> None:
        """Note the places of entries of the log, and tell who waits for them.

        Only those that waited are noted: the others are not registered here, or were placed before.
        """
        for at, entry in enumerate(entries, first):
            if entry in self._waiting:
                del self._waiting[entry]
                self._placed[entry] = at
            for waiter in self._waiters.get(entry, ()):
                if not waiter.done():
                    waiter.set_result(None)
        while len(self._placed) > PLACED_MAX:
            self._placed.popitem(last=False)

    async def wait(self, entry: Digest, timeout_s: float) -> bool:
        """Wait until an entry that waits is placed; says whether it is."""
        if entry not in self._waiting:
            return entry in self._placed
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(entry, [])
        waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            waiters.remove(waiter)
            if not waiters:
                self._waiters.pop(entry, None)
        return True
