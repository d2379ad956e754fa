"""Register signed statements: check them, keep them, have the chain record them, give receipts.

A statement is checked against the policy of the log, kept durably, and only then is its entry sent
to the chain. Its place is read back from the chain's own log, so that a service which was killed at
any moment goes on where it was: what waits is sent again, and what was recorded is found.
"""

import asyncio
import contextlib
import functools
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import (
    CoseSignature,
    LogClosed,
    LogDiffers,
    ServiceFull,
    StatementNotFound,
)
from trine.services.evidence import receipt, statement
from trine.services.evidence.chain import ChainLog
from trine.services.evidence.gathering import Gathered
from trine.services.evidence.index import Index, Query, Registration
from trine.services.evidence.mirror import Certified, Mirror
from trine.services.evidence.objects import Objects
from trine.services.evidence.policy import Policy
from trine.services.evidence.publishing import Publisher
from trine.services.evidence.receipt import SignedHead, TreeHead
from trine.services.evidence.rows import UNKNOWN, About, content_digest, name_digests
from trine.services.evidence.standard import StandardLog
from trine.services.evidence.statement import Statement
from trine.services.evidence.tiles import View
from trine.types import Digest, LogId
from trine.types.limits import RECEIPTS_MAX

WAITING_MAX: Final = 100_000
"""Statements that wait to be recorded; past it new ones are refused."""
BATCH_MAX: Final = 10_000
"""Statements of one batch, and entries that are sent to the chain at once."""
GATHER_S: Final = 0.01
"""Seconds to wait for more statements that come one by one."""
FOLLOW_S: Final = 1.0
"""Seconds between two looks at a log of which nothing is expected."""
AGAIN_S: Final = 0.1
"""The same while somebody waits for a receipt, or a node could not answer."""
PUBLISH_S: Final = 0.25
"""Seconds between two looks whether a checkpoint is to be published."""
RETRY_S: Final = 1.0
"""Seconds after a failure before the chain is asked again."""

GAP_MAX: Final = 16
"""Places between two entries whose proofs are fetched together all the same."""

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


class Registrar:
    """Registration of one log. All methods are for one event loop."""

    def __init__(
        self,
        chain: ChainLog,
        index: Index,
        objects: Objects,
        policy: Policy,
        *,
        signer: Signer,
        publisher: Publisher,
        standard: StandardLog | None = None,
    ) -> None:
        """Prepare; `running` does the work.

        Args:
            chain: The log of the chain.
            index: Where statements are kept.
            objects: Where tiles are kept.
            policy: What is registered.
            signer: Who signs receipts.
            publisher: Publishes checkpoints of the log.
            standard: The SHA-256 log beside it; nothing where the log is one itself.
        """
        self.chain, self.index, self.policy, self.signer = chain, index, policy, signer
        self.publisher, self.standard = publisher, standard
        self._name = str(chain.log)
        self._mirror = Mirror(
            chain,
            objects,
            log_prefix(chain.log),
            index.open_log(self._name),
            describe=self._describe,
            placed=self._place,
        )
        self._intake = Gathered(self._keep, pause_s=GATHER_S, count_max=BATCH_MAX)
        self._receipts = {
            (wanted, is_standard): Gathered(
                functools.partial(self.receipts, with_chain_proof=wanted, standard=is_standard),
                pause_s=GATHER_S,
                count_max=BATCH_MAX,
            )
            for wanted, is_standard in itertools.product((False, True), repeat=2)
        }
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
        self.publisher.check_start(self._mirror.size)
        if self.standard is not None:
            await self._in_thread(self.standard.catch_up, self._mirror.size)
        async with asyncio.TaskGroup() as tasks:
            wanted = (self._send, self._mirror_on, self._publish_on)
            works = [tasks.create_task(work()) for work in wanted]
            try:
                yield
            finally:
                for work in works:
                    work.cancel()

    async def register(self, data: bytes) -> Digest:
        """Check a statement and keep it; on return it survives a crash, and will be recorded.

        Raises:
            ServiceFull: Too many wait.
            LogClosed: The log has as many entries as it may have.
            TrineError: It is no statement that this log takes.
        """
        self._check_room(1)
        return await self._intake.ask(data)

    async def register_many(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Do the same with many at once; each has its entry or why it is refused.

        Raises:
            ServiceFull: Too many wait.
            LogClosed: The log has as many entries as it may have.
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

    async def receipt(
        self, entry: Digest, *, with_chain_proof: bool = True, standard: bool = False
    ) -> bytes | None:
        """Make the receipt of an entry; nothing while it waits to be recorded.

        Args:
            entry: The entry.
            with_chain_proof: Whether the proof of the chain's validators is in it.
            standard: Whether it is of the SHA-256 log beside an SM3 log, of which the chain has no
                proof; the log itself where it is of SHA-256.

        Raises:
            StatementNotFound: Nothing is registered under the entry.
        """
        return await self._receipts[with_chain_proof, standard].ask(entry)

    async def receipts(
        self, entries: Sequence[Digest], *, with_chain_proof: bool = True, standard: bool = False
    ) -> list[bytes | TrineError | None]:
        """Do the same for many entries at once; each has its receipt or what is wrong with it."""
        places = await self._in_thread(self.index.places, self._name, entries)
        found = self._head(standard=standard)
        made: dict[int, bytes] = {}
        if found is not None:
            view, signed = found
            recorded = {at for at in places.values() if at is not None and at < view.size}
            proofs = {}
            if with_chain_proof and view.function == self.chain.function:
                proofs = await self._chain_proofs(sorted(recorded))
            for at in recorded:
                path = view.inclusion_path(at)
                made[at] = receipt.receipt_for(signed, at, path, chain_proof=proofs.get(at))
        return [
            made.get(-1 if (place := places[entry]) is None else place)
            if entry in places
            else StatementNotFound(f"no statement has the entry {entry}", instance=str(entry))
            for entry in entries
        ]

    def _head(self, *, standard: bool) -> tuple[View, SignedHead] | None:
        """Return the newest head that is signed; nothing before the first."""
        if standard and self.standard is not None:
            return self.standard.signed
        return None if self._signed is None else (self._signed[0].view, self._signed[1])

    async def _chain_proofs(self, places: Sequence[int]) -> dict[int, bytes]:
        """Fetch the chain's proofs of entries, those of neighbours together."""
        found: dict[int, bytes] = {}
        for first, count in runs(places, RECEIPTS_MAX):
            found |= enumerate(await self.chain.proofs(first, count), first)
        return found

    async def _place_of(self, entry: Digest) -> int | None:
        """Return the index of an entry in the log that is signed; nothing where it is not yet."""
        place = (await self._in_thread(self.index.places, self._name, [entry])).get(entry)
        signed = self._signed
        return place if place is not None and signed and place < signed[1].head.size else None

    def _check_room(self, count: int) -> None:
        waiting = len(self._intake) + len(self._to_send) + len(self._sending)
        self.policy.check_open(self._mirror.size + waiting + count)
        if waiting + count > WAITING_MAX:
            raise ServiceFull(f"{waiting} statements wait to be recorded, at most {WAITING_MAX}")

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
        entries, new = self._add([one for _, one in good], now)
        for (at, _), entry in zip(good, entries, strict=True):
            results[at] = entry
        wrong = CoseSignature("the statement's signature does not hold")
        return [wrong if result is None else result for result in results], new

    def _add(
        self, statements: Sequence[Statement], now: float
    ) -> tuple[list[Digest], list[Digest]]:
        """Keep statements that were checked; returns their entries, and those that are new."""
        function = self.chain.function
        entries = statement.entries_of(statements, function)
        known = self.index.places(self._name, entries)
        issuers = name_digests(function, [one.issuer for one in statements])
        new: dict[Digest, Registration] = {}
        for one, entry, issuer in zip(statements, entries, issuers, strict=True):
            if entry not in known:
                content = content_digest(function, one.payload, one.payload_hash)
                new[entry] = _registration(one, entry, now, issuer, content)
        self.index.add(self._name, list(new.values()))
        return entries, list(new)

    async def _send(self) -> None:
        """Send what waits to the chain, batch after batch."""
        # What the chain recorded before a kill is found in its log, and not sent a second time.
        with contextlib.suppress(TrineError):
            await self._advance()
        left = await self._in_thread(self.index.waiting, self._name, WAITING_MAX)
        self._to_send |= dict.fromkeys(left)
        self._wanted.set()
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
            pause = AGAIN_S if self._expected else FOLLOW_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._follow.wait(), pause)
            self._follow.clear()
            try:
                await self._advance()
            except LogDiffers:
                raise
            except TrineError as error:
                log.warning("the log cannot be followed now: %s", error)
                await asyncio.sleep(AGAIN_S)

    async def _publish_on(self) -> None:
        """Publish the newest head again and again; witnesses that take long hold up nothing."""
        while True:
            await asyncio.sleep(PUBLISH_S)
            try:
                await self.publisher.publish(self._mirror)
                await self._anchor()
            except LogDiffers:
                raise
            except TrineError as error:
                log.warning("no checkpoint can be published now: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _anchor(self) -> None:
        """Have the chain record the newest checkpoint of the standard log, where it is time to."""
        data = None if self.standard is None else self.standard.anchor()
        if self.standard is None or data is None:
            return
        try:
            self._check_room(1)
        except (LogClosed, ServiceFull) as error:
            log.info("the SHA-256 log is not anchored now: %s", error)
            await self._in_thread(self.standard.anchored, None)
            return
        now = time.time()
        said = statement.read_statement(data, now_s=int(now))
        _, new = await self._in_thread(self._add, [said], now)
        self._to_send.update(dict.fromkeys(new))
        self._wanted.set()
        await self._in_thread(self.standard.anchored, data)

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
        if self.standard is not None:
            await self._in_thread(self.standard.sign, head.size)
        self._signed = certified, signed
        fresh, self._fresh = self._fresh, []
        for entry in fresh:
            self._to_send.pop(entry, None)
            for waiter in self._expected.get(entry, []):
                if not waiter.done():
                    waiter.set_result(None)

    async def search(self, query: Query, count: int) -> list[Registration]:
        """Find statements that are recorded, at most `count`, in the order of their places."""
        return await self._in_thread(self.index.search, self._name, query, count)

    def _describe(self, entries: Sequence[Digest]) -> list[About]:
        """Say what the statements of entries are about, for the rows of the index."""
        known = self.index.described(self._name, entries)
        kinds = list({kind for _, kind, _ in known.values()})
        digests = name_digests(self.chain.function, kinds)
        by_kind = dict(zip(kinds, digests, strict=True))
        return [
            About(found[0], by_kind[found[1]], found[2])
            if (found := known.get(entry)) is not None
            else UNKNOWN
            for entry in entries
        ]

    def _place(self, first: int, entries: Sequence[Digest]) -> None:
        if self.standard is not None:
            self.standard.follow(first, entries)
        self.index.place(self._name, first, entries)
        self._fresh += entries

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run what takes long, or waits for the disk, beside the event loop."""
        return await asyncio.to_thread(functools.partial(work, *arguments))


def _registration(
    one: Statement, entry: Digest, now: float, issuer: Digest, content: Digest
) -> Registration:
    return Registration(
        entry,
        None,
        one.issuer,
        one.subject,
        str(one.content_type),
        int(now * 1_000),
        statement.registered(one),
        issuer,
        content,
    )


def log_prefix(log: LogId) -> str:
    """Return below which name the files of a log are kept: the folder that a web server serves."""
    return f"logs/{log}/"


def runs(places: Sequence[int], length_max: int) -> list[tuple[int, int]]:
    """Group ascending places into runs, each its first place and its length.

    Gaps shorter than `GAP_MAX` are bridged.

    >>> runs([1, 2, 4, 90], 10)
    [(1, 4), (90, 1)]
    """
    found: list[tuple[int, int]] = []
    for place in places:
        if found:
            first, length = found[-1]
            if place - first - length < GAP_MAX and place - first < length_max:
                found[-1] = first, place - first + 1
                continue
        found.append((place, 1))
    return found
