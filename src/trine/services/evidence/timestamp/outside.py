"""Ask timestamp authorities of others over HTTP, and believe nothing that they say unchecked.

`Outside` says whom to ask and what to accept, and does no I/O; `ask` sends one request, and
`ask_waiting` works through the queue of `waiting.py`. RFC 3161, section 3.4, has the HTTP part.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx

from trine.crypto.x509 import Certificate
from trine.errors import BadArgument, TimestampUnavailable, TrineError, WrongTimestampTime
from trine.services.evidence.timestamp.algorithms import Imprint
from trine.services.evidence.timestamp.limits import (
    ANSWER_S_MAX,
    CONNECT_S_MAX,
    RESPONSE_BYTES_MAX,
    SKEW_MS_MAX,
)
from trine.services.evidence.timestamp.request import Request, new_nonce
from trine.services.evidence.timestamp.verify import Timestamp, token_of, verify
from trine.services.evidence.timestamp.waiting import Waiting

QUERY_TYPE: Final = "application/timestamp-query"
"""Media type of a request."""
REPLY_TYPE: Final = "application/timestamp-reply"
"""Media type of a response."""
STATUS_OK: Final = 200


@dataclass(frozen=True)
class Answer:
    """What an authority answered over HTTP."""

    status: int
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Outside:
    """An authority of somebody else.

    Attributes:
        url: Where it answers: https, or http on this machine.
        roots: Certificates up to which its timestamps are checked.
        certificates: Certificates between, and its own, where its tokens lack them.
        policy: Identifier of the policy to ask for; none takes the authority's own.
        skew_ms_max: Milliseconds by which its time may differ from ours.
    """

    url: str
    roots: Sequence[Certificate]
    certificates: Sequence[Certificate] = ()
    policy: str | None = None
    skew_ms_max: int = SKEW_MS_MAX

    def __post_init__(self) -> None:
        """Check the URL and the roots.

        Raises:
            BadArgument: The URL is neither https nor on this machine, or there is no root.
        """
        check_url(self.url)
        if not self.roots:
            raise BadArgument(f"no root for {self.url}: give the certificate that you trust")

    def request(self, imprint: Imprint) -> Request:
        """Make a request, with a nonce of its own: make a new one each time."""
        return Request(imprint, new_nonce(), self.policy)

    def accept(
        self, asked: Request, answer: Answer, *, sent_ms: int, now_ms: int
    ) -> tuple[bytes, Timestamp]:
        """Check an answer.

        Args:
            asked: Request that was sent.
            answer: What came back.
            sent_ms: When the request was sent, in Unix milliseconds.
            now_ms: When the answer had come, in Unix milliseconds.

        Returns:
            The token, and what was verified about it.

        Raises:
            TimestampUnavailable: The answer is none of RFC 3161.
            WrongTimestampTime: The authority's time is further off than `skew_ms_max`.
            TrineError: As `verify`.
        """
        if answer.status != STATUS_OK:
            raise TimestampUnavailable(f"{self.url} answered with HTTP status {answer.status}")
        if answer.content_type.partition(";")[0].strip().lower() != REPLY_TYPE:
            raise TimestampUnavailable(
                f"{self.url} answered with {answer.content_type[:80]!r}, expected {REPLY_TYPE}"
            )
        token = token_of(answer.content)
        found = verify(
            token,
            roots=self.roots,
            imprint=asked.imprint,
            certificates=self.certificates,
            nonce=asked.nonce,
            policy=asked.policy,
        )
        if not sent_ms - self.skew_ms_max <= found.time_ms <= now_ms + self.skew_ms_max:
            raise WrongTimestampTime(
                f"{self.url} says that it is {found.time_ms} Unix ms, and here it is {now_ms}: "
                f"more than {self.skew_ms_max} ms apart"
            )
        return token, found


def check_url(url: str) -> None:
    """Check that a URL is https, or http to this machine.

    Raises:
        BadArgument: It is another.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        good = parts.port != 0 and bool(host) and parts.username is None
    except ValueError:
        host, good = "", False
    if not good or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))):
        raise BadArgument(f"timestamp authority {url[:200]!r}, expected an https URL")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_http(tls: ssl.SSLContext | bool = True) -> httpx.AsyncClient:
    """Make the HTTP client of `ask`: no proxies of the environment, no redirects.

    Args:
        tls: Which certificates vouch for servers, as `trine.client.settings.tls` says.
    """
    timeout = httpx.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX)
    return httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False, verify=tls)


async def ask(
    http: httpx.AsyncClient,
    authority: Outside,
    imprint: Imprint,
    *,
    clock: Callable[[], int],
    answer_s_max: float = ANSWER_S_MAX,
) -> tuple[bytes, Timestamp]:
    """Ask an authority once.

    Args:
        http: Client, such as `new_http()`.
        authority: Whom to ask.
        imprint: What is to be stamped.
        clock: Returns the Unix time in milliseconds.
        answer_s_max: Seconds for all of it; an authority that drips bytes has no more.

    Returns:
        The token, and what was verified about it.

    Raises:
        TimestampUnavailable: It does not answer in time, or not as RFC 3161 says.
        TrineError: As `Outside.accept`.
    """
    asked, sent_ms = authority.request(imprint), clock()
    try:
        async with asyncio.timeout(answer_s_max):
            answer = await _send(http, authority.url, asked.to_der())
    except TimeoutError:
        message = f"{authority.url} did not answer within {answer_s_max} s"
        raise TimestampUnavailable(message, instance=authority.url) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"{authority.url} does not answer: {error or type(error).__name__}"
        raise TimestampUnavailable(message, instance=authority.url) from None
    return authority.accept(asked, answer, sent_ms=sent_ms, now_ms=clock())


async def _send(http: httpx.AsyncClient, url: str, query: bytes) -> Answer:
    headers = {"content-type": QUERY_TYPE, "accept": REPLY_TYPE, "accept-encoding": "identity"}
    async with http.stream("POST", url, content=query, headers=headers) as response:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TimestampUnavailable(f"{url} compressed its answer, though asked not to")
        content = bytearray()
        # Bytes as they come: what was compressed all the same would not be unpacked.
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > RESPONSE_BYTES_MAX:
                raise TimestampUnavailable(f"{url} answered more than {RESPONSE_BYTES_MAX} bytes")
        content_type = response.headers.get("content-type", "")
        return Answer(response.status_code, content_type, bytes(content))


async def ask_waiting(
    http: httpx.AsyncClient,
    authorities: Sequence[Outside],
    waiting: Waiting,
    *,
    clock: Callable[[], int],
    url: str | None = None,
    answer_s_max: float = ANSWER_S_MAX,
) -> int:
    """Ask for everything that is due in a queue, one after the other; it waits beside the loop.

    What fails stays in the queue with the code of its failure, and is asked again later; a token is
    kept only when it was verified. An authority that is down is not asked again in this call.

    Args:
        http: Client, such as `new_http()`.
        authorities: Whom to ask.
        waiting: The queue.
        clock: Returns the Unix time in milliseconds.
        url: Look at what waits for this authority alone; by default at everything.
        answer_s_max: Seconds for each answer.

    Returns:
        How many timestamps came.

    Raises:
        TimestampStore: The queue's file cannot be used.
    """
    known = {one.url: one for one in authorities}
    down: set[str] = set()
    came = 0
    for entry in await asyncio.to_thread(waiting.due, clock(), url=url):
        authority = known.get(entry.url)
        if authority is None or entry.url in down:
            code = TimestampUnavailable.code
            await asyncio.to_thread(waiting.failed, entry.number, code, now_ms=clock())
            continue
        try:
            token, found = await ask(
                http, authority, entry.imprint, clock=clock, answer_s_max=answer_s_max
            )
        except TrineError as error:
            if isinstance(error, TimestampUnavailable):
                down.add(entry.url)
            await asyncio.to_thread(waiting.failed, entry.number, error.code, now_ms=clock())
        else:
            await asyncio.to_thread(waiting.done, entry.number, token, found.time_ms)
            came += 1
    return came
