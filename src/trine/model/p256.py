"""Verify ECDSA on P-256 with SHA-256: low `s` only, and a hint that decides nothing.

A signature is `r || s || hint`, or `r || s`. The hint says whether `y` of the point `R` is odd; it
speeds the verification of many signatures together and has no part in the verdict.
"""

from typing import Final

from trine.model.ecdsa import P256

KEY_BYTES: Final = 33
"""Bytes of a public key: a compressed point (SEC 1, section 2.3.3)."""

SIGNATURE_BYTES: Final = 65
"""Bytes of a signature: `r`, `s`, hint."""


def is_public_key(key: bytes) -> bool:
    """Say whether the bytes are a compressed point of the curve."""
    return P256.decompress(key) is not None


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature is the key's over exactly the message."""
    point = P256.decompress(key)
    if point is None or len(signature) not in (SIGNATURE_BYTES - 1, SIGNATURE_BYTES):
        return False
    return P256.signature_point(point, message, signature[: SIGNATURE_BYTES - 1]) is not None
