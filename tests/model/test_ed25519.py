"""Hold Ed25519 verification to its standards and to the Rust core."""

import json
from itertools import product

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors_path import vectors
from trine._core import keys
from trine.model import ed25519
from trine.model.ed25519 import ORDER, P, decode_point, is_public_key, verify, verify_zip215
from trine.model.keys import signed_bytes

RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)
"""Key, message, signature: RFC 8032, section 7.1, tests 1 to 3."""


MINUS_ZERO = (1 | 1 << 255).to_bytes(32, "little")
"""The neutral element with the sign bit of x = 0 set: RFC 8032 refuses it, ZIP 215 does not."""


def encode(y: int, sign: int) -> bytes:
    """Encode a point by its y, which may be P or more, and the sign of x."""
    return (y | sign << 255).to_bytes(32, "little")


def small_order_points() -> list[bytes]:
    """List every encoding of a point whose order divides 8, canonical or not: 14 of them."""
    start = (point for y in range(2, 100) if (point := decode_point(encode(y, 0))))
    cleared = (ed25519.multiply(ORDER, point) for point in start)
    generator = next(p for p in cleared if not ed25519.is_neutral(ed25519.multiply(4, p)))
    found = set()
    for factor in range(8):
        x, y = affine(ed25519.multiply(factor, generator))
        ys = [y, y + P] if y + P < 2**255 else [y]
        found |= {encode(each, sign) for each in ys for sign in ({x & 1} if x else {0, 1})}
    return sorted(found)


def affine(point: ed25519.Point) -> tuple[int, int]:
    """Return x and y of a point."""
    inverse = pow(point.z, -1, P)
    return point.x * inverse % P, point.y * inverse % P


def test_standard_signatures_verify() -> None:
    # Goal: agreement with the standard. Method: its own tests, by ZIP 215 and by the library.
    for key, message, signature in RFC_8032:
        triple = (bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))
        assert verify_zip215(*triple)
        assert verify(*triple)


def test_small_order_keys_sign_everything() -> None:
    # Goal: the rule of ZIP 215 where libraries differ. Method: each pair of small-order key and R
    # with s = 0, as in the test vectors of ZIP 215: all are valid, whatever the message.
    points = small_order_points()
    assert len(points) == 14
    for key, r in product(points, repeat=2):
        assert is_public_key(key)
        assert verify(key, b"Zcash", r + bytes(32))


def test_wycheproof() -> None:
    # Goal: known attacks are refused, and nothing else is. Method: every vector of Wycheproof; the
    # one that ZIP 215 decides otherwise is named, since it accepts any encoding of a point.
    file = vectors("crypto/wycheproof") / "ed25519_test.json"
    for group in json.loads(file.read_text())["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            expected = test["result"] == "valid" or signature[:32] == MINUS_ZERO
            assert verify(key, message, signature) == expected, test["tcId"]
            assert verify_zip215(key, message, signature) == expected, test["tcId"]


@settings(deadline=None, max_examples=40)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.data())
def test_flipping_any_signature_bit_is_refused(
    seed: bytes, message: bytes, bit: st.DataObject
) -> None:
    # Goal: no nearby second encoding. Method: flip one of the 512 bits.
    secret = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = secret.public_key().public_bytes_raw(), secret.sign(message)
    assert verify_zip215(key, message, signature)
    place = bit.draw(st.integers(0, 511))
    flipped = bytearray(signature)
    flipped[place // 8] ^= 1 << place % 8
    assert not verify(key, message, bytes(flipped))


def test_s_is_below_the_order() -> None:
    # Goal: no second s. Method: add the order to a valid s.
    key, message, signature = (bytes.fromhex(part) for part in RFC_8032[1])
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(key, message, signature[:32] + s.to_bytes(32, "little"))


def torsioned(secret: Ed25519PrivateKey, message: bytes, r_torsion: bytes) -> bytes:
    """Sign with an R that has a part of small order, which only the cofactor hides."""
    nonce, base = 0x1234567890ABCDEF, ed25519.BASE
    torsion = decode_point(r_torsion)
    assert torsion is not None
    point = ed25519.add(ed25519.multiply(nonce, base), torsion)
    x, y = affine(point)
    r = encode(y, x & 1)
    key = secret.public_key().public_bytes_raw()
    digest = ed25519.hashlib.sha512(r + key + message).digest()
    k = int.from_bytes(digest, "little") % ORDER
    expanded = ed25519.hashlib.sha512(secret.private_bytes_raw()).digest()
    scalar = int.from_bytes(expanded[:32], "little") & (1 << 254) - 8 | 1 << 254
    return r + ((nonce + k * scalar) % ORDER).to_bytes(32, "little")


def test_core_agrees_on_edge_cases() -> None:
    # Goal: model and core accept the same signatures. Method: every pair of small-order encodings,
    # and signatures whose R has a part of small order, which the plain equation refuses.
    namespace, message = b"edge", b"message"
    for key, r in product(small_order_points(), repeat=2):
        signature = r + bytes(32)
        assert keys.verify("ed25519", key, namespace, message, signature)
        assert verify(key, signed_bytes(namespace, message), signature)
    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key = secret.public_key().public_bytes_raw()
    for torsion in small_order_points():
        signature = torsioned(secret, signed_bytes(namespace, message), torsion)
        assert keys.verify("ed25519", key, namespace, message, signature)
        assert verify(key, signed_bytes(namespace, message), signature)


@settings(deadline=None, max_examples=200)
@given(key=st.binary(min_size=30, max_size=34), top=st.integers(0, 255))
def test_core_agrees_on_which_bytes_are_keys(key: bytes, top: int) -> None:
    # Goal: the same keys are well-formed. Method: random bytes, and encodings near P.
    near = encode(P - 100 + top, top & 1) if P - 100 + top < 2**255 else bytes(32)
    for data in (key, near):
        assert keys.is_public_key("ed25519", data) == is_public_key(data)
