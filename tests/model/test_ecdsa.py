"""Test the arithmetic of curves against its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.model.ecdsa import P256, SECP256K1, Curve, Point
from trine.model.sm2 import SM2

CURVES = (P256, SECP256K1, SM2)
SMALL = st.integers(0, 40)


def multiple(curve: Curve, number: int, point: Point | None) -> Point | None:
    """Add a point to nothing so many times, by the chord and the tangent."""
    total: Point | None = None
    for _ in range(number):
        total = curve.add(total, point)
    return total


@given(curve=st.sampled_from(CURVES), left=SMALL, right=SMALL, key=st.integers(1, 6))
def test_sums_are_those_of_the_definition(curve: Curve, left: int, right: int, key: int) -> None:
    """Goal: projective coordinates change nothing. Method: small multiples of the base point and of
    a small multiple of it, so that equal and opposite points meet; compare with repeated addition.
    """
    point = multiple(curve, key, curve.base)
    assert point is not None
    opposite = Point(point.x, curve.p - point.y)
    for one in (point, opposite):
        expected = curve.add(multiple(curve, left, curve.base), multiple(curve, right, one))
        assert curve.sum((left, curve.base), (right, one)) == expected


@pytest.mark.parametrize("curve", CURVES)
def test_the_order_leads_to_infinity(curve: Curve) -> None:
    """Goal: the largest numbers are right too. Method: multiples around the order."""
    assert curve.sum((curve.order, curve.base), (0, curve.base)) is None
    assert curve.sum((curve.order - 1, curve.base), (1, curve.base)) is None
    assert curve.sum((curve.order - 1, curve.base), (2, curve.base)) == curve.base
    minus = Point(curve.base.x, curve.p - curve.base.y)
    assert curve.sum((curve.order - 1, curve.base), (0, curve.base)) == minus
