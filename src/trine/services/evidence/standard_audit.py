"""Read the SHA-256 log beside an SM3 log, and check that it has the same entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trine.errors.services import (
    BadTile,
    LogDiffers,
    LogForked,
    LogShrank,
    TileDiffers,
    TreeMismatch,
)
from trine.services.evidence import note, tiles, tree
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.edges import Edge, Served, differing
from trine.services.evidence.source import Source, read_bundles
from trine.services.evidence.standard import FOLDER, FUNCTION
from trine.services.evidence.tiles import Tile, View
from trine.services.evidence.tree import Frontier, HashFunction
from trine.types import Digest

CHUNK: Final = 65_536
"""Entries that are read and hashed together."""


@dataclass(frozen=True)
class StandardAudit:
    """What is known of a standard log.

    Attributes:
        edge: Its right edge.
        entries: Its entries in the tree of the other log.
    """

    edge: Edge
    entries: Frontier

    @classmethod
    def begin(cls, function: HashFunction) -> "StandardAudit":
        """Begin with the first entry of a log with the hash function of the other log."""
        return cls(Edge.begin(FUNCTION), Frontier(function))

    def to_json(self) -> dict[str, Any]:
        """Return what is to be remembered."""
        return {
            "leaves": self.edge.leaves.to_json(),
            "edge": self.edge.to_json(),
            "entries": self.entries.to_json(),
        }

    @classmethod
    def from_json(cls, function: HashFunction, document: Mapping[str, Any]) -> "StandardAudit":
        """Read what was remembered.

        Raises:
            ValueError, KeyError, TypeError: It is nothing of the kind.
        """
        partial = Edge.partial_from_json(document["edge"])
        leaves = Frontier.from_json(FUNCTION, document["leaves"])
        return cls(Edge(leaves, partial), Frontier.from_json(function, document["entries"]))

    def read_on(
        self,
        source: Source,
        checkpoint: Checkpoint,
        text: str,
        root: Digest,
        key: note.VerifierKey,
    ) -> "StandardAudit":
        """Read its files up to a checkpoint, and check that both logs have the same entries.

        Args:
            source: Gives the files of the log of the chain, and this one's in `FOLDER`.
            checkpoint: Checkpoint of the log of the chain, whose root is that of its entries.
            text: The note that it is from.
            root: Root of the standard log, as that checkpoint says.
            key: Key that verifies the standard log's own checkpoint.

        Raises:
            LogDiffers: They have not.
            LogForked, LogShrank: Its own checkpoint contradicts the other one, or is behind it.
            TileDiffers: A file is missing, or is not that of its checkpoint.
            TrineError: It cannot be read.
        """
        found, wrong, size = self, list[Tile](), checkpoint.size
        while found.entries.size < size:
            first = found.entries.size
            stop = min(size, (first // CHUNK + 1) * CHUNK)
            entries = read_bundles(source, FOLDER, first, stop, size)
            edge, made = found.edge.extend(entries)
            wrong = wrong or differing(source, made, size, FOLDER)
            leaves = tree.leaf_hashes(found.entries.function, entries)
            found = StandardAudit(edge, found.entries.extend(leaves))
        _check_roots(found, checkpoint, root)
        if wrong:
            raise TileDiffers(f"{FOLDER}{tiles.path(wrong[0])} is not the hashes of the entries")
        _check_own(source, found.edge.leaves, text, key)
        return found


def _check_roots(found: StandardAudit, checkpoint: Checkpoint, root: Digest) -> None:
    """Check that the entries lead to both roots."""
    is_same, is_signed = found.entries.root() == checkpoint.root, found.edge.leaves.root() == root
    size = checkpoint.size
    if not is_same and not is_signed:
        raise TileDiffers(f"the entries in {FOLDER} do not lead to the roots at {size} entries")
    if not is_same:
        raise LogDiffers(f"the SHA-256 log of {size} entries has other entries than the log")
    if not is_signed:
        right = found.edge.leaves.root()
        raise LogDiffers(
            f"the log commits to the SHA-256 root {root} at {size} entries, theirs is {right}"
        )


def _check_own(source: Source, leaves: Frontier, text: str, key: note.VerifierKey) -> None:
    """Check the checkpoint of the standard log itself, which may be newer."""
    data = source.read(f"{FOLDER}checkpoint", note.NOTE_BYTES_MAX)
    if data is None:
        raise TileDiffers(f"{FOLDER}checkpoint is missing")
    own, _ = verify_checkpoint(data, [key])
    if own.size < leaves.size:
        raise LogShrank(f"the SHA-256 log has {own.size} entries, and the log {leaves.size}")
    view = View(FUNCTION, Served(source, FOLDER), own.size)
    try:
        if own.size > leaves.size and view.root() != own.root:
            raise TileDiffers(f"the tiles in {FOLDER} do not lead to its checkpoint")
        path = view.consistency_path(leaves.size)
        tree.check_consistency(FUNCTION, leaves.size, own.size, leaves.root(), path, root=own.root)
    except BadTile as error:
        raise TileDiffers(f"{FOLDER}: {error}") from None
    except TreeMismatch as error:
        fork = LogForked(f"the SHA-256 log's own checkpoint is of another log: {error}")
        fork.details = {"first": text, "second": data.decode()}
        raise fork from None
