"""Open what a log published before, and compare its files with that before anything is answered.

What is compared at a start is bounded, however large the log is: the right edge of each tree, which
leads to the root that was signed, and all tiles and entries of the newest epochs. Monitors read
what is older (docs/reference/scitt.md, section 11).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from trine.errors.services import BadNote, BadTile, FolderAltered, LogDiffers, NoteUnverified
from trine.services.evidence import note, tiles, tree
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.objects import Objects
from trine.services.evidence.rows import EPOCH_ROWS, epochs_of
from trine.services.evidence.stored import Found, Known, StoredTree
from trine.services.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, width_of
from trine.types import Digest

CHECKPOINT: Final = "checkpoint"
"""Name of the checkpoint below the prefix of the log."""
VERIFIER: Final = "log.vkey"
"""Name of the file with the verifier key of the log."""
EPOCHS_COMPARED: Final = 2
"""Epochs of which every tile and bundle is compared: the newest, and the one before it."""
READERS: Final = 8
"""Files that are read at a time: they may lie far away."""

_DIGEST: Final = Digest.LENGTH


def open_published(
    objects: Objects,
    prefix: str,
    verifier: note.VerifierKey,
    witnesses: Sequence[note.VerifierKey] = (),
) -> tuple[Checkpoint, bytes] | None:
    """Read the newest checkpoint of a log; nothing before the first. Keeps the verifier key there.

    Args:
        objects: Where the log is kept.
        prefix: Where in it, such as `logs/7/`.
        verifier: Key that signs its checkpoints.
        witnesses: Keys of those who cosign them.

    Returns:
        The checkpoint, and the note that it is from.

    Raises:
        FolderAltered: The checkpoint or the verifier key is not what was written.
    """
    data, found = objects.read(prefix + CHECKPOINT), None
    if data is not None:
        try:
            found = verify_checkpoint(data, [verifier, *witnesses])[0], data
        except (BadNote, NoteUnverified) as error:
            why = f"is no checkpoint of {verifier.name} ({error.code}: {error})"
            hint = "; or the name of the service or its checkpoint.key is another than before"
            raise altered(prefix + CHECKPOINT, why + hint) from None
    line = f"{verifier}\n".encode()
    kept = objects.read(prefix + VERIFIER)
    if found is not None and kept is not None and kept != line:
        raise altered(prefix + VERIFIER, f"is not the key {verifier}")
    if kept != line:
        objects.write({prefix + VERIFIER: line})
    return found


def check_tree(stored: StoredTree, size: int, known: Known | None) -> None:
    """Compare the files of a tree with what was published, and with each other.

    Args:
        stored: The tree.
        size: Leaves that it has.
        known: What was published, of no more leaves; nothing before the first checkpoint.

    Raises:
        FolderAltered: A file is missing, or is not what it was.
        LogDiffers: All files agree, and are of another tree than the published one.
    """
    if known is not None:
        _check_root(stored, known)
        # What readers of the checkpoint read last, which may be narrower than what came since.
        _check_entries(stored, (known.size - 1) // TILE_WIDTH, known.size)
    level = 1
    while count := size >> TILE_HEIGHT * (level + 1):
        _check_full(stored, Tile(level, count - 1), size)
        level += 1
    epoch = max(0, epochs_of(size) - EPOCHS_COMPARED)
    numbers = range(epoch * EPOCH_ROWS // TILE_WIDTH, -(-size // TILE_WIDTH))
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda number: _check_entries(stored, number, size), numbers))


def altered(name: str, why: str) -> FolderAltered:
    """Return the error about a file that is not what was written."""
    return FolderAltered(f"{name} {why}", instance=name)


def _check_root(stored: StoredTree, known: Known) -> None:
    """Compare the partial tiles, of which there is one a level, with a root."""
    edge: list[tuple[Tile, Found]] = []
    level = 0
    while count := known.size >> TILE_HEIGHT * level:
        number, width = divmod(count, TILE_WIDTH)
        if width:
            tile = Tile(level, number, width)
            edge.append((tile, _tile(stored, tile)))
        level += 1
    if stored.view(known.size).root() == known.root:
        return
    for tile, found in edge:
        if _hashes_below(stored, tile) != found.content:
            raise altered(found.name, "is not the hashes of what is below it")
    raise LogDiffers(
        f"the files in {stored.prefix} are not those of the checkpoint of {known.size} entries "
        "there: the database or the folder is of another time"
    )


def _check_full(stored: StoredTree, tile: Tile, size: int) -> None:
    """Compare a full tile with its hash in the tile above."""
    found = _tile(stored, tile)
    number, place = divmod(tile.number, TILE_WIDTH)
    level = tile.level + 1
    upper = _tile(stored, Tile(level, number, width_of(level, number, size)))
    if _root(stored, found) != upper.content[place * _DIGEST : (place + 1) * _DIGEST]:
        raise altered(found.name, f"does not lead to its hash in {upper.name}")


def _check_entries(stored: StoredTree, number: int, size: int) -> None:
    """Compare a bundle with the hashes of its entries, and those with the tile above."""
    tile = Tile(0, number, width_of(0, number, size))
    if tile.width == TILE_WIDTH:
        _check_full(stored, tile, size)
    hashes, name = _tile(stored, tile), tiles.entries_path(number, tile.width)
    if _hashes_below(stored, tile) != hashes.content:
        raise altered(stored.prefix + name, f"has other entries than {hashes.name} has hashes of")


def _hashes_below(stored: StoredTree, tile: Tile) -> bytes:
    """Make a tile anew from the entries, or from the tiles below it."""
    if tile.level == 0:
        try:
            entries = stored.entries(tile.number, tile.width)
        except BadTile as error:
            raise FolderAltered(str(error)) from None
        return b"".join(tree.leaf_hashes(stored.function, entries))
    first = tile.number * TILE_WIDTH
    below = range(first, first + tile.width)
    return b"".join(_root(stored, _tile(stored, Tile(tile.level - 1, at))) for at in below)


def _tile(stored: StoredTree, tile: Tile) -> Found:
    """Read a tile, cut to its width."""
    found = stored.find(tile)
    if found is None:
        raise altered(stored.prefix + tiles.path(tile), "is missing")
    if len(found.content) != found.width * _DIGEST:
        why = f"has {len(found.content)} bytes, expected {found.width * _DIGEST}"
        raise altered(found.name, why)
    return found._replace(content=found.content[: tile.width * _DIGEST])


def _root(stored: StoredTree, full: Found) -> bytes:
    """Return the root over the hashes of a tile."""
    hashes = [full.content[at : at + _DIGEST] for at in range(0, len(full.content), _DIGEST)]
    return tree.levels(stored.function, hashes)[-1][0]
