"""Run networks for tests: four organisations, each with a home of its own, or all in one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.command import Ended, trine
from tests.suite import SUITE
from trine import Client
from trine._cli.ports import free_ports
from trine.client.home import Home

MEMBERS = ("city", "harbour", "university", "court")
BLOCKS_PER_EPOCH = "16"
"""Few, since tests wait for the next epoch."""


def free_address() -> str:
    """An address of this machine at which nobody listens, and that nobody else is given."""
    [port] = free_ports(Home(Path(secrets.token_hex(8))), 1)
    return f"127.0.0.1:{port}"


def url_of(home: Path) -> str:
    """Address of the one node of a home."""
    [url] = Home(home).urls()
    return url


def ask(url: str, path: str) -> Any:
    """Ask a node; gives the JSON of its answer."""
    answer = httpx.get(url + path, timeout=30, trust_env=False)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


@contextmanager
def local(home: Path) -> Iterator[Path]:
    """Run a network of four in one home meanwhile."""
    good("up", "--detach", "--home", home, cwd=home.parent)
    try:
        yield home
    finally:
        trine("down", "--home", home)


def good(*words: str | Path, cwd: Path) -> Ended:
    ended = trine(*words, "--json", cwd=cwd)
    assert ended.status == 0, ended.err + ended.out
    return ended


@dataclass(frozen=True)
class Members:
    """Members of a network, each with a home in one folder, and their cards."""

    folder: Path
    fingerprint: str

    def home(self, member: str) -> Path:
        return self.folder / member

    def cards(self) -> list[str]:
        return [f"{name}.card" for name in MEMBERS]

    def run(self, member: str, *words: str | Path) -> Any:
        """Run a command in a member's home; it must succeed."""
        return good(*words, "--home", self.home(member), cwd=self.folder).document

    def client(self, member: str) -> Client:
        home = Home(self.home(member))
        return Client(home.urls(), key=home.open_key())


@contextmanager
def founded(folder: Path) -> Iterator[Members]:
    """Found a network of four that runs meanwhile."""
    create = ("network", "create", "trade", "--suite", SUITE, "--organisation", "city")
    rest = ("--blocks-per-epoch", BLOCKS_PER_EPOCH, "--address", free_address())
    first = good(*create, *rest, "--home", folder / "city", cwd=folder).document
    # One gets the card as a line, the others as a file.
    for name, card in zip(MEMBERS[1:], (first["code"], "city.card", "city.card"), strict=True):
        own = ("--organisation", name, "--address", free_address(), "--home", folder / name)
        good("network", "join", card, *own, cwd=folder)
    cards = [f"{name}.card" for name in MEMBERS]
    shown = [good("network", "show", *order, cwd=folder) for order in (cards, cards[::-1])]
    assert shown[0].document == shown[1].document, "the order of the cards does not matter"
    found = Members(folder, shown[0].document["fingerprint"])
    try:
        for place, name in enumerate(MEMBERS):
            # The last but one makes a quorum.
            wait = "0" if place < len(MEMBERS) - 1 else "60"
            words = ("network", "start", *cards, "--fingerprint", found.fingerprint)
            document = found.run(name, *words, "--wait", wait)
            assert document["fingerprint"] == found.fingerprint
            assert (document["height"] is None) == (wait == "0")
        yield found
    finally:
        for home in folder.glob("*/network.json"):
            trine("down", "--home", home.parent)
