"""Test a node's HTTP port with clients that send slowly, too much, or nothing to the end."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import good
from tests.suite import ONE_SUITE
from trine.client.home import Home

pytestmark = [pytest.mark.network, ONE_SUITE]

CLIENTS = 50
"""Clients of each kind at a time."""
SECONDS_MAX = 60
HEAD_BYTES = 17 * 1_024
"""More than a request's head may have."""
BODY_BYTES = 1_000

NOTHING, FIRST_BYTE = b"", b"P"
UNFINISHED_HEAD = b"GET /v1/status HTTP/1.1\r\nHost: node\r\n"
HUGE_HEAD = UNFINISHED_HEAD + b"X: " + b"x" * HEAD_BYTES + b"\r\n\r\n"
SLOW_BODY = (
    b"POST /v1/transactions HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n{" % BODY_BYTES
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network of one validator that runs while the module's tests do."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    good("up", "--detach", "--validators", "1", "--home", home, cwd=home.parent)
    try:
        yield home
    finally:
        trine("down", "--home", home)


def _connected(url: str, said: bytes, held: ExitStack) -> socket.socket:
    address = urlsplit(url)
    assert address.hostname is not None and address.port is not None
    client = socket.create_connection((address.hostname, address.port), SECONDS_MAX)
    held.enter_context(client)
    client.sendall(said)
    return client


def _answer(client: socket.socket) -> bytes:
    """Everything that the node says until it hangs up."""
    found = b""
    while part := client.recv(65_536):
        found += part
    return found


def test_slow_and_huge_requests_end(home: Path) -> None:
    """Goal: whoever sends nothing, slowly, or a huge head, is hung up on, and holds up nobody.
    Method: fifty of each at once; meanwhile others are answered and a new block comes; then read
    what each was told, and the log."""
    [url] = Home(home).urls()
    with ExitStack() as held, httpx.Client(timeout=SECONDS_MAX, trust_env=False) as http:
        kinds = (NOTHING, FIRST_BYTE, UNFINISHED_HEAD, HUGE_HEAD, SLOW_BODY)
        clients = [[_connected(url, said, held) for _ in range(CLIENTS)] for said in kinds]
        height = http.get(f"{url}/v1/status").json()["height"]
        waited = http.get(f"{url}/v1/sync/tip", params={"above": height, "wait_ms": 20_000})
        assert waited.json()["height"] > height
        *unfinished, huge, slow = ([_answer(one) for one in some] for some in clients)
    assert all(one == b"" for some in unfinished for one in some)
    assert all(one.startswith(b"HTTP/1.1 431 ") for one in huge)
    for one in slow:
        head, _, body = one.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["code"] == "timeout"
    for log in home.glob("nodes/*/*.log"):
        assert "panicked" not in log.read_text(errors="replace")
