"""Take the pictures of a hospital's pages that the documents show.

Run as `python -m tools.health_screenshots` in the root of the checkout. It founds a hospital on a
chain of its own with people and records that are made up, lets them work through some months,
looks at its pages with Chromium and writes `docs/images`.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from tests.page.hospital import (
    REGULATOR,
    STAFF,
    Live,
    bundles,
    founded,
    patients_of,
    served,
    signed_in,
)

from trine.apps.health.accounts import Account, account_of
from trine.apps.health.actions import Actions
from trine.apps.health.canonical import canonical
from trine.apps.health.consent import Terms
from trine.apps.health.hospital import Hospital, now_ms
from trine.client import AsyncClient, Trust
from trine.client.home import Home, read_password
from trine.errors.health import AccessRefused
from trine.model.identifiers import Digest

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENTS = 8
SEED = 11
DAY_MS = 24 * 60 * 60 * 1_000
MONTHS = 6
MINUTE_MS = 60_000
OPENED = (3, 5, 4, 7, 6, 8)
"""Records that a clinician opens of each patient, month after month, at most."""
WINDOW: ViewportSize = {"width": 1040, "height": 900}
LOCALES = (("", "en-GB"), (".zh-CN", "zh-CN"))
ZONE = "Asia/Shanghai"


class Clock:
    """A clock that runs through some months while the hospital works."""

    at_ms = now_ms() - MONTHS * 30 * DAY_MS

    def __call__(self) -> int:
        """Unix time in milliseconds."""
        return self.at_ms


class Past:
    """What happened at the hospital before the pictures."""

    def __init__(self, hospital: Hospital, clock: Clock) -> None:
        """Open the accounts."""
        self.hospital, self.clock, self.actions = hospital, clock, Actions(hospital)
        folder = hospital.folder / "accounts"
        self.staff = [
            hospital.accounts.open(name, read_password(folder / f"{name}.password"))
            for name, _, _ in STAFF
        ]

    def patient(self, local_id: str) -> Account:
        """Keys of a patient."""
        key = self.hospital.admissions.key_of(local_id)
        return account_of(local_id, key, self.hospital.records.suite)

    async def live(self, ids: list[str]) -> None:
        """Let consents be given, and months pass."""
        doctor = self.actions.person(self.staff[0])
        for number, local_id in enumerate(ids[:-1]):
            purposes = frozenset({"TREAT", "COC"} if number % 2 else {"TREAT"})
            patient = self.hospital.admissions.find(local_id)
            terms = Terms(f"ward-{number + 1}", patient, "city", frozenset({doctor.id}), purposes)
            await self.actions.give_consent(self.patient(local_id), terms)
        for month in range(MONTHS):
            for round_ in range(max(OPENED)):
                work = (self._work(one, month, at, round_) for at, one in enumerate(ids))
                await asyncio.gather(*work)
                self.clock.at_ms += 97 * MINUTE_MS
            if month in {1, 3, 4}:
                await self._emergency(ids[month], is_late=month == 3)
            self.clock.at_ms += 27 * DAY_MS

    async def _work(self, local_id: str, month: int, at: int, round_: int) -> None:
        if round_ >= OPENED[(month + at) % len(OPENED)] - at // 2:
            return
        patient = self.hospital.admissions.find(local_id)
        records = [one.record for one in self.hospital.list_records(patient)]
        purpose = "COC" if round_ % 3 == 2 else "TREAT"
        who = self.staff[1] if round_ == 4 else self.staff[0]
        reason = "ward round" if round_ % 2 else ""
        await self._open(who, records[(round_ + month) % len(records)], purpose, reason)

    async def _open(self, who: Account, record: Digest, purpose: str, reason: str) -> None:
        try:
            await self.actions.open_record(who, record, purpose, reason)
        except AccessRefused:
            return

    async def _emergency(self, local_id: str, *, is_late: bool) -> None:
        patient = self.hospital.admissions.find(local_id)
        asker, second, reviewer = self.staff
        reason = "brought in unconscious"
        asked = self.actions.ask_emergency(asker, patient, reason, 60 * MINUTE_MS)
        emergency = await self.actions.approve_emergency(second, asked)
        record = next(self.hospital.list_records(patient)).record
        await self.actions.open_record(asker, record, "BTG", reason)
        self.clock.at_ms += 4 * DAY_MS if is_late else DAY_MS
        text = "the ward's log confirms it"
        await self.actions.review(reviewer, patient, emergency.entry, "justified", text)


async def work(home: Home) -> list[str]:
    """Let the hospital work; returns its own ids of the patients."""
    given = list(bundles(PATIENTS, SEED))
    clock, folder = Clock(), home.path / "hospital"
    password = read_password(folder / "keys" / "records.password")
    async with AsyncClient(home.urls(), key=home.open_key()) as client:
        hospital = Hospital(folder, password, client, Trust.load(home.trust), clock=clock)
        for bundle in given:
            await hospital.receive(canonical(bundle))
        await Past(hospital, clock).live(patients_of(given))
        hospital.close()
    return patients_of(given)


def take(browser: Browser, live: Live) -> None:
    """Take each picture in each language."""
    for end, locale in LOCALES:
        options: dict[str, Any] = {"viewport": WINDOW, "device_scale_factor": 1.25}
        with signed_in(browser, live, STAFF[0][0], locale, **options) as page:
            page.locator("#patients tbody a").nth(1).click()
            page.locator("#type").select_option("Observation")
            page.locator("#filter button").click()
            shoot(page, f"health-clinician{end}.png")
        with signed_in(browser, live, live.patients[1], locale, **options) as page:
            shoot(page, f"health-patient{end}.png")
        with signed_in(browser, live, REGULATOR, locale, **options) as page:
            shoot(page, f"health-regulator{end}.png")


def shoot(page: Page, name: str) -> None:
    """Take what the window shows."""
    page.wait_for_load_state()
    page.screenshot(path=IMAGES / name)


def main() -> int:
    """Found the hospital, take the pictures, remove it."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print("no browser: install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="trine-pictures-") as name:
        folder = Path(name)
        with founded(folder, []) as (home, _):
            ids = asyncio.run(work(home))
            with served(home, folder, ZONE) as url, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
                take(browser, Live(home, url, ids))
                browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
