"""Name signature algorithms, check keys and signatures, derive addresses.

Example:
    >>> from trine.model.keys import Algorithm, address_of_key
    >>> address_of_key(Algorithm.ED25519, bytes([1]) + bytes(31)).hex()
    '11dc7d0ae8a7c3fe2fc865a0a1809385590af807'
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final, Protocol

from trine.model import ed25519, ml_dsa, p256, secp256k1, sm2
from trine.model.codec import Bytes, Format, Reader, Structure
from trine.model.hashing import Suite, current_suite, tagged_hash
from trine.model.identifiers import Address, ValidatorKey
from trine.model.limits import PUBLIC_KEY_BYTES_MAX
from trine.model.verdicts import Malformed

ACCOUNT_KEY_BYTES: Final = 33
"""Bytes of the first key's field in an account; a shorter key is padded with zeros on the right."""

HASH_BYTES: Final = 32
"""Bytes of a hash value."""


class Algorithm(IntEnum):
    """A signature algorithm; the number is its value on the wire."""

    ED25519 = 1
    """Ed25519 (RFC 8032), verified by the rule of ZIP 215."""
    SM2 = 2
    """SM2 with SM3 (GB/T 32918.2-2016), the signer named by the default identifier."""
    P256 = 3
    """ECDSA on P-256 with SHA-256 (FIPS 186-5), low `s` only."""
    SECP256K1 = 4
    """ECDSA on secp256k1 with SHA-256 (SEC 1) and a recovery id, low `s` only."""
    ML_DSA_65 = 5
    """ML-DSA-65 (FIPS 204), with the empty context."""

    @property
    def label(self) -> str:
        """Name in the genesis document and in answers."""
        return self.name.lower().replace("_", "-")

    @property
    def public_key_bytes(self) -> int:
        """Length of a public key, in bytes."""
        return _RULES[self].KEY_BYTES

    def admits_signature_bytes(self, length: int) -> bool:
        """Say whether a signature may have this length: its own, or that of a passkey's."""
        if self is Algorithm.P256:
            return p256.admits_signature_bytes(length)
        return length == _RULES[self].SIGNATURE_BYTES

    @property
    def is_recorded(self) -> bool:
        """Whether a first key is too long for its account and lies beside it, at key index 0."""
        return self.public_key_bytes > ACCOUNT_KEY_BYTES

    @property
    def field_bytes(self) -> int:
        """Bytes that a first key takes of its account's field."""
        return HASH_BYTES if self.is_recorded else self.public_key_bytes


class Rule(Protocol):
    """What the module of an algorithm offers."""

    @property
    def KEY_BYTES(self) -> int:  # noqa: N802 - a constant of the module
        """Length of a public key, in bytes."""

    @property
    def SIGNATURE_BYTES(self) -> int:  # noqa: N802 - a constant of the module
        """Length of a signature, in bytes."""

    def is_public_key(self, key: bytes, /) -> bool:
        """Say whether the bytes are a key: right length, a point of the curve."""

    def verify(self, key: bytes, message: bytes, signature: bytes, /) -> bool:
        """Say whether the signature is the key's over exactly the message."""


_RULES: Final[dict[Algorithm, Rule]] = {
    Algorithm.ED25519: ed25519,
    Algorithm.SM2: sm2,
    Algorithm.P256: p256,
    Algorithm.SECP256K1: secp256k1,
    Algorithm.ML_DSA_65: ml_dsa,
}


OF_SUITE: Final = {Suite.INTL: Algorithm.ED25519, Suite.GM: Algorithm.SM2}
"""Algorithm of accounts and validators that name no other, by suite."""

OF_VALIDATORS: Final = {
    Suite.INTL: frozenset({Algorithm.ED25519, Algorithm.P256}),
    Suite.GM: frozenset({Algorithm.SM2}),
}
"""Algorithms with which validators may sign, by suite."""


class AlgorithmNumber(Format[Algorithm]):
    """An algorithm's number, as one byte."""

    def write(self, value: Algorithm) -> bytes:
        """Return the number."""
        return bytes([value])

    def read(self, reader: Reader) -> Algorithm:
        """Take a number; one that no algorithm has is malformed."""
        number = reader.integer(1)
        if number not in set(Algorithm):
            raise Malformed("unknown algorithm")
        return Algorithm(number)


ALGORITHM: Final = AlgorithmNumber()
"""Format of an algorithm."""


@dataclass(frozen=True)
class PublicKey(Structure):
    """A public key with its algorithm."""

    algorithm: Annotated[Algorithm, ALGORITHM]
    """Algorithm of the key."""
    data: Annotated[bytes, Bytes(2, PUBLIC_KEY_BYTES_MAX, "public key")]
    """Encoded key; any bytes on the wire, see `is_well_formed`."""

    def is_well_formed(self) -> bool:
        """Say whether the bytes are a key of the algorithm: right length, a point of the curve."""
        return _RULES[self.algorithm].is_public_key(self.data)

    def is_admitted(self) -> bool:
        """Say whether chains of the suite at hand admit the algorithm: `gm` its own alone."""
        return current_suite() is not Suite.GM or self.algorithm is Algorithm.SM2

    def address(self) -> Address:
        """Derive the address of an account whose first key this is."""
        return address_of_key(self.algorithm, self.data)


def validator_key(key: PublicKey) -> ValidatorKey | None:
    """Return a public key in the form of validators; none when it is no validator's key."""
    if key.algorithm not in OF_VALIDATORS[current_suite()] or not key.is_well_formed():
        return None
    return ValidatorKey((bytes([key.algorithm]) + key.data).ljust(ValidatorKey.LENGTH, b"\0"))


def key_of_validator(key: ValidatorKey) -> PublicKey | None:
    """Return the public key of a validator; none for bytes that are no validator's key."""
    if key[0] not in set(Algorithm):
        return None
    algorithm = Algorithm(key[0])
    public_key = PublicKey(algorithm, key[1 : 1 + algorithm.public_key_bytes])
    return public_key if validator_key(public_key) == key else None


def address_of_key(algorithm: Algorithm, key: bytes) -> Address:
    """Derive an address: the first 20 bytes of a hash over algorithm number and key.

    The hash is `tagged_hash("trine/address", algorithm as one byte || key)`. A key of secp256k1 has
    the address that Ethereum gives it; bytes that are no such key have one by the hash.
    """
    if algorithm is Algorithm.SECP256K1 and (address := secp256k1.ethereum_address(key)):
        return Address(address)
    return Address(tagged_hash("trine/address", bytes([algorithm]), key)[:20])


def signed_bytes(namespace: bytes, message: bytes) -> bytes:
    """Return what is signed for `message`: length of the namespace, namespace, message.

    The length is an unsigned LEB128 number: one byte below 128, seven bits a byte beyond.
    """
    prefix, rest = bytearray(), len(namespace)
    while rest >= 0x80:
        prefix.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*prefix, rest]) + namespace + message


def verify(key: PublicKey, namespace: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` signs `message` in `namespace` under `key`."""
    return _RULES[key.algorithm].verify(key.data, signed_bytes(namespace, message), signature)
