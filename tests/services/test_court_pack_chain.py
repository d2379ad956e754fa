"""Test court packs of a real chain: files, a signed statement, an authority asked over HTTP."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.command import Ended, trine
from tests.services import packs
from tests.services.chains import ISSUER, SERVICE, chain, http, issuer_key, service
from tests.services.test_timestamp_outside import Said, honest, serving
from tests.suite import SUITE
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.services.evidence import cose, pack, statement
from trine.services.evidence.pack import format as form
from trine.services.evidence.timestamp import made_up_authority

COSE = {"content-type": "application/cose"}
RECORD = b"Measured on 3 May: 7.2 mg/l\n"


@dataclass
class Case:
    """What a party has before it makes a pack."""

    folder: Path
    home: Home
    key: SecretKey

    def made(self, *options: object) -> Ended:
        """Make a pack of both pieces of evidence, stamped by an authority over HTTP."""
        authority, root = made_up_authority("p256", now_ms=time.time_ns() // 10**6)
        (self.folder / "root.pem").write_bytes(root.to_pem())

        def answer(query: bytes) -> Said:
            return honest(query, authority=authority, at_ms=time.time_ns() // 10**6)

        with serving(answer) as url:
            return trine(
                *("evidence", "pack", "--trust", self.folder / "trust.json"),
                *("--file", self.folder / "one.txt", "--file", self.folder / "two.txt"),
                *("--receipt", self.folder / "receipts" / "one.txt.receipt"),
                *("--receipt", self.folder / "two.transparent"),
                *("--service-keys", self.folder / "keys.cbor"),
                *("--tsa", url, "--roots", self.folder / "root.pem", "--json"),
                *map(str, options),
            )


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("case")
    key = issuer_key()
    for name in ("one.txt", "two.txt"):
        (folder / name).write_bytes(RECORD + name.encode())
    with chain(Home(folder / "home")) as home, service(home, folder / "data", key) as running:
        words = ("--out", folder / "receipts", "--home", home.path)
        assert trine("evidence", "submit", folder / "one.txt", *words).status == 0
        data = statement.sign_statement(
            (folder / "two.txt").read_bytes(),
            key=key,
            issuer=ISSUER,
            subject="the bridge",
            content_type="text/plain",
            issued_at_s=int(time.time()),
        )
        with http(running) as client:
            answer = client.post("/entries", content=data, headers=COSE)
            assert answer.status_code == 201, answer.content
            (folder / "keys.cbor").write_bytes(client.get("/.well-known/scitt-keys").content)
        whole = statement.with_receipts(data, [answer.content])
        (folder / "two.transparent").write_bytes(whole)
        trusted = trine("trust", "export", "--out", folder / "trust.json", "--home", home.path)
        assert trusted.status == 0
    yield Case(folder, home, key)


@pytest.fixture(scope="module")
def packed(case: Case) -> Path:
    key = f"{case.key.algorithm}:{case.key.public_key.hex()}"
    done = case.made("--issuer-key", key, "--out", case.folder / "case.zip")
    assert done.status == 0, done.err
    assert [one["issuer"] for one in done.document["evidence"]] == [None, ISSUER]
    return case.folder / "case.zip"


@pytest.mark.network
def test_a_pack_of_a_chain(case: Case, packed: Path, tmp_path: Path) -> None:
    """Goal: the whole way, with every node off. Method: both checks, with one's own trust."""
    own = ("--trust", case.folder / "trust.json", "--roots", case.folder / "root.pem")
    done = trine("evidence", "pack", "verify", packed, *own, "--json")
    assert done.status == 0, done.out
    assert list(done.document["compare"]) == [form.KEYS]
    ran = packs.verified_alone(tmp_path, packed, *own)
    assert ran.status == 0, ran.out
    assert f"{ISSUER} signed what is said about the bridge" in ran.out
    page = form.read_zip(packed.read_bytes())[form.REPORT].decode()
    assert f"{ISSUER} signed a statement about “the bridge”" in page
    assert f"收据由 {SERVICE} 签署" in page


@pytest.mark.network
def test_an_altered_member_of_a_statement_is_named(packed: Path, tmp_path: Path) -> None:
    """Goal: nothing of a statement changes unnoticed. Method: flip a bit of each of its members."""
    data = packed.read_bytes()
    names = [name for name in form.read_zip(data) if name.startswith(("statements/", "keys/"))]
    assert len(names) == 3
    for name in names:
        bad = packs.altered(data, name)
        assert name in {step.what for step in pack.check_pack(bad).failures}
        (tmp_path / "bad.zip").write_bytes(bad)
        ran = packs.verified_alone(tmp_path, tmp_path / "bad.zip")
        assert ran.status == 1
        assert any(line.startswith(f"FAILED  {name}:") for line in ran.failed)


@pytest.mark.network
def test_a_forged_statement_is_refused(packed: Path, tmp_path: Path) -> None:
    """Goal: a new manifest does not help. Method: other records, issuers, services, statements."""
    data = packed.read_bytes()
    members = form.read_zip(data)
    [said] = [name for name in members if name.startswith("statements/")]
    keys = json.loads(members[form.KEYS])
    other = cose.public_key(SecretKey.generate(SUITE_ALGORITHMS[SUITE])).key.hex()
    forgeries: list[dict[str, bytes | None]] = [{"records/2-two.txt": b"another"}]
    for place in range(len(keys)):
        listed = [dict(one) for one in keys]
        listed[place]["key"] = other
        forgeries.append({form.KEYS: json.dumps(listed).encode()})
    for needle in (RECORD[:9], b"the bridge"):
        forgeries.append({said: members[said].replace(needle, needle[::-1])})
    for forgery in forgeries:
        bad = packs.changed(data, forgery)
        assert pack.check_pack(bad).failures
        (tmp_path / "bad.zip").write_bytes(bad)
        ran = packs.verified_alone(tmp_path, tmp_path / "bad.zip")
        assert ran.status == 1
        assert ran.failed[0].startswith("FAILED  records/2-two.txt by statements/"), ran.out


@pytest.mark.network
def test_a_statement_needs_its_issuers_key(case: Case, tmp_path: Path) -> None:
    """Goal: nobody's word is taken for the issuer. Method: no key, and another one."""
    other = cose.public_key(SecretKey.generate(SUITE_ALGORITHMS[SUITE]))
    for options in ((), ("--issuer-key", f"{other.algorithm}:{other.key.hex()}")):
        done = case.made(*options, "--out", tmp_path / "case.zip")
        assert (done.status, done.code) == (1, "cose_signature")
        assert not (tmp_path / "case.zip").exists()
