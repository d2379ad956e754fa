"""Test authorities that break the protocol below HTTP, or stamp with what does not entitle them."""

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from tests.services.stamping import DATA, DAY_MS, NOW_MS, code_of
from tests.services.test_timestamp_outside import Said, honest, serving
from trine.crypto.x509 import Certificate
from trine.services.evidence.timestamp import Authority, Imprint
from trine.services.evidence.timestamp.keys import AuthorityKey
from trine.services.evidence.timestamp.limits import RETRY_MS_MIN
from trine.services.evidence.timestamp.made_up import POLICY, issue
from trine.services.evidence.timestamp.outside import Outside, ask_waiting, new_http
from trine.services.evidence.timestamp.waiting import Entry, Waiting

IMPRINT = Imprint.of_data(DATA)
ANSWER_S = 0.5
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\n"


class Careless(Authority):
    """An authority that does not look whether its certificate entitles it."""

    def __post_init__(self) -> None:
        """Take any certificate."""

    def check(self, at_ms: int) -> None:
        """Stamp at any time."""


@cache
def careless(what: str) -> tuple[Authority, Certificate]:
    """Make an authority below a root that is trusted, with a certificate that is not good."""
    key, root_key = AuthorityKey.generate("p256"), AuthorityKey.generate("p256")
    by = (root_key, "root")
    root = issue(root_key, "root", by, now_ms=NOW_MS, is_root=True)
    if what == "expired":
        own = issue(key, "stamper", by, now_ms=NOW_MS - 30 * DAY_MS, days=7)
    elif what == "not yet":
        own = issue(key, "stamper", by, now_ms=NOW_MS + 30 * DAY_MS)
    elif what == "web server":
        purposes = [
            {"extn_id": "key_usage", "critical": True, "extn_value": {"digital_signature"}},
            {"extn_id": "extended_key_usage", "critical": True, "extn_value": ["server_auth"]},
        ]
        own = issue(key, "stamper", by, now_ms=NOW_MS, extensions=purposes)
    else:
        # Of a root with the same name that nobody trusts.
        own = issue(key, "stamper", (AuthorityKey.generate("p256"), "root"), now_ms=NOW_MS)
    return Careless(key, (own, root), POLICY), root


CERTIFICATES = {
    "expired": "certificate_expired",
    "not yet": "certificate_not_yet_valid",
    "web server": "certificate_not_allowed",
    "foreign": "certificate_signature",
}


def worked(waiting: Waiting, outside: Outside, now_ms: int) -> int:
    """Work through the queue once."""

    async def once() -> int:
        async with new_http() as http:
            return await ask_waiting(
                http, [outside], waiting, clock=lambda: now_ms, answer_s_max=ANSWER_S
            )

    return asyncio.run(once())


def queued(folder: Path, outside: Outside) -> Entry:
    """Put an imprint in, ask once, and return what another process finds in the queue then."""
    number = Waiting(folder / "waiting").put(IMPRINT, outside.url, now_ms=NOW_MS)
    assert worked(Waiting(folder / "waiting"), outside, NOW_MS) == 0
    again = Waiting(folder / "waiting")
    assert [one.number for one in again.due(NOW_MS + RETRY_MS_MIN)] == [number]
    entry = again.entry(number)
    assert entry is not None
    return entry


@pytest.mark.parametrize("what", list(CERTIFICATES))
def test_certificates_that_do_not_entitle(what: str, tmp_path: Path) -> None:
    """Goal: a right answer under a wrong certificate is no timestamp.

    Method: an authority signs the true imprint, nonce and time with a certificate that is expired,
    not in force yet, for a web server, or of a namesake of the root; it stays in the queue with its
    code, and is done when the authority has a good one.
    """
    authority, root = careless(what)
    key = AuthorityKey.generate("p256")
    is_good = False

    def answer(query: bytes) -> Said:
        return honest(query, authority=good if is_good else authority, at_ms=NOW_MS)

    root_key = AuthorityKey.generate("p256")
    own_root = issue(root_key, "mended", (root_key, "mended"), now_ms=NOW_MS, is_root=True)
    own = issue(key, "stamper", (root_key, "mended"), now_ms=NOW_MS)
    good = Authority(key, (own, own_root), POLICY)
    with serving(answer) as url:
        outside = Outside(url, [root, own_root])
        entry = queued(tmp_path, outside)
        assert (entry.token, entry.failure, entry.asked) == (None, CERTIFICATES[what], 1)
        is_good = True
        assert worked(Waiting(tmp_path / "waiting"), outside, NOW_MS + RETRY_MS_MIN) == 1


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve bytes on loopback; yields the URL. Each connection is served by `talk`, and closed."""
    there = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    def run() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(there.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{there.getsockname()[1]}/tsa"
    finally:
        there.shutdown(socket.SHUT_RDWR)
        there.close()


def heard(connection: socket.socket) -> None:
    """Read the request: what is left unread would end the connection with a reset."""
    connection.recv(1 << 16)


def says_nothing(connection: socket.socket) -> None:
    """Take the connection and never answer."""
    heard(connection)
    time.sleep(20 * ANSWER_S)


def never_reads(_: socket.socket) -> None:
    """Take the connection and do not even read."""
    time.sleep(20 * ANSWER_S)


def hangs_up(connection: socket.socket) -> None:
    """Close at once."""
    heard(connection)


def half(connection: socket.socket) -> None:
    """Announce more than comes."""
    heard(connection)
    connection.sendall(HEAD + b"content-length: 1000\r\n\r\n" + bytes(10))


def no_http(connection: socket.socket) -> None:
    """Speak something else."""
    heard(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def drips_headers(connection: socket.socket) -> None:
    """Send one header after another, for ever."""
    heard(connection)
    connection.sendall(HEAD)
    for number in itertools.count():
        connection.sendall(b"x-%d: y\r\n" % number)
        time.sleep(ANSWER_S / 10)


def drips_body(connection: socket.socket) -> None:
    """Send a body that does not end, a byte at a time."""
    heard(connection)
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b"0")
        time.sleep(ANSWER_S / 10)


def floods(connection: socket.socket) -> None:
    """Send a body that does not end, as fast as it can."""
    heard(connection)
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(bytes(1 << 16))


def floods_headers(connection: socket.socket) -> None:
    """Send one header that does not end."""
    heard(connection)
    connection.sendall(HEAD + b"x: ")
    while True:
        connection.sendall(b"y" * (1 << 16))


def bad_chunks(connection: socket.socket) -> None:
    """Announce pieces, and send others."""
    heard(connection)
    connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n")


TALKS = [
    says_nothing,
    never_reads,
    hangs_up,
    half,
    no_http,
    drips_headers,
    drips_body,
    floods,
    floods_headers,
    bad_chunks,
]


@pytest.mark.parametrize("talk", TALKS)
def test_authorities_that_break_the_protocol(
    talk: Callable[[socket.socket], None], tmp_path: Path
) -> None:
    """Goal: whatever comes through the socket ends in a code, in time, and is asked again.

    Method: one way of breaking HTTP at a time; what waits is there for the next process.
    """
    with raw(talk) as url:
        entry = queued(tmp_path, Outside(url, [careless("expired")[1]]))
    assert (entry.token, entry.failure) == (None, "timestamp_unavailable")
    assert entry.next_ms == NOW_MS + RETRY_MS_MIN


def test_nobody_listens(tmp_path: Path) -> None:
    """Goal: a port that was closed is an authority that is down. Method: close it, then ask."""
    with raw(hangs_up) as url:
        pass
    entry = queued(tmp_path, Outside(url, [careless("expired")[1]]))
    assert (entry.token, entry.failure) == (None, "timestamp_unavailable")
    assert code_of(lambda: Outside(url, [])) == "bad_argument"
