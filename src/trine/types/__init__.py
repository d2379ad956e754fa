"""Name what the chain is made of: identifiers, calls, transactions, outcomes, limits.

>>> from trine.types import Address, Amount, AssetId, AssetTransfer
>>> call = AssetTransfer(asset=AssetId(1), to=Address(bytes(20)), amount=Amount(5))
>>> call.encode().hex()[:6]
'050300'
"""

from trine.types.calls import (
    AccountCreate,
    AccountFreeze,
    AccountUnfreeze,
    AssetBurn,
    AssetDefine,
    AssetIssue,
    AssetTransfer,
    Call,
    EvidenceAppend,
    KeyAdd,
    KeyRevoke,
    KeyRotate,
    LogCreate,
    ProposalApprove,
    ProposalReject,
    ProposalSubmit,
    QuotaSet,
    RolesSet,
    decode_call,
)
from trine.types.identifiers import (
    Address,
    Amount,
    AssetId,
    ChainId,
    Digest,
    Epoch,
    Height,
    LogId,
    Nonce,
    OrganisationId,
    ProposalId,
    StateKey,
    TimeMs,
    TransactionId,
)
from trine.types.outcome import Event, Outcome
from trine.types.roles import Roles
from trine.types.transaction import Transaction, sign_transactions

__all__ = [
    "AccountCreate",
    "AccountFreeze",
    "AccountUnfreeze",
    "Address",
    "Amount",
    "AssetBurn",
    "AssetDefine",
    "AssetId",
    "AssetIssue",
    "AssetTransfer",
    "Call",
    "ChainId",
    "Digest",
    "Epoch",
    "Event",
    "EvidenceAppend",
    "Height",
    "KeyAdd",
    "KeyRevoke",
    "KeyRotate",
    "LogCreate",
    "LogId",
    "Nonce",
    "OrganisationId",
    "Outcome",
    "ProposalApprove",
    "ProposalId",
    "ProposalReject",
    "ProposalSubmit",
    "QuotaSet",
    "Roles",
    "RolesSet",
    "StateKey",
    "TimeMs",
    "Transaction",
    "TransactionId",
    "decode_call",
    "sign_transactions",
]
