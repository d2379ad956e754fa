"""Test how the index uses SQLite: which connections, how much memory, which of its indexes."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from trine.services.evidence import database
from trine.services.evidence import index as index_module
from trine.services.evidence.index import GROUP_PLACES, Index, Query, Registration
from trine.types import Digest


def entry(number: int) -> Digest:
    """Return an entry."""
    return Digest(number.to_bytes(32))


def said(number: int, content: int = 0) -> Registration:
    """Return a registration."""
    return Registration(
        entry(number), None, "issuer", "s", "t", 1, b"data", entry(0), entry(content)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """File of a database."""
    return tmp_path / "index.db"


@pytest.fixture
def index(file: Path) -> Iterator[Index]:
    """An index in the file, with the log 7."""
    made = Index(f"sqlite:///{file}")
    made.open_log("7")
    yield made
    made.close()


def settings_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what a connection is set to."""
    names = ("cache_size", "query_only", "synchronous", "journal_mode")
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


def test_one_connection_writes_and_each_has_a_limit(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: pages in memory have a limit, whatever runs at once, and only one has many.

    Method: more threads than connections write and read; see who writes, and each one's settings.
    """
    writers: set[int] = set()
    found: dict[int, dict[str, Any]] = {}

    def see(connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        raw = connection.connection.driver_connection
        found[id(raw)] = settings_of(raw)
        if statement.split(maxsplit=1)[0] in ("INSERT", "UPDATE"):
            writers.add(id(raw))

    for engine in (index._engine, index._reading):
        event.listen(engine, "before_cursor_execute", see)

    def work(number: int) -> None:
        index.add("7", [said(number)])
        index.place("7", number, [entry(number)])
        assert index.places("7", [entry(number)]) == {entry(number): number}

    with ThreadPoolExecutor(3 * database.CONNECTIONS_MAX) as pool:
        list(pool.map(work, range(200)))
    assert len(writers) == 1
    assert 1 < len(found) <= 1 + database.CONNECTIONS_MAX
    for one, settings in found.items():
        is_writer = one in writers
        most_kib = database.WRITE_CACHE_KIB if is_writer else database.READ_CACHE_KIB
        assert settings == {
            "cache_size": -most_kib,
            "query_only": int(not is_writer),
            "synchronous": 2,
            "journal_mode": "wal",
        }


def test_batches_of_all_sizes_are_few_statements(index: Index) -> None:
    """Goal: the driver keeps all it prepares, which is little. Method: batches of 1 to 600 rows."""
    texts: set[str] = set()

    def see(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        texts.add(statement)

    event.listen(index._engine, "before_cursor_execute", see)
    first = 0
    for size in range(1, 600, 13):
        rows = [said(at) for at in range(first, first + size)]
        assert index.add("7", rows) == size
        index.place("7", first, [one.entry for one in rows])
        first += size
    index.add("7", [said(first + at) for at in range(index_module.ROWS_MAX + 1)])
    assert index.count("7") == first + index_module.ROWS_MAX + 1
    assert len(texts) <= database.WRITE_STATEMENTS_MAX


def test_a_content_is_sought_in_its_index(index: Index) -> None:
    """Goal: a search for a content reads few rows of a large log.

    Method: ask SQLite which index it takes for what was asked.
    """
    asked: list[tuple[str, Any]] = []

    def see(_connection: Any, _cursor: Any, statement: str, given: Any, *_others: Any) -> None:
        asked.append((statement, given))

    index.add("7", [said(at, content=9) for at in range(3)])
    index.place("7", GROUP_PLACES - 1, [entry(at) for at in range(3)])
    event.listen(index._reading, "before_cursor_execute", see)
    every = {"issuer_digest": entry(0), "content_type": "t", "from_ms": 0, "to_ms": 9, "after": 5}
    for others in ({}, *({name: value} for name, value in every.items()), every):
        query = Query(digest=entry(9))._replace(**others)
        asked.clear()
        places = [one.place for one in index.search("7", query, 10)]
        assert places == [GROUP_PLACES - 1, GROUP_PLACES, GROUP_PLACES + 1]
        of_contents = [one for one in asked if f"/ {GROUP_PLACES}" in one[0]]
        assert of_contents
        with index._reading.connect() as connection:
            for statement, given in of_contents:
                explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
                plan = " ".join(row[3] for row in explained)
                assert "statements_by_group (log=? AND <expr>=? AND content_digest=?" in plan
                assert "SCAN" not in plan


def test_the_index_of_an_earlier_release_is_replaced(index: Index, file: Path) -> None:
    """Goal: a database that is there is searched as a new one, and pays for no second index.

    Method: give one the index that it had, and open it again.
    """
    index.add("7", [said(1, content=9)])
    index.place("7", 0, [entry(1)])
    index.close()

    def names() -> set[str]:
        with sqlite3.connect(file) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
            return {name for (name,) in rows}

    made = names()
    with sqlite3.connect(file) as connection:
        connection.execute("DROP INDEX statements_by_group")
        connection.execute(
            "CREATE INDEX statements_by_content ON statements (log, content_digest, place) "
            "WHERE place IS NOT NULL"
        )
    again = Index(f"sqlite:///{file}")
    assert [one.place for one in again.search("7", Query(digest=entry(9)), 10)] == [0]
    again.close()
    assert names() == made
