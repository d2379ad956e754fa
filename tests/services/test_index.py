"""Test the index of statements on each database that it may lie in."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

from tests.cli.founded import free_address
from tests.services.chains import chain, http, issuer_key, service
from tests.services.test_service import FUNCTION, signed
from tests.services.test_standard_service import receipts_of
from trine.client.home import Home
from trine.errors import TrineError
from trine.errors.services import DatabaseUnavailable
from trine.services.evidence import statement
from trine.services.evidence.index import INDEXED_CHARACTERS, Index, Query, Registration
from trine.types import Digest

LOG, OTHER = "7", "8"
USER = "postgres"
"""Whose rights PostgreSQL has where the tests run as root, with which it does not."""
SECONDS_MAX = 60
LONG = "a/" + "".join(chr(0x4E00 + number) for number in range(2_700))
"""The longest content type that a statement has, in a text that does not shrink."""


def _programs() -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name)
    found = shutil.which("initdb")
    folders += [Path(found).resolve().parent] if found else []
    if not folders:
        pytest.skip("PostgreSQL is missing: install the package postgresql")
    return folders[-1]


def _as_whom() -> int | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(USER).pw_uid
    except KeyError:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {USER}")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Run a server on loopback; gives the URL of its database."""
    programs, user = _programs(), _as_whom()
    with tempfile.TemporaryDirectory(prefix="trine-postgresql-") as name:
        folder, host_port = Path(name), free_address()
        if user is not None:
            os.chown(folder, user, -1)
        made = [programs / "initdb", "-D", folder / "data", "-U", "trine", "-A", "trust"]
        subprocess.run([*made, "-E", "UTF8", "--no-sync"], check=True, user=user, cwd=folder)
        words = ["-D", folder / "data", "-k", folder, "-p", host_port.rpartition(":")[2]]
        server = subprocess.Popen([programs / "postgres", *words], user=user, cwd=folder)
        try:
            yield f"postgresql+pg8000://trine@{host_port}/postgres"
        finally:
            server.terminate()
            server.wait(SECONDS_MAX)


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """An index that is empty."""
    if request.param == "sqlite":
        found = Index(f"sqlite:///{tmp_path / 'statements.db'}")
    else:
        found = _answering(request.getfixturevalue("postgresql"))
        with found._begin() as database:
            for table in ("statements", "logs"):
                database.exec_driver_sql(f"DELETE FROM {table}")
    yield found
    found.close()


def _answering(url: str) -> Index:
    """Open the database once it answers."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            return Index(url)
        except DatabaseUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def said(number: int, content_type: str = "text/plain") -> Registration:
    """A statement."""
    digest = Digest(number.to_bytes(32))
    about = ("https://city.example", f"record \u5408 {number}", content_type, number, b"\x00bytes")
    return Registration(digest, None, *about, digest, digest)


def test_statements_wait_and_get_their_places(index: Index) -> None:
    """Goal: what is registered is kept once, in its order, and found by its place. Method: add some
    twice, place some and others of nobody, in one log of two."""
    assert (index.open_log(LOG), index.open_log(OTHER)) == (0, 0)
    assert index.add(LOG, [said(number) for number in (3, 1, 2)]) == 3
    assert index.add(LOG, [said(2), said(4)]) == 1
    assert index.add(OTHER, [said(2)]) == 1
    assert index.waiting(LOG, 2) == [said(3).entry, said(1).entry]
    index.place(LOG, 0, [said(number).entry for number in (1, 9, 3, 1)])
    assert index.open_log(LOG) == 4
    assert index.waiting(LOG, 9) == [said(2).entry, said(4).entry]
    assert index.places(LOG, [said(1).entry, said(2).entry, said(9).entry]) == {
        said(1).entry: 0,
        said(2).entry: None,
    }
    assert index.find(LOG, said(3).entry) == said(3)._replace(place=2)
    assert index.find(OTHER, said(3).entry) is None
    assert (index.count(LOG), index.count(OTHER)) == (4, 1)
    digest = said(1).entry
    assert index.described(LOG, [digest]) == {digest: (digest, "text/plain", digest)}


def test_searches_find_what_fits(index: Index) -> None:
    """Goal: every condition narrows. Method: each alone, and pages; types that differ only behind
    what is indexed of them."""
    index.open_log(LOG)
    types = ["text/plain", LONG, LONG[:INDEXED_CHARACTERS], LONG[:-1] + "x", "a/%"]
    statements = [said(number, one) for number, one in enumerate(types, 1)]
    index.add(LOG, statements)
    index.place(LOG, 0, [one.entry for one in statements])

    def found(count: int = 9, **query: object) -> list[int | None]:
        asked = Query(**query)  # type: ignore[arg-type]
        return [one.place for one in index.search(LOG, asked, count)]

    assert [found(content_type=one) for one in types] == [[place] for place in range(len(types))]
    assert found(content_type="text/%") == []
    assert found(digest=said(2).entry) == found(issuer_digest=said(2).entry) == [1]
    assert found(from_ms=2, to_ms=4) == [1, 2]
    assert (found(2), found(2, after=1)) == ([0, 1], [2, 3])


@pytest.mark.network
def test_a_killed_service_goes_on_in_postgresql(postgresql: str, tmp_path: Path) -> None:
    """Goal: the service is as safe there as in a file. Method: take a batch, with a type as long as
    one may be, kill the service, start it again: all have receipts, and the long type is found."""
    _answering(postgresql).close()
    given = {"variables": {"TRINE_DATABASE": postgresql}}
    key, data = issuer_key(), tmp_path / "data"
    with chain(Home(tmp_path / "home")) as home:
        items = [signed(key, number) for number in range(100)]
        items.append(signed(key, 100, content_type=LONG))
        entries = [bytes(statement.entry_of(one, FUNCTION)) for one in items]
        with service(home, data, key, **given) as first, http(first) as client:
            assert client.post("/batches", content=cbor2.dumps(items)).status_code == 202
            first.kill()
        assert not (data / "statements.db").exists()
        with service(home, data, key, **given) as second, http(second) as client:
            assert receipts_of(client, entries).keys() == set(entries)
            found = client.get("/search", params={"type": LONG}).json()["statements"]
            assert [one["entry"] for one in found] == [entries[-1].hex()]


def test_a_database_that_is_away_has_a_code(tmp_path: Path) -> None:
    """Goal: no password and no traceback. Method: nobody listens, no such driver, no URL."""
    for url, code in (
        (f"postgresql+pg8000://trine:secret@{free_address()}/x", "database_unavailable"),
        ("postgresql+none://trine:secret@a/x", "bad_argument"),
        ("trine:secret", "bad_argument"),
        (f"sqlite:///{tmp_path}/none/x.db", "database_unavailable"),
    ):
        with pytest.raises(TrineError) as caught:
            Index(url)
        assert caught.value.code == code
        assert "secret" not in str(caught.value)
