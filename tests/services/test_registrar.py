"""Test how registration uses threads, with a real index and no chain."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trine.bench.statements import ISSUER, make_statements
from trine.client import AsyncClient, Trust
from trine.crypto import SecretKey
from trine.services.evidence.chain import ChainLog
from trine.services.evidence.index import Index
from trine.services.evidence.objects import Folder
from trine.services.evidence.policy import Issuer, Policy
from trine.services.evidence.publishing import Publisher
from trine.services.evidence.registrar import KEEPING_MAX, Registrar, Signer, log_prefix
from trine.types import Digest, LogId
from trine.types.calls import PublicKey

KEY = SecretKey("ed25519", bytes(range(32)))
BATCHES, BATCH = 8, 5
# Nothing is asked of it.
NODE = "http://127.0.0.1:9"
PATIENCE_S = 30


async def register(index: Index, folder: Path) -> None:
    """Register batches while another writes, and see that threads are left."""
    trust = Trust(chain="city", chain_id=bytes(32), suite="intl", epoch=0, content=b"")
    public = PublicKey(KEY.algorithm, KEY.public_key)
    objects = Folder(folder)
    log = LogId(7)
    async with AsyncClient(NODE) as client:
        registrar = Registrar(
            ChainLog(client, trust, log),
            index,
            objects,
            Policy((Issuer(ISSUER, {public.key: public}),)),
            signer=Signer(KEY, "https://log.example", "log"),
            publisher=Publisher(objects, log_prefix(log), "log.example/7", KEY),
        )
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(KEEPING_MAX + 1))
        items = make_statements(KEY, BATCHES * BATCH)
        parts = [items[at : at + BATCH] for at in range(0, len(items), BATCH)]
        with index._writing:
            tasks = [asyncio.create_task(registrar.register_many(part)) for part in parts]
            await asyncio.sleep(0)
            # Whoever asks for a receipt now gets a thread.
            await asyncio.wait_for(asyncio.to_thread(index.count, "7"), PATIENCE_S)
            assert registrar.waiting == len(items)
        made = await asyncio.gather(*tasks)
    assert all(isinstance(one, Digest) for part in made for one in part)
    assert index.count("7") == registrar.waiting == registrar.registered == len(items)


def test_batches_that_wait_take_no_threads(tmp_path: Path) -> None:
    """Goal: while the database is busy, others are served, and no further threads are begun.

    Method: hold the database's turn, register more batches than there are threads, ask something.
    """
    index = Index(f"sqlite:///{tmp_path / 'index.db'}")
    try:
        asyncio.run(register(index, tmp_path / "files"))
    finally:
        index.close()
