"""Show what the stages cost: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from trine.bench.picture import blank, write_png

if TYPE_CHECKING:
    from trine.bench.stages import Stage


def stages_table(stages: Sequence[Stage], title: str) -> Table:
    """Make the table: each stage, and the sum of those that every transaction passes.

    Args:
        stages: What `measure_stages` returned.
        title: Line above the table.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("Stage", overflow="fold")
    scaled = any(stage.us_at_once is not None for stage in stages)
    each = [stage for stage in stages if stage.per == "transaction"]
    columns = ("CPU µs", "at once", "scaling") if scaled else ("CPU µs", "allocations", "bytes")
    for name in ("per", *columns):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in stages:
        table.add_row(stage.stage, stage.per, *_cells(stage, scaled=scaled))
    table.add_section()
    names = ("us", "us_at_once") if scaled else ("us", "allocations", "allocated_bytes")
    sums = [sum(getattr(stage, name) for stage in each) for name in names]
    last = "" if scaled else f"{sums.pop():,.0f}"
    table.add_row("All of them", "transaction", *(f"{one:,.2f}" for one in sums), last)
    return table


def _cells(stage: Stage, *, scaled: bool) -> tuple[str, str, str]:
    us = f"{stage.us:,.2f}"
    if not scaled:
        return us, f"{stage.allocations:,.2f}", f"{stage.allocated_bytes:,.0f}"
    scaling = "" if stage.scaling is None else f"{stage.scaling:.2f}"
    return us, f"{stage.us_at_once or 0:,.2f}", scaling


def draw_stages(stages: Sequence[Stage], title: str, to: Path) -> None:
    """Draw the CPU time of each stage that every transaction passes, as a PNG.

    Args:
        stages: What `measure_stages` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    picture = blank(10, 5)
    axes = picture.subplots()
    each = [stage for stage in stages if stage.per == "transaction"]
    each.reverse()
    bars = axes.barh([stage.stage for stage in each], [stage.us for stage in each])
    axes.bar_label(bars, labels=[f" {stage.us:,.2f}" for stage in each], fontsize=8)
    axes.set_xlabel("CPU µs a transaction, all threads")
    axes.margins(x=0.12)
    axes.grid(visible=True, axis="x", color="0.9")
    axes.set_axisbelow(True)
    picture.suptitle(title)
    write_png(picture, to)
