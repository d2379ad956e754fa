"""Run what tests of several files use."""

from collections.abc import Iterator

import pytest

from tests.services.databases import SETTINGS, Running, needs_postgresql
from trine.bench.peers.postgresql_server import new_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Running]:
    """Run PostgreSQL; it stays up."""
    needs_postgresql()
    with new_server(SETTINGS) as server:
        running = Running(server)
        yield running
        running.stop()


@pytest.fixture
def stopping() -> Iterator[Running]:
    """Run a PostgreSQL of its own, which the test may stop."""
    needs_postgresql()
    with new_server(SETTINGS) as server:
        running = Running(server)
        yield running
        running.stop()
