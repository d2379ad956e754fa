"""Show the report of a load: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from trine.bench.picture import blank, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shortfall, in percent, from which a run says more about the loader than about the network.
SHORTFALL_PERCENT_MAX = 1.0


def warning(report: Mapping[str, Any]) -> str | None:
    """Say when the loader, not the network, set the limit.

    Args:
        report: What `run_load` returned.

    Returns:
        One sentence, or `None` when the loader kept its schedule.
    """
    shortfall = report["shortfall_percent"]
    if shortfall <= SHORTFALL_PERCENT_MAX:
        return None
    return (
        f"The loader fell short: {shortfall:.1f} % of the transactions were sent late or never, "
        "so these figures are a lower bound for the network. Lower --rate or use more cores."
    )


def _number(value: float | None, unit: str, digits: int = 0) -> str:
    return "not measured" if value is None else f"{value:,.{digits}f} {unit}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count:,}" for code, count in sorted(counts.items())) or "none"


def table(report: Mapping[str, Any], title: str) -> Table:
    """Make the table of a report.

    Args:
        report: What `run_load` returned.
        title: Line above the table.

    Returns:
        A table of two columns, for a `rich` console.
    """
    latency = report["latency_ms"]
    rows = [
        ("Scheduled", _number(report["scheduled_per_s"], "tx/s")),
        ("Offered", _number(report["offered_per_s"], "tx/s")),
        ("Finalized and durable", _number(report["finalized_per_s"], "tx/s")),
        ("Latency p50 / p95", f"{latency['p50']:.0f} / {latency['p95']:.0f} ms"),
        ("Latency p99 / max", f"{latency['p99']:.0f} / {latency['max']:.0f} ms"),
        ("CPU a transaction and validator", _number(report["cpu_us_per_tx_validator"], "µs", 1)),
        ("CPU a transaction, loader", _number(report["cpu_us_per_tx_loader"], "µs", 1)),
        ("  of it signing", _number(report["cpu_us_per_tx_signing"], "µs", 1)),
        ("Memory of the largest validator", _number(report["rss_mib_max"], "MiB")),
        ("Disk written a transaction", _number(report["disk_bytes_per_tx"], "bytes")),
        ("Longest send delay", _number(report["send_delay_ms_max"], "ms")),
        ("Refused / failed", f"{_counts(report['refused'])} / {_counts(report['failed'])}"),
        ("Not final at the end", f"{report['unfinished']:,}"),
        ("Hardware", report["hardware"]),
    ]
    if report["entries_per_s"]:
        rows.insert(3, ("Evidence entries", _number(report["entries_per_s"], "entries/s")))
    if report["hostile"]:
        rows.insert(-1, ("Answers to hostile", _counts(report["hostile"])))
    result = Table(title=title, show_header=False, title_justify="left")
    result.add_column()
    result.add_column(justify="right", overflow="fold")
    for row in rows:
        result.add_row(*row)
    return result


def _seconds(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the seconds in which transactions were due: the last ones only drain."""
    return [second for second in report["seconds"] if second["sent"]]


def _draw_rate(axes: Axes, report: Mapping[str, Any]) -> None:
    seconds = _seconds(report)
    at_s = [second["at_s"] for second in seconds]
    axes.step(at_s, [s["sent"] for s in seconds], where="post", color="0.6", label="offered")
    finalized = [second["finalized"] for second in seconds]
    axes.step(at_s, finalized, where="post", color="tab:blue", label="finalized, durable")
    axes.set(xlabel="seconds", ylabel="transactions a second", title="Rate")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")


def _draw_latency(axes: Axes, report: Mapping[str, Any]) -> None:
    seconds = [second for second in _seconds(report) if second["finalized"]]
    at_s = [second["at_s"] for second in seconds]
    for name, colour in (("p50", "tab:green"), ("p95", "tab:orange"), ("p99", "tab:red")):
        axes.plot(at_s, [s["latency_ms"][name] for s in seconds], color=colour, label=name)
    axes.set(xlabel="seconds", ylabel="milliseconds", title="Latency over time")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")


def _draw_distribution(axes: Axes, report: Mapping[str, Any]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter  # noqa: PLC0415

    total = sum(count for _, count in report["distribution"]) or 1
    reached, at_ms, share = 0, [], []
    for milliseconds, count in report["distribution"]:
        reached += count
        at_ms.append(milliseconds)
        share.append(100 * reached / total)
    axes.step(at_ms, share, where="pre", color="tab:blue")
    axes.axhline(95, color="tab:orange", linewidth=0.8)
    axes.set(xlabel="milliseconds", ylabel="percent at most", title="Latency distribution")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 100)


def draw(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw rate and latency over time, and the latency distribution, as a PNG.

    Args:
        report: What `run_load` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    figure = blank(13, 4.2)
    rate, latency, distribution = figure.subplots(1, 3)
    _draw_rate(rate, report)
    _draw_latency(latency, report)
    _draw_distribution(distribution, report)
    for axes in (rate, latency, distribution):
        axes.grid(visible=True, color="0.9")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)
