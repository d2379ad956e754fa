"""Generate keys and sign with them.

>>> from trine.crypto import SecretKey
>>> SecretKey("ed25519", bytes(32)).public_key.hex()[:8]
'3b6a27bc'
"""

import contextlib
import secrets
from typing import Self

from trine._core import crypto as files
from trine._core import keys as core
from trine.errors import BadSecretKey

SUITE_ALGORITHMS = {"intl": "ed25519", "gm": "sm2"}
"""Algorithm of the keys that name no other, by suite."""

SECRET_BYTES = 32
"""Bytes of a secret key: a seed (Ed25519, ML-DSA-65) or a number (SM2 and the other curves)."""

CANDIDATES_MAX = 8
"""Draws of a new key; a scalar is out of range once in 2^32 draws."""


class SecretKey:
    """A secret key in memory; the core erases it when it is dropped, and never prints it."""

    def __init__(self, algorithm: str, secret: bytes) -> None:
        """Take a secret key.

        Raises:
            UnknownAlgorithm: This release does not know the algorithm.
            BadSecretKey: The bytes are no secret key of it.
        """
        self._hold(core.SecretKey(algorithm, secret))

    def _hold(self, key: core.SecretKey) -> None:
        self.core = key
        self.public_key: bytes = key.public_key()

    @classmethod
    def of_core(cls, key: core.SecretKey) -> Self:
        """Take a key that the core made."""
        made = cls.__new__(cls)
        made._hold(key)
        return made

    @classmethod
    def generate(cls, algorithm: str = "ed25519") -> Self:
        """Make a new key from the operating system's randomness."""
        for _ in range(CANDIDATES_MAX - 1):
            with contextlib.suppress(BadSecretKey):
                return cls(algorithm, secrets.token_bytes(SECRET_BYTES))
        return cls(algorithm, secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def from_file(cls, content: bytes, password: bytes | None = None) -> Self:
        """Read a key that another program wrote, in PEM or DER.

        PKCS#8 (RFC 5958), encrypted or not, and `ECPrivateKey` (RFC 5915); SM2 keys as OpenSSL 3
        and GM/T 0006 have them.

        Args:
            content: Content of the file.
            password: Password of an encrypted file.

        Raises:
            BadKeyFile, UnsupportedKey, WrongPublicKey: The content is no key, or none for Trine.
            PasswordNeeded, WrongPassword, KeyFileTooCostly: An encrypted file does not open.
        """
        read = files.read_secret_key(content, password)
        return cls(read.algorithm, read.expose())

    def to_pem(self) -> bytes:
        """Write the key as PKCS#8 in PEM, unencrypted, as OpenSSL 3 and others read it."""
        return files.write_secret_key(self.core)

    @property
    def algorithm(self) -> str:
        """Name of the algorithm."""
        return self.core.algorithm

    def address(self, suite: str = "intl") -> bytes:
        """Return the address of the account whose first key this is."""
        return core.address_of_key(suite, self.algorithm, self.public_key)

    def expose(self) -> bytes:
        """Return the secret itself, for a keystore to encrypt."""
        return self.core.expose()

    def sign(self, namespace: bytes, message: bytes) -> bytes:
        """Sign `length(namespace) || namespace || message`."""
        return self.core.sign(namespace, message)

    def verify(self, namespace: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether a signature is this key's."""
        return core.verify(self.algorithm, self.public_key, namespace, message, signature)

    def __repr__(self) -> str:
        return f"SecretKey({self.algorithm}, public_key={self.public_key.hex()})"


def public_key_from_pem(content: bytes) -> tuple[str, bytes]:
    """Read a public key that another program wrote: `SubjectPublicKeyInfo` in PEM or DER.

    Returns:
        Name of the algorithm, and the key as it is encoded on a chain.

    Raises:
        BadKeyFile, UnsupportedKey, BadPublicKey: The content is no key, or none for Trine.
    """
    return files.read_public_key(content)


def public_key_to_pem(algorithm: str, public_key: bytes) -> bytes:
    """Write a public key as `SubjectPublicKeyInfo` in PEM, as OpenSSL 3 and others read it.

    Raises:
        UnknownAlgorithm: This release does not know the algorithm.
        BadPublicKey: The bytes are no key of it.
    """
    return files.write_public_key(algorithm, public_key)
