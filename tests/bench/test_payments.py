"""Test the load of payments: a real small network, and what the report makes of its lookups."""

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.cli.command import Ended, trine
from tests.suite import SUITE
from trine.bench.payments import occupied, problems
from trine.bench.payments_show import payments_table

PNG_START = b"\x89PNG\r\n\x1a\n"
RATE, SECONDS, AUDIT = 100, 3, 50


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("payments")


@pytest.fixture(scope="module")
def ended(files: Path) -> Ended:
    """One run on a network of its own; all tests look at it."""
    options = {
        "--validators": 4,
        "--rate": RATE,
        "--duration": SECONDS,
        "--warmup": 2,
        "--accounts": 200,
        "--lookups": 20,
        "--audit": AUDIT,
        "--suite": SUITE,
        "--out": files / "payments.json",
        "--png": files / "payments.png",
    }
    words = [str(word) for option in options.items() for word in option]
    return trine("bench", "payments", *words, "--json")


@pytest.fixture
def report(ended: Ended) -> dict[str, Any]:
    assert ended.status == 0, ended.err
    found: dict[str, Any] = copy.deepcopy(ended.document)
    return found


def shown(report: dict[str, Any]) -> str:
    console = Console(width=120, file=StringIO())
    with console.capture() as captured:
        console.print(payments_table(report, "title"))
    return captured.get()


@pytest.mark.network
def test_every_payment_is_proven(report: dict[str, Any]) -> None:
    """Goal: what was final is found by its UETR with a valid proof, during the load and after.

    Method: a real network; how soon is not looked at, since the machine may be busy.
    """
    lookups, audit = report["payments"]["lookups"], report["payments"]["audit"]
    assert lookups["proven"] == lookups["lookups"] > 0
    assert lookups["proven"] == lookups["proven_in_time"] + lookups["proven_late"]
    assert audit["proven"] == audit["lookups"] == AUDIT
    for part in (lookups, audit):
        assert part["not_found"] == part["invalid_proofs"] == part["different"] == 0
        assert part["verify_cpu_us"] > 0
        assert part["proof_bytes"] > 500
        assert set(part["latency_ms"]) == {"p50", "p95", "p99", "max"}
    assert report["refused"] == report["failed"] == {}
    assert report["payments"]["finalized"] > AUDIT


@pytest.mark.network
def test_disk_use_is_of_one_validator(report: dict[str, Any]) -> None:
    """Goal: the disk that payments occupy is told, and its parts. Method: sums and signs."""
    disk = report["payments"]["disk"]
    assert set(disk["parts"]) == {"engine", "blocks", "index", "rest"}
    assert disk["bytes_per_payment"] > 0
    assert sum(disk["parts"].values()) == pytest.approx(disk["bytes_per_payment"])
    expected = disk["bytes_per_payment"] * report["payments"]["finalized"]
    assert disk["bytes"] == pytest.approx(expected, rel=0.01)


@pytest.mark.network
def test_files_are_written(report: dict[str, Any], files: Path) -> None:
    """Goal: file and output say the same, and a picture is drawn. Method: read both."""
    assert json.loads((files / "payments.json").read_text()) == report
    assert (files / "payments.png").read_bytes().startswith(PNG_START)


@pytest.mark.network
def test_table_shows_lookups_and_disk(report: dict[str, Any]) -> None:
    """Goal: what was measured is what is read. Method: look for the counts."""
    text = shown(report)
    assert f"{AUDIT} of {AUDIT}" in text
    assert f"{report['payments']['lookups']['lookups']:,}" in text
    assert "not measured" not in text
    report["payments"]["disk"] = None
    assert "not measured" in shown(report)


@pytest.mark.network
def test_problems_are_told_by_kind(report: dict[str, Any]) -> None:
    """Goal: a bad run says what was bad, a good one nothing. Method: set each count."""
    lookups, audit = report["payments"]["lookups"], report["payments"]["audit"]
    lookups |= {"proven_late": 0, "not_started": 0}
    assert problems(report) == []
    lookups["proven_late"] = 1_234
    assert problems(report, unproven_only=True) == []
    [late] = problems(report)
    assert "1,234" in late
    lookups["proven_late"] = 0
    for part in (lookups, audit):
        for kind in ("not_found", "invalid_proofs", "different"):
            part[kind] = 7
            [text] = problems(report, unproven_only=True)
            assert "7 " in text
            part[kind] = 0


def test_disk_use_counts_files_of_all_depths(tmp_path: Path) -> None:
    """Goal: nothing that lies in a folder is left out. Method: files on two levels."""
    (tmp_path / "deep").mkdir()
    for file in (tmp_path / "one", tmp_path / "deep" / "two"):
        file.write_bytes(b"x" * 20_000)
    assert occupied(tmp_path) >= 40_000
    rest = occupied(tmp_path, besides=[tmp_path / "deep"])
    assert rest + occupied(tmp_path / "deep") == occupied(tmp_path)
    assert occupied(tmp_path / "absent") == 0


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        (("--lookups", "-1"), 2, "--lookups"),
        (("--rate", "0"), 2, "--rate"),
        (("--validators", "4", "--node", "http://127.0.0.1:1"), 2, "not both"),
        (("--node", "http://127.0.0.1:1"), 3, "127.0.0.1:1"),
        (("--out", "absent-folder/x.json"), 2, "absent-folder"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    options: tuple[str, ...], status: int, expected: str
) -> None:
    """Goal: a mistake costs no minutes. Method: values out of range, contradictions, no node."""
    ended = trine("bench", "payments", *options)
    assert ended.status == status, ended.err
    assert expected in ended.err
