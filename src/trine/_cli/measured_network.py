"""Run a network of its own, of which single nodes are stopped and started under load."""

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from trine._cli import local_network, processes
from trine._cli.load_network import generated_accounts
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
class Network:
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

    def stop(self, node: processes.Node) -> None:
        """Stop a validator."""
        pid = processes.load(self.home)[1][node.name]
        processes.end([node], {node.name: pid})


@contextmanager
def running(
    accounts: int,
    suite: str,
    note: Callable[[str], None],
    blocks_per_epoch: int,
    validators: int = VALIDATORS,
) -> Iterator[Network]:
    """Make a network whose validators are not started yet, and stop it afterwards.

    Args:
        accounts: Accounts that its genesis generates.
        suite: Algorithms of the chain.
        note: Tells progress.
        blocks_per_epoch: Blocks after which validators may change.
        validators: How many.
    """
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy

    with temporary_folder("nodes") as folder:
        home = Home(folder)
        note(f"making a network of {validators} validators and {accounts:,} accounts")
        generated = generated_accounts(accounts)
        local_network.create(home, validators, suite, generated, blocks_per_epoch=blocks_per_epoch)
        nodes, _ = processes.load(home)
        with processes.opened(nodes) as http:
            try:
                yield Network(home, nodes, http, note)
            finally:
                with undisturbed():
                    processes.stop(home)


@contextmanager
def loaded(network: Network, rate: int) -> Iterator[None]:
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
