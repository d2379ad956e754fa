"""Wrap the secrets of a record for the people and organisations that may open it.

On `intl` chains with HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
AES-256-GCM; one encapsulation a record and recipient. What is wrapped is bound to its record and
recipient through HPKE's `info`, so that nobody can move it to another.

On `gm` chains with SM2 encryption (GB/T 32918.4-2016). It has no `info`: the SM3 digest of the same
bytes is encrypted in front of the secrets, and what opens with another digest is refused.

A key of one suite opens no record of the other.

>>> for suite in Suite:
...     key = RecipientKey.generate(suite)
...     wrapped = wrap(suite, key.recipient, b"secret", b"record 1")
...     opened = [unwrap(suite, key, wrapped, record) for record in (b"record 1", b"record 2")]
...     print(suite, len(key.recipient.public_key), len(wrapped), opened)
intl 32 54 [b'secret', None]
gm 33 135 [b'secret', None]
"""

import hmac
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from trine.crypto import SUITE_ALGORITHMS, SecretKey, decrypt_sm2, encrypt_sm2
from trine.errors import BadPublicKey, BadSecretKey
from trine.model.hashing import Suite, hash_bytes, tagged_hash, under
from trine.model.identifiers import Digest

KEY_BYTES: Final = 32
"""Bytes of a secret key: X25519 (RFC 7748, section 5), or the number of an SM2 key."""
_INFO: Final = b"trine/health-record-key"
_RECIPIENT_TAG: Final = "trine/health-recipient"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may open a record: a public key that wraps secrets."""

    public_key: bytes
    """Key of X25519 (32 bytes), or compressed point of SM2 (33 bytes)."""
    id: Digest = field(init=False, compare=False)
    """Digest that names the recipient in a record; SHA-256 on every chain."""

    def __post_init__(self) -> None:
        """Name the recipient."""
        with under(Suite.INTL):
            object.__setattr__(self, "id", tagged_hash(_RECIPIENT_TAG, self.public_key))


class PrivateKey(Protocol):
    """The secret half of a recipient's key, of one suite."""

    @property
    def public_key(self) -> bytes:
        """The other half."""

    def expose(self) -> bytes:
        """Return the secret itself."""

    def open(self, wrapped: bytes, info: bytes) -> bytes | None:
        """Decrypt; nothing where bytes or `info` are not those that were sealed to this key."""


class Wrap(Protocol):
    """A way to encrypt a short secret to a public key."""

    def generate(self) -> PrivateKey:
        """Make a new key from the operating system's randomness."""

    def take(self, secret: bytes) -> PrivateKey:
        """Take a secret key of `KEY_BYTES`.

        Raises:
            BadSecretKey: It is none.
        """

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Encrypt a secret for a recipient; `info` must be the same to open it.

        Raises:
            BadPublicKey: The recipient's key is none, or one that gives no secret.
        """


class RecipientKey:
    """A recipient's secret key in memory; it is never printed."""

    __slots__ = ("_key", "recipient", "suite")

    def __init__(self, secret: bytes, suite: Suite = Suite.INTL) -> None:
        """Take a secret key.

        Args:
            secret: `KEY_BYTES` bytes.
            suite: Suite of the chains whose records it opens.

        Raises:
            BadSecretKey: It has another length, or is no key of the suite.
        """
        if len(secret) != KEY_BYTES:
            raise BadSecretKey(f"a secret key of {len(secret)} bytes, expected {KEY_BYTES}")
        self._hold(WRAPS[suite].take(secret), suite)

    def _hold(self, key: PrivateKey, suite: Suite) -> None:
        self._key, self.suite = key, suite
        self.recipient = Recipient(key.public_key)

    @classmethod
    def generate(cls, suite: Suite = Suite.INTL) -> Self:
        """Make a new key from the operating system's randomness."""
        made = cls.__new__(cls)
        made._hold(WRAPS[suite].generate(), suite)
        return made

    def expose(self) -> bytes:
        """Return the secret itself, for a keystore to encrypt."""
        return self._key.expose()

    @property
    def private(self) -> PrivateKey:
        """The key that opens."""
        return self._key

    def __repr__(self) -> str:
        return f"RecipientKey({self.recipient.id.hex()[:16]}…)"


_HPKE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class HpkeKey:
    """A key of X25519."""

    def __init__(self, key: X25519PrivateKey) -> None:
        """Hold a key."""
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()

    def expose(self) -> bytes:
        """Return the secret itself."""
        return self._key.private_bytes_raw()

    def open(self, wrapped: bytes, info: bytes) -> bytes | None:
        """Return the secret; nothing where anything differs."""
        try:
            return _HPKE.decrypt(wrapped, self._key, info)
        except (InvalidTag, ValueError):
            return None


class HpkeWrap:
    """Wrap with HPKE (RFC 9180), base mode."""

    def generate(self) -> HpkeKey:
        """Make a key."""
        return HpkeKey(X25519PrivateKey.generate())

    def take(self, secret: bytes) -> HpkeKey:
        """Take a key: any bytes are one."""
        return HpkeKey(X25519PrivateKey.from_private_bytes(secret))

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Return the encapsulated key (32 bytes), then the ciphertext with its tag.

        Raises:
            BadPublicKey: The recipient's key is no X25519 key, or one that gives no secret.
        """
        try:
            public = X25519PublicKey.from_public_bytes(recipient.public_key)
            return _HPKE.encrypt(secret, public, info)
        except ValueError:
            raise BadPublicKey("the recipient's key is no X25519 key that can be used") from None


class Sm2Key:
    """A key of SM2 that decrypts, and signs nothing."""

    def __init__(self, key: SecretKey) -> None:
        """Hold a key."""
        self._key = key
        self.public_key = key.public_key

    def expose(self) -> bytes:
        """Return the secret itself."""
        return self._key.expose()

    def open(self, wrapped: bytes, info: bytes) -> bytes | None:
        """Return the secret; nothing where anything differs."""
        opened, bound = decrypt_sm2(self._key, wrapped), _binding(info)
        if opened is None or not hmac.compare_digest(opened[: len(bound)], bound):
            return None
        return opened[len(bound) :]


class Sm2Wrap:
    """Wrap with SM2 encryption (GB/T 32918.4-2016), the context before the secret."""

    _algorithm: Final = SUITE_ALGORITHMS[Suite.GM]

    def generate(self) -> Sm2Key:
        """Make a key."""
        return Sm2Key(SecretKey.generate(self._algorithm))

    def take(self, secret: bytes) -> Sm2Key:
        """Take a key.

        Raises:
            BadSecretKey: It is zero, or not below the order less one.
        """
        return Sm2Key(SecretKey(self._algorithm, secret))

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Return C1 || C3 || C2 of the digest of `info` and the secret.

        Raises:
            BadPublicKey: The recipient's key is no compressed point of SM2.
        """
        return encrypt_sm2(recipient.public_key, _binding(info) + secret)


def _binding(info: bytes) -> bytes:
    with under(Suite.GM):
        return hash_bytes(info)


WRAPS: Final[dict[Suite, Wrap]] = {Suite.INTL: HpkeWrap(), Suite.GM: Sm2Wrap()}
"""The wrap of each suite."""


def wrap(suite: Suite, recipient: Recipient, secret: bytes, context: bytes) -> bytes:
    """Encrypt a secret for a recipient, bound to a context such as a record's entry.

    Raises:
        BadPublicKey: The recipient's key is none of the suite, or cannot be used.
    """
    return WRAPS[suite].seal(recipient, secret, _INFO + context + recipient.id)


def unwrap(suite: Suite, key: RecipientKey, wrapped: bytes, context: bytes) -> bytes | None:
    """Decrypt a secret; nothing where key, context or bytes are not those that were sealed."""
    if key.suite is not suite:
        return None
    return key.private.open(wrapped, _INFO + context + key.recipient.id)
