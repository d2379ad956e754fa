"""Test that the chain's members decide how fast blocks follow each other."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.founded import good
from tests.suite import ONE_SUITE
from trine import Client
from trine.client.home import Home
from trine.types import LogCreate

pytestmark = [pytest.mark.network, ONE_SUITE]

INTERVAL_MS = 700
BLOCKS = 6


def _gaps_ms(client: Client, name: str) -> list[int]:
    """Make logs, one after the other, in blocks of their own; times between those."""
    heights = [client.submit(LogCreate(name=f"{name}-{at}")).height for at in range(BLOCKS)]
    times_ms = [client.block(height).time_ms for height in heights]
    return [later - earlier for earlier, later in pairwise(times_ms)]


def test_a_vote_slows_the_chain(tmp_path: Path) -> None:
    """Goal: the interval that was voted for holds from the next block on, and until the next vote.

    Method: blocks of a chain of one organisation that votes for it, and back; times of blocks.
    """
    home = tmp_path / "home"
    try:
        good("up", "--detach", "--validators", "1", "--home", home, cwd=tmp_path)
        with Client(Home(home).urls(), key=Home(home).open_key()) as client:
            assert min(_gaps_ms(client, "fast")) < INTERVAL_MS
            vote = ("proposal", "submit", "set-parameter", "block_interval_ms_min")
            good(*vote, str(INTERVAL_MS), "--home", home, cwd=tmp_path)
            assert min(_gaps_ms(client, "slow")) >= INTERVAL_MS
            good(*vote, "0", "--home", home, cwd=tmp_path)
            assert min(_gaps_ms(client, "again")) < INTERVAL_MS
    finally:
        good("down", "--home", home, cwd=tmp_path)
