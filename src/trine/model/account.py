"""Define the record of an account: key, roles, nonce window, balance, quota."""

from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Annotated, Final, Self

from trine.model.codec import U8, U32, U64, U128, Fixed, Flag, Format, Reader, Structure
from trine.model.hashing import tagged_hash
from trine.model.identifiers import Amount, KeyIndex, Nonce, OrganisationId
from trine.model.keys import ACCOUNT_KEY_BYTES, ALGORITHM, Algorithm, PublicKey
from trine.model.limits import ACCOUNT_KEYS_MAX, NONCE_SLIDE_MAX, NONCE_WINDOW, U64_MAX
from trine.model.verdicts import Malformed, NonCanonical, NonceTooFar, NonceUsed, NonceVoided

ACCOUNT_BYTES: Final = 86
"""Bytes of an encoded account; every account has the same width."""


class Roles(IntFlag):
    """What an account may do in its organisation, as a set of bits."""

    NONE = 0
    """Acts for itself alone: transfers, burns, changes its keys."""
    ADMINISTRATOR = 1
    """Creates and freezes accounts, sets roles and quotas, creates logs, votes on proposals."""
    NOTARY = 2
    """Appends to the organisation's evidence logs."""
    ISSUER = 4
    """Defines the organisation's assets and issues them."""
    READER = 8
    """Reads a chain that only accounts with a role read."""
    ACTING = 7
    """Every role that acts; the first administrator of an organisation holds them."""
    ALL = 15
    """Every role."""


class RolesByte(Format[Roles]):
    """A set of roles, as one byte."""

    def write(self, value: Roles) -> bytes:
        """Return the bits."""
        return bytes([value])

    def read(self, reader: Reader) -> Roles:
        """Take a set of roles; a bit that no role has is malformed."""
        bits = reader.integer(1)
        if bits & ~int(Roles.ALL):
            raise Malformed("unknown role")
        return Roles(bits)


ROLES: Final = RolesByte()
"""Format of a set of roles."""


def key_field(key: PublicKey) -> bytes:
    """Write a first key into the field of its account, padded with zeros on the right.

    A key that is recorded beside the account leaves its hash:
    `tagged_hash("trine/key", algorithm as one byte || key)`.
    """
    data = key.data
    if key.algorithm.is_recorded:
        data = tagged_hash("trine/key", bytes([key.algorithm]), key.data)
    return data.ljust(ACCOUNT_KEY_BYTES, b"\x00")


@dataclass(frozen=True)
class Account(Structure):
    """The record of an account."""

    frozen: Annotated[bool, Flag()]
    """Whether the account may not act."""
    roles: Annotated[Roles, ROLES]
    """Roles in the organisation."""
    live_keys: Annotated[int, U8]
    """Bit `i` is set while the key with index `i` lives."""
    key_count: Annotated[int, U8]
    """Number of key indices ever given; indices are never reused."""
    algorithm: Annotated[Algorithm, ALGORITHM]
    """Algorithm of the first key."""
    key: Annotated[bytes, Fixed(ACCOUNT_KEY_BYTES)]
    """First key as `key_field` writes it."""
    organisation: Annotated[OrganisationId, U32]
    """Organisation to which the account belongs."""
    nonce_base: Annotated[Nonce, U64]
    """Lowest nonce of the window; every nonce below is used or void."""
    nonce_used: Annotated[int, U128]
    """Bit `i` is set when nonce `nonce_base + i` is used; bit 0 is never set."""
    balance: Annotated[Amount, U64]
    """Balance of the primary asset."""
    quota: Annotated[int, U32]
    """Quota in units a window; 0 takes the chain's parameter `account_quota`."""
    quota_window: Annotated[int, U32]
    """Window in which `quota_used` counts."""
    quota_used: Annotated[int, U32]
    """Units used in that window."""

    @classmethod
    def new(cls, organisation: OrganisationId, roles: Roles, key: PublicKey) -> Self:
        """Return an account with one key and nothing else."""
        return cls(
            frozen=False,
            roles=roles,
            live_keys=1,
            key_count=1,
            algorithm=key.algorithm,
            key=key_field(key),
            organisation=organisation,
            nonce_base=Nonce(0),
            nonce_used=0,
            balance=Amount(0),
            quota=0,
            quota_window=0,
            quota_used=0,
        )

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take an account whose fields fit together.

        Raises:
            Malformed: There is no key or there are too many, the first is revoked, one lives that
                was never given, or a used nonce is none.
            NonCanonical: The key's padding is not zero, or the window's lowest nonce is used.
            Undecodable: As for every value.
        """
        account = super().decode(reader)
        if not 1 <= account.key_count <= ACCOUNT_KEYS_MAX:
            raise Malformed("number of keys")
        if not account.has_key(KeyIndex(0)) or account.live_keys >> account.key_count:
            raise Malformed("live keys")
        if any(account.key[account.algorithm.field_bytes :]):
            raise NonCanonical("padding of the first key")
        if account.nonce_used & 1:
            raise NonCanonical("the lowest nonce of the window is unused")
        if account.nonce_base + account.nonce_used.bit_length() > U64_MAX:
            raise Malformed("2^64 - 1 and more are no nonces")
        return account

    @property
    def first_key(self) -> PublicKey:
        """First key, without the padding; only of an algorithm that is not recorded beside."""
        return PublicKey(self.algorithm, self.key[: self.algorithm.public_key_bytes])

    def with_first_key(self, key: PublicKey) -> Self:
        """Return the account with another first key; its address stays."""
        return replace(self, algorithm=key.algorithm, key=key_field(key))

    def has_key(self, index: KeyIndex) -> bool:
        """Say whether the key with this index lives."""
        return index < ACCOUNT_KEYS_MAX and self.live_keys >> index & 1 == 1

    def check_nonce(self, nonce: Nonce) -> None:
        """Check that `nonce` may be used: each once, in any order inside the window.

        A nonce beyond the window may come too, up to a limit (see `use_nonce`). The largest number
        of 64 bits is no nonce, so that the base never overflows.

        Raises:
            NonceTooFar: `NONCE_SLIDE_MAX` or more beyond the window, or the largest number.
            NonceVoided: Below the window.
            NonceUsed: Inside the window and used.
        """
        if nonce == U64_MAX:
            raise NonceTooFar
        if nonce < self.nonce_base:
            raise NonceVoided
        offset = nonce - self.nonce_base
        if offset >= NONCE_WINDOW + NONCE_SLIDE_MAX:
            raise NonceTooFar
        if offset < NONCE_WINDOW and self.nonce_used >> offset & 1:
            raise NonceUsed

    def use_nonce(self, nonce: Nonce) -> Self:
        """Return the account with `nonce` used.

        A nonce beyond the window slides it so that the nonce becomes its last; what falls out below
        is void, so that one lost transaction never jams an account. Then the window moves up past
        the nonces used from its base on.

        Raises:
            InvalidTransaction: As `check_nonce`.
        """
        self.check_nonce(nonce)
        base, used = int(self.nonce_base), self.nonce_used
        slide = max(0, nonce - base - (NONCE_WINDOW - 1))
        base, used = base + slide, used >> slide
        used |= 1 << nonce - base
        while used & 1:
            base, used = base + 1, used >> 1
        return replace(self, nonce_base=Nonce(base), nonce_used=used)
