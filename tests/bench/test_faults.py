"""Test that faults come as planned, and that the check finds what they could have done."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import trine
from tests.suite import ONE_SUITE, SUITE
from trine._cli.faults import DURATION_S_MIN
from trine.bench.faults import clock, toxiproxy
from trine.bench.faults.check import Chain, check_records, problems
from trine.bench.faults.clients import Record
from trine.bench.faults.evidence import FOUND
from trine.bench.faults.hosts import Hosts
from trine.bench.faults.page import write_page
from trine.bench.faults.plan import FAULT_S, KINDS, REST_S, Campaign, Fault, duration_of
from trine.bench.faults.run import _fault, _Injector, seen_gaps
from trine.errors import BadArgument

NAMES = ("a", "b", "c", "d")
SECONDS_MAX = 240
"""Of up to 84 s of load, and of what comes before and after on a busy machine."""
COUNTS = {"one": 1, "few": 1, "half": 2, "all": 4}


def test_a_seed_gives_one_plan() -> None:
    """Goal: a run can be repeated, and covers every kind. Method: plans of two seeds."""
    kinds = tuple(KINDS)
    long_s = duration_of(len(kinds))
    plans = [Campaign(long_s, seed, kinds).faults(NAMES) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert tuple(fault.kind for fault in plans[0]) == kinds
    for fault in plans[0]:
        assert set(fault.targets) <= set(NAMES)
        assert len(fault.targets) == COUNTS[KINDS[fault.kind].group]
    ends = [fault.until_s for fault in plans[0]]
    assert all(end < fault.at_s for end, fault in zip(ends, plans[0][1:], strict=False))
    assert ends[-1] + REST_S <= long_s
    assert Campaign(REST_S, 1, kinds).faults(NAMES) == []
    # Of seven, as many fail at once as may.
    [fault] = Campaign(duration_of(1), 1, ("partition",)).faults((*NAMES, "e", "f", "g"))
    assert len(fault.targets) == 2
    assert fault.seconds == FAULT_S


def _chain(*blocks: tuple[str, tuple[str, ...]]) -> Chain:
    transactions: dict[str, list[tuple[int, int]]] = {}
    for height, (_, ids) in enumerate(blocks, 1):
        for place, id_ in enumerate(ids):
            transactions.setdefault(id_, []).append((height, place))
    return Chain([digest for digest, _ in blocks], transactions)


def test_the_check_finds_what_must_not_be() -> None:
    """Goal: the check can fail. Method: notes and chains that do not fit, one fault each."""
    good = _chain(("d1", ("x",)), ("d2", ("y",)))
    records = [Record("a-0", 0, 1, "x", 1), Record("a-1", 1, 2, "y", 2)]
    unknown = Record("a-2", 2, 3, None, None, "timeout")

    def found(*chains: Chain, notes: list[Record]) -> dict[str, Any]:
        named = dict(zip(NAMES, chains, strict=False))
        logs: dict[str, list[str]] = {name: [] for name in FOUND}
        rest = {"missing": [], "stale": [], "recovered": True, "evidence": logs}
        return {**check_records(notes, named), **rest}

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


def test_the_order_must_fit_the_clock() -> None:
    """Goal: a chain that has a record before one acknowledged earlier is found. Method: two that
    overlapped in time, in either order; then two of which one was sent after the other was done."""
    chain = _chain(("d1", ("x", "y")), ("d2", ("z",)))
    overlapping = [Record("a-0", 0, 5, "y", 1), Record("b-0", 4, 6, "x", 1)]
    assert check_records(overlapping, {"a": chain})["reordered"] == []
    late = [Record("a-0", 0, 1, "y", 1), Record("b-0", 2, 3, "x", 1)]
    report = check_records(late, {"a": chain})
    assert report["reordered"] == ["b-0"]
    assert report["lost"] == []
    missed = [Record("a-0", 0, 1, "z", 2), Record("b-0", 2, 3, "y", 1)]
    assert check_records(missed, {"a": chain})["reordered"] == ["b-0"]


def test_gaps_belong_to_their_fault() -> None:
    """Goal: the time without a block is told for the right fault. Method: heights with two gaps,
    seen by two readers, one of whom is behind."""
    first = [(0.5, 1), (4.5, 2), (5.0, 3)]
    second = [(0.6, 1), (4.9, 2), (12.0, 4), (12.5, 5)]
    gaps = seen_gaps([*second, *first], 60)
    # The last block is followed by none until the end.
    assert [gap_ms for _, gap_ms in gaps] == [500, 4_000, 500, 7_000, 500, 47_500]
    kill = Fault("kill", ("a",), 1.0, 2.0)
    assert _fault(kill, 10.0, gaps)["gap_ms"] == 4_000
    assert _fault(replace(kill, at_s=10.0), 59.0, gaps)["gap_ms"] == 7_000


def test_a_fault_that_did_not_happen_is_told() -> None:
    """Goal: no report of faults that never came. Method: a host on which something breaks."""

    class Broken(Hosts):
        urls = {"a": "http://127.0.0.1:1"}  # noqa: RUF012 - a property's value

        def pid(self, name: str) -> int | None:
            raise RuntimeError(f"no process of {name}")

        def start(self, name: str) -> None:
            raise AssertionError(name)

        def data(self, name: str) -> Path:
            raise AssertionError(name)

    injector = _Injector(Broken(), [Fault("kill", ("a",), 0.0, 0.0)], time.monotonic())
    injector.start()
    injector.join()
    assert str(injector.trouble) == "no process of a"


def test_what_faults_need_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: whoever lacks a program learns which and how to get it. Method: an empty path, and
    folders without the library; kinds that there are not, or that need hosts."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BadArgument, match="go install"):
        toxiproxy.check_possible()
    monkeypatch.setattr(clock, "PLACES", ("/nowhere",))
    with pytest.raises(BadArgument, match="package faketime"):
        clock.library()
    assert duration_of(1) == DURATION_S_MIN
    assert trine("bench", "faults", "--duration", str(DURATION_S_MIN - 1)).status == 2
    for kinds, said in (("kil", "expected some of kill"), ("split", "--hosts")):
        refused = trine("bench", "faults", "--kinds", kinds)
        assert refused.status == 2
        assert said in refused.err


@pytest.mark.network
def test_nothing_is_lost_when_a_node_dies(tmp_path: Path) -> None:
    """Goal: a real network passes, and file and picture say how. Method: one node is killed under
    load, started again, and the chains of all are compared."""
    out, png = tmp_path / "faults.json", tmp_path / "faults.png"
    words = ("bench", "faults", "--duration", "24", "--suite", SUITE, "--json")
    ended = trine(*words, "--out", out, "--png", png, seconds_max=SECONDS_MAX)
    assert ended.status == 0, ended.err
    report = ended.document
    assert report == json.loads(out.read_text())
    assert [fault["kind"] for fault in report["faults"]] == ["kill"]
    assert report["faults"][0]["gap_ms"] > 0
    assert report["recovered"]
    assert len(report["per_second"]) == report["seconds"]
    assert 100 < sum(report["per_second"]) <= report["acknowledged"]
    _is_good(report)
    assert png.read_bytes().startswith(b"\x89PNG")


def _is_good(report: dict[str, Any]) -> None:
    for name in ("lost", "doubled", "different", "reordered", "missing", "stale"):
        assert report[name] == [], name
    assert report["recovered"]
    assert report["looked_up"] > 0
    assert report["read"] > 0
    logs = report["evidence"]
    for name in FOUND:
        assert logs[name] == [], name
    assert logs["entries"] == logs["acknowledged"] + logs["recorded"] > 0
    assert logs["recorded"] <= logs["unknown"]
    # Each node starts with a log for each of the four organisations.
    assert logs["logs"] > 4
    assert logs["proven"] >= len(report["nodes"])


def test_lines_can_be_slowed() -> None:
    """Goal: the kind `slow` is played wherever it can be. Method: look for Toxiproxy, which
    `.ci/run` installs where there is go."""
    try:
        toxiproxy.check_possible()
    except BadArgument as error:
        if os.environ.get("CI") and shutil.which("go"):
            raise
        pytest.skip(f"no line is slowed: {error}")


@pytest.mark.network
@ONE_SUITE
def test_hosts_are_cut_filled_and_stepped(tmp_path: Path) -> None:
    """Goal: nothing is lost where lines, disks and clocks fail, and the page says so. Method: four
    hosts; one is cut off, one's lines are slow, one's disk is full, one's clock is set ahead, then
    another's back."""
    slow = ("slow",) if shutil.which(toxiproxy.PROGRAM) else ()
    kinds = ("partition", *slow, "full-disk", "clock-ahead", "clock-behind")
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root makes network namespaces")
    try:
        clock.library()
    except BadArgument as error:
        if not os.environ.get("CI"):
            pytest.skip(str(error))
        raise
    page = tmp_path / "faults.html"
    words = ("bench", "faults", "--hosts", "--kinds", ",".join(kinds), "--suite", SUITE, "--json")
    ended = trine(*words, "--page", page, seconds_max=SECONDS_MAX)
    assert ended.status == 0, ended.err
    report = ended.document
    _is_good(report)
    assert [fault["kind"] for fault in report["faults"]] == list(kinds)
    # Where one of four is hurt, the others go on: nobody waits for who is.
    for fault in report["faults"]:
        assert any(report["per_second"][int(fault["at_s"]) : int(fault["until_s"])])
    text = page.read_text()
    assert "None was lost" in text
    assert f"{report['evidence']['acknowledged']:,} entries of evidence logs" in text
    for name in kinds:
        assert KINDS[name].what in text
        assert KINDS[name].what_zh in text
    assert not Path("/run/netns/trine-faults-1").exists()
    write_page({**report, "lost": ["a-0"]}, page)
    assert "1 acknowledged records are not final" in page.read_text()
    write_page({**report, "evidence": {**report["evidence"], "doubled": ["a-1"]}}, page)
    text = page.read_text()
    assert "1 appends stand in logs more than once" in text
    assert "1 次追加在日志中重复出现" in text
