"""Test emergencies: two people, a time, a notice, a review."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.apps.health.world import (
    DOCTOR,
    HOUR_MS,
    INSURER,
    MINUTE_MS,
    REVIEWER,
    SECOND,
    Actor,
    World,
    actor,
    run,
    terms_for,
)
from trine.apps.health.consent import Terms
from trine.apps.health.events import Kind
from trine.apps.health.limits import EMERGENCY_MS_MAX, OPEN_REVIEWS_MAX, REVIEW_MS_MAX
from trine.apps.health.people import Role
from trine.apps.health.requests import Approval, EmergencyRequest, Review
from trine.apps.health.sealing import open_sealed
from trine.errors import TrineError
from trine.errors.health import (
    AccessRefused,
    BadHealthStatement,
    EmergencyRefused,
    PersonUnknown,
    StatementUsed,
)
from trine.model.identifiers import Digest


async def prepared(world: World) -> tuple[Digest, Digest]:
    """A patient with one record, who denies everything to everybody."""
    patient = await world.open_patient()
    record = await world.keep(patient)
    await world.give(Terms("no", patient, "hospital", denies=True))
    return patient, record


def review_of(world: World, emergency: Digest, by: Actor = REVIEWER, text: str = "saved") -> bytes:
    """Sign a review."""
    review = Review(emergency, "justified", text)
    return review.sign(by.signing, now_ms=world.now_ms)


def test_an_emergency_opens_records_and_tells_the_patient(tmp_path: Path) -> None:
    """Goal: care without consent, in the open. Method: break the glass against a denial; the record
    opens, the patient is told, both are in the history; other people and purposes get nothing.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record = await prepared(world)
        emergency = await world.emergencies.open(*world.break_glass(patient))
        [notice] = world.post.sent
        assert (notice.patient, notice.name, notice.reason) == (patient, "Dr. Li", "unconscious")
        assert world.notices.sent_ms(emergency.entry) == world.now_ms
        got = await world.desk.open(world.ask(patient, record, "BTG"))
        assert open_sealed(got.sealed, got.keys, DOCTOR.opening).entry == record
        others: list[dict[str, Any]] = [{"purpose": "TREAT"}, {"purpose": "BTG", "by": SECOND}]
        for fields in others:
            with pytest.raises(AccessRefused):
                await world.desk.open(world.ask(patient, record, **fields))
        access = next(one for one in await world.custody.events(patient) if one.kind is Kind.ACCESS)
        assert access.content["basis"] == {"emergency": emergency.entry.hex()}

    run(work())


def test_an_emergency_ends(tmp_path: Path) -> None:
    """Goal: the time box holds. Method: its last millisecond, one after it; a review ends it."""

    async def work() -> None:
        world = World(tmp_path)
        patient, record = await prepared(world)
        first = await world.emergencies.open(*world.break_glass(patient, 60))
        world.now_ms = first.last_ms
        await world.desk.open(world.ask(patient, record, "BTG"))
        world.now_ms += 1
        with pytest.raises(AccessRefused):
            await world.desk.open(world.ask(patient, record, "BTG"))
        second = await world.emergencies.open(*world.break_glass(patient, 60))
        await world.desk.open(world.ask(patient, record, "BTG", reason="again"))
        await world.emergencies.review(patient, review_of(world, second.entry))
        with pytest.raises(AccessRefused):
            await world.desk.open(world.ask(patient, record, "BTG", reason="after"))

    run(work())


def test_limits_of_emergencies(tmp_path: Path) -> None:
    """Goal: no emergency without an end and a reason. Method: at the limits, and past them."""

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        most = EMERGENCY_MS_MAX // MINUTE_MS
        for minutes in (0, most + 1):
            with pytest.raises(BadHealthStatement):
                await world.emergencies.open(*world.break_glass(patient, minutes))
        silent = EmergencyRequest("hospital", patient, " ", MINUTE_MS)
        data = silent.sign(DOCTOR.signing, now_ms=world.now_ms)
        with pytest.raises(BadHealthStatement):
            await world.emergencies.open(data, world.break_glass(patient)[1])
        found = await world.emergencies.open(*world.break_glass(patient, most))
        assert found.last_ms - found.first_ms == EMERGENCY_MS_MAX

    run(work())


def test_it_takes_two(tmp_path: Path) -> None:
    """Goal: nobody breaks the glass alone. Method: oneself as second, with another name too; an
    approval of another request; people without the role; statements used twice.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        open_ = world.emergencies.open
        data, approval = world.break_glass(patient)
        with pytest.raises(EmergencyRefused):
            await open_(*world.break_glass(patient, second=DOCTOR))
        for parties in ({"second": INSURER}, {"by": INSURER}, {"second": REVIEWER}):
            with pytest.raises(PersonUnknown):
                await open_(*world.break_glass(patient, **parties))
        other = Approval(Digest(bytes(32))).sign(SECOND.signing, now_ms=world.now_ms)
        with pytest.raises(EmergencyRefused):
            await open_(data, other)
        with pytest.raises(BadHealthStatement):
            await open_(data, data)
        assert [str(one.kind) for one in await world.custody.events(patient)][2:] == []
        await open_(data, approval)
        with pytest.raises(StatementUsed):
            await open_(data, approval)

    run(work())


def test_reviews_are_due(tmp_path: Path) -> None:
    """Goal: open reviews stop the next emergency, wherever the patients are. Method: as many as are
    allowed, one more, then a review; the other clinician is not stopped.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        found = []
        for _ in range(OPEN_REVIEWS_MAX):
            world.now_ms += 1_000
            found.append(await world.emergencies.open(*world.break_glass(patient)))
        world.now_ms += 1_000
        other = await world.open_patient(actor(50, "x").signing)
        with pytest.raises(EmergencyRefused):
            await world.emergencies.open(*world.break_glass(other))
        await world.emergencies.open(*world.break_glass(other, by=SECOND, second=DOCTOR))
        assert len(await world.emergencies.open_reviews(DOCTOR.person.id)) == OPEN_REVIEWS_MAX
        await world.emergencies.review(patient, review_of(world, found[0].entry))
        world.start()
        await world.emergencies.open(*world.break_glass(other))

    run(work())


def test_only_a_third_person_reviews(tmp_path: Path) -> None:
    """Goal: nobody judges the own emergency, and none is judged twice. Method: clinicians who are
    reviewers too, others, twice, unknown emergencies.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        emergency = await world.emergencies.open(*world.break_glass(patient))
        review = world.emergencies.review
        with pytest.raises(PersonUnknown):
            await review(patient, review_of(world, emergency.entry, by=INSURER))
        for one in (DOCTOR, SECOND):
            roles = frozenset({Role.CLINICIAN, Role.REVIEWER})
            world.custody.base.people.add(replace(one.person, roles=roles))
            with pytest.raises(EmergencyRefused):
                await review(patient, review_of(world, emergency.entry, by=one))
        with pytest.raises(EmergencyRefused):
            await review(patient, review_of(world, Digest(bytes(32))))
        await review(patient, review_of(world, emergency.entry))
        world.now_ms += 1_000
        with pytest.raises(EmergencyRefused):
            await review(patient, review_of(world, emergency.entry))

    run(work())


def test_a_late_review_is_recorded_as_late(tmp_path: Path) -> None:
    """Goal: a deadline that is missed shows. Method: reviews at the deadline, and after it."""

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        for delay_ms, is_late in ((REVIEW_MS_MAX, False), (REVIEW_MS_MAX + HOUR_MS, True)):
            emergency = await world.emergencies.open(*world.break_glass(patient))
            world.now_ms += delay_ms
            assert len(await world.emergencies.overdue()) == is_late
            await world.emergencies.review(patient, review_of(world, emergency.entry))
            assert await world.emergencies.overdue() == []
            known = (await world.custody.read(patient)).emergencies[emergency.entry]
            assert (known.is_late, known.finding) == (is_late, "justified")

    run(work())


def test_a_notice_survives_what_happens(tmp_path: Path) -> None:
    """Goal: the patient is told, whatever fails. Method: the sender is down, the program starts
    anew, the sender is back; nothing is sent twice after that.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        world.post.is_down = True
        emergency = await world.emergencies.open(*world.break_glass(patient))
        assert world.notices.sent_ms(emergency.entry) is None
        world.start()
        assert await world.notices.deliver() == 1
        world.post.is_down = False
        for _ in range(2):
            assert await world.notices.deliver() == 0
        assert [notice.event for notice in world.post.sent] == [emergency.entry]

    run(work())


def test_a_notice_waits_for_its_event(tmp_path: Path) -> None:
    """Goal: no notice of what did not happen, and none missing of what did.

    Method: a crash before the event is sent, then after it; a void event.
    """

    class Stopped(Exception):
        pass

    async def stop() -> None:
        raise Stopped

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        world.memory.before = [stop]
        with pytest.raises(Stopped):
            await world.emergencies.open(*world.break_glass(patient))
        world.start()
        assert (await world.notices.deliver(), world.post.sent) == (1, [])
        world.memory.after = [stop]
        with pytest.raises(Stopped):
            await world.emergencies.open(*world.break_glass(patient))
        world.start()
        assert await world.notices.deliver() == 0
        assert len(world.post.sent) == 1
        other = World(tmp_path, world.log, world.records_log)
        world.memory.before = [lambda: other.give(terms_for(patient))]
        world.now_ms += 1_000
        emergency = await world.emergencies.open(*world.break_glass(patient))
        assert [one.event for one in world.post.sent[1:]] == [emergency.entry]
        assert await world.notices.deliver() == 0

    run(work())


def test_hostile_statements_end_in_a_code(tmp_path: Path) -> None:
    """Goal: nothing but codes. Method: bytes that are none, bodies with members more or less."""

    async def work() -> None:
        world = World(tmp_path)
        patient, _ = await prepared(world)
        data, approval = world.break_glass(patient)
        for first, second in ((b"", approval), (data, b""), (approval, approval), (data, data)):
            with pytest.raises(TrineError):
                await world.emergencies.open(first, second)
        with pytest.raises(TrineError):
            await world.emergencies.review(patient, data)
        with pytest.raises(BadHealthStatement):
            wrong = Review(Digest(bytes(32)), "excused", "x").sign(
                REVIEWER.signing, now_ms=world.now_ms
            )
            await world.emergencies.review(patient, wrong)

    run(work())
