"""Check the one signature of a timestamp, of every algorithm that authorities use.

pyca/cryptography verifies RSA, ECDSA and Ed25519; SM2 is verified by Trine's own core.
"""

from typing import Final

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trine.crypto import public_key_from_pem, signature_from_der, verify_message
from trine.crypto.x509 import Certificate
from trine.crypto.x509.signature import CURVES, RSA_BITS_MIN
from trine.errors import (
    BadArgument,
    BadKeyFile,
    BadPublicKey,
    TimestampSignature,
    UnsupportedKey,
    UnsupportedTimestamp,
)
from trine.services.evidence.timestamp.algorithms import HASHES, hash_name
from trine.services.evidence.timestamp.structures import NULL, reading

RSA: Final = "1.2.840.113549.1.1.1"
"""RSA PKCS#1 v1.5 with the hash named beside it (RFC 3370, section 3.2)."""
RSA_HASHES: Final = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
"""RSA PKCS#1 v1.5 with its hash (RFC 5754, section 3.2)."""
PSS: Final = "1.2.840.113549.1.1.10"
"""RSASSA-PSS (RFC 4056)."""
MGF1: Final = "1.2.840.113549.1.1.8"
"""The mask of PSS (RFC 4055, section 2.2)."""
ECDSA: Final = "1.2.840.10045.2.1"
"""A key of an elliptic curve, which some authorities name instead of the signature."""
ECDSA_HASHES: Final = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
"""ECDSA with its hash (RFC 5758, section 3.2)."""
ED25519: Final = "1.3.101.112"
"""Ed25519 (RFC 8419, section 3)."""
SM2: Final = ("1.2.156.10197.1.501", "1.2.156.10197.1.301.1")
"""SM2 with SM3, and SM2's signature named without its hash (GM/T 0006)."""


def check_signature(
    certificate: Certificate,
    message: bytes,
    signature: bytes,
    *,
    digest: str,
    oid: str,
    parameters: bytes | None,
) -> None:
    """Check that the certificate's key signed a message.

    Args:
        certificate: Certificate of the signer.
        message: What is signed: the signed attributes as a SET (RFC 5652, section 5.4).
        signature: The signature as the token holds it.
        digest: Name of the hash that the token says it uses.
        oid: Identifier of the signature's algorithm.
        parameters: Parameters of that algorithm, in DER, where there are any.

    Raises:
        TimestampSignature: It did not.
        UnsupportedTimestamp: Algorithm or key is not supported, or too weak.
    """
    if oid != PSS and parameters not in (None, NULL):
        raise UnsupportedTimestamp(f"a signature {oid} with parameters, expected none")
    if oid in SM2:
        _check_sm2(certificate, message, signature, digest, oid)
        return
    try:
        key = certificate.parsed.public_key()
    except (UnsupportedAlgorithm, ValueError):
        raise _unsupported(certificate, oid) from None
    try:
        match key:
            case rsa.RSAPublicKey() if key.key_size >= RSA_BITS_MIN:
                scheme, name = _rsa_scheme(oid, parameters, digest)
                key.verify(signature, message, scheme, HASHES[name])
            case ec.EllipticCurvePublicKey() if isinstance(key.curve, CURVES):
                name = _named_hash(oid, digest, ECDSA, ECDSA_HASHES)
                key.verify(signature, message, ec.ECDSA(HASHES[name]))
            case ed25519.Ed25519PublicKey() if oid == ED25519:
                # RFC 8419, section 3.1: the attributes are hashed with SHA-512.
                if digest != "sha512":
                    raise UnsupportedTimestamp(f"Ed25519 beside {digest}, expected sha512")
                key.verify(signature, message)
            case _:
                raise _unsupported(certificate, oid)
    except InvalidSignature:
        raise _wrong(certificate) from None


def _named_hash(oid: str, digest: str, bare: str, named: dict[str, str]) -> str:
    """Return the hash of a signature, which must be the one that the token names beside it."""
    name = digest if oid == bare else named.get(oid)
    if name != digest or digest == "sm3":
        raise UnsupportedTimestamp(f"a signature {oid} beside the hash {digest}, expected one hash")
    return name


def _rsa_scheme(
    oid: str, parameters: bytes | None, digest: str
) -> tuple[padding.PKCS1v15 | padding.PSS, str]:
    if oid != PSS:
        return padding.PKCS1v15(), _named_hash(oid, digest, RSA, RSA_HASHES)
    with reading("the signature's algorithm"):
        read = algos.RSASSAPSSParams.load(parameters or b"", strict=True)
        name = hash_name(read["hash_algorithm"]["algorithm"].dotted, "the signature")
        mask = read["mask_gen_algorithm"]
        mask_oid = str(mask["algorithm"].dotted)
        mask_name = hash_name(mask["parameters"]["algorithm"].dotted, "the signature's mask")
        salt, trailer = int(read["salt_length"]), int(read["trailer_field"])
    if mask_oid != MGF1 or trailer != 1 or mask_name != name or name != digest:
        raise UnsupportedTimestamp("a signature of PSS with several hashes, expected one")
    if not 0 <= salt <= HASHES[name].digest_size:
        raise UnsupportedTimestamp(f"a signature of PSS with a salt of {salt} bytes")
    return padding.PSS(padding.MGF1(HASHES[name]), salt), name


def _check_sm2(
    certificate: Certificate, message: bytes, signature: bytes, digest: str, oid: str
) -> None:
    if digest != "sm3":
        raise UnsupportedTimestamp(f"SM2 beside the hash {digest}, expected sm3")
    try:
        algorithm, public_key = public_key_from_pem(certificate.key_info)
        raw = signature_from_der("sm2", signature)
    except (BadKeyFile, BadPublicKey, UnsupportedKey):
        raise _unsupported(certificate, oid) from None
    except BadArgument:
        raise _wrong(certificate) from None
    if algorithm != "sm2":
        raise _unsupported(certificate, oid)
    if not verify_message("sm2", public_key, message, raw):
        raise _wrong(certificate)


def _wrong(certificate: Certificate) -> TimestampSignature:
    return TimestampSignature(
        f"the timestamp's signature is not made with {certificate.subject}'s key over these bytes"
    )


def _unsupported(certificate: Certificate, oid: str) -> UnsupportedTimestamp:
    return UnsupportedTimestamp(
        f"a signature {oid} under the key of {certificate.subject}: supported are RSA from "
        f"{RSA_BITS_MIN} bits, ECDSA, Ed25519 and SM2"
    )
