"""Test outside authorities over real HTTP: honest, down, slow, lying; and the queue in between."""

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.services.stamping import DATA, DAY_MS, NOW_MS, code_of, stamper
from trine.errors import TrineError
from trine.services.evidence.timestamp import Authority, Imprint, Request, Response, token_of
from trine.services.evidence.timestamp.limits import (
    RESPONSE_BYTES_MAX,
    RETRY_MS_MAX,
    RETRY_MS_MIN,
    SKEW_MS_MAX,
)
from trine.services.evidence.timestamp.outside import (
    QUERY_TYPE,
    REPLY_TYPE,
    Outside,
    ask,
    ask_waiting,
    check_url,
    new_http,
)
from trine.services.evidence.timestamp.waiting import Waiting, pause_ms

IMPRINT = Imprint.of_data(DATA)
SHORT_S = 0.4
CLOSED = "http://127.0.0.1:9/"


@dataclass
class Said:
    """What the server says to one request."""

    body: bytes = b""
    status: int = 200
    content_type: str = REPLY_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    before_s: float = 0.0
    between_s: float = 0.0


@contextmanager
def serving(answer: Callable[[bytes], Said]) -> Iterator[str]:
    """Serve on loopback; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] == QUERY_TYPE
            said = answer(query)
            time.sleep(said.before_s)
            try:
                self.send_response(said.status)
                self.send_header("content-type", said.content_type)
                self.send_header("content-length", str(len(said.body)))
                for name, value in said.headers:
                    self.send_header(name, value)
                self.end_headers()
                if not said.between_s:
                    self.wfile.write(said.body)
                    return
                for byte in said.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(said.between_s)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
    finally:
        server.shutdown()
        server.server_close()


def honest(query: bytes, *, authority: Authority | None = None, at_ms: int = NOW_MS) -> Said:
    """Answer as a good authority does."""
    stamping = authority or stamper("p256")[0]
    return Said(stamping.answer(query, now_ms=at_ms, serial=9))


def asked(url: str, *, answer_s_max: float = 5.0, **more):
    """Ask an authority once; returns the token and what was verified."""
    outside = Outside(url, [stamper("p256")[1]], **more)

    async def once():
        async with new_http() as http:
            return await ask(
                http, outside, IMPRINT, clock=lambda: NOW_MS, answer_s_max=answer_s_max
            )

    return asyncio.run(once())


def test_honest() -> None:
    """Goal: a good answer is taken. Method: our own authority behind HTTP."""
    with serving(honest) as url:
        token, found = asked(url)
    assert (found.time_ms, found.serial, found.imprint) == (NOW_MS, 9, IMPRINT)
    assert token_of(token) == token


def other_imprint(query: bytes) -> Said:
    """Stamp other data."""
    return honest(Request(Imprint.of_data(b"other"), Request.read(query).nonce).to_der())


def other_nonce(query: bytes) -> Said:
    """Answer another request for the same data, as who replays an old answer does."""
    return honest(replace(Request.read(query), nonce=1).to_der())


def no_nonce(query: bytes) -> Said:
    """Leave the nonce away."""
    return honest(replace(Request.read(query), nonce=None).to_der())


def other_policy(query: bytes) -> Said:
    """Stamp under another policy than the one asked for."""
    return honest(replace(Request.read(query), policy=None).to_der())


def altered(query: bytes) -> Said:
    """Alter the last byte of the signature."""
    body = honest(query).body
    return Said(body[:-1] + bytes([body[-1] ^ 1]))


LIES = [
    (other_imprint, "wrong_imprint"),
    (other_nonce, "wrong_nonce"),
    (no_nonce, "wrong_nonce"),
    (altered, "timestamp_signature"),
    (lambda query: honest(query, at_ms=NOW_MS + SKEW_MS_MAX + 1), "wrong_timestamp_time"),
    (lambda query: honest(query, at_ms=NOW_MS - SKEW_MS_MAX - 1), "wrong_timestamp_time"),
    (lambda query: honest(query, at_ms=NOW_MS + DAY_MS), "wrong_timestamp_time"),
    (lambda query: honest(query, authority=stamper("p384")[0]), "certificate_signature"),
    (lambda _: Said(Response.refusal("time_not_available", "").to_der()), "timestamp_not_granted"),
    (lambda _: Said(b"\x30\x80\x00\x00"), "not_a_timestamp"),
    (lambda _: Said(b""), "not_a_timestamp"),
]
FAULTS = [
    lambda query: replace(honest(query), status=500),
    lambda query: replace(honest(query), status=404),
    lambda query: replace(honest(query), status=302, headers=(("location", "/other"),)),
    lambda query: replace(honest(query), content_type="text/html"),
    lambda query: replace(honest(query), content_type=""),
    lambda _: Said(bytes(RESPONSE_BYTES_MAX + 1)),
    lambda _: Said(gzip.compress(bytes(10_000_000)), headers=(("content-encoding", "gzip"),)),
    lambda query: replace(honest(query), before_s=1.0),
    lambda query: replace(honest(query), between_s=0.05),
]


@pytest.mark.parametrize(("answer", "code"), LIES)
def test_lies(answer: Callable[[bytes], Said], code: str, tmp_path: Path) -> None:
    """Goal: what is not true is refused and never kept. Method: one lie at a time, by the queue."""
    with serving(answer) as url:
        assert code_of(lambda: asked(url)) == code
        waiting = Waiting(tmp_path / "waiting")
        number = waiting.put(IMPRINT, url, now_ms=NOW_MS)
        assert worked(waiting, url, NOW_MS) == 0
    entry = waiting.entry(number)
    assert (entry.token, entry.failure, entry.asked) == (None, code, 1)


def test_policy_that_was_not_asked_for() -> None:
    """Goal: the policy is the one asked for. Method: an authority that uses its own."""
    with serving(other_policy) as url:
        assert code_of(lambda: asked(url, policy="1.2.3")) == "wrong_timestamp_policy"


@pytest.mark.parametrize("answer", FAULTS)
def test_faults(answer: Callable[[bytes], Said]) -> None:
    """Goal: an authority that is down or slow costs bounded time. Method: one fault at a time."""
    with serving(answer) as url:
        # One that never ends would end this test by its limit.
        assert code_of(lambda: asked(url, answer_s_max=SHORT_S)) == "timestamp_unavailable"


def test_nobody_there() -> None:
    """Goal: a closed port is an authority that is down. Method: port 9."""
    with pytest.raises(TrineError) as caught:
        asked(CLOSED)
    assert caught.value.code == "timestamp_unavailable"
    assert caught.value.instance == CLOSED


@pytest.mark.parametrize(
    "url",
    [
        "http://tsa.example/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "https://",
        "https://user:secret@tsa.example/",
        "https://tsa.example:0/",
        "https://tsa.example:x/",
        "http://[::1/",
        "",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    """Goal: requests leave this machine over TLS only. Method: other URLs."""
    assert code_of(lambda: check_url(url)) == "bad_argument"
    assert code_of(lambda: Outside(url, [stamper("p256")[1]])) == "bad_argument"


def test_urls_that_are_allowed() -> None:
    """Goal: https, and this machine. Method: each form."""
    for url in ("https://tsa.example/tsr", "http://127.0.0.9:80/", "http://[::1]/", CLOSED):
        check_url(url)
    check_url("http://localhost:3000/")
    assert code_of(lambda: Outside("https://tsa.example/", [])) == "bad_argument"


def worked(waiting: Waiting, url: str, now_ms: int) -> int:
    """Work through the queue once."""
    outside = Outside(url, [stamper("p256")[1]])

    async def once() -> int:
        async with new_http() as http:
            return await ask_waiting(
                http, [outside], waiting, clock=lambda: now_ms, answer_s_max=5.0
            )

    return asyncio.run(once())


def test_queue_over_an_outage(tmp_path: Path) -> None:
    """Goal: nothing is lost while an authority is down. Method: down, restart, up again."""
    path = tmp_path / "waiting"
    is_up = False

    def sometimes(query: bytes) -> Said:
        return honest(query) if is_up else Said(status=503)

    with serving(sometimes) as url:
        waiting = Waiting(path)
        numbers = [
            waiting.put(Imprint.of_data(bytes([one])), url, now_ms=NOW_MS) for one in range(3)
        ]
        assert waiting.put(Imprint.of_data(b"\x00"), url, now_ms=NOW_MS) == numbers[0]
        assert worked(waiting, url, NOW_MS) == 0
        assert waiting.due(NOW_MS) == []
        # Another process finds the same, and asks again after the pause.
        again = Waiting(path)
        assert [one.number for one in again.due(NOW_MS + RETRY_MS_MIN)] == numbers
        assert {one.failure for one in again.due(NOW_MS + RETRY_MS_MIN)} == {
            "timestamp_unavailable"
        }
        is_up = True
        # The authority states its own time; ours may not be further off than the skew.
        assert worked(again, url, NOW_MS + RETRY_MS_MIN) == 3
        assert again.due(NOW_MS + DAY_MS) == []
    for number in numbers:
        entry = Waiting(path).entry(number)
        assert (entry.time_ms, entry.failure) == (NOW_MS, None)
        assert token_of(entry.token) == entry.token
        first = entry.token
        again.done(number, b"another", NOW_MS)
        again.failed(number, "timestamp_unavailable", now_ms=NOW_MS)
        assert again.entry(number).token == first
    assert again.entry(10_000) is None
    assert path.stat().st_mode & 0o077 == 0


def test_authority_that_is_down_is_asked_once(tmp_path: Path) -> None:
    """Goal: a long queue does not wait for each entry. Method: count the requests."""
    seen = []

    def down(query: bytes) -> Said:
        seen.append(query)
        return Said(status=503)

    with serving(down) as url:
        waiting = Waiting(tmp_path / "waiting")
        for one in range(5):
            waiting.put(Imprint.of_data(bytes([one])), url, now_ms=NOW_MS)
        waiting.put(IMPRINT, "https://tsa.example/", now_ms=NOW_MS)
        assert worked(waiting, url, NOW_MS) == 0
    assert len(seen) == 1
    assert waiting.due(NOW_MS) == []


def test_queue_is_bounded(tmp_path: Path) -> None:
    """Goal: the queue has a limit. Method: at it, and one past it."""
    waiting = Waiting(tmp_path / "waiting", waiting_max=2)
    first = waiting.put(Imprint.of_data(b"1"), CLOSED, now_ms=NOW_MS)
    waiting.put(Imprint.of_data(b"2"), CLOSED, now_ms=NOW_MS)
    more = Imprint.of_data(b"3")
    assert code_of(lambda: waiting.put(more, CLOSED, now_ms=NOW_MS)) == "timestamp_queue_full"
    assert waiting.put(Imprint.of_data(b"1"), CLOSED, now_ms=NOW_MS) == first
    waiting.done(first, b"token", NOW_MS)
    assert waiting.put(more, CLOSED, now_ms=NOW_MS) > first


def test_pauses() -> None:
    """Goal: pauses double up to an hour. Method: the first ones, and far beyond."""
    assert [pause_ms(one) for one in range(3)] == [RETRY_MS_MIN, 2 * RETRY_MS_MIN, 4 * RETRY_MS_MIN]
    assert pause_ms(10) == pause_ms(10**9) == RETRY_MS_MAX


def test_nothing_is_half_written(tmp_path: Path) -> None:
    """Goal: a change is whole or not there. Method: fail inside one, and damage the file."""
    waiting = Waiting(tmp_path / "waiting")
    number = waiting.put(IMPRINT, CLOSED, now_ms=NOW_MS)
    with pytest.raises(KeyboardInterrupt), waiting._store.change() as database:
        database.execute("UPDATE timestamps SET token = x'00', asked = 7")
        raise KeyboardInterrupt
    entry = Waiting(tmp_path / "waiting").entry(number)
    assert (entry.token, entry.asked) == (None, 0)
    (tmp_path / "damaged").write_bytes(b"no database" * 500)
    assert code_of(lambda: Waiting(tmp_path / "damaged")) == "timestamp_store"
