"""Verify SM2 with SM3 under the default identifier, and a hint that decides nothing.

A signature is `r || s || hint`, or `r || s`. The hint says whether `y` of the signer's random point
is odd; it speeds the verification of many signatures together and has no part in the verdict.

Source: GB/T 32918.2-2016, sections 5.5 and 7.1; the curve is that of GB/T 32918.5-2017.

Example:
    >>> from trine.model.sm2 import SM2, public_key_of
    >>> public_key_of(1) == bytes([2 | SM2.base.y & 1]) + SM2.base.x.to_bytes(32)
    True
"""

from typing import Final

from trine.model.ecdsa import FIELD_BYTES, Curve, Point
from trine.model.hashing import Suite, hash_bytes, under

KEY_BYTES: Final = 33
"""Bytes of a public key: a compressed point (SEC 1, section 2.3.3)."""

SIGNATURE_BYTES: Final = 65
"""Bytes of a signature: `r`, `s`, hint."""

DEFAULT_ID: Final = b"1234567812345678"
"""Identifier of a signer who agreed on no other (GB/T 35276-2017, section 10)."""

SM2: Final = Curve(
    p=2**256 - 2**224 - 2**96 + 2**64 - 1,
    a=-3,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    order=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    base=Point(
        0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
        0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    ),
)
"""The curve of SM2 (GB/T 32918.5-2017, section 3)."""


def is_public_key(key: bytes) -> bool:
    """Say whether the bytes are a compressed point of the curve."""
    return SM2.decompress(key) is not None


def public_key_of(secret: int) -> bytes:
    """Return the public key of a secret number."""
    point = SM2.sum((secret, SM2.base), (0, SM2.base))
    if point is None:
        raise ValueError(f"{secret} is a multiple of the order")
    return bytes([2 | point.y & 1]) + point.x.to_bytes(FIELD_BYTES)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature is the key's over exactly the message."""
    point = SM2.decompress(key)
    if point is None or len(signature) not in (SIGNATURE_BYTES - 1, SIGNATURE_BYTES):
        return False
    r = int.from_bytes(signature[:FIELD_BYTES])
    s = int.from_bytes(signature[FIELD_BYTES : 2 * FIELD_BYTES])
    if not (0 < r < SM2.order and 0 < s < SM2.order):
        return False
    t = (r + s) % SM2.order
    if t == 0:
        return False
    found = SM2.sum((s, SM2.base), (t, point))
    return found is not None and (_digest(point, message) + found.x) % SM2.order == r


def _digest(key: Point, message: bytes) -> int:
    """Return e: the hash of the signer's identity and the message."""
    numbers = [SM2.a % SM2.p, SM2.b, *SM2.base, *key]
    identity = (8 * len(DEFAULT_ID)).to_bytes(2) + DEFAULT_ID
    with under(Suite.GM):
        z = hash_bytes(identity, *(number.to_bytes(FIELD_BYTES) for number in numbers))
        return int.from_bytes(hash_bytes(z, message))
