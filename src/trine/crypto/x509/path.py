"""Check that a trusted authority vouches for a member's certificate (RFC 5280, section 6).

A path goes from the member's certificate by its issuers to an authority that the caller trusts. The
candidates follow from names and key identifiers alone; then each path is checked, and the first
good one is returned. Names are compared as they are encoded, without folding of case or blanks.
Where every key is of an algorithm that the path validation of pyca/cryptography knows (ECDSA and
RSA), that validation must agree too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from trine.crypto.x509 import signature
from trine.crypto.x509.certificate import CERTIFICATES_MAX, Certificate
from trine.crypto.x509.revocation import CRLS_MAX, RevocationList, check_not_revoked
from trine.errors import (
    BadArgument,
    CertificateExpired,
    CertificateNotAllowed,
    CertificateNotYetValid,
    TrineError,
    UnknownIssuer,
)

PATH_CERTIFICATES_MAX: Final = 8
"""Certificates of one path, the member's and the authority's included."""
PATHS_MAX: Final = 16
"""Paths tried for one certificate, so that look-alikes cost bounded work."""
WAYS_MAX: Final = 4_096
"""Steps of the search for paths."""

LIBRARY_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""Curves that the library's path validation admits."""


@dataclass(frozen=True)
class MemberPath:
    """A path that was checked.

    Attributes:
        certificates: The member's certificate first, the authority's last.
        is_revocation_checked: Whether revocation lists were asked for.
    """

    certificates: tuple[Certificate, ...]
    is_revocation_checked: bool

    @property
    def member(self) -> Certificate:
        """The member's certificate."""
        return self.certificates[0]

    @property
    def authority(self) -> Certificate:
        """The trusted authority's certificate."""
        return self.certificates[-1]


def check_member(
    certificate: Certificate,
    *,
    authorities: Sequence[Certificate],
    intermediates: Sequence[Certificate] = (),
    crls: Sequence[RevocationList] | None,
    at_ms: int,
) -> MemberPath:
    """Check a member's certificate up to a trusted authority at a time.

    Args:
        certificate: Certificate of the member, with a key of SM2, P-256 or Ed25519.
        authorities: Certificates that are trusted; at most `CERTIFICATES_MAX` with the next.
        intermediates: Certificates between, in any order; nothing in them is trusted.
        crls: Revocation lists; each certificate below the authority needs the newest list of its
            issuer, and an authority that issued itself must not stand on its own. None leaves
            revocation unchecked: say so to whoever relies on the answer.
        at_ms: Unix time in milliseconds; passed in, so that an answer can be had again.

    Returns:
        The path.

    Raises:
        UnknownIssuer: No path leads to an authority.
        CertificateNotAllowed, CertificateSignature, CertificateExpired, CertificateNotYetValid,
        CertificateRevoked, CrlMissing, CrlStale: What is wrong with the first path.
        UnsupportedCertificate: An algorithm is not supported.
        BadArgument: There are more certificates or lists than the limits allow.
    """
    return check_path(
        certificate,
        authorities=authorities,
        intermediates=intermediates,
        crls=crls,
        at_ms=at_ms,
        check_usage=_check_member_usage,
    )


def check_path(
    certificate: Certificate,
    *,
    authorities: Sequence[Certificate],
    intermediates: Sequence[Certificate],
    crls: Sequence[RevocationList] | None,
    at_ms: int,
    check_usage: Callable[[Certificate], None],
) -> MemberPath:
    """Check a certificate of any use up to a trusted authority at a time.

    Args:
        certificate: Certificate at the lower end.
        authorities: As `check_member`.
        intermediates: As `check_member`.
        crls: As `check_member`.
        at_ms: As `check_member`.
        check_usage: Raises where the certificate is not for what it is used for.

    Returns:
        The path.

    Raises:
        TrineError: As `check_member`, and what `check_usage` raises.
    """
    offered = len(authorities) + len(intermediates)
    if offered > CERTIFICATES_MAX:
        raise BadArgument(f"{offered} certificates, at most {CERTIFICATES_MAX}")
    if crls is not None and len(crls) > CRLS_MAX:
        raise BadArgument(f"{len(crls)} revocation lists, at most {CRLS_MAX}")
    first: TrineError | None = None
    found = _paths(certificate, authorities, intermediates)
    for _, path in zip(range(PATHS_MAX), found, strict=False):
        try:
            check_usage(certificate)
            _check_path(path, crls, at_ms)
        except TrineError as error:
            first = first or error
        else:
            return MemberPath(path, crls is not None)
    if first is None:
        first = UnknownIssuer(
            f"no path of at most {PATH_CERTIFICATES_MAX} certificates leads from "
            f"{certificate.subject}, issued by {certificate.issuer}, to a trusted authority"
        )
    raise first


def _paths(
    certificate: Certificate,
    authorities: Sequence[Certificate],
    intermediates: Sequence[Certificate],
) -> Iterator[tuple[Certificate, ...]]:
    """Find paths by names and key identifiers, the shortest first."""
    trusted = list(dict.fromkeys(authorities))
    between = [one for one in dict.fromkeys(intermediates) if one not in trusted]
    waiting: list[tuple[Certificate, ...]] = [(certificate,)]
    steps = 0
    while waiting and steps < WAYS_MAX:
        path = waiting.pop(0)
        for issuer in trusted:
            steps += 1
            if issuer not in path and _may_have_issued(issuer, path[-1]):
                yield (*path, issuer)
        if len(path) < PATH_CERTIFICATES_MAX - 1:
            for issuer in between:
                steps += 1
                if issuer not in path and _may_have_issued(issuer, path[-1]):
                    waiting.append((*path, issuer))


def _may_have_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Compare names and, where both sides have them, key identifiers (RFC 5280, 4.2.1.1)."""
    if issuer.parsed.subject != certificate.parsed.issuer:
        return False
    claimed = certificate.extension(x509.AuthorityKeyIdentifier)
    own = issuer.extension(x509.SubjectKeyIdentifier)
    if claimed is None:
        return True
    if claimed.key_identifier and own and claimed.key_identifier != own.digest:
        return False
    if claimed.authority_cert_serial_number is None or not claimed.authority_cert_issuer:
        return True
    names = [
        name.value for name in claimed.authority_cert_issuer if isinstance(name, x509.DirectoryName)
    ]
    return claimed.authority_cert_serial_number == issuer.serial and issuer.parsed.issuer in names


def _check_path(
    path: tuple[Certificate, ...], crls: Sequence[RevocationList] | None, at_ms: int
) -> None:
    for below, issuer in enumerate(path[1:]):
        _check_issuer_usage(issuer, path[1 : below + 1])
    for certificate, issuer in pairwise(path):
        signature.check_certificate(certificate, issuer)
    for certificate in path:
        check_time(certificate, at_ms)
    if crls is not None:
        for certificate, issuer in pairwise(path):
            check_not_revoked(certificate, issuer, crls, at_ms)
        authority = path[-1]
        # An authority at the top can only revoke itself: nobody stands above it.
        if authority.parsed.subject == authority.parsed.issuer:
            check_not_revoked(authority, authority, crls, at_ms)
    if all(_is_of_library(certificate) for certificate in path):
        _check_with_library(path, at_ms)


def _check_member_usage(certificate: Certificate) -> None:
    """Check that a certificate is one of a person or service that signs."""
    _ = certificate.key
    if certificate.is_authority:
        raise CertificateNotAllowed(
            f"the certificate of {certificate.subject} is an authority's, expected a member's"
        )
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise CertificateNotAllowed(
            f"the certificate of {certificate.subject} is not for signing (digitalSignature); "
            "of a pair of certificates, take the one for signatures"
        )


def _check_issuer_usage(issuer: Certificate, below: tuple[Certificate, ...]) -> None:
    """Check that a certificate is an authority's, with these intermediates below it."""
    constraints = issuer.extension(x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise CertificateNotAllowed(
            f"{issuer.subject} issued a certificate and is no authority (basicConstraints)"
        )
    usage = issuer.extension(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise CertificateNotAllowed(f"{issuer.subject} may not issue certificates (keyCertSign)")
    depth = sum(one.parsed.subject != one.parsed.issuer for one in below)
    if constraints.path_length is not None and depth > constraints.path_length:
        raise CertificateNotAllowed(
            f"{depth} authorities stand below {issuer.subject}, which allows "
            f"{constraints.path_length} (pathLenConstraint)"
        )


def check_time(certificate: Certificate, at_ms: int) -> None:
    """Check that a certificate is in force at a time, in Unix milliseconds.

    Raises:
        CertificateNotYetValid, CertificateExpired: It is not.
    """
    not_before_ms, not_after_ms = certificate.validity
    # Certificates count whole seconds: the second that they name belongs to them.
    second = at_ms // 1_000 * 1_000
    if second < not_before_ms:
        raise CertificateNotYetValid(
            f"the certificate of {certificate.subject} is valid from {not_before_ms} Unix ms, "
            f"not at {at_ms}"
        )
    if second > not_after_ms:
        raise CertificateExpired(
            f"the certificate of {certificate.subject} expired at {not_after_ms} Unix ms, before "
            f"{at_ms}"
        )


def _is_of_library(certificate: Certificate) -> bool:
    try:
        key = certificate.parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, rsa.RSAPublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, LIBRARY_CURVES)
    )


def _check_with_library(path: tuple[Certificate, ...], at_ms: int) -> None:
    """Let the path validation of pyca/cryptography decide on the same path."""
    anyone = ExtensionPolicy.permit_all()
    authority = anyone.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    verifier = (
        PolicyBuilder()
        .store(Store([path[-1].parsed]))
        .time(datetime.fromtimestamp(at_ms // 1_000, UTC))
        .max_chain_depth(PATH_CERTIFICATES_MAX)
        .extension_policies(ca_policy=authority, ee_policy=anyone)
        .build_client_verifier()
    )
    try:
        verifier.verify(path[0].parsed, [one.parsed for one in path[1:-1]])
    except VerificationError as error:
        raise CertificateNotAllowed(
            f"the path from {path[0].subject} to {path[-1].subject} breaks a rule: {error}"
        ) from None
