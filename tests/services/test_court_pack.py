"""Test court packs of golden receipts: what is altered or forged is named, by both checks."""

import ast
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.proofs import files
from tests.services import packs
from tests.services.certificates import VECTORS
from tests.services.stamping import OPENSSL_SETTINGS, openssl
from trine.client.verification import Trust
from trine.crypto.x509 import Certificate
from trine.errors import TrineError
from trine.model.hashing import Suite, under
from trine.model.proofs.envelope import seal_of
from trine.services.evidence import pack
from trine.services.evidence.pack import format as form
from trine.services.evidence.pack import verify as stranger
from trine.services.evidence.pack.report import shown
from trine.services.evidence.timestamp import (
    Authority,
    AuthorityKey,
    Imprint,
    Request,
    made_up_authority,
    token_of,
)
from trine.services.evidence.timestamp.made_up import issue
from trine.services.evidence.timestamp.token import read_token

VERIFIER_LINES_MAX = 400
ROOT = Path(__file__).parents[2]
MEMBERS = sorted(form.read_zip(packs.made()))
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def write(folder: Path, data: bytes) -> Path:
    """Write a pack."""
    path = folder / "case.zip"
    path.write_bytes(data)
    return path


def failures(data: bytes, own: pack.Own | None = None, **options: bool) -> dict[str, str | None]:
    """Check a pack with Trine; returns the code of each step that does not hold."""
    checked = pack.check_pack(data, own, **options)
    assert checked.is_verified == (not checked.failures)
    return {step.what: step.code for step in checked.failures}


def code_of(data: bytes) -> str:
    """Code of the refusal of what is no pack, or of its first step that does not hold."""
    try:
        return next(iter(failures(data).values())) or ""
    except TrineError as error:
        return error.code


def test_verifier_is_short_and_alone() -> None:
    """Goal: one person can read it. Method: count lines, and look at every import."""
    source = pack.verifier().decode()
    assert len(source.splitlines()) < VERIFIER_LINES_MAX
    assert max(map(len, source.splitlines())) <= 100
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names == {"cryptography", "gmalg"}


def test_a_stranger_has_no_trine(tmp_path: Path) -> None:
    """Goal: the tests below show what they say. Method: Trine cannot be imported, the rest can."""
    site = packs.lonely(tmp_path)
    ran = packs.alone(site, "import trine")
    assert ran.status == 1
    assert "No module named 'trine'" in ran.out
    assert packs.alone(site, "import cryptography, gmalg").status == 0


@BOTH_LANGUAGES
def test_both_checks_accept(language: str, tmp_path: Path) -> None:
    """Goal: a good pack verifies. Method: with and without Trine, by its trust and by one's own."""
    data = packs.made(language)
    assert failures(data) == {}
    root = packs.tsa()[1]
    assert failures(data, pack.Own(packs.trust(), [root])) == {}
    (tmp_path / "root.pem").write_bytes(root.to_pem())
    case = write(tmp_path, data)
    ran = packs.verified_alone(tmp_path, case)
    assert ran.status == 0, ran.out
    assert len(re.findall("^compare ", ran.out, re.MULTILINE)) == 2
    assert "log 2, entry 6, in block 4 of 2027-01-15 08:00:02 UTC" in ran.out
    own = ("--trust", VECTORS / "trust.json", "--roots", tmp_path / "root.pem")
    ran = packs.verified_alone(tmp_path, case, *own)
    assert ran.status == 0, ran.out
    assert not re.search("^compare ", ran.out, re.MULTILINE)


def test_same_evidence_same_bytes() -> None:
    """Goal: two people make one pack. Method: put it together again from what is in it."""
    data = packs.made()
    members = form.read_zip(data)
    tokens = [members[one] for one in MEMBERS if one.startswith(form.TIMESTAMPS)]
    stated = pack.Timestamps(tokens[::-1], [packs.tsa()[1]])
    again = pack.assemble(packs.exhibits(), trust=packs.trust(), timestamps=stated)
    assert again.content == data
    assert next(iter(members)) == form.MANIFEST


@pytest.mark.parametrize("name", MEMBERS)
def test_an_altered_member_is_named(name: str, tmp_path: Path) -> None:
    """Goal: nothing in a pack changes unnoticed. Method: flip one bit in each member.

    Once where it stands, once under the checksum that a ZIP needs.
    """
    blunt = packs.altered(packs.made(), name)
    for data in (blunt, form.write_zip(form.read_zip(blunt))):
        assert failures(data)[name] == "court_pack_differs"
        ran = packs.verified_alone(tmp_path, write(tmp_path, data))
        assert ran.status == 1
        assert any(line.startswith(f"FAILED  {name}:") for line in ran.failed), ran.out
        assert ran.out.rstrip().endswith("NOT VERIFIED")


@given(place=st.integers(0, len(packs.made()) - 1), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=300)
def test_no_bit_changes_unnoticed(place: int, bit: int) -> None:
    """Goal: nothing hides between the members. Method: flip any bit of the ZIP."""
    data = bytearray(packs.made())
    data[place] ^= 1 << bit
    assert code_of(bytes(data)) != ""


@pytest.mark.parametrize("count", [1, 22, 500, 30_000])
def test_a_cut_or_longer_pack_is_refused(count: int) -> None:
    """Goal: a pack is whole. Method: cut bytes off, and put some behind."""
    data = packs.made()
    assert code_of(data[:-count]) == "court_pack_differs"
    assert code_of(data + bytes(count)) == "court_pack_differs"


FORGERIES = {
    "records/1-vector.txt": b"another record",
    "receipts/1-vector.txt.receipt": b"nonsense",
    "trust.json": (VECTORS / "trust-1.json").read_bytes(),
    "timestamps/1.tst": b"0\x03\x02\x01\x00",
    "keys/roots.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("name", sorted(FORGERIES))
def test_a_forged_member_is_refused(name: str, tmp_path: Path) -> None:
    """Goal: a new manifest does not help a forger. Method: replace a member, list it, seal it."""
    data = packs.changed(packs.made(), {name: FORGERIES[name]})
    assert failures(data)
    ran = packs.verified_alone(tmp_path, write(tmp_path, data))
    assert ran.status == 1
    assert ran.failed
    assert not any("manifest" in line for line in ran.failed)


@pytest.mark.parametrize("name", [form.REPORT, form.VERIFIER, form.READ_ME, form.READ_ME_ZH])
def test_a_forged_page_is_named(name: str) -> None:
    """Goal: the report says no more than the proofs. Method: change a word, list it, seal it."""
    members = form.read_zip(packs.made())
    forged = members[name].replace(b"vector", b"victor").replace(b"Trine", b"Trice")
    assert forged != members[name]
    bad = packs.changed(packs.made(), {name: forged})
    for own in (None, pack.Own(packs.trust(), [packs.tsa()[1]])):
        assert failures(bad, own) == {f"{name} as it follows": "court_pack_differs"}


def test_members_may_not_be_added_or_taken_away(tmp_path: Path) -> None:
    """Goal: the manifest is the whole list. Method: add one, remove one, without a new manifest."""
    members = form.read_zip(packs.made())
    more = form.write_zip({**members, "records/3-more.txt": b"more"})
    assert failures(more) == {"records/3-more.txt": "court_pack_differs"}
    ran = packs.verified_alone(tmp_path, write(tmp_path, more))
    assert [line.partition(":")[0] for line in ran.failed] == ["FAILED  records/3-more.txt"]
    del members["timestamps/1.tst"]
    fewer = form.write_zip(members)
    assert failures(fewer)["timestamps/1.tst"] == "court_pack_differs"
    ran = packs.verified_alone(tmp_path, write(tmp_path, fewer))
    assert ran.failed[0].startswith("FAILED  timestamps/1.tst:")


def test_a_pack_without_a_timestamp(tmp_path: Path) -> None:
    """Goal: a missing timestamp is never overlooked. Method: leave it out, honestly and not."""
    none = pack.Timestamps()
    with pytest.raises(TrineError, match="--tsa") as refused:
        pack.assemble(packs.exhibits(), trust=packs.trust(), timestamps=none)
    assert refused.value.code == "pack_timestamp_missing"
    missing = {f"outside timestamp of block {one}": "pack_timestamp_missing" for one in (4, 18)}
    assert failures(packs.bare()) == missing
    assert failures(packs.bare(), without_timestamp=True) == {}
    stolen = packs.changed(packs.made(), {"timestamps/2.tst": None})
    assert failures(stolen) == {"outside timestamp of block 18": "pack_timestamp_missing"}
    for data in (packs.bare(), stolen):
        case = write(tmp_path, data)
        ran = packs.verified_alone(tmp_path, case)
        assert ran.status == 1
        assert any("timestamp of block 18: missing" in line for line in ran.failed)
    (tmp_path / "whole").mkdir()
    bare, whole = write(tmp_path, packs.bare()), write(tmp_path / "whole", packs.made())
    for case, words in ((bare, "WITHOUT AN OUTSIDE TIMESTAMP"), (whole, "VERIFIED, if")):
        ran = packs.verified_alone(tmp_path, case, "--without-timestamp")
        assert ran.status == 0
        assert words in ran.out.splitlines()[-1]
        ended = trine("evidence", "pack", "verify", case, "--without-timestamp", "--json")
        assert (ended.status, ended.document["verified"]) == (0, True)
        assert ended.document["without_timestamp"] == ([4, 18] if case == bare else [])
        ended = trine("evidence", "pack", "verify", case, "--without-timestamp")
        said = "WITHOUT a timestamp of an outside authority over block 4, 18" in ended.out
        assert said == (case == bare)


def test_the_report_says_in_red_that_no_timestamp_is_there() -> None:
    """Goal: a reader cannot miss it. Method: look for it in both languages, and not elsewhere."""
    red = form.read_zip(packs.bare())[form.REPORT].decode()
    # It stands first in each language, before the title.
    assert len(re.findall(r'<section[^>]*>\n<div class="alarm">', red)) == 2
    assert "No timestamp of an outside authority" in red
    assert "没有外部时间戳机构的时间戳" in red
    assert red.count('class="missing"') == 4
    calm = form.read_zip(packs.made())[form.REPORT].decode()
    assert '<div class="alarm">' not in calm
    assert 'class="missing"' not in calm


def test_another_trust_file_or_root_is_refused(tmp_path: Path) -> None:
    """Goal: the pack decides nothing about trust. Method: bring a later set, and another root."""
    other, root = Trust.load(VECTORS / "trust-1.json"), packs.tsa("p384")[1]
    assert set(failures(packs.made(), pack.Own(other)).values()) >= {"proof_mismatch"}
    found = failures(packs.made(), pack.Own(roots=[root]))
    # The other root has the same name, and another key.
    assert found["timestamps/1.tst over its block"] == "certificate_signature"
    (tmp_path / "root.pem").write_bytes(root.to_pem())
    case = write(tmp_path, packs.made())
    ran = packs.verified_alone(tmp_path, case, "--trust", VECTORS / "trust-1.json")
    assert ran.status == 1
    assert "the signature of validator n2 does not hold" in ran.out
    ran = packs.verified_alone(tmp_path, case, "--roots", tmp_path / "root.pem")
    assert ran.status == 1
    assert "certificate of CN=Court TSA timestamp authority,O=Example does not hold" in ran.out


def accepts(file: bytes) -> bool:
    """Say whether the stranger's verifier takes a receipt of the vectors' file."""
    trusted = stranger.read_trust(files.read("trust.json"))
    try:
        stranger.check_receipt(file, files.read("vector.txt"), trusted, None)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", files.RECEIPTS)
def test_the_stranger_decides_as_the_model(name: str) -> None:
    """Goal: fewer than 400 lines are enough. Method: altered receipts under right seals.

    One bit in each third byte is flipped, and the golden cases of altered receipts are read: the
    verdict must be that of the readable model.
    """
    data, trusted = files.read(name), files.trust()
    altered = []
    for place in range(files.body_start(name), len(data) - files.SEAL_BYTES, 3):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        altered.append(bytes(flipped))
    for one in json.loads(files.read("cases.json")):
        if one["name"] == name and "edits" in one:
            edited = bytearray(data)
            for place, value in one["edits"]:
                edited[place] = value
            altered.append(bytes(edited))
    with under(Suite.INTL):
        verdicts = []
        for one in (files.sealed(name, each) for each in altered):
            verdicts.append(files.verdict(name, one, trusted) == "accepted")
            assert accepts(one) == verdicts[-1], one.hex()
    assert 0 < sum(verdicts) < len(verdicts) / 10


def rewritten(change: Callable[[dict[int, Any]], None]) -> bytes:
    """Change the proof inside the receipt of the vectors, under a right seal."""
    body = cbor2.loads(cbor2.loads(files.read("vector.receipt"))[2])
    proof = cbor2.loads(body[4])
    change(proof)
    body[4] = cbor2.dumps(proof, canonical=True)
    content = cbor2.dumps(body, canonical=True)
    with under(Suite.INTL):
        envelope = {0: "trine-receipt", 1: 1, 2: content, 3: bytes(seal_of(content))}
    return cbor2.dumps(envelope, canonical=True)


def drop_a_signer(proof: dict[int, Any]) -> None:
    """Leave two of the three signatures that four validators need."""
    certificate = proof[2][1]
    bits = certificate[4][0]
    certificate[4] = bytes([bits & (bits - 1)])
    certificate[5] = certificate[5][64:]


def hand_over_nothing(proof: dict[int, Any]) -> None:
    """Put a certified block that names no validators where a hand-over belongs."""
    proof[3] = [proof[2]]


def test_the_stranger_asks_for_a_quorum_and_for_hand_overs() -> None:
    """Goal: good signatures are not enough. Method: too few of them, and of another block."""
    assert accepts(rewritten(lambda _: None))
    for change in (drop_a_signer, hand_over_nothing):
        bad = rewritten(change)
        assert not accepts(bad)
        with under(Suite.INTL):
            assert files.verdict("vector.receipt", bad, files.trust()) == "refused"


def facts() -> list[stranger.Facts]:
    """Return what the stranger's verifier takes for proven, to be stamped."""
    blocks = [stranger.Facts(raw=one.header, time_ms=one.time_ms) for one in packs.blocks()]
    return [stranger.Facts(headers=[one]) for one in blocks]


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519", "sm2"])
def test_the_stranger_reads_every_authority(kind: str) -> None:
    """Goal: whichever authority stamped, a stranger checks it. Method: one of each kind of key."""
    header = packs.blocks()[0].header
    token = token_of(packs.token(header, kind))
    roots = pem(packs.tsa(kind)[1].to_pem())
    found = stranger.check_token(token, roots, [], facts())
    assert found.stamped == [header]
    assert "2027-01-15 08:01:40 UTC" in found.said
    read = read_token(token)
    for part in (read.content, read.signed[1:], read.signature):
        start = token.index(part)
        for place in range(start, start + len(part), 11):
            flipped = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
            with pytest.raises(Exception):  # noqa: B017 - whatever, but never accepted
                stranger.check_token(flipped, roots, [], facts())


def pem(content: bytes) -> list[stranger.x509.Certificate]:
    """Read certificates as the stranger does."""
    return stranger.x509.load_pem_x509_certificates(content)


def test_the_stranger_refuses_certificates_that_may_not_stamp() -> None:
    """Goal: not every certificate of a root stamps. Method: one key, four certificates beside it.

    The token brings no certificate; what is given beside it is a good one, one for other uses, one
    that had expired, and one whose issuer may issue none.
    """
    (authority, _), header = packs.tsa(), packs.blocks()[0].header
    asked = Request(Imprint.of_data(header), nonce=7, wants_certificate=False)
    token = token_of(authority.answer(asked.to_der(), now_ms=packs.NOW_MS, serial=1))
    root_key = AuthorityKey.generate("p256")
    own = issue(root_key, "Root", (root_key, "Root"), now_ms=packs.NOW_MS, is_root=True)
    usage = {"extn_id": "extended_key_usage", "critical": True, "extn_value": ["code_signing"]}

    def certified(
        issuer: tuple[AuthorityKey, str] = (root_key, "Root"), **more: Any
    ) -> Certificate:
        given = {"now_ms": packs.NOW_MS, "extensions": None, "days": 365} | more
        return issue(authority.key, "Stamper", issuer, **given)

    none = {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": False}}
    between = certified(extensions=[none])
    cases = {
        "": [certified()],
        "no authority's key": [certified(extensions=[usage])],
        "not in force": [certified(now_ms=packs.NOW_MS - 400 * 86_400_000, days=30)],
        "no issuer": [issue(authority.key, "X", (authority.key, "Stamper"), now_ms=packs.NOW_MS)],
    }
    cases["no issuer"].append(between)
    for reason, certificates in cases.items():
        others = pem(b"".join(one.to_pem() for one in certificates))
        if not reason:
            found = stranger.check_token(token, pem(own.to_pem()), others, facts())
            assert found.stamped == [header]
            continue
        with pytest.raises(ValueError, match=reason):
            stranger.check_token(token, pem(own.to_pem()), others, facts())


@pytest.mark.parametrize("binding", ["sha1", "sha256"])
def test_the_stranger_reads_tokens_of_openssl(binding: str, tmp_path: Path) -> None:
    """Goal: other programs' tokens are read. Method: OpenSSL stamps, old binding and new."""
    made = made_up_authority("rsa", now_ms=time.time_ns() // 10**6)
    past = [stranger.Facts(headers=[stranger.Facts(raw=b"a header", time_ms=0)])]
    token, root = openssl_token(tmp_path, made, b"a header", binding)
    assert stranger.check_token(token, pem(root), [], past).stamped == [b"a header"]
    with pytest.raises(ValueError, match="something else"):
        other, _ = openssl_token(tmp_path, made, b"another header", binding)
        stranger.check_token(other, pem(root), [], past)


def openssl_token(
    folder: Path, made: tuple[Authority, Certificate], data: bytes, binding: str
) -> tuple[bytes, bytes]:
    """Have OpenSSL stamp data; returns its token and root."""
    authority, root = made
    (folder / "key.pem").write_bytes(authority.key.to_pem())
    (folder / "chain.pem").write_bytes(b"".join(one.to_pem() for one in authority.chain[:1]))
    (folder / "serial").write_text("01")
    settings_ = OPENSSL_SETTINGS.format(folder=folder, digest="sha256", chain="no", binding=binding)
    (folder / "openssl.cnf").write_text(settings_)
    query = Request(Imprint.of_data(data), nonce=9).to_der()
    (folder / "query.tsq").write_bytes(query)
    out = folder / "answer.tst"
    openssl(
        *("ts", "-reply", "-config", folder / "openssl.cnf", "-queryfile", folder / "query.tsq"),
        *("-signer", folder / "chain.pem", "-inkey", folder / "key.pem", "-token_out", "-out", out),
    )
    return out.read_bytes(), root.to_pem()


def test_a_timestamp_must_be_over_a_certified_header() -> None:
    """Goal: only the right timestamp counts. Method: other data, and a time before the block's."""
    root = packs.tsa()[1]
    cases = {
        "wrong_imprint": packs.token(b"something else"),
        "wrong_timestamp_time": packs.token(packs.blocks()[0].header, at_ms=1_799_999_000_000),
    }
    for code, token in cases.items():
        with pytest.raises(TrineError) as refused:
            stated = pack.Timestamps([token], [root])
            pack.assemble(packs.exhibits(), trust=packs.trust(), timestamps=stated)
        assert refused.value.code == code
        with pytest.raises(ValueError):
            stranger.check_token(token_of(token), pem(root.to_pem()), [], facts())


def test_a_record_that_is_not_proven_is_not_packed() -> None:
    """Goal: no pack with a wrong exhibit. Method: another file beside a good receipt."""
    one, two = packs.exhibits()
    wrong = [one, pack.Exhibit(two.name, b"another", two.proof)]
    with pytest.raises(TrineError) as refused:
        pack.assemble(wrong, trust=packs.trust(), timestamps=packs.stamps())
    assert refused.value.code == "file_altered"
    with pytest.raises(TrineError) as refused:
        pack.assemble([], trust=packs.trust(), timestamps=packs.stamps())
    assert refused.value.code == "bad_argument"


def test_what_is_no_pack() -> None:
    """Goal: every other file is refused with a code. Method: look at some."""
    assert code_of(b"") == "not_a_court_pack"
    assert code_of(b"PK\x03\x04") == "not_a_court_pack"
    assert code_of((VECTORS / "vector.receipt").read_bytes()) == "not_a_court_pack"
    manifest = {"format": "trine-court-pack-v2", "seal": ""}
    for version, code in (("2", "court_pack_version"), ("x", "not_a_court_pack")):
        manifest["format"] = f"trine-court-pack-v{version}" if version == "2" else version
        assert code_of(sealed(manifest)) == code
    assert code_of(sealed({"format": form.FORMAT, "seal": ""})) == "not_a_court_pack"


def sealed(fields: dict[str, object]) -> bytes:
    """Write a pack of a manifest alone."""
    plain = json.dumps(fields).encode()
    seal = hashlib.sha256(plain).hexdigest()
    return form.write_zip({form.MANIFEST: json.dumps({**fields, "seal": seal}).encode()})


@BOTH_LANGUAGES
def test_the_report(language: str) -> None:
    """Goal: one page, two languages, nothing loaded or run. Method: look at its text."""
    page = form.read_zip(packs.made(language))[form.REPORT].decode()
    assert page.startswith("<!DOCTYPE html>")
    assert not re.search(r"<script|<img|<link|@import|url\(|https?://", page)
    assert re.findall(r'id="(\w+)" aria-label="\S+" checked', page) == [language]
    for words in ("Evidence report", "证据报告", "15 January 2027", "2027年1月15日"):
        assert words in page
    assert "合同 &lt;终版&gt;.txt" in page
    assert page.count("<article>") == 4
    digest = hashlib.sha256((VECTORS / "vector.txt").read_bytes()).hexdigest()
    assert page.replace(" ", "").count(digest) == 4


def test_foreign_words_do_nothing_in_the_report() -> None:
    """Goal: a file's name is text. Method: names with markup, invisible signs, and too many."""
    assert shown("<b>&\u202e") == "&lt;b&gt;&amp;\\u{202E}"
    assert len(shown("x" * 1_000)) == 301


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\con", "a/b", ".", "..", "", "x" * 500])
def test_names_of_members_are_safe(name: str) -> None:
    """Goal: unpacking harms nobody. Method: hostile names become one harmless part of a path."""
    made = form.member_name(name)
    assert re.fullmatch(r'[^<>:"/\\|?*\s]{1,80}', made)
    assert made not in {".", ".."}


def test_commands(tmp_path: Path) -> None:
    """Goal: the command line does it. Method: headers, a pack, a check, and what is refused."""
    record, receipt = VECTORS / "vector.txt", VECTORS / "vector.receipt"
    words = ("--file", record, "--receipt", receipt, "--trust", VECTORS / "trust.json")
    done = trine("evidence", "pack", "headers", *words, "--out", tmp_path, "--json")
    assert done.status == 0, done.err
    [header] = done.document["headers"]
    assert Path(header["header"]).read_bytes() == packs.blocks()[0].header
    answer, root, out = tmp_path / "a.tsr", tmp_path / "root.pem", tmp_path / "case.zip"
    answer.write_bytes(packs.token(packs.blocks()[0].header))
    root.write_bytes(packs.tsa()[1].to_pem())
    ask = ("evidence", "pack", *words, "--out", out, "--json")
    refused = trine(*ask)
    assert (refused.status, refused.code) == (1, "pack_timestamp_missing")
    assert not out.exists()
    assert trine(*ask, "--timestamp", answer).code == "bad_argument"
    done = trine(*ask, "--timestamp", answer, "--roots", root)
    assert done.status == 0, done.err
    assert [one["height"] for one in done.document["timestamps"]] == [4]
    check = ("evidence", "pack", "verify", out)
    done = trine(*check, "--trust", VECTORS / "trust.json", "--roots", root, "--json")
    assert done.status == 0, done.out
    assert done.document["verified"]
    assert done.document["compare"] == {}
    out.write_bytes(packs.altered(out.read_bytes(), "records/1-vector.txt"))
    done = trine(*check)
    assert done.status == 1
    assert "FAILED  records/1-vector.txt: " in done.out
    receipt_only = trine("evidence", "pack", "verify", receipt, "--json")
    assert (receipt_only.status, receipt_only.code) == (5, "not_a_court_pack")
    assert (
        trine("evidence", "pack", "--file", record, "--json", "--out", out).code == "bad_argument"
    )


def test_the_page_names_the_digest_of_the_verifier() -> None:
    """Goal: an expert compares verify.py with what is published. Method: look into the page."""
    digest = hashlib.sha256(pack.verifier()).hexdigest()
    assert digest in (ROOT / "docs" / "reference" / "court-pack.md").read_text(encoding="utf-8")
