"""Test verdicts on generated worlds of certificates against `openssl verify`."""

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from trine.crypto.x509 import RevocationList, check_member, read_certificate
from trine.errors import TrineError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DEPTH_MAX = 4
KEYS = [
    ec.derive_private_key(7 + place, ec.SECP256R1())
    if place % 2
    else ed25519.Ed25519PrivateKey.from_private_bytes(bytes([place]) * 32)
    for place in range(DEPTH_MAX + 3)
]
"""Key of each holder; the last one is a stranger's."""
STRANGER = KEYS[-1]

rarely = st.integers(0, 11).map(lambda number: number == 0)
often = st.integers(0, 11).map(lambda number: number != 0)


@dataclass(frozen=True)
class Plan:
    """What a certificate says; the defaults are those of a good one."""

    starts: int
    ends: int
    path_length: int | None
    is_authority: bool
    usage: bool | None
    subject_key: bool
    issuer_key: bool
    own_signer: bool
    long_hash: bool


def plans(*, is_authority: bool) -> st.SearchStrategy[Plan]:
    """Plan certificates that are good for the most part."""
    return st.builds(
        Plan,
        starts=rarely.map(lambda late: 1 if late else -10),
        ends=rarely.map(lambda early: -2 if early else 10),
        path_length=st.sampled_from([None, None, 0, 1, 2]),
        # An authority among members is refused here, and of no interest to OpenSSL.
        is_authority=often if is_authority else st.just(False),
        usage=st.one_of(st.none(), often) if is_authority else st.sampled_from([None, True]),
        subject_key=st.booleans(),
        issuer_key=st.booleans(),
        own_signer=often,
        long_hash=st.booleans(),
    )


@dataclass(frozen=True)
class ListPlan:
    """What an issuer's revocation list says."""

    is_there: bool
    revoked: int | None
    starts: int
    ends: int
    own_signer: bool
    reason: x509.ReasonFlags | None
    critical: bool
    names_key: bool


list_plans = st.builds(
    ListPlan,
    is_there=often,
    revoked=st.one_of(st.none(), st.none(), st.integers(0, DEPTH_MAX)),
    starts=rarely.map(lambda late: 1 if late else -3),
    ends=rarely.map(lambda early: -1 if early else 3),
    own_signer=often,
    reason=st.sampled_from([None, x509.ReasonFlags.key_compromise]),
    critical=rarely,
    names_key=st.booleans(),
)


def name(place: int) -> x509.Name:
    """Name a holder by its place below the root."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"holder {place}")])


def hash_for(key: object, *, long_hash: bool) -> hashes.HashAlgorithm | None:
    """Choose the hash with which a key signs."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    return hashes.SHA384() if long_hash else hashes.SHA256()


def key_usage(plan: Plan, *, signs: bool) -> x509.KeyUsage:
    """Say what a key is for; an authority without right may still sign lists."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs and bool(plan.usage),
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def issue(place: int, plan: Plan, *, signs: bool) -> x509.Certificate:
    """Issue the certificate of a holder, by the one above it."""
    key, above = KEYS[place], KEYS[max(0, place - 1)]
    starts = NOW + plan.starts * DAY
    ends = max(NOW + plan.ends * DAY, starts + DAY)
    made = x509.CertificateBuilder(
        name(max(0, place - 1)), name(place), key.public_key(), place + 1, starts, ends
    )
    length = plan.path_length if plan.is_authority else None
    made = made.add_extension(x509.BasicConstraints(plan.is_authority, length), critical=True)
    if plan.usage is not None:
        made = made.add_extension(key_usage(plan, signs=signs), critical=True)
    if plan.subject_key:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = made.add_extension(own, critical=False)
    if plan.issuer_key:
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key())
        made = made.add_extension(whose, critical=False)
    signer = above if plan.own_signer else STRANGER
    return made.sign(signer, hash_for(signer, long_hash=plan.long_hash))


def issue_list(place: int, plan: ListPlan) -> x509.CertificateRevocationList:
    """Make the revocation list of a holder."""
    starts = NOW + plan.starts * DAY
    ends = max(NOW + plan.ends * DAY, starts + DAY)
    made = x509.CertificateRevocationListBuilder(name(place), starts, ends)
    if plan.revoked is not None:
        entry = x509.RevokedCertificateBuilder(plan.revoked + 1, NOW - 5 * DAY)
        if plan.reason:
            entry = entry.add_extension(x509.CRLReason(plan.reason), critical=plan.critical)
        made = made.add_revoked_certificate(entry.build())
    if plan.names_key:
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEYS[place].public_key())
        made = made.add_extension(whose, critical=False)
    signer = KEYS[place] if plan.own_signer else STRANGER
    return made.sign(signer, hash_for(signer, long_hash=False))


@dataclass
class World:
    """A root, the authorities below it and a member, and the lists of all but the member."""

    holders: list[x509.Certificate]
    lists: list[x509.CertificateRevocationList] | None = field(default=None)

    def ask_openssl(self, folder: Path) -> str:
        """Say what OpenSSL thinks of the member: empty, or why not."""
        root, *between, member = self.holders
        files = {"root": [root], "between": between, "member": [member], "lists": self.lists or []}
        for file, content in files.items():
            (folder / file).write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in content))
        command = ["openssl", "verify", "-attime", str(int(NOW.timestamp()))]
        command += ["-no-CApath", "-no-CAstore", "-CAfile", str(folder / "root")]
        if between:
            command += ["-untrusted", str(folder / "between")]
        if self.lists is not None:
            command += ["-crl_check_all"]
            command += ["-CRLfile", str(folder / "lists")] if self.lists else []
        done = subprocess.run([*command, str(folder / "member")], capture_output=True, check=False)
        return "" if done.returncode == 0 else done.stderr.decode()

    def check(self) -> str:
        """Say what we think of the member: empty, or the code of the refusal."""
        root, *between, member = (
            read_certificate(one.public_bytes(Encoding.DER)) for one in self.holders
        )
        try:
            crls = self.lists
            check_member(
                member,
                authorities=[root],
                intermediates=between[::-1],
                crls=None
                if crls is None
                else [RevocationList(one.public_bytes(Encoding.DER)) for one in crls],
                at_ms=int(NOW.timestamp()) * 1_000,
            )
        except TrineError as error:
            return error.code
        return ""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Generate a path and the lists of its issuers."""
    authorities = draw(st.lists(plans(is_authority=True), min_size=1, max_size=DEPTH_MAX))
    holders = [issue(place, plan, signs=True) for place, plan in enumerate(authorities)]
    member = draw(plans(is_authority=False))
    holders.append(issue(len(authorities), member, signs=False))
    if draw(st.booleans()):
        return World(holders)
    lists = [(place, draw(list_plans)) for place in range(len(authorities))]
    return World(holders, [issue_list(place, plan) for place, plan in lists if plan.is_there])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files of one world after the other."""
    return tmp_path_factory.mktemp("worlds")


@settings(max_examples=300)
@given(world=worlds())
def test_generated_worlds(folder: Path, world: World) -> None:
    """Goal: the same verdict as OpenSSL, whatever goes wrong at once. Method: generated worlds."""
    ours, theirs = world.check(), world.ask_openssl(folder)
    assert bool(ours) == bool(theirs), f"ours {ours!r}, OpenSSL {theirs!r}"
