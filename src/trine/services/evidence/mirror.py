"""Keep the tiles of a chain's log, and know its newest head that validators certified."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from trine.errors.services import LogDiffers
from trine.services.evidence import tiles, tree
from trine.services.evidence.chain import FETCH_MAX, ChainLog, ProvenHead
from trine.services.evidence.objects import Objects
from trine.services.evidence.tiles import Tile, View
from trine.types import Digest

Placed = Callable[[int, Sequence[Digest]], None]
"""Told of the index of the first and the entries, once their tiles are on the disk; it may wait
for the disk itself."""


class Certified(NamedTuple):
    """A head with a view of the log that it is about."""

    head: ProvenHead
    view: View


class FromObjects:
    """Tiles below a prefix."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        """Read below `prefix`."""
        self._objects = objects
        self._prefix = prefix

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return the tile, or a wider one where only that is left."""
        for wider in range(width, tiles.TILE_WIDTH + 1):
            found = self._objects.read(self._prefix + tiles.path(Tile(level, index, wider)))
            if found is not None:
                return found
        return b""

    def write(self, made: dict[Tile, bytes]) -> None:
        """Keep tiles durably."""
        named = {self._prefix + tiles.path(tile): content for tile, content in made.items()}
        self._objects.write(named)


class Mirror:
    """The tiles of one log, which follow the chain."""

    def __init__(
        self, chain: ChainLog, objects: Objects, prefix: str, size: int, placed: Placed
    ) -> None:
        """Go on with a log whose first `size` entries have tiles.

        Args:
            chain: The log of the chain.
            objects: Where tiles are kept.
            prefix: Where in it, such as `logs/7/`.
            size: Entries that were mirrored before.
            placed: Told of more.
        """
        self._chain = chain
        self._tiles = FromObjects(objects, prefix)
        self._placed = placed
        self.size = size
        self.certified: Certified | None = None

    async def advance(self) -> Certified | None:
        """Follow the chain to its newest certified head; nothing while the log is empty.

        Raises:
            LogDiffers: The certified root is not that of the entries.
            TrineError: A node does not answer, or lies.
        """
        size = await self._chain.size()
        known = self.certified
        if size == 0 or (known is not None and size <= known.head.size):
            return known
        head = await self._chain.prove(size - 1)
        while self.size < head.size:
            entries = await self._chain.entries(self.size, min(head.size - self.size, FETCH_MAX))
            if not entries:
                # The node that answered now is behind the one that gave the proof.
                return known
            await asyncio.to_thread(self._append, entries)
        view = View(self._chain.function, self._tiles, head.size)
        root = await asyncio.to_thread(view.root)
        if root != head.root:
            at = f"at {head.size} entries of log {self._chain.log}"
            raise LogDiffers(f"the root {at} is {head.root} on the chain and {root} here")
        self.certified = Certified(head, view)
        return self.certified

    def _append(self, entries: Sequence[Digest]) -> None:
        function = self._chain.function
        leaves = tree.leaf_hashes(function, entries)
        self._tiles.write(tiles.append(function, self._tiles, self.size, leaves))
        self._placed(self.size, entries)
        self.size += len(entries)
