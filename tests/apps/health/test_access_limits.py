"""Test the limits of consents, histories and fields: at each, and one past it."""

from pathlib import Path

import pytest

from tests.apps.health.world import PRIVATE_KEY, MemoryLog, World, actor, run, terms_for
from trine.apps.health import consent, custody, fields, log, statements
from trine.apps.health.consent import Terms, read_terms, resource_of
from trine.apps.health.fields import Fields
from trine.apps.health.history import SPEAKERS_MAX
from trine.apps.health.limits import REASON_CHARACTERS_MAX, SHOWN_FIELDS_MAX
from trine.apps.health.sealing import Facts
from trine.errors import BadArgument
from trine.errors.health import (
    BadHealthStatement,
    ConsentNotUnderstood,
    HistoryBusy,
    RecordNotFound,
)
from trine.model.hashing import Suite
from trine.model.identifiers import Digest

PATIENT = Digest(bytes(32))


def test_consents_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: lists and bytes of a consent are bounded. Method: at the limit and one past it."""
    people = frozenset(Digest(bytes([number]) * 32) for number in range(3))
    resource = resource_of(Terms("c", PATIENT, "hospital", people, frozenset({"TREAT"})))
    monkeypatch.setattr(consent, "CONSENT_ITEMS_MAX", 3)
    assert read_terms(resource).recipients == people
    monkeypatch.setattr(consent, "CONSENT_ITEMS_MAX", 2)
    with pytest.raises(ConsentNotUnderstood):
        read_terms(resource)
    data = statements.sign_said({"a": "b"}, PRIVATE_KEY, subject="s", now_ms=0)
    monkeypatch.setattr(statements, "CONSENT_BYTES_MAX", len(data))
    assert statements.read_said(data, now_ms=0).body == {"a": "b"}
    monkeypatch.setattr(statements, "CONSENT_BYTES_MAX", len(data) - 1)
    with pytest.raises(BadHealthStatement):
        statements.read_said(data, now_ms=0)


def test_histories_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: keys and events of a patient are bounded. Method: at the limit and one past it."""

    async def work() -> None:
        world = World(tmp_path)
        keys = [actor(100 + number, "x").signing for number in range(SPEAKERS_MAX + 1)]
        with pytest.raises(BadArgument):
            await world.open_patient(*keys)
        patient = await world.open_patient(*keys[:-1])
        monkeypatch.setattr(custody, "EVENTS_MAX", 2)
        await world.give(terms_for(patient), keys[5])
        with pytest.raises(HistoryBusy):
            await world.give(terms_for(patient, "c-2"), keys[5])

    run(work())


def test_fields_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: fields of a record are bounded. Method: at the limit and one past it."""
    arguments = Facts("4.0", "Patient", "", "h"), b'{"active":true}', bytes(32), PATIENT, Suite.INTL
    monkeypatch.setattr(fields, "FIELDS_MAX", 5)
    assert len(Fields.of(*arguments).names) == 5
    monkeypatch.setattr(fields, "FIELDS_MAX", 4)
    with pytest.raises(BadArgument):
        Fields.of(*arguments)


def test_requests_have_limits(tmp_path: Path) -> None:
    """Goal: words and fields of a request are bounded. Method: one past each; at each the request
    is read, and the record is what is missing.
    """

    async def work() -> None:
        world = World(tmp_path)
        names = tuple(f"/a/{number}" for number in range(SHOWN_FIELDS_MAX + 1))
        for reason, shown, error in (
            ("x" * REASON_CHARACTERS_MAX, names[:-1], RecordNotFound),
            ("x" * (REASON_CHARACTERS_MAX + 1), names[:-1], BadHealthStatement),
            ("x", names, BadHealthStatement),
            ("x", ("/a", "/a"), BadHealthStatement),
        ):
            data = world.ask(PATIENT, PATIENT, reason=reason, fields=shown)
            with pytest.raises(error):
                await world.desk.disclose(data)

    run(work())


def test_waiting_for_the_log_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a log that shows nothing ends in a code. Method: a log that loses what it was given."""

    class Losing(MemoryLog):
        async def append(self, entries: object, media_type: str = "") -> None:
            """Lose the entries."""

    async def work() -> None:
        monkeypatch.setattr(log, "WAIT_S_MAX", 0.1)
        with pytest.raises(HistoryBusy):
            await World(tmp_path, Losing()).open_patient()

    run(work())
