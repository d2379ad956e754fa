"""Make certificates of issuers that are the same each time: fixed keys, names, numbers and times.

`certified` makes the certificates of a chain, `variants` chains of which one thing is wrong.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from asn1crypto import keys as asn1_keys
from asn1crypto import pem, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trine.crypto import SecretKey, public_key_to_pem, sign_message, signature_to_der

AT_S: Final = 1_700_000_060
"""When the golden chains record a statement, in Unix seconds."""
DAY_S: Final = 86_400
ISSUER: Final = "https://lab.example/water"
SIGNATURES: Final = {
    "ed25519": "1.3.101.112",
    "p256": "1.2.840.10045.4.3.2",
    "p384": "1.2.840.10045.4.3.3",
    "p521": "1.2.840.10045.4.3.4",
    "rsa": "1.2.840.113549.1.1.11",
    "sm2": "1.2.156.10197.1.501",
}
"""Identifiers of signatures (RFC 8410, RFC 5758, RFC 5754, GM/T 0006)."""
CURVES: Final = {"p384": (ec.SECP384R1, hashes.SHA384), "p521": (ec.SECP521R1, hashes.SHA512)}
EXPONENT: Final = 65_537
PRIMES: Final = (
    int(
        "f24946cb3fa33eb59095545bb9f597180214376826ea8f05eb9abe0079d302b1"
        "2cdfeda72ad5e08a54dfb108a5822ac45eac1b85ca66e15e33b39e31642328d8"
        "f209ad615068bd0679a20c154900cbb0fa0de95931e27f343f7276f354549093"
        "403d66de316756fc1f11b90c1f947a8501661a07b9f0a12f3d741048bf57fa4d",
        16,
    ),
    int(
        "c57314bd33bff0d46b8420fc7dfbb8d482d402e813a00da1a22c9ca56a833304"
        "b6d15f9719b2869b33d33ee1aed0210273389c34b5e15f88c59b6a06742f4eeb"
        "5b9ef5062bbf8a2949068df74a60a78aa079d149ab336a5e1a8732c62d156da0"
        "08524319893d8e55c1f3fb104cf4d000db5428a023d91b60392a1f6bbdf27b5d",
        16,
    ),
)
"""Two primes that OpenSSL made for these tests, and for nothing else."""


class Holder(NamedTuple):
    """Who has a key."""

    name: str
    kind: str
    secret: Any

    @property
    def info(self) -> bytes:
        """The public key as certificates have it."""
        if isinstance(self.secret, SecretKey):
            return bytes(pem.unarmor(public_key_to_pem(self.kind, self.secret.public_key))[2])
        return bytes(
            self.secret.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    @property
    def identifier(self) -> bytes:
        """Name of the key."""
        return hashlib.sha256(self.info).digest()[:20]

    def sign(self, data: bytes) -> bytes:
        """Sign as certificates are signed, always with the same result."""
        if isinstance(self.secret, SecretKey):
            made = sign_message(self.secret, data)
            return made if self.kind == "ed25519" else signature_to_der(self.kind, made)
        if self.kind == "rsa":
            return bytes(self.secret.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        function = CURVES[self.kind][1]()
        return bytes(self.secret.sign(data, ec.ECDSA(function, deterministic_signing=True)))


@cache
def holder(name: str, kind: str, number: int) -> Holder:
    """Return a holder of a fixed key; that of RSA is always the same one."""
    if kind == "rsa":
        p, q = PRIMES
        d = pow(EXPONENT, -1, (p - 1) * (q - 1))
        public = rsa.RSAPublicNumbers(EXPONENT, p * q)
        parts = (p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
        return Holder(name, kind, rsa.RSAPrivateNumbers(*parts).private_key())
    secret = bytes([0, *[number] * 31])
    if kind in CURVES:
        return Holder(name, kind, ec.derive_private_key(int.from_bytes(secret), CURVES[kind][0]()))
    return Holder(name, kind, SecretKey(kind, secret))


@dataclass(frozen=True)
class Says:
    """What a certificate says beside its key.

    Attributes:
        is_authority: Whether it may issue others.
        uri: URI of the issuer that it names.
        usage: What its key may do; by default what follows from `is_authority`.
        path_length: Authorities that may stand below it.
        begin_s: First second at which it is in force, in Unix seconds.
        end_s: Last second.
        more: Further extensions.
    """

    is_authority: bool = False
    uri: str = ISSUER
    usage: str = ""
    path_length: int | None = None
    begin_s: int = AT_S - 30 * DAY_S
    end_s: int = AT_S + 300 * DAY_S
    more: tuple[dict[str, Any], ...] = ()

    def extensions(self) -> list[dict[str, Any]]:
        """Write them."""
        constraints: dict[str, Any] = {"ca": self.is_authority}
        if self.path_length is not None:
            constraints["path_len_constraint"] = self.path_length
        usage = self.usage or ("key_cert_sign" if self.is_authority else "digital_signature")
        found = [
            {"extn_id": "basic_constraints", "critical": True, "extn_value": constraints},
            {"extn_id": "key_usage", "critical": True, "extn_value": {usage}},
        ]
        if not self.is_authority or self.usage:
            names = [x509.GeneralName("uniform_resource_identifier", self.uri)]
            found.append({"extn_id": "subject_alt_name", "extn_value": names})
        return [*found, *self.more]


AUTHORITY: Final = Says(is_authority=True)
MEMBER: Final = Says()


def certify(subject: Holder, issuer: Holder, says: Says, *, named: bool) -> bytes:
    """Issue a certificate (RFC 5280, section 4.1), in DER; with `named` keys are named in it."""
    extensions = says.extensions()
    if named:
        key = {"key_identifier": issuer.identifier}
        extensions.append({"extn_id": "key_identifier", "extn_value": subject.identifier})
        extensions.append({"extn_id": "authority_key_identifier", "extn_value": key})
    algorithm = {"algorithm": SIGNATURES[issuer.kind]}
    to_be_signed = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": 1 + len(subject.name),
            "signature": algorithm,
            "issuer": _name(issuer),
            "validity": {"not_before": _time(says.begin_s), "not_after": _time(says.end_s)},
            "subject": _name(subject),
            "subject_public_key_info": asn1_keys.PublicKeyInfo.load(subject.info),
            "extensions": extensions,
        }
    )
    parts = {
        "tbs_certificate": to_be_signed,
        "signature_algorithm": algorithm,
        "signature_value": issuer.sign(to_be_signed.dump()),
    }
    return bytes(x509.Certificate(parts).dump())


def _time(at_s: int) -> x509.Time:
    return x509.Time("utc_time", datetime.fromtimestamp(at_s, UTC))


def _name(one: Holder) -> x509.Name:
    return x509.Name.build({"organization_name": "City", "common_name": one.name})


@dataclass(frozen=True)
class Family:
    """An issuer, an authority above it, and the root above that.

    Attributes:
        name: Name of the family, for files.
        suite: Suite of the chain that records the issuer's statements.
        kinds: Kinds of the keys of issuer, authority and root.
        named: Whether the certificates name keys.
    """

    name: str
    suite: str
    kinds: tuple[str, str, str]
    named: bool

    @property
    def leaf(self) -> Holder:
        """The issuer."""
        return holder("lab", self.kinds[0], 21)

    @property
    def key(self) -> SecretKey:
        """The issuer's key."""
        key: SecretKey = self.leaf.secret
        return key

    @property
    def middle(self) -> Holder:
        """The authority between."""
        return holder("middle", self.kinds[1], 22)

    @property
    def root(self) -> Holder:
        """The root."""
        return holder("root", self.kinds[2], 23)

    def certified(self, leaf: Says = MEMBER, middle: Says = AUTHORITY) -> list[bytes]:
        """Return the certificates of issuer and authority."""
        return [
            certify(self.leaf, self.middle, leaf, named=self.named),
            certify(self.middle, self.root, middle, named=self.named),
        ]

    def roots(self) -> dict[str, bytes]:
        """Return what is trusted, in PEM, by the name of the file: right ones and others."""
        other, foreign = holder("root", "p256", 24), holder("foreign", "p256", 25)
        root = certify(self.root, self.root, AUTHORITY, named=self.named)
        short = Says(is_authority=True, path_length=0)
        found = {
            "roots": [root],
            "both-roots": [root, certify(foreign, foreign, AUTHORITY, named=self.named)],
            "middle-roots": [self.certified()[1]],
            "other-roots": [certify(other, other, AUTHORITY, named=self.named)],
            "foreign-roots": [certify(foreign, foreign, AUTHORITY, named=self.named)],
            "short-roots": [certify(self.root, self.root, short, named=self.named)],
        }
        return {
            f"{self.name}-{name}.pem": b"".join(pem.armor("CERTIFICATE", one) for one in each)
            for name, each in found.items()
        }


FAMILIES: Final = (
    Family("mixed", "intl", ("p256", "p384", "rsa"), False),
    Family("ed25519", "intl", ("ed25519", "ed25519", "p521"), True),
    Family("gm", "gm", ("sm2", "sm2", "sm2"), False),
)


class Variant(NamedTuple):
    """Certificates that a statement brings, with the key that signs it."""

    certificates: list[bytes]
    key: SecretKey


def variants(family: Family) -> Iterator[tuple[str, Variant]]:
    """Yield chains by what is special about them."""
    leaf, middle = family.certified()
    own = family.key

    def one(*certificates: bytes, key: SecretKey = own) -> Variant:
        return Variant(list(certificates), key)

    def with_leaf(**says: Any) -> Variant:
        return one(*family.certified(Says(**says)))

    def with_middle(**says: Any) -> Variant:
        return one(*family.certified(middle=Says(**{"is_authority": True, **says})))

    constraint = {"permitted_subtrees": [{"base": x509.GeneralName("dns_name", "example")}]}
    root = certify(family.root, family.root, AUTHORITY, named=family.named)
    yield "with the root in it", one(leaf, root, middle)
    yield "no certificate between", one(leaf)
    yield "eight certificates", one(leaf, *[middle] * 7)
    yield "nine certificates", one(leaf, *[middle] * 8)
    yield "expired when recorded", with_leaf(end_s=AT_S - 1)
    yield "in its last second", with_leaf(end_s=AT_S)
    yield "not yet valid when recorded", with_leaf(begin_s=AT_S + 1)
    yield "in its first second", with_leaf(begin_s=AT_S)
    yield "authority expired when recorded", with_middle(end_s=AT_S - 1)
    yield "names another issuer", with_leaf(uri="https://lab.example")
    yield "of an authority", with_leaf(is_authority=True, usage="digital_signature")
    yield "not for signing", with_leaf(usage="key_encipherment")
    yield "issued by no authority", with_middle(is_authority=False)
    yield "issued by no authority that may", with_middle(is_authority=False, usage="key_cert_sign")
    yield "issued by one that may not", with_middle(usage="crl_sign")
    yield "with room for nobody below", with_middle(path_length=0)
    bound = {"extn_id": "name_constraints", "critical": True, "extn_value": constraint}
    yield "bound by names", with_middle(more=(bound,))
    yield "bound by names, not critically", with_middle(more=({**bound, "critical": False},))
    unknown = {"extn_id": "1.3.6.1.4.1.32473.9", "extn_value": b"\x05\x00"}
    yield "with an unknown extension", with_leaf(more=(unknown,))
    yield "with a critical one", with_leaf(more=({**unknown, "critical": True},))
    large = certify(holder("lab", "p384", 21), family.middle, MEMBER, named=family.named)
    yield "of a key that signs no statements", one(large, middle)
    stranger = SecretKey(own.algorithm, bytes([0, *[26] * 31]))
    yield "signed with another key", one(leaf, middle, key=stranger)
    yield "issuer's certificate altered", one(_altered(leaf), middle)
    yield "authority's certificate altered", one(leaf, _altered(middle))
    yield "cut", one(leaf[:-1], middle)
    yield "no certificates", one(b"certificate")


def _altered(certificate: bytes) -> bytes:
    """Change a certificate's number."""
    before = b"\xa0\x03\x02\x01\x02\x02\x01"  # version 3, then the number
    place = certificate.index(before) + len(before)
    return certificate[:place] + b"\x7e" + certificate[place + 1 :]
