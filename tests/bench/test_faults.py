"""Test that faults come as planned, and that the check finds what they could have done."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import trine
from tests.suite import SUITE
from trine.bench import faults
from trine.bench.faults import FAULT_S, KINDS, REST_S, Record, plan_faults, problems

NAMES = ("a", "b", "c", "d")


def test_a_seed_gives_one_plan() -> None:
    """Goal: a run can be repeated, and covers every kind. Method: plans of two seeds."""
    long_s = (len(KINDS) + 1) * (FAULT_S + REST_S)
    plans = [plan_faults(NAMES, long_s, seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert {fault.kind for fault in plans[0]} == set(KINDS)
    for fault in plans[0]:
        assert set(fault.targets) <= set(NAMES)
        assert len(fault.targets) == (4 if fault.kind == "kill-all" else 1)
    ends = [fault.at_s + fault.seconds for fault in plans[0]]
    assert all(end < fault.at_s for end, fault in zip(ends, plans[0][1:], strict=False))
    assert ends[-1] + REST_S <= long_s
    assert plan_faults(NAMES, REST_S, 1) == []


def _chain(*blocks: tuple[str, tuple[str, ...]]) -> Any:
    transactions: dict[str, list[int]] = {}
    for height, (_, ids) in enumerate(blocks, 1):
        for id_ in ids:
            transactions.setdefault(id_, []).append(height)
    digests = [digest for digest, _ in blocks]
    return faults.Chain(digests, [1_000 * height for height in range(len(blocks))], transactions)


def test_the_check_finds_what_must_not_be() -> None:
    """Goal: the check can fail. Method: notes and chains that do not fit, one fault each."""
    good = _chain(("d1", ("x",)), ("d2", ("y",)))
    records = [Record("a-0", 0, 1, "x", 1), Record("a-1", 1, 2, "y", 2)]
    unknown = Record("a-2", 2, 3, None, None, "timeout")

    def found(*chains: Any, notes: list[Record]) -> dict[str, Any]:
        named = dict(zip(NAMES, chains, strict=False))
        return {**faults.check_records(notes, named), "missing": [], "recovered": True}

    report = found(good, good, notes=[*records, unknown])
    assert problems(report) == []
    assert report["acknowledged"] == 2
    assert report["unknown"] == {"timeout": 1}
    lost = [*records, Record("a-3", 3, 4, "z", 2)]
    assert found(good, good, notes=lost)["lost"] == ["a-3"]
    elsewhere = [replace(records[0], height=2), records[1]]
    assert found(good, good, notes=elsewhere)["lost"] == ["a-0"]
    behind = _chain(("d1", ("x",)), ("d2", ()))
    assert found(good, behind, notes=records)["lost"] == ["a-1"]
    twice = _chain(("d1", ("x",)), ("d2", ("x", "y")))
    assert found(twice, twice, notes=records)["doubled"] == ["x"]
    forked = _chain(("d1", ("x",)), ("e2", ("y",)))
    report = found(good, forked, notes=records)
    assert report["different"] == [2]
    assert problems(report) == ["1 heights differ between nodes"]
    [stalled] = problems({**found(good, good, notes=records), "recovered": False})
    assert "after the last fault" in stalled


def test_gaps_belong_to_their_fault() -> None:
    """Goal: the time without a block is told for the right fault. Method: blocks with two gaps."""
    times_ms = [0, 500, 4_500, 5_000, 12_000, 12_500]
    chain = faults.Chain(["d"] * len(times_ms), times_ms, {})
    gaps = faults._gaps(chain, 0, 60)
    # The last block is followed by none until the end.
    assert [gap_ms for _, gap_ms in gaps] == [500, 4_000, 500, 7_000, 500, 47_500]
    first = faults.Fault("kill", ("a",), 1.0, 2.0)
    assert faults._fault(first, 10.0, gaps)["gap_ms"] == 4_000
    assert faults._fault(replace(first, at_s=10.0), 59.0, gaps)["gap_ms"] == 7_000


@pytest.mark.network
def test_nothing_is_lost_when_a_node_dies(tmp_path: Path) -> None:
    """Goal: a real network passes, and file and picture say how. Method: one node is killed under
    load, started again, and the chains of all are compared."""
    out, png = tmp_path / "faults.json", tmp_path / "faults.png"
    words = ("bench", "faults", "--duration", "24", "--suite", SUITE, "--json")
    ended = trine(*words, "--out", out, "--png", png)
    assert ended.status == 0, ended.err
    report = ended.document
    assert report == json.loads(out.read_text())
    assert [fault["kind"] for fault in report["faults"]] == ["kill"]
    assert report["faults"][0]["gap_ms"] > 0
    assert report["recovered"]
    assert len(report["per_second"]) == report["seconds"]
    assert 100 < sum(report["per_second"]) <= report["acknowledged"]
    assert report["lost"] == report["doubled"] == report["different"] == report["missing"] == []
    assert report["looked_up"] > 0
    assert png.read_bytes().startswith(b"\x89PNG")
