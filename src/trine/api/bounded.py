"""Bound what a client may do with a connection: how many there are, a head's bytes, seconds.

uvicorn bounds none of these by itself: a connection that says nothing, a head without an end or a
body that comes byte by byte would stay, and grow, for as long as the client likes.
"""

import asyncio
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTIONS_MAX: Final = 2_048
"""Connections that are served at a time; further ones are closed at once."""
HEAD_BYTES_MAX: Final = 32 * 1_024
"""Bytes of a request's head, beside what one read of the socket brings."""
HEAD_S_MAX: Final = 10.0
"""Seconds in which a request's head must be there, from the connection or from its first byte."""
BODY_S_MAX: Final = 300.0
"""Seconds in which a request's body must be there."""


class Bounded(HttpToolsProtocol):
    """A connection of uvicorn with limits."""

    _in_head = True
    """Whether the next bytes belong to a head."""
    _head_bytes = 0
    _late: asyncio.TimerHandle | None = None
    """Ends the connection when its time is over."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; hang up where there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        self._wait(HEAD_S_MAX)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; hang up where a head has too many."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._late is None:
                self._wait(HEAD_S_MAX)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(f"The head has over {HEAD_BYTES_MAX} bytes.")

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        self._wait(BODY_S_MAX)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing until the next head begins."""
        self._in_head, self._head_bytes = True, 0
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds: float | None) -> None:
        """Hang up after so many seconds; with nothing, do not."""
        if self._late is not None:
            self._late.cancel()
        late: Any = self.transport.abort
        self._late = None if seconds is None else self.loop.call_later(seconds, late)


def tell_nobody(app: FastAPI) -> None:
    """Let no client fill the log: one that hangs up within a body is no error of the service."""

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)

    app.add_exception_handler(ClientDisconnect, gone)
