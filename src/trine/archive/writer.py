"""Write an archive, so that a run that is cut anywhere leaves a usable one.

Blocks go into a partial segment, which counts for nothing. It is sealed where a block is certified:
cut behind that block, synced to the disk, and only then renamed. A segment that is not full is
written again with what is new, and replaces itself in one step.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from trine.archive.format import (
    GENESIS_FILE,
    PARTIAL_SUFFIX,
    SEAL_TAG,
    SEGMENT_BLOCKS,
    SEGMENT_BLOCKS_MAX,
    SEGMENT_BYTES,
    SEGMENTS_FOLDER,
    Record,
    SegmentHead,
    encode_count,
    segment_name,
)
from trine.archive.links import Links
from trine.archive.reader import Archive
from trine.errors import BadArgument, BadGenesis, DamagedArchive, FolderLocked, UnlinkedBlock
from trine.model import GenesisError, read_genesis
from trine.model.hashing import TaggedHasher, under
from trine.model.identifiers import ChainId

LOCK_FILE: Final = ".lock"


class _Partial:
    """A segment that is being written."""

    def __init__(self, folder: Path, head: SegmentHead, hasher: TaggedHasher) -> None:
        self._path = folder / segment_name(head.first)
        self._partial = self._path.with_suffix(PARTIAL_SUFFIX)
        self._file: BinaryIO = self._partial.open("wb")
        self._hasher = hasher
        self._write(head.encode())
        self.size = self._file.tell()
        self.count = 0
        self._sealed: tuple[int, bytes] | None = None

    def append(self, record: Record) -> None:
        """Write a block; where it is certified, everything up to it can be sealed."""
        self._write(record.encode())
        self.size += record.size
        self.count += 1
        if record.finalization:
            count = encode_count(self.count)
            self._sealed = self.size, count + self._hasher.digest(count)

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._hasher.update(content)

    @property
    def is_full(self) -> bool:
        """Whether the next certified block ends it."""
        return self.size >= SEGMENT_BYTES or self.count >= SEGMENT_BLOCKS

    def close(self, *, keep: bool) -> None:
        """Seal it behind its last certified block; without one, nothing stays of it."""
        sealed = self._sealed if keep else None
        with self._file as file:
            if sealed is not None:
                size, tail = sealed
                file.truncate(size)
                file.seek(size)
                file.write(tail)
                file.flush()
                os.fsync(file.fileno())
        if sealed is None:
            self._partial.unlink()
        else:
            self._partial.replace(self._path)
            _sync_folder(self._path.parent)


class Writer:
    """The end of an archive, to which blocks are added.

    Attributes:
        links: The last block, sealed or not.
        added: Blocks added.
        added_bytes: Bytes of them.
    """

    def __init__(self, archive: Archive) -> None:
        """Go on behind the last block; the caller holds the archive's lock.

        Raises:
            DamagedArchive: The last segment is damaged.
            UnlinkedBlock: Its blocks are no chain.
        """
        document = archive.document
        self.links = Links(document.suite, archive.chain_id)
        self.added = self.added_bytes = 0
        self._folder = archive.path / SEGMENTS_FOLDER
        self._partial: _Partial | None = None
        if archive.segments:
            self._resume(archive)

    def _resume(self, archive: Archive) -> None:
        """Check the last segment, and copy it where it is not full."""
        last = archive.segments[-1]
        full = last.size >= SEGMENT_BYTES or last.count >= SEGMENT_BLOCKS
        try:
            for place, (_, record) in enumerate(last.records()):
                if place == 0 and last.head.first > 0:
                    self.links.begin(record, last.head.first)
                self.links.check(record)
                if not full:
                    self._write(record)
        except UnlinkedBlock as error:
            self.close(keep=False)
            raise DamagedArchive(
                f"{last.path} is damaged: {error}", instance=str(last.path)
            ) from None
        except BaseException:
            self.close(keep=False)
            raise

    def append(self, record: Record) -> None:
        """Add the next block; it counts once it is sealed.

        Raises:
            UnlinkedBlock: It does not follow the last one, or the chain certifies nothing more.
        """
        self.links.check(record)
        self._write(record)
        self.added += 1
        self.added_bytes += record.size

    def _write(self, record: Record) -> None:
        if self._partial is None:
            with under(self.links.suite):
                hasher = TaggedHasher(SEAL_TAG)
            head = SegmentHead(self.links.chain_id, self.links.height)
            self._partial = _Partial(self._folder, head, hasher)
        partial = self._partial
        if partial.count >= SEGMENT_BLOCKS_MAX:
            raise UnlinkedBlock(f"none of {partial.count} blocks is certified")
        partial.append(record)
        if partial.is_full and record.finalization:
            self.close()

    def close(self, *, keep: bool = True) -> None:
        """Seal what is certified and drop the rest; with `keep` false, drop all of the segment."""
        partial, self._partial = self._partial, None
        if partial is not None:
            partial.close(keep=keep)


@contextlib.contextmanager
def opened(path: Path, genesis: bytes) -> Iterator[Writer]:
    """Open an archive to add to it, or make one; what was certified is sealed at the end.

    Args:
        path: Its folder.
        genesis: Genesis document of the chain.

    Raises:
        BadArgument: The folder holds something else, or another chain.
        FolderLocked: Somebody else adds to it.
        BadGenesis, DamagedArchive: As `Archive`.
    """
    try:
        chain_id = read_genesis(genesis).chain_id()
    except GenesisError as error:
        raise BadGenesis(str(error)) from None
    path.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        _begin(path, genesis, chain_id)
        archive = Archive(path)
        for left in (path / SEGMENTS_FOLDER).glob(f"*{PARTIAL_SUFFIX}"):
            left.unlink()
        writer = Writer(archive)
        try:
            yield writer
        finally:
            # Where nothing is new, the last segment stays as it is.
            writer.close(keep=writer.added > 0)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with (path / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another backup writes to {path}"
            raise FolderLocked(message, instance=str(path)) from None
        yield


def _begin(path: Path, genesis: bytes, chain_id: ChainId) -> None:
    """Write the genesis of a new archive; of one that is there, compare it."""
    file = path / GENESIS_FILE
    if file.exists():
        # One document may be written in several ways; its canonical form names the chain.
        if Archive(path).chain_id != chain_id:
            message = f"{path} is an archive of another chain than the node's: name another folder"
            raise BadArgument(message, instance=str(path))
    else:
        own = (LOCK_FILE, GENESIS_FILE + PARTIAL_SUFFIX)
        others = [found.name for found in path.iterdir() if found.name not in own]
        if others:
            message = f"{path} holds {others[0]!r}, expected an archive or an empty folder"
            raise BadArgument(message, instance=str(path))
        partial = path / (GENESIS_FILE + PARTIAL_SUFFIX)
        with partial.open("wb") as written:
            written.write(genesis)
            written.flush()
            os.fsync(written.fileno())
        partial.replace(file)
    (path / SEGMENTS_FOLDER).mkdir(exist_ok=True)
    _sync_folder(path)


def _sync_folder(path: Path) -> None:
    """Let the names in a folder survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
