"""Test the file of a home's keys: what goes in comes back, and nothing else."""

import contextlib
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine._cli.home_backup import put_back, read_keys, write_keys
from trine.client.home import Home
from trine.errors import BadKeysFile, NothingToDo, UnreadableFile

FILES = {
    "genesis.json": b"{}",
    "trust.json": b"{}",
    "network.json": json.dumps({"format": "trine-network-v1", "nodes": []}).encode(),
    "keys/admin.json": b"{}",
    "keys/admin.password": b"secret\n",
    "nodes/city/node.toml": b'validator_key = "validator.key"\n',
    "nodes/city/validator.key": b"00\n",
}
LEFT_OUT = (
    "nodes/city/data/engine/votes",
    "nodes/city/node.log",
    "nodes/city/output.log",
    "nodes/city/recover.pid",
)


def home(folder: Path, *names: str) -> Home:
    """Make a home with these files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FILES.get(name, b"data"))
    return Home(folder)


def test_a_home_comes_back(tmp_path: Path) -> None:
    """Goal: keys and configurations come back, data and logs do not, and no key votes twice.
    Method: compare every file, its mode, and the mark beside the validator's key."""
    file = tmp_path / "keys.tar"
    written = write_keys(home(tmp_path / "home", *FILES, *LEFT_OUT), file)
    assert set(written) == set(FILES)
    assert file.stat().st_mode & 0o777 == 0o600
    put_back(Home(tmp_path / "again"), read_keys(file))
    found = {
        str(path.relative_to(tmp_path / "again")): path.read_bytes()
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    }
    assert found == {**FILES, "nodes/city/validator.key.used": b""}
    for name in FILES:
        assert (tmp_path / "again" / name).stat().st_mode & 0o077 == 0


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """Goal: keys are for their owner alone. Method: replace a file that everybody may read."""
    file = tmp_path / "keys.tar"
    file.write_bytes(b"")
    file.chmod(0o644)
    write_keys(home(tmp_path / "home", *FILES), file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_to_copy(tmp_path: Path) -> None:
    """Goal: an empty home makes no file. Method: ask for one."""
    with pytest.raises(NothingToDo):
        write_keys(Home(tmp_path), tmp_path / "keys.tar")
    with pytest.raises(UnreadableFile):
        read_keys(tmp_path / "keys.tar")


@given(data=st.data())
def test_damage_is_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Goal: no key comes back altered. Method: turn a bit of any content over, or cut the file."""
    folder = tmp_path_factory.mktemp("damaged")
    file = folder / "keys.tar"
    write_keys(home(folder / "home", *FILES), file)
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    file.write_bytes(content)
    with contextlib.suppress(BadKeysFile):
        assert read_keys(file) == FILES


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "keys/../../evil",
        "keys/..",
        "nodes/a/b/c",
        "evil",
        "keys/",
        "nodes/..",
    ],
)
def test_files_have_their_places(name: str, tmp_path: Path) -> None:
    """Goal: nobody writes outside the home. Method: names that lead elsewhere, digests right."""
    file = tmp_path / "keys.tar"
    with tarfile.open(file, "w") as tar:
        digests = f"{hashlib.sha256(b'x').hexdigest()}  {name}\n".encode()
        for member, content in ((name, b"x"), ("SHA256SUMS", digests)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(BadKeysFile):
        read_keys(file)


def test_links_are_refused(tmp_path: Path) -> None:
    """Goal: only regular files come out. Method: a symbolic link as a key."""
    file = tmp_path / "keys.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo("keys/admin.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BadKeysFile):
        read_keys(file)
