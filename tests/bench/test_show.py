"""Test the table, the picture and the warning of a load's report, on the committed results."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from trine.bench import draw, table
from trine.bench.show import warning

FOLDER = Path(__file__).parents[2] / "bench" / "results"
# The reports of loads; other figures lie beside them.
RESULTS = sorted(
    path for path in FOLDER.glob("*.json") if "scheduled_per_s" in json.loads(path.read_text())
)
PNG_START = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(params=RESULTS, ids=lambda path: path.stem)
def report(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def shown(report: dict[str, Any]) -> str:
    console = Console(width=100, file=StringIO())
    with console.capture() as captured:
        console.print(table(report, "title"))
    return captured.get()


def test_report_has_the_fields_that_programs_rely_on(report: dict[str, Any]) -> None:
    """Goal: no field is renamed. Method: name them."""
    assert set(report["latency_ms"]) == {"p50", "p95", "p99", "max"}
    fields = {"offered_per_s", "finalized_per_s", "latency_ms", "cpu_us_per_tx_validator"}
    fields |= {"cpu_us_per_tx_loader", "rss_mib_max", "disk_bytes_per_tx", "hardware", "version"}
    assert fields <= set(report)


def test_table_shows_the_figures(report: dict[str, Any]) -> None:
    """Goal: what was measured is what is read. Method: look for rate, latency and memory."""
    text = shown(report)
    latency = report["latency_ms"]
    assert f"{report['finalized_per_s']:,.0f} tx/s" in text
    assert f"{latency['p50']:.0f} / {latency['p95']:.0f} ms" in text
    assert f"{report['rss_mib_max']:,.0f} MiB" in text


def test_table_says_what_was_not_measured(report: dict[str, Any]) -> None:
    """Goal: no invented zero. Method: validators on another machine."""
    report |= {"cpu_us_per_tx_validator": None, "rss_mib_max": None, "disk_bytes_per_tx": None}
    assert shown(report).count("not measured") == 3


def test_picture_is_drawn(report: dict[str, Any], tmp_path: Path) -> None:
    """Goal: a PNG of a sensible size. Method: draw it and read its header."""
    draw(report, "title", tmp_path / "load.png")
    content = (tmp_path / "load.png").read_bytes()
    assert content.startswith(PNG_START)
    width = int.from_bytes(content[16:20])
    assert width > 1_000
    assert len(content) > 10_000


def test_picture_of_hardly_anything_is_drawn(report: dict[str, Any], tmp_path: Path) -> None:
    """Goal: a run in which nothing became final has a picture too. Method: one bucket, and none."""
    for buckets in (1, 0):
        found = report | {"distribution": report["distribution"][:buckets]}
        draw(found, "title", tmp_path / "load.png")
        assert (tmp_path / "load.png").read_bytes().startswith(PNG_START)


def test_a_loader_that_falls_short_says_so(report: dict[str, Any]) -> None:
    """Goal: nobody takes the loader's limit for the network's. Method: one and two percent."""
    assert warning(report | {"shortfall_percent": 1.0}) is None
    text = warning(report | {"shortfall_percent": 2.0})
    assert text is not None
    assert "2.0 %" in text
