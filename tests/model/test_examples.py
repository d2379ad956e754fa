"""Execute the examples in the model's documentation."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import trine.model

pytestmark = pytest.mark.usefixtures("intl")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "concepts" / "reference-model.md"
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(trine.model.__path__, "trine.model.")
    if not module.name.startswith("trine.model.proofs")
)


@pytest.mark.parametrize("name", ["trine.model", *MODULES])
def test_module_examples(name: str) -> None:
    # Goal: examples are true. Method: doctest.
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_page_examples() -> None:
    # Goal: the page can be pasted. Method: doctest, as one session.
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 8
