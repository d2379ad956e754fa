"""Read, sign and verify COSE_Sign1 messages (RFC 9052, section 4.2) over the bytes as they came.

A message is taken apart by the scanner of `cbor` and never encoded again: what is verified and
hashed are slices of what was received. Signed statements (`statement`) and receipts (`receipt`) are
such messages.

>>> from trine.crypto import SecretKey
>>> from trine.services.evidence import cose
>>> key = SecretKey("ed25519", bytes(32))
>>> protected = cose.encode({cose.ALGORITHM: cose.ALGORITHM_OF_KEY["ed25519"]})
>>> signature = cose.sign(key, protected, b"content")
>>> data = cose.write_sign1(protected, cose.EMPTY_MAP, b"content", signature)
>>> message = cose.read_sign1(data, "the example", bytes_max=1_000)
>>> cose.verify_sign1(message, cose.public_key(key))
>>> message.payload
b'content'
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import cbor2

from trine.crypto import SecretKey, sign_message, verify_batch, verify_message
from trine.errors.services import (
    BadHeader,
    CoseEncoding,
    CoseSignature,
    CoseTooLarge,
    CriticalHeader,
    DetachedPayload,
    DuplicateLabel,
    HeaderMissing,
    HeaderNotProtected,
    NotACoseMessage,
    SignatureAlgorithm,
    TrailingBytes,
)
from trine.services.evidence import cbor
from trine.services.evidence.cbor import Label, Slice
from trine.types.calls import PublicKey

PROTECTED_BYTES_MAX: Final = 32 * 1_024
"""Bytes of the protected header: enough for a chain of certificates."""
SIGNATURE_BYTES: Final = 64
"""Bytes of a signature of every algorithm that is known here."""

ALGORITHM: Final = 1
"""Label of the algorithm (RFC 9052, section 3.1)."""
CRITICAL: Final = 2
"""Label of the list of headers that must be understood (the same)."""
CONTENT_TYPE: Final = 3
"""Label of the type of the payload (the same)."""
KEY_ID: Final = 4
"""Label of the name of the key (the same)."""
CWT_CLAIMS: Final = 15
"""Label of the claims (RFC 9597, section 2)."""

EDDSA: Final = -8
"""EdDSA, here with Ed25519 (RFC 9053, section 2.2)."""
ES256: Final = -7
"""ECDSA with SHA-256, here with P-256 (RFC 9053, section 2.1)."""
ED25519: Final = -19
"""EdDSA with Ed25519 and nothing else (RFC 9864, section 2.2)."""
ESP256: Final = -9
"""ECDSA with P-256 and SHA-256 and nothing else (RFC 9864, section 2.1)."""
SM2_SM3: Final = -65_600
"""SM2 with SM3 and the usual identifier (GB/T 32918.2, GM/T 0009); `r` and `s` of 32 bytes each.

COSE has no number for it: this one is of the range for private use (RFC 9053, section 11.1)."""

KEY_OF_ALGORITHM: Final = {
    EDDSA: "ed25519",
    ES256: "p256",
    ED25519: "ed25519",
    ESP256: "p256",
    SM2_SM3: "sm2",
}
"""Algorithm of the key by the number of COSE."""
ALGORITHM_OF_KEY: Final = {"ed25519": EDDSA, "p256": ES256, "sm2": SM2_SM3}
"""Number of COSE that a key signs with."""

TAG_AND_ARRAY: Final = b"\xd2\x84"
"""Tag 18 and an array of four (RFC 9052, section 4.2)."""
EMPTY_MAP: Final = b"\xa0"

_P256_ORDER: Final = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
_P256_HALF: Final = (_P256_ORDER // 2).to_bytes(32)
_CONTEXT: Final = b"\x84\x6aSignature1"


class Sign1(NamedTuple):
    """A COSE_Sign1 message, taken apart; nothing in it is verified.

    Attributes:
        data: The whole message as received.
        protected: Content of the protected header, as received.
        headers: Places of the protected headers' values in `protected`.
        maps: The same inside those of them that are maps.
        unprotected: Places of the other headers' values in `data`.
        unprotected_slice: Place of the whole unprotected header in `data`.
        payload: The payload; nothing where it is detached.
        signature: The signature as received.
    """

    data: bytes
    protected: bytes
    headers: dict[Label, Slice]
    maps: dict[Label, dict[Label, Slice]]
    unprotected: dict[Label, Slice]
    unprotected_slice: Slice
    payload: bytes | None
    signature: bytes


def read_sign1(data: bytes, what: str, *, bytes_max: int) -> Sign1:
    """Take a tagged message apart.

    The protected header is at most `PROTECTED_BYTES_MAX`; limits of entries and depth are those of
    `cbor`.

    Args:
        data: The message.
        what: Name of the message in errors, such as `the statement`.
        bytes_max: Bytes that it may have.

    Raises:
        NotACoseMessage: It is something else.
        CoseTruncated, CoseEncoding, CoseTooLarge, NestedTooDeep, TrailingBytes: It is malformed.
        DuplicateLabel: A label stands twice, in one header or in both (RFC 9052, section 3).
        BadHeader: A label is neither number nor text.
    """
    end = len(data)
    if end > bytes_max:
        raise CoseTooLarge(f"{what} has {end} bytes, at most {bytes_max}")
    if data[:2] != TAG_AND_ARRAY:
        raise NotACoseMessage(f"{what} does not begin with tag 18 and an array of four")
    start, at = _string(data, 2, end, what)
    if at - start > PROTECTED_BYTES_MAX:
        raise CoseTooLarge(
            f"{what} has a protected header of {at - start} bytes, at most {PROTECTED_BYTES_MAX}"
        )
    protected = data[start:at]
    headers: dict[Label, Slice] = {}
    maps: dict[Label, dict[Label, Slice]] = {}
    if protected:
        headers, stop = cbor.map_slices(
            protected, 0, len(protected), "the protected header", maps=maps
        )
        if stop != len(protected):
            raise TrailingBytes("bytes follow the map in the protected header")
    first = at
    unprotected, at = cbor.map_slices(data, first, end, "the unprotected header")
    if unprotected and not headers.keys().isdisjoint(unprotected):
        twice = next(iter(headers.keys() & unprotected.keys()))
        raise DuplicateLabel(f"the label {cbor.shown(twice)} is protected and unprotected")
    unprotected_slice = (first, at)
    payload = None
    if at < end and data[at] == cbor.NULL:
        at += 1
    else:
        start, at = _string(data, at, end, what)
        payload = data[start:at]
    start, stop = _string(data, at, end, what)
    if stop != end:
        raise TrailingBytes(f"{end - stop} bytes follow {what}")
    signature = data[start:stop]
    return Sign1(data, protected, headers, maps, unprotected, unprotected_slice, payload, signature)


def _string(data: bytes, at: int, end: int, what: str) -> Slice:
    major, length, start = cbor.head(data, at, end, what)
    if major != cbor.BYTES:
        raise NotACoseMessage(f"{what} has another item than a byte string at byte {at}")
    return start, cbor.string_end(start, length, end, what)


def required(message: Sign1, label: int, name: str) -> Slice:
    """Return the place of a header that must be protected.

    Raises:
        HeaderMissing: The message lacks it.
        HeaderNotProtected: It stands among the unprotected headers.
    """
    place = message.headers.get(label)
    if place is not None:
        return place
    if label in message.unprotected:
        raise HeaderNotProtected(f"the header {name} ({label}) is not protected")
    raise HeaderMissing(f"the protected header lacks {name} ({label})")


def integer(data: bytes, place: Slice, what: str) -> int:
    """Read a number at a place that was scanned.

    Raises:
        BadHeader: There is something else.
    """
    major, argument, _ = cbor.head(data, *place, what)
    if major > cbor.NEGATIVE:
        raise BadHeader(f"{what} is no number")
    return argument if major == cbor.UNSIGNED else -1 - argument


def string(data: bytes, place: Slice, what: str) -> bytes:
    """Read a byte string at a place that was scanned.

    Raises:
        BadHeader: There is something else.
    """
    if data[place[0]] >> 5 != cbor.BYTES:
        raise BadHeader(f"{what} is no byte string")
    return data[cbor.content_at(data, place[0]) : place[1]]


def text(data: bytes, place: Slice, what: str) -> str:
    """Read a text at a place that was scanned.

    Raises:
        BadHeader: There is something else.
    """
    if data[place[0]] >> 5 != cbor.TEXT:
        raise BadHeader(f"{what} is no text")
    return data[cbor.content_at(data, place[0]) : place[1]].decode()


def items(data: bytes, place: Slice, what: str) -> list[Slice]:
    """Return the places of the items of an array that was scanned.

    Raises:
        BadHeader: There is something else.
    """
    try:
        return list(cbor.items(data, *place, what))
    except CoseEncoding:
        raise BadHeader(f"{what} is no array") from None


def algorithm(message: Sign1) -> int:
    """Return the algorithm, a protected header.

    Raises:
        HeaderMissing, HeaderNotProtected: It is not there.
        SignatureAlgorithm: It is none of `KEY_OF_ALGORITHM`.
    """
    place = required(message, ALGORITHM, "alg")
    found: int | None
    try:
        found = integer(message.protected, place, "alg")
    except BadHeader:
        found = None
    if found not in KEY_OF_ALGORITHM:
        known = ", ".join(map(str, KEY_OF_ALGORITHM))
        raise SignatureAlgorithm(f"the algorithm {found or 'of a text'}, expected one of {known}")
    return found


def check_critical(message: Sign1, understood: frozenset[Label]) -> None:
    """Check that every critical header is present and understood (RFC 9052, section 3.1).

    Raises:
        HeaderNotProtected: The list itself is not protected.
        BadHeader: The list is empty or no list of labels.
        CriticalHeader: A header of it is absent or not among `understood`.
    """
    place = message.headers.get(CRITICAL)
    if place is None:
        if CRITICAL in message.unprotected:
            raise HeaderNotProtected("the header crit (2) is not protected")
        return
    data = message.protected
    places = items(data, place, "crit")
    if not places:
        raise BadHeader("crit is empty")
    for each in places:
        major, _, _ = cbor.head(data, *each, "crit")
        reader = integer if major <= cbor.NEGATIVE else text
        label = reader(data, each, "a label of crit")
        if label not in understood or label not in message.headers:
            raise CriticalHeader(f"the critical header {cbor.shown(label)} is absent or unknown")


def encode(value: Mapping[Label, object]) -> bytes:
    """Encode a map of headers deterministically (RFC 8949, section 4.2.1)."""
    return cbor2.dumps(dict(value), canonical=True)


def public_key(key: SecretKey) -> PublicKey:
    """Return the public half of a key."""
    return PublicKey(key.algorithm, key.public_key)


def signed_bytes(protected: bytes, payload: bytes, external: bytes = b"") -> bytes:
    """Return the bytes that are signed: the Sig_structure (RFC 9052, section 4.4).

    A protected header without entries counts as the empty string there.
    """
    if protected == EMPTY_MAP:
        protected = b""
    head = cbor.encode_head
    return b"".join(
        (
            _CONTEXT,
            head(cbor.BYTES, len(protected)),
            protected,
            head(cbor.BYTES, len(external)),
            external,
            head(cbor.BYTES, len(payload)),
            payload,
        )
    )


def sign(key: SecretKey, protected: bytes, payload: bytes) -> bytes:
    """Sign payload and protected header.

    Raises:
        SignatureAlgorithm: The key is of another algorithm than `ALGORITHM_OF_KEY` lists.
    """
    if key.algorithm not in ALGORITHM_OF_KEY:
        known = ", ".join(ALGORITHM_OF_KEY)
        raise SignatureAlgorithm(f"a key of {key.algorithm}, expected one of {known}")
    # What follows r and s only speeds batches of the chain.
    return sign_message(key, signed_bytes(protected, payload))[:SIGNATURE_BYTES]


def write_sign1(
    protected: bytes, unprotected: bytes, payload: bytes | None, signature: bytes
) -> bytes:
    """Put a tagged message together; the unprotected header comes encoded.

    Args:
        protected: Content of the protected header.
        unprotected: Encoded map.
        payload: Nothing where the payload is detached.
        signature: As `sign` gives it.
    """
    content = bytes([cbor.NULL]) if payload is None else cbor.encode_bytes(payload)
    head = TAG_AND_ARRAY + cbor.encode_bytes(protected)
    return head + unprotected + content + cbor.encode_bytes(signature)


def verify_sign1(message: Sign1, key: PublicKey, *, payload: bytes | None = None) -> None:
    """Check the signature of a message.

    Args:
        message: The message.
        key: Key that should have signed it.
        payload: The payload where it is detached.

    Raises:
        SignatureAlgorithm: The algorithm is unknown, or not that of the key.
        DetachedPayload: There is no payload, neither in the message nor given.
        CoseSignature: The signature does not hold.
    """
    signed = _signed(message, key, payload)
    if len(message.signature) != SIGNATURE_BYTES or not verify_message(
        key.algorithm, key.key, signed, _low(key.algorithm, message.signature)
    ):
        raise CoseSignature("the signature does not hold under the key")


def _low(name: str, signature: bytes) -> bytes:
    """Bring `s` of ECDSA into the lower half, as the chain has it; COSE does not ask for it."""
    if name != "p256" or signature[32:] <= _P256_HALF:
        return signature
    twin = _P256_ORDER - int.from_bytes(signature[32:])
    return signature if twin <= 0 else signature[:32] + twin.to_bytes(32)


def _signed(message: Sign1, key: PublicKey, payload: bytes | None) -> bytes:
    number = algorithm(message)
    if KEY_OF_ALGORITHM[number] != key.algorithm:
        raise SignatureAlgorithm(f"the algorithm {number} with a key of {key.algorithm}")
    content = payload if message.payload is None else message.payload
    if content is None:
        raise DetachedPayload("the payload is detached")
    return signed_bytes(message.protected, content)


def verify_many(messages: Sequence[Sign1], keys: Sequence[PublicKey]) -> list[bool]:
    """Check the signatures of many messages at once, those of one algorithm in one batch.

    Args:
        messages: Messages with their payloads.
        keys: Key of each.

    Returns:
        Whether the signature holds, for each; not where the algorithm is not that of the key.
    """
    verdicts = [False] * len(messages)
    batches: dict[str, list[int]] = {}
    for index, (message, key) in enumerate(zip(messages, keys, strict=True)):
        if len(message.signature) == SIGNATURE_BYTES:
            batches.setdefault(key.algorithm, []).append(index)
    for name, indexes in batches.items():
        chosen, signed = [], []
        for index in indexes:
            try:
                signed.append(_signed(messages[index], keys[index], None))
            except (SignatureAlgorithm, DetachedPayload, HeaderMissing, HeaderNotProtected):
                continue
            chosen.append(index)
        valid = verify_batch(
            name,
            [keys[index].key for index in chosen],
            signed,
            [_low(name, messages[index].signature) for index in chosen],
        )
        for index, verdict in zip(chosen, valid, strict=True):
            verdicts[index] = verdict == 1
    return verdicts
