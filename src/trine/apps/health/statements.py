"""Sign and read what people say to a custodian: consents, requests, approvals, reviews.

Each is a signed statement (COSE, `trine.services.evidence.statement`) whose key is named by the
public key itself and whose issuer is the name of that key (RFC 6920). Its *id* is the SHA-256 of
its registered bytes, whatever the chain's suite.

>>> from trine.crypto import SecretKey
>>> key = SecretKey("ed25519", bytes(32))
>>> data = sign_said({"kind": "review"}, key, subject="emergency", now_ms=1_800_000_000_000)
>>> said = read_said(data, now_ms=1_800_000_000_000)
>>> said.body, said.key.algorithm, said.issued_ms
({'kind': 'review'}, 'ed25519', 1800000000000)
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trine.apps.health.canonical import canonical
from trine.apps.health.limits import CONSENT_BYTES_MAX
from trine.apps.health.reading import parse
from trine.crypto import SecretKey
from trine.errors.health import BadHealthStatement
from trine.model.identifiers import Digest
from trine.services.evidence import cose, statement
from trine.types.calls import PublicKey

SAID_TYPE: Final = "application/vnd.trine.health+json"
"""Media type of requests, approvals and reviews."""


@dataclass(frozen=True, slots=True)
class Said:
    """A statement whose signature holds under the key that it names."""

    id: Digest
    """SHA-256 of the statement without receipts."""
    key: PublicKey
    subject: str
    content_type: str | int
    body: dict[str, Any]
    """What is said, as `reading.parse` reads it."""
    issued_ms: int
    """Unix time in milliseconds at which its maker says that it was made; whole seconds."""


def key_name(key: PublicKey) -> str:
    """Name a public key by its SHA-256 (RFC 6920, section 3)."""
    digest = hashlib.sha256(key.key).digest()
    return f"ni:///sha-256;{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def sign_said(
    body: Mapping[str, Any],
    key: SecretKey,
    *,
    subject: str,
    now_ms: int,
    content_type: str = SAID_TYPE,
) -> bytes:
    """Sign a JSON object in canonical form.

    Args:
        body: What is said.
        key: Key of who says it: Ed25519, P-256 or SM2.
        subject: What it is about.
        now_ms: Unix time in milliseconds.
        content_type: Media type of the body.

    Raises:
        SignatureAlgorithm: The key signs no statements.
        NotJson: A string cannot be written in UTF-8.
    """
    return statement.sign_statement(
        canonical(dict(body)),
        key=key,
        issuer=key_name(cose.public_key(key)),
        subject=subject,
        content_type=content_type,
        issued_at_s=now_ms // 1_000,
    )


def read_said(data: bytes, *, now_ms: int) -> Said:
    """Read a statement and check its signature under the key that it names.

    Whose key that is remains for the caller to know.

    Raises:
        BadHealthStatement: It is too long, names no time, or its body is no JSON object.
        CoseSignature: The signature does not hold.
        NotACoseMessage, StatementNotYetValid and others: As `statement.read_statement` says.
        NotJson, DuplicateMember and others: As `reading.parse` says.
    """
    if len(data) > CONSENT_BYTES_MAX:
        message = f"a statement of {len(data)} bytes, at most {CONSENT_BYTES_MAX} are read"
        raise BadHealthStatement(message)
    read = statement.read_statement(data, now_s=now_ms // 1_000)
    if read.issued_at_s is None or read.payload_hash is not None or read.key_id is None:
        message = "the statement must name its key and time, and hold what is said itself"
        raise BadHealthStatement(message)
    algorithm = cose.KEY_OF_ALGORITHM[cose.algorithm(read.message)]
    key = PublicKey(algorithm, read.key_id)
    statement.verify_statement(read, key)
    body = parse(read.payload, CONSENT_BYTES_MAX)
    if type(body) is not dict:
        raise BadHealthStatement("what is said is a JSON object")
    id_ = Digest(statement.entry_of(read))
    issued_ms = read.issued_at_s * 1_000
    return Said(id_, key, read.subject, read.content_type, body, issued_ms)


def to_text(data: bytes) -> str:
    """Write bytes for a JSON document (RFC 4648, section 5, without padding)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_text(text: object) -> bytes:
    """Read what `to_text` wrote.

    Raises:
        BadHealthStatement: It is nothing of the kind.
    """
    wrong = "a text of base64 (RFC 4648, section 5) without padding is expected"
    if type(text) is not str:
        raise BadHealthStatement(wrong)
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadHealthStatement(wrong) from None
    if to_text(found) != text:
        raise BadHealthStatement(wrong)
    return found
