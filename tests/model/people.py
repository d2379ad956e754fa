"""Name keys, put people into a genesis document, and sign transactions for them."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from functools import cache

from tests.suite import ALGORITHM, SUITE
from trine.crypto import SecretKey, sign_message
from trine.model.calls import Call
from trine.model.hashing import Suite
from trine.model.identifiers import (
    Address,
    ChainId,
    KeyIndex,
    Milliseconds,
    Nonce,
    OrganisationId,
)
from trine.model.keys import Algorithm, PublicKey, signed_bytes, validator_key
from trine.model.transaction import (
    TRANSACTION_NAMESPACE,
    RawCall,
    Transaction,
    UnsignedTransaction,
)
from trine.model.validators import Validator

ORGANISATIONS = ("city", "hospital", "bank")
"""Names of the organisations of a test chain."""

MEMBERS = {
    "city-administrator": (0, ["administrator"]),
    "city-all": (0, ["administrator", "notary", "issuer"]),
    "city-plain": (0, []),
    "hospital-administrator": (1, ["administrator", "notary"]),
    "hospital-plain": (1, []),
    "bank-administrator": (2, ["administrator", "issuer"]),
    "bank-notary": (2, ["notary"]),
}
"""Organisation and roles of each account of a test chain, by the name of its key."""

STRANGERS = tuple(f"stranger-{number}" for number in range(6))
"""Names of keys that have no account at genesis."""

OTHER_ALGORITHMS = {
    Suite.INTL: {
        "hospital-plain": Algorithm.SECP256K1,
        "stranger-1": Algorithm.P256,
        "stranger-2": Algorithm.SECP256K1,
        "stranger-3": Algorithm.ML_DSA_65,
        "stranger-4": Algorithm.ML_DSA_65,
        "stranger-5": Algorithm.SM2,
    },
    # Such a chain refuses both.
    Suite.GM: {"stranger-4": Algorithm.ED25519, "stranger-5": Algorithm.P256},
}[SUITE]
"""Algorithms of the keys that are not of the suite's own, by name."""

TIME_MS = 1_700_000_000_000
"""Block time of genesis."""


@cache
def secret_key(name: str) -> SecretKey:
    """Derive the key with this name."""
    algorithm = OTHER_ALGORITHMS.get(name, ALGORITHM)
    return SecretKey(algorithm.label, hashlib.sha256(name.encode()).digest())


@cache
def public_key(name: str) -> PublicKey:
    """Return the public half of `secret_key`."""
    algorithm = OTHER_ALGORITHMS.get(name, ALGORITHM)
    return PublicKey(algorithm, secret_key(name).public_key)


@cache
def secret_keys() -> dict[bytes, SecretKey]:
    """Find every key of a test chain by its public half."""
    return {public_key(name).data: secret_key(name) for name in (*MEMBERS, *STRANGERS)}


def address(name: str) -> Address:
    """Return the address of the account whose first key has this name."""
    return public_key(name).address()


def validator(name: str, organisation: OrganisationId) -> Validator:
    """Make a validator whose key has this name, at the address of the one of genesis."""
    key = validator_key(public_key(name))
    assert key is not None
    return Validator(key, organisation, "one", "127.0.0.1:9000")


def genesis(
    organisations: Sequence[str] = ORGANISATIONS,
    parameters: Mapping[str, int] | None = None,
    **fields: object,
) -> bytes:
    """Write a genesis document with the members of the first organisations."""
    return json.dumps(
        {
            "format": "trine-genesis-v1",
            "name": "test",
            "suite": SUITE,
            "time_ms": TIME_MS,
            "blocks_per_epoch": 8,
            "organisations": list(organisations),
            "validators": [
                {
                    "name": "one",
                    "organisation": 0,
                    "key": public_key("validator").data.hex(),
                    "address": "127.0.0.1:9000",
                }
            ],
            "accounts": [
                {
                    "organisation": organisation,
                    "algorithm": public_key(name).algorithm.label,
                    "key": public_key(name).data.hex(),
                    "roles": roles,
                    "balance": 1_000,
                }
                for name, (organisation, roles) in MEMBERS.items()
                if organisation < len(organisations)
            ],
            "assets": [{"organisation": 0, "symbol": "TOK", "name": "Token", "decimals": 2}],
            "parameters": dict(parameters or {}),
        }
        | fields
    ).encode()


def asserted(signed: bytes, key: SecretKey) -> bytes:
    """Sign as a passkey of P-256 does in a browser."""
    challenge = urlsafe_b64encode(hashlib.sha256(signed).digest()).rstrip(b"=")
    start = b'{"type":"webauthn.get","challenge":"' + challenge + b'","origin":"https://a.example'
    client_data = start + b'","crossOrigin":false}'
    data = hashlib.sha256(b"a.example").digest() + b"\x05" + bytes(4)
    signature = sign_message(key, data + hashlib.sha256(client_data).digest())
    return signature + len(data).to_bytes(2) + data + client_data


def sign(body: UnsignedTransaction, key: SecretKey, *, by_passkey: bool = False) -> bytes:
    """Sign a transaction and encode it."""
    if by_passkey and key.algorithm == Algorithm.P256.label:
        signature = asserted(signed_bytes(TRANSACTION_NAMESPACE, body.id()), key)
    else:
        signature = key.sign(TRANSACTION_NAMESPACE, body.id())
    algorithm = next(one for one in Algorithm if one.label == key.algorithm)
    return Transaction(body, algorithm, signature).encode()


def transaction(
    name: str,
    chain_id: ChainId,
    calls: Sequence[Call | RawCall],
    *,
    nonce: int,
    sender: Address | None = None,
    key_index: int = 0,
    valid_until_ms: int = TIME_MS * 2,
) -> bytes:
    """Make a transaction that the key with this name signs."""
    raw = tuple(call.to_raw() if isinstance(call, Call) else call for call in calls)
    body = UnsignedTransaction(
        chain_id=chain_id,
        sender=sender or address(name),
        key_index=KeyIndex(key_index),
        nonce=Nonce(nonce),
        valid_until_ms=Milliseconds(valid_until_ms),
        calls=raw,
    )
    return sign(body, secret_key(name))
