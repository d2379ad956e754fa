"""Register, list and remove the certification authorities of an organisation."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trine._cli.accounts import landed, submit
from trine._cli.organisations import organisation
from trine._cli.settings import Settings, columns, common, moment, signing
from trine.client.records import Organisation, read_record
from trine.client.verification import read_file
from trine.crypto import SigningKey
from trine.crypto.x509 import Certificate, MemberPath, read_certificate, read_certificates
from trine.crypto.x509.certificate import FILE_BYTES_MAX
from trine.errors import BadArgument, CertificateNotAllowed, TrineError
from trine.types import AuthorityRegister, AuthorityRemove, Digest, TimeMs

if TYPE_CHECKING:
    from trine.client import Client

SOON_MS = 30 * 86_400_000
"""How long before its end a certificate is said to expire soon."""
COLOURS = {"valid": "green", "expires soon": "yellow", "expired": "red"}

INPUT = click.Path(path_type=Path, dir_okay=False)


def now_ms() -> int:
    """Read this machine's clock, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def state_of(expires_ms: int, at_ms: int) -> str:
    """Say how a certificate stands at a time: one of `COLOURS`."""
    if at_ms > expires_ms:
        return "expired"
    return "expires soon" if expires_ms - at_ms <= SOON_MS else "valid"


def coloured(state: str) -> str:
    """Colour a state for a terminal; elsewhere the colour is left away when it is printed."""
    return click.style(state, fg=COLOURS[state])


def read_all(paths: Iterable[Path]) -> list[Certificate]:
    """Read the certificates of several files.

    Raises:
        UnreadableFile, BadCertificate, UnsupportedCertificate: A file cannot be used.
    """
    return [one for path in paths for one in read_certificates(read_file(path, FILE_BYTES_MAX))]


def named_path(path: MemberPath | None) -> dict[str, str] | None:
    """Name the ends of a path of certificates for output; nothing where there is none."""
    if path is None:
        return None
    return {"subject": path.member.subject, "root": path.authority.subject}


def kept(settings: Settings) -> list[Certificate]:
    """Read the authorities' certificates that the home keeps; a damaged file is said and left."""
    found = []
    for path in sorted(settings.home.authorities.glob("*.pem")):
        try:
            found += read_all([path])
        except TrineError as error:
            settings.note(f"trine: {path} is left out: {error}")
    return found


def keep(settings: Settings, fingerprint: Digest, content: bytes) -> Path:
    """Keep an authority's certificate in the home, for enrolments to come."""
    folder = settings.home.authorities
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = folder / f"{fingerprint}.pem"
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
    return path


@organisation.group()
def authority() -> None:
    """Register the certification authorities that name members of your organisation.

    \b
    Examples:
      trine organisation authority add ca.pem
      trine organisation authority list
    """


@authority.command()
@click.argument("file", type=INPUT)
@common
@signing
def add(settings: Settings, key: SigningKey, file: Path) -> None:
    """Register the authority whose certificate is in FILE, and keep a copy in the home.

    The chain records the certificate's fingerprint and its last day; the file stays off the chain.

    \b
    Example:
      trine organisation authority add ca.pem
    """
    content = read_file(file, FILE_BYTES_MAX)
    certificate = read_certificate(content)
    if not certificate.is_authority:
        raise CertificateNotAllowed(
            f"the certificate of {certificate.subject} is a member's, expected an authority's "
            "(basicConstraints)",
            instance=str(file),
        )
    with settings.client() as client:
        fingerprint = Digest(certificate.fingerprint(client.status().suite))
    expires_ms = TimeMs(certificate.validity.not_after_ms)
    found = submit(settings, key, AuthorityRegister(fingerprint, expires_ms))
    copy = keep(settings, fingerprint, certificate.to_pem())
    done = f"Registered {certificate.subject}, valid until {moment(expires_ms)}, as {fingerprint}"
    landed(
        settings,
        found,
        done,
        fingerprint=str(fingerprint),
        subject=certificate.subject,
        expires_ms=expires_ms,
        file=str(copy),
    )


@authority.command("list")
@click.option("--organisation", "name", help="Number or name of one organisation.")
@common
def list_(settings: Settings, name: str | None) -> None:
    """List the authorities of every organisation, or of one.

    \b
    Examples:
      trine organisation authority list
      trine organisation authority list --organisation university
    """
    with settings.client() as client:
        found = [(one, client.authorities(one.id)) for one in named(client, name)]
        suite = client.status().suite
    subjects = {one.fingerprint(suite): one.subject for one in kept(settings)}
    at_ms = now_ms()
    documents = [
        {
            "organisation": one.id,
            "organisation_name": one.name,
            "fingerprint": str(entry.fingerprint),
            "subject": subjects.get(entry.fingerprint),
            "expires_ms": entry.expires_ms,
            "state": state_of(entry.expires_ms, at_ms),
        }
        for one, entries in found
        for entry in entries
    ]
    rows = [
        (
            one.name,
            entry.fingerprint,
            subjects.get(entry.fingerprint),
            moment(entry.expires_ms),
            coloured(state_of(entry.expires_ms, at_ms)),
        )
        for one, entries in found
        for entry in entries
    ]
    head = ("ORGANISATION", "FINGERPRINT", "SUBJECT", "EXPIRES", "STATE")
    settings.emit({"authorities": documents}, columns(head, rows))


def named(client: "Client", name: str | None) -> list[Organisation]:
    """Find the organisation with a number or name; every one where none is named.

    Raises:
        OrganisationNotFound: There is no such organisation.
    """
    if name is None:
        return client.organisations()
    return [read_record(Organisation.read, client.document(f"/v1/organisations/{name}"))]


@authority.command()
@click.argument("fingerprint", metavar="FINGERPRINT|FILE")
@common
@signing
def remove(settings: Settings, key: SigningKey, fingerprint: str) -> None:
    """Let an authority name no further members; what it vouched for stays recorded.

    \b
    Examples:
      trine organisation authority remove ca.pem
      trine organisation authority remove FINGERPRINT
    """
    if Path(fingerprint).is_file():
        with settings.client() as client:
            suite = client.status().suite
        wanted = Digest(read_all([Path(fingerprint)])[0].fingerprint(suite))
    else:
        wanted = _digest(fingerprint)
    found = submit(settings, key, AuthorityRemove(wanted))
    landed(settings, found, f"Removed the authority {wanted}", fingerprint=str(wanted))


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except BadArgument:
        raise BadArgument(
            f"{text[:80]!r}, expected a fingerprint (64 hexadecimal digits) or a file"
        ) from None
