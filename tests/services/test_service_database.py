"""Test the service while its database, a real PostgreSQL, is stopped and started."""

import time
from collections.abc import Iterator
from pathlib import Path

import cbor2
import httpx
import pytest

from tests.services.chains import chain, ended, http, issuer_key, service, start
from tests.services.databases import Running
from tests.services.test_service import COSE, FUNCTION, service_key, signed
from tests.services.test_succession import receipts
from trine.client.home import Home
from trine.services.evidence import receipt, statement

pytestmark = pytest.mark.network
SECONDS_MAX = 60
JSON = {"accept": "application/json"}
LONG = "a/" + "".join(chr(0x4E00 + number) for number in range(2_700))
"""As long as a content type may be, in a text that does not shrink."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with chain(Home(tmp_path_factory.mktemp("database") / "home")) as found:
        yield found


def published(client: httpx.Client, size: int) -> None:
    """Wait for a checkpoint of at least a size."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        answer = client.get("/checkpoint")
        if answer.status_code == 200 and int(answer.text.splitlines()[1]) >= size:
            return
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def test_the_database_may_be_away_for_a_while(
    home: Home, tmp_path: Path, stopping: Running
) -> None:
    """Goal: a coded refusal while it is down; what was taken before has its receipt after.

    Method: take a batch, with a type as long as one may be, and stop the database at once;
    registration, batches and searches are refused with a code and say when to ask again, and
    nothing of what is refused is recorded; start it: every statement of the batch has a receipt
    that verifies, the long type is found, and new ones are registered at once. The service is the
    same process all the time.
    """
    key, given = issuer_key(), {"variables": {"TRINE_DATABASE": stopping.new_database()}}
    items = [signed(key, number) for number in range(1_500)]
    items.append(signed(key, 1_500, content_type=LONG))
    with service(home, tmp_path, key, **given) as running, http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps(items))
        assert answer.status_code == 202, answer.content
        stopping.stop()
        late = signed(key, 10_000)
        for ask in (
            lambda: client.post("/entries", content=late, headers=COSE | JSON),
            lambda: client.post("/batches", content=cbor2.dumps([late]), headers=JSON),
            lambda: client.get("/search", headers=JSON),
        ):
            refused = ask()
            assert refused.status_code == 503, refused.content
            assert refused.json()["code"] == "database_unavailable"
            assert refused.headers["retry-after"] == "1"
        stopping.start()
        entries = [statement.entry_of(one, FUNCTION) for one in items]
        own = service_key(running)
        for entry, made in zip(entries, receipts(client, entries), strict=True):
            receipt.verify_inclusion(receipt.read_receipt(made), entry, own)
        missing = client.get(f"/entries/{statement.entry_of(late, FUNCTION)}")
        assert missing.status_code == 404, "what was refused is not there"
        answer = client.post("/entries", content=late, headers=COSE)
        assert answer.status_code == 201, answer.content
        read = receipt.read_receipt(answer.content)
        receipt.verify_inclusion(read, statement.entry_of(late, FUNCTION), own)
        published(client, len(items) + 1)
        found = client.get("/search", params={"type": LONG}).json()["statements"]
        assert [one["entry"] for one in found] == [str(entries[-1])]
        assert not (tmp_path / "statements.db").exists()
        assert running.process.poll() is None
        complaints = (tmp_path / "service.err").read_text()
        assert "Traceback" not in complaints, complaints[-3_000:]


def test_a_service_does_not_start_without_its_database(
    home: Home, tmp_path: Path, stopping: Running
) -> None:
    """Goal: one sentence and a code, then it starts as if nothing was. Method: stop, start."""
    key, given = issuer_key(), {"options": ("--database", stopping.new_database())}
    data = signed(key, 20_000)
    with service(home, tmp_path, key, **given) as running, http(running) as client:
        first = client.post("/entries", content=data, headers=COSE)
        assert first.status_code == 201, first.content
        published(client, receipt.read_receipt(first.content).inclusions[0].leaf_index + 1)
    stopping.stop()
    status, out, complaints = ended(start(home, tmp_path, key, **given), tmp_path)
    assert (status, out) == (3, ""), complaints
    assert "[database_unavailable]" in complaints and "Traceback" not in complaints
    stopping.start()
    with service(home, tmp_path, key, **given) as running, http(running) as client:
        entry = statement.entry_of(data, FUNCTION)
        again = client.get(f"/entries/{entry}")
        assert again.status_code == 200
        receipt.verify_inclusion(receipt.read_receipt(again.content), entry, service_key(running))
