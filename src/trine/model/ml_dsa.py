"""Verify ML-DSA-65 (FIPS 204, algorithm 3) with the empty context, through OpenSSL."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

KEY_BYTES: Final = 1_952
"""Bytes of a public key."""

SIGNATURE_BYTES: Final = 3_309
"""Bytes of a signature."""


def is_public_key(key: bytes) -> bool:
    """Say whether the bytes are a key; every string of the length is one."""
    return len(key) == KEY_BYTES


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature is the key's over exactly the message."""
    if not is_public_key(key) or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        MLDSA65PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
