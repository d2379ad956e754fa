"""Keep the totals of a hospital's log up to date: each event is read and checked once.

What a report shows (`oversight`) is added up event by event as the log grows, so that a page shows
the totals of very many events at once. Its head is certified, and every entry was hashed to it.
"""

import asyncio
from typing import Final

from trine.apps.health.custody import Custody
from trine.apps.health.events import Kind
from trine.apps.health.log import CertifiedHead
from trine.apps.health.oversight import PAUSE, Tally
from trine.errors.health import HistoryIncomplete
from trine.model.identifiers import Digest

WAIT_S: Final = 2.0
"""Seconds that somebody waits for the totals; then the rest is read while others go on."""


class RunningReport:
    """The totals of one custodian's log. All methods are for one event loop."""

    def __init__(self, custody: Custody) -> None:
        """Follow the log of a custodian; nothing is read yet."""
        self._custody = custody
        self.tally = Tally(custody.base.log.suite, custody.custodian)
        self.patients: dict[Digest, None] = {}
        """Patients of emergencies, in the order of the log."""
        self.head: CertifiedHead | None = None
        """Head up to which every event was read; nothing before the first time."""
        self._reading: asyncio.Task[None] | None = None

    async def refresh(self) -> bool:
        """Learn of newer events, of some at least.

        Returns:
            Whether every event up to `head` is in the totals, and nothing behind it.

        Raises:
            HistoryIncomplete: The store lacks an event of the log.
            HistoryMismatch, BadDisclosure: One is another than that of its entry.
            TrineError: No node answers, or it lies.
        """
        await self._custody.base.log.refresh()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait({self._reading}, timeout=WAIT_S)
        if not self._reading.done():
            return False
        self._reading.result()
        return True

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self) -> None:
        log, head = self._custody.base.log, self._custody.base.log.head
        if head is None:
            return
        if head.size % 2:
            raise HistoryIncomplete(f"the log has {head.size} entries: two for each event")
        while 2 * self.tally.count < head.size:
            marker, entry = (log.entry(2 * self.tally.count + at) for at in (0, 1))
            assert marker is not None, "the log has as many entries as its head says"
            assert entry is not None, "the log has as many entries as its head says"
            seen = self.tally.add(marker, entry, self._custody.opening(entry))
            if seen.kind is Kind.EMERGENCY and not seen.is_void:
                self.patients[self._custody.event(entry).position.patient] = None
            if self.tally.count % PAUSE == 0:
                await asyncio.sleep(0)
        self.head = head
