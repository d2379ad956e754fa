"""Say where a call executes, and gather what a transaction changes."""

from dataclasses import dataclass, field

from trine.model.account import Account, Roles
from trine.model.identifiers import (
    Address,
    Digest,
    Height,
    LogId,
    Milliseconds,
    TransactionId,
)
from trine.model.outcome import Event
from trine.model.state import State
from trine.model.verdicts import NoRight, OtherOrganisation, UnknownAccount


@dataclass(frozen=True)
class Block:
    """The block in which transactions execute."""

    height: Height
    """Height of the block."""
    time_ms: Milliseconds
    """Block time in Unix milliseconds."""


@dataclass(frozen=True)
class LogAppend:
    """Entries that a call appended to an evidence log."""

    log: LogId
    """Log."""
    first_index: int
    """Index of the first entry."""
    entries: tuple[Digest, ...]
    """Entries in order; none for a log just created."""


@dataclass
class Effects:
    """What a transaction has changed so far: all of it stays, or nothing."""

    state: State
    """State with the changes."""
    events: list[Event] = field(default_factory=list)
    """Events in order."""
    log_appends: list[LogAppend] = field(default_factory=list)
    """Changes of evidence logs in order."""


@dataclass(frozen=True)
class Caller:
    """Who makes a call, and where."""

    block: Block
    """Block that holds the transaction."""
    address: Address
    """Sender of the transaction."""
    transaction: TransactionId
    """Identifier of the transaction."""
    call: int
    """Index of the call in the transaction."""

    def account(self, effects: Effects) -> Account:
        """Return the sender's account as earlier calls left it."""
        return effects.state.accounts[self.address]

    def require_role(self, role: Roles, effects: Effects) -> Account:
        """Return the sender's account when it holds `role`.

        Raises:
            NoRight: It does not.
        """
        account = self.account(effects)
        if role not in account.roles:
            raise NoRight
        return account

    def require_member(self, address: Address, effects: Effects) -> Account:
        """Return the account at `address` when it belongs to the sender's organisation.

        Raises:
            UnknownAccount: The address has no account.
            OtherOrganisation: The account belongs to another organisation.
        """
        account = effects.state.accounts.get(address)
        if account is None:
            raise UnknownAccount
        if account.organisation != self.account(effects).organisation:
            raise OtherOrganisation
        return account
