"""Measure several systems in one session: find what each sustains, then measure there and at half.

Example:
    >>> from trine.bench.compare import find_peak
    >>> find_peak(lambda rate_per_s: rate_per_s <= 3_000)
    3000
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trine import __version__
from trine._core import load as core_load
from trine.bench.load import SUMMARY_FIELDS
from trine.bench.peers.system import NODES, Load, Network, System

RATE_FIRST_PER_S: Final = 1_000
"""Rate that a sweep offers first."""
STEPS_MAX: Final = 12
"""Rates that a sweep offers at most."""
RESOLUTION: Final = 1.15
"""Ratio of the lowest rate that was too much to the highest that was not, at which a sweep ends."""
SWEEP_TRIES_MAX: Final = 2
"""Windows at one rate of a sweep at most: other work on the machine may spoil one."""
SWEEP_WARMUP_S: Final = 2
"""Seconds before the window of each rate of a sweep."""
SWEEP_DURATION_S: Final = 5
"""Seconds of that window."""
WARMUP_S: Final = 3
"""Seconds before the window of the measurements that follow a sweep."""
PEAK_TRIES_MAX: Final = 4
"""Measurements at the peak at most: each at a lower rate, where the longer window showed that
the one before was too much."""
PEAK_STEP: Final = 0.9
"""Ratio of the rates of two such measurements."""
FINALIZED_SHARE_MIN: Final = 0.95
"""Share of the scheduled transactions that must become final within the window."""
P95_MS_MAX: Final = 2_000.0
"""Latency, in milliseconds, that 95 of 100 transactions must not exceed."""

Report = Mapping[str, Any]


def is_sustained(report: Report) -> bool:
    """Say whether a system kept up with what was offered."""
    finalized: float = report["finalized_per_s"]
    p95_ms: float = report["latency_ms"]["p95"]
    return finalized >= FINALIZED_SHARE_MIN * report["scheduled_per_s"] and p95_ms <= P95_MS_MAX


def find_peak(sustains: Callable[[int], bool]) -> int:
    """Find the highest rate that is sustained: by doubling or halving, then by bisection.

    Args:
        sustains: Offers a rate, in transactions a second, and says whether it was sustained.

    Returns:
        The rate; 0 where none was sustained.
    """
    low, high, rate = 0, 0, RATE_FIRST_PER_S
    for _ in range(STEPS_MAX):
        if sustains(rate):
            low = rate
        else:
            high = rate
        if low and high:
            if high <= max(low * RESOLUTION, low + 1):
                break
            rate = (low + high) // 2
        else:
            rate = 2 * low if low else high // 2
        if not rate:
            break
    return low


class _Session:
    """Runs loads on a system's nodes; on new ones when asked to."""

    def __init__(self, system: System, stack: contextlib.ExitStack) -> None:
        self._system = system
        self._nodes = stack.enter_context(contextlib.ExitStack())
        self._network: Network | None = None
        self.commands: Sequence[str] = ()

    def run(self, load: Load) -> Report:
        """Run a load to its end."""
        if self._network is None:
            self._network = self._nodes.enter_context(self._system.network())
            self.commands = self._network.commands
        report = self._network.run(load)
        return {name: report[name] for name in SUMMARY_FIELDS}

    def renew(self) -> None:
        """Stop the nodes: the next load meets new ones, without a backlog."""
        self._network = None
        self._nodes.close()


def measure_system(
    system: System, duration_s: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Find the peak of a system, then measure at it and at half of it, each on new nodes.

    Args:
        system: What to measure; nothing of it is missing.
        duration_s: Seconds of each of the two windows.
        tell: Called with a line about each load; may raise to stop the run.

    Returns:
        The system's part of the document: what it is, the sweep, the two reports `half` and
        `peak`; these are `None` where no rate was sustained.
    """
    sweep: list[Report] = []
    measured: dict[str, Report | None] = {"half": None, "peak": None}
    with contextlib.ExitStack() as stack:
        session = _Session(system, stack)

        def offer(rate_per_s: int, warmup_s: int, seconds: int) -> Report:
            report = session.run(Load(rate_per_s, warmup_s, seconds))
            tell(
                f"{system.title}: {rate_per_s:,} a second offered, "
                f"{report['finalized_per_s']:,.0f} final, p95 {report['latency_ms']['p95']:,.0f} ms"
            )
            return report

        def sustains(rate_per_s: int) -> bool:
            for _ in range(SWEEP_TRIES_MAX):
                report = offer(rate_per_s, SWEEP_WARMUP_S, SWEEP_DURATION_S)
                sweep.append(report)
                if is_sustained(report):
                    return True
                session.renew()
            return False

        peak_per_s = find_peak(sustains)
        for _ in range(PEAK_TRIES_MAX if peak_per_s else 0):
            session.renew()
            measured["peak"] = peak = offer(peak_per_s, WARMUP_S, duration_s)
            if is_sustained(peak):
                break
            peak_per_s = max(1, round(peak_per_s * PEAK_STEP))
        if measured["peak"] is not None:
            session.renew()
            half_per_s = max(1, round(measured["peak"]["scheduled_per_s"] / 2))
            measured["half"] = offer(half_per_s, WARMUP_S, duration_s)
        commands = list(session.commands)
    return {
        "name": system.name,
        "title": system.title,
        "signed": system.signed,
        "about": system.about,
        "version": system.version(),
        "commands": commands,
        "sweep": sweep,
        **measured,
    }


def compare(
    systems: Sequence[System],
    duration_s: int,
    command: str,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure systems one after another; those that this machine lacks are skipped.

    Args:
        systems: What to measure, in order.
        duration_s: Seconds of each measured window.
        command: Command line that asks for it, for the document.
        tell: Called with a line about each step; may raise to stop the run.

    Returns:
        The document: `command`, `hardware`, `version`, `nodes`, `sustained` (what that means),
        `systems` (of each what `measure_system` returns) and `skipped` (name, title and reason).
    """
    measured, skipped = [], []
    for system in systems:
        reason = system.missing()
        if reason is None:
            measured.append(measure_system(system, duration_s, tell))
        else:
            skipped.append({"name": system.name, "title": system.title, "reason": reason})
            tell(f"{system.title} is skipped: {reason}")
    return {
        "command": command,
        "hardware": core_load.hardware(),
        "version": __version__,
        "nodes": NODES,
        "sustained": {
            "finalized_share_min": FINALIZED_SHARE_MIN,
            "p95_ms_max": P95_MS_MAX,
            "window_s": SWEEP_DURATION_S,
        },
        "systems": measured,
        "skipped": skipped,
    }
