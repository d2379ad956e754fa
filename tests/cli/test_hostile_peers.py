"""Test the port at which validators hear each other with strangers that send what nobody should."""

import contextlib
import random
import socket
import struct
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.founded import local
from tests.suite import ONE_SUITE
from trine.client.home import Home

pytestmark = [pytest.mark.network, ONE_SUITE]

STRANGERS = 100
TIMEOUT_S = 30
SETTLE_S = 20
BYTES = random.Random(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network that runs while the module's tests do."""
    with local(tmp_path_factory.mktemp("hostile") / "home") as home:
        yield home


def _nothing(_: int) -> bytes:
    return b""


def _noise(_: int) -> bytes:
    return BYTES.randbytes(4_096)


def _longest_frame(_: int) -> bytes:
    """A length of 4 GiB in either way of telling one, and the begin of it."""
    return struct.pack(">I", 0xFFFF_FFFF) + b"\xff\xff\xff\xff\x0f" + BYTES.randbytes(512)


def _short_frame(number: int) -> bytes:
    """A frame that ends where its length says, with nothing in it that is a greeting."""
    return bytes([number % 128]) + BYTES.randbytes(number % 128)


def _another_protocol(_: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: node\r\n\r\n"


def _ports(home: Path) -> list[int]:
    found = []
    for config in sorted(home.glob("nodes/*/node.toml")):
        listens = str(tomllib.loads(config.read_text())["p2p_listen"])
        found.append(int(listens.rpartition(":")[2]))
    return found


@pytest.mark.parametrize(
    "said", [_nothing, _noise, _longest_frame, _short_frame, _another_protocol]
)
def test_strangers_do_not_stop_a_chain(home: Path, said: Callable[[int], bytes]) -> None:
    """Goal: whoever reaches the port of the validators can neither end a node nor hold it up.
    Method: connect to each node a hundred times and say what is no greeting; meanwhile blocks come,
    and no log has a panic."""
    urls, reached = Home(home).urls(), 0
    with contextlib.ExitStack() as held, httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        for port in _ports(home):
            for number in range(STRANGERS):
                # A node may hang up at the first wrong byte, and before one where many call.
                with contextlib.suppress(ConnectionError):
                    stranger = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
                    held.enter_context(stranger)
                    stranger.sendall(said(number))
                    reached += 1
        assert reached
        height = max(http.get(f"{url}/v1/status").json()["height"] for url in urls)
        for url in urls:
            waited = {"above": height, "wait_ms": SETTLE_S * 1_000}
            assert http.get(f"{url}/v1/sync/tip", params=waited).json()["height"] > height
            assert http.get(f"{url}/readyz").status_code == httpx.codes.OK
    logs = list(home.glob("nodes/*/*.log"))
    assert logs
    for log in logs:
        assert "panicked" not in log.read_text(errors="replace"), log
