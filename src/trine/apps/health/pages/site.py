"""Join the pages of a hospital: who may see which, what each request is checked for.

Every request passes one place (`Site.answer`): language, session, role, and for whatever changes
something the form's token. Errors become pages with a code and no traceback.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trine.apps.health.accounts import Account
from trine.apps.health.actions import Actions
from trine.apps.health.directory import Directory
from trine.apps.health.hospital import Hospital
from trine.apps.health.pages.forms import NUMBER_DIGITS_MAX, Form, receive_form
from trine.apps.health.pages.links import Links
from trine.apps.health.pages.sessions import SESSION_MS_MAX, PageRole, Session, Sessions, Visitor
from trine.apps.health.pages.words import Speech, choose, speech_of
from trine.apps.health.running import RunningReport
from trine.errors import (
    BadAnswer,
    Busy,
    CannotReachNode,
    Internal,
    NotReady,
    PendingFull,
    Timeout,
    TrineError,
)
from trine.errors.base import BadInput, NegativeVerdict, Unavailable
from trine.errors.health import (
    AccessRefused,
    HistoryBusy,
    HistoryNotFound,
    RecordErased,
    RecordNotFound,
)
from trine.errors.pages import (
    FormNotOurs,
    FormTooLarge,
    LinkSpent,
    NotYourPage,
    PageNotFound,
    SignInNeeded,
)
from trine.model.identifiers import Digest

log = logging.getLogger(__name__)

COOKIE: Final = "trine_session"
SAFE_COOKIE: Final = "__Host-trine_session"
"""Name of the cookie where pages are served with a certificate (RFC 6265bis, section 4.1.3)."""
LANGUAGE_COOKIE: Final = "trine_language"
LANGUAGE_S: Final = 365 * 24 * 60 * 60
POLICY: Final = "; ".join((
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
"""Content-Security-Policy (CSP 3): no script at all, nothing of another host."""
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer."""
AWAY: Final = (CannotReachNode, Timeout, BadAnswer, NotReady, Busy, PendingFull, HistoryBusy)
"""Errors of a chain that does not answer now, or not in time."""
AWAY_S: Final = 30
"""Seconds after which asking again is worth it (`Retry-After`, RFC 9110, section 10.2.3)."""
_STATUS: Final[tuple[tuple[type[TrineError], HTTPStatus], ...]] = (
    (SignInNeeded, HTTPStatus.UNAUTHORIZED),
    (LinkSpent, HTTPStatus.FORBIDDEN),
    (NotYourPage, HTTPStatus.FORBIDDEN),
    (FormNotOurs, HTTPStatus.FORBIDDEN),
    (AccessRefused, HTTPStatus.FORBIDDEN),
    (FormTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (PageNotFound, HTTPStatus.NOT_FOUND),
    (HistoryNotFound, HTTPStatus.NOT_FOUND),
    (RecordNotFound, HTTPStatus.NOT_FOUND),
    (RecordErased, HTTPStatus.GONE),
    (Internal, HTTPStatus.INTERNAL_SERVER_ERROR),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (NegativeVerdict, HTTPStatus.CONFLICT),
)


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the pages."""

    method: str
    path: str
    roles: frozenset[PageRole]
    """Who may see it; nobody named: everybody, signed in or not."""
    handler: Callable[["Visit"], Awaitable[Response]]


@dataclass(slots=True)
class Visit:
    """One request, after its checks."""

    site: "Site"
    request: Request
    speech: Speech
    session: Session | None = None
    form: Form = field(default_factory=Form)

    @property
    def hospital(self) -> Hospital:
        """The hospital."""
        return self.site.hospital

    @property
    def actions(self) -> Actions:
        """What people do at the hospital."""
        return self.site.actions

    @property
    def here(self) -> Session:
        """The session; the route is for people who are signed in."""
        assert self.session is not None, "the roles of the route were checked"
        return self.session

    @property
    def visitor(self) -> Visitor:
        """Who is signed in."""
        return self.here.visitor

    @property
    def account(self) -> Account:
        """The keys of who is signed in; the route is for people who have some."""
        assert self.visitor.account is not None, "the roles of the route were checked"
        return self.visitor.account

    @property
    def patient(self) -> Digest:
        """The patient who is signed in."""
        assert self.visitor.patient is not None, "the roles of the route were checked"
        return self.visitor.patient

    def number(self, name: str, otherwise: int) -> int:
        """Read a number of the address.

        Raises:
            PageNotFound: It is none.
        """
        text = self.request.query_params.get(name, str(otherwise))
        if not text.isascii() or not text.isdigit() or len(text) > NUMBER_DIGITS_MAX:
            raise PageNotFound(f"{name} is {text!r:.40}, expected a number")
        return int(text)

    def page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
        """Make a page from a template."""
        known: dict[str, Any] = {
            "speech": self.speech,
            "say": self.speech.say,
            "visit": self,
            "session": self.session,
            "path": self.request.url.path,
            "custodian": self.hospital.custodian,
            "flash": "",
        }
        if self.session is not None:
            known["flash"], self.session.flash = self.session.flash, ""
        text = self.site.templates.get_template(template).render(known | values)
        return Response(text, status, media_type="text/html")

    def go(self, path: str, flash: str = "") -> Response:
        """Send the visitor to a page, which says something once."""
        if self.session is not None:
            self.session.flash = flash
        return RedirectResponse(path, HTTPStatus.SEE_OTHER)

    def has(self, *roles: str) -> bool:
        """Say whether the visitor has one of some roles."""
        return self.session is not None and bool(self.session.visitor.roles & set(roles))


class Site:
    """The pages of one hospital."""

    def __init__(self, hospital: Hospital, zone: ZoneInfo, *, is_safe: bool) -> None:
        """Serve a hospital.

        Args:
            hospital: The hospital.
            zone: Zone of the times on pages.
            is_safe: Whether pages are served with a certificate, so that cookies need it too.
        """
        self.hospital, self.zone, self.is_safe = hospital, zone, is_safe
        self.actions = Actions(hospital)
        self.directory = Directory(hospital.admissions)
        self.report = RunningReport(hospital.custody)
        clock = hospital.custody.base.clock
        self.clock = clock
        self.links = Links(hospital.store, clock)
        self.sessions = Sessions(clock)
        self.opening = asyncio.Semaphore(1)
        """Held while an account is opened, which takes much memory on purpose."""
        self.templates = Environment(
            loader=PackageLoader("trine.apps.health.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def cookie(self) -> str:
        """Name of the session's cookie."""
        return SAFE_COOKIE if self.is_safe else COOKIE

    async def prepare(self) -> None:
        """Read what lists need, ahead of the first who asks; a failure is theirs to see."""
        with contextlib.suppress(TrineError):
            await self.directory.refresh()
        with contextlib.suppress(TrineError):
            await self.report.refresh()

    def close(self) -> None:
        """Stop reading."""
        self.directory.close()
        self.report.close()

    async def answer(self, route: Route, request: Request) -> Response:
        """Check a request and answer it."""
        visit = Visit(self, request, self._speech(request))
        try:
            await self._check(visit, route)
            response = await route.handler(visit)
        except TrineError as error:
            response = self.failed(visit, error)
        except Exception:
            log.exception("%s %s failed", route.method, route.path)
            response = self.failed(visit, Internal("see the log of the program"))
        return self._finished(visit, response)

    async def missing(self, request: Request, _error: Exception) -> Response:
        """Answer a request for nothing that there is."""
        visit = Visit(self, request, self._speech(request))
        visit.session = self.sessions.find(request.cookies.get(self.cookie, ""))
        return self._finished(visit, self.failed(visit, PageNotFound()))

    async def _check(self, visit: Visit, route: Route) -> None:
        request = visit.request
        visit.session = self.sessions.find(request.cookies.get(self.cookie, ""))
        if route.roles and visit.session is None:
            raise SignInNeeded
        if route.roles and visit.session and not route.roles & visit.session.visitor.roles:
            raise NotYourPage(f"{request.url.path} is for: {', '.join(sorted(route.roles))}")
        if route.method == "POST":
            # Browsers say where a request comes from (Fetch Metadata); others leave it out.
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                raise FormNotOurs
            visit.form = await receive_form(request)
            if route.roles and visit.session is not None:
                visit.session.check_form(visit.form.text("token"))

    def failed(self, visit: Visit, error: TrineError) -> Response:
        """Make the page of an error: what is wrong in plain words, its code, what it is about."""
        if isinstance(error, AWAY):
            return self._away(visit, error)
        default = HTTPStatus.CONFLICT
        status = next((one for kind, one in _STATUS if isinstance(error, kind)), default)
        speech, code = visit.speech, error.code
        words = speech.named("errors", code) if speech.knows("errors", code) else str(error)
        return visit.page("error.html", status, words=words, error=error)

    def _away(self, visit: Visit, error: TrineError) -> Response:
        """Say that the chain does not answer, what that means, and what to do."""
        url, is_form = visit.request.url, visit.request.method == "POST"
        again = page_of(url.path) if is_form else f"{url.path}?{url.query}".rstrip("?")
        status = HTTPStatus.SERVICE_UNAVAILABLE
        response = visit.page("away.html", status, error=error, is_form=is_form, again=again)
        response.headers["retry-after"] = str(AWAY_S)
        return response

    def begin(self, response: Response, visitor: Visitor) -> None:
        """Sign somebody in, with a cookie of the response."""
        response.set_cookie(
            self.cookie,
            self.sessions.begin(visitor),
            max_age=SESSION_MS_MAX // 1_000,
            httponly=True,
            samesite="strict",
            secure=self.is_safe,
        )

    def end(self, visit: Visit, response: Response) -> None:
        """Sign somebody out."""
        self.sessions.end(visit.request.cookies.get(self.cookie, ""))
        response.delete_cookie(self.cookie, httponly=True, samesite="strict", secure=self.is_safe)

    def _speech(self, request: Request) -> Speech:
        asked = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE)
        header = request.headers.get("accept-language", "")
        return speech_of(asked or choose(header), self.zone)

    def _finished(self, visit: Visit, response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["content-language"] = visit.speech.tag
        if "language" in visit.request.query_params:
            response.set_cookie(
                LANGUAGE_COOKIE,
                visit.speech.language,
                max_age=LANGUAGE_S,
                httponly=True,
                samesite="strict",
                secure=self.is_safe,
            )
        return response


def page_of(path: str) -> str:
    """Return the page on which the form stands that is sent to a path.

    >>> page_of("/consents/c-1/withdraw"), page_of("/patients/0a/open"), page_of("/approvals/0a")
    ('/consents', '/patients/0a', '/approvals')
    """
    parts = path.split("/")
    return "/".join(parts[:3] if parts[1] == "patients" else parts[:2])


def attachment(content: bytes, name: str) -> Response:
    """Answer a file to keep."""
    headers = {"content-disposition": f"attachment; filename={quote(name)}"}
    return Response(content, headers=headers, media_type="application/zip")
