"""Serve the registration of statements by the SCITT reference API (SCRAPI).

Follows draft-ietf-scitt-scrapi-10. Beside it: batches, statements with their receipts, searches
with their proofs, and the files of the log (C2SP tlog-tiles).
"""

import asyncio
import base64
import contextlib
import functools
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

import cbor2
from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trine.api.problems import document_of, problem
from trine.errors import BadArgument, TrineError
from trine.errors.services import CoseTooLarge, IssuerKeyNotAdmitted, StatementNotFound
from trine.services.evidence import cbor, keys, searching, statement, tiles
from trine.services.evidence.index import Query, Registration
from trine.services.evidence.objects import Objects
from trine.services.evidence.publishing import CHECKPOINT, VERIFIER
from trine.services.evidence.registrar import BATCH_MAX, Registrar, log_prefix
from trine.services.evidence.rows import TIME_MS_MAX, name_digests
from trine.services.evidence.standard import ANCHOR, FOLDER
from trine.services.evidence.statement import TRANSPARENT_BYTES_MAX
from trine.types import Digest
from trine.types.calls import PublicKey

COSE: Final = "application/cose"
CBOR: Final = "application/cbor"
TILE: Final = "application/octet-stream"
WAIT_S: Final = 5.0
"""Seconds for which a registration waits for its receipt, before it answers where that will be."""
RETRY_AFTER_S: Final = 1
BATCH_BYTES_MAX: Final = 32 * 1_024 * 1_024
"""Bytes of a batch."""
SEARCH_MAX: Final = 1_000
"""Statements of a page of a search."""
NUMBER_DIGITS_MAX: Final = 18
"""Digits of a number in a query."""
TEXT: Final = "text/plain; charset=utf-8"
FOREVER: Final = "public, max-age=31536000, immutable"
"""How long a tile may be kept: it never changes (C2SP tlog-tiles)."""
SOON: Final = "public, max-age=1"
"""How long a checkpoint may be kept (C2SP tlog-tiles: no more than a few seconds)."""


class _Service:
    """What the routes need."""

    def __init__(self, registrar: Registrar, objects: Objects, key: PublicKey) -> None:
        self.registrar = registrar
        self.objects = objects
        beside = registrar.standard
        self.keys = [key] if beside is None else [key, beside.key]
        self.proving = asyncio.Lock()
        """Held while a proof is made: a snapshot is for one thread."""

    async def register(self, request: Request) -> Response:
        """Register a statement; answers its receipt, or where it will be."""
        data = await _body(request, TRANSPARENT_BYTES_MAX)
        entry = await self.registrar.register(data)
        if not await self.registrar.recorded(entry, WAIT_S):
            return _elsewhere(request, HTTPStatus.SEE_OTHER, entry)
        return await self._receipt(request, entry, HTTPStatus.CREATED)

    async def receipt(self, request: Request) -> Response:
        """Answer the receipt of an entry."""
        return await self._receipt(request, _entry(request), HTTPStatus.OK)

    async def _receipt(self, request: Request, entry: Digest, status: HTTPStatus) -> Response:
        with_chain_proof, standard = _kind(request)
        made = await self.registrar.receipt(
            entry, with_chain_proof=with_chain_proof, standard=standard
        )
        if made is None:
            return _elsewhere(request, HTTPStatus.FOUND, entry)
        return Response(made, status, {"location": f"/entries/{entry}"}, media_type=COSE)

    async def transparent(self, request: Request) -> Response:
        """Answer a statement with its receipt inside."""
        entry = _entry(request)
        found = await self.registrar.find(entry)
        with_chain_proof, standard = _kind(request)
        made = await self.registrar.receipt(
            entry, with_chain_proof=with_chain_proof, standard=standard
        )
        if made is None:
            return _elsewhere(request, HTTPStatus.FOUND, entry)
        return Response(statement.with_receipts(found.statement, [made]), media_type=COSE)

    async def register_batch(self, request: Request) -> Response:
        """Register an array of statements; answers an entry or a problem for each."""
        items = cbor.strings(
            await _body(request, BATCH_BYTES_MAX), "the batch", count_max=BATCH_MAX
        )
        results = await self.registrar.register_many(items)
        answers = [
            document_of(one) if isinstance(one, TrineError) else bytes(one) for one in results
        ]
        return Response(cbor2.dumps(answers), HTTPStatus.ACCEPTED, media_type=CBOR)

    async def receipts(self, request: Request) -> Response:
        """Answer the receipt of each of an array of entries, null where there is none yet."""
        items = cbor.strings(
            await _body(request, BATCH_BYTES_MAX), "the batch", count_max=BATCH_MAX
        )
        entries = [_digest(one) for one in items]
        with_chain_proof, standard = _kind(request)
        made = await self.registrar.receipts(
            entries, with_chain_proof=with_chain_proof, standard=standard
        )
        answers = [document_of(one) if isinstance(one, TrineError) else one for one in made]
        return Response(cbor2.dumps(answers), media_type=CBOR)

    async def key_set(self, _: Request) -> Response:
        """Answer the keys that sign receipts."""
        return Response(keys.cose_key_set(self.keys), media_type=CBOR)

    async def one_key(self, request: Request) -> Response:
        """Answer the key of a name, which is in base64url or hexadecimal digits."""
        name = request.path_params["kid"]
        for key in self.keys:
            if name in {base64.urlsafe_b64encode(key.key).rstrip(b"=").decode(), key.key.hex()}:
                document = keys.cose_key(key)
                return Response(cbor2.dumps(document, canonical=True), media_type=CBOR)
        raise IssuerKeyNotAdmitted(f"no key has the name {name[:80]!r}")

    async def tile(self, request: Request) -> Response:
        """Answer a tile of the log, of its index, or of the SHA-256 log beside it."""
        folder = request.url.path.removeprefix("/").partition("tile/")[0]
        name = f"tile/{request.path_params['path']}"
        tiles.parse_path(name)
        return self._file(folder + name, TILE, FOREVER)

    async def checkpoint(self, request: Request) -> Response:
        """Answer the newest checkpoint, of the log or of that beside it."""
        return self._file(request.url.path.removeprefix("/"), TEXT, SOON)

    async def verifier(self, request: Request) -> Response:
        """Answer the key that signs checkpoints, of the log or of that beside it."""
        return self._file(request.url.path.removeprefix("/"), TEXT, SOON)

    async def anchor(self, _: Request) -> Response:
        """Answer the newest statement about the SHA-256 log that the chain was asked to record."""
        return self._file(FOLDER + ANCHOR, COSE, SOON)

    def _file(self, name: str, media_type: str, caching: str) -> Response:
        found = self.objects.read(log_prefix(self.registrar.chain.log) + name)
        if found is None:
            raise StatementNotFound(f"the log has no {name} yet")
        return Response(found, headers={"cache-control": caching}, media_type=media_type)

    async def search(self, request: Request) -> Response:
        """Answer which statements fit, page after page."""
        asked = request.query_params
        count = _number(asked, "count", SEARCH_MAX)
        if not 1 <= count <= SEARCH_MAX:
            raise BadArgument(f"count is {count}, expected 1 to {SEARCH_MAX}")
        function = self.registrar.chain.function
        query = Query(
            name_digests(function, [asked["issuer"]])[0] if "issuer" in asked else None,
            asked.get("type"),
            _hex_digest(asked["digest"]) if "digest" in asked else None,
            _number(asked, "from") if "from" in asked else None,
            _number(asked, "to") if "to" in asked else None,
            _number(asked, "after", -1),
        )
        found = await self.registrar.search(query, count)
        after = found[-1].place if len(found) == count else None
        return JSONResponse({"statements": list(map(_shown, found)), "after": after})

    async def search_proof(self, request: Request) -> Response:
        """Answer a page of the proof of a search (docs/reference/scitt.md, section 12)."""
        published = self.registrar.publisher.published
        if published is None:
            raise StatementNotFound("the log has no checkpoint yet")
        asked = request.query_params
        first = _number(asked, "first", 0)
        if "issuer" in asked:
            issuer = name_digests(published.index.function, [asked["issuer"]])[0]
            make = functools.partial(
                searching.issuer_page, published.note, published.index, issuer, first
            )
        else:
            make = functools.partial(
                searching.time_page,
                published.note,
                published.index,
                _number(asked, "from", 0),
                _number(asked, "to", TIME_MS_MAX),
                first,
            )
        async with self.proving:
            page = await asyncio.to_thread(make)
        return Response(page, media_type=CBOR)


def create_app(registrar: Registrar, objects: Objects, key: PublicKey) -> FastAPI:
    """Make the application, which registers while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with registrar.running():
            yield

    app = FastAPI(title="Trine evidence service", lifespan=lifespan, openapi_url="/openapi.json")
    service = _Service(registrar, objects, key)
    routes = (
        ("POST", "/entries", service.register),
        ("GET", "/entries/{entry}", service.receipt),
        ("GET", "/entries/{entry}/statement", service.transparent),
        ("POST", "/batches", service.register_batch),
        ("POST", "/receipts", service.receipts),
        ("GET", "/.well-known/scitt-keys", service.key_set),
        ("GET", "/.well-known/scitt-keys/{kid}", service.one_key),
        ("GET", f"/{CHECKPOINT}", service.checkpoint),
        ("GET", f"/{FOLDER}{CHECKPOINT}", service.checkpoint),
        ("GET", f"/{VERIFIER}", service.verifier),
        ("GET", f"/{FOLDER}{VERIFIER}", service.verifier),
        ("GET", f"/{FOLDER}{ANCHOR}", service.anchor),
        ("GET", f"/{FOLDER}tile/{{path:path}}", service.tile),
        ("GET", "/tile/{path:path}", service.tile),
        ("GET", "/index/tile/{path:path}", service.tile),
        ("GET", "/search", service.search),
        ("GET", "/search/proof", service.search_proof),
    )
    for method, path, handler in routes:
        app.add_route(path, handler, methods=[method])
    app.add_exception_handler(TrineError, _on_error)
    return app


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrineError)
    return problem(request, error)


async def _body(request: Request, bytes_max: int) -> bytes:
    """Read the body of a request, no more than it may have.

    Raises:
        CoseTooLarge: It has more.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise CoseTooLarge(f"the body has over {bytes_max} bytes")
    return bytes(body)


def _kind(request: Request) -> tuple[bool, bool]:
    """Read which receipt is asked for: with the chain's proof, and of a SHA-256 log."""
    asked = request.query_params
    return asked.get("chain", "1") != "0", asked.get("standard", "0") != "0"


def _entry(request: Request) -> Digest:
    text = request.path_params["entry"]
    try:
        return Digest.parse(text)
    except ValueError:
        raise StatementNotFound(f"{text[:80]!r} is no entry: 64 hexadecimal digits") from None


def _digest(data: bytes) -> Digest:
    if len(data) != Digest.LENGTH:
        raise BadArgument(f"an entry has {len(data)} bytes, expected {Digest.LENGTH}")
    return Digest(data)


def _number(asked: QueryParams, name: str, default: int | None = None) -> int:
    text = asked.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdigit() or len(text) > NUMBER_DIGITS_MAX:
        raise BadArgument(f"{name} is {text!r:.80}, expected digits up to {NUMBER_DIGITS_MAX}")
    return int(text)


def _hex_digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError:
        raise BadArgument(f"digest is {text[:80]!r}, expected 64 hexadecimal digits") from None


def _shown(one: Registration) -> dict[str, object]:
    return {
        "entry": str(one.entry),
        "place": one.place,
        "issuer": one.issuer,
        "subject": one.subject,
        "content_type": one.content_type,
        "registered_ms": one.registered_ms,
        "content_digest": str(one.content_digest),
    }


def _elsewhere(request: Request, status: HTTPStatus, entry: Digest) -> Response:
    """Say where the receipt that is asked for will be."""
    with_chain_proof, standard = _kind(request)
    asked = [*([] if with_chain_proof else ["chain=0"]), *(["standard=1"] if standard else [])]
    place = "?".join([f"/entries/{entry}", *filter(None, ["&".join(asked)])])
    headers = {"location": place, "retry-after": str(RETRY_AFTER_S)}
    return Response(b"", status, headers, media_type=COSE)
