"""Say about each entry of a log what searches ask for, in rows that a root commits to.

A row has the place of an entry, when the log had it, and digests of its issuer, its content type
and its content. The rows in the order of their places are one tree. Each `EPOCH_ROWS` of them are
sorted by each of `ORDERS`, and are a tree in every order; the roots of those of one order are a
tree too. Extension lines of the checkpoint have the root of the first and those of the last, so
that an answer with its neighbours shows that nothing between them was left out
(docs/reference/scitt.md, section 12).

>>> from trine.services.evidence import rows
>>> from trine.types import Digest
>>> row = rows.Row(0, 1_000, *map(Digest, (bytes(32), bytes(32), bytes(32), b"entry" + bytes(27))))
>>> rows.Row.decode(row.encode()) == row
True
>>> head = rows.IndexHead(Digest(bytes(32)), (Digest(bytes(32)),) * len(rows.ORDERS))
>>> rows.IndexHead.find(head.lines()) == head
True
"""

import base64
import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Self, get_args

from trine.errors.services import BadRow
from trine.services.evidence.tree import HashFunction, hash_one, leaf_hashes, levels
from trine.types import Digest

EPOCH_ROWS: Final = 16_384
"""Rows that are sorted together."""
ROW_BYTES: Final = 16 + 4 * Digest.LENGTH
"""Bytes of a row."""
TIME_MS_MAX: Final = 2**63 - 1
"""Latest time of a row, Unix time in milliseconds."""
EXTENSION: Final = "trine-index/v1"
"""First word of the extension line with the rows and their first order."""
FURTHER: Final = "trine-index-orders/v1"
"""First word of the extension line with the other orders."""
Order = Literal["issuer", "content_type", "content", "entry"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
"""Digests of a row by which epochs are sorted; rows of one digest are in the order of places."""
NOBODY: Final = Digest(bytes(Digest.LENGTH))
"""Stands where a digest would, in the row of an entry of which the service has no statement."""

NAMES_CACHED_MAX: Final = 1_024
"""Hashes of names that are remembered: names of up to 8 KiB."""

_NUMBERS: Final = struct.Struct(">QQ")
_ROOT: Final = re.compile("[A-Za-z0-9+/]{43}=")


class About(NamedTuple):
    """What a statement is about, as its row says it.

    Attributes:
        issuer: Hash of the issuer's name.
        content_type: Hash of the content type as text.
        content: Digest of the content: what a hash envelope of 32 bytes says, else the hash of
            the payload.
    """

    issuer: Digest
    content_type: Digest
    content: Digest


UNKNOWN: Final = About(NOBODY, NOBODY, NOBODY)
"""What is said of an entry without a statement."""


class Row(NamedTuple):
    """What the index says about one entry.

    Attributes:
        place: Index of the entry in the log.
        recorded_ms: When the service saw it there, Unix time in milliseconds: never before that
            of the row before.
        issuer: As in `About`.
        content_type: As in `About`.
        content: As in `About`.
        entry: The entry.
    """

    place: int
    recorded_ms: int
    issuer: Digest
    content_type: Digest
    content: Digest
    entry: Digest

    def encode(self) -> bytes:
        """Return the `ROW_BYTES` bytes of it."""
        return _NUMBERS.pack(self.place, self.recorded_ms) + b"".join(self[2:])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a row.

        Raises:
            BadRow: It is none.
        """
        if len(data) != ROW_BYTES:
            raise BadRow(f"a row of {len(data)} bytes, expected {ROW_BYTES}")
        place, recorded_ms = _NUMBERS.unpack_from(data)
        if recorded_ms > TIME_MS_MAX:
            raise BadRow(f"the time {recorded_ms} of a row, at most {TIME_MS_MAX}")
        at = range(_NUMBERS.size, ROW_BYTES, Digest.LENGTH)
        return cls(place, recorded_ms, *(Digest(data[i : i + Digest.LENGTH]) for i in at))

    def key(self, order: Order) -> tuple[bytes, int]:
        """Return what rows of an epoch are sorted by."""
        digest: Digest = getattr(self, order)
        return digest, self.place


class IndexHead(NamedTuple):
    """What a checkpoint says about the index of its log.

    Attributes:
        rows: Root over the rows in the order of their places.
        epochs: For each of `ORDERS` the root over the roots of the sorted epochs, the last of which
            may be unfinished; for the first one alone in a checkpoint of an earlier release.
    """

    rows: Digest
    epochs: tuple[Digest, ...]

    def lines(self) -> tuple[str, ...]:
        """Return the extension lines of the checkpoint."""
        first, *further = self.epochs
        lines = (_line(EXTENSION, (self.rows, first)),)
        return (*lines, _line(FURTHER, further)) if further else lines

    @classmethod
    def find(cls, extensions: Sequence[str]) -> Self | None:
        """Find it among the extension lines of a checkpoint; nothing where there is none.

        Raises:
            BadRow: There is a line of these names that is none, or two of one name.
        """
        first = _roots(extensions, EXTENSION, 2)
        further = _roots(extensions, FURTHER, len(ORDERS) - 1)
        if not first:
            return None
        return cls(first[0], (first[1], *further))


def _line(name: str, roots: Sequence[Digest]) -> str:
    return " ".join((name, *(base64.b64encode(root).decode() for root in roots)))


def _roots(extensions: Sequence[str], name: str, count: int) -> tuple[Digest, ...]:
    """Read the roots of an extension line; none where there is no such line."""
    lines = [line for line in extensions if line.split(" ", 1)[0] == name]
    if not lines:
        return ()
    words = lines[0].split(" ")[1:]
    if len(lines) > 1 or len(words) != count or not all(map(_ROOT.fullmatch, words)):
        raise BadRow(f"the line {lines[0][:120]!r} is none of an index")
    found = tuple(Digest(base64.b64decode(word)) for word in words)
    if _line(name, found) != lines[0]:
        raise BadRow(f"the line {lines[0][:120]!r} is not in its one form")
    return found


@lru_cache(NAMES_CACHED_MAX)
def name_digest(function: HashFunction, name: str) -> Digest:
    """Hash the name of an issuer or a content type, as rows have it."""
    return Digest(hash_one(function, name.encode()))


def content_digest(function: HashFunction, payload: bytes, payload_hash: int | None) -> Digest:
    """Return the digest of a statement's content, as rows have it.

    Args:
        function: Hash function of the log.
        payload: Payload of the statement.
        payload_hash: Number of the function of a hash envelope; nothing where it is none.
    """
    if payload_hash is not None and len(payload) == Digest.LENGTH:
        return Digest(payload)
    return Digest(hash_one(function, payload))


def epochs_of(size: int) -> int:
    """Return how many epochs a log has, the unfinished one included."""
    return -(-size // EPOCH_ROWS)


def epoch_width(epoch: int, size: int) -> int:
    """Return how many rows an epoch has in a log of a size."""
    return max(0, min(EPOCH_ROWS, size - epoch * EPOCH_ROWS))


class Epoch(NamedTuple):
    """Rows of one epoch in one order.

    Attributes:
        rows: The rows.
        nodes: Nodes of the tree over them, by height.
    """

    rows: list[Row]
    nodes: list[list[bytes]]

    @classmethod
    def sort(
        cls, function: HashFunction, rows: Sequence[Row], leaves: Sequence[bytes] | None = None
    ) -> tuple[Self, ...]:
        """Sort rows in each of `ORDERS`, and hash them.

        Args:
            function: Hash function of the log.
            rows: The rows in the order of places, one at least.
            leaves: Their hashes as leaves, where they are known.
        """
        if leaves is None:
            leaves = leaf_hashes(function, [one.encode() for one in rows])
        made = []
        for order in ORDERS:
            digests: list[bytes] = [getattr(row, order) for row in rows]
            # What is equal stays in the order of places.
            places = sorted(range(len(rows)), key=digests.__getitem__)
            nodes = levels(function, [leaves[at] for at in places])
            made.append(cls([rows[at] for at in places], nodes))
        return tuple(made)

    @property
    def root(self) -> Digest:
        """Root of the tree."""
        return Digest(self.nodes[-1][0])

    def row(self, number: int) -> Row:
        """Return one of the rows."""
        return self.rows[number]

    def over(self, first: int, stop: int) -> bytes:
        """Return the root over rows that are one subtree."""
        height = (stop - first - 1).bit_length()
        return self.nodes[height][first >> height]
