"""Open a record: check consent, write the audit entry, look once more, and only then hand it out.

1. Read the newest certified state of the patient's consents, and decide.
2. Place an access in the patient's history, or a refusal.
3. Wait until it is final. If another event took its place in the log, decide again.
4. Read the state once more: a withdrawal that came meanwhile is honoured, and a refusal that takes
   the access back is recorded.
5. Hand out the sealed record with a key that only who asked can unwrap.

A crash before step 5 hands out nothing. The same request may then be sent again, while it is young
enough: it gets the record under the access that is in the history already.
"""

from dataclasses import dataclass
from typing import Any

from trine.apps.health import audit, codes
from trine.apps.health.consent import Decision, Reason, Request
from trine.apps.health.custody import Custody, Draft
from trine.apps.health.events import Event, Kind
from trine.apps.health.fields import Disclosure, codings_of
from trine.apps.health.history import History, request_of
from trine.apps.health.limits import REQUEST_AGE_MS_MAX
from trine.apps.health.people import Person
from trine.apps.health.reading import parse
from trine.apps.health.requests import AccessRequest
from trine.apps.health.statements import Said, read_said, to_text
from trine.errors.health import (
    AccessRefused,
    BadHealthStatement,
    RecordNotFound,
    StatementUsed,
)
from trine.model.identifiers import Digest


@dataclass(frozen=True, slots=True)
class Handout:
    """A record for the one who asked."""

    sealed: bytes
    """The sealed record, for `sealing.open_sealed`."""
    keys: bytes
    """Its keys, for the recipient alone."""
    access: Digest
    """Entry of the event that says so, final in the log."""
    number: int
    """Number of that event in the patient's history."""


@dataclass(frozen=True, slots=True)
class FieldsHandout:
    """Some fields of a record for the one who asked."""

    shown: Disclosure
    fields_entry: Digest
    """Entry in the records' log; a proof of it shows that the fields are those of a record."""
    access: Digest
    """Entry of the event that says so, final in the log."""
    number: int
    """Number of that event in the patient's history."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with what is known about it."""

    data: bytes
    said: Said
    request: AccessRequest
    person: Person
    type_name: str


class AccessDesk:
    """Where people ask a custodian for records."""

    def __init__(self, custody: Custody) -> None:
        """Open the records of a custodian."""
        self._custody = custody

    async def open(self, data: bytes) -> Handout:
        """Grant or refuse a signed request; either is in the patient's history on return.

        Args:
            data: Signed `AccessRequest` for a whole record.

        Raises:
            AccessRefused: No consent permits it; `details` has the reason, `instance` the entry of
                the refusal.
            PersonUnknown: Nobody whom the custodian knows signed it.
            RecordErased, RecordNotFound: There is no such record of this patient.
            StatementUsed: The request is too old, or was refused before.
            BadHealthStatement, CoseSignature and others: It is no such request.
            HistoryBusy, TrineError: The chain cannot record it; nothing is handed out.
        """
        asked = self._read(data)
        if asked.request.fields:
            raise BadHealthStatement("the request is for some fields, not for the record")
        base, record = self._custody.base, asked.request.record
        async with base.records.fetched([record]):
            event = await self._grant(asked)
            sealed, keys = base.records.hand_out(record, base.key, asked.person.recipient)
        return Handout(sealed, keys, event.entry, event.position.number)

    async def disclose(self, data: bytes) -> FieldsHandout:
        """Do the same for some fields of a record, of which nothing else is shown.

        Args:
            data: Signed `AccessRequest` with fields.

        Raises:
            BadArgument: The record has no such field.
            AccessRefused and others: As `open` says.
        """
        asked = self._read(data)
        if not asked.request.fields:
            raise BadHealthStatement("the request names no fields")
        async with self._custody.base.records.fetched([asked.request.record]):
            # Before the access is recorded, so that none is recorded for a field that is not there.
            fields = self._custody.fields(asked.request.record)
            shown = fields.disclose(asked.request.fields)
            event = await self._grant(asked)
        self._custody.owner(asked.request.record)
        return FieldsHandout(shown, fields.entry, event.entry, event.position.number)

    async def _grant(self, asked: _Asked) -> Event:
        """Record an access, look once more, and return its event."""
        patient = asked.request.patient
        event = (await self._custody.read(patient)).granted.get(asked.said.id)
        if event is None:
            event = await self._custody.record(
                patient, lambda history, now_ms: self._draft(asked, history, now_ms)
            )
        if event.kind is Kind.REFUSAL:
            raise _refused(event)
        history = await self._custody.read(patient)
        now_ms = max(self._custody.base.clock(), history.time_ms)
        if now_ms - asked.said.issued_ms > REQUEST_AGE_MS_MAX:
            raise StatementUsed("the request became too old before the record was handed out")
        if asked.said.id not in history.granted:
            raise AccessRefused("the access was taken back", instance=event.entry.hex())
        if not self._decide(asked, history, now_ms)[1].is_permitted:
            raise _refused(await self._take_back(asked, event))
        return event

    async def _take_back(self, asked: _Asked, access: Event) -> Event:
        def draft(history: History, now_ms: int) -> Draft:
            decision = self._decide(asked, history, now_ms)[1]
            reason = Reason.WITHDRAWN if decision.is_permitted else decision.reason
            return self._refusal(asked, reason, now_ms, access.entry)

        return await self._custody.record(asked.request.patient, draft)

    def _read(self, data: bytes) -> _Asked:
        custody = self._custody
        now_ms = custody.base.clock()
        said = read_said(data, now_ms=now_ms)
        request = AccessRequest.read(said)
        person = custody.base.people.by_key(said.key)
        if request.custodian != custody.custodian:
            raise RecordNotFound(f"the request is for {request.custodian}, not kept here")
        if custody.owner(request.record) != request.patient:
            message = f"no record under entry {request.record.hex()} of this patient"
            raise RecordNotFound(message, instance=request.record.hex())
        facts = custody.base.records.facts(request.record)
        return _Asked(data, said, request, person, facts.type_name)

    def _draft(self, asked: _Asked, history: History, now_ms: int) -> Draft:
        history.heard(asked.data, now_ms)
        request, decision = self._decide(asked, history, now_ms)
        if not decision.is_permitted:
            return self._refusal(asked, decision.reason, now_ms)
        emergency = history.open_emergency(asked.person.id, now_ms)
        basis = {"consent": decision.consent}
        if asked.request.purpose == codes.BREAK_GLASS and emergency is not None:
            basis = {"emergency": emergency.entry.hex()}
        content = self._content(asked, audit.READ, now_ms)
        content |= {
            "basis": basis,
            "record": asked.request.record.hex(),
            "type": request.type_name,
            "codes": sorted(request.codes),
        }
        return Draft(Kind.ACCESS, content, asked.request.purpose)

    def _decide(self, asked: _Asked, history: History, now_ms: int) -> tuple[Request, Decision]:
        """Decide on the newest state; an emergency stands for a consent to break the glass."""
        named = {code for given in history.consents.values() for code in given.terms.codes}
        found = named & self._codes(asked.request.record) if named else set()
        content = {"type": asked.type_name, "codes": sorted(found)}
        request = request_of(asked.request, asked.person, content)
        if asked.request.purpose != codes.BREAK_GLASS:
            return request, history.decide(request, now_ms)
        is_open = history.open_emergency(asked.person.id, now_ms) is not None
        return request, Decision(Reason.PERMITTED if is_open else Reason.NO_CONSENT)

    def _codes(self, record: Digest) -> set[str]:
        base = self._custody.base
        return set(codings_of(parse(base.records.open(record, base.key).resource)))

    def _refusal(
        self, asked: _Asked, reason: Reason, now_ms: int, access: Digest | None = None
    ) -> Draft:
        content = self._content(asked, audit.READ, now_ms, refusal=reason.value)
        content |= {"reason": reason.value, "record": asked.request.record.hex()}
        if access is not None:
            content["access"] = access.hex()
        return Draft(Kind.REFUSAL, content, asked.request.purpose)

    def _content(
        self, asked: _Asked, what: audit.What, now_ms: int, *, refusal: str = ""
    ) -> dict[str, Any]:
        request = asked.request
        resource = audit.audit_event(
            what,
            asked.person,
            request.patient,
            self._custody.custodian,
            now_ms,
            purpose=request.purpose,
            record=request.record,
            refusal=refusal,
            text=request.reason,
        )
        request_text = to_text(asked.data)
        return {"audit": resource, "person": asked.person.document(), "request": request_text}


def _refused(event: Event) -> AccessRefused:
    reason = str(event.content["reason"])
    error = AccessRefused(f"access refused: {reason}", instance=event.entry.hex())
    error.details |= {"reason": reason, "number": event.position.number}
    return error
