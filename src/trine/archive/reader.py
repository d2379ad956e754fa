"""Open an archive, and read its blocks in order or one by one."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from trine.archive.format import (
    GENESIS_FILE,
    SEGMENT_SUFFIX,
    SEGMENTS_FOLDER,
    Record,
    Segment,
    SegmentHead,
    segment_name,
)
from trine.errors import BadGenesis, DamagedArchive, NotAnArchive
from trine.model import GenesisError, read_genesis
from trine.model.identifiers import ChainId, Height
from trine.model.limits import GENESIS_BYTES_MAX

INDEXES_MAX: Final = 16
"""Segments whose blocks' places are kept in memory."""


class Archive:
    """A folder with everything final of a chain, up to a height.

    Attributes:
        path: The folder.
        genesis: Genesis document.
        document: What it says.
        chain_id: Identifier of the chain; whoever opens the archive compares its fingerprint.
        segments: Segments in the order of their heights; heads were looked at, records not.
    """

    def __init__(self, path: Path) -> None:
        """Open the archive in a folder.

        Raises:
            NotAnArchive: There is none.
            BadGenesis: Its genesis document is not valid.
            DamagedArchive: Segments are missing or damaged.
        """
        self.path = path
        file = path / GENESIS_FILE
        try:
            with file.open("rb") as opened:
                self.genesis = opened.read(GENESIS_BYTES_MAX + 1)
        except (FileNotFoundError, NotADirectoryError):
            message = f"{path} holds no {GENESIS_FILE}: it is no archive of a chain"
            raise NotAnArchive(message, instance=str(path)) from None
        try:
            self.document = read_genesis(self.genesis)
        except GenesisError as error:
            raise BadGenesis(f"{file}: {error}", instance=str(file)) from None
        self.chain_id: ChainId = self.document.chain_id()
        self.segments = tuple(self._segments())
        self._places = lru_cache(maxsize=INDEXES_MAX)(self._index)

    def _segments(self) -> Iterator[Segment]:
        """Look at every segment; each begins where the one before it ends."""
        folder = self.path / SEGMENTS_FOLDER
        first = 0
        for path in sorted(folder.glob(f"*{SEGMENT_SUFFIX}")):
            if path.name != segment_name(first):
                message = f"{folder}: block {first} should come next, {path.name} does"
                raise DamagedArchive(message, instance=str(path))
            head = SegmentHead(self.chain_id, first)
            segment = Segment.open(path, self.document.suite, head)
            first = segment.last + 1
            yield segment

    @property
    def height(self) -> Height | None:
        """Height of the last block; none where there is no block yet."""
        return Height(self.segments[-1].last) if self.segments else None

    @property
    def bytes(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    def whole(self) -> Height:
        """Give the height of an archive that holds blocks.

        Raises:
            NotAnArchive: It holds none.
        """
        if self.height is None:
            message = f"{self.path} holds no block yet: run `trine backup` again"
            raise NotAnArchive(message, instance=str(self.path))
        return self.height

    def records(self) -> Iterator[tuple[Segment, Record]]:
        """Read all blocks in order, in constant memory, each with its segment.

        Raises:
            DamagedArchive: At the end of a segment that is not what its seal says.
        """
        for segment in self.segments:
            for _, record in segment.records():
                yield segment, record

    def record(self, height: int) -> Record | None:
        """Read one block; none beyond the last. Its segment is checked the first time.

        Raises:
            DamagedArchive: The segment is not what its seal says.
        """
        after = bisect_right(self.segments, height, key=lambda segment: segment.head.first)
        if after == 0 or height > self.segments[after - 1].last:
            return None
        segment = self.segments[after - 1]
        return segment.at(self._places(segment)[height - segment.head.first])

    def _index(self, segment: Segment) -> list[int]:
        return [place for place, _ in segment.records()]
