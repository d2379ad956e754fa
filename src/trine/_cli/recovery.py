"""Measure how fast nodes come, come back and catch up."""

import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import httpx

from trine._cli import local_network, processes
from trine._cli.load_network import check_files, generated_accounts, out_option, suite_option
from trine._cli.node_files import follower_configuration, free_ports
from trine._cli.settings import Settings, common
from trine.client.home import Home
from trine.errors import NotFinalizing

VALIDATORS: Final = 4
BEHIND_BLOCKS: Final = 5
"""Blocks behind the others at which a node has caught up."""
ENTRIES: Final = 1
LIMIT_S: Final = 3_600
"""Seconds that each step may take."""
TELL_S: Final = 10.0


@dataclasses.dataclass
class _Network:
    """A network of its own."""

    home: Home
    nodes: list[processes.Node]
    http: httpx.Client
    note: Callable[[str], None]

    def height(self, node: processes.Node) -> int:
        """Height of a node; zero while it does not answer."""
        status = processes.probe(self.http, node.url)
        return status.height if status else 0

    def wait(self, what: str, reached: Callable[[], bool]) -> float:
        """Wait, and tell the seconds that it took.

        Raises:
            NotFinalizing: It took too long.
        """
        started = told = time.monotonic()
        while not reached():
            now = time.monotonic()
            if now > started + LIMIT_S:
                raise NotFinalizing(f"{what} took longer than {LIMIT_S} s")
            if now > told + TELL_S:
                told = now
                heights = ", ".join(str(self.height(node)) for node in self.nodes)
                self.note(f"{what}: {now - started:.0f} s, heights {heights}")
            time.sleep(processes.POLL_S)
        return round(time.monotonic() - started, 2)

    def level(self, node: processes.Node) -> bool:
        """Say whether a node has nearly all blocks of the first."""
        height = self.height(node)
        return height > 0 and height + BEHIND_BLOCKS >= self.height(self.nodes[0])

    def start(self, node: processes.Node) -> int:
        """Start a validator; returns its process."""
        return processes.start(self.home, {node.name})[node.name]


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

    Four validators run under load. One is stopped until the others have made BLOCKS blocks, and
    started again; then a follower executes the whole chain, and another begins with its state;
    at last a validator is started again.

    \b
    Examples:
      trine bench recovery --blocks 1000 --accounts 10000
      trine bench recovery --out recovery.json
    """
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy

    check_files(out, None)
    with temporary_folder("recovery") as folder:
        home = Home(folder)
        settings.note(f"making a network of {VALIDATORS} validators and {accounts:,} accounts")
        local_network.create(home, VALIDATORS, suite, generated_accounts(accounts))
        nodes, _ = processes.load(home)
        with processes.opened(nodes) as http:
            network = _Network(home, nodes, http, settings.note)
            try:
                report = _measure(network, blocks, rate)
            finally:
                with undisturbed():
                    processes.stop(home)
    report = {"blocks": blocks, "accounts": accounts, "rate": rate, "suite": suite, **report}
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    settings.emit(report, _lines(report))


def _measure(network: _Network, blocks: int, rate: int) -> dict[str, Any]:
    first, *_, last = network.nodes
    report: dict[str, Any] = {}
    processes.start(network.home)
    report["first_start_s"] = network.wait("the first start", lambda: network.height(first) > 0)
    with _load(network, rate):
        network.wait("load", lambda: network.height(last) > BEHIND_BLOCKS)
        _stop(network, last)
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
        _stop(network, last)
        network.start(last)
        report["restart_s"] = network.wait("a restart", lambda: network.height(last) > 0)
        report["height"] = network.height(first)
    return report


def _stop(network: _Network, node: processes.Node) -> None:
    pid = processes.load(network.home)[1][node.name]
    processes.end([node], {node.name: pid})


@contextmanager
def _load(network: _Network, rate: int) -> Iterator[None]:
    """Put evidence on the first node meanwhile."""
    words = ["bench", "load", "--home", str(network.home.path), "--rate", str(rate)]
    words += ["--warmup", "0", "--duration", str(24 * LIMIT_S), "--payload", "evidence"]
    command = [sys.executable, "-m", "trine", *words, "--entries", str(ENTRIES)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def _follower(network: _Network, name: str, *, late_start: bool) -> Iterator[processes.Node]:
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
        ("First start of the network, genesis included", report["first_start_s"], None),
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
