"""Make the application: all routes of a hospital's pages.

FastAPI serves it; nothing of it is described by OpenAPI, because it is for people.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trine.apps.health.hospital import Hospital
from trine.apps.health.pages import clinician, patient, regulator
from trine.apps.health.pages.doors import Doors, Passwords
from trine.apps.health.pages.sessions import PageRole
from trine.apps.health.pages.site import Route, Site, Visit

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_FILES: Final = {
    "style.css": "text/css; charset=utf-8",
    "print.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Files beside the pages, with their media types."""
EVERYBODY: Final[frozenset[PageRole]] = frozenset()


def create_app(
    hospital: Hospital,
    passwords: Passwords,
    zone: ZoneInfo,
    *,
    is_safe: bool,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        hospital: The hospital.
        passwords: Gives the password of an account by its name.
        zone: Zone of the times on pages.
        is_safe: Whether pages are served with a certificate.
        lifespan: What runs beside it.
    """
    app = FastAPI(
        title="Trine health pages",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    site = app.state.site = Site(hospital, zone, is_safe=is_safe)
    for route in routes(site, passwords):
        app.add_route(route.path, _endpoint(site, route), methods=[route.method])
    app.add_exception_handler(HTTPException, site.missing)
    return app


def routes(site: Site, passwords: Passwords) -> list[Route]:
    """List every route of a site, with the roles that may see it."""
    own = [Route("GET", f"/{name}", EVERYBODY, _file(name)) for name in _FILES]
    parts = (Doors(site, passwords), clinician, patient, regulator)
    return own + [route for part in parts for route in part.routes()]


def _endpoint(site: Site, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await site.answer(route, request)

    return answer


def _file(name: str) -> Callable[[Visit], Awaitable[Response]]:
    content = files("trine.apps.health.pages").joinpath("static").joinpath(name).read_bytes()

    async def answer(_: Visit) -> Response:
        return Response(content, media_type=_FILES[name])

    return answer
