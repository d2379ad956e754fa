"""Keep a log's hashes in tiles, and make roots and proofs from them (C2SP tlog-tiles).

A tile holds up to 256 hashes of one height of the tree: level 0 has the leaves, level 1 the roots
of full tiles of level 0, and so on. A log of any size is read through a few tiles.

>>> from trine.services.evidence import tiles, tree
>>> leaves = tree.leaf_hashes("sha256", [b"entry"] * 300)
>>> store = {}
>>> reader = tiles.FromMapping(store)
>>> store.update(tiles.append("sha256", reader, 0, leaves))
>>> [tiles.path(tile) for tile in store]
['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']
>>> view = tiles.View("sha256", reader, 300)
>>> tree.check_inclusion("sha256", leaves[7], 7, 300, view.inclusion_path(7), root=view.root())
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from trine.errors import BadArgument
from trine.errors.services import BadTile
from trine.services.evidence.tree import SIZE_MAX, HashFunction, join, parents, range_path, split
from trine.types import Digest

TILE_HEIGHT: Final = 8
"""Heights of the tree that one tile covers."""
TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Hashes of a full tile."""
LEVEL_MAX: Final = 63
"""Largest level that a path may name."""
TILES_CACHED_MAX: Final = 64
"""Tiles that a view keeps, with the nodes above their hashes."""
ENTRY_BYTES_MAX: Final = (1 << 16) - 1
"""Bytes of an entry in a bundle: its length has 16 bits."""

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
_PATH_CHARACTERS_MAX: Final = 64
_DIGEST: Final = Digest.LENGTH


class Tile(NamedTuple):
    """Name of a tile.

    Attributes:
        level: Level, from 0.
        number: Number in the level, from 0.
        width: Hashes in it, 1 to 256; fewer than 256 only at the right edge of the tree.
    """

    level: int
    number: int
    width: int = TILE_WIDTH


class Reader(Protocol):
    """Whatever gives the tiles of a log."""

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return the first `width` hashes of the tile, joined; more may follow them.

        A store that dropped a partial tile gives a wider one.
        """


class FromMapping:
    """Read tiles from a mapping by their names; a wider tile serves for a narrower one."""

    def __init__(self, tiles: Mapping[Tile, bytes]) -> None:
        """Read from `tiles`."""
        self.tiles = tiles

    def read(self, level: int, index: int, width: int) -> bytes:
        """Return the tile, or the next wider one.

        Raises:
            BadTile: There is none.
        """
        for wider in range(width, TILE_WIDTH + 1):
            content = self.tiles.get(Tile(level, index, wider))
            if content is not None:
                return content
        raise BadTile(f"the tile {path(Tile(level, index, width))} is missing")


def path(tile: Tile) -> str:
    """Return the path of a tile below the log's prefix, as `tile/0/x001/234.p/5`.

    Raises:
        BadArgument: Level, number or width is out of range.
    """
    if not 0 <= tile.level <= LEVEL_MAX:
        raise BadArgument(f"a tile of level {tile.level}, expected 0 to {LEVEL_MAX}")
    return f"tile/{tile.level}/{_suffix(tile)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the bundle with the entries of a tile of level 0.

    Raises:
        BadArgument: Number or width is out of range.
    """
    return f"tile/entries/{_suffix(Tile(0, index, width))}"


def _suffix(tile: Tile) -> str:
    if not (0 <= tile.number < SIZE_MAX and 1 <= tile.width <= TILE_WIDTH):
        raise BadArgument(
            f"a tile {tile.number} of {tile.width} hashes, expected 1 to {TILE_WIDTH}"
        )
    groups = [f"{tile.number % 1_000:03}"]
    rest = tile.number // 1_000
    while rest:
        groups.append(f"x{rest % 1_000:03}")
        rest //= 1_000
    partial = "" if tile.width == TILE_WIDTH else f".p/{tile.width}"
    return "/".join(reversed(groups)) + partial


def parse_path(text: str) -> tuple[Tile, bool]:
    """Read the path of a tile or of a bundle of entries.

    Returns:
        The tile, and whether the path is of its entries.

    Raises:
        BadTile: The text is no such path, or not as `path` and `entries_path` write it.
    """
    match = _PATH.fullmatch(text) if len(text) <= _PATH_CHARACTERS_MAX else None
    if match is None:
        raise BadTile(f"the path {text[:80]!r} names no tile")
    level, groups, width = match.groups()
    index = int(groups.replace("x", "").replace("/", ""))
    tile = Tile(0 if level == "entries" else int(level), index, int(width) if width else TILE_WIDTH)
    is_entries = level == "entries"
    if tile.level > LEVEL_MAX or tile.number >= SIZE_MAX or (width and tile.width >= TILE_WIDTH):
        raise BadTile(f"the path {text[:80]!r} names no tile")
    written = entries_path(tile.number, tile.width) if is_entries else path(tile)
    if written != text:
        raise BadTile(f"the path {text[:80]!r} is {written!r} in its one form")
    return tile, is_entries


def bundle(entries: Sequence[bytes]) -> bytes:
    """Join the entries of a tile of level 0: each behind its length of 16 bits.

    Raises:
        BadArgument: There are none or more than 256, or one is too long.
    """
    if not 1 <= len(entries) <= TILE_WIDTH or max(map(len, entries)) > ENTRY_BYTES_MAX:
        raise BadArgument(
            f"a bundle has 1 to {TILE_WIDTH} entries of up to {ENTRY_BYTES_MAX} bytes"
        )
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def entries_in(data: bytes) -> list[bytes]:
    """Take a bundle apart.

    Raises:
        BadTile: It ends inside an entry, or has none or more than 256.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) <= TILE_WIDTH:
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        entries.append(data[start:at])
    if at != len(data) or not 1 <= len(entries) <= TILE_WIDTH:
        raise BadTile(f"a bundle of {len(data)} bytes does not hold 1 to {TILE_WIDTH} entries")
    return entries


def width_of(level: int, index: int, size: int) -> int:
    """Return how many hashes a tile has in a log of `size` leaves; 0 where it has none."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def append(
    function: HashFunction, reader: Reader, size: int, hashes: Sequence[bytes]
) -> dict[Tile, bytes]:
    """Make the tiles that a log gets with more leaves; every older tile stays as it is.

    Args:
        function: Hash function of the log.
        reader: Gives the partial tiles of the log as it is.
        size: Leaves that it has.
        hashes: Hashes of the leaves that are appended.

    Returns:
        Content of each new or wider tile, the lowest level first.

    Raises:
        BadTile: A tile that is read has another length than it must.
    """
    made: dict[Tile, bytes] = {}
    level, start, fresh = 0, size, list(hashes)
    while fresh:
        # The hashes that the last tile of this level holds already come before the new ones.
        index, kept = divmod(start, TILE_WIDTH)
        known = _read(reader, Tile(level, index, kept)) if kept else b""
        content = known + b"".join(fresh)
        full: list[bytes] = []
        for at in range(0, len(content), TILE_WIDTH * _DIGEST):
            part = content[at : at + TILE_WIDTH * _DIGEST]
            tile = Tile(level, index + at // (TILE_WIDTH * _DIGEST), len(part) // _DIGEST)
            made[tile] = part
            if tile.width == TILE_WIDTH:
                full.append(_nodes(function, part)[-1][0])
        level, start, fresh = level + 1, index, full
    return made


def _read(reader: Reader, tile: Tile) -> bytes:
    """Read a tile, cut to its width."""
    data = reader.read(*tile)
    if len(data) < tile.width * _DIGEST or len(data) % _DIGEST:
        expected = tile.width * _DIGEST
        raise BadTile(f"the tile {path(tile)} has {len(data)} bytes, expected {expected}")
    return data[: tile.width * _DIGEST]


def _nodes(function: HashFunction, content: bytes) -> list[list[bytes]]:
    """Return the complete nodes above a tile's hashes, by height; those hashes have height 0."""
    rows = [[content[at : at + _DIGEST] for at in range(0, len(content), _DIGEST)]]
    while len(rows[-1]) > 1:
        rows.append(parents(function, rows[-1]))
    return rows


class View:
    """A log of a certain size, read through its tiles.

    Roots and proofs are computed from what the reader gives: whoever does not trust it compares
    the root, or checks the proofs.
    """

    def __init__(self, function: HashFunction, reader: Reader, size: int) -> None:
        """Look at the first `size` leaves.

        Raises:
            BadArgument: The size is out of range.
        """
        if not 0 <= size <= SIZE_MAX:
            raise BadArgument(f"a log of {size} leaves, expected 0 to {SIZE_MAX}")
        self.function = function
        self.reader = reader
        self.size = size
        self._cache: dict[tuple[int, int], list[list[bytes]]] = {}
        self._edges: dict[int, Digest] = {}
        self._above: dict[int, list[bytes]] = {}
        self._lock = threading.Lock()
        """Held while a tile takes the place of another: several threads may look at once."""

    def root(self) -> Digest:
        """Return the root.

        Raises:
            BadTile: A tile has another length than it must.
        """
        return self.over(0, self.size)

    def inclusion_path(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a leaf, leaf to root (RFC 9162, section 2.1.3.1).

        Raises:
            BadArgument: The log has no such leaf.
            BadTile: A tile has another length than it must.
        """
        if not 0 <= index < self.size:
            raise BadArgument(f"leaf {index} of a log of {self.size}")
        number, place = divmod(index, TILE_WIDTH)
        if not self.is_full(number):
            return self._path(index, index + 1)
        rows = self._rows(0, number)
        inside = [rows[height][(place >> height) ^ 1] for height in range(TILE_HEIGHT)]
        return inside + self.path_above(number)

    def is_full(self, number: int) -> bool:
        """Say whether a tile of leaves is full."""
        return (number + 1) * TILE_WIDTH <= self.size

    def tile(self, number: int) -> bytes:
        """Return the hashes of a full tile of leaves.

        Raises:
            BadTile: The tile has another length than it must.
        """
        return b"".join(self._rows(0, number)[0])

    def path_above(self, number: int) -> list[bytes]:
        """Return what leads from a full tile to the root: all its leaves share it.

        Raises:
            BadTile: A tile has another length than it must.
        """
        above = self._above.get(number)
        if above is None:
            above = self._path(number * TILE_WIDTH, (number + 1) * TILE_WIDTH)
            with self._lock:
                if len(self._above) >= TILES_CACHED_MAX:
                    del self._above[next(iter(self._above))]
                self._above[number] = above
        return above

    def _path(self, index: int, end: int) -> list[bytes]:
        """Return what leads to the root from a complete subtree, the leaves `index` to `end`."""
        found: list[bytes] = []
        first, stop = 0, self.size
        while stop - first > end - index:
            middle = first + split(stop - first)
            if index < middle:
                found.append(self.over(middle, stop))
                stop = middle
            else:
                found.append(self.over(first, middle))
                first = middle
        return found[::-1]

    def consistency_path(self, old_size: int) -> list[Digest]:
        """Return the proof that the log begins as it was (RFC 9162, section 2.1.4.1).

        Raises:
            BadArgument: The log was never of that size, or that size is 0.
            BadTile: A tile has another length than it must.
        """
        if not 1 <= old_size <= self.size:
            raise BadArgument(f"a log of {self.size} leaves was never one of {old_size}")
        found, first, stop = [], 0, self.size
        while stop != old_size:
            middle = first + split(stop - first)
            if old_size <= middle:
                found.append(self.over(middle, stop))
                stop = middle
            else:
                found.append(self.over(first, middle))
                first = middle
        # The verifier knows the subtree only where it is the whole older log.
        if first:
            found.append(self.over(first, stop))
        return found[::-1]

    def range_path(self, first: int, stop: int) -> list[bytes]:
        """Return what leads from neighbouring leaves to the root (`tree.range_path`).

        Raises:
            BadArgument: The log has no such leaves.
            BadTile: A tile has another length than it must.
        """
        if not 0 <= first < stop <= self.size:
            raise BadArgument(f"leaves {first} to {stop} of a log of {self.size}")
        return range_path(first, stop, self.size, self.over)

    def leaf(self, index: int) -> Digest:
        """Return the hash of a leaf.

        Raises:
            BadArgument: The log has no such leaf.
            BadTile: A tile has another length than it must.
        """
        if not 0 <= index < self.size:
            raise BadArgument(f"leaf {index} of a log of {self.size}")
        return Digest(self._node(0, index))

    def over(self, first: int, stop: int) -> Digest:
        """Return the root over leaves, where `first` is where a subtree so large may begin.

        Raises:
            BadTile: A tile has another length than it must.
        """
        count = stop - first
        if count and not count & count - 1:
            height = count.bit_length() - 1
            return Digest(self._node(height, first >> height))
        # What is not complete reaches the right edge: there are few such, and every path has some.
        known = self._edges.get(first)
        if known is None:
            peaks, at = [], first
            while at < stop:
                height = (stop - at).bit_length() - 1
                peaks.append(self._node(height, at >> height))
                at += 1 << height
            known = self._edges[first] = join(self.function, peaks)
        return known

    def _node(self, height: int, index: int) -> bytes:
        """Return the root of a complete subtree."""
        level, row = divmod(height, TILE_HEIGHT)
        number, place = divmod(index, TILE_WIDTH >> row)
        return self._rows(level, number)[row][place]

    def _rows(self, level: int, number: int) -> list[list[bytes]]:
        """Return the nodes that a tile holds, by height."""
        rows = self._cache.get((level, number))
        if rows is None:
            tile = Tile(level, number, width_of(level, number, self.size))
            rows = _nodes(self.function, _read(self.reader, tile))
            with self._lock:
                if len(self._cache) >= TILES_CACHED_MAX:
                    del self._cache[next(iter(self._cache))]
                self._cache[level, number] = rows
        return rows
