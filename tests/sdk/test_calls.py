"""Test that calls and transactions cross the border to the core and back unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine import errors
from trine._core import registry, transactions
from trine.crypto import SecretKey
from trine.types import (
    AccountCreate,
    AccountEnrol,
    AccountFreeze,
    AccountUnfreeze,
    Address,
    AssetBurn,
    AssetDefine,
    AssetIssue,
    AssetTransfer,
    AuthorityRegister,
    AuthorityRemove,
    Call,
    CertificateSet,
    ChainId,
    Digest,
    EvidenceAppend,
    KeyAdd,
    KeyRevoke,
    KeyRotate,
    LogCreate,
    MemberCertificate,
    ProposalApprove,
    ProposalReject,
    ProposalSubmit,
    QuotaSet,
    Roles,
    RolesSet,
    Transaction,
    decode_call,
    limits,
    sign_transactions,
)
from trine.types.calls import (
    AdmitValidator,
    CreateOrganisation,
    Freeze,
    PublicKey,
    RemoveOrganisation,
    RemoveValidator,
    ReplaceValidator,
    SetParameter,
    Unfreeze,
    Validator,
)

u8 = st.integers(0, 2**8 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
address = st.binary(min_size=20, max_size=20).map(Address)
digest = st.binary(min_size=32, max_size=32).map(Digest)
key = st.binary(max_size=64).map(lambda key: PublicKey("ed25519", key))
certificate = st.builds(MemberCertificate, digest, digest, u64)
roles = st.integers(0, 7).map(Roles)
text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
validator_key = st.integers(1, 8).map(
    lambda number: PublicKey("ed25519", SecretKey("ed25519", bytes([number] * 32)).public_key)
)
validator = st.builds(Validator, validator_key, u32, text, text)
action = st.one_of(
    st.builds(Freeze, address),
    st.builds(Unfreeze, address),
    st.builds(SetParameter, u8, u64),
    st.builds(CreateOrganisation, text, key),
    st.builds(AdmitValidator, validator),
    st.builds(RemoveValidator, validator_key),
    st.builds(ReplaceValidator, validator_key, validator),
    st.builds(RemoveOrganisation, u32),
)
call = st.one_of(
    st.builds(AccountCreate, key, roles),
    st.builds(KeyAdd, key, u32),
    st.builds(KeyRevoke, u8),
    st.builds(KeyRotate, u8, key),
    st.builds(AccountFreeze, address),
    st.builds(AccountUnfreeze, address),
    st.builds(AccountEnrol, key, certificate, roles),
    st.builds(CertificateSet, address, certificate),
    st.builds(RolesSet, address, roles),
    st.builds(QuotaSet, address, u32),
    st.builds(AuthorityRegister, digest, u64),
    st.builds(AuthorityRemove, digest),
    st.builds(ProposalSubmit, action, u64),
    st.builds(ProposalApprove, u64, action),
    st.builds(ProposalReject, u64),
    st.builds(LogCreate, text),
    st.builds(
        EvidenceAppend,
        u32,
        st.lists(digest, min_size=1, max_size=5).map(tuple),
        text,
        st.binary(max_size=64),
    ),
    st.builds(AssetDefine, text, text, u8),
    st.builds(AssetIssue, u32, address, u64),
    st.builds(AssetTransfer, u32, address, u64, st.none() | st.binary(min_size=16, max_size=64)),
    st.builds(AssetBurn, u32, u64),
)


@given(call)
def test_calls_come_back_unchanged(one: Call) -> None:
    """Goal: no field is lost or swapped. Method: encode and decode calls of every kind."""
    assert decode_call(one.encode()) == one


def test_every_method_has_a_class() -> None:
    """Goal: no method of the chain is missing. Method: compare with the core's table."""
    names = {f"{module}.{method}" for _, module, _, method in registry.methods()}
    assert set(Call.by_name) == names


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (LogCreate("a" * 33), errors.TooLarge),
        (LogCreate("a" * 70_000), errors.TooLarge),
        (AssetDefine("A" * 13, "a", 0), errors.TooLarge),
        (EvidenceAppend(0, ()), errors.BadArguments),
        (EvidenceAppend(0, (Digest(bytes(32)),) * 1_001), errors.TooLarge),
        (EvidenceAppend(0, (Digest(bytes(32)),), "a" * 128), errors.TooLarge),
        (EvidenceAppend(0, (Digest(bytes(32)),), "", bytes(65)), errors.TooLarge),
        (AssetTransfer(1, Address(bytes(20)), 1, bytes(15)), errors.BadArguments),
        (AssetTransfer(1, Address(bytes(20)), 1, bytes(65)), errors.TooLarge),
        (AssetBurn(2**32, 1), errors.BadArgument),
        (AssetBurn(1, 2**64), errors.BadArgument),
        (AssetBurn(1, -1), errors.BadArgument),
        (RolesSet(Address(bytes(20)), Roles(16)), errors.BadArguments),
        (ProposalReject(2**64), errors.BadArgument),
        (ProposalSubmit(RemoveValidator(PublicKey("ed25519", b"x")), 1), errors.BadArgument),
        (ProposalSubmit(RemoveValidator(PublicKey("ml-dsa-65", b"")), 1), errors.BadArgument),
        (AuthorityRegister(bytes(31), 1), errors.BadArgument),
        (AuthorityRegister(Digest(bytes(32)), 2**64), errors.BadArgument),
    ],
)
def test_limits_are_refused_with_their_code(bad: Call, error: type[Exception]) -> None:
    """Goal: one past a limit is refused before it is signed. Method: a case for each limit."""
    with pytest.raises(error):
        bad.encode()


@given(st.lists(call, min_size=1, max_size=4), u64, u64)
def test_signed_transactions_read_back(calls: list[Call], nonce: int, until: int) -> None:
    """Goal: what is signed is what was meant. Method: sign, decode, verify, flip one bit."""
    signer = SecretKey("ed25519", bytes(range(32)))
    chain = ChainId(b"c" * 32)
    sender = Address(signer.address())
    (signed,) = sign_transactions("intl", chain, sender, signer, [(nonce, until, calls)])
    read = Transaction.decode("intl", signed.encoded)
    assert (read.id, read.chain_id, read.sender) == (signed.id, chain, sender)
    assert (read.nonce, read.valid_until_ms, list(read.calls)) == (nonce, until, calls)
    assert transactions.verify_signature("intl", signed.encoded, signer.public_key)
    other = SecretKey("ed25519", bytes(32)).public_key
    assert not transactions.verify_signature("intl", signed.encoded, other)


def test_transactions_keep_their_limits() -> None:
    """Goal: limits hold at the border. Method: 64 and 65 calls, no call, 64 KiB and more."""
    signer = SecretKey("ed25519", bytes(32))
    sender, chain = Address(signer.address()), ChainId(bytes(32))

    def sign(*calls: Call) -> int:
        (made,) = sign_transactions("intl", chain, sender, signer, [(0, 1, calls)])
        return len(made.encoded)

    assert sign(*[KeyRevoke(1)] * limits.CALLS_MAX)
    with pytest.raises(errors.TooLarge):
        sign(*[KeyRevoke(1)] * (limits.CALLS_MAX + 1))
    with pytest.raises(errors.Malformed):
        sign()
    full = EvidenceAppend(0, (Digest(bytes(32)),) * limits.ENTRIES_MAX)
    assert sign(full, full) <= limits.TRANSACTION_BYTES_MAX
    with pytest.raises(errors.TooLarge):
        sign(full, full, full)
