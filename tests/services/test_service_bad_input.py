"""Test the service with giant bodies, and with a database or folder of another time."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

from tests.services import hostile
from tests.services import test_hostile_statements as hostile_statements
from tests.services.chains import Service, chain, ended, http, issuer_key, service, start
from tests.services.test_service import FUNCTION, signed
from tests.services.test_service_ends import published
from tests.services.test_standard_service import client_entries as entries_of
from tests.services.test_standard_service import receipts_of
from trine.client.home import Home
from trine.services.evidence import statement

GIGABYTE = 1 << 30
PIECE = bytes(1 << 20)
GROWTH_MAX = 96 * 1_024 * 1_024
"""Bytes by which the service may grow: three times the largest batch."""


def memory(running: Service) -> int:
    """Return the most memory that a service ever had, in bytes."""
    text = Path(f"/proc/{running.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found is not None
    return 1_024 * int(found[1])


def gigabyte() -> Iterator[bytes]:
    """Yield a body of a gigabyte."""
    for _ in range(GIGABYTE // len(PIECE)):
        yield PIECE


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with chain(Home(folder / "home")) as home, service(home, folder / "data", issuer_key()) as one:
        yield one


@pytest.mark.network
def test_a_gigabyte_costs_the_service_nothing(running: Service) -> None:
    """Goal: a coded refusal, and no more memory than the limits say.

    Method: send a gigabyte to each address that takes a body; the service says why it takes none,
    holds no more than before, and goes on.
    """
    with http(running) as client:
        data = signed(running.key, 1)
        assert client.post("/entries", content=data).status_code == 201
        before = memory(running)
        for path in ("/entries", "/batches", "/receipts"):
            answer = client.post(path, content=gigabyte())
            assert answer.status_code == 400
            assert "cose_too_large" in str(cbor2.loads(answer.content))
        assert memory(running) - before < GROWTH_MAX
        entry = statement.entry_of(data, FUNCTION)
        assert client.get(f"/entries/{entry}").status_code == 200


@pytest.mark.network
def test_hostile_statements_leave_nothing(
    running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: each is refused with its code, one by one and in a batch, and nothing is half-written.

    Method: every hostile statement of the tests of statements, signed today; then a good one: the
    service knows it and no other, and the chain's log has one entry more.
    """
    now_s = int(time.time())
    monkeypatch.setitem(hostile.HEADERS[15], 6, now_s)
    monkeypatch.setattr(hostile_statements, "NOW_S", now_s)
    # Times at the very edge would depend on how fast the service is.
    edges = {"statement_not_yet_valid", "statement_expired"}
    every = [make() for make in hostile_statements.HOSTILE.values()]
    made = [(data, error) for data, error in every if error.code not in edges]
    expected = [error.code for _, error in made]
    before = entries_of(running)
    with http(running) as client:
        batch = cbor2.dumps([data for data, _ in made])
        answers = cbor2.loads(client.post("/batches", content=batch).content)
        assert [one["tag:trine,2026:problem"][0] for one in answers] == expected
        accept = {"accept": "application/json"}
        for (data, _), code in zip(made, expected, strict=True):
            if len(data) <= statement.STATEMENT_BYTES_MAX:
                answer = client.post("/entries", content=data, headers=accept)
                assert (answer.status_code, answer.json()["code"]) == (400, code)
        known = len(client.get("/search?count=1000").json()["statements"])
    assert registered(running, [signed(running.key, 2)])
    with http(running) as client:
        assert len(client.get("/search?count=1000").json()["statements"]) == known + 1
    assert len(entries_of(running)) == len(before) + 1


@pytest.mark.network
def test_a_service_goes_on_from_an_older_copy(tmp_path: Path) -> None:
    """Goal: a whole backup can be gone on from; what it lacks can be registered again.

    Method: copy the service's folder, register more, put the copy in its place. Receipts of old
    statements are given; those that came after the copy are unknown, until they are registered
    again: then they have receipts too, though the chain has recorded them twice.
    """
    with chain(Home(tmp_path / "home")) as home:
        key, data = issuer_key(), tmp_path / "data"
        old = [signed(key, number) for number in range(3)]
        new = [signed(key, number) for number in range(3, 6)]
        with service(home, data, key) as running:
            kept = registered(running, old)
        shutil.copytree(data, tmp_path / "copy")
        with service(home, data, key) as running:
            lost = registered(running, new)
        shutil.rmtree(data)
        (tmp_path / "copy").rename(data)
        with service(home, data, key) as running, http(running) as client:
            assert len(receipts_of(client, kept)) == 3
            answers = cbor2.loads(client.post("/receipts", content=cbor2.dumps(lost)).content)
            assert all("statement_not_found" in str(one) for one in answers)
            assert registered(running, new) == lost


@pytest.mark.network
@pytest.mark.parametrize("part", ["statements.db", "public"])
def test_parts_of_two_times_are_refused(tmp_path: Path, part: str) -> None:
    """Goal: what was published is never contradicted: one code, and the service ends.

    Method: copy the service's folder, register and publish more, put the database of the copy in
    its place, or its files of the log; what is lost cannot be made again as it was.
    """
    with chain(Home(tmp_path / "home")) as home:
        key, data, copy = issuer_key(), tmp_path / "data", tmp_path / "copy"
        for first in (0, 3):
            with service(home, data, key) as running, http(running) as client:
                registered(running, [signed(key, number) for number in range(first, first + 3)])
                published(client, first + 3)
            if not first:
                shutil.copytree(data, copy)
        for old in data.glob(f"{part}*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for one in copy.glob(f"{part}*"):
            one.rename(data / one.name)
        status, _, complaints = ended(start(home, data, key), data)
        assert (status, "[log_differs]" in complaints) == (1, True), complaints
        assert "Traceback" not in complaints


def registered(running: Service, items: list[bytes]) -> list[bytes]:
    """Register statements and wait for their receipts; returns their entries."""
    with http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps(items))
        entries: list[bytes] = cbor2.loads(answer.content)
        assert receipts_of(client, entries).keys() == set(entries)
    return entries
