"""Build, sign and read transactions.

>>> from trine.crypto import SecretKey
>>> from trine.types import ChainId, LogCreate, Transaction, sign_transactions
>>> key = SecretKey("ed25519", bytes(32))
>>> draft = (0, 1_800_000_000_000, (LogCreate(name="contracts"),))
>>> signed = sign_transactions("intl", ChainId(bytes(32)), key.address("intl"), key, [draft])
>>> Transaction.decode("intl", signed[0].encoded).calls
(LogCreate(name='contracts'),)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from trine._core import transactions as core
from trine.crypto import SigningKey
from trine.types.calls import Call, decode_call
from trine.types.identifiers import Address, ChainId, Nonce, TimeMs, TransactionId

Draft = tuple[int, int, Sequence[Call]]
"""Nonce, last block time in Unix milliseconds, calls."""


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction ready to travel.

    Attributes:
        id: Identifier; the same for every submission of these bytes.
        encoded: The bytes that blocks carry.
    """

    id: TransactionId
    encoded: bytes


@dataclass(frozen=True)
class Transaction:
    """A transaction as its fields."""

    id: TransactionId
    chain_id: ChainId
    sender: Address
    key_index: int
    nonce: Nonce
    valid_until_ms: TimeMs
    calls: tuple[Call, ...]
    algorithm: str
    signature: bytes

    @classmethod
    def decode(cls, suite: str, encoded: bytes) -> Self:
        """Read a transaction. Its signature is not checked: the key is in the chain's state.

        Raises:
            Malformed, NonCanonical, TooLarge: The bytes are no transaction.
            UnknownModule, UnknownMethod, BadArguments: A call is none of this release.
        """
        fields = core.decode(suite, encoded)
        return cls(
            id=TransactionId(fields["id"]),
            chain_id=ChainId(fields["chain_id"]),
            sender=Address(fields["sender"]),
            key_index=fields["key_index"],
            nonce=Nonce(fields["nonce"]),
            valid_until_ms=TimeMs(fields["valid_until_ms"]),
            calls=tuple(decode_call(call) for call in fields["calls"]),
            algorithm=fields["algorithm"],
            signature=fields["signature"],
        )


def sign_transactions(
    suite: str,
    chain_id: ChainId,
    sender: Address,
    key: SigningKey,
    drafts: Sequence[Draft],
    *,
    key_index: int = 0,
) -> list[SignedTransaction]:
    """Sign one transaction for each draft.

    Raises:
        TooLarge: A transaction has too many calls or bytes.
        Malformed: A transaction has no call.
        BadArgument: A nonce, time or field is outside its range.
    """
    lowered = [
        (nonce, valid_until_ms, [call.encode() for call in calls])
        for nonce, valid_until_ms, calls in drafts
    ]
    signed = core.sign(suite, chain_id, sender, key_index, key.core, lowered)
    return [SignedTransaction(TransactionId(id_), encoded) for id_, encoded in signed]
