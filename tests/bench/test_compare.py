"""Test how systems are compared: the sweep, what is skipped, the table, the picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from trine.bench.compare import RESOLUTION, compare, find_peak, is_sustained
from trine.bench.compare_show import compare_table, draw_compare
from trine.bench.load import SUMMARY_FIELDS
from trine.bench.peers import Load, Network, System


def report(load: Load, limit_per_s: int) -> dict[str, Any]:
    """What a system reports that sustains `limit_per_s` and no more."""
    finalized = min(load.rate_per_s, limit_per_s)
    p95_ms = 100.0 if finalized == load.rate_per_s else 9_000.0
    figures: dict[str, Any] = dict.fromkeys(SUMMARY_FIELDS, 12.0)
    return {
        **figures,
        "scheduled_per_s": float(load.rate_per_s),
        "finalized_per_s": float(finalized),
        "latency_ms": {"p50": 50.0, "p95": p95_ms, "p99": p95_ms, "max": p95_ms},
        "hardware": "left out",
    }


class Simulated:
    """Stands for a system; counts how often its nodes were started and stopped."""

    def __init__(self, limit_per_s: int = 3_000, missing: str | None = None) -> None:
        self.limit_per_s = limit_per_s
        self.missing = missing
        self.started = 0
        self.running = 0

    @contextmanager
    def network(self) -> Iterator[Network]:
        """Nodes of the system."""
        self.started += 1
        self.running += 1
        assert self.running == 1
        try:
            yield Network(lambda load: report(load, self.limit_per_s), ["simulate"])
        finally:
            self.running -= 1

    def system(self, name: str, *, signed: bool) -> System:
        """Its description."""
        return System(
            name=name,
            title=name.capitalize(),
            signed=signed,
            about=f"what {name} does",
            missing=lambda: self.missing,
            version=lambda: "7.1",
            network=self.network,
        )


@given(limit_per_s=st.integers(1, 200_000))
def test_the_peak_is_found(limit_per_s: int) -> None:
    """Goal: a rate that is sustained and near the limit. Method: any limit."""
    peak_per_s = find_peak(lambda rate_per_s: rate_per_s <= limit_per_s)
    assert peak_per_s <= limit_per_s
    assert limit_per_s < max(peak_per_s * RESOLUTION, peak_per_s + 1)


@pytest.mark.parametrize("answer", [True, False])
def test_a_sweep_ends(answer: bool) -> None:
    """Goal: a bounded number of rates. Method: a system that sustains everything, or nothing."""
    offered: list[int] = []
    assert (find_peak(lambda rate: offered.append(rate) or answer) > 0) is answer
    assert len(offered) <= 12


def test_sustained_asks_for_rate_and_latency() -> None:
    """Goal: neither alone is enough. Method: spoil one after the other."""
    good = report(Load(1_000, 1, 1), 1_000)
    assert is_sustained(good)
    assert not is_sustained(good | {"finalized_per_s": 940.0})
    assert not is_sustained(good | {"latency_ms": {"p95": 2_001.0}})


def test_a_system_is_measured_at_its_peak_and_at_half() -> None:
    """Goal: the two reports, and no node left. Method: a simulated system with a known limit."""
    simulated = Simulated(limit_per_s=3_000)
    lines: list[str] = []
    document = compare([simulated.system("one", signed=True)], 5, "command", lines.append)
    (system,) = document["systems"]
    assert system["peak"]["scheduled_per_s"] == 3_000
    assert system["half"]["scheduled_per_s"] == 1_500
    assert set(system["peak"]) == set(SUMMARY_FIELDS)
    assert system["commands"] == ["simulate"]
    assert len(lines) == len(system["sweep"]) + 2
    assert simulated.running == 0


def test_too_much_is_met_by_new_nodes() -> None:
    """Goal: no backlog is carried over. Method: count starts and rates that were too much."""
    simulated = Simulated(limit_per_s=3_000)
    document = compare([simulated.system("one", signed=True)], 5, "command")
    failures = sum(not is_sustained(one) for one in document["systems"][0]["sweep"])
    # Renewed after each failure, before the peak and before half of it.
    assert simulated.started in (failures + 2, failures + 3)


def test_one_spoilt_window_sets_no_limit() -> None:
    """Goal: other work on the machine decides nothing. Method: spoil the second window."""
    simulated = Simulated(limit_per_s=3_000)
    windows = 0

    def tell(_: str) -> None:
        nonlocal windows
        windows += 1
        simulated.limit_per_s = 0 if windows == 1 else 3_000

    document = compare([simulated.system("one", signed=True)], 5, "command", tell)
    assert document["systems"][0]["sweep"][1]["finalized_per_s"] == 0
    assert document["systems"][0]["peak"]["scheduled_per_s"] == 3_000


def test_a_system_that_sustains_nothing_is_shown() -> None:
    """Goal: no traceback. Method: a limit of zero."""
    document = compare([Simulated(limit_per_s=0).system("one", signed=True)], 5, "command")
    assert document["systems"][0]["peak"] is None
    assert "none sustained" in shown(document)


def test_nodes_are_stopped_when_the_run_is_interrupted() -> None:
    """Goal: nothing runs on after Ctrl-C. Method: raise where progress is told."""
    simulated = Simulated()

    def tell(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare([simulated.system("one", signed=True)], 5, "command", tell)
    assert (simulated.started, simulated.running) == (1, 0)


def two(missing: str | None) -> dict[str, Any]:
    """A comparison of two systems."""
    second = Simulated(missing=missing).system("two", signed=False)
    return compare([Simulated().system("one", signed=True), second], 5, "command")


def shown(document: dict[str, Any]) -> str:
    """The table on a terminal of the usual width."""
    console = Console(width=80, file=StringIO())
    with console.capture() as captured:
        console.print(compare_table(document, "title"))
    return captured.get()


def test_the_table_says_what_is_signed() -> None:
    """Goal: nobody takes unsigned for signed. Method: look at the row, and for every figure."""
    text = shown(two(missing=None))
    (row,) = [line for line in text.splitlines() if line.startswith("│ Transactions")]
    assert [cell.strip() for cell in row.split("│")[2:4]] == ["signed", "unsigned"]
    assert text.count("3,000") == 4
    assert text.count("1,500") == 4
    assert "what two does" in text
    assert "…" not in text


def test_what_is_missing_is_skipped_with_a_reason() -> None:
    """Goal: the others are measured. Method: one of two systems is missing."""
    document = two(missing="install it")
    assert [one["name"] for one in document["systems"]] == ["one"]
    assert document["skipped"] == [{"name": "two", "title": "Two", "reason": "install it"}]
    assert "Two is skipped: install it" in shown(document)


@pytest.mark.parametrize("missing", [None, "install it"])
def test_the_picture_is_one(missing: str | None, tmp_path: Path) -> None:
    """Goal: a PNG is written. Method: its first bytes, with two systems and with one."""
    draw_compare(two(missing), "title", tmp_path / "compare.png")
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_nothing_to_show_is_shown(tmp_path: Path) -> None:
    """Goal: no traceback where everything is skipped. Method: a missing system alone."""
    document = compare([Simulated(missing="install it").system("one", signed=True)], 5, "command")
    assert "install it" in shown(document)
    draw_compare(document, "title", tmp_path / "compare.png")
    assert (tmp_path / "compare.png").stat().st_size > 1_000
