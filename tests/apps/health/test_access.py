"""Test access by consent: granted, refused, raced by withdrawals, cut short by crashes."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.health.world import (
    ALGORITHM,
    DOCTOR,
    GUARDIAN_KEY,
    INSURER,
    MINUTE_MS,
    PRIVATE_KEY,
    STRANGER,
    WEIGHT,
    World,
    run,
    terms_for,
    whole,
)
from trine.apps.health.consent import CONSENT_TYPE, Terms, resource_of
from trine.apps.health.custody import Custody, Draft
from trine.apps.health.events import Kind
from trine.apps.health.history import History
from trine.apps.health.limits import ATTEMPTS_MAX, REQUEST_AGE_MS_MAX
from trine.apps.health.patient import check_history, export_history
from trine.apps.health.requests import AccessRequest
from trine.apps.health.sealing import open_sealed
from trine.apps.health.statements import sign_said
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.health import (
    AccessRefused,
    BadHealthStatement,
    ConsentExists,
    ConsentUnknown,
    HistoryBusy,
    HistoryExists,
    HistoryNotFound,
    NotThePatient,
    PersonUnknown,
    RecordErased,
    RecordNotFound,
    StatementUsed,
)
from trine.model.identifiers import Digest


class Stopped(Exception):
    """The program was killed here."""


async def prepared(world: World) -> tuple[Digest, Digest, Terms]:
    """A patient with one record and one consent."""
    patient = await world.open_patient()
    record, terms = await world.keep(patient), terms_for(patient)
    await world.give(terms)
    return patient, record, terms


def kinds(history_of: list[Any]) -> list[str]:
    """Kinds of events."""
    return [str(event.kind) for event in history_of]


async def events_of(world: World, patient: Digest) -> list[str]:
    """Kinds of a patient's events, all of which were allowed."""
    return kinds(await world.custody.events(patient))


def test_access_by_consent(tmp_path: Path) -> None:
    """Goal: who was given consent opens the record, once its audit entry is final.

    Method: ask; the record opens for the doctor and nobody else; the entry is in the log.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        got = await world.desk.open(world.ask(patient, record))
        assert open_sealed(got.sealed, got.keys, DOCTOR.opening).entry == record
        with pytest.raises(TrineError):
            open_sealed(got.sealed, got.keys, INSURER.opening)
        assert got.access in world.memory.all
        events = await world.custody.events(patient)
        assert kinds(events) == ["opening", "consent", "access"]
        assert events[2].content["basis"] == {"consent": "c-1"}
        assert events[2].content["audit"]["outcome"] == "0"

    run(work())


def test_a_refusal_is_recorded(tmp_path: Path) -> None:
    """Goal: the patient sees who was refused. Method: ask for another purpose, and as another."""

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        for fields, reason in (
            ({"purpose": "HPAYMT"}, "other_purpose"),
            ({"by": INSURER}, "other_recipient"),
            ({"purpose": "BTG"}, "no_consent"),
        ):
            data = world.ask(patient, record, **fields)  # type: ignore[arg-type]
            with pytest.raises(AccessRefused) as caught:
                await world.desk.open(data)
            assert caught.value.details["reason"] == reason
            event = (await world.custody.events(patient))[-1]
            assert (event.kind, event.content["reason"]) == (Kind.REFUSAL, reason)
            assert event.entry.hex() == caught.value.instance
            with pytest.raises(StatementUsed):
                await world.desk.open(data)

    run(work())


def test_a_withdrawal_that_comes_first_wins(tmp_path: Path) -> None:
    """Goal: consent withdrawn between check and use is honoured and recorded.

    Method: the withdrawal enters the log after the check and before the access: the access is void,
    nothing is handed out, and the refusal names it.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record, terms = await prepared(world)
        other = World(tmp_path, world.log, world.records_log)
        world.memory.before = [lambda: other.withdraw(terms)]
        with pytest.raises(AccessRefused) as caught:
            await world.desk.open(world.ask(patient, record))
        assert caught.value.details["reason"] == "withdrawn"
        events = await world.custody.events(patient)
        assert kinds(events) == ["opening", "consent", "withdrawal", "refusal"]
        [void] = events[-1].content["void"]
        assert Digest(bytes.fromhex(void)) in world.memory.all

    run(work())


def test_a_withdrawal_before_use_is_honoured(tmp_path: Path) -> None:
    """Goal: the same after the access is final and before the key is unwrapped.

    Method: the withdrawal enters the log right behind the access; the access is taken back.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record, terms = await prepared(world)
        other = World(tmp_path, world.log, world.records_log)
        world.memory.after = [lambda: other.withdraw(terms)]
        data = world.ask(patient, record)
        with pytest.raises(AccessRefused) as caught:
            await world.desk.open(data)
        assert caught.value.details["reason"] == "withdrawn"
        events = await world.custody.events(patient)
        assert kinds(events) == ["opening", "consent", "access", "withdrawal", "refusal"]
        assert events[-1].content["access"] == events[2].entry.hex()
        with pytest.raises(StatementUsed):
            await world.desk.open(data)

    run(work())


def test_another_access_that_comes_first_costs_a_try(tmp_path: Path) -> None:
    """Goal: accesses at the same time are both granted. Method: one comes first in the log; then
    others do again and again, which ends in a code.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        other = World(tmp_path, world.log, world.records_log)
        world.memory.before = [lambda: other.desk.open(other.ask(patient, record, reason="first"))]
        got = await world.desk.open(world.ask(patient, record, reason="second"))
        assert got.number == 3
        for number in range(ATTEMPTS_MAX):
            asked = other.ask(patient, record, reason=f"{number}")
            world.memory.before += [lambda asked=asked: other.desk.open(asked), _nothing]
        with pytest.raises(HistoryBusy):
            await world.desk.open(world.ask(patient, record, reason="third"))
        assert len(await world.custody.events(patient)) == 4 + ATTEMPTS_MAX

    run(work())


async def _nothing() -> None:
    """Let an append pass."""


@pytest.mark.parametrize("step", ["before sending", "after sending", "before handing out"])
def test_nothing_is_handed_out_after_a_crash(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: no record without its audit entry, and none lost for a crash.

    Method: stop the program at each step; a new one gives the same request the record, with one
    access in the history.
    """

    async def stop() -> None:
        raise Stopped

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        data = world.ask(patient, record)
        if step == "before sending":
            world.memory.before = [stop]
        elif step == "after sending":
            world.memory.after = [stop]
        else:
            monkeypatch.setattr(world.custody.base.records, "hand_out", _stop)
        with pytest.raises(Stopped):
            await world.desk.open(data)
        world.start()
        got = await world.desk.open(data)
        assert open_sealed(got.sealed, got.keys, DOCTOR.opening).entry == record
        assert await events_of(world, patient) == ["opening", "consent", "access"]

    run(work())


def _stop(*_arguments: object) -> None:
    raise Stopped


def test_a_withdrawal_after_a_crash_is_honoured(tmp_path: Path) -> None:
    """Goal: an access that was never used does not outlive the consent.

    Method: crash before the record is handed out, withdraw, ask again with the same request.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, record, terms = await prepared(world)
        data = world.ask(patient, record)

        async def stop() -> None:
            raise Stopped

        world.memory.after = [stop]
        with pytest.raises(Stopped):
            await world.desk.open(data)
        world.start()
        await world.withdraw(terms)
        with pytest.raises(AccessRefused):
            await world.desk.open(data)
        assert (await events_of(world, patient))[2:] == ["access", "withdrawal", "refusal"]
        assert world.memory.all.count(world.memory.all[4]) == 1

    run(work())


def test_what_is_no_fresh_request_is_refused(tmp_path: Path) -> None:
    """Goal: nobody acts in another's name, or with an old request. Method: one of each."""

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        for data, kind in (
            (world.ask(patient, record, by=STRANGER), PersonUnknown),
            (world.ask(patient, Digest(bytes(32))), RecordNotFound),
            (world.ask(Digest(bytes(32)), record), RecordNotFound),
            (world.ask(patient, record, fields=("@type",)), BadHealthStatement),
            (sign_said({"kind": "access"}, DOCTOR.signing, subject="x", now_ms=world.now_ms),
             BadHealthStatement),
            (b"", TrineError),
        ):  # fmt: skip
            with pytest.raises(kind):
                await world.desk.open(data)
        data = world.ask(patient, record)
        world.now_ms += REQUEST_AGE_MS_MAX
        old = world.ask(patient, record, reason="old")
        await world.desk.open(data)
        world.now_ms += REQUEST_AGE_MS_MAX + 1_000
        for late in (data, old):
            with pytest.raises(StatementUsed):
                await world.desk.open(late)
        flipped = bytearray(world.ask(patient, record))
        flipped[-1] ^= 1
        with pytest.raises(TrineError, match="signature"):
            await world.desk.open(bytes(flipped))
        assert await events_of(world, patient) == ["opening", "consent", "access"]

    run(work())


def test_a_request_for_another_custodian_is_refused(tmp_path: Path) -> None:
    """Goal: a request serves nowhere else. Method: the same, signed for another custodian."""

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        request = AccessRequest("clinic", patient, record, "TREAT")
        with pytest.raises(RecordNotFound):
            await world.desk.open(request.sign(DOCTOR.signing, now_ms=world.now_ms))

    run(work())


def test_codes_of_records_count(tmp_path: Path) -> None:
    """Goal: consent to some codes opens records that have them. Method: one with, one without."""

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        system, code = WEIGHT.split("|")
        coded = {"coding": [{"system": system, "code": code}]}
        with_code, without = await world.keep(patient, code=coded), await world.keep(patient)
        await world.give(terms_for(patient, codes=frozenset({WEIGHT})))
        await world.desk.open(world.ask(patient, with_code))
        with pytest.raises(AccessRefused):
            await world.desk.open(world.ask(patient, without))

    run(work())


def test_an_erased_record_is_not_handed_out(tmp_path: Path) -> None:
    """Goal: erasure wins over consent. Method: erase, ask."""

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        world.custody.base.records.erase(record)
        with pytest.raises(RecordErased):
            await world.desk.open(world.ask(patient, record))

    run(work())


def test_only_the_patient_speaks(tmp_path: Path) -> None:
    """Goal: consents come from the patient or a guardian. Method: others, other patients, other
    custodians, the same identifier twice, a withdrawal of nothing.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient(PRIVATE_KEY, GUARDIAN_KEY)
        terms = terms_for(patient)
        stranger = SecretKey(ALGORITHM, bytes([9]) * 32)
        give = world.custody.give_consent
        with pytest.raises(NotThePatient):
            await give(patient, world.consent(terms, stranger))
        for other in (terms_for(Digest(bytes(32))), replace(terms, custodian="clinic")):
            with pytest.raises(NotThePatient):
                await give(patient, world.consent(other))
        with pytest.raises(ConsentUnknown):
            await world.withdraw(terms)
        await world.give(terms, GUARDIAN_KEY)
        with pytest.raises(StatementUsed):
            await give(patient, world.consent(terms, GUARDIAN_KEY))
        world.now_ms += 1_000
        with pytest.raises(ConsentExists):
            await world.give(terms)
        with pytest.raises(TrineError, match="is no consent"):
            await give(patient, world.consent(terms, status="inactive"))
        await world.withdraw(terms)
        world.now_ms += 1_000
        with pytest.raises(ConsentUnknown):
            await world.withdraw(terms)
        with pytest.raises(ConsentExists):
            await world.give(terms)
        wrong = sign_said(resource_of(terms), PRIVATE_KEY, subject="c", now_ms=world.now_ms)
        with pytest.raises(TrineError, match=CONSENT_TYPE.split(";")[0].replace("+", r"\+")):
            await give(patient, wrong)
        with pytest.raises(HistoryExists):
            await world.open_patient()
        with pytest.raises(HistoryNotFound):
            await world.custody.read(Digest(bytes(32)))

    run(work())


def test_opening_a_history_survives_a_crash(tmp_path: Path) -> None:
    """Goal: a history begins once. Method: stop after the key is stored; open again."""

    async def stop() -> None:
        raise Stopped

    async def work() -> None:
        world = World(tmp_path)
        world.memory.before = [stop]
        with pytest.raises(Stopped):
            await world.open_patient()
        world.start()
        patient = await world.open_patient()
        assert await events_of(world, patient) == ["opening"]

    run(work())


def test_records_reach_their_log_after_a_crash(tmp_path: Path) -> None:
    """Goal: every record that is kept has its entry. Method: stop before it is sent; publish."""

    async def stop() -> None:
        raise Stopped

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        log = world.records_log
        log.before = [stop]  # type: ignore[attr-defined]
        with pytest.raises(Stopped):
            await world.keep(patient)
        assert await world.custody.publish() == 1
        assert await world.custody.publish() == 0
        [record] = world.custody.records_of(patient)
        assert log.first(record) == 0
        assert log.entry(1) == world.custody.fields(record).entry

    run(work())


ACTIONS = ("ask", "give", "withdraw", "crash")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.booleans()), max_size=8))
def test_any_order_of_events_keeps_the_rules(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, bool]]
) -> None:
    """Goal: whatever comes between, a record is handed out only under a consent that stands at the
    access's place, and the patient's own check agrees with the custodian.

    Method: random actions, each alone or in the middle of an access; then the replay of the file.
    """

    async def work() -> None:
        world = World(tmp_path_factory.mktemp("order"))
        other = World(world.folder, world.log, world.records_log)
        patient = await world.open_patient()
        record = await world.keep(patient)
        count = itertools.count()
        given_terms: list[Terms] = []
        handed = 0

        async def act(name: str, at: World) -> None:
            nonlocal handed
            number = next(count)
            if name == "give":
                given_terms.append(terms_for(patient, f"c-{number}"))
                await at.give(given_terms[-1])
            elif name == "withdraw" and given_terms:
                await at.withdraw(given_terms.pop())
            elif name == "ask":
                try:
                    await at.desk.open(at.ask(patient, record, reason=f"{number}"))
                    handed += 1
                except AccessRefused:
                    pass
            elif name == "crash":
                at.start()

        for name, is_inside in actions:
            if is_inside:
                world.memory.before = [_acting(act, name, other)]
                await act("ask", world)
                world.memory.before = []
            else:
                await act(name, world)
        file = await export_history(world.custody, patient)
        shown = check_history(file, whole(world.memory.all))
        events = await world.custody.events(patient)
        accesses = sum(event.kind is Kind.ACCESS for event in events)
        taken_back = sum("access" in event.content for event in events)
        assert handed == accesses - taken_back
        assert set(shown.consents) == {terms.identifier for terms in given_terms}

    run(work())


def _acting(act: Callable[..., Any], name: str, at: World) -> Callable[[], Any]:
    return lambda: act(name, at)


def test_a_failing_chain_hands_out_nothing(tmp_path: Path) -> None:
    """Goal: no answer of the chain, no record. Method: the append fails; then it works again."""

    async def fail() -> None:
        raise HistoryBusy("the chain does not answer")

    async def work() -> None:
        world = World(tmp_path)
        patient, record, _ = await prepared(world)
        data = world.ask(patient, record)
        world.memory.before = [fail]
        with pytest.raises(HistoryBusy):
            await world.desk.open(data)
        assert await events_of(world, patient) == ["opening", "consent"]
        await world.desk.open(data)

    run(work())


def test_time_of_a_history_never_runs_back(tmp_path: Path) -> None:
    """Goal: a clock that is set back does not reopen what expired. Method: a consent of an hour,
    an event after it, then a clock of before.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient = await world.open_patient()
        record = await world.keep(patient)
        await world.give(terms_for(patient, last_ms=world.now_ms + 60 * MINUTE_MS))
        world.now_ms += 61 * MINUTE_MS
        await world.give(terms_for(patient, "c-2", purposes=frozenset({"HPAYMT"})))
        world.now_ms -= 3 * MINUTE_MS
        with pytest.raises(AccessRefused) as caught:
            await world.desk.open(world.ask(patient, record))
        assert caught.value.details["reason"] == "outside_period"

    run(work())


def test_a_draft_that_raises_leaves_nothing(tmp_path: Path) -> None:
    """Goal: what is refused before it is written is nowhere. Method: a draft that raises."""

    def draft(_history: History, _now_ms: int) -> Draft:
        raise ConsentUnknown

    async def work() -> None:
        world = World(tmp_path)
        patient, _, _ = await prepared(world)
        before = list(world.memory.all)
        custody: Custody = world.custody
        with pytest.raises(ConsentUnknown):
            await custody.record(patient, draft)
        assert world.memory.all == before

    run(work())
