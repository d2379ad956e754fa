r"""Read, sign and verify signed notes (C2SP signed-note) and their cosignatures.

A note is a text with signature lines below it. A signature is of the log itself (Ed25519, type 1)
or a witness's cosignature of a checkpoint with the time of it (cosignature/v1, type 4, C2SP
tlog-cosignature).

>>> from trine.crypto import SecretKey
>>> from trine.services.evidence import note
>>> key = SecretKey("ed25519", bytes(32))
>>> verifier = note.verifier_of(key, "log.example/7")
>>> str(verifier)
'log.example/7+36fcd847+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
>>> signed = note.Note("text\n", (note.sign("text\n", key, "log.example/7"),))
>>> read = note.read_note(signed.encode())
>>> [(found.key.name, found.time_s) for found in note.verify(read, [verifier])]
[('log.example/7', None)]
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple, Self

from trine.crypto import SecretKey, sign_message, verify_message
from trine.errors import BadArgument
from trine.errors.services import BadNote, BadVerifierKey, NoteUnverified

NOTE_BYTES_MAX: Final = 64 * 1_024
"""Bytes of a note."""
SIGNATURES_MAX: Final = 64
"""Signatures of a note; whoever reads notes must accept 16."""
NAME_BYTES_MAX: Final = 255
"""Bytes of the name of a key."""
VERIFIER_KEY_CHARACTERS_MAX: Final = 400
"""Characters of a verifier key."""
TIME_S_MAX: Final = 2**63 - 1
"""Latest time of a cosignature, Unix time in seconds."""

_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_DASH: Final = "\u2014 "
_KEY_ID: Final = re.compile("[0-9a-f]{8}")
_CONTROL: Final = re.compile("[\\x00-\\x09\\x0b-\\x1f\\ud800-\\udfff]")


class SignatureType(IntEnum):
    """Type of a signature, part of the key's identifier."""

    ED25519 = 1
    """Over the text of the note (C2SP signed-note)."""
    COSIGNATURE = 4
    """Over the text and a time, by a witness (C2SP tlog-cosignature)."""


class VerifierKey(NamedTuple):
    """A public key that signs notes under a name.

    Attributes:
        name: Name of the key, such as the log's URL without its scheme.
        kind: Type of its signatures.
        public_key: Ed25519 key.
    """

    name: str
    kind: SignatureType
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Identifier: the first bytes of a hash of name, type and key."""
        hashed = b"\n".join((self.name.encode(), bytes([self.kind]) + self.public_key))
        return hashlib.sha256(hashed).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the text form: `NAME+ID+KEY`."""
        content = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{content}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form.

        Raises:
            BadVerifierKey: It is something else, of another type, or its identifier is wrong.
        """
        # The key may hold a plus itself.
        parts = text[: VERIFIER_KEY_CHARACTERS_MAX + 1].split("+", 2)
        if len(text) > VERIFIER_KEY_CHARACTERS_MAX or len(parts) != 3:
            raise BadVerifierKey(f"{text[:80]!r} is not of the form NAME+ID+KEY")
        name, key_id, content = parts
        data = _decode(content)
        if not is_name(name) or data is None or not _KEY_ID.fullmatch(key_id):
            raise BadVerifierKey(f"{text[:80]!r} is not of the form NAME+ID+KEY")
        if data[:1] not in map(_type_byte, SignatureType) or len(data) != 1 + _PUBLIC_KEY_BYTES:
            raise BadVerifierKey(f"{text[:80]!r} is no key of Ed25519, of type 1 or 4")
        key = cls(name, SignatureType(data[0]), data[1:])
        if key.key_id.hex() != key_id:
            raise BadVerifierKey(f"{text[:80]!r} has the identifier {key.key_id.hex()} in truth")
        return key


class SignatureLine(NamedTuple):
    """A signature of a note: name and identifier of the key, and what follows them."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Return the line without its end."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}"


class Note(NamedTuple):
    """A note, its signatures not verified.

    Attributes:
        text: The text with the end of its last line.
        signatures: One at least where it was read.
    """

    text: str
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        """Return the bytes of the note."""
        lines = "".join(f"{line}\n" for line in self.signatures)
        return f"{self.text}\n{lines}".encode()


class Verified(NamedTuple):
    """A signature that holds: the key, and the time in seconds of a cosignature."""

    key: VerifierKey
    time_s: int | None


def is_name(name: str) -> bool:
    """Say whether a text may name a key: not empty, no spaces, no plus, no control characters."""
    length = len(name.encode(errors="replace"))
    return 1 <= length <= NAME_BYTES_MAX and not any(
        char == "+" or char.isspace() or char < " " or "\ud800" <= char <= "\udfff" for char in name
    )


def read_note(data: bytes) -> Note:
    """Take a note apart.

    Raises:
        BadNote: It is no note, or over a limit.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise BadNote(f"a note of {len(data)} bytes, at most {NOTE_BYTES_MAX}")
    try:
        decoded = data.decode()
    except UnicodeDecodeError:
        raise BadNote("the note is not UTF-8") from None
    if _CONTROL.search(decoded):
        raise BadNote("the note has a control character")
    above, blank, below = decoded.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise BadNote("the note has no blank line with signatures after it")
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise BadNote(f"a note with {len(lines)} signatures, at most {SIGNATURES_MAX}")
    return Note(above + "\n", tuple(map(_read_line, lines)))


def _read_line(line: str) -> SignatureLine:
    name, space, content = line.removeprefix(_DASH).partition(" ")
    data = _decode(content)
    if (
        not line.startswith(_DASH)
        or not space
        or not is_name(name)
        or data is None
        or len(data) <= _KEY_ID_BYTES
    ):
        raise BadNote(f"the line {line[:80]!r} is no signature")
    return SignatureLine(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _decode(content: str) -> bytes | None:
    """Decode base64 (RFC 4648, section 4) in its one form; nothing where it is something else."""
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == content else None


def _type_byte(kind: SignatureType) -> bytes:
    return bytes([kind])


def verifier_of(
    key: SecretKey, name: str, kind: SignatureType = SignatureType.ED25519
) -> VerifierKey:
    """Return what others need to verify a key's signatures.

    Raises:
        BadArgument: The name is none that a key may have, or the key is not of Ed25519.
    """
    if not is_name(name) or key.algorithm != "ed25519":
        raise BadArgument(
            f"a key of {key.algorithm} named {name!r}, expected Ed25519 and no spaces"
        )
    return VerifierKey(name, kind, key.public_key)


def sign(text: str, key: SecretKey, name: str) -> SignatureLine:
    """Sign a text, as a log signs its checkpoints.

    Args:
        text: The text with the end of its last line.
        key: Key of Ed25519.
        name: Name of the key.

    Raises:
        BadArgument: Text, key or name is not allowed.
    """
    verifier = verifier_of(key, name)
    _check_text(text)
    return SignatureLine(name, verifier.key_id, sign_message(key, text.encode()))


def cosign(text: str, key: SecretKey, name: str, time_s: int) -> SignatureLine:
    """Cosign a checkpoint, as a witness does that saw the log only grow.

    Args:
        text: Text of the checkpoint.
        key: Key of Ed25519; one that cosigns nothing under another name.
        name: Name of the key.
        time_s: Unix time in seconds.

    Raises:
        BadArgument: Text, key, name or time is not allowed.
    """
    verifier = verifier_of(key, name, SignatureType.COSIGNATURE)
    _check_text(text)
    if not 0 <= time_s <= TIME_S_MAX:
        raise BadArgument(f"the time {time_s}, expected 0 to {TIME_S_MAX}")
    signature = sign_message(key, _cosigned(text, time_s))
    return SignatureLine(name, verifier.key_id, time_s.to_bytes(_TIME_BYTES) + signature)


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise BadArgument("the text of a note ends with a line and has no control characters")


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def verify(note: Note, keys: Sequence[VerifierKey]) -> list[Verified]:
    """Check the signatures of known keys; those of others are ignored.

    Args:
        note: The note.
        keys: The keys that are known.

    Returns:
        The signatures that hold, in the order of the note, each key once.

    Raises:
        NoteUnverified: No known key signed, or the signature of a known key does not hold.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, Verified] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None and key not in found:
            found[key] = _verify_line(note.text, line, key)
    if not found:
        raise NoteUnverified("no known key signed the note")
    return list(found.values())


def _verify_line(text: str, line: SignatureLine, key: VerifierKey) -> Verified:
    signature, signed, time_s = line.signature, text.encode(), None
    if key.kind is SignatureType.COSIGNATURE:
        time_s = int.from_bytes(signature[:_TIME_BYTES])
        signature, signed = signature[_TIME_BYTES:], _cosigned(text, time_s)
    if (
        len(signature) != _SIGNATURE_BYTES
        or (time_s or 0) > TIME_S_MAX
        or not verify_message("ed25519", key.public_key, signed, signature)
    ):
        raise NoteUnverified(f"the signature of {key.name} does not hold")
    return Verified(key, time_s)
