"""Test that a slow S3 keeps nobody waiting who needs nothing of it."""

import asyncio
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.apps.health.slow_s3 import SECONDS_MAX, Gate, slow_s3
from tests.apps.health.test_hospital import PASSWORD, hospital, observed, staff
from tests.apps.health.world import run
from tests.services.chains import chain
from tests.suite import ONE_SUITE
from trine.apps.health import fetching
from trine.apps.health.accounts import Account
from trine.apps.health.actions import Actions
from trine.apps.health.consent import Terms
from trine.apps.health.directory import Directory
from trine.apps.health.fetching import Fetches
from trine.apps.health.hospital import Founding, Hospital
from trine.apps.health.pages.app import create_app
from trine.apps.health.pages.sessions import PageRole, Visitor
from trine.apps.health.people import Role
from trine.client import AsyncClient
from trine.client.home import Home
from trine.errors.health import AccessRefused
from trine.errors.services import StoreUnavailable
from trine.model.identifiers import Digest
from trine.types import LogCreate

BUCKET = "slow"
URL = "http://pages"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """The gate of an S3."""
    with slow_s3(BUCKET) as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A chain of one validator."""
    with chain(Home(tmp_path / "home")) as running:
        yield running


async def founded(home: Home, folder: Path) -> None:
    """Found a hospital whose records lie in the S3."""
    async with AsyncClient(home.urls(), key=home.open_key()) as client:
        logs = []
        for name in ("records", "histories"):
            full = f"{name}-{secrets.token_hex(4)}"
            await client.submit(LogCreate(name=full))
            logs.append(int((await client.log(f"city/{full}")).id))
    Founding("city", "intl", *logs, objects=f"s3://{BUCKET}/h").write(folder, PASSWORD)


async def consented(found: Hospital) -> tuple[Digest, Digest, Account]:
    """Receive a patient who consents; returns patient, record and who may open it."""
    acting = Actions(found)
    patient, own, record = await observed(found)
    doctor = staff(found, "doctor", Role.CLINICIAN)
    people = frozenset({acting.person(doctor).id})
    await acting.give_consent(own, Terms("c-1", patient, "city", people, frozenset({"TREAT"})))
    return patient, record, doctor


@pytest.mark.network
@ONE_SUITE
def test_pages_are_answered_while_the_s3_is_slow(home: Home, tmp_path: Path, gate: Gate) -> None:
    """Goal: nobody waits for a page because a record of somebody else is read.

    Method: an S3 that holds reads back until other pages were answered: a record that is opened,
    and the list of patients, whose names lie in records. Where the reads kept the loop, those would
    end first, without an answer.
    """

    read: list[int] = []

    async def while_held(
        waiting: "asyncio.Task[httpx.Response]", other: httpx.AsyncClient, directory: Directory
    ) -> str:
        assert await asyncio.to_thread(gate.asked.wait, SECONDS_MAX), "the S3 is asked"
        for page in ("/approvals", "/approvals"):
            answer = await other.get(page)
            assert answer.status_code == 200, answer.text
        assert not waiting.done(), "the pages were answered first"
        read.append(len(directory))
        gate.open()
        answer = await waiting
        assert answer.status_code == 200, answer.text
        return answer.text

    async def work() -> None:
        await founded(home, tmp_path / "h")
        async with hospital(home, tmp_path / "h") as found:
            patient, record, doctor = await consented(found)
            app = create_app(found, lambda _name: PASSWORD, ZoneInfo("UTC"), is_safe=False)
            site = app.state.site
            visitor = Visitor("account:doctor", "doctor", frozenset({PageRole.CLINICIAN}), doctor)
            cookie = site.sessions.begin(visitor)
            session = site.sessions.find(cookie)
            form = {"token": session.form_token, "record": record.hex(), "purpose": "TREAT"}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url=URL, cookies={site.cookie: cookie}
            ) as client:
                # The first reads the whole list, the second looks at the lines of its page again.
                for _ in range(2):
                    gate.close()
                    listing = client.get("/patients", params={"all": ""})
                    page = await while_held(asyncio.create_task(listing), client, site.directory)
                    assert found.admissions.patient(patient).name in page
                gate.close()
                path = f"/patients/{patient.hex()}/open"
                opening = client.post(path, data=form | {"reason": "visit"})
                page = await while_held(asyncio.create_task(opening), client, site.directory)
                assert record.hex() in page

    run(work())
    assert read == [0, 1, 1], "the list was read after the first pages were answered"


@pytest.mark.network
@ONE_SUITE
def test_what_is_refused_needs_no_s3(home: Home, tmp_path: Path, gate: Gate) -> None:
    """Goal: what is asked without consent is refused and recorded, whether or not the S3 answers.

    Method: an S3 that fails; ask without and with consent: a refusal in the history, and a code.
    """

    async def work() -> None:
        await founded(home, tmp_path / "h")
        async with hospital(home, tmp_path / "h") as found:
            patient, record, doctor = await consented(found)
            acting, stranger = Actions(found), staff(found, "stranger", Role.CLINICIAN)
            gate.is_broken = True
            before = (await found.custody.read(patient)).next
            with pytest.raises(AccessRefused):
                await acting.open_record(stranger, record, "TREAT")
            assert (await found.custody.read(patient)).next == before + 1
            with pytest.raises(StoreUnavailable):
                await acting.open_record(doctor, record, "TREAT")

    run(work())


def test_a_record_is_read_once_for_all_who_wait() -> None:
    """Goal: reads are shared and let go; errors are for whoever reads, cancelling for one alone.

    Method: several wait for one name, one of them is cancelled; a read that fails; then nothing is
    held any more.
    """
    asked: list[str] = []
    go_on = threading.Event()

    def read(name: str) -> bytes | None:
        asked.append(name)
        go_on.wait(SECONDS_MAX)
        if name == "bad":
            raise StoreUnavailable("gone")
        return None if name == "missing" else name.encode()

    async def work() -> None:
        fetches = Fetches(read)

        async def one(name: str) -> bytes | None:
            async with fetches.held([name, "bad"]):
                return fetches.result(name)

        tasks = [asyncio.create_task(one("a")) for _ in range(3)]
        tasks.append(asyncio.create_task(one("missing")))
        failing = asyncio.create_task(one("bad"))
        await asyncio.sleep(0)
        assert not fetches.has("a")
        tasks.pop(0).cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*tasks) == [b"a", b"a", None]
        with pytest.raises(StoreUnavailable, match="gone"):
            await failing
        assert sorted(asked) == ["a", "bad", "missing"]
        assert not any(map(fetches.has, asked))
        fetches.close()

    run(work())


def test_reads_that_wait_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a slow S3 fills no memory. Method: one name past the limit; others share what waits."""
    monkeypatch.setattr(fetching, "FETCHES_MAX", 3)

    async def work() -> None:
        fetches = Fetches(lambda name: name.encode())
        async with fetches.held(["a", "b", "c"]), fetches.held(["a", "c"]):
            with pytest.raises(StoreUnavailable, match="at most 3"):
                async with fetches.held(["c", "d"]):
                    raise AssertionError("it is refused")
        async with fetches.held(["d"]):
            assert fetches.result("d") == b"d"
        fetches.close()

    run(work())
