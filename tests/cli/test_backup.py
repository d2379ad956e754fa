"""Test backup, audit and restore against real networks."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import MEMBERS, Members, ask, founded, url_of
from tests.suite import ONE_SUITE
from trine.archive.format import SEAL_TAG, Record, SegmentHead, encode_count
from trine.archive.reader import Archive
from trine.model import Block
from trine.model.hashing import tagged_hash
from trine.types import LogCreate

pytestmark = pytest.mark.network

SECONDS_MAX = 120
POLL_S = 0.2


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """A network of four that runs while the module's tests do."""
    with founded(tmp_path_factory.mktemp("backup")) as found:
        yield found


@pytest.fixture(scope="module")
def chain(members: Members) -> Path:
    """An archive of two runs, with transactions before both."""
    folder = members.folder / "chain"
    heights: list[int] = []
    for run in range(2):
        with members.client("city") as client:
            for place in range(8):
                client.submit(LogCreate(name=f"log-{run}-{place}"))
        document = members.run("city", "backup", folder)
        assert document["fingerprint"] == members.fingerprint
        assert document["blocks"] == document["height"] + 1 - sum(heights[-1:]) - len(heights)
        heights.append(document["height"])
    assert heights[0] < heights[1]
    return folder


def _blocks(url: str, height: int) -> list[Any]:
    """Every block of a node up to a height; which of them it has certificates of is its own."""
    answers = (ask(url, f"/v1/blocks/{one}") for one in range(height + 1))
    return [answer | {"certified": None} for answer in answers]


def _height(url: str) -> int:
    return int(ask(url, "/v1/status")["height"])


def _wait_for(url: str, height: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while _height(url) < height:
        assert time.monotonic() < deadline, f"{url} does not reach {height}"
        time.sleep(POLL_S)


def _altered(source: Path, target: Path, alter: Callable[[list[Record]], None]) -> Path:
    """Copy an archive, its records altered, under right digests."""
    shutil.copytree(source, target)
    archive = Archive(target)
    records = [record for _, record in archive.records()]
    for segment in archive.segments:
        segment.path.unlink()
    alter(records)
    content = SegmentHead(archive.chain_id, 0).encode()
    content += b"".join(one.encode() for one in records) + encode_count(len(records))
    archive.segments[0].path.write_bytes(content + tagged_hash(SEAL_TAG, content))
    return target


def _with_transactions(chain: Path) -> int:
    """Find a block with a transaction and a certificate, in the middle of the chain."""
    records = [record for _, record in Archive(chain).records()]
    heights = [
        height
        for height, one in enumerate(records)
        if one.finalization and Block.from_bytes(one.block).transactions
    ]
    return heights[len(heights) // 2]


def test_a_running_chain_is_audited_with_every_node_off(members: Members, chain: Path) -> None:
    """Goal: what real validators certified replays in the readable model. Method: audit what two
    backups copied; nothing new is a backup too; another node has the same chain."""
    again = members.run("court", "backup", chain)
    ended = trine("audit", chain, "--fingerprint", members.fingerprint, "--json")
    assert ended.status == 0, ended.err
    found = ended.document
    assert found["verified"] is True
    assert found["height"] == found["certified_height"] == again["height"]
    shown = ask(url_of(members.home("harbour")), f"/v1/blocks/{found['height']}")
    assert found["digest"] == shown["digest"]
    assert found["transactions"] >= 16
    assert found["failed_transactions"] == 0
    # Three of four validators make a quorum.
    assert found["signatures"] >= 3 * found["certificates"] > 0
    part = trine("audit", chain, "--until", "5", "--json").document
    assert part["height"] == 5
    assert trine("audit", chain).out.startswith("Everything holds")


def test_an_altered_archive_is_refused(members: Members, chain: Path) -> None:
    """Goal: the first divergence is named, whatever was altered. Method: alter a transaction, a
    header, a signature, and blocks, under right digests; then one bit under the old ones."""
    height = _with_transactions(chain)

    def transaction(records: list[Record]) -> None:
        block = Block.from_bytes(records[height].block)
        first = bytearray(block.transactions[0])
        first[-40] ^= 1
        changed = replace(block, transactions=(bytes(first), *block.transactions[1:]))
        records[height] = replace(records[height], block=changed.encode())

    def header(records: list[Record]) -> None:
        block = Block.from_bytes(records[height].block)
        changed = replace(block.header, proposer=type(block.header.proposer)(bytes(34)))
        records[height] = replace(records[height], block=replace(block, header=changed).encode())

    def signature(records: list[Record]) -> None:
        one = bytearray(records[height].finalization)
        one[-40] ^= 1
        records[height] = replace(records[height], finalization=bytes(one))

    def missing(records: list[Record]) -> None:
        del records[height]

    def swapped(records: list[Record]) -> None:
        records[height], records[height + 1] = records[height + 1], records[height]

    cases: list[tuple[Callable[[list[Record]], None], str, int | None]] = [
        (transaction, "verdict", 0),
        (header, "certificate digest", None),
        (signature, "certificate", None),
        (missing, "height", None),
        (swapped, "height", None),
    ]
    for alter, field, place in cases:
        target = _altered(chain, members.folder / f"altered-{alter.__name__}", alter)
        ended = trine("audit", target, "--json")
        assert (ended.status, ended.code) == (1, "archive_mismatch"), ended.err
        document = ended.document
        assert document["verified"] is False
        error = document["error"]
        told = error["height"], error["field"], error["transaction"], error["damaged"]
        assert told == (height, field, place, False), alter.__name__
    target = members.folder / "flipped"
    shutil.copytree(chain, target)
    path = Archive(target).segments[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ended = trine("audit", target, "--json")
    assert (ended.status, ended.code) in {(1, "archive_mismatch"), (5, "damaged_archive")}
    assert "damaged" in ended.document["error"]["detail"]


def test_a_follower_is_made_without_a_network(members: Members, chain: Path) -> None:
    """Goal: an archive alone makes a node that has and proves everything. Method: switch all nodes
    off, restore, compare every block with what a validator had answered; then give it upstreams."""
    height = Archive(chain).whole()
    before = _blocks(url_of(members.home("city")), height)
    for name in MEMBERS:
        members.run(name, "down")
    try:
        told = ("--fingerprint", members.fingerprint)
        document = members.run("copy", "restore", chain, *told)
        assert document["height"] == height
        assert document["fingerprint"] == members.fingerprint
        own = url_of(members.home("copy"))
        assert _height(own) == height
        assert _blocks(own, height) == before
        trust = members.folder / "trust.json"
        members.run("copy", "trust", "export", "--out", trust)
        proof = members.folder / "block.proof"
        proof.write_bytes(httpx.get(own + f"/v1/blocks/{height}/proof", timeout=30).content)
        assert trine("proof", "verify", proof, "--trust", trust).status == 0
        refused = trine("restore", chain, *told, "--home", members.home("copy"), "--json")
        assert refused.code == "bad_argument"
    finally:
        for place, name in enumerate(MEMBERS):
            wait = "0" if place < len(MEMBERS) - 1 else "60"
            members.run(name, "network", "start", "--wait", wait)
    city = url_of(members.home("city"))
    members.run("copy-with-upstream", "restore", chain, *told, "--upstream", city)
    _wait_for(url_of(members.home("copy-with-upstream")), height + 3)
    keys = members.folder / "follower.tar"
    members.run("copy-with-upstream", "backup", members.folder / "from-the-copy", "--keys", keys)
    members.run("copy-with-upstream", "down")
    shutil.rmtree(members.home("copy-with-upstream"))
    members.run("copy-with-upstream", "restore", chain, *told, "--keys", keys)
    _wait_for(url_of(members.home("copy-with-upstream")), height + 3)


def test_blocks_without_certificates_of_their_own(members: Members, chain: Path) -> None:
    """Goal: a block may be certified by a later one alone. Method: leave out every certificate but
    those at the ends of epochs and of the archive; audit, and restore by the digests of parents."""
    epoch = json.loads((chain / "genesis.json").read_bytes())["blocks_per_epoch"]

    def bare(records: list[Record]) -> None:
        for height, one in enumerate(records[:-1]):
            if (height + 1) % epoch:
                records[height] = replace(one, finalization=b"")

    target = _altered(chain, members.folder / "bare", bare)
    audited = trine("audit", target, "--json").document
    assert audited["certified_height"] == audited["height"]
    assert audited["certificates"] == 1 + audited["height"] // epoch
    told = ("--fingerprint", members.fingerprint)
    restored = members.run("copy-of-bare", "restore", target, *told)
    assert restored["height"] == audited["height"]
    own = url_of(members.home("copy-of-bare"))
    assert _blocks(own, 5) == _blocks(url_of(members.home("city")), 5)
    again = members.folder / "chain-of-copy"
    members.run("copy-of-bare", "backup", again)
    assert trine("audit", again).status == 0


@pytest.fixture(scope="module")
def forged(members: Members, chain: Path) -> Path:
    """An archive in which no signature is right from the middle on."""
    height = _with_transactions(chain)

    def signature(records: list[Record]) -> None:
        for place in range(height, len(records)):
            one = bytearray(records[place].finalization)
            if one:
                one[-40] ^= 1
            records[place] = replace(records[place], finalization=bytes(one))

    return _altered(chain, members.folder / "forged", signature)


@ONE_SUITE
def test_a_killed_restore_goes_on(members: Members, chain: Path, forged: Path) -> None:
    """Goal: a restore that is killed is not in the way of the next. Method: kill one that gets
    nowhere; its node still runs, and the next command ends it and goes on."""
    home = members.home("copy-of-killed")
    words = ("restore", forged, "--home", home, "--fingerprint", members.fingerprint)
    command = [sys.executable, "-m", "trine", *map(str, words)]
    noted = home / "nodes" / "follower" / "recover.pid"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as started:
        deadline = time.monotonic() + SECONDS_MAX
        while not noted.exists():
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
        started.kill()
    resumed = members.run("copy-of-killed", "restore", chain)
    assert resumed["height"] == Archive(chain).height
    assert not noted.exists()


@ONE_SUITE
def test_a_node_refuses_an_altered_archive(members: Members, chain: Path, forged: Path) -> None:
    """Goal: a restored node believes no archive. Method: restore one with signatures altered; the
    command says so, and goes on when it is run again with the right one."""
    target = forged
    home, told = members.home("copy-of-forged"), ("--fingerprint", members.fingerprint)
    ended = trine("restore", target, *told, "--home", home, "--json")
    assert (ended.status, ended.code) == (1, "archive_mismatch"), ended.err + ended.out
    resumed = members.run("copy-of-forged", "restore", chain)
    assert resumed["height"] == Archive(chain).height


@contextmanager
def _liar(url: str, above: int) -> Iterator[str]:
    """A node that passes everything on and turns a bit of each block above a height over."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = httpx.get(url + self.path, timeout=30, trust_env=False)
            content = bytearray(answer.content)
            parts = self.path.split("/")
            if "finalized" in parts and int(parts[-1]) > above and answer.status_code == 200:
                content[-1] ^= 1
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_liar_spoils_no_archive(members: Members) -> None:
    """Goal: a node that lies cannot make an archive that does not restore. Method: copy from one
    that alters blocks; what is right is kept, and goes on from an honest one."""
    archive = members.folder / "from-a-liar"
    city = url_of(members.home("city"))
    with _liar(city, above=4) as liar:
        ended = trine("backup", archive, "--node", liar, "--json")
    assert (ended.status, ended.code) == (1, "unlinked_block"), ended.err
    assert liar in ended.err
    assert trine("audit", archive).status in (0, 5), "what is there is right, or there is nothing"
    assert trine("backup", archive, "--node", city).status == 0
    assert trine("audit", archive).status == 0


@ONE_SUITE
def test_a_validator_comes_back_with_its_keys(members: Members, chain: Path) -> None:
    """Goal: a host that lost everything is again what it was. Method: keep its keys, remove its
    home, restore; it catches up, signs with the same keys, and proposes in a later epoch."""
    home, keys = members.home("harbour"), members.folder / "keys.tar"
    document = members.run("harbour", "backup", chain, "--keys", keys)
    assert "nodes/harbour/validator.key" in document["key_files"]
    assert keys.stat().st_mode & 0o777 == 0o600
    inside = trine("backup", chain, "--keys", chain / "keys.tar", "--home", home, "--json")
    assert inside.code == "bad_argument"
    kept = {name: (home / name).read_bytes() for name in document["key_files"]}
    members.run("harbour", "down")
    shutil.rmtree(home)
    told = ("--fingerprint", members.fingerprint)
    restored = members.run("harbour", "restore", chain, "--keys", keys, *told)
    assert restored["height"] == document["height"]
    del kept["network.json"]
    assert {name: (home / name).read_bytes() for name in kept} == kept
    own = url_of(home)
    _wait_for(own, restored["height"] + 1)
    key = ask(own, "/v1/status")["node"]["key"]
    deadline = time.monotonic() + SECONDS_MAX
    with members.client("city") as client:
        for turn in range(10_000):
            client.submit(LogCreate(name=f"restored-{turn}"))
            newest = ask(own, "/v1/blocks?limit=20")["blocks"]
            late = [one["height"] for one in newest if one["height"] > restored["height"]]
            if any(ask(own, f"/v1/blocks/{height}")["proposer"] == key for height in late):
                return
            assert time.monotonic() < deadline, "it does not propose"


@ONE_SUITE
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("backup",), "usage", "ARCHIVE"),
        (("backup", "chain"), "no_network", "no network"),
        (("backup", "chain", "--node", "nowhere"), "bad_argument", "URL"),
        (("backup", "chain", "--node", "http://127.0.0.1:1"), "cannot_reach_node", "127.0.0.1:1"),
        (("audit", "chain"), "not_an_archive", "genesis.json"),
        (("restore", "chain"), "not_an_archive", "genesis.json"),
        (("restore", "chain", "--keys", "k", "--upstream", "http://a"), "bad_argument", "upstream"),
        (("restore", "chain", "--upstream", "nowhere"), "bad_argument", "URL"),
    ],
)
def test_bad_arguments(words: tuple[str, ...], code: str, expected: str, tmp_path: Path) -> None:
    """Goal: a wrong argument is refused with what was expected. Method: give each."""
    ended = trine(*words, "--home", tmp_path / "home", "--json", cwd=tmp_path)
    assert ended.code == code
    assert expected in json.dumps(ended.document["error"])
    assert not (tmp_path / "home").exists()


@ONE_SUITE
def test_files_of_another_chain(members: Members, chain: Path, tmp_path: Path) -> None:
    """Goal: nothing of two chains is mixed. Method: a wrong fingerprint, none, keys that are none,
    keys of another chain."""
    keys = tmp_path / "keys.tar"
    keys.write_bytes(b"not keys")
    restore = ("restore", chain, "--home", tmp_path / "home", "--json")
    told = ("--fingerprint", members.fingerprint)
    assert trine("audit", chain, "--fingerprint", "0123", "--json").code == "other_fingerprint"
    assert trine(*restore, "--fingerprint", "0123").code == "other_fingerprint"
    assert trine(*restore).code == "bad_argument"
    assert trine(*restore, *told, "--keys", keys).code == "bad_keys_file"
    assert not (tmp_path / "home" / "genesis.json").exists()
