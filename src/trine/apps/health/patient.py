"""Answer a patient who opened what, when, why and under which consent - completely, by proof.

A *history file* holds the patient's events and the history key; beside it are all entries of the
custodian's log with the proof of a certified head. With a trust file and no network the patient
finds every event in the log, opens each, and checks that it was allowed. An event that was left
out, changed, added or moved is found: the log has exactly one entry behind the first marker of each
number, and the history ends only where the log has no further marker.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import cbor2

from trine.apps.health.custody import Custody
from trine.apps.health.entries import Part
from trine.apps.health.events import KEY_BYTES, Event, Kind, marker_of, read_array
from trine.apps.health.history import Emergency, History
from trine.apps.health.limits import EVENTS_MAX
from trine.apps.health.log import CertifiedHead, HeldLog, check_log
from trine.client import Trust
from trine.errors.health import BadDisclosure, HistoryIncomplete, HistoryMismatch
from trine.model.hashing import Suite
from trine.model.identifiers import Digest

VERSION: Final = 1
"""Version of the form of history files."""
_PARTS: Final = 8


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """A patient's events with all that shows that they are the whole history."""

    suite: Suite
    patient: Digest
    custodian: str
    key: bytes
    """History key, with which markers are found."""
    head: CertifiedHead
    events: tuple[Event, ...]

    def encode(self) -> bytes:
        """Return the file, in CBOR."""
        events = [event.encode() for event in self.events]
        parts = [VERSION, str(self.suite), self.patient, self.custodian, self.key]
        return cbor2.dumps([*map(_plain, parts), list(self.head[:3]), self.head.proof, events])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a history file; nothing of it is checked yet.

        Raises:
            BadDisclosure: It is none.
        """
        version, suite, patient, custodian, key, head, proof, events = read_array(
            data, _PARTS, "a history file"
        )
        try:
            found = Suite(suite)
            log, size, time_ms = map(int, head)
            is_whole = version == VERSION and len(key) == KEY_BYTES and type(custodian) is str
            is_whole = is_whole and type(proof) is bytes and len(events) <= EVENTS_MAX
            opened = tuple(Event.decode(one, found) for one in events)
            certified = CertifiedHead(log, size, time_ms, proof)
            history = cls(found, Digest(patient), custodian, key, certified, opened)
        except (TypeError, ValueError):
            is_whole = False
        if not is_whole:
            raise BadDisclosure(f"a history file of another form than version {VERSION}")
        return history


class Seen(NamedTuple):
    """One line of the patient's page.

    Attributes:
        number: Number of the event.
        entry: Its entry.
        kind: What it is.
        time_ms: When, Unix time in milliseconds by the custodian's clock.
        name: Who.
        organisation: Of which organisation.
        purpose: Why, as a code of PurposeOfUse.
        reason: Why, in words.
        record: Which record, by its entry; empty where it is about none.
        type_name: Resource type of the record.
        consent: Consent that permitted it.
        emergency: Entry of the emergency under which it was, in hexadecimal.
    """

    number: int
    entry: Digest
    kind: Kind
    time_ms: int
    name: str
    organisation: str
    purpose: str
    reason: str
    record: str
    type_name: str
    consent: str
    emergency: str


class CheckedHistory(NamedTuple):
    """What a history file shows, if the entries are those of the log.

    Attributes:
        void: Events that lost their place to another one; nothing was opened under them.
        seen: Every event, in order.
        emergencies: Every emergency, with its review.
        consents: Identifiers of the consents that are not withdrawn.
    """

    void: int
    seen: tuple[Seen, ...]
    emergencies: tuple[Emergency, ...]
    consents: tuple[str, ...]


class VerifiedHistory(NamedTuple):
    """What a history file shows.

    Attributes:
        chain: Name of the chain whose validators certified the log.
        complete_ms: Time up to which it is complete, Unix time in milliseconds.
        history: The history.
    """

    chain: str
    complete_ms: int
    history: CheckedHistory


async def export_history(custody: Custody, patient: Digest) -> HistoryFile:
    """Write the history file of a patient; the log's first `head.size` entries go with it.

    Raises:
        HistoryNotFound, HistoryIncomplete and others: As `Custody.events` says.
    """
    log, events = custody.base.log, await custody.events(patient)
    head = log.head
    assert head is not None, "a history with an opening is in a log that is not empty"
    key = custody.history_key(patient)
    return HistoryFile(log.suite, patient, custody.custodian, key, head, tuple(events))


def verify_history(file: HistoryFile, entries: bytes, trust: Trust, log: int) -> VerifiedHistory:
    """Check that a history is the whole of what the log holds of the patient. No network is needed.

    Args:
        file: The history file.
        entries: All entries of the log up to its head, 32 bytes each.
        trust: Whom to believe about the chain.
        log: Number of the custodian's log of histories, known from elsewhere.

    Raises:
        HistoryIncomplete: The log has an event of the patient that the file lacks.
        HistoryMismatch: The file has an event that the log lacks, or one that was not allowed.
        ProofMismatch, WrongTrust and others: The proof of the head does not verify.
    """
    _check_place(file, trust, log)
    history = check_history(file, check_log(entries, file.head, trust))
    return VerifiedHistory(trust.chain, file.head.time_ms, history)


def verify_among(file: HistoryFile, held: HeldLog, trust: Trust, log: int) -> VerifiedHistory:
    """Check one history of many, against a log that was hashed once for all of them.

    Args:
        file: The history file.
        held: The entries of the log, up to the file's head or further.
        trust: Whom to believe about the chain; `held` was made with it.
        log: Number of the custodian's log of histories, known from elsewhere.

    Raises:
        HistoryIncomplete, HistoryMismatch and others: As `verify_history` says.
    """
    _check_place(file, trust, log)
    history = check_history(file, held.upto(file.head))
    return VerifiedHistory(trust.chain, file.head.time_ms, history)


def _check_place(file: HistoryFile, trust: Trust, log: int) -> None:
    if file.head.log != log:
        raise HistoryMismatch(f"it is about log {file.head.log}, expected {log}")
    if str(file.suite) != trust.suite:
        raise HistoryMismatch(f"a history of a {file.suite} chain, the trust file is another's")


def check_history(file: HistoryFile, entries: Part) -> CheckedHistory:
    """Check a history against the entries of the log, which are believed here.

    Args:
        file: The history file.
        entries: All entries of the log up to the file's head.

    Raises:
        HistoryIncomplete, HistoryMismatch: As `verify_history` says.
    """
    placed, void = _placed(entries, file.key, file.suite)
    history, seen = History(file.patient, file.custodian), []
    for event in file.events:
        if history.next >= len(placed):
            raise HistoryMismatch(f"event {history.next} is not in the log")
        if event.entry != placed[history.next]:
            raise HistoryMismatch(f"the log has another event in place {history.next}")
        history.add(event)
        seen.append(_seen(event))
    if history.next < len(placed):
        message = f"the log has {len(placed)} events of the patient, the file {history.next}"
        raise HistoryIncomplete(message)
    consents = [name for name, given in history.consents.items() if given.withdrawn is None]
    return CheckedHistory(void, tuple(seen), tuple(history.emergencies.values()), tuple(consents))


def _placed(entries: Part, key: bytes, suite: Suite) -> tuple[list[Digest], int]:
    """Return the entry of each number, and how many came too late for their place.

    Raises:
        HistoryMismatch: A marker has no entry behind it.
    """
    found: list[Digest] = []
    void = 0
    while at := entries.places(marker_of(key, len(found), suite)):
        behind = entries.entry(at[0] + 1)
        if behind is None:
            raise HistoryMismatch(f"the log has no entry behind the marker of event {len(found)}")
        found.append(behind)
        void += len(at) - 1
    return found, void


def _seen(event: Event) -> Seen:
    content = event.content
    person, basis = content.get("person", {}), content.get("basis", {})
    return Seen(
        event.position.number,
        event.entry,
        event.kind,
        event.time_ms,
        person.get("name", ""),
        person.get("organisation", ""),
        event.facts.purpose,
        content.get("audit", {}).get("outcomeDesc", ""),
        content.get("record", ""),
        content.get("type", ""),
        basis.get("consent", ""),
        basis.get("emergency", ""),
    )


def _plain(value: Any) -> Any:
    """Return bytes as CBOR writes them, without their class."""
    return bytes(value) if isinstance(value, bytes) else value
