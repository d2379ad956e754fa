"""Read what a client is told: which nodes, which key."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from trine.client.submission import Identity, Session
from trine.crypto import SecretKey
from trine.errors import BadArgument
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


def new_session(
    key: SecretKey | None, address: Address | None, key_index: int, suite: str
) -> Session:
    """Make the session of a client; without an address, that of the key's own account."""
    if key is None:
        return Session(None)
    return Session(Identity(key, address or Address(key.address(suite)), key_index))
