"""Read certificates with the programs of others: veraPDF, poppler, a reader of QR codes."""

import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from tools import verapdf

from tests.services import origins
from tests.services.certificates import FILE, RECEIPT, crowded, made, needs, trust, validator
from trine.client.verification import verify
from trine.services.evidence import certificate

LANGUAGES = pytest.mark.parametrize("language", certificate.LANGUAGES)


@pytest.fixture(params=certificate.LANGUAGES)
def pdf(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A certificate in a file, in each language."""
    path = tmp_path / f"{request.param}.pdf"
    path.write_bytes(made(request.param))
    return path


def poppler(*words: str | Path) -> str:
    """Run a program of poppler; returns what it printed, and takes no warning."""
    needs(str(words[0]), "poppler-utils")
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_it_is_pdf_a(tmp_path: Path) -> None:
    """Goal: archives take it. Method: veraPDF by the rules of PDF/A-3u, and a wrong one besides."""
    jar = validator()
    files = []
    for language in certificate.LANGUAGES:
        files.append(tmp_path / f"{language}.pdf")
        files[-1].write_bytes(made(language))
        files.append(tmp_path / f"crowded-{language}.pdf")
        files[-1].write_bytes(crowded(language))
        files.append(tmp_path / f"by-{language}.pdf")
        files[-1].write_bytes(origins.certificate_of("intl", language))
    # Without its output intent, colours have no meaning: the validator must say so.
    files.append(tmp_path / "wrong.pdf")
    files[-1].write_bytes(made("en").replace(b"/OutputIntents", b"/OutputIntentz"))
    lines = verapdf.validate(jar, files).splitlines()
    verdicts = {line.split()[1]: line.split()[0] for line in lines if line[:4] in ("PASS", "FAIL")}
    assert list(verdicts.values()) == ["PASS"] * 6 + ["FAIL"], lines
    assert verdicts[str(files[-1])] == "FAIL"


def test_the_facts_can_be_copied(pdf: Path) -> None:
    """Goal: text is text. Method: pdftotext finds each fact."""
    text = poppler("pdftotext", "-layout", pdf, "-")
    found = verify(FILE, RECEIPT, trust())
    facts = [found.name, found.chain, found.media_type, "trust.json", "evidence.receipt"]
    facts += [found.digest.hex()[:8], found.entry.hex()[-8:], trust().chain_id.hex()[:8]]
    facts += list(found.signers)
    if pdf.stem == "en":
        facts += ["Certificate of evidence", "39 bytes", "15 January 2027, 08:00:02.000 UTC"]
        facts += [f"Log {found.log}, entry {found.index}, block {found.height}"]
    else:
        facts += ["存证证书", "39 字节", "2027年1月15日 08:00:02.000", "如何离线验证"]
    assert [fact for fact in facts if fact not in text] == []
    assert "Pages:           1" in poppler("pdfinfo", pdf)


def test_all_fonts_are_embedded(pdf: Path) -> None:
    """Goal: it looks the same everywhere. Method: pdffonts: embedded, subset, with Unicode."""
    rows = poppler("pdffonts", pdf).splitlines()[2:]
    assert len(rows) == 2
    assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in rows)


def test_the_receipt_can_be_taken_out(pdf: Path, tmp_path: Path) -> None:
    """Goal: the proof does not depend on Trine's reader. Method: pdfdetach."""
    assert "evidence.receipt" in poppler("pdfdetach", "-list", pdf)
    out = tmp_path / "out.receipt"
    poppler("pdfdetach", "-save", "1", "-o", out, pdf)
    assert out.read_bytes() == RECEIPT.read_bytes()


def test_the_proofs_by_whom_can_be_taken_out(tmp_path: Path) -> None:
    """Goal: all four proofs are the reader's. Method: pdfdetach, and the page's text."""
    path = tmp_path / "by.pdf"
    path.write_bytes(origins.certificate_of("intl"))
    out = tmp_path / "out"
    out.mkdir()
    poppler("pdfdetach", "-saveall", "-o", out, path)
    assert sorted(one.name for one in out.iterdir()) == sorted(
        ("evidence.receipt", *origins.PROOFS)
    )
    found = [(out / name).read_bytes() for name in origins.PROOFS]
    assert tuple(found) == origins.by_whom("intl")
    text = poppler("pdftotext", "-layout", path, "-")
    assert all(fact in text for fact in ("By whom", "city, number 0 of the chain", "Ed25519"))


@pytest.mark.parametrize("dots_per_inch", ["72", "150"])
def test_the_code_can_be_scanned(pdf: Path, tmp_path: Path, dots_per_inch: str) -> None:
    """Goal: a phone reads the picture. Method: pdftoppm, then a reader that Trine does not use."""
    poppler("pdftoppm", "-r", dots_per_inch, "-png", "-singlefile", pdf, tmp_path / "page")
    with Image.open(tmp_path / "page.png") as picture:
        (read,) = zxingcpp.read_barcodes(picture)
    certificate.check_code(read.text, verify(FILE, RECEIPT, trust()), trust())
