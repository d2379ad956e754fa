"""Take a log's checkpoint into a court pack, and check that the records are in the log it signs.

A checkpoint is a signed note of the whole log (C2SP tlog-checkpoint), which witnesses outside of
the service cosign (C2SP tlog-cosignature). With the inclusion proofs beside it, whoever has the
pack sees that the log that those know has the records where the validators certified them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from trine.errors.services import BadNote, BadVerifierKey, NoteUnverified, TreeMismatch
from trine.services.evidence import checkpoint, note, tree
from trine.services.evidence.checkpoint import Checkpoint
from trine.services.evidence.edges import Served
from trine.services.evidence.note import SignatureType, VerifierKey
from trine.services.evidence.receipt import TreeHead
from trine.services.evidence.source import Source
from trine.services.evidence.tiles import View

CHECKPOINTS_MAX: Final = 64
"""Logs whose checkpoints a pack has."""
FILE: Final = "checkpoint"
"""Path of the checkpoint among the files of a log."""


@dataclass(frozen=True)
class LogEntry:
    """An entry of a log that a record proves.

    Attributes:
        log: Number of the log on the chain.
        index: Index of the entry, from 0.
        entry: The entry.
        head: The log as the block commits to it.
    """

    log: int
    index: int
    entry: bytes
    head: TreeHead


class LogCheckpoint(NamedTuple):
    """A checkpoint with what leads to it from the entries of the records.

    Attributes:
        log: Number of the log on the chain.
        content: The note, bit for bit.
        keys: Verifier keys of the log and of witnesses.
        paths: Inclusion proof (RFC 9162, section 2.1.3) of each entry, by its index.
    """

    log: int
    content: bytes
    keys: tuple[VerifierKey, ...]
    paths: Mapping[int, tuple[bytes, ...]]

    def about(self) -> bytes:
        """Write what stands beside the note in a pack."""
        document = {
            "keys": [str(key) for key in self.keys],
            "inclusion": {
                str(index): [one.hex() for one in path]
                for index, path in sorted(self.paths.items())
            },
        }
        return f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode()


class Witnessed(NamedTuple):
    """A checkpoint that was checked.

    Attributes:
        log: Number of the log on the chain.
        checkpoint: The log as it was signed.
        witnesses: Names of the witnesses who cosigned it.
    """

    log: int
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]


def read_checkpoint(log: int, content: bytes, about: bytes) -> LogCheckpoint:
    """Read a checkpoint of a pack; nothing of it is verified.

    Args:
        log: Number of the log on the chain, after which the members are named.
        content: The note.
        about: What stands beside it.

    Raises:
        BadNote: What stands beside it is malformed.
    """
    try:
        found = json.loads(about)
        keys = tuple(VerifierKey.parse(str(one)) for one in found["keys"])
        paths = {
            int(index): tuple(bytes.fromhex(one) for one in path)
            for index, path in found["inclusion"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadVerifierKey):
        raise BadNote("what stands beside the checkpoint cannot be read") from None
    made = LogCheckpoint(log, content, keys, paths)
    if made.about() != about:
        raise BadNote("what stands beside the checkpoint is not as a pack has it")
    return made


def take_checkpoint(
    source: Source,
    entries: Iterable[LogEntry],
    *,
    log_key: VerifierKey,
    witnesses: Sequence[VerifierKey] = (),
    witnesses_min: int = 0,
) -> LogCheckpoint:
    """Read the newest checkpoint of a log, and what leads to it, from where its files are.

    Args:
        source: Files of the log.
        entries: Entries that records prove; those whose logs the checkpoint's log begins with
            (RFC 9162, section 2.1.4) are of one log.
        log_key: Key of the log.
        witnesses: Keys of witnesses that are trusted.
        witnesses_min: Cosignatures that must be there.

    Raises:
        BadNote, NoteUnverified: It is no checkpoint, or not signed as it must be.
        TreeMismatch: The log begins with none of the logs that the records prove.
        BadTile, CannotReachNode, BadAnswer: Files are missing, or nothing answers.
    """
    content = source.read(FILE, note.NOTE_BYTES_MAX)
    if content is None:
        raise BadNote("there is no checkpoint")
    known = [log_key, *witnesses]
    read, verified = checkpoint.verify_checkpoint(content, known, witnesses_min=witnesses_min)
    by_log: dict[int, list[LogEntry]] = {}
    for entry in entries:
        by_log.setdefault(entry.log, []).append(entry)
    why = TreeMismatch("no record is in a log")
    for log, each in by_log.items():
        heads = {one.head for one in each}
        if max(head.size for head in heads) > read.size:
            why = TreeMismatch(
                f"the checkpoint has {read.size} entries, and a record is proven in log {log} at "
                f"{max(head.size for head in heads)}: wait for the next checkpoint"
            )
            continue
        view = View(each[0].head.function, Served(source), read.size)
        try:
            for head in heads:
                path = view.consistency_path(head.size)
                tree.check_consistency(
                    head.function, head.size, read.size, head.root, path, root=read.root
                )
            paths = {one.index: tuple(view.inclusion_path(one.index)) for one in each}
            made = LogCheckpoint(log, content, tuple(one.key for one in verified), paths)
            check_checkpoint(made, entries=each)
        except TreeMismatch as error:
            why = error
            continue
        return made
    raise why


def check_checkpoint(
    made: LogCheckpoint,
    *,
    entries: Sequence[LogEntry],
    keys: Sequence[VerifierKey] | None = None,
) -> Witnessed:
    """Check a checkpoint, and that its log has the entries of the records where they are proven.

    Args:
        made: The checkpoint.
        entries: The entries in this log that records prove.
        keys: Keys of logs and witnesses, in the place of those that stand beside it.

    Raises:
        BadNote, NoteUnverified: It is no checkpoint, the log did not sign it, or one did not whose
            key stands beside it.
        TreeMismatch: Its log does not have one of the entries, or a proof is missing.
    """
    read, verified = checkpoint.verify_checkpoint(made.content, made.keys if keys is None else keys)
    if keys is None and {one.key for one in verified} != set(made.keys):
        raise NoteUnverified("one whose key stands beside the checkpoint did not sign it")
    if not entries:
        raise TreeMismatch(f"no record is in log {made.log}")
    if made.paths.keys() != {one.index for one in entries}:
        raise TreeMismatch("the inclusion proofs are not those of the records")
    for one in entries:
        function, path = one.head.function, made.paths[one.index]
        (leaf,) = tree.leaf_hashes(function, [one.entry])
        tree.check_inclusion(function, leaf, one.index, read.size, path, root=read.root)
    cosigned = [one.key.name for one in verified if one.key.kind is SignatureType.COSIGNATURE]
    return Witnessed(made.log, read, tuple(cosigned))
