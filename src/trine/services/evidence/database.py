"""Open the database of the index: SQLite, or PostgreSQL by its URL.

>>> open_engines("sqlite://").writing.dialect.name
'sqlite'
>>> open_engines("postgresql://trine@127.0.0.1/evidence").reading.url.drivername
'postgresql+pg8000'
"""

import ipaddress
import logging
import ssl
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from trine.errors import BadArgument, BadConfiguration

BUSY_S: Final = 30.0
"""Seconds to wait for another process that writes to a database of SQLite."""
WRITE_CACHE_KIB: Final = 16 * 1_024
"""Memory of SQLite for pages that it writes, in KiB: entries lie anywhere in their index."""
READ_CACHE_KIB: Final = 2 * 1_024
"""The same for each connection that reads: every write makes what it has there worthless."""
WRITE_STATEMENTS_MAX: Final = 32
"""Prepared statements that are kept to write to SQLite: one of 1,000 rows takes 2 MiB, those of
all lengths together 6 MiB."""
READ_STATEMENTS_MAX: Final = 8
"""The same for each connection that reads."""
CHECKPOINT_PAGES: Final = 8_192
"""Pages of SQLite's log of writes, 4 KiB each, after which they are written to the database."""

DRIVER: Final = "postgresql+pg8000"
"""Driver of PostgreSQL where the URL names none; the extra `platform` brings it."""
ANSWER_S: Final = 60.0
"""Seconds in which PostgreSQL must answer; a connection on which it does not is dead."""
CONNECTIONS_MAX: Final = 8
"""Connections to PostgreSQL, and those to SQLite that read; who finds none free waits, up to
`ANSWER_S` for PostgreSQL and `BUSY_S` for SQLite."""
POOL: Final = "evidence"
"""Name of the connections in logs."""
OPTIONS: Final = ("sslmode", "sslrootcert", "unix_sock", "application_name")
"""What may stand behind the question mark of a URL of PostgreSQL."""
TLS_MODES: Final = ("disable", "verify-full")
"""Values of `sslmode`; the second one is the default for other hosts."""
WHY_CHARACTERS_MAX: Final = 300
"""Characters of what a database says that an error shows."""


class Engines(NamedTuple):
    """Connections to one database.

    Attributes:
        writing: Those that write: one of SQLite, whose pages stay in its memory.
        reading: Those that read, of SQLite nothing else.
    """

    writing: Engine
    reading: Engine


def open_engines(url: str) -> Engines:
    """Prepare connections to a database; none is made yet.

    Args:
        url: As SQLAlchemy has it.

    Raises:
        BadArgument: An option of the URL cannot be used.
        ArgumentError, ImportError: It is no URL, or its driver is not installed.
    """
    if url == "sqlite://":
        # In memory there is one database a connection, so that all share one.
        shared = {"check_same_thread": False}
        engine = create_engine(url, connect_args=shared, poolclass=StaticPool)
        return Engines(engine, engine)
    read = make_url(url)
    if read.get_backend_name() == "postgresql":
        engine = _open_postgresql(read)
        return Engines(engine, engine)
    if read.get_backend_name() == "sqlite":
        return Engines(_open_sqlite(read, is_writing=True), _open_sqlite(read, is_writing=False))
    engine = create_engine(read)
    return Engines(engine, engine)


def _open_sqlite(url: URL, *, is_writing: bool) -> Engine:
    """Read and write at the same time; what is committed is on the disk.

    What one connection writes makes all worthless that another has in memory, so that one writes.
    """
    settings = ["journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_S * 1_000:.0f}"]
    cached = WRITE_STATEMENTS_MAX if is_writing else READ_STATEMENTS_MAX
    if is_writing:
        settings += [f"cache_size=-{WRITE_CACHE_KIB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"]
    else:
        settings += [f"cache_size=-{READ_CACHE_KIB}", "query_only=ON"]

    def prepare(connection: Any, _record: Any) -> None:
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")

    engine = create_engine(
        url,
        connect_args={"cached_statements": cached},
        poolclass=QueuePool,
        pool_size=1 if is_writing else CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=BUSY_S,
        # Few readers are used as long as few are needed.
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", prepare)
    return engine


def _open_postgresql(url: URL) -> Engine:
    arguments: dict[str, Any] = {}
    if url.drivername == "postgresql":
        url = url.set(drivername=DRIVER)
    if url.drivername == DRIVER:
        url, arguments = _connecting(url)
    # A connection that cannot be closed because it has ended is none that anybody must know of.
    logging.getLogger(f"{QueuePool.__module__}.{QueuePool.__name__}.{POOL}").setLevel(
        logging.CRITICAL
    )
    return create_engine(
        url,
        connect_args=arguments,
        pool_logging_name=POOL,
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=ANSWER_S,
        # A connection that ended while nobody used it, as at a restart of the server, is made anew.
        pool_pre_ping=True,
    )


def _connecting(url: URL) -> tuple[URL, dict[str, Any]]:
    """Say how the driver connects; returns the URL without what was said by it.

    Raises:
        BadArgument: There is no user, or an option is unknown or cannot be used.
    """
    given: dict[str, str] = {}
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise BadArgument(f"the URL of the database has {name!r:.80} twice")
        given[name] = value
    if unknown := sorted(given.keys() - set(OPTIONS)):
        known = ", ".join(OPTIONS)
        raise BadArgument(f"the URL of the database has {unknown[0]!r:.80}, expected {known}")
    if not url.username:
        raise BadArgument("the URL of the database names no user: postgresql://USER@HOST/DATABASE")
    arguments: dict[str, Any] = {"timeout": ANSWER_S, "ssl_context": _tls(url, given)}
    return url.difference_update_query(("sslmode", "sslrootcert")), arguments


def _tls(url: URL, given: dict[str, str]) -> ssl.SSLContext | Literal[False]:
    """Say whom to believe about the server; `False` where the connection is not encrypted.

    With nothing at all the driver would encrypt and believe anybody.

    Raises:
        BadArgument: The mode is unknown, or the file of roots cannot be read.
    """
    mode = given.get("sslmode")
    if mode not in (None, *TLS_MODES):
        known = " or ".join(TLS_MODES)
        raise BadArgument(f"sslmode of the database is {mode!r:.80}, expected {known}")
    if mode is None:
        mode = "disable" if "unix_sock" in given or _is_here(url.host) else "verify-full"
    if mode == "disable":
        return False
    roots = given.get("sslrootcert")
    try:
        return ssl.create_default_context(cafile=roots)
    except OSError as error:
        why = error.strerror or str(error)
        raise BadArgument(f"sslrootcert of the database is {roots!r:.200}: {why}") from None


def _is_here(host: str | None) -> bool:
    """Say whether a host is this one."""
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def check_settings(database: Connection) -> None:
    """Check that PostgreSQL keeps what the index relies on; other databases have no choice.

    Raises:
        BadConfiguration: Commits are not durable, or texts cannot be kept.
    """
    if database.dialect.name != "postgresql":
        return
    if database.scalar(text("SHOW synchronous_commit")) == "off":
        raise BadConfiguration(
            "synchronous_commit of the database is off: a statement that was answered for could "
            "be lost; set it to on, for the role of the service at least"
        )
    encoding = database.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise BadConfiguration(
            f"the database has the encoding {encoding}: make one with ENCODING 'UTF8'"
        )


def _said(error: BaseException) -> dict[str, str]:
    """Return the fields of what the server said, which the driver gives as it came."""
    [*given] = error.args
    return given[0] if given and isinstance(given[0], dict) else {}


def why(error: SQLAlchemyError | OSError) -> str:
    """Say in one line what is wrong with a database."""
    original: BaseException = getattr(error, "orig", None) or error
    message = _said(original).get("M") or str(original)
    return message.partition("\n")[0][:WHY_CHARACTERS_MAX]
