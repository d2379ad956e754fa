"""Test that statements of the usual form are taken as the whole reading takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services import test_hostile_statements as statements
from trine._core import statements as core
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import IssuerKeyNotAdmitted, IssuerNotAdmitted
from trine.services.evidence import cose, intake, statement
from trine.services.evidence.intake import Checked
from trine.services.evidence.policy import Issuer, Policy
from trine.services.evidence.rows import content_digest
from trine.services.evidence.tree import HashFunction
from trine.types.calls import PublicKey

NOW_S = 1_800_000_000
KEYS = [SecretKey(name, bytes([0, *[5] * 31])) for name in cose.ALGORITHM_OF_KEY]
TEXT = st.text(min_size=1, max_size=300) | st.sampled_from(["s" * 23, "s" * 24, "s" * 255])
CITY = "https://city.example"
FUNCTIONS = pytest.mark.parametrize("function", ["sha256", "sm3"])


def said(key: SecretKey, number: int = 0, issued_at_s: int | None = None) -> bytes:
    """Sign a statement of the usual form."""
    return statement.sign_statement(
        b"content %d" % number,
        key=key,
        issuer=CITY,
        subject=f"bridge {number}",
        content_type="text/plain",
        issued_at_s=issued_at_s,
    )


def policy(*keys: SecretKey, **more: object) -> Policy:
    """Admit an issuer with some keys."""
    issuer = Issuer(CITY, {key.public_key: cose.public_key(key) for key in keys})
    return Policy((issuer,), **more)  # type: ignore[arg-type]


def check(data: bytes, policy: Policy, function: HashFunction = "sha256") -> Checked | TrineError:
    """Check one statement."""
    [result] = intake.check([data], policy, function, now_ms=NOW_S * 1_000)
    return result


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


def same(data: bytes, function: HashFunction) -> bool:
    """Compare what the core takes with the whole reading; says whether it takes it."""
    [taken] = core.take(function, [data])
    if taken is None:
        return False
    # Times are the caller's to check.
    read = statement.read_statement(data, now_s=NOW_S, clock_skew_s=1_000)
    assert read.payload_hash is None
    assert statement.registered(data) == data
    assert taken == (
        cose.KEY_OF_ALGORITHM[cose.algorithm(read.message)],
        read.issuer,
        read.subject,
        read.content_type,
        read.key_id,
        read.issued_at_s,
        statement.entry_of(data, function),
        content_digest(function, read.payload, None),
    )
    return True


@FUNCTIONS
@given(data=made(), drawn=st.data())
def test_the_core_takes_what_the_whole_reading_takes(
    data: bytes, drawn: st.DataObject, function: HashFunction
) -> None:
    """Goal: the core accepts nothing else, and finds nothing else.

    Method: statements of any lengths and algorithms, as they are, with a byte altered, cut, and
    with something behind them.
    """
    at = drawn.draw(st.integers(0, len(data) - 1))
    altered = bytearray(data)
    altered[at] ^= drawn.draw(st.integers(1, 255))
    for each in (data, bytes(altered), data[:at], data + b"\x00"):
        same(each, function)


@FUNCTIONS
def test_the_usual_form_is_taken_by_the_core(function: HashFunction) -> None:
    """Goal: the core is used. Method: statements of each algorithm, with and without a time."""
    for key in KEYS:
        for issued_at_s in (None, 23, NOW_S):
            assert same(said(key, issued_at_s=issued_at_s), function)


@FUNCTIONS
def test_hostile_statements_are_not_taken_by_the_core(function: HashFunction) -> None:
    """Goal: nothing hostile passes. Method: every hostile statement: the core, then the check."""
    for make in statements.HOSTILE.values():
        data, expected = make()
        if same_form := core.take(function, [data])[0]:
            # Only times may be wrong with it.
            assert expected.__name__ == "StatementNotYetValid", same_form
        result = check(data, policy(*KEYS), function)
        assert type(result) in {expected, IssuerNotAdmitted, IssuerKeyNotAdmitted}


def test_longer_forms_are_not_taken_by_the_core() -> None:
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
    forged = []
    for old, new in longer:
        assert message.protected.count(old) == 1
        protected = message.protected.replace(old, new)
        forged.append(
            cose.write_sign1(protected, cose.EMPTY_MAP, message.payload, message.signature)
        )
    around = (b"\xa0\x57ppp", b"\xa0\x58\x17ppp"), (data[2:4], b"\x59\x00" + data[3:4])
    forged += [data.replace(old, new, 1) for old, new in around]
    assert data not in forged
    assert core.take("sha256", [data, *forged])[1:] == [None] * len(forged)
    for each in forged:
        result = check(each, policy(KEYS[0]))
        assert isinstance(result, TrineError) and result.code == "cose_encoding"


@FUNCTIONS
def test_each_of_many_has_its_own_result(function: HashFunction) -> None:
    """Goal: results stand where their statements stood.

    Method: good ones of three algorithms and of another form between ones that are altered, of
    the future, of a key that is not admitted, of nobody, and of a key under another's name.
    """
    ed25519, p256, sm2 = KEYS
    stranger = SecretKey("ed25519", bytes([0, *[6] * 31]))
    good = {at: said(key, at) for at, key in enumerate([ed25519, p256, sm2, ed25519], 1)}
    other = statement.with_receipts(said(p256, 9), [b"receipt"])
    future = said(p256, issued_at_s=NOW_S + 301)
    altered = bytearray(said(sm2))
    altered[-1] ^= 1
    nobody = statement.sign_statement(
        b"", key=p256, issuer="https://else.example", subject="s", content_type="a/b"
    )
    posed = statement.sign_statement(
        b"", key=sm2, issuer=CITY, subject="s", content_type="a/b", key_id=p256.public_key
    )
    items = [bytes(altered), *good.values(), other, future, said(stranger), nobody, posed]
    results = intake.check(items, policy(ed25519, p256, sm2), function, now_ms=NOW_S * 1_000)
    for at, data in [*good.items(), (5, other)]:
        result = results[at]
        assert isinstance(result, Checked)
        assert result == intake.checked(statement.read_statement(data, now_s=NOW_S), function)
    wrong = [results[at].code for at in (0, 6, 7, 8, 9)]  # type: ignore[union-attr]
    names = ("cose_signature", "statement_not_yet_valid", "issuer_key_not_admitted")
    assert wrong == [*names, "issuer_not_admitted", "cose_signature"]


def test_both_halves_of_s_are_taken() -> None:
    """Goal: ECDSA as COSE has it. Method: `n - s` in the place of `s`."""
    order = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
    data = said(KEYS[1])
    twin = order - int.from_bytes(data[-32:])
    for signed in (data, data[:-32] + twin.to_bytes(32)):
        assert isinstance(check(signed, policy(KEYS[1])), Checked)
    assert isinstance(check(data[:-32] + bytes(32), policy(KEYS[1])), TrineError)


def test_what_a_policy_asks_is_asked_of_the_usual_form() -> None:
    """Goal: the policy holds whichever way is taken.

    Method: headers that are there and that are not; types; a statement whose headers are in
    another order, which the core does not take.
    """
    data = said(KEYS[0])
    assert isinstance(check(data, policy(KEYS[0], required_headers=(15,))), Checked)
    lacking = check(data, policy(KEYS[0], required_headers=(258,)))
    assert isinstance(lacking, TrineError) and lacking.code == "header_missing"
    key = cose.public_key(KEYS[0])
    typed = Policy((Issuer(CITY, {key.key: key}, frozenset({"a/b"})),))
    refused = check(data, typed)
    assert isinstance(refused, TrineError) and refused.code == "media_type_refused"
    assert isinstance(check(data, policy(KEYS[2])), IssuerKeyNotAdmitted)


def test_a_key_signs_by_its_own_algorithm() -> None:
    """Goal: no algorithm but the admitted one. Method: bytes of an SM2 key admitted as P-256."""
    sm2 = KEYS[2]
    posed = PublicKey("p256", sm2.public_key)
    admitted = Policy((Issuer(CITY, {sm2.public_key: posed}),))
    assert isinstance(check(said(sm2), policy(sm2)), Checked)
    refused = check(said(sm2), admitted)
    assert isinstance(refused, TrineError) and refused.code == "cose_signature"


def test_statements_of_another_form_are_verified() -> None:
    """Goal: no form passes unsigned. Method: a transparent statement with an altered signature."""
    data = statement.with_receipts(said(KEYS[0]), [b"receipt"])
    assert isinstance(check(data, policy(KEYS[0])), Checked)
    refused = check(data[:-1] + bytes([data[-1] ^ 1]), policy(KEYS[0]))
    assert isinstance(refused, TrineError) and refused.code == "cose_signature"


@pytest.mark.parametrize("name", ["issuer", "subject", "content_type"])
def test_texts_that_no_database_keeps_are_refused(name: str) -> None:
    """Goal: U+0000 stops no log. Method: in each text of a statement of the usual form."""
    texts = {"issuer": CITY, "subject": "bridge", "content_type": "text/plain"}
    texts[name] += "\0"
    data = statement.sign_statement(b"", key=KEYS[0], **texts)  # type: ignore[arg-type]
    assert core.take("sha256", [data])[0] is not None
    refused = check(data, policy(KEYS[0]))
    assert isinstance(refused, TrineError) and refused.code == "bad_header"
