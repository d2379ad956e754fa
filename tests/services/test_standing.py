"""Test what the service remembers of statements that wait, and how it works on many at once."""

import asyncio

import pytest

from trine.services.evidence import standing
from trine.services.evidence.gathering import Gathered
from trine.services.evidence.rows import UNKNOWN
from trine.services.evidence.standing import Standing
from trine.types import Digest

SECONDS = 30.0


def entry(number: int) -> Digest:
    """Return an entry."""
    return Digest(number.to_bytes(32))


def test_who_waits_is_told_when_it_is_placed() -> None:
    """Goal: a receipt is asked for once there can be one.

    Method: wait for an entry twice, place it between others; wait for one that is placed and for
    one that is unknown.
    """

    async def run() -> None:
        known = Standing()
        known.add({entry(1): UNKNOWN, entry(2): UNKNOWN})
        waits = [asyncio.create_task(known.wait(entry(1), SECONDS)) for _ in range(2)]
        await asyncio.sleep(0)
        assert known.is_awaited
        known.place(10, [entry(9), entry(1)])
        assert await asyncio.gather(*waits) == [True, True]
        assert not known.is_awaited
        assert known.place_of(entry(1)) == 11
        assert await known.wait(entry(1), SECONDS)
        assert not await known.wait(entry(9), SECONDS)
        assert known.place_of(entry(9)) is None
        assert (entry(1) in known, entry(2) in known, len(known)) == (False, True, 1)

    asyncio.run(run())


def test_waiting_ends() -> None:
    """Goal: nobody waits for ever, and nothing is kept of it. Method: a wait of no time."""

    async def run() -> None:
        known = Standing()
        known.add({entry(1): None})
        assert not await known.wait(entry(1), 0)
        assert not known.is_awaited
        known.place(0, [entry(1)])
        assert known.place_of(entry(1)) == 0

    asyncio.run(run())


def test_the_first_place_stays() -> None:
    """Goal: an entry that the log has twice keeps its first place. Method: place it again."""
    known = Standing()
    known.add({entry(1): UNKNOWN})
    known.place(3, [entry(1), entry(1)])
    known.place(7, [entry(1)])
    assert known.place_of(entry(1)) == 3


def test_few_places_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: memory is flat. Method: one more than are remembered; the oldest is gone."""
    monkeypatch.setattr(standing, "PLACED_MAX", 3)
    known = Standing()
    known.add({entry(number): None for number in range(4)})
    known.place(0, [entry(number) for number in range(4)])
    assert [known.place_of(entry(number)) for number in range(4)] == [None, 1, 2, 3]
    assert len(known) == 0


def test_what_comes_while_work_is_done_is_worked_on_together() -> None:
    """Goal: batches grow under load. Method: three ask while a first batch is being worked on."""

    async def run() -> None:
        batches: list[list[int]] = []
        started, go_on = asyncio.Event(), asyncio.Event()

        async def work(items: list[int]) -> list[int | Exception]:
            batches.append(items)
            started.set()
            await go_on.wait()
            return [ValueError("odd") if item % 2 else item * 10 for item in items]

        gathered = Gathered(work, pause_s=0, count_max=2)
        first = asyncio.create_task(gathered.ask(0))
        await started.wait()
        others = [asyncio.create_task(gathered.ask(item)) for item in (2, 3, 4)]
        await asyncio.sleep(0)
        assert (batches, len(gathered)) == ([[0]], 3)
        go_on.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        assert batches == [[0], [2, 3], [4]]
        assert answers[:2] == [0, 20]
        assert (str(answers[2]), answers[3]) == ("odd", 40)
        assert await gathered.ask(6) == 60

    asyncio.run(run())
