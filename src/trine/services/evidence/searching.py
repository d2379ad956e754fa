"""Answer a search with a proof that nothing was left out, and verify such a proof offline.

A page of a proof is one CBOR map (docs/reference/scitt.md, section 12): the checkpoint, what was
asked, and neighbouring rows with the hashes beside them. The rows before the first and behind the
last that fit are there too, and do not fit: nothing is between. A page is about one digest, or
about a time; `asking` puts whole questions together out of them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import cbor2

from trine.client import Trust
from trine.errors import BadAnswer, BadArgument
from trine.errors.services import BadRow, SearchIncomplete, TreeMismatch
from trine.services.evidence import note, rows, tree
from trine.services.evidence.catalogue import Snapshot, SortedRows
from trine.services.evidence.chain import proven_head
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.entry_proof import EntryProof
from trine.services.evidence.rows import EPOCH_ROWS, ORDERS, ROW_BYTES, IndexHead, Order, Row
from trine.services.evidence.tree import HashFunction
from trine.types import Digest, LogId

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
        certified_ms: Time of a block in which validators certified the log's root at this size,
            Unix time in milliseconds; nothing where that was not looked at.
    """

    checkpoint: Checkpoint
    rows: tuple[Row, ...]
    first: int
    stop: int
    asked: "Asked"
    certified_ms: int | None = None


class Asked(NamedTuple):
    """What a proof is about: a digest, or a time.

    Attributes:
        order: Which digest of a row it is; nothing where it is about a time.
        digest: The digest.
        from_ms: Unix time in milliseconds at which the log had the entries, at least.
        to_ms: The same, before which.
    """

    order: Order | None = None
    digest: Digest | None = None
    from_ms: int = 0
    to_ms: int = rows.TIME_MS_MAX


class Given(NamedTuple):
    """What a page begins with.

    Attributes:
        checkpoint: The note that commits to the index.
        proof: The chain's proof file of an entry, with the root that the checkpoint has; empty
            where there is none.
    """

    checkpoint: bytes
    proof: bytes = b""


class Believed(NamedTuple):
    """Whom who verifies believes.

    Attributes:
        keys: Keys of the log and of the witnesses that are trusted.
        function: Hash function of the log.
        witnesses_min: Cosignatures that must be there.
        trust: The chain's validators; where it is given, they must have certified the log's root.
        log: The log's number on the chain.
    """

    keys: Sequence[note.VerifierKey]
    function: HashFunction = "sha256"
    witnesses_min: int = 0
    trust: Trust | None = None
    log: LogId | None = None


def digest_page(given: Given, index: Snapshot, order: Order, wanted: Digest, first: int) -> bytes:
    """Prove which rows have a digest in the epochs from a place on.

    Args:
        given: What the page begins with.
        index: The index.
        order: Which digest of a row it is.
        wanted: The digest, such as the hash of an issuer's name.
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
        part = _range(index.epoch(number, order), width, order, wanted)
        parts.append(part)
        count += len(part[1]) // ROW_BYTES
        number += 1

    def over(low: int, high: int) -> bytes:
        height = (high - low - 1).bit_length()
        return index.epoch_nodes[order][height][low >> height]

    return _encode(
        given,
        {
            order: bytes(wanted),
            "first": first,
            "epochs": parts,
            "path": b"".join(tree.range_path(epoch, number, total, over)),
        },
    )


def _range(
    sorted_rows: SortedRows, width: int, order: Order, wanted: Digest
) -> tuple[int, bytes, bytes]:
    """Return the first number, the rows of a digest with their neighbours, and the path."""

    def position(key: tuple[bytes, int]) -> int:
        return bisect_left(range(width), key, key=lambda at: sorted_rows.row(at).key(order))

    low = max(0, position((wanted, 0)) - 1)
    high = min(width, position((wanted, 1 << 64)) + 1)
    found = b"".join(sorted_rows.row(number).encode() for number in range(low, high))
    return low, found, b"".join(tree.range_path(low, high, width, sorted_rows.over))


def time_page(given: Given, index: Snapshot, from_ms: int, to_ms: int, first: int) -> bytes:
    """Prove which rows are of a time, from a place on.

    Args:
        given: What the page begins with.
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
    return _encode(given, content)


def _encode(given: Given, content: dict[str, object]) -> bytes:
    page = {"version": VERSION, **given._asdict(), **content}
    return cbor2.dumps(page, canonical=True)


def verify_pages(pages: Sequence[bytes], believed: Believed) -> Found:
    """Verify the pages of one search, which follow each other without a gap.

    Args:
        pages: The pages.
        believed: Whom to believe.

    Returns:
        All rows that fit from the first place to before `stop`, and the last checkpoint.

    Raises:
        BadRow: A page is none.
        BadNote, NoteUnverified: A checkpoint is none, or not signed as it must be.
        TreeMismatch: Rows are not those of the checkpoint's index.
        SearchIncomplete: Something may have been left out, or validators did not certify the root.
    """
    if not 1 <= len(pages) <= PAGES_MAX:
        raise BadRow(f"a proof of {len(pages)} pages, expected 1 to {PAGES_MAX}")
    found: list[Row] = []
    before: Found | None = None
    for data in pages:
        one = _verify(_read(data), believed)
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


def first_of(data: bytes) -> int:
    """Return the place with which a page begins.

    Raises:
        BadRow: It is none.
    """
    first: int = _read(data)["first"]
    return first


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
        order = _order(page)
        kinds |= _TIME_KINDS if order is None else {order: bytes, "epochs": list}
        # Those of earlier releases have no proof of the chain.
        kinds |= {"proof": bytes} if "proof" in page else {}
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


def _order(page: dict[str, Any]) -> Order | None:
    """Return which digest a page is about; nothing where it is about a time."""
    return next((order for order in ORDERS if order in page), None)


def _verify(page: dict[str, Any], believed: Believed) -> Found:
    checkpoint, _ = verify_checkpoint(
        page["checkpoint"], believed.keys, witnesses_min=believed.witnesses_min
    )
    head = IndexHead.find(checkpoint.extensions)
    if head is None:
        raise SearchIncomplete("the checkpoint commits to no index")
    order = _order(page)
    if order is None:
        found = _verify_time(page, checkpoint, head, believed.function)
    else:
        found = _verify_digest(page, order, checkpoint, head, believed.function)
    return found._replace(certified_ms=_certified_ms(page.get("proof", b""), checkpoint, believed))


def _certified_ms(proof: bytes, checkpoint: Checkpoint, believed: Believed) -> int | None:
    """Check that validators certified the root of a checkpoint, where it is asked for; when.

    Raises:
        SearchIncomplete: They did not, as far as is shown.
        NegativeVerdict: Their proof does not verify.
    """
    if believed.trust is None or believed.log is None:
        return None
    read = EntryProof.read_file(proof)
    if read is None:
        raise SearchIncomplete("the page has no proof of the chain for the log's root")
    try:
        head = proven_head(believed.trust, proof, believed.log, read.leaf_index)
    except BadAnswer as error:
        raise SearchIncomplete(
            f"the chain's proof in the page is of something else: {error}"
        ) from None
    if (head.size, head.root) != (checkpoint.size, checkpoint.root):
        raise SearchIncomplete(
            f"validators certified the root {head.root} of {head.size} entries, the checkpoint has "
            f"{checkpoint.root} of {checkpoint.size}"
        )
    return head.time_ms


def _verify_digest(
    page: dict[str, Any],
    order: Order,
    checkpoint: Checkpoint,
    head: IndexHead,
    function: HashFunction,
) -> Found:
    wanted, first = page[order], page["first"]
    epoch, rest = divmod(first, EPOCH_ROWS)
    parts, at = page["epochs"], ORDERS.index(order)
    if rest or len(wanted) != _DIGEST or not 1 <= len(parts) <= PAGE_EPOCHS_MAX:
        raise BadRow("a page about a digest has no epochs, or begins inside one")
    if at >= len(head.epochs):
        raise SearchIncomplete(f"the checkpoint commits to no order by {order}")
    found: list[Row] = []
    roots = []
    for number, part in enumerate(parts, epoch):
        width = rows.epoch_width(number, checkpoint.size)
        low, shown, path = _part(part)
        roots.append(_root(function, shown, low, width, path))
        _check_neighbours(shown, order, wanted, low, width)
        start = number * EPOCH_ROWS
        if any(not start <= one.place < start + width for one in shown):
            raise SearchIncomplete(f"epoch {number} has rows of another")
        found += [one for one in shown if getattr(one, order) == wanted]
    total = rows.epochs_of(checkpoint.size)
    leaves = tree.leaf_hashes(function, roots)
    found_root = tree.range_root(function, leaves, epoch, total, _split(page["path"]))
    _check_root(found_root, head.epochs[at])
    stop = min((epoch + len(parts)) * EPOCH_ROWS, checkpoint.size)
    return Found(checkpoint, tuple(found), first, stop, Asked(order, Digest(wanted)))


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
    asked = Asked(None, None, from_ms, to_ms)
    return Found(checkpoint, tuple(found), first, checkpoint.size if is_end else stop, asked)


def _check_neighbours(
    shown: Sequence[Row], order: Order, wanted: bytes, low: int, width: int
) -> None:
    """Check that rows are in order, and that what does not fit stands at both ends.

    Raises:
        SearchIncomplete: Rows that fit may be missing.
    """
    keys = [one.key(order) for one in shown]
    if any(before >= after for before, after in pairwise(keys)):
        raise SearchIncomplete("the rows of an epoch are not in order")
    if low > 0 and keys[0][0] >= wanted:
        raise SearchIncomplete("rows that fit may be before the first that is shown")
    if low + len(shown) < width and keys[-1][0] <= wanted:
        raise SearchIncomplete("rows that fit may be behind the last that is shown")


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
        if _order(page) is not None:
            stop = min(first + len(page["epochs"]) * EPOCH_ROWS, size)
        else:
            shown = _rows(page["rows"])
            is_end = shown[-1].recorded_ms >= page["to_ms"]
            stop = size if is_end else page["low"] + len(shown)
        if stop >= size or stop <= first:
            return
        first = stop
    raise SearchIncomplete(f"the answer has over {PAGES_MAX} pages")
