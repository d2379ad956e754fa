"""Test the page that checks evidence as a reader uses it: from a file, requests watched."""

import base64
import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services import golden, issued
from tests.suite import ONE_SUITE

pytestmark = ONE_SUITE

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "verify-js"
RECEIPTS = ROOT / "tests" / "proofs" / "vectors"
VECTORS = ROOT / "tests" / "services" / "vectors"
RECEIPT = [RECEIPTS / name for name in ("vector.txt", "vector.receipt", "trust.json")]
ISSUER_BYTE = 0x08


def built() -> bytes:
    """Build the page and return it."""
    subprocess.run(["npm", "run", "--silent", "page"], cwd=CLIENT, check=True, timeout=120)
    return (CLIENT / "dist" / "verify.html").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, alone in a folder."""
    if not shutil.which("npm") or not (CLIENT / "node_modules" / "esbuild").exists():
        message = "the page cannot be built: run tools/javascript.sh once"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    path = tmp_path_factory.mktemp("verify") / "verify.html"
    path.write_bytes(built())
    return path


@pytest.fixture
def opened(browser: Browser, place: Path) -> Iterator[Page]:
    """The page in English; whatever it asked for, or complained about, fails the test."""
    yield from _opened(browser, place, "en-GB")


@pytest.fixture
def chinese(browser: Browser, place: Path) -> Iterator[Page]:
    """The page in a Chinese browser."""
    yield from _opened(browser, place, "zh-CN")


def _opened(browser: Browser, place: Path, locale: str) -> Iterator[Page]:
    context = browser.new_context(locale=locale, color_scheme="light")
    asked: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(place.as_uri())
    yield page
    context.close()
    assert [url for url in asked if not url.startswith("data:")] == [place.as_uri()]
    assert errors == []


def give(page: Page, *files: Path) -> None:
    """Choose files, which the page sorts."""
    page.set_input_files("#any", list(files))


def verdict(page: Page, expected: str) -> None:
    """Wait for a verdict."""
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", expected, timeout=20_000)


def states(page: Page) -> list[str]:
    """States of the steps, in order."""
    rows = page.locator("#steps > li")
    found = rows.evaluate_all("rows => rows.map((row) => row.dataset.state)")
    return [str(state) for state in found]


def altered(path: Path, folder: Path, at: int = -1) -> Path:
    """A copy of a file with one bit flipped."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    copy = folder / path.name
    copy.write_bytes(data)
    return copy


def golden_key(algorithm: str) -> str:
    """Public half of the golden issuer's key."""
    return golden.text_of(golden.key_of(algorithm, ISSUER_BYTE))


def test_the_page_is_the_same_each_time(place: Path) -> None:
    """Goal: who publishes its digest can be checked. Method: build it again; nothing is outside."""
    content = place.read_bytes()
    assert built() == content
    text = content.decode()
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in text
    assert "unsafe" not in text[: text.index("<style>")]
    assert len(content) < 200_000


def test_it_waits_and_says_for_what(opened: Page) -> None:
    """Goal: a newcomer knows what to do. Method: the empty page, then one file after the other."""
    verdict(opened, "waiting")
    expect(opened.locator("#needed li")).to_have_count(3)
    for left, path in ((2, RECEIPT[1]), (1, RECEIPT[2])):
        give(opened, path)
        expect(opened.locator("#needed li")).to_have_count(left)
    give(opened, RECEIPT[0])
    verdict(opened, "good")
    opened.get_by_role("button", name="Start again").click()
    verdict(opened, "waiting")
    expect(opened.locator("#steps-card")).to_be_hidden()


def test_a_receipt_is_verified(opened: Page) -> None:
    """Goal: who, when, which log. Method: the golden receipt, all files at once."""
    give(opened, *RECEIPT)
    verdict(opened, "good")
    expect(opened.get_by_role("heading", level=1)).to_have_text("Verified")
    assert set(states(opened)) == {"ok"}
    facts = opened.locator("#facts")
    for text in ("vector.txt", "vectors", "n0, n2, n1", "number 6 of 11", "UTC"):
        expect(facts).to_contain_text(text)
    expect(opened.locator("#limits li")).to_have_count(4)


def test_files_can_be_dropped(opened: Page) -> None:
    """Goal: drag and drop. Method: a drop with three files; another on the slot of the file."""
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in RECEIPT]
    drop = """([selector, files]) => {
      const transfer = new DataTransfer();
      for (const [name, text] of files) {
        const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
      }
      const given = { dataTransfer: transfer, bubbles: true, cancelable: true };
      document.querySelector(selector).dispatchEvent(new DragEvent("drop", given));
    }"""
    opened.evaluate(drop, ["#drop", files])
    verdict(opened, "good")
    opened.evaluate(drop, ["#slot-file", files[1:2]])
    verdict(opened, "refused")


def test_a_tampered_file_is_noticed(opened: Page, tmp_path: Path) -> None:
    """Goal: one bit is enough. Method: flip it in the file, then in the receipt."""
    give(opened, *RECEIPT[1:], altered(RECEIPT[0], tmp_path))
    verdict(opened, "refused")
    expect(opened.locator("#verdict-text")).to_contain_text("not the one that the receipt is about")
    assert states(opened)[-2:] == ["failed", "unchecked"]
    expect(opened.locator("#steps")).to_contain_text("file_altered")
    give(opened, RECEIPT[0], altered(RECEIPT[1], tmp_path, at=200))
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("proof_mismatch")


def test_a_wrong_trust_file_is_named(opened: Page) -> None:
    """Goal: nobody believes a stranger's chain. Method: the trust file of another chain."""
    give(opened, *RECEIPT[:2], VECTORS / "intl-trust.json")
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("wrong_trust")
    expect(opened.locator("#facts")).to_contain_text("made-up")


def test_a_certificate_is_read_and_its_page_is_not(opened: Page, tmp_path: Path) -> None:
    """Goal: honest about the PDF. Method: a right one; one cut; one whose page was changed."""
    pdf = VECTORS / "certificate.pdf"
    give(opened, RECEIPT[0], RECEIPT[2], pdf)
    verdict(opened, "good")
    expect(opened.locator("#verdict-text")).to_contain_text("were not compared")
    assert states(opened)[-1] == "unchecked"
    give(opened, altered(pdf, tmp_path, at=-500))
    verdict(opened, "good")
    expect(opened.locator("#steps > li").last).to_contain_text("trine evidence verify")
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(pdf.read_bytes()[:400])
    give(opened, cut)
    verdict(opened, "bad_input")
    expect(opened.locator("#steps")).to_contain_text("not_a_certificate")


@pytest.mark.parametrize(
    ("algorithm", "suite"), [("ed25519", "intl"), ("p256", "intl"), ("sm2", "gm")]
)
def test_a_statement_is_verified(opened: Page, tmp_path: Path, algorithm: str, suite: str) -> None:
    """Goal: every step, none assumed. Method: give one input after the other; then alter it."""
    statement = VECTORS / f"{algorithm}.transparent"
    give(opened, statement)
    verdict(opened, "partial")
    assert states(opened).count("unchecked") == 4
    expect(opened.locator("#issuer-slot")).to_contain_text("proves nothing")
    give(opened, VECTORS / "report.txt", VECTORS / f"{suite}-trust.json")
    give(opened, VECTORS / f"{suite}-keys.cbor")
    expect(opened.locator("[data-state=unchecked]")).to_have_count(1)
    verdict(opened, "partial")
    opened.get_by_label("Key of the issuer").fill(golden_key(algorithm))
    opened.keyboard.press("Enter")
    verdict(opened, "good")
    assert set(states(opened)) == {"ok"}
    for text in ("https://city.example", "https://log.example", "number 1 of 3", "n0, n1, n2"):
        expect(opened.locator("#facts")).to_contain_text(text)
    give(opened, altered(statement, tmp_path))
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("cose_signature")


@pytest.mark.parametrize("suite", ["intl", "gm"])
def test_a_certificate_says_by_whom(opened: Page, tmp_path: Path, suite: str) -> None:
    """Goal: organisation and account on the page. Method: both suites and languages; an altered
    proof; a certificate without such proofs."""
    paper, own = VECTORS / f"origin-{suite}.pdf", VECTORS / "origin" / suite
    give(opened, paper, own / "report.txt", own / "trust.json")
    verdict(opened, "good")
    for text in ("By whom", "city, number 0 of the chain", "Its account", "Transaction"):
        expect(opened.locator("#facts")).to_contain_text(text)
    expect(opened.locator("#steps")).to_contain_text("An organisation's account recorded it")
    expect(opened.locator("#limits")).to_contain_text("which person used the account")
    opened.get_by_role("button", name="中文").click()
    expect(opened.locator("#facts")).to_contain_text("city，链上第 0 号")
    expect(opened.locator("#steps")).to_contain_text("由某组织的账户记录")
    opened.get_by_role("button", name="English").click()
    sent = (own / "transaction.proof").read_bytes()
    give(opened, altered(paper, tmp_path, at=paper.read_bytes().index(sent) + len(sent) // 2))
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("proof_mismatch")
    give(opened, *RECEIPT, VECTORS / "certificate.pdf")
    verdict(opened, "good")
    expect(opened.locator("#facts")).not_to_contain_text("By whom")


@pytest.mark.parametrize(
    ("algorithm", "suite"), [("ed25519", "intl"), ("p256", "intl"), ("sm2", "gm")]
)
def test_the_certificate_of_a_statement_is_verified(
    opened: Page, tmp_path: Path, algorithm: str, suite: str
) -> None:
    """Goal: by whom, step by step, from the PDF. Method: with the keys inside, with one's own, with
    a stranger's, and altered in the statement."""
    paper = VECTORS / f"signed-{algorithm}.pdf"
    give(opened, paper)
    verdict(opened, "waiting")
    give(opened, VECTORS / f"{suite}-trust.json", VECTORS / "report.txt")
    verdict(opened, "partial")
    assert states(opened).count("unchecked") == 3
    expect(opened.locator("#steps")).to_contain_text("Whose key it is")
    expect(opened.locator("#steps")).to_contain_text(golden_key(algorithm))
    give(opened, VECTORS / f"{suite}-keys.cbor")
    opened.get_by_label("Key of the issuer").fill(golden_key(algorithm))
    opened.keyboard.press("Enter")
    verdict(opened, "good")
    assert states(opened).count("unchecked") == 1
    expect(opened.locator("#verdict-text")).to_contain_text("https://city.example signed this")
    expect(opened.locator("#verdict-text")).to_contain_text("were not compared")
    for text in ("https://log.example", "number 1 of 3", "n0, n1, n2"):
        expect(opened.locator("#facts")).to_contain_text(text)
    opened.get_by_role("button", name="中文").click()
    expect(opened.locator("#steps")).to_contain_text("PDF 的页面")
    opened.get_by_role("button", name="English").click()
    at = paper.read_bytes().index(b"\nendstream") - 1  # in the receipt, behind the statement
    give(opened, altered(paper, tmp_path, at=at))
    verdict(opened, "refused")
    give(opened, paper)
    verdict(opened, "good")
    opened.get_by_label("Key of the issuer").fill(golden.text_of(golden.key_of(algorithm, 9)))
    opened.keyboard.press("Enter")
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("cose_signature")


def test_the_certificate_of_a_statement_names_who_vouches(opened: Page) -> None:
    """Goal: an issuer known by a root. Method: the root inside, one's own, and another."""
    trust, keys = VECTORS / "intl-trust.json", VECTORS / "intl-keys.cbor"
    give(opened, VECTORS / "signed-root.pdf", trust, keys, VECTORS / "report.txt")
    verdict(opened, "partial")
    expect(opened.locator("#steps")).to_contain_text("the root CN=root,O=City came with the PDF")
    family = issued.FAMILIES[0].name
    give(opened, VECTORS / f"{family}-roots.pem")
    verdict(opened, "good")
    expect(opened.locator("#facts")).to_contain_text("certificate of CN=lab,O=City, by CN=root")
    give(opened, VECTORS / f"{family}-foreign-roots.pem")
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("unknown_issuer")


@pytest.mark.parametrize("family", issued.FAMILIES, ids=lambda one: one.name)
def test_an_issuer_is_known_by_a_root(opened: Page, family: issued.Family) -> None:
    """Goal: who vouches for the issuer stands on the page. Method: without the root, with it, in
    both languages, and with another root."""
    suite = family.suite
    give(opened, VECTORS / f"{family.name}.chained", VECTORS / "report.txt")
    give(opened, VECTORS / f"{suite}-trust.json", VECTORS / f"{suite}-keys.cbor")
    expect(opened.locator("[data-state=unchecked]")).to_have_count(1)
    verdict(opened, "partial")
    expect(opened.locator("[data-state=unchecked]")).to_contain_text("nor a root")
    give(opened, VECTORS / f"{family.name}-roots.pem")
    verdict(opened, "good")
    assert set(states(opened)) == {"ok"}
    words = "certificate of CN=lab,O=City, by CN=root,O=City"
    expect(opened.locator("#facts")).to_contain_text(words)
    expect(opened.locator("#steps")).to_contain_text("A root vouches for the issuer")
    expect(opened.locator("#limits")).to_contain_text("was revoked")
    opened.get_by_role("button", name="中文").click()
    expect(opened.locator("#facts")).to_contain_text("CN=lab,O=City 的证书，由 CN=root,O=City 担保")
    expect(opened.locator("#steps")).to_contain_text("根证书为签发者担保")
    give(opened, VECTORS / f"{family.name}-foreign-roots.pem")
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("unknown_issuer")


def test_what_does_not_belong_is_told(opened: Page) -> None:
    """Goal: mistakes are explained where they are made. Method: wrong files in every slot."""
    for slot, code in (
        ("trust", "The file is no usable trust file"),
        ("keys", "A header of a COSE message"),
        ("roots", "The file holds no X.509 certificate"),
    ):
        opened.set_input_files(f"#choose-{slot}", RECEIPT[0])
        expect(opened.locator(f"#slot-{slot} [role=alert]")).to_contain_text(code)
        verdict(opened, "waiting")
    give(opened, RECEIPT[0], RECEIPT[2])
    opened.set_input_files("#choose-evidence", RECEIPT[0])
    verdict(opened, "bad_input")
    expect(opened.locator("#steps")).to_contain_text("not_a_proof")
    opened.get_by_label("Key of the issuer").fill("key")
    give(opened, VECTORS / "ed25519.transparent")
    expect(opened.locator("#steps")).to_contain_text("bad_argument")


def test_large_files_are_read_in_pieces(opened: Page, tmp_path: Path) -> None:
    """Goal: no file is too large. Method: one that is larger than all evidence."""
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(20 * 1024 * 1024))
    give(opened, large, *RECEIPT[1:])
    verdict(opened, "refused")
    expect(opened.locator("#steps")).to_contain_text("20971520 bytes")


def test_names_stay_text(opened: Page, tmp_path: Path) -> None:
    """Goal: no markup from a file's name. Method: a name that is some."""
    named = tmp_path / "<img src=x onerror=alert(1)>.txt"
    shutil.copy(RECEIPT[0], named)
    give(opened, named, *RECEIPT[1:])
    verdict(opened, "good")
    expect(opened.locator("#facts")).to_contain_text("<img src=x")
    expect(opened.locator("#facts img")).to_have_count(0)


def test_both_languages_say_the_same(opened: Page) -> None:
    """Goal: Chinese and English. Method: switch with a result on the page, and back."""
    give(opened, *RECEIPT)
    verdict(opened, "good")
    before = states(opened)
    opened.get_by_role("button", name="中文").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("核验通过")
    assert opened.get_attribute("html", "lang") == "zh-CN"
    expect(opened.locator("#facts")).to_contain_text("验证节点")
    assert states(opened) == before
    opened.get_by_role("button", name="English").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("Verified")


def test_it_speaks_the_browsers_language(chinese: Page, tmp_path: Path) -> None:
    """Goal: no switch needed. Method: a Chinese browser, and the words of a refusal."""
    expect(chinese.get_by_role("heading", level=1)).to_have_text("尚未核验")
    give(chinese, *RECEIPT[1:], altered(RECEIPT[0], tmp_path))
    verdict(chinese, "refused")
    expect(chinese.locator("#steps")).to_contain_text("此步骤失败")


def test_on_paper_only_the_result(opened: Page) -> None:
    """Goal: a page for the file. Method: print styles; when and what was checked stands there."""
    give(opened, *RECEIPT)
    verdict(opened, "good")
    opened.emulate_media(media="print")
    expect(opened.locator("#given")).to_be_hidden()
    expect(opened.locator("#printed")).to_contain_text("the file was vector.txt")
    expect(opened.locator("#steps")).to_be_visible()


@pytest.mark.parametrize("width", [320, 700, 1280])
def test_page_fits_the_screen(opened: Page, width: int) -> None:
    """Goal: readable on a phone. Method: nothing is wider than the window, with a result too."""
    opened.set_viewport_size({"width": width, "height": 800})
    give(opened, *RECEIPT)
    verdict(opened, "good")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_keyboard_reaches_everything(opened: Page) -> None:
    """Goal: usable without a mouse. Method: Tab from the top, to the key of the issuer."""
    reached = []
    for _ in range(10):
        opened.keyboard.press("Tab")
        reached.append(opened.evaluate("document.activeElement.id"))
    slots = ["file", "evidence", "trust", "keys", "roots"]
    wanted = ["language", "any", *(f"choose-{slot}" for slot in slots), "issuer", "print"]
    assert [name for name in reached if name] == wanted


def received(listening: socket.socket) -> bytes:
    """Everything that came in; a browser may open connections in advance, and say nothing."""
    listening.setblocking(False)
    data = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(1)
                data += connection.recv(1_000)
    return data


def test_the_policy_forbids_the_network(browser: Browser, place: Path) -> None:
    """Goal: even a fault could send nothing. Method: try to, in every way that scripts have."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(place.as_uri())
    attempts = """async (host) => {
      const blocked = [];
      document.addEventListener("securitypolicyviolation",
        (event) => blocked.push(event.effectiveDirective));
      const url = `http://${host}/`;
      await fetch(url, { signal: AbortSignal.timeout(500) }).catch(() => undefined);
      try { new WebSocket(`ws://${host}/`); } catch { /* some browsers throw */ }
      navigator.sendBeacon(url);
      new Image().src = url;
      const script = document.createElement("script");
      script.src = url;
      document.head.append(script);
      const form = document.createElement("form");
      form.action = url;
      document.body.append(form);
      form.submit();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return blocked;
    }"""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        blocked = page.evaluate(attempts, f"127.0.0.1:{listening.getsockname()[1]}")
        context.close()
        assert received(listening) == b""
    assert {"connect-src", "img-src", "script-src-elem", "form-action"} <= set(blocked)
