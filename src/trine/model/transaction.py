"""Define a transaction: what a sender signs and what travels."""

from dataclasses import dataclass
from typing import Annotated, Final, Self

from trine.model.codec import U8, U64, Bytes, ListOf, Nested, Reader, Structure, Value, check_limit
from trine.model.hashing import tagged_hash
from trine.model.identifiers import (
    Address,
    ChainId,
    KeyIndex,
    Milliseconds,
    Nonce,
    TransactionId,
)
from trine.model.keys import ALGORITHM, Algorithm
from trine.model.limits import (
    ARGUMENTS_BYTES_MAX,
    CALLS_MAX,
    SIGNATURE_BYTES_MAX,
    TRANSACTION_BYTES_MAX,
)
from trine.model.verdicts import Malformed, UnknownVersion

TRANSACTION_VERSION: Final = 1
"""Version of the transaction format: the first byte of a transaction."""

TRANSACTION_NAMESPACE: Final = b"trine/transaction/1"
"""Namespace of a transaction's signature."""

_SIGNATURE: Final = Bytes(2, SIGNATURE_BYTES_MAX, "signature")


@dataclass(frozen=True)
class RawCall(Structure):
    """One call of a module's method, with its arguments still encoded."""

    module: Annotated[int, U8]
    """Number of the module."""
    method: Annotated[int, U8]
    """Number of the method in the module."""
    arguments: Annotated[bytes, Bytes(2, ARGUMENTS_BYTES_MAX, "arguments")]
    """Encoded arguments; whether they are canonical is decided when the call executes."""


@dataclass(frozen=True)
class UnsignedTransaction(Value):
    """What a sender signs."""

    chain_id: ChainId
    """Chain for which the transaction is meant."""
    sender: Address
    """Account that acts."""
    key_index: KeyIndex
    """Index of the key, among the sender's keys, that signs."""
    nonce: Nonce
    """Number that is used once, inside the account's window."""
    valid_until_ms: Milliseconds
    """Last block time, in Unix milliseconds, at which the transaction may stand in a block."""
    calls: tuple[RawCall, ...]
    """Calls, executed in order, all or nothing; 1 to `CALLS_MAX`."""

    _CALLS = ListOf(Nested(RawCall), CALLS_MAX, "calls", prefix=1, least=1)

    def encode(self) -> bytes:
        """Return version, chain id, sender, key index, nonce, valid-until, calls."""
        return b"".join(
            (
                U8.write(TRANSACTION_VERSION),
                self.chain_id,
                self.sender,
                U8.write(self.key_index),
                U64.write(self.nonce),
                U64.write(self.valid_until_ms),
                self._CALLS.write(self.calls),
            )
        )

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take an unsigned transaction.

        Raises:
            UnknownVersion: The version is not 1.
            Malformed: There is no call.
            Undecodable: As for every value.
        """
        if reader.integer(1) != TRANSACTION_VERSION:
            raise UnknownVersion
        return cls(
            chain_id=ChainId(reader.take(ChainId.LENGTH)),
            sender=Address(reader.take(Address.LENGTH)),
            key_index=KeyIndex(reader.integer(1)),
            nonce=Nonce(reader.integer(8)),
            valid_until_ms=Milliseconds(reader.integer(8)),
            calls=cls._CALLS.read(reader),
        )

    def id(self) -> TransactionId:
        """Return `tagged_hash("trine/transaction", encoding)`; the encoding holds the chain id.

        The signature signs these 32 bytes in `TRANSACTION_NAMESPACE`.
        """
        return TransactionId(tagged_hash("trine/transaction", self.encode()))


@dataclass(frozen=True)
class Transaction(Value):
    """A signed transaction: what blocks carry."""

    body: UnsignedTransaction
    """What was signed."""
    algorithm: Algorithm
    """Algorithm of the signature; must be that of the key."""
    signature: bytes
    """Signature, of a length that its algorithm admits."""

    def encode(self) -> bytes:
        """Return the unsigned transaction, the algorithm, the signature."""
        signature = ALGORITHM.write(self.algorithm) + _SIGNATURE.write(self.signature)
        return self.body.encode() + signature

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a transaction; a signature whose length is not its algorithm's is malformed."""
        body = UnsignedTransaction.decode(reader)
        algorithm = ALGORITHM.read(reader)
        signature = _SIGNATURE.read(reader)
        if not algorithm.admits_signature_bytes(len(signature)):
            raise Malformed("signature length is not its algorithm's")
        return cls(body, algorithm, signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a transaction that fills `data`; its size is checked first.

        Raises:
            Undecodable: `data` is too large or not the encoding of a transaction.
        """
        check_limit(len(data), TRANSACTION_BYTES_MAX, "transaction")
        return super().from_bytes(data)
