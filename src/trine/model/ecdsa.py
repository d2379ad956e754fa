"""Verify ECDSA signatures over short Weierstrass curves, in plain integers.

Written to be read (FIPS 186-5, section 6.4.2; SEC 1, section 4.1.4), and fast enough to audit a
chain: sums of multiples use projective coordinates, which need one inversion in the end instead of
one at each step. Nothing here is constant-time: it handles public values only.

Example:
    >>> from trine.model.ecdsa import P256
    >>> P256.decompress(bytes.fromhex(
    ...     "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")) == P256.base
    True
"""

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

FIELD_BYTES: Final = 32
"""Bytes of a coordinate and of an integer of a signature."""


class Point(NamedTuple):
    """A point other than the point at infinity, which is `None`."""

    x: int
    y: int


class Projective(NamedTuple):
    """The point `(x / z^2, y / z^3)`, or, where `z` is 0, the one at infinity."""

    x: int
    y: int
    z: int


INFINITY: Final = Projective(1, 1, 0)
"""The point at infinity."""


@dataclass(frozen=True)
class Curve:
    """The curve `y^2 = x^3 + a x + b` over the integers modulo `p`, of cofactor 1."""

    p: int
    """Prime of the field; 3 modulo 4."""
    a: int
    """Coefficient of `x`."""
    b: int
    """Constant coefficient."""
    order: int
    """Order of the group, a prime."""
    base: Point
    """Base point."""

    def decompress(self, key: bytes) -> Point | None:
        """Read a compressed point (SEC 1, section 2.3.4); nothing when there is none."""
        if len(key) != 1 + FIELD_BYTES or key[0] not in (2, 3):
            return None
        x = int.from_bytes(key[1:])
        if x >= self.p:
            return None
        square = (x**3 + self.a * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if y * y % self.p != square:
            return None
        # No point of these curves has y = 0: their orders are odd.
        return Point(x, y if y & 1 == key[0] & 1 else self.p - y)

    def add(self, left: Point | None, right: Point | None) -> Point | None:
        """Add two points."""
        if left is None or right is None:
            return left or right
        if left.x == right.x:
            if (left.y + right.y) % self.p == 0:
                return None
            slope = (3 * left.x * left.x + self.a) * pow(2 * left.y, -1, self.p)
        else:
            slope = (right.y - left.y) * pow(right.x - left.x, -1, self.p)
        x = (slope * slope - left.x - right.x) % self.p
        return Point(x, (slope * (left.x - x) - left.y) % self.p)

    def sum(self, left: tuple[int, Point], right: tuple[int, Point]) -> Point | None:
        """Multiply two points, each by its integer, and add them."""
        (left_scalar, left_point), (right_scalar, right_point) = left, right
        both = self.add(left_point, right_point)
        chosen = (None, left_point, right_point, both)
        total = INFINITY
        for place in reversed(range(max(left_scalar, right_scalar).bit_length())):
            total = self._double(total)
            point = chosen[(left_scalar >> place & 1) + 2 * (right_scalar >> place & 1)]
            if point is not None:
                total = self._plus(total, point)
        return self._affine(total)

    def _affine(self, point: Projective) -> Point | None:
        """Return a point in the plane; nothing for the one at infinity."""
        if point.z == 0:
            return None
        inverse = pow(point.z, -1, self.p)
        square = inverse * inverse % self.p
        return Point(point.x * square % self.p, point.y * square * inverse % self.p)

    def _double(self, point: Projective) -> Projective:
        """Add a point to itself: the tangent's slope is `m / (2 y z)`."""
        x, y, z = point
        p, yy, zz = self.p, y * y % self.p, z * z % self.p
        s, m = 4 * x * yy % p, (3 * x * x + self.a * zz * zz) % p
        x = (m * m - 2 * s) % p
        return Projective(x, (m * (s - x) - 8 * yy * yy) % p, 2 * y * z % p)

    def _plus(self, left: Projective, right: Point) -> Projective:
        """Add a point of the plane: the line's slope is `r / (h z)`."""
        x, y, z = left
        if z == 0:
            return Projective(right.x, right.y, 1)
        p, zz = self.p, z * z % self.p
        h, r = (right.x * zz - x) % p, (right.y * zz * z - y) % p
        if h == 0:
            # The same point, or its opposite.
            return self._double(left) if r == 0 else INFINITY
        hh = h * h % p
        hhh, v = h * hh % p, x * hh % p
        x = (r * r - hhh - 2 * v) % p
        return Projective(x, (r * (v - x) - y * hhh) % p, z * h % p)

    def signature_point(self, key: Point, message: bytes, rs: bytes) -> Point | None:
        """Return the point `R` with which the key signed a message; nothing when it did not.

        The hash is SHA-256. Of the two signatures `(r, s)` and `(r, n - s)` only the one with the
        low `s` is accepted, so that nobody can change a signature that is valid.
        """
        r, s = int.from_bytes(rs[:FIELD_BYTES]), int.from_bytes(rs[FIELD_BYTES:])
        if not (0 < r < self.order and 0 < s <= self.order // 2):
            return None
        digest = int.from_bytes(hashlib.sha256(message).digest())
        inverse = pow(s, -1, self.order)
        found = self.sum(
            (digest * inverse % self.order, self.base), (r * inverse % self.order, key)
        )
        return found if found is not None and found.x % self.order == r else None


P256: Final = Curve(
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    a=-3,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    order=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    base=Point(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
"""The curve P-256 (NIST SP 800-186, section 3.2.1.3)."""

SECP256K1: Final = Curve(
    p=2**256 - 2**32 - 977,
    a=0,
    b=7,
    order=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    base=Point(
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    ),
)
"""The curve secp256k1 (SEC 2, section 2.4.1)."""
