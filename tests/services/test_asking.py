"""Test whole questions to an index: answers are complete, and a lying service is found out."""

import itertools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tests.services.logs import KEY, ORIGIN, LocalLog, digest
from trine.errors.services import BadRow, SearchIncomplete, TreeMismatch
from trine.services.evidence import asking, note, searching, tree
from trine.services.evidence.asking import Question
from trine.services.evidence.catalogue import Catalogue, Snapshot
from trine.services.evidence.rows import EPOCH_ROWS, ORDERS, ROW_BYTES, Order, Row, name_digest
from trine.services.evidence.searching import Asked, Believed, Given

SIZE = EPOCH_ROWS + 1_500
BATCH = 2_981
BELIEVED = Believed([note.verifier_of(KEY, ORIGIN)])
KINDS = ["application/pdf", "application/json", "text/plain"]


@dataclass(frozen=True)
class Service:
    """A log of two epochs, and what an honest service answers about it."""

    log: LocalLog
    checkpoint: bytes
    index: Snapshot
    rows: list[Row]

    def pages(self, question: Question) -> list[bytes]:
        """Answer a question."""
        return [page for one in question.runs("sha256") for page in self.run(one)]

    def run(self, one: Asked) -> list[bytes]:
        """Prove one part of it."""
        given = Given(self.checkpoint)

        def fetch(first: int) -> bytes:
            if one.order is None or one.digest is None:
                return searching.time_page(given, self.index, one.from_ms, one.to_ms, first)
            return searching.digest_page(given, self.index, one.order, one.digest, first)

        return list(searching.pages_of(fetch))

    def fitting(self, question: Question) -> list[Row]:
        """Look at every row."""
        return [
            row
            for row in self.rows
            if (question.issuer is None or row.issuer == name_digest("sha256", question.issuer))
            and question.content_type
            in (None, *(kind for kind in KINDS if row.content_type == name_digest("sha256", kind)))
            and question.digest in (None, row.entry, row.content)
            and row.recorded_ms >= (question.from_ms or 0)
            and (question.to_ms is None or row.recorded_ms < question.to_ms)
        ]


def grown(folder: Path, size: int) -> Service:
    """Make a log of so many entries; the content of one is the entry of another."""
    log = LocalLog(folder)
    for first in range(0, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        issuers = ["rare" if number % 5_000 == 77 else f"issuer-{number % 4}" for number in numbers]
        log.grow([str(number) for number in numbers], issuers, [KINDS[n % 3] for n in numbers])
    checkpoint, index = log.publish()
    return Service(log, checkpoint, index, [index.row(place) for place in range(size)])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return grown(tmp_path_factory.mktemp("log"), SIZE)


QUESTIONS = [
    Question(*chosen)
    for chosen in itertools.product(
        (None, "rare", "nobody"),
        (None, KINDS[1], "image/png"),
        (None, digest("entry", "77"), digest("content", "5077"), digest("nothing")),
        (None, 2_000),
        (None, 4_000),
    )
    if any(part is not None for part in chosen)
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_a_complete_answer(service: Service, question: Question) -> None:
    """Goal: each part and each combination of parts is proven. Method: compare with all rows."""
    found = asking.verify_answer(service.pages(question), BELIEVED, question, size_min=SIZE)
    assert list(found.rows) == service.fitting(question)
    assert found.checkpoint.size == SIZE


def test_the_questions_find_something(service: Service) -> None:
    """Goal: the test above compares more than empty lists. Method: count what they find."""
    found = [len(service.fitting(question)) for question in QUESTIONS]
    assert len(found) == 3 * 3 * 4 * 2 * 2 - 1
    assert (sum(count > 1 for count in found), sum(count == 1 for count in found)) == (10, 25)


def test_a_digest_may_be_of_an_entry_or_a_content(service: Service) -> None:
    """Goal: both are looked for. Method: one of each, and leave one of the two proofs out."""
    for wanted in (digest("entry", "77"), digest("content", "77")):
        question = Question(digest=wanted)
        pages = service.pages(question)
        [found] = asking.verify_answer(pages, BELIEVED, question).rows
        assert found.place == 77
        [same] = asking.verify_answer(pages, BELIEVED).rows
        assert same == found
        for at in range(2):
            with pytest.raises(SearchIncomplete, match="not about what was asked"):
                asking.verify_answer([pages[at]], BELIEVED, question)


Part = list[Any]


def _joined(rows: Sequence[bytes]) -> bytes:
    return b"".join(rows)


def _split(joined: bytes) -> list[bytes]:
    return [joined[at : at + ROW_BYTES] for at in range(0, len(joined), ROW_BYTES)]


def _first(part: Part) -> Part:
    return [part[0] + 1, _joined(_split(part[1])[1:]), part[2]]


def _last(part: Part) -> Part:
    return [part[0], _joined(_split(part[1])[:-1]), part[2]]


def _middle(part: Part) -> Part:
    found = _split(part[1])
    return [part[0], _joined(found[:1] + found[2:]), part[2]]


def _foreign(part: Part) -> Part:
    found = _split(part[1])
    row = Row.decode(found[1])._replace(entry=digest("foreign"))
    return [part[0], _joined([*found[:1], row.encode(), *found[2:]]), part[2]]


def _more(part: Part) -> Part:
    found = _split(part[1])
    return [part[0], _joined([*found[:1], found[1], *found[1:]]), part[2]]


def _swapped(part: Part) -> Part:
    found = _split(part[1])
    return [part[0], _joined([found[1], found[0], *found[2:]]), part[2]]


@pytest.mark.parametrize("lie", [_first, _last, _middle, _foreign, _more, _swapped])
@pytest.mark.parametrize("order", ORDERS)
def test_a_lie_about_a_digest_is_found(
    service: Service, order: Order, lie: Callable[[Part], Part]
) -> None:
    """Goal: no row is left out, added or altered. Method: tell a lie about the true rows."""
    wanted = getattr(service.rows[5_077], order)
    good = service.run(Asked(order, wanted))
    assert asking.verify_answer(good, BELIEVED).rows
    page = cbor2.loads(good[0])
    page["epochs"][0] = lie(page["epochs"][0])
    with pytest.raises((SearchIncomplete, TreeMismatch)):
        asking.verify_answer([cbor2.dumps(page, canonical=True), *good[1:]], BELIEVED)


@pytest.mark.parametrize("is_head", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_a_true_range_that_ends_too_soon_is_found(
    service: Service, order: Order, is_head: bool
) -> None:
    """Goal: rows that are all in the tree, and not all that fit, are no answer.

    Method: prove a true range of an epoch that begins or ends at the last row that fits.
    """
    wanted = service.rows[5_077]
    page = cbor2.loads(service.run(Asked(order, getattr(wanted, order)))[0])
    epoch = service.index.epoch(0, order)
    low, shown, _ = page["epochs"][0]
    high = low + len(shown) // ROW_BYTES
    low, high = (low + 1, high) if is_head else (low, high - 1)
    rows = b"".join(epoch.row(at).encode() for at in range(low, high))
    path = b"".join(tree.range_path(low, high, EPOCH_ROWS, epoch.over))
    page["epochs"][0] = [low, rows, path]
    with pytest.raises(SearchIncomplete, match="may be"):
        asking.verify_answer([cbor2.dumps(page, canonical=True)], BELIEVED)


@pytest.mark.parametrize("lie", [_first, _last, _middle, _foreign, _more, _swapped])
def test_a_lie_about_a_time_is_found(service: Service, lie: Callable[[Part], Part]) -> None:
    """Goal: the same for times. Method: the same lies."""
    [good] = service.run(Asked(None, None, 2_000, 3_000))
    page = cbor2.loads(good)
    page["low"], page["rows"], path = lie([page["low"], page["rows"], page["path"]])
    assert path == page["path"]
    with pytest.raises((SearchIncomplete, TreeMismatch)):
        asking.verify_answer([cbor2.dumps(page, canonical=True)], BELIEVED)


def test_another_answer_is_found(service: Service) -> None:
    """Goal: a true answer to another question is none. Method: swap issuers, orders, times."""
    rare, common = Question(issuer="rare"), Question(issuer="issuer-1")
    with pytest.raises(SearchIncomplete, match="not about what was asked"):
        asking.verify_answer(service.pages(common), BELIEVED, rare)
    # The same digest in another order.
    wanted = name_digest("sha256", "rare")
    with pytest.raises(SearchIncomplete, match="not about what was asked"):
        asking.verify_answer(service.run(Asked("content", wanted)), BELIEVED, rare)
    page = cbor2.loads(service.run(Asked("content", wanted))[0])
    page["issuer"] = page.pop("content")
    with pytest.raises((SearchIncomplete, TreeMismatch)):
        asking.verify_answer([cbor2.dumps(page, canonical=True)], BELIEVED, rare)
    narrow = service.run(Asked(None, None, 2_000, 3_000))
    for wider in (Question(from_ms=1_999, to_ms=3_000), Question(from_ms=2_000)):
        with pytest.raises(SearchIncomplete, match="not about what was asked"):
            asking.verify_answer(narrow, BELIEVED, wider)
    inside = Question(from_ms=2_500, to_ms=3_000)
    assert list(asking.verify_answer(narrow, BELIEVED, inside).rows) == service.fitting(inside)
    with pytest.raises(SearchIncomplete, match="several searches"):
        asking.verify_answer(service.pages(rare) + service.pages(common), BELIEVED)
    with pytest.raises(BadRow, match="3 proofs"):
        asking.verify_answer(service.pages(rare) * 3, BELIEVED, rare)


def test_an_old_answer_is_found(tmp_path: Path) -> None:
    """Goal: an answer of an older log is none where it is known to have grown.

    Method: keep the true answer, register more, and demand the size; mix old and new proofs: the
    answer is complete up to the older one, and says so.
    """
    log = LocalLog(tmp_path)
    log.grow(["a", "b"], ["x", "y"])
    checkpoint, index = log.publish()
    old = Service(log, checkpoint, index, [])
    question = Question(digest=digest("content", "c"))
    entry, content = question.runs("sha256")
    before = old.run(entry)
    log.grow(["c"], ["x"])
    new = Service(log, *log.publish(), [])
    assert not asking.verify_answer(old.pages(question), BELIEVED, question, size_min=2).rows
    with pytest.raises(SearchIncomplete, match="at 2 entries, which has 3 at least"):
        asking.verify_answer(old.pages(question), BELIEVED, question, size_min=3)
    mixed = [*before, *new.run(content)]
    found = asking.verify_answer(mixed, BELIEVED, question)
    assert (found.checkpoint.size, found.rows) == (2, ())
    with pytest.raises(SearchIncomplete, match="at 2 entries"):
        asking.verify_answer(mixed, BELIEVED, question, size_min=3)
    assert len(asking.verify_answer(new.pages(question), BELIEVED, question).rows) == 1


def test_an_index_of_an_earlier_release_goes_on(service: Service, tmp_path: Path) -> None:
    """Goal: the update of a service keeps what is there, and adds the other orders.

    Method: a folder and a checkpoint as an earlier release left them; proofs about an issuer hold
    before, proofs about other digests are refused; open the folder, then all hold.
    """
    index = tmp_path / "log" / "index"
    shutil.copytree(service.log.folder, tmp_path / "log")
    for name in ("types", "contents", "entries"):
        shutil.rmtree(index / name)
    log = LocalLog(tmp_path / "other")
    log.folder, log.objects = service.log.folder, service.log.objects
    log.tree, log.size = service.log.tree, SIZE
    log.catalogue = service.log.catalogue
    old, _ = log.publish(service.index.head.lines()[:1])
    before = Service(log, old, service.index, service.rows)
    rare, kind = Question(issuer="rare"), Question(content_type=KINDS[0])
    [page] = map(cbor2.loads, before.pages(rare))
    del page["proof"]
    rows = asking.verify_answer([cbor2.dumps(page, canonical=True)], BELIEVED, rare).rows
    assert list(rows) == service.fitting(rare)
    with pytest.raises(SearchIncomplete, match="no order by content_type"):
        asking.verify_answer(before.pages(kind), BELIEVED, kind)
    again = Catalogue("sha256", type(log.objects)(tmp_path / "log"), "", SIZE)
    assert again.snapshot().head == service.index.head
    for name in ("types/epochs", "contents/0/order", "entries/0/tile/1/000.p/64"):
        assert (index / name).read_bytes() == (service.log.folder / "index" / name).read_bytes()
