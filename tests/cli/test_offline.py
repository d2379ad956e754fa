"""Test every command that needs no network: verdicts, keys, explanations, usage."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.command import ROOT, trine
from tests.suite import ONE_SUITE
from trine._cli.processes import Node, is_process
from trine._cli.reference import pages
from trine.errors import TrineError
from trine.model.hashing import Suite, under
from trine.model.keys import Algorithm, PublicKey

pytestmark = ONE_SUITE

VECTORS = ROOT / "tests/proofs/vectors"
FILE, RECEIPT, TRUST = VECTORS / "vector.txt", VECTORS / "vector.receipt", VECTORS / "trust.json"


def verify(file: Path, receipt: Path, trust: Path, *more: str | Path) -> tuple[int, str]:
    """Verify and return exit status and code."""
    ended = trine(
        "evidence", "verify", file, "--receipt", receipt, "--trust", trust, "--json", *more
    )
    if ended.status == 0:
        assert ended.document["verified"] is True
        return 0, "ok"
    (line,) = ended.err.splitlines()
    assert line.startswith("trine: ")
    assert ended.document.get("verified", False) is False
    return ended.status, ended.code


def test_a_receipt_verifies(tmp_path: Path) -> None:
    """Goal: exit 0 and the facts. Method: the vectors' receipt, from an empty home."""
    assert verify(FILE, RECEIPT, TRUST, "--home", tmp_path) == (0, "ok")
    ended = trine("evidence", "verify", FILE, "--receipt", RECEIPT, "--trust", TRUST)
    assert ended.status == 0
    assert ended.out.startswith(f"Verified: {FILE} ")
    assert ended.err == ""


def test_negative_verdicts(tmp_path: Path) -> None:
    """Goal: exit 1 and one sentence. Method: altered file, receipt, trust; another chain's."""
    content = FILE.read_bytes()
    altered = tmp_path / "altered"
    altered.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert verify(altered, RECEIPT, TRUST) == (1, "file_altered")
    altered.write_bytes(content + b"\n")
    assert verify(altered, RECEIPT, TRUST) == (1, "file_altered")
    receipt = bytearray(RECEIPT.read_bytes())
    receipt[len(receipt) // 2] ^= 1
    altered.write_bytes(receipt)
    assert verify(FILE, altered, TRUST) == (1, "proof_mismatch")
    trust = json.loads(TRUST.read_text())
    altered.write_text(json.dumps({**trust, "chain_id": "00" * 32}))
    assert verify(FILE, RECEIPT, altered) == (1, "wrong_trust")
    for one in trust["validators"]:
        one["key"] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        break
    altered.write_text(json.dumps(trust))
    assert verify(FILE, RECEIPT, altered) == (1, "proof_mismatch")


def test_bad_input(tmp_path: Path) -> None:
    """Goal: exit 5. Method: cut, empty, other and missing files in each place."""
    other = tmp_path / "other"
    receipt = RECEIPT.read_bytes()
    for length in (1, 10, len(receipt) // 2, len(receipt) - 1):
        other.write_bytes(receipt[:length])
        assert verify(FILE, other, TRUST)[0] == 5
    for content in (b"", b"hello", TRUST.read_bytes(), (VECTORS / "block.proof").read_bytes()):
        other.write_bytes(content)
        assert verify(FILE, other, TRUST) == (5, "not_a_proof")
    assert verify(FILE, RECEIPT, FILE) == (5, "bad_trust_file")
    missing = tmp_path / "missing"
    assert verify(missing, RECEIPT, TRUST) == (5, "unreadable_file")
    assert verify(FILE, missing, TRUST) == (5, "unreadable_file")
    assert verify(FILE, RECEIPT, missing) == (5, "unreadable_file")
    assert verify(FILE, tmp_path, TRUST) == (5, "unreadable_file")


def test_a_folder_verifies_file_by_file(tmp_path: Path) -> None:
    """Goal: exactly the altered file fails. Method: two copies, then one byte of one."""
    files, receipts = tmp_path / "files", tmp_path / "receipts"
    for folder in (files / "a", receipts / "a"):
        folder.mkdir(parents=True)
    for name in ("one", "a/two"):
        (files / name).write_bytes(FILE.read_bytes())
        (receipts / f"{name}.receipt").write_bytes(RECEIPT.read_bytes())
    words = ("evidence", "verify", files, "--receipt", receipts, "--trust", TRUST, "--json")
    assert trine(*words).document == {"verified": True, "files": 2, "failures": []}
    (files / "a/two").write_bytes(FILE.read_bytes().upper())
    ended = trine(*words)
    assert ended.status == 1
    (failure,) = ended.document["failures"]
    assert failure["file"] == str(files / "a/two")
    assert failure["code"] == "file_altered"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.proof")), ids=lambda path: path.name)
def test_proofs_verify(path: Path) -> None:
    """Goal: every kind of proof is shown. Method: the vectors."""
    ended = trine("proof", "verify", path, "--trust", TRUST, "--json")
    assert ended.status == 0
    expected = json.loads((VECTORS / "table.json").read_text())[path.name]
    assert ended.document["height"] == expected["height"]
    assert ended.document["block"] == expected["digest"]
    assert trine("proof", "verify", RECEIPT, "--trust", TRUST, "--json").code == "not_a_proof"


def test_keys(tmp_path: Path) -> None:
    """Goal: keys are made, listed, shown; passwords come from files alone. Method: each once."""
    password = tmp_path / "password"
    password.write_text("correct horse\nsecond line\n")
    home = ("--home", tmp_path / "home", "--json")
    made = trine("key", "new", "alice", "--password-file", password, *home)
    assert made.status == 0
    assert trine("key", "show", "alice", *home).document == made.document
    assert trine("key", "list", *home).document == {"keys": [made.document]}
    again = trine("key", "new", "alice", "--password-file", password, *home)
    assert (again.status, again.code) == (4, "key_file_exists")
    variable = trine("key", "new", "bob", *home, TRINE_PASSWORD_FILE=str(password))
    assert variable.status == 0
    unasked = trine("key", "new", "carol", *home)
    assert (unasked.status, unasked.code) == (2, "no_password")
    assert not (tmp_path / "home/keys/carol.json").exists()
    unknown = trine("key", "new", "dave", "--alg", "rsa", "--password-file", password, *home)
    assert (unknown.status, unknown.code) == (2, "usage")
    words = ("key", "new", "erin", "--suite", "gm", "--password-file", password)
    national = trine(*words, *home).document
    assert national["algorithm"] == "sm2"
    key = PublicKey(Algorithm.SM2, bytes.fromhex(national["public_key"]))
    with under(Suite.GM):
        assert key.address().hex() == national["address"]
    absent = trine("key", "show", "nobody", *home)
    assert (absent.status, absent.code) == (4, "no_such_key_file")
    (tmp_path / "home/keys/alice.json").write_text("{}")
    damaged = trine("key", "show", "alice", *home)
    assert (damaged.status, damaged.code) == (5, "not_a_keystore")


def test_a_key_needs_its_password(tmp_path: Path) -> None:
    """Goal: the wrong password is named before any node is asked. Method: sign with it."""
    password, wrong = tmp_path / "password", tmp_path / "wrong"
    password.write_text("right\n")
    wrong.write_text("wrong\n")
    home = ("--home", tmp_path)
    trine("key", "new", "alice", "--password-file", password, *home)
    words = ("evidence", "submit", FILE, "--out", tmp_path / "out", "--key", "alice", "--json")
    ended = trine(*words, "--password-file", wrong, "--node", "http://127.0.0.1:1", *home)
    assert (ended.status, ended.code) == (4, "bad_password")
    assert "wrong" not in ended.err.replace("password", "")


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("status", "--node", "http://127.0.0.1:1"), 3, "cannot_reach_node"),
        (("status", "--node", "ftp://127.0.0.1"), 2, "bad_argument"),
        (("status",), 4, "no_network"),
        (("down",), 4, "no_network"),
        (("up", "--suite", "sm"), 2, "usage"),
        (("up", "--validators", "0"), 2, "usage"),
        (("up", "--validators", "101"), 2, "usage"),
        (("tx", "show", "12"), 2, "usage"),
        (("block", "show", "-1"), 2, "usage"),
        (("block", "show", "x", "--node", "http://127.0.0.1:1"), 2, "bad_argument"),
        (("account", "show", "zz"), 2, "usage"),
        (("nonsense",), 2, "usage"),
        (("explain", "nonsense"), 2, "unknown_code"),
        (("bench", "load", "--rate", "1", "--duration", "1"), 2, "usage"),
        (("bench", "compare", "--peers", "trine-intl,nonsense"), 2, "usage"),
        (("bench", "compare", "new.json"), 2, "bad_argument"),
        (("bench", "compare", "--baseline", "old.json"), 2, "bad_argument"),
        (("bench", "compare", "--baseline", "old.json", "new.json"), 5, "unreadable_file"),
        (("trust", "export", "--out", "x"), 4, "no_network"),
    ],
)
def test_mistakes_have_their_exit_status(
    words: tuple[str, ...], status: int, code: str, tmp_path: Path
) -> None:
    """Goal: one JSON document, the right status, no traceback. Method: a mistake of each kind."""
    ended = trine(*words, "--json", cwd=tmp_path, TRINE_HOME=str(tmp_path / "home"))
    assert (ended.status, ended.code) == (status, code)


def test_a_read_only_home_is_named(tmp_path: Path) -> None:
    """Goal: no traceback where nothing can be written. Method: a home below a file."""
    (tmp_path / "file").write_text("")
    ended = trine("up", "--detach", "--home", tmp_path / "file" / "home", "--json")
    assert ended.status in (4, 5)
    assert str(tmp_path) in ended.document["error"]["detail"]


def test_a_damaged_network_file_is_named(tmp_path: Path) -> None:
    """Goal: a corrupt file is named with what was expected. Method: damage it in four ways."""
    for content in ("", "[]", "{}", '{"format": "trine-network-v1"}'):
        (tmp_path / "network.json").write_text(content)
        ended = trine("up", "--detach", "--home", tmp_path, "--json")
        assert (ended.status, ended.code) == (5, "bad_configuration")
        assert "network.json" in ended.document["error"]["detail"]


def test_explain_speaks_both_languages() -> None:
    """Goal: cause and remedy, English or Chinese. Method: one code under two values of LANG."""
    english = trine("explain", "no_right", LANG="en_GB.UTF-8")
    chinese = trine("explain", "no_right", LANG="zh_CN.UTF-8")
    assert "role" in english.out
    assert "角色" in chinese.out
    assert set(trine("explain", "--json").document["codes"]) == set(TrineError.by_code)


def test_every_command_shows_an_example() -> None:
    """Goal: help with examples everywhere. Method: read the sections of the reference."""
    sections = pages()["cli.md"].split("\n## ")[1:]
    assert len(sections) > 40
    for section in sections:
        assert "Example" in section, section.splitlines()[0]


@pytest.mark.parametrize("name", ["cli.md", "errors.md"])
def test_the_reference_is_current(name: str) -> None:
    """Goal: the pages say what the program does. Method: write them anew and compare."""
    assert (ROOT / "docs/reference" / name).read_text() == pages()[name]


def test_a_process_that_ended_is_no_node(tmp_path: Path) -> None:
    """Goal: a node passes for running from its start to its end. Method: a process with the node's
    words; one that has ended and that nobody has collected; another program."""
    node = Node("a", 1, 2, tmp_path)
    words = [sys.executable, "-c", "input()", str(node.config)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        assert is_process(process.pid, node)
        assert process.stdin is not None
        process.stdin.close()
        deadline = time.monotonic() + 10
        while is_process(process.pid, node):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not is_process(os.getpid(), node)
