"""Test the commands on a real network of four validators, as processes on loopback."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import trine as package
from tests.cli.command import Ended, trine
from tests.suite import ONE_SUITE, SUITE
from trine import Sender, TransactionSummary, errors
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.model.hashing import Suite
from trine.types import (
    AccountCreate,
    Address,
    Amount,
    AssetDefine,
    AssetId,
    AssetIssue,
    AssetTransfer,
)
from trine.types.calls import PublicKey
from trine.types.identifiers import Height

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network that runs while the module's tests do."""
    folder = tmp_path_factory.mktemp("network") / "home"
    started = trine("up", "--detach", "--home", folder, "--json")
    assert started.status == 0, started.err
    yield folder
    trine("down", "--home", folder)


def run(home: Path, *words: str | Path) -> Ended:
    """Run a command on the network; it must succeed."""
    ended = trine(*words, "--home", home, "--json")
    assert ended.status == 0, ended.err + ended.out
    return ended


def urls(home: Path) -> list[str]:
    """URLs of the nodes."""
    return Home(home).urls()


def test_status_has_its_fields(home: Path) -> None:
    """Goal: the fields other programs rely on. Method: read them."""
    document = run(home, "status").document
    assert document["chain"] == "local"
    assert document["chain_id"] == json.loads((home / "trust.json").read_text())["chain_id"]
    assert document["height"] >= 1
    assert document["epoch"] == 0
    assert len(document["validators"]) == 4
    for validator in document["validators"]:
        assert {"name", "url", "height", "healthy"} <= set(validator)
    text = trine("status", "--home", home).out
    assert "city" in text
    assert "healthy" in text


def test_evidence_from_folder_to_verdict(home: Path, tmp_path: Path) -> None:
    """Goal: the main job. Method: a folder with names of every sort, one file altered after."""
    files = tmp_path / "files"
    (files / "deep/er").mkdir(parents=True)
    contents = {
        "plain.txt": b"We agree.",
        "empty": b"",
        "deep/er/name with blanks.pdf": b"%PDF",
        "deep/合同.docx": b"zip",
        ".hidden": b"x",
        "back\\slash": b"y",
    }
    for name, content in contents.items():
        (files / name).write_bytes(content)
    (files / "link").symlink_to(files / "plain.txt")
    out, trust = tmp_path / "receipts", tmp_path / "trust.json"
    document = run(home, "evidence", "submit", files, "--out", out).document
    assert document["submitted"] == len(contents)
    for one in document["receipts"]:
        assert set(one) == {"file", "receipt", "digest", "height"}
    written = {str(path.relative_to(out)) for path in out.rglob("*.receipt")}
    assert written == {f"{name}.receipt" for name in contents}
    run(home, "trust", "export", "--out", trust)
    words = ("evidence", "verify", files, "--receipt", out, "--trust", trust)
    nowhere = tmp_path / "nowhere"
    assert run(nowhere, *words).document["verified"] is True
    (files / "plain.txt").write_bytes(b"We Agree.")
    ended = trine(*words, "--json")
    assert ended.status == 1
    assert [one["file"] for one in ended.document["failures"]] == [str(files / "plain.txt")]
    from_node = tmp_path / "node-trust.json"
    run(home, "trust", "export", "--node", urls(home)[0], "--out", from_node)
    assert json.loads(from_node.read_text())["chain_id"] == document_of(trust)["chain_id"]


def document_of(path: Path) -> dict[str, object]:
    """Read a JSON object."""
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_accounts_assets_and_proofs(home: Path, tmp_path: Path) -> None:
    """Goal: a day's work with assets, each step provable. Method: define to burn, with proofs."""
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    run(home, "key", "new", "alice", "--password-file", password)
    alice = run(home, "key", "show", "alice").document["address"]
    assert run(home, "account", "create", "alice").document["address"] == alice
    number = run(
        home, "asset", "define", "--symbol", "CREDIT", "--name", "City credit", "--decimals", "2"
    ).document["asset"]
    run(home, "asset", "issue", "CREDIT", alice, "1000")
    admin = run(home, "key", "show", "admin").document["address"]
    signed = ("--key", "alice", "--password-file", password)
    words = ("asset", "transfer", "CREDIT", admin, "12.50", "--reference", "invoice-2026-0001")
    sent = run(home, *words, *signed).document
    assert run(home, "asset", "balance", "CREDIT", alice).document["balance"] == 98_750
    again = trine(*words, *signed, "--home", home, "--json")
    assert (again.status, again.code) == (4, "duplicate_reference")
    assert again.document["error"]["instance"]
    too_much = ("asset", "transfer", str(number), admin, "9999999", *signed)
    refused = trine(*too_much, "--home", home, "--json")
    assert (refused.status, refused.code) == (4, "insufficient_balance")
    stranger = trine("asset", "issue", "CREDIT", alice, "1", *signed, "--home", home, "--json")
    assert (stranger.status, stranger.code) == (4, "no_right")
    proof = tmp_path / "proof"
    for what in (
        ("tx", "show", sent["transaction"]),
        ("account", "show", alice),
        ("block", "show", str(sent["height"])),
    ):
        run(home, *what, "--proof", proof)
        shown = trine("proof", "verify", proof, "--trust", home / "trust.json", "--json")
        assert shown.status == 0, shown.err
    assert run(home, "asset", "list").document["assets"][-1]["symbol"] == "CREDIT"
    run(home, "asset", "burn", "CREDIT", "0.01", *signed)
    frozen = run(home, "account", "freeze", alice)
    assert frozen.status == 0
    refused = trine("asset", "burn", "CREDIT", "1", *signed, "--home", home, "--json")
    assert (refused.status, refused.code) == (4, "account_frozen")


def test_proposals_need_a_majority(home: Path) -> None:
    """Goal: three of four organisations freeze another's account. Method: vote one by one."""
    victim = run(home, "key", "show", "court").document["address"]
    number = str(run(home, "proposal", "submit", "freeze", victim).document["proposal"])
    assert not run(home, "proposal", "approve", number, "--key", "university").document["executed"]
    assert run(home, "proposal", "approve", number, "--key", "hospital").document["executed"]
    assert run(home, "account", "show", victim).document["frozen"] is True
    late = trine("proposal", "approve", number, "--key", "university", "--home", home, "--json")
    assert (late.status, late.code) == (4, "proposal_closed")
    assert run(home, "proposal", "show", number).document["status"] == "executed"


@ONE_SUITE
def test_unknown_things_are_negative(home: Path) -> None:
    """Goal: exit 1 for what is not on the chain. Method: ask for one of each."""
    for words, code in [
        (("tx", "show", "00" * 32), "transaction_not_found"),
        (("block", "show", "999999999"), "block_not_found"),
        (("account", "show", "00" * 20), "account_not_found"),
        (("asset", "balance", "77", "00" * 20), "asset_not_found"),
        (("proposal", "show", "99"), "proposal_not_found"),
        (("misbehaviour", "show", "00" * 32), "misbehaviour_not_found"),
    ]:
        ended = trine(*words, "--home", home, "--json")
        assert (ended.status, ended.code) == (1, code), words


@ONE_SUITE
def test_one_validator_may_die(home: Path, tmp_path: Path) -> None:
    """Goal: kill -9 of one validator stops nobody, and `up` brings it back. Method: kill it."""
    network = document_of(home / "network.json")
    nodes = network["nodes"]
    assert isinstance(nodes, list)
    os.kill(nodes[0]["pid"], signal.SIGKILL)
    file = tmp_path / "file"
    file.write_text("after the kill")
    out = tmp_path / "out"
    assert run(home, "evidence", "submit", file, "--out", out).document["submitted"] == 1
    run(home, "up", "--detach")
    status = run(home, "status", "--node", nodes[0]["url"]).document
    assert status["height"] >= 1


def test_the_network_keeps_its_state(home: Path, tmp_path: Path) -> None:
    """Goal: down and up go on with the same chain. Method: compare a block."""
    before = run(home, "block", "show", "1").document
    stopped = run(home, "down").document
    assert len(stopped["stopped"]) == 4
    assert stopped["killed"] == []
    ended = trine("status", "--home", home, "--json")
    assert (ended.status, ended.code) == (3, "cannot_reach_node")
    run(home, "up", "--detach")
    assert run(home, "block", "show", "1").document == before


@ONE_SUITE
def test_a_port_in_use_is_named(home: Path, tmp_path: Path) -> None:
    """Goal: a clear error for a taken port. Method: a second home with the first one's ports."""
    other = tmp_path / "other"
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("data", "*.log", ".lock"))
    ended = trine("up", "--detach", "--home", other, "--json")
    assert (ended.status, ended.code) == (4, "port_in_use")
    trine("down", "--home", other)


def test_client_streams_and_submits(home: Path) -> None:
    """Goal: the SDK's verbs on a real chain. Method: follow blocks, submit many, fail over."""
    key = Home(home).open_key("admin")
    dead = "http://127.0.0.1:9"
    with package.Client([dead, *urls(home)], key=key) as client:
        height = client.status().height
        stream = client.stream(from_=Height(1))
        heights = [next(stream).height for _ in range(height)]
        assert heights == list(range(1, height + 1))
        made = client.submit(AssetDefine(symbol="STREAM", name="Stream", decimals=0))
        number = AssetId(int(made.outcome.events[0].fields()["asset"]))
        to = Address(Home(home).keys.read("university").address)
        client.submit(AssetIssue(number, Address(key.address(SUITE)), Amount(1_000)))
        drafts = [[AssetTransfer(number, to, Amount(1))] for _ in range(300)]
        results = client.submit_many(drafts)
        assert not [one for one in results if isinstance(one, errors.TrineError)]
        assert client.balance(to, number) == 300


async def _async_session(home: Path) -> None:
    key = Home(home).open_key("university")
    async with package.AsyncClient(urls(home), key=key) as client:
        status = await client.status()
        assert status.height >= 1
        made = await client.submit(AssetDefine(symbol="ASYNC", name="Async", decimals=0))
        assert made.outcome.is_ok
        async for block in client.stream(from_=Height(1)):
            assert block.height == 1
            break


def test_async_client(home: Path) -> None:
    """Goal: the same from asyncio. Method: status, submit, stream."""
    import asyncio

    asyncio.run(_async_session(home))


ACCOUNTS = 20
EACH = 300


async def _submit_for_many(home: Path, number: AssetId) -> None:
    """Make accounts, fund them, and let each send more than its nonce window holds."""
    admin, keys = (
        Home(home).open_key("admin"),
        [SecretKey.generate(SUITE_ALGORITHMS[SUITE]) for _ in range(ACCOUNTS)],
    )
    senders = [Sender(key) for key in keys]
    addresses = [Address(key.address(SUITE)) for key in keys]
    to = Address(admin.address(SUITE))
    # The first node does not answer: posts and the stream go on with the next ones.
    async with package.AsyncClient(["http://127.0.0.1:9", *urls(home)], key=admin) as client:
        made = await client.submit_many(
            [AccountCreate(PublicKey(key.algorithm, key.public_key)) for key in keys]
        )
        funded = await client.submit_many(
            [AssetIssue(number, address, Amount(EACH)) for address in addresses]
        )
        assert all(isinstance(one, TransactionSummary) for one in made + funded)
        assert [one.check().is_ok for one in made + funded if not isinstance(one, Exception)]
        told: list[tuple[int, int]] = []
        stranger = Sender(SecretKey.generate(SUITE_ALGORITHMS[SUITE]))
        results = await client.submit_many(
            [AssetTransfer(number, to, Amount(1))] * (ACCOUNTS * EACH + 2),
            senders=[*senders * EACH, senders[0], stranger],
            progress=lambda done, total: told.append((done, total)),
        )
        assert told[-1] == (len(results), len(results))
        assert isinstance(results[-1], errors.AccountNotFound)
        # The balance of the first sender is used up before one of its transactions.
        codes = [one.code for one in results]
        assert codes.count("insufficient_balance") == 1
        assert codes.count("ok") == ACCOUNTS * EACH
        assert await client.balance(to, number) == ACCOUNTS * EACH
        final = next(one for one in results if one.code == "insufficient_balance")
        assert isinstance(final, TransactionSummary)
        with pytest.raises(errors.InsufficientBalance):
            final.check()
        fetched = await client.transaction(final.id)
        assert (fetched.height, fetched.outcome.number) == (final.height, final.number)


def test_many_transactions_of_many_senders(home: Path) -> None:
    """Goal: 6,000 transactions of 20 senders land once each, and errors are their own.

    Method: accounts made and funded in bulk; one transfer more than the balance bears; a sender
    without an account; a first node that is dead.
    """
    import asyncio

    with package.Client(urls(home), key=Home(home).open_key("admin")) as client:
        made = client.submit(AssetDefine(symbol="MANY", name="Many", decimals=0))
    asyncio.run(_submit_for_many(home, AssetId(int(made.outcome.events[0].fields()["asset"]))))


def test_notarize_and_verify_in_python(home: Path, tmp_path: Path) -> None:
    """Goal: the two one-liners. Method: record a file and verify it, then alter it."""
    file = tmp_path / "file"
    file.write_text("content")
    receipt = package.notarize(file, home=home)
    shown = package.verify(file, receipt, trust=home / "trust.json")
    assert shown.chain == "local"
    assert package.verify(file, receipt.save(tmp_path / "r"), home / "trust.json") == shown
    file.write_text("Content")
    with pytest.raises(errors.FileAltered):
        package.verify(file, receipt, home / "trust.json")


ADMITTED = {Suite.INTL: ["ed25519", "sm2", "p256", "secp256k1", "ml-dsa-65"], Suite.GM: ["sm2"]}
"""Algorithms of accounts, by suite."""


@pytest.mark.parametrize("algorithm", ADMITTED[SUITE])
def test_accounts_of_every_algorithm(home: Path, tmp_path: Path, algorithm: str) -> None:
    """Goal: any admitted algorithm signs for an account. Method: key, account, evidence, verify."""
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    paper = tmp_path / "paper.txt"
    paper.write_text(f"signed with {algorithm}")
    name = f"notary-{algorithm}"
    made = run(home, "key", "new", name, "--alg", algorithm, "--password-file", password)
    run(home, "account", "create", name, "--roles", "notary")
    shown = run(home, "account", "show", made.document["address"]).document
    assert shown["algorithm"] == algorithm
    out = tmp_path / "receipts"
    words = ("--key", name, "--password-file", password)
    run(home, "evidence", "submit", paper, "--out", out, *words)
    trust = home / "trust.json"
    receipt = next(out.rglob("*.receipt"))
    verified = trine("evidence", "verify", paper, "--receipt", receipt, "--trust", trust)
    assert verified.status == 0, verified.err


@pytest.mark.skipif(SUITE is Suite.INTL, reason="the suite intl admits every algorithm")
def test_national_chains_refuse_other_algorithms(home: Path, tmp_path: Path) -> None:
    """Goal: a chain of the suite gm speaks SM2 alone. Method: an account with another key."""
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    run(home, "key", "new", "foreign", "--alg", "ed25519", "--password-file", password)
    ended = trine("account", "create", "foreign", "--home", home, "--json")
    assert (ended.status, ended.code) == (4, "bad_key")


@ONE_SUITE
def test_a_network_with_long_time_limits_runs(tmp_path: Path) -> None:
    """Goal: limits for slow lines are taken. Method: views that wait longer than the silence after
    which leaders are skipped otherwise."""
    home = tmp_path / "home"
    words = ("up", "--detach", "--validators", "1", "--home", home, "--json")
    assert trine(*words).status == 0
    assert trine("down", "--home", home).status == 0
    config = home / "nodes" / "city" / "node.toml"
    limits = "[engine]\nleader_ms = 6000\ncertification_ms = 9000"
    config.write_text(config.read_text().replace("[engine]", limits))
    again = trine(*words)
    assert again.status == 0, again.err
    assert again.document["height"] >= 1
    assert trine("down", "--home", home).status == 0
