"""Test the evidence service beside a real chain, over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

from tests.cli.command import trine
from tests.services.chains import ADMIN, ISSUER, SERVICE, Service, chain, http, issuer_key, service
from tests.services.databases import KINDS, url_of
from tests.suite import SUITE
from trine import Client
from trine.client.home import Home
from trine.client.verification import verify_proof
from trine.crypto import SecretKey
from trine.services.evidence import cose, receipt, statement
from trine.types import Digest
from trine.types.calls import PublicKey

FUNCTION = "sm3" if SUITE == "gm" else "sha256"
COSE = {"content-type": "application/cose"}


def signed(key: SecretKey, number: int, **fields: object) -> bytes:
    """Make a statement."""
    given = {"issuer": ISSUER, "subject": f"record-{number}", "content_type": "text/plain"}
    content = b"content %d" % number
    return statement.sign_statement(content, key=key, **(given | fields))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=KINDS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service, with its index in each kind of database."""
    folder = tmp_path_factory.mktemp("service")
    given = {"options": ("--database", url_of(request.param, folder, request))}
    key = issuer_key()
    with chain(Home(folder / "home")) as home, service(home, folder / "data", key, **given) as one:
        yield one


def service_key(running: Service) -> PublicKey:
    """Read the service's key where clients find it."""
    with http(running) as client:
        found, *_ = cbor2.loads(client.get("/.well-known/scitt-keys").content)
    algorithm = cose.KEY_OF_ALGORITHM[found[3]]
    return PublicKey(algorithm, found[2])


@pytest.mark.network
def test_a_statement_gets_a_receipt_that_verifies(running: Service) -> None:
    """Goal: whoever registers has a receipt of the service and of the chain.

    Method: register over HTTP; verify the receipt with the service's key, and the chain's proof in
    it with the trust file; the transparent statement has the same receipt's log.
    """
    data = signed(running.key, 1)
    with http(running) as client:
        answer = client.post("/entries", content=data, headers=COSE)
        assert answer.status_code == 201, answer.content
        entry = statement.entry_of(data, FUNCTION)
        assert answer.headers["location"] == f"/entries/{entry}"
        read = receipt.read_receipt(answer.content)
        head = receipt.verify_inclusion(read, entry, service_key(running))
        assert (head.function, read.issuer) == (FUNCTION, SERVICE)
        assert read.chain_proof is not None
        shown = verify_proof(read.chain_proof, running.home.trust)
        assert shown.fact["entry"] == entry
        again = client.post("/entries", content=data, headers=COSE)
        assert receipt.read_receipt(again.content).inclusions[0].leaf_index == 0
        whole = client.get(f"/entries/{entry}/statement").content
        assert statement.entry_of(whole, FUNCTION) == entry
        [inside] = statement.receipts_of(whole)
        receipt.verify_inclusion(receipt.read_receipt(inside), entry, service_key(running))
        short = client.get(f"/entries/{entry}?chain=0").content
        assert receipt.read_receipt(short).chain_proof is None
        assert len(short) < 2_048


@pytest.mark.network
def test_a_batch_is_registered(running: Service) -> None:
    """Goal: many at once, good and bad. Method: a batch with a bad one; receipts of the others."""
    good = [signed(running.key, number) for number in range(100, 400)]
    bad = bytearray(signed(running.key, 400))
    bad[-1] ^= 1
    with http(running) as client:
        answer = client.post("/batches", content=cbor2.dumps([*good, bytes(bad), b"nonsense"]))
        assert answer.status_code == 202, answer.content
        *entries, refused, nonsense = cbor2.loads(answer.content)
        assert entries == [bytes(statement.entry_of(one, FUNCTION)) for one in good]
        codes = [
            next(value for key, value in one.items() if isinstance(key, str))[0]
            for one in (refused, nonsense)
        ]
        assert codes == ["cose_signature", "not_a_cose_message"]
        deadline = time.monotonic() + 30
        while True:
            made = cbor2.loads(client.post("/receipts", content=cbor2.dumps(entries)).content)
            if all(isinstance(one, bytes) for one in made):
                break
            assert time.monotonic() < deadline, made
            time.sleep(0.1)
    key = service_key(running)
    for entry, one in zip(entries, made, strict=True):
        read = receipt.read_receipt(one)
        receipt.verify_inclusion(read, Digest(entry), key)
        assert read.chain_proof is not None
        verify_proof(read.chain_proof, running.home.trust)


@pytest.mark.network
@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"issuer": "https://stranger.example"}, "issuer_not_admitted", 400),
        ({"key_id": b"another"}, "issuer_key_not_admitted", 400),
        ({"issued_at_s": 4_000_000_000}, "statement_not_yet_valid", 400),
        ({"subject": "record\0"}, "bad_header", 400),
        ({"content_type": "text/\0"}, "bad_header", 400),
    ],
)
def test_what_the_policy_does_not_take_is_refused(
    running: Service, change: dict[str, object], code: str, status: int
) -> None:
    """Goal: a coded refusal, in CBOR and JSON. Method: one statement for each reason."""
    data = signed(running.key, 2, **change)
    with http(running) as client:
        answer = client.post("/entries", content=data, headers=COSE)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/concise-problem-details+cbor"
        found = cbor2.loads(answer.content)
        assert code in str(found), found
        accept = {"accept": "application/json"}
        told = client.post("/entries", content=data, headers=COSE | accept)
        assert told.json()["code"] == code
        missing = client.get(f"/entries/{statement.entry_of(data, FUNCTION)}")
        assert missing.status_code == 404


@pytest.mark.network
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_service_goes_on_where_it_was(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Goal: no receipt without a record, and a receipt for every record, in each database.

    Method: kill the service at once after it took a batch, start it again; every statement that it
    answered for has a receipt that verifies.
    """
    given = {"options": ("--database", url_of(kind, tmp_path, request))}
    with chain(Home(tmp_path / "home")) as home:
        key = issuer_key()
        with service(home, tmp_path / "data", key, **given) as first, http(first) as client:
            items = [signed(key, number) for number in range(2_000)]
            answer = client.post("/batches", content=cbor2.dumps(items))
            entries = cbor2.loads(answer.content)
            first.kill()
        with service(home, tmp_path / "data", key, **given) as second, http(second) as client:
            deadline = time.monotonic() + 60
            while True:
                body = cbor2.dumps(entries)
                made = cbor2.loads(client.post("/receipts?chain=0", content=body).content)
                if all(isinstance(one, bytes) for one in made):
                    break
                assert time.monotonic() < deadline
                time.sleep(0.1)
            verify = service_key(second)
            for entry, one in zip(entries, made, strict=True):
                receipt.verify_inclusion(receipt.read_receipt(one), Digest(entry), verify)
        with Client(home.urls()) as nodes:
            log = nodes.log("city/statements")
            recorded = nodes.log_entries(log.id, first=0, count=log.size)
        assert sorted(recorded) == sorted(map(Digest, entries))


@pytest.mark.network
def test_a_statement_from_file_to_court(running: Service, tmp_path: Path) -> None:
    """Goal: the commands do what the guide says, and name what is wrong.

    Method: sign a statement about a file, register it, verify it with everything, with a changed
    file, another issuer's key, and keys of another service.
    """
    home = ("--home", running.home.path)
    file = tmp_path / "report.txt"
    file.write_text("nothing but the truth")
    made, whole, keys = (tmp_path / name for name in ("r.statement", "r.transparent", "keys.cbor"))
    done = trine("statement", "sign", file, "--issuer", ADMIN, "--out", made, *home, "--json")
    assert done.status == 0, done.err
    key = done.document["key"]
    service = ("--service", running.url)
    done = trine("statement", "register", made, *service, "--out", whole, "--keys", keys, "--json")
    assert done.status == 0, done.err
    verify = ("statement", "verify", whole, "--file", file, "--service-keys", keys)
    verify += ("--trust", running.home.trust, "--json")
    done = trine(*verify, "--issuer-key", key)
    assert done.status == 0, done.err
    [shown] = done.document["receipts"]
    assert (shown["service"], shown["chain"]) == (SERVICE, "local")
    assert shown["signers"] and shown["index"] < shown["size"]
    plain = trine(*verify[:-1], "--issuer-key", key)
    assert "Verified: the chain local recorded it" in plain.out
    stranger = issuer_key()
    other = f"{stranger.algorithm}:{stranger.public_key.hex()}"
    assert trine(*verify, "--issuer-key", other).code == "cose_signature"
    file.write_text("nothing but the lies")
    assert trine(*verify, "--issuer-key", key).code == "file_differs"
    unregistered = ("statement", "verify", made, "--service-keys", keys, "--json")
    assert trine(*unregistered, "--issuer-key", key).code == "receipt_missing"
    away = ("--service", "http://127.0.0.1:1", "--out", whole, "--json")
    assert trine("statement", "register", made, *away).code == "cannot_reach_node"
