"""Check whose signature a certificate or a revocation list carries.

What pyca/cryptography verifies is verified by it: RSA, ECDSA and Ed25519. SM2 with SM3 it does not
know; that is verified here under the default identifier (GB/T 35276-2017, section 10), which is
what every authority of that profile signs with (GM/T 0015).
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trine.crypto.keys import public_key_from_pem
from trine.crypto.signatures import signature_from_der, verify_message
from trine.crypto.x509.certificate import Certificate
from trine.errors import (
    BadArgument,
    BadKeyFile,
    BadPublicKey,
    CertificateSignature,
    UnsupportedCertificate,
    UnsupportedKey,
)

SM2_WITH_SM3: Final = x509.ObjectIdentifier("1.2.156.10197.1.501")
"""Algorithm SM2-with-SM3 (GM/T 0006)."""
RSA_BITS_MIN: Final = 2_048
"""Shortest RSA key of an authority (NIST SP 800-131A, revision 2, section 3)."""
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""Curves of an authority's ECDSA key, beside that of SM2."""
HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""Hashes under a signature of RSA or ECDSA; SHA-1 and MD5 can be forged."""

Signed = x509.Certificate | x509.CertificateRevocationList


def check_certificate(certificate: Certificate, issuer: Certificate) -> None:
    """Check that `issuer` signed a certificate.

    Raises:
        CertificateSignature: It did not.
        UnsupportedCertificate: The algorithm or the issuer's key is not supported, or too weak.
    """
    what = f"the certificate of {certificate.subject}"
    parsed = certificate.parsed
    if parsed.signature_algorithm_oid == SM2_WITH_SM3:
        _check_sm2(parsed.tbs_certificate_bytes, parsed.signature, issuer, what)
        return
    _require_strong(parsed, issuer, what)
    try:
        parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused(what, issuer) from None


def check_crl(crl: x509.CertificateRevocationList, issuer: Certificate) -> None:
    """Check that `issuer` signed a revocation list.

    Raises:
        CertificateSignature: It did not.
        UnsupportedCertificate: The algorithm or the issuer's key is not supported, or too weak.
    """
    what = f"the revocation list of {issuer.subject}"
    if crl.signature_algorithm_oid == SM2_WITH_SM3:
        _check_sm2(crl.tbs_certlist_bytes, crl.signature, issuer, what)
        return
    key = _require_strong(crl, issuer, what)
    try:
        valid = crl.is_signature_valid(key)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        valid = False
    if not valid:
        raise _refused(what, issuer)


def _check_sm2(message: bytes, signature: bytes, issuer: Certificate, what: str) -> None:
    try:
        algorithm, public_key = public_key_from_pem(issuer.key_info)
        raw = signature_from_der("sm2", signature)
    except (BadArgument, BadKeyFile, BadPublicKey, UnsupportedKey):
        raise _refused(what, issuer) from None
    if algorithm != "sm2" or not verify_message("sm2", public_key, message, raw):
        raise _refused(what, issuer)


def _refused(what: str, issuer: Certificate) -> CertificateSignature:
    return CertificateSignature(f"the signature of {what} is not made with {issuer.subject}'s key")


def _require_strong(
    signed: Signed, issuer: Certificate, what: str
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """Return the issuer's key, where key and hash are good enough.

    Raises:
        UnsupportedCertificate: They are not, or not known.
    """
    oid = signed.signature_algorithm_oid.dotted_string
    try:
        key = issuer.parsed.public_key()
        function = signed.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        raise UnsupportedCertificate(
            f"{what} is signed with the algorithm {oid} by {issuer.subject}; "
            "supported are SM2 with SM3, ECDSA, Ed25519 and RSA"
        ) from None
    # Ed25519 alone has no hash of its own: whoever has another kind of key did not sign.
    if isinstance(key, ed25519.Ed25519PublicKey) != (function is None):
        raise _refused(what, issuer)
    match key:
        case ed25519.Ed25519PublicKey():
            return key
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, CURVES):
            strong = isinstance(function, HASHES)
        case rsa.RSAPublicKey():
            strong = isinstance(function, HASHES) and key.key_size >= RSA_BITS_MIN
        case _:
            strong = False
    if not strong or not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise UnsupportedCertificate(
            f"{what} is signed with the algorithm {oid} under the key of {issuer.subject}: not "
            f"supported, or too weak (RSA from {RSA_BITS_MIN} bits, SHA-256 and longer)"
        )
    return key
