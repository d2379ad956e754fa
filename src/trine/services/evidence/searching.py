"""Answer a search with a proof that nothing was left out, and verify such a proof offline.

A page of a proof is one CBOR map (docs/reference/scitt.md, section 12): the checkpoint, what was
asked, and neighbouring rows with the hashes beside them. The rows before the first and behind the
last that fit are there too, and do not fit: nothing is between.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import cbor2

from trine.errors import BadArgument
from trine.errors.services import BadRow, SearchIncomplete, TreeMismatch
from trine.services.evidence import note, rows, tree
from trine.services.evidence.catalogue import Snapshot, SortedRows
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.rows import EPOCH_ROWS, ROW_BYTES, IndexHead, Row
from trine.services.evidence.tree import HashFunction
from trine.types import Digest

PAGE_ROWS_MAX: Final = 10_000
"""Rows of a page, after which no further epoch is begun; an epoch stays whole."""
PAGE_EPOCHS_MAX: Final = 64
"""Epochs of a page."""
PAGE_BYTES_MAX: Final = 8 * 1_024 * 1_024
"""Bytes of a page."""
PAGES_MAX: Final = 10_000
"""Pages of a proof."""
VERSION: Final = 1

_DIGEST: Final = Digest.LENGTH


class Found(NamedTuple):
    """What a page proves.

    Attributes:
        checkpoint: The log at the size that was searched.
        rows: All rows that fit, from `first` to before `stop`.
        first: First place that the page is about.
        stop: Place behind the last.
        asked: What was searched for.
    """

    checkpoint: Checkpoint
    rows: tuple[Row, ...]
    first: int
    stop: int
    asked: "Asked"


class Asked(NamedTuple):
    """What a proof is about: an issuer, or a time.

    Attributes:
        issuer: Hash of the issuer's name.
        from_ms: Unix time in milliseconds at which the log had the entries, at least.
        to_ms: The same, before which.
    """

    issuer: Digest | None = None
    from_ms: int | None = None
    to_ms: int | None = None


def issuer_page(checkpoint: bytes, index: Snapshot, issuer: Digest, first: int) -> bytes:
    """Prove which rows an issuer has in the epochs from a place on.

    Args:
        checkpoint: The note that commits to the index.
        index: The index.
        issuer: Hash of the issuer's name.
        first: First place: of the first row of an epoch.

    Raises:
        BadArgument: There is no such epoch.
    """
    epoch, rest = divmod(first, EPOCH_ROWS)
    if rest or not 0 <= first < index.size:
        raise BadArgument(f"no epoch begins at {first} in a log of {index.size}")
    parts: list[tuple[int, bytes, bytes]] = []
    count, number = 0, epoch
    total = rows.epochs_of(index.size)
    while number < total and len(parts) < PAGE_EPOCHS_MAX and count < PAGE_ROWS_MAX:
        width = index.width(number)
        part = _issuer_range(index.epoch(number), width, issuer)
        parts.append(part)
        count += len(part[1]) // ROW_BYTES
        number += 1

    def over(low: int, high: int) -> bytes:
        height = (high - low - 1).bit_length()
        return index.epoch_nodes[height][low >> height]

    return _encode(
        checkpoint,
        {
            "issuer": bytes(issuer),
            "first": first,
            "epochs": parts,
            "path": b"".join(tree.range_path(epoch, number, total, over)),
        },
    )


def _issuer_range(sorted_rows: SortedRows, width: int, issuer: Digest) -> tuple[int, bytes, bytes]:
    """Return the first number, the rows of an issuer with their neighbours, and the path."""

    def position(key: tuple[bytes, int]) -> int:
        return bisect_left(range(width), key, key=lambda number: sorted_rows.row(number).key)

    low = max(0, position((issuer, 0)) - 1)
    high = min(width, position((issuer, 1 << 64)) + 1)
    found = b"".join(sorted_rows.row(number).encode() for number in range(low, high))
    return low, found, b"".join(tree.range_path(low, high, width, sorted_rows.over))


def time_page(checkpoint: bytes, index: Snapshot, from_ms: int, to_ms: int, first: int) -> bytes:
    """Prove which rows are of a time, from a place on.

    Args:
        checkpoint: The note that commits to the index.
        index: The index.
        from_ms: Unix time in milliseconds, at least.
        to_ms: The same, before which.
        first: First place; what is before it was on earlier pages.

    Raises:
        BadArgument: The times or the place are out of range.
    """
    if not 0 <= first < index.size or not 0 <= from_ms < to_ms <= rows.TIME_MS_MAX:
        raise BadArgument(f"from {from_ms} to {to_ms} ms and place {first} of {index.size}")

    def position(time_ms: int) -> int:
        places = range(index.size)
        return bisect_left(places, time_ms, key=lambda place: index.row(place).recorded_ms)

    low = max(0, first - 1, position(from_ms) - 1)
    high = min(index.size, low + PAGE_ROWS_MAX, max(position(to_ms) + 1, low + 1))
    content = {
        "from_ms": from_ms,
        "to_ms": to_ms,
        "first": first,
        "low": low,
        "rows": b"".join(index.row(place).encode() for place in range(low, high)),
        "path": b"".join(index.view.range_path(low, high)),
    }
    return _encode(checkpoint, content)


def _encode(checkpoint: bytes, content: dict[str, object]) -> bytes:
    return cbor2.dumps({"version": VERSION, "checkpoint": checkpoint, **content}, canonical=True)


def verify_pages(
    pages: Sequence[bytes],
    keys: Sequence[note.VerifierKey],
    *,
    function: HashFunction = "sha256",
    witnesses_min: int = 0,
    issuer: str | None = None,
) -> Found:
    """Verify the pages of one search, which follow each other without a gap.

    Args:
        pages: The pages.
        keys: Keys of the log and of the witnesses that are trusted.
        function: Hash function of the log.
        witnesses_min: Cosignatures that must be there.
        issuer: Name of the issuer that they must be about; any where it is not given.

    Returns:
        All rows that fit from the first place to before `stop`, and the last checkpoint.

    Raises:
        BadRow: A page is none.
        BadNote, NoteUnverified: A checkpoint is none, or not signed as it must be.
        TreeMismatch: Rows are not those of the checkpoint's index.
        SearchIncomplete: Something may have been left out.
    """
    if not 1 <= len(pages) <= PAGES_MAX:
        raise BadRow(f"a proof of {len(pages)} pages, expected 1 to {PAGES_MAX}")
    found: list[Row] = []
    before: Found | None = None
    for data in pages:
        one = _verify(_read(data), keys, function, witnesses_min)
        if issuer is not None and one.asked.issuer != rows.name_digest(function, issuer):
            raise SearchIncomplete(f"the pages are not about {issuer[:200]!r}")
        _check_follows(before, one)
        found += one.rows
        before = one
    assert before is not None
    if before.stop != before.checkpoint.size:
        raise SearchIncomplete(f"the proof ends at {before.stop} of {before.checkpoint.size}")
    return before._replace(rows=tuple(found), first=0)


def read_pages(data: bytes) -> list[bytes]:
    """Read a file with the pages of a proof: an array of byte strings.

    Raises:
        BadRow: It is none.
    """
    try:
        pages = cbor2.loads(data)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        raise BadRow("the file is no proof of a search") from None
    if not isinstance(pages, list) or not all(isinstance(one, bytes) for one in pages):
        raise BadRow("the file is no proof of a search")
    return pages


def write_pages(pages: Sequence[bytes]) -> bytes:
    """Write a file with the pages of a proof."""
    return cbor2.dumps(list(pages))


def _check_follows(before: Found | None, one: Found) -> None:
    """Check that pages leave no gap.

    Raises:
        SearchIncomplete: They do.
    """
    if before is None:
        if one.first:
            raise SearchIncomplete(f"the proof begins at place {one.first}, not with the log")
        return
    if (one.checkpoint.origin, one.asked) != (before.checkpoint.origin, before.asked):
        raise SearchIncomplete("the pages are of different logs, or answer different searches")
    if one.first != before.stop or one.checkpoint.size < before.checkpoint.size:
        raise SearchIncomplete(f"a page ends before {before.stop}, the next begins at {one.first}")


def _read(data: bytes) -> dict[str, Any]:
    if len(data) > PAGE_BYTES_MAX:
        raise BadRow(f"a page of {len(data)} bytes, at most {PAGE_BYTES_MAX}")
    try:
        page = cbor2.loads(data)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        raise BadRow("a page of the proof is no CBOR") from None
    kinds: dict[str, type] = {"checkpoint": bytes, "first": int, "path": bytes, "version": int}
    if isinstance(page, dict):
        kinds |= {"issuer": bytes, "epochs": list} if "issuer" in page else _TIME_KINDS
    if not isinstance(page, dict) or page.keys() != kinds.keys():
        raise BadRow("a page of the proof has other parts than it must")
    for name, kind in kinds.items():
        if type(page[name]) is not kind or (kind is int and not 0 <= page[name] < 1 << 63):
            raise BadRow(f"the part {name} of a page is no {kind.__name__} in its range")
    if page["version"] != VERSION:
        raise BadRow(f"a page of version {page['version']}, expected {VERSION}")
    return page


_TIME_KINDS: Final[dict[str, type]] = {
    "from_ms": int,
    "to_ms": int,
    "low": int,
    "rows": bytes,
}


def _verify(
    page: dict[str, Any],
    keys: Sequence[note.VerifierKey],
    function: HashFunction,
    witnesses_min: int,
) -> Found:
    checkpoint, _ = verify_checkpoint(page["checkpoint"], keys, witnesses_min=witnesses_min)
    head = IndexHead.find(checkpoint.extensions)
    if head is None:
        raise SearchIncomplete("the checkpoint commits to no index")
    verify = _verify_issuer if "issuer" in page else _verify_time
    return verify(page, checkpoint, head, function)


def _verify_issuer(
    page: dict[str, Any], checkpoint: Checkpoint, head: IndexHead, function: HashFunction
) -> Found:
    issuer, first = page["issuer"], page["first"]
    epoch, rest = divmod(first, EPOCH_ROWS)
    parts = page["epochs"]
    if rest or len(issuer) != _DIGEST or not 1 <= len(parts) <= PAGE_EPOCHS_MAX:
        raise BadRow("a page about an issuer has no epochs, or begins inside one")
    found: list[Row] = []
    roots = []
    for number, part in enumerate(parts, epoch):
        width = rows.epoch_width(number, checkpoint.size)
        low, shown, path = _part(part)
        roots.append(_root(function, shown, low, width, path))
        _check_neighbours(shown, issuer, low, width)
        start = number * EPOCH_ROWS
        if any(not start <= one.place < start + width for one in shown):
            raise SearchIncomplete(f"epoch {number} has rows of another")
        found += [one for one in shown if one.issuer == issuer]
    total = rows.epochs_of(checkpoint.size)
    leaves = tree.leaf_hashes(function, roots)
    found_root = tree.range_root(function, leaves, epoch, total, _split(page["path"]))
    _check_root(found_root, head.epochs)
    stop = min((epoch + len(parts)) * EPOCH_ROWS, checkpoint.size)
    return Found(checkpoint, tuple(found), first, stop, Asked(Digest(issuer)))


def _verify_time(
    page: dict[str, Any], checkpoint: Checkpoint, head: IndexHead, function: HashFunction
) -> Found:
    low, from_ms, to_ms = page["low"], page["from_ms"], page["to_ms"]
    shown = _rows(page["rows"])
    root = _root(function, shown, low, checkpoint.size, _split(page["path"]))
    _check_root(root, head.rows)
    for place, one in enumerate(shown, low):
        if one.place != place:
            raise SearchIncomplete(f"the row of place {place} says {one.place}")
    times = [one.recorded_ms for one in shown]
    if times != sorted(times):
        raise SearchIncomplete("the times of neighbouring rows go back")
    first, stop = page["first"], low + len(shown)
    if not (low == 0 or low < first or times[0] < from_ms):
        raise SearchIncomplete(f"rows before place {low} may be of the time too")
    is_end = times[-1] >= to_ms or stop == checkpoint.size
    found = [one for one in shown if one.place >= first and from_ms <= one.recorded_ms < to_ms]
    asked = Asked(None, from_ms, to_ms)
    return Found(checkpoint, tuple(found), first, checkpoint.size if is_end else stop, asked)


def _check_neighbours(shown: Sequence[Row], issuer: bytes, low: int, width: int) -> None:
    """Check that rows are in order, and that what does not fit stands at both ends.

    Raises:
        SearchIncomplete: Rows that fit may be missing.
    """
    if any(before.key >= after.key for before, after in pairwise(shown)):
        raise SearchIncomplete("the rows of an epoch are not in order")
    if low > 0 and shown[0].issuer >= issuer:
        raise SearchIncomplete("rows of the issuer may be before the first that is shown")
    if low + len(shown) < width and shown[-1].issuer <= issuer:
        raise SearchIncomplete("rows of the issuer may be behind the last that is shown")


def _part(part: object) -> tuple[int, list[Row], list[bytes]]:
    if not isinstance(part, list) or len(part) != 3:
        raise BadRow("an epoch of a page is an array of three")
    low, joined, path = part
    if type(low) is not int or not isinstance(joined, bytes) or not isinstance(path, bytes):
        raise BadRow("an epoch of a page is a number and two strings of bytes")
    return low, _rows(joined), _split(path)


def _rows(joined: bytes) -> list[Row]:
    if not joined or len(joined) % ROW_BYTES:
        raise BadRow(f"{len(joined)} bytes are no rows of {ROW_BYTES}")
    return [Row.decode(joined[at : at + ROW_BYTES]) for at in range(0, len(joined), ROW_BYTES)]


def _split(path: bytes) -> list[bytes]:
    if len(path) % _DIGEST:
        raise BadRow(f"a path of {len(path)} bytes is of no hashes")
    return [path[at : at + _DIGEST] for at in range(0, len(path), _DIGEST)]


def _root(
    function: HashFunction, shown: Sequence[Row], low: int, size: int, path: Sequence[bytes]
) -> Digest:
    leaves = tree.leaf_hashes(function, [one.encode() for one in shown])
    return tree.range_root(function, leaves, low, size, path)


def _check_root(found: Digest, root: Digest) -> None:
    if found != root:
        raise TreeMismatch(f"the rows lead to {found}, the checkpoint has {root}")


def pages_of(fetch: Callable[[int], bytes]) -> Iterator[bytes]:
    """Fetch page after page until the whole log is covered.

    Args:
        fetch: Returns the page that begins at a place.
    """
    first = 0
    for _ in range(PAGES_MAX):
        data = fetch(first)
        yield data
        page = _read(data)
        size = Checkpoint.read_text(note.read_note(page["checkpoint"]).text).size
        if "issuer" in page:
            stop = min(first + len(page["epochs"]) * EPOCH_ROWS, size)
        else:
            shown = _rows(page["rows"])
            is_end = shown[-1].recorded_ms >= page["to_ms"]
            stop = size if is_end else page["low"] + len(shown)
        if stop >= size or stop <= first:
            return
        first = stop
    raise SearchIncomplete(f"the answer has over {PAGES_MAX} pages")
