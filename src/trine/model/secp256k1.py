"""Verify ECDSA on secp256k1 with SHA-256: low `s` only, the recovery id is part of the signature.

A signature is `r || s || recovery id` (SEC 1, section 4.1.6): bit 0 of the id is the parity of the
point `R`, bit 1 says that its `x` was not below the order. Another id is another signature, as on
Ethereum; so is another address: the last 20 bytes of the Keccak-256 hash of the point.
"""

from typing import Final

from trine.model.ecdsa import FIELD_BYTES, SECP256K1
from trine.model.keccak import keccak256

KEY_BYTES: Final = 33
"""Bytes of a public key: a compressed point (SEC 1, section 2.3.3)."""

SIGNATURE_BYTES: Final = 65
"""Bytes of a signature: `r`, `s`, recovery id."""


def is_public_key(key: bytes) -> bool:
    """Say whether the bytes are a compressed point of the curve."""
    return SECP256K1.decompress(key) is not None


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature is the key's over exactly the message."""
    point = SECP256K1.decompress(key)
    if point is None or len(signature) != SIGNATURE_BYTES:
        return False
    found = SECP256K1.signature_point(point, message, signature[:-1])
    if found is None:
        return False
    return signature[-1] == (found.y & 1) | (found.x >= SECP256K1.order) << 1


def ethereum_address(key: bytes) -> bytes | None:
    """Return the address that Ethereum gives to a key (Yellow Paper, appendix F)."""
    point = SECP256K1.decompress(key)
    if point is None:
        return None
    return keccak256(b"".join(part.to_bytes(FIELD_BYTES) for part in point))[12:]
