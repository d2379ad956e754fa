"""Test that nodes which come, come back and catch up are measured."""

import pytest

from tests.cli.command import trine
from tests.suite import ONE_SUITE

ACCOUNTS = ("--accounts", "20", "--rate", "50", "--json")


@ONE_SUITE
@pytest.mark.network
def test_nodes_that_catch_up_are_measured() -> None:
    """Goal: the figures are about what the command says. Method: few blocks, few accounts."""
    done = trine("bench", "recovery", "--blocks", "20", *ACCOUNTS)
    assert done.status == 0, done.err
    report = done.document
    assert report["height"] >= report["from_genesis_blocks"] >= report["late_start_blocks"] >= 20
    times = ("first_start_alone", "first_start", "validator", "restart")
    assert all(report[f"{name}_s"] > 0 for name in times)


@ONE_SUITE
@pytest.mark.network
def test_changes_of_validators_are_measured() -> None:
    """Goal: the times are those around a change. Method: a fifth comes and goes, short epochs."""
    done = trine("bench", "membership", "--changes", "2", "--epoch-blocks", "32", *ACCOUNTS)
    assert done.status == 0, done.err
    admitted, removed = done.document["changes"]
    assert [admitted["kind"], removed["kind"]] == ["admitted", "removed"]
    for one in (admitted, removed):
        # A change takes effect at the end of an epoch.
        assert one["from"] // 32 < one["to"] // 32
        assert one["from"] < one["gap_height"] <= one["to"]
        assert 0 < one["gap_ms"] <= done.document["gap_ms_max"]
