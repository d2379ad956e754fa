"""Test that every verdict on a certificate is that of `openssl verify`."""

import base64
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.x509.authority import (
    AUTHORITY,
    DAY_MS,
    DISTID,
    MEMBER,
    Holder,
    List,
    Maker,
    openssl,
)
from trine.crypto.x509 import RevocationList, check_member, read_certificate, read_certificates
from trine.errors import TrineError

ALGORITHMS = ("sm2", "p256", "ed25519")
NO_CERT_SIGN = "basicConstraints=critical,CA:true\nkeyUsage=critical,cRLSign\n"
NO_CRL_SIGN = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
DEEPEST = AUTHORITY.replace("CA:true", "CA:true,pathlen:0")
NO_IDENTIFIERS = "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n"
STRANGE = MEMBER + "1.2.3.4=critical,ASN1:UTF8String:strange\n"


@dataclass
class World:
    """Everybody with a certificate of one algorithm."""

    maker: Maker
    algorithm: str
    holders: dict[str, Holder] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Holder:
        return self.holders[name]

    def build(self) -> None:
        """Make the authorities and members of all cases."""
        make = self.maker
        kind = self.algorithm
        root = make.authority("root", kind)
        issuing = make.authority("issuing", kind, root, extensions=DEEPEST)
        deeper = make.authority("deeper", kind, issuing)
        short = make.authority("short", kind, root, days=4)
        unsigning = make.authority("unsigning", kind, root, extensions=NO_CERT_SIGN)
        listless = make.authority("listless", kind, root, extensions=NO_CRL_SIGN)
        member = make.holder("member", kind, issuing)
        self.holders = {
            "root": root,
            "issuing": issuing,
            "deeper": deeper,
            "short": short,
            "unsigning": unsigning,
            "listless": listless,
            "member": member,
            "of root": make.holder("of root", kind, root),
            "of deeper": make.holder("of deeper", kind, deeper),
            "of short": make.holder("of short", kind, short),
            "of member": make.holder("of member", kind, member),
            "of unsigning": make.holder("of unsigning", kind, unsigning),
            "of listless": make.holder("of listless", kind, listless),
            "strange": make.holder("strange", kind, root, extensions=STRANGE),
            "no identifiers": make.holder("no identifiers", kind, root, identifiers=NO_IDENTIFIERS),
            "twin root": make.authority("root", kind),
            "other root": make.authority("other", kind),
        }


@pytest.fixture(scope="module", params=ALGORITHMS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everybody, once for each algorithm."""
    made = World(Maker(tmp_path_factory.mktemp(request.param)), request.param)
    made.build()
    return made


def both(
    world: World,
    certificate: Path,
    *,
    trusted: str = "root",
    between: tuple[str, ...] = ("issuing",),
    crls: list[List] | None = None,
    days: float = 0,
) -> str:
    """Check with both; the code of our refusal, or empty. Fails where OpenSSL says otherwise."""
    at_ms = world.maker.at_ms + int(days * DAY_MS)
    authorities, intermediates = [world[trusted]], [world[name] for name in between]
    theirs = world.maker.verify(
        certificate, authorities=authorities, intermediates=intermediates, crls=crls, at_ms=at_ms
    )
    code = ""
    try:
        path = check_member(
            read_certificate(certificate.read_bytes()),
            authorities=[read_certificate(one.pem) for one in authorities],
            intermediates=[read_certificate(one.pem) for one in intermediates],
            crls=None if crls is None else [RevocationList(one.ours.read_bytes()) for one in crls],
            at_ms=at_ms,
        )
        assert path.authority == read_certificate(authorities[0].pem)
        assert path.is_revocation_checked == (crls is not None)
    except TrineError as error:
        code = error.code
        assert str(error)
    assert bool(code) == bool(theirs), f"ours {code!r}, OpenSSL {theirs!r}"
    return code


PATHS = [
    # Member, trusted authority, intermediates, days from now, code
    ("member", "root", ("issuing",), 0, ""),
    ("member", "issuing", (), 0, ""),
    ("of root", "root", (), 0, ""),
    ("of root", "root", ("issuing", "deeper", "short"), 9, ""),
    ("no identifiers", "root", (), 0, ""),
    ("of short", "root", ("short",), 0, ""),
    ("member", "root", (), 0, "unknown_issuer"),
    ("member", "other root", ("issuing",), 0, "unknown_issuer"),
    ("of root", "twin root", (), 0, "unknown_issuer"),
    ("no identifiers", "twin root", (), 0, "certificate_signature"),
    ("member", "root", ("issuing",), 11, "certificate_expired"),
    ("of short", "root", ("short",), 5, "certificate_expired"),
    ("member", "root", ("issuing",), -1, "certificate_not_yet_valid"),
    ("of member", "root", ("issuing", "member"), 0, "certificate_not_allowed"),
    ("of deeper", "root", ("issuing", "deeper"), 0, "certificate_not_allowed"),
    ("of deeper", "issuing", ("deeper",), 0, "certificate_not_allowed"),
    ("of unsigning", "root", ("unsigning",), 0, "certificate_not_allowed"),
    ("strange", "root", (), 0, "unsupported_certificate"),
]


@pytest.mark.parametrize(("member", "trusted", "between", "days", "code"), PATHS)
def test_paths(world: World, member, trusted, between, days, code) -> None:
    """Goal: the same verdict as OpenSSL. Method: good paths, and each broken in one way."""
    found = both(world, world[member].certificate, trusted=trusted, between=between, days=days)
    assert found == code


def test_revocation(world: World) -> None:
    """Goal: the same verdict with revocation lists. Method: lists good, naming, stale, missing."""
    make = world.maker
    clean = [make.crl(world["root"]), make.crl(world["issuing"])]
    member = world["member"].certificate
    assert both(world, member, crls=clean) == ""
    assert both(world, member, crls=clean[::-1]) == ""
    named = make.crl(world["issuing"], world["of root"], world["member"])
    assert both(world, member, crls=[clean[0], named]) == "certificate_revoked"
    above = make.crl(world["root"], world["issuing"])
    assert both(world, member, crls=[above, clean[1]]) == "certificate_revoked"
    assert both(world, member, crls=clean, days=6) == "crl_stale"
    assert both(world, member, crls=clean[:1]) == "crl_missing"
    assert both(world, member, crls=clean[1:]) == "crl_missing"
    assert both(world, member, crls=[]) == "crl_missing"
    itself = make.crl(world["root"], world["root"])
    assert both(world, member, crls=[itself, clean[1]]) == "certificate_revoked"


def test_the_newest_list_decides(world: World) -> None:
    """Goal: no older list undoes a newer one. Method: both, each alone of this time."""
    make = world.maker
    older = make.crl(world["root"], days=9)
    # Lists carry whole seconds: the second one must bear a later one.
    time.sleep(1.1)
    newer = make.crl(world["root"], world["of root"], days=5)
    certificate = read_certificate(world["of root"].pem)
    lists = [RevocationList(one.ours.read_bytes()) for one in (older, newer)]
    for days, code in ((0, "certificate_revoked"), (6, "crl_stale")):
        at_ms = make.at_ms + days * DAY_MS
        with pytest.raises(TrineError) as refused:
            check_member(
                certificate,
                authorities=[read_certificate(world["root"].pem)],
                crls=lists,
                at_ms=at_ms,
            )
        assert refused.value.code == code


def test_lists_of_others(world: World) -> None:
    """Goal: a list counts only from its issuer. Method: a twin's list; an issuer without right."""
    make = world.maker
    twin = make.crl(world["twin root"])
    of_root = world["of root"].certificate
    assert both(world, of_root, crls=[twin]) == "certificate_signature"
    named = [make.crl(world[name], identifier=True) for name in ("root", "twin root")]
    assert both(world, of_root, crls=named[1:]) == "crl_missing"
    # The list of the key that took over the name comes last, and is the newer one.
    assert both(world, of_root, crls=named) == ""
    lists = [make.crl(world["root"]), make.crl(world["listless"])]
    certificate = world["of listless"].certificate
    found = both(world, certificate, between=("listless",), crls=lists)
    assert found == "certificate_not_allowed"


def test_changed_bytes(world: World, tmp_path: Path) -> None:
    """Goal: no changed certificate passes. Method: change name, key or signature; ask both."""
    der = read_certificate(world["of root"].pem).der
    name = der.index(b"of root")
    key = der.index(read_certificate(world["of root"].pem).key_info[-20:])
    changed = tmp_path / "changed.pem"
    for place in (name, key, key + 19, len(der) - 1, len(der) - 20):
        bytes_ = bytearray(der)
        bytes_[place] ^= 1
        changed.write_bytes(pem(bytes(bytes_)))
        assert both(world, changed) != ""


def pem(der: bytes) -> bytes:
    """Write DER as PEM."""
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    body = b"\n".join(lines)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("kind", ["rsa", "p384", "sm2", "ed25519"])
def test_authorities_of_another_algorithm(tmp_path: Path, kind: str) -> None:
    """Goal: an authority may have another algorithm. Method: P-256 members below each of them."""
    maker = Maker(tmp_path)
    world = World(maker, kind)
    root = maker.authority("root", kind)
    member = maker.holder("member", "p256", root)
    world.holders = {"root": root, "member": member}
    assert both(world, member.certificate, between=(), crls=[maker.crl(root)]) == ""
    named = maker.crl(root, member)
    assert both(world, member.certificate, between=(), crls=[named]) == "certificate_revoked"


def test_a_chain_in_one_file(world: World) -> None:
    """Goal: a file with a whole chain is read. Method: member, issuing, root in one PEM."""
    joined = b"".join(world[name].pem for name in ("member", "issuing", "root"))
    first, *others = read_certificates(joined)
    at_ms = world.maker.at_ms
    path = check_member(
        first, authorities=others[1:], intermediates=others[:1], crls=None, at_ms=at_ms
    )
    assert [one.subject for one in path.certificates] == [
        "CN=member,O=City",
        "CN=issuing,O=City",
        "CN=root,O=City",
    ]
    assert path.member.key[0] == world.algorithm


def test_sm2_links(tmp_path: Path) -> None:
    """Goal: OpenSSL accepts each SM2 signature that we accept, with the identifier of the profile.

    Method: each certificate of a path as the first below its issuer; the list's bytes alone.
    """
    maker = Maker(tmp_path)
    root = maker.authority("root", "sm2")
    issuing = maker.authority("issuing", "sm2", root)
    member = maker.holder("member", "sm2", issuing)
    for one, issuer in ((issuing, root), (member, issuing)):
        openssl(
            "verify", "-partial_chain", "-vfyopt", DISTID, "-CAfile", issuer.certificate,
            one.certificate,
        )  # fmt: skip
    crl = RevocationList(maker.crl(root).ours.read_bytes()).parsed
    signed, signature, key = (tmp_path / name for name in ("signed", "signature", "key"))
    signed.write_bytes(crl.tbs_certlist_bytes)
    signature.write_bytes(crl.signature)
    openssl("pkey", "-in", root.key, "-pubout", "-out", key)
    openssl("dgst", "-sm3", "-verify", key, "-sigopt", DISTID, "-signature", signature, signed)
