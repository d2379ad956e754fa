"""Test the status page as a reader uses it: look, search, switch language, on desk and phone."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import Network
from tests.suite import ONE_SUITE

pytestmark = pytest.mark.network


@pytest.fixture
def transaction(network: Network) -> dict[str, Any]:
    """The transaction that recorded the file."""
    listed = network.get("/v1/blocks?limit=100")["blocks"]
    holder = next(block for block in listed if block["transactions"])
    ids = network.get(f"/v1/blocks/{holder['height']}")["transactions"]
    return network.get(f"/v1/transactions/{ids[0]}")


def number(text: str) -> int:
    return int(text.replace(",", ""))


def search(page: Page, query: str) -> None:
    page.get_by_role("searchbox").fill(query)
    page.keyboard.press("Enter")


def test_page_follows_the_chain(page: Page) -> None:
    """Goal: height is live. Method: read it, wait until it is larger; blocks and bars follow."""
    shown = page.inner_text("#height")
    first = number(shown)
    expect(page.locator("#height")).not_to_have_text(shown)
    assert number(page.inner_text("#height")) > first
    # A young chain makes about a block a second.
    expect(page.locator("#blocks tbody tr")).to_have_count(10, timeout=20_000)
    assert number(page.inner_text("#blocks tbody tr:first-child a")) > first
    expect(page.get_by_role("img", name=re.compile("Transactions a second"))).to_be_visible()
    expect(page.locator("#chart rect")).to_have_count(120)


def test_validators_are_shown_with_their_state(page: Page) -> None:
    """Goal: who is behind is told in words. Method: a healthy network shows all in step."""
    expect(page.locator("#validators tbody tr")).to_have_count(4)
    expect(page.locator("#validators .pill", has_text="in step")).to_have_count(4)
    expect(page.locator("#validators-summary")).to_have_text("all 4 in step")


def test_latest_transaction_is_listed(page: Page, transaction: dict[str, Any]) -> None:
    """Goal: transactions appear. Method: the one that recorded a file, with call and outcome."""
    row = page.locator("#transactions tbody tr").filter(has_text=transaction["id"][:8])
    expect(row).to_contain_text("evidence.append")
    expect(row).to_contain_text("ok")


def test_search_finds_each_kind(page: Page, transaction: dict[str, Any]) -> None:
    """Goal: one box for all. Method: height, id, address, entry; each view shows its key."""
    entry = transaction["calls"][0]["decoded"]["entries"][0]
    height = transaction["height"]
    for query, title, shown in [
        (str(height), f"Block {height:,}", transaction["id"]),
        (transaction["id"], "Transaction", transaction["sender"]),
        ("0x" + transaction["sender"], "Account", transaction["sender"]),
        (entry, "Evidence entry", entry),
    ]:
        search(page, query)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.locator("#result")).to_contain_text(shown)
        link = page.get_by_role("link", name="Download the proof")
        proof = page.request.get(str(link.evaluate("link => link.href")))
        assert proof.ok, proof.text()
        assert proof.headers["content-type"] == "application/cbor"
    page.get_by_role("link", name="Back to the overview").click()
    expect(page.locator("#height")).to_be_visible()


@ONE_SUITE
@pytest.mark.parametrize("query", ["no such thing", "f" * 64, "f" * 40, "9" * 15, "<b>x</b>"])
def test_search_tells_when_nothing_is_found(page: Page, query: str) -> None:
    """Goal: a clear answer, and no markup from a query. Method: things that do not exist."""
    search(page, query)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Nothing found for “{query}”")
    expect(page.locator("#result b")).to_have_count(0)


@ONE_SUITE
def test_language_switches_and_is_remembered(page: Page) -> None:
    """Goal: Chinese and English. Method: switch, load again, switch back."""
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#validators-title")).to_contain_text("验证节点")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.reload()
    expect(page.locator("#blocks-title")).to_have_text("最新区块")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#blocks-title")).to_have_text("Latest blocks")


@ONE_SUITE
def test_page_speaks_the_browsers_language(browser: Browser, network: Network) -> None:
    """Goal: no switch needed. Method: open it with a Chinese browser."""
    page = browser.new_page(locale="zh-CN")
    page.goto(network.url + "/")
    expect(page.locator("#connection")).to_have_text("实时")
    page.close()


@pytest.mark.parametrize("width", [320, 390, 700, 768, 1024, 1280])
def test_page_fits_the_screen(browser: Browser, network: Network, width: int) -> None:
    """Goal: readable on a phone. Method: nothing is wider than the window, in any view."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    for view in ("", "#/block/1", "#/search/nothing"):
        page.goto(network.url + "/" + view)
        page.locator("#blocks tbody tr").first.wait_for(state="attached")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@ONE_SUITE
def test_dark_and_light_differ_and_are_readable(browser: Browser, network: Network) -> None:
    """Goal: both schemes have contrast. Method: WCAG ratio of text, quiet text and links."""
    measure = """() => {
      const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      const light = (color) => color.match(/\\d+/g).slice(0, 3).map(Number).map(channel)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const card = light(getComputedStyle(document.querySelector('.card')).backgroundColor);
      const ratio = (selector) => {
        const text = light(getComputedStyle(document.querySelector(selector)).color);
        return (Math.max(text, card) + 0.05) / (Math.min(text, card) + 0.05);
      };
      return [card, ...['dd', 'dt', '#blocks td a', '#validators .pill'].map(ratio)];
    }"""
    cards = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(network.url + "/")
        page.locator("#validators .pill").first.wait_for()
        page.locator("#blocks td a").first.wait_for()
        card, *ratios = page.evaluate(measure)
        cards.append(card)
        assert min(ratios) >= 4.5, ratios
        page.close()
    assert cards[0] > cards[1]


@ONE_SUITE
def test_page_asks_only_this_node(browser: Browser, network: Network) -> None:
    """Goal: self-contained. Method: record all requests; all go to the node, with its policy."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    response = page.goto(network.url + "/")
    page.locator("#blocks tbody tr").first.wait_for()
    assert response is not None
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(network.url).netloc}
    page.close()


@ONE_SUITE
def test_keyboard_reaches_everything(page: Page) -> None:
    """Goal: usable without a mouse. Method: Tab from the top; then the result has the focus."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[1:3] == ["language", "query"]
    search(page, "1")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
