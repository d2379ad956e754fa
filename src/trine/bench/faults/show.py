"""Show what faults did to a network: a table, and a timeline of faults against throughput."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from trine.bench.faults.check import problems
from trine.bench.faults.evidence import FOUND
from trine.bench.faults.plan import KINDS
from trine.bench.picture import blank, write_png

COLOURS: Final = {
    "kill": "#d95f02",
    "stop": "#7570b3",
    "kill-all": "#a6191e",
    "lose-disk": "#1b7837",
    "partition": "#1f78b4",
    "split": "#08306b",
    "one-way": "#6baed6",
    "slow": "#b8860b",
    "full-disk": "#5c4033",
    "clock-ahead": "#c51b7d",
    "clock-behind": "#f1a340",
}
"""Colours of the kinds of faults."""


def faults_table(report: Mapping[str, Any]) -> Table:
    """Make the table of a run of `run_faults`."""
    table = Table(title=f"trine bench faults: {report['seconds']:.0f} s, seed {report['seed']}")
    for column in ("When", "Fault", "Nodes", "Longest time without a block"):
        table.add_column(column)
    for fault in report["faults"]:
        targets = ", ".join(fault["targets"])
        when = f"{fault['at_s']:.0f} to {fault['until_s']:.0f} s"
        table.add_row(when, fault["what"], targets, f"{fault['gap_ms']:,} ms")
    table.add_section()
    unknown = ", ".join(f"{code} {count}" for code, count in report["unknown"].items()) or "none"
    logs = report["evidence"]
    rows = (
        ("Acknowledged", f"{report['acknowledged']:,} in {report['heights']:,} blocks"),
        ("Not acknowledged", unknown),
        ("Evidence logs on every node", _logs(logs)),
        ("Wrong in them", ", ".join(f"{name} {len(logs[name])}" for name in FOUND)),
        ("Looked up on every node", f"{report['looked_up']:,}"),
        ("Read meanwhile", f"{report['read']:,}"),
        ("Found wrong", "; ".join(problems(report)) or "nothing"),
    )
    for name, value in rows:
        table.add_row("", name, "", value)
    return table


def _logs(found: Mapping[str, Any]) -> str:
    """Say in a few words what was compared of the logs."""
    return (
        f"{found['logs']:,} with {found['entries']:,} entries; {found['acknowledged']:,} were "
        f"acknowledged, {found['recorded']:,} of {found['unknown']:,} others are there too; "
        f"{found['proven']:,} proofs"
    )


def draw_faults(report: Mapping[str, Any], to: Path) -> None:
    """Draw the timeline as a PNG."""
    picture = blank(10, 5)
    axes = picture.add_subplot()
    seconds = range(len(report["per_second"]))
    axes.bar(seconds, report["per_second"], width=1.0, align="edge", color="#4a90c2")
    seen = set()
    for fault in report["faults"]:
        label = None if fault["kind"] in seen else KINDS[fault["kind"]].what
        seen.add(fault["kind"])
        colour = COLOURS[fault["kind"]]
        axes.axvspan(fault["at_s"], fault["until_s"], color=colour, alpha=0.25, label=label)
    axes.set_xlim(0, len(report["per_second"]))
    axes.set_xlabel("seconds")
    axes.set_ylabel("acknowledged a second")
    wrong = "; ".join(problems(report)) or "nothing lost, doubled or different"
    axes.set_title(f"{report['acknowledged']:,} records acknowledged under faults: {wrong}")
    picture.legend(loc="outside lower center", ncols=3, fontsize=8)
    write_png(picture, to)
