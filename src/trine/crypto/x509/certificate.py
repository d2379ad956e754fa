"""Read certificates, PEM or DER, one or several in a file (RFC 5280, RFC 7468)."""

import contextlib
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from trine.crypto.hashes import hash_many
from trine.crypto.keys import public_key_from_pem
from trine.crypto.x509.der import names_one_algorithm, public_key_info
from trine.errors import (
    BadCertificate,
    BadKeyFile,
    BadPublicKey,
    UnsupportedCertificate,
    UnsupportedKey,
)

X = TypeVar("X", bound=x509.ExtensionType)

CERTIFICATE_BYTES_MAX: Final = 64 * 1_024
"""Longest certificate, in bytes of DER."""
FILE_BYTES_MAX: Final = 1_024 * 1_024
"""Longest file of certificates."""
CERTIFICATES_MAX: Final = 64
"""Certificates of one file, and certificates offered for one path."""
NAME_CHARACTERS_MAX: Final = 256
"""Characters of a name that are shown."""
MEMBER_ALGORITHMS: Final = ("sm2", "p256", "ed25519")
"""Algorithms of the keys that a certificate can enrol."""
SUITE_HASHES: Final = {"intl": "sha256", "gm": "sm3"}
"""Hash of a chain's suite, with which fingerprints are made."""

PEM_MARK: Final = b"-----BEGIN"
UNDERSTOOD: Final = frozenset(
    kind.oid
    for kind in (
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectAlternativeName,
        x509.IssuerAlternativeName,
        x509.SubjectKeyIdentifier,
        x509.AuthorityKeyIdentifier,
        x509.CertificatePolicies,
        x509.CRLDistributionPoints,
    )
)
"""Extensions that may be critical. Names and policies decide nothing here: a member is a key, and
every policy is accepted."""
REFUSED: Final = frozenset(
    kind.oid for kind in (x509.NameConstraints, x509.PolicyConstraints, x509.InhibitAnyPolicy)
)
"""Extensions by which an authority binds those below it; to ignore them would be unsafe."""


class Validity(NamedTuple):
    """From when to when a certificate is valid, both included, in Unix milliseconds."""

    not_before_ms: int
    not_after_ms: int


class Certificate:
    """A certificate whose structure is sound; who vouches for it is another question.

    Attributes:
        parsed: The certificate as pyca/cryptography has it.
        der: Its encoding.
        key_info: Its `subjectPublicKeyInfo`, in DER.
        validity: From when to when it is valid.
        subject: Whom it names, for people.
        issuer: Who issued it, for people.
        serial: Its number among those of its issuer.
    """

    def __init__(self, parsed: x509.Certificate, der: bytes) -> None:
        """Take a parsed certificate.

        Raises:
            BadCertificate: It breaks a rule of RFC 5280, section 4.
            UnsupportedCertificate: It has a critical extension, or a constraint on the names or
                policies below it, that is not understood here.
        """
        self.parsed = parsed
        self.der = der
        try:
            self._read()
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
            raise BadCertificate(f"the certificate breaks RFC 5280: {error}") from None

    def _read(self) -> None:
        parsed = self.parsed
        self.key_info = public_key_info(parsed.tbs_certificate_bytes)
        self.validity = Validity(
            milliseconds(parsed.not_valid_before_utc), milliseconds(parsed.not_valid_after_utc)
        )
        self.subject = readable(parsed.subject)
        self.issuer = readable(parsed.issuer)
        self.serial = parsed.serial_number
        extensions = list(parsed.extensions)
        if parsed.version is not x509.Version.v3:
            raise BadCertificate(
                f"the certificate of {self.subject} has version {parsed.version.value + 1}, "
                "expected 3, which alone can say what a certificate may be used for"
            )
        if not names_one_algorithm(self.der):
            raise BadCertificate(
                f"the certificate of {self.subject} names another algorithm beside its signature "
                "than inside what is signed"
            )
        for one in extensions:
            if one.oid in REFUSED or (one.critical and one.oid not in UNDERSTOOD):
                raise UnsupportedCertificate(
                    f"the certificate of {self.subject} has the extension {one.oid.dotted_string}, "
                    "which is not understood here and must not be ignored"
                )

    def extension(self, kind: type[X]) -> X | None:
        """Return an extension, where the certificate has it."""
        with contextlib.suppress(x509.ExtensionNotFound):
            return self.parsed.extensions.get_extension_for_class(kind).value
        return None

    @property
    def is_authority(self) -> bool:
        """Whether it may issue others (basicConstraints)."""
        constraints = self.extension(x509.BasicConstraints)
        return constraints is not None and constraints.ca

    def to_pem(self) -> bytes:
        """Write it as PEM (RFC 7468)."""
        return self.parsed.public_bytes(Encoding.PEM)

    @property
    def key(self) -> tuple[str, bytes]:
        """Algorithm and encoded key, as on a chain.

        Raises:
            UnsupportedCertificate: The key is not of SM2, P-256 or Ed25519.
        """
        try:
            algorithm, public_key = public_key_from_pem(self.key_info)
        except (BadKeyFile, BadPublicKey, UnsupportedKey) as error:
            raise UnsupportedCertificate(
                f"the public key in the certificate of {self.subject} cannot be used: {error}"
            ) from None
        if algorithm not in MEMBER_ALGORITHMS:
            raise UnsupportedCertificate(
                f"the certificate of {self.subject} is for a key of {algorithm}, "
                f"expected one of {', '.join(MEMBER_ALGORITHMS)}"
            )
        return algorithm, public_key

    def fingerprint(self, suite: str) -> bytes:
        """Hash the encoded certificate with the hash of a chain's suite, 32 bytes."""
        return hash_many(SUITE_HASHES[suite], [self.der])[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.subject!r}, serial={self.serial})"


def readable(name: x509.Name) -> str:
    """Write a name for people (RFC 4514), without what a terminal would obey, and not too long."""
    shown = (one if one.isprintable() else f"\\{ord(one):04x}" for one in name.rfc4514_string())
    text = "".join(shown)
    return text if len(text) <= NAME_CHARACTERS_MAX else f"{text[:NAME_CHARACTERS_MAX]}..."


def milliseconds(moment: datetime) -> int:
    """Turn a time into Unix milliseconds; times before 1970 are 0."""
    return max(0, int(moment.astimezone(UTC).timestamp()) * 1_000)


def read_certificates(content: bytes) -> list[Certificate]:
    """Read the certificates of a file: PEM, one or several, or DER, one.

    Raises:
        BadCertificate: There is none, a certificate is malformed, or there are too many or too
            long ones.
        UnsupportedCertificate: A certificate has an extension that must not be ignored.
    """
    if len(content) > FILE_BYTES_MAX:
        raise BadCertificate(f"the file has more than {FILE_BYTES_MAX} bytes")
    try:
        if PEM_MARK in content:
            parsed = x509.load_pem_x509_certificates(content)
        else:
            parsed = [x509.load_der_x509_certificate(content)]
        encoded = [one.public_bytes(Encoding.DER) for one in parsed]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise BadCertificate(f"no X.509 certificate, expected PEM or DER: {error}") from None
    if len(parsed) > CERTIFICATES_MAX:
        raise BadCertificate(f"{len(parsed)} certificates in a file, at most {CERTIFICATES_MAX}")
    for der in encoded:
        if len(der) > CERTIFICATE_BYTES_MAX:
            raise BadCertificate(f"a certificate has {len(der)} bytes, at most 65,536")
    return [Certificate(one, der) for one, der in zip(parsed, encoded, strict=True)]


def read_certificate(content: bytes) -> Certificate:
    """Read the one certificate of a file, or the first of a chain.

    Raises:
        BadCertificate, UnsupportedCertificate: As `read_certificates`.
    """
    return read_certificates(content)[0]
