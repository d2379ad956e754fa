"""Test the files of a log: what is served, what goes, what an attempt that ended leaves."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.logs import digest
from trine.errors.services import BadTile
from trine.services.evidence import tree
from trine.services.evidence.objects import Folder
from trine.services.evidence.stored import StoredTree
from trine.types import Digest


def entries_of(first: int, stop: int) -> list[Digest]:
    """Make entries."""
    return [digest(number) for number in range(first, stop)]


@given(counts=st.lists(st.integers(1, 400), min_size=1, max_size=6), repeated=st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_a_log_is_the_same_however_it_grew(counts: list[int], repeated: int) -> None:
    """Goal: batches, and a batch that is appended again after a crash, leave one log.

    Method: append in random batches, one of them twice; compare root, entries and every earlier
    root with those of the entries alone.
    """
    with tempfile.TemporaryDirectory() as path:
        stored = StoredTree("sha256", Folder(Path(path)), "logs/1/")
        size, edge = 0, tree.Frontier("sha256")
        heads = []
        for number, count in enumerate(counts):
            entries = entries_of(size, size + count)
            if number == repeated:
                # The place was not noted yet when it ended: less is appended, then all of it.
                stored.append(size, entries[: count // 2 + 1])
            stored.append(size, entries)
            size += count
            edge = edge.extend(tree.leaf_hashes("sha256", entries))
            heads.append(edge)
        for head in heads:
            assert stored.view(head.size).root() == head.root()
        found: list[bytes] = []
        for number in range(-(-size // 256)):
            found += stored.entries(number, min(256, size - number * 256))
        assert found == entries_of(0, size)
        assert stored.has_entries(size)
        full = [each for each in Path(path).rglob("*.p") if each.with_suffix("").exists()]
        assert not full or repeated < len(counts), "partial tiles stay beside the full one"


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    """Goal: a log without its entries is not gone on with. Method: remove a bundle."""
    stored = StoredTree("sha256", Folder(tmp_path), "")
    stored.append(0, entries_of(0, 300))
    assert stored.has_entries(300) and not stored.has_entries(301)
    (tmp_path / "tile/entries/001.p/44").unlink()
    assert not stored.has_entries(300)
    with pytest.raises(BadTile, match=r"tile/entries/001\.p/44"):
        stored.append(300, entries_of(300, 301))
