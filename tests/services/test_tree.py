"""Test the trees of logs against published vectors and the reference model, and their tiles."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors_path import vectors
from trine.errors import BadArgument
from trine.errors.services import BadTile, TreeMismatch
from trine.model.hashing import Suite, under
from trine.model.merkle import merkle_root
from trine.services.evidence import tiles, tree
from trine.services.evidence.tree import HashFunction
from trine.types import Digest

SUITE_OF_FUNCTION: dict[HashFunction, Suite] = {"sha256": Suite.INTL, "sm3": Suite.GM}
FUNCTIONS = pytest.mark.parametrize("function", list(SUITE_OF_FUNCTION))
SIZES = 600


def files(kind: str) -> list[Path]:
    """Vectors of a kind."""
    return sorted(
        path for path in (vectors("merkle/transparency-dev") / kind).rglob("*") if path.is_file()
    )


def raw(text: str | None) -> bytes:
    """Decode base64, which vectors leave out where it is empty."""
    return base64.b64decode(text or "")


def digest(text: str | None) -> Digest:
    """Decode a digest; some vectors hold words in its place, for which their hash stands."""
    data = raw(text)
    return Digest(data if len(data) == Digest.LENGTH else hashlib.sha256(data).digest())


def log(function: HashFunction, size: int) -> tuple[list[Digest], tiles.FromMapping]:
    """Make a log; return its leaves' hashes and its tiles."""
    leaves = tree.leaf_hashes(function, [number.to_bytes(4) for number in range(size)])
    return leaves, tiles.FromMapping(tiles.append(function, tiles.FromMapping({}), 0, leaves))


def test_inclusion_proofs_of_transparency_dev() -> None:
    """Goal: inclusion as others check it. Method: 98 published proofs, right and wrong."""
    every = files("inclusion")
    assert len(every) == 98
    for path in every:
        vector = json.loads(path.read_text())
        proof = [raw(each) for each in vector["proof"] or []]
        wrong = False
        try:
            leaf, root = Digest(raw(vector["leafHash"])), Digest(raw(vector["root"]))
            index, size = vector["leafIdx"], vector["treeSize"]
            tree.check_inclusion("sha256", leaf, index, size, proof, root=root)
        except (TreeMismatch, BadArgument):
            wrong = True
        assert wrong == vector["wantErr"], path


def test_consistency_proofs_of_transparency_dev() -> None:
    """Goal: consistency as others check it. Method: 98 published proofs, right and wrong.

    What is said about the empty log proves nothing and is refused here, as it is there.
    """
    every = files("consistency")
    assert len(every) == 98
    for path in every:
        vector = json.loads(path.read_text())
        proof = [raw(each) for each in vector["proof"] or []]
        wrong = False
        try:
            old, new = digest(vector["root1"]), digest(vector["root2"])
            sizes = vector["size1"], vector["size2"]
            tree.check_consistency("sha256", *sizes, old, proof, root=new)
        except TreeMismatch:
            wrong = True
        assert wrong == vector["wantErr"], path


@FUNCTIONS
def test_tiles_give_the_roots_of_the_model(function: HashFunction) -> None:
    """Goal: one tree in model, edge and tiles. Method: every size from 0 to 600, leaf by leaf."""
    entries = [number.to_bytes(4) for number in range(SIZES)]
    leaves = tree.leaf_hashes(function, entries)
    store: dict[tiles.Tile, bytes] = {}
    reader, edge = tiles.FromMapping(store), tree.Frontier(function)
    with under(SUITE_OF_FUNCTION[function]):
        for size in range(SIZES + 1):
            root = tiles.View(function, reader, size).root()
            assert root == edge.root()
            if size % 16 in {0, 1, 15}:
                assert root == merkle_root(entries[:size])
            grown = leaves[size : size + 1]
            store.update(tiles.append(function, reader, size, grown))
            edge = edge.extend(grown)


@FUNCTIONS
@given(data=st.data())
def test_proofs_from_tiles_hold(function: HashFunction, data: st.DataObject) -> None:
    """Goal: what the tiles give is accepted. Method: any leaf and older size of any log."""
    size = data.draw(st.integers(1, SIZES))
    leaves, reader = log(function, size)
    view = tiles.View(function, reader, size)
    index = data.draw(st.integers(0, size - 1))
    path = view.inclusion_path(index)
    tree.check_inclusion(function, leaves[index], index, size, path, root=view.root())
    assert view.leaf(index) == leaves[index]
    old = data.draw(st.integers(1, size))
    old_root = tiles.View(function, reader, old).root()
    proof = view.consistency_path(old)
    tree.check_consistency(function, old, size, old_root, proof, root=view.root())


@given(data=st.data())
def test_altered_proofs_are_refused(data: st.DataObject) -> None:
    """Goal: nothing else is accepted. Method: flip a bit, drop or add hashes, move the leaf."""
    size = data.draw(st.integers(2, 300))
    leaves, reader = log("sha256", size)
    view = tiles.View("sha256", reader, size)
    index = data.draw(st.integers(0, size - 1))
    path: list[bytes] = list(view.inclusion_path(index))
    place = data.draw(st.integers(0, len(path) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = int.from_bytes(path[place]) ^ 1 << bit
    other = data.draw(st.integers(0, size - 1).filter(lambda found: found != index))
    root = view.root()
    for leaf, at, altered in (
        (leaves[index], index, [*path[:place], flipped.to_bytes(32), *path[place + 1 :]]),
        (leaves[index], index, path[:-1]),
        (leaves[index], index, [*path, path[0]]),
        (leaves[index], index, [b"", *path[1:]]),
        (leaves[other], index, path),
        (leaves[index], size, path),
        (leaves[index], -1, path),
    ):
        with pytest.raises(TreeMismatch):
            tree.check_inclusion("sha256", leaf, at, size, altered, root=root)


@given(data=st.data())
def test_altered_consistency_is_refused(data: st.DataObject) -> None:
    """Goal: a log that was rewritten has no proof. Method: flip a bit of hashes and roots."""
    size = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, size - 1))
    _, reader = log("sha256", size)
    view, before = tiles.View("sha256", reader, size), tiles.View("sha256", reader, old)
    path: list[bytes] = list(view.consistency_path(old))
    place = data.draw(st.integers(0, len(path) - 1))
    wrong = (int.from_bytes(path[place]) ^ 1 << data.draw(st.integers(0, 255))).to_bytes(32)
    old_root, root = before.root(), view.root()
    for first, last, proof in (
        (old_root, root, [*path[:place], wrong, *path[place + 1 :]]),
        (old_root, root, path[1:]),
        (old_root, root, [*path, path[0]]),
        (root, root, path),
        (old_root, old_root, path),
    ):
        with pytest.raises(TreeMismatch):
            tree.check_consistency("sha256", old, size, first, proof, root=last)


@given(
    size=st.integers(1, tree.SIZE_MAX),
    index=st.integers(0, tree.SIZE_MAX),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=70),
)
def test_a_path_has_one_length(size: int, index: int, path: list[bytes]) -> None:
    """Goal: large numbers cost nothing and need their exact path. Method: any numbers, any path."""
    leaf = Digest(bytes(32))
    try:
        tree.inclusion_root("sha256", leaf, index, size, path)
    except TreeMismatch:
        return
    assert index < size
    with pytest.raises(TreeMismatch):
        tree.inclusion_root("sha256", leaf, index, size, [*path, bytes(32)])


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 70_000), min_size=1, max_size=4))
def test_a_large_log_grows_in_steps(seed: int, cuts: list[int]) -> None:
    """Goal: tiles of level 2, partial and full. Method: grow a log of equal leaves in steps."""
    leaf = tree.leaf_hashes("sha256", [seed.to_bytes(8)])[0]
    store: dict[tiles.Tile, bytes] = {}
    reader, edge = tiles.FromMapping(store), tree.Frontier("sha256")
    for count in cuts:
        added = [leaf] * count
        store.update(tiles.append("sha256", reader, edge.size, added))
        edge = edge.extend(added)
    view = tiles.View("sha256", reader, edge.size)
    assert view.root() == edge.root()
    for index in {0, edge.size // 2, edge.size - 1}:
        path = view.inclusion_path(index)
        tree.check_inclusion("sha256", leaf, index, edge.size, path, root=edge.root())
    for tile, content in store.items():
        assert len(content) == 32 * tile.width


def test_the_tiles_of_the_specification() -> None:
    """Goal: the tiles that C2SP names. Method: its examples of 70,000 and 256 leaves."""
    leaf = bytes(32)
    made = tiles.append("sha256", tiles.FromMapping({}), 0, [leaf] * 70_000)
    widths: dict[int, list[int]] = {}
    for tile in made:
        widths.setdefault(tile.level, []).append(tile.width)
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert list(tiles.append("sha256", tiles.FromMapping({}), 0, [leaf] * 256)) == [
        tiles.Tile(0, 0),
        tiles.Tile(1, 0, 1),
    ]


@given(level=st.integers(0, 63), index=st.integers(0, tree.SIZE_MAX - 1), width=st.integers(1, 256))
def test_a_path_names_one_tile(level: int, index: int, width: int) -> None:
    """Goal: paths and tiles fit one to one. Method: write and read any."""
    tile = tiles.Tile(level, index, width)
    assert tiles.parse_path(tiles.path(tile)) == (tile, False)
    bundle = tiles.Tile(0, index, width)
    assert tiles.parse_path(tiles.entries_path(index, width)) == (bundle, True)


def test_the_path_of_the_specification() -> None:
    """Goal: the path that C2SP shows. Method: its example."""
    assert tiles.path(tiles.Tile(0, 1_234_067)) == "tile/0/x001/x234/067"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/999",
        "tile/0/001.p/01",
        "tile/-1/001",
        "tile/0/001 ",
        "tile/0/../001",
        "tile/0/001\n",
        "tile/0/" + "x999/" * 30 + "999",
        "tile/0/" + "x999/" * 10_000 + "999",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    """Goal: a server meets no second name. Method: near misses."""
    with pytest.raises(BadTile):
        tiles.parse_path(path)


@given(st.text(alphabet="tile/0123456789xp.entris", max_size=40))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    """Goal: no other error. Method: texts of the letters of paths."""
    try:
        tile, is_entries = tiles.parse_path(text)
    except BadTile:
        return
    written = tiles.entries_path(tile.number, tile.width) if is_entries else tiles.path(tile)
    assert written == text


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    """Goal: entries come back. Method: any entries; then cut the bundle."""
    data = tiles.bundle(entries)
    assert tiles.entries_in(data) == entries
    with pytest.raises(BadTile):
        tiles.entries_in(data + b"\x00")


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    """Goal: no other error. Method: any bytes; what is read is written the same."""
    try:
        entries = tiles.entries_in(data)
    except BadTile:
        return
    assert tiles.bundle(entries) == data


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(65_536)]])
def test_bundles_have_limits(entries: list[bytes]) -> None:
    """Goal: no bundle that others refuse. Method: none, one more than allowed, one too long."""
    with pytest.raises(BadArgument):
        tiles.bundle(entries)


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33), bytes(32)])
def test_short_tiles_are_refused(content: bytes) -> None:
    """Goal: a damaged store is noticed. Method: a tile of two hashes with fewer bytes."""
    reader = tiles.FromMapping({tiles.Tile(0, 0, 2): content})
    with pytest.raises(BadTile):
        tiles.View("sha256", reader, 2).root()
    with pytest.raises(BadTile):
        tiles.append("sha256", reader, 2, [bytes(32)])


def test_missing_leaves_are_refused() -> None:
    """Goal: questions about what is not there are the caller's fault. Method: ask them."""
    _, reader = log("sha256", 5)
    view = tiles.View("sha256", reader, 5)
    for ask in (
        lambda: view.inclusion_path(5),
        lambda: view.inclusion_path(-1),
        lambda: view.leaf(5),
        lambda: view.consistency_path(0),
        lambda: view.consistency_path(6),
        lambda: tiles.View("sha256", reader, -1),
        lambda: tiles.path(tiles.Tile(64, 0)),
        lambda: tiles.path(tiles.Tile(0, -1)),
        lambda: tiles.path(tiles.Tile(0, 0, 257)),
    ):
        with pytest.raises(BadArgument):
            ask()
    with pytest.raises(BadTile):
        tiles.View("sha256", tiles.FromMapping({}), 5).root()


@FUNCTIONS
def test_one_view_proves_leaves_of_many_tiles(function: HashFunction) -> None:
    """Goal: what a view remembers of one tile is not used for another.

    Method: leaves of five tiles, the last of which is not full, asked for by turns, from one view;
    every path leads to the root, and is that of a view which remembers nothing.
    """
    size = 4 * tiles.TILE_WIDTH + 90
    leaves, reader = log(function, size)
    view = tiles.View(function, reader, size)
    root = view.root()
    for place in range(0, tiles.TILE_WIDTH, 37):
        for index in range(place, size, tiles.TILE_WIDTH):
            path = view.inclusion_path(index)
            tree.check_inclusion(function, leaves[index], index, size, path, root=root)
            assert path == tiles.View(function, reader, size).inclusion_path(index)
