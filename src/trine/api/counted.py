"""Show the counts of the evidence service (docs/reference/metrics.md)."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response

from trine.api.metrics import MEDIA_TYPE, Labels, Metric, write
from trine.errors import TrineError
from trine.services.evidence.registrar import Registrar
from trine.services.evidence.stamping import Stamping
from trine.services.evidence.succession import Line


@dataclass
class Counts:
    """What the service answered since its start.

    Attributes:
        receipts: Receipts, also those inside of statements.
        refused: Statements, and batches as a whole, that were refused, by code.
    """

    receipts: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def refuse(self, error: TrineError) -> None:
        """Count a refusal."""
        self.refused[error.code] += 1


class Counted:
    """The page of metrics."""

    def __init__(self, line: Line, stamping: Stamping, counts: Counts) -> None:
        """Show the counts of logs, timestamps and answers."""
        self._line, self._stamping, self._counts = line, stamping, counts

    async def show(self, _: Request) -> Response:
        """Answer all metrics."""
        waiting = await self._stamping.waiting()
        codes = sorted(self._counts.refused.items())
        refused: dict[Labels, float] = {(("code", code),): count for code, count in codes}
        every = self._by_log
        metrics = [
            Metric(
                "trine_evidence_registered_total",
                "counter",
                "statements that were new",
                every(lambda one: one.registered),
            ),
            Metric(
                "trine_evidence_refused_total", "counter", "statements refused, by code", refused
            ),
            Metric(
                "trine_evidence_receipts_total",
                "counter",
                "receipts that were given",
                {(): self._counts.receipts},
            ),
            Metric(
                "trine_evidence_waiting",
                "gauge",
                "statements that wait to be recorded",
                every(lambda one: one.waiting),
            ),
            Metric(
                "trine_evidence_behind_seconds",
                "gauge",
                "seconds since the service had all that the chain's log has",
                every(lambda one: one.behind_s),
            ),
            Metric(
                "trine_evidence_checkpoint_age_seconds",
                "gauge",
                "seconds since the newest checkpoint",
                every(_checkpoint_age),
            ),
            Metric(
                "trine_evidence_witnesses",
                "gauge",
                "witnesses that are asked",
                every(lambda one: one.publisher.asked),
            ),
            Metric(
                "trine_evidence_witnesses_answered",
                "gauge",
                "witnesses that cosigned the newest checkpoint",
                every(lambda one: one.publisher.answered),
            ),
            Metric(
                "trine_evidence_timestamps_waiting",
                "gauge",
                "timestamps that wait for an authority",
                {(): waiting},
            ),
        ]
        return Response(write(metrics), headers={"content-type": MEDIA_TYPE})

    def _by_log(self, value: Callable[[Registrar], float | None]) -> Mapping[Labels, float]:
        """Read a value of each log; one that is not known yet is left out."""
        found = {number: value(one) for number, one in self._line.logs.items()}
        return {(("log", str(number)),): one for number, one in found.items() if one is not None}


def _checkpoint_age(one: Registrar) -> float | None:
    published = one.publisher.published_s
    return None if published is None else monotonic() - published
