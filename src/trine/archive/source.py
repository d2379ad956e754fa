"""Take blocks behind their certificates from a node, as its followers do.

Nothing that the node says is believed: whoever asks links what comes (`links`).
"""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import httpx

from trine.archive.format import ENCODED_BLOCK_BYTES_MAX, Record
from trine.client.records import read_record
from trine.client.transport import Answer, problem
from trine.errors import BadAnswer, Busy, CannotReachNode, NotReady
from trine.model.codec import Reader
from trine.model.identifiers import Height
from trine.model.limits import U64_MAX
from trine.model.proofs.finalization import FINALIZATION_BYTES_MAX, Finalization
from trine.model.verdicts import Undecodable

REQUESTS_MAX: Final = 8
"""Requests in flight."""
AHEAD_MAX: Final = 2 * REQUESTS_MAX
"""Blocks that are asked for before the first of them is taken: what memory holds at most."""
ATTEMPTS_MAX: Final = 5
"""Times that a node is asked for one thing."""
PAUSE_S: Final = 0.25
"""Seconds before the second attempt; doubled from attempt to attempt."""
ANSWER_BYTES_MAX: Final = FINALIZATION_BYTES_MAX + 4 + ENCODED_BLOCK_BYTES_MAX
"""Bytes of an answer."""
_NOT_FOUND: Final = 404


class Source:
    """A node whose chain is copied.

    Attributes:
        url: Where it serves its API.
    """

    def __init__(self, http: httpx.Client, url: str) -> None:
        """Ask with `http`, which waits as long as the node may take."""
        self._http = http
        self.url = url

    def tip(self, above: int) -> Height:
        """Ask for the newest block that has a certificate of its own; `above` where none is newer.

        Raises:
            CannotReachNode: The node does not answer.
            BadAnswer: It does not serve followers.
        """
        content = self._get(f"/v1/sync/tip?above={above}")
        if content is None:
            message = f"{self.url} does not serve followers: it runs an older release"
            raise BadAnswer(message, instance=self.url)
        document = Answer(200, content, self.url).json()
        return read_record(lambda said: _height(said["height"]), document)

    def records(self, first: int, last: int) -> Iterator[Record]:
        """Take blocks from `first` to `last` in order, several requests in flight.

        Raises:
            CannotReachNode: The node does not answer.
            BadAnswer: It has no such block, or sends something else.
        """
        heights = iter(range(first, last + 1))
        pool = ThreadPoolExecutor(max_workers=REQUESTS_MAX)
        waiting: deque[Future[Record]] = deque()
        try:
            while True:
                while len(waiting) < AHEAD_MAX and (height := next(heights, None)) is not None:
                    waiting.append(pool.submit(self.record, height))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def record(self, height: int) -> Record:
        """Take one block, behind its certificate where it has one of its own.

        Raises:
            CannotReachNode, BadAnswer: As `records`.
        """
        content = self._get(f"/v1/sync/finalized/{height}")
        if content is not None:
            reader = Reader(content)
            try:
                Finalization.decode(reader)
            except (Undecodable, ValueError) as error:
                raise self._bad(f"what it sent as the certificate of {height}: {error}") from None
            return Record(content[: reader.position], self._block(content[reader.position :]))
        # It stands for itself by a later one; its digest is checked by that one's parents.
        digest = self._digest(height)
        content = self._get(f"/v1/sync/blocks/{digest}")
        if content is None:
            raise self._bad(f"it has no block {digest}, which it lists at height {height}")
        return Record(b"", self._block(content))

    def _digest(self, height: int) -> str:
        content = self._get(f"/v1/blocks?from={height}&limit=1")
        document: Any = Answer(200, content or b"", self.url).json()
        read = read_record(
            lambda said: [(_height(one["height"]), str(one["digest"])) for one in said["blocks"]],
            document,
        )
        if len(read) != 1 or read[0][0] != height or not _is_digest(read[0][1]):
            message = f"it has no block {height}; a node that began with a later state has none of"
            raise self._bad(f"{message} before it: copy from another")
        return read[0][1]

    def _block(self, content: bytes) -> bytes:
        """Take the length away that the engine writes before a block."""
        if len(content) < 4 or int.from_bytes(content[:4], "big") != len(content) - 4:
            raise self._bad("what it sent as a block has another length than it says")
        return content[4:]

    def _get(self, path: str) -> bytes | None:
        """Ask for bytes; none where there is no such thing."""
        last: Exception | None = None
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            try:
                return self._ask(path)
            except (httpx.TransportError, Busy, NotReady) as error:
                last = error
        if isinstance(last, httpx.TransportError):
            raise CannotReachNode(f"{self.url}: {last}", instance=self.url) from None
        assert last is not None, "an attempt returns or fails"
        raise last

    def _ask(self, path: str) -> bytes | None:
        with self._http.stream("GET", self.url + path) as answer:
            content = bytearray()
            for part in answer.iter_bytes():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    raise self._bad(f"it sent more than {ANSWER_BYTES_MAX} bytes")
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise problem(Answer(answer.status_code, bytes(content), self.url))
        return bytes(content)

    def _bad(self, reason: str) -> BadAnswer:
        return BadAnswer(f"{self.url}: {reason}", instance=self.url)


def _height(said: object) -> Height:
    """Read a height as JSON has it."""
    if type(said) is not int or not 0 <= said <= U64_MAX:
        raise ValueError(f"the height is {said!r:.40}")
    return Height(said)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)
