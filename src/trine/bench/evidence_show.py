"""Draw what an evidence service, or a hospital, did over time, and the memory that it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trine.bench.memory import draw_memory
from trine.bench.picture import blank, write_png
from trine.bench.show import Counted, draw_latency, draw_rate, from_zero

OVER_S: Final = 5.0
"""Seconds over which the rate of records is taken: they come in batches."""
PARTS: Final = {"singles": "one by one", "batches": "in batches"}
"""Parts of a report of the evidence service, and what the picture calls them."""
_STATEMENTS: Final = Counted("registered", "with receipts", "statements", drains=True)


def draw_evidence(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw rate, time until the receipt and memory of each part, as a PNG.

    Args:
        report: What `trine bench evidence` measured.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    shown = {name: words for name, words in PARTS.items() if name in report}
    figure = blank(13, 0.4 + 4 * len(shown))
    every = figure.subplots(len(shown), 3, squeeze=False)
    labels = {"service": "service", "validator": "largest validator"}
    for (name, words), (rate, latency, memory) in zip(shown.items(), every, strict=True):
        draw_rate(rate, report[name], _STATEMENTS)
        draw_latency(latency, report[name], _STATEMENTS, "Time until the receipt")
        draw_memory(memory, report[name], labels)
        for axes in (rate, latency, memory):
            axes.grid(visible=True, color="0.9")
            axes.set_title(f"{axes.get_title()}, {words}")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)


def draw_health(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw how many records were kept and proven, how fast, and the memory, as a PNG.

    Args:
        report: What `trine bench health` measured.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    figure = blank(13, 4.4)
    rate, count, memory = figure.subplots(1, 3)
    samples = report["samples"]
    lines = (("kept", "validated, encrypted, kept", "0.6"), ("proven", "proven", "tab:blue"))
    for name, label, colour in lines:
        found = rates(samples, name)
        rate.plot([at for at, _ in found], [each for _, each in found], color=colour, label=label)
        at_s = [one["at_s"] for one in samples]
        count.plot(at_s, [one[name] for one in samples], color=colour, label=label)
    over = f"Rate, over {OVER_S:.0f} s"
    rate.set(xlabel="seconds", ylabel="records a second", title=over)
    count.set(xlabel="seconds", ylabel="records", title="Records")
    for axes in (rate, count):
        from_zero(axes)
        axes.legend(loc="upper left")
    draw_memory(memory, report, {"hospital": "hospital", "validator": "largest validator"})
    for axes in (rate, count, memory):
        axes.grid(visible=True, color="0.9")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)


def rates(samples: Sequence[Mapping[str, float]], name: str) -> list[tuple[float, float]]:
    """Say how many a second were done, over the last `OVER_S` of each sample.

    Args:
        samples: `at_s`, and how many of something were done until then.
        name: What is counted.

    Returns:
        Seconds since the begin, and so many a second.
    """
    found, first = [], 0
    for one in samples[1:]:
        while samples[first + 1]["at_s"] <= one["at_s"] - OVER_S:
            first += 1
        took_s = one["at_s"] - samples[first]["at_s"]
        if took_s > 0:
            found.append((one["at_s"], (one[name] - samples[first][name]) / took_s))
    return found
