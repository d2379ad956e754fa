"""Hash the entries of a log anew from the right edge of its tree, and compare its tiles."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

from trine.services.evidence import tiles, tree
from trine.services.evidence.source import Source, read_tile
from trine.services.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, width_of
from trine.services.evidence.tree import Frontier, HashFunction
from trine.types import Digest


class Edge(NamedTuple):
    """What is remembered of a log of which every entry was read.

    Attributes:
        leaves: The right edge of the tree.
        partial: Content of the partial tile of each level that has one.
    """

    leaves: Frontier
    partial: Mapping[int, bytes]

    @classmethod
    def begin(cls, function: HashFunction) -> Self:
        """Begin with the first entry."""
        return cls(Frontier(function), {})

    def to_json(self) -> dict[str, Any]:
        """Return the partial tiles, as they are remembered."""
        return {str(level): content.hex() for level, content in self.partial.items()}

    @staticmethod
    def partial_from_json(document: Mapping[str, str]) -> dict[int, bytes]:
        """Read what `to_json` returns.

        Raises:
            ValueError, TypeError, AttributeError: It is nothing of the kind.
        """
        return {int(level): bytes.fromhex(content) for level, content in document.items()}

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return a partial tile, for whoever appends."""
        del index, width
        return self.partial[level]

    def extend(self, entries: Sequence[bytes]) -> tuple[Self, dict[Tile, bytes]]:
        """Return what is remembered after more entries, and the tiles that they make."""
        return self.grow(tree.leaf_hashes(self.leaves.function, entries))

    def grow(self, hashes: Sequence[Digest]) -> tuple[Self, dict[Tile, bytes]]:
        """Do the same with the hashes of the entries as leaves."""
        function, size = self.leaves.function, self.leaves.size
        made = tiles.append(function, self, size, hashes)
        partial = _partial_after(self.partial, made, size + len(hashes))
        return self._replace(leaves=self.leaves.extend(hashes), partial=partial), made


class Served:
    """Tiles as they are served, for a `tiles.View`."""

    def __init__(self, source: Source, prefix: str = "") -> None:
        """Read them below a prefix, such as `sha256/`."""
        self._source, self._prefix = source, prefix

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return a tile; nothing where there is none."""
        return read_tile(self._source, Tile(level, index, width), self._prefix) or b""


def differing(
    source: Source, made: Mapping[Tile, bytes], size: int, prefix: str = ""
) -> list[Tile]:
    """List tiles that are served and are others; partial ones of other sizes need not be there.

    Args:
        source: Where they are.
        made: The tiles as they must be.
        size: Entries of the log.
        prefix: What stands before `tile` in their paths.
    """
    wanted = [tile for tile in made if tile.width == width_of(*tile[:2], size)]

    def differs(tile: Tile) -> bool:
        served = read_tile(source, tile, prefix)
        return served is None or served[: len(made[tile])] != made[tile]

    with ThreadPoolExecutor(source.parallel) as pool:
        verdicts = list(pool.map(differs, wanted))
    return [tile for tile, is_wrong in zip(wanted, verdicts, strict=True) if is_wrong]


def _partial_after(
    partial: Mapping[int, bytes], made: Mapping[Tile, bytes], size: int
) -> dict[int, bytes]:
    """Return the partial tiles of a log of a size."""
    found = {}
    level = 0
    while size >> TILE_HEIGHT * level:
        number, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if width:
            fresh = made.get(Tile(level, number, width))
            found[level] = partial[level] if fresh is None else fresh
        level += 1
    return found
