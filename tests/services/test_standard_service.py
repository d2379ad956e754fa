"""Test standard receipts of a gm chain, and services that are killed, beside real chains."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import httpx
import pytest
import scitt_cose

from tests.cli.command import trine
from tests.services.chains import (
    ISSUER,
    SERVICE,
    Service,
    chain,
    ended,
    http,
    issuer_key,
    service,
    start,
)
from tests.services.test_service import COSE, signed
from trine import Client
from trine.client.home import Home
from trine.client.verification import Trust, verify_proof
from trine.errors.services import BadHeader
from trine.model.hashing import Suite
from trine.services.evidence import checking, cose, note, pack, receipt, statement, tree
from trine.services.evidence.chain import FUNCTIONS
from trine.services.evidence.checkpoint import verify_checkpoint
from trine.services.evidence.pack.proving import prove, services_of
from trine.types import Digest, LogId
from trine.types.calls import PublicKey

SECONDS_MAX = 60
BATCH = 500


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    key = issuer_key(Suite.GM)
    with (
        chain(Home(folder / "home"), suite=Suite.GM) as home,
        service(home, folder / "data", key, options=("--anchor-every", "1")) as one,
    ):
        yield one


def keys_of(client: httpx.Client) -> list[PublicKey]:
    """Read the keys of the service."""
    return checking.read_key_set(client.get("/.well-known/scitt-keys").content)


def waited(look: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until there is an answer."""
    deadline = time.monotonic() + SECONDS_MAX
    while (answer := look()).status_code != httpx.codes.OK:
        assert time.monotonic() < deadline, answer.content
        time.sleep(0.1)
    return answer


@pytest.mark.network
def test_a_gm_chain_gives_standard_receipts(running: Service, tmp_path: Path) -> None:
    """Goal: whoever knows SCITT only verifies a record of a gm chain; SM3 stays what is given.

    Method: register; scitt-cose verifies the standard receipt, asked for alone, in a batch and at
    the registration; the command verifies a statement with either receipt.
    """
    data = signed(running.key, 1)
    entry = statement.entry_of(data, "sm3")
    with http(running) as client:
        usual = client.post("/entries", content=data, headers=COSE)
        assert receipt.read_receipt(usual.content).function == "sm3"
        sm2, p256 = keys_of(client)
        assert (sm2.algorithm, p256.algorithm) == ("sm2", "p256")
        assert client.get(f"/.well-known/scitt-keys/{p256.key.hex()}").status_code == 200
        written = tmp_path / "service.pem"
        shown = trine("evidence", "key", "--service", running.url, "--pem", written)
        assert shown.status == 0, shown.err
        pem = written.read_bytes()
        place = f"/entries/{entry}"
        batch = client.post("/receipts?standard=1", content=cbor2.dumps([bytes(entry)]))
        answers = (
            client.get(f"{place}?standard=1").content,
            client.post("/entries?standard=1", content=data, headers=COSE).content,
            cbor2.loads(batch.content)[0],
        )
        for made in answers:
            found = scitt_cose.verify_receipt(
                made, leaf_entry_hex=entry.hex(), log_public_key_pem=pem
            )
            assert found.ok, found.errors
            assert (found.issuer, found.leaf_index) == (SERVICE, 0)
            assert len(made) < 2_048
        (tmp_path / "keys.cbor").write_bytes(client.get("/.well-known/scitt-keys").content)
        for name, query in (("usual", ""), ("standard", "?standard=1")):
            (tmp_path / name).write_bytes(client.get(f"{place}/statement{query}").content)
    issuer = f"{running.key.algorithm}:{running.key.public_key.hex()}"
    words = ("--issuer-key", issuer, "--service-keys", tmp_path / "keys.cbor", "--json")
    for name in ("usual", "standard"):
        words = (*words, "--trust", running.home.trust)
        done = trine("statement", "verify", tmp_path / name, *words)
        assert done.status == 0, done.out
        [shown] = done.document["receipts"]
        assert (shown["index"], shown["chain"]) == (0, "local" if name == "usual" else None)
    standard = statement.receipts_of((tmp_path / "standard").read_bytes())
    both = statement.with_receipts((tmp_path / "usual").read_bytes(), standard)
    (tmp_path / "both").write_bytes(both)
    done = trine("statement", "verify", tmp_path / "both", *words)
    assert len(done.document["receipts"]) == 2
    known = pack.Keys(((ISSUER, cose.public_key(running.key)),), (sm2, p256))
    with pytest.raises(BadHeader, match="beside the chain's"):
        prove("record", b"content 1", both, Trust.load(running.home.trust), known)
    usual_alone = (tmp_path / "usual").read_bytes()
    assert services_of([usual_alone], known) == (sm2,)
    assert prove("record", b"content 1", usual_alone, Trust.load(running.home.trust), known).said


@pytest.mark.network
def test_the_chain_records_the_root(running: Service) -> None:
    """Goal: validators certify the SHA-256 root too, so that nobody trusts the service for it.

    Method: wait for the anchor; its statement has the chain's proof, and the checkpoint in it is
    the root of what the chain itself says are its entries; the monitor holds both against it.
    """
    with http(running) as client:
        for number in range(10, 13):
            client.post("/entries", content=signed(running.key, number), headers=COSE)
        anchor = waited(lambda: client.get("/sha256/anchor")).content
        entry = statement.entry_of(anchor, "sm3")
        whole = waited(lambda: client.get(f"/entries/{entry}/statement")).content
        key = note.VerifierKey.parse(client.get("/sha256/log.vkey").text.strip())
        main_key = client.get("/log.vkey").text.strip()
        checked = checking.check(
            whole,
            issuer_key=keys_of(client)[1],
            service_keys=keys_of(client),
            trust=Trust.load(running.home.trust),
            now_s=int(time.time()),
        )
    [shown] = checked.receipts
    assert shown.chain is not None and shown.chain.fact["entry"] == entry
    assert checked.statement.issuer == SERVICE
    said, _ = verify_checkpoint(checked.statement.payload, [key])
    with Client(running.home.urls(), key=running.home.open_key()) as client_of_chain:
        log = client_of_chain.log("city/statements")
        entries = client_of_chain.log_entries(LogId(log.id), first=0, count=said.size)
    leaves = tree.leaf_hashes("sha256", entries[: said.size])
    assert tree.Frontier("sha256").extend(leaves).root() == said.root
    assert entry in client_entries(running)
    words = ("--log-key", main_key, "--hash", "sm3", "--once", "--json", "--statements")
    words += ("--trust", str(running.home.trust), "--log", "city/statements")
    done = trine("evidence", "monitor", running.url, *words, "--home", running.home.path)
    assert done.status == 0, (done.out, done.err)
    assert (done.document["standard"], done.document["height"] > 0) == (True, True)
    alone = trine("evidence", "monitor", f"{running.url}/sha256", "--log-key", str(key), "--once")
    assert alone.status == 0, alone.err


@pytest.mark.network
def test_altered_files_stop_the_start(tmp_path: Path) -> None:
    """Goal: a service does not go on with a file that was altered, of either log, and names it.

    Method: register on a gm chain, end; for each kind of file alter one byte and start: exit status
    1, one sentence with code and name, nobody answered. With all bytes as they were it starts.
    """
    key, data = issuer_key(Suite.GM), tmp_path / "data"
    with chain(Home(tmp_path / "home"), suite=Suite.GM) as home:
        with service(home, data, key) as one, http(one) as client:
            assert client.post("/entries", content=signed(key, 1), headers=COSE).is_success
            waited(lambda: client.get("/sha256/checkpoint"))
            waited(lambda: client.get("/checkpoint"))
        [folder] = (data / "public/logs").iterdir()
        files = ["tile/0/000.p/1", "tile/entries/000.p/1", "checkpoint", "log.vkey"]
        index = [f"index/{one}" for one in files[:2]]
        for name in [*files, *index, *(f"sha256/{one}" for one in files)]:
            path = folder / name
            content = path.read_bytes()
            path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
            status, out, complaints = ended(start(home, data, key), data)
            assert (status, out) == (1, ""), (name, complaints)
            assert "[folder_altered]" in complaints and "Traceback" not in complaints
            assert f"logs/{folder.name}/{name} " in complaints, complaints
            path.write_bytes(content)
            (data / "service.err").unlink()
        with service(home, data, key) as one, http(one) as client:
            assert client.get("/search?count=9").json()["statements"][0]["place"] == 0


def client_entries(running: Service) -> list[Digest]:
    """Read all entries of the log from the chain."""
    with Client(running.home.urls(), key=running.home.open_key()) as client:
        log = client.log("city/statements")
        return client.log_entries(LogId(log.id), first=0, count=log.size)


def post_until_killed(running: Service, numbers: Iterator[int], delay_s: float) -> list[bytes]:
    """Post batches while the service is killed; returns the entries that it answered for."""
    killer = threading.Timer(delay_s, os.kill, (running.process.pid, signal.SIGKILL))
    killer.start()
    taken: list[bytes] = []
    with http(running) as client:
        try:
            while True:
                items = [signed(running.key, next(numbers)) for _ in range(BATCH)]
                answer = client.post("/batches", content=cbor2.dumps(items))
                taken += cbor2.loads(answer.content)
        except httpx.TransportError:
            pass
    killer.join()
    return taken


@pytest.mark.network
@pytest.mark.parametrize("suite", list(Suite))
def test_kills_in_the_middle_of_batches(suite: Suite, tmp_path: Path) -> None:
    """Goal: no receipt without a record, and a receipt for every record, whenever it is killed.

    Method: kill the service with SIGKILL while it takes batches, at different moments; on gm lose
    the standard log once. Then every entry that it answered for, and every entry of the chain's
    log, has its receipts; each leads to the first place where the chain has that entry.
    """
    key, function = issuer_key(suite), FUNCTIONS[suite]
    numbers, taken = itertools.count(), list[bytes]()
    with chain(Home(tmp_path / "home"), suite=suite) as home:
        for delay_s in (0.3, 0.9, 1.7):
            with service(home, tmp_path / "data", key) as killed:
                taken += post_until_killed(killed, numbers, delay_s)
            lost = next((tmp_path / "data/public/logs").glob("*/sha256"), None)
            if lost is not None and delay_s > 1:
                lost.rename(tmp_path / "lost")
        assert taken
        with service(home, tmp_path / "data", key) as last, http(last) as client:
            made = receipts_of(client, taken)
            recorded = client_entries(last)
            assert set(map(Digest, taken)) <= set(recorded)
            made |= receipts_of(client, [bytes(one) for one in recorded])
            standard = receipts_of(client, list(made), "&standard=1")
            keys = {one.key: one for one in keys_of(client)}
            body = cbor2.dumps([bytes(recorded[-1])])
            [full] = cbor2.loads(client.post("/receipts", content=body).content)
    first = {entry: place for place, entry in reversed(list(enumerate(recorded)))}
    for entry, one in [*made.items(), *standard.items()]:
        read = receipt.read_receipt(one)
        assert read.key_id is not None and read.entry_function == function
        receipt.verify_inclusion(read, Digest(entry), keys[read.key_id])
        assert first[Digest(entry)] == read.inclusions[0].leaf_index
    assert {receipt.read_receipt(one).function for one in standard.values()} == {"sha256"}
    proof = receipt.read_receipt(full).chain_proof
    assert proof is not None
    assert verify_proof(proof, Trust.load(home.trust)).fact["entry"] == recorded[-1]


def receipts_of(client: httpx.Client, entries: list[bytes], kind: str = "") -> dict[bytes, bytes]:
    """Wait for the receipts of entries."""
    deadline = time.monotonic() + SECONDS_MAX
    found: dict[bytes, bytes] = {}
    for first in range(0, len(entries), BATCH):
        part = entries[first : first + BATCH]
        while True:
            body = cbor2.dumps(part)
            made = cbor2.loads(client.post(f"/receipts?chain=0{kind}", content=body).content)
            if all(isinstance(one, bytes) for one in made):
                break
            assert time.monotonic() < deadline, made[:3]
            time.sleep(0.1)
        found |= zip(part, made, strict=True)
    return found


@pytest.mark.network
def test_a_sha256_log_is_its_own_standard_log(tmp_path: Path) -> None:
    """Goal: one address for standard receipts on every chain. Method: an intl chain, both ways."""
    with chain(Home(tmp_path / "home"), suite=Suite.INTL) as home:
        key = issuer_key(Suite.INTL)
        with service(home, tmp_path / "data", key) as one, http(one) as client:
            data = signed(key, 1)
            entry = statement.entry_of(data)
            client.post("/entries", content=data, headers=COSE)
            usual = client.get(f"/entries/{entry}").content
            assert client.get(f"/entries/{entry}?standard=1").content == usual
            assert client.get("/sha256/checkpoint").status_code == 404
            assert len(keys_of(client)) == 1
            assert checking.read_key_set(client.get("/.well-known/scitt-keys").content)
            assert ISSUER in client.get("/search?count=9").text
