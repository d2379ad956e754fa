"""Measure how fast nodes come, come back and catch up."""

import functools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from trine._cli import measured_network, processes
from trine._cli.load_network import check_files, out_option, suite_option
from trine._cli.measured_network import BEHIND_BLOCKS, Network
from trine._cli.node_files import follower_configuration
from trine._cli.ports import free_ports
from trine._cli.settings import Settings, common
from trine.client.founding import BLOCKS_PER_EPOCH


@click.command()
@click.option(
    "--blocks",
    type=click.IntRange(10, 1_000_000),
    default=10_000,
    show_default=True,
    help="Blocks that a validator misses, and that followers find.",
)
@click.option(
    "--accounts",
    type=click.IntRange(2, 10_000_000),
    default=1_000_000,
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
def recovery(
    settings: Settings, blocks: int, accounts: int, rate: int, suite: str, out: Path | None
) -> None:
    """Measure how long nodes take to start, to catch up, and to follow a chain.

    The only validator of a network has the machine to itself at its first start. Then four run
    under load. One is stopped until the others have made BLOCKS blocks, and started again; then a
    follower executes the whole chain, and another begins with its state; at last a validator is
    started again.

    \b
    Examples:
      trine bench recovery --blocks 1000 --accounts 10000
      trine bench recovery --out recovery.json
    """
    check_files(out, None)
    make = functools.partial(
        measured_network.running, accounts, suite, settings.note, BLOCKS_PER_EPOCH
    )
    report = {"blocks": blocks, "accounts": accounts, "rate": rate, "suite": suite}
    with make(validators=1) as network:
        report["first_start_alone_s"] = _first_start(network)
    with make() as network:
        report |= _measure(network, blocks, rate)
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    settings.emit(report, _lines(report))


def _first_start(network: Network) -> float:
    """Start all validators; returns the seconds until the first has a final block."""
    processes.start(network.home)
    return network.wait("the first start", lambda: network.height(network.nodes[0]) > 0)


def _measure(network: Network, blocks: int, rate: int) -> dict[str, Any]:
    first, *_, last = network.nodes
    report: dict[str, Any] = {"first_start_s": _first_start(network)}
    with measured_network.loaded(network, rate):
        network.wait("load", lambda: network.height(last) > BEHIND_BLOCKS)
        network.stop(last)
        missed_from = network.height(first)
        network.wait("missing blocks", lambda: network.height(first) >= missed_from + blocks)
        network.start(last)
        report["validator_s"] = network.wait("catching up", lambda: network.level(last))
        for name, late in (("late-start", True), ("from-genesis", False)):
            with _follower(network, name, late_start=late) as node:
                behind = network.height(first)
                seconds = network.wait(name, functools.partial(network.level, node))
                key = name.replace("-", "_")
                report[f"{key}_s"] = seconds
                report[f"{key}_blocks"] = behind
        network.stop(last)
        network.start(last)
        report["restart_s"] = network.wait("a restart", lambda: network.height(last) > 0)
        report["height"] = network.height(first)
    return report


@contextmanager
def _follower(network: Network, name: str, *, late_start: bool) -> Iterator[processes.Node]:
    """Run a follower of the first two validators."""
    [port] = free_ports(network.home, 1)
    node = processes.Node(name, port, None, network.home.path / "followers" / name)
    node.folder.mkdir(parents=True)
    upstreams = [one.url for one in network.nodes[:2]]
    genesis = os.path.relpath(network.home.genesis, node.folder)
    node.config.write_text(
        follower_configuration(
            node, "load", genesis, upstreams, None, (None, None), late_start=late_start
        )
    )
    pid = processes.spawn(node)
    try:
        yield node
    finally:
        processes.end([node], {name: pid})


def _lines(report: dict[str, Any]) -> Iterator[str]:
    what = f"{report['accounts']:,} accounts, {report['rate']} transactions a second meanwhile"
    yield f"trine bench recovery: {what}"
    yield ""
    rows = (
        ("First start of a validator alone, with genesis", report["first_start_alone_s"], None),
        ("First start of the network, with genesis", report["first_start_s"], None),
        (f"Validator that missed {report['blocks']:,} blocks", report["validator_s"], "blocks"),
        ("Follower that begins late", report["late_start_s"], None),
        (
            f"Follower that executes {report['from_genesis_blocks']:,} blocks",
            report["from_genesis_s"],
            "from_genesis_blocks",
        ),
        ("Restart of a validator", report["restart_s"], None),
    )
    for name, seconds, of in rows:
        pace = f"  ({report[of] / seconds:,.0f} blocks a second)" if of else ""
        yield f"{name:<46} {seconds:>8.1f} s{pace}"
