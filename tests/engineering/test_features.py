"""Test that the build stays one build: tests and extension share every compiled library."""

from tools import features


def test_difference_is_found() -> None:
    """Goal: the check can fail. Method: a library with one feature more in the tests."""
    extension = {"tokio v1": "net,time", "trine-node v0": "", "bytes v1": "std"}
    tests = {"tokio v1": "net,test-util,time", "trine-node v0": "x", "proptest v1": "std"}
    found = features.differences(extension, {**tests, "bytes v1": "std"})
    assert len(found) == 1
    assert "tokio v1" in found[0]
    assert "test-util" in found[0]


def test_this_workspace_is_one_build() -> None:
    """Goal: nothing heavy is compiled twice. Method: compare what cargo unifies for both."""
    assert features.main() == 0
