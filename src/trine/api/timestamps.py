"""Serve timestamps: those of the service's own authority, and those over records.

RFC 3161, section 3.4, has the requests over HTTP. What stands for a record is a token over the
header of a block that has it, with the proof that it does, or one over the record alone.
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Collection
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trine.api.requests import body_of, entry_of
from trine.errors import BadArgument, TimestampTooLarge
from trine.errors.services import NoTimestampAuthority
from trine.services.evidence import statement
from trine.services.evidence.chain import ProvenHead, proof_of
from trine.services.evidence.registrar import Registrar
from trine.services.evidence.stamping import Head, Stamped, Stamping
from trine.services.evidence.succession import Line
from trine.services.evidence.timestamp import REQUEST_BYTES_MAX
from trine.services.evidence.timestamp.outside import QUERY_TYPE, REPLY_TYPE, new_http
from trine.services.evidence.timestamp.waiting import Entry
from trine.types import Digest, LogId

COSE: Final = "application/cose"
RETRY_AFTER_S: Final = 1


class Timestamps:
    """The routes of timestamps."""

    def __init__(self, line: Line, stamping: Stamping) -> None:
        """Serve the timestamps of the records of some logs."""
        self._line, self._stamping = line, stamping

    @contextlib.asynccontextmanager
    async def running(self, tls: ssl.SSLContext | bool) -> AsyncIterator[None]:
        """Ask for timestamps while the context lasts."""
        async with new_http(tls) as http, asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self._stamping.run(http, self._heads))
            try:
                yield
            finally:
                work.cancel()

    def _heads(self) -> Collection[tuple[LogId, ProvenHead]]:
        known = [(number, one.certified) for number, one in self._line.logs.items()]
        return [(number, one.head) for number, one in known if one is not None]

    async def answer(self, request: Request) -> Response:
        """Answer a request of RFC 3161."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != QUERY_TYPE:
            raise BadArgument(f"the content type is {kind[:80]!r}, expected {QUERY_TYPE}")
        query = await body_of(request, REQUEST_BYTES_MAX, TimestampTooLarge)
        made = await self._stamping.answer(query)
        return Response(made, headers={"cache-control": "no-store"}, media_type=REPLY_TYPE)

    async def show(self, request: Request) -> Response:
        """Answer the timestamps of a record."""
        entry = entry_of(request)
        holder = await self._line.holder(entry)
        return JSONResponse(await self._document(holder, entry))

    async def ask(self, request: Request) -> Response:
        """Ask every authority for a timestamp over a record; answers what there is."""
        entry = entry_of(request)
        holder = await self._line.holder(entry)
        await self._stamping.ask_for(entry)
        return JSONResponse(await self._document(holder, entry), HTTPStatus.ACCEPTED)

    async def stamped(self, request: Request) -> Response:
        """Answer a statement whose receipt has the proof under the block that was stamped."""
        entry = entry_of(request)
        holder = await self._line.holder(entry)
        if not self._stamping.authorities:
            raise NoTimestampAuthority("this service runs without --tsa and --timestamp-from")
        found = await holder.find(entry)
        made = None
        if found.place is not None:
            head = await self._stamping.of_place(holder.chain.log, found.place)
            if head is not None:
                proof = await _proof(holder, entry, found.place, head[0])
                made = await holder.receipt_with(found.place, proof)
        if made is None:
            later = {"location": f"/entries/{entry}/stamped", "retry-after": str(RETRY_AFTER_S)}
            return Response(b"", HTTPStatus.FOUND, later, media_type=COSE)
        return Response(statement.with_receipts(found.statement, [made]), media_type=COSE)

    async def _document(self, holder: Registrar, entry: Digest) -> dict[str, Any]:
        header = None
        place = (await holder.find(entry)).place
        if place is not None:
            found = await self._stamping.of_place(holder.chain.log, place)
            header = found and await self._header(holder, entry, place, *found)
        record = await self._stamping.of_entry(entry)
        return {
            "entry": str(entry),
            "header": header,
            "record": _shown(record) if record.entries else None,
        }

    async def _header(
        self, holder: Registrar, entry: Digest, place: int, head: Head, stamped: Stamped
    ) -> dict[str, Any]:
        proven = head.proven
        proof = await _proof(holder, entry, place, head)
        about = {"height": proven.height, "time_ms": proven.time_ms, "size": proven.size}
        return about | {"proof": _base64(proof)} | _shown(stamped)


async def _proof(holder: Registrar, entry: Digest, place: int, head: Head) -> bytes:
    """Make the proof of an entry under the block whose header was stamped."""
    path = await holder.inclusion_path(place, head.proven.size)
    return proof_of(holder.chain.suite, head.proven, entry, place, path)


def _shown(stamped: Stamped) -> dict[str, Any]:
    return {
        "hash": stamped.imprint.algorithm,
        "digest": stamped.imprint.digest.hex(),
        "timestamps": [_entry_shown(one) for one in stamped.entries],
    }


def _entry_shown(one: Entry) -> dict[str, Any]:
    return {
        "authority": one.url,
        "token": None if one.token is None else _base64(one.token),
        "time_ms": one.time_ms,
        "asked": one.asked,
        "failure": one.failure,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
