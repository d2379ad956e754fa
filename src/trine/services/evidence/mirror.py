"""Keep the files of a chain's log, and know its newest head that validators certified."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from trine.errors.services import LogDiffers
from trine.services.evidence.catalogue import FOLDER, Catalogue
from trine.services.evidence.chain import FETCH_MAX, ChainLog, ProvenHead
from trine.services.evidence.objects import Objects
from trine.services.evidence.rows import About
from trine.services.evidence.stored import StoredTree
from trine.services.evidence.tiles import View
from trine.types import Digest

Placed = Callable[[int, Sequence[Digest]], None]
"""Told of the index of the first and the entries, once their tiles are on the disk; it may wait
for the disk itself."""
Describe = Callable[[Sequence[Digest]], Sequence[About]]
"""Says what the statements of entries are about."""


class Certified(NamedTuple):
    """A head with a view of the log that it is about."""

    head: ProvenHead
    view: View


class Mirror:
    """The tiles of one log and the rows of its index, which follow the chain."""

    def __init__(
        self,
        chain: ChainLog,
        objects: Objects,
        prefix: str,
        size: int,
        *,
        describe: Describe,
        placed: Placed,
    ) -> None:
        """Go on with a log whose first `size` entries have tiles.

        Args:
            chain: The log of the chain.
            objects: Where tiles are kept.
            prefix: Where in it, such as `logs/7/`.
            size: Entries that were mirrored before.
            describe: Says what is written into the index.
            placed: Told of more.
        """
        self._chain = chain
        self._describe = describe
        self._placed = placed
        self.tree = StoredTree(chain.function, objects, prefix)
        # A folder of an earlier release, or a new one, is filled from the first entry on.
        index = StoredTree(chain.function, objects, prefix + FOLDER)
        self.size = size if self.tree.has_entries(size) and index.has_entries(size) else 0
        self.catalogue = Catalogue(chain.function, objects, prefix, self.size)
        self.certified: Certified | None = None
        self.is_whole = False
        """Whether the chain's log had no more than is here when it was asked last."""
        self.lock = asyncio.Lock()
        """Held while the log grows."""

    async def advance(self) -> Certified | None:
        """Follow the chain to its newest certified head; nothing while the log is empty.

        Raises:
            LogDiffers: The certified root is not that of the entries.
            TrineError: A node does not answer, or lies.
        """
        async with self.lock:
            return await self._advance()

    async def _advance(self) -> Certified | None:
        self.is_whole = False
        size = await self._chain.size()
        known = self.certified
        if size == 0 or (known is not None and size <= known.head.size):
            self.is_whole = True
            return known
        head = await self._chain.prove(size - 1)
        while self.size < head.size:
            entries = await self._chain.entries(self.size, min(head.size - self.size, FETCH_MAX))
            if not entries:
                # The node that answered now is behind the one that gave the proof.
                return known
            await asyncio.to_thread(self._append, entries)
        view = self.tree.view(head.size)
        root = await asyncio.to_thread(view.root)
        if root != head.root:
            at = f"at {head.size} entries of log {self._chain.log}"
            raise LogDiffers(f"the root {at} is {head.root} on the chain and {root} here")
        self.certified = Certified(head, view)
        self.is_whole = True
        return self.certified

    def _append(self, entries: Sequence[Digest]) -> None:
        about = self._describe(entries)
        self.tree.append(self.size, entries)
        # Some have rows already where the last attempt ended behind this line.
        known = self.catalogue.size - self.size
        self.catalogue.append(entries[known:], about[known:], time.time_ns() // 1_000_000)
        self._placed(self.size, entries)
        self.size += len(entries)
