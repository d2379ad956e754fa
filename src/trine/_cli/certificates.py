"""Enrol members by their X.509 certificates, renew these, and see when they end."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trine._cli.accounts import ROLES, account, landed, submit
from trine._cli.authorities import INPUT, coloured, kept, named, now_ms, read_all, state_of
from trine._cli.settings import ADDRESS, Settings, columns, common, facts, moment, signing
from trine._cli.show import proof_option, save_proof
from trine.client.records import CertifiedMember, Organisation
from trine.client.verification import read_file
from trine.crypto import SigningKey
from trine.crypto.x509 import Certificate, MemberPath, RevocationList, check_member
from trine.crypto.x509.revocation import CRL_BYTES_MAX
from trine.errors import BadArgument, CertificateNotFound, OtherKey, UnknownAuthority
from trine.types import (
    AccountEnrol,
    Address,
    CertificateSet,
    Digest,
    MemberCertificate,
    Roles,
    TimeMs,
)
from trine.types.calls import PublicKey

if TYPE_CHECKING:
    from trine.client import Client

F = TypeVar("F", bound=Callable[..., Any])


def checking(function: F) -> F:
    """Add the options by which a certificate is checked."""
    for option in (
        click.option("--without-crl", is_flag=True, help="Do not check revocation, and say so."),
        click.option(
            "--crl", "crls", type=INPUT, multiple=True, help="Revocation list of an issuer."
        ),
        click.option(
            "--intermediate",
            "intermediates",
            type=INPUT,
            multiple=True,
            help="Certificates between the member's and the authority's.",
        ),
        click.option(
            "--authority",
            "authorities",
            type=INPUT,
            multiple=True,
            help="The authority's certificate, where the home keeps no copy.",
        ),
    ):
        function = option(function)
    return function


def checked(
    settings: Settings,
    key: SigningKey,
    file: Path,
    authorities: tuple[Path, ...],
    intermediates: tuple[Path, ...],
    crls: tuple[Path, ...],
    without_crl: bool,
) -> tuple[MemberPath, MemberCertificate]:
    """Check a certificate up to an authority that the signer's organisation registered.

    Raises:
        BadArgument: Neither lists nor --without-crl are given, or both.
        UnknownAuthority: None of the authorities at hand is registered.
        CertificateRefused, BadCertificate, BadCrl, UnsupportedCertificate: As `check_member`.
    """
    if bool(crls) == without_crl:
        raise BadArgument("give the issuers' revocation lists with --crl, or --without-crl")
    first, *rest = read_all([file])
    with settings.client(key) as client:
        suite = client.status().suite
        own = client.account(Address(key.address(suite))).organisation
        registered = {one.fingerprint for one in client.authorities(own)}
    known = [*read_all(authorities), *kept(settings)]
    trusted = [one for one in known if one.fingerprint(suite) in registered]
    if not trusted:
        raise UnknownAuthority(
            f"organisation {own} registered {len(registered)} authorities, and none of their "
            "certificates is at hand: register one with `trine organisation authority add FILE`, "
            "or name its file with --authority"
        )
    lists = [RevocationList(read_file(one, CRL_BYTES_MAX)) for one in crls]
    path = check_member(
        first,
        authorities=trusted,
        intermediates=[*rest, *read_all(intermediates)],
        crls=None if without_crl else lists,
        at_ms=now_ms(),
    )
    record = MemberCertificate(
        Digest(path.member.fingerprint(suite)),
        Digest(path.authority.fingerprint(suite)),
        TimeMs(path.member.validity.not_after_ms),
    )
    return path, record


def _document(path: MemberPath, record: MemberCertificate) -> dict[str, Any]:
    return {
        "subject": path.member.subject,
        "authority_subject": path.authority.subject,
        "path": [one.subject for one in path.certificates],
        "revocation_checked": path.is_revocation_checked,
        "fingerprint": str(record.fingerprint),
        "authority": str(record.authority),
        "expires_ms": record.expires_ms,
    }


def _done(settings: Settings, path: MemberPath, record: MemberCertificate) -> str:
    if not path.is_revocation_checked:
        settings.note("trine: revocation was not checked (--without-crl)")
    return (
        f"{path.member.subject}, vouched for by {path.authority.subject} "
        f"until {moment(record.expires_ms)}"
    )


@account.command()
@click.argument("file", type=INPUT)
@click.option(
    "--roles", type=ROLES, default="", help="administrator, notary, issuer, reader; by commas."
)
@checking
@common
@signing
def enrol(
    settings: Settings,
    key: SigningKey,
    file: Path,
    roles: Roles,
    **check: Any,
) -> None:
    """Create an account in your organisation for the holder of the certificate in FILE.

    The certificate's path, time and revocation are checked on this machine; the chain records its
    fingerprint and its last day. FILE may hold the certificates between after the member's.

    \b
    Examples:
      trine account enrol member.pem --crl ca.crl --roles notary
      trine account enrol member.pem --intermediate issuing.pem --crl ca.crl --crl issuing.crl
    """
    path, record = checked(settings, key, file, **check)
    algorithm, public_key = path.member.key
    call = AccountEnrol(PublicKey(algorithm, public_key), record, roles)
    found = submit(settings, key, call)
    address = next(str(event.fields()["address"]) for event in found.outcome.events)
    done = f"Enrolled account {address}: {_done(settings, path, record)}"
    landed(settings, found, done, address=address, **_document(path, record))


@account.command("set-certificate")
@click.argument("address", type=ADDRESS)
@click.argument("file", type=INPUT)
@checking
@common
@signing
def set_certificate(
    settings: Settings, key: SigningKey, address: Address, file: Path, **check: Any
) -> None:
    """Record the certificate in FILE for the account at ADDRESS: its first one, or a renewal.

    The certificate must be for a key with which the account can sign now.

    \b
    Example:
      trine account set-certificate ADDRESS renewed.pem --crl ca.crl
    """
    path, record = checked(settings, key, file, **check)
    with settings.client() as client:
        require_key(client, address, path.member)
    found = submit(settings, key, CertificateSet(address, record))
    done = f"Certified account {address}: {_done(settings, path, record)}"
    landed(settings, found, done, address=str(address), **_document(path, record))


def require_key(client: "Client", address: Address, certificate: Certificate) -> None:
    """Check that a certificate is for one of an account's live keys.

    Raises:
        OtherKey: It is for another.
    """
    algorithm, public_key = certificate.key
    for index in client.account(address).document["live_keys"]:
        found = client.document(f"/v1/accounts/{address}/keys/{index}")
        if (found["algorithm"], found["key"]) == (algorithm, public_key.hex()):
            return
    raise OtherKey(
        f"the certificate of {certificate.subject} is for the key {algorithm}:{public_key.hex()}, "
        f"with which account {address} cannot sign"
    )


@account.command()
@click.argument("address", type=ADDRESS, required=False)
@click.option("--organisation", "name", help="Number or name of one organisation.")
@proof_option
@common
def certificates(
    settings: Settings, address: Address | None, name: str | None, proof_file: Path | None
) -> None:
    """List the members' certificates and how they stand, or show that of the account at ADDRESS.

    A certificate expires soon in its last 30 days. One that has expired takes no right away:
    freeze the account, or record a renewal.

    \b
    Examples:
      trine account certificates
      trine account certificates --organisation university --json
      trine account certificates ADDRESS --proof certificate.proof
    """
    if address is not None:
        _show(settings, address, proof_file)
        return
    if proof_file:
        raise BadArgument("--proof goes with the ADDRESS of one account")
    with settings.client() as client:
        found = [(one, client.certificates(one.id)) for one in named(client, name)]
    at_ms = now_ms()
    documents = [_member(one, member, at_ms) for one, members in found for member in members]
    rows = [
        (
            one["address"],
            one["organisation_name"],
            moment(one["expires_ms"]),
            "frozen" if one["frozen"] else "-",
            coloured(one["state"]),
        )
        for one in documents
    ]
    head = ("ADDRESS", "ORGANISATION", "EXPIRES", "ACCOUNT", "STATE")
    settings.emit({"certificates": documents}, columns(head, rows))


def _member(organisation: Organisation, member: CertifiedMember, at_ms: int) -> dict[str, Any]:
    certificate = member.certificate
    return {
        "address": str(member.address),
        "organisation": organisation.id,
        "organisation_name": organisation.name,
        "fingerprint": str(certificate.fingerprint),
        "authority": str(certificate.authority),
        "expires_ms": certificate.expires_ms,
        "state": state_of(certificate.expires_ms, at_ms),
        "frozen": member.frozen,
    }


def _show(settings: Settings, address: Address, proof_file: Path | None) -> None:
    with settings.client() as client:
        found = client.account(address)
        certificate = found.certificate
        if certificate is None:
            raise CertificateNotFound(f"account {address} has no certificate on this chain")
        proof = client.proof(f"/v1/accounts/{address}/certificate") if proof_file else None
    state = state_of(certificate.expires_ms, now_ms())
    document = {
        "address": str(address),
        "fingerprint": str(certificate.fingerprint),
        "authority": str(certificate.authority),
        "expires_ms": certificate.expires_ms,
        "state": state,
        "frozen": found.frozen,
    }
    lines = facts(address=address, fingerprint=certificate.fingerprint)
    lines += facts(authority=certificate.authority, expires=moment(certificate.expires_ms))
    lines += facts(state=coloured(state), frozen="yes" if found.frozen else "no")
    if proof is not None and proof_file is not None:
        lines += save_proof(proof, proof_file)
    settings.emit(document, lines)
