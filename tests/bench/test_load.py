"""Test that loads follow each other on one network, and that one can be signed before it begins."""

import pytest

from tests.suite import SUITE
from trine._cli.load_network import own_network
from trine.bench import Loader, LoadPlan
from trine.errors import BadArgument

RATE = 50


# Nodes outlive the call that starts them: nobody waits for the processes.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.network
def test_nonces_are_right_whoever_sent_before() -> None:
    """Goal: no transaction is refused because of an earlier run.

    Method: a loader that runs twice leaves a gap in the nonces, those that it signed and did not
    send; then another loader begins on the same network, above what was used.
    """
    with own_network(1, 20, SUITE, lambda _: None) as parts:
        plan = LoadPlan(rate_per_s=RATE, duration_s=2, warmup_s=0, **parts)
        first = Loader(plan)
        reports = [first.run(RATE), first.run(2 * RATE)]
        reports.append(Loader(LoadPlan(rate_per_s=1, duration_s=2, **parts, fresh=False)).run(RATE))
    for report in reports:
        assert (report["refused"], report["failed"], report["unfinished"]) == ({}, {}, 0)
        assert sum(second["finalized"] for second in report["seconds"]) > 0
    assert [report["scheduled_per_s"] for report in reports] == [RATE, 2 * RATE, RATE]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.network
def test_a_load_can_be_signed_before_it_begins() -> None:
    """Goal: signing takes no time while the load runs, and nodes have the cache that was named.

    Method: presign a load and look at the CPU time of signing; read a node's configuration; ask for
    more than may be signed ahead.
    """
    with own_network(1, 20, SUITE, lambda _: None, cache_mib=32) as parts:
        configuration = parts["data_folders"][0].parent / "node.toml"
        assert "cache_mib = 32\n" in configuration.read_text()
        plan = LoadPlan(rate_per_s=RATE, duration_s=2, warmup_s=1, presign=True, **parts)
        report = Loader(plan).run(RATE)
        large = LoadPlan(rate_per_s=1_000_000, duration_s=30, warmup_s=0, presign=True, **parts)
        with pytest.raises(BadArgument, match="presign is 30000000, expected 10000000"):
            Loader(large)
    assert (report["refused"], report["failed"], report["unfinished"]) == ({}, {}, 0)
    assert report["cpu_us_per_tx_signing"] == 0
    assert sum(second["finalized"] for second in report["seconds"]) == 3 * RATE
