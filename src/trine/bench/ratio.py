"""Set a report against earlier ones: the ratio of every figure.

Example:
    >>> from trine.bench.ratio import METRICS, ratio_of
    >>> METRICS[0].name, ratio_of(5_000.0, 7_500.0)
    ('finalized_per_s', 1.5)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trine.errors import BadArgument, UnreadableFile

LOADS: Final = ("half", "peak")
"""Reports of each system in the document of a comparison."""


class Metric(NamedTuple):
    """A figure of a report.

    Attributes:
        name: Where it stands in the report; `latency_ms.p50` is in a table of its own.
        title: Its name for people.
        unit: Its unit.
        is_rate: Whether more is better; of all others less is.
    """

    name: str
    title: str
    unit: str
    is_rate: bool = False

    def of(self, report: Mapping[str, Any]) -> float | None:
        """Read the figure; `None` where it was not measured."""
        table, _, name = self.name.rpartition(".")
        value = (report[table] if table else report)[name]
        return None if value is None else float(value)


METRICS: Final = (
    Metric("finalized_per_s", "Finalized and durable", "tx/s", is_rate=True),
    Metric("latency_ms.p50", "Latency p50", "ms"),
    Metric("latency_ms.p95", "Latency p95", "ms"),
    Metric("latency_ms.p99", "Latency p99", "ms"),
    Metric("cpu_us_per_tx_validator", "CPU a transaction and validator", "µs"),
    Metric("cpu_us_per_tx_loader", "CPU a transaction, loader", "µs"),
    Metric("rss_mib_max", "Memory of the largest validator", "MiB"),
    Metric("disk_bytes_per_tx", "Disk a transaction and validator", "bytes"),
)
"""Figures that are compared."""


class Ratio(NamedTuple):
    """A figure before and after.

    Attributes:
        of: What was measured: empty for a load, else system and load.
        metric: Which figure.
        before: Figure of the earlier report.
        after: Figure of the newer one.
    """

    of: str
    metric: Metric
    before: float | None
    after: float | None

    @property
    def ratio(self) -> float | None:
        """Newer figure divided by the earlier one; `None` where one is missing or zero."""
        return ratio_of(self.before, self.after)

    @property
    def is_better(self) -> bool | None:
        """Whether the newer figure is the better one; `None` where neither is."""
        if self.ratio is None or self.ratio == 1:
            return None
        return (self.ratio > 1) == self.metric.is_rate

    def to_json(self) -> dict[str, Any]:
        """Write the ratio for a document."""
        figures = {"before": self.before, "after": self.after, "ratio": self.ratio}
        names = {"of": self.of, "name": self.metric.name, "unit": self.metric.unit}
        return {**names, **figures, "is_better": self.is_better}


def ratio_of(before: float | None, after: float | None) -> float | None:
    """Divide the newer figure by the earlier one, where both are measured and it can be done."""
    return after / before if before and after is not None else None


def read_reports(file: Path) -> dict[str, Mapping[str, Any]]:
    """Read the reports of a file that `trine bench load` or `trine bench compare` wrote.

    Returns:
        Reports by what they measured: the empty name for a load, else system and load.

    Raises:
        UnreadableFile: The file is missing or is none of these.
    """
    try:
        document = json.loads(file.read_bytes())
        reports = _reports(document)
        for report in reports.values():
            for metric in METRICS:
                metric.of(report)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{file}: {reason}", instance=str(file)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"{file} is no report of `trine bench load --out` or `trine bench compare --out`"
        raise UnreadableFile(message, instance=str(file)) from None
    return reports


def _reports(document: Any) -> dict[str, Mapping[str, Any]]:
    if "systems" not in document:
        return {"": document}
    return {
        f"{system['title']}, {load}": system[load]
        for system in document["systems"]
        for load in LOADS
        if system[load] is not None
    }


def ratios(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[Ratio]:
    """Compare what both sets of reports measured.

    Raises:
        BadArgument: They have nothing in common.
    """
    common = [name for name in after if name in before]
    if not common:
        raise BadArgument(
            "baseline and result have nothing in common: give two files of `trine bench load`, "
            "or two of `trine bench compare` with a system that stands in both"
        )
    return [
        Ratio(name, metric, metric.of(before[name]), metric.of(after[name]))
        for name in common
        for metric in METRICS
    ]
