"""Test writing: cut anywhere, an archive is whole, and goes on from there."""

import fcntl
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive import chains
from tests.model import people
from trine.archive import writer
from trine.archive.format import Record
from trine.archive.reader import Archive
from trine.archive.writer import opened
from trine.errors import BadArgument, BadGenesis, DamagedArchive, FolderLocked, UnlinkedBlock
from trine.model import Block
from trine.model.identifiers import ChainId, Digest, Height

LAST = chains.BLOCKS - 1


def files(folder: Path) -> dict[str, bytes]:
    """Read every file of an archive but its lock."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def certified_up_to(height: int) -> int | None:
    """Say which block is the last that a certificate covers; none before the first."""
    return max((one for one in range(height + 1) if chains.is_certified(one)), default=None)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let segments end after four blocks."""
    monkeypatch.setattr(writer, "SEGMENT_BLOCKS", 4)


@pytest.mark.parametrize("ends", [(1,), (2, 3), (5, 5, 6), (0, LAST), (3, 9, 10, 15)])
def test_runs_add_what_is_new(ends: tuple[int, ...], small: None, tmp_path: Path) -> None:
    """Goal: many backups make the archive that one makes. Method: runs that end at these heights;
    what is not certified at the end of one comes again in the next."""
    folder = tmp_path / "chain"
    for end in (*ends, LAST):
        with opened(folder, chains.GENESIS) as writing:
            for one in chains.chain()[writing.links.height + 1 : end + 1]:
                writing.append(one)
        assert Archive(folder).height == certified_up_to(end)
    assert files(folder) == files(chains.backed_up(tmp_path / "at once", LAST))
    names = sorted(path.name for path in (folder / "segments").iterdir())
    assert [int(name.split(".")[0]) for name in names] == [0, 4, 8, 13, 19]


def test_a_reader_does_not_mind_a_writer(tmp_path: Path) -> None:
    """Goal: whoever reads while a backup runs sees no damage. Method: open, then add blocks, then
    read in order and one by one."""
    folder = chains.backed_up(tmp_path, 9)
    archive = Archive(folder)
    with opened(folder, chains.GENESIS) as writing:
        for one in chains.chain()[10:]:
            writing.append(one)
    assert [one for _, one in archive.records()] == list(chains.chain())
    assert [archive.record(one) for one in range(10)] == list(chains.chain()[:10])
    assert archive.record(10) is None


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    """Goal: a backup without news leaves every file alone. Method: compare the times of change."""
    folder = chains.backed_up(tmp_path / "chain", LAST)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.segment")}
    with opened(folder, chains.GENESIS) as writing:
        assert writing.links.height == LAST
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.segment")} == before


@given(data=st.data())
def test_cut_anywhere_it_is_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Goal: a machine that dies leaves a usable archive. Method: leave a partial segment that ends
    anywhere beside sealed ones, and half a genesis; then go on to the end."""
    folder = tmp_path_factory.mktemp("cut") / "chain"
    sealed = data.draw(st.integers(0, LAST))
    chains.backed_up(folder, sealed)
    before = Archive(folder)
    whole = chains.segment(chains.chain())
    (folder / "segments" / f"{0:020}.partial").write_bytes(
        whole[: data.draw(st.integers(0, len(whole)))]
    )
    (folder / "genesis.json.partial").write_bytes(chains.GENESIS[:100])
    assert Archive(folder).height == before.height
    with opened(folder, chains.GENESIS) as writing:
        for one in chains.chain()[writing.links.height + 1 :]:
            writing.append(one)
    assert Archive(folder).height == LAST
    assert not list((folder / "segments").glob("*.partial"))


def test_a_cut_before_the_genesis_begins_again(tmp_path: Path) -> None:
    """Goal: a first run that is cut at its start does not block the next. Method: leave half a
    genesis, and a genesis without segments."""
    (tmp_path / "genesis.json.partial").write_bytes(b"{")
    chains.backed_up(tmp_path, 3)
    assert Archive(tmp_path).height == 3
    shutil.rmtree(tmp_path / "segments")
    chains.backed_up(tmp_path, 3)
    assert Archive(tmp_path).height == 3


def test_an_interruption_keeps_what_is_certified(tmp_path: Path) -> None:
    """Goal: Ctrl-C loses nothing that is certified. Method: interrupt behind each height."""
    for height in range(chains.BLOCKS):
        folder = tmp_path / str(height)
        with pytest.raises(KeyboardInterrupt), opened(folder, chains.GENESIS) as writing:
            for one in chains.chain()[: height + 1]:
                writing.append(one)
            raise KeyboardInterrupt
        assert Archive(folder).height == certified_up_to(height)


def _other(place: int, **fields: object) -> Record:
    """Give a block's header other fields, certified by the right key."""
    block = chains.block_of(chains.chain()[place])
    header = replace(block.header, **fields)  # type: ignore[arg-type]
    return chains.record(Block(header, block.transactions), certified=True)


WRONG = {
    "no block": Record(b"", b"no block"),
    "another chain": _other(6, chain_id=ChainId(b"\1" * 32)),
    "another height": chains.chain()[7],
    "another parent": _other(6, parent=Digest(b"\1" * 32)),
    "another body": _other(6, body_root=Digest(b"\1" * 32)),
    "no certificate": replace(chains.chain()[6], finalization=b"\0"),
    "another certificate": replace(chains.chain()[6], finalization=chains.chain()[9].finalization),
    "a lower height": _other(6, height=Height(5)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_does_not_follow_is_refused(wrong: Record, tmp_path: Path) -> None:
    """Goal: a liar makes no archive that does not restore. Method: one wrong block after six right
    ones; the right ones stay, up to the last certificate, and the right chain goes on."""
    with pytest.raises(UnlinkedBlock), opened(tmp_path, chains.GENESIS) as writing:
        for one in (*chains.chain()[:6], wrong):
            writing.append(one)
    assert Archive(tmp_path).height == 3
    with opened(tmp_path, chains.GENESIS) as writing:
        for one in chains.chain()[4:]:
            writing.append(one)
    assert Archive(tmp_path).height == LAST


def test_a_chain_without_certificates_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: nobody fills the disk with blocks that nobody certified. Method: as many as a segment
    may have, and one more."""
    monkeypatch.setattr(writer, "SEGMENT_BLOCKS_MAX", 5)
    bare = [replace(one, finalization=b"") for one in chains.chain()]
    with pytest.raises(UnlinkedBlock, match="none of 5"), opened(tmp_path, chains.GENESIS) as one:
        for place, record in enumerate(bare):
            assert place < 6
            one.append(record)
    assert Archive(tmp_path).height is None


def test_only_archives_of_the_chain_are_written(tmp_path: Path) -> None:
    """Goal: nothing else is overwritten. Method: a folder with a file, an archive of another chain,
    one that somebody writes to, one whose last segment is damaged."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(BadArgument, match="letter"), opened(other, chains.GENESIS):
        pass
    folder = chains.backed_up(tmp_path / "chain", LAST)
    named_other = people.genesis(name="other")
    with pytest.raises(BadArgument, match="another chain"), opened(folder, named_other):
        pass
    with pytest.raises(BadGenesis), opened(folder, b"{}"):
        pass
    with opened(folder, b" " + chains.GENESIS) as again:
        assert again.links.height == LAST
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(FolderLocked), opened(folder, chains.GENESIS):
            pass
    [path] = (folder / "segments").iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = files(folder)
    with pytest.raises(DamagedArchive), opened(folder, chains.GENESIS):
        pass
    assert files(folder) == before
