"""Apply blocks: decide whether one is valid, execute it, compute what its header must say."""

from collections.abc import Sequence
from dataclasses import dataclass

from trine.model.context import Block, LogAppend
from trine.model.document import GenesisDocument, read_genesis
from trine.model.execution import execute_transaction
from trine.model.genesis import genesis_state
from trine.model.hashing import Suite, under
from trine.model.identifiers import ChainId, Digest, Height, Milliseconds, TransactionId
from trine.model.outcome import Outcome
from trine.model.roots import body_root, evidence_root, outcome_root
from trine.model.state import State
from trine.model.state_keys import validators_key
from trine.model.transaction import Transaction
from trine.model.validators import ValidatorSet
from trine.model.validity import check_room, check_validity, signer_key
from trine.model.verdicts import InvalidTransaction


class InvalidBlock(Exception):
    """A transaction makes its block invalid; the block changes nothing."""

    def __init__(self, index: int, verdict: InvalidTransaction) -> None:
        """Name the transaction and the rule that it broke."""
        super().__init__(f"transaction {index}: {verdict.code}")
        self.index = index
        self.code = verdict.code
        self.number = verdict.number


@dataclass(frozen=True)
class Applied:
    """What applying a block gives; its header commits to the roots."""

    ids: tuple[TransactionId, ...]
    """Identifier of each transaction, in order."""
    outcomes: tuple[Outcome, ...]
    """Outcome of each transaction, in order."""
    log_appends: tuple[LogAppend, ...]
    """Changes of evidence logs, in the order of execution."""
    body_root: Digest
    """Root over the transactions."""
    outcome_root: Digest
    """Root over the outcomes."""
    evidence_root: Digest
    """Root over the evidence logs after the block."""
    parameters_version: int
    """How often a parameter was set, this block included."""
    next_validators: ValidatorSet | None
    """Validators of the epoch after the next; where the block closes its epoch."""
    state: State
    """State after the block; not to be changed."""
    suite: Suite
    """Suite of the chain."""

    @property
    def state_digest(self) -> Digest:
        """Digest over every entry of the state after the block (see `State.digest`)."""
        with under(self.suite):
            return self.state.digest()


@dataclass
class Chain:
    """A chain at a height."""

    document: GenesisDocument
    """Genesis document."""
    chain_id: ChainId
    """Identifier of the chain."""
    state: State
    """State after the last block."""

    @classmethod
    def from_genesis(cls, data: bytes) -> "Chain":
        """Start a chain at height 0.

        Args:
            data: Genesis document.

        Raises:
            GenesisError: The document is refused.
        """
        document = read_genesis(data)
        return cls(document, document.chain_id(), genesis_state(document))

    @property
    def state_digest(self) -> Digest:
        """Digest over every entry of the state (see `State.digest`)."""
        with under(self.document.suite):
            return self.state.digest()

    def closes_epoch(self, height: Height) -> bool:
        """Say whether a block is the last of its epoch; epoch e begins at e times its length."""
        return (height + 1) % self.document.blocks_per_epoch == 0

    def apply(
        self, height: Height, time_ms: Milliseconds, transactions: Sequence[bytes]
    ) -> Applied:
        """Apply one block.

        Args:
            height: Height of the block; the header's own rules are checked elsewhere.
            time_ms: Block time in Unix milliseconds.
            transactions: Encoded transactions in order.

        Raises:
            InvalidBlock: For the first transaction that may not stand in the block; the chain does
                not change.
        """
        with under(self.document.suite):
            return self._apply(Block(height, time_ms), transactions)

    def _apply(self, block: Block, transactions: Sequence[bytes]) -> Applied:
        parent = state = self.state
        decoded: list[Transaction] = []
        outcomes: list[Outcome] = []
        log_appends: list[LogAppend] = []
        size = 0
        for index, data in enumerate(transactions):
            try:
                transaction = Transaction.from_bytes(data)
                size += len(data)
                check_room(index + 1, size, state.parameters)
                key = signer_key(transaction, self.chain_id, parent)
                check_validity(transaction, key.key, state, time_ms=block.time_ms)
            except InvalidTransaction as verdict:
                raise InvalidBlock(index, verdict) from None
            state, outcome, appends = execute_transaction(transaction, key, block, state)
            decoded.append(transaction)
            outcomes.append(outcome)
            log_appends.extend(appends)
        self.state = state
        # Those of before the block: a decision of its own comes an epoch later.
        validators = parent.read(validators_key(), ValidatorSet)
        ids = tuple(transaction.body.id() for transaction in decoded)
        return Applied(
            ids=ids,
            outcomes=tuple(outcomes),
            log_appends=tuple(log_appends),
            body_root=body_root(transactions),
            outcome_root=outcome_root(list(zip(ids, outcomes, strict=True))),
            evidence_root=evidence_root(state),
            parameters_version=state.counters.parameters_version,
            next_validators=validators if self.closes_epoch(block.height) else None,
            state=state,
            suite=self.document.suite,
        )
