"""Test a hospital's pages while the chain is away, and over TLS."""

import contextlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.command import trine
from tests.cli.test_tls import certify
from tests.page.hospital import REGULATOR, STAFF, Live, bundles, founded, served, signed_in
from tests.suite import ONE_SUITE
from trine.apps.health.pages.site import COOKIE, SAFE_COOKIE

pytestmark = [pytest.mark.network, ONE_SUITE]

DOCTOR, *_ = (name for name, _, _ in STAFF)
TITLE = next(title for name, title, _ in STAFF if name == DOCTOR)


@contextlib.contextmanager
def chain_stopped(live: Live) -> Iterator[None]:
    """Stop the nodes for a time."""
    assert trine("down", "--home", live.home.path).status == 0
    try:
        yield
    finally:
        assert trine("up", "--detach", "--home", live.home.path).status == 0


def consent(page: Page) -> None:
    """Fill the form of a consent for the doctor, and send it."""
    form = page.locator("#new-consent")
    form.get_by_label(TITLE).check()
    form.locator("input[name=purpose][value=TREAT]").check()
    form.locator("button").click()


def test_pages_say_that_the_chain_is_away_and_go_on(browser: Browser, tmp_path: Path) -> None:
    """Goal: plain words while no node answers, nothing half-written, and no restart afterwards.

    Method: stop the nodes; read, send forms, search, in both languages; start them again. What was
    sent is in the history as a whole or not at all, which verifies; consent and access work.
    """
    with (
        founded(tmp_path, list(bundles(1))) as (home, ids),
        served(home, tmp_path) as url,
        signed_in(browser, Live(home, url), ids[0], statuses=(503,)) as owner,
        signed_in(browser, Live(home, url), DOCTOR, "zh-CN", statuses=(503, 403)) as doctor,
        signed_in(browser, Live(home, url), REGULATOR, statuses=(503,)) as office,
    ):
        live = Live(home, url, ids)
        owner.goto(f"{url}/consents")
        doctor.goto(f"{url}/patients?q={ids[0]}")
        doctor.locator("#patients tbody a").click()
        seen = owner.locator("#seen tbody tr")
        with chain_stopped(live):
            consent(owner)
            expect(owner.locator("#away h1")).to_have_text("The chain does not answer now")
            expect(owner.locator("#away")).to_contain_text("look at the page again before")
            owner.goto(f"{url}/history")
            expect(owner.locator("#away")).to_contain_text("Nothing was changed")
            expect(owner.locator("#away")).to_contain_text("trine status")
            assert "127.0.0.1" not in owner.inner_text("main")
            doctor.locator("#records tbody button").first.click()
            expect(doctor.locator("#away h1")).to_have_text("链目前没有响应")
            expect(doctor.locator("#away")).to_contain_text("没有向任何人显示记录")
            assert doctor.locator("#record").count() == 0
            doctor.goto(f"{url}/patients?q={ids[0]}")
            expect(doctor.locator("#patients tbody tr")).to_have_count(1)
            office.goto(f"{url}/oversight")
            expect(office.locator("#away")).to_be_visible()
            answer = httpx.get(f"{url}/", trust_env=False)
            assert answer.status_code == 200
        owner.get_by_role("link", name="Try again").click()
        expect(owner.locator("#complete")).to_contain_text("by proof")
        kinds = seen.evaluate_all("rows => rows.map((row) => row.dataset.kind)")
        assert kinds in (["opening"], ["consent", "opening"])
        owner.goto(f"{url}/consents")
        consent(owner)
        expect(owner.locator("#flash")).to_be_visible()
        doctor.goto(f"{url}/patients")
        doctor.locator("#patients tbody a").click()
        doctor.locator("#records tbody button").first.click()
        expect(doctor.locator("#record")).to_be_visible()
        owner.goto(f"{url}/history")
        kinds = seen.evaluate_all("rows => rows.map((row) => row.dataset.kind)")
        assert kinds[:2] == ["access", "consent"]
        office.get_by_role("link", name="Try again").click()
        expect(office.locator("#figure-accesses")).to_have_text("1")


def test_pages_over_tls_keep_the_cookie_to_themselves(browser: Browser, tmp_path: Path) -> None:
    """Goal: over TLS the session's cookie is for this host and TLS alone.

    Method: a real certificate; a browser, which refuses a cookie of this name that lacks an
    attribute (RFC 6265bis, section 4.1.3.2), signs in, gives a form and signs out; the same cookie
    under the name without prefix lets nobody in; a client that does not know the certificate gets
    nothing, nor does one without TLS.
    """
    certify(tmp_path)
    files = [f"--certificate={tmp_path}/node.pem", f"--certificate-key={tmp_path}/node.key"]
    with (
        founded(tmp_path, list(bundles(1))) as (home, ids),
        served(home, tmp_path, options=files) as url,
    ):
        live = Live(home, url, ids)
        assert url.startswith("https://")
        with signed_in(browser, live, ids[0], ignore_https_errors=True) as page:
            [cookie] = page.context.cookies()
            assert cookie["name"] == SAFE_COOKIE
            assert cookie["name"].startswith("__Host-")
            assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
            assert (cookie["sameSite"], cookie["path"]) == ("Strict", "/")
            page.goto(f"{url}/consents")
            consent(page)
            expect(page.locator("#flash")).to_be_visible()
            page.get_by_role("button", name="Sign out").click()
            expect(page.locator("#flash")).to_have_text("You are signed out.")
            assert page.context.cookies() == []
            page.goto(url)
            expect(page.locator("nav.pages")).to_have_count(0)
        known = ssl.create_default_context(cafile=tmp_path / "node.pem")
        with httpx.Client(base_url=url, verify=known, trust_env=False) as client:
            link = live.link(DOCTOR).rpartition("/")[2]
            answer = client.post("/enter", data={"link": link})
            assert answer.status_code == 303
            given = answer.headers["set-cookie"]
            found = re.fullmatch(rf"{SAFE_COOKIE}=([\w-]+); (.+)", given)
            assert found, given
            attributes = {part.strip().lower() for part in found[2].split(";")}
            assert {"secure", "httponly", "path=/", "samesite=strict"} <= attributes
            assert not any(part.startswith("domain") for part in attributes)
            assert client.get("/patients").status_code == 200
            client.cookies.clear()
            client.cookies.set(COOKIE, found[1])
            assert client.get("/patients").status_code == 401
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http"), trust_env=False)
