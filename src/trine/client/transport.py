"""Describe requests and answers, and decide when another node or another try may help.

Nothing here does I/O: `Client` and `AsyncClient` drive the same generators, each in its way.
"""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from trine.errors import (
    BadAnswer,
    Busy,
    CannotReachNode,
    NotReady,
    PendingFull,
    TrineError,
    error_of,
)

T = TypeVar("T")

ROUNDS_MAX: Final = 4
"""Times that every node is tried before the client gives up."""
PAUSE_S: Final = 0.2
"""First pause between two rounds, in seconds; doubles from round to round."""
TIMEOUT_S: Final = 10.0
"""Seconds that a node may take to answer, beside what the request itself waits for."""
CONNECT_TIMEOUT_S: Final = 3.0
"""Seconds that a connection may take."""
DETAIL_CHARACTERS_MAX: Final = 500

CBOR: Final = "application/cbor"
JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """One request to a node.

    Attributes:
        path: Path below the node's URL.
        query: Parameters; those that are none are left out.
        body: Content of a POST; none for a GET.
        content_type: Media type of the body.
        wait_s: Seconds that the node itself may wait before it answers.
    """

    path: str
    query: dict[str, str | int] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = JSON
    wait_s: float = 0.0

    @property
    def method(self) -> str:
        """HTTP method."""
        return "GET" if self.body is None else "POST"


@dataclass(frozen=True)
class Pause:
    """A time to wait, in seconds, before the operation goes on."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What a node answered."""

    status: int
    content: bytes
    url: str

    def json(self) -> Any:
        """Read a JSON answer.

        Raises:
            BadAnswer: It is not JSON.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise BadAnswer(f"{self.url} answered no JSON: {error}", instance=self.url) from None


Operation = Generator[Request | Pause, Answer, T]
"""What an operation is: it yields requests and pauses, is sent answers, and returns its result."""


def problem(answer: Answer) -> TrineError:
    """Turn a problem document (RFC 9457) into its exception."""
    try:
        document = json.loads(answer.content)
        code, detail = str(document["code"]), str(document.get("detail", ""))
        instance = document.get("instance")
    except (ValueError, TypeError, KeyError, AttributeError):
        message = f"{answer.url} answered with HTTP status {answer.status} and no problem document"
        return BadAnswer(message, instance=answer.url)
    detail = detail[:DETAIL_CHARACTERS_MAX]
    return error_of(code, detail, instance=str(instance) if instance else None)


class Attempts:
    """Choose the node for the next try, and the moment to give up."""

    def __init__(self, urls: tuple[str, ...], start: int) -> None:
        """Begin with the node at place `start`."""
        self.urls = urls
        self.start = start
        self.tried = 0
        self.failures: dict[str, str] = {}
        self.last: TrineError | None = None

    @property
    def place(self) -> int:
        """Place of the node to try now."""
        return (self.start + self.tried) % len(self.urls)

    @property
    def url(self) -> str:
        """URL of the node to try now."""
        return self.urls[self.place]

    def unreachable(self, reason: str) -> float:
        """Note that the node did not answer; returns the pause before the next try.

        Raises:
            CannotReachNode: Every node was tried often enough.
        """
        self.failures[self.url] = reason
        self.last = None
        return self._next()

    def busy(self, error: TrineError) -> float:
        """Note that the node cannot serve now; returns the pause before the next try.

        Raises:
            Busy, NotReady, PendingFull: Every node was tried often enough.
        """
        self.last = error
        return self._next()

    def _next(self) -> float:
        self.tried += 1
        if self.tried >= ROUNDS_MAX * len(self.urls):
            raise self.last or self._given_up()
        if self.tried % len(self.urls):
            return 0.0
        return PAUSE_S * float(2 ** (self.tried // len(self.urls) - 1))

    def _given_up(self) -> CannotReachNode:
        reasons = "; ".join(f"{url}: {reason}" for url, reason in self.failures.items())
        return CannotReachNode(f"no node answers ({reasons})", instance=self.urls[0])


def checked(answer: Answer) -> Answer:
    """Return a successful answer.

    Raises:
        TrineError: The exception of the problem document.
    """
    if answer.status < 400:
        return answer
    raise problem(answer)


def is_busy(error: TrineError) -> bool:
    """Say whether another node, or the same a little later, may well serve the request."""
    return isinstance(error, Busy | NotReady | PendingFull)
