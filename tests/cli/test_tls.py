"""Test a node whose API other hosts may reach: with TLS, and never without."""

import datetime
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import trine as package
from tests.cli.command import ROOT, trine
from trine import errors

pytestmark = pytest.mark.network

SECONDS_MAX = 60


def certify(folder: Path, until: datetime.datetime | None = None) -> None:
    """Write a key and a certificate for 127.0.0.1 that vouches for itself, by default for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node of the test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(until or now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "node.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "node.key").write_bytes(secret)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a network of one validator, which is not running."""
    home = tmp_path_factory.mktemp("tls") / "home"
    made = trine("up", "--detach", "--validators", "1", "--home", home)
    assert made.status == 0, made.err
    assert trine("down", "--home", home).status == 0
    return home


def port(home: Path) -> int:
    """Port of the node's API."""
    found = json.loads((home / "network.json").read_text())["nodes"][0]["http_port"]
    assert isinstance(found, int)
    return found


def configure(home: Path, *, tls: bool) -> Path:
    """Let the node listen on every address of the host, with TLS or without."""
    config = home / "nodes" / "city" / "node.toml"
    text = config.read_text().partition("[tls]")[0]
    text = text.replace(f"127.0.0.1:{port(home)}", f"0.0.0.0:{port(home)}")
    if tls:
        text += '[tls]\ncertificate = "node.pem"\nkey = "node.key"\n'
    config.write_text(text)
    return config


@pytest.fixture
def url(network: Path) -> Iterator[str]:
    """A node with TLS that runs while the test does."""
    config = configure(network, tls=True)
    certify(config.parent)
    words = [sys.executable, "-m", "trine", "node", "run", "--config", str(config)]
    node = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ))
    yield f"https://127.0.0.1:{port(network)}"
    node.terminate()
    assert node.wait(SECONDS_MAX) == 0


def test_no_public_address_without_tls(network: Path) -> None:
    """Goal: nobody serves other hosts in the clear by mistake. Method: configure just that."""
    config = configure(network, tls=False)
    ended = trine("node", "run", "--config", config)
    assert ended.status != 0
    assert "bad_configuration" in ended.err
    assert "TLS" in ended.err or "tls" in ended.err


def test_a_client_trusts_the_named_authority_only(network: Path, url: str, tmp_path: Path) -> None:
    """Goal: SDK and command reach a node by TLS, and refuse a stranger's certificate.

    Method: the node's certificate vouches for itself; ask with it, without it, with another.
    """
    mine = network / "nodes" / "city" / "node.pem"
    certify(tmp_path)
    until = time.monotonic() + SECONDS_MAX
    with package.Client(url, ca_file=mine) as client:
        while time.monotonic() < until:
            try:
                if client.status().height >= 1:
                    break
            except errors.CannotReachNode:
                time.sleep(0.2)
        assert client.status().height >= 1
    for ca_file in (None, tmp_path / "node.pem"):
        with package.Client(url, ca_file=ca_file) as client, pytest.raises(errors.CannotReachNode):
            client.status()
    shown = trine("status", "--node", url, "--json", TRINE_CA_FILE=str(mine))
    assert shown.status == 0, shown.err
    assert shown.document["chain"] == "local"
    assert trine("status", "--node", url, "--json").status == 3


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    """Goal: a wrong CA file is told from an unreachable node. Method: no file, and not PEM."""
    text = tmp_path / "ca.pem"
    text.write_text("no certificate")
    for path in (text, tmp_path / "missing.pem"):
        with pytest.raises(errors.UnreadableFile, match=path.name):
            package.Client("https://127.0.0.1:1", ca_file=path)
