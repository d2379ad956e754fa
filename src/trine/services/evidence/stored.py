"""Keep a log's tiles and bundles of entries among objects, in the layout of C2SP tlog-tiles.

Every file is one that any web server can serve: `tile/0/000`, `tile/entries/000.p/7`.
"""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from trine.errors.services import BadTile
from trine.services.evidence import tiles, tree
from trine.services.evidence.objects import Objects
from trine.services.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, View
from trine.services.evidence.tree import HashFunction
from trine.types import Digest


class Found(NamedTuple):
    """A file of a tree.

    Attributes:
        name: Its name among the objects.
        width: How many hashes or entries it must have.
        content: Its content.
    """

    name: str
    width: int
    content: bytes


class Known(NamedTuple):
    """A tree as a checkpoint has it.

    Attributes:
        size: Leaves, one at least.
        root: Root over them.
    """

    size: int
    root: Digest


class StoredTree:
    """A tree of hashes with the entries below it, whose files lie below a prefix."""

    def __init__(self, function: HashFunction, objects: Objects, prefix: str) -> None:
        """Keep files below `prefix`, such as `logs/7/`."""
        self.function = function
        self._objects = objects
        self.prefix = prefix

    def find(self, tile: Tile, *, entries: bool = False) -> Found | None:
        """Find a tile, or a wider one where only that is left; nothing where there is none.

        Args:
            tile: The tile.
            entries: Whether its bundle of entries is meant.
        """
        for wider in _widths(tile.width):
            path = tiles.entries_path(tile.number, wider) if entries else None
            name = self.prefix + (path or tiles.path(tile._replace(width=wider)))
            content = self._objects.read(name)
            if content is not None:
                return Found(name, wider, content)
        return None

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return a tile, or a wider one where only that is left; nothing where there is none."""
        found = self.find(Tile(level, index, width))
        return b"" if found is None else found.content

    def entries(self, number: int, width: int = TILE_WIDTH) -> list[bytes]:
        """Return the first `width` entries of a bundle.

        Raises:
            BadTile: There is no such bundle, or it has not so many entries.
        """
        found = self.find(Tile(0, number, width), entries=True)
        if found is None:
            raise BadTile(f"{self.prefix}{tiles.entries_path(number, width)} is missing")
        try:
            entries = tiles.entries_in(found.content)
        except BadTile as error:
            raise BadTile(f"{found.name}: {error}") from None
        if len(entries) < width:
            raise BadTile(f"{found.name} has {len(entries)} entries, expected {found.width}")
        return entries[:width]

    def has_entries(self, size: int) -> bool:
        """Say whether the bundle is there that has the last of `size` entries, where any is."""
        number, last = divmod(size - 1, TILE_WIDTH)
        return size == 0 or self.find(Tile(0, number, last + 1), entries=True) is not None

    def view(self, size: int) -> View:
        """Look at the tree as it was with `size` leaves."""
        return View(self.function, self, size)

    def append(self, size: int, entries: Sequence[bytes]) -> list[Digest]:
        """Keep more entries durably; partial tiles go when the full one is there.

        Args:
            size: Entries before them.
            entries: The entries.

        Returns:
            Hash of each of them as a leaf.

        Raises:
            BadTile: A tile or bundle at the edge is missing.
        """
        leaves = tree.leaf_hashes(self.function, entries)
        made = tiles.append(self.function, self, size, leaves)
        named = {tiles.path(tile): content for tile, content in made.items()}
        number, kept = divmod(size, TILE_WIDTH)
        joined = [*(self.entries(number, kept) if kept else ()), *entries]
        for at in range(0, len(joined), TILE_WIDTH):
            part = joined[at : at + TILE_WIDTH]
            named[tiles.entries_path(number + at // TILE_WIDTH, len(part))] = tiles.bundle(part)
        self._objects.write({self.prefix + name: one for name, one in named.items()})
        for name in _outgrown(size, made):
            self._objects.remove(self.prefix + name)
        return leaves


def _widths(width: int) -> Iterable[int]:
    """List which tiles hold one of a width: mostly itself, or the full one where that is gone."""
    return dict.fromkeys((width, TILE_WIDTH, *range(width + 1, TILE_WIDTH)))


def _outgrown(size: int, made: Container[Tile]) -> list[str]:
    """Name the folders of the partial tiles in whose place full ones were made."""
    found = []
    for level in range(size.bit_length() // TILE_HEIGHT + 1):
        number, kept = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if kept and Tile(level, number) in made:
            found.append(tiles.path(Tile(level, number)) + ".p")
            if level == 0:
                found.append(tiles.entries_path(number) + ".p")
    return found
