"""Hold the codec to one encoding a value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model import people
from trine.model import calls, limits
from trine.model.account import ROLES, Account, Roles
from trine.model.codec import U16, Bytes, Flag, ListOf, Nested, Optional, Reader, Text8, Value
from trine.model.header import Header, StateCommitment
from trine.model.identifiers import (
    Address,
    Amount,
    AssetId,
    ChainId,
    Digest,
    Epoch,
    Height,
    LogId,
    Milliseconds,
    Nonce,
    OrganisationId,
    TransactionId,
    ValidatorKey,
)
from trine.model.keys import ALGORITHM
from trine.model.merkle import Frontier
from trine.model.outcome import VERDICT_NUMBER, Event, Outcome
from trine.model.parameters import Parameters
from trine.model.records import (
    PROPOSAL_STATUS,
    AccountKey,
    Asset,
    Counters,
    Log,
    Organisation,
    Proposal,
    ProposalStatus,
    Transfer,
)
from trine.model.transaction import RawCall, Transaction
from trine.model.validators import EpochChange, Validator, ValidatorSet
from trine.model.verdicts import Malformed, NonCanonical, TooLarge, Undecodable, UnknownVersion

ADDRESS = Address(bytes(range(20)))
DIGEST = Digest(bytes(range(32)))
KEY = people.public_key("any")
FRONTIER = Frontier().append(b"a").append(b"b").append(b"c")
VALIDATORS = ValidatorSet.of(
    Validator(ValidatorKey(bytes([number]) * 34), OrganisationId(0), f"v{number}", "host:1")
    for number in (3, 1, 2)
)
OTHER_VALIDATORS = ValidatorSet(VALIDATORS.members[:2])
COMMITMENT = StateCommitment(DIGEST, Digest(bytes(32)), 3, 9)
TRANSACTION = people.transaction(
    "any", ChainId(DIGEST), [calls.LogCreate("x"), calls.KeyRevoke(limits.CALLS_MAX)], nonce=7
)


def reordered(*places: int) -> bytes:
    """Encode a list of validators in another order."""
    return ValidatorSet(tuple(VALIDATORS.members[place] for place in places)).encode()


SAMPLES: tuple[Value, ...] = (
    Account.new(OrganisationId(3), Roles.NOTARY, KEY).use_nonce(Nonce(5)),
    AccountKey(KEY, 34),
    Asset(OrganisationId(1), "EUR", "Euro €", 2, Amount(9)),
    Counters(1, 2, 3, 4, 5),
    EpochChange(Epoch(1), VALIDATORS, OTHER_VALIDATORS),
    EpochChange(Epoch(1), VALIDATORS, None),
    Event.of_module(5, 3, b"data", topics=(ADDRESS, ADDRESS)),
    FRONTIER,
    Header(
        chain_id=ChainId(DIGEST),
        height=Height(7),
        epoch=Epoch(0),
        view=9,
        parent_view=8,
        proposer=ValidatorKey(bytes(34)),
        parent=DIGEST,
        time_ms=Milliseconds(people.TIME_MS),
        body_root=DIGEST,
        outcome_root=DIGEST,
        evidence_root=DIGEST,
        accounts=COMMITMENT,
        values=COMMITMENT,
        parameters_version=2,
        epoch_change=EpochChange(Epoch(1), VALIDATORS, None),
        extension=b"more",
    ),
    Log(OrganisationId(1), "court", FRONTIER),
    Organisation("city", 2, 9, 8),
    Outcome(0, 0, 3, (Event.of_module(5, 4, b"x"),)),
    Parameters(),
    Parameters().replaced(7, 2),
    Proposal(
        action=calls.CreateOrganisation("bank", KEY),
        organisation=OrganisationId(2),
        expires_ms=Milliseconds(99),
        status=ProposalStatus.REJECTED,
        approvals=(OrganisationId(2),),
        rejections=(OrganisationId(0), OrganisationId(1)),
    ),
    RawCall(5, 3, b"arguments"),
    Transaction.from_bytes(TRANSACTION),
    Transfer(TransactionId(DIGEST), 1, Height(2), AssetId(3), ADDRESS, Amount(4), b"r" * 16),
    VALIDATORS,
    calls.EvidenceAppend(LogId(1), "text/plain", b"ref", (DIGEST, DIGEST)),
    calls.AssetTransfer(AssetId(1), ADDRESS, Amount(2), b"r" * 16),
    calls.AssetTransfer(AssetId(1), ADDRESS, Amount(2), None),
)


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: type(value).__name__)
def test_a_value_reads_back_and_nothing_shorter_or_longer_does(value: Value) -> None:
    # Goal: round trip; no prefix and no extension is accepted. Method: every prefix of a sample.
    data = value.encode()
    assert type(value).from_bytes(data) == value
    for length in range(len(data)):
        with pytest.raises(Undecodable):
            type(value).from_bytes(data[:length])
    with pytest.raises(NonCanonical):
        type(value).from_bytes(data + b"\x00")


@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_bytes_that_are_accepted_are_the_one_encoding(sample: Value, data: st.DataObject) -> None:
    # Goal: no second encoding. Method: change bytes of a sample; what still reads writes the same.
    changed = bytearray(sample.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    try:
        value = type(sample).from_bytes(bytes(changed))
    except Undecodable:
        return
    assert value.encode() == bytes(changed)


@given(kind=st.sampled_from([type(sample) for sample in SAMPLES]), data=st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_verdict(kind: type[Value], data: bytes) -> None:
    # Goal: no other exception. Method: random bytes.
    try:
        assert kind.from_bytes(data).encode() == data
    except Undecodable as verdict:
        assert verdict.number in {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("read", "data", "verdict"),
    [
        (Flag(), b"\x02", NonCanonical),
        (Optional(U16), b"\x02\x00\x00", NonCanonical),
        (Bytes(1, 3, "x"), b"\x04abcd", TooLarge),
        (Bytes(2, 9, "x"), b"\x00\x04abc", Malformed),
        (Text8(9, "x"), b"\x02\xc3\x28", Malformed),
        (Text8(9, "x"), b"\x03\xed\xa0\x80", Malformed),
        (ListOf(U16, 1, "x"), b"\x00\x02", TooLarge),
        (ListOf(U16, 3, "x", least=1), b"\x00\x00", Malformed),
        (ROLES, b"\x10", Malformed),
        (ALGORITHM, b"\x00", Malformed),
        (calls.ACTION, b"\x05", Malformed),
        (calls.TRANSFER_REFERENCE, b"\x0f" + bytes(15), Malformed),
        (calls.TRANSFER_REFERENCE, b"\x41" + bytes(65), TooLarge),
        (PROPOSAL_STATUS, b"\x03", Malformed),
        (VERDICT_NUMBER, b"\x00\x0f", Malformed),
        (Nested(Parameters), b"\x00\x01" + bytes(8), Malformed),
        (Nested(Parameters), b"\x00\x08" + bytes(64), NonCanonical),
        (Nested(Parameters), b"\x00\x0a" + bytes(80), TooLarge),
        (Nested(ValidatorSet), b"\x00\x00", Malformed),
        (Nested(ValidatorSet), reordered(2, 1), NonCanonical),
        (Nested(ValidatorSet), reordered(1, 1), NonCanonical),
        (Nested(EpochChange), EpochChange(Epoch(1), VALIDATORS, VALIDATORS).encode(), NonCanonical),
    ],
)
def test_each_fault_has_its_verdict(read: Any, data: bytes, verdict: type[Undecodable]) -> None:
    # Goal: the right verdict. Method: one example each.
    with pytest.raises(verdict):
        read.read(Reader(data))


def test_versions_are_checked_first() -> None:
    # Goal: a later version is called that. Method: change the first byte.
    for value in (Transaction.from_bytes(TRANSACTION), SAMPLES[8]):
        with pytest.raises(UnknownVersion):
            type(value).from_bytes(b"\x02" + value.encode()[1:])


@pytest.mark.parametrize("size", [limits.TRANSACTION_BYTES_MAX, limits.TRANSACTION_BYTES_MAX + 1])
def test_the_size_of_a_transaction_is_limited(size: int) -> None:
    # Goal: the limit holds, and one past it is refused. Method: fill two calls with bytes.
    rest = size - len(people.transaction("any", ChainId(DIGEST), [RawCall(1, 1, b"")] * 2, nonce=0))
    half = rest // 2
    filled = [RawCall(1, 1, bytes(half)), RawCall(1, 1, bytes(rest - half))]
    data = people.transaction("any", ChainId(DIGEST), filled, nonce=0)
    assert len(data) == size
    if size > limits.TRANSACTION_BYTES_MAX:
        with pytest.raises(TooLarge):
            Transaction.from_bytes(data)
    else:
        assert Transaction.from_bytes(data).encode() == data


@given(count=st.integers(0, 70))
def test_the_number_of_calls_is_limited(count: int) -> None:
    # Goal: 1 to 64 calls. Method: any number.
    data = people.transaction("any", ChainId(DIGEST), [RawCall(1, 1, b"")] * count, nonce=0)
    if count == 0:
        with pytest.raises(Malformed):
            Transaction.from_bytes(data)
    elif count > limits.CALLS_MAX:
        with pytest.raises(TooLarge):
            Transaction.from_bytes(data)
    else:
        assert len(Transaction.from_bytes(data).body.calls) == count
