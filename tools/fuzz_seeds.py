"""Make the first inputs of the fuzz targets from the golden vectors.

Each is a valid value or nearly one, so that the fuzzer starts behind the first checks.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WIRE = ROOT / "tests" / "vectors" / "wire.json"
BLOCKS = ROOT / "tests" / "vectors" / "blocks.json"
PROOFS = ROOT / "tests" / "proofs" / "vectors"
STATEMENTS = ROOT / "tests" / "services" / "vectors"

#: Tables of the cold state by the name of their record; `docs/reference/wire.md`, section 7.
TABLES = {
    "Counters": 1,
    "Parameters": 2,
    "Organisation": 4,
    "AccountKey": 6,
    "Log": 7,
    "Asset": 9,
    "Transfer": 12,
    "Proposal": 13,
    "CertificateRegistry": 14,
    "MemberCertificate": 15,
}
#: Tables of which each value is one number or address, by its bytes.
NUMBERS = {5: 4, 8: 4, 10: 4, 11: 8, 16: 20}
#: Where the proposer's key stands in a header.
PROPOSER = slice(65, 99)
#: Bytes of a header before its epoch change; of the fields that follow that when they are empty.
EPOCH_CHANGE_AT = 404
AFTER_EPOCH_CHANGE = 2
#: Bytes of a proof file around its body beside the text: heads, keys and seal.
BEFORE_BODY = 9
AFTER_BODY = 35
DIGEST_BYTES = 32
#: Bytes of an account in the hot state.
ACCOUNT_BYTES = 86
#: How the body of a proof of conflicting votes starts, and where the votes stand in it.
VOTES_START = b"\xa4\x00\x08\x01"
VOTES_AT = len(VOTES_START)
#: Coordinates of the generator of SM2 (GB/T 32918.5-2017, section 3).
SM2_GENERATOR = (
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)

Seeds = dict[str, list[bytes]]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _framed(items: list[bytes]) -> bytes:
    """Join items as a batch and the body of a block have them."""
    return len(items).to_bytes(4, "big") + b"".join(
        len(item).to_bytes(4, "big") + item for item in items
    )


def _transactions(wire: Any) -> Seeds:
    good = [bytes.fromhex(one["bytes"]) for one in wire["transactions"]]
    refused = [bytes.fromhex(one["bytes"]) for one in wire["refused_transactions"]]
    calls = [
        bytes([one["module"], one["method"]]) + len(arguments).to_bytes(2, "big") + arguments
        for one in wire["calls"]
        for arguments in [bytes.fromhex(one["arguments"])]
    ]
    batches = [_framed(items) for items in ([], good[:1], good, [b"", good[0]])]
    return {"transaction": good + refused, "call": calls, "batch": batches}


def _blocks(wire: Any) -> Seeds:
    transactions = [bytes.fromhex(one["bytes"]) for one in wire["transactions"]]
    headers = [bytes.fromhex(one["bytes"]) for one in wire["headers"]]
    changes = [
        header[EPOCH_CHANGE_AT:-AFTER_EPOCH_CHANGE]
        for header in headers
        if header[EPOCH_CHANGE_AT - 1] == 1
    ]
    blocks = [header + _framed(items) for header in headers for items in ([], transactions)]
    # The engine asks for a proposer that has a key.
    key = b"\x01" + bytes.fromhex(wire["keys"][0]["public_key"]) + b"\x00"
    proposed = [block[: PROPOSER.start] + key + block[PROPOSER.stop :] for block in blocks]
    return {
        "header": headers,
        "epoch_change": changes,
        "block": blocks,
        "engine_block": proposed,
        # Nothing is spoiled; or a byte of the certificate, and one of the block.
        "engine_final": [b"\0" + one for one in proposed]
        + [spoiled + one for one in proposed[:2] for spoiled in (b"\1\0\x30\1", b"\1\1\xf0\1")],
    }


def _state(wire: Any, changes: list[bytes]) -> Seeds:
    records = {one["value"].split("(")[0].split(" ")[0]: one["bytes"] for one in wire["records"]}
    values = [bytes([TABLES[name]]) + bytes.fromhex(data) for name, data in records.items()]
    values += [bytes([table, *range(count)]) for table, count in NUMBERS.items()]
    # A hand-over without its epoch starts with a set of validators.
    values += [b"\x03" + change[8:-1] for change in changes]
    accounts = [bytes.fromhex(one["bytes"]) for one in wire["accounts"]]
    used = b"\x00\x02\x01\x80\xff"
    outcomes = [bytes.fromhex(one["bytes"]) for one in wire["outcomes"]]
    return {"value": values, "account": [one + used for one in accounts], "outcome": outcomes}


def _documents(wire: Any) -> Seeds:
    genesis = [
        wire["genesis"]["canonical"],
        json.dumps(wire["genesis"]["document"], indent=1),
        json.dumps(_read(BLOCKS)["genesis"]),
    ]
    trust = [path.read_bytes() for path in sorted(PROOFS.glob("trust*.json"))]
    return {"genesis": [text.encode() for text in genesis], "trust": trust}


def _keys(wire: Any) -> Seeds:
    keys, texts = [], [wire["genesis"]["chain_id"], "ed25519", "intl"]
    for one in wire["keys"]:
        key, signature, seed, message = (
            bytes.fromhex(one[name]) for name in ("public_key", "signature", "seed", "message")
        )
        keys += [
            bytes([1, len(first), len(signature)]) + first + signature + message
            for first in (key, seed)
        ]
        texts.append(one["address"])
    plans = [bytes(range(80)), bytes(80), bytes([3, 1, 2, 1] * 20)]
    signatures = [bytes([number]) + plan for number in range(1, 5) for plan in plans]
    return {"key": keys, "text": [text.encode() for text in texts], "signatures": signatures}


def _ciphertexts() -> Seeds:
    """Ciphertexts of SM2 after the first byte of the target: whole, behind a point, spoiled."""
    behind = bytes(range(DIGEST_BYTES)) + b"masked text"
    generator = bytes.fromhex(SM2_GENERATOR)
    whole = [b"\0" + b"\x04" + generator + behind, b"\0\x04" + bytes(64) + behind]
    spoiled = [b"\xff", b"\xff\0\0\0", b"\xff\0\1\x80", b"\xff\0\1\x80\0\1\x80"]
    return {"decryption": [*whole, b"\1" + behind, b"\1" + behind[:DIGEST_BYTES], *spoiled]}


def _reads(wire: Any) -> Seeds:
    """Headers of signed requests, as `crates/node/src/read_signature.rs` reads them."""
    chain_id = wire["genesis"]["chain_id"]
    texts = [
        'trine=("@method" "@path" "@query");created=1700000000;'
        f'keyid="{one["address"]}/{index}";tag="trine-read-{chain_id}"\n'
        f"trine=:{b64encode(bytes.fromhex(one['signature'])).decode()}:"
        for index, one in enumerate(wire["keys"])
    ]
    texts.append(texts[0].replace(";tag", ";expires=1700000060;tag"))
    return {"read_signature": [text.encode() for text in texts]}


def _paths(wire: Any) -> Seeds:
    trees = [
        index.to_bytes(8, "big") + len(tree["leaves"]).to_bytes(8, "big") + joined + leaf
        for tree in wire["merkle"]
        for index, path in enumerate(tree["paths"])
        for joined in [bytes.fromhex("".join(path))]
        for leaf in [bytes.fromhex(tree["leaves"][index])]
        if len(leaf) < DIGEST_BYTES
    ]
    return {"merkle": trees}


def _proofs() -> Seeds:
    seeds: Seeds = {}
    cases = [bytes.fromhex(case["file"]) for case in _read(PROOFS / "cases.json") if "file" in case]
    for kind in ("proof", "receipt"):
        files = [path.read_bytes() for path in sorted(PROOFS.glob(f"*.{kind}"))]
        start = BEFORE_BODY + len(f"trine-{kind}")
        seeds[f"{kind}_file"] = files + (cases if kind == "proof" else [])
        seeds[f"{kind}_body"] = [file[start:-AFTER_BODY] for file in files]
    # The statement follows the map, key 0, the kind and key 1, and is what key 2 follows.
    votes = [
        body[VOTES_AT : body.index(b"\x02\xa2\x00", VOTES_AT)]
        for body in seeds["proof_body"]
        if body.startswith(VOTES_START)
    ]
    return seeds | {"conflicting_votes": votes}


def _log() -> Seeds:
    """Changes of the engine's files, as `crates/runtime/src/wal/record.rs` writes them."""

    def change(kind: int, partition: bytes, file: bytes, rest: bytes = b"") -> bytes:
        names = [len(name).to_bytes(4, "big") + name for name in (partition, file)]
        return bytes([kind]) + b"".join(names) + rest

    number = (4_096).to_bytes(8, "big")
    changes = [
        change(1, b"votes_1", b"00ff", b"\x00\x07"),
        change(2, b"votes_1", b"00ff", number + (5).to_bytes(4, "big") + b"bytes"),
        change(3, b"votes_1", b"00ff", number),
        change(4, b"votes_1", b"00ff"),
        change(5, b"votes_1", b""),
        change(6, b"", b"", number),
    ]
    return {"engine_log": [bytes([len(changes[0])]) + b"".join(changes)]}


def _operations(wire: Any) -> Seeds:
    """Answers with operations of the state's log, as the engine encodes them."""
    account = b"\xd2" + bytes(20) + bytes.fromhex(wire["accounts"][0]["bytes"])[:ACCOUNT_BYTES]
    accounts = [account.ljust(21 + ACCOUNT_BYTES, b"\0")]
    accounts += [(b"\xd1" + bytes(20)).ljust(len(accounts[0]), b"\0")]
    accounts += [(b"\xd3\0\0").ljust(len(accounts[0]), b"\0")]
    value = bytes.fromhex(wire["records"][0]["bytes"])[:100]
    values = [b"\xd2" + bytes(32) + bytes([len(value)]) + value + bytes(32)]
    values += [b"\xd1" + bytes(32), b"\xd3\0\0"]
    found = []
    for table, operations in enumerate((accounts, values)):
        for count in range(1, len(operations) + 1):
            # As many leaves as operations need no digest beside them; twice as many, some.
            for leaves, digests in ((count, 0), (2 * count, 1), (2 * count, 2)):
                proof = bytes([leaves, 0, digests]) + bytes(DIGEST_BYTES * digests)
                body = bytes([count]) + b"".join(operations[:count])
                found.append(bytes([table, 0, count, 0]) + proof + body)
        proof = bytes([2, 0, 1]) + bytes(DIGEST_BYTES)
        pinned = bytes([1]) + bytes(DIGEST_BYTES)
        found.append(bytes([table, 1, 1, 1]) + proof + operations[0] + pinned)
    return {"engine_operations": found}


def _statements() -> Seeds:
    """Signed statements, alone and in an array."""
    found = [path.read_bytes() for path in sorted(STATEMENTS.glob("*.statement"))]
    heads = [bytes([0x40 | 25]) + len(one).to_bytes(2) for one in found]
    joined = b"".join(part for pair in zip(heads, found, strict=True) for part in pair)
    return {"signed_statement": [*found, bytes([0x80 | len(found)]) + joined]}


def seeds() -> Seeds:
    """Make the first inputs of every target, by its name."""
    wire = _read(WIRE)
    blocks = _blocks(wire)
    state = _state(wire, blocks["epoch_change"])
    documents = _documents(wire) | _keys(wire) | _reads(wire) | _paths(wire)
    documents |= _ciphertexts() | _proofs() | _log() | _operations(wire) | _statements()
    return _transactions(wire) | blocks | state | documents


def words(documents: list[bytes]) -> Iterator[bytes]:
    """Find the texts that stand in JSON documents: what a mutation alone hardly writes.

    Args:
        documents: First inputs of a target that reads JSON.
    """
    yield from sorted({word for text in documents for word in re.findall(rb'"[a-z_-]+"', text)})
