"""Hold the state that blocks change: accounts, and the records beside them.

Example:
    >>> from trine.model.state import State
    >>> State().digest().hex()[:16]
    '9897c7cb775cbad3'
"""

from dataclasses import dataclass, field
from typing import TypeVar

from trine.model.account import Account
from trine.model.codec import U32, U64, Reader, Value
from trine.model.hashing import tagged_hash
from trine.model.identifiers import Address, Digest, OrganisationId, StateKey
from trine.model.overlay import Overlay
from trine.model.parameters import Parameters
from trine.model.records import Counters, RemovedOrganisations
from trine.model.state_keys import counters_key, parameters_key, removed_organisations_key

V = TypeVar("V", bound=Value)


@dataclass
class State:
    """Everything that the chain knows at a height."""

    accounts: Overlay[Address, Account] = field(default_factory=Overlay)
    """Accounts by address; none is ever deleted."""
    values: Overlay[StateKey, bytes] = field(default_factory=Overlay)
    """Encoded records by key."""

    def copy(self) -> "State":
        """Return a state that changes apart from this one."""
        return State(self.accounts.copy(), self.values.copy())

    def read(self, key: StateKey, kind: type[V]) -> V | None:
        """Read a record, `None` where there is none."""
        data = self.values.get(key)
        return None if data is None else kind.from_bytes(data)

    def require(self, key: StateKey, kind: type[V]) -> V:
        """Read a record that is always there: counters, parameters, what a number leads to."""
        return kind.from_bytes(self.values[key])

    def write(self, key: StateKey, record: Value) -> None:
        """Write a record."""
        self.values[key] = record.encode()

    def read_number(self, key: StateKey) -> int | None:
        """Read an entry that holds a 32-bit number, `None` where there is none."""
        data = self.values.get(key)
        return None if data is None else U32.read(Reader(data))

    def write_number(self, key: StateKey, number: int) -> None:
        """Write an entry that holds a 32-bit number."""
        self.values[key] = U32.write(number)

    @property
    def counters(self) -> Counters:
        """How many of each thing exist."""
        return self.require(counters_key(), Counters)

    @counters.setter
    def counters(self, counters: Counters) -> None:
        self.write(counters_key(), counters)

    @property
    def parameters(self) -> Parameters:
        """Parameters in force."""
        return self.require(parameters_key(), Parameters)

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        self.write(parameters_key(), parameters)

    @property
    def removed(self) -> frozenset[OrganisationId]:
        """Organisations that left the chain."""
        record = self.read(removed_organisations_key(), RemovedOrganisations)
        return frozenset(record.members if record else ())

    @removed.setter
    def removed(self, removed: frozenset[OrganisationId]) -> None:
        self.write(removed_organisations_key(), RemovedOrganisations(tuple(sorted(removed))))

    def is_removed(self, organisation: OrganisationId) -> bool:
        """Say whether an organisation left the chain."""
        return organisation in self.removed

    @property
    def organisations(self) -> int:
        """Number of the organisations that have not left."""
        return self.counters.organisations - len(self.removed)

    def digest(self) -> Digest:
        """Hash every entry in order, so that two implementations can compare what they hold.

        Nobody signs this digest: headers commit to the state by authenticated databases. It is
        `tagged_hash("trine/state-dump", ...)` over the number of accounts (64 bits), each address
        with its account, the number of values (64 bits), each key with the length of its value
        (32 bits) and the value; addresses and keys in rising order.
        """
        accounts = [key + account.encode() for key, account in sorted(self.accounts.items())]
        values = [key + U32.write(len(value)) + value for key, value in sorted(self.values.items())]
        return tagged_hash(
            "trine/state-dump",
            U64.write(len(accounts)),
            *accounts,
            U64.write(len(values)),
            *values,
        )
