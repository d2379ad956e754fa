"""Test a hospital's pages as people use them: clinicians, patients, a reviewer, a regulator."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, PdfMargins, expect

from tests.cli.command import trine
from tests.page.hospital import MARKUP, REGULATOR, STAFF, Live, hospital, signed_in
from tests.suite import ONE_SUITE
from trine.apps.health.pages import clinician, patient, regulator
from trine.apps.health.pages.site import COOKIE, POLICY

pytestmark = [pytest.mark.network, ONE_SUITE]

MARGIN: PdfMargins = {"top": "1cm", "bottom": "1cm", "left": "1cm", "right": "1cm"}
DOCTOR, SECOND, REVIEWER = (name for name, _, _ in STAFF)
NAMES = {name: title for name, title, _ in STAFF}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A hospital with pages."""
    with hospital(tmp_path_factory.mktemp("hospital"), patients=4) as running:
        yield running


def give_consent(page: Page, live: Live, *types: str) -> None:
    """Give the doctor a consent to treatment, as the patient."""
    page.goto(f"{live.url}/consents")
    form = page.locator("#new-consent")
    form.get_by_label(NAMES[DOCTOR]).check()
    form.locator("input[name=purpose][value=TREAT]").check()
    for one in types:
        form.locator(f"input[name=type][value={one}]").check()
    form.get_by_role("button").click()
    expect(page.locator("#flash")).to_be_visible()


def find(page: Page, live: Live, local_id: str) -> None:
    """Find a patient by the number, and go to the records."""
    page.goto(f"{live.url}/patients")
    page.get_by_role("searchbox").fill(local_id)
    page.keyboard.press("Enter")
    page.locator("#patients tbody a").click()


def open_first(page: Page, type_name: str = "Observation", purpose: str = "TREAT") -> None:
    """Open the first record of a type."""
    page.locator("#type").select_option(type_name)
    page.locator("#filter button").click()
    page.locator("#purpose").select_option(purpose)
    page.locator("#records tbody tr").first.get_by_role("button").click()


def log_of(live: Live) -> str:
    """Number of the log of histories."""
    text = (live.home.path / "hospital" / "hospital.json").read_text()
    found = re.search(r'"histories_log": (\d+)', text)
    assert found
    return found[1]


def test_a_consent_opens_and_its_withdrawal_closes(
    browser: Browser, live: Live, tmp_path: Path
) -> None:
    """Goal: a record is shown under a consent only, and its patient sees who saw it.

    Method: without consent, with one for other types, with one, after its withdrawal; the patient
    reads each line, and verifies the downloaded history with the command line; a byte is changed.
    """
    local_id = live.patients[0]
    with (
        signed_in(browser, live, DOCTOR) as doctor,
        signed_in(browser, live, local_id) as owner,
    ):
        expect(doctor.locator("h1")).to_have_text("My patients")
        expect(doctor.locator("#patients")).to_have_count(0)
        find(doctor, live, local_id)
        open_first(doctor)
        expect(doctor.locator("#refused")).to_contain_text("has given no consent")
        give_consent(owner, live, "Condition")
        find(doctor, live, local_id)
        open_first(doctor)
        expect(doctor.locator("#refused")).to_contain_text("for other records than this one")
        give_consent(owner, live)
        doctor.goto(f"{live.url}/patients")
        expect(doctor.locator("#patients tbody tr")).to_have_count(1)
        doctor.locator("#patients tbody a").click()
        open_first(doctor)
        expect(doctor.locator("#record")).to_contain_text("LOINC")
        expect(doctor.locator("#access")).to_contain_text("Permitted by the consent")
        number = re.search(r"number (\d+)", doctor.inner_text("#access"))
        assert number
        owner.goto(f"{live.url}/history")
        expect(owner.locator("#complete")).to_contain_text("by proof")
        line = owner.locator("#seen tbody tr").first
        for text in ("opened", NAMES[DOCTOR], "Finding or measurement", "treatment", "consent"):
            expect(line).to_contain_text(text)
        expect(owner.locator("#opened")).to_have_text("1")
        expect(owner.locator("#refused")).to_have_text("2")
        owner.goto(f"{live.url}/consents")
        for _ in range(2):
            owner.locator(".consent button").first.click()
            expect(owner.locator("#flash")).to_contain_text("withdrawn")
        expect(owner.locator(".consent")).to_have_count(0)
        find(doctor, live, local_id)
        open_first(doctor)
        expect(doctor.locator("#refused")).to_contain_text("has withdrawn the consent")
        assert doctor.locator("#record").count() == 0
        owner.goto(f"{live.url}/history")
        expect(owner.locator("#seen tbody tr").first).to_contain_text("refused")
        with owner.expect_download() as loading:
            owner.get_by_role("link", name="Download the proof").click()
        path = tmp_path / "history.zip"
        loading.value.save_as(path)
        lines = owner.locator("#seen tbody tr").count()
    verify = ("health", "verify", path, "--trust", live.home.trust, "--log", log_of(live))
    done = trine(*verify, "--json")
    assert done.document["verified"] is True, done.err
    assert done.document["events"] == lines
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert trine(*verify, "--json").status != 0


def test_an_emergency_takes_two_people_and_a_review(browser: Browser, live: Live) -> None:
    """Goal: break-glass works by the pages, and its patient is told at once.

    Method: refused before; asked for; the asker cannot agree; the second does; the record opens
    without consent; the patient's notice; the reviewer, who had no part, judges it; it is over.
    """
    local_id = live.patients[1]
    with (
        signed_in(browser, live, DOCTOR) as doctor,
        signed_in(browser, live, SECOND) as second,
        signed_in(browser, live, REVIEWER) as reviewer,
        signed_in(browser, live, local_id) as owner,
    ):
        find(doctor, live, local_id)
        records = doctor.url
        open_first(doctor, purpose="BTG")
        expect(doctor.locator("#refused")).to_contain_text("No emergency of yours is open")
        doctor.goto(records)
        form = doctor.locator("#emergency")
        form.locator("input[name=reason]").fill("unconscious after an accident")
        form.get_by_role("button").click()
        expect(doctor.locator("#flash")).to_contain_text("Another clinician")
        doctor.goto(f"{live.url}/approvals")
        expect(doctor.get_by_text("Nothing waits for you")).to_be_visible()
        second.goto(f"{live.url}/approvals")
        expect(second.locator("main")).to_contain_text("unconscious after an accident")
        second.get_by_role("button", name="Agree").click()
        expect(second.locator("#flash")).to_contain_text("The patient was told")
        doctor.goto(records)
        expect(doctor.locator("#open-emergency")).to_be_visible()
        doctor.locator("#records tbody button").first.click()
        expect(doctor.locator("#access")).to_contain_text("without consent")
        owner.goto(f"{live.url}/notices")
        notice = owner.locator(".notice")
        for text in (NAMES[DOCTOR], NAMES[SECOND], "unconscious", "Not reviewed yet", "told"):
            expect(notice).to_contain_text(text)
        reviewer.goto(f"{live.url}/reviews")
        reviewer.get_by_label("not justified").check()
        reviewer.get_by_label("Why").fill("a relative could be reached")
        reviewer.get_by_role("button", name="Record the review").click()
        expect(reviewer.locator("#flash")).to_be_visible()
        expect(reviewer.get_by_text("No emergency waits")).to_be_visible()
        owner.reload()
        expect(notice).to_contain_text("Reviewed: not justified")
        doctor.goto(records)
        open_first(doctor, purpose="BTG")
        expect(doctor.locator("#refused")).to_be_visible()
        owner.goto(f"{live.url}/history")
        kinds = owner.locator("#seen tbody tr").evaluate_all(
            "rows => rows.map((row) => row.dataset.kind)"
        )
        assert kinds == ["refusal", "review", "access", "emergency", "refusal", "opening"]


def test_a_regulator_sees_totals_and_no_names(browser: Browser, live: Live, tmp_path: Path) -> None:
    """Goal: oversight without content. Method: before and after an access; what the page and the
    file hold is searched for names; the downloaded report verifies, and gives the same totals."""
    local_id = live.patients[2]
    with (
        signed_in(browser, live, REGULATOR) as office,
        signed_in(browser, live, DOCTOR) as doctor,
        signed_in(browser, live, local_id) as owner,
    ):
        name = owner.inner_text(".who").partition("\n")[0].strip()
        expect(office.locator("h1")).to_have_text("Accesses at city")
        before = int(office.inner_text("#figure-accesses"))
        give_consent(owner, live)
        find(doctor, live, local_id)
        open_first(doctor)
        expect(doctor.locator("#record")).to_be_visible()
        office.reload()
        expect(office.locator("#figure-accesses")).to_have_text(str(before + 1))
        expect(office.locator("#figure-histories")).to_have_text(str(len(live.patients)))
        expect(office.locator("#purposes tbody")).to_contain_text("treatment")
        expect(office.locator(".chart .bar")).not_to_have_count(0)
        shown = office.content()
        for secret in (name, local_id, NAMES[DOCTOR], "Dr."):
            assert secret
            assert secret not in shown
        with office.expect_download() as loading:
            office.get_by_role("link", name="Download the report").click()
        path = tmp_path / "report.zip"
        loading.value.save_as(path)
        refusals = int(office.inner_text("#figure-refusals"))
    assert name.encode() not in path.read_bytes()
    verify = ("health", "verify", path, "--trust", live.home.trust, "--json", "--log")
    done = trine(*verify, log_of(live))
    assert done.document["verified"] is True, done.err
    assert done.document["totals"]["access"] == before + 1
    assert done.document["totals"].get("refusal", 0) == refusals
    assert trine(*verify, "0").code == "history_mismatch"


def test_markup_in_records_is_text(browser: Browser, live: Live) -> None:
    """Goal: what a record says cannot act. Method: a patient and a record whose texts are markup,
    on every page that shows them; they stand there as text, and nothing ran."""
    with (
        signed_in(browser, live, "p-markup") as owner,
        signed_in(browser, live, DOCTOR, locale="zh-CN") as doctor,
    ):
        expect(owner.locator(".who")).to_contain_text(MARKUP)
        give_consent(owner, live)
        doctor.goto(f"{live.url}/patients?q={MARKUP[:12]}")
        expect(doctor.locator("#patients tbody tr")).to_contain_text(MARKUP)
        doctor.locator("#patients tbody a").click()
        expect(doctor.locator("h1")).to_contain_text(MARKUP)
        doctor.locator("#reason").fill(MARKUP)
        open_first(doctor)
        expect(doctor.locator("h1")).to_contain_text(MARKUP)
        doctor.locator("summary").click()
        expect(doctor.locator("pre")).to_contain_text(f"</pre>{MARKUP}")
        assert doctor.locator("main img, main script").count() == 0
        doctor.goto(f"{live.url}/patients?q=<b>x</b>")
        expect(doctor.locator("main")).to_contain_text("<b>x</b>")


@contextlib.contextmanager
def visitor(live: Live, name: str | None) -> Iterator[httpx.Client]:
    """Sign in without a browser."""
    with httpx.Client(base_url=live.url, trust_env=False, timeout=60) as client:
        if name is not None:
            answer = client.post("/enter", data={"link": live.link(name).rpartition("/")[2]})
            assert answer.status_code == 303, answer.text
        yield client


def code_of(answer: httpx.Response) -> str:
    """Code of the error of a page."""
    found = re.search(r'data-code="(\w+)"', answer.text)
    return found[1] if found else ""


def form_token(client: httpx.Client) -> str:
    """Token that the forms of the visitor's pages carry."""
    found = re.search(r'name="token" value="([^"]+)"', client.get("/", follow_redirects=True).text)
    assert found
    return found[1]


def test_each_role_has_its_own_routes(live: Live) -> None:
    """Goal: the server enforces roles. Method: every route as every role and as nobody.

    With a valid token each route of another role is refused with its code; nobody is asked to
    sign in; those of the own role answer.
    """
    routes = [*clinician.routes(), *patient.routes(), *regulator.routes()]
    assert len(routes) == 16
    people = {
        "clinician": DOCTOR,
        "reviewer": REVIEWER,
        "patient": live.patients[3],
        "regulator": REGULATOR,
        "": None,
    }
    for role, name in people.items():
        with visitor(live, name) as client:
            token = form_token(client) if name else ""
            for route in routes:
                path = re.sub(r"{\w+}", "0" * 64, route.path)
                data = {"token": token} if route.method == "POST" else None
                answer = client.request(route.method, path, data=data)
                place = (role, route.method, path, answer.status_code)
                if not role:
                    assert (answer.status_code, code_of(answer)) == (401, "sign_in_needed"), place
                elif role not in route.roles:
                    assert (answer.status_code, code_of(answer)) == (403, "not_your_page"), place
                else:
                    assert answer.status_code not in {401, 403, 500}, place


def test_forms_of_other_sites_are_refused(live: Live) -> None:
    """Goal: no site acts for a visitor. Method: every form without, and with another's token; a
    cross-site request with the right one; what is no form. The history stays as it was."""
    with visitor(live, live.patients[3]) as owner, visitor(live, DOCTOR) as doctor:
        token, others = form_token(owner), form_token(doctor)
        before = owner.get("/history").text.count("data-kind")
        posts = [one for one in patient.routes() if one.method == "POST"]
        for path in [one.path.replace("{consent}", "c") for one in posts] + ["/leave"]:
            for data in ({"x": ""}, {"token": ""}, {"token": others}):
                answer = owner.post(path, data=data)
                assert (answer.status_code, code_of(answer)) == (403, "form_not_ours")
            elsewhere = {"sec-fetch-site": "cross-site"}
            answer = owner.post(path, data={"token": token}, headers=elsewhere)
            assert (answer.status_code, code_of(answer)) == (403, "form_not_ours")
        answer = owner.post("/consents", json={"token": token})
        assert (answer.status_code, code_of(answer)) == (413, "form_too_large")
        answer = owner.post("/consents", data={"token": token, "x": "y" * 70_000})
        assert (answer.status_code, code_of(answer)) == (413, "form_too_large")
        assert owner.get("/history").text.count("data-kind") == before


def test_links_and_cookies(live: Live) -> None:
    """Goal: a link works once, a cookie until its person signs out. Method: look at a link twice,
    use it, use it again; the cookie's attributes; unknown links and cookies; sign out."""
    with httpx.Client(base_url=live.url, trust_env=False) as client:
        link = live.link(DOCTOR)
        for _ in range(2):
            assert "You stay signed in" in client.get(link).text
        data = {"link": link.rpartition("/")[2]}
        answer = client.post("/enter", data=data, headers={"sec-fetch-site": "cross-site"})
        assert code_of(answer) == "form_not_ours"
        answer = client.post("/enter", data=data)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert re.search(r"max-age=28800\b", cookie)
        assert client.get("/patients").status_code == 200
        for wrong in (data, {"link": "x"}, {"link": ""}, {"other": "x"}):
            with httpx.Client(base_url=live.url, trust_env=False) as other:
                answer = other.post("/enter", data=wrong)
                assert (answer.status_code, code_of(answer)) == (403, "link_spent")
                other.cookies.set(COOKIE, "x" * 43)
                assert code_of(other.get("/patients")) == "sign_in_needed"
        left = client.post("/leave", data={"token": form_token(client)})
        assert "You are signed out" in left.text
        assert code_of(client.get("/patients")) == "sign_in_needed"
    answer_unknown = trine("health", "link", "nobody", "--home", live.home.path, "--json")
    assert answer_unknown.code == "person_unknown"


def test_every_answer_is_guarded(live: Live) -> None:
    """Goal: browsers keep nothing and run nothing. Method: headers of pages, files and errors."""
    with visitor(live, DOCTOR) as client:
        for path in ("/", "/patients", "/style.css", "/nothing", "/patients/zz", "/enter/x"):
            answer = client.get(path)
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "<script" not in answer.text
        for path, code in (
            ("/nothing", "page_not_found"),
            ("/patients/zz", "page_not_found"),
            ("/patients/" + "0" * 64, "history_not_found"),
            ("/docs", "page_not_found"),
            ("/openapi.json", "page_not_found"),
        ):
            answer = client.get(path)
            assert (answer.status_code, code_of(answer)) == (404, code), path
    assert "script" not in POLICY.replace("default-src", "")
    assert "unsafe" not in POLICY


def test_pages_speak_both_languages(browser: Browser, live: Live) -> None:
    """Goal: Chinese and English. Method: a Chinese browser; the switch, which is remembered."""
    with signed_in(browser, live, live.patients[3], locale="zh-CN") as page:
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page.locator("h1")).to_have_text("谁在何时因何打开了什么")
        expect(page.locator("#complete b")).to_have_text(
            re.compile(r"截至 \d{4}年\d+月\d+日 \d\d:\d\d 完整")
        )
        page.get_by_role("link", name="English").click()
        expect(page.locator("h1")).to_have_text("Who opened what, when and why")
        page.goto(f"{live.url}/consents")
        expect(page.locator("h1")).to_have_text("Consents in force")


def fits(page: Page, width: int) -> None:
    """Nothing of a page is wider than the window, and no part of it is cut or scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    wide = page.evaluate(
        """(width) => [...document.querySelectorAll('body *')]
          .filter((one) => !one.closest('.hidden, .skip, thead, option'))
          .filter((one) => one.getBoundingClientRect().right > width + 0.5
            || (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
                && getComputedStyle(one).display !== 'inline' && one.tagName !== 'PRE'
                && one.tagName !== 'INPUT'))
          .map((one) => one.outerHTML.slice(0, 120))""",
        width,
    )
    assert wide == [], (page.url, wide)


@pytest.mark.parametrize(
    ("width", "locale"), [(390, "en-GB"), (390, "zh-CN"), (768, "en-GB"), (1280, "zh-CN")]
)
def test_pages_fit_the_screen(browser: Browser, live: Live, width: int, locale: str) -> None:
    """Goal: readable on a phone. Method: every page of every role, with consents in force and
    withdrawn, an emergency that waits, a record, a refusal and an error; nothing is too wide."""
    local_id, view = live.patients[3], {"width": width, "height": 800}
    with (
        signed_in(browser, live, DOCTOR, locale, (403, 404), viewport=view) as doctor,
        signed_in(browser, live, SECOND, locale, viewport=view) as second,
        signed_in(browser, live, local_id, locale, viewport=view) as owner,
        signed_in(browser, live, REVIEWER, locale, viewport=view) as reviewer,
        signed_in(browser, live, REGULATOR, locale, viewport=view) as office,
    ):
        give_consent(owner, live)
        fits(owner, width)
        for path in ("/patients", "/patients?all=1", "/patients?q=nobody", "/approvals", "/none"):
            doctor.goto(live.url + path)
            fits(doctor, width)
        find(doctor, live, local_id)
        fits(doctor, width)
        open_first(doctor)
        expect(doctor.locator("#record")).to_be_visible()
        doctor.locator("summary").click()
        fits(doctor, width)
        find(second, live, local_id)
        open_first(second)
        expect(second.locator("#refused")).to_be_visible()
        fits(second, width)
        find(doctor, live, local_id)
        doctor.locator("#emergency input[name=reason]").fill("unconscious, no relative reached")
        doctor.locator("#emergency button").click()
        fits(doctor, width)
        second.goto(f"{live.url}/approvals")
        fits(second, width)
        second.locator("main form button").first.click()
        reviewer.goto(f"{live.url}/reviews")
        fits(reviewer, width)
        owner.goto(f"{live.url}/notices")
        fits(owner, width)
        reviewer.locator("input[name=finding]").first.check()
        reviewer.locator("input[name=text]").fill("nobody else could be asked")
        reviewer.locator("main form button").click()
        owner.goto(f"{live.url}/consents")
        owner.locator(".consent button").first.click()
        for path in ("/consents", "/history", "/notices"):
            owner.goto(live.url + path)
            fits(owner, width)
        office.reload()
        fits(office, width)


def test_the_answer_prints_on_pages(browser: Browser, live: Live, tmp_path: Path) -> None:
    """Goal: who opened what, on paper. Method: a long table, on A4 with margins: it begins on the
    first page, its heads stand on each, nothing is a list as on a phone, and the zone of the times
    is named; what only a screen needs is left out."""
    path = tmp_path / "history.pdf"
    with signed_in(browser, live, live.patients[3]) as page:
        page.goto(f"{live.url}/history")
        page.evaluate("""() => {
          const body = document.querySelector('#seen tbody');
          const row = body.rows[0];
          for (let i = 0; i < 80; i++) body.append(row.cloneNode(true));
        }""")
        page.pdf(path=path, format="A4", margin=MARGIN)
    command = ["pdftotext", "-layout", str(path), "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    pages = done.stdout.split("\f")
    full = [one for one in pages if one.strip()]
    assert len(full) > 2
    heads = re.compile(r"When +Event +Who +What +Why +Under")
    assert "Who opened what" in full[0]
    assert all(heads.search(one) for one in full[:-1])
    assert len(full[0].splitlines()) > 40
    assert "Times are those of UTC" in full[-1]
    for absent in ("Sign out", "Download the proof", "My consents"):
        assert absent not in "".join(full)


def test_both_schemes_are_readable(browser: Browser, live: Live) -> None:
    """Goal: contrast in light and dark. Method: WCAG ratio of texts against their card."""
    measure = """() => {
      const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      const light = (color) => color.match(/\\d+/g).slice(0, 3).map(Number).map(channel)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const card = light(getComputedStyle(document.querySelector('.card')).backgroundColor);
      const ratio = (selector) => {
        const text = light(getComputedStyle(document.querySelector(selector)).color);
        return (Math.max(text, card) + 0.05) / (Math.min(text, card) + 0.05);
      };
      return [card, ...['h1', '.quiet', 'dd', 'dt', 'th', 'td', '.state'].map(ratio)];
    }"""
    cards = []
    for scheme in ("light", "dark"):
        with signed_in(browser, live, live.patients[0], color_scheme=scheme) as page:
            card, *ratios = page.evaluate(measure)
            cards.append(card)
            assert min(ratios) >= 4.5, ratios
    assert cards[0] > cards[1]


def test_the_keyboard_is_enough(browser: Browser, live: Live) -> None:
    """Goal: usable without a mouse. Method: skip link, search, result, by keys alone."""
    with signed_in(browser, live, DOCTOR) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type(live.patients[0])
        page.keyboard.press("Enter")
        link = page.locator("#patients tbody a")
        expect(link).to_have_count(1)
        for _ in range(20):
            page.keyboard.press("Tab")
            if link.evaluate("link => link === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.locator("#records")).to_be_visible()
