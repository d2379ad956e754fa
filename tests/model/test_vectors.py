"""Read the golden vectors that the Rust side wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from trine.model import Chain, InvalidBlock, read_genesis
from trine.model import records as record_types
from trine.model import state_keys as names
from trine.model import x509 as x509_types
from trine.model.account import Account
from trine.model.calls import MODULES, read_call
from trine.model.header import Header
from trine.model.identifiers import (
    Address,
    AssetId,
    Height,
    KeyIndex,
    LogId,
    Milliseconds,
    OrganisationId,
    ProposalId,
)
from trine.model.keys import Algorithm, PublicKey, verify
from trine.model.merkle import merkle_root
from trine.model.outcome import Outcome
from trine.model.parameters import Parameters
from trine.model.transaction import TRANSACTION_NAMESPACE, RawCall, Transaction
from trine.model.verdicts import Undecodable

pytestmark = pytest.mark.usefixtures("intl")

FOLDER = Path(__file__).resolve().parents[1] / "vectors"


@pytest.fixture(scope="module")
def wire() -> Any:
    return json.loads((FOLDER / "wire.json").read_text())


@pytest.fixture(scope="module")
def blocks() -> Any:
    return json.loads((FOLDER / "blocks.json").read_text())


def test_keys(wire: Any) -> None:
    # Goal: same addresses and signatures. Method: derive and verify.
    for vector in wire["keys"]:
        key = PublicKey(Algorithm[vector["algorithm"].upper()], bytes.fromhex(vector["public_key"]))
        assert key.is_well_formed()
        assert key.address().hex() == vector["address"]
        parts = [bytes.fromhex(vector[name]) for name in ("namespace", "message", "signature")]
        assert verify(key, *parts)
        assert not verify(key, parts[0], parts[1] + b"!", parts[2])


def test_accounts(wire: Any) -> None:
    # Goal: same account records. Method: decode, compare each field, encode.
    for vector in wire["accounts"]:
        account = Account.from_bytes(bytes.fromhex(vector["bytes"]))
        assert account.encode().hex() == vector["bytes"]
        assert account.first_key.data.hex() == vector["key"]
        assert account.nonce_used == int(vector["nonce_used"], 16)
        for field in set(vector) - {"bytes", "key", "nonce_used"}:
            assert getattr(account, field) == vector[field], field


def test_calls(wire: Any) -> None:
    # Goal: same arguments. Method: decode, compare the name, encode.
    for vector in wire["calls"]:
        arguments = bytes.fromhex(vector["arguments"])
        raw = RawCall(vector["module"], vector["method"], arguments)
        call = read_call(raw)
        assert f"{MODULES[call.module]}.{call.method_name}" == vector["name"]
        assert call.to_raw() == raw
        assert vector["value"].startswith(type(call).__name__ + " ")


def test_transactions(wire: Any) -> None:
    # Goal: same transactions and identifiers. Method: decode, compare, verify, encode.
    for vector in wire["transactions"]:
        transaction = Transaction.from_bytes(bytes.fromhex(vector["bytes"]))
        body = transaction.body
        assert transaction.encode().hex() == vector["bytes"]
        assert body.id().hex() == vector["id"]
        assert (body.chain_id.hex(), body.sender.hex()) == (vector["chain_id"], vector["sender"])
        for field in ("key_index", "nonce", "valid_until_ms"):
            assert getattr(body, field) == vector[field]
        calls = [[call.module, call.method, call.arguments.hex()] for call in body.calls]
        assert calls == vector["calls"]
        assert transaction.signature.hex() == vector["signature"]
        key = PublicKey(transaction.algorithm, bytes.fromhex(vector["public_key"]))
        assert verify(key, TRANSACTION_NAMESPACE, body.id(), transaction.signature)


def test_refused_transactions(wire: Any) -> None:
    # Goal: same verdicts on bytes. Method: each must be refused with its code.
    for vector in wire["refused_transactions"]:
        with pytest.raises(Undecodable) as refused:
            Transaction.from_bytes(bytes.fromhex(vector["bytes"]))
        assert refused.value.code == vector["code"], vector["why"]


def test_outcomes(wire: Any) -> None:
    # Goal: same outcomes. Method: decode, compare, encode.
    for vector in wire["outcomes"]:
        outcome = Outcome.from_bytes(bytes.fromhex(vector["bytes"]))
        assert outcome.encode().hex() == vector["bytes"]
        assert (outcome.code, outcome.failed_call, outcome.gas_used) == (
            vector["code"],
            vector["failed_call"],
            vector["gas_used"],
        )
        events = [
            {
                "emitter": event.emitter.hex(),
                "topics": [topic.hex() for topic in event.topics],
                "data": event.data.hex(),
            }
            for event in outcome.events
        ]
        assert events == vector["events"]


def test_headers(wire: Any) -> None:
    # Goal: same headers. Method: decode, encode, hash.
    for vector in wire["headers"]:
        header = Header.from_bytes(bytes.fromhex(vector["bytes"]))
        assert header.encode().hex() == vector["bytes"]
        assert header.digest().hex() == vector["digest"]
        assert header.state_root().hex() == vector["state_root"]


def test_records(wire: Any) -> None:
    # Goal: same records. Method: decode as what the vector says it is, encode.
    for vector in wire["records"]:
        name = vector["value"].split(" ")[0].split("(")[0]
        place = x509_types if hasattr(x509_types, name) else record_types
        kind = Parameters if name == "Parameters" else getattr(place, name)
        assert kind.from_bytes(bytes.fromhex(vector["bytes"])).encode().hex() == vector["bytes"]


def test_state_keys(wire: Any) -> None:
    # Goal: same keys. Method: make each of the sixteen.
    vectors = dict(wire["state_keys"])
    address = Address(bytes.fromhex(vectors.pop("address")))
    keys = {
        "counters": names.counters_key(),
        "parameters": names.parameters_key(),
        "validators": names.validators_key(),
        "organisation 3": names.organisation_key(OrganisationId(3)),
        "organisation_name alpha": names.organisation_name_key("alpha"),
        "account_key address 2": names.account_key_key(address, KeyIndex(2)),
        "log 5": names.log_key(LogId(5)),
        "log_name 3 deeds": names.log_name_key(OrganisationId(3), "deeds"),
        "asset 6": names.asset_key(AssetId(6)),
        "asset_symbol 3 EUR": names.asset_symbol_key(OrganisationId(3), "EUR"),
        "balance address 6": names.balance_key(address, AssetId(6)),
        "transfer address invoice 2026/0001": names.transfer_key(address, b"invoice 2026/0001"),
        "proposal 8": names.proposal_key(ProposalId(8)),
        "certificate_registry 3": names.certificate_registry_key(OrganisationId(3)),
        "member_certificate address": names.member_certificate_key(address),
        "certified_member 3 9": names.certified_member_key(OrganisationId(3), 9),
    }
    assert {label: key.hex() for label, key in keys.items()} == vectors


def test_merkle(wire: Any) -> None:
    # Goal: same roots. Method: compute each.
    for vector in wire["merkle"]:
        leaves = [bytes.fromhex(leaf) for leaf in vector["leaves"]]
        assert merkle_root(leaves).hex() == vector["root"]


def test_genesis(wire: Any) -> None:
    # Goal: same canonical form and chain id. Method: read the document as the vector writes it.
    vector = wire["genesis"]
    document = read_genesis(json.dumps(vector["document"]).encode())
    assert document.canonical.decode() == vector["canonical"]
    assert document.chain_id().hex() == vector["chain_id"]
    assert document.generated_accounts is not None
    seeds = [document.generated_accounts.secret(place).hex() for place in range(3)]
    assert seeds == vector["generated_seeds"]


def test_blocks(blocks: Any) -> None:
    # Goal: same verdicts, outcomes and roots. Method: replay the chain of the vectors.
    chain = Chain.from_genesis(json.dumps(blocks["genesis"]).encode())
    assert chain.state.digest().hex() == blocks["state_digest"]
    for block in blocks["blocks"]:
        height, time_ms = Height(block["height"]), Milliseconds(block["time_ms"])
        transactions = [bytes.fromhex(data) for data in block["transactions"]]
        if "invalid" in block:
            with pytest.raises(InvalidBlock) as refused:
                chain.apply(height, time_ms, transactions)
            assert refused.value.index == block["invalid"]["index"]
            assert refused.value.code == block["invalid"]["code"]
            continue
        applied, result = chain.apply(height, time_ms, transactions), block["result"]
        assert [outcome.encode().hex() for outcome in applied.outcomes] == result["outcomes"]
        assert applied.parameters_version == result["parameters_version"]
        for root in ("body_root", "outcome_root", "evidence_root", "state_digest"):
            assert getattr(applied, root).hex() == result[root], (block["height"], root)
