"""Get timestamps over what the service records: over certified headers, and over single records.

A token over a header stands for every record that the header's block commits to. Whatever is asked
for is on the disk before anybody is asked, and stays there until a token that was verified stands
beside it: an authority that is down, slow or lying costs retries and nothing else.
"""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from trine.errors import BadArgument, TimestampQueueFull, TrineError
from trine.errors.services import NoTimestampAuthority
from trine.services.evidence.chain import ProvenHead, certified_header
from trine.services.evidence.gathering import Gathered
from trine.services.evidence.timestamp import (
    Authority,
    Imprint,
    Request,
    header_imprint,
    new_nonce,
    record_imprint,
    token_of,
)
from trine.services.evidence.timestamp.outside import Outside, ask_waiting
from trine.services.evidence.timestamp.serials import Serials
from trine.services.evidence.timestamp.store import Store
from trine.services.evidence.timestamp.waiting import Entry, Waiting
from trine.types import Digest, LogId

OWN: Final = "own"
"""Name of the service's own authority, where others have a URL."""
OUTSIDE_MAX: Final = 8
"""Authorities of others that a service asks."""
EVERY_S_MIN: Final = 1
"""Seconds between two headers that are stamped, at least."""
EVERY_S_MAX: Final = 7 * 86_400
"""The same, at most."""
LOOK_S: Final = 1.0
"""Seconds between two looks at what is due."""
GATHER_S: Final = 0.005
"""Seconds to wait for more requests, which get their numbers together."""
ANSWERING_MAX: Final = 64
"""Requests that the own authority answers at the same time."""
HEADERS_LOOKED_MAX: Final = 64
"""Stamped headers after a record that are searched for one with a token."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS headers (
    log INTEGER NOT NULL,
    size INTEGER NOT NULL,
    height INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    root BLOB NOT NULL,
    entry_index INTEGER NOT NULL,
    proof BLOB NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (log, size)
)
"""
COLUMNS: Final = "size, root, height, time_ms, proof, entry_index, digest"

log = logging.getLogger(__name__)


class Head(NamedTuple):
    """A certified header that is stamped.

    Attributes:
        proven: The log as the block commits to it.
        imprint: Hash of the header that has the certificate: what is stamped.
    """

    proven: ProvenHead
    imprint: Imprint


class Stamped(NamedTuple):
    """What authorities said about one imprint; nothing of those that were not asked."""

    imprint: Imprint
    entries: tuple[Entry, ...]


class Stamping:
    """Timestamps of one service. All methods are for one event loop."""

    def __init__(
        self,
        path: Path,
        suite: str,
        *,
        own: tuple[Authority, Serials] | None = None,
        outside: Sequence[Outside] = (),
        every_s: float,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Open the file of what waits, or begin one.

        What waits for an authority that is no longer named is forgotten.

        Args:
            path: The file.
            suite: Suite of the chain, which says how headers are hashed.
            own: Authority of the service itself, with its counter.
            outside: Authorities of others.
            every_s: Seconds between two headers that are stamped.
            clock: Returns the Unix time in milliseconds.

        Raises:
            BadArgument: Too many authorities, one of them twice, or seconds out of range.
            TimestampStore: The file cannot be used.
        """
        urls = [one.url for one in outside]
        if len(urls) > OUTSIDE_MAX or len(set(urls)) < len(urls):
            raise BadArgument(f"{len(urls)} authorities, expected up to {OUTSIDE_MAX}, each once")
        if not EVERY_S_MIN <= every_s <= EVERY_S_MAX:
            raise BadArgument(
                f"a timestamp every {every_s} s, expected {EVERY_S_MIN} to {EVERY_S_MAX}"
            )
        self._suite, self._own, self._outside = suite, own, tuple(outside)
        self._every_s, self._clock = every_s, clock
        self.authorities: tuple[str, ...] = (*((OWN,) if own else ()), *urls)
        self._waiting = Waiting(path)
        self._store = Store(path, SCHEMA)
        forgotten = self._waiting.keep_only(self.authorities)
        if forgotten:
            log.warning("%s timestamps waited for authorities that are gone", forgotten)
        self._wake = {one: asyncio.Event() for one in self.authorities}
        self._answering = 0
        # One write to the disk serves all that came meanwhile.
        self._answers: Gathered[bytes, bytes] = Gathered(
            self._answer_many, pause_s=GATHER_S, count_max=ANSWERING_MAX
        )

    async def run(
        self,
        http: httpx.AsyncClient,
        heads: Callable[[], Collection[tuple[LogId, ProvenHead]]],
    ) -> None:
        """Ask for what waits, and for a header of each log again and again, until cancelled.

        Args:
            http: Client for authorities of others, such as `outside.new_http()`.
            heads: Returns the newest certified head of each log.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._own is not None:
                tasks.create_task(self._again(OWN, self._stamp_due))
            for one in self._outside:
                ask = functools.partial(ask_waiting, http, [one], self._waiting)
                work = functools.partial(ask, clock=self._clock, url=one.url)
                tasks.create_task(self._again(one.url, work))
            while self.authorities:
                await self._stamp_heads(heads())
                await asyncio.sleep(self._every_s)

    async def answer(self, query: bytes) -> bytes:
        """Answer a request of RFC 3161 with the service's own authority.

        Raises:
            NoTimestampAuthority: The service has none.
            TimestampQueueFull: Too many requests are being answered.
            TimestampStore: The counter cannot be used.
        """
        if self._own is None:
            raise NoTimestampAuthority("this service stamps nothing itself: it runs without --tsa")
        if self._answering >= ANSWERING_MAX:
            raise TimestampQueueFull(f"{ANSWERING_MAX} requests are being answered: ask again")
        self._answering += 1
        try:
            return await self._answers.ask(query)
        finally:
            self._answering -= 1

    async def ask_for(self, entry: Digest) -> None:
        """Ask every authority for a timestamp over a record's entry, now.

        Raises:
            NoTimestampAuthority: There is none.
            TimestampQueueFull: Too many timestamps wait.
            TimestampStore: The file cannot be used.
        """
        if not self.authorities:
            raise NoTimestampAuthority("this service runs without --tsa and --timestamp-from")
        await asyncio.to_thread(self._put, record_imprint(entry, self._suite))
        for one in self._wake.values():
            one.set()

    async def of_entry(self, entry: Digest) -> Stamped:
        """Return what authorities said about the entry itself."""
        return await asyncio.to_thread(self._stamped, record_imprint(entry, self._suite))

    async def of_place(self, number: LogId, place: int) -> tuple[Head, Stamped] | None:
        """Return the first stamped header whose block has an entry, and its timestamps.

        It is the first one with a token, where there is any. Nothing where no header is stamped
        that has the entry.

        Args:
            number: The log.
            place: Index of the entry.
        """
        return await asyncio.to_thread(self._of_place, number, place)

    async def waiting(self) -> int:
        """Count the timestamps that wait."""
        return await asyncio.to_thread(self._waiting.count)

    def _of_place(self, number: LogId, place: int) -> tuple[Head, Stamped] | None:
        query = f"""SELECT {COLUMNS} FROM headers WHERE log = ? AND size > ?
            ORDER BY size LIMIT ?"""  # noqa: S608 - constant
        with self._store.change() as database:
            rows = database.execute(query, (int(number), place, HEADERS_LOOKED_MAX)).fetchall()
        first: tuple[Head, Stamped] | None = None
        for head in map(self._head, rows):
            stamped = self._stamped(head.imprint)
            if any(one.token for one in stamped.entries):
                return head, stamped
            first = first or (head, stamped)
        return first

    def _head(self, row: Any) -> Head:
        size, root, height, time_ms, proof, entry_index, digest = row
        proven = ProvenHead(size, Digest(root), height, time_ms, proof, entry_index)
        return Head(proven, record_imprint(digest, self._suite))

    def _stamped(self, imprint: Imprint) -> Stamped:
        entries = (self._waiting.find(imprint, one) for one in self.authorities)
        return Stamped(imprint, tuple(one for one in entries if one is not None))

    def _put(self, imprint: Imprint) -> None:
        now_ms = self._clock()
        for one in self.authorities:
            self._waiting.put(imprint, one, now_ms=now_ms)

    async def _stamp_heads(self, heads: Collection[tuple[LogId, ProvenHead]]) -> None:
        for number, proven in heads:
            try:
                await asyncio.to_thread(self._stamp_head, number, proven)
            except TrineError as error:
                log.warning("a header is not stamped: %s", error)
        for one in self._wake.values():
            one.set()

    def _stamp_head(self, number: LogId, proven: ProvenHead) -> None:
        """Note a header, and then who is to stamp it: after a crash the second is done again."""
        imprint = header_imprint(certified_header(self._suite, proven.proof), self._suite)
        row = (int(number), *proven, imprint.digest)
        insert = f"""INSERT OR IGNORE INTO headers (log, {COLUMNS})
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""  # noqa: S608 - constant
        with self._store.change() as database:
            database.execute(insert, row)
            # After a start a later header may show the same size: the first one stays.
            query = "SELECT digest FROM headers WHERE log = ? AND size = ?"
            (digest,) = database.execute(query, row[:2]).fetchone()
        self._put(record_imprint(digest, self._suite))

    async def _again(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        """Work through what is due for one authority, again and again."""
        while True:
            try:
                await work()
            except TrineError as error:
                log.warning("timestamps of %s: %s", name, error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake[name].wait()
            self._wake[name].clear()

    async def _stamp_due(self) -> int:
        return await asyncio.to_thread(self._stamp_own)

    def _stamp_own(self) -> int:
        """Stamp what is due with the own authority; returns how much came."""
        came = 0
        due = self._waiting.due(self._clock(), url=OWN)
        queries = [Request(one.imprint, new_nonce()).to_der() for one in due]
        now_ms = self._clock()
        for entry, response in zip(due, self._answer_all(queries, now_ms), strict=True):
            try:
                token = token_of(response)
            except TrineError as error:
                self._waiting.failed(entry.number, error.code, now_ms=now_ms)
            else:
                self._waiting.done(entry.number, token, now_ms)
                came += 1
        return came

    async def _answer_many(self, queries: Sequence[bytes]) -> list[bytes]:
        return await asyncio.to_thread(self._answer_all, queries, self._clock())

    def _answer_all(self, queries: Sequence[bytes], now_ms: int) -> list[bytes]:
        if not queries:
            return []
        assert self._own is not None, "the caller looked"
        authority, serials = self._own
        numbers = serials.take_many(len(queries))
        pairs = zip(queries, numbers, strict=True)
        return [authority.answer(query, now_ms=now_ms, serial=serial) for query, serial in pairs]
