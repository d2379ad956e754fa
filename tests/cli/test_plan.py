"""Test that the folders and units of a plan make a network."""

import configparser
import contextlib
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import ROOT, trine
from tests.cli.founded import ask
from tests.cli.test_founding import free_address
from tests.suite import ONE_SUITE, SUITE
from trine import Client
from trine.client.home import Home
from trine.types import LogCreate

pytestmark = pytest.mark.network

HOSTS = ("city", "city-2", "harbour", "court")
SECONDS_MAX = 60


def _plan(folder: Path) -> Path:
    """Write a plan of four hosts, of whom two are one organisation's."""
    lines = ["[network]", 'name = "trade"', f'suite = "{SUITE}"', "blocks_per_epoch = 64"]
    lines += ["parameters.approval_percent = 66"]
    for name in HOSTS:
        http_port = free_address().rpartition(":")[2]
        lines += ["[[hosts]]", f'organisation = "{name.removesuffix("-2")}"', f'name = "{name}"']
        lines += [f'address = "{free_address()}"', f"http_port = {http_port}"]
    file = folder / "hosts.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def _unit(home: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd tells cases apart
    parser.read_string((home / "trine-trade.service").read_text())
    return parser


@contextlib.contextmanager
def _running(homes: list[Path]) -> Iterator[None]:
    """Run what the units say, in the folders where the plan put them."""
    processes = []
    try:
        for home in homes:
            words = shlex.split(_unit(home)["Service"]["ExecStart"])
            assert words[0] == "/usr/local/bin/trine"
            moved = [word.replace("/var/lib/trine", str(home)) for word in words[1:]]
            command = [str(ROOT / ".venv" / "bin" / "trine"), *moved]
            quiet = subprocess.DEVNULL
            processes.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))
        yield
        assert all(process.poll() is None for process in processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=SECONDS_MAX)


def test_planned_hosts_make_a_network(tmp_path: Path) -> None:
    """Goal: what the plan wrote runs. Method: start what the units start, and write to the chain
    with the key of an organisation, from the folder of its first host."""
    out = tmp_path / "out"
    done = trine("network", "plan", _plan(tmp_path), "--out", out, "--json")
    assert done.status == 0, done.err
    assert [one["organisation"] for one in done.document["validators"]] == [0, 0, 1, 2]
    assert done.document["parameters"] == {"approval_percent": 66}
    homes = [out / name for name in HOSTS]
    assert [(home / "keys" / "admin.json").exists() for home in homes] == [True, False, True, True]
    for name, home in zip(HOSTS, homes, strict=True):
        assert _unit(home)["Service"]["ReadWritePaths"] == "/var/lib/trine"
        assert (home / "nodes" / name / "validator.key").stat().st_mode & 0o077 == 0
    with _running(homes):
        harbour = Home(out / "harbour")
        urls = [url for one in homes for url in Home(one).urls()]
        with Client(urls, key=harbour.open_key()) as client:
            assert client.submit(LogCreate(name="planned")).height > 0
            assert client.status().document["chain_id"] == done.document["chain_id"]
        parameters = ask(urls[0], "/v1/parameters")
        assert parameters["approval_percent"]["value"] == 66


@ONE_SUITE
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "network.name"),
        ("[network", "not TOML"),
        ("network = 3", "network is int, expected a table"),
        ('[network]\nname = "a"', "[[hosts]]"),
        ('hosts = 3\n[network]\nname = "a"', "[[hosts]]"),
        ('hosts = [3]\n[network]\nname = "a"', "hosts[0] is int"),
        ('more = 3\n[network]\nname = "a"', "more is 3, expected no such field"),
        ('[network]\nname = "A"', "network.name is 'A'"),
        ('[network]\nname = "a"\nsuite = "b"', "network.suite is 'b'"),
        ('[network]\nname = "a"\nblocks_per_epoch = 7', "blocks_per_epoch is 7"),
        ('[network]\nname = "a"\nparameters = 3', "network.parameters is int"),
        ('[network]\nname = "a"\nparameters.interval = 3', "interval is 3"),
        ('[network]\nname = "a"\nparameters.approval_percent = 100', "expected 0 to 99"),
        ('[network]\nname = "a"\nblocks_per_epoch = true', "blocks_per_epoch is True"),
        ("HOST", "hosts[0].organisation is None"),
        ('HOST organisation = "b"', "hosts[0].address is None"),
        ('HOST organisation = "b"\naddress = "c"', "expected HOST:PORT"),
        ('HOST organisation = "b"\naddress = "c:1"', "hosts[0].listen"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nlisten = "c:1"', "expected IP:PORT"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nhttp_port = 0', "http_port is 0"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nfolder = "c"', "absolute path"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nprogram = "/c d"', "absolute path"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nuser = "a\\nb"', "one line"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nport = 1', "port is 1"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nweight = 2', "one vote"),
        ('HOST organisation = "b"\naddress = "1.1.1.1:1"\nTWICE', "two hosts have the name 'b'"),
    ],
)
def test_bad_plans_are_refused(text: str, expected: str, tmp_path: Path) -> None:
    """Goal: each wrong plan is refused with its field, and nothing is made. Method: give each."""
    host = '[network]\nname = "a"\n[[hosts]]'
    again = '[[hosts]]\norganisation = "b"\naddress = "1.1.1.1:2"'
    if text.startswith("HOST"):
        text = host + "\n" + text.removeprefix("HOST")
    file = tmp_path / "hosts.toml"
    file.write_text(text.replace("TWICE", again))
    ended = trine("network", "plan", file, "--out", tmp_path / "out", "--json")
    assert (ended.status, ended.code) == (5, "bad_configuration")
    assert expected in ended.document["error"]["detail"]
    assert not (tmp_path / "out").exists()


@ONE_SUITE
def test_a_plan_overwrites_nothing(tmp_path: Path) -> None:
    """Goal: keys that exist stay. Method: plan twice into one folder."""
    file, out = _plan(tmp_path), tmp_path / "out"
    assert trine("network", "plan", file, "--out", out).status == 0
    key = (out / "city" / "nodes" / "city" / "validator.key").read_bytes()
    ended = trine("network", "plan", file, "--out", out, "--json")
    assert (ended.status, ended.code) == (2, "bad_argument")
    assert (out / "city" / "nodes" / "city" / "validator.key").read_bytes() == key
