"""Tell the story of a hospital: people give consent, open records, break the glass, count, check.

Every step is done as in earnest, by accounts of people who are made up, at a hospital that holds
records already. What a step says of itself was checked in it: a refusal that does not come, or a
history that does not verify, ends the story with an error.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from trine.apps.health import codes
from trine.apps.health.access import AccessDesk
from trine.apps.health.accounts import Account, account_of
from trine.apps.health.actions import Actions
from trine.apps.health.admissions import Patient
from trine.apps.health.claims import check_claim, claim_for
from trine.apps.health.consent import Reason, Terms
from trine.apps.health.custody import Custody
from trine.apps.health.events import Kind
from trine.apps.health.fields import CUSTODIAN, MONTH, TYPE
from trine.apps.health.history import Emergency
from trine.apps.health.hospital import Hospital, Listed
from trine.apps.health.limits import SMALL_CELL_MIN
from trine.apps.health.log import CertifiedHead, EventLog
from trine.apps.health.people import Role
from trine.apps.health.requests import AccessRequest
from trine.apps.health.uses import ResearchUse
from trine.errors import BadArgument, Internal
from trine.errors.health import AccessRefused, RecordErased
from trine.model.identifiers import Digest

CLINICIAN, SECOND, REVIEWER, RESEARCHER, INSURER, PATIENT = (
    "dr-lin", "dr-braun", "prof-okafor", "ms-novak", "mr-sato", "patient",
)  # fmt: skip
PEOPLE: Final = (
    (CLINICIAN, "Dr. Lin Mei", Role.CLINICIAN, ""),
    (SECOND, "Dr. Jonas Braun", Role.CLINICIAN, ""),
    (REVIEWER, "Prof. Ada Okafor", Role.REVIEWER, ""),
    (RESEARCHER, "Eva Novak", Role.RESEARCHER, "university"),
    (INSURER, "Kenji Sato", Role.STAFF, "Harbour Insurance"),
)
"""Accounts of the story: name, the person's name, role, organisation (empty: the hospital)."""
CONSENTING: Final = SMALL_CELL_MIN + 2
"""Patients who consent to research: enough for a number to be told."""
EMERGENCY_MS: Final = 60 * 60 * 1_000
STUDY: Final = ResearchUse(
    "study-7", is_commercial=False, is_for_profit=False, institution="university"
)
STUDY_TERMS: Final = {"DUO_0000006": "", "DUO_0000018": ""}
"""Health research, neither commercial nor for profit (GA4GH DUO)."""
FIELDS: Final = (CUSTODIAN, TYPE, MONTH)
"""What the insurer sees of a record."""

Tell = Callable[[str], None]


class Step(NamedTuple):
    """One step of the story.

    Attributes:
        name: Name of the step, for programs.
        title: What it is about, for people.
        outcome: What came of it.
        entry: Entry of the event in the log that says so, in hexadecimal; empty where there is
            none.
    """

    name: str
    title: str
    outcome: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Whom and what the story is about."""

    patient: Patient
    record: Listed
    """The record that people open."""
    other: Listed | None
    """The record that is erased; nothing where there is only one."""

    @property
    def name(self) -> str:
        return self.patient.name or f"patient {self.patient.id.hex()[:8]}"


class Meanwhile:
    """An event log in which something happens after a decision, before its event is recorded."""

    def __init__(self, log: EventLog, happening: Callable[[], Awaitable[object]]) -> None:
        """Let it happen once, before the next append."""
        self._log, self.suite = log, log.suite
        self._happening: Callable[[], Awaitable[object]] | None = happening

    async def append(self, entries: Sequence[Digest], media_type: str = "") -> None:
        """Let it happen; then add entries."""
        happening, self._happening = self._happening, None
        if happening is not None:
            await happening()
        await self._log.append(entries, media_type)

    async def refresh(self) -> None:
        """Learn of newer entries."""
        await self._log.refresh()

    def first(self, entry: Digest) -> int | None:
        """Return the first index of an entry."""
        return self._log.first(entry)

    def entry(self, index: int) -> Digest | None:
        """Return an entry."""
        return self._log.entry(index)

    @property
    def head(self) -> CertifiedHead | None:
        """The newest head."""
        return self._log.head


class Story:
    """The story at one hospital; for one event loop."""

    def __init__(self, hospital: Hospital, password: Callable[[str], bytes], tell: Tell) -> None:
        """Prepare.

        Args:
            hospital: A hospital that holds records of patients.
            password: Gives the password of a new account, by its name.
            tell: Told what happens, in words.
        """
        self._hospital, self._actions = hospital, Actions(hospital)
        self._password, self._tell = password, tell
        self._accounts: dict[str, Account] = {}
        self._steps: list[Step] = []

    async def run(self) -> list[Step]:
        """Tell it from begin to end.

        Raises:
            BadArgument: The hospital holds no record of a patient.
            Internal: A step ended otherwise than it must.
            TrineError: The chain does not answer, or a step was refused.
        """
        chosen = self._choose()
        self._enrol(chosen)
        await self._consent(chosen)
        await self._open(chosen)
        await self._refuse(chosen)
        emergency = await self._break_glass(chosen)
        await self._review(chosen, emergency)
        await self._withdraw(chosen)
        await self._claim(chosen)
        await self._count(chosen)
        await self._erase(chosen)
        await self._history(chosen)
        await self._report()
        return self._steps

    def _end(self, name: str, title: str, outcome: str, entry: str = "") -> None:
        self._steps.append(Step(name, title, outcome, entry))
        self._tell(f"{title}: {outcome}")

    def _choose(self) -> _Chosen:
        """Choose the patient with the most records, and the newest observation if there is one."""
        everyone = list(self._hospital.admissions.everyone())
        patient = max(everyone, key=lambda one: (one.records, one.local_id), default=None)
        if patient is None or not patient.records:
            raise BadArgument("no record that was accepted is a patient's: the story needs one")
        listed = sorted(
            self._hospital.list_records(patient.id),
            key=lambda one: (
                one.type_name != "Patient",
                bool(one.date),
                one.type_name == "Observation",
                one.date,
                one.record,
            ),
            reverse=True,
        )
        others = [one for one in listed[1:] if one.type_name != "Patient"]
        return _Chosen(patient, listed[0], others[0] if others else None)

    def _enrol(self, chosen: _Chosen) -> None:
        hospital = self._hospital
        for name, title, role, organisation in PEOPLE:
            account = hospital.accounts.create(name, self._password(name))
            hospital.enrol(account, title, role, organisation=organisation)
            self._accounts[name] = account
        local_id = chosen.patient.local_id
        key = hospital.admissions.key_of(local_id)
        account = hospital.accounts.create(PATIENT, self._password(PATIENT), key)
        hospital.admissions.forget_key(local_id)
        self._accounts[PATIENT] = account
        self._end(
            "accounts",
            "Accounts",
            f"{len(PEOPLE)} people and the patient {chosen.name} have keys of their own; "
            "the hospital's copy of the patient's key is destroyed",
        )

    def _id(self, name: str) -> Digest:
        return self._actions.person(self._accounts[name]).id

    def _terms(self, identifier: str, patient: Digest, who: str, purpose: str) -> Terms:
        given = frozenset({self._id(who)}), frozenset({purpose})
        uses = STUDY_TERMS if purpose == codes.RESEARCH else {}
        return Terms(identifier, patient, self._hospital.custodian, *given, uses=uses)

    async def _consent(self, chosen: _Chosen) -> None:
        own = self._accounts[PATIENT]
        care = self._terms("care", chosen.patient.id, CLINICIAN, codes.TREATMENT)
        event = await self._actions.give_consent(own, care)
        pays = self._terms("insurance", chosen.patient.id, INSURER, codes.PAYMENT)
        await self._actions.give_consent(own, pays)
        self._end(
            "consent",
            "Consent",
            f"{chosen.name} lets Dr. Lin Mei read for treatment, and the insurer for payment",
            event.entry.hex(),
        )

    async def _open(self, chosen: _Chosen) -> None:
        record = chosen.record.record
        opened = await self._actions.open_record(
            self._accounts[CLINICIAN], record, codes.TREATMENT, "Visit of today"
        )
        self._must(opened.entry == record, "the record that was opened is another")
        seen = (await self._actions.history(chosen.patient.id)).history.seen[-1]
        self._must(seen.kind is Kind.ACCESS, "the access is not in the history")
        self._end(
            "access",
            "Access",
            f"Dr. Lin Mei opened one {chosen.record.type_name}, under the consent {seen.consent}",
            seen.entry.hex(),
        )

    async def _refuse(self, chosen: _Chosen) -> None:
        refused = await self._refused(
            self._actions.open_record(
                self._accounts[SECOND], chosen.record.record, codes.TREATMENT, "Curious"
            )
        )
        is_other = refused.details["reason"] == Reason.OTHER_RECIPIENT
        self._must(is_other, "the refusal does not say that the consent names somebody else")
        self._end(
            "refusal",
            "Refusal",
            "Dr. Jonas Braun was refused, as the consent names somebody else; "
            "the patient sees that he asked",
            str(refused.instance),
        )

    async def _break_glass(self, chosen: _Chosen) -> Emergency:
        patient = chosen.patient.id
        request = self._actions.ask_emergency(
            self._accounts[SECOND], patient, "Unconscious in the emergency room", EMERGENCY_MS
        )
        emergency = await self._actions.approve_emergency(self._accounts[CLINICIAN], request)
        notices = self._hospital.letters.of(patient)
        told = self._hospital.notices.sent_ms(emergency.entry)
        self._must(bool(notices) and told is not None, "the patient was not told")
        await self._actions.open_record(
            self._accounts[SECOND], chosen.record.record, codes.BREAK_GLASS, "Allergies?"
        )
        self._end(
            "emergency",
            "Emergency",
            "Dr. Jonas Braun broke the glass for 60 minutes, Dr. Lin Mei approved, "
            "the patient was told at once",
            emergency.entry.hex(),
        )
        return emergency

    async def _review(self, chosen: _Chosen, emergency: Emergency) -> None:
        text = "Brought in unconscious; only what was needed was opened."
        event = await self._actions.review(
            self._accounts[REVIEWER], chosen.patient.id, emergency.entry, "justified", text
        )
        waiting = await self._hospital.emergencies.open_reviews()
        self._must(not waiting, "an emergency still waits for its review")
        outcome = "Prof. Ada Okafor found the emergency justified; it is over"
        self._end("review", "Review", outcome, event.entry.hex())

    async def _withdraw(self, chosen: _Chosen) -> None:
        """Withdraw a consent after the desk has looked at it, before the access is recorded."""
        patient, own = chosen.patient.id, self._accounts[PATIENT]
        base = self._hospital.custody.base
        log = Meanwhile(base.log, lambda: self._actions.withdraw_consent(own, patient, "care"))
        desk = AccessDesk(Custody(replace(base, log=log)))
        asked = AccessRequest(
            self._hospital.custodian, patient, chosen.record.record, codes.TREATMENT, "Once more"
        )
        signing = self._accounts[CLINICIAN].signing
        refused = await self._refused(desk.open(asked.sign(signing, now_ms=base.clock())))
        is_withdrawn = refused.details["reason"] == Reason.WITHDRAWN
        self._must(is_withdrawn, "the refusal does not say that the consent was withdrawn")
        self._end(
            "withdrawal",
            "Withdrawal",
            "the patient withdrew the consent while Dr. Lin Mei was asking: nothing was handed out",
            str(refused.instance),
        )

    async def _claim(self, chosen: _Chosen) -> None:
        record, month = chosen.record.record, chosen.record.date[: len("2026-11")]
        if not month:
            self._end("claim", "Claim", "left out: the patient has no record with a date")
            return
        shown = await self._actions.disclose(self._accounts[INSURER], record, codes.PAYMENT, FIELDS)
        claim = claim_for(
            self._hospital.custodian, [record], month, insured="insured 77", policy="policy 77"
        )
        log = self._hospital.founding.records_log
        [fields] = check_claim(claim, [shown], self._hospital.trust, log)
        self._end(
            "claim",
            "Claim",
            f"the insurer saw that a record of {fields.values[MONTH]} exists at "
            f"{fields.values[CUSTODIAN]}, and nothing that is in it",
            record.hex(),
        )

    async def _count(self, chosen: _Chosen) -> None:
        others = [
            one
            for one in self._hospital.admissions.everyone()
            if one.id != chosen.patient.id and one.records
        ][:CONSENTING]
        await asyncio.gather(*(self._give_for_research(one) for one in others))
        count = await self._actions.count(
            self._accounts[RESEARCHER], chosen.record.type_name, STUDY
        )
        if count.patients is None:
            told = f"fewer than {SMALL_CELL_MIN} patients: no number was told"
        else:
            told = f"{count.patients} patients, each counted by consent and with an entry"
            self._must(count.patients <= len(others), "somebody was counted without consent")
        asked = f"Eva Novak asked how many of {len(others)} who consented have a record of the type"
        self._end("research", "Research", f"{asked} {chosen.record.type_name}: {told}")

    async def _give_for_research(self, patient: Patient) -> None:
        key = self._hospital.admissions.key_of(patient.local_id)
        terms = self._terms("research", patient.id, RESEARCHER, codes.RESEARCH)
        account = account_of(patient.local_id, key, self._hospital.records.suite)
        await self._actions.give_consent(account, terms)

    async def _erase(self, chosen: _Chosen) -> None:
        if chosen.other is None:
            self._end("erasure", "Erasure", "left out: the patient has a single record")
            return
        record = chosen.other.record
        self._hospital.custody.erase(record)
        try:
            self._hospital.custody.owner(record)
        except RecordErased:
            is_gone = True
        else:
            is_gone = False
        log = self._hospital.records_log
        await log.refresh()
        self._must(is_gone, "an erased record is still there")
        self._must(log.first(record) is not None, "the log lost the entry of an erased record")
        self._end(
            "erasure",
            "Erasure",
            f"one {chosen.other.type_name} was erased: key and salt are gone, "
            "its entry says nothing, and the log still verifies",
            record.hex(),
        )

    async def _history(self, chosen: _Chosen) -> None:
        found = (await self._actions.history(chosen.patient.id)).history
        kinds = Counter(one.kind for one in found.seen)
        self._end(
            "history",
            "Patient's page",
            f"{len(found.seen)} events, complete by proof: {kinds[Kind.ACCESS]} accesses, "
            f"{kinds[Kind.REFUSAL]} refusals, {kinds[Kind.EMERGENCY]} emergency",
        )

    async def _report(self) -> None:
        found = await self._actions.report()
        kinds: Counter[Kind] = Counter()
        for (kind, _, _), count in found.totals.items():
            kinds[kind] += count
        self._end(
            "report",
            "Regulator",
            f"{sum(kinds.values())} events of {found.histories} patients, complete by proof and "
            f"without content: {kinds[Kind.ACCESS]} accesses, {kinds[Kind.REFUSAL]} refusals, "
            f"{kinds[Kind.EMERGENCY]} emergency, {kinds[Kind.COUNT]} counted for research",
        )

    async def _refused(self, work: Awaitable[object]) -> AccessRefused:
        """Wait for a refusal.

        Raises:
            Internal: None came.
        """
        try:
            await work
        except AccessRefused as refused:
            return refused
        raise Internal("a request was granted that no consent permits")

    def _must(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise Internal(otherwise)
