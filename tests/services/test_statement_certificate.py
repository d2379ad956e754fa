"""Test certificates of statements: made again byte for byte, and nothing else is believed."""

import copy
import hashlib
import re
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.services import golden, issued
from tests.services.statement_certificates import KINDS, made, parts
from trine.client.verification import Trust, VerifiedProof
from trine.crypto.x509 import read_certificates
from trine.errors import (
    BadInput,
    NegativeVerdict,
    ProofMismatch,
    TrineError,
    UnknownIssuer,
)
from trine.errors import services as errors
from trine.services.evidence import certificate, cose, keys, statement
from trine.services.evidence.certificate import (
    document,
    fonts,
    objects,
    signed,
    statement_page,
    statement_words,
)
from trine.types import Digest, Height, TimeMs
from trine.types.calls import PublicKey

KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove each statement and make each page once, however often it is compared."""
    pages: dict[bytes, bytes] = {}

    def write(data: bytes, trust: Trust, proven: signed.Proven, language: str) -> bytes:
        attached = b"".join(one.content for one in signed._attachments(data, proven))
        key = b"\0".join((attached, trust.content, language.encode()))
        if key not in pages:
            pages[key] = slow(data, trust, proven, language)
        return pages[key]

    slow = signed._write
    monkeypatch.setattr(signed, "_write", write)
    monkeypatch.setattr(signed, "prove_statement", cache(signed.prove_statement))


def code_of(kind: str, content: bytes) -> str:
    """Code of the refusal of a certificate, or `verified`."""
    try:
        certificate.verify_statement_certificate(content, parts(kind).trust)
    except TrineError as error:
        return error.code
    return "verified"


@KIND
def test_the_statement_is_inside(kind: str) -> None:
    """Goal: the proof comes with the page, whole. Method: take it out, and check it by itself."""
    for language in certificate.LANGUAGES:
        content, (data, trust, known) = made(kind, language), parts(kind)
        inside = certificate.read_statement_certificate(content)
        assert (inside.language, inside.data) == (language, data)
        assert inside.known.issuer_key == known.issuer_key
        assert inside.known.issuer_roots == known.issuer_roots
        assert inside.known.service_keys == known.service_keys
        found = certificate.verify_statement_certificate(content, trust)
        assert found.proven == signed.prove_statement(data, trust, known)
        assert len(content) < 100_000
        assert certificate.is_statement_certificate(content)


def test_conformance() -> None:
    """Goal: what is held today verifies tomorrow. Method: digests of whole certificates."""
    digests = {
        f"{kind} {language}": hashlib.sha256(made(kind, language)).hexdigest()
        for kind in KINDS
        for language in certificate.LANGUAGES
    }
    assert document.STATEMENT_VERSION == 2
    assert digests == DIGESTS


@KIND
def test_no_altered_byte_is_verified(kind: str, quick: None) -> None:
    """Goal: facts, code, proof and keys stand whole. Method: a bit of many bytes of each part."""
    content = made(kind)
    keys_start, page_start = content.index(b"2 0 obj"), content.index(b"4 0 obj")
    code_end = content.index(b"re\nf\n", page_start)
    code_start = content.rindex(b" rg\n", 0, code_end)
    places = [*range(0, keys_start, 5 if kind == "key" else 29)]
    # A root's own signature is not looked at: with another one the whole page is made again.
    places += range(keys_start, page_start, {"key": 1, "gm": 5, "root": 97}[kind])
    places += [*range(page_start, len(content), 83), *range(code_start, code_end, 7)]
    found = set()
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        found.add(code_of(kind, bytes(changed)))
    assert "verified" not in found
    assert found >= {"certificate_differs", "not_a_certificate"}
    assert code_of(kind, content) == "verified"


def test_words_of_others_are_noticed() -> None:
    """Goal: no valid PDF with other words passes. Method: draw a page with one fact changed."""
    data, trust, known = parts("key")
    right = signed.prove_statement(data, trust, known)
    said = right.checked.statement
    others = [
        right._replace(checked=right.checked._replace(statement=said._replace(**change)))
        for change in (
            {"issuer": "https://other.example"},
            {"subject": "other.txt"},
            {"content_type": "text/html"},
            {"issued_at_s": golden.NOW_S - 1},
            {"payload": bytes(32)},
        )
    ]
    fact = {**right.chain.fact, "index": 2}
    for chain in (
        VerifiedProof(**{**vars(right.chain), "time_ms": TimeMs(right.chain.time_ms - 1)}),
        VerifiedProof(**{**vars(right.chain), "fact": fact}),
        VerifiedProof(**{**vars(right.chain), "signers": ("n0",)}),
    ):
        others.append(right._replace(chain=chain))
    for other in others:
        content = signed._write(data, trust, other, "en")
        with pytest.raises(errors.CertificateDiffers, match=r"object|words"):
            certificate.verify_statement_certificate(content, trust)
    assert signed._write(data, trust, right, "en") == made("key")


def test_keys_of_ones_own() -> None:
    """Goal: whoever verifies decides whom to believe. Method: right and wrong keys of one's own."""
    content, (_, trust, known) = made("key"), parts("key")
    verify = partial(certificate.verify_statement_certificate, content, trust)
    assert verify().compare == {
        "issuer-key.txt": hashlib.sha256(
            golden.text_of(golden.key_of("ed25519", 8)).encode() + b"\n"
        ).hexdigest(),
        "service-keys.cbor": hashlib.sha256(keys.cose_key_set([*known.service_keys])).hexdigest(),
    }
    assert verify(known).compare == {}
    assert list(verify(known._replace(service_keys=())).compare) == ["service-keys.cbor"]
    assert list(verify(certificate.Known(None, (), known.service_keys)).compare) == [
        "issuer-key.txt"
    ]
    stranger = cose.public_key(golden.key_of("ed25519", 77))
    with pytest.raises(errors.CoseSignature):
        verify(known._replace(issuer_key=stranger))
    with pytest.raises(errors.BadReceipt):
        verify(known._replace(service_keys=(stranger,)))


def test_roots_of_ones_own() -> None:
    """Goal: the root decides who the issuer is. Method: the right root, and a stranger's."""
    content, (_, trust, known) = made("root"), parts("root")
    verify = partial(certificate.verify_statement_certificate, content, trust)
    assert list(verify().compare) == ["issuer-root.pem", "service-keys.cbor"]
    assert verify(known).compare == {}
    family = issued.FAMILIES[0]
    foreign = read_certificates(family.roots()[f"{family.name}-foreign-roots.pem"])
    with pytest.raises((UnknownIssuer, NegativeVerdict)) as caught:
        verify(certificate.Known(None, tuple(foreign), ()))
    assert caught.value.code != "certificate_differs"


def test_a_forged_one_brings_its_own_keys() -> None:
    """Goal: keys inside prove nothing. Method: somebody else signs in the issuer's name."""
    _, trust, known = parts("key")
    forger = golden.key_of("ed25519", 66)
    data = golden.Chain("intl").transparent(golden.signed_statement(forger), index=1)
    own = known._replace(issuer_key=cose.public_key(forger))
    content = certificate.write_statement_certificate(data, trust, own)
    found = certificate.verify_statement_certificate(content, trust)
    assert "issuer-key.txt" in found.compare
    with pytest.raises(errors.CoseSignature):
        certificate.verify_statement_certificate(content, trust, known)


def test_page_and_statement_belong_together(quick: None) -> None:
    """Goal: no page over another proof. Method: exchange the attachments of two certificates."""
    chain, key = golden.Chain("intl"), golden.key_of("ed25519", 8)
    _, trust, known = parts("key")
    other = chain.transparent(golden.signed_statement(key), index=2)
    theirs = certificate.write_statement_certificate(other, trust, known)
    assert code_of("key", theirs) == "verified"
    mine = made("key")
    mixed = theirs[: theirs.index(b"4 0 obj")] + mine[mine.index(b"4 0 obj") :]
    assert code_of("key", mixed) == "certificate_differs"
    assert code_of("key", mine + b"\n1 0 obj\n<< >>\nendobj\n") == "certificate_differs"
    for length in range(0, len(mine), 977):
        assert code_of("key", mine[:length]) != "verified"


def test_what_is_not_proven_gets_no_certificate() -> None:
    """Goal: nothing is written before it is proven. Method: other chain, no proof, no receipt."""
    data, trust, known = parts("key")
    other = Trust.load(golden.Chain("intl", 11).trust())
    with pytest.raises(ProofMismatch):
        certificate.write_statement_certificate(data, other, known)
    chain, plain = golden.Chain("intl"), golden.signed_statement(golden.key_of("ed25519", 8))
    for bare in (plain, chain.transparent(plain, index=1, proof=b"")):
        with pytest.raises(errors.ReceiptMissing):
            certificate.write_statement_certificate(bare, trust, known)


def test_the_earliest_block_counts() -> None:
    """Goal: the proven time is the earliest. Method: a statement with two receipts of a place."""
    data, trust, known = parts("key")
    both = statement.with_receipts(data, statement.receipts_of(data))
    content = certificate.write_statement_certificate(both, trust, known)
    found = certificate.verify_statement_certificate(content, trust)
    assert len(found.proven.checked.receipts) == 2
    assert found.code == certificate.verify_statement_certificate(made("key"), trust).code


def test_hostile_files(quick: None) -> None:
    """Goal: refused by code, never by a traceback. Method: PDFs that claim what is not so."""
    content = made("key")
    start = content.index(b"/Length ")
    end = content.index(b" >>\nstream")
    for length in (b"999999999", b"99999", b"1", b"0"):
        assert code_of("key", content[:start] + b"/Length " + length + content[end:]) != "verified"
    form = partial(content.replace, b"certificate 2 en")
    assert code_of("key", form(b"certificate 2 fr")) == "certificate_version"
    assert code_of("key", form(b"certificate 2 zh")) == "certificate_differs"
    assert code_of("key", form(b"certificate 1 en")) == "not_a_certificate"
    assert code_of("key", form(b"certificate 9 en")) == "not_a_certificate"
    large = b"%PDF-" + bytes(certificate.STATEMENT_CERTIFICATE_BYTES_MAX)
    assert code_of("key", large) == "certificate_too_large"
    for bad in (b"ed25519:zz", b"ed25519;00", b"\xff:00", b"nothing:00", b""):
        changed = content.replace(parts_of(content)[1], bad.ljust(len(parts_of(content)[1])))
        assert code_of("key", changed) in ("bad_header", "cose_signature", "signature_algorithm")
    with pytest.raises(errors.NotACertificate):
        certificate.read_certificate(content)


def parts_of(content: bytes) -> list[bytes]:
    """Attachments of a certificate."""
    start = content.index(b"1 0 obj")
    return objects.read_attached(content, start, signed.ATTACHMENTS)


@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_any_bytes(data: bytes, cut: int) -> None:
    """Goal: as above. Method: random bytes, behind a part of a right beginning."""
    start = objects.MAGIC + b"%trine-certificate 2 en\n1 0 obj\n<< /Type /EmbeddedFile /Length 9 >>"
    with pytest.raises((BadInput, NegativeVerdict)):
        certificate.verify_statement_certificate(start[:cut] + data, parts("key").trust)


NAMES = ["a" * 8_000, "😀" * 2_000, "合同" * 1_300, "<b>&amp;</b> ]]> %s {name}", "x"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("is_rooted", [False, True])
@pytest.mark.parametrize("language", certificate.LANGUAGES)
def test_everything_fits(name: str, is_rooted: bool, language: str) -> None:
    """Goal: nothing leaves the page or writes over another. Method: the longest of everything."""
    read = signed.prove_statement(*parts("key")).checked.statement
    said = read._replace(issuer=name, subject=name, content_type=name, issued_at_s=2**40)
    path = None
    if is_rooted:
        found = signed.prove_statement(*parts("root")).checked.path
        assert found is not None
        named = [copy.copy(one) for one in found.certificates]
        for one in named:
            one.subject = name
        path = replace(found, certificates=tuple(named))
    fact = {"log": 2**32 - 1, "index": 2**62, "entry": Digest(b"\xff" * 32)}
    chain = VerifiedProof(
        chain=name[:64],
        height=Height(2**63 - 1),
        time_ms=TimeMs(2**63 - 1),
        block=Digest(bytes(32)),
        signers=tuple(f"{number}-{name}"[:64] for number in range(100)),
        fact=fact,
    )
    code = certificate.Code(b"\xff" * 8, 2**32 - 1, 2**62, 2**63 - 1, b"\xff" * 32).text()
    key = PublicKey("p256", bytes([2]) * 33)
    facts = statement_page.Facts(
        said, key, path, "SHA-512", b"\xcc" * 64, name, chain, b"\xee" * 32, code
    )
    drawn = statement_page.draw(facts, signed._WORDS[language])
    places = re.findall(rb"([0-9.]+) ([0-9.]+) Td <([0-9A-F]*)>", drawn.content())
    assert len(places) > 30
    assert min(float(y) for _, y, _ in places) >= 35
    by_place = [(x, y) for x, y, _ in places]
    assert len(by_place) == len(set(by_place))
    assert b"<0000" not in drawn.content()


@pytest.mark.parametrize("language", certificate.LANGUAGES)
def test_fixed_lines_fit(language: str) -> None:
    """Goal: no line runs out of the page. Method: measure the lines that are never broken."""
    said = signed._WORDS[language]
    font = fonts.Font("sans")
    room = (479 - 14) * 1_000
    lines = [(one, 9.0) for one in said.limit_lines]
    lines += [(statement_words.COMMAND, 9.2 * 475 / 465), (said.footer, 7.6)]
    assert [line for line, size in lines if font.width(line) * size > room] == []


def test_on_the_command_line(tmp_path: Path) -> None:
    """Goal: exit statuses and JSON hold. Method: make, verify both ways, tamper, verify again."""
    data, _, _ = parts("key")
    trust, held, out = tmp_path / "trust.json", tmp_path / "report.transparent", tmp_path / "c.pdf"
    trust.write_bytes(golden.Chain("intl").trust())
    held.write_bytes(data)
    report, services = tmp_path / "report.txt", tmp_path / "keys.cbor"
    report.write_bytes(golden.CONTENT)
    services.write_bytes(keys.cose_key_set([*parts("key").known.service_keys]))
    key = golden.text_of(golden.key_of("ed25519", 8))
    common = ("--trust", trust, "--json")
    making = ("statement", "certificate", held, "--issuer-key", key, "--service-keys", services)
    done = trine(*making, "--out", out, "--file", report, "--language", "zh", *common)
    assert done.status == 0, done.err
    assert out.read_bytes() == made("key", "zh")
    verifying = ("evidence", "verify", report, "--receipt", out, *common)
    ended = trine(*verifying, "--code", done.document["code"])
    assert (ended.status, ended.document["verified"]) == (0, True)
    assert list(ended.document["compare"]) == ["issuer-key.txt", "service-keys.cbor"]
    ended = trine(*verifying, "--issuer-key", key, "--service-keys", services)
    assert (ended.status, ended.document["compare"]) == (0, {})
    ended = trine("statement", "verify", out, *common)
    assert (ended.status, ended.document["issuer"]) == (0, golden.ISSUER)
    wrong = golden.text_of(golden.key_of("ed25519", 9))
    ended = trine(*verifying, "--issuer-key", wrong)
    assert (ended.status, ended.code) == (1, "cose_signature")
    ended = trine(*verifying, "--code", done.document["code"][:-1] + "!")
    assert (ended.status, ended.code) == (5, "bad_certificate_code")
    out.write_bytes(made("key", "zh").replace(b" rg ", b" RG ", 1))
    ended = trine(*verifying)
    assert (ended.status, ended.code) == (1, "certificate_differs")
    out.write_bytes(made("key", "zh"))
    report.write_bytes(golden.CONTENT + b" ")
    ended = trine(*verifying)
    assert (ended.status, ended.code) == (1, "file_differs")
    out.unlink()
    done = trine(*making, "--out", out, "--file", report, *common)
    assert (done.status, done.code) == (1, "file_differs")
    assert not out.exists()


DIGESTS = {
    "gm en": "8158bccbdd27f02d8cf6c7009d9a88496fec0b26006a095b586632cb70ca393e",
    "gm zh": "6f971d2a0e7fb3d932af7abffc489a28bd60c33ca4906f11b82e991e76b762b3",
    "key en": "59b9f92e7682ac9c84c60c855611c7f3f5e704104c9c1026d724e2109afd76ff",
    "key zh": "e7aa9c7588f7ebdd01f8630304e3f2e78324dbe2bb1f497007dec1d75f707342",
    "root en": "448821ed116d05e80aa52785c8429fc482c67a132c75256632cb7edd08db5070",
    "root zh": "cbd4ece1173dbd573c9b0fa51ee169c255a197e4227b5fd95f07ac8aea36a5d0",
}
