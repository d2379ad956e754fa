"""Test enrolment by certificates on a real network, from the authority to the proof."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Ended, trine
from tests.suite import SUITE
from tests.x509.authority import DAY_MS, Holder, List, Maker
from trine.client.home import Home
from trine.crypto.x509 import read_certificate
from trine.model.hashing import Suite, under
from trine.model.state_keys import member_certificate_key
from trine.types import Address, StateKey

pytestmark = pytest.mark.network

ALGORITHM = "sm2" if SUITE == "gm" else "p256"


class City:
    """A city's authorities, members and revocation lists, and its network."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.maker = home, Maker(folder)
        self.root = self.maker.authority("root", ALGORITHM)
        self.issuing = self.maker.authority("issuing", ALGORITHM, self.root)
        self.member = self.maker.holder("member", ALGORITHM, self.issuing)
        self.crls = [self.maker.crl(self.root), self.maker.crl(self.issuing)]

    def ended(self, *words: str | Path) -> Ended:
        """Run a command on the network."""
        return trine(*words, "--home", self.home, "--json")

    def run(self, *words: str | Path) -> Ended:
        """Run a command on the network; it must succeed."""
        ended = self.ended(*words)
        assert ended.status == 0, ended.err + ended.out
        return ended

    def check(self, *lists: List) -> list[str | Path]:
        """Name the files by which a certificate is checked."""
        words: list[str | Path] = ["--intermediate", self.issuing.certificate]
        for one in lists or self.crls:
            words += ["--crl", one.ours]
        return words

    def enrol(self, member: Holder, *words: str | Path) -> Ended:
        """Enrol a member."""
        return self.ended("account", "enrol", member.certificate, *(words or self.check()))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A network that runs while the module's tests do, whose organisation has an authority."""
    folder = tmp_path_factory.mktemp("certificates")
    home = folder / "home"
    started = trine("up", "--detach", "--home", home, "--json")
    assert started.status == 0, started.err
    (folder / "files").mkdir()
    made = City(home, folder / "files")
    added = made.run("organisation", "authority", "add", made.root.certificate).document
    assert added["subject"] == "CN=root,O=City"
    yield made
    trine("down", "--home", home)


def test_from_certificate_to_proof(city: City, tmp_path: Path) -> None:
    """Goal: a member comes in by certificate, acts, and is shown. Method: every step of the way."""
    words = [*city.check(), "--roles", "notary"]
    enrolled = city.enrol(city.member, *words).document
    address = enrolled["address"]
    certificate = read_certificate(city.member.pem)
    assert enrolled["path"] == [f"CN={name},O=City" for name in ("member", "issuing", "root")]
    assert enrolled["fingerprint"] == certificate.fingerprint(SUITE).hex()
    assert enrolled["revocation_checked"] is True
    record = {
        "fingerprint": enrolled["fingerprint"],
        "authority": read_certificate(city.root.pem).fingerprint(SUITE).hex(),
        "expires_ms": certificate.validity.not_after_ms,
    }
    account = city.run("account", "show", address).document
    assert account["certificate"] == record
    assert account["roles"] == ["notary"]
    (listed,) = city.run("account", "certificates").document["certificates"]
    shown = {**record, "address": address, "frozen": False, "state": "expires soon"}
    assert listed == {**shown, "organisation": 0, "organisation_name": "city"}
    proof, trust = tmp_path / "certificate.proof", tmp_path / "trust.json"
    assert city.run("account", "certificates", address, "--proof", proof).document == shown
    city.run("trust", "export", "--out", trust)
    verify = ("proof", "verify", proof, "--trust", trust)
    fact = city.run(*verify, "--account", address).document["fact"]
    assert {name: fact[name] for name in record} == record
    other = city.ended(*verify, "--account", "00" * 20)
    assert (other.status, other.code) == (1, "proof_mismatch")
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    words = ["--password-file", password]
    imported = city.run("key", "import", "member", city.member.key, *words).document
    assert imported["address"] == address
    file = tmp_path / "report.txt"
    file.write_text("Measured: 7.2")
    city.run("evidence", "submit", file, "--out", tmp_path / "out", "--key", "member", *words)
    again = city.enrol(city.member)
    assert (again.status, again.code) == (4, "account_exists")


def test_certificates_that_enrol_nobody(city: City) -> None:
    """Goal: whoever is not vouched for stays out. Method: a certificate for each refusal."""
    make = city.maker
    stranger = make.authority("stranger", ALGORITHM)
    of_stranger = make.holder("of stranger", ALGORITHM, stranger)
    revoked = make.holder("revoked", ALGORITHM, city.issuing)
    named = make.crl(city.issuing, revoked)
    cases: list[tuple[Ended, int, str]] = [
        (city.enrol(of_stranger), 1, "unknown_issuer"),
        (city.enrol(of_stranger, *city.check(), "--authority", stranger.certificate), 1,
         "unknown_issuer"),
        (city.enrol(revoked, *city.check(city.crls[0], named)), 1, "certificate_revoked"),
        (city.enrol(revoked, *city.check(city.crls[1])), 1, "crl_missing"),
        (city.enrol(revoked, "--without-crl"), 1, "unknown_issuer"),
        (city.enrol(revoked, "--intermediate", city.issuing.certificate), 2, "bad_argument"),
        (city.enrol(city.issuing, *city.check()), 1, "certificate_not_allowed"),
        (city.ended("account", "enrol", revoked.key, *city.check()), 5, "bad_certificate"),
        (city.ended("account", "enrol", make.folder / "none", "--without-crl"), 5,
         "unreadable_file"),
        (city.enrol(revoked, *city.check(), "--crl", revoked.certificate), 5, "bad_crl"),
        (city.ended("organisation", "authority", "add", city.member.certificate), 1,
         "certificate_not_allowed"),
        (city.ended("organisation", "authority", "add", city.root.certificate), 4,
         "authority_exists"),
        (city.ended("account", "certificates", "00" * 20), 1, "account_not_found"),
        (city.ended("account", "certificates", "--organisation", "9"), 1,
         "organisation_not_found"),
    ]  # fmt: skip
    for ended, status, code in cases:
        assert (ended.status, ended.code) == (status, code), ended.err


def test_renewal(city: City, tmp_path: Path) -> None:
    """Goal: a certificate is renewed for its own key alone. Method: the same key, another one."""
    member = city.maker.holder("clerk", ALGORITHM, city.issuing)
    address = city.enrol(member).document["address"]
    renewed = city.maker.renewal(member, city.issuing, days=100)
    words = ("account", "set-certificate", address)
    city.run(*words, renewed.certificate, *city.check())
    shown = city.run("account", "certificates", address).document
    certificate = read_certificate(renewed.pem)
    assert shown["fingerprint"] == certificate.fingerprint(SUITE).hex()
    assert shown["state"] == "valid"
    assert shown["expires_ms"] - city.maker.now_ms > 99 * DAY_MS
    ended = city.ended(*words, city.member.certificate, *city.check())
    assert (ended.status, ended.code) == (1, "other_key")
    admin = city.run("key", "show", "admin").document["address"]
    ended = city.ended("account", "certificates", admin)
    assert (ended.status, ended.code) == (1, "certificate_not_found")


def test_authorities_come_and_go(city: City) -> None:
    """Goal: only registered authorities count. Method: add a second one, remove it, enrol."""
    second = city.maker.authority("second", ALGORITHM)
    member = city.maker.holder("of second", ALGORITHM, second)
    fingerprint = read_certificate(second.pem).fingerprint(SUITE).hex()
    city.run("organisation", "authority", "add", second.certificate)
    listed = city.run("organisation", "authority", "list").document["authorities"]
    assert [one["subject"] for one in listed] == ["CN=root,O=City", "CN=second,O=City"]
    assert (listed[1]["fingerprint"], listed[1]["state"]) == (fingerprint, "expires soon")
    removed = city.run("organisation", "authority", "remove", second.certificate).document
    assert removed["fingerprint"] == fingerprint
    ended = city.enrol(member, "--crl", city.maker.crl(second).ours)
    assert (ended.status, ended.code) == (1, "unknown_issuer")
    ended = city.ended("organisation", "authority", "remove", fingerprint)
    assert (ended.status, ended.code) == (4, "unknown_authority")
    ended = city.ended("organisation", "authority", "remove", "abc")
    assert (ended.status, ended.code) == (2, "bad_argument")
    kept = Home(city.home).authorities
    assert len(list(kept.glob("*.pem"))) == 2
    (kept / "damaged.pem").write_bytes(b"no certificate")
    ended = city.ended("organisation", "authority", "list")
    assert ended.status == 0
    assert "damaged.pem" in ended.err


def test_text_and_colours(city: City) -> None:
    """Goal: people can read the lists. Method: the commands without --json, through a pipe."""
    for words in (("account", "certificates"), ("organisation", "authority", "list")):
        ended = trine(*words, "--home", city.home)
        assert ended.status == 0
        assert "expires soon" in ended.out
        assert "\x1b" not in ended.out


def test_state_keys_of_certificates() -> None:
    """Goal: the SDK looks in the right place. Method: the model's key on either suite."""
    address = Address(bytes(range(20)))
    for suite in Suite:
        with under(suite):
            expected = bytes(member_certificate_key(address))
        assert StateKey.of_member_certificate(address, suite.value) == expected
