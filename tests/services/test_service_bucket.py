"""Test the service with its files in a bucket of an S3 that runs on loopback."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import cbor2
import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.services.chains import chain, ended, http, issuer_key, service, start
from tests.services.test_service import FUNCTION, service_key, signed
from tests.services.test_succession import receipts
from trine import Client
from trine.client.home import Home
from trine.services.evidence import receipt, statement
from trine.services.evidence.bucket import Bucket
from trine.services.evidence.stored import StoredTree
from trine.services.evidence.tiles import View
from trine.types import Digest

pytestmark = pytest.mark.network
BUCKET = "evidence"
SECONDS_MAX = 60
URL = f"s3://{BUCKET}/logs-of-city"


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """Run an S3; gives what the environment says about it."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    assert httpx.put(f"{endpoint}/{BUCKET}", trust_env=False).status_code == 200
    yield {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    server.stop()


def test_a_killed_service_goes_on_in_its_bucket(
    tmp_path: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a bucket is as safe as a folder.

    Method: kill the service at once after it took a batch, start it again: every statement has a
    receipt that verifies, the files in the bucket are those of the log, the folder has none, and
    no secret is in an argument or in what it says.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(URL, endpoint=variables["AWS_ENDPOINT_URL"])
    key, data = issuer_key(), tmp_path / "data"
    given = {"options": ("--objects", URL), "variables": variables}
    with chain(Home(tmp_path / "home")) as home:
        items = [signed(key, number) for number in range(700)]
        entries = [statement.entry_of(one, FUNCTION) for one in items]
        with service(home, data, key, **given) as first, http(first) as client:
            answer = client.post("/batches", content=cbor2.dumps(items))
            assert answer.status_code == 202, answer.content
            # What is in the bucket at this moment is any part of it.
            time.sleep(0.5)
            first.kill()
        with service(home, data, key, **given) as second, http(second) as client:
            own = service_key(second)
            for entry, made in zip(entries, receipts(client, entries), strict=True):
                receipt.verify_inclusion(receipt.read_receipt(made), Digest(entry), own)
            checkpoint = published(client, len(items))
            with Client(home.urls()) as nodes:
                folder = f"logs/{nodes.log('city/statements').id}/"
            assert bucket.read(f"{folder}checkpoint") == checkpoint
            tile = client.get("/tile/0/001")
            assert tile.status_code == 200
            assert tile.content == bucket.read(f"{folder}tile/0/001")
        tree = StoredTree(FUNCTION, bucket, folder)
        assert tree.has_entries(len(items))
        root = base64.b64decode(checkpoint.decode().splitlines()[2])
        assert View(FUNCTION, tree, len(items)).root() == root
        assert not (data / "public").exists()
        assert "made-up" not in (data / "service.err").read_text()


def published(client: httpx.Client, size: int) -> bytes:
    """Wait for the checkpoint of a size."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        answer = client.get("/checkpoint")
        if answer.status_code == 200 and answer.text.splitlines()[1] == str(size):
            return answer.content
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)


def test_a_bucket_may_be_away_for_a_while(
    home: Home, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Goal: nothing is lost, and no receipt comes without its tiles.

    Method: end the S3 while the service runs, register: the statement is kept and has no receipt;
    a tile is a coded refusal; once the S3 is back, it has the receipt.
    """
    key, url = issuer_key(), f"s3://{BUCKET}/away"
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    told = variables | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    given = {"options": ("--objects", url), "variables": told}
    with service(home, tmp_path, key, **given) as running, http(running) as client:
        assert client.post("/entries", content=signed(key, 1)).status_code == 201
        published(client, 1)
        server.stop()
        data = signed(key, 2)
        assert client.post("/entries", content=data).status_code == 303
        away = client.get("/checkpoint", headers={"accept": "application/json"})
        assert (away.status_code, away.json()["code"]) == (503, "store_unavailable")
        server = ThreadedMotoServer("127.0.0.1", port)
        server.start()
        entry = statement.entry_of(data, FUNCTION)
        [made] = receipts(client, [entry])
        receipt.verify_inclusion(receipt.read_receipt(made), entry, service_key(running))
    server.stop()


@pytest.mark.parametrize(
    ("url", "endpoint", "status", "code"),
    [
        ("s3://", None, 2, "bad_argument"),
        (URL, "http://s3.example", 2, "bad_argument"),
        (URL, "http://127.0.0.1:1", 3, "store_unavailable"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_named(
    home: Home,
    tmp_path: Path,
    variables: dict[str, str],
    url: str,
    endpoint: str | None,
    status: int,
    code: str,
) -> None:
    """Goal: a code before anything is taken. Method: no bucket, plain HTTP, one away."""
    told = variables | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})
    process = start(home, tmp_path, issuer_key(), options=("--objects", url), variables=told)
    found, out, complaints = ended(process, tmp_path)
    assert (found, out) == (status, ""), complaints
    assert f"[{code}]" in complaints and "Traceback" not in complaints


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with chain(Home(tmp_path_factory.mktemp("bucket") / "home")) as found:
        yield found
