"""Verify receipts and proofs with the network switched off.

A verdict needs three files and no node: what was recorded, its receipt, and `trust.json`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trine._core import evidence as core_evidence
from trine._core import proofs as core
from trine.errors import BadTrustFile, NotAProof, ProofTooLarge, UnreadableFile
from trine.types import Digest, Height, LogId, TimeMs
from trine.types.limits import PROOF_BYTES_MAX, TRUST_BYTES_MAX

PathLike = str | os.PathLike[str]

READ_BYTES: Final = 1 << 16
"""Bytes of a file that are read at once."""


@dataclass(frozen=True)
class Receipt:
    """The offline proof of one file, as it stands in a `.receipt` file.

    Attributes:
        name: Name of the file when it was recorded; for people.
        content: The receipt's bytes; `save` writes them.
        digest: Digest of the file.
        height: Block that the receipt leads to.
    """

    name: str
    content: bytes
    digest: Digest
    height: Height

    def save(self, path: PathLike) -> Path:
        """Write the receipt, whole or not at all; makes the folder where it is missing."""
        return write_whole(path, self.content)


def write_whole(path: PathLike, content: bytes) -> Path:
    """Write a file, whole or not at all; makes the folder where it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return target


@dataclass(frozen=True)
class Verified:
    """What a receipt shows: this file, bit for bit, was recorded in the block or before.

    Attributes:
        chain: Name of the chain in the trust file.
        height: Height of the block.
        time_ms: Time of the block in Unix milliseconds.
        block: Digest of the block's header.
        signers: Names of the validators that certified the block.
        log: Evidence log.
        index: Index of the entry in the log.
        entry: The entry, a salted hash of the file.
        name: Name of the file, as the receipt says; no signature covers it.
        media_type: Media type, as the receipt says; no signature covers it.
        size: Bytes of the file.
        digest: Digest of the file.
    """

    chain: str
    height: Height
    time_ms: TimeMs
    block: Digest
    signers: tuple[str, ...]
    log: LogId
    index: int
    entry: Digest
    name: str
    media_type: str
    size: int
    digest: Digest


@dataclass(frozen=True)
class VerifiedProof:
    """What a proof shows about a block.

    Attributes:
        fact: `kind` (transaction, block, account, state, absence, evidence, transfer) and the
            fields of that kind; bytes as `bytes`.
    """

    chain: str
    height: Height
    time_ms: TimeMs
    block: Digest
    signers: tuple[str, ...]
    fact: Mapping[str, Any]


@dataclass(frozen=True)
class Trust:
    """A trust file: the validators that a verifier believes, from one epoch on."""

    chain: str
    chain_id: bytes
    suite: str
    epoch: int
    content: bytes

    @classmethod
    def load(cls, source: "PathLike | bytes | Trust") -> "Trust":
        """Read a trust file, given as its path or its bytes.

        Raises:
            UnreadableFile: The file cannot be read.
            BadTrustFile: It is no usable trust file.
        """
        if isinstance(source, Trust):
            return source
        content = source if isinstance(source, bytes) else read_file(source, TRUST_BYTES_MAX)
        if len(content) > TRUST_BYTES_MAX:
            raise BadTrustFile(f"the trust file has more than {TRUST_BYTES_MAX} bytes")
        fields = core.read_trust(content)
        return cls(
            chain=fields["chain"],
            chain_id=fields["chain_id"],
            suite=fields["suite"],
            epoch=fields["epoch"],
            content=content,
        )


def read_file(path: PathLike, bytes_max: int) -> bytes:
    """Read a file of at most `bytes_max` bytes, and one more where it is longer.

    Raises:
        UnreadableFile: It cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            # Asked for all at once, it would get memory for the largest file that may be.
            found = file.read(min(READ_BYTES, bytes_max + 1))
            while len(found) <= bytes_max and (
                more := file.read(min(READ_BYTES, bytes_max + 1 - len(found)))
            ):
                found += more
            return found
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: PathLike, error: OSError) -> UnreadableFile:
    """Say which file cannot be read, and why."""
    reason = (error.strerror or str(error)).lower()
    return UnreadableFile(f"{os.fspath(path)} cannot be read: {reason}", instance=os.fspath(path))


def hash_files(suite: str, paths: list[Path]) -> list[tuple[Digest, int]]:
    """Digest and size of each file, read as a stream in constant memory.

    Raises:
        UnreadableFile: A file cannot be read.
    """
    try:
        return [(Digest(digest), size) for digest, size in core_evidence.hash_files(suite, paths)]
    except OSError as error:
        raise unreadable(error.filename or paths[0], error) from None


def verify(
    path: PathLike, receipt: PathLike | bytes | Receipt, trust: PathLike | bytes | Trust
) -> Verified:
    """Check that a file is, bit for bit, the one that a receipt is about.

    No network is needed. Follows docs/reference/receipt.md.

    Args:
        path: The file.
        receipt: The receipt: its path, its bytes, or as `notarize` returned it.
        trust: The trust file: its path or its bytes. Get it from someone you trust.

    Raises:
        FileAltered: The file is another one.
        ProofMismatch: The receipt was altered, or contradicts the trust file.
        WrongTrust: The receipt is of another chain than the trust file.
        NotAProof, ProofTruncated, ProofTooLarge: The receipt is none, or not whole.
        BadTrustFile: The trust file is none.
        UnreadableFile: A file cannot be read.
    """
    anchor = Trust.load(trust)
    content = _content(receipt)
    # Bytes that are no receipt are refused before a large file is hashed.
    core.read_receipt(anchor.suite, content)
    ((digest, size),) = hash_files(anchor.suite, [Path(path)])
    return verify_digest(digest, size, content, anchor)


def verify_digest(digest: Digest, size: int, receipt: bytes, trust: Trust) -> Verified:
    """Check that a file of this digest and size is the one that a receipt is about.

    Raises:
        FileAltered, ProofMismatch, WrongTrust: As `verify`.
        NotAProof, ProofTruncated, ProofTooLarge: As `verify`.
    """
    fields = core.verify_receipt(trust.content, receipt, digest, size)
    return Verified(
        chain=fields["chain"],
        height=Height(fields["height"]),
        time_ms=TimeMs(fields["time_ms"]),
        block=Digest(fields["block"]),
        signers=tuple(fields["signers"]),
        log=LogId(fields["log"]),
        index=fields["index"],
        entry=Digest(fields["entry"]),
        name=fields["name"],
        media_type=fields["media_type"],
        size=fields["size"],
        digest=digest,
    )


def verify_proof(proof: PathLike | bytes, trust: PathLike | bytes | Trust) -> VerifiedProof:
    """Check a proof file and return what it shows.

    No network is needed. Follows docs/reference/proofs.md.

    Raises:
        ProofMismatch: The proof was altered, or contradicts the trust file.
        WrongTrust: The proof is of another chain than the trust file.
        NotAProof, ProofTruncated, ProofTooLarge: The file is no proof, or not whole.
        BadTrustFile: The trust file is none.
        UnreadableFile: A file cannot be read.
    """
    anchor = Trust.load(trust)
    fields = core.verify_proof(anchor.content, _content(proof))
    return VerifiedProof(
        chain=fields["chain"],
        height=Height(fields["height"]),
        time_ms=TimeMs(fields["time_ms"]),
        block=Digest(fields["block"]),
        signers=tuple(fields["signers"]),
        fact=fields["fact"],
    )


def _content(source: PathLike | bytes | Receipt) -> bytes:
    match source:
        case Receipt():
            return source.content
        case bytes():
            content = source
        case _:
            content = read_file(source, PROOF_BYTES_MAX)
    if not content:
        raise NotAProof("the receipt or proof is empty")
    if len(content) > PROOF_BYTES_MAX:
        raise ProofTooLarge(f"the file has more than {PROOF_BYTES_MAX} bytes")
    return content
