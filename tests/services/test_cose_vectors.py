"""Test COSE messages, statements and receipts against published vectors."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors_path import vectors
from trine.crypto import public_key_from_pem
from trine.errors import TrineError
from trine.errors.services import (
    CoseSignature,
    HeaderNotProtected,
    NotACoseMessage,
    SignatureAlgorithm,
    UnknownStructure,
)
from trine.services.evidence import cose, receipt, statement
from trine.types import Digest
from trine.types.calls import PublicKey

# What is refused though RFC 9052 allows it, or because this service has not the algorithm.
REFUSED: dict[str, type[TrineError]] = {
    "ecdsa-01": NotACoseMessage,
    "ecdsa-02": NotACoseMessage,
    "ecdsa-03": NotACoseMessage,
    "ecdsa-04": NotACoseMessage,
    "eddsa-01": NotACoseMessage,
    "eddsa-02": NotACoseMessage,
    "ecdsa-sig-02": SignatureAlgorithm,
    "ecdsa-sig-03": SignatureAlgorithm,
    "ecdsa-sig-04": SignatureAlgorithm,
    "eddsa-sig-02": CoseSignature,
    "sign-fail-01": NotACoseMessage,
    "sign-fail-02": CoseSignature,
    "sign-fail-03": SignatureAlgorithm,
    "sign-fail-04": SignatureAlgorithm,
    "sign-fail-06": CoseSignature,
    "sign-fail-07": CoseSignature,
    "sign-pass-01": HeaderNotProtected,
    "sign-pass-02": CoseSignature,
    "sign-pass-03": NotACoseMessage,
}
ACCEPTED = {"ecdsa-sig-01", "eddsa-sig-01"}


def key_of(jwk: dict[str, str]) -> PublicKey:
    """Read the key of an example."""
    numbers = {
        name: base64.urlsafe_b64decode(jwk[name] + "=" * (-len(jwk[name]) % 4))
        for name in ("x", "y")
        if name in jwk
    }
    numbers |= {name: bytes.fromhex(jwk[f"{name}_hex"]) for name in "xy" if f"{name}_hex" in jwk}
    if jwk["kty"] == "EC":
        return PublicKey("p256", bytes([2 + (numbers["y"][-1] & 1)]) + numbers["x"])
    return PublicKey("ed25519", numbers["x"])


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Read the examples of the COSE working group."""
    folder = vectors("cose/cose-wg-examples")
    return [(path.stem, json.loads(path.read_text())) for path in sorted(folder.rglob("*.json"))]


def test_the_examples_of_the_working_group() -> None:
    """Goal: COSE as others write it. Method: every example, accepted or refused with its code."""
    every = examples()
    assert {name for name, _ in every} == ACCEPTED | set(REFUSED)
    for name, example in every:
        data = bytes.fromhex(example["output"]["cbor"])
        given = example["input"].get("sign0")
        key = key_of(given["key"]) if given else PublicKey("ed25519", bytes(32))
        refused: type[TrineError] | None = None
        try:
            message = cose.read_sign1(data, "the example", bytes_max=1_000)
            cose.verify_sign1(message, key)
            assert message.payload == example["input"]["plaintext"].encode()
        except TrineError as error:
            refused = type(error)
        assert refused is REFUSED.get(name), name


def test_the_signed_bytes_of_the_working_group() -> None:
    """Goal: the structure that is signed. Method: compare with that of the examples."""
    compared = 0
    for name, example in examples():
        data = bytes.fromhex(example["output"]["cbor"])
        given = example["input"].get("sign0")
        if given is None or not data.startswith(cose.TAG_AND_ARRAY) or "fail" in name:
            continue
        message = cose.read_sign1(data, "the example", bytes_max=1_000)
        external = bytes.fromhex(given.get("external", ""))
        signed = cose.signed_bytes(message.protected, message.payload or b"", external)
        assert signed.hex().upper() == example["intermediates"]["ToBeSign_hex"], name
        compared += 1
    assert compared == 8


def sets() -> list[Path]:
    """Sets of statement and receipt of the package scitt-cose."""
    return sorted(path for path in vectors("cose/scitt-cose-v1").iterdir() if path.is_dir())


@pytest.mark.parametrize(
    ("name", "of_statement", "of_receipt"),
    [
        ("valid-es256", None, None),
        ("valid-eddsa", None, None),
        ("fail-bad-statement-sig", CoseSignature, None),
        # The altered path leads to another root, over which the signature does not hold.
        ("fail-tampered-path", None, CoseSignature),
        ("fail-unsupported-vds", None, UnknownStructure),
    ],
)
def test_the_sets_of_scitt_cose(
    name: str, of_statement: type[TrineError] | None, of_receipt: type[TrineError] | None
) -> None:
    """Goal: statements and receipts as others write them. Method: its sets and their verdicts.

    They name no keys and their receipts make no claims: such are read on request only.
    """
    folder = vectors("cose/scitt-cose-v1") / name
    expected = json.loads((folder / "expected.json").read_text())
    data = (folder / "statement.cose").read_bytes()
    read = statement.read_statement(data, now_s=0, key_id_required=False)
    headers = expected["protected_header"]["statement"]
    assert (read.issuer, read.subject) == (headers["issuer"], headers["subject"])
    assert read.content_type == headers["content_type"]
    assert read.payload == (folder / "payload.bin").read_bytes()
    entry = statement.entry_of(data)
    assert entry == Digest.parse(expected["leaf_entry"])
    refused: type[TrineError] | None = None
    try:
        statement.verify_statement(read, key_in(folder / "issuer-key.pub"))
    except TrineError as error:
        refused = type(error)
    assert refused is of_statement
    refused = None
    try:
        found = receipt.read_receipt((folder / "receipt.cose").read_bytes(), claims_required=False)
        head = receipt.verify_inclusion(found, entry, key_in(folder / "log-key.pub"))
        assert head.root == Digest.parse(expected["reconstructed_root"])
        assert found.inclusions[0].leaf_index == expected["leaf_index"]
        assert head.size == expected["tree_size"]
    except TrineError as error:
        refused = type(error)
    assert refused is of_receipt


def key_in(path: Path) -> PublicKey:
    """Read a public key in PEM."""
    return PublicKey(*public_key_from_pem(path.read_bytes()))


def test_every_set_is_tested() -> None:
    """Goal: no set is forgotten. Method: count the folders."""
    assert len(sets()) == 5
