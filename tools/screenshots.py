"""Take the pictures of the status page that the documents show.

Run as `python -m tools.screenshots` in the root of the checkout. It makes a network under load
in a folder of its own, looks at its page with Chromium and writes `docs/images`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from trine._cli import local_network, processes
from trine.client.home import Home

ROOT = Path(__file__).resolve().parent.parent
TRINE = ROOT / ".venv" / "bin" / "trine"
IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GENERATED = {"organisation": 0, "seed": "pictures", "count": 2_000, "balance": 1_000_000_000}
# Transactions a second; each rate is held for PHASE_S, so that the chart shows a change.
RATES = (120, 260, 180, 340)
PHASE_S = 28
WINDOW: ViewportSize = {"width": 1120, "height": 1160}
SETTLE_MS = 6_000
PICTURES = (("status-page.png", "en-GB"), ("status-page.zh-CN.png", "zh-CN"))


def load(home: Path) -> None:
    """Hold each rate in turn, and record the documents between them."""
    for rate in RATES:
        amounts = ["--rate", f"{rate}", "--duration", f"{PHASE_S}", "--warmup", "0"]
        sent = ["bench", "load", *amounts, "--payload", "transfer", "--home", f"{home}"]
        subprocess.run([TRINE, *sent], check=True, stdout=subprocess.DEVNULL)


def take(url: str, browser: str, home: Path) -> None:
    """Open the page in each language while the last load runs, and write the pictures."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        pages = []
        for _, locale in PICTURES:
            page = chromium.new_page(viewport=WINDOW, locale=locale, color_scheme="light")
            page.goto(url)
            pages.append(page)
        load(home)
        documents = ["evidence", "submit", f"{ROOT / 'docs'}", "--out", f"{home / 'receipts'}"]
        subprocess.run([TRINE, *documents, "--home", f"{home}"], check=True)
        for (name, _), page in zip(PICTURES, pages, strict=True):
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=IMAGES / name, full_page=True)
        chromium.close()


def main() -> int:
    """Make the network, take the pictures, remove the network."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no browser: install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trine-pictures-") as folder:
        home = Home(Path(folder))
        local_network.create(home, 4, "intl", GENERATED)
        try:
            processes.start(home)
            processes.wait_until_final(home, print)
            take(home.urls()[0], browser, home.path)
        finally:
            processes.stop(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
