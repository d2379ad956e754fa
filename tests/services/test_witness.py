"""Test witnesses and monitors beside a real chain: a service that publishes, over HTTP."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cbor2
import httpx
import pytest

from tests.cli.command import trine
from tests.services.chains import ISSUER, SERVICE, Service, chain, http, issuer_key, service
from tests.services.logs import LocalLog, static_server
from tests.services.test_service import COSE, FUNCTION, signed
from trine import Client
from trine.client.home import Home
from trine.crypto import SecretKey
from trine.services.evidence import note, receipt, witness
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from trine.services.evidence.monitor import State
from trine.types import Digest

SECONDS_MAX = 60
ORIGIN = SERVICE.removeprefix("https://")


class Witnessed(NamedTuple):
    """A witness that runs."""

    url: str
    key: note.VerifierKey
    folder: Path


@contextlib.contextmanager
def witnessing(home: Home, folder: Path, log_key: note.VerifierKey) -> Iterator[Witnessed]:
    """Run a witness of the chain's log."""
    command = [sys.executable, "-m", "trine", "evidence", "witness", "--home", str(home.path)]
    command += ["--log", "city/statements", "--log-key", str(log_key), "--folder", str(folder)]
    command += ["--name", "witness.example/w1", "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://")
        key = note.VerifierKey.parse((folder / "witness.vkey").read_text().strip())
        yield Witnessed(url, key, folder)
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with chain(Home(folder / "home")) as home, service(home, folder / "data", issuer_key()) as one:
        yield one


def log_key(running: Service) -> note.VerifierKey:
    """Read the verifier key of the log."""
    with http(running) as client:
        return note.VerifierKey.parse(client.get("/log.vkey").text.strip())


def register(running: Service, first: int, count: int, **fields: object) -> None:
    """Register statements and wait until a checkpoint has them."""
    items = [signed(running.key, number, **fields) for number in range(first, first + count)]
    with http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps(items))
        assert all(isinstance(one, bytes) for one in cbor2.loads(answer.content))
        size = size_with(client, cbor2.loads(answer.content))
        deadline = time.monotonic() + SECONDS_MAX
        while checkpoint_of(client).size < size:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def size_with(client: httpx.Client, entries: list[bytes]) -> int:
    """Wait until all have receipts; returns the smallest size of the log that has them."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        body = cbor2.dumps(entries)
        made = cbor2.loads(client.post("/receipts?chain=0", content=body).content)
        if all(isinstance(one, bytes) for one in made):
            return 1 + max(receipt.read_receipt(one).inclusions[0].leaf_index for one in made)
        assert time.monotonic() < deadline
        time.sleep(0.1)


def checkpoint_of(client: httpx.Client) -> Checkpoint:
    """Read the checkpoint; an empty one where there is none yet."""
    answer = client.get("/checkpoint")
    if answer.status_code == 404:
        return Checkpoint(ORIGIN, 0, Digest(bytes(32)))
    return Checkpoint.read_text(note.read_note(answer.content).text)


@pytest.mark.network
def test_the_service_publishes_for_everyone(running: Service) -> None:
    """Goal: what C2SP tlog-tiles serves, from the service and from a plain file server alike.

    Method: register, then follow both with the monitor command; look at types and caching.
    """
    register(running, 0, 300)
    key = log_key(running)
    with http(running) as client:
        answer = client.get("/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=1"
        found, _ = verify_checkpoint(answer.content, [key])
        assert found.origin == ORIGIN and found.size >= 300
        for name in ("tile/0/000", "tile/entries/000", "index/tile/entries/000"):
            tile = client.get(f"/{name}")
            assert tile.headers["content-type"] == "application/octet-stream"
            assert "immutable" in tile.headers["cache-control"]
        assert client.get("/tile/0/000.p/7").status_code == 404
    words = ("--log-key", str(key), "--hash", FUNCTION, "--once", "--json")
    words += ("--trust", str(running.home.trust), "--log", "city/statements")
    words += ("--home", str(running.home.path))
    done = trine("evidence", "monitor", running.url, *words, "--statements")
    assert done.status == 0, (done.out, done.err)
    assert done.document["size"] >= 300 and done.document["height"] > 0
    [folder] = (running.folder / "public/logs").iterdir()
    with static_server(folder) as url:
        done = trine("evidence", "monitor", url, *words)
    assert done.status == 0, (done.out, done.err)
    secret = running.folder / "checkpoint.key"
    assert secret.stat().st_mode & 0o077 == 0
    served = [path for path in folder.rglob("*") if path.is_file()]
    assert all(secret.read_bytes().strip() not in path.read_bytes() for path in served)


@pytest.mark.network
def test_a_log_that_is_not_the_chains_is_noticed(running: Service, tmp_path: Path) -> None:
    """Goal: a self-consistent log of the right key, which the chain never had, does not pass.

    Method: sign another log with the service's own key; the monitor holds it against the chain.
    """
    register(running, 500, 10)
    text = (running.folder / "checkpoint.key").read_text()
    made = LocalLog(tmp_path / "log", SecretKey("ed25519", bytes.fromhex(text.strip())))
    made.grow([f"forged-{number}" for number in range(5)])
    made.publish()
    words = ("--log-key", str(made.verifier), "--once", "--json", "--hash", "sha256")
    evidence = ("--evidence", str(tmp_path / "evidence.json"))
    chained = ("--trust", str(running.home.trust), "--log", "city/statements")
    chained += ("--home", str(running.home.path))
    with static_server(tmp_path / "log") as url:
        assert trine("evidence", "monitor", url, *words).status == 0
        done = trine("evidence", "monitor", url, *words, *evidence, *chained)
    assert (done.status, done.code) == (1, "log_differs")
    assert ORIGIN.split(".")[0] in (tmp_path / "evidence.json").read_text()


def add(one: Witnessed, old: int, path: list[bytes], checkpoint: bytes) -> httpx.Response:
    """Send `add-checkpoint`."""
    body = witness.write_request(old, path, checkpoint)
    return httpx.post(f"{one.url}/add-checkpoint", content=body, trust_env=False, timeout=30)


@pytest.mark.network
def test_a_witness_answers_as_the_protocol_says(running: Service, tmp_path: Path) -> None:
    """Goal: the statuses of C2SP tlog-witness, and no cosignature on what the chain never had.

    Method: a real checkpoint, then a growing one, a stale size, bad proofs, other origins and
    keys, and forks that the log's own key signed: of the same size, larger, and never certified.
    """
    register(running, 1_000, 20)
    key = log_key(running)
    secret = (running.folder / "checkpoint.key").read_text().strip()
    signer = SecretKey("ed25519", bytes.fromhex(secret))
    with http(running) as client:
        first = client.get("/checkpoint").content
    known = Checkpoint.read_text(note.read_note(first).text)

    def forged(size: int, root: bytes = bytes(32), origin: str = ORIGIN) -> bytes:
        return sign_checkpoint(Checkpoint(origin, size, Digest(root)), signer).encode()

    with witnessing(running.home, tmp_path / "w", key) as one:
        assert add(one, 0, [], b"nonsense").status_code == 400
        assert add(one, known.size + 1, [], first).status_code == 400
        assert add(one, 0, [], forged(3, origin="other.example")).status_code == 404
        stranger = SecretKey.generate("ed25519")
        unsigned = sign_checkpoint(known, stranger).encode()
        assert add(one, 0, [], unsigned).status_code == 403
        assert add(one, 0, [bytes(32)], first).status_code == 422
        # The log's key signed it, and the chain never had it.
        assert add(one, 0, [], forged(known.size)).status_code == 422
        assert add(one, 0, [], forged(known.size + 10_000)).status_code == 503
        good = add(one, 0, [], first)
        assert good.status_code == 200
        cosigned = note.read_note(known.text().encode() + b"\n" + good.content)
        [verified] = note.verify(cosigned, [one.key])
        assert verified.time_s is not None and abs(verified.time_s - time.time()) < 60
        again = add(one, known.size, [], first)
        assert again.status_code == 200
        stale = add(one, 0, [], first)
        assert (stale.status_code, stale.text) == (409, f"{known.size}\n")
        assert stale.headers["content-type"] == "text/x.tlog.size"
        assert add(one, known.size, [], forged(known.size)).status_code == 409
        assert add(one, known.size, [bytes(32)], forged(known.size + 1)).status_code == 422
        seen = list((one.folder / "seen").iterdir())
        assert any(".refused." in path.name for path in seen)
        mode = (one.folder / "witness.key").stat().st_mode
        assert mode & 0o077 == 0
    # Another process with the same folder remembers.
    with witnessing(running.home, tmp_path / "w", key) as one:
        assert add(one, 0, [], first).status_code == 409
        second = trine(
            *("evidence", "witness", "--home", running.home.path, "--log", "city/statements"),
            *("--log-key", str(key), "--folder", one.folder, "--name", "w.example", "--json"),
        )
        assert second.code == "folder_locked"


@pytest.mark.network
def test_a_service_is_cosigned_and_killed(tmp_path: Path) -> None:
    """Goal: checkpoints carry cosignatures, never go back, and survive kills at any moment.

    Method: run the service with a witness and with one that is away; register, kill it at once,
    start it again, five times; a monitor that demands the cosignature follows the folder on a plain
    file server, with one state, between the kills.
    """
    with chain(Home(tmp_path / "home")) as home:
        issuer = issuer_key()
        with service(home, tmp_path / "data", issuer) as first:
            key = log_key(first)
        with witnessing(home, tmp_path / "w", key) as one:
            away = note.verifier_of(SecretKey.generate("ed25519"), "away", one.key.kind)
            asked = ((one.url, str(one.key)), ("http://127.0.0.1:1", str(away)))
            for number in range(5):
                with service(home, tmp_path / "data", issuer, witnesses=asked) as killed:
                    items = [signed(issuer, at) for at in range(number * 400, number * 400 + 400)]
                    with http(killed) as client:
                        client.post("/batches", content=cbor2.dumps(items))
                    time.sleep(0.1 * number)
                    killed.kill()
            with service(home, tmp_path / "data", issuer, witnesses=asked) as last:
                register(last, 2_000, 10)
                _follow(tmp_path, last, one)


def _follow(folder: Path, last: Service, one: Witnessed) -> None:
    [public] = (folder / "data/public/logs").iterdir()
    state = folder / "log.state"
    words = ("--log-key", str(log_key(last)), "--hash", FUNCTION, "--once", "--json")
    words += ("--witness", str(one.key), "--witnesses", "1", "--state", str(state))
    with static_server(public) as url:
        done = trine("evidence", "monitor", url, *words)
        assert done.status == 0, (done.out, done.err)
        register(last, 3_000, 5)
        done = trine("evidence", "monitor", url, *words)
        assert done.status == 0, (done.out, done.err)
        assert done.document["new"] is True and done.document["cosigned"] == 1
    assert State.decode(state.read_bytes(), FUNCTION).leaves.size >= 2_015


@pytest.mark.network
def test_a_search_is_complete(running: Service, tmp_path: Path) -> None:
    """Goal: commands find statements and prove that nothing was left out.

    Method: register for the issuer; find by issuer, type, digest and time, page after page; prove
    and verify both kinds of search; change a byte of the proof.
    """
    register(running, 4_000, 30, content_type="text/csv")
    key = log_key(running)
    service_words = ("--service", running.url, "--json")
    done = trine("evidence", "search", "find", *service_words, "--type", "text/csv")
    assert len(done.document["statements"]) == 30
    one = done.document["statements"][0]
    for digest in (one["entry"], one["content_digest"]):
        found = trine("evidence", "search", "find", *service_words, "--digest", digest)
        assert [each["entry"] for each in found.document["statements"]] == [one["entry"]]
    with http(running) as client:
        pages, after = 0, "-1"
        listed: list[int] = []
        while after != "None":
            query = {"issuer": ISSUER, "count": "7"} | ({"after": after} if pages else {})
            answer = client.get("/search", params=query).json()
            listed += [each["place"] for each in answer["statements"]]
            after, pages = str(answer["after"]), pages + 1
        assert client.get("/search?count=1001").status_code == 400
        assert client.get("/search?digest=zz").status_code == 400
    assert listed == sorted(set(listed)) and len(listed) >= 30
    out = tmp_path / "proof"
    verify = ("evidence", "search", "verify", out, "--log-key", str(key), "--hash", FUNCTION)
    done = trine("evidence", "search", "find", *service_words, "--issuer", ISSUER, "--proof", out)
    assert done.status == 0, done.err
    shown = trine(*verify, "--json", "--issuer", ISSUER)
    assert shown.status == 0, shown.out
    assert [each["place"] for each in shown.document["entries"]] == listed
    assert trine(*verify, "--json", "--issuer", "https://nobody").code == "search_incomplete"
    assert trine(*verify, "--json", "--at-least", "1000000").code == "search_incomplete"
    certified = ("--trust", running.home.trust, "--log")
    with Client(running.home.urls()) as client:
        number = client.log("city/statements").id
    shown = trine(*verify, "--json", *certified, str(number), "--type", "text/csv")
    assert shown.code == "search_incomplete", "the proof is about the issuer"
    shown = trine(*verify, "--json", *certified, str(number), "--issuer", ISSUER)
    assert shown.status == 0 and shown.document["certified_ms"] > 0
    assert trine(*verify, "--json", *certified, str(number + 1)).code == "search_incomplete"
    kind = ("--issuer", ISSUER, "--type", "text/csv", "--from", "2020-01-01")
    for asked, expected in (
        (kind, 30),
        (("--type", "text/csv", "--to", "2100-01-01"), 30),
        (("--digest", one["entry"]), 1),
        (("--digest", one["content_digest"], "--type", "text/csv"), 1),
        (("--digest", "00" * 32), 0),
        (("--type", "text/nothing"), 0),
    ):
        done = trine("evidence", "search", "find", *service_words, *asked, "--proof", out)
        assert done.status == 0, done.err
        shown = trine(*verify, "--json", *certified, str(number), *asked)
        assert shown.status == 0, shown.out
        assert len(shown.document["entries"]) == len(done.document["statements"]) == expected
    with http(running) as client_of_service:
        for query in ("issuer=a&type=b", "type=b&from=1", "entry=zz"):
            assert client_of_service.get(f"/search/proof?{query}").status_code == 400
    assert "exactly" in trine(*verify).out
    times = ("--from", "2020-01-01", "--to", "2100-01-01T00:00:00+01:00")
    done = trine("evidence", "search", "find", *service_words, *times, "--proof", out)
    assert done.status == 0, done.err
    assert len(trine(*verify, "--json").document["entries"]) >= len(listed)
    content = bytearray(out.read_bytes())
    content[-100] ^= 1
    out.write_bytes(content)
    assert trine(*verify, "--json").status in (1, 5)


@pytest.mark.network
def test_a_full_log_names_the_next(tmp_path: Path) -> None:
    """Goal: a log can end: what it has stays obtainable, and newcomers are told where to go.

    Method: a policy of three entries at most; register three and a fourth.
    """
    with chain(Home(tmp_path / "home")) as home:
        issuer = issuer_key()
        head = 'entries_max = 3\nsuccessor = "https://next.example"\n'
        with service(home, tmp_path / "data", issuer, head=head) as one, http(one) as client:
            for number in range(3):
                answer = client.post("/entries", content=signed(issuer, number), headers=COSE)
                assert answer.status_code == 201, answer.content
            kept = answer.headers["location"]
            accept = {"accept": "application/json"}
            answer = client.post("/entries", content=signed(issuer, 4), headers=COSE | accept)
            assert answer.status_code == 410
            assert answer.json()["code"] == "log_closed"
            assert "https://next.example" in answer.json()["detail"]
            assert client.get(kept).status_code == 200
