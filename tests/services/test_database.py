"""Test how PostgreSQL is reached: by which URL, whom it is believed, with which password."""

import datetime
import ipaddress
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.services.databases import Running
from trine.bench.peers.postgresql_server import user
from trine.errors import BadArgument
from trine.errors.services import DatabaseUnavailable
from trine.services.evidence import database
from trine.services.evidence.index import Index

SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://127.0.0.1/evidence", "no user"),
        ("postgresql://city:hidden@db/evidence?sslmode=prefer", "'prefer'"),
        ("postgresql://city:hidden@db/evidence?sslmod=disable", "'sslmod'"),
        ("postgresql://city:hidden@db/evidence?sslrootcert=/nowhere/roots.pem", "nowhere"),
        ("postgresql://city:hidden@db/evidence?application_name=a&application_name=b", "twice"),
        ("postgresql+nothing://city:hidden@db/evidence", "cannot be used"),
        ("city:hidden", "cannot be used"),
        ("postgresql://city:hidden@db:port/evidence", "cannot be used"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    """Goal: what is wrong is named, and no password is. Method: a mistake in each part."""
    with pytest.raises(BadArgument) as found:
        Index(url)
    assert said in str(found.value)
    assert "hidden" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "is_encrypted"),
    [
        ("postgresql://city@db.example/evidence", True),
        ("postgresql://city@192.0.2.7/evidence?sslmode=verify-full", True),
        ("postgresql://city@db.example/evidence?sslmode=disable", False),
        ("postgresql://city@127.0.0.1/evidence", False),
        ("postgresql://city@[::1]/evidence", False),
        ("postgresql://city@localhost/evidence", False),
        ("postgresql://city@127.0.0.1/evidence?sslmode=verify-full", True),
        ("postgresql://city@/evidence?unix_sock=/run/postgresql/.s.PGSQL.5432", False),
    ],
)
def test_other_hosts_are_reached_by_tls(url: str, is_encrypted: bool) -> None:
    """Goal: nobody on the way reads or writes, unless it is asked for. Method: name hosts."""
    _, arguments = database._connecting(database.make_url(url))
    context = arguments["ssl_context"]
    assert context.check_hostname if is_encrypted else context is False


def certify(folder: Path) -> Path:
    """Write key and certificate of a server on loopback; returns the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "database")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.key").touch(0o600)
    (folder / "server.key").write_bytes(secret)
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    if (owner := user()) is not None:
        for file in ("server.key", "server.crt"):
            shutil.chown(folder / file, owner)
    return folder / "server.crt"


def test_password_and_certificate_are_checked(stopping: Running, tmp_path: Path) -> None:
    """Goal: the password goes to the right server only, and is in no message.

    Method: a server with TLS that asks one role for a password; connect with the right and a wrong
    one, with the roots that vouch for it and with those of the system, and without TLS.
    """
    server = stopping.server
    url = stopping.new_database().replace("//postgres@", "//keeper:{}@")
    server.sql(f"CREATE ROLE keeper LOGIN SUPERUSER PASSWORD '{SECRET}'")
    stopping.stop()
    roots = tmp_path / "roots.pem"
    shutil.copyfile(certify(server.folder), roots)
    rules = server.folder / "pg_hba.conf"
    rules.write_text(
        "hostssl all keeper 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"
    )
    server.settings = {**server.settings, "ssl": "on"}
    stopping.start()
    proven = f"{url}?sslmode=verify-full&sslrootcert={roots}"
    Index(proven.format(SECRET)).close()
    with pytest.raises(DatabaseUnavailable) as found:
        Index(f"{url.format(SECRET)}?sslmode=verify-full")
    assert "certificate verify failed" in str(found.value)
    with pytest.raises(DatabaseUnavailable, match="no encryption"):
        Index(url.format(SECRET))
    with pytest.raises(DatabaseUnavailable) as found:
        Index(proven.format("another"))
    assert "password authentication failed" in str(found.value)
    assert "another" not in str(found.value) and SECRET not in str(found.value)
    assert SECRET not in server.log.read_text()
