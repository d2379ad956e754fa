"""Test that key files keep their secret, and say so when they cannot."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trine.crypto import Keystore, SecretKey
from trine.errors import (
    BadArgument,
    BadPassword,
    KeyFileExists,
    NoSuchKeyFile,
    NotAKeystore,
    TrineError,
)

N = 2**10


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keys", scrypt_n=N)


def test_a_key_comes_back(store: Keystore) -> None:
    """Goal: the key is the same and nobody else reads its file. Method: create, open, stat."""
    key = SecretKey.generate()
    made = store.create("alice", key, b"password")
    assert store.open("alice", b"password").expose() == key.expose()
    assert made.address == key.address()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert key.expose().hex() not in made.path.read_text()
    assert store.names() == ["alice"]


def test_default_cost_is_high(tmp_path: Path) -> None:
    """Goal: guessing is expensive unless a test says otherwise. Method: read the file's cost."""
    path = Keystore(tmp_path).create("a", SecretKey.generate(), b"p").path
    assert json.loads(path.read_text())["kdf"]["n"] == 2**17


def test_refusals(store: Keystore) -> None:
    """Goal: every user's mistake has its own error. Method: make each."""
    store.create("alice", SecretKey.generate(), b"password")
    with pytest.raises(BadPassword):
        store.open("alice", b"Password")
    with pytest.raises(KeyFileExists):
        store.create("alice", SecretKey.generate(), b"password")
    with pytest.raises(NoSuchKeyFile, match="alice"):
        store.open("bob", b"password")
    with pytest.raises(BadArgument):
        store.create("carol", SecretKey.generate(), b"")
    for name in ("", "../alice", "Alice", "a" * 33, "a/b", "-a", "a\n"):
        with pytest.raises(BadArgument):
            store.read(name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_an_altered_file_never_opens(store: Keystore, data: st.DataObject) -> None:
    """Goal: no altered byte gives a key. Method: change any byte of the file to any other."""
    key = SecretKey("ed25519", bytes(32))
    name = "victim"
    path = store.path(name)
    path.unlink(missing_ok=True)
    store.create(name, key, b"password")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        opened = store.open(name, b"password")
    except TrineError as error:
        assert isinstance(error, BadPassword | NotAKeystore)
    else:
        # White space, or the case of a hexadecimal digit: the same document.
        assert opened.expose() == key.expose()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": "other"}', b"9" * 70_000, b"[" * 60_000],
)
def test_other_files_are_named(store: Keystore, content: bytes) -> None:
    """Goal: what is no key file is said to be none. Method: files of other kinds."""
    store.folder.mkdir()
    store.path("x").write_bytes(content)
    with pytest.raises(NotAKeystore):
        store.open("x", b"password")


def test_cost_of_a_file_is_bounded(store: Keystore) -> None:
    """Goal: a hostile file cannot take all memory. Method: ask for a cost of 2^40."""
    path = store.create("x", SecretKey.generate(), b"p").path
    document = json.loads(path.read_text())
    document["kdf"]["n"] = 2**40
    path.write_text(json.dumps(document))
    with pytest.raises(NotAKeystore, match="power of two"):
        store.open("x", b"p")
