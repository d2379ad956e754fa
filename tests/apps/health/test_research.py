"""Test counts for research: of consented records, on record, and none that is small."""

from pathlib import Path
from typing import Any

import pytest

from tests.apps.health.world import (
    DOCTOR,
    RESEARCHER,
    WEIGHT,
    World,
    actor,
    run,
    terms_for,
    whole,
)
from trine.apps.health.consent import Terms
from trine.apps.health.events import Kind
from trine.apps.health.limits import SMALL_CELL_MIN
from trine.apps.health.patient import check_history, export_history
from trine.apps.health.requests import CountRequest
from trine.apps.health.research import Count, ResearchDesk
from trine.apps.health.uses import ResearchUse
from trine.errors.health import BadHealthStatement, PersonUnknown, StatementUsed
from trine.model.identifiers import Digest

STUDY = ResearchUse("study-7", is_commercial=False, ethics_approval="e-1")
SYSTEM, CODE = WEIGHT.split("|")
CODED = {"code": {"coding": [{"system": SYSTEM, "code": CODE}]}}


def research_terms(patient: Digest, **fields: Any) -> Terms:
    """Terms that let the researcher count for health research."""
    given: dict[str, Any] = {
        "recipients": frozenset({RESEARCHER.person.id}),
        "purposes": frozenset({"HRESCH"}),
        "uses": {"DUO_0000006": ""},
    }
    return terms_for(patient, "research", **(given | fields))


async def population(world: World, count: int, **fields: Any) -> list[Digest]:
    """Patients with a coded record each, who consent."""
    found = []
    for number in range(count):
        key = actor(100 + number, "x").signing
        patient = await world.open_patient(key)
        await world.keep(patient, effectiveDateTime="2026-11-27", **CODED)
        await world.give(research_terms(patient, **fields), key)
        found.append(patient)
    return found


async def ask(world: World, by: Any = RESEARCHER, **fields: Any) -> Count:
    """Ask for a count."""
    given: dict[str, Any] = {"type_name": "Observation", "purpose": "HRESCH", "use": STUDY}
    request = CountRequest("hospital", **(given | fields))
    world.now_ms += 1_000
    return await ResearchDesk(world.custody).count(request.sign(by.signing, now_ms=world.now_ms))


def test_consented_records_are_counted(tmp_path: Path) -> None:
    """Goal: a count of those who consent, with proofs and no content.

    Method: as many as may be told, others without consent, with another kind of consent, and
    without such a record; each who was counted finds it in the history.
    """

    async def work() -> None:
        world = World(tmp_path)
        patients = await population(world, SMALL_CELL_MIN)
        others = [await world.open_patient(actor(90 + at, "x").signing) for at in range(2)]
        await world.keep(others[0], **CODED)
        await world.give(research_terms(others[1]), actor(91, "x").signing)
        found = await ask(world, code=WEIGHT)
        assert found.patients == SMALL_CELL_MIN == len(found.consents) == len(found.counted)
        consents = {
            given.entry
            for patient in patients
            for given in (await world.custody.read(patient)).consents.values()
        }
        assert set(found.consents) == consents
        for patient in patients:
            file = await export_history(world.custody, patient)
            shown = check_history(file, whole(world.memory.all))
            [line] = [one for one in shown.seen if one.kind is Kind.COUNT]
            assert (line.name, line.purpose, line.consent) == ("Dr. Zhou", "HRESCH", "research")
            assert line.entry in found.counted
        for other in others:
            kinds = [event.kind for event in await world.custody.events(other)]
            assert Kind.COUNT not in kinds

    run(work())


def test_small_numbers_are_not_told(tmp_path: Path) -> None:
    """Goal: no small cell, nor what it rests on. Method: one fewer than may be told; nobody; the
    two answers are the same.
    """

    async def work() -> None:
        world = World(tmp_path)
        await population(world, SMALL_CELL_MIN - 1)
        few, none = await ask(world), await ask(world, type_name="Claim")
        assert few == none == Count(None, (), ())

    run(work())


def test_each_bound_of_a_count(tmp_path: Path) -> None:
    """Goal: code, months, purpose and use bound a count. Method: each kept and broken."""

    async def work() -> None:
        world = World(tmp_path)
        await population(world, SMALL_CELL_MIN)
        for fields, is_told in (
            ({"first_month": "2026-11", "last_month": "2026-11"}, True),
            ({"first_month": "2026-12"}, False),
            ({"last_month": "2026-10"}, False),
            ({"code": "a|b"}, False),
            ({"purpose": "CLINTRCH"}, True),
            ({"use": ResearchUse("s", topics=frozenset({"ancestry"}))}, False),
        ):
            found = await ask(world, **fields)  # type: ignore[arg-type]
            assert (found.patients is not None) == is_told, fields

    run(work())


def test_a_withdrawal_while_counting_is_honoured(tmp_path: Path) -> None:
    """Goal: who withdraws first in the log is not counted. Method: a withdrawal before the first
    count event; the number falls below what may be told.
    """

    async def work() -> None:
        world = World(tmp_path)
        patients = await population(world, SMALL_CELL_MIN)
        other = World(tmp_path, world.log, world.records_log)
        first = min(patients)
        key = actor(100 + patients.index(first), "x").signing
        world.memory.before = [lambda: other.withdraw(research_terms(first), key)]
        found = await ask(world)
        assert found.patients is None
        kinds = [str(event.kind) for event in await world.custody.events(first)]
        assert kinds == ["opening", "consent", "withdrawal"]

    run(work())


def test_who_may_count(tmp_path: Path) -> None:
    """Goal: researchers only, once a request, for research. Method: one of each else."""

    async def work() -> None:
        world = World(tmp_path)
        await population(world, 1)
        with pytest.raises(PersonUnknown):
            await ask(world, by=DOCTOR)
        for wrong in ({"purpose": "TREAT"}, {"first_month": "2026"}):
            with pytest.raises(BadHealthStatement):
                await ask(world, **wrong)  # type: ignore[arg-type]
        request = CountRequest("clinic", "Observation", "HRESCH", STUDY)
        with pytest.raises(BadHealthStatement):
            data = request.sign(RESEARCHER.signing, now_ms=world.now_ms)
            await ResearchDesk(world.custody).count(data)
        request = CountRequest("hospital", "Observation", "HRESCH", STUDY)
        data = request.sign(RESEARCHER.signing, now_ms=world.now_ms)
        await ResearchDesk(world.custody).count(data)
        with pytest.raises(StatementUsed):
            await ResearchDesk(world.custody).count(data)

    run(work())
