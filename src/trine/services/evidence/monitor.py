"""Follow a log by its checkpoints, and show where it contradicts itself (C2SP tlog-tiles).

A monitor reads every entry and every tile: it remembers the right edge of the tree, so that a
checkpoint is believed only where the entries that it knows and those that it read lead to its
root. Rows of the index, where the checkpoint commits to some, are read by `row_audit`.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trine.errors import TrineError
from trine.errors.services import (
    BadNote,
    BadTile,
    IndexDiffers,
    LogForked,
    LogShrank,
    NoteUnverified,
    TileDiffers,
    TreeMismatch,
)
from trine.services.evidence import note, tiles, tree
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.row_audit import RowAudit
from trine.services.evidence.rows import IndexHead
from trine.services.evidence.source import Source, read_bundles, read_tile
from trine.services.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, View, width_of
from trine.services.evidence.tree import Frontier, HashFunction

CHUNK: Final = 65_536
"""Entries that are read and hashed together."""
STATE_BYTES_MAX: Final = 1_024 * 1_024
"""Bytes of the file in which a monitor remembers."""
STATE_VERSION: Final = 1


@dataclass
class State:
    """What a monitor remembers of a log.

    Attributes:
        note: The newest checkpoint that it took; empty before the first.
        leaves: The right edge of the tree.
        edge: Content of the partial tile of each level that has one.
        rows: What it knows of the index.
    """

    note: str
    leaves: Frontier
    edge: dict[int, bytes] = field(default_factory=dict)
    rows: RowAudit | None = None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint; nothing before the first."""
        if not self.note:
            return None
        return Checkpoint.read_text(note.read_note(self.note.encode()).text)

    def encode(self) -> bytes:
        """Return the content of the file in which it is remembered."""
        document = {
            "version": STATE_VERSION,
            "checkpoint": self.note,
            "leaves": self.leaves.to_json(),
            "edge": {str(level): content.hex() for level, content in self.edge.items()},
            "rows": None if self.rows is None else self.rows.to_json(),
        }
        return json.dumps(document, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes, function: HashFunction) -> "State":
        """Read the file.

        Raises:
            BadNote: It is no such file.
        """
        try:
            document = json.loads(data)
            if document["version"] != STATE_VERSION:
                raise BadNote(f"the state has version {document['version']!r:.20}")
            known = document["rows"]
            return cls(
                document["checkpoint"],
                Frontier.from_json(function, document["leaves"]),
                {int(level): bytes.fromhex(one) for level, one in document["edge"].items()},
                None if known is None else RowAudit.from_json(function, known),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadNote("the file is no state of a monitor") from None


class Seen(NamedTuple):
    """What a look found: a checkpoint that holds.

    Attributes:
        checkpoint: The checkpoint.
        cosigned: How many trusted witnesses cosigned it.
        is_new: Whether the log grew.
    """

    checkpoint: Checkpoint
    cosigned: int
    is_new: bool


class Monitor:
    """Follows one log."""

    def __init__(
        self,
        source: Source,
        log_key: note.VerifierKey,
        *,
        witnesses: Sequence[note.VerifierKey] = (),
        witnesses_min: int = 0,
        function: HashFunction = "sha256",
        state: State | None = None,
        reads_statements: bool = False,
    ) -> None:
        """Go on from a state, or begin with the first entry.

        Args:
            source: Gives the files of the log.
            log_key: Key that signs its checkpoints; its name is the origin.
            witnesses: Keys of witnesses that are trusted.
            witnesses_min: How many of them must have cosigned.
            function: Hash function of the log.
            state: What was remembered.
            reads_statements: Whether every statement is fetched and compared with its row.
        """
        self._source = source
        self._log_key = log_key
        self._keys = (log_key, *witnesses)
        self._witnesses_min = witnesses_min
        self._function: HashFunction = function
        self._reads_statements = reads_statements
        self.state = state or State("", Frontier(function))

    def look(self) -> Seen:
        """Read the checkpoint, and all that is new since the one before.

        Raises:
            LogShrank, LogForked, TileDiffers, IndexDiffers: The log contradicts itself; the
                `details` have both signed checkpoints.
            NoteUnverified, BadNote: The checkpoint is not one of this log and its witnesses.
            TrineError: The log cannot be read.
        """
        data = self._source.read("checkpoint", note.NOTE_BYTES_MAX)
        if data is None:
            raise BadNote("the log has no checkpoint")
        checkpoint, verified = verify_checkpoint(
            data, self._keys, witnesses_min=self._witnesses_min
        )
        if checkpoint.origin != self._log_key.name:
            raise NoteUnverified(
                f"the checkpoint is of {checkpoint.origin!r}, the key of {self._log_key.name!r}"
            )
        text = data.decode()
        try:
            is_new = self._take(checkpoint, text)
        except (LogShrank, LogForked, TileDiffers, IndexDiffers) as error:
            error.details |= {"first": self.state.note, "second": text}
            raise
        return Seen(checkpoint, len(verified) - 1, is_new)

    def _take(self, checkpoint: Checkpoint, text: str) -> bool:
        """Compare a checkpoint with the one before, and read on to it; says whether it is new."""
        before = self.state.checkpoint
        if before is not None:
            if checkpoint.size < before.size:
                raise LogShrank(f"the log had {before.size} entries, and now {checkpoint.size}")
            if checkpoint.size == before.size:
                if checkpoint.root != before.root:
                    raise LogForked(
                        f"at {before.size} entries the log signed the root {before.root}, "
                        f"and now {checkpoint.root}"
                    )
                if checkpoint.extensions != before.extensions:
                    raise IndexDiffers(f"the index at {before.size} entries is another one now")
                return False
        leaves, edge = self._grow(before, checkpoint)
        rows = self._audit_rows(checkpoint)
        self.state = State(text, leaves, edge, rows)
        return True

    def _grow(
        self, before: Checkpoint | None, checkpoint: Checkpoint
    ) -> tuple[Frontier, dict[int, bytes]]:
        """Read the entries and tiles between two checkpoints, and hash all anew."""
        leaves, edge = self.state.leaves, self.state.edge
        wrong: list[Tile] = []
        while leaves.size < checkpoint.size:
            stop = min(checkpoint.size, (leaves.size // CHUNK + 1) * CHUNK)
            entries = read_bundles(self._source, "", leaves.size, stop, checkpoint.size)
            hashes = tree.leaf_hashes(self._function, entries)
            made = tiles.append(self._function, _Edge(edge), leaves.size, hashes)
            if not wrong:
                wrong = self._wrong(made, checkpoint.size)
            edge = _edge_after(edge, made, stop)
            leaves = leaves.extend(hashes)
        if leaves.root() != checkpoint.root:
            raise self._why(before, checkpoint)
        if wrong:
            raise TileDiffers(f"{tiles.path(wrong[0])} is not the hashes of the entries")
        return leaves, edge

    def _wrong(self, made: Mapping[Tile, bytes], size: int) -> list[Tile]:
        """Compare tiles with those that are served; partial ones of other sizes need not be."""
        wanted = [tile for tile in made if tile.width == width_of(*tile[:2], size)]

        def differs(tile: Tile) -> bool:
            served = read_tile(self._source, tile)
            return served is None or served[: len(made[tile])] != made[tile]

        with ThreadPoolExecutor(self._source.parallel) as pool:
            verdicts = list(pool.map(differs, wanted))
        return [tile for tile, is_wrong in zip(wanted, verdicts, strict=True) if is_wrong]

    def _why(self, before: Checkpoint | None, checkpoint: Checkpoint) -> TrineError:
        """Say whether the log was rewritten, or serves what is not the checkpoint's."""
        served = TileDiffers(
            f"the entries that are served do not lead to the root at {checkpoint.size} entries"
        )
        if before is None or before.size == 0:
            return served
        view = View(self._function, _Served(self._source), checkpoint.size)
        try:
            if view.root() != checkpoint.root:
                return served
            tree.check_consistency(
                self._function,
                before.size,
                checkpoint.size,
                before.root,
                view.consistency_path(before.size),
                root=checkpoint.root,
            )
        except BadTile:
            return served
        except TreeMismatch as error:
            return LogForked(
                f"the log at {checkpoint.size} entries does not begin as at {before.size}: {error}"
            )
        return served

    def _audit_rows(self, checkpoint: Checkpoint) -> RowAudit | None:
        head = IndexHead.find(checkpoint.extensions)
        known = self.state.rows
        if head is None:
            if known is not None:
                raise IndexDiffers("the checkpoint no longer commits to an index")
            return None
        audit = known or RowAudit.begin(self._function)
        return audit.read_on(
            self._source, checkpoint, head, reads_statements=self._reads_statements
        )


class _Edge:
    """The partial tiles at the right edge, for whoever appends."""

    def __init__(self, edge: Mapping[int, bytes]) -> None:
        self._edge = edge

    def read(self, level: int, index: int, width: int) -> bytes:
        del index, width
        return self._edge[level]


class _Served:
    """Tiles as they are served."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, level: int, index: int, width: int) -> bytes:
        return read_tile(self._source, Tile(level, index, width)) or b""


def _edge_after(
    edge: Mapping[int, bytes], made: Mapping[Tile, bytes], size: int
) -> dict[int, bytes]:
    """Return the partial tiles of a log of a size."""
    found = {}
    level = 0
    while size >> TILE_HEIGHT * level:
        number, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if width:
            fresh = made.get(Tile(level, number, width))
            found[level] = edge[level] if fresh is None else fresh
        level += 1
    return found
