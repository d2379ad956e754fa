"""Do what people ask of a hospital, signed with the keys of their accounts.

One method for each thing that a page or a command does. Whoever keeps their keys elsewhere signs
the same requests (`requests`, `consent`) and brings them to the desks of `hospital.Hospital`.
"""

import asyncio
from typing import Final, NamedTuple

from trine.apps.health.accounts import Account
from trine.apps.health.claims import ProvenDisclosure
from trine.apps.health.consent import CONSENT_TYPE, Terms, resource_of
from trine.apps.health.custody import Custody
from trine.apps.health.events import Event
from trine.apps.health.history import Emergency
from trine.apps.health.hospital import Hospital
from trine.apps.health.limits import REQUEST_AGE_MS_MAX
from trine.apps.health.oversight import Oversight, export_report, verify_report
from trine.apps.health.patient import (
    HistoryFile,
    VerifiedHistory,
    check_history,
    export_history,
)
from trine.apps.health.people import Person, Role
from trine.apps.health.requests import (
    AccessRequest,
    Approval,
    CountRequest,
    EmergencyRequest,
    Review,
)
from trine.apps.health.research import Count
from trine.apps.health.sealing import OpenedRecord, open_sealed
from trine.apps.health.statements import read_said, sign_said
from trine.apps.health.uses import ResearchUse
from trine.errors.health import ConsentUnknown, StatementUsed
from trine.model.identifiers import Digest
from trine.services.evidence import cose

ASKED: Final = "asked"
"""Folder of requests for an emergency that wait for their second person."""


class AskedEmergency(NamedTuple):
    """A request for an emergency that waits for its second person.

    Attributes:
        id: Id of the request.
        person: Who asks.
        patient: Whose records shall be opened.
        reason: Why, in words.
        length_ms: For how long, in milliseconds.
        asked_ms: When it was signed, Unix time in milliseconds.
    """

    id: Digest
    person: Person
    patient: Digest
    reason: str
    length_ms: int
    asked_ms: int


class Actions:
    """What people do at one hospital. All methods are for one event loop."""

    def __init__(self, hospital: Hospital) -> None:
        """Act at a hospital."""
        self._hospital = hospital

    @property
    def _custody(self) -> Custody:
        return self._hospital.custody

    def _now_ms(self) -> int:
        return self._custody.base.clock()

    async def open_record(
        self,
        account: Account,
        record: Digest,
        purpose: str,
        reason: str = "",
        use: ResearchUse | None = None,
    ) -> OpenedRecord:
        """Ask for a record and open it; the access, or the refusal, is in the patient's history.

        Args:
            account: Who asks.
            record: Entry of the record.
            purpose: Code of PurposeOfUse, such as `TREAT`; `BTG` in an emergency.
            reason: Why, in words, for the patient.
            use: The research, where it is research.

        Raises:
            AccessRefused: No consent permits it.
            PersonUnknown, RecordErased, RecordNotFound and others: As `AccessDesk.open` says.
        """
        patient = self._custody.owner(record)
        asked = AccessRequest(self._custody.custodian, patient, record, purpose, reason, use)
        handed = await self._hospital.desk.open(self._sign(asked, account))
        return open_sealed(handed.sealed, handed.keys, account.opening)

    async def disclose(
        self, account: Account, record: Digest, purpose: str, fields: tuple[str, ...]
    ) -> ProvenDisclosure:
        """Show some fields of a record and nothing else of it, with the chain's proof.

        Raises:
            BadArgument: The record has no such field.
            AccessRefused and others: As `AccessDesk.disclose` says.
        """
        patient = self._custody.owner(record)
        asked = AccessRequest(self._custody.custodian, patient, record, purpose, fields=fields)
        shown = await self._hospital.desk.disclose(self._sign(asked, account))
        await self._hospital.records_log.refresh()
        proof = await self._hospital.records_log.prove(shown.fields_entry)
        return ProvenDisclosure(shown.shown, proof)

    async def give_consent(self, account: Account, terms: Terms) -> Event:
        """Give a consent as the patient, or a guardian.

        Raises:
            NotThePatient, ConsentExists, ConsentNotUnderstood and others: As
                `Custody.give_consent` says.
        """
        statement = self._consent(account, terms, "active")
        return await self._custody.give_consent(terms.patient, statement)

    async def withdraw_consent(self, account: Account, patient: Digest, identifier: str) -> Event:
        """Withdraw a consent, for good.

        Raises:
            ConsentUnknown: There is none of this identifier in force.
            NotThePatient and others: As `Custody.withdraw_consent` says.
        """
        given = (await self._custody.read(patient)).consents.get(identifier)
        if given is None:
            raise ConsentUnknown(f"the patient has given no consent {identifier}")
        statement = self._consent(account, given.terms, "inactive")
        return await self._custody.withdraw_consent(patient, statement)

    def _consent(self, account: Account, terms: Terms, status: str) -> bytes:
        return sign_said(
            resource_of(terms, status=status),
            account.signing,
            subject=terms.identifier,
            now_ms=self._now_ms(),
            content_type=CONSENT_TYPE,
        )

    def ask_emergency(
        self, account: Account, patient: Digest, reason: str, length_ms: int
    ) -> Digest:
        """Ask to break the glass; returns the id of the request, which a second person approves.

        Args:
            account: The clinician's.
            patient: Whose records shall be opened.
            reason: Why, in words, for the patient and the reviewer.
            length_ms: For how long, in milliseconds; whole minutes.

        Raises:
            BadHealthStatement: It has no reason, or is too long.
            PersonUnknown: The account is that of no clinician here.
        """
        asked = EmergencyRequest(self._custody.custodian, patient, reason, length_ms)
        data = asked.sign(account.signing, now_ms=self._now_ms())
        said = read_said(data, now_ms=self._now_ms())
        EmergencyRequest.read(said)
        self._hospital.people.by_key(said.key, Role.CLINICIAN)
        self._hospital.store.put([(f"{ASKED}/{said.id.hex()}", data)])
        return said.id

    def asked_emergencies(self) -> list[AskedEmergency]:
        """List the requests that wait; those that are too old to be approved are dropped."""
        store, now_ms = self._hospital.store, self._now_ms()
        found: list[AskedEmergency] = []
        for name in list(store.names(ASKED)):
            data = store.get(name)
            if data is None:
                continue
            said = read_said(data, now_ms=now_ms)
            if now_ms - said.issued_ms > REQUEST_AGE_MS_MAX:
                store.delete([name])
                continue
            asked = EmergencyRequest.read(said)
            person = self._hospital.people.by_key(said.key)
            about = asked.patient, asked.reason, asked.length_ms
            found.append(AskedEmergency(said.id, person, *about, said.issued_ms))
        return sorted(found, key=lambda one: one.asked_ms)

    async def approve_emergency(self, account: Account, request: Digest) -> Emergency:
        """Approve a request as the second person; the emergency begins.

        Args:
            account: Another clinician's.
            request: Id of the request.

        Raises:
            StatementUsed: There is no such request that waits.
            EmergencyRefused, PersonUnknown and others: As `EmergencyDesk.open` says.
        """
        name = f"{ASKED}/{request.hex()}"
        data = self._hospital.store.get(name)
        if data is None:
            raise StatementUsed("no such request waits for a second person")
        approval = Approval(request).sign(account.signing, now_ms=self._now_ms())
        emergency = await self._hospital.emergencies.open(data, approval)
        self._hospital.store.delete([name])
        return emergency

    async def review(
        self, account: Account, patient: Digest, emergency: Digest, finding: str, text: str
    ) -> Event:
        """Judge an emergency.

        Args:
            account: The reviewer's, who took no part in it.
            patient: Whose records were opened.
            emergency: Entry of the emergency.
            finding: `justified` or `unjustified`.
            text: Why, in words.

        Raises:
            EmergencyRefused, PersonUnknown and others: As `EmergencyDesk.review` says.
        """
        review = Review(emergency, finding, text)
        data = review.sign(account.signing, now_ms=self._now_ms())
        return await self._hospital.emergencies.review(patient, data)

    async def count(
        self,
        account: Account,
        type_name: str,
        use: ResearchUse,
        code: str = "",
        months: tuple[str, str] = ("", ""),
    ) -> Count:
        """Count patients who consented to a project and have a record of a kind.

        Args:
            account: The researcher's.
            type_name: Resource type of the record.
            use: The project.
            code: `system|code` that the record has; empty: any record of the type.
            months: First and last month of the record, such as `2026-01`; empty: no bound.

        Raises:
            PersonUnknown, StatementUsed, BadHealthStatement and others: As `ResearchDesk.count`
                says.
        """
        asked = CountRequest(self._custody.custodian, type_name, "HRESCH", use, code, *months)
        data = asked.sign(account.signing, now_ms=self._now_ms())
        return await self._hospital.research.count(data)

    async def history(self, patient: Digest) -> VerifiedHistory:
        """Return a patient's history, checked against every entry of the log.

        Raises:
            HistoryNotFound, HistoryIncomplete, HistoryMismatch and others: As `export_history` and
                `check_history` say.
        """
        return (await self.shown_history(patient))[1]

    async def shown_history(self, patient: Digest) -> tuple[HistoryFile, VerifiedHistory]:
        """Return a patient's history file, and what it shows.

        The entries are those that this program hashed to the root that the validators certified;
        they are not hashed again for each patient who asks.

        Raises:
            HistoryNotFound, HistoryIncomplete, HistoryMismatch and others: As `history` says.
        """
        file = await export_history(self._custody, patient)
        entries = self._hospital.log.upto(file.head.size)
        found = await asyncio.to_thread(check_history, file, entries)
        chain = self._hospital.trust.chain
        return file, VerifiedHistory(chain, file.head.time_ms, found)

    async def report(self) -> Oversight:
        """Return what a regulator sees, verified against every entry of the log.

        Raises:
            HistoryIncomplete, HistoryMismatch and others: As `export_report` and `verify_report`
                say.
        """
        report = await export_report(self._custody)
        entries = self._hospital.log.entries(report.head.size)
        log = self._hospital.founding.histories_log
        return verify_report(report, entries, self._hospital.trust, log)

    def speaks_for(self, account: Account) -> Digest | None:
        """Return the patient whose own account it is; nothing where it is no patient's."""
        store = self._hospital.store
        key = account.patient
        return None if store.get(f"histories/{key.hex()}") is None else key

    def person(self, account: Account) -> Person:
        """Return whom the hospital knows under an account.

        Raises:
            PersonUnknown: Nobody.
        """
        return self._hospital.people.by_key(cose.public_key(account.signing))

    def _sign(self, asked: AccessRequest, account: Account) -> bytes:
        return asked.sign(account.signing, now_ms=self._now_ms())
