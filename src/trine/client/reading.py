"""Sign requests for records, where a chain is not read by anyone (RFC 9421).

A node says in its refusal which chain wants a signature; from then on each request carries one.

>>> from trine.client.reading import Reading
>>> from trine.client.sender import Sender
>>> from trine.crypto import SecretKey
>>> key = SecretKey("ed25519", bytes(32))
>>> reading = Reading(("http://127.0.0.1:8645",), lambda: Sender(key))
>>> wanted = f'Signature realm="trine", suite="intl", tag="trine-read-{"01" * 32}"'
>>> reading.learn(wanted)
True
>>> headers = reading.headers("GET", "http://127.0.0.1:8645/v1/blocks?limit=5", 1_700_000_000)
>>> headers["signature-input"][:66]
'trine=("@method" "@path" "@query");created=1700000000;keyid="b995c'
"""

import base64
import re
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Final

import httpx

from trine.client.sender import Sender

NAMESPACE: Final = b"trine/read"
"""Namespace of the signatures."""
COMPONENTS: Final = '("@method" "@path" "@query")'
"""What a signature covers."""
WANTED: Final = re.compile(
    r'Signature realm="trine", suite="(intl|gm)", tag="(trine-read-[0-9a-f]{64})"'
)
"""What a node answers in `WWW-Authenticate`: suite and tag."""


class Reading(httpx.Auth):
    """Prove to nodes who asks, once they want to know. Safe between threads."""

    def __init__(self, urls: Sequence[str], open_reader: Callable[[], Sender | None]) -> None:
        """Ask the nodes at `urls`; `open_reader` is called once, when a node wants to know."""
        self._prefixes = [httpx.URL(url).raw_path.rstrip(b"/") for url in urls]
        self._roots = [_root(httpx.URL(url)) for url in urls]
        self._open = open_reader
        self._lock = threading.Lock()
        self._asked = False
        self._reader: Sender | None = None
        self._tag = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request where that is wanted; the first one is sent again with a signature."""
        # What is submitted is signed itself.
        is_read = request.method == "GET"
        if is_read and self._tag:
            self._sign(request)
            is_read = False
        response = yield request
        if is_read and response.status_code == httpx.codes.UNAUTHORIZED:
            wanted = response.headers.get("www-authenticate", "")
            if self.learn(wanted):
                self._sign(request)
                yield request

    def learn(self, wanted: str) -> bool:
        """Take which chain wants signatures; says whether there is a key to sign with.

        A client is of one chain: it signs for the first that asked, and for no other.
        """
        found = WANTED.fullmatch(wanted)
        if found is None:
            return False
        suite, tag = found.groups()
        with self._lock:
            if not self._asked:
                self._asked = True
                self._reader = self._open()
                if self._reader is not None:
                    self._reader.meet(suite)
                    self._tag = tag
            return tag == self._tag

    def headers(self, method: str, url: str, created_s: int) -> dict[str, str]:
        """Write the headers of a signature over method, path and query.

        The path is the one below a node's URL: what stands before it is known to a proxy alone.

        Args:
            method: HTTP method.
            url: URL of the request.
            created_s: Unix time in seconds.
        """
        assert self._reader is not None, "a node wanted a signature, and there is a key"
        asked = httpx.URL(url)
        path, _, query = self._below(asked).partition("?")
        key = f"{self._reader.address.hex()}/{self._reader.key_index}"
        covered = f'{COMPONENTS};created={created_s};keyid="{key}";tag="{self._tag}"'
        lines = (
            f'"@method": {method}',
            f'"@path": {path}',
            f'"@query": ?{query}',
            f'"@signature-params": {covered}',
        )
        signature = self._reader.key.sign(NAMESPACE, "\n".join(lines).encode())
        text = base64.b64encode(signature).decode()
        return {"signature-input": f"trine={covered}", "signature": f"trine=:{text}:"}

    def _sign(self, request: httpx.Request) -> None:
        request.headers.update(self.headers(request.method, str(request.url), int(time.time())))

    def _below(self, url: httpx.URL) -> str:
        """Give path and query of a URL below the node's own."""
        path = url.raw_path
        for root, prefix in zip(self._roots, self._prefixes, strict=True):
            if root == _root(url) and path.startswith(prefix + b"/"):
                path = path.removeprefix(prefix)
                break
        return path.decode("ascii")


def _root(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
