"""Build the Merkle trees of RFC 9162, section 2.1, with the suite's hash.

Leaves and inner nodes are hashed under different first bytes, so that none stands for the other.

Example:
    >>> from trine.model.merkle import merkle_root, leaf_hash, node_hash
    >>> merkle_root([b"a", b"b"]) == node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    True
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from trine.model.codec import Reader, Value
from trine.model.hashing import hash_bytes
from trine.model.identifiers import Digest


def empty_root() -> Digest:
    """Return the root of a tree without leaves: the hash of nothing."""
    return hash_bytes()


def leaf_hash(leaf: bytes) -> Digest:
    """Hash a leaf: `H(0x00 || leaf)`."""
    return hash_bytes(b"\x00", leaf)


def node_hash(left: Digest, right: Digest) -> Digest:
    """Hash an inner node: `H(0x01 || left || right)`."""
    return hash_bytes(b"\x01", left, right)


def merkle_root(leaves: Sequence[bytes]) -> Digest:
    """Compute the root over `leaves` in order (RFC 9162, section 2.1.1)."""
    return tree_head([leaf_hash(leaf) for leaf in leaves])


def tree_head(leaf_hashes: Sequence[Digest]) -> Digest:
    """Compute the root over leaves that are hashed already (RFC 9162, section 2.1.1).

    A tree of n > 1 leaves splits at the largest power of two smaller than n.
    """
    if not leaf_hashes:
        return empty_root()
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    split = 1 << (len(leaf_hashes) - 1).bit_length() - 1
    return node_hash(tree_head(leaf_hashes[:split]), tree_head(leaf_hashes[split:]))


@dataclass(frozen=True)
class Frontier(Value):
    """The right edge of a growing tree: all that is needed to append to it.

    Encoding: size (64 bits), then the peaks, one for each bit that is set in the size.
    """

    size: int = 0
    """Number of leaves."""

    peaks: tuple[Digest, ...] = ()
    """Roots of the complete subtrees, largest first."""

    def append(self, leaf: bytes) -> "Frontier":
        """Return the edge after one more leaf.

        Two complete subtrees of one size become one of twice the size.
        """
        peaks, node, size = list(self.peaks), leaf_hash(leaf), self.size
        while size & 1:
            node = node_hash(peaks.pop(), node)
            size >>= 1
        return Frontier(self.size + 1, (*peaks, node))

    def head(self) -> Digest:
        """Return the root of the tree: the peaks joined from the smallest up."""
        if not self.peaks:
            return empty_root()
        head = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            head = node_hash(peak, head)
        return head

    def encode(self) -> bytes:
        """Return the encoding."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a frontier from the front."""
        size = reader.integer(8)
        return cls(size, tuple(Digest(reader.take(32)) for _ in range(size.bit_count())))
