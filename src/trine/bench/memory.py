"""Follow the memory of processes while they work, and say how fast it grows.

>>> from trine.bench.memory import development
>>> samples = [{"at_s": at, "rss_mib_service": 200 + at / 60} for at in range(0, 601)]
>>> development(samples, "service")
{'early_mib': 201.0, 'end_mib': 210.0, 'grown_mib_per_min': 1.0}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from trine.bench.resources import Look, rss_mib
from trine.bench.show import from_zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERY_S: Final = 1.0
"""Seconds between two looks."""
WARMUP_S: Final = 60.0
"""Seconds in which caches fill; half of a run that is shorter than two minutes."""
PREFIX: Final = "rss_mib_"
"""Begins the name of the memory of each part in a sample, which is in MiB."""
_COLOURS: Final = ("tab:blue", "tab:orange")


def memory(parts: Mapping[str, Sequence[int]], counts: Callable[[], Mapping[str, float]]) -> Look:
    """Look at the memory of parts, and at what was done until then.

    Args:
        parts: Processes of this machine by the name of the part; the largest of each counts.
        counts: What was done, by name.
    """

    def look() -> Mapping[str, float]:
        found = dict(counts())
        for name, pids in parts.items():
            sizes = [size for pid in pids if (size := rss_mib(pid)) is not None]
            if sizes:
                found[PREFIX + name] = max(sizes)
        return found

    return look


def warmup_s(samples: Sequence[Mapping[str, float]]) -> float:
    """Return the seconds after which the memory of a run counts as that of its whole length."""
    return min(WARMUP_S, samples[-1]["at_s"] / 2) if samples else WARMUP_S


def development(samples: Sequence[Mapping[str, float]], part: str) -> dict[str, float | None]:
    """Say how the memory of a part developed.

    Args:
        samples: `at_s`, and the memory of each part, as `memory` sees them.
        part: Which part.

    Returns:
        `early_mib`, at the end of the warm-up; `end_mib`; `grown_mib_per_min` by the line that
        fits the second half best (least squares). What was not seen is nothing.
    """
    seen = [(one["at_s"], one[PREFIX + part]) for one in samples if PREFIX + part in one]
    after_s = warmup_s(samples)
    early = next((size for at_s, size in seen if at_s >= after_s), None)
    slope = _slope([one for one in seen if one[0] >= samples[-1]["at_s"] / 2])
    return {
        "early_mib": early,
        "end_mib": seen[-1][1] if seen else None,
        "grown_mib_per_min": None if slope is None else round(60 * slope, 2),
    }


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the line with the least squares of distances to points."""
    if len(points) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else None


def sentence(report: Mapping[str, Any], part: str) -> str:
    """Say in one line how the memory of a part developed.

    Args:
        report: Has `warmup_s`, and `memory` by part.
        part: Which part.
    """
    found = report["memory"][part]
    if found["grown_mib_per_min"] is None:
        return "not measured: the run was too short"
    early, end, grown = found["early_mib"], found["end_mib"], found["grown_mib_per_min"]
    return (
        f"{early:,.0f} MiB after {report['warmup_s']:,.0f} s, {end:,.0f} MiB at the end, "
        f"{grown:+,.1f} MiB a minute in the second half"
    )


def draw_memory(axes: Axes, report: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Draw the memory of parts over time.

    Args:
        axes: Where.
        report: Has `samples`, and `warmup_s`.
        labels: What the legend calls each part.
    """
    samples = report["samples"]
    for (part, label), colour in zip(labels.items(), _COLOURS, strict=False):
        seen = [(one["at_s"], one[PREFIX + part]) for one in samples if PREFIX + part in one]
        axes.plot([at for at, _ in seen], [size for _, size in seen], color=colour, label=label)
    warm_s = report["warmup_s"]
    axes.axvline(warm_s, color="0.6", linestyle="--", linewidth=0.8, label=f"{warm_s:,.0f} s")
    axes.set(xlabel="seconds", ylabel="MiB", title="Memory")
    from_zero(axes)
    axes.legend(loc="best")
