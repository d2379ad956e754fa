"""Start one network with evidence on it and one browser for all tests of the page."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.suite import SUITE

COMMAND = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "trine"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HTTP_SECONDS_MAX = 10
EXPECT_MS_MAX = 15_000


@dataclass(frozen=True)
class Network:
    """A running network: its home and the address of its first node."""

    home: Path
    url: str

    def trine(self, *arguments: str | Path) -> dict[str, Any]:
        """Run a command against this network and give its JSON document."""
        command = [COMMAND, *arguments, "--home", self.home, "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """Ask the first node."""
        with urlopen(self.url + path, timeout=HTTP_SECONDS_MAX) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Four validators that have recorded a file."""
    folder = tmp_path_factory.mktemp("page")
    home = folder / "home"
    up = [COMMAND, "up", "--home", home, "--detach", "--suite", SUITE]
    subprocess.run(up, check=True, timeout=180, stdout=subprocess.DEVNULL)
    try:
        status = Network(home, "").trine("status")
        started = Network(home, status["validators"][0]["url"].rstrip("/"))
        (folder / "note.txt").write_text("noted")
        started.trine("evidence", "submit", folder / "note.txt", "--out", folder / "receipts")
        yield started
    finally:
        subprocess.run([COMMAND, "down", "--home", home], check=False, timeout=60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of this machine; where it is missing, CI fails and others skip."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        message = "no browser: install chromium"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    # Other tests run beside: a page may take its time, what it shows must come.
    expect.set_options(timeout=EXPECT_MS_MAX)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def errors() -> list[str]:
    """What the page complained about; a test that opens it fails when there is anything."""
    return []


@pytest.fixture
def page(browser: Browser, network: Network, errors: list[str]) -> Iterator[Page]:
    """The status page, English and light, once it follows the chain."""
    context = browser.new_context(locale="en-GB", color_scheme="light")
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.goto(network.url + "/")
    expect(opened.locator("#connection")).to_have_attribute("data-state", "good")
    yield opened
    context.close()
    # The browser itself notes each "no such thing" that the node answers to a search.
    assert [error for error in errors if "status of 404" not in error] == []
