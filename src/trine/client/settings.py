"""Read what a client is told: which nodes, which key."""

import os
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from trine.client.sender import Sender
from trine.client.submission import Session
from trine.client.verification import PathLike, unreadable
from trine.crypto import SigningKey
from trine.errors import BadArgument, UnreadableFile
from trine.types import Address


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


def tls(ca_file: PathLike | None) -> ssl.SSLContext | bool:
    """Say which certificates vouch for a node.

    Raises:
        UnreadableFile: The file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=os.fspath(ca_file))
    except ssl.SSLError as error:
        message = f"{ca_file}: expected PEM certificates ({error.reason or error})"
        raise UnreadableFile(message, instance=str(ca_file)) from None
    except OSError as error:
        raise unreadable(ca_file, error) from None


def new_session(key: SigningKey | None, address: Address | None, key_index: int) -> Session:
    """Make the session of a client; without an address, that of the key's own account."""
    if key is None:
        return Session(None)
    return Session(Sender(key, address, key_index))
