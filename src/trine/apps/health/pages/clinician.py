"""Serve the pages of clinicians and reviewers: patients, records, emergencies, reviews."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.responses import Response

from trine.apps.health import codes
from trine.apps.health.admissions import Patient
from trine.apps.health.directory import Found
from trine.apps.health.events import Event
from trine.apps.health.history import Emergency, History
from trine.apps.health.hospital import Listed
from trine.apps.health.limits import EMERGENCY_MS_MAX, REQUEST_AGE_MS_MAX, REVIEW_MS_MAX
from trine.apps.health.pages.describe import describe
from trine.apps.health.pages.forms import digest
from trine.apps.health.pages.sessions import PageRole
from trine.apps.health.pages.site import Route, Visit
from trine.apps.health.people import Person
from trine.apps.health.reading import parse
from trine.apps.health.requests import FINDINGS
from trine.apps.health.sealing import OpenedRecord
from trine.errors import BadArgument
from trine.errors.health import AccessRefused
from trine.errors.pages import PageNotFound
from trine.model.identifiers import Digest

PAGE: Final = 50
"""Records, or patients, of one page."""
LOOKED_AT_MAX: Final = 1_000
"""Patients whose consents are looked at for one page of “my patients”; the next goes on."""
QUERY_CHARACTERS_MAX: Final = 100
"""Characters of a search."""
PAUSE: Final = 50
"""Patients after which others get their turn."""
JSON_CHARACTERS_MAX: Final = 200_000
"""Characters of the whole record on its page."""
MINUTE_MS: Final = 60_000
PURPOSES: Final = (
    "TREAT", "COC", "ETREAT", "BTG", "PATSFTY", "HQUALIMP", "HOPERAT", "PATRQT",
)  # fmt: skip
"""Purposes that a clinician chooses from."""
CLINICIAN: Final = frozenset({PageRole.CLINICIAN})
REVIEWER: Final = frozenset({PageRole.REVIEWER})


class MyPatient(NamedTuple):
    """One of a clinician's patients.

    Attributes:
        patient: The patient.
        consents: Names of consents that name the clinician.
        emergency: The clinician's open emergency.
    """

    patient: Patient
    consents: list[str]
    emergency: Emergency | None


_Mine = tuple[Digest, list[str], Emergency | None]
"""The same before the name is known."""


class Mine(NamedTuple):
    """One page of a clinician's patients.

    Attributes:
        patients: The patients.
        further: Where the next page begins; nothing where there is none.
    """

    patients: list[MyPatient]
    further: int | None


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("GET", "/patients", CLINICIAN, list_patients),
        Route("GET", "/patients/{patient}", CLINICIAN, list_records),
        Route("POST", "/patients/{patient}/open", CLINICIAN, open_record),
        Route("POST", "/patients/{patient}/emergency", CLINICIAN, ask_emergency),
        Route("GET", "/approvals", CLINICIAN, list_approvals),
        Route("POST", "/approvals/{request}", CLINICIAN, approve),
        Route("GET", "/reviews", REVIEWER, list_reviews),
        Route("POST", "/reviews/{emergency}", REVIEWER, review),
    ]


async def list_patients(visit: Visit) -> Response:
    """Show the clinician's patients, those that a search finds, or all."""
    asked, directory = visit.request.query_params, visit.site.directory
    query, is_all = asked.get("q", "").strip()[:QUERY_CHARACTERS_MAX], "all" in asked
    page = max(1, visit.number("page", 1))
    await directory.refresh()
    found, mine = Found([], 0), Mine([], None)
    if query or is_all:
        found = await directory.search(query, (page - 1) * PAGE, PAGE)
        if found.total and not found.patients:
            page = -(-found.total // PAGE)
            found = await directory.search(query, (page - 1) * PAGE, PAGE)
    else:
        mine = await _my_patients(visit, visit.number("from", 0))
    return visit.page(
        "patients.html",
        query=query,
        is_all=is_all,
        found=found,
        mine=mine,
        page=page,
        pages=max(1, -(-found.total // PAGE)),
        read=len(directory),
        total=max(directory.total, len(directory)),
    )


async def _my_patients(visit: Visit, first: int) -> Mine:
    """Find those of whom a consent names the clinician now, or an emergency is open.

    Args:
        visit: The clinician's.
        first: Number of the first one of `Custody.named_by` that is looked at.
    """
    person, custody = visit.actions.person(visit.account), visit.hospital.custody
    await custody.base.log.refresh()
    now_ms, found = visit.site.clock(), list[_Mine]()
    named = visit.site.directory.in_order(custody.named_by(person.id))
    last = min(len(named), first + LOOKED_AT_MAX)
    for place in range(first, last):
        if len(found) >= PAGE:
            return Mine(await _my(visit, found), place)
        if place % PAUSE == 0:
            await asyncio.sleep(0)
        history = custody.known(named[place])
        names, emergency = _named(history, person), history.open_emergency(person.id, now_ms)
        if names or emergency is not None:
            found.append((named[place], names, emergency))
    return Mine(await _my(visit, found), last if last < len(named) else None)


async def _my(visit: Visit, found: Sequence[_Mine]) -> list[MyPatient]:
    """Look at the names of some of the clinician's patients."""
    patients = await visit.site.directory.fresh([patient for patient, _, _ in found])
    return [
        MyPatient(patient, names, emergency)
        for patient, (_, names, emergency) in zip(patients, found, strict=True)
    ]


def _named(history: History, person: Person) -> list[str]:
    """List the consents in force that permit something to a person."""
    return [
        name
        for name, given in history.consents.items()
        if given.withdrawn is None
        and not given.terms.denies
        and person.id in given.terms.recipients
    ]


async def _patient(visit: Visit, patient: Digest) -> Patient:
    """Return what the list says of a patient; one who was not admitted has a number only."""
    [found] = await visit.site.directory.fresh([patient])
    return found


def _path_patient(visit: Visit) -> Digest:
    patient = digest(visit.request.path_params["patient"])
    visit.hospital.custody.history_key(patient)
    return patient


async def list_records(visit: Visit) -> Response:
    """Show types and dates of a patient's records, with what opens them."""
    patient = _path_patient(visit)
    asked = visit.request.query_params
    type_name, number = asked.get("type", ""), visit.number("page", 1)
    every = list(visit.hospital.list_records(patient))
    types = sorted({one.type_name for one in every})
    chosen = [one for one in every if not type_name or one.type_name == type_name]
    chosen.sort(key=_newest_first, reverse=True)
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(max(1, number), pages)
    history = await visit.hospital.custody.read(patient)
    person = visit.actions.person(visit.account)
    now_ms = visit.site.clock()
    return visit.page(
        "records.html",
        patient=await _patient(visit, patient),
        records=chosen[(page - 1) * PAGE : page * PAGE],
        count=len(chosen),
        types=types,
        type_name=type_name,
        page=page,
        pages=pages,
        purposes=PURPOSES,
        consents=_named(history, person),
        emergency=history.open_emergency(person.id, now_ms),
        asked_until=_asked_until(visit, patient, person),
        most=EMERGENCY_MS_MAX // MINUTE_MS,
        minutes=REQUEST_AGE_MS_MAX // MINUTE_MS,
        hours=REVIEW_MS_MAX // (60 * MINUTE_MS),
    )


def _newest_first(one: Listed) -> tuple[str, str, bytes]:
    return one.date, one.type_name, one.record


def _asked_until(visit: Visit, patient: Digest, person: Person) -> int | None:
    """Return until when the clinician's request for an emergency waits."""
    asked = [
        one.asked_ms + REQUEST_AGE_MS_MAX
        for one in visit.actions.asked_emergencies()
        if one.patient == patient and one.person.id == person.id
    ]
    return max(asked, default=None)


async def open_record(visit: Visit) -> Response:
    """Open a record through the desk, and show it; or show why not."""
    patient, record = _path_patient(visit), visit.form.digest("record")
    purpose, reason = visit.form.text("purpose"), visit.form.text("reason")
    if purpose not in PURPOSES:
        raise BadArgument(f"purpose is {purpose!r:.40}, expected one of {', '.join(PURPOSES)}")
    if visit.hospital.custody.owner(record) != patient:
        raise PageNotFound("the record is another patient's")
    try:
        opened = await visit.actions.open_record(visit.account, record, purpose, reason)
    except AccessRefused as error:
        return await _refused(visit, patient, purpose, error)
    access = await _access(visit, patient, record)
    return await _shown(visit, patient, opened, access)


async def _refused(visit: Visit, patient: Digest, purpose: str, error: AccessRefused) -> Response:
    why = str(error.details.get("reason", "withdrawn"))
    if purpose == codes.BREAK_GLASS:
        why = "emergency_needed"
    return visit.page(
        "refused.html",
        HTTPStatus.FORBIDDEN,
        patient=await _patient(visit, patient),
        why=visit.speech.named("reasons", why),
        number=error.details.get("number"),
        code=error.code,
    )


async def _access(visit: Visit, patient: Digest, record: Digest) -> Event:
    """Return the event under which a record was opened just now."""
    person = visit.actions.person(visit.account)
    history = await visit.hospital.custody.read(patient)
    theirs = [
        event
        for event in history.granted.values()
        if event.content["record"] == record.hex() and event.content["person"] == person.document()
    ]
    return max(theirs, key=lambda event: event.position.number)


async def _shown(visit: Visit, patient: Digest, opened: OpenedRecord, access: Event) -> Response:
    resource = parse(opened.resource)
    # Numbers keep their digits as texts do: this is for people, the sealed bytes are elsewhere.
    whole = json.dumps(resource, ensure_ascii=False, indent=2, default=str)
    return visit.page(
        "record.html",
        patient=await _patient(visit, patient),
        type_name=opened.facts.type_name,
        described=describe(resource),
        whole=whole[:JSON_CHARACTERS_MAX],
        entry=opened.entry.hex(),
        time_ms=access.time_ms,
        number=access.position.number,
        consent=access.content["basis"].get("consent", ""),
        emergency="emergency" in access.content["basis"],
        purpose=access.facts.purpose,
    )


async def ask_emergency(visit: Visit) -> Response:
    """Ask a second clinician for an emergency."""
    patient, form = _path_patient(visit), visit.form
    length_ms = form.number("minutes") * MINUTE_MS
    visit.actions.ask_emergency(visit.account, patient, form.text("reason"), length_ms)
    until = visit.speech.moment(visit.site.clock() + REQUEST_AGE_MS_MAX)
    return visit.go(f"/patients/{patient.hex()}", visit.speech.say("emergency_asked", until=until))


async def list_approvals(visit: Visit) -> Response:
    """Show the emergencies that others ask for."""
    person = visit.actions.person(visit.account)
    asked = [one for one in visit.actions.asked_emergencies() if one.person.id != person.id]
    patients = await visit.site.directory.fresh([one.patient for one in asked[:PAGE]])
    waiting = [
        (one, patient, one.asked_ms + REQUEST_AGE_MS_MAX)
        for one, patient in zip(asked, patients, strict=False)
    ]
    return visit.page("approvals.html", waiting=waiting)


async def approve(visit: Visit) -> Response:
    """Agree to an emergency as the second person."""
    request = digest(visit.request.path_params["request"])
    emergency = await visit.actions.approve_emergency(visit.account, request)
    until = visit.speech.moment(emergency.last_ms)
    return visit.go("/approvals", visit.speech.say("approved", until=until))


async def list_reviews(visit: Visit) -> Response:
    """Show the emergencies that the reviewer may judge."""
    person = visit.actions.person(visit.account)
    theirs = [
        one
        for one in await visit.hospital.emergencies.open_reviews()
        if person.id not in {one.emergency.person, one.emergency.second}
    ]
    patients = await visit.site.directory.fresh([one.patient for one in theirs[:PAGE]])
    waiting = [
        (one.emergency, patient, visit.hospital.custody.event(one.emergency.entry).content)
        for one, patient in zip(theirs, patients, strict=False)
    ]
    now_ms, findings = visit.site.clock(), sorted(FINDINGS)
    return visit.page("reviews.html", waiting=waiting, now_ms=now_ms, findings=findings)


async def review(visit: Visit) -> Response:
    """Judge an emergency."""
    form, emergency = visit.form, digest(visit.request.path_params["emergency"])
    patient = form.digest("patient")
    said = form.text("finding"), form.text("text")
    await visit.actions.review(visit.account, patient, emergency, *said)
    return visit.go("/reviews", visit.speech.say("reviewed"))
