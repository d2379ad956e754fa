"""Test the commands with a service that answers what none should."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.command import trine
from trine.crypto import SecretKey
from trine.services.evidence import statement

Said = tuple[int, dict[str, str], bytes]


@contextmanager
def saying(said: Said, seen: list[str]) -> Iterator[str]:
    """Serve one answer to everything on loopback; notes what was asked for."""
    status, headers, body = said

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append(self.path)
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((303, {}, b""), "bad_answer"),
        ((303, {"location": "http://[::1"}, b""), "cannot_reach_node"),
        ((303, {"location": "http://127.0.0.2:1/entries/00"}, b""), "bad_answer"),
        ((500, {}, b"no"), "bad_answer"),
        ((400, {}, b'{"code": 7}'), "bad_answer"),
        ((400, {"content-encoding": "gzip"}, b"no gzip"), "cannot_reach_node"),
        ((201, {}, bytes(9 * 1_024 * 1_024)), "bad_answer"),
        ((400, {}, b"[" * 100_000), "bad_answer"),
        ((201, {}, b"no receipt"), "not_a_cose_message"),
    ],
)
def test_a_service_that_lies_about_a_registration(said: Said, code: str, tmp_path: Path) -> None:
    """Goal: a sentence and a code, and nothing is written. Method: one answer after the other."""
    made = statement.sign_statement(
        b"{}", key=SecretKey.generate("ed25519"), issuer="a:b", subject="s", content_type="a/b"
    )
    (tmp_path / "a.statement").write_bytes(made)
    seen: list[str] = []
    with saying(said, seen) as url:
        words = ("statement", "register", "a.statement", "--out", "b", "--service", url, "--json")
        ended = trine(*words, cwd=tmp_path)
    assert (ended.code, seen) == (code, ["/entries"])
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"after": None, "statements": [{}]}, {"after": 1, "statements": 7}, "x", None],
)
def test_a_service_that_lies_about_a_search(answer: object, tmp_path: Path) -> None:
    """Goal: a sentence and a code. Method: JSON that is no answer to a search."""
    seen: list[str] = []
    with saying((200, {}, json.dumps(answer).encode()), seen) as url:
        words = ("evidence", "search", "find", "--issuer", "a:b", "--service", url, "--json")
        assert trine(*words, cwd=tmp_path).code == "bad_answer"
    assert seen == ["/search?issuer=a%3Ab"]


LISTED = {"log": 7, "entries": 1, "takes": True, "policy_sha256": "00" * 32, "entries_max": None}


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"logs": []}, {"logs": [{}]}, {"logs": [LISTED | {"log": "7"}]}, {"logs": [LISTED]}],
)
def test_a_service_that_lies_about_a_policy(answer: object, tmp_path: Path) -> None:
    """Goal: a sentence and a code. Method: JSON that lists no logs; a policy of another digest."""
    with saying((200, {}, json.dumps(answer).encode()), []) as url:
        words = ("evidence", "policy", "--service", url, "--out", "policy.toml", "--json")
        assert trine(*words, cwd=tmp_path).code == "bad_answer"
    assert not (tmp_path / "policy.toml").exists()
