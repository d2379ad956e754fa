"""Name things: chains, accounts, organisations, assets, logs, heights, amounts.

>>> from trine.types import Address
>>> str(Address.parse("00" * 20))[:4]
'0000'
"""

from collections.abc import Iterable
from typing import ClassVar, NewType, Self

from trine.crypto.hashes import hash_many
from trine.errors import BadArgument

Height = NewType("Height", int)
"""Position of a block; genesis has 0."""
Epoch = NewType("Epoch", int)
"""Number of an epoch; the first has 0."""
Amount = NewType("Amount", int)
"""Quantity of an asset in its smallest unit, 0 to 2^64 - 1."""
Nonce = NewType("Nonce", int)
"""Number that an account's transactions use once."""
TimeMs = NewType("TimeMs", int)
"""Unix time in milliseconds."""
OrganisationId = NewType("OrganisationId", int)
"""Number of an organisation, in the order of creation, from 0."""
AssetId = NewType("AssetId", int)
"""Number of an asset, from 1; asset 1 is the primary asset."""
LogId = NewType("LogId", int)
"""Number of an evidence log, from 0."""
ProposalId = NewType("ProposalId", int)
"""Number of a proposal, from 0."""


class FixedBytes(bytes):
    """Bytes of a fixed length, shown as hexadecimal text."""

    LENGTH: ClassVar[int]

    def __new__(cls, value: bytes) -> Self:
        """Check the length.

        Raises:
            BadArgument: The length is another.
        """
        if len(value) != cls.LENGTH:
            found = len(value)
            raise BadArgument(f"{cls.__name__}: {found} bytes, expected {cls.LENGTH}")
        return bytes.__new__(cls, value)

    @classmethod
    def all_of(cls, values: Iterable[bytes]) -> list[Self]:
        """Take what a hash function returned, whose length is right, at a third of the cost."""
        new = bytes.__new__
        return [new(cls, value) for value in values]

    @classmethod
    def all_in(cls, joined: bytes) -> list[Self]:
        """Take values apart that lie one after the other; a rest that is shorter is left out."""
        length = cls.LENGTH
        stops = range(length, len(joined) + 1, length)
        return cls.all_of([joined[stop - length : stop] for stop in stops])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hexadecimal text.

        Raises:
            BadArgument: The text is not hexadecimal, or too long or short.
        """
        try:
            value = bytes.fromhex(text)
        except ValueError:
            value = b""
        if len(value) != cls.LENGTH or len(text) != 2 * cls.LENGTH:
            expected = f"expected {2 * cls.LENGTH} hexadecimal digits"
            raise BadArgument(f"{cls.__name__}: {text[:80]!r}, {expected}")
        return cls(value)

    def __str__(self) -> str:
        return self.hex()

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({self.hex()!r})"


class Address(FixedBytes):
    """Address of an account: the first 20 bytes of the hash of its first key."""

    LENGTH = 20


class ChainId(FixedBytes):
    """Hash of a chain's genesis document."""

    LENGTH = 32


class TransactionId(FixedBytes):
    """Hash of a transaction without its signature."""

    LENGTH = 32


class Digest(FixedBytes):
    """A hash value of the chain's suite."""

    LENGTH = 32


class StateKey(FixedBytes):
    """Key of an entry in the cold state."""

    LENGTH = 32

    @classmethod
    def of_member_certificate(cls, address: Address, suite: str) -> Self:
        """Name the entry that holds the certificate of an account (wire.md, section 7)."""
        tag, table = b"trine/state-key", bytes([15])
        function = {"intl": "sha256", "gm": "sm3"}[suite]
        (digest,) = hash_many(function, [bytes([len(tag)]) + tag + table + address])
        return cls(table + digest[:31])
