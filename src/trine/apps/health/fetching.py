"""Fetch sealed records that lie beside the store, while others go on.

A record in a folder or an S3 beside the store may take long to read. Whoever will read some says so
first: they are fetched in a few threads of their own, and held in memory while the context lasts,
so that whoever reads them asks nobody. What went wrong is told to whoever reads, and to nobody
else: a request that is refused for another reason needs no answer of the S3.

>>> import asyncio
>>> async def work() -> bytes | None:
...     fetches = Fetches(lambda name: name.encode())
...     async with fetches.held(["a"]):
...         return fetches.result("a")
>>> asyncio.run(work())
b'a'
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from trine.errors import TrineError
from trine.errors.services import StoreUnavailable

FETCHERS: Final = 8
"""Records that are read at the same time."""
FETCHES_MAX: Final = 1_024
"""Records that are held, or wait to be read; who asks for more is told to come again."""

Read = Callable[[str], bytes | None]
"""Reads a record, in any thread; nothing where there is none."""


@dataclass(slots=True)
class _Fetch:
    """A record that is read for some who wait."""

    found: "asyncio.Future[bytes | TrineError | None]"
    users: int = 0


class Fetches:
    """What is fetched of one place. All methods are for one event loop."""

    def __init__(self, read: Read) -> None:
        """Fetch by a function; no thread is begun yet."""
        self._read = read
        self._held: dict[str, _Fetch] = {}
        self._threads: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """End the threads; what is under way is not waited for."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    @asynccontextmanager
    async def held(self, names: Collection[str]) -> AsyncIterator[None]:
        """Read records, each once for all who ask meanwhile, and hold them.

        Raises:
            StoreUnavailable: Too many are held or wait already.
        """
        wanted = set(names)
        new = wanted - self._held.keys()
        if len(self._held) + len(new) > FETCHES_MAX:
            message = f"{len(self._held)} records are being read, at most {FETCHES_MAX}: ask again"
            raise StoreUnavailable(message)
        for name in wanted:
            self._begin(name).users += 1
        try:
            if wanted:
                # A wait that is cancelled cancels no read, for which others may wait too.
                await asyncio.wait([self._held[name].found for name in wanted])
            yield
        finally:
            for name in wanted:
                self._held[name].users -= 1
                if not self._held[name].users:
                    del self._held[name]

    def has(self, name: str) -> bool:
        """Say whether a record was fetched, or could not be."""
        fetch = self._held.get(name)
        return fetch is not None and fetch.found.done()

    def result(self, name: str) -> bytes | None:
        """Return a record that was fetched; nothing where there is none.

        Raises:
            TrineError: Why it could not be read.
        """
        found = self._held[name].found.result()
        if isinstance(found, TrineError):
            raise found
        return found

    def _begin(self, name: str) -> _Fetch:
        known = self._held.get(name)
        if known is not None:
            return known
        if self._threads is None:
            self._threads = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")
        loop = asyncio.get_running_loop()
        fetch = self._held[name] = _Fetch(loop.run_in_executor(self._threads, self._result, name))
        return fetch

    def _result(self, name: str) -> bytes | TrineError | None:
        try:
            return self._read(name)
        except TrineError as error:
            return error
