"""Serve an archive on loopback as a node would, so that a node can follow it.

It answers what followers ask, and nothing else. The node that it feeds checks every certificate and
replays every block: the server is not trusted, and checks the segments' digests only to name what
is damaged.
"""

import contextlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from trine.archive.format import Record
from trine.archive.reader import Archive
from trine.errors import DamagedArchive
from trine.model.codec import Reader
from trine.model.header import Header
from trine.model.identifiers import Digest
from trine.model.verdicts import Undecodable

HOST: Final = "127.0.0.1"
WAIT_MS_MAX: Final = 5_000
"""Milliseconds that a question for newer blocks stays open; there will be none."""
PARENTS_MAX: Final = 65_536
"""Digests of which the height is remembered."""
IDLE_S: Final = 30.0
"""Seconds after which a connection without a request is closed."""


class ArchiveServer:
    """What is served.

    Attributes:
        archive: The archive.
        fault: Why a block could not be served.
        served: Blocks that were asked for, each once.
    """

    def __init__(self, archive: Archive) -> None:
        """Serve nothing yet."""
        self.archive = archive
        self.fault: DamagedArchive | None = None
        self.served = 0
        self._height = archive.whole()
        self._parents: OrderedDict[Digest, int] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Answer a GET: status, media type and content."""
        parts = urlsplit(path)
        match parts.path.strip("/").split("/"):
            case ["v1", "genesis"]:
                return 200, "application/json", self.archive.genesis
            case ["v1", "status"]:
                return _json(200, self._status())
            case ["v1", "sync", "tip"]:
                return self._tip(parts.query)
            case ["v1", "sync", "finalized", text]:
                return self._finalized(text)
            case ["v1", "sync", "blocks", text]:
                return self._block(text)
        return _missing("there is no such path in an archive")

    def _status(self) -> dict[str, Any]:
        document = self.archive.document
        return {
            "chain": document.name,
            "chain_id": self.archive.chain_id.hex(),
            "suite": str(document.suite),
            "height": self._height,
            "epoch": self._height // document.blocks_per_epoch,
            "time_ms": document.time_ms,
            "version": "archive",
            "validators": [],
        }

    def _tip(self, query: str) -> tuple[int, str, bytes]:
        asked = parse_qs(query)
        try:
            above = int(asked.get("above", ["0"])[0])
            wait_ms = int(asked.get("wait_ms", ["0"])[0])
        except ValueError:
            return _json(400, {"code": "bad_request", "detail": "above and wait_ms are numbers"})
        if above >= self._height:
            time.sleep(min(max(wait_ms, 0), WAIT_MS_MAX) / 1_000)
        # The last block of an archive has a certificate of its own.
        return _json(200, {"height": self._height})

    def _finalized(self, text: str) -> tuple[int, str, bytes]:
        record = self._record(int(text)) if text.isdigit() and len(text) <= 20 else None
        if record is None or not record.finalization:
            return _missing(f"block {text[:20]} has no certificate of its own")
        return 200, "application/octet-stream", record.finalization + _framed(record.block)

    def _block(self, text: str) -> tuple[int, str, bytes]:
        try:
            digest = Digest(bytes.fromhex(text))
        except ValueError:
            return _missing("a digest has 64 hexadecimal digits")
        with self._lock:
            height = self._parents.get(digest)
        record = None if height is None else self._record(height)
        if record is None:
            return _missing(f"no block that was served has block {text} as its parent")
        return 200, "application/octet-stream", _framed(record.block)

    def _record(self, height: int) -> Record | None:
        """Read a block, and remember what its parent is: that is asked for next."""
        record = self.archive.record(height)
        if record is None:
            return None
        with contextlib.suppress(Undecodable, ValueError):
            parent = Header.decode(Reader(record.block)).parent
            with self._lock:
                if parent not in self._parents:
                    self.served += 1
                self._parents[parent] = height - 1
                if len(self._parents) > PARENTS_MAX:
                    self._parents.popitem(last=False)
        return record


def _framed(block: bytes) -> bytes:
    """Write the length before a block that the engine writes there."""
    return len(block).to_bytes(4, "big") + block


def _json(status: int, document: dict[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(document).encode()


def _missing(detail: str) -> tuple[int, str, bytes]:
    return _json(404, {"code": "block_not_found", "detail": detail})


@contextlib.contextmanager
def serving(archive: Archive) -> Iterator[tuple[ArchiveServer, str]]:
    """Serve an archive on a free port of loopback meanwhile; gives what is served, and its URL."""
    served = ArchiveServer(archive)

    class Handler(BaseHTTPRequestHandler):
        """Answer one connection."""

        protocol_version = "HTTP/1.1"
        timeout = IDLE_S

        def do_GET(self) -> None:
            """Answer one request."""
            try:
                status, kind, content = served.answer(self.path)
            except DamagedArchive as error:
                served.fault = error
                status, kind, content = _json(500, {"code": error.code, "detail": str(error)})
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        """End with the program, and say nothing of clients that go away."""

        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: the node asks again."""

    server = Server((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="archive", daemon=True)
    thread.start()
    try:
        yield served, f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
