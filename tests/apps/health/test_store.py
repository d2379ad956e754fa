"""Test that objects are there as a whole or not at all, durably, for their owner alone."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trine.apps.health.store import DATABASE_FILE, FolderStore
from trine.errors import BadArgument, DamagedData, DiskFull, ReadOnlyFolder, UnreadableFile


def files_of(folder: Path) -> bytes:
    """Every byte that the store keeps."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_objects_are_kept(tmp_path: Path) -> None:
    """Goal: the six methods do what they say. Method: write, replace, list, remove, reopen."""
    store = FolderStore(tmp_path / "a" / "b")
    store.put([("records/02", b"two"), ("records/01", b"one"), ("keys/01", b""), ("recordsx", b"")])
    store.put([("records/01", b"uno")])
    store.change("keys/01", lambda found: (found or b"") + b"1")
    store.delete(["records/02", "records/none"])
    store.close()
    again = FolderStore(tmp_path / "a" / "b")
    assert (again.get("records/01"), again.get("records/02")) == (b"uno", None)
    assert list(again.names("records")) == ["records/01"]
    assert (again.count("records"), again.count("record"), again.count("other")) == (1, 0, 0)
    assert again.get("keys/01") == b"1"


def test_many_names_are_listed_in_order(tmp_path: Path) -> None:
    """Goal: lists have no size. Method: more names than are read at a time."""
    store = FolderStore(tmp_path)
    names = [f"records/{number:05}" for number in range(2_500)]
    store.put([(name, b"") for name in reversed(names)])
    assert list(store.names("records")) == names
    assert store.count("records") == len(names)


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Goal: no other user reads records or wrapped keys. Method: modes of folder and files."""
    store = FolderStore(tmp_path / "held")
    store.put([("a", b"x")])
    assert (tmp_path / "held").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "held").iterdir())


def test_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    """Goal: an erased key is in no file any more. Method: search all files, before and after."""
    store = FolderStore(tmp_path)
    secret, large = os.urandom(48), os.urandom(20_000)
    store.put([("a", secret), ("b", large)])
    assert secret in files_of(tmp_path)
    store.delete(["a", "b"])
    assert secret not in files_of(tmp_path)
    assert all(large[at : at + 64] not in files_of(tmp_path) for at in range(0, 20_000, 4_000))


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../a", "A", "a b", "a" * 201, "a\n"])
def test_names_are_checked(tmp_path: Path, name: str) -> None:
    """Goal: a name leads nowhere else. Method: names that are not allowed, in each method."""
    store = FolderStore(tmp_path)
    for use in (
        lambda: store.put([("good", b""), (name, b"")]),
        lambda: store.get(name),
        lambda: store.delete([name]),
        lambda: store.change(name, lambda _: b""),
        lambda: list(store.names(name)),
        lambda: store.count(name),
    ):
        with pytest.raises(BadArgument):
            use()
    assert store.get("good") is None


WRITER = """
import sys
from pathlib import Path
from trine.apps.health.store import FolderStore
store = FolderStore(Path(sys.argv[1]))
for number in range(10**6):
    store.put([(f"{part}/{number:09}", bytes(2000)) for part in ("records", "keys") * 20])
    print(number, flush=True)
"""


def test_nothing_is_half_written_after_a_kill(tmp_path: Path) -> None:
    """Goal: a crash leaves whole batches. Method: kill a writer; every batch that it reported is
    there, and both halves of each.
    """
    arguments = [sys.executable, "-c", WRITER, str(tmp_path)]
    writer = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    reported = [int(writer.stdout.readline()) for _ in range(5)]
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate()
    reported += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    store = FolderStore(tmp_path)
    halves = [[n.rpartition("/")[2] for n in store.names(part)] for part in ("records", "keys")]
    assert halves[0] == halves[1]
    assert len(halves[0]) >= len(reported)


def test_a_full_disk_has_a_code(tmp_path: Path) -> None:
    """Goal: nothing of a batch is kept that does not fit. Method: a database of ten pages."""
    store = FolderStore(tmp_path)
    store.put([("a", b"x")])
    store._database.execute("PRAGMA max_page_count=10")
    with pytest.raises(DiskFull):
        store.put([("b", b"x"), ("c", bytes(100_000))])
    assert (store.get("a"), store.get("b")) == (b"x", None)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Goal: damage has a code. Method: a file that is no database; a folder that is a file."""
    (tmp_path / DATABASE_FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedData):
        FolderStore(tmp_path)
    with pytest.raises(ReadOnlyFolder):
        FolderStore(tmp_path / DATABASE_FILE)


def test_a_table_that_went_missing_has_a_code(tmp_path: Path) -> None:
    """Goal: no error without a code. Method: drop the table behind the store's back."""
    store = FolderStore(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE_FILE) as database:
        database.execute("DROP TABLE objects")
    database.close()
    with pytest.raises(UnreadableFile):
        store.get("a")


def test_programs_share_a_store(tmp_path: Path) -> None:
    """Goal: nothing is lost between programs over one store.

    Method: a program with two stores open, and a second one that writes and ends, twice; what each
    wrote is seen by the other, and by a third one that comes after both.
    """
    program = (
        "import sys; from pathlib import Path; from trine.apps.health.store import FolderStore\n"
        "store = FolderStore(Path(sys.argv[1])); store.put([(sys.argv[2], b'theirs')])\n"
        "sys.stdout.buffer.write(store.get('mine') or b'none'); store.close()"
    )
    stores = [FolderStore(tmp_path) for _ in range(2)]
    for number in range(2):
        stores[0].put([("mine", b"%d" % number)])
        words = [sys.executable, "-c", program, str(tmp_path), f"theirs/{number}"]
        seen = subprocess.run(words, check=True, capture_output=True, timeout=60).stdout
        assert seen == b"%d" % number
        assert [one.get(f"theirs/{number}") for one in stores] == [b"theirs"] * 2
    for one in stores:
        one.close()
    again = FolderStore(tmp_path)
    assert list(again.names("theirs")) == ["theirs/0", "theirs/1"]
    assert again.get("mine") == b"1"
