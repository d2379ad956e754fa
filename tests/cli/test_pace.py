"""Test that the members of a chain decide how fast blocks follow each other."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.founded import Members, founded
from tests.suite import ONE_SUITE
from trine import Client
from trine.client.home import Home
from trine.types import LogCreate

pytestmark = [pytest.mark.network, ONE_SUITE]

INTERVAL_MS = 700
BLOCKS = 6


def _vote(members: Members, interval_ms: int) -> None:
    """Let three of the four organisations decide."""
    words = ("proposal", "submit", "set-parameter", "block_interval_ms_min", str(interval_ms))
    number = str(members.run("city", *words)["proposal"])
    for member in ("harbour", "university"):
        done = members.run(member, "proposal", "approve", number)
    assert done["executed"] is True


def _gaps_ms(client: Client, name: str) -> list[int]:
    """Make logs, one after the other, in blocks of their own; times between those."""
    heights = [client.submit(LogCreate(name=f"{name}-{at}")).height for at in range(BLOCKS)]
    times_ms = [client.block(height).time_ms for height in heights]
    return [later - earlier for earlier, later in pairwise(times_ms)]


def test_a_vote_slows_the_chain(tmp_path: Path) -> None:
    """Goal: the interval that was voted for holds from the next block on, until the next vote.

    Method: blocks of four leaders before the vote, after it, and after that which takes it back;
    the times that they have.
    """
    with founded(tmp_path) as members:
        home = Home(members.home("city"))
        with Client(home.urls(), key=home.open_key()) as client:
            assert min(_gaps_ms(client, "fast")) < INTERVAL_MS
            _vote(members, INTERVAL_MS)
            assert min(_gaps_ms(client, "slow")) >= INTERVAL_MS
            _vote(members, 0)
            assert min(_gaps_ms(client, "again")) < INTERVAL_MS
