"""Test certificates that prove by whom a file was recorded: organisation, account, transaction."""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.services import origins
from tests.services.chains import chain
from trine.client.home import Home
from trine.client.verification import Trust, Verified
from trine.errors import TrineError
from trine.services.evidence import certificate
from trine.services.evidence.certificate import document, objects, page, words
from trine.services.evidence.certificate.origin import Origin, prove_origin

SUITES = pytest.mark.parametrize("suite", ["intl", "gm"])
LANGUAGES = pytest.mark.parametrize("language", certificate.LANGUAGES)


@cache
def made(suite: str, language: certificate.Language = "en") -> bytes:
    """Make the certificate of the recorded file."""
    return origins.certificate_of(suite, language)


def verified(suite: str, content: bytes) -> Verified:
    """Verify a certificate of the recorded file."""
    file = origins.folder(suite) / "report.txt"
    return certificate.verify_certificate(file, content, origins.trust(suite))


def code_of(suite: str, content: bytes) -> str:
    """Code of a refusal, or `verified`."""
    try:
        verified(suite, content)
    except TrineError as error:
        return error.code
    return "verified"


def refusal(proofs: tuple[bytes, ...], suite: str, shown: Verified | None = None) -> str:
    """Code with which proofs are refused, or the name of the organisation."""
    try:
        found = shown or origins.shown(suite)
        return prove_origin(proofs, found, origins.trust(suite)).organisation
    except TrineError as error:
        return error.code


@SUITES
@LANGUAGES
def test_it_proves_who_recorded_it(suite: str, language: certificate.Language) -> None:
    """Goal: organisation, account, key, transaction. Method: of a recorded chain, both suites."""
    content = made(suite, language)
    found = certificate.origin_of(content, verified(suite, content), origins.trust(suite))
    assert found is not None
    assert (found.organisation, found.number, found.key_index) == ("city", 0, 0)
    assert found.key is not None
    assert found.key.algorithm == {"intl": "ed25519", "gm": "sm2"}[suite]
    assert 0 < found.height <= found.known_height
    assert content.startswith(objects.MAGIC + f"%trine-certificate 3 {language}\n".encode())
    assert certificate.read_certificate(content).startswith(b"\xa4")


def test_conformance() -> None:
    """Goal: what is held today verifies tomorrow. Method: digests of whole certificates."""
    assert document.ORIGIN_VERSION == 3
    digests = [hashlib.sha256(made("intl", one)).hexdigest() for one in certificate.LANGUAGES]
    assert digests == [
        "4d2443baa7bc97059ef4ed00a12401407c9858a62a29021ec8e333daffe7f9c4",
        "05b37ca0b6347b68b328311a6a356ec4b499bfcd61e7157ccac3e4164394adff",
    ]


@SUITES
def test_proofs_of_others_are_refused(suite: str) -> None:
    """Goal: nobody else's name stands there. Method: proofs of other things in each place."""
    sent, account, record = origins.by_whom(suite)
    own = origins.folder(suite)
    other, block = (
        (own / "other-transaction.proof").read_bytes(),
        (own / "block.proof").read_bytes(),
    )
    someone, state, failed = (
        (own / f"{name}.proof").read_bytes() for name in ("other-account", "other-state", "failed")
    )
    assert refusal((sent, account, record), suite) == "city"
    for wrong in (
        (other, account, record),
        (failed, account, record),
        (sent, someone, record),
        (sent, account, state),
        (block, account, record),
        (account, account, record),
        (sent, block, record),
        (sent, record, record),
        (sent, account, block),
        (sent, account, account),
        (sent, account),
        (sent, account, record, record),
    ):
        assert refusal(wrong, suite) == "origin_mismatch"
    shown = origins.shown(suite)
    for change in ({"index": shown.index - 1}, {"index": shown.index + 1}, {"log": shown.log + 1}):
        assert (
            refusal((sent, account, record), suite, replace(shown, **change)) == "origin_mismatch"
        )
    foreign = origins.by_whom({"intl": "gm", "gm": "intl"}[suite])
    assert refusal((foreign[0], account, record), suite) in ("proof_mismatch", "wrong_trust")


@SUITES
def test_no_flipped_bit_is_verified(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: every proof counts. Method: flip bits of all four, of what is around, of the page."""
    monkeypatch.setattr(document, "_write", cache(document._write))
    content = made(suite)
    page_start = content.index(b"5 0 obj")
    found = set()
    for bit in [*range(0, 8 * page_start, 7), *range(8 * page_start, 8 * len(content), 4_001)]:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        found.add(code_of(suite, bytes(changed)))
    assert "verified" not in found
    assert found >= {"certificate_differs", "not_a_certificate", "proof_mismatch"}


def test_another_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the page names whom the proofs name. Method: draw another organisation over them."""
    receipt = (origins.folder("intl") / "report.txt.receipt").read_bytes()
    shown, trust = origins.shown("intl"), origins.trust("intl")
    right = document.prove_origin

    def forged(proofs: tuple[bytes, ...], found: Verified, given: Trust) -> Origin:
        return right(proofs, found, given)._replace(organisation="another")

    monkeypatch.setattr(document, "prove_origin", forged)
    content = document._write(receipt, trust, shown, "en", origins.by_whom("intl"))
    monkeypatch.undo()
    assert code_of("intl", content) == "certificate_differs"
    bare = document._write(receipt, trust, shown, "en")
    assert code_of("intl", bare) == "verified"
    assert certificate.origin_of(bare, shown, trust) is None
    claimed = bare.replace(b"certificate 1 en", b"certificate 3 en")
    assert code_of("intl", claimed) == "not_a_certificate"


@LANGUAGES
def test_everything_fits_the_page(language: str) -> None:
    """Goal: no name runs over. Method: the longest of each, and a key that is not the first."""
    origin = prove_origin(origins.by_whom("intl"), origins.shown("intl"), origins.trust("intl"))
    shown = replace(
        origins.shown("intl"),
        name="合同（终版）" * 40,
        media_type="application/" + "m" * 115,
        chain="链" * 32,
        signers=tuple(f"validator-{number} of 城市" for number in range(100)),
    )
    said = {"en": words.ENGLISH, "zh": words.CHINESE}[language]
    for one in (origin._replace(organisation="城" * 32), origin._replace(key=None, key_index=7)):
        facts = page.Facts(shown, bytes(32), "SHA-256", "TRINE:1/" + "0" * 150, one)
        assert page.draw(facts, said).content()


@pytest.mark.network
def test_on_the_command_line(tmp_path: Path) -> None:
    """Goal: one command asks a node, and nobody needs one later. Method: a chain, then none."""
    file, receipts, trust = tmp_path / "report.txt", tmp_path / "receipts", tmp_path / "trust.json"
    file.write_bytes(origins.CONTENT)
    out, receipt = tmp_path / "by.pdf", receipts / "report.txt.receipt"
    making = ("evidence", "certificate", file, "--receipt", receipt, "--trust", trust, "--json")
    with chain(Home(tmp_path / "home")) as home:
        where = ("--home", home.path)
        assert trine("evidence", "submit", file, "--out", receipts, *where).status == 0
        assert trine("trust", "export", "--out", trust, *where).status == 0
        done = trine(*making, "--out", out, "--by-whom", *where)
        assert done.status == 0, done.err
        said = done.document["by"]
        again = (*making, "--out", tmp_path / "again.pdf", "--by-whom", *where)
        assert trine(*again, "--transaction", said["transaction"]).status == 0
        unknown = trine(*again, "--transaction", "00" * 32)
        assert (unknown.status, unknown.code) == (1, "transaction_not_found")
    assert said["organisation"] == "city"
    verifying = ("evidence", "verify", file, "--receipt", out, "--trust", trust)
    ended = trine(*verifying, "--json")
    assert ended.status == 0, ended.err
    assert ended.document["by"] == said
    assert f"city, account {said['account']}" in trine(*verifying).out
    alone = trine(*making, "--out", tmp_path / "no.pdf", "--transaction", "00" * 32)
    assert (alone.status, alone.code) == (2, "bad_argument")
