"""Test that evidence of misbehaviour goes from a node's folder to whoever wants to verify it.

No command makes a validator vote twice: the evidence is signed here with the validator's key and
put where its peer would have written it.
"""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import trine
from tests.cli.founded import ask, good
from tests.suite import ALGORITHM, SUITE
from trine._core.keys import SecretKey
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS
from trine.model.codec import U16, U64
from trine.model.hashing import under
from trine.model.identifiers import ChainId, OrganisationId
from trine.model.keys import PublicKey, validator_key
from trine.model.proofs import read_trust, verify_proof
from trine.model.proofs.certified import varint
from trine.model.proofs.votes import ConflictingVotesFact
from trine.model.validators import Validator

pytestmark = pytest.mark.network

VIEW = 7
CRC32C = 0x82F63B78
"""Polynomial of the checksum in the engine's files, bits reversed."""


def crc32c(data: bytes) -> int:
    """The checksum (Castagnoli) of the engine's files."""
    found = 0xFFFFFFFF
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ (CRC32C if found & 1 else 0)
    return found ^ 0xFFFFFFFF


def engine_file(content: bytes) -> bytes:
    """A file of the engine: magic, layout 1, version 0 and checksum in a page, then the content."""
    said = b"CWIK" + bytes([0, 1, 0, 0])
    return (said + crc32c(said).to_bytes(4, "big")).ljust(4_096, b"\0") + content


def cbor(major: int, number: int) -> bytes:
    """Head of an item."""
    assert number < 2**16
    if number < 24:
        return bytes([major << 5 | number])
    width = 1 if number < 2**8 else 2
    return bytes([major << 5 | 23 + width]) + number.to_bytes(width, "big")


def votes(secret: SecretKey, key: bytes, chain_id: bytes) -> bytes:
    """Two finalizations of the first epoch, as a node keeps them."""
    found = b"\xa6\x00\x02\x01" + cbor(2, len(key)) + key + b"\x02\x00\x03" + cbor(0, VIEW)
    for place, digest in ((4, bytes([1] * 32)), (5, bytes([2] * 32))):
        message = varint(0) + varint(VIEW) + varint(VIEW - 1) + digest
        signature = secret.sign(b"trine/consensus/" + chain_id + b"_FINALIZE", message)[:64]
        found += bytes([place]) + b"\xa3\x00" + cbor(2, 64) + signature
        found += b"\x01" + cbor(0, VIEW - 1) + b"\x02" + cbor(2, 32) + digest
    return found


def plant(home: Path, chain_id: ChainId) -> None:
    """Put evidence against the last validator into the folder of the first."""
    first, *_, last = Home(home).read_network()["nodes"]
    folder = home / "nodes" / last["name"]
    digits = (folder / "validator.key").read_text().strip()
    secret = SecretKey(SUITE_ALGORITHMS[SUITE], bytes.fromhex(digits))
    with under(SUITE):
        key = validator_key(PublicKey(ALGORITHM, secret.public_key()))
    assert key is not None
    address = "127.0.0.1:1"
    validator = Validator(key, OrganisationId(0), last["name"], address).encode()
    name = U64.write(0) + U64.write(VIEW) + b"\x02" + key
    target = home / "nodes" / first["name"] / "data/engine/chain-conflicting-votes" / name.hex()
    target.parent.mkdir()
    content = U16.write(len(validator)) + validator + votes(secret, key, chain_id)
    target.write_bytes(engine_file(content))


def test_evidence_reaches_a_stranger(tmp_path: Path) -> None:
    """Goal: what a node keeps is listed, counted, saved and verified by all who have the trust
    file. Method: a network stops, finds the evidence when it starts again, and is asked."""
    home, trust = tmp_path / "home", tmp_path / "trust.json"

    def run(*words: str | Path) -> Any:
        return good(*words, "--home", home, cwd=tmp_path).document

    run("up", "--detach", "--suite", SUITE)
    try:
        status = run("status")
        assert run("misbehaviour", "list") == {"misbehaviour": []}
        run("trust", "export", "--out", trust)
        run("down")
        plant(home, ChainId.fromhex(status["chain_id"]))
        run("up", "--detach")
        [found] = run("misbehaviour", "list")["misbehaviour"]
        last = Home(home).read_network()["nodes"][-1]["name"]
        assert (found["validator"], found["epoch"], found["view"]) == (last, 0, VIEW)
        proof = tmp_path / "n.proof"
        assert run("misbehaviour", "show", found["id"], "--proof", proof) == found
        verified = run("proof", "verify", proof, "--trust", trust)
        assert verified["fact"]["kind"] == "conflicting_votes"
        assert (verified["fact"]["id"], verified["fact"]["validator"]) == (found["id"], last)
        fact = verify_proof(proof.read_bytes(), read_trust(trust.read_bytes())).fact
        assert isinstance(fact, ConflictingVotesFact)
        assert (fact.id.hex(), fact.validator.name) == (found["id"], last)
        urls = Home(home).urls()
        assert ask(urls[1], "/v1/misbehaviour") == {"misbehaviour": [], "total": 0}
        metrics = httpx.get(urls[0] + "/metrics", trust_env=False).text
        assert f'trine_conflicting_votes{{validator="{last}"}} 1' in metrics
    finally:
        trine("down", "--home", home)
