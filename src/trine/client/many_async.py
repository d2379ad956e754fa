"""Submit many transactions through an `AsyncClient`: several batches on their way at once.

One task follows the stream of final blocks, which names every transaction; others post batches.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from trine.client import operations
from trine.client.many import Batch, Item, Many, ManyResult, Progress, too_late
from trine.client.records import FinalTransaction
from trine.client.sender import Sender
from trine.client.submission import DOUBT_MS
from trine.client.transport import OCTETS, Answer, Operation, Request, checked, is_busy
from trine.errors import (
    BadAnswer,
    BadArgument,
    CannotReachNode,
    NonceUsed,
    Timeout,
    TransactionNotFound,
    TrineError,
)
from trine.types import Call, Height, TransactionId

POSTS_MAX: Final = 4
"""Batches on their way at most."""
LOOKUPS_MAX: Final = 16
"""Accounts and transactions that are looked up at once."""
TICK_S: Final = 0.05
"""Seconds after which the books are looked at, whatever comes."""

T = TypeVar("T")


class Nodes(Protocol):
    """What is needed of a client."""

    async def _run(self, operation: Operation[T]) -> T: ...
    async def _fetch(self, request: Request) -> Answer: ...
    def _follow(self, from_: Height | None, *, ids: bool) -> AsyncIterator[dict[str, Any]]: ...


class Submission:
    """One run of `submit_many`."""

    def __init__(self, nodes: Nodes, many: Many) -> None:
        """Work on the books of `many`."""
        self.nodes = nodes
        self.many = many
        self.changed = asyncio.Event()
        self.posts: set[asyncio.Task[None]] = set()
        self.lookups: set[asyncio.Task[None]] = set()
        self.looked_up: set[Sender] = set()

    async def run(self, from_: Height, timeout_s: float) -> None:
        """Work until every transaction has a result."""
        deadline = time.monotonic() + timeout_s
        follower = asyncio.create_task(self._follow(from_))
        try:
            while self.many.unfinished:
                if time.monotonic() > deadline:
                    self.many.give_up(too_late(timeout_s))
                    break
                if follower.done():
                    self.many.give_up(unreachable(follower.exception()))
                    break
                self._step()
                await self._wait(min(TICK_S, max(0.0, deadline - time.monotonic())))
        finally:
            tasks = [follower, *self.posts, *self.lookups]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Also when the caller interrupts: what has no result may still land.
            self.many.give_up(too_late(timeout_s))

    def _step(self) -> None:
        """Start whatever can be started now."""
        for task in [*self.posts, *self.lookups]:
            if task.done():
                task.result()
        now_ms = wall_ms()
        self.many.repeat_lost(now_ms)
        for sender in list(self.many.unknown - self.looked_up)[: self._room()]:
            self.looked_up.add(sender)
            self._start(self.lookups, self._learn(sender))
        while self.many.doubts and self._room():
            self._start(self.lookups, self._judge(self.many.doubts.pop()))
        while len(self.posts) < POSTS_MAX and (batch := self.many.take(now_ms)):
            self._start(self.posts, self._post(batch))

    def _room(self) -> int:
        return LOOKUPS_MAX - len(self.lookups)

    def _start(self, tasks: set[asyncio.Task[None]], work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)
        task.add_done_callback(lambda done: self._ended(tasks, done))

    def _ended(self, tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        # A task that failed stays for `_step`, which raises what it raised.
        if task.cancelled() or task.exception() is None:
            tasks.discard(task)
        self.changed.set()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.changed.wait(), seconds)
        except TimeoutError:
            return
        self.changed.clear()

    async def _follow(self, from_: Height) -> None:
        async for event in self.nodes._follow(from_, ids=True):
            try:
                height, time_ms = Height(int(event["height"])), int(event["time_ms"])
                ids = base64.b64decode(event["ids"], validate=True)
                codes = base64.b64decode(event["codes"], validate=True)
            except (KeyError, ValueError, TypeError) as error:
                raise BadAnswer(f"an event of the stream without ids: {error}") from None
            self.many.finalized(height, time_ms, ids, codes)
            self.changed.set()

    async def _learn(self, sender: Sender) -> None:
        try:
            account = await self.nodes._run(operations.account(sender.address))
        except TrineError as error:
            self.many.refuse(sender, error)
        else:
            self.many.learned(sender, account.nonce_base, account.nonce_used)
        self.looked_up.discard(sender)

    async def _judge(self, item: Item) -> None:
        final: FinalTransaction | None = None
        error: TrineError = NonceUsed("its nonces are taken by others again and again")
        try:
            final = await self.nodes._run(operations.transaction(TransactionId(item.id), DOUBT_MS))
        except (TransactionNotFound, Timeout):
            pass
        except CannotReachNode:
            # It may be in a block that nobody could be asked about: the stream will tell.
            return
        self.many.judged(item, final, error)

    async def _post(self, batch: Batch) -> None:
        request = Request("/v1/transactions", body=batch.body, content_type=OCTETS)
        try:
            answer = checked(await self.nodes._fetch(request))
            results = answer.json()["results"]
            if len(results) != len(batch.items):
                raise BadAnswer(f"{answer.url} answered {len(results)} results to a batch")
        except (KeyError, TypeError):
            raise BadAnswer("a node answered no results to a batch") from None
        except TrineError as error:
            if not is_busy(error) and not isinstance(error, CannotReachNode):
                raise
            if is_busy(error):
                self.many.refused(batch, error, wall_ms())
            # A node may have taken the batch before its answer got lost: the stream will tell,
            # and what does not become final is posted again.
            return
        self.many.answered(batch, results, wall_ms())


def unreachable(error: BaseException | None) -> Callable[[Item], TrineError]:
    """Make the errors of what has no result when the stream of blocks is lost for good."""

    def error_for(item: Item) -> TrineError:
        instance = TransactionId(item.id).hex() if item.id else None
        lost = f"{error}; look the transaction up by its id before sending it again"
        return CannotReachNode(lost, instance=instance)

    return error_for


def wall_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


async def submit_many(
    nodes: Nodes,
    drafts: Sequence[Call | Sequence[Call]],
    senders: Sequence[Sender],
    timeout_s: float,
    progress: Progress,
) -> list[ManyResult]:
    """Submit one transaction for each draft and wait until all are final.

    Raises:
        BadArgument: The numbers of drafts and senders differ.
    """
    if len(drafts) != len(senders):
        raise BadArgument(f"{len(drafts)} drafts, {len(senders)} senders: expected one for each")
    status = await nodes._run(operations.status())
    many = Many(status.suite, status.chain_id, drafts, senders, progress)
    await Submission(nodes, many).run(Height(status.height + 1), timeout_s)
    return [result for result in many.results if result is not None]
