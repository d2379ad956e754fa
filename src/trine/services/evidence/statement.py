"""Read, make and register signed statements: COSE messages by RFC 9943 (SCITT).

A statement says who (issuer) says what (payload) about what (subject). It is registered under its
*entry*, a digest of its bytes that does not change when receipts are added to it.

>>> from trine.crypto import SecretKey
>>> from trine.services.evidence import cose, statement
>>> key = SecretKey("ed25519", bytes(32))
>>> data = statement.sign_statement(
...     b"{}", key=key, issuer="https://city.example", subject="bridge-7", content_type="text/json"
... )
>>> read = statement.read_statement(data, now_s=1_800_000_000)
>>> statement.verify_statement(read, cose.public_key(key))
>>> read.issuer, read.subject, read.payload
('https://city.example', 'bridge-7', b'{}')
>>> statement.entry_of(statement.with_receipts(data, [data])) == statement.entry_of(data)
True
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from trine.crypto import SecretKey, hash_many
from trine.errors.services import (
    BadHeader,
    CoseTooLarge,
    DetachedPayload,
    HeaderMissing,
    HeaderNotProtected,
    StatementExpired,
    StatementNotYetValid,
)
from trine.services.evidence import cbor, cose
from trine.services.evidence.cbor import Label, Slice
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

STATEMENT_BYTES_MAX: Final = 1_024 * 1_024
"""Bytes of a signed statement."""
RECEIPT_BYTES_MAX: Final = 1_024 * 1_024
"""Bytes of a receipt; without the chain's own proof one has less than 2,048."""
RECEIPTS_MAX: Final = 8
"""Receipts in a transparent statement."""
TRANSPARENT_BYTES_MAX: Final = STATEMENT_BYTES_MAX + RECEIPTS_MAX * (RECEIPT_BYTES_MAX + 16)
"""Bytes of a transparent statement."""
CLAIM_BYTES_MAX: Final = 8_192
"""Bytes of issuer, subject and content type (RFC 9943, section 6, has so many for the issuer)."""
KEY_ID_BYTES_MAX: Final = 256
"""Bytes of the name of a key."""
CLOCK_SKEW_S_MAX: Final = 300
"""Seconds by which the clocks of issuer and service may differ."""
TIME_S_MAX: Final = 253_402_300_799
"""Last second of the year 9999."""

X5CHAIN: Final = 33
"""Label of a chain of certificates (RFC 9360, section 2)."""
X5T: Final = 34
"""Label of the digest of a certificate (the same)."""
PAYLOAD_HASH_ALGORITHM: Final = 258
"""Label of the function whose digest the payload is (RFC 9995, a hash envelope)."""
PREIMAGE_CONTENT_TYPE: Final = 259
"""Label of the type of what was hashed (the same)."""
PAYLOAD_LOCATION: Final = 260
"""Label of the place of what was hashed (the same)."""
RECEIPTS: Final = 394
"""Label of the receipts, never protected here (RFC 9942, section 2)."""

ISSUER, SUBJECT, EXPIRES, NOT_BEFORE, ISSUED_AT = 1, 2, 4, 5, 6
"""Claims (RFC 8392, section 3.1)."""

DIGEST_BYTES: Final = {-16: 32, -43: 48, -44: 64}
"""Bytes of the digests of a hash envelope: SHA-256, SHA-384, SHA-512 (RFC 9054, section 2)."""

UNDERSTOOD: Final[frozenset[Label]] = frozenset(
    {
        cose.ALGORITHM,
        cose.CRITICAL,
        cose.CONTENT_TYPE,
        cose.KEY_ID,
        cose.CWT_CLAIMS,
        X5CHAIN,
        X5T,
        PAYLOAD_HASH_ALGORITHM,
        PREIMAGE_CONTENT_TYPE,
        PAYLOAD_LOCATION,
    }
)
"""Headers that a statement may call critical."""

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_ENVELOPE: Final = (PAYLOAD_HASH_ALGORITHM, PREIMAGE_CONTENT_TYPE, PAYLOAD_LOCATION)
_WHAT: Final = "the statement"


class Statement(NamedTuple):
    """A signed statement whose headers are checked; its signature is not, before `verify`.

    Attributes:
        message: The message as received.
        issuer: Who says it.
        subject: What it is about.
        content_type: Media type of the payload, or its number in the registry of CoAP.
        payload: What is said; the digest of it in a hash envelope.
        key_id: Name of the key; nothing where a certificate names it.
        issued_at_s: Unix time in seconds at which the issuer says that it was made.
        payload_hash: Number in COSE of the function of a hash envelope; nothing where the payload
            is the content itself.
    """

    message: cose.Sign1
    issuer: str
    subject: str
    content_type: str | int
    payload: bytes
    key_id: bytes | None
    issued_at_s: int | None
    payload_hash: int | None


def read_statement(
    data: bytes,
    *,
    now_s: int,
    clock_skew_s: int = CLOCK_SKEW_S_MAX,
    key_id_required: bool = True,
) -> Statement:
    """Read a signed or transparent statement and check its headers.

    Follows RFC 9943, section 6: algorithm, claims with issuer and subject, and the name of the key
    are protected. Beyond it a content type is required and the payload attached
    (`docs/reference/scitt.md`, section 3).

    Args:
        data: The statement.
        now_s: Unix time in seconds.
        clock_skew_s: Seconds by which times in it may be off.
        key_id_required: Whether a key or certificate must be named, as RFC 9943 demands; off for
            statements of RFC 9052 alone.

    Raises:
        NotACoseMessage, CoseTruncated, CoseEncoding, CoseTooLarge, NestedTooDeep, TrailingBytes,
        DuplicateLabel: The bytes are not such a message.
        HeaderMissing, HeaderNotProtected, BadHeader, CriticalHeader: A header is not as required.
        SignatureAlgorithm: The algorithm is unknown.
        DetachedPayload: The payload is not in the message.
        StatementNotYetValid, StatementExpired: The statement says so.
    """
    message = cose.read_sign1(data, _WHAT, bytes_max=TRANSPARENT_BYTES_MAX)
    first, stop = message.unprotected_slice
    if len(data) - (stop - first) >= STATEMENT_BYTES_MAX:
        raise CoseTooLarge(f"the statement has over {STATEMENT_BYTES_MAX} bytes without receipts")
    cose.algorithm(message)
    cose.check_critical(message, UNDERSTOOD)
    issuer, subject, issued_at_s = _read_claims(message, now_s, clock_skew_s)
    if X5T in message.headers or X5CHAIN in message.headers:
        _check_certificates(message, issuer)
    payload_hash = _payload_hash(message)
    content_type = _content_type(message, payload_hash)
    key_id = _key_id(message, required=key_id_required)
    if message.payload is None:
        raise DetachedPayload("the payload is detached")
    if payload_hash is not None and len(message.payload) != DIGEST_BYTES[payload_hash]:
        raise BadHeader(f"the payload is no digest of the function {payload_hash}")
    return Statement(
        message,
        issuer,
        subject,
        content_type,
        message.payload,
        key_id,
        issued_at_s,
        payload_hash,
    )


def _read_claims(message: cose.Sign1, now_s: int, skew_s: int) -> tuple[str, str, int | None]:
    """Read issuer, subject and time of issue; check the times."""
    data = message.protected
    claims = claims_of(message)
    issuer = claim_text(data, required_claim(claims, ISSUER, "issuer"), "the issuer")
    subject = claim_text(data, required_claim(claims, SUBJECT, "subject"), "the subject")
    issued_at_s = time_of(data, claims, ISSUED_AT)
    not_before_s = time_of(data, claims, NOT_BEFORE)
    expires_s = time_of(data, claims, EXPIRES)
    _check_times(max(issued_at_s or 0, not_before_s or 0), expires_s, now_s, skew_s)
    return issuer, subject, issued_at_s


def _check_times(from_s: int | None, expires_s: int | None, now_s: int, skew_s: int) -> None:
    if from_s is not None and from_s > now_s + skew_s:
        raise StatementNotYetValid(f"valid from {from_s}, {from_s - now_s} seconds after now")
    if expires_s is not None and expires_s <= now_s - skew_s:
        raise StatementExpired(f"expired at {expires_s}, {now_s - expires_s} seconds ago")


def claims_of(message: cose.Sign1) -> dict[Label, Slice]:
    """Return the places of the claims in the protected header (RFC 9597).

    Raises:
        HeaderMissing, HeaderNotProtected: There are none.
        BadHeader: They are no map.
    """
    claims = message.maps.get(cose.CWT_CLAIMS)
    if claims is None:
        cose.required(message, cose.CWT_CLAIMS, "CWT claims")
        raise BadHeader("the CWT claims are no map")
    return claims


def required_claim(claims: dict[Label, Slice], label: int, name: str) -> Slice:
    """Return the place of a claim.

    Raises:
        HeaderMissing: It is not among the claims.
    """
    place = claims.get(label)
    if place is None:
        raise HeaderMissing(f"the CWT claims lack the {name} ({label})")
    return place


def claim_text(data: bytes, place: Slice, what: str) -> str:
    """Read a text of 1 to `CLAIM_BYTES_MAX` bytes.

    Raises:
        BadHeader: It is no text, or empty.
        CoseTooLarge: It is longer.
    """
    length = place[1] - place[0]
    if length > CLAIM_BYTES_MAX + 3:
        raise CoseTooLarge(f"{what} has {length - 3} bytes, at most {CLAIM_BYTES_MAX}")
    found = cose.text(data, place, what)
    if not found:
        raise BadHeader(f"{what} is empty")
    return found


def time_of(data: bytes, claims: dict[Label, Slice], label: int) -> int | None:
    """Read a claim that is a Unix time in seconds; nothing where there is none.

    Raises:
        BadHeader: It is no whole number up to `TIME_S_MAX`.
    """
    place = claims.get(label)
    if place is None:
        return None
    time_s = cose.integer(data, place, f"the claim {label}")
    if not 0 <= time_s <= TIME_S_MAX:
        raise BadHeader(f"the claim {label} is {time_s}, expected seconds up to {TIME_S_MAX}")
    return time_s


def _content_type(message: cose.Sign1, payload_hash: int | None) -> str | int:
    """Read the type of the payload, or of what was hashed."""
    label = cose.CONTENT_TYPE
    if payload_hash is not None:
        if label in message.headers or label in message.unprotected:
            raise BadHeader("a hash envelope has the type of what was hashed (259), not one (3)")
        label = PREIMAGE_CONTENT_TYPE
    place = cose.required(message, label, "content type")
    if message.protected[place[0]] >> 5 == cbor.TEXT:
        return claim_text(message.protected, place, "the content type")
    number = cose.integer(message.protected, place, "the content type")
    if not 0 <= number < 1 << 16:
        raise BadHeader(f"the content type {number}, expected a text or 0 to 65535")
    return number


def _payload_hash(message: cose.Sign1) -> int | None:
    """Read the function of a hash envelope (RFC 9995)."""
    headers = message.headers
    for label in _ENVELOPE:
        if label in message.unprotected:
            raise HeaderNotProtected(f"the header {label} of a hash envelope is not protected")
    place = headers.get(PAYLOAD_HASH_ALGORITHM)
    if place is None:
        if PREIMAGE_CONTENT_TYPE in headers or PAYLOAD_LOCATION in headers:
            raise HeaderMissing("a hash envelope lacks its function (258)")
        return None
    function = cose.integer(message.protected, place, "the function of the hash envelope")
    if function not in DIGEST_BYTES:
        known = ", ".join(map(str, DIGEST_BYTES))
        raise BadHeader(f"a hash envelope of the function {function}, expected one of {known}")
    location = headers.get(PAYLOAD_LOCATION)
    if location is not None:
        claim_text(message.protected, location, "the location of the payload")
    return function


def _check_certificates(message: cose.Sign1, issuer: str) -> None:
    """Check the form of protected certificates (RFC 9360, section 2), and that of their issuer."""
    data, headers = message.protected, message.headers
    digest, chain = headers.get(X5T), headers.get(X5CHAIN)
    if digest is not None:
        parts = cose.items(data, digest, "x5t")
        if len(parts) != 2:
            raise BadHeader(f"x5t of {len(parts)} parts, expected function and digest")
        cose.string(data, parts[1], "the digest of x5t")
    if chain is not None:
        is_single = data[chain[0]] >> 5 == cbor.BYTES
        certificates = [chain] if is_single else cose.items(data, chain, "x5chain")
        if not certificates:
            raise BadHeader("x5chain is empty")
        for certificate in certificates:
            cose.string(data, certificate, "a certificate of x5chain")
    if not _URI.match(issuer):
        raise BadHeader(f"the issuer {issuer[:80]!r} is no URI, as it must be with a certificate")


def _key_id(message: cose.Sign1, *, required: bool) -> bytes | None:
    """Read the name of the key; a certificate may stand for it."""
    headers = message.headers
    place = headers.get(cose.KEY_ID)
    if place is None:
        if required and X5T not in headers and X5CHAIN not in headers:
            cose.required(message, cose.KEY_ID, "key id")
        return None
    found = cose.string(message.protected, place, "the key id")
    if not 1 <= len(found) <= KEY_ID_BYTES_MAX:
        raise BadHeader(f"a key id of {len(found)} bytes, expected 1 to {KEY_ID_BYTES_MAX}")
    return found


def verify_statement(statement: Statement, key: PublicKey) -> None:
    """Check that the issuer's key signed the statement.

    Raises:
        SignatureAlgorithm: The key is of another algorithm.
        CoseSignature: The signature does not hold.
    """
    cose.verify_sign1(statement.message, key)


def verify_many(statements: Sequence[Statement], keys: Sequence[PublicKey]) -> list[bool]:
    """Say for each statement whether its key signed it; a batch costs a fraction of single ones."""
    return cose.verify_many([statement.message for statement in statements], keys)


def sign_statement(
    payload: bytes,
    *,
    key: SecretKey,
    issuer: str,
    subject: str,
    content_type: str | int,
    issued_at_s: int | None = None,
    key_id: bytes | None = None,
    payload_hash: int | None = None,
    certificates: Sequence[bytes] = (),
) -> bytes:
    """Make a signed statement.

    Args:
        payload: What is said; its digest in a hash envelope.
        key: Key of the issuer.
        issuer: Who says it, by RFC 9943 a URI.
        subject: What it is about.
        content_type: Media type of the content.
        issued_at_s: Unix time in seconds; nothing leaves the time out.
        key_id: Name of the key; by default the public key itself, and none beside certificates.
        payload_hash: Number in COSE of the function whose digest the payload is.
        certificates: Certificate of the key and those above it, in DER (x5chain, RFC 9360).

    Raises:
        SignatureAlgorithm: The key is of an algorithm that signs no statements.
        BadHeader, CoseTooLarge: A value is not one that `read_statement` accepts.
    """
    claims: dict[Label, object] = {ISSUER: issuer, SUBJECT: subject}
    if issued_at_s is not None:
        claims[ISSUED_AT] = issued_at_s
    headers: dict[Label, object] = {
        cose.ALGORITHM: cose.ALGORITHM_OF_KEY.get(key.algorithm),
        cose.CWT_CLAIMS: claims,
    }
    if certificates:
        headers[X5CHAIN] = certificates[0] if len(certificates) == 1 else list(certificates)
    if key_id is not None or not certificates:
        headers[cose.KEY_ID] = key.public_key if key_id is None else key_id
    if payload_hash is None:
        headers[cose.CONTENT_TYPE] = content_type
    else:
        headers[PAYLOAD_HASH_ALGORITHM] = payload_hash
        headers[PREIMAGE_CONTENT_TYPE] = content_type
    protected = cose.encode(headers)
    signature = cose.sign(key, protected, payload)
    data = cose.write_sign1(protected, cose.EMPTY_MAP, payload, signature)
    read_statement(data, now_s=issued_at_s or 0)
    return data


def registered(data: bytes | Statement) -> bytes:
    """Return the bytes of a statement that are registered: with an empty unprotected header.

    So it is by RFC 9943, section 6.3. Every other byte is as it was received.

    Args:
        data: Signed or transparent statement.

    Raises:
        NotACoseMessage, CoseTruncated, CoseEncoding, CoseTooLarge, NestedTooDeep, TrailingBytes,
        DuplicateLabel, BadHeader: The bytes are no such message.
    """
    if isinstance(data, Statement):
        message = data.message
    else:
        message = cose.read_sign1(data, _WHAT, bytes_max=TRANSPARENT_BYTES_MAX)
    first, stop = message.unprotected_slice
    return message.data[:first] + cose.EMPTY_MAP + message.data[stop:]


def entry_of(data: bytes | Statement, function: HashFunction = "sha256") -> Digest:
    """Return the entry of a statement: what a log holds of it, before the hash of the leaf.

    It is the hash of what is `registered`, so that a statement and its transparent statements have
    one entry.

    Args:
        data: Signed or transparent statement.
        function: Hash function of the log.

    Raises:
        NotACoseMessage and others: As `registered`.
    """
    (digest,) = hash_many(function, [registered(data)])
    return Digest(digest)


def entries_of(statements: Sequence[Statement], function: HashFunction = "sha256") -> list[Digest]:
    """Return the entries of many statements; see `entry_of`."""
    return Digest.all_of(hash_many(function, list(map(registered, statements))))


def with_receipts(data: bytes, receipts: Sequence[bytes]) -> bytes:
    """Add receipts to a statement, which makes it transparent (RFC 9943, section 7).

    Every other byte stays as it is. Receipts that it has stay in front.

    Args:
        data: Signed or transparent statement.
        receipts: Receipts, encoded.

    Raises:
        CoseTooLarge: There are more than `RECEIPTS_MAX`, or one is too long.
        NotACoseMessage and others: As `registered`.
    """
    message = cose.read_sign1(data, _WHAT, bytes_max=TRANSPARENT_BYTES_MAX)
    every = [*_receipts(message), *receipts]
    if len(every) > RECEIPTS_MAX:
        raise CoseTooLarge(f"{len(every)} receipts, at most {RECEIPTS_MAX}")
    for receipt in receipts:
        if len(receipt) > RECEIPT_BYTES_MAX:
            raise CoseTooLarge(f"a receipt of {len(receipt)} bytes, at most {RECEIPT_BYTES_MAX}")
    first, stop = message.unprotected_slice
    entries = {label: data[start:end] for label, (start, end) in message.unprotected.items()}
    entries.pop(RECEIPTS, None)
    if every:
        array = cbor.encode_head(cbor.ARRAY, len(every))
        entries[RECEIPTS] = array + b"".join(map(cbor.encode_bytes, every))
    unprotected = cbor.encode_map(entries)
    return data[:first] + unprotected + data[stop:]


def receipts_of(data: bytes) -> list[bytes]:
    """Return the receipts of a transparent statement, none of them verified.

    Raises:
        BadHeader: The receipts are no array of byte strings.
        CoseTooLarge: There are more than `RECEIPTS_MAX`.
        NotACoseMessage and others: As `registered`.
    """
    return _receipts(cose.read_sign1(data, _WHAT, bytes_max=TRANSPARENT_BYTES_MAX))


def _receipts(message: cose.Sign1) -> list[bytes]:
    if RECEIPTS in message.headers:
        raise BadHeader("receipts are protected: they come after the signature")
    place = message.unprotected.get(RECEIPTS)
    if place is None:
        return []
    places = cose.items(message.data, place, "the receipts")
    if not 1 <= len(places) <= RECEIPTS_MAX:
        raise CoseTooLarge(f"{len(places)} receipts, expected 1 to {RECEIPTS_MAX}")
    return [cose.string(message.data, each, "a receipt") for each in places]
