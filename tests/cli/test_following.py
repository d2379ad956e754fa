"""Test nodes that follow others, and a validator that recovers by following."""

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import Members, ask, founded, url_of
from tests.suite import ONE_SUITE, SUITE
from trine import Client
from trine.client.home import Home
from trine.types import Address, Digest, EvidenceAppend, LogCreate

pytestmark = pytest.mark.network

SECONDS_MAX = 120
POLL_S = 0.2


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """A network of four that runs while the module's tests do."""
    with founded(tmp_path_factory.mktemp("following")) as found:
        yield found


def _height(url: str) -> int:
    return int(ask(url, "/v1/status")["height"])


def _wait_for(url: str, height: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while _height(url) < height:
        assert time.monotonic() < deadline, f"{url} does not reach {height}"
        time.sleep(POLL_S)


def _follow(members: Members, name: str, *urls: str) -> str:
    told = ("--fingerprint", members.fingerprint, "--name", name)
    document = members.run(name, "network", "follow", *urls, *told)
    assert document["fingerprint"] == members.fingerprint
    return url_of(members.home(name))


def _left(url: str) -> dict[str, int]:
    """How often a node left an upstream, by reason."""
    text = httpx.get(url + "/metrics", timeout=30, trust_env=False).text
    found = re.findall(r'^trine_upstreams_left_total\{reason="(\w+)"\} (\d+)$', text, re.MULTILINE)
    return {reason: int(count) for reason, count in found}


@contextmanager
def _liar(url: str) -> Iterator[str]:
    """An upstream that passes everything on and turns a bit of each block over."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer = httpx.get(url + self.path, timeout=30, trust_env=False)
            except httpx.TransportError:
                self.send_error(502)
                return
            content = bytearray(answer.content)
            if "/v1/sync/finalized/" in self.path or "/v1/sync/blocks/" in self.path:
                content[len(content) // 2] ^= 1
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_follower_has_the_chain(members: Members) -> None:
    """Goal: a follower has what validators have, takes transactions and proves what it answers.
    Method: compare blocks with a validator's; write and verify through the follower alone."""
    city = url_of(members.home("city"))
    own = _follow(members, "copy", city, url_of(members.home("court")))
    status = ask(own, "/v1/status")["node"]
    assert status == {
        "name": "copy",
        "algorithm": None,
        "key": None,
        "is_validator": False,
        "upstream": city + "/",
    }
    assert f"{city}/" in trine("status", "--home", members.home("copy")).out
    with Client(own, key=Home(members.home("city")).open_key()) as client:
        receipt = client.submit(LogCreate(name="through-the-follower"))
    _wait_for(own, receipt.height)
    for height in range(receipt.height + 1):
        path = f"/v1/blocks/{height}"
        assert ask(own, path) | {"certified": None} == ask(city, path) | {"certified": None}
    trust = members.folder / "trust.json"
    members.run("copy", "trust", "export", "--out", trust)
    for path in (f"/v1/blocks/{receipt.height}/proof", "/v1/blocks/latest/proof"):
        proof = members.folder / "block.proof"
        proof.write_bytes(httpx.get(own + path, timeout=30, trust_env=False).content)
        ended = trine("proof", "verify", proof, "--trust", trust, "--json")
        assert ended.status == 0, ended.out


def test_a_liar_is_left(members: Members) -> None:
    """Goal: a follower believes nobody, and follows followers too. Method: its first upstream
    turns bits over, its second is a follower; then that one stops, and comes back."""
    first = _follow(members, "copy-of-city", url_of(members.home("city")))
    with _liar(first) as liar:
        own = _follow(members, "copy-of-copy", liar, first)
        assert _left(own).get("invalid", 0) >= 1
        _wait_for(own, _height(first) + 2)
        members.run("copy-of-city", "down")
        reached = _height(own)
    members.run("copy-of-city", "up", "--detach")
    _wait_for(own, reached + 5)
    assert _left(own).get("unreachable", 0) >= 1
    log = (members.home("copy-of-copy") / "nodes" / "copy-of-copy" / "node.log").read_text()
    assert "panic" not in log
    assert "upstream_left" in log


@ONE_SUITE
def test_a_validator_recovers_from_a_follower(members: Members) -> None:
    """Goal: a validator that lost its disk takes its part again, fed by a follower. Method: remove
    its folder, recover, and see it propose in a later epoch."""
    source = _follow(members, "copy-for-recovery", url_of(members.home("city")))
    home = members.home("harbour")
    refused = trine("network", "recover", source, "--home", home, "--json")
    assert refused.code == "bad_argument", "it runs"
    members.run("harbour", "down")
    refused = trine("network", "recover", source, "--home", home, "--json")
    assert refused.code == "bad_argument", "nothing is lost"
    shutil.rmtree(home / "nodes" / "harbour" / "data")
    recovered = members.run("harbour", "network", "recover", source)
    assert recovered["height"] > 0
    assert not (home / "nodes" / "harbour" / "recover.toml").exists()
    own = url_of(home)
    _wait_for(own, recovered["height"] + 1)
    key = ask(own, "/v1/status")["node"]["key"]
    deadline = time.monotonic() + SECONDS_MAX
    after = recovered["height"]
    with members.client("city") as client:
        for turn in range(10_000):
            client.submit(LogCreate(name=f"recovered-{turn}"))
            newest = ask(own, "/v1/blocks?limit=20")["blocks"]
            late = [block["height"] for block in newest if block["height"] > after]
            if any(ask(own, f"/v1/blocks/{height}")["proposer"] == key for height in late):
                return
            assert time.monotonic() < deadline, "it does not propose"


@ONE_SUITE
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("follow",), "usage", "URL"),
        (("follow", "nowhere"), "bad_argument", "URL"),
        (("follow", "http://127.0.0.1:1"), "cannot_reach_node", "127.0.0.1:1"),
        (("follow", "http://127.0.0.1:1", "--name", "A b"), "bad_argument", "'A b'"),
        (("recover", "http://127.0.0.1:1"), "no_network", "no network"),
    ],
)
def test_bad_arguments(words: tuple[str, ...], code: str, expected: str, tmp_path: Path) -> None:
    """Goal: a wrong argument is refused with what was expected. Method: give each."""
    ended = trine("network", *words, "--home", tmp_path / "home", "--json", cwd=tmp_path)
    assert ended.code == code
    assert expected in json.dumps(ended.document["error"])
    assert not (tmp_path / "home" / "genesis.json").exists()


@ONE_SUITE
def test_another_network_is_not_followed(members: Members, tmp_path: Path) -> None:
    """Goal: nobody follows a network unseen. Method: no fingerprint, a wrong one, a home in use."""
    url = url_of(members.home("city"))
    follow = ("network", "follow", url, "--home", tmp_path / "home", "--json")
    assert trine(*follow).code == "bad_argument"
    assert trine(*follow, "--fingerprint", "0123").code == "other_fingerprint"
    assert not (tmp_path / "home" / "genesis.json").exists()
    taken = ("network", "follow", url, "--home", members.home("city"), "--json")
    assert trine(*taken).code == "bad_argument"


def test_a_late_follower_has_the_state(members: Members) -> None:
    """Goal: a node begins with the newest state, checked, and serves what it has, and what comes.

    Method: write into two logs over two epochs; follow late, first from one who turns bits over;
    compare accounts, logs and proofs with a validator's; old blocks are said not to be there; all
    of it again after a restart.
    """
    city = url_of(members.home("city"))
    key = Home(members.home("city")).open_key()
    with Client(city, key=key) as client:
        address = Address(key.address(SUITE))
        log = client.submit(LogCreate(name="late"))
        number = next(one.id for one in client.logs() if one.name == "late")
        begun = client.status().epoch
        while client.status().epoch < begun + 2:
            entries = tuple(Digest(os.urandom(32)) for _ in range(20))
            client.submit(EvidenceAppend(log=number, entries=entries))
    with _liar(city) as liar:
        own = _follow(members, "copy-late", liar, city, "--late-start")
    assert _left(own).get("invalid", 0) >= 1
    trust = members.folder / "trust-late.json"
    members.run("copy-late", "trust", "export", "--out", trust)
    for _ in range(2):
        with Client(city, key=key) as client:
            newest = client.submit(LogCreate(name=f"later-{os.urandom(4).hex()}"))
        _wait_for(own, newest.height)
        _compare(own, city, number, address, trust, members.folder / "late.proof")
        assert ask(own, f"/v1/blocks/{newest.height}")["height"] == newest.height
        gone = httpx.get(f"{own}/v1/blocks/{log.height}", timeout=30, trust_env=False)
        assert gone.json()["code"] == "block_not_found"
        members.run("copy-late", "down")
        members.run("copy-late", "up", "--detach")
    text = (members.home("copy-late") / "nodes" / "copy-late" / "node.log").read_text()
    assert "panic" not in text


def _compare(own: str, city: str, log: int, address: Address, trust: Path, file: Path) -> None:
    """Compare what two nodes say of parameters and a log, and verify proofs of the first."""
    for path in ("/v1/parameters", f"/v1/logs/{log}"):
        assert ask(own, path) == ask(city, path), path
    for path in (
        f"/v1/logs/{log}/entries/3/proof",
        f"/v1/accounts/{address}/proof",
        "/v1/blocks/latest/proof",
    ):
        answer = httpx.get(own + path, timeout=30, trust_env=False)
        assert answer.status_code == httpx.codes.OK, answer.text
        file.write_bytes(answer.content)
        ended = trine("proof", "verify", file, "--trust", trust, "--json")
        assert ended.status == 0, ended.out
