"""Serve the registration of statements by the SCITT reference API (SCRAPI).

Follows draft-ietf-scitt-scrapi-10. Beside it: batches, statements with their receipts, searches
with their proofs, and the files of the log (C2SP tlog-tiles).
"""

import asyncio
import base64
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

import cbor2
from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trine.api.counted import Counted, Counts
from trine.api.problems import document_of, problem
from trine.api.requests import body_of, entry_of
from trine.api.timestamps import Timestamps
from trine.errors import BadArgument, TrineError
from trine.errors.services import IssuerKeyNotAdmitted, StatementNotFound
from trine.services.evidence import cbor, keys, searching, statement, tiles
from trine.services.evidence.catalogue import FOLDER as INDEX
from trine.services.evidence.index import Query, Registration
from trine.services.evidence.objects import Objects
from trine.services.evidence.published import CHECKPOINT, VERIFIER
from trine.services.evidence.registrar import BATCH_MAX, Registrar, log_prefix
from trine.services.evidence.rows import TIME_MS_MAX, Order, name_digest
from trine.services.evidence.stamping import Stamping
from trine.services.evidence.standard import ANCHOR, FOLDER
from trine.services.evidence.statement import TRANSPARENT_BYTES_MAX
from trine.services.evidence.succession import Line
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

COSE: Final = "application/cose"
CBOR: Final = "application/cbor"
TILE: Final = "application/octet-stream"
WAIT_S: Final = 5.0
"""Seconds for which a registration waits for its receipt, before it answers where that will be."""
RETRY_AFTER_S: Final = 1
WORKERS_MAX: Final = 8
"""Threads for what takes long or waits for the disk; the core keeps about 20 MiB for each."""
BATCH_BYTES_MAX: Final = 32 * 1_024 * 1_024
"""Bytes of a batch."""
SEARCH_MAX: Final = 1_000
"""Statements of a page of a search."""
NUMBER_DIGITS_MAX: Final = 18
"""Digits of a number in a query."""
TEXT: Final = "text/plain; charset=utf-8"
TOML: Final = "application/toml"
FOREVER: Final = "public, max-age=31536000, immutable"
"""How long a tile may be kept: it never changes (C2SP tlog-tiles)."""
PROVEN: Final[dict[str, Order]] = {
    "issuer": "issuer",
    "type": "content_type",
    "content": "content",
    "entry": "entry",
}
"""Of which digests a proof may be, by their names in a query."""
SOON: Final = "public, max-age=1"
"""How long a checkpoint may be kept (C2SP tlog-tiles: no more than a few seconds)."""


class _Service:
    """What the routes need."""

    def __init__(self, line: Line, objects: Objects, key: PublicKey) -> None:
        self.line = line
        self.objects = objects
        beside = line.first.standard
        self.keys = [key] if beside is None else [key, beside.key]
        self.counts = Counts()
        self.proving = asyncio.Lock()
        """Held while a proof is made: a snapshot is for one thread."""

    async def register(self, request: Request) -> Response:
        """Register a statement; answers its receipt, or where it will be."""
        try:
            entry = await self.line.register(await body_of(request, TRANSPARENT_BYTES_MAX))
        except TrineError as error:
            self.counts.refuse(error)
            raise
        if not await self.line.recorded(entry, WAIT_S):
            return _elsewhere(request, HTTPStatus.SEE_OTHER, entry)
        return await self._receipt(request, entry, HTTPStatus.CREATED)

    async def receipt(self, request: Request) -> Response:
        """Answer the receipt of an entry."""
        return await self._receipt(request, entry_of(request), HTTPStatus.OK)

    async def _receipt(self, request: Request, entry: Digest, status: HTTPStatus) -> Response:
        with_chain_proof, standard = _kind(request)
        made = await self.line.receipt(entry, with_chain_proof=with_chain_proof, standard=standard)
        if made is None:
            return _elsewhere(request, HTTPStatus.FOUND, entry)
        self.counts.receipts += 1
        return Response(made, status, {"location": f"/entries/{entry}"}, media_type=COSE)

    async def transparent(self, request: Request) -> Response:
        """Answer a statement with its receipt inside."""
        entry = entry_of(request)
        found = await self.line.find(entry)
        with_chain_proof, standard = _kind(request)
        made = await self.line.receipt(entry, with_chain_proof=with_chain_proof, standard=standard)
        if made is None:
            return _elsewhere(request, HTTPStatus.FOUND, entry)
        self.counts.receipts += 1
        return Response(statement.with_receipts(found.statement, [made]), media_type=COSE)

    async def register_batch(self, request: Request) -> Response:
        """Register an array of statements; answers an entry or a problem for each."""
        try:
            data = await body_of(request, BATCH_BYTES_MAX)
            items = cbor.strings(data, "the batch", count_max=BATCH_MAX)
            results = await self.line.register_many(items)
        except TrineError as error:
            self.counts.refuse(error)
            raise
        for one in results:
            if isinstance(one, TrineError):
                self.counts.refuse(one)
        answers = [
            document_of(one) if isinstance(one, TrineError) else bytes(one) for one in results
        ]
        return Response(cbor2.dumps(answers), HTTPStatus.ACCEPTED, media_type=CBOR)

    async def receipts(self, request: Request) -> Response:
        """Answer the receipt of each of an array of entries, null where there is none yet.

        With `wait` in the query it waits so many seconds for those that are not there yet.
        """
        items = cbor.strings(
            await body_of(request, BATCH_BYTES_MAX), "the batch", count_max=BATCH_MAX
        )
        entries = _digests(items)
        wait_s = _number(request.query_params, "wait", 0)
        if wait_s > WAIT_S:
            raise BadArgument(f"wait is {wait_s}, expected seconds up to {WAIT_S:.0f}")
        await self.line.all_recorded(entries, wait_s)
        with_chain_proof, standard = _kind(request)
        made = await self.line.receipts(
            entries, with_chain_proof=with_chain_proof, standard=standard
        )
        self.counts.receipts += sum(isinstance(one, bytes) for one in made)
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
                return Response(keys.encode_key(key), media_type=CBOR)
        raise IssuerKeyNotAdmitted(f"no key has the name {name[:80]!r}")

    async def tile(self, request: Request) -> Response:
        """Answer a tile of a log, of its index, or of the SHA-256 log beside it."""
        name = f"tile/{request.path_params['path']}"
        tiles.parse_path(name)
        folder = INDEX if "index/tile/" in request.url.path else _beside(request)
        return await self._file(request, folder + name, TILE, FOREVER)

    async def checkpoint(self, request: Request) -> Response:
        """Answer the newest checkpoint, of a log or of that beside it."""
        return await self._file(request, _beside(request) + CHECKPOINT, TEXT, SOON)

    async def verifier(self, request: Request) -> Response:
        """Answer the key that signs checkpoints, of a log or of that beside it."""
        return await self._file(request, _beside(request) + VERIFIER, TEXT, SOON)

    async def anchor(self, request: Request) -> Response:
        """Answer the newest statement about the SHA-256 log that the chain was asked to record."""
        return await self._file(request, FOLDER + ANCHOR, COSE, SOON)

    async def policy(self, request: Request) -> Response:
        """Answer the policy of a log as it was written, with its digest (RFC 9530)."""
        policy = self._log(request.path_params.get("log")).policy
        digest = base64.b64encode(policy.digest).decode()
        headers = {"repr-digest": f"sha-256=:{digest}:", "cache-control": SOON}
        return Response(policy.text, headers=headers, media_type=TOML)

    async def logs(self, _: Request) -> Response:
        """Answer which logs there are, which of them takes statements, and by which policies."""
        shown = [
            {
                "log": one.chain.log,
                "entries": one.certified.head.size if one.certified else 0,
                "takes": one is self.line.current and one.room != 0,
                "policy_sha256": str(one.policy.digest),
                "entries_max": one.policy.entries_max,
            }
            for one in self.line.logs.values()
        ]
        return JSONResponse({"logs": shown}, headers={"cache-control": SOON})

    def _log(self, number: str | None) -> Registrar:
        """Return the log of a number; without one, that with which the line began."""
        if number is None:
            return self.line.first
        if not number.isascii() or not number.isdigit() or len(number) > NUMBER_DIGITS_MAX:
            raise StatementNotFound(f"{number[:80]!r} is no number of a log")
        return self.line.log(int(number))

    async def _file(self, request: Request, name: str, media_type: str, caching: str) -> Response:
        one = self._log(request.path_params.get("log"))
        found = await asyncio.to_thread(self.objects.read, log_prefix(one.chain.log) + name)
        if found is None:
            raise StatementNotFound(f"the log has no {name} yet")
        return Response(found, headers={"cache-control": caching}, media_type=media_type)

    async def search(self, request: Request) -> Response:
        """Answer which statements fit, page after page."""
        asked = request.query_params
        count = _number(asked, "count", SEARCH_MAX)
        if not 1 <= count <= SEARCH_MAX:
            raise BadArgument(f"count is {count}, expected 1 to {SEARCH_MAX}")
        one = self._log(asked.get("log"))
        function = one.chain.function
        query = Query(
            name_digest(function, asked["issuer"]) if "issuer" in asked else None,
            asked.get("type"),
            _hex_digest(asked["digest"]) if "digest" in asked else None,
            _number(asked, "from") if "from" in asked else None,
            _number(asked, "to") if "to" in asked else None,
            _number(asked, "after", -1),
        )
        found = await one.search(query, count)
        after = found[-1].place if len(found) == count else None
        return JSONResponse({"statements": list(map(_shown, found)), "after": after})

    async def search_proof(self, request: Request) -> Response:
        """Answer a page of the proof of a search (docs/reference/scitt.md, section 12)."""
        asked = request.query_params
        published = self._log(asked.get("log")).publisher.published
        if published is None:
            raise StatementNotFound("the log has no checkpoint yet")
        first, index = _number(asked, "first", 0), published.index
        given = searching.Given(published.note, published.proof)
        wanted = _digest_of(asked, index.function)
        if wanted is not None:
            make = functools.partial(searching.digest_page, given, index, *wanted, first)
        else:
            from_ms, to_ms = _number(asked, "from", 0), _number(asked, "to", TIME_MS_MAX)
            make = functools.partial(searching.time_page, given, index, from_ms, to_ms, first)
        async with self.proving:
            page = await asyncio.to_thread(make)
        return Response(page, media_type=CBOR)


def create_app(
    line: Line, objects: Objects, key: PublicKey, stamping: Stamping, tls: ssl.SSLContext | bool
) -> FastAPI:
    """Make the application, which registers while it runs.

    Where its work ends with an error, `app.state.end` is called with that: whoever serves the
    application stops then.

    Args:
        line: The logs.
        objects: Where their files are kept.
        key: Key that signs receipts.
        stamping: Timestamps.
        tls: Which certificates vouch for authorities of timestamps.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        is_up = False
        workers = ThreadPoolExecutor(WORKERS_MAX, "work")
        asyncio.get_running_loop().set_default_executor(workers)
        try:
            async with line.running(), timestamps.running(tls):
                is_up = True
                yield
        except Exception as error:  # whatever it is, it does not go on without its work
            app.state.end(_first(error))
        if not is_up:
            yield

    # Its own pages load programs from elsewhere; the routes are those of docs/reference/scitt.md.
    app = FastAPI(title="Trine evidence service", lifespan=lifespan, openapi_url=None)
    app.state.end = _raise
    service = _Service(line, objects, key)
    timestamps = Timestamps(line, stamping)
    metrics = Counted(line, stamping, service.counts)
    routes = (
        ("POST", "/entries", service.register),
        ("GET", "/entries/{entry}", service.receipt),
        ("GET", "/entries/{entry}/statement", service.transparent),
        ("POST", "/batches", service.register_batch),
        ("POST", "/receipts", service.receipts),
        ("GET", "/.well-known/scitt-keys", service.key_set),
        ("GET", "/.well-known/scitt-keys/{kid}", service.one_key),
        ("GET", "/logs", service.logs),
        ("GET", "/search", service.search),
        ("GET", "/search/proof", service.search_proof),
        ("POST", "/timestamps", timestamps.answer),
        ("GET", "/entries/{entry}/timestamps", timestamps.show),
        ("POST", "/entries/{entry}/timestamps", timestamps.ask),
        ("GET", "/entries/{entry}/stamped", timestamps.stamped),
        ("GET", "/metrics", metrics.show),
    )
    files = (
        ("/checkpoint", service.checkpoint),
        ("/log.vkey", service.verifier),
        ("/policy", service.policy),
        ("/tile/{path:path}", service.tile),
        ("/index/tile/{path:path}", service.tile),
        (f"/{FOLDER}checkpoint", service.checkpoint),
        (f"/{FOLDER}log.vkey", service.verifier),
        (f"/{FOLDER}tile/{{path:path}}", service.tile),
        (f"/{FOLDER}{ANCHOR}", service.anchor),
    )
    for method, path, handler in routes:
        app.add_route(path, handler, methods=[method])
    for path, handler in files:
        app.add_route(path, handler, methods=["GET"])
        app.add_route("/logs/{log}" + path, handler, methods=["GET"])
    app.add_exception_handler(TrineError, _on_error)
    return app


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrineError)
    return problem(request, error)


def _first(error: BaseException) -> BaseException:
    """Return what went wrong first, out of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _raise(error: BaseException) -> None:
    raise error


def _kind(request: Request) -> tuple[bool, bool]:
    """Read which receipt is asked for: with the chain's proof, and of a SHA-256 log."""
    asked = request.query_params
    return asked.get("chain", "1") != "0", asked.get("standard", "0") != "0"


def _beside(request: Request) -> str:
    """Return the folder of the SHA-256 log where a file of that is asked for."""
    return FOLDER if f"/{FOLDER}" in request.url.path else ""


def _digests(items: Sequence[bytes]) -> list[Digest]:
    if others := set(map(len, items)) - {Digest.LENGTH}:
        raise BadArgument(f"an entry has {min(others)} bytes, expected {Digest.LENGTH}")
    return Digest.all_of(items)


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


def _digest_of(asked: QueryParams, function: HashFunction) -> tuple[Order, Digest] | None:
    """Read which digest a proof is to be about; nothing where it is about a time.

    Raises:
        BadArgument: It is to be about several.
    """
    named = [name for name in PROVEN if name in asked]
    if len(named) + any(name in asked for name in ("from", "to")) > 1:
        raise BadArgument(f"a proof is about one of {', '.join(PROVEN)}, or about from and to")
    if not named:
        return None
    text, order = asked[named[0]], PROVEN[named[0]]
    is_name = order in ("issuer", "content_type")
    return order, name_digest(function, text) if is_name else _hex_digest(text)


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
