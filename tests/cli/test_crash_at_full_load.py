"""Test that what was reported final at full load survives the loss of all processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import trine as package
from tests.suite import ONE_SUITE, SUITE
from trine._cli import processes
from trine._cli.load_network import own_network
from trine.client.home import Home
from trine.client.records import BlockSummary
from trine.errors import CannotReachNode
from trine.types import Height

RATE = 60_000
"""More than any machine that runs tests can bear."""
LOADED = 1_000
"""Transactions of a block that only a loaded network makes."""
ROUNDS = 2


class _Follower:
    """Notes every block that a node reports final, until the nodes are gone."""

    def __init__(self, urls: list[str], start: Height) -> None:
        self.seen: dict[int, BlockSummary] = {}
        self._thread = threading.Thread(target=self._follow, args=(urls, start))
        self._thread.start()

    def _follow(self, urls: list[str], start: Height) -> None:
        with package.Client(urls) as client:
            try:
                for block in client.stream(from_=start):
                    self.seen[block.height] = block
            except CannotReachNode:
                return

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def _start_load(home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trine", "bench", "load", "--home", str(home.path)]
    options = ["--rate", str(RATE), "--duration", "60", "--payload", "transfer"]
    return subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)


def _wait_until_loaded(follower: _Follower) -> None:
    deadline = time.monotonic() + 60
    while sum(block.transactions >= LOADED for block in follower.seen.copy().values()) < 5:
        assert time.monotonic() < deadline, "the network never was loaded"
        time.sleep(0.05)


def _blocks(url: str, heights: range) -> Iterator[BlockSummary]:
    with package.Client([url]) as client:
        height = heights.start
        while height < heights.stop:
            for block in client.blocks(from_=Height(height), limit=100):
                yield block
                height = block.height + 1


@ONE_SUITE
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.network
@pytest.mark.alone
def test_what_was_final_at_full_load_survives_the_loss_of_all_processes() -> None:
    """Goal: nothing that was reported final is lost or changed, and the chain goes on.

    Method: offer four validators more than they can bear, follow what becomes final, kill -9 all
    of them at a moment that differs each round, start them again; each has every block.
    """
    with own_network(4, 5_000, SUITE, lambda _: None) as parts:
        home = Home(parts["data_folders"][0].parents[2])
        seen: dict[int, BlockSummary] = {}
        for number in range(ROUNDS):
            follower = _Follower(parts["nodes"], Height(max(seen, default=0) + 1))
            load = _start_load(home)
            _wait_until_loaded(follower)
            time.sleep(0.037 * number)
            for pid in processes.load(home)[1].values():
                os.kill(pid, signal.SIGKILL)
            load.kill()
            load.wait()
            follower.join()
            seen.update(follower.seen)
            processes.start(home)
            processes.wait_until_final(home, lambda _: None)
            for url in parts["nodes"]:
                kept = {block.height: block for block in _blocks(url, range(1, max(seen) + 1))}
                assert all(kept[height] == block for height, block in seen.items()), url
