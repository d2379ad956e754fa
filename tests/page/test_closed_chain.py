"""Test the status page where a vote closes the chain while somebody looks at it."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import Network
from tests.suite import ONE_SUITE

pytestmark = [pytest.mark.network, ONE_SUITE]

SECONDS_MS = 20_000


def _set_access(network: Network, value: int) -> None:
    words = ("proposal", "submit", "set-parameter", "read_access", str(value))
    number = str(network.trine(*words)["proposal"])
    for key in ("university", "hospital"):
        network.trine("proposal", "approve", number, "--key", key)


def _is_closed(page: Page, title: str) -> None:
    expect(page.locator("#closed-title")).to_have_text(title, timeout=SECONDS_MS)
    expect(page.locator("#connection")).to_have_attribute("data-state", "good")
    for hidden in ("#records", "#history", "#search"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#validators tbody tr")).to_have_count(4)


def test_the_page_says_who_reads(browser: Browser, network: Network) -> None:
    """Goal: a reader without a key is told so in plain words, not by broken tables. Method: look
    while the chain is closed by a vote, anew in Chinese, and while it is opened again."""
    errors: list[str] = []
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(network.url + "/")
    expect(page.locator("#blocks tbody tr")).not_to_have_count(0, timeout=SECONDS_MS)
    expect(page.locator("#closed")).to_be_hidden()
    _set_access(network, 1)
    _is_closed(page, "This chain is read by members only")
    page.goto(network.url + "/#/block/1")
    expect(page.locator("#result")).to_contain_text("Read them with your key")
    chinese = browser.new_context(locale="zh-CN")
    other = chinese.new_page()
    refused: list[str] = []
    other.on("console", lambda said: refused.append(said.text) if "401" in said.text else None)
    other.goto(network.url + "/")
    _is_closed(other, "本链仅限成员读取")
    shown = other.inner_text("#height")
    expect(other.locator("#height")).not_to_have_text(shown, timeout=SECONDS_MS)
    assert refused == [], "it asks for nothing that it may not have"
    _set_access(network, 0)
    expect(other.locator("#blocks tbody tr")).not_to_have_count(0, timeout=SECONDS_MS)
    expect(other.locator("#closed")).to_be_hidden()
    assert errors == []
    chinese.close()
    context.close()
