"""Test the format: whatever is cut or turned over is noticed, and limits hold."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive import chains
from trine.archive import reader
from trine.archive.audit import Audit
from trine.archive.format import MAGIC, SEGMENT_BLOCKS_MAX, Record
from trine.archive.reader import Archive
from trine.errors import (
    ArchiveMismatch,
    BadGenesis,
    DamagedArchive,
    NotAnArchive,
    TrineError,
)
from trine.model.limits import GENESIS_BYTES_MAX, U64_MAX, VALIDATORS_MAX
from trine.model.proofs.certified import Certificate, varint
from trine.model.proofs.finalization import FINALIZATION_BYTES_MAX, Finalization
from trine.model.verdicts import TooLarge, Undecodable

WHOLE = chains.segment(chains.chain())


def verdict(content: bytes) -> TrineError | None:
    """Audit an archive of one segment; none where everything holds."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            Audit(Archive(chains.write(Path(folder), content))).run()
        except TrineError as error:
            return error
    return None


def test_a_segment_is_what_the_page_says(tmp_path: Path) -> None:
    """Goal: the writer follows docs/reference/archive.md. Method: compare its bytes with those
    that the tests put together field by field, and read them again."""
    folder = chains.backed_up(tmp_path / "chain", chains.BLOCKS - 1)
    [path] = (folder / "segments").iterdir()
    assert path.name == f"{0:020}.segment"
    assert path.read_bytes() == WHOLE
    assert WHOLE.startswith(MAGIC + b"\x01" + chains.CHAIN_ID + bytes(8))
    archive = Archive(folder)
    assert archive.genesis == chains.GENESIS
    assert archive.height == chains.BLOCKS - 1
    assert [record for _, record in archive.records()] == list(chains.chain())
    for height, record in enumerate(chains.chain()):
        assert archive.record(height) == record
    assert archive.record(chains.BLOCKS) is None
    assert archive.record(-1) is None


@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_segment_that_is_cut_is_damaged(length: int) -> None:
    """Goal: no byte can be missing. Method: cut a segment anywhere, and audit it."""
    assert isinstance(verdict(WHOLE[:length]), DamagedArchive | ArchiveMismatch)


@given(bit=st.integers(0, 8 * len(WHOLE) - 1), sealed=st.booleans())
def test_no_bit_can_be_turned_over(bit: int, sealed: bool) -> None:
    """Goal: every bit counts, and no input crashes the audit. Method: turn any over, under its old
    seal and, but for the seal itself, under the right one."""
    content = bytearray(WHOLE)
    content[bit // 8] ^= 1 << bit % 8
    sealed = sealed and bit < 8 * (len(WHOLE) - 32)
    found = verdict(chains.resealed(bytes(content)) if sealed else bytes(content))
    assert isinstance(found, DamagedArchive | ArchiveMismatch)
    if isinstance(found, ArchiveMismatch) and not sealed:
        assert found.details["damaged"] is True


@given(content=st.binary(max_size=300), at=st.integers(0, len(WHOLE)))
def test_garbage_is_refused(content: bytes, at: int) -> None:
    """Goal: no input crashes the reader. Method: write bytes of any kind over a segment."""
    assert verdict(content) is not None
    altered = chains.resealed(WHOLE[:at] + content + WHOLE[at + len(content) :])
    assert (verdict(altered) is None) == (altered == WHOLE)


def test_what_is_no_archive(tmp_path: Path) -> None:
    """Goal: each reason has its code. Method: no folder, an empty one, a bad genesis, one that is
    too long, no block, a segment that is missing, one that is too many."""
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(NotAnArchive):
            Archive(folder)
    for genesis in (b"{}", b" " * (GENESIS_BYTES_MAX + 1)):
        (tmp_path / "genesis.json").write_bytes(genesis)
        with pytest.raises(BadGenesis):
            Archive(tmp_path)
    (tmp_path / "genesis.json").write_bytes(chains.GENESIS)
    empty = Archive(tmp_path)
    assert empty.height is None
    with pytest.raises(NotAnArchive):
        empty.whole()
    later = chains.segment(chains.chain()[7:], 7)
    with pytest.raises(DamagedArchive, match="block 0 should come next"):
        Archive(chains.write(tmp_path, later, 7))
    chains.write(tmp_path, chains.segment(chains.chain()[:7]))
    assert Archive(tmp_path).height == chains.BLOCKS - 1
    with pytest.raises(DamagedArchive, match="block 21 should come next"):
        Archive(chains.write(tmp_path, later, 9))


@pytest.mark.parametrize("count", [0, 1, SEGMENT_BLOCKS_MAX, SEGMENT_BLOCKS_MAX + 1])
def test_limit_of_a_segment(count: int, tmp_path: Path) -> None:
    """Goal: a segment has as many blocks as it may. Method: write numbers at its end."""
    content = WHOLE[:-36] + count.to_bytes(4) + bytes(32)
    if 1 <= count <= SEGMENT_BLOCKS_MAX:
        assert Archive(chains.write(tmp_path, content)).height == count - 1
    else:
        with pytest.raises(DamagedArchive, match=str(SEGMENT_BLOCKS_MAX)):
            Archive(chains.write(tmp_path, content))


def test_limits_of_a_record() -> None:
    """Goal: lengths are checked before anything is read. Method: lengths beyond their limits."""
    first = chains.chain()[0].encode()
    start = WHOLE.index(first)
    for place, what in ((start, "certificate"), (start + 4, "block")):
        content = WHOLE[:place] + b"\xff" * 4 + WHOLE[place + 4 :]
        assert what in str(verdict(chains.resealed(content)))
    assert Record(b"a", b"bc").encode() == bytes.fromhex("00000001 61 00000002 6263")


def test_indexes_are_bounded(tmp_path: Path) -> None:
    """Goal: memory does not grow with the archive. Method: look at the limit of what is kept."""
    archive = Archive(chains.write(tmp_path, WHOLE))
    archive.record(3)
    assert archive._places.cache_info().maxsize == reader.INDEXES_MAX


numbers = st.integers(0, U64_MAX)


@given(
    epoch=numbers, view=numbers, parent=numbers, validators=st.integers(0, VALIDATORS_MAX),
    digest=st.binary(min_size=32, max_size=32), data=st.data(),
)  # fmt: skip
def test_a_certificate_has_one_encoding(
    epoch: int, view: int, parent: int, validators: int, digest: bytes, data: st.DataObject
) -> None:
    """Goal: decoding undoes encoding, within the limit. Method: any certificate; then one byte
    less, and one more."""
    bits = data.draw(st.integers(0, 2**validators - 1))
    signers = bits.to_bytes((validators + 7) // 8, "little")
    signatures = tuple(bytes([place]) * 64 for place in range(bits.bit_count()))
    made = Certificate(epoch, view, parent, digest, signers, signatures)  # type: ignore[arg-type]
    encoded = Finalization(made, validators).encode()
    assert len(encoded) <= FINALIZATION_BYTES_MAX
    assert Finalization.from_bytes(encoded) == Finalization(made, validators)
    for wrong in (encoded[:-1], encoded + b"\0"):
        with pytest.raises(Undecodable):
            Finalization.from_bytes(wrong)


@given(content=st.binary(max_size=200))
def test_no_bytes_crash_the_certificate(content: bytes) -> None:
    """Goal: garbage is refused in order. Method: any bytes; what is accepted encodes to itself."""
    try:
        found = Finalization.from_bytes(content)
    except Undecodable:
        return
    assert found.encode() == content


def test_limits_of_a_certificate() -> None:
    """Goal: limits hold, and one past them is refused. Method: validators, numbers, needless bytes,
    signers beyond the set, signatures without signers."""
    head = bytes(3) + bytes(32)
    full = head + VALIDATORS_MAX.to_bytes(8) + b"\xff" * 12 + b"\x0f" + varint(100) + bytes(6_400)
    assert len(Finalization.from_bytes(full).certificate.signatures) == VALIDATORS_MAX
    over = head + (VALIDATORS_MAX + 1).to_bytes(8) + bytes(13) + b"\0"
    with pytest.raises(TooLarge):
        Finalization.from_bytes(over)
    most = varint(U64_MAX)
    rest = bytes(2) + bytes(32) + bytes(8) + b"\0"
    assert Finalization.from_bytes(most + rest).certificate.epoch == U64_MAX
    for number in (varint(U64_MAX + 1), b"\xff" * 11, b"\x80\0"):
        with pytest.raises(Undecodable):
            Finalization.from_bytes(number + rest)
    for signers, count in ((b"\x10", 1), (b"\x01", 0), (b"\0", 1)):
        with pytest.raises(Undecodable):
            Finalization.from_bytes(head + (4).to_bytes(8) + signers + bytes([count]) + bytes(64))
