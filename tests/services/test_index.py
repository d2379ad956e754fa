"""Test the index in each of the databases that it may be in, which are real ones."""

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.services.databases import KINDS, Running, url_of
from trine.errors import BadConfiguration
from trine.errors.services import DatabaseUnavailable
from trine.services.evidence.database import CONNECTIONS_MAX
from trine.services.evidence.index import (
    GROUP_PLACES,
    QUERY_MAX,
    Index,
    Query,
    Registration,
)
from trine.services.evidence.statement import CLAIM_BYTES_MAX
from trine.types import Digest

NUMBERS = itertools.count()
# What statements may say: nothing in UTF-8 but NUL is refused.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
FEW = st.sampled_from(["text/plain", "text/json", "%s", 'it\'s "{quoted}\\"', "城市"])


@pytest.fixture(scope="module", params=KINDS)
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """An index in each kind of database; each test has a log of its own in it."""
    made = Index(url_of(request.param, tmp_path_factory.mktemp("index"), request))
    yield made
    made.close()


def new_log(index: Index) -> str:
    """Open a log that is in no other test."""
    log = f"log {next(NUMBERS)}"
    assert index.open_log(log) == 0
    return log


def entry(number: int) -> Digest:
    """Return an entry."""
    return Digest(number.to_bytes(32))


def said(number: int, **fields: object) -> Registration:
    """Return a registration."""
    usual = Registration(
        entry(number), None, "issuer", "s", "t", 1, b"data", entry(0), entry(number)
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def test_the_index_says_how_many_are_new(index: Index) -> None:
    """Goal: statements that are known are told from new ones. Method: add some of them twice."""
    log = new_log(index)
    every = [said(at) for at in range(5)]
    assert index.add(log, every[:3]) == 3
    assert index.add(log, every) == 2
    assert index.add(log, every) == 0
    assert index.add(log, [said(5), said(5)]) == 1
    assert index.add(log, []) == 0
    assert index.count(log) == 6
    assert index.waiting(log, 4) == [entry(at) for at in range(4)]


def test_the_first_place_stays(index: Index) -> None:
    """Goal: an entry that the log has twice keeps its first place; others' entries are left out.

    Method: place one twice in a batch, and again in the next.
    """
    log = new_log(index)
    index.add(log, [said(at) for at in range(3)])
    index.place(log, 0, [entry(9), entry(1), entry(2), entry(1)])
    index.place(log, 4, [entry(1), entry(2)])
    places = index.places(log, [entry(at) for at in range(10)])
    assert places == {entry(0): None, entry(1): 1, entry(2): 2}
    assert index.open_log(log) == 6
    index.place(log, 6, [])
    assert index.open_log(log) == 6
    assert index.waiting(log, 9) == [entry(0)]


@given(
    rows=st.lists(
        st.builds(
            Registration,
            st.integers(0, 2**256 - 1).map(entry),
            st.none(),
            TEXTS,
            TEXTS,
            TEXTS,
            st.integers(0, 2**62),
            st.binary(max_size=300),
            st.integers(0, 2**256 - 1).map(entry),
            st.integers(0, 2**256 - 1).map(entry),
        ),
        max_size=8,
        unique_by=lambda one: one.entry,
    )
)
@settings(max_examples=60)
def test_what_is_kept_comes_back(index: Index, rows: list[Registration]) -> None:
    """Goal: no text, number or byte changes. Method: any that statements may have."""
    log = new_log(index)
    assert index.add(log, rows) == len(rows)
    entries = [one.entry for one in rows]
    assert [index.find(log, one) for one in entries] == rows
    found = index.described(log, entries)
    assert found == {
        one.entry: (one.issuer_digest, one.content_type, one.content_digest) for one in rows
    }
    index.place(log, 0, entries)
    placed = [one._replace(place=at) for at, one in enumerate(rows)]
    assert index.search(log, Query(), 100) == placed
    for one in placed:
        assert one in index.search(log, Query(content_type=one.content_type), 100)


ROWS = st.lists(
    st.tuples(st.integers(0, 2), FEW, st.integers(0, 3), st.integers(0, 9)), max_size=12
)
QUERIES = st.builds(
    Query,
    st.none() | st.integers(0, 2).map(entry),
    st.none() | FEW,
    st.none() | st.integers(0, 20).map(entry),
    st.none() | st.integers(0, 10),
    st.none() | st.integers(0, 10),
    st.integers(-1, 12),
)
# Contents lie in groups of places: in the first one, in two, and behind as many as one query names.
FIRSTS = st.sampled_from([0, GROUP_PLACES - 3, (QUERY_MAX + 1) * GROUP_PLACES - 3])


@given(
    rows=ROWS,
    query=QUERIES,
    count=st.integers(1, 20),
    recorded=st.integers(0, 12),
    first=FIRSTS,
    is_within=st.booleans(),
)
@example(
    rows=[(0, "text/plain", 1, 0)],
    query=Query(digest=entry(1)),
    count=1,
    recorded=1,
    first=(QUERY_MAX + 1) * GROUP_PLACES,
    is_within=False,
)
@settings(max_examples=80)
def test_a_search_gives_what_fits(
    index: Index,
    rows: list[tuple[int, str, int, int]],
    query: Query,
    count: int,
    recorded: int,
    first: int,
    is_within: bool,
) -> None:
    """Goal: all that fits and is recorded, nothing else, in order. Method: compare with a list.

    Places begin with `first`; the search begins with the log, or within what is recorded.
    """
    log = new_log(index)
    query = query._replace(after=query.after + first if is_within else -1)
    every = [
        said(
            20 - at,
            issuer_digest=entry(issuer),
            content_type=kind,
            content_digest=entry(content),
            registered_ms=time_ms,
        )
        for at, (issuer, kind, content, time_ms) in enumerate(rows)
    ]
    index.add(log, every)
    index.place(log, first, [one.entry for one in every[:recorded]])
    expected = [
        one._replace(place=at)
        for at, one in enumerate(every[:recorded], first)
        if at > query.after
        and query.issuer_digest in (None, one.issuer_digest)
        and query.content_type in (None, one.content_type)
        and query.digest in (None, one.entry, one.content_digest)
        and (query.from_ms is None or one.registered_ms >= query.from_ms)
        and (query.to_ms is None or one.registered_ms < query.to_ms)
    ]
    assert index.search(log, query, count) == expected[:count]


def test_the_longest_texts_are_kept_and_found(index: Index) -> None:
    """Goal: one long type stops no log: PostgreSQL refuses keys of an index above 2,704 bytes.

    Method: types of the most bytes that a statement may have, which compress badly and differ in
    their last character; place them and search.
    """
    log, draw = new_log(index), random.Random(7)
    begin = "".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(CLAIM_BYTES_MAX // 3))
    kinds = [begin + end for end in ("a", "b")]
    index.add(log, [said(at, content_type=kind) for at, kind in enumerate(kinds)])
    index.place(log, 0, [entry(0), entry(1)])
    for at, kind in enumerate(kinds):
        [found] = index.search(log, Query(content_type=kind), 10)
        assert (found.entry, found.content_type) == (entry(at), kind)
    assert index.search(log, Query(content_type=begin), 10) == []


def test_a_search_for_the_character_nul_finds_nothing(index: Index) -> None:
    """Goal: what PostgreSQL cannot keep is not asked for. Method: search for a type with it."""
    assert index.search(new_log(index), Query(content_type="a\0b"), 10) == []


def test_many_are_written_at_once(index: Index) -> None:
    """Goal: the largest batch. Method: 10,000 statements and one of a MiB, add and place."""
    log = new_log(index)
    every = [said(at) for at in range(10_000)]
    every[17] = every[17]._replace(statement=bytes(range(256)) * 4_096)
    assert index.add(log, every) == len(every)
    entries = [one.entry for one in every]
    index.place(log, 5, entries)
    assert index.places(log, entries) == {one: at for at, one in enumerate(entries, 5)}
    found = index.find(log, entry(17))
    assert found == every[17]._replace(place=22)


def test_threads_share_it(index: Index) -> None:
    """Goal: each statement is new once. Method: more threads than connections add the same."""
    log = new_log(index)
    every = [said(at) for at in range(300)]

    def add(first: int) -> int:
        index.places(log, [entry(at) for at in range(700)])
        return index.add(log, every[first:] + every[:first])

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(add, range(0, 300, 12))) == 300
    assert index.count(log) == 300


def test_it_is_there_after_a_start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Goal: what was added survives. Method: open the same database once more, of each kind."""
    for kind in KINDS:
        url = url_of(kind, tmp_path_factory.mktemp(kind), request)
        first = Index(url)
        first.open_log("7")
        first.add("7", [said(1), said(2)])
        first.place("7", 0, [entry(2)])
        first.close()
        second = Index(url)
        assert (second.open_log("7"), second.waiting("7", 9)) == (1, [entry(1)])
        second.close()


def test_a_server_that_is_started_again_is_used_again(stopping: Running) -> None:
    """Goal: a restart is not noticed; while it is down, a code; then all is as it was.

    Method: hold all connections open and start the server again; stop it, ask, start it, ask; end
    all connections from the other side, as a proxy does.
    """
    url = stopping.new_database()
    index = Index(url)
    index.open_log("7")
    with ThreadPoolExecutor(CONNECTIONS_MAX) as pool:
        assert set(pool.map(lambda _: index.count("7"), range(300))) == {0}
    stopping.stop()
    stopping.start()
    assert index.count("7") == 0
    stopping.stop()
    for ask in (
        lambda: index.add("7", [said(1)]),
        lambda: index.find("7", entry(1)),
        lambda: index.place("7", 0, [entry(1)]),
        lambda: Index(url),
    ):
        with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1"):
            ask()
    stopping.start()
    assert index.add("7", [said(1)]) == 1
    assert index.places("7", [entry(1)]) == {entry(1): None}
    stopping.server.sql(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    index.place("7", 0, [entry(1)])
    assert index.open_log("7") == 1
    index.close()


def test_a_server_that_would_lose_statements_is_refused(postgresql: Running) -> None:
    """Goal: what is answered for is durable, and any text fits. Method: two bad settings."""
    url = postgresql.new_database()
    name = url.rpartition("/")[2]
    postgresql.server.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(BadConfiguration, match="synchronous_commit"):
        Index(url)
    postgresql.server.sql(f"ALTER DATABASE {name} SET synchronous_commit = on")
    Index(url).close()
    latin = postgresql.new_database("ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(BadConfiguration, match="LATIN1"):
        Index(latin)


def test_a_role_without_rights_is_told(postgresql: Running) -> None:
    """Goal: what PostgreSQL says, in a sentence. Method: a role that may make no tables, and one
    that is unknown."""
    url = postgresql.new_database()
    postgresql.server.sql("CREATE ROLE guest LOGIN")
    with pytest.raises(DatabaseUnavailable, match="permission denied for schema public"):
        Index(url.replace("//postgres@", "//guest@"))
    with pytest.raises(DatabaseUnavailable, match='role "nobody" does not exist'):
        Index(url.replace("//postgres@", "//nobody@"))
