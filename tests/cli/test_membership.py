"""Test that organisations change who validates while the network runs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.command import trine
from tests.suite import SUITE
from trine import Client
from trine._cli import local_network, processes
from trine._core import genesis as core_genesis
from trine.client.home import Home
from trine.client.records import Status
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.types import LogCreate

BLOCKS_PER_EPOCH = 32
SECONDS_MAX = 90
ADMINISTRATORS = (local_network.ADMIN_KEY, *local_network.ORGANISATIONS[1:])


def _make(home: Home) -> processes.Node:
    """Make a network of four and a fifth node that the genesis does not know; returns that one."""
    local_network.create(home, 5, SUITE, None)
    genesis = json.loads(home.genesis.read_bytes())
    genesis["blocks_per_epoch"] = BLOCKS_PER_EPOCH
    genesis["validators"] = genesis["validators"][:4]
    home.genesis.write_text(json.dumps(genesis))
    network = json.loads(home.network.read_bytes())
    nodes, _ = processes.load(home)
    network["nodes"] = network["nodes"][:4]
    home.network.write_text(json.dumps(network))
    trust = json.loads(home.trust.read_bytes())
    trust["chain_id"] = core_genesis.chain_id(home.genesis.read_bytes()).hex()
    trust["validators"] = trust["validators"][:4]
    home.trust.write_text(json.dumps(trust))
    for node in nodes:
        text = node.config.read_text().replace("[engine]\n", "[engine]\nidle_ms = 200\n")
        # The fifth is no validator of the genesis.
        text = "\n".join(one for one in text.splitlines() if not one.startswith("city-2 ="))
        node.config.write_text(text + "\n")
    return nodes[4]


@contextmanager
def _running(node: processes.Node) -> Iterator[None]:
    command = [sys.executable, "-m", "trine", "node", "run", "--config", str(node.config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


class _Load:
    """Creates one log after the other, on whichever node answers, and remembers the last."""

    def __init__(self, home: Home, urls: list[str]) -> None:
        self.final = 0
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, args=(home, urls))
        self._thread.start()

    def _guarded(self, home: Home, urls: list[str]) -> None:
        try:
            key = home.open_key(ADMINISTRATORS[3])
            with Client(urls, key=key) as client:
                while not self._stop.is_set():
                    client.submit(LogCreate(name=f"log-{self.final}"))
                    self.final += 1
        except BaseException as error:
            self.error = error

    def stop(self) -> int:
        self._stop.set()
        self._thread.join(60)
        assert self.error is None, self.error
        return self.final


def _decide(home: Home, *words: str) -> None:
    """Submit a proposal for the first organisation and approve it for two more."""
    done = trine("proposal", "submit", *words, "--home", home.path, "--json")
    assert done.status == 0, done.err
    number = str(done.document["proposal"])
    for name in ADMINISTRATORS[1:3]:
        done = trine("proposal", "approve", number, "--home", home.path, "--key", name, "--json")
        assert done.status == 0, done.err
    assert done.document["executed"] is True


def _wait(urls: list[str], reached: Callable[[Status], bool]) -> list[Status]:
    deadline = time.monotonic() + SECONDS_MAX
    with httpx.Client(timeout=2, trust_env=False) as http:
        while True:
            found = [processes.probe(http, url) for url in urls]
            answered = [one for one in found if one is not None]
            if len(answered) == len(urls) and all(map(reached, answered)):
                return answered
            assert time.monotonic() < deadline, [
                one and (one.height, one.epoch, [v.name for v in one.validators]) for one in found
            ]
            time.sleep(0.1)


def _check(home: Home, folder: Path, url: str, epoch: int) -> None:
    """Verify a block of the newest set offline, and replay the chain through all hand-overs."""
    proof = folder / "block.proof"
    show = ("block", "show", str(BLOCKS_PER_EPOCH * (epoch + 1)), "--node", url)
    assert trine(*show, "--proof", proof).status == 0
    verified = trine("proof", "verify", proof, "--trust", home.trust)
    assert verified.status == 0, verified.err
    chain = folder / "chain"
    assert trine("backup", chain, "--node", url).status == 0
    audited = trine("audit", chain, "--json")
    assert audited.status == 0, audited.err
    assert audited.document["epochs"] > epoch + 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.network
def test_validators_come_and_go_by_vote_while_transactions_run(tmp_path: Path) -> None:
    """Goal: a fifth validator is admitted and its vote counts; a silent one is removed; one goes on
    with another key.

    Method: a network of four with short epochs and a load; admit a fifth by proposals, start its
    node; kill one validator and remove it; replace one's key and name, and start it with the new
    key; kill another one, so that nothing is final without the fifth and without the new key;
    transactions become final all the time, and the set that was handed over is in the proofs. An
    archive of the chain replays through all hand-overs.
    """
    home = Home(tmp_path / "home")
    fifth = _make(home)
    path = fifth.folder / "validator.key"
    secret = bytes.fromhex(path.read_text().strip())
    key = SecretKey(SUITE_ALGORITHMS[SUITE], secret)
    text = f"{key.algorithm}:{key.public_key.hex()}"
    try:
        processes.start(home)
        processes.wait_until_final(home, lambda _: None)
        nodes, pids = processes.load(home)
        load = _Load(home, [nodes[1].url])
        about = ["--organisation", "0", "--name", fifth.name]
        address = f"{processes.HOST}:{fifth.p2p_port}"
        _decide(home, "admit-validator", text, *about, "--address", address)
        with _running(fifth):
            urls = [node.url for node in nodes] + [fifth.url]
            _wait(urls, lambda status: len(status.validators) == 5)

            os.kill(pids[nodes[0].name], signal.SIGKILL)
            first = json.loads(home.genesis.read_bytes())["validators"][0]
            _decide(home, "remove-validator", f"{key.algorithm}:{first['key']}")
            last = json.loads(home.genesis.read_bytes())["validators"][3]
            court = f"{key.algorithm}:{last['key']}"
            made = trine("node", "key", tmp_path / "new.key", "--suite", SUITE, "--json")
            about = ["--organisation", "3", "--name", "court-two", "--address", last["address"]]
            _decide(home, "replace-validator", court, made.document["public_key"], *about)
            names = {nodes[1].name, nodes[2].name, "court-two", fifth.name}
            # The old key is not sent blocks any more.
            there = [nodes[1].url, nodes[2].url, fifth.url]
            found = _wait(there, lambda status: {one.name for one in status.validators} == names)
            epoch = max(status.epoch for status in found)
            for node in nodes[2:]:
                os.kill(pids[node.name], signal.SIGKILL)
            (tmp_path / "new.key").replace(nodes[3].folder / "validator.key")
            left = [nodes[1].url, nodes[3].url, fifth.url]
            done = load.final
            with _running(nodes[3]):
                _wait(left, lambda status: status.epoch >= epoch + 2)
                assert load.stop() > done
                _check(home, tmp_path, left[0], epoch)
    finally:
        processes.stop(home)
