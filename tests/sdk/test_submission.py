"""Test that every transaction lands once, against a chain that loses, repeats and delays."""

import json
import random
import struct
from collections.abc import Generator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trine.client import submission
from trine.client.records import FinalTransaction
from trine.client.sender import Sender
from trine.client.submission import Session
from trine.client.transport import Answer, Pause, Request
from trine.crypto import SecretKey
from trine.errors import BadSignature, CannotReachNode, Timeout, TrineError
from trine.types import Address, AssetTransfer, Call, Transaction

KEY = SecretKey("ed25519", bytes(32))
SENDER = Address(KEY.address())
CHAIN = "ab" * 32


class Chain:
    """The nonce rule and the answers of a node, over a network that is as bad as `rng` says."""

    def __init__(self, rng: random.Random, loss: float) -> None:
        """Start with one account."""
        self.rng = rng
        self.loss = loss
        self.used: set[int] = set()
        self.pending: dict[str, Transaction] = {}
        self.final: dict[str, Transaction] = {}
        self.landed: list[int] = []

    def lucky(self) -> bool:
        """Whether nothing goes wrong this time."""
        return self.rng.random() >= self.loss

    def base(self) -> int:
        """Lowest nonce that is not used."""
        return next(nonce for nonce in range(10**6) if nonce not in self.used)

    def turn(self) -> None:
        """Make some of the pending transactions final; lose some."""
        for id_, transaction in list(self.pending.items()):
            if not self.lucky():
                if self.rng.random() < 0.5:
                    del self.pending[id_]
                continue
            del self.pending[id_]
            if transaction.nonce in self.used:
                continue
            self.used.add(transaction.nonce)
            self.final[id_] = transaction
            call = transaction.calls[0]
            assert isinstance(call, AssetTransfer)
            self.landed.append(call.amount)

    def take(self, encoded: bytes) -> dict[str, Any]:
        """Decide on one submitted transaction."""
        transaction = Transaction.decode("intl", encoded)
        id_ = str(transaction.id)
        refusal = {"id": id_, "accepted": False}
        if id_ in self.pending:
            return {**refusal, "code": "duplicate"}
        if transaction.nonce in self.used:
            return {**refusal, "code": "nonce_used"}
        if not self.lucky():
            return {**refusal, "code": "pending_full"}
        self.pending[id_] = transaction
        return {"id": id_, "accepted": True}

    def answer(self, request: Request) -> Answer:
        """Answer a request, unless it or its answer gets lost."""
        if not self.lucky():
            raise CannotReachNode("lost on the way there")
        status, document = self._answer(request)
        if not self.lucky():
            raise CannotReachNode("lost on the way back")
        return Answer(status, json.dumps(document).encode(), "http://node")

    def _answer(self, request: Request) -> tuple[int, Any]:
        if request.path == "/v1/status":
            return 200, {
                "chain": "test",
                "chain_id": CHAIN,
                "suite": "intl",
                "height": 1,
                "epoch": 0,
                "time_ms": 10**15,
                "version": "0",
                "validators": [],
            }
        if request.path == f"/v1/accounts/{SENDER}":
            base = self.base()
            bits = sum(1 << (nonce - base) for nonce in self.used if nonce >= base)
            return 200, {
                "address": str(SENDER),
                "organisation": 0,
                "roles": [],
                "frozen": False,
                "balance": 0,
                "nonce_base": base,
                "nonce_used": f"{bits:032x}",
            }
        if request.body is not None:
            return 200, {"results": [self.take(one) for one in split(request.body)]}
        self.turn()
        id_ = request.path.rsplit("/", 1)[1]
        if id_ not in self.final:
            return 404, {"code": "transaction_not_found", "detail": "not final"}
        return 200, {
            "id": id_,
            "height": 1,
            "index": 0,
            "time_ms": 1,
            "sender": str(SENDER),
            "nonce": self.final[id_].nonce,
            "outcome": {
                "code": "ok",
                "number": 0,
                "failed_call": 0,
                "gas_used": 1,
                "events": [],
            },
        }


def split(body: bytes) -> list[bytes]:
    """Read a batch."""
    (count,) = struct.unpack_from(">I", body)
    found, place = [], 4
    for _ in range(count):
        (length,) = struct.unpack_from(">I", body, place)
        found.append(body[place + 4 : place + 4 + length])
        place += 4 + length
    assert place == len(body)
    return found


def drive(chain: Chain, operation: Generator[Any, Any, Any]) -> Any:
    """Run an operation; requests that get lost are sent again, as a client does."""
    step = next(operation)
    while True:
        try:
            if isinstance(step, Pause):
                chain.turn()
                step = next(operation)
                continue
            for attempt in range(50):
                try:
                    answer = chain.answer(step)
                    break
                except CannotReachNode:
                    assert attempt < 49, "fifty losses in a row"
            step = operation.send(answer)
        except StopIteration as stop:
            return stop.value


def transfers(count: int) -> list[list[Call]]:
    """Drafts whose amounts tell them apart."""
    return [[AssetTransfer(1, Address(bytes(20)), amount)] for amount in range(1, count + 1)]


@given(st.integers(0, 2**32), st.integers(1, 300), st.floats(0, 0.4))
def test_each_lands_once(seed: int, count: int, loss: float) -> None:
    """Goal: whatever is lost, every transaction lands exactly once.

    Method: up to 300 drafts, more than the window holds, over a network that loses up to 40 % of
    requests, answers, submissions and pending transactions, from a seed.
    """
    chain = Chain(random.Random(seed), loss)
    session = Session(Sender(KEY, SENDER, 0))
    results = drive(chain, submission.submit(session, transfers(count), 600.0))
    assert all(isinstance(result, FinalTransaction) for result in results)
    assert sorted(chain.landed) == list(range(1, count + 1))


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_two_processes_share_a_key(seed: int, count: int) -> None:
    """Goal: two clients with one key do not lose a transaction.

    Method: their operations run step by step in random turns on one chain.
    """
    chain = Chain(random.Random(seed), 0.05)
    running = [
        submission.submit(Session(Sender(KEY, SENDER, 0)), transfers(count), 600.0)
        for _ in range(2)
    ]
    steps: dict[int, Any] = {place: next(one) for place, one in enumerate(running)}
    results: list[Any] = []
    while steps:
        place = chain.rng.choice(sorted(steps))
        try:
            if isinstance(steps[place], Pause):
                chain.turn()
                steps[place] = next(running[place])
                continue
            try:
                answer = chain.answer(steps[place])
            except CannotReachNode:
                continue
            steps[place] = running[place].send(answer)
        except StopIteration as stop:
            results += stop.value
            del steps[place]
    assert all(isinstance(result, FinalTransaction) for result in results)
    assert sorted(chain.landed) == sorted([*range(1, count + 1)] * 2)


class Refusing(Chain):
    """A chain that refuses one draft's signature."""

    def take(self, encoded: bytes) -> dict[str, Any]:
        """Refuse amount 3."""
        transaction = Transaction.decode("intl", encoded)
        call = transaction.calls[0]
        assert isinstance(call, AssetTransfer)
        if call.amount == 3:
            return {"id": str(transaction.id), "accepted": False, "code": "bad_signature"}
        return super().take(encoded)


def test_one_refusal_loses_nothing_else() -> None:
    """Goal: nothing else of the batch is lost. Method: a chain that refuses one of five."""
    chain = Refusing(random.Random(0), 0.0)
    session = Session(Sender(KEY, SENDER, 0))
    results = drive(chain, submission.submit(session, transfers(5), 600.0))
    assert [isinstance(result, TrineError) for result in results] == [False] * 2 + [True] + [
        False
    ] * 2
    assert isinstance(results[2], BadSignature)
    assert sorted(chain.landed) == [1, 2, 4, 5]
    # The refused nonce is free again.
    assert session.sender.nonces.reserve(1) == [2]


class Silent(Chain):
    """A chain on which nothing becomes final."""

    def turn(self) -> None:
        """Do nothing."""


def test_time_runs_out_with_the_id() -> None:
    """Goal: whoever waits in vain learns the id. Method: a chain that makes nothing final."""
    chain = Silent(random.Random(0), 0.0)
    session = Session(Sender(KEY, SENDER, 0))
    (result,) = drive(chain, submission.submit(session, transfers(1), 0.05))
    assert isinstance(result, Timeout)
    assert result.instance in chain.pending
