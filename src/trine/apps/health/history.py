"""Replay a patient's history: what follows from its events, and that each of them was allowed.

Custodian and patient replay the same events with the same code: the custodian to decide, the
patient to check. An event that breaks a rule ends the replay: an access without a consent that
permits it at its place, an emergency without a second person, a consent that the patient did not
sign. `docs/reference/health-access.md`, section 3, lists the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NoReturn

from trine.apps.health import codes
from trine.apps.health.consent import (
    CONSENT_TYPE,
    Decision,
    Given,
    Reason,
    Request,
    Terms,
    decide,
    is_withdrawal,
    read_terms,
)
from trine.apps.health.events import NO_EVENT, Event, Kind, Position
from trine.apps.health.limits import REQUEST_AGE_MS_MAX, REVIEW_MS_MAX
from trine.apps.health.people import Person, Role
from trine.apps.health.requests import (
    AccessRequest,
    Approval,
    CountRequest,
    EmergencyRequest,
    Review,
)
from trine.apps.health.statements import Said, from_text, read_said
from trine.errors import TrineError
from trine.errors.health import (
    ConsentExists,
    ConsentNotUnderstood,
    ConsentUnknown,
    EmergencyRefused,
    HistoryMismatch,
    NotThePatient,
    PersonUnknown,
    StatementUsed,
)
from trine.model.hashing import Suite, tagged_hash, under
from trine.model.identifiers import Digest
from trine.types.calls import PublicKey

SPEAKERS_MAX: Final = 16
"""Keys that speak for one patient: the patient's own and those of guardians."""
_PATIENT_TAG: Final = "trine/health-patient"


class Speaks(StrEnum):
    """As whom a key speaks for a patient."""

    PATIENT = "patient"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Speaker:
    """A key that signs a patient's consents."""

    role: Speaks
    key: PublicKey


def patient_id(key: PublicKey) -> Digest:
    """Name a patient by the first key of the history; SHA-256 on every chain."""
    with under(Suite.INTL):
        return tagged_hash(_PATIENT_TAG, key.algorithm.encode(), b"\0", key.key)


@dataclass(frozen=True, slots=True)
class Emergency:
    """A time for which somebody may open the patient's records without consent."""

    entry: Digest
    """Entry of its event."""
    number: int
    person: Digest
    """Id of the clinician."""
    second: Digest
    """Id of who approved it."""
    first_ms: int
    last_ms: int
    reviewed: int | None = None
    """Number of the event that reviewed it."""
    finding: str = ""
    is_late: bool = False
    """Whether the review came after its deadline."""

    @property
    def deadline_ms(self) -> int:
        """Unix time in milliseconds until which it must be reviewed."""
        return self.first_ms + REVIEW_MS_MAX


class History:
    """What follows from the events of one patient, in the order of the log."""

    def __init__(self, patient: Digest, custodian: str) -> None:
        """Begin with no event."""
        self.patient, self.custodian = patient, custodian
        self.next, self.last, self.time_ms = 0, NO_EVENT, 0
        self.speakers: tuple[Speaker, ...] = ()
        self.consents: dict[str, Given] = {}
        self.emergencies: dict[Digest, Emergency] = {}
        self.used: dict[Digest, int] = {}
        """Number of the event that each statement is in."""
        self.granted: dict[Digest, Event] = {}
        """Access by the id of its request."""

    @property
    def position(self) -> Position:
        """Where the next event stands."""
        return Position(self.patient, self.next, self.last)

    def add(self, event: Event) -> None:
        """Add the next event; nothing changes where it is refused.

        Raises:
            HistoryMismatch: It is not the next one, or was not allowed.
        """
        try:
            if event.position != self.position or event.facts.custodian != self.custodian:
                _refuse("it names another place, patient or custodian")
            if event.time_ms < self.time_ms:
                _refuse("it is earlier than the event before it")
            if (self.next == 0) != (event.kind is Kind.OPENING):
                _refuse("a history has one opening, as its first event")
            _RULES[event.kind](self, event)
        except TrineError as error:
            message = f"event {self.next} of the history was not allowed: {error}"
            raise HistoryMismatch(message) from error
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"event {self.next} of the history is not in the form that is read"
            raise HistoryMismatch(message) from None
        self.next, self.last, self.time_ms = self.next + 1, event.entry, event.time_ms

    def heard(self, data: bytes, now_ms: int) -> Said:
        """Read a statement that was made just now and not used before.

        Raises:
            StatementUsed: It is older than `REQUEST_AGE_MS_MAX`, or in the history.
            CoseSignature, BadHealthStatement and others: As `read_said` says.
        """
        said = read_said(data, now_ms=now_ms)
        if now_ms - said.issued_ms > REQUEST_AGE_MS_MAX:
            raise StatementUsed(f"it was signed over {REQUEST_AGE_MS_MAX // 1_000} seconds ago")
        if said.id in self.used:
            raise StatementUsed(f"it is in event {self.used[said.id]} of the history already")
        return said

    def check_consent(self, data: bytes, now_ms: int) -> tuple[Said, Terms]:
        """Check a signed consent or withdrawal against what is known.

        Raises:
            NotThePatient: No speaker of the patient signed it, or it is about another patient.
            ConsentExists: The identifier was used before.
            ConsentUnknown: There is nothing to withdraw.
            ConsentNotUnderstood, CoseSignature and others: As `read_terms` and `read_said` say.
        """
        said = self.heard(data, now_ms)
        if all(said.key != one.key for one in self.speakers):
            raise NotThePatient("no key of the patient or a guardian signed it")
        if said.content_type != CONSENT_TYPE:
            raise ConsentNotUnderstood(f"a {said.content_type}, expected {CONSENT_TYPE}")
        terms = read_terms(said.body)
        if (terms.patient, terms.custodian) != (self.patient, self.custodian):
            raise NotThePatient("it is about another patient, or the records of another custodian")
        known = self.consents.get(terms.identifier)
        if is_withdrawal(said.body):
            if known is None or known.withdrawn is not None:
                raise ConsentUnknown(f"no consent {terms.identifier} is in force")
        elif known is not None:
            raise ConsentExists(f"the patient has given a consent {terms.identifier} before")
        return said, terms

    def decide(self, request: Request, now_ms: int) -> Decision:
        """Decide by the consents alone."""
        return decide(self.consents.values(), request, now_ms)

    def open_emergency(self, person: Digest, now_ms: int) -> Emergency | None:
        """Return the emergency under which somebody may open records now; a review ends it."""
        open_ = (
            one
            for one in self.emergencies.values()
            if one.person == person
            and one.reviewed is None
            and one.first_ms <= now_ms <= one.last_ms
        )
        return next(open_, None)

    def check_emergency(self, parties: "EmergencyParties", now_ms: int) -> EmergencyRequest:
        """Check an emergency's request and its approval.

        Raises:
            EmergencyRefused: The second person is the first, or approved something else.
            PersonUnknown: One is no clinician.
            StatementUsed, BadHealthStatement and others: As `heard` says.
        """
        said, approved = (self.heard(one, now_ms) for one in (parties.request, parties.approval))
        request, approval = EmergencyRequest.read(said), Approval.read(approved)
        check_signer(said, parties.person, Role.CLINICIAN)
        check_signer(approved, parties.second, Role.CLINICIAN)
        if approval.request != said.id:
            raise EmergencyRefused("the approval is one of another request")
        if parties.second.id == parties.person.id or approved.key == said.key:
            raise EmergencyRefused("the second person is the one who asks")
        if (request.patient, request.custodian) != (self.patient, self.custodian):
            raise EmergencyRefused("it is about another patient, or the records of another")
        return request

    def check_review(self, data: bytes, person: Person, now_ms: int) -> tuple[Said, Review]:
        """Check a review of an emergency.

        Raises:
            EmergencyRefused: There is none to review, or the reviewer took part in it.
            PersonUnknown: The person is no reviewer.
            StatementUsed, BadHealthStatement and others: As `heard` says.
        """
        said = self.heard(data, now_ms)
        review = Review.read(said)
        check_signer(said, person, Role.REVIEWER)
        found = self.emergencies.get(review.emergency)
        if found is None or found.reviewed is not None:
            raise EmergencyRefused("there is no such emergency without a review")
        if person.id in {found.person, found.second}:
            raise EmergencyRefused("the reviewer took part in the emergency")
        return said, review


@dataclass(frozen=True, slots=True)
class EmergencyParties:
    """Who breaks the glass, and who agrees."""

    person: Person
    request: bytes
    second: Person
    approval: bytes


def check_signer(said: Said, person: Person, role: Role | None = None) -> None:
    """Check that a person in a role signed a statement.

    Raises:
        PersonUnknown: The key is another's, or the person has not the role.
    """
    if said.key != person.signing or (role is not None and role not in person.roles):
        raise PersonUnknown(f"the statement was not signed by {person.name} as {role or 'anybody'}")


def _refuse(reason: str) -> NoReturn:
    raise HistoryMismatch(reason)


def _digest(text: Any) -> Digest:
    return Digest(bytes.fromhex(text))


def _add_opening(history: History, event: Event) -> None:
    speakers = read_speakers(event.content["keys"])
    if patient_id(speakers[0].key) != history.patient:
        _refuse("the patient's id is that of another key")
    history.speakers = speakers


def read_speakers(documents: Sequence[Mapping[str, str]]) -> tuple[Speaker, ...]:
    """Read the keys that an opening names.

    Raises:
        HistoryMismatch: There are none, or more than `SPEAKERS_MAX`.
    """
    if not 1 <= len(documents) <= SPEAKERS_MAX:
        _refuse(f"1 to {SPEAKERS_MAX} keys speak for a patient")
    return tuple(
        Speaker(Speaks(one["role"]), PublicKey(one["algorithm"], bytes.fromhex(one["key"])))
        for one in documents
    )


def _add_consent(history: History, event: Event) -> None:
    said, terms = history.check_consent(from_text(event.content["statement"]), event.time_ms)
    if is_withdrawal(said.body) != (event.kind is Kind.WITHDRAWAL):
        _refuse("the statement is of the other kind")
    if event.kind is Kind.WITHDRAWAL:
        given = replace(history.consents[terms.identifier], withdrawn=history.next)
    else:
        given = Given(history.next, terms, event.entry)
    history.consents[terms.identifier] = given
    history.used[said.id] = history.next


def _add_access(history: History, event: Event) -> None:
    content = event.content
    person = Person.read(content["person"])
    said = history.heard(from_text(content["request"]), event.time_ms)
    check_signer(said, person)
    asked = AccessRequest.read(said)
    if (asked.patient, asked.custodian) != (history.patient, history.custodian):
        _refuse("the request is about another patient or custodian")
    if content["record"] != asked.record.hex() or event.facts.purpose != asked.purpose:
        _refuse("the event names another record or purpose than its request")
    _check_basis(history, event, person, request_of(asked, person, content))
    history.used[said.id] = history.next
    history.granted[said.id] = event


def request_of(asked: AccessRequest, person: Person, content: Mapping[str, Any]) -> Request:
    """Return what is decided: a request, with what the custodian says of the record."""
    type_name, found = content["type"], frozenset(content["codes"])
    return Request(person.id, asked.purpose, type_name, found, asked.use)


def _check_basis(history: History, event: Event, person: Person, request: Request) -> None:
    """Check that the consent or emergency that an event names permits it."""
    basis = event.content["basis"]
    if request.purpose == codes.BREAK_GLASS:
        emergency = history.open_emergency(person.id, event.time_ms)
        if emergency is None or basis != {"emergency": emergency.entry.hex()}:
            _refuse("there is no such emergency at its time")
        return
    decision = history.decide(request, event.time_ms)
    if not decision.is_permitted or basis != {"consent": decision.consent}:
        _refuse(f"by the consents before it: {decision.reason}")


def _add_refusal(history: History, event: Event) -> None:
    content = event.content
    person = Person.read(content["person"])
    said = read_said(from_text(content["request"]), now_ms=event.time_ms)
    check_signer(said, person)
    Reason(content["reason"])
    if content.get("access") and history.granted.get(said.id) is None:
        _refuse("it takes back an access that is not in the history")
    history.used.setdefault(said.id, history.next)
    history.granted.pop(said.id, None)


def _add_emergency(history: History, event: Event) -> None:
    content = event.content
    people = [Person.read(content[name]) for name in ("person", "second")]
    statements = [from_text(content[name]) for name in ("request", "approval")]
    parties = EmergencyParties(people[0], statements[0], people[1], statements[1])
    request = history.check_emergency(parties, event.time_ms)
    last_ms = event.time_ms + request.length_ms
    if content["lastMs"] != last_ms or event.facts.purpose != codes.BREAK_GLASS:
        _refuse("it lasts longer than was asked for, or has another purpose")
    person, second = people
    history.emergencies[event.entry] = Emergency(
        event.entry, history.next, person.id, second.id, event.time_ms, last_ms
    )
    for data in statements:
        history.used[read_said(data, now_ms=event.time_ms).id] = history.next


def _add_review(history: History, event: Event) -> None:
    person = Person.read(event.content["person"])
    data = from_text(event.content["review"])
    said, review = history.check_review(data, person, event.time_ms)
    found = history.emergencies[review.emergency]
    history.emergencies[review.emergency] = replace(
        found,
        reviewed=history.next,
        finding=review.finding,
        is_late=event.time_ms > found.deadline_ms,
    )
    history.used[said.id] = history.next


def _add_count(history: History, event: Event) -> None:
    content = event.content
    person = Person.read(content["person"])
    said = history.heard(from_text(content["request"]), event.time_ms)
    check_signer(said, person, Role.RESEARCHER)
    asked = CountRequest.read(said)
    if asked.custodian != history.custodian or event.facts.purpose != asked.purpose:
        _refuse("the request is for another custodian or purpose")
    _check_basis(history, event, person, count_request(asked, person))
    history.used[said.id] = history.next


def count_request(asked: CountRequest, person: Person) -> Request:
    """Return what is decided for each patient whose records would be counted."""
    wanted = frozenset({asked.code}) if asked.code else frozenset()
    return Request(person.id, asked.purpose, asked.type_name, wanted, asked.use)


_RULES: Final[dict[Kind, Callable[[History, Event], None]]] = {
    Kind.OPENING: _add_opening,
    Kind.CONSENT: _add_consent,
    Kind.WITHDRAWAL: _add_consent,
    Kind.ACCESS: _add_access,
    Kind.REFUSAL: _add_refusal,
    Kind.EMERGENCY: _add_emergency,
    Kind.REVIEW: _add_review,
    Kind.COUNT: _add_count,
}
