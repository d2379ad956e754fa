"""Describe a load and run it through the core's open-loop generator.

Example:
    >>> from trine.bench import LoadPlan
    >>> plan = LoadPlan(genesis={}, nodes=["http://127.0.0.1:8000"], rate_per_s=100, duration_s=5)
    >>> plan.warmup_s
    5
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from trine._core import load as core_load

#: Fields of a report that stand for the whole of it, beside those of other systems or rates.
SUMMARY_FIELDS: Final = (
    "scheduled_per_s",
    "offered_per_s",
    "finalized_per_s",
    "latency_ms",
    "cpu_us_per_tx_validator",
    "cpu_us_per_tx_loader",
    "rss_mib_max",
    "disk_bytes_per_tx",
    "send_delay_ms_max",
    "shortfall_percent",
    "unfinished",
    "refused",
)
#: Seconds before the measured window, where the caller names none.
WARMUP_S_DEFAULT = 5
#: Evidence entries of a transaction, where the caller names none.
ENTRIES_DEFAULT = 100


class Progress(NamedTuple):
    """How far a run is.

    Attributes:
        elapsed_s: Seconds since the start, warm-up included.
        total_s: Seconds that the run takes.
        finalized_per_s: Honest transactions that became final in the last whole second.
        waiting: Honest transactions sent and not final yet.
        audited: Payments that the audit after the load has looked up; `None` before it.
        signed: Transactions signed, while the load waits for them; `None` once it has begun.
    """

    elapsed_s: float
    total_s: float
    finalized_per_s: int
    waiting: int
    audited: int | None = None
    signed: int | None = None


@dataclass(frozen=True)
class LookupPlan:
    """How payments are looked up by their references, each with a proof that is verified.

    Attributes:
        per_s: Lookups a second while the load runs, of payments that have just become final.
        audit: Payments of the whole run that are looked up after it, as fast as nodes answer.
    """

    per_s: int
    audit: int


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """A load on a network.

    Attributes:
        genesis: Genesis document of the network; it names the generated accounts.
        nodes: Base URLs of the nodes; batches go to them in turn.
        rate_per_s: Transactions a second that are due, whatever the network does.
        duration_s: Seconds that are measured.
        warmup_s: Seconds before them.
        entries: Evidence entries of each transaction; `None` for transfers.
        hostile_percent: Hostile transactions for each 100 honest ones.
        presign: Whether all are signed before the first is due, so that signing takes no time from
            validators on the same machine.
        validator_pids: Processes of the validators, where they run on this machine.
        notary_keys: Secret keys of accounts with the role of notary, for evidence.
        fresh: Whether no account of the plan has sent anything yet.
        lookups: How the transfers are looked up, which carry a UETR each; `None` for transfers
            without references.
        data_folders: Where the validators store what they keep, where they run on this machine.
    """

    genesis: Mapping[str, Any]
    nodes: Sequence[str]
    rate_per_s: int
    duration_s: int
    warmup_s: int = WARMUP_S_DEFAULT
    entries: int | None = None
    hostile_percent: int = 0
    presign: bool = False
    validator_pids: Sequence[int] = ()
    notary_keys: Sequence[bytes] = field(default=(), repr=False)
    fresh: bool = True
    lookups: LookupPlan | None = None
    data_folders: Sequence[Path] = ()

    def to_json(self) -> bytes:
        """Write the plan for the core."""
        document = {
            "genesis": dict(self.genesis),
            "nodes": list(self.nodes),
            "rate_per_s": self.rate_per_s,
            "duration_s": self.duration_s,
            "warmup_s": self.warmup_s,
            "entries": self.entries,
            "hostile_percent": self.hostile_percent,
            "presign": self.presign,
            "validator_pids": list(self.validator_pids),
            "notary_keys": [list(key) for key in self.notary_keys],
            "fresh": self.fresh,
            "lookups": None if self.lookups is None else asdict(self.lookups),
        }
        return json.dumps(document).encode()


class Loader:
    """Accounts and connections of a load; they serve one run after another."""

    def __init__(self, plan: LoadPlan) -> None:
        """Derive the accounts; ask for their nonces where the plan is not `fresh`.

        Args:
            plan: What to send, to whom, how long.

        Raises:
            BadArgument: The plan is refused; the message names the field.
            CannotReachNode: A node does not answer.
        """
        self._core = core_load.Loader(plan.to_json())

    def run(
        self, rate_per_s: int, progress: Callable[[Progress], None] = lambda _: None
    ) -> dict[str, Any]:
        """Run the load to its end.

        Args:
            rate_per_s: Transactions a second that are due, instead of the plan's.
            progress: Called once a second; may raise to stop the run.

        Returns:
            The report, as `run_load`.

        Raises:
            BadArgument: The rate is refused.
        """

        def tell(*values: Any) -> bool:
            progress(Progress(*values))
            return True

        report: dict[str, Any] = json.loads(self._core.run(rate_per_s, tell))
        return report


def run_load(
    plan: LoadPlan, progress: Callable[[Progress], None] = lambda _: None
) -> dict[str, Any]:
    """Run a load to its end.

    Args:
        plan: What to send, to whom, how long.
        progress: Called once a second; may raise to stop the run.

    Returns:
        The report: `scheduled_per_s`, `offered_per_s`, `finalized_per_s`, `entries_per_s`,
        `latency_ms` (p50, p95, p99, max), `cpu_us_per_tx_validator`, `cpu_us_per_tx_loader`,
        `cpu_us_per_tx_signing`, `rss_mib_max`, `disk_bytes_per_tx`, `send_delay_ms_max`,
        `shortfall_percent`, `unfinished`, `refused`, `failed`, `hostile`, `seconds`,
        `distribution`, `hardware`, `version`, and `payments` where the plan has lookups. The
        values that need the validators' processes are `None` without `validator_pids`.

    Raises:
        BadArgument: The plan is refused; the message names the field.
        CannotReachNode: A node does not answer.
    """
    return Loader(plan).run(plan.rate_per_s, progress)
