"""Verify ECDSA on P-256 with SHA-256: low `s` only, and a hint that decides nothing.

A signature is `r || s || hint`, or `r || s`. The hint says whether `y` of the point `R` is odd; it
speeds the verification of many signatures together and has no part in the verdict.

In its place a passkey's assertion may stand (Web Authentication, level 2): `r || s || hint`, the
length of the authenticator data in two bytes, the authenticator data, the client data. The
challenge is the hash of what another key would sign.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import Final

from trine.model.ecdsa import P256

KEY_BYTES: Final = 33
"""Bytes of a public key: a compressed point (SEC 1, section 2.3.3)."""

SIGNATURE_BYTES: Final = 65
"""Bytes of a signature: `r`, `s`, hint."""

AUTHENTICATOR_DATA_BYTES: Final = range(37, 1_024 + 1)
"""Bytes of authenticator data: hash of the relying party, flags, counter; extensions."""

ASSERTION_BYTES: Final = range(SIGNATURE_BYTES + 2 + AUTHENTICATOR_DATA_BYTES.start, 4_096 + 1)
"""Bytes of an assertion."""

USER_PRESENT_AND_VERIFIED: Final = 0x05
"""Flags without which an assertion is none."""

EXTENDED: Final = 0xC0
"""Flags of which one is set where something follows the counter."""


def is_public_key(key: bytes) -> bool:
    """Say whether the bytes are a compressed point of the curve."""
    return P256.decompress(key) is not None


def admits_signature_bytes(length: int) -> bool:
    """Say whether a transaction's signature may have this length: with a hint, or an assertion."""
    return length == SIGNATURE_BYTES or length in ASSERTION_BYTES


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature, or the assertion, is the key's over exactly the message."""
    if len(signature) in ASSERTION_BYTES:
        signature, assertion = signature[:SIGNATURE_BYTES], signature[SIGNATURE_BYTES:]
        length = int.from_bytes(assertion[:2])
        data, client_data = assertion[2 : 2 + length], assertion[2 + length :]
        if len(data) != length or not _is_of(message, data, client_data):
            return False
        message = data + hashlib.sha256(client_data).digest()
    point = P256.decompress(key)
    if point is None or len(signature) not in (SIGNATURE_BYTES - 1, SIGNATURE_BYTES):
        return False
    return P256.signature_point(point, message, signature[: SIGNATURE_BYTES - 1]) is not None


def _is_of(message: bytes, data: bytes, client_data: bytes) -> bool:
    """Say whether a verified user asserted the message (level 2, sections 5.8.1.2 and 6.1)."""
    if len(data) not in AUTHENTICATOR_DATA_BYTES:
        return False
    flags = data[32]
    if flags & USER_PRESENT_AND_VERIFIED != USER_PRESENT_AND_VERIFIED:
        return False
    if bool(flags & EXTENDED) != (len(data) > AUTHENTICATOR_DATA_BYTES.start):
        return False
    challenge = urlsafe_b64encode(hashlib.sha256(message).digest()).rstrip(b"=")
    start = b'{"type":"webauthn.get","challenge":"' + challenge + b'","origin":"'
    form = re.escape(start) + rb'[^"\\\\]*","crossOrigin":false(,.*)?}'
    return re.fullmatch(form, client_data, re.DOTALL) is not None
