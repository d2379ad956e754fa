"""Run an S3 that answers when it is told to: a server before one of moto, on loopback."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import httpx
from moto.server import ThreadedMotoServer

from trine.services.evidence.bucket import ENDPOINTS

SECONDS_MAX = 60
LEFT_OUT = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


class Gate:
    """Holds requests for objects back."""

    def __init__(self) -> None:
        """Let everything through."""
        self._is_open = threading.Event()
        self._is_open.set()
        self.asked = threading.Event()
        """Set once a request is held back."""
        self.is_broken = False
        """Whether reads fail."""

    def close(self) -> None:
        """Hold back what comes from now on."""
        self.asked.clear()
        self._is_open.clear()

    def open(self) -> None:
        """Let everything through."""
        self._is_open.set()

    def pass_through(self) -> None:
        """Wait until the gate is open."""
        if not self._is_open.is_set():
            self.asked.set()
            self._is_open.wait(SECONDS_MAX)


@contextmanager
def slow_s3(bucket: str) -> Iterator[Gate]:
    """Run it with a bucket, and name it in the environment; reads of objects pass a gate."""
    gate, moto = Gate(), ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    host, port = moto.get_host_and_port()
    behind = f"http://{host}:{port}"
    assert httpx.put(f"{behind}/{bucket}", trust_env=False).status_code in (200, 409)

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.command == "GET":
                gate.pass_through()
                if gate.is_broken:
                    self.send_error(503)
                    return
            headers = {name: one for name, one in self.headers.items() if name.lower() != "host"}
            url = behind + self.path
            with httpx.Client(trust_env=False) as http:
                answer = http.request(self.command, url, content=body, headers=headers)
            self.send_response(answer.status_code)
            for name, one in answer.headers.items():
                if name.lower() not in LEFT_OUT:
                    self.send_header(name, one)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self) -> None:
            self._forward()

        def do_PUT(self) -> None:
            self._forward()

        def do_POST(self) -> None:
            self._forward()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told = {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }
    known = {name: value for name, value in os.environ.items() if name not in ENDPOINTS}
    try:
        with (
            mock.patch.dict(os.environ, known | told, clear=True),
            mock.patch("trine.services.evidence.bucket.RETRIES_MAX", 0),
        ):
            yield gate
    finally:
        gate.open()
        server.shutdown()
        thread.join()
        server.server_close()
        moto.stop()
