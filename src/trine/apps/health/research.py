"""Count consented records for research: numbers and proofs, no content.

A patient is counted if a consent permits the request and one of the patient's records fits. That
their records were counted stands in the history of each, final before the number is told. Numbers
below `SMALL_CELL_MIN` are not told, nor is which consents they come from.

Somebody who asks many overlapping questions may still learn about single patients from differences.
Suppression does not end that: look at the requests, which are signed and recorded.
"""

from dataclasses import dataclass

from trine.apps.health import audit
from trine.apps.health.consent import Decision
from trine.apps.health.custody import Custody, Draft
from trine.apps.health.events import Kind
from trine.apps.health.fields import codings_of, month_of_record
from trine.apps.health.history import History, count_request
from trine.apps.health.limits import SMALL_CELL_MIN
from trine.apps.health.people import Person, Role
from trine.apps.health.reading import parse
from trine.apps.health.requests import CountRequest
from trine.apps.health.statements import read_said, to_text
from trine.errors.health import BadHealthStatement, RecordErased
from trine.model.identifiers import Digest


@dataclass(frozen=True, slots=True)
class Count:
    """What a researcher is told."""

    patients: int | None
    """Patients with a record that fits; nothing where they are fewer than `SMALL_CELL_MIN`."""
    consents: tuple[Digest, ...]
    """Entries of the consents that it rests on, in the order of their bytes; empty where the number
    is not told."""
    counted: tuple[Digest, ...]
    """Entries of the events in the histories of those who were counted; empty as above."""


class ResearchDesk:
    """Where researchers ask a custodian for counts."""

    def __init__(self, custody: Custody) -> None:
        """Count the records of a custodian."""
        self._custody = custody

    async def count(self, data: bytes) -> Count:
        """Answer a signed request.

        Args:
            data: Signed `CountRequest`.

        Raises:
            PersonUnknown: No researcher whom the custodian knows signed it.
            BadHealthStatement, CoseSignature and others: It is no such request.
            StatementUsed: It is too old, or was answered before.
            TrineError: The chain cannot record it; no number is told.
        """
        base = self._custody.base
        said = read_said(data, now_ms=base.clock())
        asked = CountRequest.read(said)
        person = base.people.by_key(said.key, Role.RESEARCHER)
        if asked.custodian != self._custody.custodian:
            raise BadHealthStatement(f"the request is for {asked.custodian}")
        consents: list[Digest] = []
        counted: list[Digest] = []
        for patient in list(self._custody.patients()):
            consent = await self._count_one(patient, data, asked, person)
            if consent is not None:
                consents.append(consent[0])
                counted.append(consent[1])
        if len(consents) < SMALL_CELL_MIN:
            return Count(None, (), ())
        return Count(len(consents), tuple(sorted(consents)), tuple(sorted(counted)))

    async def _count_one(
        self, patient: Digest, data: bytes, asked: CountRequest, person: Person
    ) -> tuple[Digest, Digest] | None:
        """Count one patient; returns the entries of consent and event, or nothing."""
        history = await self._custody.read(patient)
        now_ms = max(self._custody.base.clock(), history.time_ms)
        history.heard(data, now_ms)
        request = count_request(asked, person)
        if not history.decide(request, now_ms).is_permitted:
            return None
        if not await self._fits(patient, asked):
            return None
        decided: list[tuple[Decision, Digest]] = []

        def draft(newest: History, at_ms: int) -> Draft:
            newest.heard(data, at_ms)
            decision = newest.decide(request, at_ms)
            if not decision.is_permitted or decision.consent is None:
                raise _Withdrawn
            decided.append((decision, newest.consents[decision.consent].entry))
            resource = audit.audit_event(
                audit.SEARCH,
                person,
                patient,
                self._custody.custodian,
                at_ms,
                purpose=asked.purpose,
                text=f"{asked.use.project}: records of {asked.type_name} were counted",
            )
            content = {
                "audit": resource,
                "person": person.document(),
                "request": to_text(data),
                "basis": {"consent": decision.consent},
                "type": asked.type_name,
            }
            return Draft(Kind.COUNT, content, asked.purpose)

        try:
            event = await self._custody.record(patient, draft)
        except _Withdrawn:
            return None
        return decided[-1][1], event.entry

    async def _fits(self, patient: Digest, asked: CountRequest) -> bool:
        """Say whether the patient has a record that is asked for."""
        base = self._custody.base
        for entry in self._custody.records_of(patient):
            try:
                if base.records.facts(entry).type_name != asked.type_name:
                    continue
                async with base.records.fetched([entry]):
                    resource = parse(base.records.open(entry, base.key).resource)
            except RecordErased:
                continue
            month = month_of_record(resource)
            is_in_time = asked.first_month <= month <= (asked.last_month or "9999-99")
            if is_in_time and (not asked.code or asked.code in set(codings_of(resource))):
                return True
        return False


class _Withdrawn(Exception):
    """The consent was withdrawn while the patient was being counted."""
