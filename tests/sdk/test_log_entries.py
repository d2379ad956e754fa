"""Test that entries of a log are read as they are."""

from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.suite import ONE_SUITE
from trine import Client
from trine.client import operations
from trine.client.home import Home
from trine.client.transport import Answer
from trine.errors import BadAnswer, EntryNotFound
from trine.model.merkle import merkle_root
from trine.types import Digest, EvidenceAppend, LogCreate, LogId


@ONE_SUITE
@pytest.mark.network
def test_entries_come_as_they_were_recorded(tmp_path: Path) -> None:
    """Goal: entries in the order of the log, and the root over them. Method: record some, read
    parts, past the end too."""
    home = Home(tmp_path / "home")
    assert trine("up", "--validators", "1", "--detach", "--home", home.path).status == 0
    try:
        with Client(home.urls(), key=home.open_key()) as client:
            client.submit(LogCreate(name="statements"))
            log = client.log("city/statements").id
            entries = tuple(Digest(bytes([place]) * 32) for place in range(5))
            client.submit(EvidenceAppend(log=log, entries=entries, media_type="application/cose"))
            assert client.log_entries(log, first=0, count=100) == list(entries)
            found = client.log("city/statements")
            assert (found.size, bytes(found.head)) == (5, bytes(merkle_root(entries)))
            assert client.log_entries(log, first=3, count=1) == [entries[3]]
            with pytest.raises(EntryNotFound):
                client.log_entries(log, first=5, count=1)
            with pytest.raises(EntryNotFound):
                client.log_entries(LogId(999), first=0, count=1)
    finally:
        trine("down", "--home", home.path)


@pytest.mark.parametrize("content", [bytes(31), bytes(64)])
def test_what_is_no_list_of_entries_is_refused(content: bytes) -> None:
    """Goal: an odd answer is no entry. Method: half an entry, and more than was asked for."""
    operation = operations.log_entries(LogId(1), 0, 1)
    next(operation)
    with pytest.raises(BadAnswer):
        operation.send(Answer(200, content, "http://127.0.0.1:1"))
