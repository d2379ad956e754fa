"""Test the timestamps of the service: its own authority over HTTP, and others, honest and not."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import ROOT, trine
from tests.services.chains import Service, chain, http, issuer_key, service
from tests.services.stamping import openssl
from tests.services.test_service import COSE, FUNCTION, signed
from tests.services.test_timestamp_outside import CLOSED, Said, honest, serving
from tests.suite import SUITE
from trine.client.home import Home
from trine.client.verification import Trust, verify_proof
from trine.crypto.x509 import Certificate, read_certificate
from trine.services.evidence import statement
from trine.services.evidence.chain import certified_header
from trine.services.evidence.timestamp import (
    REQUEST_BYTES_MAX,
    RESPONSE_BYTES_MAX,
    Authority,
    Imprint,
    Request,
    Response,
    header_imprint,
    made_up_authority,
    record_imprint,
    verify,
)
from trine.types import Digest

pytestmark = pytest.mark.network
SECONDS_MAX = 60
QUERY = {"content-type": "application/timestamp-query"}
HANG_S = 600.0


def now_ms() -> int:
    """Read the clock."""
    return time.time_ns() // 1_000_000


def other_imprint(query: bytes) -> bytes:
    """Ask for other data instead."""
    asked = Request.read(query)
    return Request(Imprint.of_data(b"other", asked.imprint.algorithm), asked.nonce).to_der()


def other_nonce(query: bytes) -> bytes:
    """Ask with another nonce instead."""
    asked = Request.read(query)
    return Request(asked.imprint, (asked.nonce or 0) ^ 1).to_der()


BAD: dict[str, tuple[Callable[[bytes, Authority], Said], str]] = {
    "slow": (lambda _, __: Said(before_s=HANG_S), "timestamp_unavailable"),
    "imprint": (
        lambda query, one: honest(other_imprint(query), authority=one, at_ms=now_ms()),
        "wrong_imprint",
    ),
    "nonce": (
        lambda query, one: honest(other_nonce(query), authority=one, at_ms=now_ms()),
        "wrong_nonce",
    ),
    "garbage": (lambda _, __: Said(b"\x30\x80garbage"), "not_a_timestamp"),
    "huge": (lambda _, __: Said(bytes(RESPONSE_BYTES_MAX + 1)), "timestamp_unavailable"),
}
"""What authorities do that are not honest, and what that is called."""


@dataclass
class Case:
    """A service, the authorities that it asks, and their roots."""

    running: Service
    own_root: Path
    good: str
    root: Certificate
    bad: dict[str, str]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("stamped")
    kind = "sm2" if SUITE == "gm" else "p256"
    found = trine("timestamp", "found", folder / "authority", "--alg", kind)
    assert found.status == 0, found.err
    authority, root = made_up_authority(kind, now_ms=now_ms())
    (folder / "root.pem").write_bytes(root.to_pem())

    def good(query: bytes) -> Said:
        return honest(query, authority=authority, at_ms=now_ms())

    def does(what: Callable[[bytes, Authority], Said]) -> Callable[[bytes], Said]:
        return lambda query: what(query, authority)

    with ExitStack() as stack:
        url = stack.enter_context(serving(good))
        bad = {name: stack.enter_context(serving(does(what))) for name, (what, _) in BAD.items()}
        bad["down"] = CLOSED
        options: list[object] = ["--tsa", folder / "authority", "--timestamp-every", "1"]
        for one in (url, *bad.values()):
            options += ["--timestamp-from", one, folder / "root.pem"]
        home = stack.enter_context(chain(Home(folder / "home")))
        running = stack.enter_context(service(home, folder / "data", issuer_key(), options=options))
        yield Case(running, folder / "authority" / "root.pem", url, root, bad)


def registered(case: Case, client: httpx.Client, number: int) -> Digest:
    """Register a statement."""
    data = signed(case.running.key, number)
    answer = client.post("/entries", content=data, headers=COSE)
    assert answer.status_code == 201, answer.content
    return statement.entry_of(data, FUNCTION)


def shown(
    client: httpx.Client, entry: Digest, part: str, is_done: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Look at the timestamps of an entry until they are as they should be."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        document = client.get(f"/entries/{entry}/timestamps").json()
        if document[part] is not None:
            by_name = {one["authority"]: one for one in document[part]["timestamps"]}
            if is_done(by_name):
                return document[part]
        assert time.monotonic() < deadline, document
        time.sleep(0.2)


def check_token(case: Case, one: dict[str, Any], imprint: Imprint) -> None:
    """Verify a token with the root of its authority."""
    root = read_certificate(case.own_root.read_bytes()) if one["authority"] == "own" else case.root
    found = verify(base64.b64decode(one["token"]), roots=[root], imprint=imprint)
    assert abs(found.time_ms - now_ms()) < SECONDS_MAX * 1_000


def test_the_header_of_a_record_is_stamped(case: Case, tmp_path: Path) -> None:
    """Goal: a record is dated by whoever is honest, whatever the others do.

    Method: register beside authorities that are honest, down, hanging and lying; the tokens of the
    honest ones are over the header that the entry's proof leads to; each of the others is noted
    with its code and has no token.
    """
    codes = {case.bad[name]: code for name, (_, code) in BAD.items()}
    codes[CLOSED] = "timestamp_unavailable"

    def is_done(by_name: dict[str, Any]) -> bool:
        good = all(by_name.get(one, {}).get("token") for one in ("own", case.good))
        return good and all(by_name.get(url, {}).get("failure") for url in codes)

    with http(case.running) as client:
        entry = registered(case, client, 1)
        found = shown(client, entry, "header", is_done)
    proof = base64.b64decode(found["proof"])
    fact = verify_proof(proof, case.running.home.trust).fact
    assert (fact["entry"], fact["size"]) == (entry, found["size"])
    suite = Trust.load(case.running.home.trust).suite
    imprint = header_imprint(certified_header(suite, proof), suite)
    assert (found["hash"], found["digest"]) == (imprint.algorithm, imprint.digest.hex())
    for one in found["timestamps"]:
        if one["authority"] in codes:
            assert (one["failure"], one["token"]) == (codes[one["authority"]], None), one
            assert one["asked"] >= 1
        else:
            assert one["failure"] is None
            check_token(case, one, imprint)
    if SUITE == "intl":
        # As a stranger checks it: with the digest of the header alone.
        token = tmp_path / "token"
        token.write_bytes(base64.b64decode(found["timestamps"][0]["token"]))
        words = ("ts", "-verify", "-token_in", "-in", token, "-digest", found["digest"])
        done = openssl(*words, "-CAfile", case.own_root)
        assert b"Verification: OK" in done.stdout + done.stderr


def test_a_stamped_statement_goes_into_a_court_pack(case: Case, tmp_path: Path) -> None:
    """Goal: a pack needs nobody once the service was stamped. Method: the commands of the page."""
    data = signed(case.running.key, 6)
    entry = statement.entry_of(data, FUNCTION)
    places = [tmp_path / name for name in ("6.txt", "whole", "token", "keys", "root", "out.zip")]
    file, whole, token, service_keys, root, out = places
    with http(case.running) as client:
        assert client.post("/entries", content=data, headers=COSE).status_code == 201
        found = shown(client, entry, "header", lambda by_name: by_name[case.good]["token"])
        answer = client.get(f"/entries/{entry}/stamped")
        assert answer.status_code == 200, answer.content
        whole.write_bytes(answer.content)
        service_keys.write_bytes(client.get("/.well-known/scitt-keys").content)
        assert client.get(f"/entries/{'0' * 64}/stamped").status_code == 404
    by_name = {one["authority"]: one for one in found["timestamps"]}
    token.write_bytes(base64.b64decode(by_name[case.good]["token"]))
    root.write_bytes(case.root.to_pem())
    file.write_bytes(b"content 6")
    key = case.running.key
    words = ("--file", file, "--receipt", whole, "--trust", case.running.home.trust)
    words += ("--issuer-key", f"{key.algorithm}:{key.public_key.hex()}")
    words += ("--service-keys", service_keys, "--timestamp", token, "--roots", root)
    source = {"PYTHONPATH": str(ROOT / "src")}
    done = trine("evidence", "pack", *words, "--out", out, "--json", **source)
    assert done.status == 0, done.out + done.err


def test_a_record_is_stamped_on_request(case: Case) -> None:
    """Goal: one record alone, now. Method: ask twice; each authority has one entry, with a token
    over the record where it is honest."""
    with http(case.running) as client:
        entry = registered(case, client, 2)
        assert client.get(f"/entries/{entry}/timestamps").json()["record"] is None
        for _ in range(2):
            asked = client.post(f"/entries/{entry}/timestamps")
            assert asked.status_code == 202, asked.content
            names = [one["authority"] for one in asked.json()["record"]["timestamps"]]
            assert names == ["own", case.good, *case.bad.values()]

        def is_done(by_name: dict[str, Any]) -> bool:
            return bool(by_name["own"]["token"] and by_name[case.good]["token"])

        found = shown(client, entry, "record", is_done)
        imprint = record_imprint(entry, Trust.load(case.running.home.trust).suite)
        for one in found["timestamps"]:
            if one["token"] is not None:
                check_token(case, one, imprint)
        for method in ("GET", "POST"):
            missing = client.request(method, f"/entries/{'0' * 64}/timestamps")
            assert missing.status_code == 404


@pytest.mark.parametrize("is_slow", [True, False])
def test_what_waits_survives_a_kill(case: Case, tmp_path: Path, *, is_slow: bool) -> None:
    """Goal: a timestamp that was asked for comes, whenever the service was killed.

    Method: ask for one over a record of an authority that hangs, and of one that is down; kill the
    service while it asks, or after it failed; start it again when the authority is honest.
    """
    kind = "sm2" if SUITE == "gm" else "p256"
    authority, root = made_up_authority(kind, now_ms=now_ms())
    (tmp_path / "root.pem").write_bytes(root.to_pem())
    asked: list[bytes] = []
    is_up = False

    def sometimes(query: bytes) -> Said:
        asked.append(query)
        if is_up:
            return honest(query, authority=authority, at_ms=now_ms())
        return Said(before_s=HANG_S) if is_slow else Said(status=503)

    home, key = case.running.home, issuer_key()
    with serving(sometimes) as url:
        options = ("--timestamp-from", url, tmp_path / "root.pem", "--timestamp-every", 600)
        with service(home, tmp_path / "data", key, options=options) as first, http(first) as client:
            data = signed(key, 20 + is_slow)
            assert client.post("/entries", content=data, headers=COSE).status_code == 201
            entry = statement.entry_of(data, FUNCTION)
            assert client.post(f"/entries/{entry}/timestamps").status_code == 202
            if is_slow:
                deadline = time.monotonic() + SECONDS_MAX
                while not asked:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            else:
                shown(client, entry, "record", lambda by_name: by_name[url]["failure"])
            first.kill()
        is_up = True
        with (
            service(home, tmp_path / "data", key, options=options) as second,
            http(second) as again,
        ):
            found = shown(again, entry, "record", lambda by_name: by_name[url]["token"])
    [one] = found["timestamps"]
    imprint = record_imprint(entry, Trust.load(home.trust).suite)
    stamped = verify(base64.b64decode(one["token"]), roots=[root], imprint=imprint)
    assert abs(stamped.time_ms - now_ms()) < SECONDS_MAX * 1_000


def test_openssl_asks_and_verifies(case: Case, tmp_path: Path) -> None:
    """Goal: the endpoint is an authority for any client of RFC 3161.

    Method: `openssl ts -query`, the request over HTTP, `openssl ts -verify`; on gm our own.
    """
    data = tmp_path / "report"
    data.write_bytes(b"a report" * 100_000)
    query, reply = tmp_path / "q.tsq", tmp_path / "r.tsr"
    algorithm = "-sm3" if SUITE == "gm" else "-sha256"
    openssl("ts", "-query", "-data", data, algorithm, "-cert", "-out", query)
    with http(case.running) as client:
        answer = client.post("/timestamps", content=query.read_bytes(), headers=QUERY)
        again = client.post("/timestamps", content=query.read_bytes(), headers=QUERY)
    assert answer.status_code == 200, answer.content
    assert answer.headers["content-type"] == "application/timestamp-reply"
    reply.write_bytes(answer.content)
    root = read_certificate(case.own_root.read_bytes())
    nonce = Request.read(query.read_bytes()).nonce
    numbers = [
        verify(one.content, roots=[root], data=data.read_bytes(), nonce=nonce).serial
        for one in (answer, again)
    ]
    assert numbers[0] < numbers[1]
    if SUITE == "intl":
        words = ("ts", "-verify", "-in", reply, "-queryfile", query, "-CAfile", case.own_root)
        done = openssl(*words)
        assert b"Verification: OK" in done.stdout + done.stderr


def test_requests_that_are_none_are_refused(case: Case) -> None:
    """Goal: a coded refusal, of HTTP or of RFC 3161. Method: each kind of bad request."""
    good = Request(Imprint.of_data(b"x"), nonce=1).to_der()
    accept = {"accept": "application/json"}
    with http(case.running) as client:
        for headers in ({}, {"content-type": "application/x-www-form-urlencoded"}):
            refused = client.post("/timestamps", content=good, headers=headers | accept)
            assert (refused.status_code, refused.json()["code"]) == (400, "bad_argument")
        large = client.post("/timestamps", content=bytes(REQUEST_BYTES_MAX + 1), headers=QUERY)
        assert large.status_code == 400 and b"timestamp_too_large" in large.content
        for content, failure in ((b"", "bad_data_format"), (good[:-1], "bad_data_format")):
            answer = client.post("/timestamps", content=content, headers=QUERY)
            assert answer.status_code == 200
            assert Response.read(answer.content).failures == (failure,)


def test_the_metrics_are_those_of_the_page(case: Case) -> None:
    """Goal: one table documents all, and the numbers are those of what happened.

    Method: names and kinds of `/metrics` beside those of the page; register, refuse, read one.
    """
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `trine_evidence_")]
    documented = {row[1].strip().strip("`").partition("{")[0]: row[2].strip() for row in rows}

    def values(client: httpx.Client) -> tuple[dict[str, str], dict[str, float]]:
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = answer.text.splitlines()
        kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE "))
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return kinds, {name: float(value) for name, value in pairs}

    with http(case.running) as client:
        kinds, before = values(client)
        assert kinds == documented
        registered(case, client, 3)
        stranger = signed(case.running.key, 4, issuer="https://stranger.example")
        assert client.post("/entries", content=stranger, headers=COSE).status_code == 400
        client.post("/batches", content=b"\x81\x41\x00")
        _, after = values(client)
        [number] = [name for name in after if name.startswith("trine_evidence_registered_total")]
        assert after[number] == before.get(number, 0) + 1
        refused = 'trine_evidence_refused_total{code="%s"}'
        for code in ("issuer_not_admitted", "not_a_cose_message"):
            assert after[refused % code] == before.get(refused % code, 0) + 1
        receipts = "trine_evidence_receipts_total"
        assert after[receipts] >= before[receipts] + 1
        assert after["trine_evidence_timestamps_waiting"] >= len(case.bad)
        behind = [value for name, value in after.items() if "behind_seconds" in name]
        assert len(behind) == 1 and 0 <= behind[0] < SECONDS_MAX


def test_without_an_authority_it_says_so(case: Case, tmp_path: Path) -> None:
    """Goal: who asks in vain is told. Method: a service without any authority."""
    key = issuer_key()
    accept = {"accept": "application/json"}
    with service(case.running.home, tmp_path, key) as plain, http(plain) as client:
        data = signed(key, 5)
        assert client.post("/entries", content=data, headers=COSE).status_code == 201
        query = Request(Imprint.of_data(b"x"), nonce=1).to_der()
        entry = statement.entry_of(data, FUNCTION)
        for path, content, headers in (
            ("/timestamps", query, QUERY),
            (f"/entries/{entry}/timestamps", b"", {}),
        ):
            answer = client.post(path, content=content, headers=headers | accept)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_timestamp_authority")
        stamped = client.get(f"/entries/{entry}/stamped", headers=accept)
        assert (stamped.status_code, stamped.json()["code"]) == (404, "no_timestamp_authority")
        document = client.get(f"/entries/{entry}/timestamps").json()
        assert (document["header"], document["record"]) == (None, None)
