"""Read what a client is told: which nodes, which key."""

import os
import ssl
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from trine.client.reading import Reading
from trine.client.sender import Sender
from trine.client.submission import Session
from trine.client.verification import PathLike, unreadable
from trine.crypto import SigningKey
from trine.errors import BadArgument, UnreadableFile
from trine.types import Address

CERTIFICATE_VARIABLE: Final = "TRINE_CLIENT_CERTIFICATE"
KEY_VARIABLE: Final = "TRINE_CLIENT_KEY"

ReadKey = SigningKey | Callable[[], SigningKey | None]
"""Key that signs requests for records, or what opens it when a node first asks for it."""


def node_urls(urls: str | Sequence[str]) -> tuple[str, ...]:
    """Check the URLs of nodes.

    Raises:
        BadArgument: There is none, or one is no HTTP URL.
    """
    listed = (urls,) if isinstance(urls, str) else tuple(urls)
    if not listed:
        raise BadArgument("no node: expected at least one URL")
    for url in listed:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise BadArgument(f"node {url[:200]!r}, expected a URL such as http://127.0.0.1:8645")
    return tuple(url.rstrip("/") for url in listed)


def tls(
    ca_file: PathLike | None,
    client_certificate: PathLike | None = None,
    client_key: PathLike | None = None,
) -> ssl.SSLContext | bool:
    """Say which certificates vouch for a node, and with which one the client names itself.

    Raises:
        UnreadableFile: A file cannot be read, holds no certificate, or no key that fits it.
        BadArgument: There is a key and no certificate.
    """
    if client_certificate is None and client_key is not None:
        raise BadArgument("a client's key needs its certificate: client_certificate is missing")
    if ca_file is None and client_certificate is None:
        return True
    if ca_file is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust_file(context, ca_file)
    name_client(context, client_certificate, client_key)
    return context


def trust_file(context: ssl.SSLContext, ca_file: PathLike) -> None:
    """Let the certificates of a file vouch for nodes.

    Raises:
        UnreadableFile: It cannot be read, or holds no certificate.
    """
    try:
        context.load_verify_locations(os.fspath(ca_file))
    except (ssl.SSLError, OSError) as error:
        raise _unusable(ca_file, "PEM certificates", error) from None


def name_client(
    context: ssl.SSLContext, certificate: PathLike | None, key: PathLike | None
) -> None:
    """Let a client name itself, where it has a certificate.

    Raises:
        UnreadableFile: It cannot be read, or the key does not fit it.
    """
    if certificate is None:
        return
    named = None if key is None else os.fspath(key)
    try:
        # A key with a password would ask for it at the terminal.
        context.load_cert_chain(os.fspath(certificate), named, password=b"")
    except (ssl.SSLError, OSError) as error:
        expected = "a PEM certificate and its key without a password"
        raise _unusable(certificate, expected, error) from None


def client_files() -> tuple[str | None, str | None]:
    """Name the user's certificate and key, as the environment says."""
    return os.environ.get(CERTIFICATE_VARIABLE), os.environ.get(KEY_VARIABLE)


def _unusable(path: PathLike, expected: str, error: OSError) -> UnreadableFile:
    """Make the error of a PEM file."""
    if isinstance(error, ssl.SSLError):
        message = f"{os.fspath(path)}: expected {expected} ({error.reason or error})"
        return UnreadableFile(message, instance=str(path))
    return unreadable(path, error)


def new_session(key: SigningKey | None, address: Address | None, key_index: int) -> Session:
    """Make the session of a client; without an address, that of the key's own account."""
    if key is None:
        return Session(None)
    return Session(Sender(key, address, key_index))


def new_reading(urls: Sequence[str], session: Session | None, read_key: ReadKey | None) -> Reading:
    """Say who asks for records; without a key of its own, whoever sends."""

    def open_reader() -> Sender | None:
        if read_key is None:
            return session.sender if session and session.sends else None
        key = read_key() if callable(read_key) else read_key
        return None if key is None else Sender(key)

    return Reading(urls, open_reader)
