"""Read the files of a log from wherever they are served (C2SP tlog-tiles)."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import httpx

from trine.errors import BadAnswer, CannotReachNode
from trine.errors.services import BadTile, TileDiffers
from trine.services.evidence import tiles
from trine.services.evidence.tiles import ENTRY_BYTES_MAX, TILE_WIDTH, Tile

TIMEOUT_S: Final = 30.0
PARALLEL: Final = 8
"""Requests at a time."""
TRIES: Final = 3
"""Times that a file is asked for which must be there, before it counts as missing."""
RETRY_S: Final = 0.5
"""Seconds between two tries."""
TILE_BYTES_MAX: Final = TILE_WIDTH * 32
BUNDLE_BYTES_MAX: Final = TILE_WIDTH * (ENTRY_BYTES_MAX + 2)


class Source(Protocol):
    """Whatever gives the files of a log by their paths. Safe to use from many threads."""

    parallel: int

    def read(self, path: str, bytes_max: int) -> bytes | None:
        """Return a file of at most `bytes_max` bytes; nothing where there is none."""


class HttpSource:
    """The files below a URL."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        """Read below `url` with a client."""
        self.url = url.rstrip("/")
        self.parallel = PARALLEL
        self._http = http

    def read(self, path: str, bytes_max: int) -> bytes | None:
        """Return a file; nothing where the server says that there is none.

        Raises:
            CannotReachNode: Nothing answers.
            BadAnswer: The answer is too large, or an error of the server.
        """
        url = f"{self.url}/{path}"
        body = bytearray()
        try:
            with self._http.stream("GET", url) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.status_code != httpx.codes.OK:
                    raise BadAnswer(f"{url} answered {answer.status_code}", instance=url)
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > bytes_max:
                        raise BadAnswer(f"{url} has over {bytes_max} bytes", instance=url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotReachNode(f"{url}: {error or type(error).__name__}", instance=url) from None
        return bytes(body)


def read_tile(source: Source, tile: Tile, prefix: str = "") -> bytes | None:
    """Read a tile, or the full one where a partial one is gone; nothing where neither is."""
    for width in dict.fromkeys((tile.width, TILE_WIDTH)):
        found = source.read(prefix + tiles.path(tile._replace(width=width)), TILE_BYTES_MAX)
        if found is not None:
            return found
    return None


def read_bundles(source: Source, prefix: str, first: int, stop: int, size: int) -> list[bytes]:
    """Read entries from one place to before another.

    Args:
        source: Where they are.
        prefix: What stands before `tile/entries` in their paths.
        first: First place.
        stop: Place behind the last.
        size: Entries of the log.

    Raises:
        TileDiffers: A bundle is missing, or has fewer entries than it must.
    """

    def read(number: int) -> Sequence[bytes]:
        width = tiles.width_of(0, number, size)
        path = prefix + tiles.entries_path(number, width)
        for attempt in range(TRIES):
            if attempt:
                time.sleep(RETRY_S)
            for each in dict.fromkeys((path, prefix + tiles.entries_path(number))):
                found = source.read(each, BUNDLE_BYTES_MAX)
                if found is not None:
                    return _entries(found, width, each)
        raise TileDiffers(f"{path} is missing")

    with ThreadPoolExecutor(source.parallel) as pool:
        numbers = range(first // TILE_WIDTH, -(-stop // TILE_WIDTH))
        joined = [entry for part in pool.map(read, numbers) for entry in part]
    skipped = first % TILE_WIDTH
    return joined[skipped : skipped + stop - first]


def _entries(content: bytes, width: int, path: str) -> list[bytes]:
    try:
        found = tiles.entries_in(content)
    except BadTile as error:
        raise TileDiffers(f"{path}: {error}") from None
    if len(found) < width:
        raise TileDiffers(f"{path} has {len(found)} entries, expected {width}")
    return found[:width]
