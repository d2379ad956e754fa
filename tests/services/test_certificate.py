"""Test certificates: made again byte for byte, and nothing else is believed."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.services.certificates import FILE, RECEIPT, TRUST, VECTORS, made, trust
from trine.client.verification import Trust, Verified, verify
from trine.errors import BadInput, FileAltered, NegativeVerdict, TrineError
from trine.errors import services as errors
from trine.services.evidence import certificate
from trine.services.evidence.certificate import document, fonts, objects, page, words
from trine.types import Digest, Height, LogId, TimeMs

LANGUAGES = pytest.mark.parametrize("language", certificate.LANGUAGES)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each certificate once, however often it is compared."""
    monkeypatch.setattr(document, "_write", cache(document._write))


def code_of(content: bytes, file: Path = FILE) -> str:
    """Code of the refusal of a certificate, or `verified`."""
    try:
        certificate.verify_certificate(file, content, trust())
    except TrineError as error:
        return error.code
    return "verified"


@LANGUAGES
def test_the_receipt_is_inside(language: certificate.Language) -> None:
    """Goal: the proof comes with the page. Method: take it out, and verify both ways."""
    content = made(language)
    assert certificate.read_certificate(content) == RECEIPT.read_bytes()
    found = certificate.verify_certificate(FILE, content, trust())
    assert found == verify(FILE, RECEIPT, trust())
    assert len(content) < 100_000


def test_conformance() -> None:
    """Goal: what is held today verifies tomorrow. Method: digests of whole certificates.

    Whoever changes a byte raises `VERSION` and keeps what made the form before.
    """
    digests = [hashlib.sha256(made(language)).hexdigest() for language in certificate.LANGUAGES]
    assert document.VERSION == 1
    assert digests == [
        "d2ef581c6e2bcd4ab7563e5f273ad6e16ff9a954155558fae0a1211c28afc16c",
        "7aa84332e26ea7020fae34558678173f59b17dffd7a25fe2839639372b83310c",
    ]


@LANGUAGES
def test_the_same_bytes_each_time(language: str) -> None:
    """Goal: a certificate can be made again. Method: two processes, other hashes of texts."""
    script = (
        "import sys; from tests.services.certificates import made;"
        "sys.stdout.buffer.write(made(sys.argv[1]))"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", script, language],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": "src:."},
            cwd=VECTORS.parents[2],
            check=True,
            capture_output=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Shanghai"))
    ]
    assert written == [made(language)] * 2  # type: ignore[arg-type]


def test_no_flipped_bit_is_verified(quick: None) -> None:
    """Goal: no second certificate beside the one. Method: all bits of the start, then a sample."""
    content = made("en")
    page_start = content.index(b"2 0 obj")
    bits = [*range(8 * page_start), *range(8 * page_start, 8 * len(content), 211)]
    found = set()
    for bit in bits:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        found.add(code_of(bytes(changed)))
    assert "verified" not in found
    assert found >= {"certificate_differs", "not_a_certificate", "certificate_version"}


def test_words_of_others_are_noticed() -> None:
    """Goal: no valid PDF with other words passes. Method: draw a page with one fact changed."""
    found = verify(FILE, RECEIPT, trust())
    receipt = RECEIPT.read_bytes()
    changes = (
        {"name": "other.txt"},
        {"time_ms": TimeMs(found.time_ms - 1)},
        {"index": found.index + 1},
        {"signers": (*found.signers, "n9")},
        {"digest": Digest(bytes(32))},
    )
    for change in changes:
        content = document._write(receipt, trust(), replace(found, **change), "en")
        with pytest.raises(errors.CertificateDiffers, match=r"object|words"):
            certificate.verify_certificate(FILE, content, trust())
    assert document._write(receipt, trust(), found, "en") == made("en")


def test_page_and_receipt_belong_together(quick: None) -> None:
    """Goal: no page over another proof. Method: exchange the receipts of one file."""
    other = VECTORS / "handed-over.receipt"
    mine, theirs = made("en"), made("en", other)
    assert code_of(theirs) == "verified"
    length = len(RECEIPT.read_bytes())
    head = mine.index(b"stream\n") + 7
    assert certificate.read_certificate(theirs) == other.read_bytes()
    start = theirs.index(b"stream\n") + 7
    mixed = theirs[: start + len(other.read_bytes())] + mine[head + length :]
    assert code_of(mixed) == "certificate_differs"


def test_names_are_those_of_the_trust_file() -> None:
    """Goal: nobody believes another's names. Method: a trust file with another name."""
    renamed = TRUST.read_bytes().replace(b'"vectors"', b'"victors"')
    assert renamed != TRUST.read_bytes()
    other = Trust.load(renamed)
    assert verify(FILE, RECEIPT, other).chain == "victors"
    with pytest.raises(errors.CertificateDiffers):
        certificate.verify_certificate(FILE, made("en"), other)


def test_another_file_and_additions(quick: None, tmp_path: Path) -> None:
    """Goal: each cause has its code. Method: another file, a revision added, parts cut off."""
    other = tmp_path / "other"
    other.write_bytes(b"?" * FILE.stat().st_size)
    with pytest.raises(FileAltered):
        certificate.verify_certificate(other, made("en"), trust())
    assert code_of(made("en") + b"\n1 0 obj\n<< >>\nendobj\n") == "certificate_differs"
    for length in range(0, len(made("en")), 977):
        assert code_of(made("en")[:length]) != "verified"


def test_hostile_files(quick: None) -> None:
    """Goal: refused by code, never by a traceback. Method: PDFs that claim what is not so."""
    content = made("en")
    start = content.index(b"/Length ")
    end = content.index(b" >>\nstream")
    longer = content[:start] + b"/Length 999999999" + content[end:]
    assert code_of(longer) in ("proof_too_large", "not_a_certificate")
    assert code_of(content[:start] + b"/Length 99999" + content[end:]) != "verified"
    assert code_of(content[:start] + b"/Length 1" + content[end:]) != "verified"
    assert code_of(content.replace(b"certificate 1 en", b"certificate 9 en")) == (
        "certificate_version"
    )
    statement = content.replace(b"certificate 1 en", b"certificate 2 en")
    assert code_of(statement) == "not_a_certificate"
    assert code_of(content.replace(b"certificate 1 en", b"certificate 1 fr")) == (
        "certificate_version"
    )
    assert code_of(content.replace(b"certificate 1 en", b"certificate 1 zh")) == (
        "certificate_differs"
    )
    assert code_of(b"%PDF-" + bytes(document.CERTIFICATE_BYTES_MAX)) == "certificate_too_large"
    encrypted = content.replace(b"/Root 2 0 R", b"/Root 2 0 R /Encrypt 3 0 R")
    assert code_of(encrypted) == "certificate_differs"
    for other in (b"%PDF-", b"%PDF-1.7\n%%EOF\n", b"%PDF-2.0\n" + content[9:], b""):
        assert code_of(other) == "not_a_certificate"


@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_any_bytes(data: bytes, cut: int) -> None:
    """Goal: as above. Method: random bytes, behind a part of a right beginning."""
    start = objects.MAGIC + b"%trine-certificate 1 en\n1 0 obj\n<< /Type /EmbeddedFile /Length 9 >>"
    with pytest.raises((BadInput, NegativeVerdict)):
        certificate.verify_certificate(FILE, start[:cut] + data, trust())


HOSTILE_NAMES = [
    "a" * 255,
    "😀" * 63,
    "合同" * 42,
    "\u202etxt.exe",
    "العقد (final) — копия.pdf",
    "<b>&amp;</b> ]]> %s {name}",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
@LANGUAGES
def test_everything_fits(name: str, language: str) -> None:
    """Goal: nothing leaves the page or writes over another. Method: the longest of everything."""
    found = Verified(
        chain=name[:64],
        height=Height(2**63 - 1),
        time_ms=TimeMs(2**63 - 1),
        block=Digest(bytes(32)),
        signers=tuple(f"{number}-{name}"[:64] for number in range(100)),
        log=LogId(2**32 - 1),
        index=2**62,
        entry=Digest(b"\xff" * 32),
        name=name,
        media_type="application/" + "m" * 115,
        size=2**63 - 1,
        digest=Digest(b"\xcc" * 32),
    )
    code = certificate.Code(b"\xff" * 8, 2**32 - 1, 2**62, 2**63 - 1, b"\xff" * 32).text()
    assert certificate.read_code(code).text() == code
    drawn = page.draw(page.Facts(found, b"\xee" * 32, "SM3", code), document._WORDS[language])
    places = re.findall(rb"([0-9.]+) ([0-9.]+) Td <([0-9A-F]*)>", drawn.content())
    assert len(places) > 30
    assert min(float(y) for _, y, _ in places) >= 35
    by_place = [(x, y) for x, y, _ in places]
    assert len(by_place) == len(set(by_place))
    assert b"<0000" not in drawn.content()


def test_what_cannot_be_seen_is_written_by_its_number() -> None:
    r"""Goal: no name hides. Method: characters without glyph or shape become `\u{...}`."""
    font = fonts.Font("sans")
    assert page.shown("a合\u202eb\u00a0😀\x00", font) == "a合\\u{202E}b\\u{A0}\\u{1F600}\\u{0}"


def test_times_in_words() -> None:
    """Goal: the moment is right in both languages. Method: known times, and one past any year."""
    assert words.ENGLISH.time_words(1_800_000_000_007) == "15 January 2027, 08:00:00.007 UTC"
    assert words.CHINESE.time_words(0).startswith("1970年1月1日 00:00:00.000")
    assert words.ENGLISH.time_words(2**63 - 1) == f"Unix {2**63 - 1} ms"
    assert words.iso_time(2**63 - 1) == "9999-12-31T23:59:59Z"


def test_codes() -> None:
    """Goal: a slip in a code is noticed. Method: each character exchanged; another entry's code."""
    found = verify(FILE, RECEIPT, trust())
    text = document._code(found, trust()).text()
    certificate.check_code(f" {text.lower()}\n", found, trust())
    for place in range(len(text)):
        slip = text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
        with pytest.raises(errors.BadCertificateCode):
            certificate.read_code(slip)
    for bad in ("", "TRINE:1/", text * 2, text[:-1], text + "0", text.replace("/6/", "/06/")):
        with pytest.raises(errors.BadCertificateCode):
            certificate.read_code(bad)
    other = replace(certificate.read_code(text), index=found.index + 1)
    with pytest.raises(errors.CertificateDiffers):
        certificate.check_code(other.text(), found, trust())


def test_on_the_command_line(tmp_path: Path) -> None:
    """Goal: exit statuses and JSON hold. Method: make, verify, tamper, verify again."""
    out = tmp_path / "new" / "certificate.pdf"
    common = ("--trust", TRUST, "--json")
    done = trine(
        *("evidence", "certificate", FILE, "--receipt", RECEIPT, "--out", out, *common),
        *("--language", "zh"),
    )
    assert done.status == 0
    assert done.document["certificate"] == str(out)
    assert out.read_bytes() == made("zh")
    verified = ("evidence", "verify", FILE, "--receipt", out, *common)
    text = document._code(verify(FILE, RECEIPT, trust()), trust()).text()
    ended = trine(*verified, "--code", text)
    assert (ended.status, ended.document["verified"]) == (0, True)
    ended = trine(*verified, "--code", text[:-1] + "!")
    assert (ended.status, ended.code) == (5, "bad_certificate_code")
    out.write_bytes(made("zh").replace(b" rg ", b" RG ", 1))
    ended = trine(*verified)
    assert (ended.status, ended.code) == (1, "certificate_differs")
    out.write_bytes(b"%PDF-1.4 a contract")
    ended = trine(*verified)
    assert (ended.status, ended.code) == (5, "not_a_certificate")
    done = trine("evidence", "certificate", RECEIPT, "--receipt", RECEIPT, "--out", out, *common)
    assert (done.status, done.code) == (1, "file_altered")


def test_without_its_packages(tmp_path: Path) -> None:
    """Goal: the message says what to install. Method: a package that cannot be imported."""
    (tmp_path / "segno.py").write_text("raise ImportError('no segno')")
    out = tmp_path / "certificate.pdf"
    ended = trine(
        *("evidence", "certificate", FILE, "--receipt", RECEIPT, "--trust", TRUST),
        *("--out", out, "--json"),
        PYTHONPATH=f"{tmp_path}:{VECTORS.parents[2] / 'src'}",
    )
    assert (ended.status, ended.code) == (4, "unsupported")
    assert "trine[platform]" in ended.err
    assert not out.exists()
