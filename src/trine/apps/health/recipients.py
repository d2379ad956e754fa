"""Wrap the secrets of a record for the people and organisations that may open it.

On `intl` chains with HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
AES-256-GCM; one encapsulation a record and recipient. What is wrapped is bound to its record and
recipient through HPKE's `info`, so that nobody can move it to another.

On `gm` chains the wrap is SM2 encryption (GB/T 32918.4). This build has SM2 signatures and no SM2
encryption yet: `WRAPS` says so with a code, and takes one as soon as there is one.

>>> key = RecipientKey.generate()
>>> wrapped = wrap(Suite.INTL, key.recipient, b"secret", b"record 1")
>>> unwrap(Suite.INTL, key, wrapped, b"record 1")
b'secret'
>>> unwrap(Suite.INTL, key, wrapped, b"record 2") is None
True
"""

from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from trine.errors import BadPublicKey, BadSecretKey, Unsupported
from trine.model.hashing import Suite, tagged_hash, under
from trine.model.identifiers import Digest

KEY_BYTES: Final = 32
"""Bytes of an X25519 key, secret or public (RFC 7748, section 5)."""
_INFO: Final = b"trine/health-record-key"
_RECIPIENT_TAG: Final = "trine/health-recipient"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may open a record: a public key that wraps secrets."""

    public_key: bytes
    id: Digest = field(init=False, compare=False)
    """Digest that names the recipient in a record; SHA-256 on every chain."""

    def __post_init__(self) -> None:
        """Name the recipient."""
        with under(Suite.INTL):
            object.__setattr__(self, "id", tagged_hash(_RECIPIENT_TAG, self.public_key))


class RecipientKey:
    """A recipient's secret key in memory; it is never printed."""

    __slots__ = ("_key", "recipient")

    def __init__(self, secret: bytes) -> None:
        """Take a secret key.

        Raises:
            BadSecretKey: It has not `KEY_BYTES` bytes.
        """
        if len(secret) != KEY_BYTES:
            raise BadSecretKey(f"a secret key of {len(secret)} bytes, expected {KEY_BYTES}")
        self._key = X25519PrivateKey.from_private_bytes(secret)
        self.recipient = Recipient(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    def expose(self) -> bytes:
        """Return the secret itself, for a keystore to encrypt."""
        return self._key.private_bytes_raw()

    @property
    def private(self) -> X25519PrivateKey:
        """The key for a decapsulation."""
        return self._key

    def __repr__(self) -> str:
        return f"RecipientKey({self.recipient.id.hex()[:16]}…)"


class Wrap(Protocol):
    """A way to encrypt a short secret to a public key."""

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Encrypt a secret for a recipient; `info` must be the same to open it."""

    def open(self, key: RecipientKey, wrapped: bytes, info: bytes) -> bytes | None:
        """Decrypt; nothing where key, bytes or `info` are not those that were sealed."""


class HpkeWrap:
    """Wrap with HPKE (RFC 9180), base mode."""

    _suite: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Return the encapsulated key (32 bytes), then the ciphertext with its tag.

        Raises:
            BadPublicKey: The recipient's key is no X25519 key, or one that gives no secret.
        """
        try:
            public = X25519PublicKey.from_public_bytes(recipient.public_key)
            return self._suite.encrypt(secret, public, info)
        except ValueError:
            raise BadPublicKey("the recipient's key is no X25519 key that can be used") from None

    def open(self, key: RecipientKey, wrapped: bytes, info: bytes) -> bytes | None:
        """Return the secret; nothing where anything differs."""
        try:
            return self._suite.decrypt(wrapped, key.private, info)
        except (InvalidTag, ValueError):
            return None


class Sm2Wrap:
    """Stand where SM2 encryption (GB/T 32918.4) will wrap keys on `gm` chains."""

    def seal(self, recipient: Recipient, secret: bytes, info: bytes) -> bytes:
        """Refuse.

        Raises:
            Unsupported: This build has no SM2 encryption.
        """
        raise Unsupported("records of a gm chain need SM2 encryption, which this build lacks")

    def open(self, key: RecipientKey, wrapped: bytes, info: bytes) -> bytes | None:
        """Refuse.

        Raises:
            Unsupported: This build has no SM2 encryption.
        """
        raise Unsupported("records of a gm chain need SM2 encryption, which this build lacks")


WRAPS: Final[dict[Suite, Wrap]] = {Suite.INTL: HpkeWrap(), Suite.GM: Sm2Wrap()}
"""The wrap of each suite."""


def wrap(suite: Suite, recipient: Recipient, secret: bytes, context: bytes) -> bytes:
    """Encrypt a secret for a recipient, bound to a context such as a record's entry.

    Raises:
        BadPublicKey: The recipient's key cannot be used.
        Unsupported: The suite has no wrap yet.
    """
    return WRAPS[suite].seal(recipient, secret, _INFO + context + recipient.id)


def unwrap(suite: Suite, key: RecipientKey, wrapped: bytes, context: bytes) -> bytes | None:
    """Decrypt a secret; nothing where key, context or bytes are not those that were sealed.

    Raises:
        Unsupported: The suite has no wrap yet.
    """
    return WRAPS[suite].open(key, wrapped, _INFO + context + key.recipient.id)
