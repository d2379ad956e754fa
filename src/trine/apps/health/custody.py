"""Keep patients' histories for a custodian: read them from the log, and place events in them.

An event is kept durably before the chain is asked to record it. Its marker names its number, so
that of several events for one place the first in the log is the one: whoever comes second has
decided on an outdated state, and its event is void. Custodians may run in several processes over
one store.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from trine.apps.health.definitions import Release
from trine.apps.health.events import (
    KEY_BYTES,
    Event,
    HeadOpening,
    Kind,
    make_event,
    marker_of,
    read_opening,
)
from trine.apps.health.fields import Fields, date_of_record
from trine.apps.health.history import SPEAKERS_MAX, History, Speaker, patient_id
from trine.apps.health.limits import ATTEMPTS_MAX, EVENTS_MAX
from trine.apps.health.log import EventLog, settle
from trine.apps.health.people import People
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import BATCH, Kept, Records, media_type
from trine.apps.health.statements import to_text
from trine.apps.health.store import Store
from trine.apps.health.validation import Checked
from trine.errors import BadArgument
from trine.errors.health import (
    HistoryBusy,
    HistoryExists,
    HistoryIncomplete,
    HistoryNotFound,
    RecordErased,
    RecordNotFound,
)
from trine.model.identifiers import Digest

NAMED: Final = "named"
"""Folder of what says whose consents and emergencies have named a person."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place."""

    kind: Kind
    content: dict[str, Any]
    purpose: str = ""
    beside: Callable[[Event], list[tuple[str, bytes]]] = field(default=lambda _event: [])
    """Objects that are stored together with the event, before the chain knows of it."""


Drafting = Callable[[History, int], Draft]
"""Makes a draft from the newest state and the time; called again where others came first."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a custodian works with."""

    store: Store
    log: EventLog
    """Log of the histories; nothing else is in it."""
    records_log: EventLog
    """Log of records: entry of the record, then of its fields."""
    records: Records
    key: RecipientKey
    """The custodian's own key, a recipient of every record."""
    people: People
    clock: Callable[[], int]
    """Unix time in milliseconds."""


class Custody:
    """The histories and records of one custodian. All methods are for one event loop."""

    def __init__(self, base: Base) -> None:
        """Use a store and logs."""
        self.base = base
        self.custodian = base.records.custodian
        self._known: dict[Digest, History] = {}
        self._locks: defaultdict[Digest, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open_history(self, speakers: Sequence[Speaker]) -> Digest:
        """Begin the history of a patient; return the patient's id.

        Args:
            speakers: Keys that sign the patient's consents; the id is that of the first.

        Raises:
            HistoryExists: There is one.
            BadArgument: There are no keys, or too many.
            TrineError: The chain cannot record it; doing it again is fine.
        """
        if not 1 <= len(speakers) <= SPEAKERS_MAX:
            raise BadArgument(f"{len(speakers)} keys of a patient, expected 1 to {SPEAKERS_MAX}")
        patient = patient_id(speakers[0].key)
        new = secrets.token_bytes(KEY_BYTES)
        self.base.store.change(_history(patient), lambda known: known or new)
        documents = [
            {"role": str(one.role), "algorithm": one.key.algorithm, "key": one.key.key.hex()}
            for one in speakers
        ]

        def draft(history: History, _now_ms: int) -> Draft:
            if history.next:
                raise HistoryExists("there is a history of this patient", instance=patient.hex())
            return Draft(Kind.OPENING, {"keys": documents})

        await self.record(patient, draft)
        return patient

    def history_key(self, patient: Digest) -> bytes:
        """Return the key with which a patient finds the markers; it is for the patient only.

        Raises:
            HistoryNotFound: There is no history of the patient.
        """
        key = self.base.store.get(_history(patient))
        if key is None:
            raise HistoryNotFound("no history of this patient is kept", instance=patient.hex())
        return key

    def patients(self) -> Iterator[Digest]:
        """List the patients whose histories are kept, in the order of their ids."""
        for name in self.base.store.names("histories"):
            yield Digest(bytes.fromhex(name.rpartition("/")[2]))

    async def read(self, patient: Digest) -> History:
        """Return the newest state of a patient's history under a certified head.

        Raises:
            HistoryNotFound: There is no history of the patient.
            HistoryIncomplete: The store lacks an event that the log has.
            HistoryMismatch: An event was not allowed.
            TrineError: No node answers, or it lies.
        """
        await self.base.log.refresh()
        return self._follow(patient)

    def known(self, patient: Digest) -> History:
        """Return a patient's history as far as the log was read before: for long lists.

        Raises:
            HistoryNotFound, HistoryIncomplete, HistoryMismatch: As `read` says.
        """
        return self._follow(patient)

    def _follow(self, patient: Digest) -> History:
        key = self.history_key(patient)
        history = self._known.setdefault(patient, History(patient, self.custodian))
        while (entry := self._placed(key, history.next)) is not None:
            history.add(self.event(entry))
        return history

    def _placed(self, key: bytes, number: int) -> Digest | None:
        """Return the entry that has a place: the one behind the first of its markers."""
        log = self.base.log
        index = log.first(marker_of(key, number, log.suite))
        return None if index is None else log.entry(index + 1)

    def event(self, entry: Digest) -> Event:
        """Read an event from the store.

        Raises:
            HistoryIncomplete: The store lacks it.
            BadDisclosure: It is damaged.
        """
        event = Event.decode(self._event(entry), self.base.log.suite)
        if event.entry != entry:
            raise HistoryIncomplete("the store has another event there", instance=entry.hex())
        return event

    def opening(self, entry: Digest) -> HeadOpening:
        """Read what shows the head of an event, and nothing of its body.

        Raises:
            HistoryIncomplete: The store lacks it.
            BadDisclosure: It is damaged.
        """
        return read_opening(self._event(entry), entry, self.base.log.suite)

    def _event(self, entry: Digest) -> bytes:
        data = self.base.store.get(f"events/{entry.hex()}")
        if data is None:
            message = "the store lacks an event that the log has; bring it back from a copy"
            raise HistoryIncomplete(message, instance=entry.hex())
        return data

    async def events(self, patient: Digest) -> list[Event]:
        """Return all events of a patient's history in order.

        Raises:
            HistoryNotFound, HistoryIncomplete and others: As `read` says.
        """
        count, key = (await self.read(patient)).next, self.history_key(patient)
        entries = [self._placed(key, number) for number in range(count)]
        return [self.event(entry) for entry in entries if entry is not None]

    async def record(self, patient: Digest, draft: Drafting) -> Event:
        """Place an event in a patient's history; it is final when this returns.

        Where another event took its place, it is drafted again on the new state; what was void is
        named in the event.

        Raises:
            HistoryBusy: Others came first `ATTEMPTS_MAX` times, or the log does not show it.
            TrineError: What `draft` raises, and what `read` and `EventLog.append` say. An event
                whose fate is unknown may still become final.
        """
        async with self._locks[patient]:
            void: list[str] = []
            for _ in range(ATTEMPTS_MAX):
                event = await self._try(patient, draft, void)
                if event is not None:
                    return event
        raise HistoryBusy(f"other events of the patient came first {ATTEMPTS_MAX} times")

    async def _try(self, patient: Digest, draft: Drafting, void: list[str]) -> Event | None:
        history, log = await self.read(patient), self.base.log
        number = history.next
        if number >= EVENTS_MAX:
            raise HistoryBusy(f"the history has {EVENTS_MAX} events, which is the most")
        now_ms = max(self.base.clock(), history.time_ms)
        made = draft(history, now_ms)
        content = {**made.content, "void": list(void)} if void else made.content
        event = make_event(
            made.kind,
            history.position,
            content,
            self.custodian,
            now_ms,
            suite=log.suite,
            purpose=made.purpose,
        )
        stored = [(f"events/{event.entry.hex()}", event.encode()), *made.beside(event)]
        self.base.store.put(stored)
        await log.append([marker_of(self.history_key(patient), number, log.suite), event.entry])
        await settle(log, event.entry)
        if self._placed(self.history_key(patient), number) == event.entry:
            self._follow(patient)
            return event
        void.append(event.entry.hex())
        return None

    def is_placed(self, event: Event) -> bool | None:
        """Say whether an event has its place; nothing while that is open."""
        position = event.position
        found = self._placed(self.history_key(position.patient), position.number)
        return None if found is None else found == event.entry

    async def give_consent(self, patient: Digest, statement: bytes) -> Event:
        """Record a signed consent.

        Raises:
            NotThePatient, ConsentExists, ConsentNotUnderstood and others: As
                `History.check_consent` and `record` say.
        """
        return await self._record_said(patient, statement, Kind.CONSENT)

    async def withdraw_consent(self, patient: Digest, statement: bytes) -> Event:
        """Record a signed withdrawal; what comes behind it in the log is void.

        Raises:
            NotThePatient, ConsentUnknown and others: As `History.check_consent` and `record` say.
        """
        return await self._record_said(patient, statement, Kind.WITHDRAWAL)

    async def _record_said(self, patient: Digest, statement: bytes, kind: Kind) -> Event:
        def draft(history: History, now_ms: int) -> Draft:
            said, terms = history.check_consent(statement, now_ms)
            if (said.body["status"] == "inactive") != (kind is Kind.WITHDRAWAL):
                raise BadArgument(f"the statement is no {kind}")
            content = {"statement": to_text(statement)}
            if kind is Kind.WITHDRAWAL or terms.denies:
                return Draft(kind, content)
            named = [naming(person, patient) for person in sorted(terms.recipients)]
            return Draft(kind, content, beside=lambda _event: named)

        return await self.record(patient, draft)

    async def keep(
        self, patient: Digest, checked: Sequence[Checked], release: Release
    ) -> list[Kept]:
        """Seal records of a patient for the custodian, and have their entries recorded.

        Raises:
            HistoryNotFound: There is no history of the patient.
            BadArgument: They are more than `BATCH`.
            TrineError: As `Records.keep` and `EventLog.append` say; `publish` goes on after it.
        """
        self.history_key(patient)
        kept = self.seal([(patient, one) for one in checked], release)
        await self.publish(one.entry for one in kept)
        return kept

    def seal(self, owned: Sequence[tuple[Digest | None, Checked]], release: Release) -> list[Kept]:
        """Seal records and file each under its patient; `publish` has their entries recorded.

        Args:
            owned: Patient and record; nothing for a record that is no patient's.
            release: Release of FHIR that they are of.

        Raises:
            BadArgument: They are more than `BATCH`.
            TrineError: As `Records.keep` says.
        """
        return seal_owned(self.base.store, self.base.records, self.base.key, owned, release)

    async def publish(self, entries: Iterable[Digest] | None = None) -> int:
        """Have entries of records recorded that the log lacks.

        Args:
            entries: Records; without it all that are kept.

        Returns:
            How many were sent.
        """
        log, sent = self.base.records_log, 0
        await log.refresh()
        chosen = self.base.records.entries() if entries is None else entries
        missing = (one for one in chosen if log.first(one) is None)
        while batch := list(islice(missing, BATCH // 2)):
            pairs: defaultdict[Release, list[tuple[Digest, Digest]]] = defaultdict(list)
            for one in batch:
                release = Release(self.base.records.facts(one).release)
                async with self.base.records.fetched([one]):
                    pairs[release].append((one, self.fields(one).entry))
                await asyncio.sleep(0)
            for release, found in pairs.items():
                sent += await self.send(found, release)
        return sent

    async def send(self, pairs: Sequence[tuple[Digest, Digest]], release: Release) -> int:
        """Have records recorded that the log lacks, each with the entry of its fields.

        Args:
            pairs: Entry of a record, and of its fields; at most half of `BATCH`.
            release: Release of FHIR that the records are of.

        Returns:
            How many were sent.
        """
        log = self.base.records_log
        await log.refresh()
        new = [pair for pair in pairs if log.first(pair[0]) is None]
        if new:
            await log.append([part for pair in new for part in pair], media_type(release))
            await settle(log, new[-1][0])
        return len(new)

    def fields(self, record: Digest) -> Fields:
        """Take a record apart into its fields.

        Raises:
            RecordErased, RecordNotFound and others: As `Records.open` says.
        """
        opened = self.base.records.open(record, self.base.key)
        return Fields.of_opened(opened, self.base.records.suite)

    def named_by(self, person: Digest) -> Iterator[Digest]:
        """List the patients whose consents or emergencies have named a person, also past ones."""
        for name in self.base.store.names(f"{NAMED}/{person.hex()}"):
            yield Digest(bytes.fromhex(name.rpartition("/")[2]))

    def owner(self, record: Digest) -> Digest:
        """Return the patient whose record it is.

        Raises:
            RecordErased: It was erased.
            RecordNotFound: It is kept for no patient.
        """
        if self.base.records.is_erased(record):
            raise RecordErased(instance=record.hex())
        found = self.base.store.get(_belongs(record))
        if found is None:
            raise RecordNotFound(f"no record under entry {record.hex()}", instance=record.hex())
        return Digest(found)

    def records_of(self, patient: Digest) -> Iterator[Digest]:
        """List the entries of a patient's records that are kept."""
        for name in self.base.store.names(f"filed/{patient.hex()}"):
            record = Digest(bytes.fromhex(name.rpartition("/")[2]))
            if not self.base.records.is_erased(record):
                yield record

    def date(self, patient: Digest, record: Digest) -> str:
        """Return what dates a patient's record, such as `2026-11-27`; empty where nothing does."""
        return (self.base.store.get(_filed(patient, record)) or b"").decode()

    def erase(self, record: Digest) -> None:
        """Erase a record, and take it from the list of its patient's records.

        Raises:
            RecordNotFound, ReadOnlyFolder, DiskFull: As `Records.erase` says.
        """
        self.base.records.erase(record)
        owner = self.base.store.get(_belongs(record))
        if owner is not None:
            self.base.store.delete([_filed(Digest(owner), record)])


def seal_owned(
    store: Store,
    records: Records,
    key: RecipientKey,
    owned: Sequence[tuple[Digest | None, Checked]],
    release: Release,
) -> list[Kept]:
    """Seal records for the custodian, and file each under its patient.

    Args:
        store: Where they are kept.
        records: The custodian's records in this store.
        key: The custodian's own key.
        owned: Patient and record; nothing for a record that is no patient's.
        release: Release of FHIR that they are of.

    Raises:
        BadArgument: They are more than `BATCH`.
        TrineError: As `Records.keep` says.
    """
    if len(owned) > BATCH:
        raise BadArgument(f"{len(owned)} records at once, at most {BATCH}")
    kept = records.keep([one for _, one in owned], release, [key.recipient])
    filed: list[tuple[str, bytes]] = []
    for (patient, one), sealed in zip(owned, kept, strict=True):
        if patient is not None:
            filed.append((_belongs(sealed.entry), bytes(patient)))
            filed.append((_filed(patient, sealed.entry), date_of_record(one.resource).encode()))
    store.put(filed)
    return kept


def naming(person: Digest, patient: Digest) -> tuple[str, bytes]:
    """Return the object that notes: this patient's consents or emergencies have named a person.

    It stays when they end: it says where to look, and not what holds.
    """
    return f"{NAMED}/{person.hex()}/{patient.hex()}", b""


def _history(patient: Digest) -> str:
    return f"histories/{patient.hex()}"


def _belongs(record: Digest) -> str:
    return f"belongs/{record.hex()}"


def _filed(patient: Digest, record: Digest) -> str:
    return f"filed/{patient.hex()}/{record.hex()}"
