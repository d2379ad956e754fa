"""Replay a chain block by block: what a block's header must say, given its parent.

A header commits to more than the rules decide. Not checked here, since each has a place of its own:
the certificate (`proofs.certified`), view and proposer (the consensus), and the commitments to the
two databases (`proofs.state_proof` checks single entries against them).
"""

from dataclasses import dataclass, replace
from typing import Final, Self

from trine.model.chain import Applied, Chain
from trine.model.codec import Bytes, ListOf, Reader, Value, check_limit
from trine.model.document import GenesisDocument
from trine.model.hashing import under
from trine.model.header import Header, StateCommitment
from trine.model.identifiers import Digest, Epoch, Height, ValidatorKey
from trine.model.limits import BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX
from trine.model.merkle import empty_root
from trine.model.roots import evidence_root
from trine.model.validators import EpochChange

_LENGTH_BYTES: Final = 4
"""Bytes of the length before each transaction, and of the number of transactions."""

_TRANSACTIONS: Final = ListOf(
    Bytes(_LENGTH_BYTES, BLOCK_BYTES_MAX, "transaction"),
    BLOCK_TRANSACTIONS_MAX,
    "transactions",
    prefix=_LENGTH_BYTES,
)


class InvalidHeader(Exception):
    """A header does not say what it must; the message names the field."""

    def __init__(self, field: str, found: object, expected: object) -> None:
        """Name the field, with what it says and what it must say."""
        super().__init__(field)
        self.field = field
        self.found = found
        self.expected = expected


@dataclass(frozen=True)
class Block(Value):
    """A header with the transactions it commits to, each as its exact bytes."""

    header: Header
    """Header."""
    transactions: tuple[bytes, ...]
    """Encoded transactions in order."""

    def encode(self) -> bytes:
        """Return the header, the number of transactions, each with its length before it."""
        return self.header.encode() + _TRANSACTIONS.write(self.transactions)

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a block that fills the rest of the bytes.

        Raises:
            TooLarge: There are more transactions, or more bytes of them, than a block can hold.
            Undecodable: As for every value.
        """
        header = Header.decode(reader)
        transactions = _TRANSACTIONS.read(reader)
        check_limit(sum(map(len, transactions)), BLOCK_BYTES_MAX, "bytes of the block")
        return cls(header, transactions)


def genesis_header(chain: Chain, *, accounts: StateCommitment, values: StateCommitment) -> Header:
    """Return the header at height 0; nobody certifies it, since it follows from the document.

    Args:
        chain: Chain at height 0.
        accounts: Commitment to the accounts; it depends on the database and is given.
        values: Commitment to everything else; given as well.
    """
    with under(chain.document.suite):
        return _genesis_header(chain, accounts, values)


def _genesis_header(chain: Chain, accounts: StateCommitment, values: StateCommitment) -> Header:
    return Header(
        chain_id=chain.chain_id,
        height=Height(0),
        epoch=Epoch(0),
        view=0,
        parent_view=0,
        proposer=ValidatorKey(bytes(ValidatorKey.LENGTH)),
        parent=Digest(bytes(Digest.LENGTH)),
        time_ms=chain.document.time_ms,
        body_root=empty_root(),
        outcome_root=empty_root(),
        evidence_root=evidence_root(chain.state),
        accounts=accounts,
        values=values,
        parameters_version=0,
        epoch_change=first_epoch(chain.document),
        extension=b"",
    )


def first_epoch(document: GenesisDocument) -> EpochChange:
    """Return what genesis says about epochs: who decides epoch 0, and the same decide epoch 1."""
    return EpochChange(Epoch(0), document.validators, None)


@dataclass
class Replay:
    """A chain whose blocks are checked one after the other, from genesis on."""

    chain: Chain
    """State after the last block."""
    parent: Header
    """Header of the last block."""
    epoch_change: EpochChange
    """Who decides the epoch of the last block, and the next."""

    @classmethod
    def from_genesis(cls, document: bytes, header: Header) -> Self:
        """Start at height 0.

        Args:
            document: Genesis document.
            header: Header of genesis; only its two commitments to the databases are believed.

        Raises:
            GenesisError: The document is refused.
            InvalidHeader: The header is not the one of the document.
        """
        chain = Chain.from_genesis(document)
        expected = genesis_header(chain, accounts=header.accounts, values=header.values)
        _compare(header, expected)
        return cls(chain, header, first_epoch(chain.document))

    def accept(self, block: Block) -> Applied:
        """Check the next block and go on from it; a block that is refused changes nothing.

        Raises:
            InvalidHeader: A field is not what it must be.
            InvalidBlock: A transaction may not stand in the block.
        """
        header, parent = block.header, self.parent
        height = Height(parent.height + 1)
        if header.height != height:
            raise InvalidHeader("height", header.height, height)
        if header.time_ms <= parent.time_ms:
            raise InvalidHeader("time_ms", header.time_ms, f"more than {parent.time_ms}")
        chain = replace(self.chain)
        applied = chain.apply(height, header.time_ms, block.transactions)
        epoch = Epoch(height // chain.document.blocks_per_epoch)
        change = self._next_epoch(epoch, applied) if chain.closes_epoch(height) else None
        expected = replace(
            header,
            chain_id=chain.chain_id,
            epoch=epoch,
            parent=self._digest(parent),
            body_root=applied.body_root,
            outcome_root=applied.outcome_root,
            evidence_root=applied.evidence_root,
            parameters_version=applied.parameters_version,
            epoch_change=change,
            extension=b"",
        )
        _compare(header, expected)
        self.chain, self.parent = chain, header
        self.epoch_change = change or self.epoch_change
        return applied

    def _digest(self, header: Header) -> Digest:
        with under(self.chain.document.suite):
            return header.digest()

    def _next_epoch(self, epoch: Epoch, applied: Applied) -> EpochChange:
        """Return what the last block of an epoch says: who decides the next two.

        The next epoch's validators were named an epoch ago; named now are those of the one after.
        """
        validators = self.epoch_change.following or self.epoch_change.validators
        named = applied.next_validators
        return EpochChange(Epoch(epoch + 1), validators, None if named == validators else named)


def _compare(found: Header, expected: Header) -> None:
    """Refuse a header that differs, and name the first field that does."""
    for name, value in vars(expected).items():
        if getattr(found, name) != value:
            raise InvalidHeader(name, getattr(found, name), value)
