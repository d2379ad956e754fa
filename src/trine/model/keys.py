"""Name signature algorithms, check keys and signatures, derive addresses.

Example:
    >>> from trine.model.keys import Algorithm, address_of_key
    >>> address_of_key(Algorithm.ED25519, bytes([1]) + bytes(31)).hex()
    '11dc7d0ae8a7c3fe2fc865a0a1809385590af807'
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final

from trine.model import ed25519
from trine.model.codec import Bytes, Format, Reader, Structure
from trine.model.hashing import tagged_hash
from trine.model.identifiers import Address
from trine.model.limits import PUBLIC_KEY_BYTES_MAX
from trine.model.verdicts import Malformed


class Algorithm(IntEnum):
    """A signature algorithm; the number is its value on the wire."""

    ED25519 = 1
    """Ed25519 (RFC 8032), verified by the rule of ZIP 215."""

    @property
    def label(self) -> str:
        """Name in the genesis document and in answers."""
        return self.name.lower()

    @property
    def public_key_bytes(self) -> int:
        """Length of a public key, in bytes."""
        return ed25519.KEY_BYTES

    @property
    def signature_bytes(self) -> int:
        """Length of a signature, in bytes."""
        return ed25519.SIGNATURE_BYTES


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
        return ed25519.is_public_key(self.data)

    def address(self) -> Address:
        """Derive the address of an account whose first key this is."""
        return address_of_key(self.algorithm, self.data)


def address_of_key(algorithm: Algorithm, key: bytes) -> Address:
    """Derive an address: the first 20 bytes of a hash over algorithm number and key.

    The hash is `tagged_hash("trine/address", algorithm as one byte || key)`.
    """
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
    return ed25519.verify(key.data, signed_bytes(namespace, message), signature)
