"""Replay an archive in the readable model, and say where it first differs from what must be.

No node runs and none is believed: every block is decoded, executed by the rules as Python says
them, and compared with its header; every certificate is checked against the validators whom the
chain itself named. `trine._core` is not used. The two database roots of a header are the one thing
that is not computed again: they depend on how the databases store, not on what; the certificate
over the header covers them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from trine.archive.format import Record, Segment
from trine.archive.links import BEFORE_GENESIS
from trine.archive.reader import Archive
from trine.errors import ArchiveMismatch, DamagedArchive
from trine.model import Block, InvalidBlock, InvalidHeader, Replay
from trine.model.hashing import under
from trine.model.identifiers import Digest, Height
from trine.model.proofs.certified import Committee
from trine.model.proofs.finalization import Finalization
from trine.model.proofs.verdicts import Refused
from trine.model.validators import ValidatorSet
from trine.model.verdicts import Undecodable

SHOWN_CHARACTERS_MAX: Final = 200
"""Characters of a value in a message."""


@dataclass(eq=False)
class Divergence(Exception):
    """The first thing that is not what it must be.

    Attributes:
        height: Height of the block.
        field: What differs: a header's field, `certificate`, `encoding` or `transaction`.
        found: What is there.
        expected: What must be there.
        transaction: Place of the transaction in the block, where it is one.
    """

    height: int
    field: str
    found: str
    expected: str
    transaction: int | None = None

    def error(self, segment: Segment) -> ArchiveMismatch:
        """Make the error that tells it, and whether the segment is as it was written."""
        place = f"block {self.height}"
        if self.transaction is not None:
            place += f", transaction {self.transaction}"
        message = f"{place}: {self.field} is {self.found}, expected {self.expected}"
        damaged = not _is_sealed(segment)
        if damaged:
            message += f" ({segment.path} is damaged)"
        error = ArchiveMismatch(message, instance=str(segment.path))
        error.details = {
            "height": self.height,
            "field": self.field,
            "found": self.found,
            "expected": self.expected,
            "transaction": self.transaction,
            "damaged": damaged,
        }
        return error


def _is_sealed(segment: Segment) -> bool:
    """Say whether a segment is what its digest says."""
    try:
        for _ in segment.records():
            pass
    except DamagedArchive:
        return False
    return True


@dataclass
class Tally:
    """What was replayed and found right."""

    blocks: int = 0
    transactions: int = 0
    failed: int = 0
    """Transactions whose outcome is a failure, as the rules say."""
    certificates: int = 0
    signatures: int = 0
    bytes: int = 0
    epoch: int = 0
    """Epoch of the last block."""
    certified: int = 0
    """Height of the last block that a certificate covers."""
    digest: Digest = BEFORE_GENESIS
    """Digest of the last block's header."""


@dataclass
class Audit:
    """A replay of an archive, block by block.

    Attributes:
        archive: What is replayed.
        tally: What was found right so far.
    """

    archive: Archive
    tally: Tally = field(default_factory=Tally)
    _replay: Replay | None = None

    def run(self, until: int | None = None, tell: Callable[[Tally], None] = lambda _: None) -> None:
        """Replay every block, or those up to a height.

        Args:
            until: Last block to look at; all where `None`.
            tell: Told after every block.

        Raises:
            ArchiveMismatch: A block is not what it must be.
            DamagedArchive: A segment is not what its digest says.
            NotAnArchive: There is no block.
        """
        last = self.archive.whole()
        for segment, record in self.archive.records():
            try:
                self.accept(record)
                if self.height == last and self.tally.certified < last:
                    raise _certificate(last, "missing", "one on the last block")
            except Divergence as found:
                raise found.error(segment) from None
            tell(self.tally)
            if self.height == until:
                break

    @property
    def height(self) -> int:
        """Height of the last block that is right; -1 before genesis."""
        return self.tally.blocks - 1

    def accept(self, record: Record) -> None:
        """Check the next block.

        Raises:
            Divergence: It is not what it must be; the audit ends here.
        """
        height = Height(self.tally.blocks)
        try:
            block = Block.from_bytes(record.block)
        except (Undecodable, ValueError) as error:
            raise Divergence(height, "encoding", str(error), "a block") from None
        if self._replay is None:
            self._begin(record, block)
        else:
            # Who decides this epoch: its last block names others already.
            validators = self._replay.epoch_change.validators
            self._follow(self._replay, block, height)
            self._certify(record, self._replay, validators)
        self.tally.blocks += 1
        self.tally.transactions += len(block.transactions)
        self.tally.bytes += record.size
        self.tally.epoch = block.header.epoch
        with under(self.archive.document.suite):
            self.tally.digest = block.header.digest()

    def _begin(self, record: Record, block: Block) -> None:
        """Start from genesis: its header follows from the document, and nobody certifies it."""
        if record.finalization:
            raise _certificate(Height(0), "there", "none on genesis")
        if block.transactions:
            raise Divergence(0, "body", f"{len(block.transactions)} transactions", "none")
        try:
            self._replay = Replay.from_genesis(self.archive.genesis, block.header)
        except InvalidHeader as verdict:
            raise _differs(Height(0), verdict) from None

    def _follow(self, replay: Replay, block: Block, height: Height) -> None:
        try:
            applied = replay.accept(block)
        except InvalidHeader as verdict:
            raise _differs(height, verdict) from None
        except InvalidBlock as verdict:
            expected = "one that may stand in the block"
            raise Divergence(height, "verdict", verdict.code, expected, verdict.index) from None
        self.tally.failed += sum(outcome.code != 0 for outcome in applied.outcomes)

    def _certify(self, record: Record, replay: Replay, validators: ValidatorSet) -> None:
        """Check the block's own certificate; without one, a later one must cover it."""
        header = replay.parent
        height = Height(header.height)
        if not record.finalization:
            # The next epoch's validators are those that this block names: it stands by itself.
            if replay.chain.closes_epoch(height):
                raise _certificate(height, "missing", "one on the last block of an epoch")
            return
        try:
            made = Finalization.from_bytes(record.finalization)
        except (Undecodable, ValueError) as error:
            raise _certificate(height, str(error), "a certificate") from None
        with under(replay.chain.document.suite):
            _compare(height, "digest", made.certificate.digest, header.digest())
            _compare(height, "epoch", made.certificate.epoch, header.epoch)
            _compare(height, "validators", made.validators, len(validators.members))
            members = tuple((one.name, one.key) for one in validators.members)
            committee = Committee(header.epoch, members)
            try:
                signers = made.certificate.verify(self.archive.chain_id, committee)
            except Refused as verdict:
                expected = f"signatures of {validators.quorum} of {len(members)} validators"
                raise _certificate(height, str(verdict), expected) from None
        self.tally.certificates += 1
        self.tally.signatures += len(signers)
        self.tally.certified = height


def _compare(height: Height, name: str, found: object, expected: object) -> None:
    if found != expected:
        raise Divergence(height, f"certificate {name}", shown(found), shown(expected))


def _certificate(height: Height, found: str, expected: str) -> Divergence:
    return Divergence(height, "certificate", found, expected)


def _differs(height: Height, verdict: InvalidHeader) -> Divergence:
    return Divergence(height, verdict.field, shown(verdict.found), shown(verdict.expected))


def shown(value: object) -> str:
    """Write a value for people: bytes as hexadecimal digits, everything within a limit."""
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
