"""Compare the evidence that was acknowledged with the logs that nodes have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from trine.bench.faults.appending import Append, Creation
from trine.bench.faults.clients import Record
from trine.bench.faults.copies import Copies, LogCopy
from trine.bench.faults.order import out_of_order
from trine.model.hashing import Suite, under
from trine.model.merkle import Frontier
from trine.model.roots import logs_root
from trine.types import Digest

FOUND: Final = {
    "lost": "acknowledged appends or logs are not in the logs of some node",
    "moved": "acknowledged appends or logs stand elsewhere than was acknowledged",
    "doubled": "appends stand in logs more than once",
    "torn": "appends stand in logs in part, or not in a row",
    "reordered": "appends stand before one that was acknowledged before they were sent",
    "foreign": "logs or entries were written by nobody",
    "different": "logs differ between nodes",
    "roots": "roots or sizes in nodes' states are not those of the entries",
    "unproven": "proofs of entries or blocks do not verify",
}
"""What must not be found in logs, and how it is told."""


class _Place(NamedTuple):
    """Where an entry stands: number of the log, and index of the entry in it."""

    log: int
    entry: int


@dataclass(frozen=True)
class Written:
    """What all writers noted.

    Attributes:
        appends: Entries that were appended, or sent without an answer.
        logs: Logs by organisation and name, likewise; their number where it is known.
    """

    appends: Sequence[Append]
    logs: Mapping[tuple[str, str], Creation]

    @classmethod
    def of(cls, records: Mapping[str, Sequence[Record]]) -> Written:
        """Take what was written out of the records of each organisation's writer."""
        return cls(
            [one for each in records.values() for one in each if isinstance(one, Append)],
            {
                (organisation, one.name): one
                for organisation, each in records.items()
                for one in each
                if isinstance(one, Creation)
            },
        )


def check_evidence(
    records: Mapping[str, Sequence[Record]],
    copies: Mapping[str, Copies],
    first_logs: Mapping[tuple[str, str], int],
    suite: str,
) -> dict[str, Any]:
    """Compare what writers noted with the logs of every node.

    Args:
        records: What each organisation's writer noted.
        copies: The logs of each node.
        first_logs: Numbers of the logs that were there before, by organisation and name; empty.
        suite: Suite of the chain.

    Returns:
        Numbers: `logs` compared on each node, `entries` in them, `acknowledged` entries, `unknown`
        entries (sent, but never acknowledged) and how many of those were `recorded`, `proven`
        entries on all nodes together. Lists of what must not be: the keys of `FOUND`.
    """
    written = Written.of(records)
    first = next(iter(copies.values()))
    found: dict[str, set[str]] = {name: set() for name in FOUND}
    for node, copy in copies.items():
        places = _places(copy.logs)
        _check_appends(written, places, found)
        _check_logs(written, copy.logs, first_logs, found)
        _check_foreign(written, places, found)
        _check_roots(node, copy, suite, found["roots"])
        _check_same(node, copy.logs, first.logs, found["different"])
        found["unproven"] |= {f"{one} on {node}" for one in copy.unproven}
    stand = _places(first.logs)
    acknowledged = [one for one in written.appends if one.id is not None]
    unknown = [entry for one in written.appends if one.id is None for entry in one.entries]
    return {
        "logs": len(first.logs),
        "entries": sum(len(log.entries) for log in first.logs),
        "acknowledged": sum(len(one.entries) for one in acknowledged),
        "unknown": len(unknown),
        "recorded": sum(entry in stand for entry in unknown),
        "proven": sum(copy.proven for copy in copies.values()),
        **{name: sorted(names) for name, names in found.items()},
    }


def _places(logs: Sequence[LogCopy]) -> dict[Digest, list[_Place]]:
    """Say where each entry stands."""
    found: dict[Digest, list[_Place]] = defaultdict(list)
    for number, log in enumerate(logs):
        for index, entry in enumerate(log.entries):
            found[entry].append(_Place(number, index))
    return dict(found)


def _check_appends(
    written: Written, places: Mapping[Digest, list[_Place]], found: Mapping[str, set[str]]
) -> None:
    """Look for each append: once, whole, where it was acknowledged, and in its order."""
    ordered: dict[int, list[tuple[tuple[int], Record]]] = defaultdict(list)
    for one in written.appends:
        stands = [places.get(entry, []) for entry in one.entries]
        if any(len(each) > 1 for each in stands):
            found["doubled"].add(one.name)
        if one.id is None:
            if any(stands) and not _in_a_row(one.log, stands):
                found["torn"].add(one.name)
            continue
        if not all(stands):
            found["lost" if not any(stands) else "torn"].add(one.name)
            continue
        first = one.index or 0
        expected = [_Place(one.log, first + offset) for offset in range(len(stands))]
        if one.index is None or any(
            place not in each for place, each in zip(expected, stands, strict=True)
        ):
            found["moved"].add(one.name)
        ordered[stands[0][0].log].append(((stands[0][0].entry,), one))
    for appends in ordered.values():
        found["reordered"].update(out_of_order(appends))


def _in_a_row(log: int, stands: Sequence[Sequence[_Place]]) -> bool:
    """Say whether all entries of an append stand in its log, one after the other."""
    if not all(stands):
        return False
    first = stands[0][0].entry
    return all(_Place(log, first + offset) in each for offset, each in enumerate(stands))


def _check_logs(
    written: Written,
    logs: Sequence[LogCopy],
    first_logs: Mapping[tuple[str, str], int],
    found: Mapping[str, set[str]],
) -> None:
    """Look for each log that was created, and for logs that nobody created."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, log in enumerate(logs):
        numbers[log.organisation, log.name].append(number)
    for key, there in numbers.items():
        if key not in written.logs and key not in first_logs:
            found["foreign"].add(f"log {there[0]}: {'/'.join(key)}")
        if len(there) > 1:
            found["doubled"].add(f"log {'/'.join(key)}")
    known = dict(first_logs) | {
        key: one.log for key, one in written.logs.items() if one.id is not None
    }
    for key, expected in known.items():
        if key not in numbers:
            found["lost"].add(f"log {'/'.join(key)}")
        elif expected not in numbers[key]:
            found["moved"].add(f"log {'/'.join(key)}")


def _check_foreign(
    written: Written, places: Mapping[Digest, list[_Place]], found: Mapping[str, set[str]]
) -> None:
    """Look for entries that nobody wrote, or that were written to another log."""
    logs = {entry: one.log for one in written.appends for entry in one.entries}
    for entry, stands in places.items():
        for place in stands:
            if logs.get(entry) != place.log:
                found["foreign"].add(f"entry {place.entry} of log {place.log}")


def _check_roots(node: str, copy: Copies, suite: str, found: set[str]) -> None:
    """Build the tree of every log from its entries, and compare sizes and roots."""
    trees = []
    with under(Suite(suite)):
        for number, log in enumerate(copy.logs):
            tree = Frontier()
            for entry in log.entries:
                tree = tree.append(entry)
            trees.append(tree)
            if (tree.size, bytes(tree.head())) != (log.size, bytes(log.head)):
                found.add(f"log {number} on {node}")
        if copy.evidence_root is None or bytes(logs_root(trees)) != bytes(copy.evidence_root):
            found.add(f"block {copy.height} on {node}")


def _check_same(
    node: str, logs: Sequence[LogCopy], first: Sequence[LogCopy], found: set[str]
) -> None:
    """Compare the logs of a node with those of the first one."""
    for number in range(max(len(logs), len(first))):
        if logs[number : number + 1] != first[number : number + 1]:
            found.add(f"log {number} on {node}")
