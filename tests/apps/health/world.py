"""Build a custodian with people, a patient and records, over a log in memory or of a chain."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.apps.health.samples import OBSERVATION
from tests.suite import SUITE
from trine.apps.health.access import AccessDesk
from trine.apps.health.breakglass import EmergencyDesk
from trine.apps.health.consent import CONSENT_TYPE, Terms, resource_of
from trine.apps.health.custody import Base, Custody
from trine.apps.health.definitions import Release
from trine.apps.health.entries import Entries, Part
from trine.apps.health.history import Speaker, Speaks
from trine.apps.health.log import CertifiedHead, EventLog
from trine.apps.health.notices import Notice, Notices
from trine.apps.health.people import People, Person, Role
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import Records
from trine.apps.health.requests import AccessRequest, Approval, EmergencyRequest
from trine.apps.health.statements import read_said, sign_said
from trine.apps.health.store import FolderStore
from trine.apps.health.validation import validate
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.model.identifiers import Digest
from trine.services.evidence import cose

CUSTODIAN = "hospital"
START_MS = 1_800_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
WEIGHT = "http://loinc.org|29463-7"
ALGORITHM = SUITE_ALGORITHMS[SUITE]
PRIVATE_KEY = SecretKey(ALGORITHM, bytes([1]) * 32)
GUARDIAN_KEY = SecretKey(ALGORITHM, bytes([2]) * 32)
T = TypeVar("T")


class MemoryLog:
    """A log without a chain, for tests of what is decided; tests on a chain use the real one."""

    suite = SUITE

    def __init__(self) -> None:
        self.all: list[Digest] = []
        self.before: list[Callable[[], Awaitable[object]]] = []
        """Run before the next append, one for each."""
        self.after: list[Callable[[], Awaitable[object]]] = []
        """Run after the next append, when what it appended is final."""

    async def append(self, entries: Sequence[Digest]) -> None:
        """Add entries; others may come first."""
        if self.before:
            await self.before.pop(0)()
        self.all += entries
        if self.after:
            await self.after.pop(0)()

    async def refresh(self) -> None:
        """Everything is known."""

    def first(self, entry: Digest) -> int | None:
        """The first index of an entry."""
        return self.all.index(entry) if entry in self.all else None

    def entry(self, index: int) -> Digest | None:
        """An entry."""
        return self.all[index] if index < len(self.all) else None

    @property
    def head(self) -> CertifiedHead | None:
        """A head without a proof."""
        return CertifiedHead(0, len(self.all), START_MS, b"") if self.all else None


@dataclass
class Actor:
    """A person with the secret keys."""

    person: Person
    signing: SecretKey
    opening: RecipientKey


@dataclass
class Post:
    """A sender that keeps notices, or fails."""

    sent: list[Notice] = field(default_factory=list)
    is_down: bool = False

    async def send(self, notice: Notice) -> None:
        """Keep a notice."""
        if self.is_down:
            raise OSError("the post is closed")
        self.sent.append(notice)


def actor(number: int, name: str, *roles: Role) -> Actor:
    """Make a person."""
    signing = SecretKey(ALGORITHM, bytes([number]) * 32)
    opening = RecipientKey(bytes([number]) * 32, SUITE)
    public = opening.recipient.public_key
    person = Person(name, CUSTODIAN, frozenset(roles), cose.public_key(signing), public)
    return Actor(person, signing, opening)


DOCTOR = actor(11, "Dr. Li", Role.CLINICIAN)
SECOND = actor(12, "Dr. Wang", Role.CLINICIAN)
REVIEWER = actor(13, "Prof. Chen", Role.REVIEWER)
RESEARCHER = actor(14, "Dr. Zhou", Role.RESEARCHER)
INSURER = actor(15, "Mr. Sun", Role.STAFF)
STRANGER = actor(16, "Mallory")


class World:
    """One custodian."""

    def __init__(
        self, folder: Path, log: EventLog | None = None, records_log: EventLog | None = None
    ) -> None:
        self.now_ms = START_MS
        self.folder = folder
        self.memory = MemoryLog()
        self.log: EventLog = log or self.memory
        self.records_log: EventLog = records_log or MemoryLog()
        self.post = Post()
        self.start()

    def start(self) -> None:
        """Start the program anew over the same folder and logs."""
        store = FolderStore(self.folder)
        records = Records(store, self.log.suite, CUSTODIAN)
        people = People(store)
        for one in (DOCTOR, SECOND, REVIEWER, RESEARCHER, INSURER):
            people.add(one.person)
        key = RecipientKey(bytes([99]) * 32, SUITE)
        logs = self.log, self.records_log
        self.store = store
        self.custody = Custody(Base(store, *logs, records, key, people, lambda: self.now_ms))
        self.desk = AccessDesk(self.custody)
        self.notices = Notices(self.custody, self.post)
        self.emergencies = EmergencyDesk(self.custody, self.notices)

    async def open_patient(self, key: SecretKey = PRIVATE_KEY, *others: SecretKey) -> Digest:
        """Begin a history."""
        speakers = [Speaker(Speaks.PATIENT, cose.public_key(key))]
        speakers += [Speaker(Speaks.GUARDIAN, cose.public_key(one)) for one in others]
        return await self.custody.open_history(speakers)

    async def keep(self, patient: Digest, **elements: Any) -> Digest:
        """Keep an observation of a patient."""
        checked = validate({**OBSERVATION, **elements}, Release.R4)
        return (await self.custody.keep(patient, [checked], Release.R4))[0].entry

    def consent(self, terms: Terms, key: SecretKey = PRIVATE_KEY, status: str = "active") -> bytes:
        """Sign a consent, or its withdrawal."""
        resource = resource_of(terms, status=status)
        subject, type_ = terms.identifier, CONSENT_TYPE
        return sign_said(resource, key, subject=subject, now_ms=self.now_ms, content_type=type_)

    async def give(self, terms: Terms, key: SecretKey = PRIVATE_KEY) -> None:
        """Give a consent."""
        await self.custody.give_consent(terms.patient, self.consent(terms, key))

    async def withdraw(self, terms: Terms, key: SecretKey = PRIVATE_KEY) -> None:
        """Withdraw a consent."""
        statement = self.consent(terms, key, "inactive")
        await self.custody.withdraw_consent(terms.patient, statement)

    def ask(
        self, patient: Digest, record: Digest, purpose: str = "TREAT", by: Actor = DOCTOR,
        **fields: Any,
    ) -> bytes:  # fmt: skip
        """Sign a request."""
        request = AccessRequest(CUSTODIAN, patient, record, purpose, **fields)
        return request.sign(by.signing, now_ms=self.now_ms)

    def break_glass(
        self, patient: Digest, minutes: int = 60, by: Actor = DOCTOR, second: Actor = SECOND
    ) -> tuple[bytes, bytes]:
        """Sign an emergency's request and its approval."""
        request = EmergencyRequest(CUSTODIAN, patient, "unconscious", minutes * MINUTE_MS)
        data = request.sign(by.signing, now_ms=self.now_ms)
        approval = Approval(read_said(data, now_ms=self.now_ms).id)
        return data, approval.sign(second.signing, now_ms=self.now_ms)


def terms_for(patient: Digest, identifier: str = "c-1", **fields: Any) -> Terms:
    """Terms that let the doctor treat, unless fields say otherwise."""
    given: dict[str, Any] = {
        "recipients": frozenset({DOCTOR.person.id}),
        "purposes": frozenset({"TREAT"}),
    }
    return Terms(identifier, patient, CUSTODIAN, **(given | fields))


def whole(entries: Sequence[Digest]) -> Part:
    """A log of these entries and no others."""
    return Entries(entries).upto(len(entries))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)
