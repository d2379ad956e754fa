"""Audit a real network: replay every block in the readable model, from genesis on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import trine
from tests.cli.command import trine as command
from tests.suite import SUITE
from trine.client.home import Home
from trine.model import Block, Chain, Replay
from trine.model.block import genesis_header
from trine.model.header import Header, StateCommitment
from trine.model.identifiers import Address, Digest
from trine.model.proofs import Trust, read_trust, verify_proof
from trine.model.proofs.statements import AccountFact, TransactionFact, ValueFact
from trine.model.state_keys import counters_key
from trine.types import Address as ClientAddress
from trine.types import Amount, AssetBurn, AssetDefine, AssetIssue, AssetTransfer
from trine.types.identifiers import AssetId

pytestmark = pytest.mark.network


class Auditor:
    """Replays what a node answers; believes the trust file and nothing else."""

    def __init__(self, client: httpx.Client, trust: Trust) -> None:
        """Ask for genesis and start at height 0."""
        self.client = client
        self.trust = trust
        document = self._get("/v1/genesis")
        said = json.loads(self._get("/v1/blocks/0"))
        # Nobody certifies genesis; the block after it names its digest.
        header = genesis_header(
            Chain.from_genesis(document),
            accounts=commitment(said["accounts"]),
            values=commitment(said["values"]),
        )
        self.replay = Replay.from_genesis(document, header)
        self.codes: list[int] = []

    def advance(self) -> None:
        """Replay the next block, and compare each outcome with what is proven."""
        height = self.replay.parent.height + 1
        header = self.prove(f"/v1/blocks/{height}/proof")[0]
        ids = json.loads(self._get(f"/v1/blocks/{height}"))["transactions"]
        facts = [self.prove(f"/v1/transactions/{id_}/proof")[1] for id_ in ids]
        assert all(isinstance(fact, TransactionFact) for fact in facts)
        block = Block(header, tuple(fact.transaction.encode() for fact in facts))
        applied = self.replay.accept(block)
        assert list(applied.outcomes) == [fact.outcome for fact in facts]
        self.codes += [outcome.code for outcome in applied.outcomes]

    def advance_to(self, header: Header) -> None:
        """Replay up to and with the block that has this header."""
        while self.replay.parent.height < header.height:
            self.advance()
        assert self.replay.parent == header

    def prove(self, path: str) -> tuple[Header, Any]:
        """Ask for a proof, verify it in the model, return the header and what it shows."""
        verified = verify_proof(self._get(path), self.trust)
        return verified.header, verified.fact

    def _get(self, path: str) -> bytes:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.content


def commitment(said: dict[str, Any]) -> StateCommitment:
    """Read what a node says about one database."""
    return StateCommitment(
        root=Digest(bytes.fromhex(said["root"])),
        operations_root=Digest(bytes.fromhex(said["operations_root"])),
        floor=said["floor"],
        size=said["size"],
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("audited") / "home"
    started = command("up", "--detach", "--home", folder, "--json")
    assert started.status == 0, started.err
    yield folder
    command("down", "--home", folder)


def work(home: Path, folder: Path) -> None:
    """Leave something of every module on the chain, failures among it."""
    key, known = Home(home).open_key("admin"), Home(home)
    other = ClientAddress(known.keys.read("university").address)
    with trine.Client(known.urls(), key=key) as client:
        defined = client.submit(AssetDefine(symbol="AUDIT", name="Audited", decimals=2))
        asset = AssetId(int(defined.outcome.events[0].fields()["asset"]))
        client.submit(AssetIssue(asset, ClientAddress(key.address(SUITE)), Amount(100)))
        transfers = [[AssetTransfer(asset, other, Amount(10))] for _ in range(14)]
        client.submit_many([*transfers, [AssetBurn(asset, Amount(0))]])
        paths = [folder / f"file-{number}" for number in range(20)]
        for path in paths:
            path.write_text(path.name)
        client.notarize(paths)
    for words in (
        ("proposal", "submit", "freeze", other.hex()),
        ("account", "freeze", key.address(SUITE).hex()),
    ):
        command(*words, "--home", home, "--json")


def test_every_block_replays(home: Path, tmp_path: Path) -> None:
    # Goal: what a real network certified is what the readable rules say. Method: work on it, then
    # replay all blocks from proofs alone; at the end compare single entries of the state, proven
    # against the certified database roots, with the model's state at that height.
    work(home, tmp_path)
    trust = read_trust((home / "trust.json").read_bytes())
    with httpx.Client(base_url=Home(home).urls()[0], timeout=30) as client:
        auditor = Auditor(client, trust)
        header, fact = auditor.prove(f"/v1/state/{counters_key().hex()}/proof")
        auditor.advance_to(header)
        assert isinstance(fact, ValueFact)
        assert auditor.replay.chain.state.values[counters_key()] == fact.value
        for name in ("admin", "university"):
            address = Address(bytes(Home(home).keys.read(name).address))
            header, account = auditor.prove(f"/v1/accounts/{address.hex()}/proof")
            auditor.advance_to(header)
            assert isinstance(account, AccountFact)
            assert auditor.replay.chain.state.accounts[address] == account.account
        assert auditor.codes.count(0) >= 13
        assert {105, 152, 154} <= set(auditor.codes), "the failures are on the chain too"
