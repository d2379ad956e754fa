"""Keep the rows of a log's index, sort them in epochs, and commit to them (`rows`)."""

import sys
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

from trine.errors.services import BadRow, BadTile, FolderAltered
from trine.services.evidence import tiles, tree
from trine.services.evidence.objects import Objects
from trine.services.evidence.rows import (
    EPOCH_ROWS,
    ORDERS,
    About,
    Epoch,
    IndexHead,
    Order,
    Row,
    epoch_width,
)
from trine.services.evidence.stored import StoredTree
from trine.services.evidence.tiles import TILE_WIDTH, View, width_of
from trine.services.evidence.tree import HashFunction
from trine.types import Digest

FOLDER: Final = "index/"
"""Where the rows lie below the prefix of the log."""
EPOCHS: Final[dict[Order, str]] = {
    "issuer": "epochs",
    "content_type": "types/epochs",
    "content": "contents/epochs",
    "entry": "entries/epochs",
}
"""Name of the file with the roots of the finished epochs, of each order."""
SORTED: Final[dict[Order, str]] = {
    "issuer": "issuers",
    "content_type": "types",
    "content": "contents",
    "entry": "entries",
}
"""Folder with the finished epochs of each order."""
BUNDLES_CACHED_MAX: Final = 256
"""Bundles of rows that are kept in memory: 36 KiB each."""

_DIGEST: Final = Digest.LENGTH


class SortedRows(Protocol):
    """Rows of an epoch in one order."""

    def row(self, number: int) -> Row:
        """Return one of them."""

    def over(self, first: int, stop: int) -> bytes:
        """Return the root over rows that are one subtree."""


class Snapshot:
    """The index of a log at one size, which stays so while rows are added. For one thread."""

    def __init__(
        self,
        catalogue: "Catalogue",
        size: int,
        roots: Mapping[Order, Sequence[Digest]],
        last: Mapping[Order, Epoch],
    ) -> None:
        """Look at the first `size` rows.

        Args:
            catalogue: Where they are.
            size: How many.
            roots: Roots of the finished epochs in each order.
            last: The unfinished epoch in each order; empty where there is none.
        """
        self.size = size
        self.function = catalogue.function
        self._catalogue = catalogue
        self._last = last
        self.epoch_nodes: dict[Order, list[list[bytes]]] = {}
        """Nodes of the tree over the roots of the epochs, by height, of each order."""
        for order in ORDERS:
            joined = [*roots[order], *([last[order].root] if last else [])]
            leaves = tree.leaf_hashes(self.function, joined)
            self.epoch_nodes[order] = tree.levels(self.function, leaves)
        self.view = catalogue.tree.view(size)
        epochs = tuple(Digest(self.epoch_nodes[order][-1][0]) for order in ORDERS)
        self.head = IndexHead(self.view.root(), epochs)
        self._bundle = lru_cache(BUNDLES_CACHED_MAX)(catalogue.tree.entries)

    def row(self, place: int) -> Row:
        """Return the row of a place.

        Raises:
            BadTile: There is none.
        """
        number, at = divmod(place, TILE_WIDTH)
        if not 0 <= place < self.size:
            raise BadTile(f"the index has no row {place}")
        return Row.decode(self._bundle(number, width_of(0, number, self.size))[at])

    def epoch(self, number: int, order: Order) -> SortedRows:
        """Return the rows of an epoch in an order."""
        if self._last and number == self.size // EPOCH_ROWS:
            return self._last[order]
        return self._catalogue.finished(number, order, self)

    def width(self, number: int) -> int:
        """Return how many rows an epoch has."""
        return epoch_width(number, self.size)


class _Finished:
    """A finished epoch: its order and its tiles are files, its rows those of the log."""

    def __init__(self, first: int, order: "array[int]", view: View, rows: Snapshot) -> None:
        self._first = first
        self._order = order
        self._rows = rows
        self.over = view.over

    def row(self, number: int) -> Row:
        return self._rows.row(self._first + self._order[number])


class Catalogue:
    """Rows of one log, for one thread at a time."""

    def __init__(self, function: HashFunction, objects: Objects, prefix: str, size: int) -> None:
        """Go on with a log whose first `size` entries have rows.

        Raises:
            FolderAltered: Rows are missing or damaged.
        """
        self.function = function
        self.size = size
        self._objects = objects
        self._prefix = prefix + FOLDER
        self.tree = StoredTree(function, objects, self._prefix)
        finished = size // EPOCH_ROWS
        # Rows of the epoch that is not finished, and their hashes as leaves.
        self._open = self._read_rows(finished * EPOCH_ROWS, size)
        self._leaves = tree.leaf_hashes(function, [row.encode() for row in self._open])
        known = {order: objects.read(self._prefix + EPOCHS[order]) or b"" for order in ORDERS}
        # An epoch whose rows are there and of which a root is not was being sorted when all ended,
        # or is of an earlier release, which had fewer orders.
        count = min(finished, *(len(roots) // _DIGEST for roots in known.values()))
        self._roots = {order: Digest.all_in(roots)[:count] for order, roots in known.items()}
        for epoch in range(count, finished):
            first = epoch * EPOCH_ROWS
            self._finish(self._read_rows(first, first + EPOCH_ROWS), None)
        self._last_ms = self._read_rows(size - 1, size)[0].recorded_ms if size else 0

    def _read_rows(self, first: int, stop: int) -> list[Row]:
        found: list[Row] = []
        while first < stop:
            number, at = divmod(first, TILE_WIDTH)
            width = min(TILE_WIDTH, stop - first + at)
            try:
                part = self.tree.entries(number, width)[at:]
                found += map(Row.decode, part)
            except (BadTile, BadRow) as error:
                name = self._prefix + tiles.entries_path(number, width)
                raise FolderAltered(f"{name} holds no rows: {error}", instance=name) from None
            first += len(part)
        return found

    def append(self, entries: Sequence[Digest], about: Sequence[About], now_ms: int) -> None:
        """Keep rows of more entries, durably.

        Args:
            entries: The entries, in the order of their places.
            about: What is said of each.
            now_ms: Unix time in milliseconds; where it is before that of the newest row, that.
        """
        self._last_ms = max(now_ms, self._last_ms)
        made = [
            Row(place, self._last_ms, *one, entry)
            for place, (entry, one) in enumerate(zip(entries, about, strict=True), self.size)
        ]
        self._leaves += self.tree.append(self.size, [row.encode() for row in made])
        self._open += made
        self.size += len(made)
        while len(self._open) >= EPOCH_ROWS:
            self._finish(self._open[:EPOCH_ROWS], self._leaves[:EPOCH_ROWS])
            del self._open[:EPOCH_ROWS], self._leaves[:EPOCH_ROWS]

    def _finish(self, rows: Sequence[Row], leaves: Sequence[bytes] | None) -> None:
        """Keep an epoch that is complete in every order, and after it its roots."""
        epoch = Epoch.sort(self.function, rows, leaves)
        self._objects.write(self._files(self._finished, epoch))
        for order, one in zip(ORDERS, epoch, strict=True):
            self._roots[order].append(one.root)
        self._objects.write(
            {self._prefix + EPOCHS[order]: b"".join(self._roots[order]) for order in ORDERS}
        )

    @property
    def _finished(self) -> int:
        """Epochs that are complete."""
        return len(self._roots["issuer"])

    def _files(self, number: int, epoch: Sequence[Epoch]) -> dict[str, bytes]:
        """Return the files of an epoch that is complete, by their names."""
        found: dict[str, bytes] = {}
        for order, one in zip(ORDERS, epoch, strict=True):
            folder = self._folder(number, order)
            places = array("H", (row.place % EPOCH_ROWS for row in one.rows))
            made = tiles.append(self.function, tiles.FromMapping({}), 0, one.nodes[0])
            found |= {folder + tiles.path(tile): content for tile, content in made.items()}
            found[folder + "order"] = _big_endian(places).tobytes()
        return found

    def check_epochs(self, size: int = 0, known: Sequence[Digest] = ()) -> None:
        """Compare the files of the newest finished epoch with its rows, and all roots with one.

        Args:
            size: Rows that were published; none where nothing was.
            known: Root over the epochs that was published, of each order or of the first ones.

        Raises:
            FolderAltered: A file is missing, or is not what it was.
        """
        number = self._finished - 1
        if number >= 0:
            first = number * EPOCH_ROWS
            epoch = Epoch.sort(self.function, self._read_rows(first, first + EPOCH_ROWS))
            for order, sorted_rows in zip(ORDERS, epoch, strict=True):
                if sorted_rows.root != self._roots[order][number]:
                    last = first + EPOCH_ROWS - 1
                    why = f"does not end with the root of the rows {first} to {last}"
                    raise self._altered(order, why)
            for one, content in self._files(number, epoch).items():
                if self._objects.read(one) != content:
                    raise FolderAltered(f"{one} is not that of the rows", instance=one)
        for order, found, root in zip(ORDERS, self._epochs_roots(size), known, strict=False):
            if found != root:
                why = f"does not lead to the published root of the index of {size} rows"
                raise self._altered(order, why)

    def _altered(self, order: Order, why: str) -> FolderAltered:
        name = self._prefix + EPOCHS[order]
        return FolderAltered(f"{name} {why}", instance=name)

    def _epochs_roots(self, size: int) -> list[Digest]:
        """Return the root over the epochs of each order as they were with `size` rows."""
        whole, rest = divmod(size, EPOCH_ROWS)
        last: Sequence[Epoch] = ()
        if rest:
            first = whole * EPOCH_ROWS
            is_open = first + len(self._open) == self.size
            rows = self._open[:rest] if is_open else self._read_rows(first, size)
            last = Epoch.sort(self.function, rows)
        found = []
        for at, order in enumerate(ORDERS if size else ()):
            roots = [*self._roots[order][:whole], *([last[at].root] if last else [])]
            leaves = tree.leaf_hashes(self.function, roots)
            found.append(Digest(tree.levels(self.function, leaves)[-1][0]))
        return found

    def _folder(self, epoch: int, order: Order) -> str:
        return f"{self._prefix}{SORTED[order]}/{epoch}/"

    def finished(self, epoch: int, order: Order, snapshot: Snapshot) -> SortedRows:
        """Return a finished epoch in an order, with its rows as a snapshot reads them.

        Raises:
            BadTile: Its order is missing, or its tiles do not lead to its root.
        """
        folder = self._folder(epoch, order)
        places = array("H", self._objects.read(folder + "order") or b"")
        if len(places) != EPOCH_ROWS:
            raise BadTile(f"{folder}order is missing")
        view = StoredTree(self.function, self._objects, folder).view(EPOCH_ROWS)
        if view.root() != self._roots[order][epoch]:
            raise BadTile(f"the tiles in {folder} are not those of the rows")
        return _Finished(epoch * EPOCH_ROWS, _big_endian(places), view, snapshot)

    def snapshot(self) -> Snapshot:
        """Look at the index as it is; there is one row at least."""
        last = Epoch.sort(self.function, self._open, self._leaves) if self._open else ()
        roots = {order: tuple(found) for order, found in self._roots.items()}
        return Snapshot(self, self.size, roots, dict(zip(ORDERS, last, strict=False)))


def _big_endian(numbers: "array[int]") -> "array[int]":
    """Turn numbers of this machine into those of a file, or back."""
    found = numbers[:]
    if sys.byteorder == "little":
        found.byteswap()
    return found
