"""Check that an operation of a state database is active: it holds the current value of its key.

The database is `current` of the commonware library over a Merkle mountain range; its format is
specified in full in `docs/reference/proofs.md`, section 7, whose steps are numbered here too.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from trine.model.hashing import hash_bytes
from trine.model.header import StateCommitment
from trine.model.identifiers import Digest
from trine.model.limits import PROOF_PATH_MAX
from trine.model.proofs import cbor
from trine.model.proofs.verdicts import NotCurrent, NotIncluded

CHUNK_BYTES: Final = 64
"""Bytes of one chunk of the activity bits."""

CHUNK_BITS: Final = 8 * CHUNK_BYTES
"""Operations whose bits one chunk holds."""

GRAFTING_HEIGHT: Final = 9
"""Height of the nodes that cover one chunk's operations: 2^9 = 512."""

OPERATIONS_MAX: Final = 2**62
"""Operations of the largest mountain range."""

ROOT_DOMAIN: Final = b"\x00\x01"
"""First bytes under every root: mountain range, peaks folded from the right."""


class Mountain(NamedTuple):
    """A perfect tree over `2^height` operations."""

    height: int
    """Height."""
    first: int
    """Location of its first operation."""

    @property
    def end(self) -> int:
        """Location after its last operation."""
        return self.first + (1 << self.height)


def mountains(size: int) -> list[Mountain]:
    """Split `size` operations into mountains: one for each bit set, the highest first."""
    found, first = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            found.append(Mountain(height, first))
            first += 1 << height
    return found


def node_position(first: int, height: int) -> int:
    """Number of a node in the order in which nodes come into being; leaves have height 0."""
    return 2 * first - first.bit_count() + (2 << height) - 2


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


@dataclass(frozen=True)
class StateProof:
    """Shows that one operation is active."""

    location: int
    """Location of the operation, from 0."""
    chunk: bytes
    """Activity bits of the 512 operations around it."""
    path: tuple[bytes, ...]
    """Siblings from the leaf up to the mountain's peak."""
    peaks: tuple[bytes, ...]
    """The row of peaks without the operation's own."""
    last_chunk: bytes
    """Digest of the last chunk where it is incomplete and another one, else empty."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read a state proof; nothing is verified yet."""
        part = "state proof"
        location, chunk, path, peaks, last_chunk = cbor.fields(item, 5, part)
        last = cbor.string(last_chunk, part)
        return cls(
            location=cbor.unsigned(location, part),
            chunk=cbor.string(chunk, part, length=CHUNK_BYTES),
            path=tuple(cbor.pieces(path, part, 32, PROOF_PATH_MAX)),
            peaks=tuple(cbor.pieces(peaks, part, 32, PROOF_PATH_MAX)),
            last_chunk=last if not last else cbor.string(last, part, length=32),
        )

    def verify(self, operation: bytes, commitment: StateCommitment, what: str) -> None:
        """Check that `operation` is active under `commitment`; `what` names it in messages.

        Raises:
            NotCurrent: Its activity bit is not set.
            NotIncluded: The proof leads to another root.
        """
        byte, bit = divmod(self.location % CHUNK_BITS, 8)
        if not self.chunk[byte] >> bit & 1:  # step 1
            raise NotCurrent(f"the {what} is not current: its activity bit is not set")
        if self.root(operation, commitment) != commitment.root:  # step 7
            raise NotIncluded(f"the {what} is not in the block: the path leads to another root")

    def root(self, operation: bytes, commitment: StateCommitment) -> Digest | None:
        """Compute the root, or nothing where the parts do not fit the commitment."""
        size = commitment.size
        if not self.location < size <= OPERATIONS_MAX:  # step 1
            return None
        row = mountains(size)
        place = next(at for at, one in enumerate(row) if self.location < one.end)  # step 2
        if len(self.path) != row[place].height:
            return None
        inactive = sum(one.end <= commitment.floor for one in row)  # step 4
        if inactive > place:
            return None
        left = (inactive > 0) + (place - inactive)  # step 5
        right = place + 1 < len(row)
        if len(self.peaks) != left + right:
            return None
        peaks = [*self.peaks[:left], self.climb(operation), *self.peaks[left:]]
        folded = peaks.pop()
        while peaks:
            folded = hash_bytes(peaks.pop(), folded)
        boundary = _u64(inactive) if inactive else b""
        grafted = hash_bytes(ROOT_DOMAIN, _u64(size), boundary, folded)
        return self.combine(grafted, commitment)

    def climb(self, operation: bytes) -> Digest:
        """Hash from the leaf to the peak, taking in the chunk on the way (step 3)."""
        node = hash_bytes(_u64(node_position(self.location, 0)), operation)
        for height, sibling in enumerate(self.path, start=1):
            first = self.location >> height << height
            on_right = self.location >> (height - 1) & 1
            pair = (sibling, node) if on_right else (node, sibling)
            node = hash_bytes(_u64(node_position(first, height)), *pair)
            if height == GRAFTING_HEIGHT:
                node = hash_bytes(self.chunk, node)
        return node

    def combine(self, grafted: Digest, commitment: StateCommitment) -> Digest | None:
        """Join the grafted root with what else the root commits to (step 6)."""
        complete, rest = divmod(commitment.size, CHUNK_BITS)
        is_in_last = self.location // CHUNK_BITS == complete
        if bool(self.last_chunk) != (rest > 0 and not is_in_last):
            return None
        if rest == 0:
            return hash_bytes(commitment.operations_root, grafted)
        last = hash_bytes(self.chunk) if is_in_last else self.last_chunk
        return hash_bytes(commitment.operations_root, grafted, _u64(rest), last)
