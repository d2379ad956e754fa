"""Test that a service whose log is not the chain's stops, with the code that says so."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.chains import chain, ended, http, issuer_key, service, start
from tests.services.test_service import COSE, signed
from trine.client.home import Home
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.services.evidence import receipt

pytestmark = pytest.mark.network
SECONDS_MAX = 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with chain(Home(tmp_path_factory.mktemp("ends") / "home")) as found:
        yield found


def altered(folder: Path, part: str) -> None:
    """Flip a bit in the newest partial tile of level 0 of a log."""
    [public] = (folder / "public" / "logs").iterdir()
    tile = max((public / part / "tile" / "0").rglob("*.p/*"), key=lambda one: int(one.name))
    content = bytearray(tile.read_bytes())
    content[0] ^= 1
    tile.write_bytes(content)


def published(client: httpx.Client, count: int) -> None:
    """Wait for a checkpoint of a number of entries."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        answer = client.get("/checkpoint")
        if answer.status_code == 200 and int(answer.text.splitlines()[1]) >= count:
            return
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def stopped(status: int, complaints: str, code: str = "log_differs") -> None:
    """Check how it ended: the verdict of a check, in one sentence."""
    assert status == 1, complaints
    assert f"[{code}]" in complaints
    assert "Traceback" not in complaints


def begun(home: Home, folder: Path, key: SecretKey, number: int) -> None:
    """Let a service register one statement and publish it."""
    with service(home, folder, key) as running, http(running) as client:
        answer = client.post("/entries", content=signed(key, number), headers=COSE)
        assert answer.status_code == 201, answer.content
        read = receipt.read_receipt(answer.content)
        published(client, read.inclusions[0].leaf_index + 1)


@pytest.mark.parametrize("part", ["", "index"])
def test_it_does_not_start_with_altered_files(home: Home, tmp_path: Path, part: str) -> None:
    """Goal: nothing is answered from a file that was altered, and it is named.

    Method: change a tile of the log, and of its index, while the service is off; start it.
    """
    key = issuer_key()
    begun(home, tmp_path, key, 1 if part else 2)
    altered(tmp_path, part)
    status, out, complaints = ended(start(home, tmp_path, key), tmp_path)
    stopped(status, complaints, "folder_altered")
    assert out == "" and f"/{part}{'/' if part else ''}tile/0/" in complaints


def test_it_stops_while_it_runs(home: Home, tmp_path: Path) -> None:
    """Goal: it stops at the first head that differs. Method: change a tile, register once more."""
    key = issuer_key()
    with service(home, tmp_path, key) as running, http(running) as client:
        assert client.post("/entries", content=signed(key, 10), headers=COSE).status_code == 201
        altered(tmp_path, "")
        try:
            answered = client.post("/entries", content=signed(key, 11), headers=COSE).status_code
        except httpx.HTTPError:
            answered = None
        assert answered in (303, None), "there is no receipt"
        status, _, complaints = ended(running.process, tmp_path)
        stopped(status, complaints)
        with pytest.raises(httpx.ConnectError):
            client.get("/checkpoint")


def test_a_node_that_is_away_at_the_start_is_named(home: Home, tmp_path: Path) -> None:
    """Goal: one sentence, one code, no traceback. Method: a node where nobody is."""
    away = ("--node", "http://127.0.0.1:1")
    status, out, complaints = ended(start(home, tmp_path, issuer_key(), options=away), tmp_path)
    assert (status, out) == (3, "") and "Traceback" not in complaints
    assert f"[{TrineError.by_code['cannot_reach_node'].code}]" in complaints


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("sqlite:////nowhere/there/statements.db", 3, "database_unavailable"),
        ("postgresql://city:secret@127.0.0.1:1/evidence", 3, "database_unavailable"),
        ("postgresql://city:secret@db/evidence?sslmode=allow", 2, "bad_argument"),
        ("nonsense", 2, "bad_argument"),
        ("nothing+known://city:secret@127.0.0.1:1/evidence", 2, "bad_argument"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(
    home: Home, tmp_path: Path, url: str, status: int, code: str
) -> None:
    """Goal: a code, no traceback, no password. Method: no folder, nobody there,
    an unknown mode, no URL, an unknown database."""
    process = start(home, tmp_path, issuer_key(), options=("--database", url))
    found, out, complaints = ended(process, tmp_path)
    assert (found, out) == (status, ""), complaints
    assert f"[{code}]" in complaints and "Traceback" not in complaints
    assert "secret" not in complaints
