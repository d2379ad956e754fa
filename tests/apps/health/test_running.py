"""Test that running totals are those of a report that is checked as a whole."""

from pathlib import Path

import pytest

from tests.apps.health.test_patient import busy
from tests.apps.health.world import DOCTOR, SECOND, World, run, terms_for
from trine.apps.health import running
from trine.apps.health.oversight import check_report, export_report
from trine.apps.health.running import RunningReport
from trine.errors.health import HistoryIncomplete, HistoryMismatch


def test_running_totals_are_those_of_the_report(tmp_path: Path) -> None:
    """Goal: a page shows what the regulator's own check shows. Method: an empty log, one with all
    kinds of events, then some more; after each the totals are those of the report, and patients of
    emergencies are named once. Events that were added before are not read again."""

    async def work() -> None:
        world = World(tmp_path)
        report = RunningReport(world.custody)
        assert await report.refresh()
        assert report.head is None
        patient = await busy(world)
        for more in range(2):
            if more:
                for entry in world.memory.all[1::2]:
                    world.store.delete([f"events/{entry.hex()}"])
                world.memory.before.clear()
                await world.open_patient(SECOND.signing)
            assert await report.refresh()
            if not more:
                whole = check_report(await export_report(world.custody), world.memory.all)
                assert (report.tally.histories, report.tally.void) == (whole.histories, whole.void)
                assert dict(report.tally.totals) == whole.totals
            assert report.tally.count == len(world.memory.all) // 2
            assert list(report.patients) == [patient]
            assert report.head == world.memory.head
        assert report.tally.histories == 3

    run(work())


def test_running_totals_say_what_is_missing(tmp_path: Path) -> None:
    """Goal: no total without its event. Method: an event that is not in the store, one that is
    another's, half a pair; each time, and again when asked again."""

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        await world.give(terms_for(patient))
        opening, consent = world.memory.all[1::2]
        kept = world.store.get(f"events/{consent.hex()}")
        assert kept is not None
        report = RunningReport(world.custody)
        world.store.delete([f"events/{consent.hex()}"])
        for _ in range(2):
            with pytest.raises(HistoryIncomplete):
                await report.refresh()
        assert report.head is None
        world.store.put([(f"events/{consent.hex()}", kept)])
        assert await report.refresh()
        assert report.tally.count == 2
        other = RunningReport(world.custody)
        other.tally._custodian = "clinic"
        with pytest.raises(HistoryMismatch):
            await other.refresh()
        world.memory.all.append(opening)
        with pytest.raises(HistoryIncomplete):
            await RunningReport(world.custody).refresh()

    run(work())


def test_a_long_log_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: whoever asks gets an answer before everything is read. Method: no time to wait, and a
    turn for others after each event; early looks are not whole and have no head, the last is."""
    count = 30

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        for number in range(count):
            await world.give(terms_for(patient, f"c-{number}"))
        monkeypatch.setattr(running, "WAIT_S", 0.0)
        monkeypatch.setattr(running, "PAUSE", 1)
        report, seen = RunningReport(world.custody), list[int]()
        while not await report.refresh():
            assert report.head is None
            seen.append(report.tally.count)
        assert report.tally.count == count + 1
        assert len(seen) > 1
        assert seen == sorted(set(seen))

    run(work())


def test_who_was_named_is_remembered(tmp_path: Path) -> None:
    """Goal: a clinician's patients are found without a look at all others.

    Method: a consent that permits, one that denies, an emergency; over a start of the program.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, other = await world.open_patient(), await world.open_patient(DOCTOR.signing)
        await world.give(terms_for(patient))
        await world.withdraw(terms_for(patient))
        denying = terms_for(patient, "c-2", recipients=frozenset({SECOND.person.id}), denies=True)
        await world.give(denying)
        await world.open_patient(SECOND.signing)
        await world.emergencies.open(*world.break_glass(other, by=SECOND, second=DOCTOR))
        world.start()
        assert list(world.custody.named_by(DOCTOR.person.id)) == [patient]
        assert list(world.custody.named_by(SECOND.person.id)) == [other]

    run(work())
