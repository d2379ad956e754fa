"""Show the report of a load: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.table import Table

from trine.bench.picture import blank, write_png
from trine.bench.resources import draw_resources

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shortfall, in percent, from which a run says more about the loader than about the network.
SHORTFALL_PERCENT_MAX = 1.0


class Counted(NamedTuple):
    """What the seconds of a report count.

    Attributes:
        field: Field of a second that counts what is done.
        label: What the legend calls it.
        unit: What is counted, in the plural.
        drains: Whether the seconds after the last in which any was due are shown too.
    """

    field: str
    label: str
    unit: str
    drains: bool = False


TRANSACTIONS: Final = Counted("finalized", "finalized, durable", "transactions")


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


def number(value: float | None, unit: str, digits: int = 0) -> str:
    """Write a figure with its unit; `None` was not measured."""
    return "not measured" if value is None else f"{value:,.{digits}f} {unit}"


def counts(by_code: Mapping[str, int]) -> str:
    """Write how often each code came."""
    return ", ".join(f"{code} {count:,}" for code, count in sorted(by_code.items())) or "none"


def rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and write every figure of a report.

    Args:
        report: What `run_load` returned.
    """
    latency = report["latency_ms"]
    found = [
        ("Scheduled", number(report["scheduled_per_s"], "tx/s")),
        ("Offered", number(report["offered_per_s"], "tx/s")),
        ("Finalized and durable", number(report["finalized_per_s"], "tx/s")),
        ("Latency p50 / p95", f"{latency['p50']:.0f} / {latency['p95']:.0f} ms"),
        ("Latency p99 / max", f"{latency['p99']:.0f} / {latency['max']:.0f} ms"),
        ("CPU a transaction and validator", number(report["cpu_us_per_tx_validator"], "µs", 1)),
        ("CPU a transaction, loader", number(report["cpu_us_per_tx_loader"], "µs", 1)),
        ("  of it signing", number(report["cpu_us_per_tx_signing"], "µs", 1)),
        ("Memory of the largest validator", number(report["rss_mib_max"], "MiB")),
        ("Disk written a transaction", number(report["disk_bytes_per_tx"], "bytes")),
        ("Longest send delay", number(report["send_delay_ms_max"], "ms")),
        ("Refused / failed", f"{counts(report['refused'])} / {counts(report['failed'])}"),
        ("Not final at the end", f"{report['unfinished']:,}"),
        ("Hardware", report["hardware"]),
    ]
    if report.get("resources"):
        files = max(sample["open_files"] for sample in report["resources"])
        found.insert(-1, ("Open files of a validator", f"{files:,}"))
    if report["entries_per_s"]:
        found.insert(3, ("Evidence entries", number(report["entries_per_s"], "entries/s")))
    if report["hostile"]:
        found.insert(-1, ("Answers to hostile", counts(report["hostile"])))
    return found


def two_columns(shown: Iterable[tuple[str, str]], title: str) -> Table:
    """Make a table of names and figures, for a `rich` console.

    Args:
        shown: Its rows.
        title: Line above the table.
    """
    result = Table(title=title, show_header=False, title_justify="left")
    result.add_column()
    result.add_column(justify="right", overflow="fold")
    for row in shown:
        result.add_row(*row)
    return result


def table(report: Mapping[str, Any], title: str) -> Table:
    """Make the table of a report.

    Args:
        report: What `run_load` returned.
        title: Line above the table.
    """
    return two_columns(rows(report), title)


def _seconds(report: Mapping[str, Any], counted: Counted) -> list[Mapping[str, Any]]:
    """Give the seconds in which anything was due: the last ones only drain."""
    return [second for second in report["seconds"] if second["sent"] or counted.drains]


def from_zero(axes: Axes) -> None:
    """Begin both axes at zero, and write large numbers readably."""
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def draw_rate(axes: Axes, report: Mapping[str, Any], counted: Counted = TRANSACTIONS) -> None:
    """Draw what was offered and what was done, second by second."""
    seconds = _seconds(report, counted)
    at_s = [second["at_s"] for second in seconds]
    axes.step(at_s, [s["sent"] for s in seconds], where="post", color="0.6", label="offered")
    done = [second[counted.field] for second in seconds]
    axes.step(at_s, done, where="post", color="tab:blue", label=counted.label)
    axes.set(xlabel="seconds", ylabel=f"{counted.unit} a second", title="Rate")
    from_zero(axes)
    axes.legend(loc="best")


def draw_latency(
    axes: Axes,
    report: Mapping[str, Any],
    counted: Counted = TRANSACTIONS,
    title: str = "Latency over time",
) -> None:
    """Draw p50, p95 and p99 of the latency, second by second."""
    seconds = [second for second in _seconds(report, counted) if second[counted.field]]
    at_s = [second["at_s"] for second in seconds]
    for name, colour in (("p50", "tab:green"), ("p95", "tab:orange"), ("p99", "tab:red")):
        axes.plot(at_s, [s["latency_ms"][name] for s in seconds], color=colour, label=name)
    axes.set(xlabel="seconds", ylabel="milliseconds", title=title)
    from_zero(axes)
    axes.legend(loc="best")


def draw_distribution(
    axes: Axes, distribution: Sequence[tuple[float, int]], title: str, colour: str = "tab:blue"
) -> None:
    """Draw what share took at most how long, from (milliseconds, count)."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter  # noqa: PLC0415

    total = sum(count for _, count in distribution)
    axes.set(xlabel="milliseconds", ylabel="percent at most", title=title)
    axes.set_ylim(0, 100)
    if not distribution:
        return
    # Where the first bucket begins: one alone would have no width.
    reached, at_ms, share = 0, [distribution[0][0] / 1.1], [0.0]
    for milliseconds, count in distribution:
        reached += count
        at_ms.append(milliseconds)
        share.append(100 * reached / total)
    axes.step(at_ms, share, where="pre", color=colour)
    axes.axhline(95, color="tab:orange", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def draw(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw rate and latency over time, the latency distribution and the resources, as a PNG.

    Args:
        report: What `run_load` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    watched = len(report.get("resources", ())) > 1
    figure = blank(13, 8.4 if watched else 4.2)
    every = figure.subplots(2 if watched else 1, 3, squeeze=False)
    rate, latency, distribution = every[0]
    draw_rate(rate, report)
    draw_latency(latency, report)
    draw_distribution(distribution, report["distribution"], "Latency distribution")
    if watched:
        draw_resources(every[1], report)
    for axes in every.flat:
        axes.grid(visible=True, color="0.9")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)
