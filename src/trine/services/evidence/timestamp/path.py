"""Check the path from an authority's certificate to a root that the caller trusts.

Follows RFC 5280, section 6, as members' certificates do, and RFC 3161, section 2.3, for what a
timestamp authority's certificate must say.
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trine.crypto.x509 import Certificate, RevocationList
from trine.crypto.x509.path import MemberPath, check_path
from trine.errors import CertificateNotAllowed


def check_signer(
    certificate: Certificate,
    *,
    roots: Sequence[Certificate],
    intermediates: Sequence[Certificate] = (),
    crls: Sequence[RevocationList] | None = None,
    at_ms: int,
) -> tuple[Certificate, ...]:
    """Check an authority's certificate up to a trusted root at a time.

    Args:
        certificate: Certificate of the key that signed.
        roots: Certificates that are trusted.
        intermediates: Certificates between, in any order; nothing in them is trusted.
        crls: Revocation lists of that time; none leaves revocation unchecked.
        at_ms: Unix time in milliseconds.

    Returns:
        The path, the root last.

    Raises:
        CertificateNotAllowed: It may not stamp, or an issuer may not issue.
        UnknownIssuer, CertificateSignature, CertificateExpired, CertificateNotYetValid,
        CertificateRevoked, CrlMissing, CrlStale, UnsupportedCertificate, BadArgument: As
            `trine.crypto.x509.check_member`.
    """
    path: MemberPath = check_path(
        certificate,
        authorities=roots,
        intermediates=intermediates,
        crls=crls,
        at_ms=at_ms,
        check_usage=check_signer_usage,
    )
    return path.certificates


def check_signer_usage(certificate: Certificate) -> None:
    """Check that a certificate is for timestamps and nothing else (RFC 3161, section 2.3).

    Raises:
        CertificateNotAllowed: It is an authority's, for other uses, or not for signing.
    """
    subject = certificate.subject
    if certificate.is_authority:
        raise CertificateNotAllowed(f"the certificate of {subject} is one that issues others")
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise CertificateNotAllowed(f"the certificate of {subject} is not for signing (keyUsage)")
    for one in certificate.parsed.extensions:
        if isinstance(one.value, x509.ExtendedKeyUsage):
            purposes = list(one.value)
            if one.critical and purposes == [ExtendedKeyUsageOID.TIME_STAMPING]:
                return
    raise CertificateNotAllowed(
        f"the certificate of {subject} is not for timestamps alone: extendedKeyUsage must be "
        "critical and name timeStamping only"
    )
