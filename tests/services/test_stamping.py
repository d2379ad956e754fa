"""Test what a service keeps of its timestamps: over restarts, at limits, without any network."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.stamping import DAY_MS, NOW_MS, code_of, stamper
from tests.services.test_timestamp_outside import CLOSED, Said, honest, serving
from trine.errors import TrineError
from trine.services.evidence.stamping import ANSWERING_MAX, OUTSIDE_MAX, OWN, Stamped, Stamping
from trine.services.evidence.timestamp import Imprint, Request, record_imprint, verify
from trine.services.evidence.timestamp.limits import RETRY_MS_MIN
from trine.services.evidence.timestamp.outside import Outside, new_http
from trine.services.evidence.timestamp.serials import Serials
from trine.types import Digest

ENTRY = Digest(bytes(range(32)))
SECONDS_MAX = 20


def stamping(folder: Path, *urls: str, own: bool = False, now_ms: int = NOW_MS) -> Stamping:
    """Open the timestamps of a folder."""
    return Stamping(
        folder / "timestamps.db",
        "intl",
        own=(stamper("p256")[0], Serials(folder / "serials")) if own else None,
        outside=[Outside(url, [stamper("p256")[1]]) for url in urls],
        every_s=1,
        clock=lambda: now_ms,
    )


def worked(one: Stamping, is_done: Callable[[Stamped], bool]) -> Stamped:
    """Let it work until its timestamps of the entry are as they should be."""

    async def main() -> Stamped:
        async with new_http() as http:
            task = asyncio.create_task(one.run(http, list))
            deadline = time.monotonic() + SECONDS_MAX
            while not is_done(found := await one.of_entry(ENTRY)):
                assert time.monotonic() < deadline, found
                await asyncio.sleep(0.05)
            task.cancel()
            return found

    return asyncio.run(main())


def asked(one: Stamping) -> None:
    """Ask for timestamps of the entry."""
    asyncio.run(one.ask_for(ENTRY))


def test_what_was_asked_for_survives_a_restart(tmp_path: Path) -> None:
    """Goal: nothing is lost, nothing is asked twice.

    Method: ask while an authority is down, end, start again when it is up and the pause is over;
    once there is a token, nothing is waiting and it stays.
    """
    is_up = False

    def sometimes(query: bytes) -> Said:
        return honest(query, at_ms=NOW_MS) if is_up else Said(status=503)

    with serving(sometimes) as url:
        first = stamping(tmp_path, url, own=True)
        asked(first)
        asked(first)
        found = worked(first, lambda now: all(one.token or one.failure for one in now.entries))
        assert [(one.url, one.failure) for one in found.entries] == [
            (OWN, None),
            (url, "timestamp_unavailable"),
        ]
        assert asyncio.run(first.waiting()) == 1
        is_up = True
        second = stamping(tmp_path, url, own=True, now_ms=NOW_MS + RETRY_MS_MIN)
        found = worked(second, lambda now: all(one.token for one in now.entries))
    assert asyncio.run(second.waiting()) == 0
    for one in found.entries:
        assert one.token is not None
        shown = verify(one.token, roots=[stamper("p256")[1]], imprint=record_imprint(ENTRY, "intl"))
        assert shown.time_ms == one.time_ms
    again = stamping(tmp_path, url, own=True, now_ms=NOW_MS + DAY_MS)
    asked(again)
    assert asyncio.run(again.of_entry(ENTRY)) == found


def test_an_authority_that_hangs_delays_no_other(tmp_path: Path) -> None:
    """Goal: each is asked on its own. Method: one that hangs stands first; the other has answered
    while the first has not even failed."""
    with (
        serving(lambda _: Said(before_s=SECONDS_MAX)) as slow,
        serving(lambda query: honest(query, at_ms=NOW_MS)) as good,
    ):
        one = stamping(tmp_path, slow, good)
        asked(one)
        found = worked(one, lambda now: now.entries[1].token is not None)
    assert (found.entries[0].url, found.entries[0].asked) == (slow, 0)


def test_an_authority_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Goal: nothing waits for ever for nobody. Method: start again without it."""
    asked(stamping(tmp_path, CLOSED, own=True))
    left = stamping(tmp_path, own=True)
    assert [one.url for one in asyncio.run(left.of_entry(ENTRY)).entries] == [OWN]
    assert asyncio.run(left.waiting()) == 1
    found = worked(left, lambda now: now.entries[0].token is not None)
    none = stamping(tmp_path)
    assert asyncio.run(none.waiting()) == 0
    assert code_of(lambda: asked(none)) == "no_timestamp_authority"
    assert code_of(lambda: asyncio.run(none.answer(b""))) == "no_timestamp_authority"
    # What has a token is still there for who names the authority again.
    assert asyncio.run(stamping(tmp_path, own=True).of_entry(ENTRY)) == found


def test_what_is_asked_for_is_bounded(tmp_path: Path) -> None:
    """Goal: limits. Method: past the number of authorities, the same one twice, and the seconds."""
    urls = [f"https://tsa{number}.example/" for number in range(OUTSIDE_MAX + 1)]
    assert code_of(lambda: stamping(tmp_path, *urls[:-1])) == ""
    assert code_of(lambda: stamping(tmp_path, *urls)) == "bad_argument"
    assert code_of(lambda: stamping(tmp_path, urls[0], urls[0])) == "bad_argument"
    for every_s in (0, -1, 10**9, float("nan")):
        with pytest.raises(TrineError):
            Stamping(tmp_path / "other.db", "intl", every_s=every_s)


def test_requests_that_come_together_have_numbers_of_their_own(tmp_path: Path) -> None:
    """Goal: no number twice, none lost to its neighbour. Method: as many at once as may be, one
    more, and again after a restart."""
    queries = [
        Request(Imprint.of_data(bytes([number])), nonce=number + 1).to_der()
        for number in range(ANSWERING_MAX + 1)
    ]

    async def together(one: Stamping) -> list[bytes | BaseException]:
        return await asyncio.gather(*map(one.answer, queries), return_exceptions=True)

    numbers = []
    for _ in range(2):
        *answers, last = asyncio.run(together(stamping(tmp_path, own=True)))
        assert isinstance(last, TrineError) and last.code == "timestamp_queue_full"
        for number, answer in enumerate(answers):
            assert isinstance(answer, bytes)
            shown = verify(
                answer, roots=[stamper("p256")[1]], data=bytes([number]), nonce=number + 1
            )
            numbers.append(shown.serial)
    assert len(set(numbers)) == 2 * ANSWERING_MAX and numbers == sorted(numbers)


def test_an_expired_authority_stamps_nothing(tmp_path: Path) -> None:
    """Goal: no token under a certificate that is not in force. Method: years later."""
    late = stamping(tmp_path, own=True, now_ms=NOW_MS + 3_650 * DAY_MS)
    asked(late)
    found = worked(late, lambda now: now.entries[0].failure is not None)
    assert (found.entries[0].failure, found.entries[0].token) == ("timestamp_not_granted", None)
    assert found.imprint == Imprint("sha256", bytes(ENTRY))
