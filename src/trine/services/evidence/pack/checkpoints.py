"""Take a log's checkpoint into a court pack, and check that it goes on from what the records prove.

A checkpoint is a signed note of the whole log (C2SP tlog-checkpoint), which witnesses outside of
the service cosign (C2SP tlog-cosignature). With the proofs of consistency beside it, whoever has
the pack sees that the log that those know begins with the log in which the records are.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
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


class LogHead(NamedTuple):
    """A log as a block commits to it: its number, and its size and root."""

    log: int
    head: TreeHead


class LogCheckpoint(NamedTuple):
    """A checkpoint with what leads to it from the logs that the records prove.

    Attributes:
        log: Number of the log on the chain.
        content: The note, bit for bit.
        keys: Verifier keys of the log and of witnesses.
        paths: Proof of consistency (RFC 9162, section 2.1.4) from each size to the checkpoint's.
    """

    log: int
    content: bytes
    keys: tuple[VerifierKey, ...]
    paths: Mapping[int, tuple[bytes, ...]]

    def about(self) -> bytes:
        """Write what stands beside the note in a pack."""
        document = {
            "log": self.log,
            "keys": [str(key) for key in self.keys],
            "consistency": {
                str(size): [one.hex() for one in path] for size, path in sorted(self.paths.items())
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


def read_checkpoint(content: bytes, about: bytes) -> LogCheckpoint:
    """Read a checkpoint of a pack; nothing of it is verified.

    Raises:
        BadNote: What stands beside it is malformed.
    """
    try:
        found = json.loads(about)
        keys = tuple(VerifierKey.parse(str(one)) for one in found["keys"])
        paths = {
            int(size): tuple(bytes.fromhex(one) for one in path)
            for size, path in found["consistency"].items()
        }
        log = int(found["log"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadVerifierKey):
        raise BadNote("what stands beside the checkpoint cannot be read") from None
    made = LogCheckpoint(log, content, keys, paths)
    if made.about() != about:
        raise BadNote("what stands beside the checkpoint is not as a pack has it")
    return made


def take_checkpoint(
    source: Source,
    heads: Iterable[LogHead],
    *,
    log_key: VerifierKey,
    witnesses: Sequence[VerifierKey] = (),
    witnesses_min: int = 0,
) -> LogCheckpoint:
    """Read the newest checkpoint of a log, and what leads to it, from where its files are.

    Args:
        source: Files of the log.
        heads: Logs that records prove; those that the checkpoint's log begins with are of one log.
        log_key: Key of the log.
        witnesses: Keys of witnesses that are trusted.
        witnesses_min: Cosignatures that must be there.

    Raises:
        BadNote, NoteUnverified: It is no checkpoint, or not signed as it must be.
        TreeMismatch: The log begins with none of the heads.
        BadTile, CannotReachNode, BadAnswer: Files are missing, or nothing answers.
    """
    content = source.read(FILE, note.NOTE_BYTES_MAX)
    if content is None:
        raise BadNote("there is no checkpoint")
    known = [log_key, *witnesses]
    read, verified = checkpoint.verify_checkpoint(content, known, witnesses_min=witnesses_min)
    by_log: dict[int, list[TreeHead]] = {}
    for log, head in heads:
        by_log.setdefault(log, []).append(head)
    why = TreeMismatch("no record is in a log")
    for log, each in by_log.items():
        if max(head.size for head in each) > read.size:
            why = TreeMismatch(
                f"the checkpoint has {read.size} entries, and a record is proven in log {log} at "
                f"{max(head.size for head in each)}: wait for the next checkpoint"
            )
            continue
        view = View(each[0].function, Served(source), read.size)
        sizes = {head.size for head in each}
        paths = {size: tuple(map(bytes, view.consistency_path(size))) for size in sizes}
        made = LogCheckpoint(log, content, tuple(one.key for one in verified), paths)
        try:
            check_checkpoint(made, heads=each)
        except TreeMismatch as error:
            why = error
            continue
        return made
    raise why


def check_checkpoint(
    made: LogCheckpoint,
    *,
    heads: Sequence[TreeHead],
    keys: Sequence[VerifierKey] | None = None,
) -> Witnessed:
    """Check a checkpoint, and that its log begins with those that records prove.

    Args:
        made: The checkpoint.
        heads: The log at each size at which a record is proven.
        keys: Keys of logs and witnesses, in the place of those that stand beside it.

    Raises:
        BadNote, NoteUnverified: It is no checkpoint, the log did not sign it, or one did not whose
            key stands beside it.
        TreeMismatch: Its log does not begin with one of the heads, or the proof is missing.
    """
    read, verified = checkpoint.verify_checkpoint(made.content, made.keys if keys is None else keys)
    if keys is None and {one.key for one in verified} != set(made.keys):
        raise NoteUnverified("one whose key stands beside the checkpoint did not sign it")
    if not heads:
        raise TreeMismatch(f"no record is in log {made.log}")
    if made.paths.keys() != {head.size for head in heads}:
        raise TreeMismatch("the proofs of consistency are not those of the records")
    for head in heads:
        path = made.paths[head.size]
        tree.check_consistency(head.function, head.size, read.size, head.root, path, root=read.root)
    cosigned = [one.key.name for one in verified if one.key.kind is SignatureType.COSIGNATURE]
    return Witnessed(made.log, read, tuple(cosigned))
