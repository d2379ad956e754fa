"""Show a comparison: tables for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from trine.bench.compare import Report, is_sustained
from trine.bench.peers.system import NODES
from trine.bench.picture import blank, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trine.bench.ratio import Ratio

QUANTILES: Final = {"p50": "tab:green", "p95": "tab:orange", "p99": "tab:red"}
"""Quantiles of the picture and their colours."""
HEADS: Final = {"peak": "At the peak", "half": "At half of it"}
"""Reports of a system in the order of the table, with the heads of their parts."""
ROWS: Final[Mapping[str, Callable[[Report], float]]] = {
    "Offered a second": lambda report: report["scheduled_per_s"],
    "Final a second": lambda report: report["finalized_per_s"],
    "Latency p50, ms": lambda report: report["latency_ms"]["p50"],
    "Latency p95, ms": lambda report: report["latency_ms"]["p95"],
    "Latency p99, ms": lambda report: report["latency_ms"]["p99"],
    "Latency max, ms": lambda report: report["latency_ms"]["max"],
    "CPU, all nodes, µs": lambda report: report["cpu_us_per_tx_validator"] * NODES,
    "CPU, a node, µs": lambda report: report["cpu_us_per_tx_validator"],
    "CPU, loader, µs": lambda report: report["cpu_us_per_tx_loader"],
    "Memory, a node, MiB": lambda report: report["rss_mib_max"],
    "Disk, a node, bytes": lambda report: report["disk_bytes_per_tx"],
}
"""Figures of the table; CPU time and disk are those of a transaction."""


def signed(system: Mapping[str, Any]) -> str:
    """Say whether a system's transactions are signed and verified."""
    return "signed" if system["signed"] else "unsigned"


def compare_table(document: Mapping[str, Any], title: str) -> Group:
    """Make the table of a comparison, and what its figures mean.

    A column for each system, its peak above half of it; no table where every system is skipped.

    Args:
        document: What `compare` returned.
        title: Line above the table.
    """
    systems = document["systems"]
    table = Table(title=title, title_justify="left")
    table.add_column("System")
    for system in systems:
        table.add_column(system["title"], justify="right")
    table.add_row("Version", *(system["version"] for system in systems))
    table.add_row("Transactions", *map(signed, systems))
    for load, head in HEADS.items():
        table.add_section()
        reports = [system[load] for system in systems]
        table.add_row(head, *map(_state, reports))
        for name, read in ROWS.items():
            table.add_row(
                f"  {name}", *("" if one is None else _short(read(one)) for one in reports)
            )
    notes = Text("\n".join(caption(document)))
    return Group(table, notes) if systems else Group(notes)


def _state(report: Report | None) -> str:
    if report is None:
        return "none sustained"
    return "" if is_sustained(report) else "not sustained"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def caption(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what the figures mean, in lines."""
    rule = document["sustained"]
    percent = 100 * rule["finalized_share_min"]
    yield (
        f"Peak: the highest rate offered of which {percent:.0f} % became final "
        f"in a window of {rule['window_s']} s, p95 at most {rule['p95_ms_max'] / 1e3:.0f} s."
    )
    yield (
        f"{document['nodes']} nodes and the loader share one machine ({document['hardware']}); "
        "CPU time and disk are those of a transaction."
    )
    for system in document["systems"]:
        yield f"{system['title']}: {system['about']}."
    for one in document["skipped"]:
        yield f"{one['title']} is skipped: {one['reason']}."


def ratio_table(found: Mapping[str, Sequence[Ratio]], title: str) -> Table:
    """Make the table of ratios.

    Args:
        found: Ratios by the name of the earlier report.
        title: Line above the table.
    """
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("Figure", overflow="fold")
    for name in ("Before", "After", "Ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for baseline, rows in found.items():
        before = None
        for row in rows:
            if row.of != before or before is None:
                table.add_section()
                table.add_row(f"{row.of} against {baseline}" if row.of else f"Against {baseline}")
            before = row.of
            verdict = {True: "better", False: "worse", None: ""}[row.is_better]
            figures = (_number(row.before), _number(row.after), _number(row.ratio, 2))
            table.add_row(f"  {row.metric.title}, {row.metric.unit}", *figures, verdict)
    table.caption = "Ratio: after divided by before; of rates more is better, of all others less."
    return table


def _number(value: float | None, digits: int = 0) -> str:
    return "not measured" if value is None else f"{value:,.{digits}f}"


def draw_compare(document: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw rates at the peak, latencies at half of it, CPU time and what is signed, as a PNG.

    Args:
        document: What `compare` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    picture = blank(14, 5)
    rate, latency, cpu = picture.subplots(1, 3, sharey=True)
    systems = [system for system in reversed(document["systems"]) if system["peak"]]
    names = [f"{one['title']}\n{one['version']}, {signed(one)}" for one in systems]
    places = range(len(systems))
    final = [one["peak"]["finalized_per_s"] for one in systems]
    _bars(rate, systems, final, "transactions a second", "Final and durable, at the peak")
    for number, (name, colour) in enumerate(QUANTILES.items()):
        at = [place + 0.25 - 0.25 * number for place in places]
        values = [one["half"]["latency_ms"][name] for one in systems]
        bars = latency.barh(at, values, height=0.22, color=colour, label=name)
        latency.bar_label(bars, labels=[f" {value:,.0f}" for value in values], fontsize=7)
    latency.set(xlabel="milliseconds", title="Latency, at half of the peak")
    if systems:
        latency.legend(loc="best")
    used = [ROWS["CPU, all nodes, µs"](one["peak"]) for one in systems]
    _bars(cpu, systems, used, "µs a transaction", f"CPU time of {NODES} nodes, at the peak")
    rate.set_yticks(list(places), names)
    for axes in (rate, latency, cpu):
        axes.margins(x=0.18)
        axes.set_xlim(left=0)
        axes.grid(visible=True, axis="x", color="0.9")
        axes.set_axisbelow(True)
    picture.suptitle(f"{title} ({document['hardware']}); hatched: transactions are unsigned")
    picture.supxlabel("\n".join(caption(document)), fontsize=7, x=0.01, ha="left")
    write_png(picture, to)


def _bars(
    axes: Axes, systems: Sequence[Mapping[str, Any]], values: Sequence[float], unit: str, name: str
) -> None:
    bars = axes.barh(range(len(systems)), values, height=0.6, color="tab:blue")
    for bar, system in zip(bars, systems, strict=True):
        if not system["signed"]:
            bar.set(facecolor="0.85", edgecolor="0.5", hatch="//")
    axes.bar_label(bars, labels=[f" {value:,.0f}" for value in values], fontsize=8)
    axes.set(xlabel=unit, title=name)
