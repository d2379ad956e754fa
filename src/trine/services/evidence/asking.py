"""Say what a search asks of a log, which proofs answer it, and verify a whole answer offline.

A proof is complete for one digest or one time (`searching`). Of a question with several parts one
is proven, and whoever verifies leaves out of the rows what the others do not fit: what fits all
parts fits each of them.

>>> from trine.services.evidence.asking import Question
>>> question = Question(issuer="https://city.example", content_type="application/pdf")
>>> [one.order for one in question.runs("sha256")]
['issuer']
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from trine.errors import BadArgument
from trine.errors.services import BadRow, SearchIncomplete
from trine.services.evidence import searching
from trine.services.evidence.checkpoint import Checkpoint
from trine.services.evidence.rows import TIME_MS_MAX, Row, name_digest
from trine.services.evidence.searching import Asked, Believed
from trine.services.evidence.tree import HashFunction
from trine.types import Digest

RUNS_MAX: Final = 2
"""Proofs that answer one question: a digest may be that of an entry or of a content."""


class Question(NamedTuple):
    """What is searched for: all that is given must fit.

    Attributes:
        issuer: Who says it.
        content_type: Content type, as text.
        digest: An entry, or the digest of a content.
        from_ms: Unix time in milliseconds at which the log had it, at least.
        to_ms: The same, before which.
    """

    issuer: str | None = None
    content_type: str | None = None
    digest: Digest | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def parts(self, function: HashFunction) -> list[list[Asked]]:
        """Return what must be proven for each part that is given, the rarest first."""
        found = []
        if self.digest is not None:
            found.append([Asked("entry", self.digest), Asked("content", self.digest)])
        if self.issuer is not None:
            found.append([Asked("issuer", name_digest(function, self.issuer))])
        if self.content_type is not None:
            found.append([Asked("content_type", name_digest(function, self.content_type))])
        if self.from_ms is not None or self.to_ms is not None:
            to_ms = TIME_MS_MAX if self.to_ms is None else self.to_ms
            found.append([Asked(None, None, self.from_ms or 0, to_ms)])
        return found

    def runs(self, function: HashFunction) -> list[Asked]:
        """Return what is to be proven: the part that leaves the fewest rows.

        Raises:
            BadArgument: Nothing is asked for.
        """
        parts = self.parts(function)
        if not parts:
            raise BadArgument("a proof needs an issuer, a content type, a digest or a time")
        return parts[0]

    def fits(self, row: Row, function: HashFunction) -> bool:
        """Say whether a row fits all that is given."""
        return all(any(_fits(one, row) for one in part) for part in self.parts(function))


class Answer(NamedTuple):
    """What the proofs of a question show.

    Attributes:
        checkpoint: The log at the size up to which the answer is complete.
        rows: All rows that fit, in the order of places.
        asked: What was proven.
        certified_ms: Time of the block in which validators certified the log's root at this size,
            Unix time in milliseconds; nothing where that was not looked at.
    """

    checkpoint: Checkpoint
    rows: tuple[Row, ...]
    asked: tuple[Asked, ...]
    certified_ms: int | None


def verify_answer(
    pages: Sequence[bytes],
    believed: Believed,
    question: Question | None = None,
    *,
    size_min: int = 0,
) -> Answer:
    """Verify the pages of all proofs that answer a question.

    Args:
        pages: Pages of one proof after the other.
        believed: Whom to believe.
        question: What was asked; without it, what the proofs themselves are about.
        size_min: Entries that the log is known to have: an answer of an older log is refused.

    Raises:
        BadRow: A page is none, or there are too many proofs.
        BadNote, NoteUnverified, TreeMismatch: As `searching.verify_pages`.
        SearchIncomplete: Something may have been left out, or the proofs are about something else.
    """
    runs = [searching.verify_pages(run, believed) for run in _split(pages)]
    asked = tuple(run.asked for run in runs)
    if len({run.checkpoint.origin for run in runs}) > 1:
        raise SearchIncomplete("the proofs are of different logs")
    oldest = min(runs, key=lambda run: run.checkpoint.size)
    size = oldest.checkpoint.size
    if size < size_min:
        raise SearchIncomplete(
            f"the answer is of the log at {size} entries, which has {size_min} at least"
        )
    function = believed.function
    if question is None:
        question = _question_of(asked)
    elif not any(_answers(asked, part) for part in question.parts(function)):
        raise SearchIncomplete("the proofs are not about what was asked")
    found = {row.place: row for run in runs for row in run.rows if row.place < size}
    fitting = (found[place] for place in sorted(found))
    shown = tuple(row for row in fitting if question.fits(row, function))
    return Answer(oldest.checkpoint, shown, asked, oldest.certified_ms)


def _fits(asked: Asked, row: Row) -> bool:
    if asked.order is not None:
        return bool(getattr(row, asked.order) == asked.digest)
    return asked.from_ms <= row.recorded_ms < asked.to_ms


def _answers(asked: Sequence[Asked], part: Sequence[Asked]) -> bool:
    """Say whether the proofs cover a part of a question."""
    return all(any(_covers(one, wanted) for one in asked) for wanted in part)


def _covers(one: Asked, wanted: Asked) -> bool:
    if wanted.order is not None or one.order is not None:
        return one == wanted
    return one.from_ms <= wanted.from_ms and wanted.to_ms <= one.to_ms


def _question_of(asked: Sequence[Asked]) -> Question:
    """Return a question that everything fits that the proofs show.

    Raises:
        SearchIncomplete: They are of several questions.
    """
    digests = {one.digest for one in asked}
    if len(asked) > 1 and (
        {one.order for one in asked} != {"entry", "content"} or len(digests) > 1
    ):
        raise SearchIncomplete("the proofs are of several searches: say what was asked")
    return Question()


def _split(pages: Sequence[bytes]) -> list[list[bytes]]:
    """Divide pages into proofs, each of which begins with the log.

    Raises:
        BadRow: They are too many, or none.
    """
    runs: list[list[bytes]] = []
    for page in pages:
        if not runs or searching.first_of(page) == 0:
            runs.append([])
        runs[-1].append(page)
    if not 1 <= len(runs) <= RUNS_MAX:
        raise BadRow(f"{len(runs)} proofs in the file, expected 1 to {RUNS_MAX}")
    return runs
