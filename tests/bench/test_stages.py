"""Test that the stages of a transaction's path can be measured, and are shown."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.suite import SUITE
from trine._core import load as core
from trine.bench.stages import Stage, measure_stages
from trine.errors import BadArgument


def test_every_stage_costs_something(tmp_path: Path) -> None:
    """Goal: the command measures all stages. Method: two small blocks; look at file and output."""
    out, png = tmp_path / "stages.json", tmp_path / "stages.png"
    small = ["--transactions", "64", "--blocks", "2", "--accounts", "100", "--suite", SUITE]
    small += ["--cores", "2"]
    arguments = ["bench", "stages", *small, "--out", str(out), "--png", str(png), "--json"]
    ended = trine(*arguments)
    assert ended.status == 0, ended.err
    document = json.loads(out.read_text())
    assert ended.document == document
    stages = [Stage(**stage) for stage in document["stages"]]
    names = {stage.stage for stage in stages}
    assert {"verify signatures", "execute", "read and commit state", "store history"} <= names
    assert all(stage.us >= 0 for stage in stages)
    for stage in stages:
        assert stage.us_at_once is not None
        assert stage.scaling == pytest.approx(2 * stage.us / stage.us_at_once)
    # A transaction is one allocation at least; the allocator of the core counts them.
    decode = next(stage for stage in stages if stage.stage == "decode and identify")
    assert decode.allocations >= 1
    each = [stage.us for stage in stages if stage.per == "transaction"]
    assert document["us_per_tx"] == pytest.approx(sum(each))
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_genesis_without_accounts_is_refused() -> None:
    """Goal: a genesis that does not serve is refused. Method: one that is no genesis."""
    with tempfile.TemporaryDirectory() as folder, pytest.raises(BadArgument):
        core.measure_stages(b"{}", 1, 1, folder, lambda _: True)
    with pytest.raises(BadArgument):
        measure_stages({})
