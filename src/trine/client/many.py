"""Keep the books of many transactions on their way: sign, batch, match with what is final.

Nothing here does I/O; `trine.client.many_async` asks nodes. As in `trine.client.submission`, a
transaction keeps its bytes through every retry, and is signed anew, with another nonce, only after
the chain said that these bytes can never enter a block.
"""

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from trine._core import keys as core_keys
from trine._core import transactions as core
from trine.client.records import FinalTransaction, TransactionSummary
from trine.client.sender import Sender
from trine.client.submission import (
    JITTER_MS,
    MAY_LAND,
    NONCE_ERRORS,
    SIGNED_AGAIN_MAX,
    WAIT_SLICE_MS,
)
from trine.client.transport import is_busy
from trine.errors import BadArgument, Duplicate, Expired, Malformed, Timeout, TrineError, error_of
from trine.types import Call, ChainId, Height, TransactionId
from trine.types.limits import (
    BATCH_BYTES_MAX,
    BATCH_TRANSACTIONS_MAX,
    CALLS_MAX,
    VALIDITY_MS,
)

BATCH_MAX: Final = min(1_024, BATCH_TRANSACTIONS_MAX)
"""Transactions of one batch: several are on their way at once."""
PAUSE_MS: Final = 50
"""Milliseconds to wait when the nodes' pools are full, at first; doubles while they stay full."""
PAUSE_MS_MAX: Final = 1_000
LENGTH_BYTES: Final = 4
ID_BYTES: Final = 32
CODE_BYTES: Final = 2

ManyResult = TransactionSummary | TrineError
"""A final transaction, whose outcome may be a failure, or why it never entered a block."""
Progress = Callable[[int, int], None]
"""Called with the number of transactions that have a result, and the number of all."""


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


class Item:
    """One transaction: its calls, then its nonce and bytes."""

    __slots__ = ("calls", "framed", "id", "nonce", "place", "sender", "tries", "valid_until_ms")

    def __init__(self, place: int, sender: Sender, calls: list[bytes]) -> None:
        """Start without a nonce."""
        self.place = place
        self.sender = sender
        self.calls = calls
        self.tries = 0
        self.nonce = -1
        self.valid_until_ms = 0
        self.id = b""
        self.framed = b""


@dataclass(frozen=True)
class Batch:
    """Transactions to post together.

    Attributes:
        items: The transactions.
        ids: Their ids: a transaction that is signed again meanwhile has another one.
        body: The batch as `POST /v1/transactions` takes it.
    """

    items: list[Item]
    ids: list[bytes]
    body: bytes

    @classmethod
    def of(cls, items: list[Item]) -> Self:
        """Pack items."""
        count = len(items).to_bytes(LENGTH_BYTES)
        body = count + b"".join([item.framed for item in items])
        return cls(items, [item.id for item in items], body)


class Many:
    """Transactions of one or more senders, from their calls to their results."""

    def __init__(
        self,
        suite: str,
        chain_id: ChainId,
        drafts: Sequence[Call | Sequence[Call]],
        senders: Sequence[Sender],
        progress: Progress = no_progress,
    ) -> None:
        """Encode the calls; a draft whose calls cannot be encoded gets its error at once.

        Args:
            suite: Suite of the chain.
            chain_id: Chain for which the transactions are meant.
            drafts: The calls of each transaction.
            senders: Who sends each.
            progress: Told how many have a result.
        """
        self.suite = suite
        self.chain_id = chain_id
        self.results: list[ManyResult | None] = [None] * len(drafts)
        self.unfinished = len(drafts)
        self.senders: dict[Sender, deque[Item]] = {}
        self.unknown: set[Sender] = set()
        self.doubts: list[Item] = []
        self._ready: deque[Sender] = deque()
        self._is_ready: set[Sender] = set()
        self._again: deque[Item] = deque()
        self._sent: deque[tuple[int, list[Item]]] = deque()
        self._by_id: dict[bytes, Item] = {}
        self._first_until_ms = 0
        self._pause_ms = PAUSE_MS
        self._paused_until_ms = 0
        self._progress = progress
        for place, (draft, sender) in enumerate(zip(drafts, senders, strict=True)):
            try:
                item = Item(place, sender, encode(draft))
            except TrineError as error:
                self._note(place, error)
                continue
            queue = self.senders.get(sender)
            if queue is None:
                queue = self.senders[sender] = deque()
                sender.meet(suite)
                if sender.nonces.is_known:
                    self._wake(sender)
                else:
                    self.unknown.add(sender)
            queue.append(item)

    def learned(self, sender: Sender, base: int, used: int) -> None:
        """Take over the nonces of a sender in the latest final state."""
        sender.nonces.learn(base, used)
        self.unknown.discard(sender)
        self._wake(sender)

    def refuse(self, sender: Sender, error: TrineError) -> None:
        """End what a sender, whose account cannot be read, has not sent yet."""
        self.unknown.discard(sender)
        queue = self.senders[sender]
        while queue:
            self._note(queue.popleft().place, error)
        self._tell()

    def take(self, now_ms: int) -> Batch | None:
        """Sign and pack the next batch; none while nothing may be sent."""
        if now_ms < self._paused_until_ms:
            return None
        items = self._take_again()
        items += self._sign(self._take_new(BATCH_MAX - len(items)), now_ms)
        size = LENGTH_BYTES
        for count, item in enumerate(items):
            size += len(item.framed)
            if size > BATCH_BYTES_MAX:
                self._again.extendleft(reversed(items[count:]))
                items = items[:count]
                break
        if not items:
            return None
        self._sent.append((now_ms, items))
        return Batch.of(items)

    def answered(self, batch: Batch, results: list[dict[str, Any]], now_ms: int) -> None:
        """Take what a node answered to a batch, one line for each of its transactions."""
        for item, id_, result in zip(batch.items, batch.ids, results, strict=True):
            if result.get("accepted") is not True:
                code, detail = str(result.get("code")), str(result.get("detail", ""))
                error = error_of(code, detail, instance=TransactionId(id_).hex())
                self._refuse(item, id_, error, now_ms)
        if now_ms >= self._paused_until_ms:
            self._pause_ms = PAUSE_MS
        self._tell()

    def refused(self, batch: Batch, error: TrineError, now_ms: int) -> None:
        """Take the refusal of a whole batch."""
        for item, id_ in zip(batch.items, batch.ids, strict=True):
            self._refuse(item, id_, error, now_ms)
        self._tell()

    def _refuse(self, item: Item, id_: bytes, error: TrineError, now_ms: int) -> None:
        if isinstance(error, Duplicate) or self._by_id.get(id_) is not item:
            return
        if is_busy(error):
            if now_ms >= self._paused_until_ms:
                self._paused_until_ms = now_ms + self._pause_ms
                self._pause_ms = min(2 * self._pause_ms, PAUSE_MS_MAX)
            self._again.append(item)
        elif isinstance(error, NONCE_ERRORS):
            self.doubts.append(item)
        else:
            self._finish(item, error)

    def judged(self, item: Item, final: FinalTransaction | None, error: TrineError) -> None:
        """Take what became of a transaction whose nonce was refused: final, or to sign again."""
        if self._by_id.get(item.id) is not item:
            return
        if final is not None:
            code = final.outcome.number
            self._finish(item, TransactionSummary(final.id, final.height, code))
        else:
            self._sleep(item.sender)
            self.unknown.add(item.sender)
            self._sign_again(item, error)
        self._tell()

    def finalized(self, height: Height, time_ms: int, ids: bytes, codes: bytes) -> None:
        """Take a final block: the ids and the numbers of the outcomes of its transactions."""
        by_id = self._by_id
        for at in range(len(ids) // ID_BYTES):
            item = by_id.get(ids[ID_BYTES * at : ID_BYTES * at + ID_BYTES])
            if item is not None:
                code = int.from_bytes(codes[CODE_BYTES * at : CODE_BYTES * at + CODE_BYTES])
                self._finish(item, TransactionSummary(TransactionId(item.id), height, code))
        if by_id and time_ms > self._first_until_ms:
            self._expire(time_ms)
        self._tell()

    def repeat_lost(self, now_ms: int) -> None:
        """Submit again, unchanged, what was sent long ago and is not final."""
        while self._sent and now_ms - self._sent[0][0] > WAIT_SLICE_MS:
            _, items = self._sent.popleft()
            self._again.extend(item for item in items if self._by_id.get(item.id) is item)

    def give_up(self, error_for: Callable[[Item], TrineError]) -> None:
        """End everything: what was sent may still become final."""
        for item in list(self._by_id.values()):
            self._finish(item, error_for(item))
        for queue in self.senders.values():
            for item in queue:
                self._note(item.place, error_for(item))
            queue.clear()
        self._tell()

    def _expire(self, time_ms: int) -> None:
        """Sign again what no later block may hold, since the blocks come without gaps."""
        message = "the transaction did not become final before its time was over"
        for item in list(self._by_id.values()):
            if item.valid_until_ms < time_ms:
                error = Expired(message, instance=TransactionId(item.id).hex())
                self._sign_again(item, error)
        left = (item.valid_until_ms for item in self._by_id.values())
        self._first_until_ms = min(left, default=0)

    def _take_again(self) -> list[Item]:
        items: list[Item] = []
        while self._again and len(items) < BATCH_MAX:
            item = self._again.popleft()
            if self._by_id.get(item.id) is item:
                items.append(item)
        return items

    def _take_new(self, count: int) -> list[Item]:
        """Take transactions that have no nonce yet and give them one each."""
        items: list[Item] = []
        while self._ready and len(items) < count:
            sender = self._ready[0]
            queue = self.senders[sender]
            wanted = min(len(queue), count - len(items))
            nonces = sender.nonces.reserve(wanted)
            for nonce in nonces:
                item = queue.popleft()
                item.nonce = nonce
                items.append(item)
            if len(nonces) < wanted or not queue:
                self._sleep(sender)
        return items

    def _sign(self, items: list[Item], now_ms: int) -> list[Item]:
        """Sign items that have a nonce; returns those that could be."""
        if not items:
            return []
        until = now_ms + VALIDITY_MS + secrets.randbelow(JITTER_MS)
        try:
            sign(self.suite, self.chain_id, items, until)
        except BaseException as error:
            if isinstance(error, TrineError) and len(items) > 1:
                # One bad transaction harms no other.
                return [one for item in items for one in self._sign([item], now_ms)]
            for item in items:
                item.sender.nonces.finish(item.nonce, used=False)
                self._wake(item.sender)
            if not isinstance(error, TrineError):
                raise
            self._note(items[0].place, error)
            return []
        if not self._by_id or until < self._first_until_ms:
            self._first_until_ms = until
        for item in items:
            self._by_id[item.id] = item
        return items

    def _sign_again(self, item: Item, error: TrineError) -> None:
        """Queue a transaction whose bytes can never enter a block; end it after many tries."""
        if item.tries == SIGNED_AGAIN_MAX:
            self._finish(item, error)
            return
        item.tries += 1
        del self._by_id[item.id]
        item.id = item.framed = b""
        item.sender.nonces.finish(item.nonce, used=False)
        self.senders[item.sender].appendleft(item)
        self._wake(item.sender)

    def _finish(self, item: Item, result: ManyResult) -> None:
        del self._by_id[item.id]
        used = isinstance(result, (TransactionSummary, *MAY_LAND))
        item.sender.nonces.finish(item.nonce, used=used)
        self._wake(item.sender)
        self._note(item.place, result)

    def _note(self, place: int, result: ManyResult) -> None:
        self.results[place] = result
        self.unfinished -= 1

    def _wake(self, sender: Sender) -> None:
        if sender not in self._is_ready and sender not in self.unknown:
            self._is_ready.add(sender)
            self._ready.append(sender)

    def _sleep(self, sender: Sender) -> None:
        if sender in self._is_ready:
            self._is_ready.discard(sender)
            self._ready.remove(sender)

    def _tell(self) -> None:
        self._progress(len(self.results) - self.unfinished, len(self.results))


def encode(draft: Call | Sequence[Call]) -> list[bytes]:
    """Encode the calls of a draft.

    Raises:
        Malformed: There is none.
        BadArgument: There are too many.
        TrineError: A call cannot be encoded.
    """
    if isinstance(draft, Call):
        return [draft.encode()]
    if not draft:
        raise Malformed("a transaction has at least one call")
    if len(draft) > CALLS_MAX:
        raise BadArgument(f"{len(draft)} calls, at most {CALLS_MAX} allowed")
    return [call.encode() for call in draft]


def sign(suite: str, chain_id: ChainId, items: list[Item], valid_until_ms: int) -> None:
    """Sign items, those with keys in memory in one call of the core.

    Raises:
        TooLarge: A transaction has too many bytes.
        TrineError: A token or authenticator does not sign.
    """
    places: dict[Sender, int] = {}
    signers: list[tuple[core_keys.SecretKey, bytes, int]] = []
    drafts = []
    in_memory = []
    for item in items:
        sender = item.sender
        item.valid_until_ms = valid_until_ms
        place = places.get(sender)
        if place is None:
            key = sender.key.core
            if not isinstance(key, core_keys.SecretKey):
                _sign_elsewhere(suite, chain_id, item)
                continue
            place = places[sender] = len(signers)
            signers.append((key, sender.address, sender.key_index))
        in_memory.append(item)
        drafts.append((place, item.nonce, valid_until_ms, item.calls))
    ids, framed = core.sign_many(suite, chain_id, signers, drafts)
    for item, id_, bytes_ in zip(in_memory, ids, framed, strict=True):
        item.id, item.framed = id_, bytes_


def _sign_elsewhere(suite: str, chain_id: ChainId, item: Item) -> None:
    sender = item.sender
    draft = (item.nonce, item.valid_until_ms, item.calls)
    key, index = sender.key.core, sender.key_index
    ((item.id, encoded),) = core.sign(suite, chain_id, sender.address, index, key, [draft])
    item.framed = len(encoded).to_bytes(LENGTH_BYTES) + encoded


def too_late(seconds: float) -> Callable[[Item], TrineError]:
    """Make the errors of what has no result when the time is over."""

    def error_for(item: Item) -> TrineError:
        if not item.id:
            message = f"no free nonce within {seconds:.0f} s: the account has too much on its way"
            return Timeout(message)
        message = (
            f"not final after {seconds:.0f} s; it may still become final: look it up by its id"
        )
        return Timeout(message, instance=TransactionId(item.id).hex())

    return error_for
