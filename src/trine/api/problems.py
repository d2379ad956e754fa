"""Answer errors as problem documents, in CBOR (RFC 9290) or JSON (RFC 9457)."""

from http import HTTPStatus
from typing import Final

import cbor2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trine.errors import TimestampQueueFull, TimestampStore, TrineError
from trine.errors.base import BadInput, Unavailable
from trine.errors.services import (
    DetachedPayload,
    HeaderMissing,
    LogClosed,
    NoTimestampAuthority,
    ServiceFull,
    SignatureAlgorithm,
    StatementNotFound,
)

CBOR: Final = "application/concise-problem-details+cbor"
JSON: Final = "application/problem+json"
TITLE, DETAIL, INSTANCE = -1, -2, -3
"""Keys of a concise problem document (RFC 9290, section 2)."""
CODE: Final = "tag:trine,2026:problem"
"""Key of what is ours in it, a map with our code under 0 (RFC 9290, section 3)."""
RETRY_AFTER_S: Final = 1

_TITLES: Final[dict[type[TrineError], str]] = {
    # Those that SCRAPI words itself (draft-ietf-scitt-scrapi-10, section 2.3.3).
    SignatureAlgorithm: "Bad Signature Algorithm",
    DetachedPayload: "Payload Missing",
    StatementNotFound: "Not Found",
    ServiceFull: "Too Many Requests",
    TimestampQueueFull: "Too Many Requests",
    NoTimestampAuthority: "Not Found",
}
_STATUS: Final[dict[type[TrineError], HTTPStatus]] = {
    StatementNotFound: HTTPStatus.NOT_FOUND,
    ServiceFull: HTTPStatus.TOO_MANY_REQUESTS,
    LogClosed: HTTPStatus.GONE,
    NoTimestampAuthority: HTTPStatus.NOT_FOUND,
    TimestampQueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    TimestampStore: HTTPStatus.SERVICE_UNAVAILABLE,
}


def title_of(error: TrineError) -> str:
    """Return a few words about an error: as SCRAPI has them where it has any."""
    known = _TITLES.get(type(error))
    if known is not None:
        return known
    return "Malformed request" if isinstance(error, BadInput | HeaderMissing) else "Rejected"


def document_of(error: TrineError) -> dict[int | str, object]:
    """Return a concise problem document."""
    found: dict[int | str, object] = {TITLE: title_of(error), DETAIL: str(error)}
    if error.instance is not None:
        found[INSTANCE] = error.instance
    return found | {CODE: {0: error.code}}


def problem(request: Request, error: TrineError) -> Response:
    """Answer an error; in JSON where the client asks for it."""
    # Nodes, stores and databases that are away are no fault of the request.
    away = isinstance(error, Unavailable)
    other = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.BAD_REQUEST
    status = _STATUS.get(type(error), other)
    headers = {}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["retry-after"] = str(RETRY_AFTER_S)
    if "json" in request.headers.get("accept", ""):
        content = {"title": title_of(error), "detail": str(error), "code": error.code}
        if error.instance is not None:
            content["instance"] = error.instance
        content["status"] = str(int(status))
        return JSONResponse(content, status, headers, media_type=JSON)
    return Response(cbor2.dumps(document_of(error)), status, headers, media_type=CBOR)
