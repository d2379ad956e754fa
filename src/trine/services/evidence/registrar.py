"""Register signed statements: check them, keep them, have the chain record them, give receipts.

A statement is checked against the policy of the log, kept durably, and only then is its entry sent
to the chain. Its place is read back from the chain's own log, so that a service which was killed at
any moment goes on where it was: what waits is sent again, and what was recorded is found.
"""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import CoseSignature, LogDiffers, ServiceFull, StatementNotFound
from trine.services.evidence import receipt, statement
from trine.services.evidence.chain import ChainLog
from trine.services.evidence.index import Index, Registration
from trine.services.evidence.mirror import Certified, Mirror
from trine.services.evidence.objects import Objects
from trine.services.evidence.policy import Policy
from trine.services.evidence.receipt import SignedHead, TreeHead
from trine.services.evidence.statement import Statement
from trine.types import Digest

WAITING_MAX: Final = 100_000
"""Statements that wait to be recorded; past it new ones are refused."""
BATCH_MAX: Final = 10_000
"""Statements of one batch, and entries that are sent to the chain at once."""
GATHER_S: Final = 0.01
"""Seconds to wait for more statements that come one by one."""
FOLLOW_S: Final = 1.0
"""Seconds between two looks at a log of which nothing is expected."""
CERTIFY_S: Final = 0.02
"""Seconds between two looks while recorded entries wait for a certificate."""
RETRY_S: Final = 1.0
"""Seconds after a failure before the chain is asked again."""

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Signer:
    """As whom receipts are signed.

    Attributes:
        key: The service's key.
        issuer: The service, a URI.
        subject: What its receipts call the log.
    """

    key: SecretKey
    issuer: str
    subject: str


@dataclass
class _Intake:
    """A statement on its way in, and who waits for the answer."""

    data: bytes
    answer: "asyncio.Future[Digest]"


class Registrar:
    """Registration of one log. All methods are for one event loop."""

    def __init__(
        self, chain: ChainLog, index: Index, objects: Objects, policy: Policy, signer: Signer
    ) -> None:
        """Prepare; `running` does the work.

        Args:
            chain: The log of the chain.
            index: Where statements are kept.
            objects: Where tiles are kept.
            policy: What is registered.
            signer: Who signs receipts.
        """
        self.chain, self.index, self.policy, self.signer = chain, index, policy, signer
        self._name = str(chain.log)
        self._mirror = Mirror(
            chain, objects, f"logs/{self._name}/", index.open_log(self._name), self._place
        )
        self._intake: asyncio.Queue[_Intake] = asyncio.Queue(WAITING_MAX)
        self._to_send: dict[Digest, None] = {}
        self._sending: set[Digest] = set()
        self._expected: dict[Digest, list[asyncio.Future[None]]] = {}
        self._wanted = asyncio.Event()
        self._follow = asyncio.Event()
        # Placed since the last head that was signed.
        self._fresh: list[Digest] = []
        self._signed: tuple[Certified, SignedHead] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Register while the context lasts; it ends with an error where the log differs."""
        for entry in await self._in_thread(self.index.waiting, self._name, WAITING_MAX):
            self._to_send[entry] = None
        self._wanted.set()
        async with asyncio.TaskGroup() as tasks:
            works = [
                tasks.create_task(work()) for work in (self._take, self._send, self._mirror_on)
            ]
            try:
                yield
            finally:
                for work in works:
                    work.cancel()

    async def register(self, data: bytes) -> Digest:
        """Check a statement and keep it; on return it survives a crash, and will be recorded.

        Raises:
            ServiceFull: Too many wait.
            TrineError: It is no statement that this log takes.
        """
        self._check_room(1)
        intake = _Intake(data, asyncio.get_running_loop().create_future())
        self._intake.put_nowait(intake)
        return await intake.answer

    async def register_many(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Do the same with many at once; each has its entry or why it is refused.

        Raises:
            ServiceFull: Too many wait.
        """
        self._check_room(len(items))
        return await self._keep(items)

    async def recorded(self, entry: Digest, timeout_s: float) -> bool:
        """Wait until there is a receipt of an entry; says whether there is."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Before looking, so that nothing happens between looking and waiting.
        self._expected.setdefault(entry, []).append(waiter)
        try:
            if await self._place_of(entry) is None:
                self._follow.set()
                await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._forget(entry, waiter)
        return True

    def _forget(self, entry: Digest, waiter: "asyncio.Future[None]") -> None:
        left = [one for one in self._expected.get(entry, []) if one is not waiter]
        if left:
            self._expected[entry] = left
        else:
            self._expected.pop(entry, None)

    async def find(self, entry: Digest) -> Registration:
        """Return what is registered under an entry.

        Raises:
            StatementNotFound: Nothing is.
        """
        found = await self._in_thread(self.index.find, self._name, entry)
        if found is None:
            raise StatementNotFound(f"no statement has the entry {entry}", instance=str(entry))
        return found

    async def receipt(self, entry: Digest, *, with_chain_proof: bool = True) -> bytes | None:
        """Make the receipt of an entry; nothing while it waits to be recorded.

        Args:
            entry: The entry.
            with_chain_proof: Whether the proof of the chain's validators is in it.

        Raises:
            StatementNotFound: Nothing is registered under the entry.
        """
        place = await self._place_of(entry)
        if place is None or self._signed is None:
            return None
        certified, signed = self._signed
        path = certified.view.inclusion_path(place)
        proof = (await self.chain.prove(place)).proof if with_chain_proof else None
        return receipt.receipt_for(signed, place, path, chain_proof=proof)

    async def _place_of(self, entry: Digest) -> int | None:
        """Return the index of an entry in the log that is signed; nothing where it is not yet."""
        place = (await self.find(entry)).place
        signed = self._signed
        return place if place is not None and signed and place < signed[1].head.size else None

    def _check_room(self, count: int) -> None:
        waiting = self._intake.qsize() + len(self._to_send) + len(self._sending)
        if waiting + count > WAITING_MAX:
            raise ServiceFull(f"{waiting} statements wait to be recorded, at most {WAITING_MAX}")

    async def _take(self) -> None:
        """Take what comes one by one, and keep it in batches."""
        while True:
            batch = [await self._intake.get()]
            await asyncio.sleep(GATHER_S)
            while len(batch) < BATCH_MAX and not self._intake.empty():
                batch.append(self._intake.get_nowait())
            try:
                results = await self._keep([one.data for one in batch])
            except Exception as error:
                for one in batch:
                    _answer(one.answer, error)
                raise
            for one, result in zip(batch, results, strict=True):
                _answer(one.answer, result)

    async def _keep(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Check statements, keep the good ones, and have those sent that are new."""
        results, new = await self._in_thread(self._check_and_add, items, time.time())
        self._to_send.update(dict.fromkeys(new))
        self._wanted.set()
        return results

    def _check_and_add(
        self, items: Sequence[bytes], now: float
    ) -> tuple[list[Digest | TrineError], list[Digest]]:
        """Return what each of them is registered as, and the entries that are new."""
        results: list[Digest | TrineError | None] = [None] * len(items)
        read: list[tuple[int, Statement]] = []
        keys = []
        for at, data in enumerate(items):
            try:
                one = statement.read_statement(data, now_s=int(now))
                keys.append(self.policy.key_of(one))
                read.append((at, one))
            except TrineError as error:
                results[at] = error
        verdicts = statement.verify_many([one for _, one in read], keys)
        good = [pair for pair, is_good in zip(read, verdicts, strict=True) if is_good]
        entries = statement.entries_of([one for _, one in good], self.chain.function)
        known = self.index.known(self._name, entries)
        new: dict[Digest, Registration] = {}
        for (at, one), entry in zip(good, entries, strict=True):
            results[at] = entry
            if entry not in known:
                new[entry] = _registration(one, entry, now)
        self.index.add(self._name, list(new.values()))
        wrong = CoseSignature("the statement's signature does not hold")
        return [wrong if result is None else result for result in results], list(new)

    async def _send(self) -> None:
        """Send what waits to the chain, batch after batch."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._to_send:
                batch = list(self._to_send)[:BATCH_MAX]
                for entry in batch:
                    del self._to_send[entry]
                self._sending.update(batch)
                await self._send_batch(batch)

    async def _send_batch(self, batch: list[Digest]) -> None:
        try:
            failures: list[TrineError] = await self.chain.append(batch)
        except TrineError as error:
            failures = [error]
        self._follow.set()
        if failures:
            log.warning("%s entries are not recorded yet: %s", len(batch), failures[0])
            await asyncio.sleep(RETRY_S)
            # What was recorded all the same is found in the log before the rest is sent again.
            with contextlib.suppress(TrineError):
                await self._advance()
            left = await self._in_thread(self.index.waiting, self._name, WAITING_MAX)
            self._to_send = dict.fromkeys([*left, *self._to_send])
            self._wanted.set()
        self._sending.difference_update(batch)

    async def _mirror_on(self) -> None:
        """Follow the log of the chain, sign its heads, and tell who waits."""
        while True:
            pause = CERTIFY_S if self._expected else FOLLOW_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._follow.wait(), pause)
            self._follow.clear()
            try:
                await self._advance()
            except LogDiffers:
                raise
            except TrineError as error:
                log.debug("the log cannot be followed now: %s", error)
                await asyncio.sleep(CERTIFY_S)

    async def _advance(self) -> None:
        certified = await self._mirror.advance()
        if certified is None or (self._signed and self._signed[0] is certified):
            return
        head = certified.head
        signed = receipt.sign_head(
            TreeHead(self.chain.function, head.size, head.root),
            key=self.signer.key,
            issuer=self.signer.issuer,
            subject=self.signer.subject,
            issued_at_s=int(time.time()),
        )
        self._signed = certified, signed
        fresh, self._fresh = self._fresh, []
        for entry in fresh:
            self._to_send.pop(entry, None)
            for waiter in self._expected.get(entry, []):
                if not waiter.done():
                    waiter.set_result(None)

    def _place(self, first: int, entries: Sequence[Digest]) -> None:
        self.index.place(self._name, first, entries)
        self._fresh += entries

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run what takes long, or waits for the disk, beside the event loop."""
        return await asyncio.to_thread(functools.partial(work, *arguments))


def _registration(one: Statement, entry: Digest, now: float) -> Registration:
    return Registration(
        entry,
        None,
        one.issuer,
        one.subject,
        str(one.content_type),
        int(now * 1_000),
        statement.registered(one),
    )


def _answer(future: "asyncio.Future[Digest]", result: Digest | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
