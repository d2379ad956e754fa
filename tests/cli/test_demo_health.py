"""Test that the demonstration of a hospital tells its story, and refuses what it must."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.apps.health.samples import BUNDLES, RESOURCES, bundle_files
from tests.cli.command import ROOT, trine
from tests.suite import ONE_SUITE, SUITE
from trine.apps.health.canonical import canonical
from trine.apps.health.generator import generate_bundles

STEPS = [
    "accounts", "consent", "access", "refusal", "emergency", "review", "withdrawal", "claim",
    "research", "erasure", "history", "report",
]  # fmt: skip
SECONDS_MAX = 280
PATIENTS = 58
"""Of the published bundles; two of them hold hospitals and practitioners."""
JUNK_BYTES = 20 * 1_024 * 1_024


def nodes_of(home: Path) -> list[str]:
    """Command lines of processes that run nodes or pages of a home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word == os.fsencode(home) or word.startswith(os.fsencode(home) + b"/")
               for word in words):  # fmt: skip
            found.append(b" ".join(words).decode())
    return found


def bundle(number: int) -> dict[str, Any]:
    """A Bundle of one made-up patient."""
    return next(islice(generate_bundles(11), number, None))


@pytest.mark.network
def test_the_story_of_made_up_records(tmp_path: Path) -> None:
    """Goal: one command shows the hospital as a whole, and all that it says is so.

    Method: run it; every step is there; an altered record was named; no node runs; the files that
    it leaves verify by the commands that it prints, and secrets are for their owner alone.
    """
    home = tmp_path / "demo"
    words = ("demo", "health", "--suite", SUITE, "--records", "900", "--home", home, "--json")
    done = trine(*words, seconds_max=SECONDS_MAX)
    assert done.status == 0, done.err
    report = done.document
    assert [step["name"] for step in report["steps"]] == STEPS
    assert report["records"] == 900
    offline = report["offline"]
    assert (offline["records"], offline["altered_is_named"]) == (899, True)
    assert offline["histories"] == report["patients"]
    assert nodes_of(home) == []
    outcome = {step["name"]: step["outcome"] for step in report["steps"]}
    assert "was refused" in outcome["refusal"]
    assert not outcome["claim"].startswith("left out")
    export = home / "export"
    again = trine(
        "evidence", "verify", export / "documents", "--receipt", export / "receipts",
        "--trust", export / "trust.json",
    )  # fmt: skip
    assert (again.status, again.out) == (0, "899 of 899 files verified\n")
    for path in (home / "hospital").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
    assert export.stat().st_mode & 0o077 == 0
    refused = trine("demo", "health", "--home", home, "--json")
    assert (refused.status, refused.code) == (2, "bad_argument")


@pytest.mark.network
@pytest.mark.timeout(900)
@ONE_SUITE
def test_published_bundles(tmp_path: Path) -> None:
    """Goal: real bundles go through it. Method: all 60 of Synthea, as they are published."""
    files = bundle_files()
    assert len(files) == BUNDLES
    home = tmp_path / "demo"
    done = trine("demo", "health", files[0].parent, "--home", home, "--json", seconds_max=800)
    assert done.status == 0, done.err
    report = done.document
    refused = [one["file"] for one in report["refused"]]
    assert refused == [path.name for path in sorted(files[0].parent.iterdir())
                       if path.is_file() and path not in files]  # fmt: skip
    assert (report["records"], report["patients"]) == (RESOURCES, PATIENTS)
    assert report["offline"]["records"] == RESOURCES - 1
    assert [step["name"] for step in report["steps"]] == STEPS
    outcome = {step["name"]: step["outcome"] for step in report["steps"]}
    assert "12 patients, each counted" in outcome["research"]
    assert nodes_of(home) == []


@pytest.mark.network
@ONE_SUITE
def test_refused_files_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    """Goal: bad files do not end the story, and each is told with its code and place.

    Method: two good Bundles, one of them compressed, beside XML, 20 MB of junk, a broken
    reference, a truncated gzip and an empty file.
    """
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "good.json").write_bytes(canonical(bundle(0)))
    packed = gzip.compress(canonical(bundle(1)))
    (folder / "packed.json.gz").write_bytes(packed)
    (folder / "cut.json.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "a.xml").write_text('<Patient xmlns="http://hl7.org/fhir"/>')
    (folder / "junk.json").write_bytes(b"\x00junk" * (JUNK_BYTES // 5))
    (folder / "empty.json").write_bytes(b"")
    broken = bundle(2)
    *_, last = (one for one in broken["entry"] if one["resource"]["resourceType"] == "Observation")
    last["resource"]["subject"] = {"reference": "urn:uuid:0"}
    (folder / "broken.json").write_bytes(canonical(broken))
    home = tmp_path / "demo"
    done = trine("demo", "health", folder, "--home", home, "--json", seconds_max=SECONDS_MAX)
    assert done.status == 0, done.err
    codes = {one["file"]: one["code"] for one in done.document["refused"]}
    assert codes == {
        "a.xml": "fhir_xml",
        "broken.json": "broken_reference",
        "cut.json.gz": "unreadable_file",
        "empty.json": "not_json",
        "junk.json": "not_json",
    }
    assert done.document["patients"] == 2
    place = next(one["detail"] for one in done.document["refused"] if one["file"] == "broken.json")
    assert place.startswith("Bundle.entry[")
    research = next(one for one in done.document["steps"] if one["name"] == "research")
    assert "no number was told" in research["outcome"]
    assert nodes_of(home) == []


@ONE_SUITE
def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    """Goal: a wrong folder is refused before anything starts. Method: missing, a file, empty."""
    file = tmp_path / "file"
    file.write_text("{}")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / ".hidden").write_text("{}")
    for folder in (tmp_path / "none", file, empty):
        home = tmp_path / "demo"
        done = trine("demo", "health", folder, "--home", home, "--json")
        assert (done.status, done.code) == (2, "bad_argument")
        assert str(folder) in done.document["error"]["detail"]
        assert not home.exists()


@pytest.mark.network
@ONE_SUITE
def test_a_folder_without_a_patient_says_why(tmp_path: Path) -> None:
    """Goal: where nothing can be shown, one sentence says why, and no node is left.

    Method: a folder of one file of XML.
    """
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "a.xml").write_text("<Patient/>")
    home = tmp_path / "demo"
    done = trine("demo", "health", folder, "--home", home, "--json")
    assert (done.status, done.code) == (2, "bad_argument")
    assert "a.xml" in done.document["error"]["detail"]
    assert "fhir_xml" in done.document["error"]["detail"]
    assert nodes_of(home) == []


@pytest.mark.network
@ONE_SUITE
@pytest.mark.parametrize("until", ["start a network", "encrypted and anchored", "Review"])
def test_an_interrupt_leaves_no_process(tmp_path: Path, until: str) -> None:
    """Goal: Ctrl-C ends everything. Method: at the start, among the records, in the story."""
    home = tmp_path / "demo"
    words = ["demo", "health", "--records", "400", "--home", str(home)]
    command = [sys.executable, "-m", "trine", *words]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        seen = any(until in line for line in process.stderr)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert seen
    assert process.returncode == 130, rest
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert nodes_of(home) == []


@pytest.mark.network
@ONE_SUITE
def test_it_begins_anew_where_it_was_killed(tmp_path: Path) -> None:
    """Goal: running it again in the same folder is all that is needed after a crash.

    Method: kill it while records are taken in, so that its nodes go on; put a file beside; while it
    still runs, a second one is refused. Then run it: the story is whole, no node of either runs,
    the file is there. Once more: it says that it is finished, and how to look at it.
    """
    home = tmp_path / "demo"
    words = ["demo", "health", "--records", "300", "--home", str(home)]
    command = [sys.executable, "-m", "trine", *words]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        seen = any("encrypted and anchored" in line for line in process.stderr)
        beside = trine(*words, "--json")
        process.kill()
    assert seen
    assert beside.code == "folder_locked"
    assert nodes_of(home) != []
    (home / "mine.txt").write_text("kept")
    again = trine(*words, "--json", seconds_max=SECONDS_MAX)
    assert again.status == 0, again.err
    assert "begins anew" in again.err
    assert [step["name"] for step in again.document["steps"]] == STEPS
    assert again.document["records"] == 300
    assert nodes_of(home) == []
    assert (home / "mine.txt").read_text() == "kept"
    finished = trine(*words, "--json")
    assert (finished.status, finished.code) == (2, "bad_argument")
    assert "finished" in finished.document["error"]["detail"]
    assert "health serve" in finished.document["error"]["detail"]


def sign_in(link: str) -> str:
    """Follow a link and sign in with it; give the path of the first page."""
    site, _, token = link.rpartition("/enter/")
    with httpx.Client(trust_env=False, follow_redirects=True) as http:
        assert http.get(link).status_code == 200
        first = http.post(f"{site}/enter", data={"link": token}, headers={"Origin": site})
        assert first.status_code == 200, first.text
        again = http.post(f"{site}/enter", data={"link": token}, headers={"Origin": site})
        assert again.status_code >= 400
    return first.url.path


@pytest.mark.network
@ONE_SUITE
def test_pages_and_nodes_run_until_interrupted(tmp_path: Path) -> None:
    """Goal: what was shown can be looked at by everybody of the story.

    Method: with --serve, sign in with every link that is told, once and again; then interrupt:
    nothing runs any more, and the exit status is that of success.
    """
    home = tmp_path / "demo"
    words = ["demo", "health", "--records", "200", "--home", str(home), "--serve", "--json"]
    command = [sys.executable, "-m", "trine", *words]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Press Ctrl-C" in line:
                break
        links = [line.split()[-1] for line in lines if "/enter/" in line]
        paths = [sign_in(link) for link in links]
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=60)
    assert paths == ["/patients", "/patients", "/reviews", "/history", "/oversight"], lines
    assert process.returncode == 0, rest
    assert [step["name"] for step in json.loads(out)["steps"]] == STEPS
    assert nodes_of(home) == []
