"""Show a load sweep: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from trine.bench.picture import blank, write_png
from trine.bench.sweep import FINALIZED_SHARE_MIN, P95_MS_MAX

#: Figures of the table's columns beside rates and latencies: name, field.
_COSTS: Final = (
    ("CPU µs", "cpu_us_per_tx_validator"),
    ("MiB", "rss_mib_max"),
    ("disk B", "disk_bytes_per_tx"),
)

UNITS: Final = "Rates a second, latencies in ms, CPU and disk a transaction and validator"
"""Units of the table; memory is that of the largest validator."""


def _cost(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def verdict(report: Mapping[str, Any]) -> str:
    """Say in one sentence up to which rate the network keeps up.

    Args:
        report: What `measure_sweep` returned.
    """
    share = f"{100 * FINALIZED_SHARE_MIN:.0f} %"
    rule = f"{share} of the offered final, p95 under {P95_MS_MAX:.0f} ms"
    highest = report["keeps_up_per_s"]
    if highest is None:
        return f"The network keeps up at none of these rates ({rule})."
    return f"* The network keeps up at {highest:,} a second ({rule})."


def sweep_table(report: Mapping[str, Any], title: str) -> Table:
    """Make the table: a row a rate, with a star where the network keeps up last.

    Args:
        report: What `measure_sweep` returned.
        title: Line above the table.
    """
    table = Table(title=f"{title}\n{UNITS}", caption=verdict(report))
    table.title_justify = table.caption_justify = "left"
    # Nine columns fit into 80 characters without borders.
    table.box, table.padding, table.pad_edge = None, (0, 0, 0, 1), False
    names = ("offered", "final", "p50", "p95", "p99", *(name for name, _ in _COSTS))
    for name in (*names, "refused"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report["rates"]:
        latency = row["latency_ms"]
        rate = int(row["scheduled_per_s"])
        is_highest = rate == report["keeps_up_per_s"]
        table.add_row(
            f"* {rate:,}" if is_highest else f"{rate:,}",
            f"{row['finalized_per_s']:,.0f}",
            *(f"{latency[name]:,.0f}" for name in ("p50", "p95", "p99")),
            *(_cost(row[field]) for _, field in _COSTS),
            f"{sum(row['refused'].values()):,}",
            style="bold" if is_highest else "",
        )
    return table


def draw_sweep(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw latencies over the rate that became final, as a PNG.

    Args:
        report: What `measure_sweep` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    figure = blank(10, 5.5)
    axes = figure.subplots()
    rows = [row for row in report["rates"] if row["finalized_per_s"]]
    at = [row["finalized_per_s"] for row in rows]
    for name, colour in (("p50", "tab:green"), ("p95", "tab:orange"), ("p99", "tab:red")):
        latencies = [row["latency_ms"][name] for row in rows]
        axes.plot(at, latencies, marker="o", markersize=4, color=colour, label=name)
    for row, x in zip(rows, at, strict=True):
        text = f"{row['scheduled_per_s']:,.0f}"
        where = (x, row["latency_ms"]["p99"])
        axes.annotate(text, where, (0, 6), textcoords="offset points", ha="center", fontsize=8)
    axes.axhline(P95_MS_MAX, color="0.6", linewidth=0.8)
    axes.set(xlabel="transactions final a second (offered: above the points)", yscale="log")
    axes.set_ylabel("milliseconds from due to final")
    axes.set_xlim(left=0)
    for axis, which in ((axes.xaxis, "major"), (axes.yaxis, "major"), (axes.yaxis, "minor")):
        set_formatter = getattr(axis, f"set_{which}_formatter")
        set_formatter("{x:,.0f}")
    axes.grid(visible=True, which="both", color="0.9")
    axes.legend(loc="upper left")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)
