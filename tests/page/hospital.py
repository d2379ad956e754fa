"""Run a hospital with its pages, on a chain of one validator, with records that are made up."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.cli.command import trine
from tests.services.chains import chain
from trine.apps.health.canonical import canonical
from trine.apps.health.generator import generate_bundles
from trine.client.home import Home

SECONDS_MAX = 60
PAGE_MS_MAX = 15_000
RECORDS = 30
"""Records of each patient at most."""
STAFF = (
    ("dr-li", "Dr. Li Wen", "clinician"),
    ("dr-braun", "Dr. Jonas Braun", "clinician"),
    ("prof-chen", "Prof. Ada Chen", "reviewer"),
)
REGULATOR = "Health Office"
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
SPECIAL: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p-markup", "name": [{"text": MARKUP}]}},
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "subject": {"reference": "Patient/p-markup"},
                "code": {
                    "text": MARKUP,
                    "coding": [{"system": "javascript:alert(3)", "code": "x"}],
                },
                "valueString": MARKUP,
                "note": [{"text": f"</pre>{MARKUP}"}],
                "effectiveDateTime": "2026-11-27",
            }
        },
    ],
}
"""A patient whose texts would be markup elsewhere."""


@dataclass
class Live:
    """A hospital whose pages are served."""

    home: Home
    url: str
    patients: list[str] = field(default_factory=list)
    """The hospital's own ids of patients."""

    def link(self, name: str) -> str:
        """Make a link for somebody."""
        words = ["health", "link", name, "--url", self.url, "--home", str(self.home.path)]
        made = trine(*words, *(["--regulator"] if name == REGULATOR else []))
        assert made.status == 0, made.err
        return made.out.strip()


def bundles(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Bundles of made-up patients, cut short: entries point backwards only."""
    for bundle in islice(generate_bundles(seed), count):
        yield {**bundle, "entry": bundle["entry"][:RECORDS]}


@contextlib.contextmanager
def hospital(folder: Path, patients: int) -> Iterator[Live]:
    """Run one with people, patients and pages."""
    with (
        founded(folder, [*bundles(patients), SPECIAL]) as (home, ids),
        served(home, folder) as url,
    ):
        yield Live(home, url, ids)


@contextlib.contextmanager
def founded(folder: Path, given: Sequence[dict[str, Any]]) -> Iterator[tuple[Home, list[str]]]:
    """Found one with people and the records of some Bundles; yields the patients' own ids too."""
    with chain(Home(folder / "home")) as home:
        place = ["--home", str(home.path)]
        run("health", "found", "city", "--key", "admin", *place)
        for name, title, role in STAFF:
            run("health", "enrol", name, "--title", title, "--role", role, *place)
        paths = []
        for number, bundle in enumerate(given):
            path = folder / f"{number}.json"
            path.write_bytes(canonical(bundle))
            paths.append(str(path))
        if paths:
            run("health", "receive", *paths, "--key", "admin", *place)
        yield home, patients_of(given)


def patients_of(given: Sequence[dict[str, Any]]) -> list[str]:
    """The hospital's own ids of the patients in Bundles."""
    resources = [entry["resource"] for bundle in given for entry in bundle["entry"]]
    return [one["id"] for one in resources if one["resourceType"] == "Patient"]


def run(*words: str) -> str:
    """Run a command that must succeed."""
    ended = trine(*words)
    assert ended.status == 0, ended.err
    return ended.out


@contextlib.contextmanager
def served(
    home: Home, folder: Path, zone: str = "UTC", options: Sequence[str] = ()
) -> Iterator[str]:
    """Serve the pages of the hospital in a home, with more options; yields their address."""
    command = [sys.executable, "-m", "trine", "health", "serve", "--home", str(home.path)]
    command += ["--key", "admin", "--listen", "127.0.0.1:0", "--time-zone", zone, *options]
    errors = folder / "serve.err"
    with errors.open("a") as file:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http"), errors.read_text()[-2_000:]
        yield line.strip()
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)
    assert "Traceback" not in errors.read_text(), errors.read_text()[-4_000:]


@contextlib.contextmanager
def signed_in(
    browser: Browser,
    live: Live,
    name: str,
    locale: str = "en-GB",
    statuses: Sequence[int] = (403,),
    **options: Any,
) -> Iterator[Page]:
    """Sign somebody in with a new link; complaints and requests to others fail the test.

    Answers with `statuses` are none.
    """
    context = browser.new_context(locale=locale, **{"color_scheme": "light", **options})
    asked, errors = set[str](), list[str]()
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    context.set_default_timeout(PAGE_MS_MAX)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"a dialog: {dialog.message}"))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(live.link(name))
    page.locator("main button").click()
    page.wait_for_load_state()
    yield page
    context.close()
    assert asked == {urlsplit(live.url).netloc}
    # The browser itself notes each refusal that the server answers with.
    noted = tuple(f"status of {status}" for status in statuses)
    left = [error for error in errors if not any(one in error for one in noted)]
    assert left == [], left
