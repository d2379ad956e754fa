"""Test the service with giant bodies, and with a database or folder of another time."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

from tests.services.chains import Service, chain, http, issuer_key, service
from tests.services.test_service import FUNCTION, signed
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


@pytest.mark.network
def test_a_gigabyte_costs_the_service_nothing(tmp_path: Path) -> None:
    """Goal: a coded refusal, and no more memory than the limits say.

    Method: send a gigabyte to each address that takes a body; the service says why it takes none,
    holds no more than before, and goes on.
    """
    with chain(Home(tmp_path / "home")) as home:
        key = issuer_key()
        with service(home, tmp_path / "data", key) as running, http(running) as client:
            data = signed(key, 1)
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


def registered(running: Service, items: list[bytes]) -> list[bytes]:
    """Register statements and wait for their receipts; returns their entries."""
    with http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps(items))
        entries: list[bytes] = cbor2.loads(answer.content)
        assert receipts_of(client, entries).keys() == set(entries)
    return entries
