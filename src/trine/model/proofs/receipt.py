"""Read and verify a `.receipt` file: the evidence of one file.

Source: `docs/reference/receipt.md`.
"""

import unicodedata
from dataclasses import dataclass
from typing import Self

from trine.model.hashing import tagged_hash, under
from trine.model.identifiers import Digest
from trine.model.limits import FILE_NAME_BYTES_MAX, MEDIA_TYPE_BYTES_MAX
from trine.model.proofs import cbor
from trine.model.proofs.envelope import open_envelope
from trine.model.proofs.proof import Proof, VerifiedProof
from trine.model.proofs.statements import EvidenceStatement
from trine.model.proofs.trust import Trust
from trine.model.proofs.verdicts import FileAltered, Malformed, NotAnEntry, OtherSize


@dataclass(frozen=True)
class FileFacts:
    """What the verifier knows of the file at hand."""

    digest: Digest
    """Hash of the contents with the chain's suite."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt showed: the file was recorded in the proof's block or before."""

    name: str
    """Name of the file, as the receipt says."""
    media_type: str
    """Media type of the file, as the receipt says."""
    proof: VerifiedProof
    """What the proof of the entry showed."""


@dataclass(frozen=True)
class Receipt:
    """The evidence of one file."""

    salt: bytes
    """Salt of the entry."""
    name: str
    """Name of the file, without its folder."""
    size: int
    """Bytes of the file."""
    media_type: str
    """Media type, empty where unknown."""
    proof: Proof
    """Proof of the entry."""

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the body of a receipt; nothing is verified yet."""
        item = cbor.read_item(body, "receipt")
        salt, name, size, media_type, proof = cbor.fields(item, 5, "receipt")
        if not is_file_name(cbor.text(name, "file name")):
            raise Malformed("the file name is malformed: not the name of a file")
        if len(cbor.text(media_type, "media type").encode()) > MEDIA_TYPE_BYTES_MAX:
            raise Malformed("the media type is malformed: too long")
        return cls(
            cbor.string(salt, "salt", length=32),
            cbor.text(name, "file name"),
            cbor.unsigned(size, "size"),
            cbor.text(media_type, "media type"),
            Proof.from_body(cbor.string(proof, "proof")),
        )

    def verify(self, trust: Trust, file: FileFacts) -> VerifiedReceipt:
        """Verify the receipt for the file at hand.

        Raises:
            Refused: Something does not match.
        """
        if file.size != self.size:
            raise OtherSize(
                f"the file has {file.size} bytes, the receipt is of a file of {self.size} bytes"
            )
        if not isinstance(self.proof.statement, EvidenceStatement):
            raise NotAnEntry("the receipt holds no proof of an evidence entry")
        if entry_of(self.salt, file.digest) != self.proof.statement.entry:
            raise FileAltered("the file's contents are not those that were recorded")
        return VerifiedReceipt(self.name, self.media_type, self.proof.verify(trust))


def verify_receipt(receipt: bytes, trust: Trust, file: FileFacts) -> VerifiedReceipt:
    """Verify a `.receipt` file for the file at hand.

    Raises:
        BadInput: It is no receipt file, or only part of one.
        Refused: It is one, and something does not match.
    """
    with under(trust.suite):
        return Receipt.from_body(open_envelope("receipt", receipt)).verify(trust, file)


def entry_of(salt: bytes, digest: Digest) -> Digest:
    """Compute the entry that stands for a file with this hash."""
    return tagged_hash("trine/evidence-entry", salt, digest)


def is_file_name(name: str) -> bool:
    """Say whether a receipt may carry `name`: no folder, no control character, a real name."""
    return (
        1 <= len(name.encode()) <= FILE_NAME_BYTES_MAX
        and not set(name) & {"/", "\\"}
        and all(unicodedata.category(character) != "Cc" for character in name)
        and name not in {".", ".."}
    )
