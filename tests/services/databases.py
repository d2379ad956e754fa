"""Run the databases in which the index may be."""

import itertools
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from trine.bench.peers import postgresql_server
from trine.bench.peers.postgresql_server import Server

KINDS = ("sqlite", "postgresql")
# No test takes the power away.
SETTINGS = {"shared_buffers": "32MB", "fsync": "off"}
_numbers = itertools.count()


def needs_postgresql() -> None:
    """Skip a test where PostgreSQL is missing; with CI set it may not be."""
    reason = postgresql_server.missing()
    if reason is not None:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


class Running:
    """A server of PostgreSQL that tests stop and start."""

    def __init__(self, server: Server) -> None:
        """Start it."""
        self.server, self._stack = server, ExitStack()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.server.wait(self._stack.enter_context(self.server.running()))

    def stop(self) -> None:
        """Stop it; connections end."""
        self._stack.close()

    def new_database(self, options: str = "") -> str:
        """Make an empty database; returns its URL."""
        name = f"test_{next(_numbers)}"
        self.server.sql(f"CREATE DATABASE {name} {options}")
        return self.server.url(name)


def url_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of a kind."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'index_{next(_numbers)}.db'}"
    running: Running = request.getfixturevalue("postgresql")
    return running.new_database()
