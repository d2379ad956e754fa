"""Say where a node serves its HTTP API, and with which certificate; check the files at once."""

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from trine.client.settings import (
    CERTIFICATE_VARIABLE,
    client_files,
    name_client,
    trust_file,
)
from trine.client.verification import unreadable
from trine.errors import BadArgument, UnreadableFile

F = TypeVar("F", bound=Callable[..., Any])

HOST: Final = "127.0.0.1"
"""Where a node serves its API when nobody says otherwise."""
EVERYWHERE: Final = ("0.0.0.0", "[::]")  # noqa: S104 - only what the user asks for
"""Addresses that other hosts reach, and the commands of this one by loopback too."""


@dataclass(frozen=True)
class Serving:
    """Where and how a node serves its HTTP API.

    Attributes:
        host: Address on which it listens.
        port: Its port; none for one that is free.
        certificate: PEM file of its certificate, with those between it and an authority.
        key: PEM file of the certificate's key.
        client_authorities: PEM file of the authorities whose clients it serves, and nobody else.
    """

    host: str = HOST
    port: int | None = None
    certificate: str | None = None
    key: str | None = None
    client_authorities: str | None = None


LOCAL: Final = Serving()
"""On loopback, at a free port, without a certificate."""


def serving_options(function: F) -> F:
    """Take where the API is served, and pass it on as `serving`."""
    file = click.Path(path_type=Path, dir_okay=False)

    @click.option(
        "--http-listen",
        metavar="IP:PORT",
        help="Where the node serves its API: 0.0.0.0:PORT for other hosts, with a certificate "
        "(default: a free port of 127.0.0.1).",
    )
    @click.option(
        "--tls-certificate",
        type=file,
        help="PEM file of the certificate with which the node serves its API.",
    )
    @click.option("--tls-key", type=file, help="PEM file of the certificate's key.")
    @click.option(
        "--tls-client-authorities",
        type=file,
        help="PEM file of authorities: the API serves only clients with their certificates.",
    )
    @functools.wraps(function)
    def wrapped(
        *args: Any,
        http_listen: str | None,
        tls_certificate: Path | None,
        tls_key: Path | None,
        tls_client_authorities: Path | None,
        **rest: Any,
    ) -> Any:
        files = (tls_certificate, tls_key, tls_client_authorities)
        return function(*args, serving=read_serving(http_listen, *files), **rest)

    return wrapped  # type: ignore[return-value]  # the options are added, the rest is the same


def read_serving(
    listen: str | None,
    certificate: Path | None,
    key: Path | None,
    client_authorities: Path | None,
) -> Serving:
    """Check where the API is to be served, and the files.

    Raises:
        BadArgument: They do not go together, or a certificate has expired.
        UnreadableFile: A file cannot be read, or holds something else.
    """
    host, port = read_listen(listen, "--http-listen") if listen else (HOST, None)
    together(
        host,
        {
            "--tls-certificate": certificate,
            "--tls-key": key,
            "--tls-client-authorities": client_authorities,
        },
    )
    if certificate is None or key is None:
        return Serving(host, port)
    check_certificate(certificate, key)
    if client_authorities is not None:
        check_authorities(client_authorities)
        if client_files()[0] is None:
            message = (
                f"--tls-client-authorities {client_authorities}: this host's own commands need a "
                f"certificate of such an authority too: name its file in ${CERTIFICATE_VARIABLE}"
            )
            raise BadArgument(message)
    authorities = str(client_authorities.absolute()) if client_authorities else None
    return Serving(host, port, str(certificate.absolute()), str(key.absolute()), authorities)


def read_listen(text: str, option: str) -> tuple[str, int]:
    """Read an address on which commands of this host reach the node too.

    Raises:
        BadArgument: It is none.
    """
    host, _, port = text.rpartition(":")
    if host not in (HOST, *EVERYWHERE) or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        known = " or ".join(f"{one}:PORT" for one in (HOST, *EVERYWHERE))
        message = f"{option} is {text!r:.80}, expected {known}: this host's commands use loopback"
        raise BadArgument(message)
    return host, int(port)


def together(host: str, files: dict[str, Any]) -> None:
    """Check that what a certificate needs is there, and what needs one has it.

    Args:
        host: Address on which the API is served.
        files: Certificate, key and client authorities, by the names of their options.

    Raises:
        BadArgument: Something is missing.
    """
    (named, certificate), (key_named, key), (_, authorities) = files.items()
    if certificate is None and key is None and authorities is None:
        if host != HOST:
            message = f"other hosts reach {host}, so the API needs a certificate there"
            raise BadArgument(f"{message}: give {named} and {key_named}")
        return
    for name, value in ((named, certificate), (key_named, key)):
        if value is None:
            raise BadArgument(f"{name} is missing: a certificate and its key go together")


def check_certificate(certificate: Path, key: Path) -> None:
    """Check that a certificate is one, is valid now, and that the key is its own.

    Raises:
        BadArgument: It is not valid now.
        UnreadableFile: A file cannot be read, or they do not fit.
    """
    for path in (certificate, key):
        _readable(path)
    name_client(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    # The first is the node's own; those behind it lead to an authority.
    _check_times(certificate, first_only=True)


def check_authorities(path: Path) -> None:
    """Check that a file holds certificates of authorities of which one is valid now.

    Raises:
        BadArgument: None is valid now.
        UnreadableFile: It cannot be read, or holds something else.
    """
    trust_file(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), path)
    _check_times(path, first_only=False)


def _readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise unreadable(path, error) from None


def _check_times(path: Path, *, first_only: bool) -> None:
    from cryptography import x509  # noqa: PLC0415 - heavy, and only for this

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        message = f"{path}: expected PEM certificates ({error})"
        raise UnreadableFile(message, instance=str(path)) from None
    now = datetime.now(UTC)
    considered = found[:1] if first_only else found
    if any(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in considered):
        return
    first = considered[0]
    if first.not_valid_after_utc < now:
        message = f"{path} expired on {first.not_valid_after_utc:%Y-%m-%d}: give a new certificate"
    else:
        since = f"{first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        message = f"{path} is valid from {since} on: give another, or set the clock"
    raise BadArgument(message, instance=str(path))
