"""Load one network at one rate after the other: what it finalizes, and how soon.

Example:
    >>> from trine.bench.sweep import keeps_up
    >>> report = {"offered_per_s": 1_000.0, "finalized_per_s": 995.0, "latency_ms": {"p95": 80.0}}
    >>> keeps_up(report, duration_s=30)
    True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from trine import __version__
from trine.bench.load import SUMMARY_FIELDS, Loader, LoadPlan, Progress

#: Share of the offered transactions that a network which keeps up finalizes in the same time.
FINALIZED_SHARE_MIN: Final = 0.99
#: Latency, in milliseconds, below which 95 of 100 transactions of such a network stay.
P95_MS_MAX: Final = 500.0
#: Fields of each report that a sweep keeps.
FIELDS: Final = (*SUMMARY_FIELDS, "cpu_us_per_tx_signing", "failed")


def keeps_up(report: Mapping[str, Any], duration_s: int) -> bool:
    """Say whether the network finalized what was offered, and soon.

    One transaction may stand on the border of the window: at the lowest rates it is more than the
    share that may be missing.

    Args:
        report: What a load measured.
        duration_s: Seconds that it measured.
    """
    offered = report["offered_per_s"] * duration_s
    finalized = report["finalized_per_s"] * duration_s
    p95_ms: float = report["latency_ms"]["p95"]
    return bool(finalized >= FINALIZED_SHARE_MIN * offered - 1 and p95_ms < P95_MS_MAX)


def measure_sweep(
    plan: LoadPlan,
    rates_per_s: Sequence[int],
    *,
    progress: Callable[[int, Progress], None] = lambda _rate, _progress: None,
    each: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Load a network at each rate; every run waits for what the one before left on its way.

    Args:
        plan: To whom, how long each, from whom; its rate is not used.
        rates_per_s: Transactions a second, in the order in which they are offered.
        progress: Called once a second with the rate; may raise to stop.
        each: Called with the figures of each rate.

    Returns:
        The report: `rates` (for each rate the figures of `FIELDS` and `keeps_up`),
        `keeps_up_per_s` (the highest rate at which the network keeps up; `None` without one),
        `duration_s`, `warmup_s`, `hardware`, `version`.

    Raises:
        BadArgument: The plan or a rate is refused; the message names the field.
        CannotReachNode: A node does not answer.
    """
    # One loader: the accounts' nonces go on from rate to rate.
    loader = Loader(plan)
    rows: list[dict[str, Any]] = []
    hardware = ""
    for rate in rates_per_s:
        report = loader.run(rate, partial(progress, rate))
        row = {name: report[name] for name in FIELDS}
        row["keeps_up"] = keeps_up(report, plan.duration_s)
        rows.append(row)
        hardware = report["hardware"]
        each(row)
    borne = [int(row["scheduled_per_s"]) for row in rows if row["keeps_up"]]
    return {
        "version": __version__,
        "hardware": hardware,
        "duration_s": plan.duration_s,
        "warmup_s": plan.warmup_s,
        "keeps_up_per_s": max(borne, default=None),
        "rates": rows,
    }
