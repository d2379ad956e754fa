"""Set up what all tests share."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.suite import SUITE
from trine.model.hashing import Suite, under

# Machines that build and test at the same time are slow now and then; pytest's own limit of
# seconds a test still holds.
settings.register_profile("trine", deadline=None)
settings.load_profile("trine")

# A shell lets what it starts in the background ignore Ctrl-C, and whatever that starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests hash as their chains do, from their import on.
_SESSION = ExitStack()
_SESSION.enter_context(under(SUITE))


def pytest_unconfigure() -> None:
    """End what holds for the session."""
    _SESSION.close()


@pytest.fixture
def intl() -> Iterator[None]:
    """Hash with SHA-256: for files and examples that are of the suite `intl`."""
    with under(Suite.INTL):
        yield
