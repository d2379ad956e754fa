"""Test our timestamp authority against OpenSSL, rfc3161-client and every failure of RFC 3161."""

from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.stamping import (
    DATA,
    DAY_MS,
    KINDS,
    LIBRARY_KINDS,
    NOW_MS,
    client_verifies,
    code_of,
    openssl,
    openssl_verifies,
    stamp,
    stamper,
)
from trine.services.evidence.timestamp import (
    Authority,
    AuthorityKey,
    Imprint,
    Request,
    Response,
    made_up_authority,
    token_of,
    verify,
)
from trine.services.evidence.timestamp.made_up import POLICY, issue
from trine.services.evidence.timestamp.serials import Serials
from trine.services.evidence.timestamp.token import read_token


@pytest.mark.parametrize("kind", KINDS)
def test_own_tokens_verify(kind: str) -> None:
    """Goal: every kind of key stamps. Method: read back each fact."""
    found = verify(stamp(kind), data=DATA, roots=[stamper(kind)[1]], nonce=77, policy=POLICY)
    assert (found.time_ms, found.accuracy_us, found.serial) == (NOW_MS, 1_000_000, 5)
    assert found.signer == stamper(kind)[0].chain[0]
    assert found.imprint.algorithm == ("sm3" if kind == "sm2" else "sha256")


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
def test_openssl_and_client_accept(kind: str, tmp_path: Path) -> None:
    """Goal: what we stamp is RFC 3161. Method: two verifiers that share no code with ours."""
    root = stamper(kind)[1]
    assert openssl_verifies(tmp_path, stamp(kind), root) == ""
    assert client_verifies(stamp(kind), root, nonce=77)
    assert openssl_verifies(tmp_path, stamp(kind), root, b"other data") != ""


@pytest.mark.parametrize("kind", ["ed25519", "sm2"])
def test_signature_under_openssl(kind: str, tmp_path: Path) -> None:
    """Goal: Ed25519 and SM2 sign what RFC 5652 says, SM2 with the default identifier.

    Method: OpenSSL 3.0 on the attributes alone; its `ts` and `cms` cannot verify these two.
    """
    token = read_token(token_of(stamp(kind)))
    (tmp_path / "certificate").write_bytes(stamper(kind)[0].chain[0].to_pem())
    public = openssl("x509", "-in", tmp_path / "certificate", "-pubkey", "-noout").stdout
    files = {"key": public, "signed": token.signed, "signature": token.signature}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = ["pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "key", "-rawin"]
    command += ["-in", tmp_path / "signed", "-sigfile", tmp_path / "signature"]
    if kind == "sm2":
        command += ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    assert b"Verified Successfully" in openssl(*command).stdout


def test_sm2_is_readable_by_openssl(tmp_path: Path) -> None:
    """Goal: a token of SM2 has the standard form. Method: OpenSSL 3.0 shows it.

    Its `ts -verify` cannot check it: PKCS#7 there hashes without the identifier of the signer.
    """
    (tmp_path / "answer").write_bytes(stamp("sm2"))
    shown = openssl("ts", "-reply", "-in", tmp_path / "answer", "-text").stdout.decode()
    assert "Status: Granted." in shown
    assert "Hash Algorithm: sm3" in shown


@settings(max_examples=60)
@given(
    now_ms=st.integers(NOW_MS, NOW_MS + 300 * DAY_MS),
    nonce=st.none() | st.integers(-(2**200), 2**200),
    serial=st.integers(0, 2**159),
    accuracy_ms=st.integers(0, 10**9),
    algorithm=st.sampled_from(["sha256", "sha384", "sha512"]),
    wants=st.booleans(),
)
def test_every_request_is_honoured(now_ms, nonce, serial, accuracy_ms, algorithm, wants) -> None:
    """Goal: answers state what was asked, in strict DER. Method: our own strict reader."""
    authority, root = stamper("ed25519")
    authority = replace(authority, accuracy_ms=accuracy_ms)
    asked = Request(Imprint.of_data(DATA, algorithm), nonce, wants_certificate=wants)
    answer = authority.answer(asked.to_der(), now_ms=now_ms, serial=serial)
    given_too = [] if wants else authority.chain[:1]
    found = verify(answer, imprint=asked.imprint, roots=[root], certificates=given_too)
    assert (found.time_ms, found.nonce, found.serial) == (now_ms, nonce, serial)
    assert found.accuracy_us == accuracy_ms * 1_000
    assert len(read_token(token_of(answer)).certificates) == (2 if wants else 0)


def raw_request(**changes) -> bytes:
    """Encode a request that our own writer would not write."""
    fields = {
        "version": 1,
        "message_imprint": {
            "hash_algorithm": {"algorithm": "sha256"},
            "hashed_message": bytes(32),
        },
    }
    return tsp.TimeStampReq({**fields, **changes}).dump()


def imprint(algorithm: str, digest: bytes) -> dict:
    """Make an imprint that may be wrong."""
    return {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}


EXTENSION = [{"extn_id": "1.2.3", "critical": False, "extn_value": b"x"}]


@pytest.mark.parametrize(
    ("request_der", "failure"),
    [
        (raw_request(message_imprint=imprint("sha1", bytes(20))), "bad_alg"),
        (raw_request(message_imprint=imprint("1.2.3.4", bytes(32))), "bad_alg"),
        (raw_request(message_imprint=imprint("sha256", bytes(31))), "bad_data_format"),
        (raw_request().replace(b"\x05\x00", b"\x04\x00"), "bad_data_format"),
        (raw_request(version=2), "bad_request"),
        (raw_request(req_policy="1.2.3.4"), "unaccepted_policy"),
        (raw_request(extensions=EXTENSION), "unaccepted_extensions"),
        (raw_request(nonce=2**300), "bad_data_format"),
        (raw_request() + b"\x00", "bad_data_format"),
        (b"\x30\x80" + raw_request()[2:] + b"\x00\x00", "bad_data_format"),
        (b"\x30\x81" + raw_request()[1:], "bad_data_format"),
        (b"\x30\x84\xff\xff\xff\xff", "bad_data_format"),
        (b"", "bad_data_format"),
        (bytes(5_000), "bad_data_format"),
    ],
)
def test_refusals(request_der: bytes, failure: str) -> None:
    """Goal: each fault has the failure of RFC 3161. Method: one request for each."""
    authority, root = stamper("p256")
    answer = authority.answer(request_der, now_ms=NOW_MS, serial=1)
    read = Response.read(answer)
    assert (read.status, read.failures, read.token) == (2, (failure,), None)
    refused = code_of(lambda: verify(answer, data=DATA, roots=[root]))
    assert refused == "timestamp_not_granted"


def test_openssl_reads_refusals(tmp_path: Path) -> None:
    """Goal: others read our refusals. Method: `openssl ts -reply -text`."""
    refused = raw_request(message_imprint=imprint("sha1", bytes(20)))
    answer = stamper("p256")[0].answer(refused, now_ms=NOW_MS, serial=1)
    (tmp_path / "answer").write_bytes(answer)
    shown = openssl("ts", "-reply", "-in", tmp_path / "answer", "-text").stdout.decode()
    assert "Status: Rejected." in shown
    assert "unrecognized or unsupported algorithm identifier" in shown


def test_null_parameters_are_repeated() -> None:
    """Goal: the imprint comes back byte for byte. Method: both encodings of a hash's name."""
    with_null = raw_request()
    without = with_null.replace(b"\x30\x0d\x06\x09", b"\x30\x0b\x06\x09").replace(b"\x05\x00", b"")
    without = bytes([0x30, with_null[1] - 2, *without[2:5], 0x30, without[6] - 2, *without[7:]])
    for query in (with_null, without):
        answer = stamper("p256")[0].answer(query, now_ms=NOW_MS, serial=1)
        content = tsp.TSTInfo.load(read_token(token_of(answer)).content)
        assert content["message_imprint"].dump() == Request.read(query).imprint_der
        assert content["message_imprint"].dump() in query


def test_policies() -> None:
    """Goal: a policy that is offered is used. Method: name each, and one that is not."""
    authority, root = stamper("p256")
    authority = replace(authority, policies=frozenset({"1.2.3.4"}))
    for policy in (None, POLICY, "1.2.3.4"):
        asked = Request(Imprint.of_data(DATA), policy=policy)
        answer = authority.answer(asked.to_der(), now_ms=NOW_MS, serial=1)
        assert verify(answer, data=DATA, roots=[root]).policy == (policy or POLICY)


@pytest.mark.parametrize("days", [-2, 400])
def test_no_stamps_outside_the_certificate(days: int) -> None:
    """Goal: an expired authority stamps nothing. Method: a time before, and one after."""
    query = Request(Imprint.of_data(DATA)).to_der()
    answer = stamper("p256")[0].answer(query, now_ms=NOW_MS + days * DAY_MS, serial=1)
    assert Response.read(answer).failures == ("system_failure",)


USAGE = {"extn_id": "key_usage", "critical": True, "extn_value": {"digital_signature"}}
STAMPS = {"extn_id": "extended_key_usage", "critical": True, "extn_value": ["time_stamping"]}


@pytest.mark.parametrize(
    "extensions",
    [
        [USAGE],
        [USAGE, {**STAMPS, "critical": False}],
        [USAGE, {**STAMPS, "extn_value": ["time_stamping", "code_signing"]}],
        [USAGE, {**STAMPS, "extn_value": ["code_signing"]}],
        [{**USAGE, "extn_value": {"key_encipherment"}}, STAMPS],
        [{"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": True}}, STAMPS],
    ],
)
def test_certificates_that_may_not_stamp(extensions: list[dict]) -> None:
    """Goal: no authority, and no verifier, takes a certificate of other uses. Method: both."""
    key, root_key = AuthorityKey.generate("p256"), AuthorityKey.generate("p256")
    by = (root_key, "root")
    root = issue(root_key, "root", by, now_ms=NOW_MS, is_root=True)
    good = issue(key, "stamper", by, now_ms=NOW_MS)
    bad = issue(key, "stamper", by, now_ms=NOW_MS, extensions=extensions)
    refused = code_of(lambda: Authority(key, (bad, root), POLICY))
    assert refused == "bad_timestamp_authority"
    authority = Authority(key, (good, root), POLICY)
    object.__setattr__(authority, "chain", (bad, root))
    token = authority._token(Request(Imprint.of_data(DATA)), POLICY, NOW_MS, 1)
    assert code_of(lambda: verify(token, data=DATA, roots=[root])) == "certificate_not_allowed"


def test_authority_that_does_not_fit() -> None:
    """Goal: a wrong setup is refused as it starts. Method: key, policy, chain, accuracy."""
    authority, root = stamper("p256")
    other = AuthorityKey.generate("p256")
    for change in (
        {"key": other},
        {"policy": "no identifier"},
        {"policies": frozenset({"1.2.x"})},
        {"chain": ()},
        {"chain": authority.chain[:1] * 9},
        {"accuracy_ms": -1},
    ):
        assert code_of(lambda change=change: replace(authority, **change)) == (
            "bad_timestamp_authority"
        )
    (stranger, _) = made_up_authority("p256", now_ms=NOW_MS)
    mixed = replace(authority, chain=(authority.chain[0], stranger.chain[1]))
    assert code_of(lambda: mixed.check(NOW_MS)) in ("unknown_issuer", "certificate_signature")
    assert code_of(lambda: replace(authority, chain=authority.chain[:1]).check(NOW_MS)) == ""
    assert root in authority.chain


@pytest.mark.parametrize("kind", KINDS)
def test_keys_are_read_back(kind: str) -> None:
    """Goal: a key survives its file, and is never shown. Method: write, read, sign, print."""
    key = stamper(kind)[0].key
    again = AuthorityKey.from_pem(key.to_pem())
    assert again.key_info == key.key_info
    assert again.signature_oid == key.signature_oid
    replace(stamper(kind)[0], key=again)
    assert repr(key) == f"AuthorityKey({key.signature_oid})"


def test_keys_that_are_refused() -> None:
    """Goal: weak and unknown keys do not stamp. Method: short RSA, another curve, no key."""
    weak = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024").stdout
    curve = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1").stdout
    for content in (weak, curve, b"no key", b""):
        assert code_of(lambda content=content: AuthorityKey.from_pem(content)) == (
            "bad_timestamp_authority"
        )
    assert code_of(lambda: AuthorityKey.generate("dsa")) == "bad_argument"


def test_serials_never_return(tmp_path: Path) -> None:
    """Goal: numbers are unique across restarts. Method: many openings, and an older copy."""
    path = tmp_path / "serials"
    taken = [Serials(path).take() for _ in range(20)]
    older = path.read_bytes()
    opened = Serials(path)
    taken += [opened.take() for _ in range(20)]
    assert taken == sorted(set(taken))
    assert max(taken).bit_length() < 160
    path.write_bytes(older)
    assert Serials(path).take() not in taken
    assert path.stat().st_mode & 0o077 == 0


def test_serials_of_damaged_files(tmp_path: Path) -> None:
    """Goal: a damaged counter is an error, not a number. Method: garbage, folder, no row."""
    (tmp_path / "garbage").write_bytes(b"x" * 5_000)
    assert code_of(lambda: Serials(tmp_path / "garbage")) == "timestamp_store"
    assert code_of(lambda: Serials(tmp_path)) == "timestamp_store"
    assert code_of(lambda: Serials(tmp_path / "none" / "file")) == "timestamp_store"
