"""Test signed statements: what is made here and elsewhere is read, with receipts or without."""

import hashlib
from typing import Any

import cbor2
import pytest
import scitt_cose
from hypothesis import given
from hypothesis import strategies as st

from tests.services.hostile import KEY, NOW_S, PUBLIC, headers, message
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


def test_the_largest_statement() -> None:
    """Goal: the limit counts what is registered. Method: one byte below, with receipts and not."""
    empty = len(message(payload=b"")) + 4
    data = message(payload=bytes(statement.STATEMENT_BYTES_MAX - empty))
    assert len(data) == statement.STATEMENT_BYTES_MAX
    read(data)
    transparent = statement.with_receipts(data, [bytes(statement.RECEIPT_BYTES_MAX)])
    assert statement.entry_of(read(transparent)) == statement.entry_of(data)


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
