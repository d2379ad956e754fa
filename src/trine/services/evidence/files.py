"""Verify many files by their receipts, and check once what receipts share.

Receipts of one log against one header differ in little: `entry_proof` says in what. The first of
them is verified whole, by the core; the others of the same header are verified when their own parts
lead to the head of the log that was certified there. Whatever is not verified so is given to the
core, which verifies it or says what is wrong with it: no refusal comes from the short way.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from trine.client.verification import Trust, hash_files, read_file, verify, verify_digest
from trine.errors import TrineError
from trine.errors.services import TreeMismatch
from trine.services.evidence import tree
from trine.services.evidence.entry_proof import EntryProof, EntryReceipt
from trine.services.evidence.tree import FUNCTIONS
from trine.types import Digest
from trine.types.limits import PROOF_BYTES_MAX

FILES: Final = 256
"""Files that are read and hashed together."""
HEADS_MAX: Final = 65_536
"""Certified heads that are remembered, 64 bytes each."""

Progress = Callable[[int, int], None]
"""Told of how many files are done, and of how many there are."""


class Receipts:
    """Verifies receipts, and remembers which heads of logs were certified."""

    def __init__(self, trust: Trust) -> None:
        """Believe the validators of a trust file."""
        self._trust = trust
        self._function = FUNCTIONS[trust.suite]
        self._heads: dict[bytes, bytes] = {}
        self.verified_whole = 0
        """Receipts that the core verified."""

    def verify(self, digest: Digest, size: int, receipt: bytes) -> None:
        """Check that a file of this digest and size is the one that a receipt is about.

        Raises:
            FileAltered, ProofMismatch, WrongTrust, NotAProof, ProofTruncated, ProofTooLarge: As
                `client.verification.verify_digest`, which decides.
        """
        read = EntryReceipt.read(self._function, receipt)
        if read is not None and self._is_shown(read, digest, size):
            return
        self.verified_whole += 1
        verify_digest(digest, size, receipt, self._trust)
        if read is not None and len(self._heads) < HEADS_MAX:
            with contextlib.suppress(TreeMismatch):
                self._heads[_name(read.proof)] = self._head(read.proof)

    def _is_shown(self, read: EntryReceipt, digest: Digest, size: int) -> bool:
        """Say whether the file is in a log whose head was certified before."""
        head = self._heads.get(_name(read.proof))
        if head is None or read.size != size:
            return False
        if read.entry_of(self._function, digest) != read.proof.entry:
            return False
        try:
            return self._head(read.proof) == head
        except TreeMismatch:
            return False

    def _head(self, proof: EntryProof) -> bytes:
        """Compute to which head of the log the path of an entry leads."""
        leaf = Digest(tree.hash_one(self._function, b"\x00" + proof.entry))
        joined = proof.path
        path = [joined[at : at + Digest.LENGTH] for at in range(0, len(joined), Digest.LENGTH)]
        return tree.inclusion_root(self._function, leaf, proof.leaf_index, proof.size, path)


def _name(proof: EntryProof) -> bytes:
    """Name what a proof shares with others, in so many bytes that memory stays small."""
    heads, log, size, rest = proof.shared
    return hashlib.sha256(b"%s %d %d %s" % (heads, log, size, rest)).digest()


def verify_files(
    files: Mapping[Path, Path], trust: Trust, progress: Progress
) -> Iterator[tuple[Path, TrineError]]:
    """Verify files by their receipts; give those that do not verify, and why.

    Args:
        files: The receipt of each file.
        trust: Whom to believe about the chain.
        progress: Told how far it is.
    """
    receipts, left, done = Receipts(trust), iter(files.items()), 0
    while part := list(islice(left, FILES)):
        known = _digests(trust, [file for file, _ in part])
        for at, (file, receipt) in enumerate(part):
            try:
                if known is None:
                    verify(file, receipt, trust)
                else:
                    receipts.verify(*known[at], read_file(receipt, PROOF_BYTES_MAX))
            except TrineError as error:
                yield file, error
        done += len(part)
        progress(done, len(files))


def _digests(trust: Trust, paths: Sequence[Path]) -> list[tuple[Digest, int]] | None:
    """Hash files on all processors; nothing where one of them cannot be read."""
    try:
        return hash_files(trust.suite, list(paths))
    except TrineError:
        return None
