"""Test who reads a chain that a vote has closed: strangers, members, readers, followers."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import MEMBERS, Members, ask, founded, url_of
from tests.suite import ALGORITHM, SUITE
from trine import AsyncClient, Client, errors
from trine.client import reading
from trine.client.home import Home
from trine.client.sender import Sender
from trine.crypto import SecretKey
from trine.types import (
    AccountCreate,
    AccountFreeze,
    Address,
    Call,
    KeyAdd,
    KeyRevoke,
    LogCreate,
    Roles,
)
from trine.types.calls import PublicKey

pytestmark = pytest.mark.network

SECONDS_MAX = 60
POLL_S = 0.2
RECORDS = "/v1/parameters"


def _set_access(members: Members, value: int) -> None:
    """Let three of the four organisations decide who reads."""
    words = ("proposal", "submit", "set-parameter", "read_access", str(value))
    number = str(members.run("city", *words)["proposal"])
    for member in ("harbour", "university"):
        done = members.run(member, "proposal", "approve", number)
    assert done["executed"] is True
    name = ("anyone", "members", "roles")[value]
    urls = [url_of(members.home(member)) for member in MEMBERS]
    _wait(lambda: all(ask(url, "/v1/status")["read_access"] == name for url in urls))


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not reached():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(POLL_S)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """A network of four that its members closed by a vote while it ran."""
    with founded(tmp_path_factory.mktemp("reading")) as found:
        url = url_of(found.home("city"))
        assert ask(url, "/v1/status")["read_access"] == "anyone"
        assert ask(url, RECORDS)["read_access"]["value"] == 0
        with httpx.stream("GET", url + "/v1/stream", timeout=30, trust_env=False) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("id:"), "everybody reads until the vote"
            _set_access(found, 1)
            # The node ends it, or this would not end.
            assert [line for line in lines if line.startswith("id:")]
        yield found


def _code(url: str, path: str = RECORDS, headers: dict[str, str] | None = None) -> str:
    """Code of a refusal; `ok` of an answer."""
    answer = httpx.get(url + path, headers=headers, timeout=30, trust_env=False)
    if answer.status_code == httpx.codes.OK:
        return "ok"
    assert answer.headers["content-type"] == "application/problem+json"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        assert "trine-read-" in answer.headers["www-authenticate"]
    return str(answer.json()["code"])


def _submit(members: Members, *calls: Call) -> None:
    with members.client("city") as client:
        client.submit(*calls)


def _person(members: Members, roles: Roles = Roles.NONE) -> SecretKey:
    """Somebody of the city with an account."""
    key = SecretKey.generate(ALGORITHM.name.lower())
    _submit(members, AccountCreate(PublicKey(key.algorithm, key.public_key), roles))
    return key


def _key(key: SecretKey) -> PublicKey:
    return PublicKey(key.algorithm, key.public_key)


def _refusal(url: str, key: SecretKey, address: Address | None = None, index: int = 0) -> str:
    """What a client with this key is answered."""
    with Client(url, key=key, address=address, key_index=index) as client:
        try:
            client.document(RECORDS)
        except errors.TrineError as error:
            return error.code
    return "ok"


def test_strangers_read_no_records(members: Members, tmp_path: Path) -> None:
    """Goal: whoever has no key reads nothing but what it takes to begin. Method: ask without one,
    by HTTP, by the command, for the stream and for what followers are fed."""
    url = url_of(members.home("court"))
    for path in (
        "/v1/status",
        "/v1/genesis",
        "/v1/trust",
        "/v1/openapi.json",
        "/healthz",
        "/metrics",
    ):
        assert _code(url, path) == "ok"
    for path in (RECORDS, "/v1/blocks", "/v1/stream", "/v1/sync/tip", "/v1/sync/finalized/1"):
        assert _code(url, path) == "unsigned_read"
    ended = trine("block", "show", "1", "--node", url, "--home", tmp_path / "empty", "--json")
    assert (ended.status, ended.code) == (4, "unsigned_read")
    assert "members" in ended.document["error"]["detail"]
    ended = trine(
        "backup", tmp_path / "copy", "--node", url, "--home", tmp_path / "empty", "--json"
    )
    assert ended.code == "unsigned_read"


def test_members_read(members: Members, tmp_path: Path) -> None:
    """Goal: a member reads by every way. Method: client, its stream, its batches, the async client,
    commands with the home's key, and a backup."""
    url = url_of(members.home("court"))
    with members.client("harbour") as client:
        final = client.submit(LogCreate(name="read"))
        assert client.block(final.height).height == final.height
        assert next(client.stream(from_=final.height)).height == final.height
        many = client.submit_many([LogCreate(name="read-many")])
        assert not isinstance(many[0], errors.TrineError), many

    async def read() -> int:
        key = Home(members.home("university")).open_key()
        async with AsyncClient(url, read_key=lambda: key) as client:
            return (await client.block()).height

    assert asyncio.run(read()) >= final.height
    assert members.run("court", "block", "show", "1")["height"] == 1
    copied = members.run("court", "backup", tmp_path / "copy")
    assert copied["height"] >= final.height
    _person(members)


def test_who_lost_the_right_is_refused(members: Members) -> None:
    """Goal: a right ends with the account and with the key. Method: freeze an account, revoke a
    key, take a key that no account has."""
    url = url_of(members.home("court"))
    alice = _person(members)
    address = Address(alice.address(SUITE))
    assert _refusal(url, alice) == "ok"
    _submit(members, AccountFreeze(address))
    _wait(lambda: _refusal(url, alice) == "no_read_access")
    admin = Home(members.home("city")).open_key()
    city = Address(admin.address(SUITE))
    second = SecretKey.generate(alice.algorithm)
    assert _refusal(url, second, city, 1) == "bad_read_signature"
    _submit(members, KeyAdd(_key(second), modules=0))
    _wait(lambda: _refusal(url, second, city, 1) == "ok")
    _submit(members, KeyRevoke(key_index=1))
    _wait(lambda: _refusal(url, second, city, 1) == "bad_read_signature")
    assert _refusal(url, SecretKey.generate(alice.algorithm)) == "bad_read_signature"


def test_a_signature_is_of_one_chain_and_minute(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a signature of another chain or time opens nothing. Method: sign for another chain, and
    by a clock that is wrong."""
    url = url_of(members.home("court"))
    key = Home(members.home("court")).open_key()
    signer = reading.Reading((url,), lambda: Sender(key))
    chain_id = ask(url, "/v1/status")["chain_id"]
    for tag, expected in ((chain_id, "ok"), ("01" * 32, "bad_read_signature")):
        signer = reading.Reading((url,), lambda: Sender(key))
        assert signer.learn(f'Signature realm="trine", suite="{SUITE}", tag="trine-read-{tag}"')
        made = signer.headers("GET", url + RECORDS, int(time.time()))
        assert _code(url, headers=made) == expected
        assert _code(url, "/v1/blocks", headers=made) == "bad_read_signature", "another request"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3_600)
    with Client(url, key=key) as client, pytest.raises(errors.StaleRead, match="clock"):
        client.document(RECORDS)


def test_a_follower_reads_with_a_key(members: Members) -> None:
    """Goal: a follower of a closed chain follows it with the key of a reader, and is closed itself.
    Method: follow without a key, then with one; write, and read from the copy."""
    url = url_of(members.home("city"))
    home = members.home("copy")
    follow = ("network", "follow", url, "--fingerprint", members.fingerprint, "--home", home)
    refused = trine(*follow, "--json")
    assert refused.code == "unsigned_read"
    assert "--roles reader" in refused.document["error"]["detail"]
    password = members.folder / "password"
    password.write_text("a password\n")
    made = trine(
        "key",
        "new",
        "copy",
        "--alg",
        ALGORITHM.name.lower(),
        "--home",
        home,
        "--password-file",
        password,
        "--json",
    )
    assert made.status == 0, made.err
    public = f"{ALGORITHM.name.lower()}:{made.document['public_key']}"
    members.run("city", "account", "create", public, "--roles", "reader")
    ended = trine(*follow, "--read-key", "copy", "--json", TRINE_PASSWORD_FILE=str(password))
    assert ended.status == 0, ended.err
    own = url_of(home)
    key_file = home / "nodes" / "follower" / "node.read-key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    secret = key_file.read_text().strip()
    with members.client("court") as client:
        final = client.submit(LogCreate(name="followed"))
    _wait(lambda: ask(own, "/v1/status")["height"] >= final.height)
    assert _code(own) == "unsigned_read"
    assert _refusal(own, _home_key(members, "court")) == "ok"
    assert secret not in (home / "nodes" / "follower" / "node.log").read_text()


def _home_key(members: Members, member: str) -> SecretKey:
    key = Home(members.home(member)).open_key()
    assert isinstance(key, SecretKey)
    return key


def test_a_validator_recovers_from_a_closed_chain(members: Members) -> None:
    """Goal: who lost its disk gets the chain back with its own key. Method: remove a validator's
    folder; recover without a key, then with it; nothing of the key stays."""
    home = members.home("university")
    members.run("university", "down")
    shutil.rmtree(home / "nodes" / "university" / "data")
    source = url_of(members.home("city"))
    refused = trine("network", "recover", source, "--home", home, "--json")
    assert refused.code == "unsigned_read"
    recovered = members.run("university", "network", "recover", source, "--read-key", "admin")
    assert recovered["height"] > 0
    assert not list((home / "nodes" / "university").glob("*.read-key"))


def test_a_role_is_needed_where_the_chain_says_so(members: Members) -> None:
    """Goal: with the value 2 only accounts with a role read, readers among them. Method: set it by
    a vote; read as a plain member, a reader and an administrator; open the chain again."""
    url = url_of(members.home("court"))
    plain, reader = _person(members), _person(members, Roles.READER)
    assert (_refusal(url, plain), _refusal(url, reader)) == ("ok", "ok")
    _set_access(members, 2)
    try:
        assert _refusal(url, plain) == "no_read_access"
        assert _refusal(url, reader) == "ok"
        assert _refusal(url, _home_key(members, "court")) == "ok"
    finally:
        _set_access(members, 1)
    assert _refusal(url, plain) == "ok"
