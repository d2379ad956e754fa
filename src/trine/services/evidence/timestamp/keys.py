"""Sign as a timestamp authority does, with the algorithm that follows from the key.

| Key | Hash of the token | Signature | Source |
|---|---|---|---|
| RSA, 2,048 bits and more | SHA-256 | PKCS#1 v1.5 | RFC 3370, section 3.2 |
| P-256, P-384 | SHA-256, SHA-384 | ECDSA | RFC 5754, section 3.3 |
| Ed25519 | SHA-512 | Ed25519 | RFC 8419, section 3 |
| SM2 | SM3 | SM2 with the default identifier | GB/T 35275-2017; GB/T 32918.2-2016 |

>>> from trine.services.evidence.timestamp import AuthorityKey
>>> AuthorityKey.generate("p256").hash_name
'sha256'
"""

from dataclasses import dataclass
from typing import Final, Self, assert_never

from asn1crypto import pem
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trine.crypto import SecretKey, public_key_to_pem, sign_message, signature_to_der
from trine.crypto.x509.signature import RSA_BITS_MIN, SM2_WITH_SM3
from trine.errors import BadArgument, BadTimestampAuthority, TrineError

RSA_WITH_SHA256: Final = "1.2.840.113549.1.1.11"
"""RSA PKCS#1 v1.5 with SHA-256 (RFC 5754, section 3.2)."""
ECDSA_WITH_SHA256: Final = "1.2.840.10045.4.3.2"
"""ECDSA with SHA-256 (RFC 5758, section 3.2)."""
ECDSA_WITH_SHA384: Final = "1.2.840.10045.4.3.3"
"""ECDSA with SHA-384 (RFC 5758, section 3.2)."""
ED25519: Final = "1.3.101.112"
"""Ed25519 (RFC 8410, section 3)."""
KINDS: Final = ("p256", "p384", "rsa", "ed25519", "sm2")
"""Kinds of keys that can be made here."""
RSA_BITS: Final = 3_072
"""Bits of an RSA key that is made here: good beyond 2030 (NIST SP 800-57, part 1, table 2)."""
RSA_EXPONENT: Final = 65_537
CURVES: Final = (ec.SECP256R1, ec.SECP384R1)
"""Curves that the library signs on."""

Secret = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | SecretKey


@dataclass(frozen=True, repr=False)
class AuthorityKey:
    """A key that signs timestamps; it is never printed.

    Attributes:
        secret: The key itself.
        key_info: Its `SubjectPublicKeyInfo`, in DER.
        hash_name: Hash of the tokens that it signs.
        signature_oid: Identifier of its signatures.
    """

    secret: Secret
    key_info: bytes
    hash_name: str
    signature_oid: str

    @classmethod
    def of(cls, secret: Secret) -> Self:
        """Take a key.

        Raises:
            BadTimestampAuthority: It is too weak, or of a kind that is not supported.
        """
        match secret:
            case SecretKey():
                return cls._of_sm2(secret)
            case rsa.RSAPrivateKey() if secret.key_size >= RSA_BITS_MIN:
                found = "sha256", RSA_WITH_SHA256
            case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
                found = "sha256", ECDSA_WITH_SHA256
            case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
                found = "sha384", ECDSA_WITH_SHA384
            case ed25519.Ed25519PrivateKey():
                found = "sha512", ED25519
            case _:
                raise BadTimestampAuthority(
                    f"the key is not one of RSA from {RSA_BITS_MIN} bits, P-256, P-384, Ed25519 "
                    "or SM2"
                )
        info = secret.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(secret, info, *found)

    @classmethod
    def _of_sm2(cls, secret: SecretKey) -> Self:
        if secret.algorithm != "sm2":
            raise BadTimestampAuthority(
                f"a key of {secret.algorithm} in Trine's own form, expected one of SM2"
            )
        info = bytes(pem.unarmor(public_key_to_pem("sm2", secret.public_key))[2])
        return cls(secret, info, "sm3", SM2_WITH_SM3.dotted_string)

    @classmethod
    def generate(cls, kind: str) -> Self:
        """Make a key of one of `KINDS`.

        Raises:
            BadArgument: There is no such kind.
        """
        match kind:
            case "p256":
                return cls.of(ec.generate_private_key(ec.SECP256R1()))
            case "p384":
                return cls.of(ec.generate_private_key(ec.SECP384R1()))
            case "rsa":
                return cls.of(rsa.generate_private_key(RSA_EXPONENT, RSA_BITS))
            case "ed25519":
                return cls.of(ed25519.Ed25519PrivateKey.generate())
            case "sm2":
                return cls.of(SecretKey.generate("sm2"))
            case _:
                raise BadArgument(f"key of {kind[:40]!r}, expected one of {', '.join(KINDS)}")

    @classmethod
    def from_pem(cls, content: bytes, password: bytes | None = None) -> Self:
        """Read a key that another program wrote, in PEM (PKCS#8 and older forms).

        Raises:
            BadTimestampAuthority: The content is no key, does not open, or is not supported.
        """
        try:
            read = serialization.load_pem_private_key(content, password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return cls._from_own(content, password)
        if isinstance(read, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            return cls.of(read)
        if isinstance(read, ec.EllipticCurvePrivateKey) and isinstance(read.curve, CURVES):
            return cls.of(read)
        return cls._from_own(content, password)

    @classmethod
    def _from_own(cls, content: bytes, password: bytes | None) -> Self:
        """Read an SM2 key, which the library may not know."""
        try:
            return cls.of(SecretKey.from_file(content, password))
        except BadTimestampAuthority:
            raise
        except TrineError as error:
            raise BadTimestampAuthority(f"the authority's key cannot be read: {error}") from None

    def to_pem(self) -> bytes:
        """Write the key as PKCS#8 in PEM, unencrypted: keep it where only the service reads."""
        if isinstance(self.secret, SecretKey):
            return self.secret.to_pem()
        return self.secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, message: bytes) -> bytes:
        """Sign a message; the signature is encoded as certificates and tokens hold it."""
        match self.secret:
            case SecretKey():
                return signature_to_der("sm2", sign_message(self.secret, message))
            case rsa.RSAPrivateKey():
                return self.secret.sign(message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                is_longer = self.signature_oid == ECDSA_WITH_SHA384
                function = hashes.SHA384() if is_longer else hashes.SHA256()
                return self.secret.sign(message, ec.ECDSA(function))
            case ed25519.Ed25519PrivateKey():
                return self.secret.sign(message)
            case _:  # pragma: no cover
                assert_never(self.secret)

    def __repr__(self) -> str:
        return f"AuthorityKey({self.signature_oid})"
