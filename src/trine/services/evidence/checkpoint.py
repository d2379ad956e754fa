"""Read and write checkpoints: a log's size and root as a signed note (C2SP tlog-checkpoint).

>>> from trine.crypto import SecretKey
>>> from trine.services.evidence import checkpoint, note
>>> from trine.types import Digest
>>> key = SecretKey("ed25519", bytes(32))
>>> head = checkpoint.Checkpoint("log.example/7", 3, Digest(bytes(32)))
>>> data = checkpoint.sign_checkpoint(head, key).encode()
>>> data.decode().splitlines()[:3]
['log.example/7', '3', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']
>>> known = [note.verifier_of(key, "log.example/7")]
>>> checkpoint.verify_checkpoint(data, known)[0] == head
True
"""

import base64
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from trine.crypto import SecretKey
from trine.errors import BadArgument
from trine.errors.services import BadNote, NoteUnverified
from trine.services.evidence import note
from trine.services.evidence.tree import SIZE_MAX
from trine.types import Digest

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_ROOT: Final = re.compile("[A-Za-z0-9+/]{43}=")


class Checkpoint(NamedTuple):
    """A log at one size, as its checkpoint says.

    Attributes:
        origin: Name of the log.
        size: Number of leaves.
        root: Root over them.
        extensions: Further lines, of which nothing is understood.
    """

    origin: str
    size: int
    root: Digest
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text of the note.

        Raises:
            BadArgument: A part is not one that `read_text` accepts.
        """
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        text = "".join(f"{line}\n" for line in (*lines, *self.extensions))
        try:
            is_same = self.read_text(text) == self
        except BadNote as error:
            raise BadArgument(str(error)) from None
        if not is_same:
            raise BadArgument("a line of the checkpoint holds the end of a line")
        return text

    @classmethod
    def read_text(cls, text: str) -> Self:
        """Read the text of a note.

        Raises:
            BadNote: It is not that of a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise BadNote("a checkpoint is three lines or more, none of them empty")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size) or int(size) > SIZE_MAX:
            raise BadNote(f"the size {size[:80]!r}, expected digits up to {SIZE_MAX}")
        if not _ROOT.fullmatch(root) or base64.b64encode(base64.b64decode(root)) != root.encode():
            raise BadNote(f"the root {root[:80]!r}, expected 32 bytes in base64")
        return cls(origin, int(size), Digest(base64.b64decode(root)), tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, key: SecretKey, name: str | None = None) -> note.Note:
    """Sign a checkpoint as the log.

    Args:
        checkpoint: The log at one size.
        key: Key of Ed25519.
        name: Name of the key; by default the origin.

    Raises:
        BadArgument: A part of the checkpoint, the key or the name is not allowed.
    """
    text = checkpoint.text()
    return note.Note(text, (note.sign(text, key, name or checkpoint.origin),))


def verify_checkpoint(
    data: bytes, keys: Sequence[note.VerifierKey], *, witnesses_min: int = 0
) -> tuple[Checkpoint, list[note.Verified]]:
    """Read a checkpoint and check its signatures.

    Args:
        data: The note.
        keys: Keys of the log and of the witnesses that are trusted.
        witnesses_min: Cosignatures that must be there.

    Returns:
        The checkpoint, and the signatures that hold.

    Raises:
        BadNote: It is no checkpoint.
        NoteUnverified: The log did not sign it, a known key's signature does not hold, or there are
            fewer cosignatures than `witnesses_min`.
    """
    read = note.read_note(data)
    checkpoint = Checkpoint.read_text(read.text)
    verified = note.verify(read, keys)
    cosigned = sum(each.key.kind is note.SignatureType.COSIGNATURE for each in verified)
    if cosigned == len(verified):
        raise NoteUnverified("the log itself did not sign the checkpoint")
    if cosigned < witnesses_min:
        raise NoteUnverified(f"{cosigned} cosignatures, expected {witnesses_min}")
    return checkpoint, verified
