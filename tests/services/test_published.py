"""Test that a start notices files that were altered, and that a monitor notices the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.logs import KEY, ORIGIN, digest
from tests.services.stamping import code_of
from tests.services.test_standard_log import PREFIX, PairedLog
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import FolderAltered
from trine.services.evidence import note, tiles, tree
from trine.services.evidence.catalogue import Catalogue
from trine.services.evidence.objects import Folder
from trine.services.evidence.published import check_tree
from trine.services.evidence.publishing import Publisher, WitnessAt
from trine.services.evidence.rows import EPOCH_ROWS
from trine.services.evidence.stored import Known, StoredTree

WITNESS = SecretKey("ed25519", bytes(range(7, 39)))
WITNESS_NAME = "witness.example/w1"
PUBLISHED, SIZE = 600, 650
LARGE = 2 * EPOCH_ROWS + 300


def start(log: PairedLog, witnesses: tuple[WitnessAt, ...] = ()) -> None:
    """Do what a service does before it answers anybody."""
    size = len(log.entries)
    standard = log.opened()
    publisher = Publisher(log.objects, PREFIX, ORIGIN, KEY, witnesses, standard=standard)
    main = StoredTree("sm3", log.objects, PREFIX)
    catalogue = Catalogue("sm3", log.objects, PREFIX, size)
    publisher.check_start(size)
    publisher.check_files(main, catalogue)
    standard.check_start()
    standard.catch_up(size)


@contextmanager
def flipped(path: Path, at: int) -> Iterator[None]:
    """Flip one bit of a byte of a file for a while."""
    content = path.read_bytes()
    altered = bytearray(content)
    altered[at] ^= 1
    path.write_bytes(altered)
    try:
        yield
    finally:
        path.write_bytes(content)


@contextmanager
def missing(path: Path) -> Iterator[None]:
    """Remove a file for a while."""
    content = path.read_bytes()
    path.unlink()
    try:
        yield
    finally:
        path.write_bytes(content)


def positions(path: Path) -> set[int]:
    """Return places in a file: both ends, the middle, and one inside of each half."""
    last = path.stat().st_size - 1
    return {0, last // 4, last // 2, last * 3 // 4, last}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> PairedLog:
    """A log that grew after its last checkpoint."""
    log = PairedLog(tmp_path_factory.mktemp("small"))
    log.grow(PUBLISHED)
    log.publish()
    log.grow(SIZE)
    start(log)
    return log


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> PairedLog:
    """A log of more epochs than a start compares."""
    log = PairedLog(tmp_path_factory.mktemp("large"))
    log.grow(LARGE)
    log.publish()
    start(log)
    return log


def test_a_start_notices_every_altered_byte(small: PairedLog) -> None:
    """Goal: nothing is answered or signed from a file that was altered, and it is named.

    Method: every file of a log of one epoch, one bit at a time at five places; start each time.
    """
    files = [path for path in small.folder.rglob("*") if path.is_file()]
    assert len(files) > 30
    names = {path.relative_to(small.folder).as_posix() for path in files}
    assert {"checkpoint", "log.vkey", "sha256/checkpoint", "sha256/log.vkey"} < names
    for path in files:
        name = path.relative_to(small.folder).as_posix()
        for at in positions(path):
            with flipped(path, at), pytest.raises(FolderAltered) as caught:
                start(small)
            assert f"{PREFIX}{name}" in str(caught.value), (name, at)
    start(small)


def test_a_start_notices_what_is_missing(small: PairedLog) -> None:
    """Goal: a lost file is no smaller log. Method: remove one file at a time; start; only files
    that are written again at a start may go."""
    again = {"log.vkey", "sha256/log.vkey"}
    # Without a checkpoint there is nothing to compare with, and the next one is published soon.
    again |= {"checkpoint", "sha256/checkpoint"}
    # The whole log beside it is made again from the entries.
    again |= {f"sha256/tile/entries/002.p/{SIZE % 256}"}
    for path in [path for path in small.folder.rglob("*") if path.is_file()]:
        name = path.relative_to(small.folder).as_posix()
        with missing(path):
            code = code_of(lambda: start(small))
        # A wider tile or bundle stands for a narrower one.
        is_narrower = path.name == str(PUBLISHED % 256) and path.parent.name.endswith(".p")
        assert (code == "") == (name in again or is_narrower), (name, code)


OLD = [
    "tile/0/000",
    "tile/entries/003",
    "index/tile/0/005",
    "index/tile/entries/000",
    "sha256/tile/0/000",
    "sha256/tile/entries/010",
]
"""Files of an epoch that a start does not compare."""
NEW = [
    "tile/0/100",
    "tile/1/000.p/129",
    "tile/entries/070",
    "index/epochs",
    "index/issuers/1/order",
    "index/issuers/1/tile/0/063",
    "index/issuers/1/tile/1/000.p/64",
    "index/types/epochs",
    "index/types/1/order",
    "index/contents/epochs",
    "index/contents/1/tile/0/063",
    "index/entries/epochs",
    "index/entries/1/tile/1/000.p/64",
    "index/tile/0/127",
    "index/tile/1/000.p/129",
    "index/tile/entries/129.p/44",
    "sha256/tile/0/129.p/44",
    "sha256/tile/1/000.p/129",
]
"""Files that it does compare."""


@pytest.mark.parametrize("name", NEW)
def test_a_start_notices_it_in_a_large_log(large: PairedLog, name: str) -> None:
    """Goal: the start of a large log compares its newest part. Method: as above, by name."""
    path = large.folder / name
    for at in positions(path):
        with flipped(path, at), pytest.raises(FolderAltered) as caught:
            start(large)
        assert f"{PREFIX}{name}" in str(caught.value), at


@pytest.mark.parametrize("name", OLD)
def test_a_monitor_notices_what_is_old(large: PairedLog, name: str) -> None:
    """Goal: what a start leaves out is noticed too. Method: alter it: the start, which reads a
    bounded part, holds; a monitor that begins with the first entry refuses."""
    path = large.folder / name
    with flipped(path, path.stat().st_size // 2):
        start(large)
        with pytest.raises(TrineError) as caught:
            large.watch().look()
    assert caught.value.code in ("tile_differs", "index_differs")


def test_files_of_another_log_are_no_damage(tmp_path: Path) -> None:
    """Goal: a folder of another time has the code of that. Method: the checkpoint of a log with
    other entries, signed with the same key."""
    log, other = PairedLog(tmp_path / "one"), PairedLog(tmp_path / "two")
    log.grow(300)
    log.publish()
    other.grow(300, "other")
    other.publish()
    start(log)
    own = (log.folder / "checkpoint").read_bytes()
    log.objects.write({f"{PREFIX}checkpoint": (other.folder / "checkpoint").read_bytes()})
    assert code_of(lambda: start(log)) == "log_differs"
    log.objects.write({f"{PREFIX}checkpoint": own})
    beside = (other.folder / "sha256" / "checkpoint").read_bytes()
    log.objects.write({f"{PREFIX}sha256/checkpoint": beside})
    assert code_of(lambda: start(log)) == "log_differs"


def test_another_name_is_told(small: PairedLog) -> None:
    """Goal: whoever renamed the service reads why it does not start. Method: another origin."""
    with pytest.raises(FolderAltered, match="the name of the service or its checkpoint"):
        Publisher(small.objects, PREFIX, "other.example", KEY)


def test_the_cosignature_of_a_named_witness_counts(tmp_path: Path) -> None:
    """Goal: a witness that is named is verified at the start too. Method: alter its signature,
    with the witness named and without."""
    log = PairedLog(tmp_path)
    log.grow(300)
    log.publish()
    path = log.folder / "checkpoint"
    read = note.read_note(path.read_bytes())
    line = note.cosign(read.text, WITNESS, WITNESS_NAME, 1_790_000_000)
    data = read._replace(signatures=(*read.signatures, line)).encode()
    path.write_bytes(data)
    key = note.verifier_of(WITNESS, WITNESS_NAME, note.SignatureType.COSIGNATURE)
    named = (WitnessAt("http://127.0.0.1:9", key),)
    start(log, named)
    path.write_bytes(data[:-12] + (b"A" if data[-12:-11] != b"A" else b"B") + data[-11:])
    with pytest.raises(FolderAltered, match=f"{WITNESS_NAME} does not hold"):
        start(log, named)
    start(log)


def test_an_altered_anchor_is_not_counted(tmp_path: Path) -> None:
    """Goal: an anchor that does not hold is followed by one that does. Method: alter a byte of its
    payload, and of its signature, and open the log again."""
    log = PairedLog(tmp_path)
    log.grow(3)
    log.publish()
    data = log.standard.anchor()
    assert data is not None
    log.standard.anchored(data)
    log.standard = log.opened()
    log.publish()
    assert log.standard.anchor() is None
    path = log.folder / "sha256" / "anchor"
    for at in (len(data) // 2, len(data) - 1):
        with flipped(path, at):
            log.standard = log.opened()
            log.publish()
            assert log.standard.anchor() is not None


def test_what_was_never_published_is_compared_with_itself(tmp_path: Path) -> None:
    """Goal: a start before the first checkpoint notices damage too. Method: alter a bundle."""
    log = PairedLog(tmp_path)
    log.grow(300)
    start(log)
    for name in ("tile/entries/000", "index/tile/entries/001.p/44", "sha256/tile/0/000"):
        with flipped(log.folder / name, 40), pytest.raises(FolderAltered):
            start(log)


def test_a_forged_entry_with_its_hash_is_noticed(tmp_path: Path) -> None:
    """Goal: two files that agree with each other are not enough. Method: replace an entry, and
    its hash in the tile above, in a full tile of the newest epoch."""
    stored = StoredTree("sha256", Folder(tmp_path), "")
    stored.append(0, [digest(number) for number in range(600)])
    known = Known(600, stored.view(600).root())
    check_tree(stored, 600, known)
    forged = digest("forged")
    entries = [forged, *stored.entries(0)[1:]]
    hashes = stored.read(0, 0, 256)
    leaf = tree.leaf_hashes("sha256", [forged])[0]
    stored_files = {"tile/entries/000": tiles.bundle(entries), "tile/0/000": leaf + hashes[32:]}
    Folder(tmp_path).write(stored_files)
    with pytest.raises(FolderAltered, match="tile/0/000 does not lead to its hash in tile/1/000"):
        check_tree(stored, 600, known)


def test_full_tiles_of_upper_levels_are_compared(tmp_path: Path) -> None:
    """Goal: every level of the right edge counts. Method: alter the full tile of level 1 of a log
    that just got its 65,536th entry, and the tile of level 2 above it."""
    stored = StoredTree("sha256", Folder(tmp_path), "")
    size = 65_536 + 10
    stored.append(0, [digest(number) for number in range(size)])
    known = Known(size, stored.view(size).root())
    check_tree(stored, size, known)
    for name in ("tile/1/000", "tile/2/000.p/1"):
        with flipped(tmp_path / name, 4), pytest.raises(FolderAltered, match=name):
            check_tree(stored, size, known)
    check_tree(stored, size, known)
