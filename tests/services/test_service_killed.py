"""Kill the service while it takes a batch in."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cbor2
import httpx
import pytest

from tests.services.chains import chain, http, issuer_key, service
from tests.services.test_service import FUNCTION, signed
from tests.services.test_standard_service import receipts_of
from trine import Client
from trine.client.home import Home
from trine.services.evidence import statement

KILLS = 5
BATCH = 2_000
STEP_S = 0.06
"""Time between sending a batch and the kill: so many steps as there were kills before."""


@pytest.mark.network
def test_a_kill_within_a_batch_leaves_no_half(tmp_path: Path) -> None:
    """Goal: no receipt without a record, and a receipt for every record, whoever was answered.

    Method: kill the service at once while it reads, keeps and sends a batch, a little later each
    time; then start it, and compare: what the chain has recorded, and what there are receipts for.
    """
    key, data = issuer_key(), tmp_path / "data"
    sent: list[bytes] = []
    with chain(Home(tmp_path / "home")) as home:
        for turn in range(KILLS):
            items = [signed(key, BATCH * turn + number) for number in range(BATCH)]
            sent += (bytes(statement.entry_of(one, FUNCTION)) for one in items)
            with (
                service(home, data, key) as one,
                http(one) as client,
                ThreadPoolExecutor(1) as pool,
            ):
                answer = pool.submit(client.post, "/batches", content=cbor2.dumps(items))
                time.sleep(STEP_S * turn)
                one.kill()
                with contextlib.suppress(httpx.TransportError):
                    answer.result()
        with service(home, data, key) as last, http(last) as client:
            newest = signed(key, BATCH * KILLS)
            client.post("/batches", content=cbor2.dumps([newest]))
            sent.append(bytes(statement.entry_of(newest, FUNCTION)))
            # What was kept before is recorded before.
            receipts_of(client, sent[-1:])
            with Client(home.urls()) as nodes:
                log = nodes.log("city/statements")
                recorded = nodes.log_entries(log.id, first=0, count=log.size)
            assert len(recorded) == len(set(recorded))
            given = receipts_of(client, [bytes(entry) for entry in recorded])
            for first in range(0, len(sent), BATCH):
                part = sent[first : first + BATCH]
                made = cbor2.loads(client.post("/receipts", content=cbor2.dumps(part)).content)
                for entry, one in zip(part, made, strict=True):
                    assert (entry in given) == isinstance(one, bytes)
