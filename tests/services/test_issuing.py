"""Test issuers that a trusted root vouches for, by the certificates in their statements."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys

from tests.cli.command import ROOT, Ended, trine
from tests.services import chains
from tests.services.test_service import COSE
from tests.suite import SUITE
from tests.x509.authority import AUTHORITY, DAY_MS, DAYS, MEMBER, Holder, Maker, openssl
from trine.client.home import Home
from trine.crypto import SecretKey
from trine.crypto.x509 import Certificate, read_certificate
from trine.errors import TrineError
from trine.services.evidence import checking, cose, receipt, statement, tiles, tree
from trine.services.evidence.issuing import CHAIN_MAX, certificates_of, key_by_chain
from trine.services.evidence.policy import Policy, read_policy
from trine.services.evidence.receipt import TreeHead

ISSUER = "https://lab.example/water"
NAMED = MEMBER + f"subjectAltName=URI:{ISSUER},DNS:lab.example\n"
SERVICE = SecretKey("ed25519", bytes(range(32)))
JSON = {"accept": "application/json"}
ALGORITHMS = pytest.mark.parametrize("algorithm", ["p256", "ed25519", "sm2"])


def secret(holder: Holder) -> SecretKey:
    """Read the key of a holder."""
    words = ("pkcs8", "-topk8", "-nocrypt", "-in", holder.key, "-outform", "DER")
    der = openssl(*words).stdout
    if holder.algorithm == "ed25519":
        # RFC 8410, section 7: the seed is the end of it.
        return SecretKey("ed25519", der[-32:])
    number = asn1_keys.PrivateKeyInfo.load(der)["private_key"].parsed["private_key"].native
    return SecretKey(holder.algorithm, number.to_bytes(32))


@dataclass
class Chain:
    """A root, an authority below it, and an issuer below that."""

    maker: Maker
    root: Holder
    middle: Holder
    leaf: Holder

    @property
    def roots(self) -> list[Certificate]:
        """What is trusted."""
        return [read_certificate(self.root.pem)]

    @property
    def at_s(self) -> int:
        """When statements are made."""
        return self.maker.at_ms // 1_000

    def said(self, *holders: Holder, key: Holder | None = None, issuer: str = ISSUER) -> bytes:
        """Make a statement that brings certificates."""
        return statement.sign_statement(
            b"7.2 mg/l",
            key=secret(key or self.leaf),
            issuer=issuer,
            subject="well 3",
            content_type="text/plain",
            issued_at_s=self.at_s,
            certificates=[read_certificate(one.pem).der for one in holders],
        )

    def policy(self, root: Holder | None = None, more: str = "") -> Policy:
        """Make the policy that trusts a root."""
        pem = (root or self.root).pem.decode()
        return read_policy(f"[[authorities]]\ncertificates = '''\n{pem}'''\n{more}")

    def admitted(self, data: bytes, policy: Policy | None = None, after_ms: int = 0) -> bool:
        """Say whether a statement is admitted, and its signature holds."""
        now_ms = self.maker.at_ms + after_ms
        read = statement.read_statement(data, now_s=now_ms // 1_000)
        key = (policy or self.policy()).key_of(read, now_ms=now_ms)
        statement.verify_statement(read, key)
        return True


def made(folder: Path, algorithm: str, extensions: str = NAMED) -> Chain:
    """Make a chain of certificates."""
    maker = Maker(folder)
    root = maker.authority("root", algorithm)
    middle = maker.authority("middle", algorithm, root)
    return Chain(maker, root, middle, maker.holder("lab", algorithm, middle, extensions=extensions))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    yield made(tmp_path_factory.mktemp("issuing"), "p256")


def code_of(chain: Chain, data: bytes, policy: Policy | None = None, after_ms: int = 0) -> str:
    """Return why a statement is refused; nothing where it is not."""
    try:
        chain.admitted(data, policy, after_ms)
    except TrineError as error:
        return error.code
    return ""


@ALGORITHMS
def test_a_root_vouches_for_an_issuer(tmp_path: Path, algorithm: str) -> None:
    """Goal: who has a certificate below the root registers. Method: certificates of OpenSSL."""
    chain = made(tmp_path, algorithm)
    assert chain.admitted(chain.said(chain.leaf, chain.middle))
    # In any order behind the first, and with the root itself.
    assert chain.admitted(chain.said(chain.leaf, chain.root, chain.middle))
    direct = chain.policy(chain.middle)
    assert chain.admitted(chain.said(chain.leaf), direct)


def test_bad_chains_are_refused(chain: Chain, tmp_path: Path) -> None:
    """Goal: each way in which a chain does not hold has its code. Method: one of each."""
    maker = chain.maker
    other = maker.authority("root", "p256")
    wrong_use = maker.holder(
        "lab",
        "p256",
        chain.middle,
        extensions=NAMED.replace("digitalSignature", "keyEncipherment"),
    )
    issuing = maker.holder(
        "lab", "p256", chain.middle, extensions=AUTHORITY + f"subjectAltName=URI:{ISSUER}\n"
    )
    no_authority = maker.holder("lab2", "p256", chain.leaf, extensions=NAMED)
    good = chain.said(chain.leaf, chain.middle)
    assert code_of(chain, good) == ""
    assert code_of(chain, good, after_ms=DAYS * DAY_MS) == "certificate_expired"
    assert code_of(chain, good, chain.policy(other)) == "unknown_issuer"
    assert code_of(chain, chain.said(chain.leaf)) == "unknown_issuer"
    twenty = [chain.leaf, *[chain.middle] * 19]
    assert code_of(chain, chain.said(*twenty)) == "bad_header"
    assert code_of(chain, chain.said(*twenty[:CHAIN_MAX])) == ""
    for holder, code in (
        (wrong_use, "certificate_not_allowed"),
        (issuing, "certificate_not_allowed"),
        (no_authority, "certificate_not_allowed"),
    ):
        data = chain.said(holder, chain.leaf, chain.middle, key=holder)
        assert code_of(chain, data) == code, holder


def test_a_certificate_speaks_for_whom_it_names(chain: Chain) -> None:
    """Goal: nobody below a root speaks for another. Method: other names, other keys, no chain."""
    nameless = chain.maker.holder("lab", "p256", chain.middle)
    middle = chain.middle
    assert code_of(chain, chain.said(nameless, middle, key=nameless)) == "issuer_not_admitted"
    for issuer in ("https://lab.example", f"{ISSUER}/", "https://LAB.example/water"):
        data = chain.said(chain.leaf, middle, issuer=issuer)
        assert code_of(chain, data) == "issuer_not_admitted"
    assert code_of(chain, chain.said(chain.leaf, middle, key=nameless)) == "cose_signature"
    assert code_of(chain, chain.said(key=chain.leaf)) == "issuer_not_admitted"
    # An issuer with keys of its own in the policy has these and no others.
    own = SecretKey.generate("p256")
    more = f'[[issuers]]\nname = "{ISSUER}"\nkeys = ["p256:{own.public_key.hex()}"]\n'
    policy = chain.policy(more=more)
    assert code_of(chain, chain.said(chain.leaf, middle), policy) == "issuer_key_not_admitted"


def test_types_are_those_of_the_authority(chain: Chain) -> None:
    """Goal: an authority's issuers have its limits. Method: another type of content."""
    narrow = chain.policy(more='media_types = ["application/pdf"]\n')
    data = chain.said(chain.leaf, chain.middle)
    assert code_of(chain, data, narrow) == "media_type_refused"
    assert code_of(chain, data, chain.policy(more='media_types = ["text/plain"]\n')) == ""


def test_every_flipped_bit_is_refused(chain: Chain) -> None:
    """Goal: certificates are under the signature and checked. Method: flip bits everywhere."""
    data = chain.said(chain.leaf, chain.middle)
    place = statement.read_statement(data, now_s=chain.at_s).message.unprotected_slice
    for bit in range(0, 8 * len(data), 61):
        if place[0] <= bit // 8 < place[1]:
            continue
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert code_of(chain, bytes(changed)) != "", bit


def test_it_verifies_offline_with_the_root(chain: Chain) -> None:
    """Goal: years later the root is enough. Method: a receipt of a service; the root, another root,
    a time after the certificates' end, and a receipt that was made after it."""
    data = chain.said(chain.leaf, chain.middle)
    other = [read_certificate(chain.maker.authority("root", "p256").pem)]
    service = [cose.public_key(SERVICE)]
    late_s = chain.at_s + 10 * 365 * 86_400

    def with_receipt(at_s: int) -> bytes:
        entry = statement.entry_of(data)
        leaves = tree.leaf_hashes("sha256", [entry])
        stored = tiles.append("sha256", tiles.FromMapping({}), 0, leaves)
        view = tiles.View("sha256", tiles.FromMapping(stored), 1)
        head = receipt.sign_head(
            TreeHead("sha256", 1, view.root()),
            key=SERVICE,
            issuer="https://log.example",
            subject="log",
            issued_at_s=at_s,
        )
        return statement.with_receipts(data, [receipt.receipt_for(head, 0, [])])

    def verdict(whole: bytes, roots: list[Certificate]) -> str:
        try:
            checking.check(
                whole, issuer_roots=roots, service_keys=service, trust=None, now_s=late_s
            )
        except TrineError as error:
            return error.code
        return ""

    whole = with_receipt(chain.at_s)
    assert verdict(whole, chain.roots) == ""
    assert verdict(whole, other) == "unknown_issuer"
    assert verdict(with_receipt(late_s), chain.roots) == "certificate_expired"
    with pytest.raises(TrineError) as caught:
        checking.check(whole, service_keys=service, trust=None, now_s=late_s)
    assert caught.value.code == "bad_argument"


def test_the_policy_says_what_is_wrong(chain: Chain) -> None:
    """Goal: a wrong table is named. Method: no certificate, no authority's, an unknown field."""
    for text in (
        "",
        "[[authorities]]\n",
        "[[authorities]]\ncertificates = 'nothing'\n",
        f"[[authorities]]\ncertificates = '''{chain.leaf.pem.decode()}'''\n",
        f"[[authorities]]\ncertificates = '''{chain.root.pem.decode()}'''\nname = 'x'\n",
        "authorities = 3\n",
    ):
        with pytest.raises(TrineError) as caught:
            read_policy(text)
        assert caught.value.code == "bad_configuration"


def test_the_time_of_registration_counts(chain: Chain) -> None:
    """Goal: a certificate must be in force when a statement is registered. Method: both edges."""
    read = statement.read_statement(chain.said(chain.leaf, chain.middle), now_s=chain.at_s)
    path = [read_certificate(one.pem) for one in (chain.root, chain.middle, chain.leaf)]
    first_ms = max(one.validity.not_before_ms for one in path)
    last_ms = min(one.validity.not_after_ms for one in path)
    for at_ms in (first_ms, last_ms):
        assert key_by_chain(read, chain.roots, at_ms=at_ms)
    for at_ms in (first_ms - 1_000, last_ms + 1_000):
        with pytest.raises(TrineError):
            key_by_chain(read, chain.roots, at_ms=at_ms)


@pytest.mark.network
def test_from_the_service_to_the_command_line(tmp_path: Path) -> None:
    """Goal: registered by a certificate, verified offline with the root.

    Method: a policy with an authority; a statement with a chain, one of a stranger's chain; the
    command line with the root, with another root, with both and none of the options.
    """
    algorithm = "sm2" if SUITE == "gm" else "p256"
    for name in ("own", "stranger"):
        (tmp_path / name).mkdir()
    own, stranger = (made(tmp_path / name, algorithm) for name in ("own", "stranger"))
    head = f"[[authorities]]\ncertificates = '''\n{own.root.pem.decode()}'''\n"
    data = [
        statement.sign_statement(
            b"7.2 mg/l",
            key=secret(one.leaf),
            issuer=ISSUER,
            subject="well 3",
            content_type="text/plain",
            certificates=[read_certificate(each.pem).der for each in (one.leaf, one.middle)],
        )
        for one in (own, stranger)
    ]
    whole, service_keys = tmp_path / "whole", tmp_path / "keys"
    with (
        chains.chain(Home(tmp_path / "home")) as home,
        chains.service(home, tmp_path / "data", chains.issuer_key(), head=head) as running,
        chains.http(running) as client,
    ):
        answer = client.post("/entries", content=data[0], headers=COSE)
        assert answer.status_code == 201, answer.content
        whole.write_bytes(statement.with_receipts(data[0], [answer.content]))
        service_keys.write_bytes(client.get("/.well-known/scitt-keys").content)
        refused = client.post("/entries", content=data[1], headers=COSE | JSON)
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_issuer")
    words: tuple[object, ...] = ("statement", "verify", whole, "--service-keys", service_keys)
    words += ("--trust", home.trust, "--json")

    def verified(*more: object) -> Ended:
        return trine(*map(str, (*words, *more)), PYTHONPATH=str(ROOT / "src"))

    done = verified("--issuer-roots", own.root.certificate)
    assert done.status == 0 and done.document["verified"], done.out
    done = verified("--issuer-roots", stranger.root.certificate)
    assert (done.status, done.code) == (1, "unknown_issuer")
    key = f"{algorithm}:{secret(own.leaf).public_key.hex()}"
    assert verified("--issuer-key", key).status == 0
    for more in ((), ("--issuer-key", key, "--issuer-roots", own.root.certificate)):
        assert (verified(*more).status, verified(*more).code) == (2, "bad_argument")


def test_the_command_line_puts_certificates_in(tmp_path: Path) -> None:
    """Goal: whoever has a key file and a certificate signs. Method: the certificate of that key."""
    file, certificate = tmp_path / "file", tmp_path / "chain.pem"
    file.write_text("7.2 mg/l")
    own = made(tmp_path, "p256")
    certificate.write_bytes(own.leaf.pem + own.middle.pem)
    password = tmp_path / "password"
    password.write_text("a password\n")
    source = {"PYTHONPATH": str(ROOT / "src"), "TRINE_PASSWORD_FILE": str(password)}
    home = ("--home", tmp_path / "home")
    assert trine("key", "new", "admin", *home, **source).status == 0
    words = ("statement", "sign", file, "--issuer", ISSUER, "--certificates", certificate)
    done = trine(*words, "--out", tmp_path / "made", *home, "--json", **source)
    assert done.status == 0, done.err
    read = statement.read_statement((tmp_path / "made").read_bytes(), now_s=own.at_s)
    assert [one.subject for one in certificates_of(read)] == ["CN=lab,O=City", "CN=middle,O=City"]
    assert read.key_id is None
