"""Test that what validators keep is seen, and drawn over time."""

import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from trine.bench.resources import (
    MIB,
    Watch,
    draw_resources,
    largest,
    rss_mib,
    stored_per_transaction,
)
from trine.bench.show import rows

RESULT = Path(__file__).parents[2] / "bench" / "results" / "transfers-2500.json"


def test_a_process_is_seen(tmp_path: Path) -> None:
    """Goal: memory, files and bytes are those of the process. Method: one with a file of a MiB
    in its folder, which it holds open; it ends while it is watched."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(b"x" * MIB)
    words = "file = open('data/file'); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", words],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    with Watch(largest([process.pid])) as watch:
        pass
    process.communicate(b"\n")
    sample = watch.samples[-1]
    assert sample["open_files"] >= 4
    assert 1 <= sample["rss_mib"] < 1_000
    assert 1 <= sample["stored_mib"] < 1.2
    assert rss_mib(process.pid) is None
    with Watch(largest([process.pid])) as late:
        pass
    assert late.samples == []
    with Watch(largest([])) as nobody:
        pass
    assert nobody.samples == []


def test_the_end_is_seen() -> None:
    """Goal: the last figures are those at the end. Method: looks an hour apart; one comes first,
    one last."""
    numbers, first = itertools.count(), threading.Event()

    def look() -> dict[str, float]:
        first.set()
        return {"number": next(numbers)}

    with Watch(look, 3_600) as watch:
        first.wait()
    assert [one["number"] for one in watch.samples] == [0, 1]


def test_growth_is_told_by_transaction() -> None:
    """Goal: flat growth is seen as a flat line. Method: 1,000 transactions a second that leave
    1,024 bytes each; then a second without any."""
    seconds = [{"finalized": 1_024} for _ in range(20)]
    samples = [
        {"at_s": 5.0 * place, "rss_mib": 100 + place, "open_files": 50, "stored_mib": 7 + 5 * place}
        for place in range(5)
    ]
    report: dict[str, Any] = {"seconds": seconds, "resources": samples}
    assert stored_per_transaction(report) == [(5.0 * place, 1_024) for place in range(1, 5)]
    assert stored_per_transaction({**report, "seconds": [{"finalized": 0}]}) == []
    axes = Figure().subplots(1, 3)
    draw_resources(axes, report)
    assert [len(one.lines) for one in axes] == [1, 1, 1]


def test_the_table_has_them() -> None:
    """Goal: who leaks files is seen. Method: a committed report, with samples and without."""
    load_report = json.loads(RESULT.read_text())
    sample = {"at_s": 0.0, "rss_mib": 1.0, "open_files": 61, "stored_mib": 1.0}
    watched = dict(rows({**load_report, "resources": [sample]}))
    assert watched["Open files of a validator"] == "61"
    assert "Open files of a validator" not in dict(rows(load_report))
