"""Test what OpenSSL does not decide: which certificates enrol members, limits, hostile bytes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.x509 import authority
from tests.x509.authority import AUTHORITY, DAY_MS, MEMBER, Holder, Maker
from tests.x509.test_openssl import pem
from trine.crypto import hash_many, public_key_from_pem
from trine.crypto.x509 import (
    Certificate,
    RevocationList,
    check_member,
    read_certificate,
    read_certificates,
)
from trine.crypto.x509.certificate import (
    CERTIFICATES_MAX,
    FILE_BYTES_MAX,
    NAME_CHARACTERS_MAX,
    readable,
)
from trine.crypto.x509.path import PATH_CERTIFICATES_MAX, PATHS_MAX
from trine.crypto.x509.revocation import CRLS_MAX
from trine.errors import BadArgument, BadCertificate, BadCrl, TrineError

ENCIPHERS = "basicConstraints=CA:false\nkeyUsage=critical,keyEncipherment,keyAgreement\n"
NAMES = AUTHORITY + "nameConstraints=permitted;DNS:city.example\n"
EXPLICIT = AUTHORITY + "policyConstraints=requireExplicitPolicy:0\n"


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A maker of certificates."""
    return Maker(tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="module")
def root(maker: Maker) -> Holder:
    """An authority."""
    return maker.authority("root", "p256")


def refusal(maker: Maker, member: Holder, root: Holder, *between: Holder) -> str:
    """Check a member; the code of the refusal, or empty."""
    try:
        check_member(
            read_certificate(member.pem),
            authorities=[read_certificate(root.pem)],
            intermediates=[read_certificate(one.pem) for one in between],
            crls=None,
            at_ms=maker.at_ms,
        )
    except TrineError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("algorithm", "extensions", "code"),
    [
        ("p256", MEMBER, ""),
        ("p256", "extendedKeyUsage=critical,clientAuth,emailProtection\n" + MEMBER, ""),
        ("p256", "certificatePolicies=1.2.3\nsubjectAltName=email:a@city.example\n" + MEMBER, ""),
        ("p256", AUTHORITY, "certificate_not_allowed"),
        ("sm2", ENCIPHERS, "certificate_not_allowed"),
        ("rsa", MEMBER, "unsupported_certificate"),
        ("p384", MEMBER, "unsupported_certificate"),
    ],
)
def test_members(maker: Maker, root: Holder, algorithm: str, extensions: str, code: str) -> None:
    """Goal: only a signing key of our algorithms is enrolled. Method: each kind of certificate."""
    member = maker.holder("member", algorithm, root, extensions=extensions)
    assert refusal(maker, member, root) == code


@pytest.mark.parametrize("extensions", [NAMES, EXPLICIT])
def test_constraints_are_not_ignored(maker: Maker, root: Holder, extensions: str) -> None:
    """Goal: constraints that are not understood refuse. Method: an authority with each of them."""
    issuing = maker.authority("bound", "p256", root, extensions=extensions)
    member = maker.holder("member", "p256", issuing)
    assert refusal(maker, member, root, issuing) == "unsupported_certificate"


def test_critical_entries_are_not_ignored() -> None:
    """Goal: a list that cannot be understood is not used. Method: an entry with such extensions."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    time = datetime(2026, 6, 1, tzinfo=UTC)
    for critical in (False, True):
        entry = x509.RevokedCertificateBuilder(9, time).add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), critical
        )
        made = x509.CertificateRevocationListBuilder(name, time, time + timedelta(days=1))
        der = made.add_revoked_certificate(entry.build()).sign(key, None).public_bytes(Encoding.DER)
        if critical:
            with pytest.raises(BadCrl, match=r"1\.2\.3 at the serial number 9"):
                RevocationList(der)
        else:
            assert RevocationList(der).issuer == name


def test_sha1_is_refused(maker: Maker, root: Holder, tmp_path: Path) -> None:
    """Goal: no forgeable hash counts. Method: a P-256 member signed with SHA-1."""
    key, request, out = (tmp_path / name for name in ("key", "csr", "pem"))
    authority.openssl("genpkey", *authority.KEY_OPTIONS["p256"], "-out", key)
    authority.openssl("req", "-new", "-key", key, "-subj", "/CN=old", "-out", request)
    file = tmp_path / "extensions"
    file.write_text(MEMBER)
    authority.openssl(
        "x509", "-req", "-in", request, "-CA", root.certificate, "-CAkey", root.key, "-sha1",
        "-set_serial", 9, "-extfile", file, "-days", 5, "-out", out,
    )  # fmt: skip
    member = Holder("old", "p256", key, out, out, 9)
    assert refusal(maker, member, root) == "unsupported_certificate"


def test_version_1_is_refused(maker: Maker, tmp_path: Path) -> None:
    """Goal: a certificate says what it is for. Method: one without extensions."""
    key, request, out = (tmp_path / name for name in ("key", "csr", "pem"))
    authority.openssl("genpkey", *authority.KEY_OPTIONS["p256"], "-out", key)
    authority.openssl("req", "-new", "-key", key, "-subj", "/CN=old", "-out", request)
    authority.openssl("x509", "-req", "-in", request, "-signkey", key, "-out", out)
    with pytest.raises(BadCertificate, match="version 1"):
        read_certificate(out.read_bytes())


def test_key_and_fingerprint(maker: Maker, root: Holder) -> None:
    """Goal: key and fingerprint are those of other programs. Method: OpenSSL gives both."""
    for algorithm in ("sm2", "p256", "ed25519"):
        member = maker.holder("member", algorithm, root)
        certificate = read_certificate(member.pem)
        public = authority.openssl("pkey", "-in", member.key, "-pubout").stdout
        assert certificate.key == public_key_from_pem(public)
        for suite, function in (("intl", "sha256"), ("gm", "sm3")):
            command = ["x509", "-in", member.certificate, "-noout", "-fingerprint"]
            shown = authority.openssl(*command, f"-{function}").stdout.decode().split("=")[1]
            assert certificate.fingerprint(suite) == bytes.fromhex(shown.replace(":", ""))
            assert certificate.fingerprint(suite) == hash_many(function, [certificate.der])[0]
        days = (certificate.validity.not_after_ms - certificate.validity.not_before_ms) / DAY_MS
        assert days == authority.DAYS


def test_names_are_safe_to_print(maker: Maker, root: Holder) -> None:
    """Goal: no name steers a terminal. Method: an escape sequence in a name, and a long one."""
    strange = maker.holder("\x1b[31mred\x07", "p256", root)
    assert read_certificate(strange.pem).subject == "CN=\\001b[31mred\\0007,O=City"
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, "n" * 64)] * 9
    shown = readable(x509.Name(names))
    assert len(shown) == NAME_CHARACTERS_MAX + 3


def test_path_length(maker: Maker, root: Holder) -> None:
    """Goal: the longest path passes, one longer does not. Method: a tower of authorities."""
    tower = [root]
    while len(tower) < PATH_CERTIFICATES_MAX:
        tower.append(maker.authority(f"floor {len(tower)}", "ed25519", tower[-1]))
    longest = maker.holder("member", "p256", tower[PATH_CERTIFICATES_MAX - 2])
    beyond = maker.holder("member", "p256", tower[PATH_CERTIFICATES_MAX - 1])
    assert refusal(maker, longest, root, *tower[:0:-1]) == ""
    assert refusal(maker, beyond, root, *tower[:0:-1]) == "unknown_issuer"


def test_many_namesakes_cost_bounded_work(maker: Maker, root: Holder) -> None:
    """Goal: look-alikes end. Method: authorities of one name that all seem to have issued all."""
    bare = "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n"
    same = [
        maker.authority("root", "ed25519", root, identifiers=bare) for _ in range(PATHS_MAX + 4)
    ]
    member = maker.holder("member", "ed25519", root, identifiers=bare)
    assert refusal(maker, member, root, *same) == ""
    assert refusal(maker, member, same[0], *same[1:]) == "certificate_signature"


def test_limits(maker: Maker, root: Holder) -> None:
    """Goal: past a limit there is an error that names it. Method: each limit and one more."""
    one = read_certificate(root.pem)
    crl = RevocationList(maker.crl(root).ours.read_bytes())
    assert len(read_certificates(root.pem * CERTIFICATES_MAX)) == CERTIFICATES_MAX
    with pytest.raises(BadCertificate, match=str(CERTIFICATES_MAX)):
        read_certificates(root.pem * (CERTIFICATES_MAX + 1))
    with pytest.raises(BadCertificate, match=str(FILE_BYTES_MAX)):
        read_certificates(root.pem + bytes(FILE_BYTES_MAX))
    with pytest.raises(BadArgument, match=str(CERTIFICATES_MAX)):
        check_member(one, authorities=[one] * (CERTIFICATES_MAX + 1), crls=None, at_ms=0)
    with pytest.raises(BadArgument, match=str(CRLS_MAX)):
        check_member(one, authorities=[one], crls=[crl] * (CRLS_MAX + 1), at_ms=0)


SAMPLES: dict[str, bytes] = {}


def sample(maker: Maker, root: Holder, algorithm: str) -> bytes:
    """Make the DER of a certificate of the algorithm, once."""
    if algorithm not in SAMPLES:
        SAMPLES[algorithm] = read_certificate(maker.holder("any", algorithm, root).pem).der
    return SAMPLES[algorithm]


@settings(max_examples=300, deadline=None)
@given(
    algorithm=st.sampled_from(["sm2", "p256", "ed25519"]),
    place=st.integers(0, 10_000),
    change=st.binary(max_size=3),
    cut=st.integers(0, 3),
    as_pem=st.booleans(),
)
def test_hostile_certificates(maker, root, algorithm, place, change, cut, as_pem) -> None:
    """Goal: any bytes give a coded error. Method: put, cut and replace bytes anywhere; check."""
    der = sample(maker, root, algorithm)
    place %= len(der)
    changed = der[:place] + change + der[place + cut :]
    if changed == der:
        return
    trusted = read_certificate(root.pem)
    try:
        certificate = read_certificate(pem(changed) if as_pem else changed)
        assert isinstance(certificate, Certificate)
        at_ms = maker.at_ms
        check_member(certificate, authorities=[trusted], crls=None, at_ms=at_ms)
    except TrineError:
        return
    pytest.fail("a changed certificate was accepted")


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), change=st.binary(max_size=3), cut=st.integers(0, 3))
def test_hostile_lists(maker, root, place, change, cut) -> None:
    """Goal: any bytes give a coded error. Method: put, cut and replace bytes in a list; check."""
    if "crl" not in SAMPLES:
        listed = maker.holder("listed", "p256", root)
        parsed = x509.load_pem_x509_crl(maker.crl(root, listed).ours.read_bytes())
        SAMPLES["crl"] = parsed.public_bytes(Encoding.DER)
    der = SAMPLES["crl"]
    place %= len(der)
    changed = der[:place] + change + der[place + cut :]
    if changed == der:
        return
    member = read_certificate(sample(maker, root, "p256"))
    try:
        crls = [RevocationList(changed)]
        at_ms = maker.at_ms
        trusted = [read_certificate(root.pem)]
        check_member(member, authorities=trusted, crls=crls, at_ms=at_ms)
    except TrineError:
        return
    pytest.fail("a changed list was accepted")


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    """Goal: any bytes give a coded error. Method: random bytes, bare and under a PEM mark."""
    for text in (content, b"-----BEGIN CERTIFICATE-----\n" + content):
        with pytest.raises(BadCertificate):
            read_certificate(text)
        with pytest.raises(BadCrl):
            RevocationList(text)
