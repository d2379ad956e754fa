"""Test the patient's view and the regulator's: complete, and nothing beside it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.health.world import DOCTOR, INSURER, REVIEWER, World, actor, run, terms_for, whole
from tests.suite import SUITE
from trine.apps.health.events import (
    Event,
    HeadOpening,
    Kind,
    Position,
    make_event,
    marker_of,
    read_head,
)
from trine.apps.health.oversight import Report, check_report, export_report
from trine.apps.health.patient import HistoryFile, check_history, export_history
from trine.apps.health.requests import Review
from trine.errors import TrineError
from trine.errors.health import (
    AccessRefused,
    BadDisclosure,
    HistoryIncomplete,
    HistoryMismatch,
)
from trine.model.identifiers import Digest


async def busy(world: World) -> Digest:
    """A patient to whom everything happened, beside another one."""
    other = await world.open_patient(actor(51, "x").signing)
    patient = await world.open_patient()
    record = await world.keep(patient)
    terms = terms_for(patient)
    await world.give(terms)
    await world.give(terms_for(other), actor(51, "x").signing)
    await world.desk.open(world.ask(patient, record, reason="check-up"))
    emergency = await world.emergencies.open(*world.break_glass(patient))
    await world.desk.open(world.ask(patient, record, "BTG"))
    review = Review(emergency.entry, "justified", "saved")
    await world.emergencies.review(patient, review.sign(REVIEWER.signing, now_ms=world.now_ms))
    second = World(world.folder, world.log, world.records_log)
    world.memory.before = [lambda: second.withdraw(terms)]
    with pytest.raises(AccessRefused):
        await world.desk.open(world.ask(patient, record, reason="too late"))
    return patient


def test_the_patient_sees_everything(tmp_path: Path) -> None:
    """Goal: who, what, when, why, under which consent. Method: all kinds of events; the file goes
    through its bytes.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await busy(world)
        file = HistoryFile.decode((await export_history(world.custody, patient)).encode())
        shown = check_history(file, whole(world.memory.all))
        assert [str(one.kind) for one in shown.seen] == [
            "opening", "consent", "access", "emergency", "access", "review", "withdrawal",
            "refusal",
        ]  # fmt: skip
        access, emergency, urgent = shown.seen[2:5]
        assert (access.name, access.purpose, access.reason, access.consent, access.type_name) == (
            "Dr. Li", "TREAT", "check-up", "c-1", "Observation",
        )  # fmt: skip
        assert (urgent.purpose, urgent.emergency) == ("BTG", emergency.entry.hex())
        assert shown.seen[-1].reason == "withdrawn: too late"
        assert (shown.void, shown.consents) == (1, ())
        assert [one.finding for one in shown.emergencies] == ["justified"]

    run(work())


def test_nothing_can_be_left_out(tmp_path: Path) -> None:
    """Goal: completeness by proof. Method: leave out, swap, double and alter each event; take
    another key; shorten the log.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await busy(world)
        file = await export_history(world.custody, patient)
        entries = world.memory.all
        count = len(file.events)
        with pytest.raises(HistoryIncomplete):
            check_history(replace(file, events=file.events[:-1]), whole(entries))
        with pytest.raises(HistoryIncomplete):
            check_history(replace(file, events=()), whole(entries))
        for at in range(count):
            without = file.events[:at] + file.events[at + 1 :]
            doubled = file.events[: at + 1] + file.events[at:]
            swapped = list(file.events)
            swapped[at], swapped[at - 1] = swapped[at - 1], swapped[at]
            resalted = list(file.events)
            resalted[at] = again(file.events[at])
            for wrong in (without, doubled, swapped, resalted):
                with pytest.raises((HistoryMismatch, HistoryIncomplete)):
                    check_history(replace(file, events=tuple(wrong)), whole(entries))
        with pytest.raises(HistoryMismatch, match="not in the log"):
            check_history(replace(file, key=bytes(32)), whole(entries))
        at = entries.index(marker_of(file.key, count - 1, SUITE))
        with pytest.raises(HistoryMismatch):
            check_history(file, whole(entries[:at]))
        with pytest.raises(HistoryMismatch):
            check_history(file, whole(entries[: at + 1]))

    run(work())


def again(event: Event) -> Event:
    """The same event with new salts."""
    known = {"patient", "number", "previous", "timeMs"}
    content = {name: value for name, value in event.content.items() if name not in known}
    return make_event(
        event.kind,
        event.position,
        content,
        event.facts.custodian,
        event.time_ms,
        suite=event.suite,
        purpose=event.facts.purpose,
    )


def test_a_lying_custodian_is_found_out(tmp_path: Path) -> None:
    """Goal: an access without consent cannot be passed off as allowed.

    Method: write each kind of event with a lie into the log, under the right marker.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        record = await world.keep(patient)
        await world.give(terms_for(patient))
        await world.desk.open(world.ask(patient, record))
        file = await export_history(world.custody, patient)
        access = file.events[2]
        known = {"patient", "number", "previous", "timeMs"}
        content = {name: value for name, value in access.content.items() if name not in known}
        asked = access.content["request"]
        # The doctor's key to open with, another's to sign with.
        mixed = replace(DOCTOR.person, signing=INSURER.person.signing).document()
        lies: list[tuple[str, dict[str, object], str]] = [
            ("access", content | {"basis": {"consent": "c-2"}}, "TREAT"),
            ("access", content | {"basis": {}}, "TREAT"),
            ("access", content | {"basis": {"emergency": "00" * 32}}, "BTG"),
            ("access", content | {"record": "00" * 32}, "TREAT"),
            ("access", content | {"person": INSURER.person.document()}, "TREAT"),
            ("access", content | {"person": mixed}, "TREAT"),
            ("refusal", content | {"person": mixed, "reason": "denied"}, "TREAT"),
            ("access", content, "ETREAT"),
            ("access", {}, "TREAT"),
            ("opening", file.events[0].content, ""),
            ("consent", {"statement": asked}, ""),
            ("withdrawal", {"statement": file.events[1].content["statement"]}, ""),
            ("count", content, "TREAT"),
            ("review", {"person": REVIEWER.person.document(), "review": asked}, ""),
            ("emergency", content | {"second": DOCTOR.person.document(), "approval": asked,
                                     "lastMs": 0}, "BTG"),
            ("refusal", content | {"reason": "because"}, "TREAT"),
        ]  # fmt: skip
        for kind, lie, purpose in lies:
            position = access.position
            event = make_event(
                kind, position, lie, "hospital", access.time_ms, suite=SUITE, purpose=purpose
            )
            entries = [*world.memory.all[:4], marker_of(file.key, 2, SUITE), event.entry]
            wrong = replace(file, events=(*file.events[:2], event))
            with pytest.raises(HistoryMismatch):
                check_history(wrong, whole(entries))
        check_history(file, whole(world.memory.all))

    run(work())


def test_a_history_tells_nothing_to_others(tmp_path: Path) -> None:
    """Goal: the log shows nobody whose events they are. Method: no entry twice, none that the ids,
    numbers or records give without the key.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        await world.give(terms_for(patient))
        entries = world.memory.all
        assert len(set(entries)) == len(entries) == 4
        key = world.custody.history_key(patient)
        guesses = {marker_of(guess, number, SUITE)
                   for guess in (bytes(32), bytes(patient)) for number in range(9)}  # fmt: skip
        assert not guesses & set(entries)
        assert marker_of(key, 1, SUITE) == entries[2]

    run(work())


def test_the_regulator_sees_totals_and_no_content(tmp_path: Path) -> None:
    """Goal: complete totals, no content. Method: a report through its bytes; its bytes hold no id,
    name or record; leave out, swap and alter heads.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await busy(world)
        report = Report.decode((await export_report(world.custody)).encode())
        shown = check_report(report, world.memory.all)
        assert (shown.histories, shown.void) == (2, 1)
        assert shown.totals[Kind.ACCESS, "TREAT", "2027-01"] == 1
        assert shown.totals[Kind.ACCESS, "BTG", "2027-01"] == 1
        assert shown.totals[Kind.REFUSAL, "TREAT", "2027-01"] == 1
        assert sum(shown.totals.values()) == len(shown.events) - 1
        data = report.encode()
        for secret in (patient.hex().encode(), bytes(patient), b"Dr. Li", b"check-up"):
            assert secret not in data
        last = report.openings[-1]
        for wrong, error in (
            (report.openings[:-1], HistoryIncomplete),
            ((*report.openings, last), HistoryIncomplete),
            ((last, *report.openings[1:]), HistoryMismatch),
            ((*report.openings[:-1], HeadOpening(bytes(32), last.head)), HistoryMismatch),
        ):
            with pytest.raises(error):
                check_report(replace(report, openings=wrong), world.memory.all)
        with pytest.raises(HistoryMismatch):
            check_report(replace(report, custodian="clinic"), world.memory.all)
        with pytest.raises(HistoryIncomplete):
            check_report(report, world.memory.all[:-1])

    run(work())


def test_a_store_that_lost_an_event_says_so(tmp_path: Path) -> None:
    """Goal: no decision on half a history. Method: remove an event from the store, start anew."""

    async def work() -> None:
        world = World(tmp_path)
        patient = await busy(world)
        entry = (await world.custody.events(patient))[3].entry
        world.store.delete([f"events/{entry.hex()}"])
        world.start()
        with pytest.raises(HistoryIncomplete):
            await world.custody.read(patient)
        with pytest.raises(HistoryIncomplete):
            await export_report(world.custody)

    run(work())


EVENT = make_event(
    "review", Position(Digest(bytes(32)), 3, Digest(bytes(32))), {"a": "b"}, "hospital", 5,
    suite=SUITE,
)  # fmt: skip


def test_every_flip_of_an_event_is_found() -> None:
    """Goal: an event is what was committed to. Method: flip each bit; what still reads has another
    entry.
    """
    data = EVENT.encode()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            read = Event.decode(bytes(flipped), SUITE)
        except BadDisclosure:
            continue
        assert read.entry != EVENT.entry


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_code(data: bytes) -> None:
    """Goal: hostile files end in a code. Method: random bytes, also within a good frame."""
    for read in (
        lambda: Event.decode(data, SUITE),
        lambda: HistoryFile.decode(data),
        lambda: Report.decode(data),
        lambda: read_head(data),
        lambda: Event.decode(EVENT.encode()[:40] + data, SUITE),
    ):
        with pytest.raises(TrineError):
            read()
