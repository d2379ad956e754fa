"""Sign, submit and wait: every transaction lands once, whatever fails on the way.

A transaction keeps its bytes, and so its id, through every retry and on every node. It is signed
anew, with another nonce, only after the chain said that these bytes can never enter a block.
"""

import secrets
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from trine.client import operations
from trine.client.records import FinalTransaction, Status
from trine.client.sender import Sender
from trine.client.transport import OCTETS, Answer, Operation, Pause, Request, checked, is_busy
from trine.errors import (
    BadAnswer,
    BadArgument,
    CannotReachNode,
    Duplicate,
    Expired,
    NonceTooFar,
    NonceUsed,
    NonceVoided,
    Timeout,
    TransactionNotFound,
    TrineError,
    error_of,
)
from trine.types import Call, TransactionId, sign_transactions
from trine.types.limits import (
    BATCH_BYTES_MAX,
    BATCH_TRANSACTIONS_MAX,
    VALIDITY_MS,
    WAIT_MS_MAX,
)
from trine.types.transaction import SignedTransaction

SIGNED_AGAIN_MAX: Final = 16
"""Times that a transaction gets another nonce: other processes may use the same key."""
BUSY_PAUSE_S: Final = 0.5
"""Seconds to wait when the nodes' pools are full, or the nonce window is taken up."""
WAIT_SLICE_MS: Final = 5_000
"""Milliseconds after which a transaction that is not final is submitted again, unchanged."""
DOUBT_MS: Final = 2_000
"""Milliseconds for which a refused nonce may turn out to have been used by this very transaction:
a node knows the newest state a moment before it shows what is durable."""
JITTER_MS: Final = 10_000
"""Milliseconds by which the end of validity varies: two processes that sign the same calls with
the same nonce at the same moment must not make one transaction of two."""
EXPIRY_GRACE_MS: Final = 15_000
"""Milliseconds after its end at which a transaction that is not final counts as expired."""


class Session:
    """What a client knows about its chain, and the sender for which it signs."""

    def __init__(self, sender: Sender | None) -> None:
        """Start without knowledge; the first submission asks a node."""
        self._sender = sender
        self._lock = threading.Lock()
        self._chain: Status | None = None

    @property
    def sender(self) -> Sender:
        """The sender.

        Raises:
            BadArgument: The client has no key.
        """
        if self._sender is None:
            raise BadArgument("this client has no key: give `key=` to submit transactions")
        return self._sender

    @property
    def sends(self) -> bool:
        """Whether the client has a key."""
        return self._sender is not None

    def chain(self) -> Operation[Status]:
        """Fetch what names the chain, once."""
        with self._lock:
            known = self._chain
        if known is None:
            known = yield from operations.status()
            with self._lock:
                self._chain = known
            if self._sender is not None:
                self._sender.meet(known.suite)
        return known


@dataclass
class _Item:
    """A transaction on its way."""

    place: int
    calls: Sequence[Call]
    tries: int = 0
    nonce: int = 0
    valid_until_ms: int = 0
    signed: SignedTransaction | None = None

    @property
    def id(self) -> TransactionId:
        assert self.signed is not None, "an item is signed before it is submitted"
        return self.signed.id


MAY_LAND: Final = (FinalTransaction, Timeout, CannotReachNode)
"""Results of a transaction whose nonce may be used, now or later."""
NONCE_ERRORS: Final = (NonceUsed, NonceVoided, NonceTooFar)

Result = FinalTransaction | TrineError
"""A final transaction (look at its outcome), or why it never entered a block."""


@dataclass(frozen=True)
class _TimeLimit:
    """How long a caller waits: what it asked for, and the moment of `time.monotonic` it ends."""

    seconds: float
    deadline: float

    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline


def submit(
    session: Session, drafts: Sequence[Sequence[Call]], timeout_s: float
) -> Operation[list[Result]]:
    """Submit one transaction for each draft and wait until all are final.

    Args:
        session: The client's chain and sender.
        drafts: The calls of each transaction.
        timeout_s: Seconds for all of them together.
    """
    results: dict[int, Result] = {}
    waiting = [_Item(place, calls) for place, calls in enumerate(drafts)]
    limit = _TimeLimit(timeout_s, time.monotonic() + timeout_s)
    while waiting:
        signed = yield from _sign(session, waiting)
        if not signed:
            if limit.is_over():
                results |= {item.place: _too_late(item, limit) for item in waiting}
                break
            yield Pause(BUSY_PAUSE_S)
            continue
        chosen = {item.place for item in signed}
        waiting = [item for item in waiting if item.place not in chosen]
        try:
            again = yield from _land(session, signed, results, limit)
        finally:
            # Also when the caller interrupts: what has no result may still land.
            for item in signed:
                used = isinstance(results.get(item.place), MAY_LAND)
                session.sender.nonces.finish(item.nonce, used=used)
        waiting = again + waiting
    return [results[place] for place in range(len(drafts))]


def _sign(session: Session, waiting: list[_Item]) -> Operation[list[_Item]]:
    """Sign as many as have room in the nonce window and in one batch."""
    sender = session.sender
    chain = yield from session.chain()
    nonces = []
    if sender.nonces.is_known:
        nonces = sender.nonces.reserve(min(len(waiting), BATCH_TRANSACTIONS_MAX))
    if not nonces:
        account = yield from operations.account(sender.address)
        sender.nonces.learn(account.nonce_base, account.nonce_used)
        nonces = sender.nonces.reserve(min(len(waiting), BATCH_TRANSACTIONS_MAX))
    # A client whose clock is behind takes the chain's time.
    until = max(time.time_ns() // 1_000_000, chain.time_ms) + VALIDITY_MS
    until += secrets.randbelow(JITTER_MS)
    items = waiting[: len(nonces)]
    drafts = [(nonce, until, item.calls) for nonce, item in zip(nonces, items, strict=True)]
    try:
        signed = sign_transactions(
            chain.suite,
            chain.chain_id,
            sender.address,
            sender.key,
            drafts,
            key_index=sender.key_index,
        )
    except BaseException:
        for nonce in nonces:
            sender.nonces.finish(nonce, used=False)
        raise
    size, fitting = 4, []
    for item, nonce, transaction in zip(items, nonces, signed, strict=True):
        size += 4 + len(transaction.encoded)
        if size > BATCH_BYTES_MAX:
            sender.nonces.finish(nonce, used=False)
            continue
        item.nonce, item.signed, item.valid_until_ms = nonce, transaction, until
        fitting.append(item)
    return fitting


def _land(
    session: Session, items: list[_Item], results: dict[int, Result], limit: _TimeLimit
) -> Operation[list[_Item]]:
    """Submit signed items and wait for them; returns those to sign again."""
    again: list[_Item] = []
    pending: list[_Item] = []
    learn = pause = False
    try:
        verdicts = yield from _post(items)
    except CannotReachNode as error:
        # A node may have taken the batch before its answer got lost.
        lost = f"{error}; look the transaction up by its id before sending it again"
        results |= {item.place: CannotReachNode(lost, instance=str(item.id)) for item in items}
        return []
    for item, verdict in zip(items, verdicts, strict=True):
        if verdict is None or isinstance(verdict, Duplicate):
            pending.append(item)
        elif is_busy(verdict) and not limit.is_over():
            pause = True
            again.append(item)
        else:
            results[item.place] = yield from _judge(item, verdict)
    for item in pending:
        results[item.place] = yield from _await(item, limit)
    for item in items:
        if isinstance(results.get(item.place), NONCE_ERRORS) and item.tries < SIGNED_AGAIN_MAX:
            del results[item.place]
            item.tries += 1
            learn = True
            again.append(item)
    if learn:
        account = yield from operations.account(session.sender.address)
        session.sender.nonces.learn(account.nonce_base, account.nonce_used)
    if pause:
        yield Pause(BUSY_PAUSE_S)
    return again


def _post(items: list[_Item]) -> Operation[list[TrineError | None]]:
    """Submit one batch; returns none for what was accepted, else why it was not."""
    encoded = [item.signed.encoded for item in items if item.signed]
    body = [struct.pack(">I", len(encoded))]
    for transaction in encoded:
        body += [struct.pack(">I", len(transaction)), transaction]
    answer = yield Request("/v1/transactions", body=b"".join(body), content_type=OCTETS)
    listed = _results(checked(answer), len(items))
    return [_verdict(item, result) for item, result in zip(items, listed, strict=True)]


def _results(answer: Answer, count: int) -> list[dict[str, Any]]:
    document = answer.json()
    listed = document.get("results") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) != count:
        message = f"{answer.url} answered no {count} results to a batch"
        raise BadAnswer(message, instance=answer.url)
    return listed


def _verdict(item: _Item, result: dict[str, Any]) -> TrineError | None:
    if result.get("accepted") is True:
        return None
    code, detail = str(result.get("code")), str(result.get("detail", ""))
    return error_of(code, detail, instance=str(item.id))


def _final(item: _Item, wait_ms: int) -> Operation[FinalTransaction | None]:
    """Fetch the transaction if it is final, waiting at most `wait_ms`."""
    try:
        return (yield from operations.transaction(item.id, wait_ms))
    except (TransactionNotFound, Timeout):
        return None
    except CannotReachNode:
        # The nodes may be starting again; the caller knows for how long to wait.
        yield Pause(BUSY_PAUSE_S)
        return None


def _judge(item: _Item, verdict: TrineError) -> Operation[Result]:
    """Decide what a refusal means: a used nonce may be this transaction's own."""
    if isinstance(verdict, NONCE_ERRORS):
        final = yield from _final(item, DOUBT_MS)
        if final:
            return final
    return verdict


def _await(item: _Item, limit: _TimeLimit) -> Operation[Result]:
    """Wait for one accepted transaction, submitting it again where it may have got lost."""
    while True:
        left_ms = int((limit.deadline - time.monotonic()) * 1_000)
        wait_ms = max(1, min(left_ms, WAIT_SLICE_MS, WAIT_MS_MAX))
        final = yield from _final(item, wait_ms)
        if final:
            return final
        if time.time_ns() // 1_000_000 > item.valid_until_ms + EXPIRY_GRACE_MS:
            message = "the transaction did not become final before its time was over"
            return Expired(message, instance=str(item.id))
        if limit.is_over():
            return _too_late(item, limit)
        try:
            (verdict,) = yield from _post([item])
        except CannotReachNode:
            continue
        if verdict and not isinstance(verdict, Duplicate) and not is_busy(verdict):
            return (yield from _judge(item, verdict))


def _too_late(item: _Item, limit: _TimeLimit) -> Timeout:
    seconds = limit.seconds
    if item.signed is None:
        message = f"no free nonce within {seconds:.0f} s: the account has too much on its way"
        return Timeout(message)
    message = f"not final after {seconds:.0f} s; it may still become final: look it up by its id"
    return Timeout(message, instance=str(item.id))
