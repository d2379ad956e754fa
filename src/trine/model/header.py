"""Define a block's header: the one value that validators certify; it commits to everything."""

from dataclasses import dataclass
from typing import Annotated, Final, Self

from trine.model.codec import U8, U64, Bytes, Nested, Optional, Reader, Structure
from trine.model.hashing import tagged_hash
from trine.model.identifiers import (
    ChainId,
    Digest,
    Epoch,
    Height,
    Milliseconds,
    ValidatorKey,
)
from trine.model.limits import EXTENSION_BYTES_MAX
from trine.model.validators import EpochChange
from trine.model.verdicts import UnknownVersion

HEADER_VERSION: Final = 1
"""Version of the header format: the first byte of a header."""


@dataclass(frozen=True)
class StateCommitment(Structure):
    """What a header commits about one authenticated database."""

    root: Digest
    """Root that proofs of current values lead to."""
    operations_root: Digest
    """Root over the log of operations; state sync checks against it."""
    floor: Annotated[int, U64]
    """First operation that state sync needs."""
    size: Annotated[int, U64]
    """Number of operations."""


@dataclass(frozen=True)
class Header(Structure):
    """The header of a block; on the wire its version stands before the fields."""

    chain_id: ChainId
    """Chain."""
    height: Annotated[Height, U64]
    """Position in the chain."""
    epoch: Annotated[Epoch, U64]
    """Epoch in which it was proposed."""
    view: Annotated[int, U64]
    """View of the consensus in which it was proposed."""
    parent_view: Annotated[int, U64]
    """View of its parent."""
    proposer: ValidatorKey
    """Key of the validator that proposed it."""
    parent: Digest
    """Digest of the parent's header; zero for genesis."""
    time_ms: Annotated[Milliseconds, U64]
    """Block time in Unix milliseconds, greater than the parent's."""
    body_root: Digest
    """RFC 9162 root over the encoded transactions, in order."""
    outcome_root: Digest
    """RFC 9162 root over (transaction id || encoded outcome), in order."""
    evidence_root: Digest
    """RFC 9162 root over the heads of the evidence logs, in the order of the log ids."""
    accounts: StateCommitment
    """State of the accounts after this block."""
    values: StateCommitment
    """State of everything else after this block."""
    parameters_version: Annotated[int, U64]
    """How often the chain's parameters have changed."""
    epoch_change: Annotated[EpochChange | None, Optional(Nested(EpochChange))]
    """Next validators; on genesis and on the last block of an epoch."""
    extension: Annotated[bytes, Bytes(2, EXTENSION_BYTES_MAX, "extension")]
    """Room for what later versions add."""

    def encode(self) -> bytes:
        """Return version and fields."""
        return U8.write(HEADER_VERSION) + super().encode()

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a header.

        Raises:
            UnknownVersion: The version is not 1.
            Undecodable: As for every value.
        """
        if reader.integer(1) != HEADER_VERSION:
            raise UnknownVersion
        return super().decode(reader)

    def digest(self) -> Digest:
        """Return `tagged_hash("trine/header", encoding)`: what stands for the block."""
        return tagged_hash("trine/header", self.encode())

    def state_root(self) -> Digest:
        """Return one root over the state: `tagged_hash("trine/state", accounts || values)`."""
        return tagged_hash("trine/state", self.accounts.root, self.values.root)
