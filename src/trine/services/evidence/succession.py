"""Let one service go on in the next log where a log is full: no statement finds it closed.

The logs of a line take statements one after the other, each until it has as many entries as its
policy lets it have. What is in an earlier log stays there, with its receipts.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from trine.errors import BadArgument, TrineError
from trine.errors.services import LogClosed, StatementNotFound
from trine.services.evidence.index import Registration
from trine.services.evidence.registrar import Registrar
from trine.types import Digest, LogId

LOGS_MAX: Final = 16
"""Logs of one line."""


class Line:
    """Logs that follow each other. All methods are for one event loop."""

    def __init__(self, registrars: Sequence[Registrar]) -> None:
        """Go on in the last log that was begun; nothing runs yet.

        Args:
            registrars: The logs, in the order in which they take statements.

        Raises:
            BadArgument: There is none, there are too many, or one stands twice.
        """
        self.logs = {one.chain.log: one for one in registrars}
        if not 1 <= len(registrars) <= LOGS_MAX or len(self.logs) < len(registrars):
            raise BadArgument(f"{len(registrars)} logs, expected 1 to {LOGS_MAX}, each once")
        self._all = tuple(registrars)
        begun = [at for at, one in enumerate(self._all) if one.is_begun]
        self._at = max(begun, default=0)

    @property
    def first(self) -> Registrar:
        """The log with which the line began."""
        return self._all[0]

    @property
    def current(self) -> Registrar:
        """The log that takes statements."""
        return self._all[self._at]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let all logs run while the context lasts, which an error of one of them ends.

        Raises:
            LogDiffers: As `Registrar.running`.
        """
        async with contextlib.AsyncExitStack() as stack:
            for one in self._all:
                await stack.enter_async_context(one.running())
            yield

    def log(self, number: int) -> Registrar:
        """Return the log of a number.

        Raises:
            StatementNotFound: It is none of the line.
        """
        found = self.logs.get(LogId(number))
        if found is None:
            known = ", ".join(map(str, self.logs))
            raise StatementNotFound(f"no log {number} is here, there are: {known}")
        return found

    async def register(self, data: bytes) -> Digest:
        """Check a statement and keep it, as `Registrar.register`.

        Raises:
            LogClosed: The last log is full.
            TrineError: As `Registrar.register`.
        """
        while True:
            one = self.current
            try:
                return await one.register(data)
            except LogClosed:
                if not self._go_on(one):
                    raise

    async def register_many(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Do the same with many at once, where need be in two logs.

        Raises:
            LogClosed: The last log is full.
            ServiceFull: Too many wait.
        """
        results: list[Digest | TrineError] = []
        while len(results) < len(items):
            one = self.current
            rest = items[len(results) :]
            part = rest if one.room is None else rest[: one.room]
            if part:
                results += await one.register_many(part)
            elif not self._go_on(one):
                results += await self._refused(one, len(rest), is_part=bool(results))
        return results

    async def _refused(self, one: Registrar, count: int, *, is_part: bool) -> list[TrineError]:
        """Say that a log is full: of the whole batch, or of what is left of it."""
        try:
            one.check_room(count)
        except LogClosed as error:
            if not is_part:
                raise
            return [error] * count
        # Room came back while nobody looked: what waited was refused.
        await asyncio.sleep(0)
        return []

    def _go_on(self, full: Registrar) -> bool:
        """Turn to the log after a full one; says whether there is one."""
        if self.current is full and self._at + 1 < len(self._all):
            self._at += 1
        return self.current is not full

    async def holder(self, entry: Digest) -> Registrar:
        """Return the log under which an entry is registered, the newest first.

        Raises:
            StatementNotFound: It is registered under none.
        """
        for one in self._all[self._at :: -1]:
            if await one.knows(entry):
                return one
        raise StatementNotFound(f"no statement has the entry {entry}", instance=str(entry))

    async def recorded(self, entry: Digest, timeout_s: float) -> bool:
        """Wait until there is a receipt of an entry, as `Registrar.recorded`."""
        return await (await self.holder(entry)).recorded(entry, timeout_s)

    async def all_recorded(self, entries: Sequence[Digest], timeout_s: float) -> bool:
        """Wait until nothing of many entries waits to be recorded; says whether it is so."""
        deadline = time.monotonic() + timeout_s
        for one in self._all[: self._at + 1]:
            if not await one.all_recorded(entries, deadline - time.monotonic()):
                return False
        return True

    async def find(self, entry: Digest) -> Registration:
        """Return what is registered under an entry, as `Registrar.find`."""
        return await (await self.holder(entry)).find(entry)

    async def receipt(
        self, entry: Digest, *, with_chain_proof: bool = True, standard: bool = False
    ) -> bytes | None:
        """Make the receipt of an entry, as `Registrar.receipt`."""
        holder = self.first if self._at == 0 else await self.holder(entry)
        return await holder.receipt(entry, with_chain_proof=with_chain_proof, standard=standard)

    async def receipts(
        self, entries: Sequence[Digest], *, with_chain_proof: bool = True, standard: bool = False
    ) -> list[bytes | TrineError | None]:
        """Make the receipts of many entries, as `Registrar.receipts`."""
        found: dict[Digest, bytes | TrineError | None] = {}
        left = list(entries)
        for one in self._all[self._at :: -1]:
            made = await one.receipts(left, with_chain_proof=with_chain_proof, standard=standard)
            found |= zip(left, made, strict=True)
            left = [each for each in left if isinstance(found[each], StatementNotFound)]
            if not left:
                break
        return [found[each] for each in entries]
