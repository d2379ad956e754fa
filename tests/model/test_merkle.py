"""Hold the Merkle trees to RFC 9162."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.model.merkle import Frontier, empty_root, leaf_hash, merkle_root, node_hash, tree_head

CERTIFICATE_TRANSPARENCY_LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
CERTIFICATE_TRANSPARENCY_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
"""Leaves and root of the tests of the certificate-transparency implementations."""


@pytest.mark.usefixtures("intl")
def test_known_root() -> None:
    # Goal: the trees are those of the standard. Method: the root that other projects test with.
    leaves = [bytes.fromhex(leaf) for leaf in CERTIFICATE_TRANSPARENCY_LEAVES]
    assert merkle_root(leaves).hex() == CERTIFICATE_TRANSPARENCY_ROOT


def test_three_leaves_split_at_two() -> None:
    # Goal: an uneven tree is shaped as the standard says. Method: spell it out.
    a, b, c = leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")
    assert tree_head([a, b, c]) == node_hash(node_hash(a, b), c)
    assert tree_head([]) == empty_root()


@given(leaves=st.lists(st.binary(max_size=8), max_size=70))
def test_a_growing_tree_has_the_root_of_the_whole(leaves: list[bytes]) -> None:
    # Goal: appending keeps the right edge right. Method: compare each size with the recursive root.
    frontier = Frontier()
    for size, leaf in enumerate(leaves):
        assert frontier.head() == merkle_root(leaves[:size])
        frontier = frontier.append(leaf)
    assert frontier.head() == merkle_root(leaves)
    assert frontier.size == len(leaves)
    assert Frontier.from_bytes(frontier.encode()) == frontier
