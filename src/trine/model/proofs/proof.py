"""Read and verify a `.proof` file.

Source: `docs/reference/proofs.md`.
"""

from dataclasses import dataclass
from typing import Self

from trine.model.hashing import under
from trine.model.header import Header
from trine.model.identifiers import Digest
from trine.model.proofs import cbor
from trine.model.proofs.certified import CertifiedChain, read_hand_overs, verify_final
from trine.model.proofs.envelope import open_envelope
from trine.model.proofs.statements import Fact, Statement, read_statement
from trine.model.proofs.trust import Trust


@dataclass(frozen=True)
class VerifiedProof:
    """What a proof showed."""

    chain: str
    """Name of the chain in the trust file."""
    header: Header
    """Header of the block that the fact is about."""
    digest: Digest
    """Digest of that header."""
    signers: tuple[str, ...]
    """Names of the validators that certified it."""
    fact: Fact
    """What was shown."""


@dataclass(frozen=True)
class Proof:
    """A statement about a block with everything that shows it."""

    statement: Statement
    """What is said about the block."""
    chain: CertifiedChain
    """The block, shown to be final."""
    hand_overs: tuple[CertifiedChain, ...]
    """Hand-overs from one set of validators to the next, oldest first."""

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the body of a proof; nothing is verified yet."""
        item = cbor.read_item(body, "proof")
        kind, statement, chain, hand_overs = cbor.fields(item, 4, "proof")
        return cls(
            read_statement(cbor.unsigned(kind, "statement"), statement),
            CertifiedChain.read(chain),
            read_hand_overs(hand_overs),
        )

    def verify(self, trust: Trust) -> VerifiedProof:
        """Verify the proof against what is trusted.

        Raises:
            Refused: Something does not match.
        """
        fact = self.statement.verify(self.chain.header)
        shown = verify_final(self.chain, self.hand_overs, trust)
        return VerifiedProof(trust.chain, shown.header, shown.digest, shown.signers, fact)


def verify_proof(file: bytes, trust: Trust) -> VerifiedProof:
    """Verify a `.proof` file.

    Raises:
        BadInput: It is no proof file, or only part of one.
        Refused: It is one, and something does not match.
    """
    with under(trust.suite):
        return Proof.from_body(open_envelope("proof", file)).verify(trust)
