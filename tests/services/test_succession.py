"""Test that one service goes on in the next log where a log is full, while statements come."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cbor2
import httpx
import pytest

from tests.cli.command import trine
from tests.services.chains import ISSUER, Service, chain, ended, http, issuer_key, service, start
from tests.services.test_service import COSE, FUNCTION, service_key, signed
from trine import Client
from trine.client.home import Home
from trine.client.verification import verify_proof
from trine.crypto import SecretKey
from trine.services.evidence import note, receipt, statement
from trine.services.evidence.checkpoint import verify_checkpoint
from trine.types import Digest, LogCreate

pytestmark = pytest.mark.network
ENTRIES_MAX = 40
NAMES = ("statements", "second", "third")
HEAD = f'entries_max = {ENTRIES_MAX}\nsuccessor = "https://log4.example"\n'
NEXT = ("--next", "city/second", "--next", "city/third")
SECONDS_MAX = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with chain(Home(tmp_path_factory.mktemp("line") / "home")) as found:
        with Client(found.urls(), key=found.open_key()) as client:
            for name in NAMES[1:]:
                client.submit(LogCreate(name=name))
        yield found


def receipts(client: httpx.Client, entries: Sequence[Digest]) -> list[bytes]:
    """Fetch receipts until there is one of every entry."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        body = cbor2.dumps([bytes(one) for one in entries])
        made = cbor2.loads(client.post("/receipts", content=body).content)
        if all(isinstance(one, bytes) for one in made):
            return list(made)
        assert time.monotonic() < deadline, made
        time.sleep(0.1)


def logs_of(home: Home) -> dict[str, list[Digest]]:
    """Read the logs from the chain itself."""
    with Client(home.urls()) as client:
        logs = [client.log(f"city/{name}") for name in NAMES]
        return {
            one.name: client.log_entries(one.id, first=0, count=one.size) if one.size else []
            for one in logs
        }


def streamed(running: Service, items: Sequence[bytes]) -> None:
    """Send statements by several clients at once, one by one and in batches of seven."""
    cursor, lock = iter(items), threading.Lock()

    def taken(count: int) -> list[bytes]:
        with lock:
            return [one for _, one in zip(range(count), cursor, strict=False)]

    def client(is_batch: bool) -> None:
        with http(running) as one:
            while mine := taken(7 if is_batch else 1):
                if is_batch:
                    answer = one.post("/batches", content=cbor2.dumps(mine))
                    assert answer.status_code == 202, answer.content
                    assert all(isinstance(each, bytes) for each in cbor2.loads(answer.content))
                else:
                    answer = one.post("/entries", content=mine[0], headers=COSE)
                    assert answer.status_code in (201, 303), answer.content

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(client, number % 2 == 0) for number in range(4)]:
            done.result()


def check_all(running: Service, key: SecretKey, items: Sequence[bytes]) -> list[str]:
    """Verify the receipt of every statement; returns the log of each."""
    entries = [statement.entry_of(one, FUNCTION) for one in items]
    own, found = service_key(running), []
    with http(running) as client:
        for entry, made in zip(entries, receipts(client, entries), strict=True):
            read = receipt.read_receipt(made)
            receipt.verify_inclusion(read, entry, own)
            assert read.chain_proof is not None
            fact = verify_proof(read.chain_proof, running.home.trust).fact
            assert fact["entry"] == entry
            assert read.subject is not None
            found.append(read.subject.rpartition("/")[2])
    return found


def test_no_statement_is_lost_where_logs_end(home: Home, tmp_path: Path) -> None:
    """Goal: a full log is no downtime.

    Method: a stream of statements of several clients through two ends of logs, the second after a
    kill of the service; every statement is in one log once, with a receipt that verifies; earlier
    logs keep their files and what they have; the last one ends with its successor.
    """
    key = issuer_key()
    items = [signed(key, number) for number in range(100)]
    entries = {statement.entry_of(one, FUNCTION) for one in items}
    given = {"head": HEAD, "options": NEXT}
    with service(home, tmp_path, key, **given) as running:
        streamed(running, items[:70])
        running.kill()
    with service(home, tmp_path, key, **given) as running:
        streamed(running, items[70:])
        where = check_all(running, key, items)
        logs = logs_of(home)
        assert [len(logs[name]) for name in NAMES] == [ENTRIES_MAX, ENTRIES_MAX, 20]
        assert {one for log in logs.values() for one in log} == entries
        for one, name in zip(items, where, strict=True):
            assert statement.entry_of(one, FUNCTION) in logs[name]
        check_earlier(running, items[0])
        check_files(running)
        check_end(running, key)
    # The last log is full: it says where to go, and what was there stays there.
    with service(home, tmp_path, key, **given) as running, http(running) as client:
        full = client.post("/entries", content=signed(key, 998), headers=COSE)
        assert full.status_code == 410
        assert set(check_all(running, key, items)) == set(NAMES)


def check_earlier(running: Service, first: bytes) -> None:
    """What is registered in a log stays there, also where it comes once more."""
    before = logs_of(running.home)
    with http(running) as client:
        again = client.post("/entries", content=first, headers=COSE)
        assert again.status_code == 201
        entry = statement.entry_of(first, FUNCTION)
        read = receipt.read_receipt(again.content)
        receipt.verify_inclusion(read, entry, service_key(running))
        assert client.get(f"/entries/{entry}/statement").status_code == 200
    assert logs_of(running.home) == before


def check_files(running: Service) -> None:
    """Every log has its files, the first one at the root too, each under its own origin."""
    with Client(running.home.urls()) as chain_client:
        numbers = [chain_client.log(f"city/{name}").id for name in NAMES]
    origins = set()
    with http(running) as client:
        for number, size in zip(numbers, (ENTRIES_MAX, ENTRIES_MAX, 20), strict=True):
            folder = f"/logs/{number}"
            key = note.VerifierKey.parse(client.get(f"{folder}/log.vkey").text.strip())
            origins.add(key.name)
            deadline = time.monotonic() + SECONDS_MAX
            while True:
                answer = client.get(f"{folder}/checkpoint")
                if answer.status_code == 200:
                    made, _ = verify_checkpoint(answer.content, [key])
                    if made.size == size:
                        break
                assert time.monotonic() < deadline, answer.text
                time.sleep(0.2)
            assert client.get(f"{folder}/tile/0/000.p/{size}").status_code == 200
            assert client.get(f"{folder}/index/tile/0/000.p/{size}").status_code == 200
            found = client.get("/search", params={"log": number, "count": 100}).json()
            assert len(found["statements"]) == size
        root = client.get("/checkpoint").content
        assert root == client.get(f"/logs/{numbers[0]}/checkpoint").content
        for wrong in ("9999", "x", "-1"):
            assert client.get(f"/logs/{wrong}/checkpoint").status_code == 404
    assert len(origins) == len(NAMES)


def check_end(running: Service, key: SecretKey) -> None:
    """A batch that fits in part is taken in part; the rest is told where to go."""
    batch = [signed(key, 500 + number) for number in range(25)]
    with http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps(batch))
        assert answer.status_code == 202
        results = cbor2.loads(answer.content)
        assert [isinstance(one, bytes) for one in results] == [True] * 20 + [False] * 5
        assert "log_closed" in str(results[-1]) and "https://log4.example" in str(results[-1])
        full = client.post("/entries", content=signed(key, 999), headers=COSE)
        assert full.status_code == 410 and b"https://log4.example" in full.content
        receipts(client, [Digest(one) for one in results[:20]])


def policy_text(key: SecretKey, media_type: str, head: str = "") -> str:
    """Write a policy that takes one type of content from the issuer."""
    key_text = f"{key.algorithm}:{key.public_key.hex()}"
    table = f'[[issuers]]\nname = "{ISSUER}"\nkeys = ["{key_text}"]\n'
    return f'# {media_type}\n{head}{table}media_types = ["{media_type}"]\n'


def test_each_log_has_its_policy(home: Home, tmp_path: Path) -> None:
    """Goal: a statement is checked by the policy of the log into which it goes; all can read it.

    Method: a log of two JSON statements, then one of CSV alone; single ones and a batch over the
    border, also refused ones; compare bytes and digests of the policies, by HTTP and by command.
    """
    key = issuer_key()
    with Client(home.urls(), key=home.open_key()) as client:
        for name in ("json", "csv"):
            client.submit(LogCreate(name=name))
        numbers = [client.log(f"city/{name}").id for name in ("json", "csv")]
    texts = (
        policy_text(key, "application/json", "entries_max = 2\n"),
        policy_text(key, "text/csv"),
    )
    options: list[object] = ["--log", "city/json", "--next", "city/csv"]
    for name, text in zip(("json", "csv"), texts, strict=True):
        (tmp_path / name).write_text(text)
        options += ["--policy-of", f"city/{name}", tmp_path / name]
    with service(home, tmp_path / "data", key, options=options) as running:
        check_policies(running, key)
        check_shown(running, tmp_path, dict(zip(numbers, texts, strict=True)))


def check_policies(running: Service, key: SecretKey) -> None:
    """The first log takes JSON alone, the second one CSV alone."""

    def csv(number: int) -> bytes:
        return signed(key, number, content_type="text/csv")

    def json(number: int) -> bytes:
        return signed(key, number, content_type="application/json")

    accept = COSE | {"accept": "application/json"}
    with http(running) as client:
        assert client.post("/entries", content=json(1), headers=COSE).status_code == 201
        refused = client.post("/entries", content=csv(2), headers=accept)
        assert (refused.status_code, refused.json()["code"]) == (400, "media_type_refused")
        batch = cbor2.dumps([csv(3), json(4), csv(5), json(6), csv(7)])
        results = cbor2.loads(client.post("/batches", content=batch).content)
        assert [isinstance(one, bytes) for one in results] == [False, True, True, False, True]
        assert "media_type_refused" in str(results[0]) and "media_type_refused" in str(results[3])
        refused = client.post("/entries", content=json(8), headers=accept)
        assert (refused.status_code, refused.json()["code"]) == (400, "media_type_refused")
        assert client.post("/entries", content=csv(9), headers=COSE).status_code == 201


def check_shown(running: Service, folder: Path, texts: dict[int, str]) -> None:
    """Each log shows its policy, byte for byte."""
    digests = {log: hashlib.sha256(text.encode()).hexdigest() for log, text in texts.items()}
    first, second = texts
    with http(running) as client:
        assert client.get("/policy").text == texts[first]
        for log, text in texts.items():
            answer = client.get(f"/logs/{log}/policy")
            digest = base64.b64encode(bytes.fromhex(digests[log])).decode()
            assert (answer.text, answer.headers["repr-digest"]) == (text, f"sha-256=:{digest}:")
        listed = client.get("/logs").json()["logs"]
        assert {one["log"]: one["policy_sha256"] for one in listed} == digests
        assert {one["log"]: one["takes"] for one in listed} == {first: False, second: True}
        assert client.get("/logs/9999/policy").status_code == 404
    words = ("evidence", "policy", "--service", running.url)
    assert trine(*words, "--json").document["policy_sha256"] == digests[second]
    done = trine(*words, "--log", str(first), "--out", folder / "read.toml")
    assert done.status == 0 and digests[first] in done.out and digests[second] in done.out
    assert (folder / "read.toml").read_text() == texts[first]
    assert trine(*words, "--log", "9999", "--json").code == "bad_argument"


@pytest.mark.parametrize("logs", [["city/other"], ["city/statements", "city/statements"]])
def test_a_policy_of_no_log_is_refused(home: Home, tmp_path: Path, logs: Sequence[str]) -> None:
    """Goal: a policy that would hold for nothing is said at once. Method: another log; two."""
    key = issuer_key()
    (tmp_path / "own").write_text(policy_text(key, "text/csv"))
    options = [word for log in logs for word in ("--policy-of", log, tmp_path / "own")]
    status, out, complaints = ended(start(home, tmp_path, key, options=options), tmp_path)
    assert (status, out) == (2, "") and f"--policy-of {logs[0]}" in complaints


def test_a_log_twice_in_the_line_is_refused(home: Home, tmp_path: Path) -> None:
    """Goal: a mistake in the options is said at once. Method: the same log as its own successor."""
    twice = ("--next", "city/statements")
    status, out, complaints = ended(start(home, tmp_path, issuer_key(), options=twice), tmp_path)
    assert (status, out) == (2, "") and "each once" in complaints
