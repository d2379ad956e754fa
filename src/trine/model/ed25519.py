"""Verify Ed25519 signatures by the rule of ZIP 215, in plain integers.

RFC 8032 leaves open what to say about signatures that only a person who wants to confuse can make:
keys of small order, encodings that are not canonical, equations that hold up to the cofactor. A
chain must say one thing, so it follows ZIP 215: every encoding of a curve point is accepted, the
integer s is below the order, and `[8][s]B = [8]R + [8][k]A` holds.

Common libraries (OpenSSL among them) check `[s]B = R + [k]A` instead. What that equation accepts
ZIP 215 accepts too, never the reverse; `verify` therefore asks the library first and decides by
ZIP 215 when the library refuses. Nothing here is constant-time: it handles public values only.

Sources: RFC 8032, sections 5.1.3 to 5.1.7; Zcash ZIP 215.

Example:
    >>> from trine.model.ed25519 import is_public_key, verify
    >>> small_order = bytes([1]) + bytes(31)
    >>> is_public_key(small_order)
    True
    >>> verify(small_order, b"any message", small_order + bytes(32))
    True
"""

import hashlib
from typing import Final, NamedTuple, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_BYTES: Final = 32
"""Bytes of a public key: an encoded point."""

SIGNATURE_BYTES: Final = 64
"""Bytes of a signature: an encoded point R and an integer s, little-endian."""

P: Final = 2**255 - 19
"""Prime of the field (RFC 8032, section 5.1)."""

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Order of the group that the base point generates (RFC 8032, section 5.1, there L)."""

D: Final = -121665 * pow(121666, -1, P) % P
"""Constant of the curve -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.1)."""

SQRT_MINUS_ONE: Final = pow(2, (P - 1) // 4, P)
"""A square root of -1 in the field."""


class Point(NamedTuple):
    """A point in extended coordinates: x = X/Z, y = Y/Z, x y = T/Z."""

    x: int
    y: int
    z: int
    t: int


NEUTRAL: Final = Point(0, 1, 1, 0)
"""The neutral element."""


def add(one: Point, other: Point) -> Point:
    """Add two points; the formula is complete (RFC 8032, section 5.1.4)."""
    a = (one.y - one.x) * (other.y - other.x) % P
    b = (one.y + one.x) * (other.y + other.x) % P
    c = 2 * one.t * other.t * D % P
    d = 2 * one.z * other.z % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(factor: int, point: Point) -> Point:
    """Add `point` to itself `factor` times, by doubling and adding."""
    total = NEUTRAL
    for bit in f"{factor:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def negate(point: Point) -> Point:
    """Return the point that added to `point` gives the neutral element."""
    return Point(-point.x % P, point.y, point.z, -point.t % P)


def is_neutral(point: Point) -> bool:
    """Say whether `point` is the neutral element."""
    return point.x % P == 0 and (point.y - point.z) % P == 0


def decode_point(data: bytes) -> Point | None:
    """Decode a point as ZIP 215 asks: also from encodings that RFC 8032 refuses.

    The last bit is the sign of x, the other 255 are y, little-endian. Here y may be P or more, and
    x = 0 may carry a sign.

    Returns:
        The point, or `None` when no point of the curve has this y.
    """
    encoded = int.from_bytes(data, "little")
    sign, y = encoded >> 255, (encoded & 2**255 - 1) % P
    numerator, denominator = (y * y - 1) % P, (D * y * y + 1) % P
    # RFC 8032, section 5.1.3, step 2: a candidate for the root of numerator / denominator.
    x = pow(numerator * pow(denominator, 7, P), (P - 5) // 8, P)
    x = numerator * pow(denominator, 3, P) * x % P
    if denominator * x * x % P == -numerator % P:
        x = x * SQRT_MINUS_ONE % P
    if denominator * x * x % P != numerator:
        return None
    if x & 1 != sign:
        x = -x % P
    return Point(x, y, 1, x * y % P)


BASE: Final = cast(Point, decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little")))
"""The base point: y = 4/5, x even (RFC 8032, section 5.1)."""


def is_public_key(key: bytes) -> bool:
    """Say whether `key` is 32 bytes that encode a point of the curve."""
    return len(key) == KEY_BYTES and decode_point(key) is not None


def verify_zip215(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` signs `message` under `key`, by the equation of ZIP 215."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    a, r = decode_point(key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    # [s]B - [k]A - R, times the cofactor, must vanish.
    difference = add(multiply(s, BASE), negate(add(multiply(k, a), r)))
    return is_neutral(multiply(8, difference))


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` signs `message` under `key`; false for anything malformed.

    The verdict is that of ZIP 215; the library only answers the usual case faster.
    """
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return verify_zip215(key, message, signature)
    return True
