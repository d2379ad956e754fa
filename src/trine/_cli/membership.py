"""Measure how long a network pauses when its validators change."""

import functools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import click

from trine import Client
from trine._cli import local_network, measured_network, processes
from trine._cli.load_network import check_files, out_option, suite_option
from trine._cli.measured_network import Network
from trine._cli.node_files import configuration, validator_key
from trine._cli.ports import free_ports
from trine._cli.settings import Settings, common
from trine.crypto import SUITE_ALGORITHMS
from trine.errors import NotFinalizing
from trine.types import Height, ProposalId, TimeMs
from trine.types.calls import (
    Action,
    AdmitValidator,
    ProposalApprove,
    ProposalSubmit,
    PublicKey,
    RemoveValidator,
    Validator,
)
from trine.types.limits import PAGE_MAX

NAME: Final = "fifth"
"""Name of the validator that comes and goes."""
HOUR_MS: Final = 3_600_000
ADMINISTRATORS: Final = local_network.ORGANISATIONS[1:]
"""Keys of as many organisations as must agree; the load is signed with the first one's."""


@dataclass(frozen=True)
class _Candidate:
    """A node that is no validator at first."""

    node: processes.Node
    validator: Validator


@click.command()
@click.option(
    "--changes",
    type=click.IntRange(1, 100),
    default=4,
    show_default=True,
    help="How often a validator is admitted or removed.",
)
@click.option(
    "--epoch-blocks",
    type=click.IntRange(16, 100_000),
    default=512,
    show_default=True,
    help="Blocks of an epoch, at whose end a change takes effect.",
)
@click.option(
    "--accounts",
    type=click.IntRange(2, 10_000_000),
    default=10_000,
    show_default=True,
    help="Accounts of the chain.",
)
@click.option(
    "--rate",
    type=click.IntRange(1, 2_000),
    default=100,
    show_default=True,
    help="Transactions a second meanwhile.",
)
@suite_option
@out_option
@common
def membership(
    settings: Settings,
    changes: int,
    epoch_blocks: int,
    accounts: int,
    rate: int,
    suite: str,
    out: Path | None,
) -> None:
    """Measure the longest time between two blocks while validators come and go.

    Four validators run under load. Organisations admit a fifth by vote, remove it, admit it again,
    and so on. Each change takes effect at the end of an epoch; the times are those of the blocks
    from the vote until the new set has made a sixteenth of an epoch.

    \b
    Examples:
      trine bench membership --changes 2 --epoch-blocks 64
      trine bench membership --out membership.json
    """
    check_files(out, None)
    with measured_network.running(accounts, suite, settings.note, epoch_blocks) as network:
        found = _measure(network, changes, epoch_blocks, rate, suite)
    report = {
        "changes": found,
        "gap_ms_max": max(one["gap_ms"] for one in found),
        "epoch_blocks": epoch_blocks,
        "accounts": accounts,
        "rate": rate,
        "suite": suite,
    }
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    settings.emit(report, _lines(report))


def _measure(
    network: Network, changes: int, epoch_blocks: int, rate: int, suite: str
) -> list[dict[str, Any]]:
    processes.start(network.home)
    processes.wait_until_final(network.home, network.note)
    # Ports are free once the others listen on theirs.
    candidate = _candidate(network, suite)
    pid = processes.spawn(candidate.node)
    found = []
    try:
        with measured_network.loaded(network, rate):
            for place in range(changes):
                admits = place % 2 == 0
                network.note(f"change {place + 1} of {changes}: {'admit' if admits else 'remove'}")
                found.append(_change(network, candidate, epoch_blocks, admits=admits))
    finally:
        processes.end([candidate.node], {NAME: pid})
    return found


def _candidate(network: Network, suite: str) -> _Candidate:
    """Make keys and configuration of one more node."""
    http_port, p2p_port = free_ports(network.home, 2)
    node = processes.Node(NAME, http_port, p2p_port, network.home.nodes / NAME)
    key = validator_key(node, SUITE_ALGORITHMS[suite])
    address = f"{processes.HOST}:{p2p_port}"
    peers = {one.name: one.url for one in network.nodes}
    node.config.write_text(configuration(node, address, local_network.CHAIN, 1, peers))
    public_key = PublicKey(key.algorithm, key.public_key)
    return _Candidate(node, Validator(public_key, 0, NAME, address))


def _change(
    network: Network, candidate: _Candidate, epoch_blocks: int, *, admits: bool
) -> dict[str, Any]:
    """Admit or remove the candidate, and look at the times of the blocks meanwhile."""
    first = network.nodes[0]
    validator = candidate.validator
    _decide(network, AdmitValidator(validator) if admits else RemoveValidator(validator.key))
    start = network.height(first)
    network.wait("the change", functools.partial(_has, network, admits))
    end = network.height(first) + epoch_blocks // 16
    network.wait("the blocks after it", lambda: network.height(first) >= end)
    if admits:
        # The next change must not remove who has not voted yet.
        network.wait("the fifth", lambda: network.level(candidate.node))
    gap_ms, height = _longest_gap(network, start, end)
    kind = "admitted" if admits else "removed"
    return {"kind": kind, "from": start, "to": end, "gap_ms": gap_ms, "gap_height": height}


def _has(network: Network, admits: bool) -> bool:
    """Say whether the candidate is a validator, or is none any more."""
    status = processes.probe(network.http, network.nodes[0].url)
    return status is not None and admits == any(one.name == NAME for one in status.validators)


def _decide(network: Network, action: Action) -> None:
    """Let the first organisations agree on an action.

    Raises:
        NotFinalizing: Their votes were not enough.
    """
    expires_ms = TimeMs(time.time_ns() // 1_000_000 + HOUR_MS)
    submitter, *others = ADMINISTRATORS
    with Client(network.home.urls(), key=network.home.open_key(submitter)) as client:
        found = client.submit(ProposalSubmit(action=action, expires_ms=expires_ms))
    event = next(one for one in found.outcome.events if one.name == "proposals.submitted")
    number = ProposalId(int(event.fields()["proposal"]))
    for name in others:
        with Client(network.home.urls(), key=network.home.open_key(name)) as client:
            found = client.submit(ProposalApprove(proposal=number, action=action))
    if not any(one.name == "proposals.executed" for one in found.outcome.events):
        raise NotFinalizing(f"proposal {number} was not executed after {len(ADMINISTRATORS)} votes")


def _longest_gap(network: Network, start: int, end: int) -> tuple[int, int]:
    """Find the longest time between two blocks, in milliseconds, and the height of the second."""
    blocks = []
    with Client(network.home.urls()) as client:
        for first in range(start, end + 1, PAGE_MAX):
            limit = min(PAGE_MAX, end + 1 - first)
            blocks += client.blocks(from_=Height(first), limit=limit)
    pairs = pairwise(blocks)
    return max((after.time_ms - before.time_ms, after.height) for before, after in pairs)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    what = f"epochs of {report['epoch_blocks']:,} blocks, {report['rate']} transactions a second"
    yield f"trine bench membership: {what}"
    yield ""
    for one in report["changes"]:
        blocks = f"blocks {one['from']:,} to {one['to']:,}"
        gap = f"{one['gap_ms']:,} ms before block {one['gap_height']:,}"
        yield f"{one['kind']:<10} {blocks:<28} longest time without a block {gap}"
    yield ""
    yield f"The longest of all: {report['gap_ms_max']:,} ms"
