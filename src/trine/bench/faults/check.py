"""Compare what was acknowledged with what the nodes have."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trine.bench.faults.clients import Record
from trine.bench.faults.evidence import FOUND
from trine.bench.faults.order import out_of_order
from trine.client import Client
from trine.errors import CannotReachNode, NotFinalizing, TrineError
from trine.types.identifiers import Height

SETTLE_S: Final = 60.0
"""Seconds in which all nodes must have the same chain after the last fault."""
SAMPLE_MAX: Final = 200
"""Acknowledged records that are looked up on every node."""
POLL_S: Final = 0.1


@dataclass(frozen=True)
class Chain:
    """What one node has: digest and transactions of every block.

    Attributes:
        transactions: Heights of each transaction, with its place in the block.
    """

    digests: list[str]
    transactions: dict[str, list[tuple[int, int]]]


def settle(clients: Mapping[str, Client]) -> int:
    """Wait until every node has what the first to be asked had; returns its height.

    Raises:
        NotFinalizing: They do not come to one height.
    """
    deadline = time.monotonic() + SETTLE_S
    goal: int | None = None
    heights: dict[str, int] = {}
    while time.monotonic() < deadline:
        heights = {}
        for name, client in clients.items():
            try:
                heights[name] = int(client.status().height)
            except TrineError:
                break
        if len(heights) == len(clients):
            goal = max(heights.values()) if goal is None else goal
            if min(heights.values()) >= goal:
                return goal
        time.sleep(POLL_S)
    where = ", ".join(f"{name} at {height}" for name, height in heights.items()) or "none answers"
    message = f"the nodes have no common chain {SETTLE_S:.0f} s after the last fault: {where}"
    raise NotFinalizing(message)


def read_chain(client: Client, top: int) -> Chain:
    """Read every block of a node up to a height."""
    digests = []
    transactions: dict[str, list[tuple[int, int]]] = {}
    for height in range(1, top + 1):
        block = client.block(Height(height))
        digests.append(str(block.digest))
        for place, id_ in enumerate(block.transactions):
            transactions.setdefault(str(id_), []).append((height, place))
    return Chain(digests, transactions)


def check_records(records: Sequence[Record], chains: Mapping[str, Chain]) -> dict[str, Any]:
    """Compare the notes of the writers with the chains."""
    acknowledged = [record for record in records if record.id is not None]
    lost = {
        record.name
        for record in acknowledged
        for chain in chains.values()
        if [height for height, _ in chain.transactions.get(str(record.id), [])] != [record.height]
    }
    doubled = {
        id_
        for chain in chains.values()
        for id_, places in chain.transactions.items()
        if len(places) > 1
    }
    digests = zip(*(chain.digests for chain in chains.values()), strict=True)
    different = [height for height, at in enumerate(digests, 1) if len(set(at)) > 1]
    codes = [record.code for record in records if record.code is not None]
    first = next(iter(chains.values()))
    placed = [
        (first.transactions[str(record.id)][0], record)
        for record in acknowledged
        if str(record.id) in first.transactions
    ]
    return {
        "acknowledged": len(acknowledged),
        "unknown": {code: codes.count(code) for code in sorted(set(codes))},
        "lost": sorted(lost),
        "doubled": sorted(doubled),
        "different": different,
        "reordered": out_of_order(placed),
        "heights": len(first.digests),
    }


def missing_logs(client: Client, organisation: str, names: Sequence[str]) -> tuple[int, list[str]]:
    """Look for a sample of logs in the state of a node.

    Returns:
        How many were looked for, and the names of those that are not there.
    """
    sample = names[:: max(1, len(names) // SAMPLE_MAX)]
    missing = []
    for name in sample:
        try:
            client.log(f"{organisation}/{name}")
        except CannotReachNode:
            raise
        except TrineError:
            missing.append(name)
    return len(sample), missing


def problems(report: Mapping[str, Any]) -> list[str]:
    """Say what a run found that must not be; nothing after a good one."""
    names = {
        "lost": "acknowledged records are not final as acknowledged",
        "doubled": "transactions are final more than once",
        "different": "heights differ between nodes",
        "reordered": "records stand before one that was acknowledged before they were sent",
        "missing": "acknowledged records are missing in a node's state",
        "stale": "records were missing on a node that said it had their block",
    }
    found = [f"{len(report[name]):,} {text}" for name, text in names.items() if report[name]]
    logs = report["evidence"]
    found += [f"{len(logs[name]):,} {text}" for name, text in FOUND.items() if logs[name]]
    return found if report["recovered"] else [*found, "nothing became final after the last fault"]
