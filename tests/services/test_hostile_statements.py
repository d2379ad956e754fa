"""Test what is refused as a signed statement, each for its own reason, and what stays allowed."""

import tracemalloc
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.hostile import HEADERS, NOW_S, PUBLIC, REMOVED, flipped, headers, message
from trine.errors import TrineError
from trine.errors import services as errors
from trine.services.evidence import cbor, cose, statement


def read(data: bytes) -> statement.Statement:
    """Read a statement at the time of the tests."""
    return statement.read_statement(data, now_s=NOW_S)


def nested(depth: int) -> bytes:
    """A number inside so many arrays."""
    return b"\x81" * depth + b"\x00"


def raw_headers(tail: bytes, count: int = 1) -> bytes:
    """The accepted headers with `count` encoded entries behind them."""
    return bytes([0xA0 + len(HEADERS) + count]) + headers()[1:] + tail


def swapped(find: bytes, replacement: bytes) -> bytes:
    """An accepted statement with the first occurrence of some bytes replaced."""
    data = message()
    assert find in data
    return data.replace(find, replacement, 1)


Case = tuple[bytes, type[TrineError]]

GIGABYTE = b"\x5a\x40\x00\x00\x00"

HOSTILE: dict[str, Callable[[], Case]] = {
    "empty": lambda: (b"", errors.NotACoseMessage),
    "no tag": lambda: (message()[1:], errors.NotACoseMessage),
    "tag of COSE_Sign": lambda: (b"\xd8\x62" + message()[1:], errors.NotACoseMessage),
    "long tag": lambda: (b"\xd8\x12" + message()[1:], errors.NotACoseMessage),
    "two tags": lambda: (b"\xd2" + message(), errors.NotACoseMessage),
    "array of three": lambda: (b"\xd2\x83" + message()[2:], errors.NotACoseMessage),
    "indefinite array": lambda: (b"\xd2\x9f" + message()[2:], errors.NotACoseMessage),
    "protected map": lambda: (b"\xd2\x84\xa0\xa0\x40\x40", errors.NotACoseMessage),
    "payload text": lambda: (swapped(b"\x42{}", b"\x62{}"), errors.NotACoseMessage),
    "trailing byte": lambda: (message() + b"\x00", errors.TrailingBytes),
    "two messages": lambda: (message() + message(), errors.TrailingBytes),
    "trailing in protected": lambda: (message(headers() + b"\x00"), errors.TrailingBytes),
    "cut": lambda: (message()[:-1], errors.CoseTruncated),
    "gigabyte protected": lambda: (b"\xd2\x84" + GIGABYTE, errors.CoseTruncated),
    "gigabyte payload": lambda: (swapped(b"\x42{}", GIGABYTE), errors.CoseTruncated),
    "exabyte payload": lambda: (
        swapped(b"\x42{}", b"\x5b\x10" + bytes(7) + b"{}"),
        errors.CoseTruncated,
    ),
    "gigabyte in a header": lambda: (
        message(raw_headers(b"\x10" + GIGABYTE)),
        errors.CoseTruncated,
    ),
    "gigabyte label": lambda: (
        message(raw_headers(b"\x7a\x40\x00\x00\x00")),
        errors.CoseTruncated,
    ),
    "many entries announced": lambda: (
        message(unprotected=b"\xba\x40\x00\x00\x00"),
        errors.CoseTooLarge,
    ),
    "many items announced": lambda: (
        message(raw_headers(b"\x10\x9b\x10" + bytes(7))),
        errors.CoseTooLarge,
    ),
    "indefinite payload": lambda: (
        swapped(b"\x42{}", b"\x5f\x42{}\xff"),
        errors.CoseEncoding,
    ),
    "indefinite map": lambda: (message(unprotected=b"\xbf\xff"), errors.CoseEncoding),
    "indefinite protected": lambda: (
        message(b"\xbf" + headers()[1:] + b"\xff"),
        errors.CoseEncoding,
    ),
    "indefinite in a header": lambda: (message(raw_headers(b"\x10\x9f\xff")), errors.CoseEncoding),
    "long length": lambda: (swapped(b"\x42{}", b"\x58\x02{}"), errors.CoseEncoding),
    "long label": lambda: (message(raw_headers(b"\x18\x10\x00")), errors.CoseEncoding),
    "long number": lambda: (message(raw_headers(b"\x10\x19\x00\x01")), errors.CoseEncoding),
    "longest number": lambda: (
        message(raw_headers(b"\x10\x1b" + bytes(7) + b"\x01")),
        errors.CoseEncoding,
    ),
    "reserved length": lambda: (message(raw_headers(b"\x10\x1c")), errors.CoseEncoding),
    "undefined": lambda: (message(raw_headers(b"\x10\xf7")), errors.CoseEncoding),
    "simple value": lambda: (message(raw_headers(b"\x10\xf8\x20")), errors.CoseEncoding),
    "text not UTF-8": lambda: (message(raw_headers(b"\x10\x61\xff")), errors.CoseEncoding),
    "protected array": lambda: (message(b"\x80"), errors.CoseEncoding),
    "deep": lambda: (
        message(raw_headers(b"\x10" + nested(cbor.NESTING_MAX))),
        errors.NestedTooDeep,
    ),
    "very deep": lambda: (
        message(unprotected=b"\xa1\x10" + nested(100_000)),
        errors.NestedTooDeep,
    ),
    "deep maps": lambda: (
        message(unprotected=b"\xa1\x10" * 100_000 + b"\x00"),
        errors.NestedTooDeep,
    ),
    "deep tags": lambda: (
        message(unprotected=b"\xa1\x10" + b"\xc1" * 100_000 + b"\x00"),
        errors.NestedTooDeep,
    ),
    "twice protected": lambda: (message(raw_headers(b"\x01\x27")), errors.DuplicateLabel),
    "twice unprotected": lambda: (
        message(unprotected=b"\xa2\x10\x00\x10\x00"),
        errors.DuplicateLabel,
    ),
    "twice as text": lambda: (
        message(raw_headers(b"\x61a\x00\x61a\x00", 2)),
        errors.DuplicateLabel,
    ),
    "twice as negative": lambda: (
        message(raw_headers(b"\x38\x63\x00\x38\x63\x00", 2)),
        errors.DuplicateLabel,
    ),
    "protected and unprotected": lambda: (
        message(unprotected=cbor2.dumps({4: b"other"})),
        errors.DuplicateLabel,
    ),
    "twice in claims": lambda: (
        message(b"\xa1\x0f\xa2\x01\x61a\x01\x61b"),
        errors.DuplicateLabel,
    ),
    "twice in a map": lambda: (
        message(raw_headers(b"\x10\x81\xa2\x01\x01\x01\x02")),
        errors.DuplicateLabel,
    ),
    "label of bytes": lambda: (message(raw_headers(b"\x41a\x00")), errors.BadHeader),
    "label of an array": lambda: (message(raw_headers(b"\x80\x00")), errors.BadHeader),
    "no headers": lambda: (message(b""), errors.HeaderMissing),
    "empty headers": lambda: (message(b"\xa0"), errors.HeaderMissing),
    "no algorithm": lambda: (message(headers({1: REMOVED})), errors.HeaderMissing),
    "unprotected algorithm": lambda: (
        message(headers({1: REMOVED}), unprotected=cbor2.dumps({1: -8})),
        errors.HeaderNotProtected,
    ),
    "unknown algorithm": lambda: (message(headers({1: -999})), errors.SignatureAlgorithm),
    "algorithm ES384": lambda: (message(headers({1: -35})), errors.SignatureAlgorithm),
    "algorithm HMAC": lambda: (message(headers({1: 5})), errors.SignatureAlgorithm),
    "algorithm 0": lambda: (message(headers({1: 0})), errors.SignatureAlgorithm),
    "algorithm of text": lambda: (message(headers({1: "EdDSA"})), errors.SignatureAlgorithm),
    "no claims": lambda: (message(headers({15: REMOVED})), errors.HeaderMissing),
    "unprotected claims": lambda: (
        message(headers({15: REMOVED}), unprotected=cbor2.dumps({15: HEADERS[15]})),
        errors.HeaderNotProtected,
    ),
    "claims of bytes": lambda: (message(headers({15: b"\xa0"})), errors.BadHeader),
    "no issuer": lambda: (message(headers(c1=REMOVED)), errors.HeaderMissing),
    "no subject": lambda: (message(headers(c2=REMOVED)), errors.HeaderMissing),
    "empty issuer": lambda: (message(headers(c1="")), errors.BadHeader),
    "issuer of bytes": lambda: (message(headers(c1=b"city")), errors.BadHeader),
    "giant issuer": lambda: (
        message(headers(c1="a" * (statement.CLAIM_BYTES_MAX + 1))),
        errors.CoseTooLarge,
    ),
    "giant subject": lambda: (message(headers(c2="a" * 20_000)), errors.CoseTooLarge),
    "giant headers": lambda: (
        message(headers({16: b"a" * cose.PROTECTED_BYTES_MAX})),
        errors.CoseTooLarge,
    ),
    "giant statement": lambda: (
        message(payload=bytes(statement.STATEMENT_BYTES_MAX)),
        errors.CoseTooLarge,
    ),
    "many headers": lambda: (
        message(headers(dict.fromkeys(range(100, 100 + cbor.HEADERS_MAX), 0))),
        errors.CoseTooLarge,
    ),
    "no key id": lambda: (message(headers({4: REMOVED})), errors.HeaderMissing),
    "unprotected key id": lambda: (
        message(headers({4: REMOVED}), unprotected=cbor2.dumps({4: b"key"})),
        errors.HeaderNotProtected,
    ),
    "key id of text": lambda: (message(headers({4: "key"})), errors.BadHeader),
    "empty key id": lambda: (message(headers({4: b""})), errors.BadHeader),
    "long key id": lambda: (message(headers({4: bytes(257)})), errors.BadHeader),
    "no content type": lambda: (message(headers({3: REMOVED})), errors.HeaderMissing),
    "unprotected content type": lambda: (
        message(headers({3: REMOVED}), unprotected=cbor2.dumps({3: 50})),
        errors.HeaderNotProtected,
    ),
    "content type of bytes": lambda: (message(headers({3: b"a/b"})), errors.BadHeader),
    "content type too large": lambda: (message(headers({3: 65_536})), errors.BadHeader),
    "negative content type": lambda: (message(headers({3: -1})), errors.BadHeader),
    "detached": lambda: (message(payload=None), errors.DetachedPayload),
    "issued later": lambda: (message(headers(c6=NOW_S + 301)), errors.StatementNotYetValid),
    "valid later": lambda: (message(headers(c5=NOW_S + 301)), errors.StatementNotYetValid),
    "in the year 9999": lambda: (
        message(headers(c6=statement.TIME_S_MAX)),
        errors.StatementNotYetValid,
    ),
    "expired": lambda: (message(headers(c4=NOW_S - 300)), errors.StatementExpired),
    "time too large": lambda: (message(headers(c6=2**63)), errors.BadHeader),
    "time of bignum": lambda: (message(headers(c6=2**64)), errors.BadHeader),
    "negative time": lambda: (message(headers(c6=-1)), errors.BadHeader),
    "time as a fraction": lambda: (message(headers(c6=1.5)), errors.BadHeader),
    "time of a boolean": lambda: (message(headers(c6=True)), errors.BadHeader),
    "time of text": lambda: (message(headers(c4="2030")), errors.BadHeader),
    "critical unknown": lambda: (message(headers({2: [99], 99: 0})), errors.CriticalHeader),
    "critical as text": lambda: (message(headers({2: ["x"], "x": 0})), errors.CriticalHeader),
    "critical absent": lambda: (message(headers({2: [258]})), errors.CriticalHeader),
    "critical empty": lambda: (message(headers({2: []})), errors.BadHeader),
    "critical number": lambda: (message(headers({2: 4})), errors.BadHeader),
    "critical of bytes": lambda: (message(headers({2: [b""]})), errors.BadHeader),
    "critical unprotected": lambda: (
        message(unprotected=cbor2.dumps({2: [4]})),
        errors.HeaderNotProtected,
    ),
    "envelope of SHA-1": lambda: (
        message(headers({3: REMOVED, 258: -14, 259: "a/b"}), payload=bytes(20)),
        errors.BadHeader,
    ),
    "envelope of other length": lambda: (
        message(headers({3: REMOVED, 258: -16, 259: "a/b"}), payload=bytes(31)),
        errors.BadHeader,
    ),
    "envelope with content type": lambda: (
        message(headers({258: -16, 259: "a/b"}), payload=bytes(32)),
        errors.BadHeader,
    ),
    "envelope without function": lambda: (message(headers({259: "a/b"})), errors.HeaderMissing),
    "envelope without type": lambda: (
        message(headers({3: REMOVED, 258: -16}), payload=bytes(32)),
        errors.HeaderMissing,
    ),
    "envelope unprotected": lambda: (
        message(unprotected=cbor2.dumps({258: -16})),
        errors.HeaderNotProtected,
    ),
    "envelope elsewhere": lambda: (
        message(headers({3: REMOVED, 258: -16, 259: "a/b", 260: 7}), payload=bytes(32)),
        errors.BadHeader,
    ),
    "certificate without URI": lambda: (
        message(headers({34: [-16, bytes(32)]}, c1="city")),
        errors.BadHeader,
    ),
    "certificate of one part": lambda: (message(headers({34: [bytes(32)]})), errors.BadHeader),
    "certificate of text": lambda: (message(headers({33: "x"})), errors.BadHeader),
    "empty chain": lambda: (message(headers({4: REMOVED, 33: []})), errors.BadHeader),
    "chain of texts": lambda: (message(headers({33: ["x"]})), errors.BadHeader),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_statements_have_their_code(name: str) -> None:
    """Goal: each attack is refused, for its own reason. Method: otherwise well signed."""
    data, expected = HOSTILE[name]()
    with pytest.raises(TrineError) as caught:
        read(data)
    assert type(caught.value) is expected, caught.value


ALLOWED: dict[str, Callable[[], bytes]] = {
    "plain": message,
    "unsorted headers": lambda: message(
        cbor2.dumps(dict(reversed(list({**HEADERS, 300: 1}.items()))))
    ),
    "unprotected headers": lambda: message(unprotected=cbor2.dumps({"x": [1.5, None, True]})),
    "tagged header": lambda: message(raw_headers(b"\x18\x23\xd8\x20\x61a")),
    "deepest": lambda: message(raw_headers(b"\x10" + nested(cbor.NESTING_MAX - 1))),
    "most headers": lambda: message(
        headers(dict.fromkeys(range(100, 100 + cbor.HEADERS_MAX - len(HEADERS)), 0))
    ),
    "longest issuer": lambda: message(headers(c1="a" * statement.CLAIM_BYTES_MAX)),
    "longest subject": lambda: message(headers(c2="\u57ce" * (statement.CLAIM_BYTES_MAX // 3))),
    "numbered content type": lambda: message(headers({3: 50})),
    "latest issue": lambda: message(headers(c6=NOW_S + 300)),
    "latest start": lambda: message(headers(c5=NOW_S + 300)),
    "earliest end": lambda: message(headers(c4=NOW_S - 299)),
    "no times": lambda: message(headers(c6=REMOVED)),
    "critical known": lambda: message(headers({2: [4, 15]})),
    "empty payload": lambda: message(payload=b""),
    "certificate": lambda: message(headers({4: REMOVED, 34: [-16, bytes(32)]})),
    "certificates": lambda: message(headers({4: REMOVED, 33: [b"a", b"b"]})),
    "one certificate": lambda: message(headers({4: REMOVED, 33: b"a"})),
    "envelope": lambda: message(
        headers({3: REMOVED, 258: -16, 259: "a/b", 260: "https://a.example"}), payload=bytes(32)
    ),
    "envelope of SHA-512": lambda: message(
        headers({3: REMOVED, 258: -44, 259: 50}), payload=bytes(64)
    ),
}


@pytest.mark.parametrize("name", list(ALLOWED))
def test_what_stays_allowed(name: str) -> None:
    """Goal: no limit bites early. Method: statements at the limits, and forms that RFC 9052 has."""
    found = read(ALLOWED[name]())
    statement.verify_statement(found, PUBLIC)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith(("giga", "many"))])
def test_announced_lengths_cost_nothing(name: str) -> None:
    """Goal: a few bytes cannot ask for a gigabyte. Method: measure what reading allocates."""
    data, expected = HOSTILE[name]()
    tracemalloc.start()
    try:
        with pytest.raises(expected):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_every_flipped_bit_is_refused() -> None:
    """Goal: nothing in a statement can change. Method: flip each bit of one."""
    for altered in flipped(message()):
        with pytest.raises(TrineError):
            statement.verify_statement(read(altered), PUBLIC)


@given(st.binary(max_size=400))
def test_garbage_raises_no_other_error(data: bytes) -> None:
    """Goal: no surprise for a server. Method: any bytes, behind the start of a message too."""
    for tried in (data, cose.TAG_AND_ARRAY + data, message(data), message(unprotected=data)):
        for ask in (read, statement.entry_of, statement.receipts_of):
            try:
                ask(tried)
            except TrineError:
                continue


@given(st.data())
def test_mutations_raise_no_other_error(data: st.DataObject) -> None:
    """Goal: no surprise near a right statement. Method: replace, drop and repeat parts of one."""
    mutated = statement.with_receipts(message(headers({2: [4], 33: [b"a", b"b"]})), [message()])
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(mutated)))
        stop = data.draw(st.integers(first, min(len(mutated), first + 8)))
        mutated = mutated[:first] + data.draw(st.binary(max_size=8)) + mutated[stop:]
    for ask in (read, statement.entry_of, statement.receipts_of):
        try:
            ask(mutated)
        except TrineError:
            continue
