"""Test the verifier: tokens of OpenSSL and of every algorithm, altered and hostile bytes."""

import functools
import hashlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.stamping import (
    DATA,
    DAY_MS,
    KINDS,
    LIBRARY_KINDS,
    NOW_MS,
    code_of,
    openssl,
    openssl_answers,
    stamp,
    stamper,
    vector,
    vector_chain,
)
from trine.crypto.x509 import Certificate, RevocationList, read_certificate
from trine.errors import TrineError
from trine.services.evidence.timestamp import (
    Authority,
    AuthorityKey,
    Imprint,
    Request,
    Response,
    header_imprint,
    made_up_authority,
    record_imprint,
    token_of,
    verify,
)
from trine.services.evidence.timestamp import authority as making
from trine.services.evidence.timestamp.der import check_der
from trine.services.evidence.timestamp.made_up import POLICY, issue
from trine.services.evidence.timestamp.structures import SM2_SIGNED_DATA, ContentInfo
from trine.services.evidence.timestamp.token import read_statement, read_token

# The library warns of certificates whose altered number is negative; it will refuse them later.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")


def clock_ms() -> int:
    """Return the time of the machine, at which OpenSSL stamps."""
    return int(time.time() * 1_000)


@functools.cache
def fresh_stamper(kind: str) -> tuple[Authority, Certificate]:
    """Return an authority whose certificates are valid on this machine now."""
    return made_up_authority(kind, now_ms=clock_ms(), days=3)


@pytest.mark.parametrize("binding", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("kind", LIBRARY_KINDS)
def test_openssl_replies(kind: str, binding: str, tmp_path: Path) -> None:
    """Goal: tokens of others verify. Method: `openssl ts -reply` with both kinds of binding."""
    root = stamper(kind)[1]
    for number, algorithm in enumerate(("sha256", "sha384", "sha512")):
        asked = Request(Imprint.of_data(DATA, algorithm), nonce=number + 1, policy="1.2.3.4.5")
        made_at_ms = clock_ms()
        fresh, fresh_root = fresh_stamper(kind)
        answer = openssl_answers(tmp_path, asked.to_der(), fresh, binding=binding)
        found = verify(answer, data=DATA, roots=[fresh_root], nonce=number + 1, policy="1.2.3.4.5")
        assert found.imprint == asked.imprint
        assert found.is_ordered
        assert found.accuracy_us == 1_500_100
        assert abs(found.time_ms - made_at_ms) < 600_000
        assert code_of(lambda answer=answer: verify(answer, data=DATA, roots=[root])) == (
            "certificate_signature"
        )


def test_openssl_refusal(tmp_path: Path) -> None:
    """Goal: a refusal is read, not taken for a token. Method: OpenSSL refuses a policy."""
    authority, root = fresh_stamper("p256")
    asked = Request(Imprint.of_data(DATA), policy="1.9.9").to_der()
    answer = openssl_answers(tmp_path, asked, authority)
    read = Response.read(answer)
    assert (read.status, read.failures) == (2, ("unaccepted_policy",))
    with pytest.raises(TrineError, match="unaccepted_policy") as caught:
        verify(answer, data=DATA, roots=[root])
    assert caught.value.code == "timestamp_not_granted"


@dataclass(frozen=True)
class PssKey:
    """A key that signs with PSS, which our authority does not."""

    key: AuthorityKey
    name: str = "sha256"
    salt: int = 32

    hash_name = property(lambda self: self.name)
    key_info = property(lambda self: self.key.key_info)

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        function = getattr(hashes, self.name.upper())()
        scheme = padding.PSS(padding.MGF1(function), self.salt)
        return self.key.secret.sign(message, scheme, function)

    def algorithm(self, mask: str | None = None) -> dict:
        """Name the algorithm."""
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": {"algorithm": self.name},
                "mask_gen_algorithm": {
                    "algorithm": "mgf1",
                    "parameters": {"algorithm": mask or self.name},
                },
                "salt_length": self.salt,
            }
        )
        return {"algorithm": "rsassa_pss", "parameters": parameters}


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_pss(name: str, monkeypatch) -> None:
    """Goal: tokens with PSS verify, and with two hashes do not. Method: stamp with each."""
    authority, root = stamper("rsa")
    key = PssKey(authority.key, name, {"sha256": 32, "sha384": 48, "sha512": 20}[name])
    stamping = replace(authority, key=key)
    monkeypatch.setattr(making, "_algorithm", lambda key: key.algorithm())
    query = Request(Imprint.of_data(DATA)).to_der()
    answer = stamping.answer(query, now_ms=NOW_MS, serial=1)
    assert verify(answer, data=DATA, roots=[root]).serial == 1
    other = "sha512" if name == "sha256" else "sha256"
    monkeypatch.setattr(making, "_algorithm", lambda key: key.algorithm(other))
    answer = stamping.answer(query, now_ms=NOW_MS, serial=1)
    assert code_of(lambda: verify(answer, data=DATA, roots=[root])) == "unsupported_timestamp"


def test_sm2_type_of_signed_data() -> None:
    """Goal: both types of content that SM2 tokens use are read. Method: rewrite the outer type."""
    _, root = stamper("sm2")
    signed = cms.ContentInfo.load(token_of(stamp("sm2")))["content"]
    signed["version"] = "v1"
    token = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True)
    own = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
    other = core.ObjectIdentifier(SM2_SIGNED_DATA).dump()
    body = core.Sequence.load(token).contents.replace(own, other, 1)
    rewritten = core.Sequence(contents=body).dump(force=True)
    assert ContentInfo.load(rewritten)["content_type"].dotted == SM2_SIGNED_DATA
    assert verify(rewritten, data=DATA, roots=[root]) == verify(
        stamp("sm2"), data=DATA, roots=[root]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(kind: str) -> None:
    """Goal: each mismatch has its code. Method: one wrong expectation at a time."""
    authority, root = stamper(kind)
    answer = stamp(kind)

    def refused(**more) -> str:
        arguments = {"data": DATA, "roots": [root], **more}
        return code_of(lambda: verify(answer, **arguments))

    assert refused() == ""
    assert refused(data=b"other") == "wrong_imprint"
    digest = Imprint.of_data(DATA, "sm3" if kind == "sm2" else "sha256").digest
    last = digest[:-1] + bytes([digest[-1] ^ 1])
    own, other = ("sm3", "sha256") if kind == "sm2" else ("sha256", "sm3")
    assert refused(data=None, imprint=Imprint(own, digest)) == ""
    assert refused(data=None, imprint=Imprint(own, last)) == "wrong_imprint"
    assert refused(data=None, imprint=Imprint(other, digest)) == "wrong_imprint"
    assert refused(nonce=78) == "wrong_nonce"
    assert refused(policy="1.2.3") == "wrong_timestamp_policy"
    assert refused(roots=[]) == "bad_argument"
    assert refused(imprint=Imprint.of_data(DATA)) == "bad_argument"
    assert refused(data=None) == "bad_argument"
    assert refused(at_ms=NOW_MS + 400 * DAY_MS) == "certificate_expired"
    assert refused(at_ms=NOW_MS - 400 * DAY_MS) == "certificate_not_yet_valid"
    assert refused(crls=[]) == "crl_missing"
    assert refused(roots=[stamper("ed25519" if kind != "ed25519" else "p256")[1]]) in (
        "unknown_issuer",
        "certificate_signature",
        "unsupported_certificate",
    )
    assert refused(roots=[authority.chain[0]]) == "unknown_issuer"


def test_no_nonce_in_the_answer() -> None:
    """Goal: an answer without the nonce is no answer to it. Method: ask without, expect one."""
    answer = stamp(nonce=None)
    roots = [stamper("p256")[1]]
    assert verify(answer, data=DATA, roots=roots).nonce is None
    assert code_of(lambda: verify(answer, data=DATA, roots=roots, nonce=7)) == "wrong_nonce"
    assert code_of(lambda: verify(answer, data=DATA, roots=roots, nonce=0)) == "wrong_nonce"


def test_certificate_of_a_namesake() -> None:
    """Goal: the binding decides whose token it is. Method: same name, number and key, new dates."""
    key, root_key = AuthorityKey.generate("p256"), AuthorityKey.generate("p256")
    by = (root_key, "root")
    root = issue(root_key, "root", by, now_ms=NOW_MS, is_root=True)
    own = issue(key, "stamper", by, now_ms=NOW_MS)
    parsed = x509.Certificate.load(own.der)
    later = issue(key, "stamper", by, now_ms=NOW_MS + DAY_MS)
    twin = parsed["tbs_certificate"].copy()
    twin["validity"] = x509.Certificate.load(later.der)["tbs_certificate"]["validity"]
    signed = twin.dump(force=True)
    made = x509.Certificate(
        {
            "tbs_certificate": twin,
            "signature_algorithm": parsed["signature_algorithm"],
            "signature_value": root_key.sign(signed),
        }
    )
    namesake = read_certificate(made.dump())
    authority = Authority(key, (own, root), POLICY)
    query = Request(Imprint.of_data(DATA), wants_certificate=False).to_der()
    answer = authority.answer(query, now_ms=NOW_MS, serial=1)
    good = {"data": DATA, "roots": [root]}
    assert verify(answer, certificates=[namesake, own], **good).signer == own
    refused = code_of(lambda: verify(answer, certificates=[namesake], **good))
    assert refused == "timestamp_signer_mismatch"
    assert code_of(lambda: verify(answer, **good)) == "timestamp_signer_missing"


def test_no_binding(monkeypatch) -> None:
    """Goal: a token that binds itself to no certificate is refused. Method: leave it away."""
    root = stamper("p256")[1]
    original = Authority._attributes

    def without(self, content: bytes):
        return cms.CMSAttributes(list(original(self, content))[:2])

    monkeypatch.setattr(Authority, "_attributes", without)
    assert code_of(lambda: verify(stamp(), data=DATA, roots=[root])) == (
        "timestamp_signer_mismatch"
    )


def changed_attributes(monkeypatch, change) -> str:
    """Stamp with other signed attributes, properly signed; returns the code of the refusal."""
    original = Authority._attributes
    monkeypatch.setattr(
        Authority, "_attributes", lambda self, content: change(original(self, content))
    )
    answer = stamp()
    monkeypatch.undo()
    return code_of(lambda: verify(answer, data=DATA, roots=[stamper("p256")[1]]))


def test_signed_attributes(monkeypatch) -> None:
    """Goal: attributes are what RFC 5652 says, whoever signed them. Method: change, sign again."""

    def reordered(attributes: cms.CMSAttributes) -> cms.CMSAttributes:
        parts = sorted((one.dump() for one in attributes), reverse=True)
        head = attributes.dump()[: len(attributes.dump()) - len(attributes.contents)]
        return cms.CMSAttributes.load(head + b"".join(parts))

    def twice(attributes: cms.CMSAttributes) -> cms.CMSAttributes:
        more = {"type": "message_digest", "values": [bytes(32)]}
        return cms.CMSAttributes([*attributes, cms.CMSAttribute(more)])

    def other_type(attributes: cms.CMSAttributes) -> cms.CMSAttributes:
        kept = [one for one in attributes if one["type"].native != "content_type"]
        return cms.CMSAttributes([{"type": "content_type", "values": ["data"]}, *kept])

    def more(attributes: cms.CMSAttributes) -> cms.CMSAttributes:
        moment = cms.Time("utc_time", datetime(2026, 1, 1, tzinfo=UTC))
        return cms.CMSAttributes([*attributes, {"type": "signing_time", "values": [moment]}])

    for change in (reordered, twice, other_type):
        assert changed_attributes(monkeypatch, change) == "not_a_timestamp", change
    for missing in ("content_type", "message_digest"):
        left = changed_attributes(
            monkeypatch,
            lambda attributes, missing=missing: cms.CMSAttributes(
                [one for one in attributes if one["type"].native != missing]
            ),
        )
        assert left == "not_a_timestamp"
    assert changed_attributes(monkeypatch, more) == ""


def test_extensions_of_statements(monkeypatch) -> None:
    """Goal: a critical extension is not ignored, another is. Method: both, properly signed."""
    original = Authority._statement
    root = stamper("p256")[1]
    for critical, code in ((True, "unsupported_timestamp"), (False, "")):
        extension = {"extn_id": "1.2.3", "critical": critical, "extn_value": b"x"}

        def statement(self, *arguments, extension=extension):
            parsed = tsp.TSTInfo.load(original(self, *arguments))
            parsed["extensions"] = [extension]
            return parsed.dump(force=True)

        monkeypatch.setattr(Authority, "_statement", statement)
        answer = stamp()
        assert code_of(lambda answer=answer: verify(answer, data=DATA, roots=[root])) == code


def test_number_of_signers() -> None:
    """Goal: a token has one signer. Method: none, and the same twice."""
    root = stamper("p256")[1]
    for count in (0, 1, 2):
        info = cms.ContentInfo.load(token_of(stamp()))
        (signer,) = info["content"]["signer_infos"]
        info["content"]["signer_infos"] = cms.SignerInfos([signer] * count)
        token = info.dump(force=True)
        code = code_of(lambda token=token: verify(token, data=DATA, roots=[root]))
        assert code == ("" if count == 1 else "not_a_timestamp")


def test_parameters_of_signatures(monkeypatch) -> None:
    """Goal: nothing rides along in an algorithm's name. Method: SM2 with parameters."""
    root = stamper("sm2")[1]
    for parameters, code in ((core.Null(), ""), (core.Integer(1), "unsupported_timestamp")):
        monkeypatch.setattr(
            making,
            "_algorithm",
            lambda key, parameters=parameters: {
                "algorithm": key.signature_oid,
                "parameters": parameters,
            },
        )
        answer = stamp("sm2")
        assert code_of(lambda answer=answer: verify(answer, data=DATA, roots=[root])) == code


def test_revoked(tmp_path: Path) -> None:
    """Goal: revocation is checked where lists are given. Method: OpenSSL's lists."""
    now_ms = clock_ms()
    key, root_key = AuthorityKey.generate("p256"), AuthorityKey.generate("p256")
    by = (root_key, "root")
    root = issue(root_key, "root", by, now_ms=now_ms, is_root=True, days=3)
    own = issue(key, "stamper", by, now_ms=now_ms, days=3)
    (tmp_path / "key").write_bytes(root_key.to_pem())
    (tmp_path / "root").write_bytes(root.to_pem())
    for name, rows in (
        ("clean", ""),
        ("revoked", f"R\t401231000000Z\t240101000000Z\t{own.serial:030X}\tunknown\t/CN=x\n"),
    ):
        (tmp_path / name).write_text(rows)
        text = f"[ca]\ndefault_ca=one\n[one]\ndatabase={tmp_path / name}\n"
        (tmp_path / "settings").write_text(text + "default_md=sha256\ndefault_crl_days=2\n")
        command = ["ca", "-config", tmp_path / "settings", "-gencrl", "-keyfile", tmp_path / "key"]
        openssl(*command, "-cert", tmp_path / "root", "-out", tmp_path / f"{name}.crl")
    answer = Authority(key, (own, root), POLICY).answer(
        Request(Imprint.of_data(DATA)).to_der(), now_ms=now_ms + 5_000, serial=1
    )
    clean, revoked = (
        RevocationList((tmp_path / f"{name}.crl").read_bytes()) for name in ("clean", "revoked")
    )
    # A root at the top answers for itself with the same list.
    good = verify(answer, data=DATA, roots=[root], crls=[clean])
    assert good.is_revocation_checked
    refused = code_of(lambda: verify(answer, data=DATA, roots=[root], crls=[revoked]))
    assert refused == "certificate_revoked"


def flips(content: bytes, places) -> list[tuple[int, bytes]]:
    """Flip one bit at each place: pairs of the byte's place and the altered content."""
    made = []
    for bit in places:
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << bit % 8
        made.append((bit // 8, bytes(altered)))
    return made


def accepted(answer: bytes, root, places) -> set[int]:
    """Return the bytes whose flipped bits are accepted; facts must be those of the original."""
    facts = verify(answer, data=DATA, roots=[root])
    found = set()
    for place, altered in flips(answer, places):
        try:
            assert verify(altered, data=DATA, roots=[root]) == facts
        except TrineError:
            continue
        found.add(place)
    return found


def free_bytes(answer: bytes, root) -> set[int]:
    """Return the bytes of a response that nothing protects: the status, a root that it carries."""
    status = answer.index(b"\x30\x03\x02\x01\x00") + 4
    start = answer.index(root.der)
    return {status, *range(start, start + len(root.der))}


def test_every_bit_of_a_response() -> None:
    """Goal: no second response of one token. Method: flip each bit.

    What is accepted all the same is listed: status 1 (granted with changes) for 0, and the root
    that the token carries, which nobody reads, since the trusted one is given.
    """
    answer, root = stamp("ed25519"), stamper("ed25519")[1]
    free = free_bytes(answer, root)
    # Inside the root that rides along, one bit of each byte is enough.
    places = [bit for bit in range(8 * len(answer)) if bit % 8 == 0 or bit // 8 not in free]
    found = accepted(answer, root, places)
    assert found <= free
    assert min(found) == answer.index(b"\x30\x03\x02\x01\x00") + 4


def test_every_bit_of_a_small_token() -> None:
    """Goal: where no certificate rides along, no bit is free. Method: flip each, ECDSA."""
    authority, root = stamper("p256")
    answer = token_of(stamp(wants_certificate=False))
    more = {"data": DATA, "roots": [root], "certificates": [authority.chain[0]]}
    assert verify(answer, **more).serial == 5
    for place, altered in flips(answer, range(8 * len(answer))):
        assert code_of(lambda altered=altered: verify(altered, **more)) != "", place


@settings(max_examples=120)
@given(kind=st.sampled_from(["rsa", "p384", "sm2"]), seed=st.integers(0, 2**32))
def test_bits_of_other_kinds(kind: str, seed: int) -> None:
    """Goal: the same for every algorithm. Method: one random bit at a time."""
    answer, root = stamp(kind), stamper(kind)[1]
    assert accepted(answer, root, [seed % (8 * len(answer))]) <= free_bytes(answer, root)


@settings(max_examples=200)
@given(st.data())
def test_altered_vectors(data) -> None:
    """Goal: altered tokens of others raise only our errors. Method: cut, insert, overwrite."""
    name = data.draw(
        st.sampled_from(["sigstage/response-sha256.tsr", "test_tsa/response.tsr"]), label="name"
    )
    content = bytearray(vector(name))
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        place = data.draw(st.integers(0, len(content) - 1), label="place")
        length = data.draw(st.integers(0, 4), label="length")
        content[place : place + length] = data.draw(st.binary(max_size=4), label="bytes")
        content = content or bytearray(b"\x30")
    roots, others = vector_chain(name.split("/", maxsplit=1)[0])
    facts = verify(vector(name), data=b"hello", roots=roots, certificates=others)
    try:
        found = verify(bytes(content), data=b"hello", roots=roots, certificates=others)
    except TrineError as error:
        assert error.code in KNOWN
    else:
        assert found == facts


KNOWN = {
    "not_a_timestamp",
    "timestamp_too_large",
    "unsupported_timestamp",
    "timestamp_not_granted",
    "timestamp_signature",
    "timestamp_signer_missing",
    "timestamp_signer_mismatch",
    "unknown_issuer",
    "certificate_signature",
    "bad_certificate",
    "unsupported_certificate",
}


HEADS = [b"", b"\x30", b"\x30\x82", token_of(stamp())[:20], stamp()[:9]]


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_garbage(content: bytes) -> None:
    """Goal: garbage raises only our errors. Method: random bytes, alone and behind real heads."""
    root = stamper("p256")[1]
    for head in HEADS:
        code = code_of(lambda head=head: verify(head + content, data=DATA, roots=[root]))
        assert code in KNOWN
        code = code_of(lambda head=head: Request.read(head + content))
        assert code in KNOWN


def nested(depth: int) -> bytes:
    """Nest SEQUENCEs."""
    content = b"\x05\x00"
    for _ in range(depth):
        content = core.Sequence(contents=content).dump(force=True)
    return content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_timestamp"),
        (nested(5_000), "timestamp_too_large"),
        (nested(25), "timestamp_too_large"),
        (nested(20), "not_a_timestamp"),
        (bytes(64 * 1_024 + 1), "timestamp_too_large"),
        (b"\x30\x84\x7f\xff\xff\xff" + bytes(100), "not_a_timestamp"),
        (b"\x30\x88" + b"\xff" * 8, "not_a_timestamp"),
        (b"\x30\x80\x00\x00", "not_a_timestamp"),
        (b"\x30\x82\x9c\x40" + b"\x05\x00" * 20_000, "timestamp_too_large"),
        (b"\x1f\x81\x01\x00", "not_a_timestamp"),
    ],
)
def test_hostile_der(content: bytes, code: str) -> None:
    """Goal: depth, lengths and counts cost nothing. Method: each past its limit, and one within."""
    root = stamper("p256")[1]
    assert code_of(lambda: verify(content, data=DATA, roots=[root])) == code
    assert code_of(lambda: read_token(token_of(content))) == code


BER = [
    (b"\x30\x03\x01\x01\x01", "a TRUE of another byte"),
    (b"\x30\x04\x02\x02\x00\x01", "an INTEGER with a leading zero"),
    (b"\x30\x04\x02\x02\xff\x80", "a negative INTEGER with a leading byte"),
    (b"\x30\x02\x02\x00", "an empty INTEGER"),
    (b"\x30\x04\x03\x02\x01\xff", "unused bits that are set"),
    (b"\x30\x03\x03\x01\x01", "unused bits of nothing"),
    (b"\x30\x03\x05\x01\x00", "a NULL with content"),
    (b"\x30\x04\x06\x02\x80\x01", "an identifier that is padded"),
    (b"\x30\x03\x06\x01\x81", "an identifier that is cut"),
    (b"\x30\x04\x24\x02\x04\x00", "an OCTET STRING in pieces"),
    (b"\x30\x81\x02\x05\x00", "a long form of a short length"),
    (b"\x31\x06\x02\x01\x02\x02\x01\x01", "a SET out of order"),
    (b"\x30\x02\x10\x00", "a SEQUENCE that is not constructed"),
    (b"\x30\x03\x0c\x01\xff", "a text that is not UTF-8"),
    (b"\x30\x0f\x18\x0d202601010000Z", "a GeneralizedTime without seconds"),
    (b"\x30\x14\x18\x1220260101000000.10Z", "a fraction that ends in zero"),
    (b"\x30\x00\x00", "a byte after the end"),
    (b"\x30\x00\x05\x00", "an element after the end"),
]


DER = [
    b"\x30\x03\x01\x01\xff",
    b"\x30\x04\x02\x02\x00\x80",
    b"\x30\x04\x02\x02\xff\x7f",
    b"\x30\x04\x03\x02\x01\xfe",
    b"\x30\x03\x03\x01\x00",
    b"\x30\x02\x05\x00",
    b"\x30\x04\x06\x02\x81\x01",
    b"\x31\x06\x02\x01\x01\x02\x01\x02",
    b"\x30\x81\x80" + b"\x05\x00" * 64,
    b"\x30\x13\x18\x1120260101000000.1Z",
]


@pytest.mark.parametrize(("content", "what"), BER)
def test_what_only_ber_allows(content: bytes, what: str) -> None:
    """Goal: one value has one encoding. Method: each freedom of BER once, alone."""
    assert code_of(lambda: check_der(content, "it", 4_096)) == "not_a_timestamp", what


@pytest.mark.parametrize("content", DER)
def test_what_der_allows(content: bytes) -> None:
    """Goal: the scan refuses nothing that is DER. Method: the neighbours of what it refuses."""
    assert code_of(lambda: check_der(content, "it", 4_096)) == ""


def test_defaults_are_not_written() -> None:
    """Goal: a default that is written out is refused. Method: `certReq FALSE`, `ordering FALSE`."""
    query = Request(Imprint.of_data(DATA), wants_certificate=False).to_der()
    longer = core.Sequence(contents=core.Sequence.load(query).contents + b"\x01\x01\x00")
    assert code_of(lambda: Request.read(longer.dump(force=True))) == "not_a_timestamp"
    content = read_token(token_of(stamp())).content
    parsed = tsp.TSTInfo.load(content)
    accuracy = parsed["accuracy"].dump()
    inner = core.Sequence.load(content).contents.replace(accuracy, accuracy + b"\x01\x01\x00")
    assert read_statement(content).serial == 5
    written = core.Sequence(contents=inner).dump(force=True)
    assert code_of(lambda: read_statement(written)) == "not_a_timestamp"


def test_what_is_stamped() -> None:
    """Goal: headers and records are hashed by the chain's suite. Method: compare with hashlib."""
    header = b"an encoded header"
    assert header_imprint(header, "intl").digest == hashlib.sha256(header).digest()
    assert header_imprint(header, "gm").algorithm == "sm3"
    assert record_imprint(bytes(32), "gm") == Imprint("sm3", bytes(32))
    assert code_of(lambda: header_imprint(header, "other")) == "bad_argument"
    assert code_of(lambda: record_imprint(bytes(31), "intl")) == "bad_argument"
    assert code_of(lambda: Imprint("sha1", bytes(20))) == "bad_argument"
