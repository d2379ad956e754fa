"""Test that `trine doctor` finds what is wrong, and what to do about it."""

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ended, trine
from tests.cli.test_founding import free_address
from tests.cli.test_tls import certify
from tests.suite import ONE_SUITE, SUITE

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a network that runs while the module's tests do."""
    home = tmp_path_factory.mktemp("doctor") / "home"
    started = trine("up", "--detach", "--suite", SUITE, "--home", home)
    assert started.status == 0, started.err
    yield home
    trine("down", "--home", home)


@pytest.fixture
def stopped(running: Path, tmp_path: Path) -> Path:
    """The files of that network elsewhere, where no node runs, to be spoiled."""
    home = tmp_path / "home"
    shutil.copytree(running, home, ignore=shutil.ignore_patterns("data"))
    network = json.loads((home / "network.json").read_text())
    for node in network["nodes"]:
        node["pid"] = None
        for port in ("http_port", "p2p_port"):
            node[port] = int(free_address().rpartition(":")[2])
    (home / "network.json").write_text(json.dumps(network))
    return home


def _examine(home: Path) -> tuple[Ended, dict[str, Any]]:
    """Run it; gives the findings by what was looked at."""
    ended = trine("doctor", "--home", home, "--json")
    document = ended.document
    findings = {one["check"]: one for one in document["findings"]}
    assert len(findings) == len(document["findings"])
    bad = sum(one["level"] == "problem" for one in findings.values())
    assert (document["problems"], document["healthy"]) == (bad, bad == 0)
    assert ended.status == int(bad > 0)
    assert all(one["remedy"] for one in findings.values() if one["level"] != "ok")
    return ended, findings


def test_a_healthy_network(running: Path) -> None:
    """Goal: nothing is made up. Method: a network that runs; the disk and the memory of the machine
    that tests may be what they are."""
    _, findings = _examine(running)
    machine = {"disk space", "disk speed", "memory", "open files", "clock"}
    assert machine <= findings.keys()
    assert {"version", "chain", "keys", "blocks", "versions"} <= findings.keys()
    names = ("city", "university", "hospital", "court")
    assert {f"{kind} {name}" for kind in ("node", "validator") for name in names} <= set(findings)
    others = {check: one for check, one in findings.items() if check not in machine}
    assert {one["level"] for one in others.values()} == {"ok"}, others
    text = trine("doctor", "--home", running).out
    assert "node hospital" in text
    assert "looked at" in text


@ONE_SUITE
def test_without_a_network(tmp_path: Path) -> None:
    """Goal: the machine is examined before there is a network. Method: an empty home."""
    ended, findings = _examine(tmp_path / "none")
    assert "disk speed" in findings
    assert "chain" not in findings
    assert "holds no network" in ended.err


def _expired(home: Path, days: int) -> None:
    folder = home / "nodes" / "city"
    certify(folder, until=datetime.now(UTC) + timedelta(days=days))
    with (folder / "node.toml").open("a") as file:
        file.write('[tls]\ncertificate = "node.pem"\nkey = "node.key"\n')


@ONE_SUITE
@pytest.mark.parametrize(
    ("spoil", "check", "level", "expected"),
    [
        (lambda home: None, "node city", "problem", "does not run"),
        (
            lambda home: (home / "keys" / "admin.json").chmod(0o640),
            "keys",
            "problem",
            "others may read 1 of",
        ),
        (
            lambda home: (home / "nodes/court/node.toml").write_text("name ="),
            "node court",
            "problem",
            "node.toml",
        ),
        (
            lambda home: (home / "nodes/court/node.toml").unlink(),
            "node court",
            "problem",
            "No such",
        ),
        (lambda home: (home / "trust.json").write_text("{"), "chain", "problem", "JSON"),
        (
            lambda home: (home / "trust.json").write_text('{"chain_id": "00"}'),
            "chain",
            "problem",
            "is of",
        ),
        (lambda home: (home / "genesis.json").write_text("[]"), "chain", "problem", "BadGenesis"),
        (lambda home: _expired(home, -1), "certificate of city", "problem", "-1 days"),
        (lambda home: _expired(home, 20), "certificate of city", "warning", "20 days"),
        (lambda home: _expired(home, 90), "certificate of city", "ok", "90 days"),
    ],
)
def test_it_finds_what_is_wrong(
    spoil: Callable[[Path], object], check: str, level: str, expected: str, stopped: Path
) -> None:
    """Goal: each fault is named with what to do. Method: plant one after the other."""
    spoil(stopped)
    _, findings = _examine(stopped)
    assert findings[check]["level"] == level, findings[check]
    assert expected in findings[check]["found"]


@ONE_SUITE
def test_a_port_of_another_program(stopped: Path) -> None:
    """Goal: who has a node's port is told from a node that was not started. Method: listen."""
    port = json.loads((stopped / "network.json").read_text())["nodes"][0]["p2p_port"]
    with socket.create_server(("127.0.0.1", port)):
        _, findings = _examine(stopped)
    assert f"another program has its port {port}" in findings["node city"]["found"]


@ONE_SUITE
def test_members_that_cannot_be_reached(tmp_path: Path) -> None:
    """Goal: a member sees whom it cannot reach. Method: one of two hosts runs."""
    address = free_address()
    first = ("network", "create", "pair", "--suite", SUITE, "--organisation", "city")
    home = tmp_path / "city"
    made = trine(*first, "--address", free_address(), "--home", home, cwd=tmp_path)
    assert made.status == 0, made.err
    second = ("network", "join", "city.card", "--organisation", "harbour", "--address", address)
    made = trine(*second, "--home", tmp_path / "harbour", cwd=tmp_path)
    assert made.status == 0, made.err
    cards = ("city.card", "harbour.card")
    shown = trine("network", "show", *cards, "--json", cwd=tmp_path).document
    start = ("network", "start", *cards, "--fingerprint", shown["fingerprint"], "--wait", "0")
    assert trine(*start, "--home", home, cwd=tmp_path).status == 0
    try:
        findings: dict[str, Any] = {}
        for _ in range(50):
            _, findings = _examine(home)
            if "peer harbour" in findings:
                break
        assert findings["peer harbour"]["level"] == "warning"
        assert address in findings["peer harbour"]["found"]
        with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
            _, findings = _examine(home)
        assert findings["peer harbour"]["level"] == "ok"
    finally:
        trine("down", "--home", home)
