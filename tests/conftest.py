"""Set up what all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.suite import SUITE
from trine.model.hashing import under

# Machines that build and test at the same time are slow now and then; pytest's own limit of
# seconds a test still holds.
settings.register_profile("trine", deadline=None)
settings.load_profile("trine")


@pytest.fixture(autouse=True, scope="session")
def _suite() -> Iterator[None]:
    """Hash in the tests themselves as their chains do."""
    with under(SUITE):
        yield
