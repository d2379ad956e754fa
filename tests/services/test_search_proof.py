"""Test the index of a log, and the proofs that an answer left nothing out."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.logs import KEY, ORIGIN, LocalLog
from trine.errors import TrineError
from trine.errors.services import NoteUnverified, SearchIncomplete, TreeMismatch
from trine.services.evidence import note, rows, searching, tree
from trine.services.evidence.catalogue import Catalogue, Snapshot
from trine.services.evidence.rows import EPOCH_ROWS, Row, name_digest
from trine.services.evidence.searching import Believed, Given
from trine.types import Digest

SIZE = 2 * EPOCH_ROWS + 3_000
BATCH = 4_321
COMMON = [f"issuer-{number}" for number in range(4)]
VERIFIER = note.verifier_of(KEY, ORIGIN)
BELIEVED = Believed([VERIFIER])


@dataclass(frozen=True)
class Searched:
    """A log of some epochs, the last unfinished."""

    log: LocalLog
    checkpoint: bytes
    index: Snapshot
    rows: list[Row]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    log = LocalLog(tmp_path_factory.mktemp("log"))
    for first in range(0, SIZE, BATCH):
        numbers = range(first, min(first + BATCH, SIZE))
        # A rare issuer has one entry in each of two epochs.
        issuers = ["rare" if n in (77, EPOCH_ROWS + 5) else COMMON[n % 4] for n in numbers]
        log.grow([str(number) for number in numbers], issuers)
    checkpoint, index = log.publish()
    return Searched(log, checkpoint, index, [index.row(place) for place in range(SIZE)])


def issuer_pages(searched: Searched, issuer: Digest) -> list[bytes]:
    """Ask for all pages about an issuer."""

    def fetch(first: int) -> bytes:
        return searching.digest_page(
            Given(searched.checkpoint), searched.index, "issuer", issuer, first
        )

    return list(searching.pages_of(fetch))


def time_pages(searched: Searched, from_ms: int, to_ms: int) -> list[bytes]:
    """Ask for all pages about a time."""

    def fetch(first: int) -> bytes:
        return searching.time_page(
            Given(searched.checkpoint), searched.index, from_ms, to_ms, first
        )

    return list(searching.pages_of(fetch))


@given(st.integers(1, 70), st.data())
@settings(deadline=None)
def test_neighbours_lead_to_the_root(size: int, data: st.DataObject) -> None:
    """Goal: a range of any tree is proven, and no other range passes for it.

    Method: draw a range, prove it, compute the root; then leave a leaf or a hash out, or shift it.
    """
    first = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(first + 1, size))
    leaves = tree.leaf_hashes("sha256", [b"%d" % number for number in range(size)])
    nodes = tree.levels("sha256", leaves)
    root = tree.Frontier("sha256").extend(leaves).root()
    assert nodes[-1] == [root]

    def over(low: int, high: int) -> bytes:
        height = (high - low - 1).bit_length()
        return nodes[height][low >> height]

    path = tree.range_path(first, stop, size, over)
    assert tree.range_root("sha256", leaves[first:stop], first, size, path) == root
    changed: list[tuple[list[Digest], int, list[bytes]]] = [
        (leaves[first:stop], first, [*path, bytes(32)]),
        (leaves[first:stop], first + 1, path),
    ]
    if stop - first > 1:
        changed.append((leaves[first : stop - 1], first, path))
    if path:
        changed.append((leaves[first:stop], first, path[1:]))
    for shown, at, beside in changed:
        try:
            assert tree.range_root("sha256", shown, at, size, beside) != root
        except TreeMismatch:
            continue


@pytest.mark.parametrize("issuer", [*COMMON, "rare", *(f"nobody-{n}" for n in range(20))])
def test_an_issuer_has_exactly_what_is_shown(searched: Searched, issuer: str) -> None:
    """Goal: complete answers, of nothing too. Method: compare the verified rows with all rows."""
    wanted = name_digest("sha256", issuer)
    pages = issuer_pages(searched, wanted)
    found = searching.verify_pages(pages, BELIEVED)
    expected = [row for row in searched.rows if row.issuer == wanted]
    assert list(found.rows) == expected
    assert (found.stop, found.asked.digest) == (SIZE, wanted)
    if issuer.startswith("nobody"):
        assert not found.rows and sum(map(len, pages)) < 8_192


@pytest.mark.parametrize(
    ("from_ms", "to_ms"), [(0, 1), (0, 2_001), (2_000, 5_000), (3_001, 3_999), (9_000, 1 << 60)]
)
def test_a_time_has_exactly_what_is_shown(searched: Searched, from_ms: int, to_ms: int) -> None:
    """Goal: complete answers for a time. Method: compare the verified rows with all rows."""
    found = searching.verify_pages(time_pages(searched, from_ms, to_ms), BELIEVED)
    expected = [row for row in searched.rows if from_ms <= row.recorded_ms < to_ms]
    assert list(found.rows) == expected


def _drop_row(page: dict[str, Any]) -> None:
    """Leave a row out in the middle."""
    low, joined, path = page["epochs"][0]
    page["epochs"][0] = [low, joined[: rows.ROW_BYTES] + joined[2 * rows.ROW_BYTES :], path]


def _cut_head(page: dict[str, Any]) -> None:
    """Begin behind the first neighbour."""
    low, joined, path = page["epochs"][0]
    page["epochs"][0] = [low + 1, joined[rows.ROW_BYTES :], path]


def _drop_epoch(page: dict[str, Any]) -> None:
    """Leave an epoch out in the middle."""
    del page["epochs"][1]


def _drop_last_epoch(page: dict[str, Any]) -> None:
    """Leave the last epoch out."""
    del page["epochs"][-1]


def _begin_later(page: dict[str, Any]) -> None:
    """Say that the page begins with the second epoch."""
    page["first"] = EPOCH_ROWS
    del page["epochs"][0]


@pytest.mark.parametrize(
    "change", [_drop_row, _cut_head, _drop_epoch, _drop_last_epoch, _begin_later]
)
def test_what_is_left_out_is_noticed(
    searched: Searched, change: Callable[[dict[str, Any]], None]
) -> None:
    """Goal: no omission verifies. Method: leave something out of a good page, then verify."""
    [good] = issuer_pages(searched, name_digest("sha256", "rare"))
    page = cbor2.loads(good)
    change(page)
    with pytest.raises((TreeMismatch, SearchIncomplete)):
        searching.verify_pages([cbor2.dumps(page)], BELIEVED)


@pytest.mark.parametrize("is_head", [True, False])
def test_a_proven_range_that_is_too_short_is_noticed(searched: Searched, is_head: bool) -> None:
    """Goal: a range that is in the tree, and not all of the answer, does not verify.

    Method: prove a true range that ends inside the issuer's rows, at either side.
    """
    wanted = name_digest("sha256", COMMON[0])
    epoch = searched.index.epoch(0, "issuer")
    keys = [epoch.row(number).issuer for number in range(EPOCH_ROWS)]
    start = keys.index(wanted)
    stop = start + keys.count(wanted)
    low, high = (start + 5, min(stop + 1, EPOCH_ROWS)) if is_head else (max(0, start - 1), stop - 5)
    shown = b"".join(epoch.row(number).encode() for number in range(low, high))
    path = b"".join(tree.range_path(low, high, EPOCH_ROWS, epoch.over))
    page = cbor2.loads(issuer_pages(searched, wanted)[0])
    page["epochs"][0] = [low, shown, path]
    with pytest.raises(SearchIncomplete, match="may be"):
        searching.verify_pages([cbor2.dumps(page)], BELIEVED)


def test_pages_that_do_not_follow_each_other_are_noticed(searched: Searched) -> None:
    """Goal: no page is left out. Method: drop the first, a middle and the last page of a time."""
    pages = time_pages(searched, 1_000, 1 << 60)
    assert len(pages) == 4
    for number in (0, 1, 3):
        with pytest.raises(SearchIncomplete):
            searching.verify_pages(pages[:number] + pages[number + 1 :], BELIEVED)
    mixed = [pages[0], *time_pages(searched, 1_001, 1 << 60)[1:]]
    with pytest.raises(SearchIncomplete, match="different searches"):
        searching.verify_pages(mixed, BELIEVED)


@given(data=st.binary(max_size=300))
def test_no_bytes_end_in_another_error(data: bytes) -> None:
    """Goal: hostile files are refused by a code. Method: random bytes, alone and as a page."""
    for read in (
        lambda: searching.read_pages(data),
        lambda: searching.verify_pages([data], BELIEVED),
    ):
        try:
            read()
        except TrineError:
            continue


def test_each_part_of_a_page_is_checked(searched: Searched) -> None:
    """Goal: a page of wrong types is refused. Method: replace each part by other values."""
    for good in (
        issuer_pages(searched, name_digest("sha256", "rare"))[0],
        time_pages(searched, 2_000, 3_000)[0],
    ):
        for name in cbor2.loads(good):
            for value in (None, -1, 1 << 64, b"", "text", [], [[]], [[0, b"", b""]], {}):
                page = cbor2.loads(good)
                if page[name] == value:
                    continue
                page[name] = value
                with pytest.raises(TrineError):
                    searching.verify_pages([cbor2.dumps(page)], BELIEVED)


def test_another_key_does_not_vouch(searched: Searched) -> None:
    """Goal: only the log's own checkpoint counts. Method: verify with another log's key."""
    other = note.verifier_of(KEY, "other.example")
    with pytest.raises(NoteUnverified):
        searching.verify_pages(
            issuer_pages(searched, name_digest("sha256", "rare")), Believed([other])
        )


def test_an_index_goes_on_after_a_start(searched: Searched) -> None:
    """Goal: a service that starts again commits to the same index.

    Method: open the folder anew, also as if it ended before the second epoch was sorted.
    """
    again = Catalogue("sha256", searched.log.objects, "", SIZE)
    assert again.snapshot().head == searched.index.head
    known = searched.log.objects.read("index/epochs")
    assert known is not None and len(known) == 2 * 32
    searched.log.objects.write({"index/epochs": known[:32]})
    other = Catalogue("sha256", searched.log.objects, "", SIZE)
    assert other.snapshot().head == searched.index.head
    assert searched.log.objects.read("index/epochs") == known


def test_an_old_look_stays_as_it_was(tmp_path: Path) -> None:
    """Goal: a published index proves the same while the log grows.

    Method: look, add rows until the epoch is finished and its partial tiles are gone, prove.
    """
    log = LocalLog(tmp_path)
    log.grow([str(number) for number in range(1_000)], ["first"] * 1_000)
    checkpoint, index = log.publish()
    log.grow([str(number) for number in range(1_000, EPOCH_ROWS + 50)])
    page = searching.digest_page(
        Given(checkpoint), index, "issuer", name_digest("sha256", "first"), 0
    )
    assert len(searching.verify_pages([page], BELIEVED).rows) == 1_000
    page = searching.time_page(Given(checkpoint), index, 0, 1 << 60, 0)
    assert len(searching.verify_pages([page], BELIEVED).rows) == 1_000


def test_the_bytes_of_rows_and_pages_are_held(tmp_path: Path) -> None:
    """Goal: another byte is another format. Method: hash pages about a small log."""
    log = LocalLog(tmp_path)
    log.grow(["a", "b", "c"], ["x", "y", "x"])
    checkpoint, index = log.publish()
    assert checkpoint.split(b"\n")[3:5] == [
        b"trine-index/v1 g6UAZazGN4P+beLp5woY5AIAyZjswXQsYbdNWMb8nHg= "
        b"sIz1hjf/4AoVEsJ85kCBrPDKHBX9GD7pXmwYMxG4bTo=",
        b"trine-index-orders/v1 /zjWLbRxHCGjaQsKwLVxXse20A/MnLbuyQal+1A9czQ= "
        b"cZXMbmc6E1PrmtxL2hPULMllOhDxmplEfZx7Q5p8okQ= "
        b"+GT0d6lDYF83S7N2oBu4eiBxcqUSo76DLfKc4lTmFJI=",
    ]
    pages = (
        searching.digest_page(Given(checkpoint), index, "issuer", name_digest("sha256", "x"), 0),
        searching.digest_page(Given(checkpoint), index, "content", name_digest("sha256", "x"), 0),
        searching.time_page(Given(checkpoint), index, 0, 5_000, 0),
    )
    assert [hashlib.sha256(page).hexdigest() for page in pages] == [
        "559d78a6e59a7802f510012741fe72de83975b98a0a6e0d23ea2fb9e236ae9aa",
        "c00fdd23f7a68ea3193c25fd5b39650412e40b4523f290f1e3c2f4545c2d167e",
        "309147c23d2f0e53a74ebb860711ac19b97972c9bdc81d7140550207398ae90e",
    ]
