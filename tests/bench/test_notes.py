"""Test notes of what a network acknowledged, and the check of a node against them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ended, trine
from tests.cli.founded import local

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network that runs while the module's tests do."""
    with local(tmp_path_factory.mktemp("notes") / "home") as home:
        yield home


@pytest.fixture(scope="module")
def notes(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes of two seconds."""
    notes = tmp_path_factory.mktemp("written") / "notes.json"
    done = trine("bench", "write", "--notes", notes, "--seconds", "2", "--home", home, "--json")
    assert done.status == 0, done.err
    assert 0 < done.document["acknowledged"] <= done.document["sent"]
    return notes


def _check(home: Path, notes: Path) -> Ended:
    return trine("bench", "check", notes, "--home", home, "--json")


def test_every_acknowledged_record_is_there(home: Path, notes: Path) -> None:
    """Goal: the check passes a chain that kept its word, and tells what it compared. Method: check
    notes, as a program and as a person."""
    checked = _check(home, notes)
    assert checked.status == 0, checked.err
    report = checked.document
    records = json.loads(notes.read_text())["records"]
    assert report["acknowledged"] == sum(record["id"] is not None for record in records)
    assert report["lost"] == report["doubled"] == report["missing"] == []
    assert report["looked_up"] > 0
    assert report["height"] == max(record["height"] or 0 for record in records)
    shown = trine("bench", "check", notes, "--home", home)
    assert report["digest"] in shown.out
    assert "nothing" in shown.out


def test_whoever_stops_it_gets_whole_notes(home: Path, tmp_path: Path) -> None:
    """Goal: a writer that is stopped has an answer for each record. Method: end one that would
    write on."""
    notes = tmp_path / "notes.json"
    words = (sys.executable, "-m", "trine", "bench", "write", "--notes", notes, "--home", home)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stderr
        next(line for line in writer.stderr if re.search(": [1-9][0-9]* acknowledged", line))
        writer.terminate()
        assert "Traceback" not in writer.stderr.read()
    assert writer.returncode == 0
    assert _check(home, notes).status == 0


@pytest.mark.parametrize("field", ["id", "height", "name"])
def test_a_record_that_is_not_there_is_named(
    home: Path, notes: Path, tmp_path: Path, field: str
) -> None:
    """Goal: the check can fail. Method: note another identifier, height or name than was
    acknowledged."""
    document = json.loads(notes.read_text())
    first: dict[str, Any] = document["records"][0]
    other = {"id": "00" * 32, "height": first["height"] - 1, "name": "never-made"}
    first[field] = other[field]
    (tmp_path / "notes.json").write_text(json.dumps(document))
    checked = _check(home, tmp_path / "notes.json")
    assert checked.status == 1, checked.err
    kind = "missing" if field == "name" else "lost"
    assert checked.document[kind] == [first["name"]]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "trine-notes-v2"}',
        '{"format": "trine-notes-v1", "organisation": "a", "records": [1]}',
        '{"format": "trine-notes-v1", "organisation": "a", "records": [{"name": "b"}]}',
        '{"format": "trine-notes-v1", "organisation": "a", "records":'
        ' [{"name": "b", "sent_s": 0, "id": "c", "height": "9"}]}',
    ],
)
def test_other_files_are_no_notes(home: Path, tmp_path: Path, content: str) -> None:
    """Goal: a file that is none is refused with a reason. Method: files that nearly are."""
    (tmp_path / "notes.json").write_text(content)
    checked = _check(home, tmp_path / "notes.json")
    assert checked.status > 1
    assert checked.code == "bad_argument"
    assert "notes" in checked.document["error"]["detail"]
