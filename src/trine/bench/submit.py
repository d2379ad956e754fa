"""Measure how many transactions a second a Python program submits: built, signed, posted, final.

Example:
    >>> from trine.bench.submit import SubmitReport
    >>> SubmitReport(count=10, seconds=2.0, cpu_s=0.001, failed={}).per_core_per_s
    10000.0
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trine._core import genesis as core_genesis
from trine.client import AsyncClient, Sender, TransactionSummary
from trine.crypto import SecretKey
from trine.types import Address, Amount, AssetId, AssetTransfer

#: The asset of which a genesis gives something to the accounts that it generates.
PRIMARY = AssetId(1)
#: Seconds that one round of transactions may take.
TIMEOUT_S = 300.0


@dataclass(frozen=True, kw_only=True)
class SubmitReport:
    """What submitting cost.

    Attributes:
        count: Transactions that became final, with whatever outcome.
        seconds: From the first call that was made to the last result.
        cpu_s: CPU time of this process in that time: the client, all of its threads.
        failed: Results that are no success, by code.
    """

    count: int
    seconds: float
    cpu_s: float
    failed: Mapping[str, int] = field(default_factory=dict)

    @property
    def per_s(self) -> float:
        """Transactions a second, on this network."""
        return self.count / self.seconds

    @property
    def cpu_us_per_tx(self) -> float:
        """CPU time of the client for a transaction."""
        return self.cpu_s * 1e6 / max(self.count, 1)

    @property
    def per_core_per_s(self) -> float:
        """Transactions a second that the client submits when it has one core to itself."""
        return self.count / self.cpu_s

    def document(self) -> dict[str, Any]:
        """Give the report as JSON has it."""
        return {
            "count": self.count,
            "seconds": self.seconds,
            "per_s": self.per_s,
            "cpu_us_per_tx_client": self.cpu_us_per_tx,
            "per_core_per_s_client": self.per_core_per_s,
            "failed": dict(self.failed),
        }


def measure_submit(
    genesis: Mapping[str, Any],
    nodes: Sequence[str],
    *,
    count: int,
    senders: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SubmitReport:
    """Submit transfers among generated accounts through `AsyncClient.submit_many`.

    Before, each account sends one transaction, so that its nonces are known. Making the calls is
    measured too.

    Args:
        genesis: Genesis document of the network; it names the generated accounts.
        nodes: Base URLs of the nodes.
        count: Transactions that are measured.
        senders: Accounts that send; each has at most 128 transactions on their way.
        progress: Called with how many are final, and of how many.

    Raises:
        BadArgument: The genesis generates fewer accounts.
        CannotReachNode: No node answers.
    """
    keys = core_genesis.generated_keys(json.dumps(genesis).encode(), senders)
    all_senders = [Sender(SecretKey.of_core(key)) for key in keys]
    for sender in all_senders:
        sender.meet(str(genesis["suite"]))
    return asyncio.run(_measure(nodes, all_senders, count, progress))


async def _measure(
    nodes: Sequence[str],
    senders: list[Sender],
    count: int,
    progress: Callable[[int, int], None],
) -> SubmitReport:
    addresses = [sender.address for sender in senders]
    async with AsyncClient(nodes) as client:
        await client.submit_many(
            [transfer(addresses, place) for place in range(len(senders))],
            senders=senders,
            timeout_s=TIMEOUT_S,
        )
        started, cpu_started = time.perf_counter(), time.process_time()
        turns = [senders[place % len(senders)] for place in range(count)]
        results = await client.submit_many(
            [transfer(addresses, place) for place in range(count)],
            senders=turns,
            timeout_s=TIMEOUT_S,
            progress=progress,
        )
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    final = [one for one in results if isinstance(one, TransactionSummary)]
    failed = Counter(one.code for one in results if not _is_ok(one))
    return SubmitReport(count=len(final), seconds=seconds, cpu_s=cpu_s, failed=failed)


def _is_ok(result: object) -> bool:
    return isinstance(result, TransactionSummary) and result.is_ok


def transfer(addresses: Sequence[Address], place: int) -> AssetTransfer:
    """Make the transfer of one unit from the account whose turn it is to the next one."""
    return AssetTransfer(PRIMARY, addresses[(place + 1) % len(addresses)], Amount(1))
