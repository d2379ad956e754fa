"""Test that networks are founded with a certificate for their API, and that files are checked."""

import datetime
import json
import os
import tomllib
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.cli.founded import free_address, good
from tests.cli.test_tls import Authority, certify
from tests.suite import ONE_SUITE, SUITE
from trine import Client
from trine.client.home import Home

pytestmark = [pytest.mark.network, ONE_SUITE]

CREATE = ("network", "create", "trade", "--organisation", "city", "--suite", SUITE)


def _port() -> str:
    return free_address().rpartition(":")[2]


def _ago(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)


def test_a_network_is_founded_with_a_certificate(tmp_path: Path) -> None:
    """Goal: no file is edited by hand for an API that other hosts reach. Method: found a network of
    one with certificate, key and client authorities; read as a client with and without one."""
    certify(tmp_path)
    authority = Authority()
    authority.write(tmp_path / "clients.pem")
    member = authority.issue(tmp_path / "member.pem")
    home, port = tmp_path / "city", _port()
    told = {"TRINE_CLIENT_CERTIFICATE": str(member)}
    tls = ("--tls-certificate", "node.pem", "--tls-key", "node.key")
    asked = ("--tls-client-authorities", "clients.pem", "--http-listen", f"0.0.0.0:{port}")
    words = (*CREATE, "--address", free_address(), "--home", home, *tls, *asked)
    made = trine(*words, "--json", cwd=tmp_path, **told)
    assert made.status == 0, made.err + made.out
    config = tomllib.loads((home / "nodes" / "city" / "node.toml").read_text())
    assert config["http_listen"] == f"0.0.0.0:{port}"
    assert config["tls"] == {
        "certificate": str(tmp_path / "node.pem"),
        "key": str(tmp_path / "node.key"),
        "client_authorities": str(tmp_path / "clients.pem"),
    }
    shown = good("network", "show", "city.card", cwd=tmp_path).document
    start = ("network", "start", "--home", home, "city.card", "--json")
    started = trine(
        *start,
        "--fingerprint",
        shown["fingerprint"],
        cwd=tmp_path,
        **told,
    )
    try:
        assert started.status == 0, started.err + started.out
        [url] = Home(home).urls()
        assert url == f"https://127.0.0.1:{port}"
        certificate = tmp_path / "node.pem"
        with Client(url, ca_file=certificate, client_certificate=member) as client:
            assert client.status().height >= 1
        refused = trine("status", "--node", url, "--json", TRINE_CA_FILE=str(certificate))
        assert refused.status == 3
    finally:
        trine("down", "--home", home)


def _files(folder: Path) -> None:
    """Good files and bad ones, by their names."""
    certify(folder)
    (folder / "good.pem").write_bytes((folder / "node.pem").read_bytes())
    (folder / "good.key").write_bytes((folder / "node.key").read_bytes())
    certify(folder, _ago(2))
    (folder / "old.pem").write_bytes((folder / "node.pem").read_bytes())
    (folder / "old.key").write_bytes((folder / "node.key").read_bytes())
    (folder / "text.pem").write_text("no certificate")
    Authority().write(folder / "clients.pem")


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--tls-certificate", "good.pem"), "bad_argument", "--tls-key is missing"),
        (("--tls-key", "good.key"), "bad_argument", "--tls-certificate is missing"),
        (("--tls-client-authorities", "clients.pem"), "bad_argument", "--tls-certificate"),
        (("--http-listen", "0.0.0.0:8645"), "bad_argument", "needs a certificate"),
        (("--http-listen", "10.0.0.1:8645"), "bad_argument", "0.0.0.0:PORT"),
        (("--http-listen", "127.0.0.1:0"), "bad_argument", "127.0.0.1:0"),
        (("--tls-certificate", "none.pem", "--tls-key", "good.key"), "unreadable_file", "none.pem"),
        (("--tls-certificate", "good.pem", "--tls-key", "none.key"), "unreadable_file", "none.key"),
        (("--tls-certificate", "text.pem", "--tls-key", "good.key"), "unreadable_file", "text.pem"),
        (("--tls-certificate", "good.pem", "--tls-key", "old.key"), "unreadable_file", "good.pem"),
        (("--tls-certificate", "old.pem", "--tls-key", "old.key"), "bad_argument", "expired on"),
    ],
)
def test_files_are_checked_at_once(
    words: tuple[str, ...], code: str, expected: str, tmp_path: Path
) -> None:
    """Goal: a wrong file is told before anything is made. Method: give each."""
    _files(tmp_path)
    home = tmp_path / "home"
    ended = trine(
        *CREATE, "--address", free_address(), "--home", home, *words, "--json", cwd=tmp_path
    )
    assert (ended.code, expected in ended.document["error"]["detail"]) == (code, True), ended.out
    assert not (home / "nodes").exists()


def test_authorities_are_checked_too(tmp_path: Path) -> None:
    """Goal: who locks itself out is told. Method: authorities that are none, and good ones without
    a certificate of this host's commands."""
    _files(tmp_path)
    tls = ("--tls-certificate", "good.pem", "--tls-key", "good.key")
    words = (*CREATE, "--address", free_address(), "--home", tmp_path / "home", *tls)
    for file, expected in (("text.pem", "text.pem"), ("clients.pem", "TRINE_CLIENT_CERTIFICATE")):
        ended = trine(*words, "--tls-client-authorities", file, "--json", cwd=tmp_path)
        assert expected in ended.document["error"]["detail"], ended.out


def test_a_plan_names_the_files_of_its_hosts(tmp_path: Path) -> None:
    """Goal: a plan's nodes have their certificates too. Method: read what it writes, and what it
    says of fields that do not go together."""
    head = ["[network]", 'name = "trade"', "[[hosts]]", 'organisation = "city"']
    head += ['address = "10.0.0.1:7000"']
    tls = {"certificate": "/etc/trine/node.pem", "key": "/etc/trine/node.key"}
    lines = [f'tls_{name} = "{path}"' for name, path in tls.items()]
    file = tmp_path / "hosts.toml"
    file.write_text("\n".join([*head, *lines, 'http_listen = "0.0.0.0:8443"']) + "\n")
    good("network", "plan", file, "--out", tmp_path / "plan", cwd=tmp_path)
    home = tmp_path / "plan" / "city"
    config = tomllib.loads((home / "nodes" / "city" / "node.toml").read_text())
    assert (config["tls"], config["http_listen"]) == (tls, "0.0.0.0:8443")
    assert json.loads((home / "network.json").read_text())["nodes"][0]["http_port"] == 8443
    for wrong, expected in (
        (lines[:1], "tls_key is missing"),
        (['http_listen = "0.0.0.0:8443"'], "needs a certificate"),
        (['http_listen = "127.0.0.1:8443"', "http_port = 8000"], "http_port"),
        (['tls_certificate = "node.pem"'], "absolute path"),
    ):
        file.write_text("\n".join([*head, *wrong]) + "\n")
        ended = trine("network", "plan", file, "--out", tmp_path / "other", "--json")
        assert ended.code == "bad_configuration"
        assert expected in ended.document["error"]["detail"], ended.out
    assert os.listdir(tmp_path / "plan") == ["city"]
