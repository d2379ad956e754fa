"""Test that organisations found a network together, each with a home of its own."""

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import MEMBERS, Members, founded, free_address, good
from tests.suite import ONE_SUITE, SUITE
from trine.client.card import CARD_BYTES_MAX, CODE_PREFIX, read_card
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS
from trine.errors import BadCard
from trine.types import LogCreate

pytestmark = pytest.mark.network

SECONDS_MAX = 120


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """A network of four that runs while the module's tests do."""
    with founded(tmp_path_factory.mktemp("founding")) as found:
        yield found


def test_members_run_one_chain(members: Members) -> None:
    """Goal: each member's node is of the chain that all saw. Method: ask each."""
    chains = {members.run(name, "status")["chain_id"] for name in MEMBERS}
    [chain] = chains
    assert chain.startswith(members.fingerprint.replace(" ", ""))
    text = trine("status", "--home", members.home("court")).out
    assert "trade" in text
    assert all(name in text for name in MEMBERS)


def test_no_secret_leaves_a_home(members: Members) -> None:
    """Goal: cards hold nothing secret. Method: look for the secrets in all that others see."""
    seen = "".join((members.folder / card).read_text() for card in members.cards())
    seen += members.home("city").joinpath("genesis.json").read_text()
    for name in MEMBERS:
        home = members.home(name)
        [file] = home.glob("nodes/*/validator.key")
        for secret in (file, home / "keys" / "admin.password"):
            assert secret.stat().st_mode & 0o077 == 0
            assert secret.read_text().strip() not in seen


@ONE_SUITE
def test_a_home_goes_on(members: Members) -> None:
    """Goal: a member's node stops and starts like a local one. Method: `down`, then `up`."""
    assert members.run("court", "down")["stopped"] == ["court"]
    assert members.run("court", "up", "--detach")["height"] >= 1
    again = members.run("court", "network", "start")
    assert again["fingerprint"] == members.fingerprint


def test_a_fifth_joins_by_vote(members: Members) -> None:
    """Goal: an organisation joins the network while it runs. Method: its card, proposals that the
    members approve, blocks until the epoch that names it, its node's own view, and what `doctor`
    says of it to another."""
    words = ("network", "join", members.home("city") / "genesis.json", "--organisation", "bank")
    refused = trine(*words, "--address", free_address(), "--home", members.home("bank"), "--json")
    assert refused.code == "bad_argument", "a fingerprint is needed"
    told = ("--fingerprint", members.fingerprint, "--address", free_address())
    card = members.run("bank", *words, *told)
    administrator = "{algorithm}:{key}".format(**card["administrator"])
    propose = ("proposal", "submit")
    _decide(members, *propose, "create-organisation", "bank", administrator)
    with members.client("city") as client:
        [number] = [one.id for one in client.organisations() if one.name == "bank"]
    votes = f"{SUITE_ALGORITHMS[SUITE]}:{card['validator']['key']}"
    admit = ("admit-validator", votes, "--organisation", str(int(number)))
    where = ("--name", "bank", "--address", card["validator"]["address"])
    _decide(members, *propose, *admit, *where)
    members.run("bank", "network", "start", "--wait", "0")
    url = Home(members.home("bank")).urls()[0]
    with members.client("city") as client:
        deadline = time.monotonic() + SECONDS_MAX
        for turn in range(10_000):
            client.submit(LogCreate(name=f"log-{turn}"))
            if turn % 20 == 0 and _knows_itself(url):
                break
            assert time.monotonic() < deadline, "the fifth does not follow"
    # Its administrator uses its own node.
    with members.client("bank") as client:
        assert client.submit(LogCreate(name="own")).height > 0
    examined = trine("doctor", "--home", members.home("city"), "--json").document
    levels = {one["check"]: one["level"] for one in examined["findings"]}
    assert levels["peer bank"] == "ok", "the genesis does not know its address"


def _decide(members: Members, *proposal: str) -> None:
    """Submit a proposal by the city, and let others approve until it is executed."""
    document = members.run("city", *proposal)
    for name in MEMBERS[1:]:
        if document["executed"]:
            return
        number = str(document["proposal"])
        document = {**members.run(name, "proposal", "approve", number), "proposal": number}
    assert document["executed"]


def _knows_itself(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/v1/status", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    if answer.status_code != httpx.codes.OK:
        return False
    return "bank" in {one["name"] for one in answer.json()["validators"]}


def _altered(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def alter(card: bytes) -> bytes:
        document = json.loads(card)
        change(document)
        return json.dumps(document).encode()

    return alter


def _code(text: bytes) -> bytes:
    return CODE_PREFIX.encode() + base64.urlsafe_b64encode(zlib.compress(text))


@ONE_SUITE
@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (_altered(lambda card: card["validator"].update(address="127.0.0.1:1")), "altered"),
        (_altered(lambda card: card.update(organisation="mallory")), "altered"),
        (_altered(lambda card: card["network"].update(name="other")), "altered"),
        (_altered(lambda card: card["network"].update(suite="none")), "suite"),
        (_altered(lambda card: card["validator"].update(address="nowhere")), "HOST:PORT"),
        (_altered(lambda card: card["validator"].update(key="zz")), "hexadecimal"),
        (_altered(lambda card: card["validator"].update(key="00")), "altered"),
        (_altered(lambda card: card["administrator"].update(algorithm="rot13")), "administrator"),
        (_altered(lambda card: card["network"].update(time_ms=1.5)), "whole number"),
        (_altered(lambda card: card["network"].update(time_ms=True)), "whole number"),
        (_altered(lambda card: card["network"].update(parameters=[])), "expected an object"),
        (_altered(lambda card: card["network"].update(parameters={"a": 1})), "altered"),
        (_altered(lambda card: card["network"].update(parameters={"a": "1"})), "whole number"),
        (_altered(lambda card: card.update(extra=1)), "unknown field 'extra'"),
        (_altered(lambda card: card.pop("signatures")), "missing field 'signatures'"),
        (_altered(lambda card: card.update(format="trine-card-v9")), "trine-card-v9"),
        (_altered(lambda card: card.update(administrator=[])), "expected an object"),
        (lambda _: b"", "neither JSON nor a code"),
        (lambda _: b"[" * 60_000, "neither JSON nor a code"),
        (lambda _: b"[]", "format"),
        (lambda _: b"x" * (CARD_BYTES_MAX + 1), "at most"),
        (lambda _: CODE_PREFIX.encode() + b"!!", "damaged"),
        (lambda card: _code(card)[:-9], "damaged"),
        (lambda _: _code(b" " * 100 * CARD_BYTES_MAX), "damaged"),
    ],
)
def test_a_bad_card_is_refused(
    members: Members, alter: Callable[[bytes], bytes], expected: str
) -> None:
    """Goal: each wrong card is refused with what is wrong. Method: alter a good one."""
    good = (members.folder / "city.card").read_bytes()
    assert read_card(_code(good)) == read_card(good)
    with pytest.raises(BadCard, match=expected):
        read_card(alter(good))


@ONE_SUITE
def test_cards_that_do_not_fit(members: Members, tmp_path: Path) -> None:
    """Goal: cards of two networks, of two members with one name or one address are refused.
    Method: make each."""
    city = members.folder / "city.card"
    taken = json.loads(city.read_bytes())["validator"]["address"]
    join = ("network", "join", city, "--home")
    for arguments, expected in (
        ((*join, tmp_path / "a", "--organisation", "city", "--address", free_address()), "name"),
        ((*join, tmp_path / "b", "--organisation", "bank", "--address", taken), "address"),
    ):
        ended = trine(*arguments, "--json", cwd=tmp_path)
        assert (ended.status, ended.code) == (5, "bad_card")
        assert f"one {expected}" in ended.document["error"]["detail"]
    create = ("network", "create", "other", "--organisation", "bank", "--address", free_address())
    good(*create, "--suite", SUITE, "--home", tmp_path / "c", cwd=tmp_path)
    ended = trine("network", "show", city, "bank.card", "--json", cwd=tmp_path)
    assert ended.code == "bad_card"
    assert "name is 'trade' and 'other'" in ended.document["error"]["detail"]
    (tmp_path / "none.card").write_text("no card")
    ended = trine("network", "show", city, "none.card", "--json", cwd=tmp_path)
    assert ended.document["error"]["instance"] == "none.card"


def test_members_agree_on_parameters(tmp_path: Path) -> None:
    """Goal: the share of organisations that decides is what the founders say. Method: cards with it
    and without it, and values that no chain takes."""
    rest = ("--suite", SUITE, "--address")
    create = ("network", "create", "trade", "--organisation", "city", *rest, free_address())
    share = ("--parameter", "approval_percent")
    good(*create, *share, "66", "--home", tmp_path / "a", cwd=tmp_path)
    join = ("network", "join", "city.card", "--organisation", "harbour", "--address")
    good(*join, free_address(), "--home", tmp_path / "b", cwd=tmp_path)
    shown = good("network", "show", "city.card", "harbour.card", cwd=tmp_path).document
    assert shown["parameters"] == {"approval_percent": 66}
    assert "66" in trine("network", "show", "city.card", cwd=tmp_path).out
    other = ("network", "create", "trade", "--organisation", "bank", *rest, free_address())
    good(*other, "--home", tmp_path / "c", cwd=tmp_path)
    ended = trine("network", "show", "city.card", "bank.card", "--json", cwd=tmp_path)
    assert ended.code == "bad_card"
    for number, (given, code) in enumerate(
        (
            ((*share, "100"), "bad_genesis"),
            (("--parameter", "interval", "1"), "usage"),
            ((*share, "60", *share, "70"), "bad_argument"),
        )
    ):
        home = ("--home", tmp_path / f"refused-{number}")
        assert trine(*create, *given, *home, "--json", cwd=tmp_path).code == code


@ONE_SUITE
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("create", "Trade", "--organisation", "a", "--address", "h:1"), "bad_argument", "'Trade'"),
        (("create", "t", "--organisation", "A", "--address", "h:1"), "bad_argument", "'A'"),
        (("create", "t", "--organisation", "a", "--address", "h"), "bad_argument", "HOST:PORT"),
        (("create", "t", "--organisation", "a", "--address", "h:1"), "bad_argument", "--listen"),
        (
            ("create", "t", "--organisation", "a", "--address", "h:1", "--listen", "h:1"),
            "bad_argument",
            "IP:PORT",
        ),
        (("join", "absent.card", "--organisation", "a", "--address", "h:1"), "unreadable_file", ""),
        (("show", "absent.card"), "unreadable_file", "absent.card"),
        (("start",), "bad_argument", "network create"),
        (("start", "absent.card"), "bad_argument", "network create"),
    ],
)
def test_bad_arguments(words: tuple[str, ...], code: str, expected: str, tmp_path: Path) -> None:
    """Goal: a wrong argument is refused with what was expected. Method: give each."""
    ended = trine("network", *words, "--home", tmp_path / "home", "--json", cwd=tmp_path)
    assert (ended.status, ended.code) == (2 if code == "bad_argument" else 5, code)
    assert expected in ended.document["error"]["detail"]


@ONE_SUITE
def test_nothing_starts_unseen(members: Members, tmp_path: Path) -> None:
    """Goal: a home starts one network only, and only with the fingerprint of all. Method: none, a
    wrong one, cards of another network, a second member in one home."""
    create = ("network", "create", "other", "--organisation", "bank", "--address", free_address())
    home = ("--home", tmp_path / "home")
    good(*create, *home, "--suite", SUITE, cwd=tmp_path)
    start = ("network", "start", "bank.card")
    assert trine(*start, *home, "--json", cwd=tmp_path).code == "bad_argument"
    ended = trine(*start, *home, "--fingerprint", "0123", "--json", cwd=tmp_path)
    assert ended.code == "other_fingerprint"
    assert not (tmp_path / "home" / "genesis.json").exists()
    assert trine(*create, *home, "--json", cwd=tmp_path).code == "bad_argument"
    other = ("network", "start", tmp_path / "bank.card", "--home", members.home("city"), "--json")
    assert trine(*other, cwd=tmp_path).code == "bad_card"
    fewer = ("network", "start", *members.cards()[:2], "--home", members.home("city"), "--json")
    assert trine(*fewer, cwd=members.folder).code == "bad_argument"
