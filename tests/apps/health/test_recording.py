"""Test that records reach a chain's log, and that what comes back verifies with no node."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.services.chains import chain
from tests.suite import SUITE
from trine.apps.health.definitions import Release
from trine.apps.health.generator import generate
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.recording import Recorder, export
from trine.apps.health.records import Kept, Records
from trine.apps.health.store import FolderStore, Store
from trine.apps.health.validation import validate
from trine.client import AsyncClient
from trine.client.home import Home

COUNT = 2_300


def keeping(seed: int, count: int, key: RecipientKey):  # type: ignore[no-untyped-def]
    """Keep made-up records."""

    def keep(store: Store) -> Iterator[list[Kept]]:
        records = Records(store, SUITE, "hospital")
        checked = (validate(one, Release.R4) for one in islice(generate(seed), count))
        return records.keep_all(checked, Release.R4, [key.recipient])

    return keep


@pytest.mark.network
def test_records_are_proven_and_an_altered_one_is_named(tmp_path: Path) -> None:
    """Goal: every record that is kept has a proof; files verify with every node off.

    Method: keep and record more than a call takes, keep some more without recording them, as a
    crash would leave them, and go on; export all, stop the chain, verify; alter one document.
    """
    key, folder = RecipientKey.generate(SUITE), tmp_path / "records"
    with chain(Home(tmp_path / "home")) as home:

        async def record() -> tuple[int, int, int]:
            async with AsyncClient(home.urls(), key=home.open_key()) as client:
                log = (await client.log("city/statements")).id
                recorder = Recorder(client, log, lambda: FolderStore(folder))
                count = await recorder.record(keeping(1, COUNT, key), Release.R4)
                left = FolderStore(folder)
                for _ in keeping(2, 300, key)(left):
                    pass
                unproven = await recorder.unproven()
                assert await recorder.resume(Release.R4) == len(unproven)
                return count, len(unproven), len(await recorder.unproven())

        assert asyncio.run(record()) == (COUNT, 300, 0)
        store = FolderStore(folder)
        records = Records(store, SUITE, "hospital")
        written = export(records, store, records.entries(), key, tmp_path / "out")
        assert written == COUNT + 300
        trust = home.trust.read_bytes()
    (tmp_path / "trust.json").write_bytes(trust)
    documents, receipts = tmp_path / "out" / "documents", tmp_path / "out" / "receipts"
    verify = ("evidence", "verify", documents, "--receipt", receipts)
    verify += ("--trust", tmp_path / "trust.json", "--json")
    done = trine(*verify)
    assert done.status == 0, done.err
    assert done.document["files"] == written
    altered = sorted(documents.iterdir())[7]
    content = bytearray(altered.read_bytes())
    content[-2] ^= 1
    altered.write_bytes(content)
    done = trine(*verify)
    assert done.status == 1
    [failure] = done.document["failures"]
    assert Path(failure["file"]).name == altered.name
