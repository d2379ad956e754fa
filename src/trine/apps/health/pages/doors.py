"""Let people in and out: who may get a link, what they may see, how they come in.

| Target of a link | Who |
|---|---|
| `account:NAME` | who has an account at the hospital: clinician, reviewer, patient |
| `patient:ID` | a patient by the hospital's own id, for whom the hospital keeps the key |
| `regulator:NAME` | a regulator; needs no key, because it signs nothing |
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.responses import RedirectResponse, Response

from trine.apps.health.accounts import Account, account_of
from trine.apps.health.hospital import Hospital
from trine.apps.health.pages.links import LINK_MS_MAX, TOKEN_CHARACTERS_MAX
from trine.apps.health.pages.sessions import IDLE_MS_MAX, SESSION_MS_MAX, PageRole, Visitor
from trine.apps.health.pages.site import Route, Site, Visit
from trine.apps.health.people import NAME_CHARACTERS_MAX, Role
from trine.errors import BadArgument
from trine.errors.health import HistoryNotFound, PersonUnknown
from trine.model.identifiers import Digest

Passwords = Callable[[str], bytes]
"""Gives the password of an account by its name."""
ACCOUNT, PATIENT, REGULATOR = "account", "patient", "regulator"
"""Kinds of targets."""
PAGE_ROLES: Final = {Role.CLINICIAN: PageRole.CLINICIAN, Role.REVIEWER: PageRole.REVIEWER}
"""Roles of people that have a page."""
_HOMES: Final = (
    (PageRole.CLINICIAN, "/patients"),
    (PageRole.REVIEWER, "/reviews"),
    (PageRole.PATIENT, "/history"),
    (PageRole.REGULATOR, "/oversight"),
)
"""First page of each role."""


def target_of(hospital: Hospital, name: str) -> str:
    """Return the target of somebody's link: of an account, or of a patient.

    Args:
        hospital: The hospital.
        name: Name of an account, or the hospital's own id of a patient.

    Raises:
        PersonUnknown: There is no such account or patient.
    """
    if name in hospital.accounts.names():
        return f"{ACCOUNT}:{name}"
    try:
        hospital.admissions.key_of(name)
    except HistoryNotFound:
        message = f"{name[:80]!r} is no account here, and no patient whose key is kept here"
        raise PersonUnknown(message) from None
    return f"{PATIENT}:{name}"


def regulator_target(name: str) -> str:
    """Return the target of a regulator's link.

    Raises:
        BadArgument: The name is empty or too long.
    """
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        message = f"a name of {len(name)} characters, expected 1 to {NAME_CHARACTERS_MAX}"
        raise BadArgument(message)
    return f"{REGULATOR}:{name}"


async def visitor_of(site: Site, target: str, passwords: Passwords) -> Visitor:
    """Open the keys of whoever used a link, and find what they may see.

    Args:
        site: The pages.
        target: For whom the link is.
        passwords: Gives the password of an account by its name.

    Raises:
        BadPassword, NoSuchKeyFile, NotAKeystore: The account cannot be opened.
        PersonUnknown: It is neither that of a patient nor of somebody with a page.
        HistoryNotFound: The patient is not known, or has taken the key over.
    """
    kind, _, name = target.partition(":")
    if kind == REGULATOR:
        return Visitor(target, name, frozenset({PageRole.REGULATOR}))
    if kind == PATIENT:
        hospital = site.hospital
        account = account_of(name, hospital.admissions.key_of(name), hospital.records.suite)
    else:
        async with site.opening:
            account = await asyncio.to_thread(site.hospital.accounts.open, name, passwords(name))
    return await _visitor(site, target, account)


async def _visitor(site: Site, target: str, account: Account) -> Visitor:
    patient = site.actions.speaks_for(account)
    title, roles = account.name, set[PageRole]()
    if patient is not None:
        roles.add(PageRole.PATIENT)
        title = await name_of_patient(site.hospital, patient) or title
    try:
        person = site.actions.person(account)
    except PersonUnknown:
        if patient is None:
            raise
    else:
        title = person.name
        roles |= {page for role, page in PAGE_ROLES.items() if role in person.roles}
    if not roles:
        message = f"{account.name}: there are pages for clinicians, reviewers and patients"
        raise PersonUnknown(message)
    return Visitor(target, title, frozenset(roles), account, patient)


async def name_of_patient(hospital: Hospital, patient: Digest) -> str:
    """Return the name of a patient as the hospital lists it; empty where it lists none."""
    try:
        async with hospital.admissions.fetched([patient]):
            return hospital.admissions.patient(patient).name
    except HistoryNotFound:
        return ""


class Doors:
    """The routes in and out."""

    def __init__(self, site: Site, passwords: Passwords) -> None:
        """Let people into a site.

        Args:
            site: The pages.
            passwords: Gives the password of an account by its name.
        """
        self._site, self._passwords = site, passwords

    def routes(self) -> list[Route]:
        """List them."""
        everybody: frozenset[PageRole] = frozenset()
        return [
            Route("GET", "/", everybody, self.first),
            Route("GET", "/enter/{token}", everybody, self.door),
            Route("POST", "/enter", everybody, self.enter),
            Route("POST", "/leave", frozenset(PageRole), self.leave),
        ]

    async def first(self, visit: Visit) -> Response:
        """Send people to their first page, or say how to sign in."""
        if visit.session is None:
            return visit.page("enter.html", token="", minutes=LINK_MS_MAX // 60_000)
        roles = visit.session.visitor.roles
        return visit.go(next(path for role, path in _HOMES if role in roles))

    async def door(self, visit: Visit) -> Response:
        """Ask whether to sign in: programs that look at links ahead do not use them up."""
        token = visit.request.path_params["token"][:TOKEN_CHARACTERS_MAX]
        hours, minutes = SESSION_MS_MAX // 3_600_000, IDLE_MS_MAX // 60_000
        return visit.page("enter.html", token=token, hours=hours, minutes=minutes)

    async def enter(self, visit: Visit) -> Response:
        """Use a link up, and sign its person in."""
        target = self._site.links.redeem(visit.form.text("link"))
        visitor = await visitor_of(self._site, target, self._passwords)
        self._site.sessions.end(visit.request.cookies.get(self._site.cookie, ""))
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        self._site.begin(response, visitor)
        return response

    async def leave(self, visit: Visit) -> Response:
        """Sign somebody out."""
        visit.session = None
        minutes, done = LINK_MS_MAX // 60_000, visit.speech.say("signed_out")
        response = visit.page("enter.html", token="", minutes=minutes, flash=done)
        self._site.end(visit, response)
        return response
