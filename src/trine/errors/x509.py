"""Define the exceptions of X.509 certificates: those of members and of timestamp authorities."""

from trine.errors.base import BadInput, ExitCode, TrineError


class BadCertificate(BadInput):
    """The file holds no X.509 certificate, or one that RFC 5280 does not allow."""


class UnsupportedCertificate(BadInput):
    """The certificate has a key, a signature or a critical extension that is not supported."""


class BadCrl(BadInput):
    """The file holds no X.509 revocation list, or one that RFC 5280 does not allow."""


class CertificateRefused(TrineError, abstract=True):
    """The certificate vouches for nobody: a check of RFC 5280 had a negative verdict."""

    exit_code = ExitCode.NEGATIVE


class UnknownIssuer(CertificateRefused):
    """No certificate at hand issued it, up to a trusted authority."""


class CertificateNotAllowed(CertificateRefused):
    """A certificate on the path may not be used so: no authority, a path too long, a usage."""


class CertificateSignature(CertificateRefused):
    """A signature on the path is not its issuer's."""


class CertificateExpired(CertificateRefused):
    """A certificate on the path has expired."""


class CertificateNotYetValid(CertificateRefused):
    """A certificate on the path is not valid yet."""


class CertificateRevoked(CertificateRefused):
    """A certificate on the path was revoked by its issuer."""


class CrlMissing(CertificateRefused):
    """No usable revocation list of an issuer on the path is at hand."""


class CrlStale(CertificateRefused):
    """The revocation list of an issuer on the path is not of this time."""


class OtherKey(CertificateRefused):
    """The certificate is for another key than the account's."""
