"""Show a comparison: tables for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from trine.bench.picture import blank, write_png
from trine.bench.ratio import LOADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trine.bench.ratio import Ratio

QUANTILES: Final = {"p50": "tab:green", "p95": "tab:orange", "p99": "tab:red"}
"""Quantiles of the picture and their colours."""
COLUMNS: Final = (
    "Offered\n/s",
    "Final\n/s",
    "p50\nms",
    "p95\nms",
    "p99\nms",
    "max\nms",
    "CPU µs\nall",
    "CPU µs\na node",
    "CPU µs\nloader",
    "Memory\nMiB",
    "Disk\nbytes",
)
"""Figures of the table, in order."""


def signed(system: Mapping[str, Any]) -> str:
    """Say whether a system's transactions are signed and verified."""
    return "signed" if system["signed"] else "unsigned"


def compare_table(document: Mapping[str, Any], title: str) -> Table:
    """Make the table of a comparison: each system at its peak and at half of it.

    Args:
        document: What `compare` returned.
        title: Line above the table.
    """
    nodes = document["nodes"]
    table = Table(title=title, title_justify="left", caption_justify="left", padding=(0, 0, 0, 1))
    table.add_column("System", overflow="fold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for system in document["systems"]:
        table.add_row(f"{system['title']} {system['version']}, {signed(system)}", end_section=False)
        for load in reversed(LOADS):
            if system[load] is None:
                table.add_row(f"  {load}: nothing was sustained")
            else:
                table.add_row(f"  {load}", *_figures(system[load], nodes))
        table.add_section()
    for one in document["skipped"]:
        table.add_row(f"{one['name']} is skipped: {one['reason']}")
    table.caption = "\n".join(caption(document))
    return table


def _figures(report: Mapping[str, Any], nodes: int) -> Iterator[str]:
    latency, node_us = report["latency_ms"], report["cpu_us_per_tx_validator"]
    values = [report["scheduled_per_s"], report["finalized_per_s"]]
    values += [latency[name] for name in (*QUANTILES, "max")]
    values += [node_us * nodes, node_us, report["cpu_us_per_tx_loader"]]
    values += [report["rss_mib_max"], report["disk_bytes_per_tx"]]
    for value in values:
        yield f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def caption(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what the figures mean, in lines."""
    rule = document["sustained"]
    yield (
        f"Peak: the highest rate offered of which {rule['finalized_share_min']:.0%} became final "
        f"in a window of {rule['window_s']} s, p95 at most {rule['p95_ms_max'] / 1e3:.0f} s."
    )
    yield (
        f"{document['nodes']} nodes and the loader on one machine ({document['hardware']}); "
        "CPU, disk: a transaction; memory, disk: a node."
    )
    for system in document["systems"]:
        yield f"{system['title']}: {system['about']}."


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
    nodes = document["nodes"]
    final = [one["peak"]["finalized_per_s"] for one in systems]
    _bars(rate, systems, final, "transactions a second", "Final and durable, at the peak")
    for number, (name, colour) in enumerate(QUANTILES.items()):
        at = [place + 0.25 - 0.25 * number for place in places]
        values = [one["half"]["latency_ms"][name] for one in systems]
        bars = latency.barh(at, values, height=0.22, color=colour, label=name)
        latency.bar_label(bars, labels=[f" {value:,.0f}" for value in values], fontsize=7)
    latency.set(xlabel="milliseconds", title="Latency, at half of the peak")
    if systems:
        latency.legend(loc="lower right")
    used = [one["peak"]["cpu_us_per_tx_validator"] * nodes for one in systems]
    _bars(cpu, systems, used, "µs a transaction", f"CPU time of {nodes} nodes, at the peak")
    rate.set_yticks(list(places), names)
    for axes in (rate, latency, cpu):
        axes.margins(x=0.18)
        axes.set_xlim(left=0)
        axes.grid(visible=True, axis="x", color="0.9")
        axes.set_axisbelow(True)
    picture.suptitle(f"{title} ({document['hardware']}); hatched: unsigned, nothing is verified")
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
