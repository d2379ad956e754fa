"""Measure signatures and hashes beside other libraries, in one run on one core.

Every figure is CPU time: the least of several repeats, so that other work on the machine matters
little. Ratios between figures of one run are what to rely on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from trine import __version__
from trine._core import load as core
from trine.bench.crypto_peers import measure_peers
from trine.bench.figure import Figure

REPEATS: Final = 5
"""Repeats of each figure, where the caller names no number."""


def measure_crypto(
    *,
    repeats: int = REPEATS,
    distinct_keys: int = 0,
    tell: Callable[[Figure], None] = lambda _: None,
) -> list[Figure]:
    """Measure every algorithm, and the peers that this machine has.

    Args:
        repeats: Repeats of each figure, of which the fastest counts.
        distinct_keys: Different keys of the longest case; 0 leaves it out. A million take minutes.
        tell: Called with each figure; may raise to stop the run.
    """

    def each(row: str) -> bool:
        tell(Figure(**json.loads(row)))
        return True

    figures = [
        Figure(**row) for row in json.loads(core.measure_crypto(repeats, distinct_keys, each))
    ]
    for figure in measure_peers(repeats):
        tell(figure)
        figures.append(figure)
    return figures


def report(figures: list[Figure], hardware: str) -> dict[str, Any]:
    """Put figures into a document: each with what one core does in a second."""
    rows = [{**asdict(figure), "per_s": figure.per_s} for figure in figures]
    return {"version": __version__, "hardware": hardware, "figures": rows}
