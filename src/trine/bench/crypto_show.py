"""Show figures of the cryptography: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from trine.bench.picture import blank, write_png

if TYPE_CHECKING:
    from trine.bench.figure import Figure

_PICTURED = ("sm2", "p256", "ed25519")
_COLOURS = {"trine": "tab:blue", "other": "tab:gray"}


_SINGLE = {"batch": "verify", "exact": "verify", "hash many": "hash"}
"""The single operation that one in bulk stands for."""


def _single(figures: Sequence[Figure], figure: Figure) -> float | None:
    """Time of the best other library for the same work, one at a time."""
    operation = _SINGLE.get(figure.operation, figure.operation)
    others = [
        one.us
        for one in figures
        if (one.algorithm, one.operation) == (figure.algorithm, operation)
        and (operation == "verify" or one.case == figure.case)
        and not one.by.startswith("trine")
    ]
    return min(others, default=None)


def crypto_table(figures: Sequence[Figure], title: str) -> Table:
    """Make the table: each figure, and how it stands to the best other library's single one.

    Args:
        figures: What `measure_crypto` returned.
        title: Line above the table.
    """
    table = Table(title=title, title_justify="left")
    for name in ("Algorithm", "What", "By"):
        table.add_column(name, overflow="fold")
    for name in ("Items", "µs each", "a second", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.caption = "Ratio: against the fastest single operation of the other libraries."
    before = None
    for figure in figures:
        if before not in (None, figure.algorithm):
            table.add_section()
        before = figure.algorithm
        best = _single(figures, figure)
        ours = figure.by.startswith("trine")
        ratio = f"{best / figure.us:.1f}" if best and ours else ""
        table.add_row(
            *(figure.algorithm, f"{figure.operation}, {figure.case}", figure.by),
            *(f"{figure.count:,}", f"{figure.us:,.3f}", f"{figure.per_s:,}", ratio),
        )
    return table


def draw_crypto(figures: Sequence[Figure], title: str, to: Path) -> None:
    """Draw the time of a verified signature of each algorithm, ours beside others', as a PNG.

    Args:
        figures: What `measure_crypto` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    picture = blank(15, 6.5)
    for axes, algorithm in zip(picture.subplots(1, len(_PICTURED)), _PICTURED, strict=True):
        chosen = [
            one
            for one in figures
            if one.algorithm == algorithm and one.operation in ("verify", "batch", "exact")
        ]
        chosen.sort(key=lambda one: -one.us)
        names = [_name(one) for one in chosen]
        colours = [_COLOURS["trine" if one.by.startswith("trine") else "other"] for one in chosen]
        bars = axes.barh(names, [one.us for one in chosen], color=colours)
        axes.bar_label(bars, labels=[f" {one.us:,.1f}" for one in chosen], fontsize=7)
        axes.set_xscale("log")
        axes.set_title(algorithm)
        axes.set_xlim(right=10 * max(one.us for one in chosen))
        axes.set_xlabel("µs a signature")
        axes.tick_params(axis="y", labelsize=7)
        axes.grid(visible=True, axis="x", color="0.9")
        axes.set_axisbelow(True)
    picture.suptitle(f"{title}: CPU time to verify, Trine (blue) and others (grey)")
    write_png(picture, to)


def _name(figure: Figure) -> str:
    if not figure.by.startswith("trine"):
        return f"{figure.by}, {figure.operation}" + (f" {figure.count}" * (figure.count > 64))
    if " different keys" in figure.case:
        return f"{figure.count:,} different keys"
    path = " portable" if "portable" in figure.by else ""
    if figure.operation == "verify":
        return figure.case
    return f"{figure.operation} of {figure.count:,}{path}, {figure.case}"
