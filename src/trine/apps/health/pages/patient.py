"""Serve the pages of patients: who opened what, consents, notices, the proof to take home."""

import secrets
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from starlette.responses import Response

from trine.apps.health.consent import Given, Terms
from trine.apps.health.events import Event, Kind
from trine.apps.health.history import Emergency
from trine.apps.health.pages.packing import HISTORY, pack
from trine.apps.health.pages.sessions import PageRole
from trine.apps.health.pages.site import Route, Visit, attachment
from trine.apps.health.pages.words import Speech
from trine.apps.health.patient import Seen, VerifiedHistory
from trine.apps.health.people import Person
from trine.apps.health.requests import FINDINGS
from trine.errors import BadArgument
from trine.errors.health import PersonUnknown
from trine.model.identifiers import Digest

LINES_MAX: Final = 200
"""Events, or notices, of one page, the newest first."""
PEOPLE_MAX: Final = 500
"""People whom a form lists."""
PATIENT: Final = frozenset({PageRole.PATIENT})
PURPOSES: Final = ("TREAT", "COC", "ETREAT", "HPAYMT", "PUBHLTH", "HQUALIMP")
"""Purposes that a patient chooses from; research needs terms of its own, signed elsewhere."""
TYPES: Final = (
    "Observation", "Condition", "MedicationRequest", "Procedure", "Encounter", "Immunization",
    "AllergyIntolerance", "DiagnosticReport", "Claim", "Coverage", "Patient",
)  # fmt: skip
"""Types of records that a patient chooses from."""
_OPENED: Final = frozenset({Kind.ACCESS, Kind.COUNT})


class Told(NamedTuple):
    """An emergency as the patient is told of it.

    Attributes:
        emergency: The emergency.
        line: Its line of the history.
        second: Name of who agreed.
        is_overdue: Whether it should have been reviewed by now.
        sent_ms: When the notice was delivered, Unix time in milliseconds.
    """

    emergency: Emergency
    line: Seen
    second: str
    is_overdue: bool
    sent_ms: int | None


class Shown(NamedTuple):
    """A consent as its patient reads it.

    Attributes:
        given: The consent.
        people: Names of whom it is about; empty: everybody.
        is_over: Whether its time is over.
    """

    given: Given
    people: list[str]
    is_over: bool


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("GET", "/history", PATIENT, show_history),
        Route("GET", "/history.zip", PATIENT, download),
        Route("GET", "/notices", PATIENT, show_notices),
        Route("GET", "/consents", PATIENT, list_consents),
        Route("POST", "/consents", PATIENT, give_consent),
        Route("POST", "/consents/{consent}/withdraw", PATIENT, withdraw),
    ]


async def show_history(visit: Visit) -> Response:
    """Show who opened what, when, why and under which consent, complete by proof."""
    _, shown = await visit.actions.shown_history(visit.patient)
    seen = shown.history.seen
    kinds = Counter(one.kind for one in seen)
    names = {one.name for one in seen if one.kind in _OPENED}
    pages = max(1, -(-len(seen) // LINES_MAX))
    page = min(max(1, visit.number("page", 1)), pages)
    return visit.page(
        "history.html",
        shown=shown,
        lines=seen[::-1][(page - 1) * LINES_MAX : page * LINES_MAX],
        page=page,
        pages=pages,
        opened=kinds[Kind.ACCESS],
        refused=kinds[Kind.REFUSAL],
        people=len(names),
        told=_told(visit, shown),
        reason_of=reason_of,
        log=visit.hospital.founding.histories_log,
    )


def reason_of(speech: Speech, seen: Seen) -> str:
    """Return why in words; what begins with a code of ours is named."""
    if seen.kind is Kind.REFUSAL:
        code, _, text = seen.reason.partition(": ")
        return f"{speech.named('reasons', code)} {text}".strip()
    if seen.kind is Kind.REVIEW:
        finding, _, text = seen.reason.partition(": ")
        return f"{speech.say(finding)}: {text}" if finding in FINDINGS else seen.reason
    return seen.reason


async def download(visit: Visit) -> Response:
    """Hand the history file out, with the entries of the log that it is checked against."""
    file, _ = await visit.actions.shown_history(visit.patient)
    entries = visit.hospital.log.entries(file.head.size)
    return attachment(pack(HISTORY, file.encode(), entries), "history.zip")


def _told(visit: Visit, shown: VerifiedHistory) -> list[Told]:
    now_ms, told = visit.site.clock(), list[Told]()
    for one in reversed(shown.history.emergencies):
        event: Event = visit.hospital.custody.event(one.entry)
        second = str(event.content["second"]["name"])
        is_overdue = one.reviewed is None and one.deadline_ms < now_ms
        sent_ms = visit.hospital.notices.sent_ms(one.entry)
        told.append(Told(one, shown.history.seen[one.number], second, is_overdue, sent_ms))
    return told


async def show_notices(visit: Visit) -> Response:
    """Show the emergencies in which the patient's records were opened."""
    _, shown = await visit.actions.shown_history(visit.patient)
    return visit.page("notices.html", told=_told(visit, shown)[:LINES_MAX])


async def list_consents(visit: Visit) -> Response:
    """Show the patient's consents, and the form of a new one."""
    history = await visit.hospital.custody.read(visit.patient)
    people = visit.hospital.people.everyone()
    shown = [_shown(visit, given, people) for given in history.consents.values()]
    return visit.page(
        "consents.html",
        consents=[one for one in shown if one.given.withdrawn is None],
        past=[one for one in shown if one.given.withdrawn is not None],
        people=people[:PEOPLE_MAX],
        purposes=PURPOSES,
        types=TYPES,
    )


def _shown(visit: Visit, given: Given, people: list[Person]) -> Shown:
    named = given.terms.recipients
    names = [f"{one.name} · {one.organisation}" for one in people if one.id in named]
    unknown = named - {one.id for one in people}
    last_ms = given.terms.last_ms
    is_over = last_ms is not None and last_ms < visit.site.clock()
    return Shown(given, names + [one.hex()[:8] for one in sorted(unknown)], is_over)


async def give_consent(visit: Visit) -> Response:
    """Sign and record a consent of the patient."""
    await visit.actions.give_consent(visit.account, _terms(visit))
    return visit.go("/consents", visit.speech.say("consent_given"))


def _terms(visit: Visit) -> Terms:
    form = visit.form
    known = {one.id for one in visit.hospital.people.everyone()}
    recipients = frozenset(map(_id, form.all("person")))
    if strangers := recipients - known:
        raise PersonUnknown(f"nobody here has the id {min(strangers).hex()}")
    purposes, types = frozenset(form.all("purpose")), frozenset(form.all("type"))
    if unknown := (purposes - set(PURPOSES)) | (types - set(TYPES)):
        raise BadArgument(f"{min(unknown)!r:.40} is no purpose or type of the form")
    denies = form.text("kind") == "deny"
    if not denies and not (recipients and purposes):
        raise BadArgument("a consent that permits names people and purposes: choose one or more")
    first, last = form.day("first"), form.day("last")
    if first and last and last < first:
        raise BadArgument(f"it ends on {last}, before it begins on {first}")
    today = datetime.fromtimestamp(visit.site.clock() / 1_000, UTC).astimezone(visit.site.zone)
    return Terms(
        f"{today:%Y-%m-%d}-{secrets.token_hex(3)}",
        visit.patient,
        visit.hospital.custodian,
        recipients,
        purposes,
        types,
        first_ms=_begin_ms(visit, first) if first else None,
        last_ms=_begin_ms(visit, last + timedelta(days=1)) - 1 if last else None,
        denies=denies,
    )


def _id(text: str) -> Digest:
    try:
        return Digest(bytes.fromhex(text))
    except ValueError:
        raise BadArgument(f"{text!r:.80} is nobody's id") from None


def _begin_ms(visit: Visit, day: date) -> int:
    """Return when a day begins in the zone of the pages, Unix time in milliseconds."""
    try:
        return round(datetime.combine(day, time(), visit.site.zone).timestamp() * 1_000)
    except (OverflowError, ValueError):
        raise BadArgument(f"{day} is too far away") from None


async def withdraw(visit: Visit) -> Response:
    """Withdraw a consent of the patient."""
    name = visit.request.path_params["consent"]
    await visit.actions.withdraw_consent(visit.account, visit.patient, name)
    return visit.go("/consents", visit.speech.say("withdrawn"))
