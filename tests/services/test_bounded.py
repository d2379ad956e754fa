"""Test the limits of connections with clients that say nothing, too much, or too slowly."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from trine.api import bounded

SECONDS_MAX = 30
SHORT_S = 0.2
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n"
Connect = Callable[[], socket.socket]


async def _echo(request: Request) -> Response:
    return Response(await request.body())


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Run a server that says what it is told; gives what connects to it."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        app = FastAPI()
        app.add_route("/", _echo, methods=["POST"])
        bounded.tell_nobody(app)
        server = uvicorn.Server(uvicorn.Config(app, http=bounded.Bounded, log_level="error"))
        thread = Thread(target=server.run, kwargs={"sockets": [there]})
        thread.start()
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive()
        clients = []

        def made() -> socket.socket:
            clients.append(socket.create_connection(there.getsockname(), SECONDS_MAX))
            return clients[-1]

        yield made
        for client in clients:
            client.close()
        server.should_exit = True
        thread.join()


@contextmanager
def hung_up() -> Iterator[None]:
    """Take it for an answer that the server resets a connection."""
    try:
        yield
    except ConnectionError:
        return


def said(client: socket.socket) -> bytes:
    """Read until the server hangs up."""
    found = b""
    with hung_up():
        while part := client.recv(65_536):
            found += part
    return found


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nhost: a\r\n", POST % 9 + b"x"])
def test_who_says_no_more_is_hung_up_on(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    """Goal: nobody holds a connection for nothing. Method: no byte, half a head, half a body; on a
    connection that is new, and on one that was of use before."""
    monkeypatch.setattr(bounded, "HEAD_S_MAX", SHORT_S)
    monkeypatch.setattr(bounded, "BODY_S_MAX", SHORT_S)
    client = connect()
    client.sendall(start)
    assert said(client) == b""
    again = connect()
    again.sendall(POST % 3 + b"abc" + start)
    assert b"200 OK" in said(again)


def test_a_head_has_an_end(connect: Connect) -> None:
    """Goal: no memory for a head without end. Method: one field that goes on, until the server
    hangs up; and a head at the limit."""
    client = connect()
    client.sendall(b"POST / HTTP/1.1\r\nx: ")
    sent = 0
    with hung_up():
        while sent < 1_024 * bounded.HEAD_BYTES_MAX:
            sent += client.send(b"x" * 1_024)
    assert sent < 1_024 * bounded.HEAD_BYTES_MAX
    good = connect()
    field = b"x" * (bounded.HEAD_BYTES_MAX - 100)
    good.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nx: " + field + b"\r\n\r\nok")
    assert good.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_connections_are_counted(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: one more than the limit is closed, and a place is free again. Method: two of two."""
    monkeypatch.setattr(bounded, "CONNECTIONS_MAX", 2)
    first, second, third = connect(), connect(), connect()
    for client in (first, second):
        client.sendall(POST % 2 + b"ok")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK")
    assert said(third) == b""
    first.close()
    while not _serves(connect()):
        pass


def _serves(client: socket.socket) -> bool:
    with hung_up():
        client.sendall(POST % 2 + b"ok")
        return client.recv(65_536).startswith(b"HTTP/1.1 200 OK")
    return False


def test_large_bodies_and_many_requests_are_served(connect: Connect) -> None:
    """Goal: no limit bites early. Method: a body larger than any head, pieces, and several requests
    at once and one after the other on a connection."""
    client = connect()
    body = bytes(8 * bounded.HEAD_BYTES_MAX)
    client.sendall(POST % len(body) + body)
    found = b""
    while len(found) < len(body):
        found += client.recv(65_536)
    for _ in range(3):
        for byte in POST % 2 + b"ok":
            client.sendall(bytes([byte]))
        assert client.recv(65_536).endswith(b"ok")
    client.sendall(2 * (POST % 2 + b"ok"))
    found = b""
    while found.count(b"\r\n\r\nok") < 2:
        found += client.recv(65_536)


def test_who_hangs_up_is_no_error(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Goal: nobody fills the log by hanging up. Method: hang up within a body, again and again;
    then a whole request, whose answer comes after what was said of the others."""
    for _ in range(20):
        client = connect()
        client.sendall(POST % 9 + b"x")
        client.close()
    good = connect()
    good.sendall(POST % 2 + b"ok")
    assert good.recv(65_536).startswith(b"HTTP/1.1 200 OK")
    assert caplog.records == []
