"""Find patients by name or number among very many: a list in memory, in the order of names.

Names lie sealed in the patients' records and nowhere else, so the list is read when the program
starts: each record is opened once. Afterwards only what is new is read. Whoever shows a line looks
at the record again (`Directory.fresh`), so that a name that was erased is shown to nobody.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from trine.apps.health.admissions import Admissions, Listing, Patient
from trine.errors import TrineError
from trine.errors.health import HistoryNotFound
from trine.model.identifiers import Digest

SCANNED_AT_ONCE: Final = 1_000
"""Ids of patients that are looked through before others get their turn."""
READ_AT_ONCE: Final = 10
"""Records that are opened before others get their turn."""
SORTED_AT_ONCE: Final = 1_000
"""New lines from which the whole list is sorted anew: cheaper than placing one by one."""
AGAIN_MAX: Final = 100
"""Patients without a name that are looked at again each time; the name may come later."""
WAIT_S: Final = 2.0
"""Seconds that somebody waits for the list; then what was read so far is shown."""
PREFIX_CHARACTERS_MIN: Final = 4
"""Characters of a number from which its begin is compared; shorter ones are compared whole."""

_LEAST: Final = Digest(bytes(Digest.LENGTH))
_Line = tuple[str, Digest]
"""Name or number as it is compared, and the patient."""


class Found(NamedTuple):
    """One page of what a search finds.

    Attributes:
        patients: The patients of the page, in the order of their names.
        total: How many are found in all.
    """

    patients: list[Patient]
    total: int


class Directory:
    """The list of one hospital's patients. All methods are for one event loop."""

    def __init__(self, admissions: Admissions) -> None:
        """List the patients of a hospital; nothing is read yet."""
        self._admissions = admissions
        self._known: dict[Digest, Listing] = {}
        self._lines: list[_Line] = []
        self._numbers: list[_Line] = []
        """Each patient by both numbers, the hospital's own and that of the history."""
        self._unnamed: dict[Digest, None] = {}
        """Patients without a name; those who wait longest for another look come first."""
        self._reading: asyncio.Task[None] | None = None
        self.total = 0
        """Patients who were admitted, as of the last look."""

    def __len__(self) -> int:
        """Return how many patients were read."""
        return len(self._known)

    @property
    def is_whole(self) -> bool:
        """Whether every patient was read."""
        return len(self._known) >= self.total

    async def refresh(self) -> None:
        """Learn of new patients; after `WAIT_S` the rest is read while others go on.

        Raises:
            TrineError: The store cannot be read.
        """
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait({self._reading}, timeout=WAIT_S)
        if self._reading.done():
            self._reading.result()

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self) -> None:
        self.total = self._admissions.count()
        new = list[Digest]()
        if self.total > len(self._known):
            for looked, patient in enumerate(self._admissions.ids(), start=1):
                if patient not in self._known:
                    new.append(patient)
                if looked % SCANNED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        again = [one for one, _ in zip(list(self._unnamed), range(AGAIN_MAX), strict=False)]
        wanted, batch = [*new, *again], list[Listing]()
        for first in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[first : first + READ_AT_ONCE]
            async with self._admissions.fetched(some):
                batch += map(self._listing, some)
            await asyncio.sleep(0)
            if len(batch) >= SORTED_AT_ONCE:
                self._take(batch)
                batch = []
        self._take(batch)

    def _listing(self, patient: Digest) -> Listing:
        try:
            return self._admissions.listing(patient)
        except TrineError:
            # A damaged record has no name; that it is damaged shows where it is opened.
            return Listing(patient, patient.hex(), "", "")

    def _take(self, listings: Iterable[Listing]) -> None:
        """Put lines into their places; where there are many, all are sorted anew."""
        new, numbers = list[_Line](), list[_Line]()
        for one in listings:
            old = self._known.get(one.id)
            if old is None:
                numbers += [(one.local_id.casefold(), one.id), (one.id.hex(), one.id)]
            else:
                self._drop(old)
            self._known[one.id] = one
            self._unnamed.pop(one.id, None)
            if not one.name:
                self._unnamed[one.id] = None
            new.append(_line(one))
        for lines, added in ((self._lines, new), (self._numbers, numbers)):
            if len(added) >= SORTED_AT_ONCE:
                lines.extend(added)
                lines.sort()
            else:
                for line in added:
                    insort(lines, line)

    def _drop(self, old: Listing) -> None:
        line = _line(old)
        place = bisect_left(self._lines, line)
        if place < len(self._lines) and self._lines[place] == line:
            del self._lines[place]

    async def search(self, query: str, first: int, count: int) -> Found:
        """Find patients by words of the name, or by a number; without a query everybody.

        Args:
            query: Words that are all in the name, or the begin of a number.
            first: How many are left out before the page.
            count: Patients of the page.
        """
        found = self._matching(query)
        page = await self.fresh([patient for _, patient in found[first : first + count]])
        # A name may have been erased, or corrected, since it was read.
        if any(not self._fits(one.id, query) for one in page):
            found = self._matching(query)
            page = await self.fresh([patient for _, patient in found[first : first + count]])
        return Found(page, len(found))

    def _matching(self, query: str) -> list[_Line]:
        found = self._lines
        for word in query.casefold().split():
            found = [line for line in found if word in line[0]]
        by_number = self._numbered(query) if query.strip() else set()
        if not by_number:
            return found
        first = sorted(_line(self._known[patient]) for patient in by_number)
        return [*first, *(line for line in found if line[1] not in by_number)]

    def _numbered(self, query: str) -> set[Digest]:
        """Find patients by the begin of a number; by the whole of one that is short."""
        wanted, found = query.strip().casefold(), set[Digest]()
        is_short = len(wanted) < PREFIX_CHARACTERS_MIN
        first = bisect_left(self._numbers, (wanted, _LEAST))
        for place in range(first, len(self._numbers)):
            number, patient = self._numbers[place]
            if number != wanted if is_short else not number.startswith(wanted):
                break
            found.add(patient)
        return found

    def _fits(self, patient: Digest, query: str) -> bool:
        name = _line(self._known[patient])[0]
        is_named = all(word in name for word in query.casefold().split())
        return is_named or patient in self._numbered(query)

    async def fresh(self, patients: Sequence[Digest]) -> list[Patient]:
        """Return what the list says of patients now; who was not admitted has a number only.

        Raises:
            DamagedRecord: A record with a name is damaged.
            StoreUnavailable: The S3 in which one lies does not answer.
        """
        async with self._admissions.fetched(patients):
            return [self._fresh(patient) for patient in patients]

    def _fresh(self, patient: Digest) -> Patient:
        try:
            found = self._admissions.patient(patient)
        except HistoryNotFound:
            return Patient(patient, patient.hex()[:8], "", "", 0)
        now = Listing(found.id, found.local_id, found.name, found.birth_date)
        if self._known.get(patient) != now:
            self._take([now])
        return found

    def in_order(self, patients: Iterable[Digest]) -> list[Digest]:
        """Sort patients by their names; those who were not read yet come last."""

        def place(patient: Digest) -> tuple[bool, str, Digest]:
            known = self._known.get(patient)
            return known is None, _line(known)[0] if known else "", patient

        return sorted(patients, key=place)


def _line(one: Listing) -> _Line:
    return one.name.casefold(), one.id
