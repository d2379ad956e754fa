"""Hold the bytes of statements, entries and receipts: another byte is another format."""

import hashlib

import pytest

from tests.sdk.test_crypto import sm2_of
from tests.services.hostile import KEY, NOW_S
from trine.crypto import SecretKey
from trine.services.evidence import cose, receipt, statement, tree
from trine.services.evidence.tree import HashFunction

STATEMENT_SHA256 = "eaac95cfec30957646961bb3c91cd96aaa507c65673281a70f7ae6fbc424e091"
HELD: dict[HashFunction, tuple[str, str]] = {
    "sha256": (
        STATEMENT_SHA256,
        "3f93ba1c90690ce448220657d3bc7e5e3643c869e2dc72ae890b41b38c81dfd6",
    ),
    "sm3": (
        "b711f3e1d36f8857d08b9481920d351f8a98da0a57a8920cdbed1477d0930516",
        "c27ef4194954d8468699f8b487c3cc4eb380d47b49f0cf9dafd4f13cfd3d3f51",
    ),
}


def made() -> bytes:
    """A statement that Ed25519 makes the same each time."""
    return statement.sign_statement(
        b'{"load_t":40}',
        key=KEY,
        issuer="https://city.example",
        subject="urn:bridge:7",
        content_type="application/json",
        issued_at_s=NOW_S,
    )


@pytest.mark.parametrize("function", list(HELD))
def test_entries_and_receipts_keep_their_bytes(function: HashFunction) -> None:
    """Goal: what was issued stays valid. Method: compare digests; whoever changes one says why."""
    data = made()
    assert hashlib.sha256(data).hexdigest() == STATEMENT_SHA256
    entry = statement.entry_of(data, function)
    leaves = tree.leaf_hashes(function, [entry] * 3)
    head = receipt.TreeHead(function, 3, tree.Frontier(function).extend(leaves).root())
    signed = receipt.sign_head(
        head, key=KEY, issuer="https://log.example", subject="log 7", issued_at_s=NOW_S + 60
    )
    path = [tree.node_hash(function, leaves[0], leaves[1])]
    found = receipt.receipt_for(signed, 2, path)
    assert (str(entry), hashlib.sha256(found).hexdigest()) == HELD[function]


def test_gmalg_verifies_statements_of_sm2() -> None:
    """Goal: -65600 is SM2 as the standard has it. Method: another library, the bytes by hand."""
    key = SecretKey.generate("sm2")
    data = statement.sign_statement(
        b"{}", key=key, issuer="https://a.example", subject="s", content_type="text/json"
    )
    message = cose.read_sign1(data, "the statement", bytes_max=1_000)
    assert message.protected[1:7] == b"\x01\x3a\x00\x01\x00\x3f"
    signed = b"\x84\x6aSignature1\x58" + bytes([len(message.protected)])
    signed += message.protected + b"\x40\x42{}"
    r, s = message.signature[:32], message.signature[32:]
    assert sm2_of(key).verify(signed, r, s)
    assert not sm2_of(key).verify(signed + b"!", r, s)
