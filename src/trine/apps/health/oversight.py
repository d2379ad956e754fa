"""Show a regulator totals, accesses and proofs, and no content.

A custodian's log of histories holds pairs: a marker, then the entry of an event. A *report* opens
the head of every event, and of none the body: what it was, for which purpose, in which month. As
every pair must be opened, the totals are complete by proof; whose events they are, and about which
records, stays hidden.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import cbor2

from trine.apps.health.custody import Custody
from trine.apps.health.events import HeadOpening, Kind, read_array, read_head
from trine.apps.health.log import CertifiedHead, check_log
from trine.apps.health.sealing import SALT_BYTES, commitment
from trine.client import Trust
from trine.errors.health import BadDisclosure, HistoryIncomplete, HistoryMismatch
from trine.model.hashing import Suite
from trine.model.identifiers import Digest

VERSION: Final = 1
"""Version of the form of reports."""
PAUSE: Final = 50
"""Events after which others get their turn."""


@dataclass(frozen=True, slots=True)
class Report:
    """The heads of all events of a custodian, in the order of the log."""

    suite: Suite
    custodian: str
    head: CertifiedHead
    openings: tuple[HeadOpening, ...]

    def encode(self) -> bytes:
        """Return the report as a file, in CBOR."""
        opened = [[one.salt, one.head] for one in self.openings]
        parts = [VERSION, str(self.suite), self.custodian, list(self.head[:3]), self.head.proof]
        return cbor2.dumps([*parts, opened], canonical=True)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a report; nothing of it is checked yet.

        Raises:
            BadDisclosure: It is none.
        """
        version, suite, custodian, head, proof, opened = read_array(data, 6, "a report")
        try:
            log, size, time_ms = map(int, head)
            certified = CertifiedHead(log, size, time_ms, proof)
            openings = tuple(HeadOpening(bytes(salt), bytes(text)) for salt, text in opened)
            found = cls(Suite(suite), custodian, certified, openings)
            is_whole = version == VERSION and type(custodian) is str and type(proof) is bytes
            is_whole = is_whole and all(len(one.salt) == SALT_BYTES for one in openings)
        except (TypeError, ValueError):
            is_whole = False
        if not is_whole:
            raise BadDisclosure(f"a report of another form than version {VERSION}")
        return found


class Accessed(NamedTuple):
    """One event as a regulator sees it.

    Attributes:
        place: Index of its entry in the log.
        entry: Its entry.
        kind: What it is.
        purpose: Code of PurposeOfUse.
        month: When.
        is_void: Whether another event had its place already.
    """

    place: int
    entry: Digest
    kind: Kind
    purpose: str
    month: str
    is_void: bool


class Oversight(NamedTuple):
    """What a report shows.

    Attributes:
        histories: Patients whose histories were opened.
        totals: Number of events by kind, purpose and month; void ones are left out.
        void: Number of void events.
        events: Every event.
    """

    histories: int
    totals: dict[tuple[Kind, str, str], int]
    void: int
    events: tuple[Accessed, ...]


async def export_report(custody: Custody) -> Report:
    """Write the report of a custodian; the log's first `head.size` entries go with it.

    Raises:
        HistoryIncomplete: The store lacks an event of the log.
        HistoryMismatch: The log is empty.
        TrineError: No node answers, or it lies.
    """
    log = custody.base.log
    await log.refresh()
    head = log.head
    if head is None:
        raise HistoryMismatch("no history was opened yet")
    openings = []
    for index in range(1, head.size, 2):
        entry = log.entry(index)
        assert entry is not None, "the log has as many entries as its head says"
        openings.append(custody.opening(entry))
        if len(openings) % PAUSE == 0:
            await asyncio.sleep(0)
    return Report(log.suite, custody.custodian, head, tuple(openings))


def verify_report(report: Report, entries: bytes, trust: Trust, log: int) -> Oversight:
    """Check that a report opens every event of a log up to `report.head`. No network is needed.

    Args:
        report: The report.
        entries: All entries of the log up to its head, 32 bytes each.
        trust: Whom to believe about the chain.
        log: Number of the custodian's log of histories, known from elsewhere.

    Raises:
        HistoryIncomplete: An event of the log is not opened.
        HistoryMismatch: An event is opened as something else.
        ProofMismatch, WrongTrust and others: The proof of the head does not verify.
    """
    if report.head.log != log:
        raise HistoryMismatch(f"it is about log {report.head.log}, expected {log}")
    if str(report.suite) != trust.suite:
        raise HistoryMismatch(f"a report of a {report.suite} chain, the trust file is another's")
    return check_report(report, check_log(entries, report.head, trust).listed())


def check_report(report: Report, entries: Sequence[Digest]) -> Oversight:
    """Check a report against the entries of the log, which are believed here.

    Args:
        report: The report.
        entries: All entries of the log.

    Raises:
        HistoryIncomplete, HistoryMismatch: As `verify_report` says.
    """
    if len(entries) % 2 or len(report.openings) != len(entries) // 2:
        message = f"{len(report.openings)} events are opened, the log has {len(entries)} entries"
        raise HistoryIncomplete(f"{message}: two for each event")
    tally, events = Tally(report.suite, report.custodian), list[Accessed]()
    for at, opening in enumerate(report.openings):
        events.append(tally.add(entries[2 * at], entries[2 * at + 1], opening))
    return Oversight(tally.histories, dict(tally.totals), tally.void, tuple(events))


class Tally:
    """The totals of a log's events, added up one by one from the first."""

    def __init__(self, suite: Suite, custodian: str) -> None:
        """Begin with no event."""
        self._suite, self._custodian = suite, custodian
        self._markers: set[Digest] = set()
        self.totals: Counter[tuple[Kind, str, str]] = Counter()
        """Number of events by kind, purpose and month; void ones are left out."""
        self.count = self.void = 0
        """Number of events, and of those that are void."""

    @property
    def histories(self) -> int:
        """Patients whose histories were opened."""
        return sum(count for (kind, _, _), count in self.totals.items() if kind is Kind.OPENING)

    def add(self, marker: Digest, entry: Digest, opening: HeadOpening) -> Accessed:
        """Add the next event; nothing changes where it is refused.

        Args:
            marker: What stands before its entry in the log.
            entry: Its entry.
            opening: What shows its head.

        Raises:
            HistoryMismatch: It is another event than that of the entry, or another custodian's.
            BadDisclosure: The head is none.
        """
        place = 2 * self.count + 1
        if commitment(self._suite, opening.salt, opening.head) != entry:
            raise HistoryMismatch(f"entry {place} of the log is another event")
        head = read_head(opening.head)
        if head.custodian != self._custodian:
            raise HistoryMismatch(f"entry {place} of the log is of another custodian")
        is_void = marker in self._markers
        self._markers.add(marker)
        self.count += 1
        self.void += is_void
        if not is_void:
            self.totals[head.kind, head.purpose, head.month] += 1
        return Accessed(place, entry, head.kind, head.purpose, head.month, is_void)
