"""Serve the pages of a regulator: totals by proof, and no content, no patient, no person."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.responses import Response

from trine.apps.health.events import Kind
from trine.apps.health.oversight import PAUSE, export_report, verify_report
from trine.apps.health.pages.packing import REPORT, pack
from trine.apps.health.pages.sessions import PageRole
from trine.apps.health.pages.site import Route, Visit, attachment

MONTHS_MAX: Final = 12
"""Months of the picture, the newest."""
PICTURE_WIDTH: Final = 960
BASE_Y: Final = 180
"""Where the bars of the picture stand."""
BAR_HEIGHT_MAX: Final = 150
BAR_WIDTH_MAX: Final = 72
REGULATOR: Final = frozenset({PageRole.REGULATOR})


class Bar(NamedTuple):
    """One month of the picture: a bar of accesses with one of refusals on top, in its units.

    Attributes:
        month: Such as `2026-11`.
        accesses: Accesses in it.
        refusals: Refusals in it.
        x: Left side.
        width: Width of both.
        access_y: Top of the lower bar.
        access_height: Its height.
        refused_y: Top of the upper bar.
        refused_height: Its height.
    """

    month: str
    accesses: int
    refusals: int
    x: float
    width: float
    access_y: float
    access_height: float
    refused_y: float
    refused_height: float

    @property
    def middle(self) -> float:
        """Middle of the bar."""
        return self.x + self.width / 2

    @property
    def total(self) -> int:
        """What stands above it."""
        return self.accesses + self.refusals


class Late(NamedTuple):
    """What the hospital itself says of reviews, since the report does not show deadlines.

    Attributes:
        overdue: Emergencies without a review past the deadline.
        reviewed_late: Emergencies that were reviewed past it.
    """

    overdue: int
    reviewed_late: int


def routes() -> list[Route]:
    """List the routes."""
    return [
        Route("GET", "/oversight", REGULATOR, show),
        Route("GET", "/oversight.zip", REGULATOR, download),
    ]


async def show(visit: Visit) -> Response:
    """Show totals, accesses, emergencies and the state of the proof."""
    hospital, report = visit.hospital, visit.site.report
    if not await report.refresh():
        head = hospital.log.head
        count = head.size // 2 if head else 0
        return visit.page("reading.html", done=report.tally.count, count=count)
    if report.head is None:
        return visit.page("oversight.html", report=None)
    tally = report.tally
    kinds, purposes = Counter[Kind](), Counter[str]()
    for (kind, purpose, _), count in tally.totals.items():
        kinds[kind] += count
        purposes[purpose] += count if kind is Kind.ACCESS else 0
    bars = _bars(tally.totals)
    return visit.page(
        "oversight.html",
        report=tally,
        time_ms=report.head.time_ms,
        kinds=kinds.most_common(),
        count=kinds.total(),
        purposes=(+purposes).most_common(),
        accesses=kinds[Kind.ACCESS],
        refusals=kinds[Kind.REFUSAL],
        emergencies=kinds[Kind.EMERGENCY],
        reviewed=kinds[Kind.REVIEW],
        bars=bars,
        picture_width=PICTURE_WIDTH,
        chart_words="; ".join(f"{visit.speech.month(one.month)}: {one.total}" for one in bars),
        late=await _late(visit),
        log=hospital.founding.histories_log,
        chain=hospital.trust.chain,
    )


def _bars(totals: Mapping[tuple[Kind, str, str], int]) -> list[Bar]:
    """Draw the newest months of a report."""
    accesses, refusals = Counter[str](), Counter[str]()
    for (kind, _, month), count in totals.items():
        accesses[month] += count if kind is Kind.ACCESS else 0
        refusals[month] += count if kind is Kind.REFUSAL else 0
    months = _months(totals)
    step = PICTURE_WIDTH / max(len(months), 1)
    width = min(step * 0.6, BAR_WIDTH_MAX)
    scale = BAR_HEIGHT_MAX / max([1, *(accesses[one] + refusals[one] for one in months)])
    bars = []
    for place, month in enumerate(months):
        low, high = accesses[month] * scale, refusals[month] * scale
        x = place * step + (step - width) / 2
        sides = (x, width, BASE_Y - low, low, BASE_Y - low - high, high)
        bars.append(Bar(month, accesses[month], refusals[month], *(round(one, 2) for one in sides)))
    return bars


def _months(totals: Mapping[tuple[Kind, str, str], int]) -> list[str]:
    """List the newest months up to the last one with an event, those without any too."""
    known = sorted({month for _, _, month in totals})
    year, number = int(known[-1][:4]), int(known[-1][5:])
    months = [divmod(12 * year + number - 1 - back, 12) for back in range(MONTHS_MAX)]
    named = [f"{year:04}-{place + 1:02}" for year, place in reversed(months)]
    return [month for month in named if month >= known[0]]


async def _late(visit: Visit) -> Late:
    custody, now_ms = visit.hospital.custody, visit.site.clock()
    overdue = reviewed_late = 0
    for number, patient in enumerate(list(visit.site.report.patients), start=1):
        if number % PAUSE == 0:
            await asyncio.sleep(0)
        for one in custody.known(patient).emergencies.values():
            overdue += one.reviewed is None and one.deadline_ms < now_ms
            reviewed_late += one.is_late
    return Late(overdue, reviewed_late)


async def download(visit: Visit) -> Response:
    """Hand the report out, checked, with the entries of the log that it is checked against."""
    hospital = visit.hospital
    report = await export_report(hospital.custody)
    entries = hospital.log.entries(report.head.size)
    number = hospital.founding.histories_log
    await asyncio.to_thread(verify_report, report, entries, hospital.trust, number)
    return attachment(pack(REPORT, report.encode(), entries), "report.zip")
