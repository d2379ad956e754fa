"""Test what becomes of more than a network takes, and of more than an organisation may send."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import pytest

from tests.cli.founded import ask
from tests.suite import SUITE
from trine import Client
from trine._cli import local_network, processes
from trine._cli.load_network import generated_accounts
from trine.bench import Loader, LoadPlan
from trine.client.founding import encode_genesis, trust_document
from trine.client.home import Home
from trine.errors import OrganisationQuota
from trine.types import Address, Height, LogCreate, sign_transactions

pytestmark = [
    pytest.mark.network,
    # Nodes outlive the call that starts them: nobody waits for the processes.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ACCOUNTS = 1_000
PENDING_MAX = 2 * 16_384
"""Transactions that wait at most here: as many as always may, and what comes in the two seconds in
which the oldest of them is not old yet. Without a limit, over 40,000 would."""
BLOCK_TRANSACTIONS = 200
"""Most transactions of a block."""
INTERVAL_MS = 100
"""Shortest time between blocks: no machine takes more than 2,000 transactions a second, and every
machine gets more into a node."""
FLOOD_RATE = 8_000
FLOOD_S = 7
DAY_MS = 86_400_000
QUOTA = 200
SECONDS_MAX = 120
POLL_S = 0.05


@contextmanager
def _network(folder: Path, **parameters: int) -> Iterator[Home]:
    """Run one validator meanwhile; its genesis has these parameters, and accounts for load."""
    home = Home(folder)
    local_network.create(home, 1, SUITE, generated_accounts(ACCOUNTS))
    document = json.loads(home.genesis.read_bytes())
    document["parameters"] |= parameters
    genesis, chain_id = encode_genesis(document)
    home.genesis.write_bytes(genesis)
    home.trust.write_bytes(trust_document(document, chain_id))
    for node in home.nodes.iterdir():
        file = node / "node.toml"
        text = file.read_text()
        assert "[engine]\n" in text
        file.write_text(text.replace("[engine]\n", f"[engine]\ninterval_ms_min = {INTERVAL_MS}\n"))
    try:
        processes.start(home)
        processes.wait_until_final(home, lambda _: None)
        yield home
    finally:
        processes.stop(home)


def _loader(home: Home, rate: int, seconds: int) -> Loader:
    genesis = json.loads(home.genesis.read_bytes())
    plan = LoadPlan(
        genesis=genesis,
        nodes=home.urls(),
        rate_per_s=rate,
        duration_s=seconds,
        warmup_s=0,
        presign=True,
    )
    return Loader(plan)


class _Prober:
    """Sends one transaction after the other of one account, the next when one is accepted."""

    def __init__(self, home: Home, key: str, http: httpx.Client) -> None:
        [self.url] = home.urls()
        self.key = home.open_key(key)
        self.http = http
        with Client(self.url) as client:
            self.chain_id = client.status().chain_id
        self.accepted: list[str] = []
        self.refused: list[httpx.Response] = []
        self.peak = 0
        self._sign()

    def _sign(self) -> None:
        nonce = len(self.accepted)
        calls = [LogCreate(name=f"probe-{nonce}")]
        draft = (nonce, time.time_ns() // 1_000_000 + 60_000, calls)
        sender = Address(self.key.address(SUITE))
        [self.signed] = sign_transactions(SUITE, self.chain_id, sender, self.key, [draft])

    def pending(self) -> int:
        """Ask how many transactions wait."""
        text = self.http.get(self.url + "/metrics").text
        [line] = [one for one in text.splitlines() if one.startswith("trine_pending_transactions ")]
        return int(line.split()[1])

    def probe(self) -> None:
        """Send the transaction, and look at the pool."""
        document = {"transaction": self.signed.encoded.hex()}
        answer = self.http.post(self.url + "/v1/transactions", json=document)
        if answer.status_code == httpx.codes.OK:
            self.accepted.append(answer.json()["id"])
            self._sign()
        else:
            self.refused.append(answer)
        self.peak = max(self.peak, self.pending())
        time.sleep(POLL_S)

    def wait_until_none_waits(self) -> None:
        deadline = time.monotonic() + SECONDS_MAX
        while self.pending():
            assert time.monotonic() < deadline, "what was accepted does not become final"
            time.sleep(POLL_S)


def _blocks(client: Client) -> list[list[str]]:
    """Identifiers of the transactions of each block."""
    heights = range(1, client.status().height + 1)
    return [[id_.hex() for id_ in client.block(Height(one)).transactions] for one in heights]


def _sent(report: dict[str, Any]) -> int:
    return sum(second["sent"] for second in report["seconds"])


@pytest.mark.alone
def test_more_than_a_network_takes_is_refused_and_the_rest_is_final_once(tmp_path: Path) -> None:
    """Goal: overload costs nobody what was accepted: excess is refused with a code and a hint when
    to try again, the rest is final once, the pool stays within its limit, blocks stay full.

    Method: offer four times what parameters and configuration let a node take, and beside single
    transactions of another organisation; when none waits any more, compare chain and answers.
    """
    network = _network(tmp_path, block_transactions_max=BLOCK_TRANSACTIONS)
    with network as home, httpx.Client(trust_env=False, timeout=30) as http:
        prober, loader = _Prober(home, "university", http), _loader(home, FLOOD_RATE, FLOOD_S)
        with ThreadPoolExecutor(1) as pool:
            flood = pool.submit(loader.run, FLOOD_RATE)
            while not flood.done():
                prober.probe()
        report = flood.result()
        prober.wait_until_none_waits()
        with Client(home.urls(), key=home.open_key()) as client:
            client.submit(LogCreate(name="after-the-flood"))
            blocks = _blocks(client)
    told = {
        (answer.status_code, answer.json()["code"], answer.headers["Retry-After"])
        for answer in prober.refused
    }
    # The account that probes may have as many on their way as it may before the node has.
    assert told | {(429, "pending_full", "1")} == {
        (429, "pending_full", "1"),
        (503, "pending_full", "1"),
    }
    assert set(report["refused"]) == {"pending_full"}
    assert report["failed"] == {}
    counts = Counter(id_ for ids in blocks for id_ in ids)
    assert set(counts.values()) == {1}
    assert set(prober.accepted) <= counts.keys()
    kept = _sent(report) - sum(report["refused"].values()) + len(prober.accepted)
    assert len(counts) == kept + 1
    assert 0 < prober.peak <= PENDING_MAX
    _are_full([len(ids) for ids in blocks])


def _are_full(sizes: list[int]) -> None:
    """While more waits than a block takes, nearly all places of blocks are used."""
    full = [place for place, size in enumerate(sizes) if size == BLOCK_TRANSACTIONS]
    assert mean(sizes[full[0] : full[-1] + 1]) >= 0.85 * BLOCK_TRANSACTIONS


def test_a_flood_leaves_the_quota_of_others(tmp_path: Path) -> None:
    """Goal: what one organisation sends is charged to it alone. Method: its accounts send three
    times its quota, which lasts a day, while another organisation sends two transactions."""
    with _network(tmp_path, organisation_quota=QUOTA, quota_window_ms=DAY_MS) as home:
        [url] = home.urls()
        loader = _loader(home, QUOTA, 3)
        key = home.open_key("university")
        with ThreadPoolExecutor(1) as pool, Client(url, key=key) as client:
            flood = pool.submit(loader.run, QUOTA)
            client.submit(LogCreate(name="during"))
            report = flood.result()
            client.submit(LogCreate(name="after"))
        organisations = ask(url, "/v1/organisations")["organisations"]
        with Client(url, key=home.open_key()) as late, pytest.raises(OrganisationQuota):
            late.submit(LogCreate(name="late"))
    used = {one["name"]: one["quota_used"] for one in organisations}
    assert report["refused"] == {}
    assert report["unfinished"] == 0
    assert report["failed"] == {"organisation_quota": _sent(report) - QUOTA}
    assert used == {"city": QUOTA, "university": 2, "hospital": 0, "court": 0}
