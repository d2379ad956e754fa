"""Write to a network and read from it, and note what it answered."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from trine.client import Client
from trine.client.records import FinalTransaction
from trine.errors import LogNotFound, TrineError
from trine.types import Call, LogCreate

RETRY_S: Final = 0.2
"""Seconds that a writer waits after an error."""
READ_S: Final = 0.05
"""Seconds between two reads of a reader."""
NEWEST_SHARE: Final = 0.8
"""Share of the reads that look for the newest record, which a node is most likely to lack."""


@dataclass
class Record:
    """One record that a writer sent.

    Attributes:
        name: Name of the log that it made.
        sent_s: When it was sent, in seconds since the start of the load.
        done_s: When the answer came.
        id: Identifier of its transaction, where it was acknowledged.
        height: Height that was acknowledged.
        code: Code of the error, where it was not.
    """

    name: str
    sent_s: float
    done_s: float = 0.0
    id: str | None = None
    height: int | None = None
    code: str | None = None

    def is_in(self, client: Client, organisation: str) -> bool:
        """Look whether a node has what was written for this organisation."""
        try:
            client.log(f"{organisation}/{self.name}")
        except LogNotFound:
            return False
        return True


@dataclass
class Writer(threading.Thread):
    """Writes one record after the other and notes what was acknowledged."""

    organisation: str
    opened: Callable[[], Client]
    """Opens the client with which it writes."""
    started: float
    stop: threading.Event
    records: list[Record] = field(default_factory=list)
    prefix: str | None = None
    """Begin of the records' names; the organisation's name where `None`."""

    def __post_init__(self) -> None:
        super().__init__(name=f"writer-{self.organisation}", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Write until it is told to stop."""
        with self.opened() as client:
            while not self.stop.is_set():
                name = f"{self.prefix or self.organisation}-{len(self.records)}"
                record, call = self.draft(name, time.monotonic() - self.started)
                self.records.append(record)
                try:
                    done = client.submit(call)
                    self.learn(record, done)
                    record.id, record.height = str(done.id), int(done.height)
                except TrineError as error:
                    record.code = error.code
                    self.stop.wait(RETRY_S)
                record.done_s = time.monotonic() - self.started

    def draft(self, name: str, sent_s: float) -> tuple[Record, Call]:
        """Say what is written next: here a log with this name."""
        return Record(name, sent_s), LogCreate(name=name)

    def learn(self, record: Record, done: FinalTransaction) -> None:
        """Note what else was acknowledged of a record; here nothing."""


class Reader(threading.Thread):
    """Looks for acknowledged records on one node, while they are written.

    A node that says that it has the block of a record must have the record.

    Attributes:
        read: How many records it looked for.
        stale: Those that the node should have had, and did not.
        heights: Seconds since the start at which the node had a new height, and that.
    """

    def __init__(
        self,
        node: str,
        opened: Callable[[], Client],
        writers: Sequence[Writer],
        seed: int,
    ) -> None:
        """Read what `writers` have noted from `node`, with the client that `opened` opens."""
        super().__init__(name=f"reader-{node}", daemon=True)
        self.node, self.opened, self.writers = node, opened, writers
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.read = 0
        self.stale: list[str] = []
        self.heights: list[tuple[float, int]] = []

    def run(self) -> None:
        """Read until the writers are told to stop."""
        with self.opened() as client:
            while not self.writers[0].stop.wait(READ_S):
                try:
                    self._look(client)
                except TrineError:
                    continue  # The node is hurt; whoever reads it gets no answer.

    def _look(self, client: Client) -> None:
        writer = self.chance.choice(self.writers)
        height = int(client.status().height)
        if not self.heights or height > self.heights[-1][1]:
            self.heights.append((time.monotonic() - writer.started, height))
        done = [one for one in list(writer.records) if one.height and one.height <= height]
        if not done:
            return
        newest = self.chance.random() < NEWEST_SHARE
        record = done[-1] if newest else self.chance.choice(done)
        self.read += 1
        if not record.is_in(client, writer.organisation):
            self.stale.append(f"{record.name} on {self.node}")
