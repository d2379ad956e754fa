"""Check what a proof says about a block against the block's header.

Source: `docs/reference/proofs.md`, section 6. Each kind is a class that reads itself and returns,
once verified, the fact that it shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from trine.model.account import Account
from trine.model.header import Header
from trine.model.identifiers import Address, Digest, LogId, StateKey, TransactionId
from trine.model.limits import (
    PROOF_PATH_MAX,
    STATE_VALUE_BYTES_MAX,
    TRANSFER_REFERENCE_BYTES_MAX,
    TRANSFER_REFERENCE_BYTES_MIN,
)
from trine.model.merkle import leaf_hash, node_hash
from trine.model.outcome import Outcome
from trine.model.proofs import cbor
from trine.model.proofs.certified import varint
from trine.model.proofs.state_proof import StateProof
from trine.model.proofs.verdicts import Malformed, NotAbsent, NotIncluded, OtherReference
from trine.model.proofs.votes import ConflictingVotesFact, ConflictingVotesStatement
from trine.model.records import Transfer
from trine.model.state_keys import transfer_key
from trine.model.transaction import Transaction
from trine.model.verdicts import Undecodable

UPDATE: Final = b"\xd2"
"""First byte of an operation that sets a value."""

_U32_MAX: Final = 2**32 - 1


@dataclass(frozen=True)
class TransactionFact:
    """The transaction is in the block and had this outcome."""

    transaction: Transaction
    """Transaction."""
    transaction_id: TransactionId
    """Its identifier."""
    outcome: Outcome
    """Outcome."""


@dataclass(frozen=True)
class BlockFact:
    """The block is final."""


@dataclass(frozen=True)
class AccountFact:
    """The account after the block."""

    address: Address
    """Address."""
    account: Account
    """Account."""


@dataclass(frozen=True)
class ValueFact:
    """The key has this value after the block."""

    key: StateKey
    """Key."""
    value: bytes
    """Value."""


@dataclass(frozen=True)
class AbsenceFact:
    """The key has no value after the block."""

    key: StateKey
    """Key."""


@dataclass(frozen=True)
class EvidenceFact:
    """The entry was recorded in the block or before."""

    entry: Digest
    """Entry."""
    log: LogId
    """Log."""
    index: int
    """Index in the log, from 0."""
    size: int
    """Size of the log after the block."""


@dataclass(frozen=True)
class TransferFact:
    """The transfer was made in the block or before."""

    sender: Address
    """Sender."""
    reference: bytes
    """Reference."""
    record: Transfer
    """Record."""


Fact = (
    TransactionFact
    | BlockFact
    | AccountFact
    | ValueFact
    | AbsenceFact
    | EvidenceFact
    | TransferFact
    | ConflictingVotesFact
)
"""What a verified proof shows."""


class Statement(Protocol):
    """A statement about a block with what shows it."""

    def verify(self, header: Header) -> Fact:
        """Check the statement against the header of its block."""


@dataclass(frozen=True)
class SidedPath:
    """Siblings from a leaf up, each with its side; shows that the leaf is in a tree."""

    steps: tuple[tuple[bool, Digest], ...]
    """Whether the sibling is on the right, and the sibling."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read a path of 33-byte steps."""
        steps = cbor.pieces(item, "path", 33, PROOF_PATH_MAX)
        if any(step[0] > 1 for step in steps):
            raise Malformed("the path is malformed: a side is 0 or 1")
        return cls(tuple((step[0] == 1, Digest(step[1:])) for step in steps))

    def root(self, leaf: bytes) -> Digest:
        """Compute the root to which the path leads."""
        node = leaf_hash(leaf)
        for is_right, sibling in self.steps:
            node = node_hash(node, sibling) if is_right else node_hash(sibling, node)
        return node


def head_of_path(entry: Digest, index: int, size: int, path: Sequence[Digest]) -> Digest | None:
    """Compute the head of a log to which an inclusion path leads (RFC 9162, section 2.1.3.2).

    Returns nothing where the path does not fit index and size.
    """
    if index >= size:
        return None
    place, last, node = index, size - 1, leaf_hash(entry)
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return node if last == 0 else None


def _expect(what: str, found: Digest | None, expected: Digest, root: str) -> None:
    if found != expected:
        raise NotIncluded(f"the {what} is not in the block: the path leads to another {root}")


@dataclass(frozen=True)
class TransactionStatement:
    """Kind 1: a transaction and its outcome."""

    transaction: bytes
    """Encoded transaction."""
    body_path: SidedPath
    """Path to the body root."""
    outcome: bytes
    """Encoded outcome."""
    outcome_path: SidedPath
    """Path to the outcome root."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        transaction, body_path, outcome, outcome_path = cbor.fields(item, 4, "statement")
        return cls(
            cbor.string(transaction, "transaction"),
            SidedPath.read(body_path),
            cbor.string(outcome, "outcome"),
            SidedPath.read(outcome_path),
        )

    def verify(self, header: Header) -> TransactionFact:
        """Check both paths; the transaction's identifier joins them."""
        found = self.body_path.root(self.transaction)
        _expect("transaction", found, header.body_root, "body root")
        try:
            transaction = Transaction.from_bytes(self.transaction)
            identifier = transaction.body.id()
            found = self.outcome_path.root(identifier + self.outcome)
            _expect("outcome", found, header.outcome_root, "outcome root")
            outcome = Outcome.from_bytes(self.outcome)
        except Undecodable as error:
            raise Malformed(f"the transaction or outcome is malformed: {error}") from None
        return TransactionFact(transaction, identifier, outcome)


@dataclass(frozen=True)
class BlockStatement:
    """Kind 2: a block."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement: an empty map."""
        cbor.fields(item, 0, "statement")
        return cls()

    def verify(self, header: Header) -> BlockFact:
        """Check nothing more: the header is the statement."""
        return BlockFact()


@dataclass(frozen=True)
class AccountStatement:
    """Kind 3: an account."""

    address: Address
    """Address."""
    account: bytes
    """Encoded account."""
    proof: StateProof
    """Against the accounts' commitment."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        address, account, proof = cbor.fields(item, 3, "statement")
        return cls(
            Address(cbor.string(address, "address", length=20)),
            cbor.string(account, "account", length=86),
            StateProof.read(proof),
        )

    def verify(self, header: Header) -> AccountFact:
        """Check that setting the account is an active operation."""
        operation = UPDATE + self.address + self.account
        self.proof.verify(operation, header.accounts, "account")
        try:
            return AccountFact(self.address, Account.from_bytes(self.account))
        except Undecodable as error:
            raise Malformed(f"the account is malformed: {error}") from None


@dataclass(frozen=True)
class ValueStatement:
    """Kind 4: a value of the state; also the neighbour of an absent key."""

    key: StateKey
    """Key."""
    value: bytes
    """Value."""
    next_key: StateKey
    """Next key in the ring of keys."""
    proof: StateProof
    """Against the values' commitment."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        return cls.of(*cbor.fields(item, 4, "statement"))

    @classmethod
    def of(cls, key: cbor.Item, value: cbor.Item, next_key: cbor.Item, proof: cbor.Item) -> Self:
        """Read the four parts."""
        return cls(
            StateKey(cbor.string(key, "key", length=32)),
            cbor.string(value, "value", most=STATE_VALUE_BYTES_MAX),
            StateKey(cbor.string(next_key, "next key", length=32)),
            StateProof.read(proof),
        )

    def check(self, header: Header, what: str) -> None:
        """Check that setting the value is an active operation."""
        operation = UPDATE + self.key + varint(len(self.value)) + self.value + self.next_key
        self.proof.verify(operation, header.values, what)

    def verify(self, header: Header) -> ValueFact:
        """Check that the value is current."""
        self.check(header, "value")
        return ValueFact(self.key, self.value)


@dataclass(frozen=True)
class AbsenceStatement:
    """Kind 5: absence of a value."""

    key: StateKey
    """Key that has no value."""
    neighbour: ValueStatement
    """The entry before it in the ring of keys."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        key, *neighbour = cbor.fields(item, 5, "statement")
        return cls(StateKey(cbor.string(key, "key", length=32)), ValueStatement.of(*neighbour))

    def verify(self, header: Header) -> AbsenceFact:
        """Check that the key lies between its neighbour and the key after that."""
        self.neighbour.check(header, "neighbour")
        before, after = self.neighbour.key, self.neighbour.next_key
        if before < after:
            is_between = before < self.key < after
        else:
            is_between = self.key > before or self.key < after
        if not is_between:
            raise NotAbsent("the proof does not show that the key has no value")
        return AbsenceFact(self.key)


@dataclass(frozen=True)
class EvidenceStatement:
    """Kind 6: an evidence entry."""

    entry: Digest
    """Entry."""
    log: LogId
    """Log."""
    index: int
    """Index in the log."""
    size: int
    """Size of the log after the block."""
    path: tuple[Digest, ...]
    """Inclusion path in the log."""
    root_path: SidedPath
    """Path of log, size and head to the evidence root."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        entry, log, index, size, path, root_path = cbor.fields(item, 6, "statement")
        number = cbor.unsigned(log, "log number")
        if number > _U32_MAX:
            raise Malformed("the log number is malformed: too large")
        return cls(
            Digest(cbor.string(entry, "entry", length=32)),
            LogId(number),
            cbor.unsigned(index, "index"),
            cbor.unsigned(size, "size"),
            tuple(map(Digest, cbor.pieces(path, "path", 32, PROOF_PATH_MAX))),
            SidedPath.read(root_path),
        )

    def verify(self, header: Header) -> EvidenceFact:
        """Check the path in the log, then the log's head among those of all logs."""
        head = head_of_path(self.entry, self.index, self.size, self.path)
        if head is None:
            raise NotIncluded("the evidence entry's path does not fit its index and size")
        leaf = self.log.to_bytes(4, "big") + self.size.to_bytes(8, "big") + head
        found = self.root_path.root(leaf)
        _expect("evidence entry", found, header.evidence_root, "evidence root")
        return EvidenceFact(self.entry, self.log, self.index, self.size)


@dataclass(frozen=True)
class TransferStatement:
    """Kind 7: a transfer by its reference."""

    sender: Address
    """Sender."""
    reference: bytes
    """Reference."""
    entry: ValueStatement
    """The record under the state key of sender and reference."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement; the state key follows from sender and reference."""
        sender, reference, record, next_key, proof = cbor.fields(item, 5, "statement")
        address = Address(cbor.string(sender, "sender", length=20))
        data = cbor.string(reference, "reference", most=TRANSFER_REFERENCE_BYTES_MAX)
        if len(data) < TRANSFER_REFERENCE_BYTES_MIN:
            raise Malformed("the reference is malformed: of impossible length")
        entry = ValueStatement.of(transfer_key(address, data), record, next_key, proof)
        return cls(address, data, entry)

    def verify(self, header: Header) -> TransferFact:
        """Check that the record is current and of this reference."""
        self.entry.check(header, "transfer")
        try:
            record = Transfer.from_bytes(self.entry.value)
        except Undecodable as error:
            raise Malformed(f"the transfer record is malformed: {error}") from None
        if record.reference != self.reference:
            raise OtherReference("the transfer record has another reference")
        return TransferFact(self.sender, self.reference, record)


READERS: Final[dict[int, Callable[[cbor.Item], Statement]]] = {
    1: TransactionStatement.read,
    2: BlockStatement.read,
    3: AccountStatement.read,
    4: ValueStatement.read,
    5: AbsenceStatement.read,
    6: EvidenceStatement.read,
    7: TransferStatement.read,
    8: ConflictingVotesStatement.read,
}
"""How to read a statement, by the number of its kind."""


def read_statement(kind: int, item: cbor.Item) -> Statement:
    """Read a statement of a kind.

    Raises:
        Malformed: No kind has this number, or the statement is not one of its kind.
    """
    if kind not in READERS:
        raise Malformed(f"the statement is malformed: kind {kind}, expected 1 to {len(READERS)}")
    return READERS[kind](item)
