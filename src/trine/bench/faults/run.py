"""Let faults happen to a network under load, and check it afterwards."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trine.bench.faults.appending import Append, EvidenceWriter
from trine.bench.faults.check import Chain, check_records, missing_logs, read_chain, settle
from trine.bench.faults.clients import Reader, Record
from trine.bench.faults.copies import Copies, read_copies
from trine.bench.faults.evidence import check_evidence
from trine.bench.faults.hosts import Hosts
from trine.bench.faults.plan import KINDS, Campaign, Fault
from trine.client import Trust
from trine.crypto import SigningKey

FIRST_LOG = "default"
"""Name of the log with which every organisation starts."""


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
                self.hosts.hurt(fault)
                self._wait(fault.until_s)
                self.hosts.heal(fault)
        except BaseException as error:
            # Whatever it is: a run whose faults did not happen proves nothing.
            self.trouble = error

    def _wait(self, at_s: float) -> None:
        time.sleep(max(0.0, self.started + at_s - time.monotonic()))


def run_faults(
    hosts: Hosts,
    keys: Mapping[str, SigningKey],
    trust: Trust,
    campaign: Campaign,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write to a network while faults happen, then check it.

    Args:
        hosts: The network.
        keys: A key of an administrator who is a notary by organisation; one writer for each.
        trust: Whom to believe about the chain.
        campaign: What happens, and how long the load lasts.
        tell: Gets a line of progress now and then.

    Returns:
        `nodes`, `seed`, `seconds`, `faults` (with `gap_ms`, the longest time in which no client saw
        a new block on any node, and which ended before the next fault), `acknowledged`, `unknown`
        (codes of what was not acknowledged), `recovered` (whether anything was acknowledged after
        the last fault), `lost`, `doubled`, `different` (heights at which nodes disagree),
        `reordered`, `missing` (of `looked_up` records on every node), `stale` (of `read` reads),
        `heights`, `gap_ms_max`, `per_second` and `evidence` (what `check_evidence` found).

    Raises:
        NotFinalizing: The nodes do not come to one chain after the last fault.
    """
    names, duration_s = list(hosts.urls), campaign.duration_s
    faults = campaign.faults(names)
    started, stop = time.monotonic(), threading.Event()
    first_logs = _first_logs(hosts, list(keys))
    writers = _writers(hosts, keys, first_logs, started, stop)
    readers = [
        Reader(name, functools.partial(hosts.client, [url]), writers, campaign.seed)
        for name, url in hosts.urls.items()
    ]
    injector = _Injector(hosts, faults, started)
    for thread in (*writers, *readers, injector):
        thread.start()
    while time.monotonic() - started < duration_s and injector.trouble is None:
        time.sleep(1)
        _tell(tell, time.monotonic() - started, duration_s, faults, writers)
    stop.set()
    for one in (injector, *writers, *readers):
        one.join()
    if injector.trouble is not None:
        raise injector.trouble
    tell("reading every node's chain and its evidence logs")
    records = [record for writer in writers for record in writer.records]
    chains, copies = _read(hosts, trust)
    tell("comparing what every node has with what was acknowledged")
    by_writer = {writer.organisation: writer.records for writer in writers}
    ends_s = max((one.until_s for one in faults), default=0.0)
    gaps = seen_gaps([seen for reader in readers for seen in reader.heights], duration_s)
    return {
        "nodes": names,
        "seed": campaign.seed,
        "seconds": duration_s,
        "faults": [
            _fault(one, after.at_s if after else duration_s, gaps)
            for one, after in zip(faults, [*faults[1:], None], strict=True)
        ],
        **check_records(records, chains),
        **_look_up(hosts, writers),
        "evidence": check_evidence(by_writer, copies, first_logs, trust.suite),
        "read": sum(reader.read for reader in readers),
        "stale": [one for reader in readers for one in reader.stale],
        "recovered": any(one.id is not None and one.done_s > ends_s for one in records),
        "gap_ms_max": max((gap_ms for _, gap_ms in gaps), default=0),
        "per_second": _per_second(records, duration_s),
    }


def _first_logs(hosts: Hosts, organisations: Sequence[str]) -> dict[tuple[str, str], int]:
    """Find the number of the log with which each organisation starts."""
    with hosts.client(list(hosts.urls.values())) as client:
        return {
            (name, FIRST_LOG): int(client.log(f"{name}/{FIRST_LOG}").id) for name in organisations
        }


def _writers(
    hosts: Hosts,
    keys: Mapping[str, SigningKey],
    first_logs: Mapping[tuple[str, str], int],
    started: float,
    stop: threading.Event,
) -> list[EvidenceWriter]:
    """Make a writer for each organisation, each with another node first and the rest behind."""
    found = []
    for place, (organisation, key) in enumerate(keys.items()):
        urls = list(hosts.urls.values())
        urls = urls[place % len(urls) :] + urls[: place % len(urls)]
        opened = functools.partial(hosts.client, urls, key)
        logs = [first_logs[organisation, FIRST_LOG]]
        found.append(EvidenceWriter(organisation, opened, started, stop, logs=logs))
    return found


def _tell(
    tell: Callable[[str], None],
    elapsed_s: float,
    duration_s: float,
    faults: Sequence[Fault],
    writers: Sequence[EvidenceWriter],
) -> None:
    current = [one for one in faults if one.at_s <= elapsed_s < one.until_s]
    fault = ", ".join(f"{one.kind} {' '.join(one.targets)}" for one in current) or "no fault"
    final = sum(one.id is not None for writer in writers for one in list(writer.records))
    tell(f"{elapsed_s:.0f} of {duration_s:.0f} s: {final} acknowledged; {fault}")


def _read(hosts: Hosts, trust: Trust) -> tuple[dict[str, Chain], dict[str, Copies]]:
    """Read the chain of every node up to one height that all have, and all logs."""
    clients = {name: hosts.client([url]) for name, url in hosts.urls.items()}
    try:
        top = settle(clients)
        chains = {name: read_chain(client, top) for name, client in clients.items()}
        return chains, read_copies(clients, trust)
    finally:
        for client in clients.values():
            client.close()


def _look_up(hosts: Hosts, writers: Sequence[EvidenceWriter]) -> dict[str, Any]:
    """Look for a sample of acknowledged logs in the state of every node, by name."""
    missing, looked_up = [], 0
    for node, url in hosts.urls.items():
        with hosts.client([url]) as client:
            for writer in writers:
                names = [
                    record.name
                    for record in writer.records
                    if record.id and not isinstance(record, Append)
                ]
                count, absent = missing_logs(client, writer.organisation, names)
                looked_up += count
                missing += [f"{name} on {node}" for name in absent]
    return {"looked_up": looked_up // len(hosts.urls), "missing": missing}


def seen_gaps(heights: Sequence[tuple[float, int]], duration_s: float) -> list[tuple[float, int]]:
    """Find the times between two new heights of the chain, wherever they were seen first.

    Args:
        heights: Seconds since the start, and the height that a client saw then.
        duration_s: How long the load lasted: no gap ends later.

    Returns:
        Begin in seconds and length in milliseconds of each. Times of blocks would not do: clocks
        are among what is hurt.
    """
    times, top = [0.0], 0
    for at_s, height in sorted(heights):
        if height > top:
            top = height
            times.append(min(at_s, duration_s))
    pairs = itertools.pairwise([*times, duration_s])
    return [(before, round(1_000 * (after - before))) for before, after in pairs]


def _fault(fault: Fault, until_s: float, gaps: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """Describe a fault, with the longest time without a block that ended before `until_s`."""
    during = [gap_ms for at_s, gap_ms in gaps if fault.at_s <= at_s + gap_ms / 1_000 < until_s]
    return {
        "kind": fault.kind,
        "what": KINDS[fault.kind].what,
        "targets": list(fault.targets),
        "at_s": fault.at_s,
        "until_s": fault.until_s,
        "gap_ms": max(during, default=0),
    }


def _per_second(records: Sequence[Record], duration_s: float) -> list[int]:
    counts = [0] * int(duration_s)
    for record in records:
        if record.id is not None and record.done_s < len(counts):
            counts[int(record.done_s)] += 1
    return counts
