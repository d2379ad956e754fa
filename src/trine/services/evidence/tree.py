"""Hash the Merkle tree of a log (RFC 9162, section 2.1), prove in it, and check such proofs.

The hash function is an argument: SHA-256 or SM3. Proofs are checked against a root and nothing
else; `tiles` makes them from a log's stored hashes.

>>> from trine.services.evidence import tree
>>> left, right = tree.leaf_hashes("sha256", [b"a", b"b"])
>>> edge = tree.Frontier("sha256").extend([left, right])
>>> root = edge.root()
>>> tree.check_inclusion("sha256", right, 1, 2, [left], root=root)
>>> edge.size, root == tree.node_hash("sha256", left, right)
(2, True)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self

from trine.crypto import hash_many
from trine.errors.services import TreeMismatch
from trine.types import Digest

HashFunction = Literal["sha256", "sm3"]
"""Hash function of a log: SHA-256 (FIPS 180-4) or SM3 (GB/T 32905)."""
FUNCTIONS: Final[dict[str, HashFunction]] = {"intl": "sha256", "gm": "sm3"}
"""Hash function of a chain's logs, by its suite."""

SIZE_MAX: Final = 2**62
"""Leaves of a log. Other verifiers have the same limit."""
PATH_HASHES_MAX: Final = 64
"""Hashes of a proof: more are in no proof of a log of `SIZE_MAX` leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def empty_root(function: HashFunction) -> Digest:
    """Return the root of a log without leaves: the hash of nothing."""
    return Digest(hash_many(function, [b""])[0])


def leaf_hashes(function: HashFunction, entries: Sequence[bytes]) -> list[Digest]:
    """Hash entries as leaves: `H(0x00 || entry)`."""
    return Digest.all_of(hash_many(function, [_LEAF + each for each in entries]))


def hash_one(function: HashFunction, message: bytes) -> bytes:
    """Hash one message."""
    return _HASHES[function](message)


def _sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def _sm3(message: bytes) -> bytes:
    return hash_many("sm3", [message])[0]


_HASHES: Final[dict[HashFunction, Callable[[bytes], bytes]]] = {"sha256": _sha256, "sm3": _sm3}


def node_hash(function: HashFunction, left: bytes, right: bytes) -> Digest:
    """Hash an inner node: `H(0x01 || left || right)`."""
    return Digest(hash_one(function, _NODE + left + right))


def parents(function: HashFunction, hashes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours in pairs; the last of an odd number has no parent yet."""
    pairs = range(0, len(hashes) - 1, 2)
    if function == "sha256":
        sha256 = hashlib.sha256
        return [sha256(_NODE + hashes[at] + hashes[at + 1]).digest() for at in pairs]
    return hash_many(function, [_NODE + hashes[at] + hashes[at + 1] for at in pairs])


class Frontier(NamedTuple):
    """The right edge of a growing log: all that is needed to append to it.

    Attributes:
        function: Hash function of the log.
        size: Number of leaves.
        peaks: Roots of the complete subtrees, largest first: one for each bit set in the size.
    """

    function: HashFunction
    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extend(self, hashes: Sequence[bytes]) -> Self:
        """Return the edge after more leaves, given by their hashes."""
        peaks, size = list(self.peaks), self.size
        for leaf in hashes:
            node, rest = leaf, size
            while rest & 1:
                node = node_hash(self.function, peaks.pop(), node)
                rest >>= 1
            peaks.append(node)
            size += 1
        return self._replace(size=size, peaks=tuple(peaks))

    def to_json(self) -> dict[str, Any]:
        """Return what is to be remembered: size and peaks."""
        return {"size": self.size, "peaks": [peak.hex() for peak in self.peaks]}

    @classmethod
    def from_json(cls, function: HashFunction, document: Mapping[str, Any]) -> Self:
        """Read what was remembered.

        Raises:
            ValueError, KeyError, TypeError: It is no edge of a log.
        """
        size, peaks = document["size"], tuple(map(bytes.fromhex, document["peaks"]))
        if type(size) is not int or not 0 <= size <= SIZE_MAX or len(peaks) != size.bit_count():
            raise ValueError(f"{len(peaks)} peaks are not those of {size!r:.30} leaves")
        return cls(function, size, peaks)

    def root(self) -> Digest:
        """Return the root of the log: the peaks joined from the smallest up."""
        return join(self.function, self.peaks)


def join(function: HashFunction, peaks: Sequence[bytes]) -> Digest:
    """Join the roots of subtrees of falling size to the root over all of them."""
    if not peaks:
        return empty_root(function)
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(function, peak, root)
    return Digest(root)


def inclusion_root(
    function: HashFunction, leaf: Digest, index: int, size: int, path: Sequence[bytes]
) -> Digest:
    """Compute the root to which an inclusion proof leads (RFC 9162, section 2.1.3.2).

    Args:
        function: Hash function of the log.
        leaf: Hash of the leaf.
        index: Number of the leaf, from 0.
        size: Leaves of the log.
        path: Hashes of the siblings, leaf to root.

    Raises:
        TreeMismatch: The index is not below the size, or the path has another length than such a
            proof has.
    """
    _check_path(path)
    if not 0 <= index < size <= SIZE_MAX:
        raise TreeMismatch(f"leaf {index} of a log of {size}, at most {SIZE_MAX}")
    # Below `inner` the tree is complete on both sides; above it only left siblings follow.
    inner = (index ^ (size - 1)).bit_length()
    expected = inner + (index >> inner).bit_count()
    if len(path) != expected:
        raise TreeMismatch(f"an inclusion proof of {len(path)} hashes, expected {expected}")
    node: bytes = leaf
    # Above the tree that is complete on both sides each sibling is on the left: all ones.
    sides = index | -1 << inner
    hashing = _HASHES[function]
    for sibling in path:
        node = hashing(b"\x01" + (sibling + node if sides & 1 else node + sibling))
        sides >>= 1
    return Digest(node)


def check_inclusion(
    function: HashFunction,
    leaf: Digest,
    index: int,
    size: int,
    path: Sequence[bytes],
    *,
    root: Digest,
) -> None:
    """Check that a leaf is in the log of `size` leaves with this root.

    Raises:
        TreeMismatch: The proof does not show it.
    """
    found = inclusion_root(function, leaf, index, size, path)
    if found != root:
        raise TreeMismatch(f"the proof of leaf {index} leads to {found}, the log's root is {root}")


def consistency_root(
    function: HashFunction, old_size: int, new_size: int, old_root: Digest, path: Sequence[bytes]
) -> Digest:
    """Compute the root of the larger log that a consistency proof shows to begin as the smaller.

    Follows RFC 9162, section 2.1.4.2.

    Args:
        function: Hash function of the log.
        old_size: Leaves of the smaller log, at least 1: the empty log is consistent with any.
        new_size: Leaves of the larger log.
        old_root: Root of the smaller log.
        path: Hashes of the proof.

    Raises:
        TreeMismatch: The sizes do not follow each other, the proof has another length than such a
            proof has, or it does not lead to `old_root`.
    """
    _check_path(path)
    if not 1 <= old_size <= new_size <= SIZE_MAX:
        raise TreeMismatch(f"a log of {old_size} leaves, then of {new_size}, from 1 to {SIZE_MAX}")
    if old_size == new_size:
        if path:
            raise TreeMismatch(f"a consistency proof of {len(path)} hashes, expected none")
        return old_root
    # The proof starts from the complete subtree at the right edge of the smaller log; where that
    # is the whole smaller log, the verifier has its root already.
    shift = (old_size & -old_size).bit_length() - 1
    last, end = old_size - 1 >> shift, new_size - 1 >> shift
    starts: list[bytes] = [] if old_size & old_size - 1 else [old_root]
    inner = (last ^ end).bit_length()
    expected = inner + (last >> inner).bit_count() + 1 - len(starts)
    if len(path) != expected:
        raise TreeMismatch(f"a consistency proof of {len(path)} hashes, expected {expected}")
    first, *rest = [*starts, *path]
    old_node, new_node = first, first
    for height, sibling in enumerate(rest):
        if height < inner and not last >> height & 1:
            new_node = node_hash(function, new_node, sibling)
        else:
            old_node = node_hash(function, sibling, old_node)
            new_node = node_hash(function, sibling, new_node)
    if old_node != old_root:
        raise TreeMismatch(
            f"the proof leads to {old_node.hex()} at {old_size} leaves, expected {old_root}"
        )
    return Digest(new_node)


def check_consistency(
    function: HashFunction,
    old_size: int,
    new_size: int,
    old_root: Digest,
    path: Sequence[bytes],
    *,
    root: Digest,
) -> None:
    """Check that the log of `new_size` leaves with this root begins with that of `old_size`.

    Raises:
        TreeMismatch: The proof does not show it.
    """
    found = consistency_root(function, old_size, new_size, old_root, path)
    if found != root:
        raise TreeMismatch(f"the proof leads to {found} at {new_size} leaves, expected {root}")


def levels(function: HashFunction, leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return all nodes of a small tree by height, the leaves first; the last is the root.

    A node without a neighbour rises as it is, which is the tree of RFC 9162, section 2.1.1.
    """
    rows = [list(leaves)]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append(parents(function, below) + below[len(below) & ~1 :])
    return rows


def range_path(first: int, stop: int, size: int, over: Callable[[int, int], bytes]) -> list[bytes]:
    """Return what leads from neighbouring leaves to the root, from left to right.

    Args:
        first: Number of the first of them.
        stop: Number behind the last.
        size: Leaves of the tree.
        over: Gives the root over the leaves from one number to before another.
    """

    def visit(low: int, high: int) -> list[bytes]:
        if high <= first or low >= stop:
            return [over(low, high)]
        if first <= low and high <= stop:
            return []
        middle = low + split(high - low)
        return visit(low, middle) + visit(middle, high)

    return visit(0, size)


def range_root(
    function: HashFunction, leaves: Sequence[bytes], first: int, size: int, path: Sequence[bytes]
) -> Digest:
    """Compute the root to which neighbouring leaves lead with the path of `range_path`.

    Args:
        function: Hash function of the tree.
        leaves: Their hashes, one at least.
        first: Number of the first of them.
        size: Leaves of the tree.
        path: What is beside them.

    Raises:
        TreeMismatch: The numbers are out of range, or the path has another length than it must.
    """
    stop = first + len(leaves)
    if not 0 <= first < stop <= size <= SIZE_MAX:
        raise TreeMismatch(f"leaves {first} to {stop} of a tree of {size}, at most {SIZE_MAX}")
    beside = iter(path)

    def visit(low: int, high: int) -> bytes:
        if high <= first or low >= stop:
            found = next(beside, None)
            if found is None or len(found) != Digest.LENGTH:
                raise TreeMismatch(f"a path of {len(path)} hashes is too short, or one of them is")
            return found
        if high - low == 1:
            return leaves[low - first]
        middle = low + split(high - low)
        left = visit(low, middle)
        return node_hash(function, left, visit(middle, high))

    root = visit(0, size)
    if next(beside, None) is not None:
        raise TreeMismatch(f"a path of {len(path)} hashes is longer than it must be")
    return Digest(root)


def split(count: int) -> int:
    """Return where a tree of `count` leaves, at least 2, parts: the largest power of 2 below."""
    return 1 << (count - 1).bit_length() - 1


def _check_path(path: Sequence[bytes]) -> None:
    if len(path) > PATH_HASHES_MAX:
        raise TreeMismatch(f"a proof of {len(path)} hashes, at most {PATH_HASHES_MAX}")
    for each in path:
        if len(each) != Digest.LENGTH:
            raise TreeMismatch(f"a hash of {len(each)} bytes, expected {Digest.LENGTH}")
