"""Test that statements of the usual form are read in one pass to what the whole reading gives."""

from hypothesis import given
from hypothesis import strategies as st

from tests.services import test_hostile_statements as statements
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.services.evidence import common, cose, statement

NOW_S = 1_800_000_000
KEYS = [SecretKey(name, bytes([0, *[5] * 31])) for name in cose.ALGORITHM_OF_KEY]
TEXT = st.text(min_size=1, max_size=300) | st.sampled_from(["s" * 23, "s" * 24, "s" * 255])


def outcome(data: bytes, *, whole: bool) -> object:
    """Read a statement; the whole way where it is asked for."""
    try:
        if whole:
            return statement.read_whole(data, NOW_S, statement.CLOCK_SKEW_S_MAX)
        return statement.read_statement(data, now_s=NOW_S)
    except TrineError as error:
        return error.code, str(error)


@st.composite
def made(draw: st.DrawFn) -> bytes:
    """Sign a statement."""
    return statement.sign_statement(
        draw(st.binary(max_size=300)),
        key=draw(st.sampled_from(KEYS)),
        issuer="https://" + draw(TEXT.filter(lambda text: text.isprintable() and " " not in text)),
        subject=draw(TEXT),
        content_type=draw(st.sampled_from(["a/b", "text/plain", "t/" + "x" * 60]) | st.just(50)),
        issued_at_s=draw(st.sampled_from([None, 0, 23, 65_535, 65_536, NOW_S, NOW_S + 301])),
        key_id=draw(st.none() | st.binary(min_size=1, max_size=256)),
    )


@given(made(), st.data())
def test_both_ways_read_the_same(data: bytes, drawn: st.DataObject) -> None:
    """Goal: the pass accepts nothing else, and finds nothing else.

    Method: statements of any lengths and algorithms, as they are, with a byte altered, cut, and
    with something behind them: values and refusals are the same.
    """
    at = drawn.draw(st.integers(0, len(data) - 1))
    altered = bytearray(data)
    altered[at] ^= drawn.draw(st.integers(1, 255))
    for each in (data, bytes(altered), data[:at], data + b"\x00"):
        assert outcome(each, whole=False) == outcome(each, whole=True)


def test_the_usual_form_is_read_in_one_pass() -> None:
    """Goal: the pass is used. Method: statements of each algorithm, with and without a time."""
    for key in KEYS:
        for issued_at_s in (None, NOW_S):
            data = statement.sign_statement(
                b"content",
                key=key,
                issuer="https://city.example",
                subject="bridge 7",
                content_type="text/plain",
                issued_at_s=issued_at_s,
            )
            message, issuer, *_, seen_s = common.read(data) or (None, "", None)
            assert message == cose.read_sign1(data, "it", bytes_max=len(data))
            assert (issuer, seen_s) == ("https://city.example", issued_at_s)


def test_hostile_statements_are_refused_by_both() -> None:
    """Goal: nothing hostile passes. Method: every hostile statement, in both ways."""
    for make in statements.HOSTILE.values():
        data, _ = make()
        assert outcome(data, whole=False) == outcome(data, whole=True)


def test_longer_forms_are_refused_by_both() -> None:
    """Goal: one encoding. Method: each length, and the time, in a longer form than it needs."""
    data = statement.sign_statement(
        b"p" * 23,
        key=KEYS[0],
        issuer="https://a.bc",
        subject="s" * 23,
        content_type="a/b",
        issued_at_s=65_536,
        key_id=b"k" * 23,
    )
    message = cose.read_sign1(data, "it", bytes_max=len(data))
    longer = [
        (b"\x77sss", b"\x78\x17sss"),
        (b"\x63a/b", b"\x78\x03a/b"),
        (b"\x57kkk", b"\x58\x17kkk"),
        (b"\x6chttps", b"\x78\x0chttps"),
        (b"\x1a\x00\x01\x00\x00", b"\x1a\x00\x00\xff\xff"),
    ]
    for old, new in longer:
        assert message.protected.count(old) == 1
        protected = message.protected.replace(old, new)
        forged = cose.write_sign1(protected, cose.EMPTY_MAP, message.payload, message.signature)
        code, _ = outcome(forged, whole=False)  # type: ignore[misc]
        assert code == "cose_encoding"
        assert outcome(forged, whole=False) == outcome(forged, whole=True)
    around = (b"\xa0\x57ppp", b"\xa0\x58\x17ppp"), (data[2:4], b"\x59\x00" + data[3:4])
    for old, new in around:
        forged = data.replace(old, new, 1)
        assert forged != data
        assert outcome(forged, whole=False) == outcome(forged, whole=True)
