"""Test the HTTP of both clients against servers that fail in every way a node can."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trine import AsyncClient, Client, errors
from trine.client import transport
from trine.client.records import BlockSummary, Status
from trine.types import Address
from trine.types.identifiers import Height

Reply = tuple[int, bytes]
Handler = Callable[[str], Reply]

STATUS = {
    "chain": "test",
    "chain_id": "ab" * 32,
    "suite": "intl",
    "height": 7,
    "epoch": 0,
    "time_ms": 1,
    "version": "0",
    "validators": [],
}
NOT_READY = (503, b'{"code": "not_ready", "detail": "starting"}')
GOOD = (200, json.dumps(STATUS).encode())
DEAD = "http://127.0.0.1:9"


@contextmanager
def server(handler: Handler) -> Iterator[str]:
    """Serve on loopback what `handler` says for a path."""

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = handler(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the pauses between rounds short."""
    monkeypatch.setattr(transport, "PAUSE_S", 0.001)


def both(urls: list[str]) -> list[Status]:
    """Ask with both clients."""

    async def ask() -> Status:
        async with AsyncClient(urls) as client:
            return await client.status()

    with Client(urls) as client:
        return [client.status(), asyncio.run(ask())]


def test_the_first_node_that_can_answers() -> None:
    """Goal: fail-over. Method: a dead node, one that is not ready, then a good one."""
    with server(lambda _: NOT_READY) as starting, server(lambda _: GOOD) as good:
        assert {status.height for status in both([DEAD, starting, good])} == {7}


def test_a_node_may_become_ready() -> None:
    """Goal: waiting a little helps. Method: a node that is ready from its third answer on."""
    asked = iter(range(1_000))
    with server(lambda _: GOOD if next(asked) % 3 == 2 else NOT_READY) as url:
        assert [status.height for status in both([url])] == [7, 7]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((404, b'{"code": "account_not_found", "detail": "x"}'), errors.AccountNotFound),
        ((503, b'{"code": "busy", "detail": "x"}'), errors.Busy),
        (NOT_READY, errors.NotReady),
        ((429, b'{"code": "account_quota", "detail": "x"}'), errors.AccountQuota),
        ((500, b'{"code": "from_the_future"}'), errors.Internal),
        ((500, b"<html>"), errors.BadAnswer),
        ((404, b"[]"), errors.BadAnswer),
        ((200, b"<html>"), errors.BadAnswer),
        ((200, b"[]"), errors.BadAnswer),
        ((200, b"{}"), errors.BadAnswer),
        ((200, b'{"chain": 5}'), errors.BadAnswer),
        ((200, json.dumps({**STATUS, "chain_id": "xy"}).encode()), errors.BadAnswer),
        ((200, json.dumps({**STATUS, "validators": [5]}).encode()), errors.BadAnswer),
    ],
)
def test_every_answer_has_its_error(reply: Reply, error: type[Exception]) -> None:
    """Goal: whatever answers, one of our exceptions. Method: an answer of each kind."""
    with server(lambda _: reply) as url, pytest.raises(error):
        both([url])


def test_no_node_at_all() -> None:
    """Goal: the message names every node. Method: two that do not listen."""
    urls = [DEAD, "http://127.0.0.1:8"]
    with Client(urls) as client, pytest.raises(errors.CannotReachNode) as raised:
        client.account(Address(bytes(20)))
    assert DEAD in str(raised.value)
    assert "http://127.0.0.1:8" in str(raised.value)


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: bounded memory. Method: an answer one byte over the limit, and one at it."""
    import trine.client.client as module

    with server(lambda _: (200, bytes(1_001))) as url, Client(url) as client:
        monkeypatch.setattr(module, "ANSWER_BYTES_MAX", 1_001)
        assert len(client.trust()) == 1_001
        monkeypatch.setattr(module, "ANSWER_BYTES_MAX", 1_000)
        with pytest.raises(errors.BadAnswer, match="more than 1000 bytes"):
            client.trust()


def event(height: int) -> bytes:
    """Encode a block event."""
    document = {"height": height, "digest": "00" * 32, "time_ms": 1, "epoch": 0, "transactions": 0}
    return f"id: {height}\nevent: block\ndata: {json.dumps(document)}\n\n".encode()


def chopped(path: str) -> Reply:
    """Answer three blocks from the one asked for on, and half of the next, then end."""
    first = int(path.partition("from=")[2] or 4)
    return 200, b"".join(event(first + i) for i in range(3)) + event(first + 3)[:20]


def gapped(path: str) -> Reply:
    """Answer one block, then leave one out."""
    first = int(path.partition("from=")[2] or 4)
    return 200, event(first) + event(first + 2)


@pytest.mark.parametrize("handler", [chopped, gapped])
def test_a_stream_resumes_without_gap_or_repeat(handler: Handler) -> None:
    """Goal: every block once, in order. Method: streams that break, also within an event."""

    async def follow(url: str) -> list[BlockSummary]:
        async with AsyncClient([DEAD, url]) as client:
            found = []
            async for block in client.stream(from_=Height(4)):
                found.append(block)
                if len(found) == 10:
                    break
            return found

    with server(handler) as url:
        with Client([url, DEAD]) as client:
            stream = client.stream(from_=Height(4))
            heights = [next(stream).height for _ in range(10)]
        assert heights == list(range(4, 14))
        assert [block.height for block in asyncio.run(follow(url))] == heights
