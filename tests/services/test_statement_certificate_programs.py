"""Read certificates of statements with the programs of others: veraPDF, poppler, ZXing."""

from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from tools import verapdf

from tests.services import golden
from tests.services.certificates import validator
from tests.services.statement_certificates import KINDS, crowded, made, parts
from tests.services.test_certificate_programs import poppler
from trine.services.evidence import certificate


@pytest.fixture(params=[(kind, language) for kind in KINDS for language in ("en", "zh")], ids=str)
def pdf(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A certificate in a file, of each kind and language."""
    kind, language = request.param
    path = tmp_path / f"{kind}-{language}.pdf"
    path.write_bytes(made(kind, language))
    return path


def test_it_is_pdf_a(tmp_path: Path) -> None:
    """Goal: archives take it. Method: veraPDF by the rules of PDF/A-3u, and a wrong one besides."""
    jar = validator()
    contents = [made(kind, language) for kind in KINDS for language in certificate.LANGUAGES]
    contents += [crowded(language) for language in certificate.LANGUAGES]
    right = len(contents)
    # Without its output intent, colours have no meaning: the validator must say so.
    contents.append(made("key").replace(b"/OutputIntents", b"/OutputIntentz"))
    files = [tmp_path / f"{number}.pdf" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    lines = verapdf.validate(jar, files).splitlines()
    verdicts = {line.split()[1]: line.split()[0] for line in lines if line[:4] in ("PASS", "FAIL")}
    assert [verdicts[str(file)] for file in files] == ["PASS"] * right + ["FAIL"], lines


def test_the_facts_can_be_copied(pdf: Path) -> None:
    """Goal: who, what and when are text. Method: pdftotext finds each fact."""
    kind, _, language = pdf.stem.partition("-")
    _, trust, known = parts(kind)
    text = poppler("pdftotext", "-layout", pdf, "-")
    found = certificate.verify_statement_certificate(pdf.read_bytes(), trust).proven
    said = found.checked.statement
    facts = [said.issuer, said.subject, "text/plain", "trust.json", "evidence.statement"]
    facts += [said.payload.hex()[:8], found.chain.fact["entry"].hex()[-8:], "c4c4c4c4"]
    facts += [found.key.key.hex()[:8], "https://log.example", *found.chain.signers]
    if known.issuer_roots:
        facts += ["CN=lab,O=City", "CN=root,O=City", "--issuer-roots"]
    if language == "en":
        facts += ["14 November 2023, 22:14:20.000 UTC", f"Log {golden.LOG}, entry 1, block 7"]
        facts += ["14 November 2023, 22:13:20.000 UTC, as the issuer says", "By whom"]
    else:
        facts += ["签名声明证书", "2023年11月14日 22:14:20.000", "如何离线验证", "何人"]
    assert [fact for fact in facts if fact not in text] == []
    assert "Pages:           1" in poppler("pdfinfo", pdf)
    rows = poppler("pdffonts", pdf).splitlines()[2:]
    assert [row.split()[-5:-2] for row in rows] == [["yes", "yes", "yes"]] * 2


def test_the_proof_can_be_taken_out(pdf: Path, tmp_path: Path) -> None:
    """Goal: the proof does not depend on Trine's reader. Method: pdfdetach, all three files."""
    kind = pdf.stem.partition("-")[0]
    out = tmp_path / "out"
    out.mkdir()
    poppler("pdfdetach", "-saveall", "-o", out, pdf)
    issuer = "issuer-root.pem" if kind == "root" else "issuer-key.txt"
    assert {one.name for one in out.iterdir()} == {
        "evidence.statement",
        issuer,
        "service-keys.cbor",
    }
    assert (out / "evidence.statement").read_bytes() == parts(kind).data


def test_the_code_can_be_scanned(pdf: Path, tmp_path: Path) -> None:
    """Goal: a phone reads the picture. Method: pdftoppm, then a reader that Trine does not use."""
    poppler("pdftoppm", "-r", "72", "-png", "-singlefile", pdf, tmp_path / "page")
    with Image.open(tmp_path / "page.png") as picture:
        (read,) = zxingcpp.read_barcodes(picture)
    trust = parts(pdf.stem.partition("-")[0]).trust
    found = certificate.verify_statement_certificate(pdf.read_bytes(), trust)
    certificate.check_statement_code(read.text, found)
