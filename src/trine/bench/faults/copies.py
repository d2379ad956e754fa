"""Read every evidence log that a node has, and check its proofs against certificates."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from trine.client import Client, Trust, verify_proof
from trine.errors import BadAnswer, CannotReachNode, EntryNotFound, TrineError
from trine.model.hashing import Suite, under
from trine.model.proofs.envelope import open_envelope
from trine.model.proofs.proof import Proof
from trine.types import Digest, Height, LogId

QUIET_S: Final = 60.0
"""Seconds in which all nodes must come to have the same logs: writes of which nobody knows may
still become final."""
POLL_S: Final = 0.2
FETCH_MAX: Final = 65_536
"""Entries that a node gives at once."""
PROOFS_MAX: Final = 16
"""Entries of a log whose inclusion proofs each node is asked for, one after the other."""


@dataclass(frozen=True)
class LogCopy:
    """One log as a node has it.

    Attributes:
        organisation: Name of the organisation that it belongs to.
        name: Its name there.
        size: Entries that the node's state says it has.
        head: Root over them, as the node's state has it.
        entries: The entries that the node gives.
    """

    organisation: str
    name: str
    size: int
    head: Digest
    entries: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Copies:
    """All logs of a node.

    Attributes:
        logs: The logs, from number 0 on.
        height: Newest block at which they were so.
        evidence_root: Root over the logs in the header of that block, as the validators certified
            it; none where they did not.
        proven: Entries whose proofs verify.
        unproven: Which do not, and why.
    """

    logs: tuple[LogCopy, ...]
    height: int
    evidence_root: Digest | None
    proven: int = 0
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """Logs that were read between two looks at the newest block."""

    logs: tuple[LogCopy, ...]
    height: int
    roots: tuple[str, str]
    """Evidence root of the newest block before and after."""


def read_copies(clients: Mapping[str, Client], trust: Trust) -> dict[str, Copies]:
    """Read the logs of every node, once no more is written to them.

    Args:
        clients: A client for each node.
        trust: Whom to believe about the chain: no node is.

    Returns:
        The logs of each node. Where nodes do not come to have the same ones, as they were at last.
    """
    deadline = time.monotonic() + QUIET_S
    while True:
        readings = {name: _read(client) for name, client in clients.items()}
        roots = {root for reading in readings.values() for root in reading.roots}
        if len(roots) == 1 or time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return {name: _proven(clients[name], trust, reading) for name, reading in readings.items()}


def _read(client: Client) -> _Reading:
    names = {one.id: one.name for one in client.organisations()}
    before = client.block()
    logs = []
    for log in client.logs():
        entries = tuple(_entries(client, log.id)) if log.size else ()
        organisation = names.get(log.organisation, str(log.organisation))
        logs.append(LogCopy(organisation, log.name, log.size, log.head, entries))
    after = client.block()
    roots = (str(before.document["evidence_root"]), str(after.document["evidence_root"]))
    return _Reading(tuple(logs), int(after.height), roots)


def _entries(client: Client, log: LogId) -> Iterator[Digest]:
    """Fetch all entries that a node gives, whatever size it says that the log has."""
    for first in count(0, FETCH_MAX):
        try:
            part = client.log_entries(log, first=first, count=FETCH_MAX)
        except EntryNotFound:
            return
        yield from part
        if len(part) < FETCH_MAX:
            return


def _proven(client: Client, trust: Trust, reading: _Reading) -> Copies:
    """Ask a node for proofs of some entries of each log, and of its newest block."""
    root, unproven = None, []
    try:
        root = certified_root(client, trust, reading.height)
    except CannotReachNode:
        raise
    except TrineError as error:
        unproven.append(f"block {reading.height}: {error.code}")
    proven = 0
    filled = [(number, log) for number, log in enumerate(reading.logs) if log.size]
    for place, (number, log) in enumerate(filled):
        # In each log at another place; in the last one at the end.
        first = max(0, log.size - PROOFS_MAX) * (place + 1) // len(filled)
        try:
            proven += check_proofs(client, trust, number, first, log)
        except CannotReachNode:
            raise
        except TrineError as error:
            unproven.append(f"entries of log {number} from {first} on: {error.code}")
    return Copies(reading.logs, reading.height, root, proven, tuple(unproven))


def check_proofs(client: Client, trust: Trust, log: int, first: int, copy: LogCopy) -> int:
    """Fetch the proofs of `PROOFS_MAX` entries, or as many as there are, and verify them.

    Returns:
        How many there are.

    Raises:
        BadAnswer: One is about something else, or they are not as many.
        NegativeVerdict: One does not verify.
    """
    expected = [
        [log, index, copy.size, copy.entries[index]]
        for index in range(first, min(first + PROOFS_MAX, len(copy.entries)))
    ]
    proofs = client.entry_proofs(LogId(log), first=first, count=PROOFS_MAX)
    facts = [verify_proof(proof, trust).fact for proof in proofs]
    found = [[fact.get(name) for name in ("log", "index", "size", "entry")] for fact in facts]
    if found != expected:
        message = f"{client.url} proves other entries of log {log} from {first} on than it gives"
        raise BadAnswer(message, instance=client.url)
    return len(found)


def certified_root(client: Client, trust: Trust, height: int) -> Digest:
    """Fetch a block's proof, verify it, and read the root over all logs from its header.

    Raises:
        BadAnswer: It is about another block.
        NegativeVerdict: It does not verify.
    """
    proof = client.proof(f"/v1/blocks/{height}")
    shown = verify_proof(proof, trust)
    if shown.height != Height(height):
        raise BadAnswer(f"a proof of block {shown.height}, expected block {height}")
    with under(Suite(trust.suite)):
        header = Proof.from_body(open_envelope("proof", proof)).chain.header
    return Digest(header.evidence_root)
