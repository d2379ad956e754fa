"""Test that missing vectors are told apart: not laid out, or wrongly named."""

from pathlib import Path

import pytest

from tests.vectors_path import vectors


def test_vectors_are_found(tmp_path: Path) -> None:
    """Goal: the folder is found. Method: lay one out and ask for it."""
    wanted = tmp_path / "shared" / "vectors" / "some" / "suite"
    wanted.mkdir(parents=True)
    assert vectors("some/suite", tmp_path / "shared") == wanted


def test_absence_skips_and_a_wrong_name_fails(tmp_path: Path) -> None:
    """Goal: no silent pass. Method: no shared folder at all, then one without the vectors."""
    with pytest.raises(pytest.skip.Exception, match="beside the checkout"):
        vectors("some/suite", tmp_path / "shared")
    (tmp_path / "shared").mkdir()
    with pytest.raises(pytest.fail.Exception, match="some/suite"):
        vectors("some/suite", tmp_path / "shared")
