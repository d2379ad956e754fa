"""Test what an archive answers to the node that is restored from it."""

import json
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive import chains
from trine.archive import server
from trine.archive.reader import Archive
from trine.archive.server import ArchiveServer, serving
from trine.archive.source import Source
from trine.client.records import Status
from trine.errors import BadAnswer

LAST = chains.BLOCKS - 1


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(chains.backed_up(tmp_path_factory.mktemp("served"), LAST))


def framed(block: bytes) -> bytes:
    return len(block).to_bytes(4) + block


def test_a_follower_finds_every_block(archive: Archive) -> None:
    """Goal: everything that a follower asks for is there. Method: ask as it does: the tip, its
    certificate, then blocks by the digests that their children name, down to genesis."""
    with serving(archive) as (served, url), httpx.Client(base_url=url) as http:
        assert http.get("/v1/genesis").content == chains.GENESIS
        assert Status.read(http.get("/v1/status").json()).height == LAST
        assert http.get("/v1/sync/tip?above=3&wait_ms=5000").json() == {"height": LAST}
        for height, record in enumerate(chains.chain()):
            answer = http.get(f"/v1/sync/finalized/{height}")
            if record.finalization:
                assert answer.content == record.finalization + framed(record.block)
            else:
                assert answer.status_code == 404
        for height in range(LAST, 0, -1):
            parent = chains.block_of(chains.chain()[height]).header.parent
            answer = http.get(f"/v1/sync/blocks/{parent.hex()}")
            assert answer.content == framed(chains.chain()[height - 1].block)
        assert served.served == chains.BLOCKS
        assert served.fault is None


def test_there_is_nothing_above(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a level follower does not ask without pause. Method: see how long the answer takes."""
    slept: list[float] = []
    monkeypatch.setattr("trine.archive.server.time.sleep", slept.append)
    for wait in ("5000", "999999", "-1"):
        ArchiveServer(archive).answer(f"/v1/sync/tip?above={LAST}&wait_ms={wait}")
    assert slept == [5, 5, 0]


@given(
    path=st.text(max_size=40), place=st.sampled_from(["", "finalized/", "blocks/", "tip?above="])
)
def test_no_path_crashes(path: str, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Goal: any request gets an answer. Method: paths of any characters."""
    folder = tmp_path_factory.getbasetemp() / "paths"
    if not folder.exists():
        chains.backed_up(folder, 6)
    status, _, content = ArchiveServer(Archive(folder)).answer(f"/v1/sync/{place}{path}")
    assert status in (200, 400, 404)
    assert content


def test_damage_is_told(tmp_path: Path) -> None:
    """Goal: who waits for the node learns what is damaged. Method: turn a bit of a segment over."""
    content = bytearray(chains.segment(chains.chain()))
    content[-40] ^= 1
    archive = Archive(chains.write(tmp_path, bytes(content)))
    with serving(archive) as (served, url):
        assert httpx.get(url + f"/v1/sync/finalized/{LAST}").status_code == 500
        assert served.fault is not None


def test_memory_is_bounded(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: digests do not pile up. Method: a limit of three, and more blocks."""
    monkeypatch.setattr(server, "PARENTS_MAX", 3)
    served = ArchiveServer(archive)
    for height in range(chains.BLOCKS):
        served._record(height)
    assert len(served._parents) == 3


def test_blocks_are_taken_in_order_from_a_node(archive: Archive) -> None:
    """Goal: several requests in flight, one order. Method: take the certified blocks that an
    archive serves; of the others it says that it does not list them."""
    before = set(threading.enumerate())
    with serving(archive) as (_, url), httpx.Client() as http:
        source = Source(http, url)
        assert source.tip(0) == LAST
        assert [source.record(one) for one in (3, 6)] == [chains.chain()[3], chains.chain()[6]]
        with pytest.raises(BadAnswer):
            list(source.records(6, 8))
    left = set(threading.enumerate()) - before
    assert not [one for one in left if "ThreadPool" in one.name]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "certificate"),
        (b"\0" * 10, "certificate"),
        (chains.chain()[3].finalization, "length"),
        (chains.chain()[3].finalization + b"\0\0\0\5abc", "length"),
    ],
)
def test_a_node_that_sends_something_else(content: bytes, expected: str) -> None:
    """Goal: what is no block is refused with the URL. Method: each wrong answer."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    with httpx.Client(transport=transport) as http, pytest.raises(BadAnswer, match=expected):
        Source(http, "http://node.example").record(3)


@pytest.mark.parametrize("said", ["{}", "[]", "x", '{"height": "1"}', '{"height": 1e999}', "null"])
def test_a_height_that_is_none(said: str) -> None:
    """Goal: what is no height is refused. Method: each wrong answer to the first question."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=said.encode()))
    with httpx.Client(transport=transport) as http, pytest.raises(BadAnswer):
        Source(http, "http://node.example").tip(0)


def test_an_older_node_is_told(archive: Archive) -> None:
    """Goal: the reason is clear where a node has no such paths. Method: one that knows nothing."""
    missing = httpx.Response(404, content=json.dumps({"code": "not_found"}).encode())
    transport = httpx.MockTransport(lambda _: missing)
    with httpx.Client(transport=transport) as http, pytest.raises(BadAnswer, match="older"):
        Source(http, "http://node.example").tip(0)
