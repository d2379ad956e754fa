"""Compare the model's verdict on passkeys' assertions with the core's."""

import hashlib
from base64 import urlsafe_b64encode

from hypothesis import given
from hypothesis import strategies as st

from trine._core import keys as core
from trine.crypto import SecretKey, sign_message
from trine.model import p256
from trine.model.keys import Algorithm, signed_bytes

NAMESPACE = b"trine/transaction/1"
MESSAGE = bytes(32)
KEY = SecretKey("p256", b"\x05" * 32)
CHALLENGE = urlsafe_b64encode(hashlib.sha256(signed_bytes(NAMESPACE, MESSAGE)).digest())
START = b'{"type":"webauthn.get","challenge":"' + CHALLENGE.rstrip(b"=") + b'","origin":"'

flags = st.sampled_from([0x00, 0x01, 0x04, 0x05, 0x1D, 0x45, 0x85])
extensions = st.sampled_from([b"", b"\xa0", bytes(987), bytes(988)])
starts = st.sampled_from([START, START[:-1], START.replace(b"get", b"create"), b" " + START, b"{}"])
origins = st.sampled_from([b"https://a.example", b"", b'x"', b"x\\", b"\n", b"\xff\x00"])
ends = st.sampled_from(
    [
        *(b'","crossOrigin":false}', b'","crossOrigin":true}', b'"}', b""),
        *(b'","crossOrigin":false,"a":1}', b'","crossOrigin":false,\n}', b'","crossOrigin":false,'),
        *(b'","crossOrigin":false}}', b'","crossOrigin":false}\n', b'","crossOrigin":false,}'),
    ]
)


def both(signature: bytes) -> bool:
    """The verdict of core and model, which must be one."""
    judged = core.verify("p256", KEY.public_key, NAMESPACE, MESSAGE, signature)
    assert p256.verify(KEY.public_key, signed_bytes(NAMESPACE, MESSAGE), signature) == judged
    return judged


def assertion(data: bytes, client_data: bytes, length: int | None = None) -> bytes:
    """Sign as an authenticator does."""
    signature = sign_message(KEY, data + hashlib.sha256(client_data).digest())
    told = len(data) if length is None else length
    return signature + told.to_bytes(2) + data + client_data


def test_a_good_assertion_is_one() -> None:
    """Goal: the strategies below can succeed. Method: their first choices; a length that lies."""
    data = bytes(32) + b"\x05" + bytes(4)
    client_data = START + b'https://a.example","crossOrigin":false}'
    assert both(assertion(data, client_data))
    assert both(assertion(data, START + b'","crossOrigin":false,"a":1}'))
    for length in (0, 36, 38, 65_535):
        assert not both(assertion(data, client_data, length))


@given(flags, extensions, starts, origins, ends)
def test_core_and_model_agree(
    flag: int, extension: bytes, start: bytes, origin: bytes, end: bytes
) -> None:
    """Goal: one rule in both. Method: parts of assertions, right and wrong, put together."""
    data = bytes(32) + bytes([flag]) + bytes(4) + extension
    both(assertion(data, start + origin + end))


@given(st.integers(0, 4_200), st.integers(-70, 70), st.integers(1, 255))
def test_damaged_assertions_are_judged_alike(place: int, change: int, flip: int) -> None:
    """Goal: no byte counts in one alone. Method: one changed byte, then cut or prolonged."""
    data = bytes(32) + b"\x05" + bytes(4)
    good = bytearray(assertion(data, START + b'https://a.example","crossOrigin":false}'))
    good[place % len(good)] ^= flip
    both(bytes(good))
    both(bytes(good[:change]) if change < 0 else bytes(good) + bytes(change))
    for length in (len(good), 65, 66, 103, 104, 4_096, 4_097):
        admitted = Algorithm.P256.admits_signature_bytes(length)
        assert admitted == (length == 65 or 104 <= length <= 4_096)
