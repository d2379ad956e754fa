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
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from trine.crypto import SecretKey
from trine.errors import BadAnswer, TrineError
from trine.errors.services import (
    BadTile,
    LogClosed,
    LogDiffers,
    ServiceFull,
    StatementNotFound,
)
from trine.services.evidence import intake, receipt, statement
from trine.services.evidence.chain import ChainLog
from trine.services.evidence.entry_proof import EntryProof
from trine.services.evidence.gathering import Gathered
from trine.services.evidence.heads import Head, make_receipts
from trine.services.evidence.index import Index, Query, Registration
from trine.services.evidence.intake import Checked
from trine.services.evidence.mirror import Certified, Mirror
from trine.services.evidence.objects import Objects
from trine.services.evidence.policy import Policy
from trine.services.evidence.publishing import Publisher
from trine.services.evidence.receipt import TreeHead
from trine.services.evidence.rows import UNKNOWN, About, name_digest
from trine.services.evidence.standard import StandardLog
from trine.services.evidence.standing import Standing
from trine.types import Digest, LogId

WAITING_MAX: Final = 100_000
"""Statements that wait to be recorded; past it new ones are refused."""
BATCH_MAX: Final = 10_000
"""Statements of one batch, and entries that are sent to the chain at once."""
KEEPING_MAX: Final = 2
"""Batches that are checked and kept at once; further ones wait, and take no thread meanwhile."""
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
START_S: Final = 10.0
"""Seconds for which a start waits until the log was compared with the chain's; what is left of that
goes on beside the first requests."""

log = logging.getLogger(__name__)
T = TypeVar("T")

BROKEN: Final = (LogDiffers, BadTile)
"""Errors that no second attempt mends: what is here is not the log, or is damaged."""


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
        earlier: Sequence[LogId] = (),
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
            earlier: Logs before it: what is registered in one of them stays there.
        """
        self.chain, self.index, self.policy, self.signer = chain, index, policy, signer
        self.publisher, self.standard = publisher, standard
        self._name = str(chain.log)
        self._earlier = tuple(map(str, earlier))
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
        self._standing = Standing()
        self._taken = index.count(self._name)
        """Statements that are kept."""
        self._keeping = 0
        """Statements that are being checked and kept."""
        self._turn = asyncio.Semaphore(KEEPING_MAX)
        self._wanted = asyncio.Event()
        self._follow = asyncio.Event()
        self._looked = asyncio.Event()
        """Set once the chain was asked for its log, and answered or not."""
        self._current_s: float | None = None
        """When the chain's log had nothing that is not here, by the monotonic clock."""
        self.registered = 0
        """Statements that were new, since the start."""
        # Placed since the last head that was signed.
        self._fresh: list[tuple[int, Sequence[Digest]]] = []
        self._head: Head | None = None
        self._standard_head: Head | None = None
        """The same of the standard log."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Register while the context lasts, which an error of the work itself ends.

        Raises:
            LogDiffers: The chain's certified log is not the one that is here.
            BadTile: A file of the log is missing or damaged.
            FolderAltered: A file of the log is not what it was when a service ran last.
            OSError: The disk is full, or cannot be written.
        """
        self.publisher.check_start(self._mirror.size)
        mirror = self._mirror
        await self._in_thread(self.publisher.check_files, mirror.tree, mirror.catalogue)
        if self.standard is not None:
            await self._in_thread(self.standard.check_start)
            await self._in_thread(self.standard.catch_up, self._mirror.size)
        for entry in await self._in_thread(self.index.waiting, self._name, WAITING_MAX):
            self._to_send[entry] = None
        self._standing.add(self._to_send)
        self._wanted.set()
        self._follow.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                wanted = (self._send, self._mirror_on, self._publish_on)
                works = [tasks.create_task(work()) for work in wanted]
                try:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(START_S):
                            await self._looked.wait()
                    yield
                finally:
                    for work in works:
                        work.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def register(self, data: bytes) -> Digest:
        """Check a statement and keep it; on return it survives a crash, and will be recorded.

        Raises:
            ServiceFull: Too many wait.
            LogClosed: The log has as many entries as it may have.
            TrineError: It is no statement that this log takes.
        """
        self.check_room(1)
        return await self._intake.ask(data)

    async def register_many(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Do the same with many at once; each has its entry or why it is refused.

        Raises:
            ServiceFull: Too many wait.
            LogClosed: The log has as many entries as it may have.
        """
        self.check_room(len(items))
        return await self._keep(items)

    async def recorded(self, entry: Digest, timeout_s: float) -> bool:
        """Wait until there is a receipt of an entry; says whether there is."""
        if await self._standing.wait(entry, timeout_s):
            return True
        return entry not in self._standing and await self._place_of(entry) is not None

    async def all_recorded(self, entries: Sequence[Digest], timeout_s: float) -> bool:
        """Wait until nothing of many entries waits to be recorded; says whether it is so."""
        deadline = time.monotonic() + timeout_s
        for entry in entries:
            if entry in self._standing:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not await self._standing.wait(entry, left_s):
                    return False
        return True

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
        place, head = self._standing.place_of(entry), self._head_of(standard=standard)
        if place is not None and head is not None:
            return head.receipt(entry, place, with_chain_proof=with_chain_proof)
        return await self._receipts[with_chain_proof, standard].ask(entry)

    async def receipts(
        self, entries: Sequence[Digest], *, with_chain_proof: bool = True, standard: bool = False
    ) -> list[bytes | TrineError | None]:
        """Do the same for many entries at once; each has its receipt or what is wrong with it."""
        places = await self._places_of(entries)
        head = self._head_of(standard=standard)
        make = functools.partial(make_receipts, head, with_chain_proof=with_chain_proof)
        return await self._in_thread(make, entries, places)

    def _head_of(self, *, standard: bool) -> Head | None:
        """Return the newest head that is signed; nothing before the first."""
        return self._standard_head if standard and self.standard is not None else self._head

    async def receipt_with(self, place: int, chain_proof: bytes) -> bytes | None:
        """Make the receipt of an entry around a proof of the chain; nothing before it is signed.

        Args:
            place: Index of the entry.
            chain_proof: Proof of the same entry, under whichever block.
        """
        head = self._head
        if head is None or place >= head.signed.head.size:
            return None
        path = await self._in_thread(head.view.inclusion_path, place)
        return receipt.receipt_for(head.signed, place, path, chain_proof=chain_proof)

    async def _places_of(self, entries: Sequence[Digest]) -> dict[Digest, int | None]:
        """Return the places of entries, nothing where they wait; the database is asked last."""
        found: dict[Digest, int | None] = {}
        others = []
        for entry in entries:
            place = self._standing.place_of(entry)
            if place is not None or entry in self._standing:
                found[entry] = place
            else:
                others.append(entry)
        if others:
            found |= await self._in_thread(self.index.places, self._name, others)
        return found

    async def _place_of(self, entry: Digest) -> int | None:
        """Return the index of an entry in the log that is signed; nothing where it is not yet."""
        place = (await self._places_of([entry])).get(entry)
        head = self._head
        return place if place is not None and head and place < head.signed.head.size else None

    @property
    def waiting(self) -> int:
        """Statements that the chain has not recorded, as far as is known."""
        return len(self._intake) + self._keeping + len(self._standing)

    @property
    def certified(self) -> Certified | None:
        """The newest head that the chain's validators certified; nothing while there is none."""
        return self._mirror.certified

    @property
    def behind_s(self) -> float | None:
        """Seconds since all that the chain's log has was here; nothing before it ever was."""
        return None if self._current_s is None else time.monotonic() - self._current_s

    async def inclusion_path(self, place: int, size: int) -> list[bytes]:
        """Return the path of an entry to the root of the log as it was with `size` entries."""
        view = self._mirror.tree.view(size)
        return await self._in_thread(view.inclusion_path, place)

    @property
    def is_begun(self) -> bool:
        """Whether anything was registered, as far as is known here."""
        return self._taken > 0 or self._mirror.size > 0

    @property
    def room(self) -> int | None:
        """How many more statements the log may take; nothing where there is no end."""
        most = self.policy.entries_max
        return None if most is None else max(0, most - self._used)

    @property
    def _used(self) -> int:
        """Entries that the log has, or will have of what is being checked."""
        return max(self._taken, self._mirror.size) + len(self._intake) + self._keeping

    async def knows(self, entry: Digest) -> bool:
        """Say whether anything is registered under an entry."""
        return entry in await self._places_of([entry])

    def check_room(self, count: int) -> None:
        """Check that the log takes so many statements now.

        Raises:
            ServiceFull: Too many wait.
            LogClosed: The log has as many entries as it may have.
        """
        self.policy.check_open(self._used + count)
        waiting = self.waiting
        if waiting + count > WAITING_MAX:
            raise ServiceFull(f"{waiting} statements wait to be recorded, at most {WAITING_MAX}")

    async def _keep(self, items: Sequence[bytes]) -> list[Digest | TrineError]:
        """Check statements, keep the good ones, and have those sent that are new."""
        self._keeping += len(items)
        try:
            async with self._turn:
                now_s = time.time()
                results, found, added = await self._in_thread(self._check_and_add, items, now_s)
                self._kept(found, added)
        finally:
            self._keeping -= len(items)
        self.registered += added
        return results

    def _kept(self, found: Mapping[Digest, About], added: int) -> None:
        """Have statements sent that were kept."""
        # The same statement may have come twice at the same moment.
        new = {entry: about for entry, about in found.items() if entry not in self._standing}
        self._standing.add(new)
        self._to_send.update(dict.fromkeys(new))
        self._taken += added
        self._wanted.set()

    def _check_and_add(
        self, items: Sequence[bytes], now: float
    ) -> tuple[list[Digest | TrineError], dict[Digest, About], int]:
        """Check statements and keep the good ones.

        Returns:
            What each of them is registered as, what those are about that are to be recorded, and
            how many were new.
        """
        now_ms = int(now * 1_000)
        results = intake.check(items, self.policy, self.chain.function, now_ms=now_ms)
        new, added = self._add([one for one in results if isinstance(one, Checked)], now_ms)
        return [one.entry if isinstance(one, Checked) else one for one in results], new, added

    def _add(self, statements: Sequence[Checked], now_ms: int) -> tuple[dict[Digest, About], int]:
        """Keep statements that were checked.

        Returns:
            What those are about that are to be recorded, and how many were new.
        """
        entries = [one.entry for one in statements]
        earlier = {entry for name in self._earlier for entry in self.index.places(name, entries)}
        new: dict[Digest, About] = {}
        rows: list[Registration] = []
        for one in statements:
            entry = one.entry
            if entry not in self._standing and entry not in new and entry not in earlier:
                new[entry] = one.about
                rows.append(_registration(one, now_ms))
        added = self.index.add(self._name, rows)
        if added < len(rows):
            # Some were registered before: what has no place yet waits, and is not known to wait.
            places = self.index.places(self._name, list(new))
            new = {entry: about for entry, about in new.items() if places.get(entry) is None}
        return new, added

    async def _send(self) -> None:
        """Send what waits to the chain, batch after batch."""
        if self._to_send:
            # What was sent before the last end is found in the log, and is not sent again.
            await self._left()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._to_send:
                batch = list(self._to_send)[:BATCH_MAX]
                for entry in batch:
                    del self._to_send[entry]
                await self._send_batch(batch)

    async def _send_batch(self, batch: list[Digest]) -> None:
        try:
            failures: list[TrineError] = await self.chain.append(batch)
        except TrineError as error:
            failures = [error]
        self._follow.set()
        if failures:
            log.warning("%s entries are not recorded yet: %s", len(batch), failures[0])
            left = await self._left()
            self._to_send = dict.fromkeys([*left, *self._to_send])
            self._wanted.set()

    async def _left(self) -> list[Digest]:
        """Return what is still to be recorded: what was all the same is found in the log first."""
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await self._advance()
            except BROKEN:
                raise
            except TrineError as error:
                log.warning("the log cannot be followed now: %s", error)
            try:
                return await self._in_thread(self.index.waiting, self._name, WAITING_MAX)
            except TrineError as error:
                log.warning("what waits cannot be read now: %s", error)

    async def _mirror_on(self) -> None:
        """Follow the log of the chain, sign its heads, and tell who waits."""
        while True:
            pause = AGAIN_S if self._standing.is_awaited else FOLLOW_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._follow.wait(), pause)
            self._follow.clear()
            try:
                await self._advance()
            except BROKEN:
                raise
            except TrineError as error:
                log.warning("the log cannot be followed now: %s", error)
                self._looked.set()
                await asyncio.sleep(AGAIN_S)

    async def _publish_on(self) -> None:
        """Publish the newest head again and again; witnesses that take long hold up nothing."""
        while True:
            await asyncio.sleep(PUBLISH_S)
            try:
                await self.publisher.publish(self._mirror)
                await self._anchor()
            except BROKEN:
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
            self.check_room(1)
        except (LogClosed, ServiceFull) as error:
            log.info("the SHA-256 log is not anchored now: %s", error)
            await self._in_thread(self.standard.anchored, None)
            return
        now_ms = int(time.time() * 1_000)
        said = statement.read_statement(data, now_s=now_ms // 1_000)
        taken = [intake.checked(said, self.chain.function)]
        new, added = await self._in_thread(self._add, taken, now_ms)
        self._kept(new, added)
        await self._in_thread(self.standard.anchored, data)

    async def _advance(self) -> None:
        certified = await self._mirror.advance()
        if self._mirror.is_whole:
            self._current_s = time.monotonic()
        self._looked.set()
        if certified is None or (self._head and self._head.certified is certified):
            return
        head = certified.head
        proof = EntryProof.read_file(head.proof)
        if proof is None:
            raise BadAnswer("the node's proofs have parts that this release does not know")
        signed = receipt.sign_head(
            TreeHead(self.chain.function, head.size, head.root),
            key=self.signer.key,
            issuer=self.signer.issuer,
            subject=self.signer.subject,
            issued_at_s=int(time.time()),
        )
        if self.standard is not None:
            await self._in_thread(self.standard.sign, head.size)
            if self.standard.signed is not None:
                view, signed_beside = self.standard.signed
                self._standard_head = Head(certified, signed_beside, view, None)
        self._head = Head(certified, signed, certified.view, proof)
        fresh, self._fresh = self._fresh, []
        for first, entries in fresh:
            for entry in entries:
                self._to_send.pop(entry, None)
            self._standing.place(first, entries)

    async def search(self, query: Query, count: int) -> list[Registration]:
        """Find statements that are recorded, at most `count`, in the order of their places."""
        return await self._in_thread(self.index.search, self._name, query, count)

    def _describe(self, entries: Sequence[Digest]) -> list[About]:
        """Say what the statements of entries are about, for the rows of the index."""
        found = [self._standing.about(entry) for entry in entries]
        others = [entry for entry, about in zip(entries, found, strict=True) if about is None]
        if not others:
            return [about for about in found if about is not None]
        function, known = self.chain.function, self.index.described(self._name, others)
        for at, entry in enumerate(entries):
            if found[at] is None and (said := known.get(entry)) is not None:
                found[at] = About(said[0], name_digest(function, said[1]), said[2])
        return [UNKNOWN if about is None else about for about in found]

    def _place(self, first: int, entries: Sequence[Digest]) -> None:
        if self.standard is not None:
            self.standard.follow(first, entries)
        self.index.place(self._name, first, entries)
        self._fresh.append((first, entries))

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run what takes long, or waits for the disk, beside the event loop."""
        return await asyncio.to_thread(functools.partial(work, *arguments))


def _registration(one: Checked, now_ms: int) -> Registration:
    data, entry, issuer, subject, content_type, about = one
    return Registration(
        entry,
        None,
        issuer,
        subject,
        content_type,
        now_ms,
        data,
        about.issuer,
        about.content,
    )


def log_prefix(log: LogId) -> str:
    """Return below which name the files of a log are kept: the folder that a web server serves."""
    return f"logs/{log}/"
