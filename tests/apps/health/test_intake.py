"""Test that pages are answered while records are taken in."""

import asyncio
import os
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.apps.health.test_hospital import PASSWORD, hospital
from tests.apps.health.world import run
from tests.services.chains import chain
from tests.suite import ONE_SUITE, SUITE
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.fields import Fields
from trine.apps.health.generator import generate
from trine.apps.health.intake import Intake, Sealed, owned_of
from trine.apps.health.pages.app import create_app
from trine.apps.health.reading import Received, parse
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import Records
from trine.apps.health.store import FolderStore
from trine.client.home import Home

ENTRIES = 3_000
LINES = 700
"""More than are read at a time."""
SECONDS_MAX = 20


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A chain of one validator."""
    with chain(Home(tmp_path / "home")) as running:
        yield running


@pytest.mark.network
@ONE_SUITE
def test_pages_are_answered_while_a_file_is_read(home: Home, tmp_path: Path) -> None:
    """Goal: nobody waits for a page because a file is read and checked.

    Method: a file that comes slowly: a pipe, whose writer gives the first lines and no more before
    a page was answered. Where reading kept the loop, the writer would give up first. What happened
    comes in this order, and all records are kept.
    """
    lines = [canonical(one) + b"\n" for one in islice(generate(3), LINES)]
    pipe, answered, order = tmp_path / "slow.ndjson", threading.Event(), list[str]()
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as file:
            file.writelines(lines[:100])
            file.flush()
            answered.wait(SECONDS_MAX)
            order.append("the rest is written")
            file.writelines(lines[100:])

    async def work() -> int:
        async with hospital(home, tmp_path / "h") as found:
            app = create_app(found, lambda _name: PASSWORD, ZoneInfo("UTC"), is_safe=False)
            site = httpx.ASGITransport(app)
            writer = threading.Thread(target=write)
            writer.start()
            receiving = asyncio.create_task(found.receive_file(pipe))
            async with httpx.AsyncClient(transport=site, base_url="http://pages") as client:
                for _ in range(3):
                    await asyncio.sleep(0.1)
                    answer = await client.get("/")
                    assert answer.status_code == 200
            order.append("pages are answered")
            answered.set()
            count = await receiving
            writer.join()
            totals = found.totals()
            assert (totals.records, totals.proven) == (count, count)
            return count

    assert run(work()) == LINES
    assert order == ["pages are answered", "the rest is written"]


def test_a_large_bundle_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Goal: the event loop goes on while a Bundle is checked and its records are sealed.

    Method: a Bundle of thousands of entries, which is checked as a whole; something else in the
    loop counts its turns meanwhile. Work in the loop itself would leave it none.
    """
    resources = list(islice(generate(5), ENTRIES))
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in resources],
    }
    key = RecipientKey.generate(SUITE)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> list[Sealed]:
        intake = Intake(lambda: FolderStore(tmp_path), SUITE, "hospital", key)
        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        stream = owned_of(iter([Received("", parse(canonical(bundle)))]), Release.R4)
        before = turns
        batch = await intake.read(stream)
        assert turns > before + 1
        before = turns
        sealed = await intake.seal([(None, one) for _, one in batch], Release.R4)
        assert turns > before + 1
        rest = len(batch)
        while batch := await intake.read(stream):
            rest += len(batch)
        assert rest == ENTRIES
        counting.cancel()
        intake.close()
        return sealed

    sealed = run(work())
    store = FolderStore(tmp_path)
    records = Records(store, SUITE, "hospital")
    for one in sealed[:20]:
        opened = records.open(one.entry, key)
        assert Fields.of_opened(opened, SUITE).entry == one.fields
        assert opened.facts.type_name == one.type_name
