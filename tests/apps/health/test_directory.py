"""Test that patients are found by name and number, however many there are."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.health.world import World, run
from trine.apps.health import directory as module
from trine.apps.health.admissions import Admissions, Listing
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.directory import Directory
from trine.apps.health.validation import validate
from trine.errors.health import DamagedRecord
from trine.model.identifiers import Digest

MANY = 12_000
"""More than one page, one scan or one sorting takes."""
EVERYBODY = 10_000


async def named(world: World, admissions: Admissions, local_id: str, name: str) -> Digest:
    """Admit a patient with a record of the name; returns the entry of that."""
    patient = await admissions.admit(local_id)
    return await rename(world, admissions, patient, name)


async def rename(world: World, admissions: Admissions, patient: Digest, name: str) -> Digest:
    """Keep a record of a patient's name, and note it for the list."""
    resource = {"resourceType": "Patient", "name": [{"text": name}], "birthDate": "1970-03-05"}
    [kept] = await world.custody.keep(patient, [validate(resource, Release.R4)], Release.R4)
    admissions.name(patient, kept.entry)
    return kept.entry


async def found(
    directory: Directory, query: str, first: int = 0, count: int = EVERYBODY
) -> list[str]:
    """Numbers of the patients that a search finds."""
    return [one.local_id for one in (await directory.search(query, first, count)).patients]


def test_patients_are_found_by_words_and_numbers(tmp_path: Path) -> None:
    """Goal: whoever types a part of a name or the begin of a number finds the patient.

    Method: words in any order and case, Chinese, both numbers, short numbers, nothing; the same
    with each patient read before and behind the others.
    """
    people = {
        "p-1": "Jana Eva Novák", "p-2": "王小明", "p-3": "王明", "p-10": "Eva Ström",
        "7701-a": "jana smith",
    }  # fmt: skip

    async def work() -> None:
        world = World(tmp_path)
        admissions = Admissions(world.custody)
        early, late = Directory(admissions), Directory(admissions)
        for local_id, name in people.items():
            await named(world, admissions, local_id, name)
            await early.refresh()
        await late.refresh()
        for directory in (early, late):
            assert await found(directory, "") == ["p-10", "p-1", "7701-a", "p-2", "p-3"]
            assert await found(directory, "eva") == ["p-10", "p-1"]
            assert await found(directory, "  NOVÁK jana ") == ["p-1"]
            assert await found(directory, "王") == ["p-2", "p-3"]
            assert await found(directory, "小明") == ["p-2"]
            assert await found(directory, "7701") == ["7701-a"]
            assert await found(directory, "770") == []
            assert await found(directory, "P-1") == ["p-1"]
            patient = admissions.find("p-3").hex()
            assert await found(directory, patient) == await found(directory, patient[:9]) == ["p-3"]
            assert await found(directory, "nobody") == []
            assert directory.is_whole

    run(work())


def test_names_that_change_are_shown_as_they_are(tmp_path: Path) -> None:
    """Goal: no name outlives its record, none stays unknown. Method: a name that comes after the
    patient, one that is corrected, one that is erased, one whose record is damaged."""

    async def work() -> None:
        world = World(tmp_path)
        admissions = Admissions(world.custody)
        directory = Directory(admissions)
        await named(world, admissions, "p-1", "Jana Novák")
        late = await admissions.admit("p-2")
        await directory.refresh()
        assert await found(directory, "") == ["p-2", "p-1"]
        await rename(world, admissions, late, "Late Comer")
        await directory.refresh()
        assert await found(directory, "comer") == ["p-2"]
        entry = await rename(world, admissions, late, "Other Name")
        assert await found(directory, "comer") == []
        assert await found(directory, "other") == ["p-2"]
        world.custody.erase(entry)
        assert await found(directory, "other") == []
        assert [one.name for one in (await directory.search("", 0, 9)).patients] == [
            "",
            "Jana Novák",
        ]
        broken = await named(world, admissions, "p-3", "Broken Record")
        world.store.put([(f"records/{broken.hex()}", b"nonsense")])
        again = Directory(admissions)
        await again.refresh()
        assert await found(again, "jana") == ["p-1"]
        with pytest.raises(DamagedRecord):
            await again.fresh([admissions.find("p-3")])

    run(work())


def test_all_of_very_many_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: no patient is too many. Method: more than ten thousand; read a page at a time, all are
    there once; the last is found; others get their turn while the list is read, and what was read
    by then is shown."""

    async def work() -> None:
        world = World(tmp_path)
        world.store.put([
            (f"admitted/{number:064x}", canonical({"localId": f"number-{number:05}"}))
            for number in range(MANY)
        ])  # fmt: skip
        directory, turns = Directory(Admissions(world.custody)), list[int]()
        monkeypatch.setattr(module, "WAIT_S", 0.0)
        await directory.refresh()
        for _ in range(MANY):
            if directory.is_whole and directory.total:
                break
            turns.append(len(directory))
            await asyncio.sleep(0)
        assert directory.is_whole
        assert len(set(turns)) > MANY // module.SORTED_AT_ONCE - 2
        pages = [await found(directory, "", first, 50) for first in range(0, MANY, 50)]
        listed = [one for page in pages for one in page]
        assert listed == sorted(set(listed))
        assert len(listed) == MANY
        last = f"number-{MANY - 1:05}"
        assert await found(directory, last) == [last]
        assert (await directory.search("number-1", 0, 50)).total == MANY - EVERYBODY

    run(work())


class Register:
    """Admissions whose content is set by hand: what a hospital's store would say."""

    def __init__(self, names: dict[int, tuple[str, str]]) -> None:
        self.names = names

    def ids(self) -> Any:
        """Ids of the patients."""
        return (Digest(bytes([number]) * 32) for number in sorted(self.names))

    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    def fetched(self, _patients: object) -> AbstractAsyncContextManager[None]:
        """All of it is here."""
        return nullcontext()

    def listing(self, patient: Digest) -> Listing:
        """A line of the list."""
        local_id, name = self.names[patient[0]]
        return Listing(patient, local_id, name, "")


NAMES = st.dictionaries(
    st.integers(0, 40),
    st.tuples(st.text("ab1-", min_size=1, max_size=6), st.text("aAbB é王", max_size=6)),
    max_size=20,
)


@given(NAMES, NAMES, st.text("aAb 1-王", max_size=5))
def test_the_list_is_that_of_a_look_at_everybody(
    names: dict[int, tuple[str, str]], more: dict[int, tuple[str, str]], query: str
) -> None:
    """Goal: nobody is missed, doubled or out of place. Method: any patients, in two portions; who
    is found is who fits when each one is looked at."""

    async def work() -> list[Digest]:
        register = Register(dict(names))
        directory = Directory(register)  # type: ignore[arg-type]
        await directory.refresh()
        register.names |= {key: value for key, value in more.items() if key not in names}
        await directory.refresh()
        return [patient for _, patient in directory._matching(query)]

    everybody = {**more, **names}
    words, number = query.casefold().split(), query.strip().casefold()

    def is_number(key: int) -> bool:
        numbers = (everybody[key][0].casefold(), (bytes([key]) * 32).hex())
        return bool(number) and any(
            one == number or (len(number) >= 4 and one.startswith(number)) for one in numbers
        )

    fits = [
        (not is_number(key), name.casefold(), key)
        for key, (_, name) in everybody.items()
        if is_number(key) or all(word in name.casefold() for word in words)
    ]
    assert run(work()) == [Digest(bytes([key]) * 32) for _, _, key in sorted(fits)]
