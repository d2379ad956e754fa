"""Make an empty picture; matplotlib is loaded when one is asked for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank(width: float, height: float) -> Figure:
    """Make a picture without axes.

    Args:
        width: Inches.
        height: Inches.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    # Heavy and only for pictures: an extra.
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def write_png(picture: Figure, to: Path) -> None:
    """Write a picture as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above

    FigureCanvasAgg(picture).print_png(str(to))


def is_possible() -> bool:
    """Say whether matplotlib is installed, without loading it."""
    return find_spec("matplotlib") is not None
