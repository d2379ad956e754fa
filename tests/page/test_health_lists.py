"""Test lists of a hospital's pages that are longer than a page."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.hospital import REGULATOR, STAFF, Live, founded, run, served, signed_in
from tests.suite import ONE_SUITE
from trine.apps.health.accounts import account_of
from trine.apps.health.actions import Actions
from trine.apps.health.consent import Terms
from trine.apps.health.hospital import Hospital
from trine.apps.health.pages.clinician import PAGE
from trine.client import AsyncClient, Trust
from trine.client.home import Home, read_password

pytestmark = [pytest.mark.network, ONE_SUITE]

DOCTOR, SECOND, _ = (name for name, _, _ in STAFF)
COUNT = 2 * PAGE + 17
MINE = PAGE + 3
"""Patients whose consent names the doctor."""
EVERY_TENTH = "王小明"


def people() -> dict[str, Any]:
    """Patients with names; every tenth has a Chinese one."""
    named = {
        f"n-{number:03}": EVERY_TENTH if number % 10 == 0 else f"Anna {number:03} Berg"
        for number in range(COUNT)
    }
    resources = [
        {"resourceType": "Patient", "id": local_id, "name": [{"text": name}]}
        for local_id, name in named.items()
    ]
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


async def consent(home: Home, ids: list[str]) -> None:
    """Let patients consent to the doctor's treatment, and one more withdraw it again."""
    folder = home.path / "hospital"
    password = read_password(folder / "keys" / "records.password")
    async with AsyncClient(home.urls(), key=home.open_key()) as client:
        hospital = Hospital(folder, password, client, Trust.load(home.trust))
        actions, suite = Actions(hospital), hospital.records.suite
        secret = read_password(folder / "accounts" / f"{DOCTOR}.password")
        doctor = actions.person(hospital.accounts.open(DOCTOR, secret))

        async def give(local_id: str) -> None:
            account = account_of(local_id, hospital.admissions.key_of(local_id), suite)
            patient = hospital.admissions.find(local_id)
            named = frozenset({doctor.id}), frozenset({"TREAT"})
            await actions.give_consent(account, Terms("care", patient, "city", *named))

        await asyncio.gather(*map(give, ids[: MINE + 1]))
        local_id = ids[MINE]
        account = account_of(local_id, hospital.admissions.key_of(local_id), suite)
        await actions.withdraw_consent(account, hospital.admissions.find(local_id), "care")
        hospital.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A hospital with more patients than a page has lines."""
    folder = tmp_path_factory.mktemp("lists")
    with founded(folder, [people()]) as (home, ids):
        # The browser's loop runs in this thread.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(lambda: asyncio.run(consent(home, ids))).result()
        with served(home, folder) as url:
            yield Live(home, url, ids)


def lines(page: Page) -> list[str]:
    """Numbers of the patients of a page."""
    return page.locator("#patients tbody td code").all_inner_texts()


def through(page: Page) -> list[list[str]]:
    """Numbers of the patients of all pages, from this one on."""
    found = [lines(page)]
    while page.locator("#pages a[rel=next]").count():
        page.locator("#pages a[rel=next]").click()
        page.wait_for_load_state()
        found.append(lines(page))
    return found


def test_every_patient_is_listed_once(browser: Browser, live: Live) -> None:
    """Goal: all patients, a page at a time. Method: from the first page to the last and back; a
    page behind the last shows the last; a page that is no number is none."""
    with signed_in(browser, live, DOCTOR, statuses=(404,)) as page:
        page.get_by_role("link", name=f"All patients ({COUNT})").click()
        pages = through(page)
        assert [len(one) for one in pages] == [PAGE, PAGE, COUNT - 2 * PAGE]
        assert sorted(one for part in pages for one in part) == sorted(live.patients)
        names = page.locator("#patients tbody a").all_inner_texts()
        assert names == sorted(names, key=str.casefold)
        expect(page.locator("#pages")).to_contain_text("Page 3 of 3")
        page.locator("#pages a[rel=prev]").click()
        assert lines(page) == pages[1]
        page.goto(f"{live.url}/patients?all=1&page=999")
        assert lines(page) == pages[2]
        page.goto(f"{live.url}/patients?all=1&page=0")
        assert lines(page) == pages[0]
        page.goto(f"{live.url}/patients?all=1&page=x")
        expect(page.locator("#error")).to_have_attribute("data-code", "page_not_found")


def test_a_search_goes_on_over_pages(browser: Browser, live: Live) -> None:
    """Goal: whoever fits is found, and counted. Method: a name that most have, one that some have,
    in Chinese too, a number, a name and a number that nobody has."""
    tenth = [one for number, one in enumerate(live.patients) if number % 10 == 0]
    with signed_in(browser, live, SECOND, locale="zh-CN") as page:
        page.get_by_role("searchbox").fill("berg anna")
        page.keyboard.press("Enter")
        expect(page.locator("#count")).to_contain_text(str(COUNT - len(tenth)))
        pages = through(page)
        assert [len(one) for one in pages][:-1] == [PAGE] * (len(pages) - 1)
        found = [one for part in pages for one in part]
        assert sorted(found) == sorted(set(live.patients) - set(tenth))
        expect(page.get_by_role("searchbox")).to_have_value("berg anna")
        for query, expected in (
            ("小明", sorted(tenth)),
            ("n-021", ["n-021"]),
            ("n-02", [f"n-02{one}" for one in range(10)]),
            ("Berg 王", []),
            ("n-9999", []),
        ):
            page.goto(f"{live.url}/patients?q={query}")
            assert sorted(lines(page)) == expected, query


def test_my_patients_are_those_who_consented(browser: Browser, live: Live) -> None:
    """Goal: a clinician finds whose consent holds, and nobody else. Method: more than a page of
    them; one who has withdrawn it is left out, and a colleague has none."""
    with signed_in(browser, live, DOCTOR) as page, signed_in(browser, live, SECOND) as other:
        expect(page.locator("h1")).to_have_text("My patients")
        pages = through(page)
        assert [len(one) for one in pages] == [PAGE, MINE - PAGE]
        found = [one for part in pages for one in part]
        assert sorted(found) == sorted(live.patients[:MINE])
        expect(page.locator("#patients")).to_contain_text("consent care")
        expect(other.locator("main")).to_contain_text("No patient has given a consent")
        assert other.locator("#pages").count() == 0


def test_a_new_patient_is_in_the_list_at_once(browser: Browser, live: Live, tmp_path: Path) -> None:
    """Goal: a list of this moment. Method: another program admits a patient while pages are
    served; search, then look at the totals."""
    path = tmp_path / "new.json"
    path.write_text('{"resourceType":"Patient","id":"new-1","name":[{"text":"Zoe Newcomer"}]}')
    with signed_in(browser, live, DOCTOR) as page, signed_in(browser, live, REGULATOR) as office:
        before = int(office.inner_text("#figure-histories"))
        page.goto(f"{live.url}/patients?q=newcomer")
        assert lines(page) == []
        run("health", "receive", str(path), "--key", "admin", "--home", str(live.home.path))
        page.reload()
        assert lines(page) == ["new-1"]
        office.reload()
        expect(office.locator("#figure-histories")).to_have_text(str(before + 1))
