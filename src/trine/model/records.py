"""Define the records of the state beside the accounts."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final

from trine.model.calls import ACTION, TRANSFER_REFERENCE, Action
from trine.model.codec import U8, U32, U64, Format, ListOf, Reader, Structure, Text8
from trine.model.identifiers import (
    Address,
    Amount,
    AssetId,
    Height,
    Milliseconds,
    OrganisationId,
    TransactionId,
)
from trine.model.keys import PublicKey
from trine.model.limits import NAME_BYTES_MAX, ORGANISATIONS_MAX, SYMBOL_BYTES_MAX
from trine.model.merkle import Frontier
from trine.model.verdicts import Malformed, NonCanonical


@dataclass(frozen=True)
class Counters(Structure):
    """How many of each thing exist; the next number of each."""

    organisations: Annotated[int, U32]
    """Organisations."""
    assets: Annotated[int, U32]
    """Assets; the next asset has this number plus one."""
    logs: Annotated[int, U32]
    """Evidence logs."""
    proposals: Annotated[int, U64]
    """Proposals."""
    parameters_version: Annotated[int, U64]
    """Times that a parameter was set."""


@dataclass(frozen=True)
class Organisation(Structure):
    """An organisation."""

    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name, unique on the chain."""
    administrators: Annotated[int, U32]
    """Number of accounts that hold the role of administrator, frozen ones included."""
    quota_window: Annotated[int, U32]
    """Window in which `quota_used` counts."""
    quota_used: Annotated[int, U64]
    """Quota units used in that window by all its accounts."""


_REMOVED: Final = ListOf(U32, ORGANISATIONS_MAX, "removed organisations")


@dataclass(frozen=True)
class RemovedOrganisations(Structure):
    """Organisations that left the chain."""

    members: Annotated[tuple[OrganisationId, ...], _REMOVED] = ()
    """Their numbers, ascending."""

    def __post_init__(self) -> None:
        """Refuse any other order."""
        if list(self.members) != sorted(set(self.members)):
            raise NonCanonical("organisations are ordered, each once")


EVERY_MODULE: Final = 2**32 - 1
"""What an account's first key may call."""


@dataclass(frozen=True)
class AccountKey(Structure):
    """A key of an account other than its first, or a first one that is too long for the account."""

    key: PublicKey
    """The key."""
    modules: Annotated[int, U32]
    """Bit `m` set: the key may call module `m`."""

    def may_call(self, module: int) -> bool:
        """Say whether the key may call a module."""
        return self.modules >> module & 1 == 1


@dataclass(frozen=True)
class Log(Structure):
    """An evidence log."""

    organisation: Annotated[OrganisationId, U32]
    """Organisation that appends to it."""
    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name, unique in the organisation."""
    frontier: Frontier
    """Size and right edge of its tree."""


@dataclass(frozen=True)
class Asset(Structure):
    """An asset."""

    organisation: Annotated[OrganisationId, U32]
    """Organisation that issues it."""
    symbol: Annotated[str, Text8(SYMBOL_BYTES_MAX, "symbol")]
    """Symbol, unique in the organisation."""
    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name for people."""
    decimals: Annotated[int, U8]
    """Digits after the decimal point."""
    supply: Annotated[Amount, U64]
    """Units in existence: the sum of all balances."""


@dataclass(frozen=True)
class Transfer(Structure):
    """A transfer that carried a reference."""

    transaction: TransactionId
    """Transaction that made it."""
    call: Annotated[int, U8]
    """Index of the call in the transaction."""
    height: Annotated[Height, U64]
    """Block that holds the transaction."""
    asset: Annotated[AssetId, U32]
    """Asset."""
    to: Address
    """Recipient."""
    amount: Annotated[Amount, U64]
    """Units."""
    reference: Annotated[bytes, TRANSFER_REFERENCE]
    """The reference itself."""


class ProposalStatus(IntEnum):
    """Whether a proposal can still be voted on; the number is its value on the wire."""

    OPEN = 0
    """Votes are taken until it expires."""
    EXECUTED = 1
    """Enough organisations approved and the action succeeded."""
    REJECTED = 2
    """So many organisations rejected it that it cannot be approved any more."""


class ProposalStatusByte(Format[ProposalStatus]):
    """A proposal's status, as one byte."""

    def write(self, value: ProposalStatus) -> bytes:
        """Return the number."""
        return bytes([value])

    def read(self, reader: Reader) -> ProposalStatus:
        """Take a status; a number that none has is malformed."""
        number = reader.integer(1)
        if number not in set(ProposalStatus):
            raise Malformed("unknown proposal status")
        return ProposalStatus(number)


PROPOSAL_STATUS: Final = ProposalStatusByte()
"""Format of a proposal's status."""

_VOTES: Final = ListOf(U32, ORGANISATIONS_MAX, "votes")


@dataclass(frozen=True)
class Proposal(Structure):
    """A proposal with its votes; each organisation has one."""

    action: Annotated[Action, ACTION]
    """What it does."""
    organisation: Annotated[OrganisationId, U32]
    """Organisation that submitted it."""
    expires_ms: Annotated[Milliseconds, U64]
    """Last block time at which votes are taken, in Unix milliseconds."""
    status: Annotated[ProposalStatus, PROPOSAL_STATUS]
    """Whether it is still open."""
    approvals: Annotated[tuple[OrganisationId, ...], _VOTES]
    """Organisations that approve, in the order of their votes."""
    rejections: Annotated[tuple[OrganisationId, ...], _VOTES]
    """Organisations that reject, in the order of their votes."""
