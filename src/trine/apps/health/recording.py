"""Record what a custodian keeps: entries into its evidence log, the chain's proofs back.

A record is stored before its entry goes to the chain, and its proof is stored beside it: whoever
was cut off between goes on with what has no proof yet (`unproven`). Proofs say nothing of a record;
the receipt of one (`docs/reference/receipt.md`) is made by somebody who can open it, since it shows
the salt.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from trine._core import proofs as core
from trine.apps.health.definitions import Release
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import Kept, Records, media_type
from trine.apps.health.store import Store
from trine.client import AsyncClient
from trine.errors import EntryNotFound, Timeout, TrineError
from trine.errors.health import RecordNotFound
from trine.model.identifiers import Digest
from trine.types import Digest as EntryDigest
from trine.types import EvidenceAppend, LogId
from trine.types.limits import ENTRIES_MAX, RECEIPTS_MAX

PROOFS: Final = "proofs"
"""Folder of the proofs in the store."""
GROUP: Final = 8
"""Calls that are on their way at once."""
FETCH_MAX: Final = 65_536
"""Entries of a log that are read at once."""
PATIENCE_S: Final = 30.0
"""Seconds in which a node must prove what is final."""
PAUSE_S: Final = 0.1
RECEIPT_SUFFIX: Final = ".receipt"
DOCUMENT_SUFFIX: Final = ".json"
DOCUMENT_TYPE: Final = "application/json"

T = TypeVar("T")
Progress = Callable[[str, int], None]
"""Told of a phase (`kept`, `recorded`, `proven`) and of how many records it is done for."""


def no_progress(_phase: str, _count: int) -> None:
    """Report nothing."""


class Recorder:
    """Records entries of one custodian in one log of a chain.

    The store is used by one thread of the recorder alone, in which it must be opened.
    """

    def __init__(self, client: AsyncClient, log: LogId, open_store: Callable[[], Store]) -> None:
        """Prepare.

        Args:
            client: Client with the key of a notary of the log's organisation.
            log: The custodian's log.
            open_store: Opens the store in which the records lie.
        """
        self._client = client
        self._log = log
        self._open_store = open_store
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1)

    def close(self) -> None:
        """Let go of the store and end the thread; what is under way is finished first."""

        def let_go() -> None:
            self._store = None

        self._thread.submit(let_go).result()
        self._thread.shutdown()

    async def record(
        self,
        keep: Callable[[Store], Iterator[list[Kept]]],
        release: Release,
        progress: Progress = no_progress,
    ) -> int:
        """Keep records, record their entries, and store the chain's proofs.

        While the chain records some, the next are kept already.

        Args:
            keep: Keeps records in the store, some at a time (`Records.keep_all`).
            release: Release of FHIR that they are of.
            progress: Told what is done.

        Returns:
            How many records have a proof now.

        Raises:
            TrineError: One cannot be kept, the chain does not record, or no proof comes. What was
                kept before is `unproven`.
        """
        first = (await self._client.log(str(self._log))).size
        batches = await self._run(lambda: keep(self._opened()))
        kept, sending = 0, set[asyncio.Task[None]]()
        wanted: list[Digest] = []
        while batch := await self._run(lambda: next(batches, None)):
            kept += len(batch)
            wanted += [one.entry for one in batch]
            progress("kept", kept)
            if len(sending) >= GROUP:
                _, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            entries = [one.entry for one in batch]
            sending.add(asyncio.create_task(self._append(entries, release)))
        await asyncio.gather(*sending)
        progress("recorded", kept)
        return await self.prove(wanted, first, progress)

    async def prove(
        self, wanted: Sequence[Digest], first: int = 0, progress: Progress = no_progress
    ) -> int:
        """Find entries in the log, from index `first` on, and store their proofs.

        Raises:
            Timeout: A node does not prove them.
        """
        missing, deadline = set(map(bytes, wanted)), time.monotonic() + PATIENCE_S
        while missing:
            try:
                found = await self._client.log_entries(self._log, first=first, count=FETCH_MAX)
            except EntryNotFound:
                if time.monotonic() > deadline:
                    raise Timeout(f"{len(missing)} entries are not in log {self._log}") from None
                await asyncio.sleep(PAUSE_S)
                continue
            for at in range(0, len(found), RECEIPTS_MAX):
                part = found[at : at + RECEIPTS_MAX]
                if missing.intersection(map(bytes, part)):
                    proofs = await self._proofs(first + at, len(part), deadline)
                    pairs = zip(map(bytes, part), proofs, strict=True)
                    ours = {entry: proof for entry, proof in pairs if entry in missing}
                    await self._run(functools.partial(self._put, ours))
                    missing -= ours.keys()
                    progress("proven", len(wanted) - len(missing))
            first += len(found)
        return len(wanted)

    def _put(self, proofs: Mapping[bytes, bytes]) -> None:
        named = [(f"{PROOFS}/{entry.hex()}", proof) for entry, proof in proofs.items()]
        self._opened().put(named)

    async def resume(self, release: Release, progress: Progress = no_progress) -> int:
        """Record what is kept and has no proof yet; returns how many have one now.

        An entry that the chain has already is not recorded again.

        Raises:
            TrineError: As `record`.
        """
        left = await self.unproven()
        size = (await self._client.log(str(self._log))).size
        recorded: set[bytes] = set()
        first = 0
        while first < size:
            found = await self._client.log_entries(self._log, first=first, count=FETCH_MAX)
            recorded.update(map(bytes, found))
            first += len(found)
        missing = [one for one in left if bytes(one) not in recorded]
        if missing:
            await self._append(missing, release)
        return await self.prove(left, 0, progress)

    async def unproven(self) -> list[Digest]:
        """List the entries of records that have no proof yet."""

        def look() -> list[Digest]:
            store = self._opened()
            proven = {name.rpartition("/")[2] for name in store.names(PROOFS)}
            names = (name.rpartition("/")[2] for name in store.names("records"))
            return [Digest(bytes.fromhex(name)) for name in names if name not in proven]

        return await self._run(look)

    async def _append(self, entries: Sequence[Digest], release: Release) -> None:
        calls = [
            EvidenceAppend(
                log=self._log,
                entries=tuple(EntryDigest(one) for one in entries[at : at + ENTRIES_MAX]),
                media_type=media_type(release),
            )
            for at in range(0, len(entries), ENTRIES_MAX)
        ]
        for result in await self._client.submit_many(calls):
            if isinstance(result, TrineError):
                raise result
            result.check()

    async def _proofs(self, first: int, count: int, deadline: float) -> list[bytes]:
        """Fetch the proofs of entries; a block that is just final waits for its certificate."""
        found: list[bytes] = []
        while len(found) < count:
            try:
                found += await self._client.entry_proofs(
                    self._log, first=first + len(found), count=count - len(found)
                )
            except EntryNotFound:
                if time.monotonic() > deadline:
                    raise Timeout(f"no proof of entry {first + len(found)} yet") from None
                await asyncio.sleep(PAUSE_S)
        return found

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
        return self._store

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def export(
    records: Records, store: Store, entries: Iterable[Digest], key: RecipientKey, to: Path
) -> int:
    """Write documents of records and their receipts, which verify with no node.

    `trine evidence verify TO/documents --receipt TO/receipts --trust trust.json` verifies them all.

    Args:
        records: The records.
        store: The store in which they lie.
        entries: Which of them.
        key: Key of somebody who can open them.
        to: Folder; `documents` and `receipts` are made in it.

    Returns:
        How many were written.

    Raises:
        RecordErased, RecordNotFound, NotARecipient, DamagedRecord: One cannot be opened.
    """
    documents, receipts = to / "documents", to / "receipts"
    for folder in (documents, receipts):
        folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for entry in entries:
        opened = records.open(entry, key)
        proof = store.get(f"{PROOFS}/{entry.hex()}")
        if proof is None:
            raise RecordNotFound(f"the record {entry.hex()} has no proof yet")
        name = f"{entry.hex()}{DOCUMENT_SUFFIX}"
        receipt = core.make_receipt(
            records.suite.value, proof, opened.salt, name, len(opened.document), DOCUMENT_TYPE
        )
        (documents / name).write_bytes(opened.document)
        (receipts / f"{name}{RECEIPT_SUFFIX}").write_bytes(receipt)
        count += 1
    return count
