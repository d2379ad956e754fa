"""Create evidence logs and append entries to them, and note at which index each one stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from trine.bench.faults.clients import Record, Writer
from trine.client import Client
from trine.client.records import FinalTransaction
from trine.errors import BadAnswer, EntryNotFound
from trine.types import Call, Digest, EvidenceAppend, LogCreate, LogId

ENTRIES_EACH_MAX: Final = 8
"""Entries of one transaction: from 1 up, so that their indices do not go up evenly."""
LOGS_EACH_MAX: Final = 9
"""Logs to which one writer appends, in turn: the first one that its organisation has, and the
first ones that it creates."""


@dataclass
class Creation(Record):
    """A log that a writer created.

    Attributes:
        log: Number of the log, where it was acknowledged.
    """

    log: int | None = None


@dataclass
class Append(Record):
    """Entries that a writer appended to a log.

    Attributes:
        log: Number of the log.
        entries: The entries; no others are like them.
        index: Index of the first one in this log, where it was acknowledged.
    """

    log: int = 0
    entries: tuple[Digest, ...] = ()
    index: int | None = None

    def is_in(self, client: Client, organisation: str) -> bool:
        """Look whether a node has these entries where they were acknowledged."""
        if self.index is None:
            return False
        log, count = LogId(self.log), len(self.entries)
        try:
            return client.log_entries(log, first=self.index, count=count) == list(self.entries)
        except EntryNotFound:
            return False


@dataclass
class EvidenceWriter(Writer):
    """Creates a log and appends entries to one of its logs, in turn."""

    logs: list[int] = field(default_factory=list)
    """Logs to which it appends, by number; the first is there from the beginning."""

    __hash__ = Writer.__hash__

    def draft(self, name: str, sent_s: float) -> tuple[Record, Call]:
        """Say what is written next: a log, or entries."""
        number = len(self.records)
        if number % 2 == 0:
            return Creation(name, sent_s), LogCreate(name=name)
        turn = number // 2
        log = self.logs[turn % len(self.logs)]
        entries = entries_of(name, 1 + turn % ENTRIES_EACH_MAX)
        record = Append(name, sent_s, log=log, entries=entries)
        return record, EvidenceAppend(log=LogId(log), entries=entries)

    def learn(self, record: Record, done: FinalTransaction) -> None:
        """Note the number of a log, or the index of entries, that were acknowledged.

        Raises:
            BadAnswer: The outcome says nothing of them.
        """
        fields = [event.fields() for event in done.outcome.events]
        try:
            match record:
                case Creation():
                    [record.log] = [int(one["log"]) for one in fields]
                    if len(self.logs) < LOGS_EACH_MAX:
                        self.logs.append(record.log)
                case Append():
                    [[log, index]] = [(one["log"], int(one["first_index"])) for one in fields]
                    # In another log it has no index: the check finds that it was moved.
                    record.index = index if log == record.log else None
        except (KeyError, ValueError):
            message = f"the events of transaction {done.id} do not fit its call"
            raise BadAnswer(message, instance=str(done.id)) from None


def entries_of(name: str, count: int) -> tuple[Digest, ...]:
    """Make entries that no other record has."""
    texts = [f"{name}/{place}".encode() for place in range(count)]
    return tuple(Digest(hashlib.sha256(text).digest()) for text in texts)
