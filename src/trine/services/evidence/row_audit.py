"""Read all rows of a log's index, sort them anew, and compare with what its checkpoint says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from trine.errors import TrineError
from trine.errors.services import BadRow, IndexDiffers, TileDiffers
from trine.services.evidence import rows, statement, tiles, tree
from trine.services.evidence.catalogue import FOLDER
from trine.services.evidence.checkpoint import Checkpoint
from trine.services.evidence.edges import Edge, differing
from trine.services.evidence.rows import EPOCH_ROWS, NOBODY, ORDERS, About, Epoch, IndexHead, Row
from trine.services.evidence.source import Source, read_bundles
from trine.services.evidence.tiles import Tile
from trine.services.evidence.tree import Frontier, HashFunction
from trine.types import Digest

CHUNK: Final = 65_536
"""Rows that are read together: whole epochs."""


@dataclass(frozen=True)
class RowAudit:
    """What is known of an index.

    Attributes:
        edge: Right edge of the tree over the rows.
        entries: Tree over the entries in the rows: the log's own.
        start: Tree over the rows before the unfinished epoch.
        epochs: For each of `ORDERS` the tree over the roots of the finished epochs.
        last_ms: Time of the newest row.
        opened: Rows of the unfinished epoch; read again after a start.
    """

    edge: Edge
    entries: Frontier
    start: Frontier
    epochs: tuple[Frontier, ...]
    last_ms: int = 0
    opened: tuple[Row, ...] = field(default=(), repr=False)

    @classmethod
    def begin(cls, function: HashFunction) -> "RowAudit":
        """Begin with the first row."""
        empty = Frontier(function)
        return cls(Edge.begin(function), empty, empty, (empty,) * len(ORDERS))

    @property
    def rows(self) -> Frontier:
        """Tree over the rows."""
        return self.edge.leaves

    def to_json(self) -> dict[str, Any]:
        """Return what is to be remembered; the rows themselves are read again."""
        trees = {name: getattr(self, name).to_json() for name in _TREES}
        orders = [one.to_json() for one in self.epochs]
        return {**trees, "orders": orders, "edge": self.edge.to_json(), "last_ms": self.last_ms}

    @classmethod
    def from_json(cls, function: HashFunction, document: Mapping[str, Any]) -> "RowAudit":
        """Read what was remembered; that of an earlier release begins anew.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: It is nothing of the kind.
        """
        found, entries, start = (Frontier.from_json(function, document[name]) for name in _TREES)
        if "edge" not in document or "orders" not in document:
            return cls.begin(function)
        epochs = tuple(Frontier.from_json(function, one) for one in document["orders"])
        if len(epochs) != len(ORDERS):
            raise ValueError(f"{len(epochs)} orders")
        edge = Edge(found, Edge.partial_from_json(document["edge"]))
        return cls(edge, entries, start, epochs, int(document["last_ms"]))

    def read_on(
        self,
        source: Source,
        checkpoint: Checkpoint,
        head: IndexHead,
        *,
        reads_statements: bool,
    ) -> "RowAudit":
        """Read the rows up to a checkpoint, and check that it commits to them.

        Raises:
            IndexDiffers: It does not, a row is not what its statement says, or a tile is not the
                hashes of the rows.
            TrineError: The log cannot be read.
        """
        wrong: list[Tile] = []
        found = self._reopened(source, checkpoint.size)
        while found.rows.size < checkpoint.size:
            stop = min(checkpoint.size, (found.rows.size // CHUNK + 1) * CHUNK)
            fresh = _read(source, found.rows.size, stop, checkpoint.size)
            if reads_statements:
                for row in fresh:
                    _check_statement(source, found.rows.function, row)
            found, made = found.extend(fresh)
            wrong = wrong or differing(source, made, checkpoint.size, FOLDER)
        size = checkpoint.size
        if found.entries.root() != checkpoint.root:
            raise IndexDiffers(f"the entries in the rows are not those of the log at {size}")
        orders = found.epochs_roots()[: len(head.epochs)]
        if found.rows.root() != head.rows or orders != head.epochs:
            raise IndexDiffers(f"the rows do not lead to the roots of the index at {size} entries")
        if wrong:
            raise IndexDiffers(f"{FOLDER}{tiles.path(wrong[0])} is not the hashes of the rows")
        return found

    def _reopened(self, source: Source, size: int) -> "RowAudit":
        """Read the rows of the unfinished epoch again, where they are not in memory."""
        missing = self.rows.size - self.start.size - len(self.opened)
        if not missing:
            return self
        again = _read(source, self.start.size, self.rows.size, size)
        function = self.rows.function
        leaves = tree.leaf_hashes(function, [row.encode() for row in again])
        if self.start.extend(leaves) != self.rows:
            raise IndexDiffers(f"rows between {self.start.size} and {self.rows.size} were changed")
        return replace(self, opened=tuple(again))

    def extend(self, fresh: Sequence[Row]) -> "tuple[RowAudit, dict[Tile, bytes]]":
        """Return what is known after more rows, and the tiles of the tree over them.

        Raises:
            IndexDiffers: A row is not of its place, or its time goes back.
        """
        function = self.rows.function
        last_ms = self.last_ms
        for place, row in enumerate(fresh, self.rows.size):
            if row.place != place or row.recorded_ms < last_ms:
                raise IndexDiffers(f"the row of place {place} is of {row.place}, or goes back")
            last_ms = row.recorded_ms
        leaves = tree.leaf_hashes(function, [row.encode() for row in fresh])
        entries = self.entries.extend(tree.leaf_hashes(function, [row.entry for row in fresh]))
        opened, start, epochs, at = [*self.opened, *fresh], self.start, self.epochs, 0
        # Where the leaves of the rows that are not in `start` begin.
        known = tree.leaf_hashes(function, [row.encode() for row in self.opened])
        joined = [*known, *leaves]
        while len(opened) - at >= EPOCH_ROWS:
            epochs = self._extended(epochs, opened[at : at + EPOCH_ROWS])
            start = start.extend(joined[at : at + EPOCH_ROWS])
            at += EPOCH_ROWS
        edge, made = self.edge.grow(leaves)
        return RowAudit(edge, entries, start, epochs, last_ms, tuple(opened[at:])), made

    def epochs_roots(self) -> tuple[Digest, ...]:
        """Return the root over the epochs of each order, the unfinished one included."""
        epochs = self._extended(self.epochs, self.opened) if self.opened else self.epochs
        return tuple(one.root() for one in epochs)

    def _extended(self, epochs: Sequence[Frontier], more: Sequence[Row]) -> tuple[Frontier, ...]:
        """Return the trees over the roots of epochs with one more, of these rows."""
        function = self.rows.function
        return tuple(
            one.extend(tree.leaf_hashes(function, [sorted_rows.root]))
            for one, sorted_rows in zip(epochs, Epoch.sort(function, more), strict=True)
        )


_TREES: Final = ("rows", "entries", "start")


def _read(source: Source, first: int, stop: int, size: int) -> list[Row]:
    try:
        return [Row.decode(one) for one in read_bundles(source, FOLDER, first, stop, size)]
    except (BadRow, TileDiffers) as error:
        raise IndexDiffers(f"the rows cannot be read: {error}") from None


def _check_statement(source: Source, function: HashFunction, row: Row) -> None:
    """Compare a row with the statement of its entry.

    Raises:
        IndexDiffers: It says something else, or the statement is not given.
    """
    path = f"entries/{row.entry}/statement"
    data = source.read(path, statement.TRANSPARENT_BYTES_MAX)
    is_unknown = row.issuer == NOBODY
    if data is None:
        if is_unknown:
            return
        raise IndexDiffers(f"place {row.place} has a row, and its statement is not given")
    try:
        found = about(function, data, row)
    except TrineError as error:
        raise IndexDiffers(f"the statement of place {row.place} cannot be read: {error}") from None
    if is_unknown or found != About(row.issuer, row.content_type, row.content):
        raise IndexDiffers(f"the row of place {row.place} is not what its statement says")


def about(function: HashFunction, data: bytes, row: Row) -> About:
    """Return what a row must say of a statement.

    Raises:
        TrineError: It is no statement, or that of another entry.
    """
    read = statement.read_statement(
        data, now_s=row.recorded_ms // 1_000, clock_skew_s=1 << 62, key_id_required=False
    )
    if statement.entry_of(read, function) != row.entry:
        raise IndexDiffers(f"the statement is not that of the entry {row.entry}")
    issuer = rows.name_digest(function, read.issuer)
    kind = rows.name_digest(function, str(read.content_type))
    return About(issuer, kind, rows.content_digest(function, read.payload, read.payload_hash))
