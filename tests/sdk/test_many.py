"""Test that each of many transactions lands once, against a chain that loses and delays."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.client.many import Item, Many, encode, too_late
from trine.client.records import FinalTransaction, TransactionSummary
from trine.client.sender import Sender
from trine.client.submission import SIGNED_AGAIN_MAX, WAIT_SLICE_MS
from trine.crypto import SecretKey
from trine.errors import (
    AccountNotFound,
    BadArgument,
    BadSignature,
    Expired,
    InsufficientBalance,
    Malformed,
    NonceUsed,
    PendingFull,
    Timeout,
    TooLarge,
    TrineError,
)
from trine.types import (
    Address,
    Amount,
    AssetId,
    AssetTransfer,
    Call,
    ChainId,
    EvidenceAppend,
    Height,
    LogCreate,
    LogId,
    Outcome,
    Transaction,
    TransactionId,
)
from trine.types.identifiers import Digest, Nonce, TimeMs
from trine.types.limits import BATCH_BYTES_MAX, CALLS_MAX, NONCE_WINDOW

CHAIN_ID = ChainId(bytes(32))
KEYS = [SecretKey("ed25519", bytes([number]) * 32) for number in range(4)]
START_MS = 1_800_000_000_000


def transfers(count: int) -> list[Call]:
    """Calls whose amounts tell them apart."""
    to, asset = Address(bytes(20)), AssetId(1)
    return [AssetTransfer(asset, to, Amount(amount)) for amount in range(1, count + 1)]


@dataclass
class Chain:
    """The nonce rule, a pool and blocks, as lossy as `rng` says."""

    rng: random.Random
    loss: float
    now_ms: int = START_MS
    height: int = 1
    pool_max: int = 10**9
    used: dict[bytes, set[int]] = field(default_factory=dict)
    pending: dict[bytes, Transaction] = field(default_factory=dict)
    final: dict[bytes, Transaction] = field(default_factory=dict)
    landed: list[int] = field(default_factory=list)

    def lucky(self) -> bool:
        """Whether nothing goes wrong this time."""
        return self.rng.random() >= self.loss

    def base(self, sender: bytes) -> int:
        """Lowest nonce of the sender that is not used."""
        used = self.used.setdefault(sender, set())
        return next(nonce for nonce in range(10**6) if nonce not in used)

    def take(self, framed: bytes) -> dict[str, Any]:
        """Decide on one submitted transaction."""
        assert int.from_bytes(framed[:4]) == len(framed) - 4
        transaction = Transaction.decode("intl", framed[4:])
        base = self.base(transaction.sender)
        if transaction.id in self.pending:
            return {"accepted": False, "code": "duplicate"}
        if transaction.nonce in self.used[transaction.sender]:
            return {"accepted": False, "code": "nonce_used"}
        assert transaction.nonce < base + NONCE_WINDOW, "the client keeps within the window"
        if len(self.pending) >= self.pool_max or not self.lucky():
            return {"accepted": False, "code": "pending_full"}
        self.pending[transaction.id] = transaction
        return {"accepted": True}

    def block(self) -> tuple[bytes, bytes]:
        """Make some of the pending transactions final; lose some."""
        ids = b""
        for id_, transaction in list(self.pending.items()):
            if not self.lucky():
                if self.rng.random() < 0.5:
                    del self.pending[id_]
                continue
            del self.pending[id_]
            used = self.used[transaction.sender]
            if transaction.nonce in used or transaction.valid_until_ms < self.now_ms:
                continue
            used.add(transaction.nonce)
            self.final[id_] = transaction
            call = transaction.calls[0]
            assert isinstance(call, AssetTransfer)
            self.landed.append(call.amount)
            ids += id_
        self.height += 1
        return ids, bytes(len(ids) // 16)

    def step(self, many: Many) -> None:
        """Let everything happen once: answers, posts, blocks, time."""
        self.now_ms += 200
        many.repeat_lost(self.now_ms)
        for sender in list(many.unknown):
            base = self.base(sender.address)
            used = sum(1 << n - base for n in self.used[sender.address] if n >= base)
            many.learned(sender, base, used)
        while many.doubts:
            self.judge(many, many.doubts.pop())
        batch = many.take(self.now_ms)
        if batch and self.lucky():
            results = [self.take(item.framed) for item in batch.items]
            if self.lucky():
                many.answered(batch, results, self.now_ms)
        ids, codes = self.block()
        many.finalized(Height(self.height), self.now_ms, ids, codes)

    def judge(self, many: Many, item: Item) -> None:
        """Look a transaction up whose nonce was refused."""
        found = self.final.get(item.id)
        outcome = Outcome("ok", 0, 0, 1, ())
        final = found and FinalTransaction(
            TransactionId(item.id), Height(1), 0, TimeMs(0), found.sender, Nonce(0), outcome, {}
        )
        many.judged(item, final or None, NonceUsed("used"))


def of(senders: list[Sender], drafts: list[Call]) -> Many:
    """Books in which senders take turns."""
    turns = [senders[place % len(senders)] for place in range(len(drafts))]
    return Many("intl", CHAIN_ID, drafts, turns)


@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(1, 4), st.floats(0, 0.4))
def test_each_lands_once(seed: int, count: int, accounts: int, loss: float) -> None:
    """Goal: whatever is lost, every transaction lands exactly once, inside the window.

    Method: up to 300 drafts of up to four senders, over a network that loses up to 40 % of
    batches, answers and pending transactions, from a seed.
    """
    chain = Chain(random.Random(seed), loss)
    many = of([Sender(key) for key in KEYS[:accounts]], transfers(count))
    for _ in range(5_000):
        if not many.unfinished:
            break
        chain.step(many)
    assert all(isinstance(one, TransactionSummary) and one.is_ok for one in many.results)
    assert sorted(chain.landed) == list(range(1, count + 1))


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_two_processes_share_a_key(seed: int, count: int) -> None:
    """Goal: two clients with one key do not lose a transaction. Method: in random turns."""
    chain = Chain(random.Random(seed), 0.05)
    # Different validity makes different transactions of the same calls, as the jitter does.
    both = [of([Sender(KEYS[0])], transfers(count)) for _ in range(2)]
    for _ in range(5_000):
        left = [many for many in both if many.unfinished]
        if not left:
            break
        chain.step(chain.rng.choice(left))
        for many in left:
            for item_id in list(chain.final):
                many.finalized(Height(1), chain.now_ms, item_id, bytes(2))
    assert sorted(chain.landed) == sorted([*range(1, count + 1)] * 2)


@given(st.integers(1, 40), st.integers(1, 60))
def test_a_full_pool_slows_and_loses_nothing(room: int, count: int) -> None:
    """Goal: back-pressure. Method: a pool with little room; all lands, and pauses were made."""
    chain = Chain(random.Random(0), 0.0, pool_max=room)
    many = of([Sender(key) for key in KEYS], transfers(count))
    steps = 0
    while many.unfinished:
        chain.step(many)
        steps += 1
        assert steps < 5_000
    assert len(chain.landed) == count
    assert steps >= count // (room * len(KEYS))


def test_a_busy_node_is_left_alone_for_a_while() -> None:
    """Goal: no hammering. Method: the pause after refusals grows, and ends after a success."""
    many = of([Sender(KEYS[0])], transfers(1))
    chain = Chain(random.Random(0), 0.0)
    many.learned(next(iter(many.unknown)), 0, 0)
    now, waits = START_MS, []
    for _ in range(7):
        while (batch := many.take(now)) is None:
            now += 10
        many.refused(batch, PendingFull("full"), now)
        before = now
        while many.take(now) is None:
            now += 10
        many.refused(batch, PendingFull("full"), now - 10**6)
        waits.append(now - before)
    assert waits == sorted(waits)
    assert 50 <= waits[0] < waits[-1] <= 1_010
    assert not chain.landed


def test_bad_drafts_harm_no_other() -> None:
    """Goal: one error a draft. Method: no call, too many, too large, outside its range."""
    entries = tuple(Digest(bytes(32)) for _ in range(1_000))
    large = [EvidenceAppend(LogId(0), entries)] * 40
    good = transfers(2)
    drafts: list[Any] = [[], good[0], [good[0]] * (CALLS_MAX + 1), large, LogCreate(""), good[1]]
    many = Many("intl", CHAIN_ID, drafts, [Sender(KEYS[0])] * len(drafts))
    many.learned(next(iter(many.unknown)), 0, 0)
    batch = many.take(START_MS)
    assert batch is not None
    assert [item.place for item in batch.items][-1] == 5
    kinds = [type(result) for result in many.results]
    assert kinds[0] is Malformed
    assert kinds[2] is BadArgument
    assert kinds[3] is TooLarge
    assert kinds[1] is kinds[5] is type(None)
    with pytest.raises(Malformed):
        encode([])


def test_batches_keep_within_their_bytes() -> None:
    """Goal: no batch that a node refuses whole. Method: 600 transactions of 16 KB each."""
    entries = tuple(Digest(bytes(32)) for _ in range(500))
    drafts: list[Call] = [EvidenceAppend(LogId(0), entries)] * 600
    many = of([Sender(SecretKey("ed25519", bytes([n, 1] * 16))) for n in range(8)], drafts)
    for sender in list(many.unknown):
        many.learned(sender, 0, 0)
    sizes, places = [], []
    while batch := many.take(START_MS):
        sizes.append(len(batch.body))
        places += [item.place for item in batch.items]
    assert max(sizes) <= BATCH_BYTES_MAX
    assert len(sizes) > 1
    assert sorted(places) == list(range(600))


def test_what_can_land_no_more_is_signed_again() -> None:
    """Goal: the end of validity decides. Method: blocks later than it, until no try is left."""
    many = of([Sender(KEYS[0])], transfers(1))
    many.learned(next(iter(many.unknown)), 0, 0)
    now, ids = START_MS, set()
    for _ in range(SIGNED_AGAIN_MAX + 1):
        batch = many.take(now)
        assert batch is not None
        ids.add(batch.items[0].id)
        now = batch.items[0].valid_until_ms
        many.finalized(Height(2), now, b"", b"")
        assert many.take(now) is None
        now += 1
        many.finalized(Height(3), now, b"", b"")
    assert len(ids) == SIGNED_AGAIN_MAX + 1
    assert isinstance(many.results[0], Expired)
    assert batch.items[0].sender.nonces.reserve(1) == [0]


def test_a_late_answer_does_not_end_what_was_signed_again() -> None:
    """Goal: an answer is about the bytes that were posted. Method: answer after signing again."""
    many = of([Sender(KEYS[0])], transfers(1))
    many.learned(next(iter(many.unknown)), 0, 0)
    first = many.take(START_MS)
    assert first is not None
    later = first.items[0].valid_until_ms + 1
    many.finalized(Height(2), later, b"", b"")
    second = many.take(later)
    assert second is not None
    many.answered(first, [{"accepted": False, "code": "expired"}], later)
    assert many.unfinished == 1
    many.answered(second, [{"accepted": False, "code": "bad_signature"}], later)
    assert isinstance(many.results[0], BadSignature)


def test_what_is_lost_is_posted_again_unchanged() -> None:
    """Goal: the same bytes. Method: no answer, no block; look at the second batch."""
    many = of([Sender(KEYS[0])], transfers(3))
    many.learned(next(iter(many.unknown)), 0, 0)
    first = many.take(START_MS)
    assert first is not None
    assert many.take(START_MS) is None
    later = START_MS + WAIT_SLICE_MS + 1
    many.repeat_lost(later)
    again = many.take(later)
    assert again is not None
    assert again.body == first.body


def test_time_runs_out() -> None:
    """Goal: whoever waits in vain learns the id of what was sent, and progress reached the end.

    Method: one more draft than the window holds, and no block.
    """
    told: list[tuple[int, int]] = []
    count = NONCE_WINDOW + 1
    many = Many(
        "intl",
        CHAIN_ID,
        transfers(count),
        [Sender(KEYS[0])] * count,
        lambda done, total: told.append((done, total)),
    )
    many.learned(next(iter(many.unknown)), 0, 0)
    batch = many.take(START_MS)
    assert batch is not None
    assert len(batch.items) == NONCE_WINDOW
    many.give_up(too_late(3.0))
    assert all(isinstance(result, Timeout) for result in many.results)
    instances = [one.instance for one in many.results if isinstance(one, TrineError)]
    assert instances[0] == batch.items[0].id.hex()
    assert instances[-1] is None
    assert told[-1] == (count, count)


def test_an_unknown_account_ends_its_drafts_alone() -> None:
    """Goal: errors of an account are its drafts'. Method: refuse one of two senders."""
    many = of([Sender(KEYS[0]), Sender(KEYS[1])], transfers(4))
    first, second = many.senders
    many.refuse(first, AccountNotFound("no such account"))
    many.learned(second, 0, 0)
    batch = many.take(START_MS)
    assert batch is not None
    assert [item.place for item in batch.items] == [1, 3]
    assert isinstance(many.results[0], AccountNotFound)
    assert isinstance(many.results[2], AccountNotFound)


def test_failures_are_named() -> None:
    """Goal: a failed outcome is its exception. Method: the number of a code, and an unknown one."""
    summary = TransactionSummary(TransactionId(bytes(32)), Height(1), 150)
    assert TransactionSummary(summary.id, summary.height, 0).check().is_ok
    named = [one for one in TrineError.by_code if one == summary.code]
    with pytest.raises(TrineError) as raised:
        summary.check()
    assert [raised.value.code] == named
    assert InsufficientBalance.code in TrineError.by_code
    assert TransactionSummary(summary.id, summary.height, 60_000).code == "unknown_60000"


def test_numbers_of_drafts_and_senders_must_agree() -> None:
    """Goal: a clear refusal. Method: two drafts, one sender."""
    from trine.client import AsyncClient

    async def submit() -> None:
        async with AsyncClient("http://127.0.0.1:9") as client:
            await client.submit_many(transfers(2), senders=[Sender(KEYS[0])])

    with pytest.raises(BadArgument, match="2 drafts, 1 senders"):
        asyncio.run(submit())
