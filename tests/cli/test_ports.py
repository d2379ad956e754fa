"""Test that networks which begin at the same time get different ports."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.suite import ONE_SUITE
from trine._cli import ports
from trine._cli.ports import CLAIM_S, free_ports
from trine.client.home import Home
from trine.errors import PortInUse

pytestmark = ONE_SUITE

COUNT = 40
"""Ports of which the tests choose: so few that homes meet."""
PROGRAM = f"""
import pathlib, sys
from trine._cli import ports
from trine.client.home import Home
ports.PORT_COUNT = {COUNT}
print(*ports.free_ports(Home(pathlib.Path(sys.argv[1])), 4))
"""
HOMES = 8


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of claims, in a folder of its own; few ports."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "PORT_COUNT", COUNT)
    free_ports(home("a"), 1)
    [found] = tmp_path.iterdir()
    assert found.stat().st_mode & 0o777 == 0o600
    found.unlink()
    return found


def home(name: str) -> Home:
    """A home; nothing is written there."""
    return Home(Path("/homes") / name)


def test_commands_at_the_same_time_get_different_ports(tmp_path: Path) -> None:
    """Goal: two networks never collide. Method: processes ask at once, and nobody listens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path))
        asking = [
            subprocess.Popen([sys.executable, "-c", PROGRAM, f"/homes/{name}"],
                             stdout=subprocess.PIPE, text=True)
            for name in range(HOMES)
        ]  # fmt: skip
    found = [process.communicate()[0].split() for process in asking]
    assert len({port for one in found for port in one}) == 4 * HOMES


@pytest.mark.usefixtures("claims")
def test_a_home_is_given_its_ports_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a home that is made anew stays where it was; others go there once it is forgotten.
    Method: ask twice, and as others: soon, when none else is left, and later."""
    first = free_ports(home("a"), COUNT // 2)
    assert free_ports(home("a"), COUNT // 2) == first
    second = free_ports(home("b"), COUNT // 2)
    assert not set(first) & set(second)
    # All are given: the oldest go first.
    assert set(free_ports(home("c"), COUNT // 2)) == set(first)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + CLAIM_S + 1)
    fresh = free_ports(home("d"), COUNT)
    assert fresh == sorted(fresh, key=lambda port: (port - fresh[0]) % COUNT), "none is forgotten"


def test_who_listens_keeps_a_port(claims: Path) -> None:
    """Goal: no port that is in use. Method: listen on the first one; ask for more than are left."""
    [first] = free_ports(home("a"), 1)
    claims.unlink()
    with socket.create_server(("127.0.0.1", first)):
        assert first not in free_ports(home("a"), COUNT - 1)
        with pytest.raises(PortInUse, match=f"{COUNT} free ports from 20000 on"):
            free_ports(home("a"), COUNT)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"20000": 1}', '{"x": [1, "a"]}'])
def test_a_damaged_file_is_written_anew(claims: Path, content: str) -> None:
    """Goal: a cut file is in nobody's way. Method: files that are no claims."""
    claims.write_text(content)
    found = free_ports(home("a"), 2)
    assert set(map(str, found)) == json.loads(claims.read_text()).keys()


def test_a_file_of_somebody_else_is_not_used(claims: Path, tmp_path: Path) -> None:
    """Goal: who else writes to the folder learns and steers nothing. Method: a link, a folder."""
    target = tmp_path / "target"
    target.write_text("{}")
    claims.symlink_to(target)
    assert len(free_ports(home("a"), 2)) == 2
    assert target.read_text() == "{}"
    claims.unlink()
    claims.mkdir()
    assert len(free_ports(home("a"), 2)) == 2
