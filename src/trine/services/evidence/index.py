"""Remember what was registered: each statement, whose it is, and where its entry lies in a log.

The chain says what was recorded, the index what an entry stands for. A statement is in the index,
durably, before the chain is asked to record its entry: no receipt is without a record.

>>> index = Index("sqlite://")
>>> index.open_log("7")
0
>>> digest = Digest(bytes(32))
>>> said = Registration(
...     digest, None, "https://city.example", "a", "text/json", 1, b"..", digest, digest
... )
>>> index.add("7", [said]), index.add("7", [said])
(1, 0)
>>> index.waiting("7", 10) == [said.entry]
True
>>> index.place("7", 0, [said.entry])
>>> found = index.find("7", said.entry)
>>> found.place, found.issuer, index.open_log("7")
(0, 'https://city.example', 1)
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    inspect,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import (
    Index as TableIndex,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex

from trine.errors import BadArgument, BadConfiguration
from trine.errors.services import DatabaseUnavailable
from trine.services.evidence.database import check_settings, open_engines, why
from trine.services.evidence.policy import NUL
from trine.types import Digest

LOG_CHARACTERS_MAX: Final = 300
"""Characters of the name of a log."""
INDEXED_CHARACTERS: Final = 200
"""Characters of a text by which it is found; PostgreSQL has 2,704 bytes in an index at most."""
QUERY_MAX: Final = 500
"""Entries that one query names."""
GROUP_PLACES: Final = 16_384
"""Places whose contents lie together in their index: so many are written where few pages are, and
a search looks into each group."""
ROWS_MAX: Final = 1_000
"""Rows that one statement writes: fewer parameters than SQLite (32,766) and PostgreSQL take."""

T = TypeVar("T")

_METADATA: Final = MetaData()
_LOGS: Final = Table(
    "logs",
    _METADATA,
    Column("name", String(LOG_CHARACTERS_MAX), primary_key=True),
    # Entries whose places are known.
    Column("size", BigInteger, nullable=False),
)
_STATEMENTS: Final = Table(
    "statements",
    _METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("log", String(LOG_CHARACTERS_MAX), nullable=False),
    Column("entry", LargeBinary(Digest.LENGTH), nullable=False),
    Column("place", BigInteger),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("registered_ms", BigInteger, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("issuer_digest", LargeBinary(Digest.LENGTH), nullable=False),
    Column("content_digest", LargeBinary(Digest.LENGTH), nullable=False),
    UniqueConstraint("log", "entry"),
    TableIndex("statements_by_time", "log", "registered_ms"),
)


def _start(text: ColumnElement[str]) -> ColumnElement[str]:
    """Take so much of a text as every database has in an index."""
    return func.substr(text, 1, INDEXED_CHARACTERS)


def _index(name: str, *columns: ColumnElement[Any], is_placed: bool = True) -> TableIndex:
    """Index the rows that have a place, or the others: a row is in an index when it is sought."""
    place = _STATEMENTS.c.place
    only = place.is_not(None) if is_placed else place.is_(None)
    named = (_STATEMENTS.c.log, *columns)
    return TableIndex(name, *named, sqlite_where=only, postgresql_where=only)


_COLUMNS: Final = _STATEMENTS.c
_index("statements_by_place", _COLUMNS.place)
_index("statements_by_issuer", _COLUMNS.issuer_digest, _COLUMNS.place)
# An index of the digests alone would write a page for nearly every row of a large log.
_GROUP: Final = _COLUMNS.place.op("/")(literal_column(str(GROUP_PLACES)))
_BY_CONTENT: Final = _index("statements_by_group", _GROUP, _COLUMNS.content_digest, _COLUMNS.place)
_BY_CONTENT_BEFORE: Final = "statements_by_content"
"""Index of the digests alone, in a database of an earlier release."""
_index("statements_by_type", _start(_COLUMNS.content_type), _COLUMNS.place)
_index("statements_that_wait", _COLUMNS.number, is_placed=False)


class Registration(NamedTuple):
    """A statement that was registered.

    Attributes:
        entry: Its entry.
        place: Index of the entry in the log; nothing while the chain has not recorded it.
        issuer: Who says it.
        subject: What it is about.
        content_type: Type of what is said.
        registered_ms: Unix time in milliseconds at which the service took it.
        statement: Its bytes, without receipts.
        issuer_digest: Hash of the issuer's name (`rows.About`).
        content_digest: Digest of the content (`rows.About`).
    """

    entry: Digest
    place: int | None
    issuer: str
    subject: str
    content_type: str
    registered_ms: int
    statement: bytes
    issuer_digest: Digest
    content_digest: Digest


class Query(NamedTuple):
    """What is searched for: all that is given must fit.

    Attributes:
        issuer_digest: Hash of the issuer's name.
        content_type: Content type, as text.
        digest: An entry, or the digest of a content.
        from_ms: Unix time in milliseconds at which it was registered, at least.
        to_ms: The same, before which.
        after: Place in the log behind which.
    """

    issuer_digest: Digest | None = None
    content_type: str | None = None
    digest: Digest | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    after: int = -1


class Index:
    """What was registered, in a database of SQLAlchemy. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Open the database, and make its tables where they are missing.

        Args:
            url: As SQLAlchemy has it: `sqlite:////var/lib/trine/evidence.db`, or `postgresql://…`
                (docs/reference/scitt.md, section 10).

        Raises:
            BadArgument: It is no such URL, or of a database that is not known here.
            BadConfiguration: The tables that are there have other columns, or PostgreSQL is set to
                lose commits, or to keep no UTF-8.
            DatabaseUnavailable: The database does not answer, or refuses.
        """
        try:
            engines = open_engines(url)
        except (ArgumentError, ImportError, ValueError) as error:
            # What stands there may hold a password.
            raise BadArgument(f"the URL of the database cannot be used: {error}") from None
        self._engine, self._reading = engines
        # One at a time writes to SQLite: who waits here does so for less than a retry takes there.
        self._writing = threading.Lock()
        self._writer = _Writer(self._engine)
        try:
            self._make_tables()
        except BaseException:
            self.close()
            raise

    def _make_tables(self) -> None:
        """Check the database, and make its tables where they are missing."""
        with self._refusing():
            with self._engine.connect() as database:
                check_settings(database)
            _METADATA.create_all(self._engine)
            present = {one["name"] for one in inspect(self._engine).get_columns("statements")}
            self._replace_index()
        if missing := {one.name for one in _STATEMENTS.columns} - present:
            raise BadConfiguration(
                f"the database is of an earlier release, without {min(missing)}: name an empty "
                "one, and register what it holds again"
            )

    def _replace_index(self) -> None:
        """Make the index of contents in a database of an earlier release, and remove its own."""
        is_sqlite = self._engine.dialect.name == "sqlite"
        query = (
            "SELECT name FROM sqlite_master"
            if is_sqlite
            else "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
        )
        with self._begin() as database:
            known = set(database.scalars(text(query)))
            if _BY_CONTENT.name not in known:
                database.execute(CreateIndex(_BY_CONTENT, if_not_exists=True))
            if _BY_CONTENT_BEFORE in known:
                database.execute(text(f"DROP INDEX IF EXISTS {_BY_CONTENT_BEFORE}"))

    def close(self) -> None:
        """Close the connections."""
        self._reading.dispose()
        self._engine.dispose()

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn errors of the database into ours.

        Raises:
            DatabaseUnavailable: It does not answer, or refuses.
        """
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise DatabaseUnavailable(f"{where}: {why(error)}", instance=where) from None

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._refusing(), self._engine.begin() as database:
            yield database

    @contextlib.contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._refusing(), self._reading.connect() as database:
            yield database

    def open_log(self, log: str) -> int:
        """Return the number of entries of a log whose places are known; 0 for a new one."""
        with self._writing, self._begin() as database:
            database.execute(_new(self._engine, _LOGS), [{"name": log, "size": 0}])
            size = database.scalar(select(_LOGS.c.size).where(_LOGS.c.name == log))
        return int(size or 0)

    def add(self, log: str, registrations: Sequence[Registration]) -> int:
        """Add statements that are new; on return they survive a crash of the machine.

        Returns:
            How many were new.
        """
        if not registrations:
            return 0
        with self._writing, self._begin() as database:
            return self._writer.add(database, log, registrations)

    def places(self, log: str, entries: Sequence[Digest]) -> dict[Digest, int | None]:
        """Return the places of those entries under which something is registered.

        A place is nothing while the chain has not recorded the entry.
        """
        columns = _STATEMENTS.c
        found: dict[Digest, int | None] = {}
        with self._connect() as database:
            for at in range(0, len(entries), QUERY_MAX):
                part = entries[at : at + QUERY_MAX]
                query = select(columns.entry, columns.place).where(
                    columns.log == log, columns.entry.in_(part)
                )
                found |= {Digest(row.entry): row.place for row in database.execute(query)}
        return found

    def count(self, log: str) -> int:
        """Count the statements of a log."""
        query = select(func.count()).select_from(_STATEMENTS).where(_STATEMENTS.c.log == log)
        with self._connect() as database:
            return int(database.scalar(query) or 0)

    def waiting(self, log: str, count: int) -> list[Digest]:
        """Return entries that the chain has not recorded, oldest first."""
        columns = _STATEMENTS.c
        query = (
            select(columns.entry)
            .where(columns.log == log, columns.place.is_(None))
            .order_by(columns.number)
            .limit(count)
        )
        with self._connect() as database:
            return [Digest(entry) for entry in database.scalars(query)]

    def place(self, log: str, first: int, entries: Sequence[Digest]) -> None:
        """Note the places of entries, the first of which has index `first` in the log.

        An entry that the log has twice keeps its first place. Entries that are not registered here
        are of others.
        """
        size = first + len(entries)
        # Backwards: of an entry that is there twice, the first place stays.
        places = dict(zip(reversed(entries), range(size - 1, first - 1, -1), strict=True))
        with self._writing, self._begin() as database:
            self._writer.place(database, log, places)
            database.execute(update(_LOGS).where(_LOGS.c.name == log).values(size=size))

    def find(self, log: str, entry: Digest) -> Registration | None:
        """Return what is registered under an entry."""
        columns = _STATEMENTS.c
        query = select(_STATEMENTS).where(columns.log == log, columns.entry == entry)
        with self._connect() as database:
            row = database.execute(query).first()
        return None if row is None else _registration(row)

    def search(self, log: str, query: Query, count: int) -> list[Registration]:
        """Return up to `count` statements that fit and are recorded, in the order of places."""
        if NUL in (query.content_type or ""):
            return []
        if query.digest is not None:
            return self._search_digest(log, query, query.digest, count)
        wanted = select(_STATEMENTS).where(*_conditions(log, query, _Named.plainly()))
        wanted = wanted.order_by(_COLUMNS.place).limit(count)
        with self._connect() as database:
            return [_registration(row) for row in database.execute(wanted)]

    def _search_digest(
        self, log: str, query: Query, digest: Digest, count: int
    ) -> list[Registration]:
        """Do so for an entry or a content, for which each group of places is looked into."""
        named = _Named.without_index(self._engine)
        wanted = select(_STATEMENTS).where(*_conditions(log, query, named))
        wanted = wanted.where(_COLUMNS.place.is_not(None)).order_by(named.place).limit(count)
        with self._connect() as database:
            size = database.scalar(select(_LOGS.c.size).where(_LOGS.c.name == log)) or 0
            rows = [*database.execute(wanted.where(_COLUMNS.entry == digest))]
            groups = range((query.after + 1) // GROUP_PLACES, int(size) // GROUP_PLACES + 1)
            wanted = wanted.where(_COLUMNS.content_digest == digest)
            for at in range(0, len(groups), QUERY_MAX):
                part = groups[at : at + QUERY_MAX]
                rows += database.execute(wanted.where(_GROUP.in_(part)))
                # Groups are in the order of places: those that follow have none before these.
                if len(rows) > count:
                    break
        found = {row.place: row for row in rows}
        return [_registration(found[place]) for place in sorted(found)[:count]]

    def described(
        self, log: str, entries: Sequence[Digest]
    ) -> dict[Digest, tuple[Digest, str, Digest]]:
        """Return the issuer's digest, content type and content's digest of registered entries."""
        columns = _STATEMENTS.c
        found = {}
        with self._connect() as database:
            for at in range(0, len(entries), QUERY_MAX):
                part = entries[at : at + QUERY_MAX]
                wanted = select(
                    columns.entry,
                    columns.issuer_digest,
                    columns.content_type,
                    columns.content_digest,
                ).where(columns.log == log, columns.entry.in_(part))
                for entry, issuer, kind, content in database.execute(wanted):
                    found[Digest(entry)] = (Digest(issuer), kind, Digest(content))
        return found


def _registration(row: Any) -> Registration:
    return Registration(
        Digest(row.entry),
        row.place,
        row.issuer,
        row.subject,
        row.content_type,
        row.registered_ms,
        row.statement,
        Digest(row.issuer_digest),
        Digest(row.content_digest),
    )


class _Named(NamedTuple):
    """How a query names the columns by which it is narrowed."""

    place: ColumnElement[int | None]
    issuer_digest: ColumnElement[bytes]
    content_type: ColumnElement[str]
    registered_ms: ColumnElement[int]

    @classmethod
    def plainly(cls) -> "_Named":
        """Name them so that every index may be used."""
        return cls(*(_COLUMNS[name] for name in cls._fields))

    @classmethod
    def without_index(cls, engine: Engine) -> "_Named":
        """Name them so that SQLite uses none of their indexes; others know what rows there are."""
        plain = cls.plainly()
        if engine.dialect.name != "sqlite":
            return plain
        return cls(
            *(literal_column(f"+statements.{one}", _COLUMNS[one].type) for one in plain._fields)
        )


def _conditions(log: str, query: Query, named: _Named) -> list[ColumnElement[bool]]:
    """Say what a row must be, but for the digest."""
    found = [_COLUMNS.log == log, named.place > query.after]
    if query.issuer_digest is not None:
        found.append(named.issuer_digest == query.issuer_digest)
    if query.content_type is not None:
        found.append(_start(named.content_type) == query.content_type[:INDEXED_CHARACTERS])
        found.append(named.content_type == query.content_type)
    if query.from_ms is not None:
        found.append(named.registered_ms >= query.from_ms)
    if query.to_ms is not None:
        found.append(named.registered_ms < query.to_ms)
    return found


def _new(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Insert rows; those whose keys are taken are left out."""
    if engine.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


class _Writer:
    """Writes many rows with one statement.

    After each statement a driver waits for its turn in the interpreter again.
    """

    def __init__(self, engine: Engine) -> None:
        """Write as the dialect of the engine marks its parameters."""
        self._mark, self._placed = "?", "(?, ?)"
        if engine.dialect.name == "postgresql":
            # Nothing else tells it what they are.
            self._mark, self._placed = "%s", "(CAST(%s AS BYTEA), CAST(%s AS BIGINT))"
        self._added = ", ".join(("log", *Registration._fields))

    def add(self, database: Connection, log: str, registrations: Sequence[Registration]) -> int:
        """Insert what is new; returns how many were."""
        added = 0
        for part in _parts(registrations):
            row = f"({', '.join([self._mark] * (1 + len(Registration._fields)))})"
            rows = ", ".join([row] * len(part))
            text = f"INSERT INTO statements ({self._added}) VALUES {rows} "  # noqa: S608 - marks
            text += "ON CONFLICT DO NOTHING"
            given = tuple(chain.from_iterable((log, *one) for one in part))
            added += database.exec_driver_sql(text, given).rowcount
        return added

    def place(self, database: Connection, log: str, places: Mapping[Digest, int]) -> None:
        """Note the places of entries that have none yet."""
        for part in _parts(list(places.items())):
            # The sign keeps the planner from the index of all that wait.
            text = f"""UPDATE statements SET place = given.column2
                FROM (VALUES {", ".join([self._placed] * len(part))}) AS given
                WHERE statements.log = {self._mark} AND statements.entry = given.column1
                AND +statements.place IS NULL"""  # noqa: S608 - marks alone
            database.exec_driver_sql(text, (*chain.from_iterable(part), log))


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut rows into parts of few lengths: a driver keeps a statement for each of them."""
    at = 0
    while left := len(rows) - at:
        count = ROWS_MAX if left >= ROWS_MAX else 1 << left.bit_length() - 1
        yield rows[at : at + count]
        at += count
