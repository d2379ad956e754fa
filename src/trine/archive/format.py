"""Name the parts of an archive, and write and read those of its segments.

Source: `docs/reference/archive.md`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from trine.errors import DamagedArchive
from trine.model.hashing import Suite, TaggedHasher, under
from trine.model.limits import BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, HEADER_BYTES_MAX
from trine.model.proofs.finalization import FINALIZATION_BYTES_MAX

GENESIS_FILE: Final = "genesis.json"
"""Genesis document, as the node serves it."""
SEGMENTS_FOLDER: Final = "segments"
"""Folder of the segments."""
SEGMENT_SUFFIX: Final = ".segment"
PARTIAL_SUFFIX: Final = ".partial"
"""End of the name of a segment that is being written; it counts for nothing."""
MAGIC: Final = b"TRINESEG"
"""First bytes of a segment."""
VERSION: Final = 1
SEAL_TAG: Final = "trine/archive-segment"
"""Tag of the digest at the end of a segment."""

ENCODED_BLOCK_BYTES_MAX: Final = HEADER_BYTES_MAX + 4 + BLOCK_BYTES_MAX + 4 * BLOCK_TRANSACTIONS_MAX
"""Bytes of the longest encoded block."""
SEGMENT_BYTES: Final = 32 * 1_024 * 1_024
"""Bytes after which a segment ends with the next certified block."""
SEGMENT_BLOCKS: Final = 4_096
"""Blocks after which a segment ends with the next certified block."""
SEGMENT_BLOCKS_MAX: Final = 65_536
"""Blocks of a segment: so many, and none of them certified, are never a chain that lives."""
HEIGHT_DIGITS: Final = 20
"""Digits of the first height in a segment's name: any number of 64 bits."""

_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = len(MAGIC) + 1 + 32 + 8
_COUNT_BYTES: Final = 4
TAIL_BYTES: Final = _COUNT_BYTES + 32
"""Bytes after the records: their number and the seal."""


@dataclass(frozen=True)
class Record:
    """A block with the certificate that is its own."""

    finalization: bytes
    """Certificate in the engine's encoding; empty where the block has none of its own."""
    block: bytes
    """Header and transactions, exactly as validators certified them."""

    @property
    def size(self) -> int:
        """Bytes in a segment."""
        return 2 * _LENGTH_BYTES + len(self.finalization) + len(self.block)

    def encode(self) -> bytes:
        """Return both, each with its length before it."""
        parts = (self.finalization, self.block)
        return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)


@dataclass(frozen=True)
class SegmentHead:
    """The first bytes of a segment."""

    chain_id: bytes
    """Identifier of the chain."""
    first: int
    """Height of the first block."""

    def encode(self) -> bytes:
        """Return the bytes."""
        return MAGIC + bytes([VERSION]) + self.chain_id + self.first.to_bytes(8, "big")


def segment_name(first: int) -> str:
    """Name the segment whose first block has this height."""
    return f"{first:0{HEIGHT_DIGITS}}{SEGMENT_SUFFIX}"


def encode_count(count: int) -> bytes:
    """Write the number of a segment's records."""
    return count.to_bytes(_COUNT_BYTES, "big")


@dataclass(frozen=True)
class Segment:
    """A segment whose head and length were looked at; its records were not."""

    path: Path
    suite: Suite
    head: SegmentHead
    count: int
    """Blocks, as its last bytes say."""
    size: int
    """Bytes of the file."""

    @property
    def last(self) -> int:
        """Height of the last block."""
        return self.head.first + self.count - 1

    @classmethod
    def open(cls, path: Path, suite: Suite, head: SegmentHead) -> Self:
        """Look at a segment that must begin with `head`.

        Raises:
            DamagedArchive: It does not, or is too short.
        """
        with path.open("rb") as file:
            return cls(path, suite, head, *_look(file, path, head))

    def records(self) -> Iterator[tuple[int, Record]]:
        """Read the records in order, each with its place in the file, in constant memory.

        Where a backup wrote the segment again meanwhile, they are those that it has now.

        Raises:
            DamagedArchive: The file is not what its seal says. What was read before may be wrong.
        """
        with under(self.suite):
            hasher = TaggedHasher(SEAL_TAG)
        with self.path.open("rb") as file:
            count, size = _look(file, self.path, self.head)
            hasher.update(self.head.encode())
            file.seek(_HEAD_BYTES)
            for _ in range(count):
                place = file.tell()
                record = self._record(file, size)
                hasher.update(record.encode())
                yield place, record
            if file.tell() != size - TAIL_BYTES:
                raise _damaged(self.path, "bytes follow its blocks")
            counted, seal = file.read(_COUNT_BYTES), file.read(32)
        if seal != hasher.digest(counted):
            raise _damaged(self.path, "its bytes are not those of its digest")

    def at(self, place: int) -> Record:
        """Read the record at a place that `records` gave."""
        with self.path.open("rb") as file:
            file.seek(place)
            return self._record(file, self.size)

    def _record(self, file: BinaryIO, size: int) -> Record:
        finalization = self._part(file, size, FINALIZATION_BYTES_MAX, "certificate")
        return Record(finalization, self._part(file, size, ENCODED_BLOCK_BYTES_MAX, "block"))

    def _part(self, file: BinaryIO, size: int, limit: int, what: str) -> bytes:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
        if length > limit:
            raise _damaged(self.path, f"a {what} of {length} bytes, at most {limit} are allowed")
        if file.tell() + length > size - TAIL_BYTES:
            raise _damaged(self.path, "its blocks end early")
        return file.read(length)


def _look(file: BinaryIO, path: Path, head: SegmentHead) -> tuple[int, int]:
    """Look at the first and last bytes of a segment: number of its records, size of the file.

    Raises:
        DamagedArchive: It does not begin with `head`, or is too short.
    """
    size = os.fstat(file.fileno()).st_size
    if size < _HEAD_BYTES + TAIL_BYTES:
        raise _damaged(path, f"it has {size} bytes, fewer than any segment")
    if file.read(_HEAD_BYTES) != head.encode():
        raise _damaged(path, f"it does not begin as this chain's block {head.first} does")
    file.seek(-TAIL_BYTES, os.SEEK_END)
    count = int.from_bytes(file.read(_COUNT_BYTES), "big")
    if not 1 <= count <= SEGMENT_BLOCKS_MAX:
        raise _damaged(path, f"it has {count} blocks, expected 1 to {SEGMENT_BLOCKS_MAX}")
    return count, size


def _damaged(path: Path, reason: str) -> DamagedArchive:
    return DamagedArchive(f"{path} is damaged: {reason}", instance=str(path))
