"""Test a node whose API other hosts may reach: with TLS, and never without."""

import datetime
import ipaddress
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import trine as package
from tests.cli.command import ROOT, trine
from tests.suite import ONE_SUITE
from trine import errors

pytestmark = [pytest.mark.network, ONE_SUITE]

SECONDS_MAX = 60


class Authority:
    """A certification authority for servers and clients of the tests."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _named("authority of the test")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self.name, self.name, self.key, None)
        builder = builder.add_extension(constraints, critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def write(self, path: Path) -> Path:
        """Write the authority's certificate."""
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, path: Path, until: datetime.datetime | None = None) -> Path:
        """Write a certificate, by default for a day, and its key into one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named("client of the test"), self.name, key, until)
        certificate = builder.sign(self.key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + _secret(key))
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _secret(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    until: datetime.datetime | None,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(until or now + datetime.timedelta(days=1))
    )


def certify(folder: Path, until: datetime.datetime | None = None) -> None:
    """Write a key and a certificate for 127.0.0.1 that vouches for itself, by default for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("node of the test")
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = _builder(name, name, key, until).add_extension(here, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "node.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "node.key").write_bytes(_secret(key))


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


def configure(home: Path, *, tls: bool, more: str = "") -> Path:
    """Let the node listen everywhere: with TLS, and `more` about it, or without."""
    config = home / "nodes" / "city" / "node.toml"
    text = config.read_text().partition("[tls]")[0]
    text = text.replace(f"127.0.0.1:{port(home)}", f"0.0.0.0:{port(home)}")
    if tls:
        text += '[tls]\ncertificate = "node.pem"\nkey = "node.key"\n' + more
    config.write_text(text)
    return config


@contextmanager
def _running(network: Path, config: Path) -> Iterator[str]:
    """Run the node; gives its URL."""
    words = [sys.executable, "-m", "trine", "node", "run", "--config", str(config)]
    node = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ))
    try:
        yield f"https://127.0.0.1:{port(network)}"
    finally:
        node.terminate()
        assert node.wait(SECONDS_MAX) == 0


@pytest.fixture
def url(network: Path) -> Iterator[str]:
    """A node with TLS that runs while the test does."""
    config = configure(network, tls=True)
    certify(config.parent)
    with _running(network, config) as url:
        yield url


def _until_ready(client: package.Client) -> int:
    """Wait until the node has a block; gives its height."""
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        with suppress(errors.CannotReachNode, errors.NotReady):
            if height := client.status().height:
                return height
        time.sleep(0.2)
    raise AssertionError("the node has no block")


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
    with package.Client(url, ca_file=mine) as client:
        assert _until_ready(client) >= 1
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


def _metrics(url: str, ca_file: Path) -> dict[str, float]:
    """Fetch the counts of the node, over a connection of its own."""
    context = ssl.create_default_context(cafile=str(ca_file))
    with urllib.request.urlopen(f"{url}/metrics", context=context) as answer:
        lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines()]
    return {name: float(value) for name, value in lines if not name.startswith("#")}


def test_a_certificate_is_replaced_while_the_node_runs(network: Path, url: str) -> None:
    """Goal: a new certificate needs no restart, a wrong one harms nothing, one that ends soon is
    told. Method: replace the files of a node that runs by good ones, and by a key that does not
    fit; read its metrics and its log, whose warning is of the one that ends within a day."""
    folder = network / "nodes" / "city"
    with package.Client(url, ca_file=folder / "node.pem") as client:
        _until_ready(client)
    log = (folder / "node.log").read_text()
    assert "the certificate of the HTTP API expires" in log
    expires = "trine_tls_certificate_expires_seconds"
    before = _metrics(url, folder / "node.pem")
    old = (folder / "node.pem").read_bytes()
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=90)
    certify(folder, until)
    new = (folder / "node.pem").read_bytes()
    here = ("127.0.0.1", port(network))
    deadline = time.monotonic() + SECONDS_MAX
    while ssl.get_server_certificate(here).encode() == old:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert ssl.get_server_certificate(here).encode() == new
    since = (folder / "node.log").read_text()[len(log) :]
    assert "the certificate of the HTTP API expires" not in since
    after = _metrics(url, folder / "node.pem")
    assert after[expires] == int(until.timestamp()) > before[expires] > time.time()
    assert after['trine_tls_reloads_total{result="done"}'] == 1
    (folder / "node.key").write_text("no key")
    failed = 'trine_tls_reloads_total{result="failed"}'
    while _metrics(url, folder / "node.pem").get(failed) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert ssl.get_server_certificate(here).encode() == new


def test_clients_need_a_certificate_where_they_are_asked(network: Path, tmp_path: Path) -> None:
    """Goal: a node serves members only, and an expired certificate stops its holder, not the chain.

    Method: clients with a valid certificate, an expired one, another authority's, and none.
    """
    authority = Authority()
    config = configure(network, tls=True, more='client_authorities = "clients.pem"\n')
    certify(config.parent)
    authority.write(config.parent / "clients.pem")
    ca_file = config.parent / "node.pem"
    member = authority.issue(tmp_path / "member.pem")
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    expired = authority.issue(tmp_path / "expired.pem", yesterday)
    stranger = Authority().issue(tmp_path / "stranger.pem")
    with (
        _running(network, config) as url,
        package.Client(url, ca_file=ca_file, client_certificate=member) as client,
    ):
        before = _until_ready(client)
        for other in (None, expired, stranger):
            refused = package.Client(url, ca_file=ca_file, client_certificate=other)
            with refused, pytest.raises(errors.CannotReachNode):
                refused.status()
        deadline = time.monotonic() + SECONDS_MAX
        while client.status().height <= before:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        told = {"TRINE_CA_FILE": str(ca_file), "TRINE_CLIENT_CERTIFICATE": str(member)}
        assert trine("status", "--node", url, "--json", **told).status == 0
        assert trine("status", "--node", url, "--json", TRINE_CA_FILE=str(ca_file)).status == 3
        backup = ("backup", tmp_path / "chain", "--node", url, "--json")
        assert trine(*backup, TRINE_CA_FILE=str(ca_file)).status == 3
        assert trine(*backup, **told).document["height"] >= before


def test_a_client_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Goal: a wrong file is told from a node that refuses. Method: no file, no certificate, a key
    of another one, a key alone."""
    member = Authority().issue(tmp_path / "member.pem")
    other = Authority().issue(tmp_path / "other.pem")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for files in ((tmp_path / "missing.pem", None), (text, None), (member, other)):
        certificate, key = files
        with pytest.raises(errors.UnreadableFile, match=certificate.name):
            package.Client("https://127.0.0.1:1", client_certificate=certificate, client_key=key)
    with pytest.raises(errors.BadArgument, match="client_certificate"):
        package.Client("https://127.0.0.1:1", client_key=member)


def test_a_home_whose_node_has_tls(network: Path) -> None:
    """Goal: `up`, `doctor`, `status` and `down` work where the node serves TLS. Method: a
    certificate that vouches for itself; another name in it harms none but `status`."""
    config = configure(network, tls=True)
    certify(config.parent)
    started = trine("up", "--detach", "--home", network, "--json")
    try:
        assert started.status == 0, started.err
        assert started.document["nodes"][0]["url"].startswith("https://")
        findings = trine("doctor", "--home", network, "--json").document["findings"]
        levels = {one["check"]: one["level"] for one in findings}
        assert levels["node city"] == "ok"
        assert levels["certificate of city"] == "warning", "it ends in a day"
        told = {"TRINE_CA_FILE": str(config.parent / "node.pem")}
        assert trine("status", "--home", network, **told).status == 0
    finally:
        assert trine("down", "--home", network).status == 0
