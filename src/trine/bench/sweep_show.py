"""Show a load sweep: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from trine.bench.picture import blank, write_png
from trine.bench.sweep import FINALIZED_SHARE_MIN, P95_MS_MAX

#: Figures of the table's columns beside rates and latencies: name, field, digits.
_COSTS: Final = (
    ("CPU µs", "cpu_us_per_tx_validator", 1),
    ("MiB", "rss_mib_max", 0),
    ("disk bytes", "disk_bytes_per_tx", 0),
)


def _cost(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def verdict(report: Mapping[str, Any]) -> str:
    """Say in one sentence up to which rate the network keeps up.

    Args:
        report: What `measure_sweep` returned.
    """
    rule = f"{FINALIZED_SHARE_MIN:.0%} of the offered final, p95 under {P95_MS_MAX:.0f} ms"
    highest = report["keeps_up_per_s"]
    if highest is None:
        return f"The network keeps up at none of these rates ({rule})."
    return f"The network keeps up at {highest:,} a second ({rule})."


def sweep_table(report: Mapping[str, Any], title: str) -> Table:
    """Make the table: a row a rate, the highest at which the network keeps up marked.

    CPU time and disk are a transaction and validator; memory is that of the largest validator.

    Args:
        report: What `measure_sweep` returned.
        title: Line above the table.
    """
    table = Table(title=title, title_justify="left", caption=verdict(report))
    names = ("offered/s", "final/s", "p50 ms", "p95 ms", "p99 ms", *(name for name, *_ in _COSTS))
    for name in (*names, "refused", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report["rates"]:
        latency = row["latency_ms"]
        is_highest = int(row["scheduled_per_s"]) == report["keeps_up_per_s"]
        table.add_row(
            *(f"{row['scheduled_per_s']:,.0f}", f"{row['finalized_per_s']:,.0f}"),
            *(f"{latency[name]:,.0f}" for name in ("p50", "p95", "p99")),
            *(_cost(row[field], digits) for _, field, digits in _COSTS),
            f"{sum(row['refused'].values()):,}",
            "keeps up" if is_highest else "",
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
    axes.grid(visible=True, which="both", color="0.9")
    axes.legend(loc="upper left")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)
