"""Choose the suite of the chains that tests make: every test runs on either.

`TRINE_TEST_SUITE=gm pytest` runs them on SM2 and SM3.
"""

import os
from typing import Final

import pytest

from trine.model.hashing import Suite
from trine.model.keys import OF_SUITE, Algorithm

SUITE: Final = Suite(os.environ.get("TRINE_TEST_SUITE", Suite.INTL))
"""Suite of the chains."""

ALGORITHM: Final[Algorithm] = OF_SUITE[SUITE]
"""Algorithm of keys that name no other."""

ONE_SUITE: Final = pytest.mark.skipif(
    SUITE is not Suite.INTL, reason="no suite changes what this tests: it runs on intl"
)
"""Mark of tests that need not run again on another suite."""
