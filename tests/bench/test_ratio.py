"""Test the ratios of results: their arithmetic, their table, the files that they are read from."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from trine.bench.compare_show import ratio_table
from trine.bench.ratio import METRICS, Ratio, ratio_of, ratios, read_reports
from trine.errors import BadArgument, UnreadableFile

RESULTS = Path(__file__).parents[2] / "bench" / "results"
RATE, P50 = METRICS[0], METRICS[1]
FIGURES = st.floats(0.001, 1e9)


def report(**changed: Any) -> dict[str, Any]:
    """A report in which every figure is 100, but for what is changed."""
    figures: dict[str, Any] = {metric.name: 100.0 for metric in METRICS if "." not in metric.name}
    return {**figures, "latency_ms": {"p50": 100.0, "p95": 100.0, "p99": 100.0}, **changed}


@given(before=FIGURES, factor=st.floats(0.01, 100))
def test_the_ratio_is_after_divided_by_before(before: float, factor: float) -> None:
    """Goal: the arithmetic. Method: any figure and a multiple of it."""
    found = ratio_of(before, before * factor)
    assert found is not None
    assert found == pytest.approx(factor)


@pytest.mark.parametrize(("before", "after"), [(None, 1.0), (1.0, None), (0.0, 1.0), (None, None)])
def test_no_ratio_without_both_figures(before: float | None, after: float | None) -> None:
    """Goal: no invented figure, no division by zero. Method: leave figures out."""
    row = Ratio("", RATE, before, after)
    assert row.ratio is None
    assert row.is_better is None
    assert row.to_json()["ratio"] is None


@given(before=FIGURES, after=FIGURES)
def test_more_is_better_of_rates_only(before: float, after: float) -> None:
    """Goal: the verdict's direction. Method: one pair of figures, as a rate and as a latency."""
    rate, latency = Ratio("", RATE, before, after), Ratio("", P50, before, after)
    if rate.ratio == 1:
        assert rate.is_better is None
        assert latency.is_better is None
    else:
        assert rate.is_better is (after > before)
        assert latency.is_better is (after < before)


def test_every_figure_is_compared() -> None:
    """Goal: throughput, latency, CPU, memory, disk. Method: change each alone."""
    for metric in METRICS:
        table, _, name = metric.name.rpartition(".")
        after = report()
        (after[table] if table else after)[name] = 150.0
        found = {row.metric.name: row.ratio for row in ratios({"": report()}, {"": after})}
        assert found.pop(metric.name) == 1.5
        assert set(found.values()) == {1.0}


def test_reports_without_a_common_system_are_refused() -> None:
    """Goal: no ratio of different things. Method: two names; then one more that is common."""
    with pytest.raises(BadArgument, match="nothing in common"):
        ratios({"A, peak": report()}, {"B, peak": report()})
    found = ratios({"A": report(), "C": report()}, {"B": report(), "C": report()})
    assert {row.of for row in found} == {"C"}


def test_committed_results_can_be_compared() -> None:
    """Goal: files of `trine bench load --out` are read. Method: two that are committed."""
    before, after = (read_reports(RESULTS / f"transfers-{rate}.json") for rate in ("2500", "5000"))
    found = ratios(before, after)
    assert [row.metric for row in found] == list(METRICS)
    assert found[0].ratio == pytest.approx(2, rel=0.01)


def test_a_comparison_is_read_by_system_and_load(tmp_path: Path) -> None:
    """Goal: files of `trine bench compare --out` are read. Method: one load was not sustained."""
    one = {"title": "A", "half": report(), "peak": report(rss_mib_max=None)}
    none = {"title": "B", "half": None, "peak": None}
    (tmp_path / "compare.json").write_text(json.dumps({"systems": [one, none]}))
    assert set(read_reports(tmp_path / "compare.json")) == {"A, half", "A, peak"}


@pytest.mark.parametrize("content", ["", "[]", "{}", "7", '{"systems": [{}]}', '{"systems": 1}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    """Goal: one sentence that names the file. Method: JSON of other things, and none."""
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(UnreadableFile, match=r"other\.json"):
        read_reports(tmp_path / "other.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Goal: as above. Method: no file."""
    with pytest.raises(UnreadableFile, match=r"none\.json: no such file"):
        read_reports(tmp_path / "none.json")


def test_the_table_shows_ratio_and_verdict() -> None:
    """Goal: what is computed is what is read. Method: a rate that doubled, a CPU time as well."""
    after = report(finalized_per_s=200.0, cpu_us_per_tx_validator=200.0, rss_mib_max=None)
    console = Console(width=100, file=StringIO())
    with console.capture() as captured:
        console.print(ratio_table({"old.json": ratios({"": report()}, {"": after})}, "title"))
    lines = {
        line.split("│")[1].strip(): line for line in captured.get().splitlines() if "│" in line
    }
    assert "2.00" in lines["Finalized and durable, tx/s"]
    assert "better" in lines["Finalized and durable, tx/s"]
    assert "worse" in lines["CPU a transaction and validator, µs"]
    assert lines["Memory of the largest validator, MiB"].count("not measured") == 2
    assert "old.json" in captured.get()
