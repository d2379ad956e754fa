"""Test court packs of statements whose issuers are known by certificates."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from tests.cli.command import ROOT, Ended, trine
from tests.services import golden, issued, packs, test_issuing
from tests.services.certificates import VECTORS
from trine.client.verification import Trust
from trine.crypto.x509 import Certificate, read_certificates
from trine.errors import TrineError
from trine.services.evidence import checking, cose, pack, statement
from trine.services.evidence.pack import format as form
from trine.services.evidence.pack import verify as stranger

CASES = {one["name"]: one for one in json.loads((golden.FOLDER / "cases.json").read_text())}
FAMILIES = pytest.mark.parametrize("family", issued.FAMILIES, ids=lambda one: one.name)
MIXED = issued.FAMILIES[0]


def trust(family: issued.Family) -> Trust:
    """Trust file of the golden chain of the family's suite."""
    return Trust.load(golden.Chain(family.suite).trust())


def roots(family: issued.Family, name: str = "roots") -> list[Certificate]:
    """Roots of a family."""
    return read_certificates(family.roots()[f"{family.name}-{name}.pem"])


def keys(family: issued.Family, *trusted: Certificate) -> pack.Keys:
    """Keys of the service, and roots of issuers."""
    service = cose.public_key(golden.Chain(family.suite).service)
    return pack.Keys((), (service,), trusted)


def exhibit(data: bytes, name: str = "report.txt") -> pack.Exhibit:
    """A record with its statement."""
    return pack.Exhibit(name, golden.CONTENT, data)


def made(family: issued.Family, *exhibits: pack.Exhibit, known: pack.Keys | None = None) -> bytes:
    """Make a pack, by default of the family's statement with one root too many at hand."""
    given = known or keys(family, *roots(family, "both-roots"))
    shown = exhibits or (exhibit(golden.chained(family, family.certified())),)
    believed = trust(family)
    blocks = pack.blocks_of(pack.prove_all(shown, believed, given))
    stated = pack.Timestamps([packs.token(one.header) for one in blocks], [packs.tsa()[1]])
    return pack.assemble(shown, trust=believed, timestamps=stated, keys=given).content


@FAMILIES
def test_a_pack_takes_the_roots_along(family: issued.Family, tmp_path: Path) -> None:
    """Goal: a stranger checks the issuer by certificate. Method: RSA, ECDSA, Ed25519 and SM2.

    Of two roots at hand the pack has the one that vouches; both checks hold with the pack's own
    and with one's own, and print what to compare; the report names certificate and root.
    """
    data = made(family)
    members = form.read_zip(data)
    assert read_certificates(members[form.ISSUER_ROOTS]) == roots(family)
    assert [one["use"] for one in json.loads(members[form.KEYS])] == ["service"]
    checked = pack.check_pack(data)
    assert checked.is_verified, checked.failures
    assert form.ISSUER_ROOTS in checked.compare
    own = pack.Own(trust(family), [packs.tsa()[1]], issuer_roots=roots(family))
    assert not pack.check_pack(data, own).failures
    page = members[form.REPORT].decode()
    for words in (
        "known by the certificate of CN=lab,O=City, for whom CN=root,O=City vouches",
        "Root of issuers",
        "--issuer-roots",
        "凭 CN=lab,O=City 的证书确认，由 CN=root,O=City 担保",
    ):
        assert words in page
    case, root = tmp_path / "case.zip", tmp_path / "root.pem"
    case.write_bytes(data)
    root.write_bytes(family.roots()[f"{family.name}-roots.pem"])
    ran = packs.verified_alone(tmp_path, case)
    assert ran.status == 0, ran.out
    assert "by the certificate of CN=lab,O=City, for whom CN=root,O=City vouches" in ran.out
    assert f"compare the pack's {form.ISSUER_ROOTS}" in " ".join(ran.out.split())
    ran = packs.verified_alone(tmp_path, case, "--issuer-roots", root)
    assert ran.status == 0, ran.out
    compared = [line for line in ran.out.splitlines() if line.startswith("compare")]
    assert compared and not any(form.ISSUER_ROOTS in line for line in compared)


@FAMILIES
def test_another_root_is_refused(family: issued.Family, tmp_path: Path) -> None:
    """Goal: the pack decides nothing about issuers. Method: other roots, brought and forged in."""
    data = made(family)
    case = tmp_path / "case.zip"
    case.write_bytes(data)
    for name, said in (
        ("other-roots", ("does not hold", "no path")),
        ("foreign-roots", ("no path",)),
    ):
        other = roots(family, name)
        code = CASES[f"{family.name} issuer: {name.replace('-', ' ')}"]["code"]
        found = pack.check_pack(data, pack.Own(issuer_roots=other)).failures
        assert code in {step.code for step in found}
        (tmp_path / "root.pem").write_bytes(b"".join(one.to_pem() for one in other))
        ran = packs.verified_alone(tmp_path, case, "--issuer-roots", tmp_path / "root.pem")
        assert ran.status == 1
        assert any(one in line for one in said for line in ran.failed), ran.out
        pem = b"".join(one.to_pem() for one in other)
        forged = packs.changed(data, {form.ISSUER_ROOTS: pem})
        assert code in {step.code for step in pack.check_pack(forged).failures}
    missing = packs.changed(data, {form.ISSUER_ROOTS: None})
    assert "cose_signature" in {step.code for step in pack.check_pack(missing).failures}
    case.write_bytes(missing)
    ran = packs.verified_alone(tmp_path, case)
    assert ran.status == 1
    assert any("no known key of https://lab.example/water signed it" in one for one in ran.failed)


def decided(family: issued.Family, data: bytes, name: str = "roots") -> str:
    """Return what the stranger's verifier says against a statement; nothing where it holds."""
    pem = family.roots()[f"{family.name}-{name}.pem"]
    vouching = x509.load_pem_x509_certificates(pem)
    trusted = stranger.read_trust(golden.Chain(family.suite).trust(), vouching)
    service = cose.public_key(golden.Chain(family.suite).service)
    listed = [{"use": "service", "algorithm": service.algorithm, "key": service.key.hex()}]
    try:
        stranger.check_statement(data, golden.CONTENT, trusted, listed)
    except Exception as error:
        return str(error) or type(error).__name__
    return ""


REASONS = {
    "of an authority": "not for signing",
    "not for signing": "not for signing",
    "issued by no authority": "CN=middle,O=City is no issuer",
    "issued by no authority that may": "CN=middle,O=City is no issuer",
    "issued by one that may not": "CN=middle,O=City is no issuer",
    "signed with another key": "did not sign",
    "issuer's certificate altered": "in the certificate of CN=lab,O=City does not hold",
    "authority's certificate altered": "in the certificate of CN=middle,O=City does not hold",
    "expired when recorded": "CN=lab,O=City: not in force on 2023-11-14 22:14:20",
    "not yet valid when recorded": "CN=lab,O=City: not in force",
    "authority expired when recorded": "CN=middle,O=City: not in force",
    "names another issuer": "does not name https://lab.example/water",
    "no certificate between": "no path to a trusted root from CN=lab,O=City",
    "bound by names": "an extension that is not read here: CN=middle,O=City",
    "with a critical one": "an extension that is not read here: CN=lab,O=City",
}
"""What the stranger's verifier says against a variant."""


@FAMILIES
def test_the_stranger_decides_as_trine(family: issued.Family) -> None:
    """Goal: fewer than 400 lines are enough, and name what is wrong. Method: every golden variant
    and root, with the verdict of Trine's verifier."""
    reached = set()
    for what, variant in issued.variants(family):
        data = golden.chained(family, variant.certificates, key=variant.key)
        code = CASES[f"{family.name} issuer: {what}"]["code"]
        said = decided(family, data)
        if what == "nine certificates":
            assert code == "bad_header"
            continue
        assert (said == "") == (code == "verified"), (what, code, said)
        assert REASONS.get(what, "") in said
        reached.add(what)
    assert reached >= set(REASONS)
    good = golden.chained(family, family.certified())
    for name in ("both-roots", "middle-roots", "other-roots", "foreign-roots"):
        code = CASES[f"{family.name} issuer: {name.replace('-', ' ')}"]["code"]
        said = decided(family, good, name)
        assert (said == "") == (code == "verified"), (name, said)
    assert "CN=root,O=City is no issuer" in decided(family, good, "short-roots")


@FAMILIES
def test_no_altered_statement_is_accepted(family: issued.Family) -> None:
    """Goal: certificates are covered. Method: flip bits all over a statement that brings them."""
    data = golden.chained(family, family.certified())
    assert decided(family, data) == ""
    for bit in range(0, 8 * len(data), 61 if family.suite == "intl" else 403):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert decided(family, bytes(changed)) != "", bit


@pytest.mark.parametrize("algorithm", ["p256", "ed25519", "sm2"])
def test_the_stranger_reads_certificates_of_openssl(tmp_path: Path, algorithm: str) -> None:
    """Goal: other programs' certificates are read. Method: OpenSSL's; a time after their end."""
    chain = test_issuing.made(tmp_path, algorithm)
    said = stranger.read_message(chain.said(chain.leaf, chain.middle))
    trusted = x509.load_pem_x509_certificates(chain.root.pem)
    found = stranger.vouched(said, test_issuing.ISSUER, trusted, chain.at_s)
    assert found == "certificate of CN=lab,O=City, for whom CN=root,O=City vouches"
    with pytest.raises(ValueError, match="CN=lab,O=City: not in force"):
        stranger.vouched(said, test_issuing.ISSUER, trusted, chain.at_s + 20 * issued.DAY_S)
    with pytest.raises(ValueError, match=r"does not name https://lab\.example/air"):
        stranger.vouched(said, "https://lab.example/air", trusted, chain.at_s)


def test_sm2_needs_its_package(tmp_path: Path) -> None:
    """Goal: a stranger learns what is missing. Method: a pack with SM2 where gmalg is not there."""
    case, program = tmp_path / "case.zip", tmp_path / "verify.py"
    case.write_bytes(made(issued.FAMILIES[2]))
    program.write_bytes(pack.verifier())
    site = packs.lonely(tmp_path)
    (site / "gmalg").unlink()
    start = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    ran = packs.alone(site, start, case)
    assert ran.status == 1
    assert any("No module named 'gmalg'" in line for line in ran.failed), ran.out


def test_two_ways_to_know_one_issuer() -> None:
    """Goal: keys and certificates side by side. Method: one issuer, one statement of each kind."""
    own = golden.key_of("ed25519", 8)
    by_key = statement.sign_statement(
        golden.CONTENT,
        key=own,
        issuer=issued.ISSUER,
        subject="by key",
        content_type="text/plain",
        issued_at_s=golden.NOW_S,
    )
    by_key = golden.Chain("intl").transparent(by_key, index=0)
    chained = golden.chained(MIXED, MIXED.certified())
    service = keys(MIXED, *roots(MIXED))
    issuers = ((issued.ISSUER, cose.public_key(own)),)
    known = replace(service, issuers=issuers)
    data = made(MIXED, exhibit(by_key, "one.txt"), exhibit(chained, "two.txt"), known=known)
    checked = pack.check_pack(data)
    assert checked.is_verified, checked.failures
    paths = [one.said and one.said.path for one in checked.proven]
    assert [path and path.authority.subject for path in paths] == [None, "CN=root,O=City"]


def test_a_statement_that_is_not_proven_is_not_packed() -> None:
    """Goal: no pack with a wrong issuer. Method: each golden variant, and no root at all."""
    for what, variant in issued.variants(MIXED):
        code = CASES[f"mixed issuer: {what}"]["code"]
        if code == "verified":
            continue
        with pytest.raises(TrineError) as refused:
            made(MIXED, exhibit(golden.chained(MIXED, variant.certificates, key=variant.key)))
        assert refused.value.code == code, what
    with pytest.raises(TrineError, match="--issuer-roots") as refused:
        made(MIXED, known=keys(MIXED))
    assert refused.value.code == "cose_signature"


def test_it_is_checked_at_the_time_of_the_record() -> None:
    """Goal: a record outlives its issuer's certificate. Method: check a year after its end."""
    data = golden.chained(MIXED, MIXED.certified())
    late_s = issued.AT_S + 1_000 * issued.DAY_S
    checked = checking.check(
        data,
        issuer_roots=roots(MIXED),
        service_keys=keys(MIXED).services,
        trust=trust(MIXED),
        now_s=late_s,
    )
    assert checked.path is not None
    assert checked.path.member.validity.not_after_ms < late_s * 1_000


def run(*words: object) -> Ended:
    """Run a command of this checkout."""
    return trine(*map(str, words), PYTHONPATH=str(ROOT / "src"))


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """What a party has: record, statement, trust file, keys and roots."""
    for name in ("mixed.chained", "intl-trust.json", "intl-keys.cbor", "report.txt"):
        (tmp_path / name).write_bytes((golden.FOLDER / name).read_bytes())
    for name in ("mixed-roots.pem", "mixed-other-roots.pem"):
        (tmp_path / name).write_bytes((golden.FOLDER / name).read_bytes())
    yield tmp_path


def test_the_command_line_packs_and_checks(files: Path) -> None:
    """Goal: from files to a pack and back. Method: with the root, another root, and none."""
    [block] = pack.blocks_of(
        pack.prove_all(
            [exhibit((files / "mixed.chained").read_bytes())],
            trust(MIXED),
            keys(MIXED, *roots(MIXED)),
        )
    )
    (files / "token").write_bytes(packs.token(block.header))
    (files / "tsa.pem").write_bytes(packs.tsa()[1].to_pem())
    case = files / "case.zip"

    def packed(*options: object) -> Ended:
        return run(
            *("evidence", "pack", "--file", files / "report.txt"),
            *("--receipt", files / "mixed.chained", "--trust", files / "intl-trust.json"),
            *("--service-keys", files / "intl-keys.cbor", "--timestamp", files / "token"),
            *("--roots", files / "tsa.pem", "--out", case, "--json", *options),
        )

    assert packed().code == "cose_signature"
    refused = packed("--issuer-roots", files / "mixed-other-roots.pem")
    assert (refused.status, refused.code) == (1, "certificate_signature")
    assert not case.exists()
    done = packed("--issuer-roots", files / "mixed-roots.pem")
    assert done.status == 0, done.err
    [one] = done.document["evidence"]
    assert one["certificate"] == {"subject": "CN=lab,O=City", "root": "CN=root,O=City"}
    check = ("evidence", "pack", "verify", case, "--json", "--issuer-roots")
    assert run(*check, files / "mixed-roots.pem").document["verified"]
    done = run(*check, files / "mixed-other-roots.pem")
    assert done.status == 1
    codes = {step["code"] for step in done.document["steps"]}
    assert "certificate_signature" in codes


def test_the_command_line_verifies_statements(files: Path) -> None:
    """Goal: `trine evidence verify` takes a statement as it takes receipts. Method: with the root,
    with another, with another file, and options about issuers where there is no issuer."""
    words = ("evidence", "verify", files / "report.txt", "--trust", files / "intl-trust.json")
    said = (*words, "--receipt", files / "mixed.chained", "--json")
    service = ("--service-keys", files / "intl-keys.cbor")
    done = run(*said, *service, "--issuer-roots", files / "mixed-roots.pem")
    assert done.status == 0, done.out + done.err
    assert done.document["certificate"]["root"] == "CN=root,O=City"
    done = run(*said[:-1], *service, "--issuer-roots", files / "mixed-roots.pem")
    assert "certificate of CN=lab,O=City, for whom CN=root,O=City vouches" in done.out
    done = run(*said, *service, "--issuer-roots", files / "mixed-other-roots.pem")
    assert (done.status, done.code) == (1, "certificate_signature")
    for options in ((), service, ("--issuer-roots", files / "mixed-roots.pem")):
        assert run(*said, *options).code == "bad_argument"
    receipt = VECTORS / "vector.receipt"
    root = ("--issuer-roots", files / "mixed-roots.pem")
    done = run(*words, "--receipt", receipt, "--json", *root)
    assert (done.status, done.code) == (2, "bad_argument")
    (files / "report.txt").write_text("another")
    done = run(*said, *service, "--issuer-roots", files / "mixed-roots.pem")
    assert (done.status, done.code) == (1, "file_differs")
