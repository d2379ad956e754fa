"""Follow a log by its checkpoints, and show where it contradicts itself (C2SP tlog-tiles).

A monitor reads every entry and every tile: it remembers the right edge of the tree, so that a
checkpoint is believed only where the entries that it knows and those that it read lead to its
root. Rows of the index, where the checkpoint commits to some, are read by `row_audit`, and the
SHA-256 log beside an SM3 log by `standard_audit`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trine.errors import TrineError
from trine.errors.services import (
    BadNote,
    BadTile,
    IndexDiffers,
    LogDiffers,
    LogForked,
    LogShrank,
    NoteUnverified,
    TileDiffers,
    TreeMismatch,
)
from trine.services.evidence import note, tiles, tree
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.edges import Edge, Served, differing
from trine.services.evidence.row_audit import RowAudit
from trine.services.evidence.rows import IndexHead
from trine.services.evidence.source import Source, read_bundles
from trine.services.evidence.standard import FUNCTION, Beside, verifier_beside
from trine.services.evidence.standard_audit import StandardAudit
from trine.services.evidence.tiles import Tile, View
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
        standard: What it knows of the SHA-256 log beside it.
    """

    note: str
    leaves: Frontier
    edge: Mapping[int, bytes] = field(default_factory=dict)
    rows: RowAudit | None = None
    standard: StandardAudit | None = None

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
            "standard": None if self.standard is None else self.standard.to_json(),
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
            known, beside = document["rows"], document.get("standard")
            return cls(
                document["checkpoint"],
                Frontier.from_json(function, document["leaves"]),
                {int(level): bytes.fromhex(one) for level, one in document["edge"].items()},
                None if known is None else RowAudit.from_json(function, known),
                None if beside is None else StandardAudit.from_json(function, beside),
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
            LogShrank, LogForked, LogDiffers, TileDiffers, IndexDiffers: The log, or that beside it,
                contradicts itself; the `details` have both signed checkpoints.
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
        except (LogShrank, LogForked, LogDiffers, TileDiffers, IndexDiffers) as error:
            error.details = {"first": self.state.note, "second": text} | error.details
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
                if IndexHead.find(checkpoint.extensions) != IndexHead.find(before.extensions):
                    raise IndexDiffers(f"the index at {before.size} entries is another one now")
                if self._is_known_beside(before, checkpoint):
                    return False
        leaves, edge = self._grow(before, checkpoint)
        rows = self._audit_rows(checkpoint)
        standard = self._audit_standard(checkpoint, text)
        self.state = State(text, leaves, edge, rows, standard)
        return True

    def _is_known_beside(self, before: Checkpoint, checkpoint: Checkpoint) -> bool:
        """Say whether two checkpoints of one size name the same log beside it, or the newer none.

        Raises:
            LogForked: They name two.
        """
        known = Beside.find(before.extensions, FUNCTION)
        found = Beside.find(checkpoint.extensions, FUNCTION)
        if known is not None and found != known:
            raise LogForked(f"the SHA-256 log at {before.size} entries is another one now")
        return found == known

    def _grow(self, before: Checkpoint | None, checkpoint: Checkpoint) -> Edge:
        """Read the entries and tiles between two checkpoints, and hash all anew."""
        edge = Edge(self.state.leaves, self.state.edge)
        wrong: list[Tile] = []
        while edge.leaves.size < checkpoint.size:
            first = edge.leaves.size
            stop = min(checkpoint.size, (first // CHUNK + 1) * CHUNK)
            entries = read_bundles(self._source, "", first, stop, checkpoint.size)
            edge, made = edge.extend(entries)
            wrong = wrong or differing(self._source, made, checkpoint.size)
        if edge.leaves.root() != checkpoint.root:
            raise self._why(before, checkpoint)
        if wrong:
            raise TileDiffers(f"{tiles.path(wrong[0])} is not the hashes of the entries")
        return edge

    def _why(self, before: Checkpoint | None, checkpoint: Checkpoint) -> TrineError:
        """Say whether the log was rewritten, or serves what is not the checkpoint's."""
        served = TileDiffers(
            f"the entries that are served do not lead to the root at {checkpoint.size} entries"
        )
        if before is None or before.size == 0:
            return served
        view = View(self._function, Served(self._source), checkpoint.size)
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

    def _audit_standard(self, checkpoint: Checkpoint, text: str) -> StandardAudit | None:
        head = Beside.find(checkpoint.extensions, FUNCTION)
        known = self.state.standard
        if head is None:
            if known is not None:
                raise LogDiffers("the checkpoint no longer commits to a SHA-256 log")
            return None
        audit = known or StandardAudit.begin(self._function)
        key = verifier_beside(self._log_key)
        return audit.read_on(self._source, checkpoint, text, head.root, key)
