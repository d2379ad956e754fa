"""Test that the check of evidence logs finds what faults, or a node that lies, could have done."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.founded import local
from tests.suite import SUITE
from trine import Client
from trine.bench.faults.appending import Append, Creation, EvidenceWriter, entries_of
from trine.bench.faults.check import problems
from trine.bench.faults.clients import Record
from trine.bench.faults.copies import PROOFS_MAX, Copies, LogCopy, check_proofs, read_copies
from trine.bench.faults.evidence import FOUND, check_evidence
from trine.client import Trust
from trine.client.home import Home
from trine.client.records import FinalTransaction
from trine.errors import BadAnswer
from trine.model.hashing import under
from trine.model.merkle import Frontier
from trine.model.roots import logs_root
from trine.types import Address, Digest, Event, Height, Nonce, Outcome, TimeMs, TransactionId

FIRST_LOGS = {("a", "default"): 0, ("b", "default"): 1}
WRITTEN_S = 2.0
"""Seconds for which a real network is written to."""


def _append(name: str, log: int, index: int | None, sent_s: float, count: int = 2) -> Append:
    """An append that was acknowledged a second after it was sent; or not, without an index."""
    entries = entries_of(name, count)
    if index is None:
        return Append(name, sent_s, sent_s + 1, code="timeout", log=log, entries=entries)
    one = Append(name, sent_s, sent_s + 1, name, 1, log=log, entries=entries)
    one.index = index
    return one


X, Y = _append("a-0", 0, 0, 0.0), _append("a-1", 0, 2, 2.0)
MADE = Creation("a-2", 4.0, 5.0, "made", 2, log=2)
Z = _append("a-3", 2, 0, 6.0, count=3)
IN, OUT = _append("b-0", 1, None, 0.0), _append("b-1", 1, None, 2.0)
NEVER = Creation("b-2", 4.0, 5.0, code="cannot_reach_node")
RECORDS: dict[str, Sequence[Record]] = {"a": [X, Y, MADE, Z], "b": [IN, OUT, NEVER]}
"""Two writers; of what the second one sent, nothing was acknowledged: the first may be in."""
ENTRIES = ((*X.entries, *Y.entries), IN.entries, Z.entries)
NAMES = (("a", "default"), ("b", "default"), ("a", "a-2"))


def _copies(
    entries: Sequence[Sequence[Digest]] = ENTRIES, names: Sequence[tuple[str, str]] = NAMES
) -> Copies:
    """What a node has that agrees with itself: whatever the entries, the roots are theirs."""
    with under(SUITE):
        trees, logs = [], []
        for (organisation, name), each in zip(names, entries, strict=True):
            tree = Frontier()
            for entry in each:
                tree = tree.append(entry)
            trees.append(tree)
            log = LogCopy(organisation, name, tree.size, Digest(tree.head()), tuple(each))
            logs.append(log)
        return Copies(tuple(logs), 9, Digest(logs_root(trees)), proven=1)


def _check(*nodes: Copies) -> dict[str, Any]:
    named = {f"node-{number}": copy for number, copy in enumerate(nodes)}
    return check_evidence(RECORDS, named, FIRST_LOGS, SUITE)


def _wrong(report: dict[str, Any]) -> dict[str, list[str]]:
    return {name: report[name] for name in FOUND if report[name]}


def test_logs_as_acknowledged_are_good() -> None:
    """Goal: nothing is found where nothing is wrong, and all is counted. Method: two nodes that
    have what was acknowledged, and one of two appends without an answer; neither; both."""
    report = _check(_copies(), _copies())
    assert _wrong(report) == {}
    counts = ("logs", "entries", "acknowledged", "unknown", "recorded", "proven")
    assert [report[name] for name in counts] == [3, 9, 7, 4, 2, 2]
    for other in ((), (*OUT.entries, *IN.entries)):
        report = _check(_copies((ENTRIES[0], other, ENTRIES[2])))
        assert _wrong(report) == {}
        assert report["recorded"] == len(other)


class Planted(NamedTuple):
    """What all nodes have the same of, though it was not so, and what is to be found."""

    entries: Sequence[Sequence[Digest]]
    found: dict[str, list[str]]
    names: Sequence[tuple[str, str]] = NAMES


STRANGER = entries_of("nobody", 1)
PLANTED = {
    "the end of a log is lost": Planted(
        (X.entries, *ENTRIES[1:]),
        {"lost": ["a-1"]},
    ),
    "a log is lost": Planted(
        ENTRIES[:2],
        {"lost": ["a-3", "log a/a-2"]},
        NAMES[:2],
    ),
    "half of an append is lost": Planted(
        (*ENTRIES[:2], Z.entries[:2]),
        {"torn": ["a-3"]},
    ),
    "an append is in twice": Planted(
        ((*ENTRIES[0], *X.entries), *ENTRIES[1:]),
        {"doubled": ["a-0"]},
    ),
    "one without an answer is in twice": Planted(
        (ENTRIES[0], (*IN.entries, *IN.entries), ENTRIES[2]),
        {"doubled": ["b-0"]},
    ),
    "half of one without an answer is in": Planted(
        (ENTRIES[0], (*IN.entries, OUT.entries[0]), ENTRIES[2]),
        {"torn": ["b-1"]},
    ),
    "one without an answer is in, backwards": Planted(
        (ENTRIES[0], IN.entries[::-1], ENTRIES[2]),
        {"torn": ["b-0"]},
    ),
    "two appends are swapped": Planted(
        ((*Y.entries, *X.entries), *ENTRIES[1:]),
        {"moved": ["a-0", "a-1"], "reordered": ["a-1"]},
    ),
    "the entries of an append are swapped": Planted(
        ((*X.entries[::-1], *Y.entries), *ENTRIES[1:]),
        {"moved": ["a-0"]},
    ),
    "an append is in another log": Planted(
        (X.entries, (*IN.entries, *Y.entries), Z.entries),
        {"moved": ["a-1"], "foreign": ["entry 2 of log 1", "entry 3 of log 1"]},
    ),
    "an entry was written by nobody": Planted(
        ((*ENTRIES[0], *STRANGER), *ENTRIES[1:]),
        {"foreign": ["entry 4 of log 0"]},
    ),
    "an entry by nobody pushes others away": Planted(
        ((*X.entries, *STRANGER, *Y.entries), *ENTRIES[1:]),
        {"moved": ["a-1"], "foreign": ["entry 2 of log 0"]},
    ),
    "an entry was replaced": Planted(
        (*ENTRIES[:2], (*Z.entries[:2], *STRANGER)),
        {"torn": ["a-3"], "foreign": ["entry 2 of log 2"]},
    ),
    "a log was created by nobody": Planted(
        (*ENTRIES, ()),
        {"foreign": ["log 3: b/b-9"]},
        (*NAMES, ("b", "b-9")),
    ),
    "a log is there twice": Planted(
        (*ENTRIES, ()),
        {"doubled": ["log a/a-2"]},
        (*NAMES, ("a", "a-2")),
    ),
    "a log has another number": Planted(
        (*ENTRIES[:2], (), Z.entries),
        {
            "moved": ["a-3", "log a/a-2"],
            "foreign": [f"entry {index} of log 3" for index in range(3)],
        },
        (*NAMES[:2], ("b", "b-2"), ("a", "a-2")),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_all_nodes_have_wrong_is_found(name: str) -> None:
    """Goal: the check fails where nodes agree on what was not so. Method: a chain that is
    consistent, each with one history that is not the acknowledged one."""
    planted = PLANTED[name]
    copies = _copies(planted.entries, planted.names)
    assert _wrong(_check(copies, copies)) == planted.found


@pytest.mark.parametrize(
    ("log", "data", "index"),
    [(0, "02 00000000 0000000000000007 0002", 7), (1, "02 00000000 0000000000000007 0002", None)],
)
def test_an_append_is_where_its_outcome_says(log: int, data: str, index: int | None) -> None:
    """Goal: entries that went to another log have no index in their own. Method: an outcome of log
    0, for an append to log 0 and for one to log 1; the second counts as moved."""
    writer = EvidenceWriter("a", partial(Client, "http://127.0.0.1:1"), 0.0, threading.Event())
    record = Append("a-0", 0.0, 1.0, "a-0", 1, log=log, entries=X.entries)
    writer.learn(record, _final(data))
    assert record.index == index
    copies = {"node": _copies(((), X.entries), NAMES[:2])}
    report = check_evidence({"a": [record]}, copies, FIRST_LOGS, SUITE)
    assert report["moved"] == ["a-0"]
    with pytest.raises(BadAnswer):
        writer.learn(record, _final("02"))


def _final(data: str) -> FinalTransaction:
    """A transaction with one event of the module `evidence`."""
    event = Event("evidence", (), bytes.fromhex(data))
    return FinalTransaction(
        id=TransactionId(bytes(32)),
        height=Height(1),
        index=0,
        time_ms=TimeMs(1),
        sender=Address(bytes(20)),
        nonce=Nonce(0),
        outcome=Outcome("ok", 0, 0, 0, (event,)),
        document={},
    )


def _altered(copies: Copies, number: int, **fields: Any) -> Copies:
    logs = list(copies.logs)
    logs[number] = replace(logs[number], **fields)
    return replace(copies, logs=tuple(logs))


OTHER = Digest(bytes(32))
LIES: dict[str, tuple[Callable[[Copies], Copies], dict[str, list[str]]]] = {
    "another head": (
        lambda good: _altered(good, 0, head=OTHER),
        {"roots": ["log 0 on node-1"], "different": ["log 0 on node-1"]},
    ),
    "another size": (
        lambda good: _altered(good, 1, size=3),
        {"roots": ["log 1 on node-1"], "different": ["log 1 on node-1"]},
    ),
    "another certified root": (
        lambda good: replace(good, evidence_root=OTHER),
        {"roots": ["block 9 on node-1"]},
    ),
    "no certified root": (
        lambda good: replace(good, evidence_root=None),
        {"roots": ["block 9 on node-1"]},
    ),
    "a proof that does not verify": (
        lambda good: replace(good, unproven=("entry 0 of log 0: proof_mismatch",)),
        {"unproven": ["entry 0 of log 0: proof_mismatch on node-1"]},
    ),
    "entries that the state does not have": (
        lambda good: _altered(good, 0, entries=X.entries),
        {
            "lost": ["a-1"],
            "roots": ["block 9 on node-1", "log 0 on node-1"],
            "different": ["log 0 on node-1"],
        },
    ),
    "a log less": (
        lambda _: _copies(ENTRIES[:2], NAMES[:2]),
        {"lost": ["a-3", "log a/a-2"], "different": ["log 2 on node-1"]},
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_one_node_that_differs_is_found(name: str) -> None:
    """Goal: the check fails where one node's state, entries or proofs are not the others'. Method:
    change one thing on the second of two nodes; it is named there."""
    lie, expected = LIES[name]
    assert _wrong(_check(_copies(), lie(_copies()))) == expected


def test_each_finding_makes_a_run_fail() -> None:
    """Goal: nothing that is found is kept quiet. Method: a run with one finding of each kind."""
    kinds = ("lost", "doubled", "different", "reordered", "missing", "stale")
    good: dict[str, Any] = {**{name: [] for name in kinds}, "recovered": True}
    logs = {**_check(_copies())}
    assert problems({**good, "evidence": logs}) == []
    for name, text in FOUND.items():
        found = problems({**good, "evidence": {**logs, name: ["one"]}})
        assert found == [f"1 {text}"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A network that runs while the module's tests do."""
    with local(tmp_path_factory.mktemp("faults") / "home") as home:
        yield Home(home)


def _write(home: Home, organisation: str, log: int) -> Sequence[Record]:
    stop = threading.Event()
    opened = partial(Client, home.urls(), key=home.open_key())
    writer = EvidenceWriter(organisation, opened, time.monotonic(), stop, logs=[log])
    writer.start()
    stop.wait(WRITTEN_S)
    stop.set()
    writer.join()
    return writer.records


@pytest.mark.network
def test_real_nodes_are_compared_with_what_was_written(home: Home, tmp_path: Path) -> None:
    """Goal: what a real network acknowledged is read from each node and found good; notes of what
    was not, and a stranger's certificates, are not. Method: write for two seconds and read; then
    alter one note, and give the trust file of a chain that does not exist."""
    trust = Trust.load(home.trust)
    stranger = tmp_path / "trust.json"
    stranger.write_text(home.trust.read_text().replace(trust.chain_id.hex(), "07" * 32))
    with ExitStack() as stack:
        clients = {url: stack.enter_context(Client(url)) for url in home.urls()}
        first, client = next(iter(clients.items()))
        first_logs = {
            (one.name, "default"): int(client.log(f"{one.name}/default").id)
            for one in client.organisations()
        }
        records = _write(home, "city", first_logs["city", "default"])
        copies = read_copies(clients, trust)
        [distrusted] = read_copies({first: client}, Trust.load(stranger)).values()
        _look_and_prove(client, trust, records, copies[first])
    report = check_evidence({"city": records}, copies, first_logs, SUITE)
    assert _wrong(report) == {}
    appended = [one for one in records if isinstance(one, Append)]
    assert report["entries"] == report["acknowledged"] == sum(len(one.entries) for one in appended)
    assert len({one.log for one in appended}) > 1
    assert report["logs"] == len(first_logs) + sum(isinstance(one, Creation) for one in records)
    assert report["proven"] >= len(clients)
    altered = replace(appended[0], entries=STRANGER * len(appended[0].entries))
    noted = [altered if one is appended[0] else one for one in records]
    report = check_evidence({"city": noted}, copies, first_logs, SUITE)
    assert set(_wrong(report)) == {"lost", "foreign"}
    assert distrusted.proven == 0
    assert distrusted.evidence_root is None
    assert distrusted.unproven
    assert all("wrong_trust" in one for one in distrusted.unproven)


def _look_and_prove(
    client: Client, trust: Trust, records: Sequence[Record], copies: Copies
) -> None:
    """Find on a node what was acknowledged and nothing else; its proof is of that and no other."""
    created = next(one for one in records if isinstance(one, Creation))
    assert created.is_in(client, "city")
    assert not created.is_in(client, "court")
    append = next(one for one in records if isinstance(one, Append))
    assert append.index is not None
    assert append.is_in(client, "city")
    beside, beyond = replace(append, index=append.index + 1), replace(append, index=1 << 40)
    for other in (beside, beyond, replace(append, log=1 << 30)):
        assert not other.is_in(client, "city")
    log = copies.logs[append.log]
    assert check_proofs(client, trust, append.log, 0, log) == min(PROOFS_MAX, log.size)
    altered = list(log.entries)
    altered[append.index] = OTHER
    assert append.index < PROOFS_MAX
    lies: list[dict[str, Any]] = [
        {"entries": tuple(altered)},
        {"entries": log.entries[:1]},
        {"size": log.size + 1},
    ]
    for wrong in [replace(log, **lie) for lie in lies]:
        with pytest.raises(BadAnswer):
            check_proofs(client, trust, append.log, 0, wrong)
