"""Test a hospital as a whole on a real chain of one validator."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.apps.health.world import run
from tests.services.chains import chain
from tests.suite import ONE_SUITE
from trine.apps.health.accounts import Account
from trine.apps.health.actions import Actions
from trine.apps.health.canonical import canonical
from trine.apps.health.consent import Terms
from trine.apps.health.definitions import Release
from trine.apps.health.events import Kind
from trine.apps.health.generator import generate, generate_bundles
from trine.apps.health.hospital import FILE, Founding, Hospital, now_ms
from trine.apps.health.limits import REQUEST_AGE_MS_MAX
from trine.apps.health.offline import (
    check_history_file,
    check_history_files,
    check_report_file,
    export_hospital,
)
from trine.apps.health.patient import HistoryFile, export_history
from trine.apps.health.people import Role
from trine.apps.health.validation import validate
from trine.client import AsyncClient, Trust
from trine.client.home import Home
from trine.errors import (
    BadArgument,
    BadConfiguration,
    BadPassword,
    KeyFileExists,
    TrineError,
    UnreadableFile,
)
from trine.errors.health import (
    AccessRefused,
    BrokenReference,
    ConsentUnknown,
    EmergencyRefused,
    HistoryMismatch,
    NotJson,
    PersonUnknown,
    RecordErased,
    StatementUsed,
)
from trine.model.identifiers import Digest
from trine.services.evidence import tree
from trine.types import Digest as ChainDigest
from trine.types import LogCreate

pytestmark = [pytest.mark.network, ONE_SUITE]

PASSWORD = b"correct horse"
HOUR_MS = 60 * 60 * 1_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A chain of one validator."""
    with chain(Home(tmp_path_factory.mktemp("hospital") / "home")) as running:
        yield running


class Clock:
    """A clock that can be set on."""

    ahead_ms = 0

    def __call__(self) -> int:
        """Unix time in milliseconds."""
        return now_ms() + self.ahead_ms


@asynccontextmanager
async def hospital(home: Home, folder: Path, clock: Clock | None = None) -> AsyncIterator[Hospital]:
    """A hospital in a folder, founded where it is not yet."""
    trust = Trust.load(home.trust)
    async with AsyncClient(home.urls(), key=home.open_key()) as client:
        if not (folder / FILE).exists():
            logs = []
            for name in ("records", "histories"):
                full = f"{name}-{secrets.token_hex(4)}"
                await client.submit(LogCreate(name=full))
                logs.append(int((await client.log(f"city/{full}")).id))
            Founding("city", "intl", *logs).write(folder, PASSWORD)
        found = Hospital(folder, PASSWORD, client, trust, clock=clock or Clock())
        try:
            yield found
        finally:
            found.close()


def bundle(number: int, seed: int = 7) -> dict[str, Any]:
    """A Bundle of one made-up patient."""
    return next(islice(generate_bundles(seed), number, None))


def test_bundles_are_kept_under_their_patients(home: Home, tmp_path: Path) -> None:
    """Goal: one call reads, checks, encrypts, anchors and files; what is refused leaves nothing.

    Method: two Bundles; each record's text, searched for its patient's id, says whose it must be.
    Refused: a broken reference in the last entry, no JSON. The lists show no content.
    """

    async def work() -> None:
        async with hospital(home, tmp_path / "h") as found:
            wanted: dict[str, list[str]] = {}
            total = 0
            for number in range(2):
                content = bundle(number)
                total += len(content["entry"])
                assert await found.receive(canonical(content)) == len(content["entry"])
                resources = [one["resource"] for one in content["entry"]]
                [patient] = [one for one in resources if one["resourceType"] == "Patient"]
                wanted[patient["id"]] = sorted(
                    one["resourceType"]
                    for one in resources
                    if one is patient
                    or f'"Patient/{patient["id"]}"' in json.dumps(one, default=str)
                )
            assert set(wanted) == {one.local_id for one in found.admissions.everyone()}
            for local_id, types in wanted.items():
                patient_id = found.admissions.find(local_id)
                listed = list(found.list_records(patient_id))
                assert sorted(one.type_name for one in listed) == types
                assert all(one.is_proven and one.custodian == "city" for one in listed)
                assert found.admissions.patient(patient_id).name
                shown = repr(listed)
                assert local_id not in shown
            broken = bundle(2)
            broken["entry"][-1]["resource"]["extension"] = [
                {"url": "http://example.org/x", "valueReference": {"reference": "urn:uuid:0"}}
            ]
            with pytest.raises(BrokenReference):
                await found.receive(canonical(broken))
            with pytest.raises(NotJson):
                await found.receive(b"not json")
            totals = found.totals()
            assert (totals.records, totals.proven, totals.patients) == (total, total, 2)

    run(work())


def test_a_cut_receipt_goes_on(home: Home, tmp_path: Path) -> None:
    """Goal: what was kept and not recorded when the program ended gets its proof at the next start.

    Method: seal without recording, as a crash leaves it; open the hospital again and resume. Then
    lines of which one is broken: those before it are kept and proven.
    """

    async def work() -> None:
        async with hospital(home, tmp_path / "h") as found:
            patient = await found.admissions.admit("p-1")
            checked = [validate(one, Release.R4) for one in islice(generate(3), 30)]
            found.custody.seal([(patient, one) for one in checked], Release.R4)
            assert found.totals().proven == 0
        async with hospital(home, tmp_path / "h") as found:
            assert await found.resume() == 30
            assert await found.resume() == 0
            assert found.totals().proven == 30
            lines = [canonical(one) for one in islice(generate(4), 600)]
            path = tmp_path / "export.ndjson"
            path.write_bytes(b"\n".join([*lines, b'{"resourceType": "Nonsense"}']))
            with pytest.raises(TrineError) as caught:
                await found.receive_file(path)
            assert caught.value.code == "unknown_resource"
            assert str(caught.value).startswith("line 601")
            totals = found.totals()
            assert (totals.records, totals.proven) == (530, 530)

    run(work())


def staff(found: Hospital, name: str, *roles: Role) -> Account:
    """Enrol somebody."""
    account = found.accounts.create(name, PASSWORD)
    found.enrol(account, name, *roles)
    return account


async def observed(found: Hospital) -> tuple[Digest, Account, Digest]:
    """Receive a patient with records; returns id, account and one observation."""
    await found.receive(canonical(bundle(0)))
    [patient] = found.admissions.everyone()
    account = found.accounts.create("patient", PASSWORD, found.admissions.key_of(patient.local_id))
    record = next(
        one.record
        for one in found.list_records(patient.id)
        if one.type_name == "Observation" and one.date
    )
    return patient.id, account, record


def test_people_act_with_their_accounts(home: Home, tmp_path: Path) -> None:
    """Goal: what people do at a hospital is done, refused, and in the verified history.

    Method: consent, access, disclosure, withdrawal, emergency with a second person, by the same
    person, and too late; review; erasure. Then the files, whole and altered.
    """
    clock = Clock()

    async def work() -> None:
        async with hospital(home, tmp_path / "h", clock) as found:
            acting = Actions(found)
            patient, own, record = await observed(found)
            assert acting.speaks_for(own) == patient
            doctor = staff(found, "doctor", Role.CLINICIAN)
            second = staff(found, "second", Role.CLINICIAN)
            reviewer = staff(found, "reviewer", Role.REVIEWER)
            assert acting.speaks_for(doctor) is None
            with pytest.raises(AccessRefused):
                await acting.open_record(doctor, record, "TREAT")
            with pytest.raises(PersonUnknown):
                await acting.open_record(own, record, "TREAT")
            people = frozenset({acting.person(doctor).id})
            terms = Terms("c-1", patient, "city", people, frozenset({"TREAT", "HPAYMT"}))
            await acting.give_consent(own, terms)
            opened = await acting.open_record(doctor, record, "TREAT", "visit")
            assert b'"resourceType":"Observation"' in opened.resource
            shown = await acting.disclose(doctor, record, "HPAYMT", ("@type",))
            assert shown.shown.record == record
            await acting.withdraw_consent(own, patient, "c-1")
            with pytest.raises(ConsentUnknown):
                await acting.withdraw_consent(own, patient, "c-2")
            await emergency(acting, clock, patient, doctor, second, reviewer)
            found.custody.erase(record)
            with pytest.raises(RecordErased):
                await acting.open_record(doctor, record, "TREAT")
            history = (await acting.history(patient)).history
            kinds = [one.kind for one in history.seen]
            assert kinds == [
                Kind.OPENING, Kind.REFUSAL, Kind.CONSENT, Kind.ACCESS, Kind.ACCESS,
                Kind.WITHDRAWAL, Kind.EMERGENCY, Kind.REVIEW,
            ]  # fmt: skip
            report = await acting.report()
            assert sum(report.totals.values()) == len(kinds)
            await exported(home, found, patient, tmp_path)

    run(work())


async def emergency(
    acting: Actions, clock: Clock, patient: Digest, doctor: Account, second: Account,
    reviewer: Account,
) -> None:  # fmt: skip
    """Break the glass: too late, alone, and as it must be."""
    acting.ask_emergency(doctor, patient, "forgotten", HOUR_MS)
    clock.ahead_ms += REQUEST_AGE_MS_MAX + 1_000
    assert acting.asked_emergencies() == []
    with pytest.raises(PersonUnknown):
        acting.ask_emergency(reviewer, patient, "unconscious", HOUR_MS)
    request = acting.ask_emergency(doctor, patient, "unconscious", HOUR_MS)
    [waiting] = acting.asked_emergencies()
    assert (waiting.id, waiting.patient, waiting.reason) == (request, patient, "unconscious")
    with pytest.raises(EmergencyRefused):
        await acting.approve_emergency(doctor, request)
    begun = await acting.approve_emergency(second, request)
    assert acting.asked_emergencies() == []
    with pytest.raises(StatementUsed):
        await acting.approve_emergency(second, request)
    await acting.review(reviewer, patient, begun.entry, "justified", "was needed")


async def exported(home: Home, found: Hospital, patient: Digest, folder: Path) -> None:
    """Export everything; check the files, then each one altered."""
    to = folder / "export"
    trust = home.trust.read_bytes()
    written = await export_hospital(found, trust, to)
    assert written.records == found.totals().records == len(list((to / "documents").iterdir()))
    assert to.stat().st_mode & 0o777 == 0o700
    with pytest.raises(BadArgument):
        await export_hospital(found, trust, to)
    assert check_report_file(to).histories == 1
    assert check_history_file(to, patient).history.void == 0
    [(name, error)] = check_history_files(to)
    assert (name, error) == (f"{patient.hex()}.history", None)
    with pytest.raises(TrineError):
        check_report_file(to, log=written.histories_log + 1)
    for path in (to / "entries", to / "report.cbor", to / "histories" / name):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(TrineError):
            check_report_file(to)
            check_history_file(to, patient)
        path.write_bytes(content)
    (to / "entries").unlink()
    with pytest.raises(UnreadableFile):
        check_report_file(to)


def test_a_log_is_hashed_once_for_all_histories(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: checking the histories of many costs what the log costs, once.

    Method: histories of some patients, exported under two heads of the log; count the entries that
    are hashed. Each is refused, and no other one, where it is another patient's or lacks an event;
    all those under the later head are refused where an entry behind the earlier one is another.
    """
    count = 12

    async def work() -> None:
        async with hospital(home, tmp_path / "h") as found:
            await found.admissions.admit_all([f"p-{one}" for one in range(count)])
            early = await export_history(found.custody, found.admissions.find("p-0"))
            await found.admissions.admit("p-late")
            await export_hospital(found, home.trust.read_bytes(), tmp_path / "export")
            path = histories / f"{early.patient.hex()}.history"
            path.write_bytes(early.encode())
            assert early.head.size < found.log.head.size  # type: ignore[union-attr]

    histories = tmp_path / "export" / "histories"
    run(work())
    log = (tmp_path / "export" / "entries").read_bytes()
    hashed: list[int] = []
    hash_all = tree.leaf_hashes

    def counted(function: tree.HashFunction, entries: Sequence[bytes]) -> list[ChainDigest]:
        hashed.append(len(entries))
        return hash_all(function, entries)

    monkeypatch.setattr(tree, "leaf_hashes", counted)
    shown = check_history_files(tmp_path / "export")
    assert [error for _, error in shown] == [None] * (count + 1)
    heads = 2
    assert sum(hashed) == len(log) // 32 + heads
    names = [name for name, _ in shown]
    contents = [(histories / name).read_bytes() for name in names]
    (histories / names[1]).write_bytes(contents[2])
    short = HistoryFile.decode(contents[3])
    (histories / names[3]).write_bytes(replace(short, events=()).encode())
    wrong = {name for name, error in check_history_files(tmp_path / "export") if error is not None}
    assert wrong == {names[1], names[3]}
    with pytest.raises(HistoryMismatch):
        check_history_file(tmp_path / "export", Digest(bytes.fromhex(names[1][:64])))
    (tmp_path / "export" / "entries").write_bytes(log[:-1] + bytes([log[-1] ^ 1]))
    right = [name for name, error in check_history_files(tmp_path / "export") if error is None]
    assert right == [one for one in names if early_in(histories / one, len(log) // 32)]
    assert len(right) == 1
    with pytest.raises(HistoryMismatch):
        check_report_file(tmp_path / "export")


def early_in(path: Path, size: int) -> bool:
    """Say whether a history file is of an earlier head of a log."""
    return HistoryFile.decode(path.read_bytes()).head.size < size


def test_a_hospital_is_founded_once(home: Home, tmp_path: Path) -> None:
    """Goal: nobody opens a hospital with another password, of another chain, or founds it twice.

    Method: each of them, and a file that was damaged; secrets are for their owner alone.
    """
    folder = tmp_path / "h"
    founding = Founding("city", "intl", 0, 1)
    founding.write(folder, PASSWORD)
    assert Founding.read(folder) == founding
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyFileExists):
        founding.write(folder, PASSWORD)
    trust = Trust.load(home.trust)

    async def opening(password: bytes = PASSWORD) -> None:
        async with AsyncClient(home.urls()) as client:
            Hospital(folder, password, client, trust).close()

    run(opening())
    with pytest.raises(BadPassword):
        run(opening(b"another"))
    text = (folder / FILE).read_text()
    for wrong in (text.replace("intl", "gm"), text.replace("v1", "v2"), "[]", "{", '{"format":'):
        (folder / FILE).write_text(wrong)
        with pytest.raises(BadConfiguration):
            run(opening())
    (folder / FILE).unlink()
    with pytest.raises(UnreadableFile):
        run(opening())
