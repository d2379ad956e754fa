"""Name things: chains, accounts, organisations, assets, logs, heights, amounts.

A number is an unsigned integer whose width stands where it is encoded. A byte string has a class of
its own that refuses every other length, so that an address is never taken for a digest.

Example:
    >>> from trine.model.identifiers import Address
    >>> Address(bytes(20)).hex()
    '0000000000000000000000000000000000000000'
"""

from typing import ClassVar, Final, NewType, Self

Height = NewType("Height", int)
"""Position of a block; genesis has 0. 64 bits."""

Epoch = NewType("Epoch", int)
"""Number of an epoch; the first has 0. 64 bits."""

Amount = NewType("Amount", int)
"""Quantity of an asset in its smallest unit. 64 bits."""

Milliseconds = NewType("Milliseconds", int)
"""Time in Unix milliseconds, or a span of time. 64 bits."""

Nonce = NewType("Nonce", int)
"""Number that an account uses once. 64 bits."""

KeyIndex = NewType("KeyIndex", int)
"""Place of a key among the keys that an account ever had, from 0. 8 bits."""

OrganisationId = NewType("OrganisationId", int)
"""Number of an organisation, in the order of creation, from 0. 32 bits."""

AssetId = NewType("AssetId", int)
"""Number of an asset, in the order of definition, from 1. 32 bits."""

LogId = NewType("LogId", int)
"""Number of an evidence log, in the order of creation, from 0. 32 bits."""

ProposalId = NewType("ProposalId", int)
"""Number of a proposal, in the order of submission, from 0. 64 bits."""

PRIMARY_ASSET: Final = AssetId(1)
"""The first asset defined on a chain; its balances lie in the accounts themselves."""


class FixedBytes(bytes):
    """A byte string of one length."""

    LENGTH: ClassVar[int]

    def __new__(cls, value: bytes) -> Self:
        """Take `value`.

        Raises:
            ValueError: It has another length.
        """
        if len(value) != cls.LENGTH:
            raise ValueError(f"{cls.__name__} has {len(value)} bytes, expected {cls.LENGTH}")
        return super().__new__(cls, value)


class Digest(FixedBytes):
    """A hash value of the chain's suite."""

    LENGTH = 32


class ChainId(FixedBytes):
    """Hash of a chain's genesis document."""

    LENGTH = 32


class TransactionId(FixedBytes):
    """Hash of a transaction without its signature."""

    LENGTH = 32


class Address(FixedBytes):
    """Address of an account, derived from its first key (see `keys.address_of_key`)."""

    LENGTH = 20


class StateKey(FixedBytes):
    """Key of a value beside the accounts (see `state_keys`)."""

    LENGTH = 32


class ValidatorKey(FixedBytes):
    """Key with which a validator signs: number of the algorithm, the key, zeros to the length.

    All zeros where there is no validator, as in the header of genesis.
    """

    LENGTH = 34
