"""Test signed statements: what is made is read everywhere, what is hostile has its code."""

import hashlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
import scitt_cose
from hypothesis import given
from hypothesis import strategies as st

from tests.services.hostile import HEADERS, KEY, NOW_S, PUBLIC, REMOVED, flipped, headers, message
from trine.crypto import SecretKey, public_key_to_pem
from trine.errors import TrineError
from trine.errors import services as errors
from trine.services.evidence import cbor, cose, statement
from trine.services.evidence.statement import read_statement
from trine.types.calls import PublicKey

ALGORITHMS = pytest.mark.parametrize("algorithm", list(cose.ALGORITHM_OF_KEY))


def read(data: bytes) -> statement.Statement:
    """Read a statement at the time of the tests."""
    return read_statement(data, now_s=NOW_S)


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


@ALGORITHMS
def test_statements_round_trip(algorithm: str) -> None:
    """Goal: what is made is read and verified. Method: a key of each algorithm, all headers."""
    key = SecretKey.generate(algorithm)
    data = statement.sign_statement(
        b"payload",
        key=key,
        issuer="did:web:city.example",
        subject="bridge 7",
        content_type="text/plain",
        issued_at_s=NOW_S,
    )
    found = read(data)
    statement.verify_statement(found, cose.public_key(key))
    assert found[1:] == (
        "did:web:city.example",
        "bridge 7",
        "text/plain",
        b"payload",
        key.public_key,
        NOW_S,
        None,
    )
    other = SecretKey.generate(algorithm)
    with pytest.raises(errors.CoseSignature):
        statement.verify_statement(found, cose.public_key(other))
    wrong = PublicKey("p256" if algorithm != "p256" else "sm2", key.public_key)
    with pytest.raises(errors.SignatureAlgorithm):
        statement.verify_statement(found, wrong)


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_scitt_cose_verifies_statements(algorithm: str) -> None:
    """Goal: another program reads them. Method: scitt-cose parses, verifies, adds receipts."""
    key = SecretKey.generate(algorithm)
    data = statement.sign_statement(
        b"{}", key=key, issuer="https://a.example", subject="s", content_type="text/json"
    )
    pem = public_key_to_pem(algorithm, key.public_key)
    parsed = scitt_cose.parse_signed_statement(data, public_key_pem=pem)
    assert parsed["signature_verified"] is True
    assert (parsed["issuer"], parsed["subject"], parsed["payload"]) == (
        "https://a.example",
        "s",
        b"{}",
    )
    transparent = statement.with_receipts(data, [b"one", b"two"])
    assert scitt_cose.extract_receipts(transparent) == [b"one", b"two"]
    assert scitt_cose.attach_receipts(data, [b"one", b"two"]) == transparent
    assert statement.entry_of(scitt_cose.attach_receipts(data, [b"one"])) == (
        statement.entry_of(data)
    )


def test_scitt_cose_statements_are_read() -> None:
    """Goal: statements of another program are read. Method: one with a key's name, one without."""
    pem = KEY.to_pem()
    make = scitt_cose.build_signed_statement
    values: dict[str, Any] = {
        "alg": "EdDSA",
        "private_key_pem": pem,
        "issuer": "https://a.example",
        "subject": "s",
        "content_type": "text/json",
    }
    found = read(make(b"{}", kid=b"key", **values))
    statement.verify_statement(found, PUBLIC)
    with pytest.raises(errors.HeaderMissing):
        read(make(b"{}", **values))


@pytest.mark.parametrize("number", [cose.ED25519, cose.ESP256])
def test_the_numbers_of_one_curve(number: int) -> None:
    """Goal: issuers may use the numbers that name a curve. Method: those of RFC 9864."""
    key = SecretKey.generate(cose.KEY_OF_ALGORITHM[number])
    found = read(message(headers({1: number}), key=key))
    statement.verify_statement(found, cose.public_key(key))


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


def test_the_largest_statement() -> None:
    """Goal: the limit counts what is registered. Method: one byte below, with receipts and not."""
    empty = len(message(payload=b"")) + 4
    data = message(payload=bytes(statement.STATEMENT_BYTES_MAX - empty))
    assert len(data) == statement.STATEMENT_BYTES_MAX
    read(data)
    transparent = statement.with_receipts(data, [bytes(statement.RECEIPT_BYTES_MAX)])
    assert statement.entry_of(read(transparent)) == statement.entry_of(data)


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


header_values = st.recursive(
    st.one_of(
        st.integers(-(2**64), 2**64 - 1), st.binary(max_size=20), st.text(max_size=20), st.none()
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(
    unprotected=st.dictionaries(
        st.one_of(st.integers(400, 2**32), st.text(max_size=5)), header_values, max_size=4
    ),
    payload=st.binary(max_size=100),
    receipts=st.lists(st.binary(max_size=50), min_size=1, max_size=4),
)
def test_receipts_change_nothing_else(
    unprotected: dict[Any, Any], payload: bytes, receipts: list[bytes]
) -> None:
    """Goal: one entry, with receipts or without. Method: add any to any, and decode all of it."""
    data = message(payload=payload, unprotected=cbor2.dumps(unprotected))
    transparent = statement.with_receipts(data, receipts)
    assert statement.receipts_of(data) == []
    assert statement.receipts_of(transparent) == receipts
    plain, full = (cbor2.loads(each).value for each in (data, transparent))
    assert [plain[at] for at in (0, 2, 3)] == [full[at] for at in (0, 2, 3)]
    assert dict(full[1]) == {**dict(plain[1]), 394: tuple(receipts)} or (
        dict(full[1]) == {**dict(plain[1]), 394: receipts}
    )
    again = statement.with_receipts(statement.with_receipts(data, receipts[:1]), receipts[1:])
    assert again == transparent
    assert statement.registered(transparent) == message(payload=payload)
    entries = {statement.entry_of(each) for each in (data, transparent, message(payload=payload))}
    assert entries == {statement.entry_of(read(transparent))}
    assert statement.entries_of([read(data)] * 2) == [statement.entry_of(data)] * 2
    statement.verify_statement(read(transparent), PUBLIC)


def test_the_entry_of_a_plain_statement_is_its_hash() -> None:
    """Goal: the rule can be followed by hand. Method: SHA-256 and SM3 of the bytes as they are."""
    data = message()
    assert statement.entry_of(data) == hashlib.sha256(data).digest()
    other = statement.entry_of(data, "sm3")
    assert other == statement.entry_of(statement.with_receipts(data, [b"a"]), "sm3")
    assert other != statement.entry_of(data)


def test_receipts_have_limits() -> None:
    """Goal: a transparent statement stays small. Method: too many, too long, other forms."""
    data = message()
    most = statement.with_receipts(data, [b"a"] * statement.RECEIPTS_MAX)
    assert len(statement.receipts_of(most)) == statement.RECEIPTS_MAX
    for ask in (
        lambda: statement.with_receipts(most, [b"a"]),
        lambda: statement.with_receipts(data, [bytes(statement.RECEIPT_BYTES_MAX + 1)]),
        lambda: statement.receipts_of(message(unprotected=cbor2.dumps({394: [b"a"] * 9}))),
    ):
        with pytest.raises(errors.CoseTooLarge):
            ask()
    for value in (b"a", ["a"], {}, [1], []):
        with pytest.raises((errors.BadHeader, errors.CoseTooLarge)):
            statement.receipts_of(message(unprotected=cbor2.dumps({394: value})))
    with pytest.raises(errors.BadHeader):
        statement.receipts_of(message(headers({394: [b"a"]})))
    assert statement.with_receipts(data, []) == data


@given(wrong=st.sets(st.integers(0, 8)))
def test_a_batch_says_which_signatures_hold(wrong: set[int]) -> None:
    """Goal: a batch is as strict as single ones. Method: three algorithms mixed, some altered."""
    keys = [SecretKey(name, bytes(31) + b"\x07") for name in cose.ALGORITHM_OF_KEY] * 3
    statements = []
    for index, key in enumerate(keys):
        data = statement.sign_statement(
            b"p", key=key, issuer="https://a.example", subject=str(index), content_type="a/b"
        )
        statements.append(read(data[:-1] + bytes([data[-1] ^ (index in wrong)])))
    public = [cose.public_key(key) for key in keys]
    assert statement.verify_many(statements, public) == [at not in wrong for at in range(9)]
    assert statement.verify_many(statements, public[1:] + public[:1]) == [False] * 9
    assert statement.verify_many([], []) == []


def test_both_halves_of_ecdsa_hold() -> None:
    """Goal: ES256 as COSE has it, of any program. Method: turn `s` around; put it past the order.

    The turned one is another entry: the signature is part of what is registered.
    """
    order = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
    key = SecretKey("p256", bytes(31) + b"\x07")
    data = message(headers({1: -7}), key=key)
    s = int.from_bytes(data[-32:])
    for value, holds in ((order - s, True), (order, False), (2**256 - 1, False), (0, False)):
        turned = data[:-32] + value.to_bytes(32)
        assert statement.verify_many([read(turned)], [cose.public_key(key)]) == [holds]
        assert statement.entry_of(turned) != statement.entry_of(data)
        if holds:
            statement.verify_statement(read(turned), cose.public_key(key))


def test_signatures_of_other_lengths_are_refused() -> None:
    """Goal: one form of a signature. Method: with the chain's hint behind, and cut."""
    data = message()
    for signature in (data[-64:] + b"\x00", data[-64:-1], b""):
        altered = data[:-66] + cbor.encode_bytes(signature)
        found = read(altered)
        assert statement.verify_many([found], [PUBLIC]) == [False]
        with pytest.raises(errors.CoseSignature):
            statement.verify_statement(found, PUBLIC)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"issuer": ""}, errors.BadHeader),
        ({"subject": "a" * 10_000}, errors.CoseTooLarge),
        ({"content_type": 70_000}, errors.BadHeader),
        ({"key_id": b""}, errors.BadHeader),
        ({"issued_at_s": -1}, errors.BadHeader),
        ({"payload_hash": -16}, errors.BadHeader),
        ({"key": SecretKey("secp256k1", bytes(31) + b"\x01")}, errors.SignatureAlgorithm),
    ],
)
def test_what_is_not_read_is_not_made(changes: dict[str, Any], expected: type[TrineError]) -> None:
    """Goal: nobody signs what no service takes. Method: a value of each kind that is refused."""
    values: dict[str, Any] = {
        "key": KEY,
        "issuer": "https://a.example",
        "subject": "s",
        "content_type": "a/b",
        **changes,
    }
    with pytest.raises(expected):
        statement.sign_statement(b"payload", **values)


def test_a_hash_envelope_is_made_and_read() -> None:
    """Goal: large content is signed by its digest. Method: make one, read its function."""
    digest = hashlib.sha256(b"large").digest()
    data = statement.sign_statement(
        digest,
        key=KEY,
        issuer="https://a.example",
        subject="s",
        content_type="application/pdf",
        payload_hash=-16,
    )
    found = read(data)
    assert (found.payload_hash, found.content_type, found.payload) == (
        -16,
        "application/pdf",
        digest,
    )
