"""Hurt a network while clients write to it, and check that nothing acknowledged is lost.

In the style of Jepsen: writers note what each node acknowledged and when, faults come by a plan
that a seed decides, and at the end every node's whole chain is compared with the notes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from trine.client import Client
from trine.crypto import SigningKey
from trine.errors import CannotReachNode, NotFinalizing, TrineError
from trine.types import LogCreate
from trine.types.identifiers import Height

FAULT_S: Final = 6.0
"""Seconds that a fault lasts."""
REST_S: Final = 9.0
"""Seconds from one fault's end to the next fault."""
SETTLE_S: Final = 60.0
"""Seconds in which all nodes must have the same chain after the last fault."""
SAMPLE_MAX: Final = 200
"""Acknowledged records that are looked up on every node."""
POLL_S: Final = 0.1
RETRY_S: Final = 0.2
"""Seconds that a writer waits after an error."""


class Hosts(Protocol):
    """The nodes of a network, and how to start one."""

    @property
    def urls(self) -> Mapping[str, str]:
        """URLs by the names of the nodes."""

    def pid(self, name: str) -> int:
        """Process of a node that runs."""

    def start(self, name: str) -> None:
        """Start a node that does not run."""

    def data(self, name: str) -> Path:
        """Folder of what the node stores."""


@dataclass(frozen=True)
class Fault:
    """What happens to whom, and when.

    Attributes:
        kind: Key of `KINDS`.
        targets: Names of nodes.
        at_s: Seconds since the start of the load.
        seconds: How long it lasts.
    """

    kind: str
    targets: tuple[str, ...]
    at_s: float
    seconds: float


KINDS: Final = {
    "kill": "kill -9, started again",
    "stop": "stopped (SIGSTOP), then continued",
    "kill-all": "kill -9 of all at once, started again",
    "lose-disk": "kill -9, its data removed, started again",
}
"""Kinds of faults, in the order in which they come."""


def plan_faults(names: Sequence[str], duration_s: float, seed: int) -> list[Fault]:
    """Say which faults come when; the same seed gives the same.

    Args:
        names: Names of the nodes.
        duration_s: How long the load lasts; the last fault is over a rest before.
        seed: Decides whom each fault hits.
    """
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    found: list[Fault] = []
    at_s = REST_S
    while at_s + FAULT_S + REST_S <= duration_s:
        kind = list(KINDS)[len(found) % len(KINDS)]
        targets = tuple(names) if kind == "kill-all" else (chance.choice(names),)
        found.append(Fault(kind, targets, at_s, FAULT_S))
        at_s += FAULT_S + REST_S
    return found


@dataclass
class Record:
    """One record that a writer sent.

    Attributes:
        name: Name of the log that it made.
        sent_s: When it was sent, in seconds since the start of the load.
        done_s: When the answer came.
        id: Identifier of its transaction, where it was acknowledged.
        height: Height that was acknowledged.
        code: Code of the error, where it was not.
    """

    name: str
    sent_s: float
    done_s: float = 0.0
    id: str | None = None
    height: int | None = None
    code: str | None = None


@dataclass
class Writer(threading.Thread):
    """Writes one record after the other and notes what was acknowledged."""

    organisation: str
    urls: list[str]
    key: SigningKey
    started: float
    stop: threading.Event
    records: list[Record] = field(default_factory=list)
    prefix: str | None = None
    """Begin of the records' names; the organisation's name where `None`."""

    def __post_init__(self) -> None:
        super().__init__(name=f"writer-{self.organisation}", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Write until it is told to stop."""
        with Client(self.urls, key=self.key) as client:
            while not self.stop.is_set():
                name = f"{self.prefix or self.organisation}-{len(self.records)}"
                record = Record(name, time.monotonic() - self.started)
                self.records.append(record)
                try:
                    done = client.submit(LogCreate(name=name))
                    record.id, record.height = str(done.id), int(done.height)
                except TrineError as error:
                    record.code = error.code
                    self.stop.wait(RETRY_S)
                record.done_s = time.monotonic() - self.started


class _Injector(threading.Thread):
    """Makes the planned faults happen."""

    def __init__(self, hosts: Hosts, faults: Sequence[Fault], started: float) -> None:
        super().__init__(name="faults", daemon=True)
        self.hosts, self.faults, self.started = hosts, faults, started
        self.trouble: BaseException | None = None

    def run(self) -> None:
        """Hurt and heal, one fault after the other."""
        try:
            for fault in self.faults:
                self._wait(fault.at_s)
                self._hurt(fault)
                self._wait(fault.at_s + fault.seconds)
                self._heal(fault)
        except (OSError, TrineError) as error:
            self.trouble = error

    def _wait(self, at_s: float) -> None:
        time.sleep(max(0.0, self.started + at_s - time.monotonic()))

    def _hurt(self, fault: Fault) -> None:
        number = signal.SIGSTOP if fault.kind == "stop" else signal.SIGKILL
        for pid in [self.hosts.pid(name) for name in fault.targets]:
            os.kill(pid, number)

    def _heal(self, fault: Fault) -> None:
        for name in fault.targets:
            if fault.kind == "stop":
                os.kill(self.hosts.pid(name), signal.SIGCONT)
                continue
            if fault.kind == "lose-disk":
                shutil.rmtree(self.hosts.data(name))
            self.hosts.start(name)


def run_faults(
    hosts: Hosts,
    keys: Mapping[str, SigningKey],
    duration_s: float,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write to a network while faults happen, then check it.

    Args:
        hosts: The network.
        keys: A key of an administrator or notary by organisation; one writer for each.
        duration_s: How long.
        seed: Decides the faults.
        tell: Gets a line of progress now and then.

    Returns:
        `seed`, `seconds`, `faults` (with `gap_ms`, the longest time without a block that ended
        before the next fault), `acknowledged`, `unknown` (codes of what was not
        acknowledged), `recovered` (whether anything was acknowledged after the last fault), `lost`,
        `doubled`, `different` (heights at which nodes disagree), `missing`
        (of `looked_up` records on every node), `heights`, `gap_ms_max` and `per_second`.

    Raises:
        NotFinalizing: The nodes do not come to one chain after the last fault.
    """
    names = list(hosts.urls)
    faults = plan_faults(names, duration_s, seed)
    started, stop = time.monotonic(), threading.Event()
    started_ms = time.time_ns() // 1_000_000
    writers = []
    for place, (organisation, key) in enumerate(keys.items()):
        # Each prefers another node, and falls back on the rest.
        urls = list(hosts.urls.values())
        urls = urls[place % len(urls) :] + urls[: place % len(urls)]
        writers.append(Writer(organisation, urls, key, started, stop))
    injector = _Injector(hosts, faults, started)
    for thread in (*writers, injector):
        thread.start()
    while time.monotonic() - started < duration_s:
        time.sleep(1)
        elapsed = time.monotonic() - started
        current = [one for one in faults if one.at_s <= elapsed < one.at_s + one.seconds]
        fault = ", ".join(f"{one.kind} {' '.join(one.targets)}" for one in current) or "no fault"
        final = sum(one.id is not None for writer in writers for one in list(writer.records))
        tell(f"{elapsed:.0f} of {duration_s:.0f} s: {final} acknowledged; {fault}")
    stop.set()
    for thread in (injector, *writers):
        thread.join()
    if injector.trouble is not None:
        raise injector.trouble
    tell("comparing what every node has with what was acknowledged")
    records = [record for writer in writers for record in writer.records]
    chains = _chains(hosts)
    ends_s = max((one.at_s + one.seconds for one in faults), default=0.0)
    recovered = any(record.id is not None and record.done_s > ends_s for record in records)
    report = check_records(records, chains) | _look_up(hosts, writers) | {"recovered": recovered}
    gaps = _gaps(next(iter(chains.values())), started_ms, duration_s)
    return {
        "seed": seed,
        "seconds": duration_s,
        "faults": [
            _fault(one, after.at_s if after else duration_s, gaps)
            for one, after in zip(faults, [*faults[1:], None], strict=True)
        ],
        **report,
        "gap_ms_max": max((gap_ms for _, gap_ms in gaps), default=0),
        "per_second": _per_second(records, duration_s),
    }


@dataclass(frozen=True)
class Chain:
    """What one node has: digest, time and transactions of every block."""

    digests: list[str]
    times_ms: list[int]
    transactions: dict[str, list[int]]


def _chains(hosts: Hosts) -> dict[str, Chain]:
    """Read the chain of every node up to one height that all have."""
    clients = {name: Client(url) for name, url in hosts.urls.items()}
    try:
        top = _settle(clients)
        return {name: read_chain(client, top) for name, client in clients.items()}
    finally:
        for client in clients.values():
            client.close()


def _settle(clients: Mapping[str, Client]) -> int:
    """Wait until every node has what the first to be asked had."""
    deadline = time.monotonic() + SETTLE_S
    goal: int | None = None
    while time.monotonic() < deadline:
        heights: dict[str, int] = {}
        with contextlib.suppress(TrineError):
            heights = {name: int(client.status().height) for name, client in clients.items()}
        if len(heights) == len(clients):
            goal = max(heights.values()) if goal is None else goal
            if min(heights.values()) >= goal:
                return goal
        time.sleep(POLL_S)
    raise NotFinalizing(f"the nodes have no common chain {SETTLE_S:.0f} s after the last fault")


def read_chain(client: Client, top: int) -> Chain:
    """Read every block of a node up to a height."""
    digests, times_ms, transactions = [], [], dict[str, list[int]]()
    for height in range(1, top + 1):
        block = client.block(Height(height))
        digests.append(str(block.digest))
        times_ms.append(int(block.time_ms))
        for id_ in block.transactions:
            transactions.setdefault(str(id_), []).append(height)
    return Chain(digests, times_ms, transactions)


def check_records(records: Sequence[Record], chains: Mapping[str, Chain]) -> dict[str, Any]:
    """Compare the notes of the writers with the chains."""
    acknowledged = [record for record in records if record.id is not None]
    lost = {
        record.name
        for record in acknowledged
        for chain in chains.values()
        if chain.transactions.get(str(record.id)) != [record.height]
    }
    doubled = {
        id_
        for chain in chains.values()
        for id_, heights in chain.transactions.items()
        if len(heights) > 1
    }
    digests = zip(*(chain.digests for chain in chains.values()), strict=True)
    different = [height for height, at in enumerate(digests, 1) if len(set(at)) > 1]
    codes = [record.code for record in records if record.code is not None]
    return {
        "acknowledged": len(acknowledged),
        "unknown": {code: codes.count(code) for code in sorted(set(codes))},
        "lost": sorted(lost),
        "doubled": sorted(doubled),
        "different": different,
        "heights": len(next(iter(chains.values())).digests),
    }


def _look_up(hosts: Hosts, writers: Sequence[Writer]) -> dict[str, Any]:
    """Look for a sample of acknowledged records in the state of every node."""
    missing, looked_up = [], 0
    for node, url in hosts.urls.items():
        with Client(url) as client:
            for writer in writers:
                names = [record.name for record in writer.records if record.id]
                count, absent = missing_logs(client, writer.organisation, names)
                looked_up += count
                missing += [f"{name} on {node}" for name in absent]
    return {"looked_up": looked_up // len(hosts.urls), "missing": missing}


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


def _gaps(chain: Chain, started_ms: int, duration_s: float) -> list[tuple[float, int]]:
    """Give the times between blocks of the load: the begin in seconds, and the length."""
    times = [one - started_ms for one in chain.times_ms]
    pairs = itertools.pairwise([*times, 1_000 * duration_s])
    return [
        (before / 1_000, round(after - before))
        for before, after in pairs
        if after >= 0 and before <= 1_000 * duration_s
    ]


def _fault(fault: Fault, until_s: float, gaps: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """Describe a fault, with the longest time without a block that ended before `until_s`."""
    during = [gap_ms for at_s, gap_ms in gaps if fault.at_s <= at_s + gap_ms / 1_000 < until_s]
    return {
        "kind": fault.kind,
        "what": KINDS[fault.kind],
        "targets": list(fault.targets),
        "at_s": fault.at_s,
        "until_s": fault.at_s + fault.seconds,
        "gap_ms": max(during, default=0),
    }


def _per_second(records: Sequence[Record], duration_s: float) -> list[int]:
    counts = [0] * int(duration_s)
    for record in records:
        if record.id is not None and record.done_s < len(counts):
            counts[int(record.done_s)] += 1
    return counts


def problems(report: Mapping[str, Any]) -> list[str]:
    """Say what a run found that must not be; nothing after a good one."""
    names = {
        "lost": "acknowledged records are not final as acknowledged",
        "doubled": "transactions are final more than once",
        "different": "heights differ between nodes",
        "missing": "acknowledged records are missing in a node's state",
    }
    found = [f"{len(report[name]):,} {text}" for name, text in names.items() if report[name]]
    return found if report["recovered"] else [*found, "nothing became final after the last fault"]
