"""Turn what a peer's loader saw into a report with the fields of Trine's own loader."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from trine._core import load as core_load
from trine.bench.peers.processes import Usage, memory_mib, usage
from trine.bench.peers.system import Load

LATE_S = 0.1
"""Delay, in seconds, from which a transaction counts as not sent in time."""


class Trip(NamedTuple):
    """The way of one transaction; times in seconds since the start of the load.

    Attributes:
        due_s: When it was due.
        final_s: When a node reported it final and durable; `None` where none did.
        delay_s: Time between due and sent.
        refused: Why a node refused it; `None` where none did.
    """

    due_s: float
    final_s: float | None
    delay_s: float
    refused: str | None = None


class Meter:
    """What the nodes and the loader use between the ends of the measured window."""

    def __init__(self, pids: Sequence[int], loader_cpu_s: Callable[[], float]) -> None:
        """Measure nothing yet.

        Args:
            pids: One process of each node; descendants count with it.
            loader_cpu_s: Reads the CPU time of the loader.
        """
        self._pids = pids
        self._loader_cpu_s = loader_cpu_s
        self._ends: list[tuple[Usage, float]] = []
        self._mib_max = 0.0

    def mark(self) -> None:
        """Note an end of the window: call it at the first and at the last."""
        self._ends.append((usage(self._pids), self._loader_cpu_s()))
        self._mib_max = max([self._mib_max, *(memory_mib(pid) for pid in self._pids)])

    def costs(self, finalized: int) -> dict[str, float]:
        """Share the costs of the window among transactions and nodes."""
        (first, loader_first), (last, loader_last) = self._ends
        count, nodes = max(finalized, 1), len(self._pids)
        written = last.written_bytes - first.written_bytes
        return {
            "cpu_us_per_tx_validator": (last.cpu_s - first.cpu_s) * 1e6 / count / nodes,
            "cpu_us_per_tx_loader": (loader_last - loader_first) * 1e6 / count,
            "rss_mib_max": self._mib_max,
            "disk_bytes_per_tx": written / count / nodes,
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that `share` of the ordered values do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def report(load: Load, trips: Sequence[Trip], meter: Meter, version: str) -> dict[str, Any]:
    """Make the report.

    Rates are of what became final in the window; latencies of what was due in it.

    Args:
        load: What was asked for.
        trips: What was sent in the whole run.
        meter: Costs of the window.
        version: Version of the peer.
    """
    start_s, end_s = load.warmup_s, load.total_s
    due = [trip for trip in trips if start_s <= trip.due_s < end_s]
    latencies_ms = sorted(
        1e3 * (trip.final_s - trip.due_s) for trip in due if trip.final_s is not None
    )
    finalized = sum(trip.final_s is not None and start_s <= trip.final_s < end_s for trip in trips)
    scheduled = load.rate_per_s * load.duration_s
    late_or_never = scheduled - sum(trip.delay_s <= LATE_S for trip in due)
    return {
        "scheduled_per_s": float(load.rate_per_s),
        "offered_per_s": len(due) / load.duration_s,
        "finalized_per_s": finalized / load.duration_s,
        "latency_ms": {
            "p50": quantile(latencies_ms, 0.50),
            "p95": quantile(latencies_ms, 0.95),
            "p99": quantile(latencies_ms, 0.99),
            "max": quantile(latencies_ms, 1.0),
        },
        **meter.costs(finalized),
        "send_delay_ms_max": 1e3 * max((trip.delay_s for trip in due), default=0.0),
        "shortfall_percent": 100 * max(0, late_or_never) / scheduled,
        "unfinished": sum(trip.final_s is None and trip.refused is None for trip in due),
        "refused": dict(Counter(trip.refused for trip in trips if trip.refused is not None)),
        "hardware": core_load.hardware(),
        "version": version,
    }
