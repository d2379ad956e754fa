"""Test how clients sign requests for records, and when."""

import base64

import httpx
import pytest

from tests.suite import ALGORITHM, SUITE
from trine.client.reading import COMPONENTS, NAMESPACE, Reading
from trine.client.sender import Sender
from trine.crypto import SecretKey
from trine.types import Address

CHAIN = "01" * 32
OTHER = "02" * 32
KEY = SecretKey.generate(ALGORITHM.name.lower())


def _wanted(chain_id: str) -> str:
    return f'Signature realm="trine", suite="{SUITE}", tag="trine-read-{chain_id}"'


class _Node:
    """Asks for signatures of one chain, and keeps what it got."""

    def __init__(self, chain_id: str = CHAIN) -> None:
        self.chain_id = chain_id
        self.got: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(httpx.Request(request.method, request.url, headers=request.headers))
        if "signature" in request.headers:
            return httpx.Response(200)
        return httpx.Response(401, headers={"www-authenticate": _wanted(self.chain_id)})


def _client(node: _Node, reading: Reading) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(node), auth=reading)


def _check(request: httpx.Request, path: str, query: str) -> None:
    """Verify a signature as docs/reference/api.md describes it."""
    label, _, covered = request.headers["signature-input"].partition("=")
    assert covered.startswith(COMPONENTS)
    address = Address(KEY.address(SUITE)).hex()
    assert f'keyid="{address}/0"' in covered
    assert f'tag="trine-read-{CHAIN}"' in covered
    lines = [f'"@method": GET\n"@path": {path}\n"@query": ?{query}']
    base = "\n".join([*lines, f'"@signature-params": {covered}']).encode()
    text = request.headers["signature"].removeprefix(f"{label}=:").removesuffix(":")
    assert KEY.verify(NAMESPACE, base, base64.b64decode(text))


def test_a_request_is_signed_once_a_node_asks() -> None:
    """Goal: an open chain sees no signature, a closed one gets it, and the key is opened once.
    Method: a node that asks, behind a proxy with a prefix; look at what it gets."""
    opened: list[Sender] = []

    def open_reader() -> Sender:
        opened.append(Sender(KEY))
        return opened[-1]

    node, url = _Node(), "http://node.example/chain"
    with _client(node, Reading((url,), open_reader)) as http:
        assert http.get(url + "/v1/blocks", params={"limit": 5}).status_code == httpx.codes.OK
        assert http.get(url + "/v1/transfers?reference=a%20b").status_code == httpx.codes.OK
        http.post(url + "/v1/transactions", content=b"signed by itself")
    assert ["signature" in one.headers for one in node.got] == [False, True, True, False]
    _check(node.got[1], "/v1/blocks", "limit=5")
    _check(node.got[2], "/v1/transfers", "reference=a%20b")
    assert len(opened) == 1


def test_a_client_signs_for_one_chain_alone() -> None:
    """Goal: a false node gets no signature for a chain of its choice. Method: another node asks
    for another chain, and one asks in a form that nobody knows."""
    reading = Reading(("http://a.example", "http://b.example"), lambda: Sender(KEY))
    with _client(_Node(), reading) as http:
        http.get("http://a.example/v1/blocks")
    assert not reading.learn(_wanted(OTHER))
    for unknown in ("", "Basic", _wanted("01"), _wanted(CHAIN).replace(SUITE, "none")):
        assert not Reading(("http://a.example",), lambda: Sender(KEY)).learn(unknown)


@pytest.mark.parametrize("chain_id", [CHAIN, OTHER])
def test_without_a_key_the_refusal_stays(chain_id: str) -> None:
    """Goal: who has no key gets the node's answer. Method: a reader that opens nothing."""
    node = _Node(chain_id)
    with _client(node, Reading(("http://a.example",), lambda: None)) as http:
        answer = http.get("http://a.example/v1/blocks")
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert len(node.got) == 1
