"""Break the glass: open a patient's records without consent for a time, and answer for it.

An emergency needs a reason, a second clinician's signature, and an end within `EMERGENCY_MS_MAX`.
The patient is told at once. A third person reviews it within `REVIEW_MS_MAX`; somebody with
`OPEN_REVIEWS_MAX` emergencies without a review opens no further one. While it lasts, `AccessDesk`
grants the clinician's requests with the purpose BTG, each with its own entry in the history.
"""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass

from trine.apps.health import audit, codes
from trine.apps.health.custody import Custody, Draft, naming
from trine.apps.health.events import Event, Kind
from trine.apps.health.history import Emergency, EmergencyParties, History
from trine.apps.health.limits import OPEN_REVIEWS_MAX
from trine.apps.health.notices import Notice, Notices, stored
from trine.apps.health.people import Person, Role
from trine.apps.health.requests import Approval, EmergencyRequest, Review
from trine.apps.health.statements import read_said, to_text
from trine.errors import TrineError
from trine.errors.health import EmergencyRefused
from trine.model.identifiers import Digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenReview:
    """An emergency that nobody has reviewed yet."""

    patient: Digest
    emergency: Emergency


class EmergencyDesk:
    """Where clinicians break the glass, and reviewers judge it."""

    def __init__(self, custody: Custody, notices: Notices) -> None:
        """Open emergencies at a custodian.

        Args:
            custody: The custodian's histories.
            notices: How patients are told.
        """
        self._custody, self._notices = custody, notices
        self._locks: defaultdict[Digest, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open(self, request: bytes, approval: bytes) -> Emergency:
        """Begin an emergency; it is final, and the patient's notice is under way, on return.

        Args:
            request: Signed `EmergencyRequest`.
            approval: Signed `Approval` of it by another clinician.

        Raises:
            EmergencyRefused: It breaks a rule.
            PersonUnknown: One of the two is no clinician here.
            StatementUsed: One of the statements is too old, or was used.
            BadHealthStatement, CoseSignature and others: They are no such statements.
            HistoryNotFound, HistoryBusy, TrineError: As `Custody.record` says.
        """
        people, now_ms = self._custody.base.people, self._custody.base.clock()
        said, approved = (read_said(one, now_ms=now_ms) for one in (request, approval))
        asked = EmergencyRequest.read(said)
        Approval.read(approved)
        person, second = (people.by_key(one.key, Role.CLINICIAN) for one in (said, approved))
        parties = EmergencyParties(person, request, second, approval)
        async with self._locks[person.id]:
            await self._check_reviews(person)
            event = await self._custody.record(
                asked.patient, lambda history, at_ms: self._draft(history, at_ms, parties)
            )
        try:
            await self._notices.deliver()
        except TrineError as error:
            # It is in the outbox, durably, and goes out with the next delivery.
            log.warning("the notice of an emergency waits: %s", error.code)
        return (await self._custody.read(asked.patient)).emergencies[event.entry]

    async def _check_reviews(self, person: Person) -> None:
        waiting = len(await self.open_reviews(person.id))
        if waiting >= OPEN_REVIEWS_MAX:
            limit = f"{waiting} emergencies wait for a review, fewer than {OPEN_REVIEWS_MAX} may"
            raise EmergencyRefused(f"{limit} when a further one is opened")

    def _draft(self, history: History, now_ms: int, parties: EmergencyParties) -> Draft:
        asked = history.check_emergency(parties, now_ms)
        person, last_ms = parties.person, now_ms + asked.length_ms
        resource = audit.audit_event(
            audit.OVERRIDE,
            person,
            asked.patient,
            self._custody.custodian,
            now_ms,
            purpose=codes.BREAK_GLASS,
            second=parties.second,
            text=asked.reason,
        )
        content = {
            "audit": resource,
            "person": person.document(),
            "second": parties.second.document(),
            "request": to_text(parties.request),
            "approval": to_text(parties.approval),
            "lastMs": last_ms,
        }

        def beside(event: Event) -> list[tuple[str, bytes]]:
            names = person.name, person.organisation, asked.reason
            notice = Notice(asked.patient, event.entry, *names, now_ms, last_ms)
            waiting = (_waiting(person.id, event.entry), bytes(asked.patient))
            return [stored(notice), waiting, naming(person.id, asked.patient)]

        return Draft(Kind.EMERGENCY, content, codes.BREAK_GLASS, beside)

    async def review(self, patient: Digest, review: bytes) -> Event:
        """Record a reviewer's judgement of an emergency.

        Args:
            patient: Whose records were opened.
            review: Signed `Review`.

        Raises:
            EmergencyRefused: There is nothing to review, or the reviewer took part in it.
            PersonUnknown: The person is no reviewer here.
            StatementUsed, BadHealthStatement, HistoryBusy and others: As `open` says.
        """
        base = self._custody.base
        said = read_said(review, now_ms=base.clock())
        found = Review.read(said)
        person = base.people.by_key(said.key, Role.REVIEWER)

        def draft(history: History, now_ms: int) -> Draft:
            history.check_review(review, person, now_ms)
            resource = audit.audit_event(
                audit.REVIEWED,
                person,
                patient,
                self._custody.custodian,
                now_ms,
                record=found.emergency,
                text=f"{found.finding}: {found.text}",
            )
            content = {"audit": resource, "person": person.document(), "review": to_text(review)}
            return Draft(Kind.REVIEW, content)

        event = await self._custody.record(patient, draft)
        emergency = (await self._custody.read(patient)).emergencies[found.emergency]
        base.store.delete([_waiting(emergency.person, emergency.entry)])
        return event

    async def open_reviews(self, person: Digest | None = None) -> list[OpenReview]:
        """List emergencies without a review, those of one person or of all.

        Raises:
            TrineError: As `Custody.read` says.
        """
        store = self._custody.base.store
        folder = "reviews" if person is None else f"reviews/{person.hex()}"
        found: list[OpenReview] = []
        for name in list(store.names(folder)):
            data, entry = store.get(name), Digest(bytes.fromhex(name.rpartition("/")[2]))
            if data is None:
                continue
            patient = Digest(data)
            emergency = (await self._custody.read(patient)).emergencies.get(entry)
            if emergency is not None and emergency.reviewed is None:
                found.append(OpenReview(patient, emergency))
        return found

    async def overdue(self) -> list[OpenReview]:
        """List emergencies whose review is past its deadline.

        Raises:
            TrineError: As `Custody.read` says.
        """
        now_ms = self._custody.base.clock()
        every = await self.open_reviews()
        return [one for one in every if one.emergency.deadline_ms < now_ms]


def _waiting(person: Digest, emergency: Digest) -> str:
    return f"reviews/{person.hex()}/{emergency.hex()}"
