"""Check two signed votes of one validator that exclude each other: proof of misbehaviour.

Source: `docs/reference/proofs.md`, section 6, kind 8. An honest validator signs one proposal of a
view to notarize it and one to finalize it, and finalizes none in a view that it gave up. Epoch and
view stand once, so that votes of different views cannot be written down.
"""

from dataclasses import dataclass
from typing import Final, Self

from trine.model import keys
from trine.model.codec import U64
from trine.model.hashing import tagged_hash
from trine.model.header import Header
from trine.model.identifiers import ChainId, Digest, Epoch, ValidatorKey
from trine.model.proofs import cbor
from trine.model.proofs.certified import SIGNATURE_BYTES, varint
from trine.model.proofs.verdicts import BadSignature, Malformed, NoConflict, NotAValidator, NotNamed
from trine.model.validators import Validator

NOTARIZE: Final = b"_NOTARIZE"
"""End of the namespace of a vote that notarizes a proposal."""

NULLIFY: Final = b"_NULLIFY"
"""End of the namespace of a vote that gives a view up."""

FINALIZE: Final = b"_FINALIZE"
"""End of the namespace of a vote that finalizes a proposal."""

CONFLICTS: Final = {
    1: ("two_notarizations", (NOTARIZE, NOTARIZE)),
    2: ("two_finalizations", (FINALIZE, FINALIZE)),
    3: ("nullification_and_finalization", (NULLIFY, FINALIZE)),
}
"""Name of each conflict by its number, and what each of its votes says."""


@dataclass(frozen=True)
class Ballot:
    """A vote: its signature, and the proposal that it is for, where it is for one."""

    signature: bytes
    """Signature."""
    proposal: tuple[int, Digest] | None
    """View of the parent and digest of the block; none in a vote that gives the view up."""

    @classmethod
    def read(cls, item: cbor.Item, word: bytes) -> Self:
        """Read a vote that says `word`."""
        part = "vote"
        if word == NULLIFY:
            [signature] = cbor.fields(item, 1, part)
            return cls(cbor.string(signature, part, length=SIGNATURE_BYTES), None)
        signature, parent_view, digest = cbor.fields(item, 3, part)
        proposal = (
            cbor.unsigned(parent_view, part),
            Digest(cbor.string(digest, part, length=Digest.LENGTH)),
        )
        return cls(cbor.string(signature, part, length=SIGNATURE_BYTES), proposal)

    def message(self) -> bytes:
        """Return what the vote adds to what is signed."""
        if self.proposal is None:
            return b""
        parent_view, digest = self.proposal
        return varint(parent_view) + digest


@dataclass(frozen=True)
class ConflictingVotesFact:
    """The validator signed both votes."""

    id: Digest
    """Name of the votes."""
    conflict: str
    """How they exclude each other."""
    validator: Validator
    """The validator, as the block before their epoch names it."""
    epoch: Epoch
    """Epoch of both votes."""
    view: int
    """View of both votes."""


@dataclass(frozen=True)
class ConflictingVotesStatement:
    """Kind 8: conflicting votes."""

    conflict: int
    """Number of the conflict."""
    key: ValidatorKey
    """Key of the validator."""
    epoch: Epoch
    """Epoch of both votes."""
    view: int
    """View of both votes."""
    votes: tuple[Ballot, Ballot]
    """The votes."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read the statement."""
        part = "statement"
        conflict, key, epoch, view, first, second = cbor.fields(item, 6, part)
        number = cbor.unsigned(conflict, part)
        if number not in CONFLICTS:
            raise Malformed(f"the statement is malformed: conflict {number}, expected 1 to 3")
        _, (word, other_word) = CONFLICTS[number]
        return cls(
            number,
            ValidatorKey(cbor.string(key, part, length=ValidatorKey.LENGTH)),
            Epoch(cbor.unsigned(epoch, part)),
            cbor.unsigned(view, part),
            (Ballot.read(first, word), Ballot.read(second, other_word)),
        )

    def verify(self, header: Header) -> ConflictingVotesFact:
        """Check that a validator whom the block names for the epoch signed both.

        Raises:
            NotNamed: The block does not name the validators of the epoch.
            NotAValidator: The key is that of none of them.
            NoConflict: The votes do not exclude each other, or stand in the other order.
            BadSignature: One of the signatures does not verify.
        """
        change = header.epoch_change
        if change is None or change.epoch != self.epoch:
            raise NotNamed(
                f"the header of height {header.height} does not name the validators of epoch "
                f"{self.epoch}"
            )
        found = [one for one in change.validators.members if one.key == self.key]
        if not found:
            raise NotAValidator(
                f"the key under the votes is that of no validator of epoch {self.epoch}"
            )
        first, second = self.votes
        if first.proposal and second.proposal and first.proposal >= second.proposal:
            raise NoConflict(
                "the votes do not exclude each other: expected two proposals in ascending order"
            )
        self._check_signatures(header.chain_id, found[0].name)
        name, _ = CONFLICTS[self.conflict]
        return ConflictingVotesFact(self.id(), name, found[0], self.epoch, self.view)

    def _check_signatures(self, chain_id: ChainId, name: str) -> None:
        public_key = keys.key_of_validator(self.key)
        _, words = CONFLICTS[self.conflict]
        for word, vote in zip(words, self.votes, strict=True):
            namespace = b"trine/consensus/" + chain_id + word
            message = varint(self.epoch) + varint(self.view) + vote.message()
            if public_key is None or not keys.verify(
                public_key, namespace, message, vote.signature
            ):
                raise BadSignature(f"the signature of validator {name} does not verify")

    def id(self) -> Digest:
        """Name the votes: a hash of conflict, validator, epoch, view and both signatures."""
        numbers = U64.write(self.epoch) + U64.write(self.view)
        signatures = b"".join(vote.signature for vote in self.votes)
        parts = bytes([self.conflict]) + self.key + numbers + signatures
        return tagged_hash("trine/conflicting-votes", parts)
