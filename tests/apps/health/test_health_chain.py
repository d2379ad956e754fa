"""Test access, histories, disclosures and reports on a real chain of one validator."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.apps.health.test_claims import NAMES, claim
from tests.apps.health.world import (
    ALGORITHM,
    DOCTOR,
    INSURER,
    PRIVATE_KEY,
    World,
    run,
    terms_for,
)
from tests.services.chains import chain
from trine import Client
from trine.apps.health.claims import ProvenDisclosure, check_claim
from trine.apps.health.events import Kind
from trine.apps.health.history import patient_id
from trine.apps.health.log import CertifiedLog
from trine.apps.health.oversight import export_report, verify_report
from trine.apps.health.patient import HistoryFile, export_history, verify_history
from trine.apps.health.sealing import open_sealed
from trine.client import AsyncClient, Trust
from trine.client.home import Home
from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.health import (
    AccessRefused,
    DisclosureMismatch,
    HistoryIncomplete,
    HistoryMismatch,
)
from trine.services.evidence import cose
from trine.services.evidence.chain import ChainLog
from trine.types import AccountCreate, LogCreate, Roles

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A chain of one validator."""
    with chain(Home(tmp_path_factory.mktemp("health") / "home")) as running:
        yield running


@pytest.fixture
def logs(home: Home, request: pytest.FixtureRequest) -> str:
    """The two logs of a custodian, whose names end in this."""
    end = str(abs(hash(request.node.name)) % 10**9)
    with Client(home.urls(), key=home.open_key()) as client:
        for name in ("histories", "records"):
            client.submit(LogCreate(name=f"{name}-{end}"))
    return end


@asynccontextmanager
async def custodian(
    home: Home, folder: Path, logs: str, key: SecretKey | None = None
) -> AsyncIterator[World]:
    """A custodian's program with a connection and, if given, an account of its own."""
    trust = Trust.load(home.trust)
    names = [f"city/{name}-{logs}" for name in ("histories", "records")]
    async with AsyncClient(home.urls(), key=key or home.open_key()) as client:
        ids = [(await client.log(name)).id for name in names]
        found = [CertifiedLog(ChainLog(client, trust, id_, media_type="")) for id_ in ids]
        yield World(folder, *found)


def test_everybody_verifies_their_part(home: Home, logs: str, tmp_path: Path) -> None:
    """Goal: patient, insurer and regulator check theirs offline, with the chain's proofs.

    Method: access, disclosure and refusal; files through their bytes; then other logs, times,
    entries and proofs.
    """

    async def work() -> None:
        async with custodian(home, tmp_path, logs) as world:
            patient = await world.open_patient()
            record = await world.keep(patient, effectiveDateTime="2026-11-27")
            await world.give(terms_for(patient))
            both = {"recipients": frozenset({INSURER.person.id}), "purposes": frozenset({"HPAYMT"})}
            await world.give(terms_for(patient, "c-2", **both))
            got = await world.desk.open(world.ask(patient, record))
            assert open_sealed(got.sealed, got.keys, DOCTOR.opening).entry == record
            with pytest.raises(AccessRefused):
                await world.desk.open(world.ask(patient, record, by=INSURER))
            data = world.ask(patient, record, "CLMATTCH", by=INSURER, fields=NAMES)
            shown = await world.desk.disclose(data)
            log, records = world.log, world.records_log
            assert isinstance(log, CertifiedLog)
            assert isinstance(records, CertifiedLog)
            proof = await records.prove(shown.fields_entry)
            disclosed = ProvenDisclosure(shown.shown, proof).encode()
            file = (await export_history(world.custody, patient)).encode()
            report = await export_report(world.custody)
            entries = log.entries(report.head.size)
            numbers = report.head.log, records.head.log if records.head else -1
        trust = Trust.load(home.trust)
        check_offline(file, entries, trust, numbers[0])
        totals = verify_report(report, entries, trust, numbers[0])
        assert totals.totals[Kind.ACCESS, "TREAT", "2027-01"] == 1
        with pytest.raises(HistoryMismatch):
            verify_report(report, entries, trust, numbers[1])
        proven = ProvenDisclosure.decode(disclosed)
        [fields] = check_claim(claim(record), [proven], trust, numbers[1])
        assert fields.values["@type"] == "Observation"
        with pytest.raises(DisclosureMismatch):
            check_claim(claim(record), [proven], trust, numbers[0])
        with pytest.raises(TrineError):
            damaged = proof[:-1] + bytes([proof[-1] ^ 1])
            check_claim(claim(record), [replace(proven, proof=damaged)], trust, numbers[1])

    run(work())


def check_offline(data: bytes, entries: bytes, trust: Trust, log: int) -> None:
    """Check a history and what would hide something in it."""
    file = HistoryFile.decode(data)
    entries = entries[: file.head.size * 32]
    shown = verify_history(file, entries, trust, log)
    assert [str(one.kind) for one in shown.history.seen] == [
        "opening", "consent", "consent", "access", "refusal", "access",
    ]  # fmt: skip
    assert shown.complete_ms == file.head.time_ms
    with pytest.raises(HistoryIncomplete):
        verify_history(replace(file, events=file.events[:-1]), entries, trust, log)
    head = file.head
    for wrong in (
        replace(file, head=head._replace(time_ms=head.time_ms + 1)),
        replace(file, head=head._replace(size=head.size - 2)),
        replace(file, head=head._replace(log=head.log + 1)),
    ):
        with pytest.raises(TrineError):
            verify_history(wrong, entries[: wrong.head.size * 32], trust, log)
    for altered in (entries[:-32], bytes(32) + entries[32:], entries + bytes(32)):
        with pytest.raises(HistoryMismatch):
            verify_history(file, altered, trust, log)


def another_notary(home: Home) -> SecretKey:
    """Create an account that appends to the logs too: an account is used by one program."""
    key = SecretKey.generate(ALGORITHM)
    with Client(home.urls(), key=home.open_key()) as client:
        client.submit(AccountCreate(cose.public_key(key), Roles.NOTARY))
    return key


def test_withdrawals_race_accesses(home: Home, logs: str, tmp_path: Path) -> None:
    """Goal: the order of the chain decides, whoever is faster.

    Method: two custodian's programs over one store, each with its own connection: one withdraws
    while the other opens, at once, many times. Either the access comes first and the record was
    handed out under a consent that stood, or the refusal is in the history; the patient's check
    agrees.
    """

    async def work() -> None:
        mine = custodian(home, tmp_path, logs)
        others = custodian(home, tmp_path, logs, another_notary(home))
        async with mine as one, others as two:
            patient = await one.open_patient()
            record = await one.keep(patient)
            outcomes: list[bool] = []
            for number in range(12):
                terms = terms_for(patient, f"c-{number}")
                await one.give(terms)
                data = one.ask(patient, record, reason=f"{number}")

                async def later(terms: object = terms, number: int = number) -> None:
                    await asyncio.sleep(number * 0.01)
                    await two.withdraw(terms)  # type: ignore[arg-type]

                results = await asyncio.gather(one.desk.open(data), later(), return_exceptions=True)
                assert results[1] is None, results
                outcomes.append(not isinstance(results[0], BaseException))
                assert outcomes[-1] or isinstance(results[0], AccessRefused), results[0]
            file = await export_history(one.custody, patient)
            assert isinstance(one.log, CertifiedLog)
            entries = one.log.entries(file.head.size)
        trust = Trust.load(home.trust)
        shown = verify_history(file, entries, trust, file.head.log).history
        taken_back = sum("access" in event.content for event in file.events)
        accesses = sum(line.kind is Kind.ACCESS for line in shown.seen)
        refusals = sum(line.kind is Kind.REFUSAL for line in shown.seen)
        assert accesses - taken_back == sum(outcomes)
        assert refusals == len(outcomes) - sum(outcomes)
        assert shown.consents == ()

    run(work())


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.apps.health.test_health_chain import custodian
from trine.client.home import Home
from trine.model.identifiers import Digest

async def work():
    home, folder = Home(Path(sys.argv[1])), Path(sys.argv[2])
    async with custodian(home, folder, sys.argv[6]) as world:
        patient, record = (Digest(bytes.fromhex(text)) for text in sys.argv[3:5])
        print("ready", flush=True)
        number = 0
        while True:
            number += 1
            reason = f"{sys.argv[5]}-{number}"
            got = await world.desk.open(world.ask(patient, record, reason=reason))
            print(got.access.hex(), flush=True)

asyncio.run(work())
"""


def test_a_kill_hands_out_nothing_unrecorded(home: Home, logs: str, tmp_path: Path) -> None:
    """Goal: no record is handed out without its audit entry on the chain.

    Method: kill a program that opens records one after the other, at moments that differ; every
    handout that it reported is in the history that the patient verifies, and work goes on.
    """

    async def begin() -> tuple[str, str]:
        async with custodian(home, tmp_path, logs) as world:
            patient = await world.open_patient()
            record = await world.keep(patient)
            await world.give(terms_for(patient))
            return patient.hex(), record.hex()

    async def end() -> tuple[HistoryFile, bytes]:
        async with custodian(home, tmp_path, logs) as world:
            patient = patient_id(cose.public_key(PRIVATE_KEY))
            record = next(world.custody.records_of(patient))
            await world.desk.open(world.ask(patient, record, reason="after all"))
            file = await export_history(world.custody, patient)
            assert isinstance(world.log, CertifiedLog)
            return file, world.log.entries(file.head.size)

    names = run(begin())
    handed: list[str] = []
    for number in range(4):
        arguments = [sys.executable, "-c", PROGRAM, str(home.path)]
        arguments += [str(tmp_path), *names, str(number), logs]
        program = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        handed += [program.stdout.readline().strip() for _ in range(number)]
        program.send_signal(signal.SIGKILL)
        handed += program.communicate()[0].split()
    file, entries = run(end())
    shown = verify_history(file, entries, Trust.load(home.trust), file.head.log).history
    recorded = {line.entry.hex() for line in shown.seen if line.kind is Kind.ACCESS}
    assert set(handed) <= recorded
    assert len(set(handed)) == len(handed)
