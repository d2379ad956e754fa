"""Execute the calls of every module, one module a file.

Every function takes the call, who makes it and what the transaction has changed so far; it changes
that, or raises the verdict of the first rule that is broken, in the order in which they stand.
"""

from collections.abc import Callable
from typing import Any, Final

from trine.model.calls import (
    AccountCreate,
    AccountEnrol,
    AccountFreeze,
    AccountUnfreeze,
    AssetBurn,
    AssetDefine,
    AssetIssue,
    AssetTransfer,
    AuthorityRegister,
    AuthorityRemove,
    Call,
    CertificateSet,
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
)
from trine.model.context import Caller, Effects
from trine.model.modules import (
    accounts,
    assets,
    authorities,
    evidence,
    organisations,
    proposals,
)

EXECUTORS: Final[dict[type[Call], Callable[[Any, Caller, Effects], None]]] = {
    AccountCreate: accounts.create,
    KeyAdd: accounts.add_key,
    KeyRevoke: accounts.revoke_key,
    KeyRotate: accounts.rotate_key,
    AccountFreeze: accounts.freeze,
    AccountUnfreeze: accounts.unfreeze,
    AccountEnrol: accounts.enrol,
    CertificateSet: accounts.set_certificate,
    RolesSet: organisations.set_roles,
    QuotaSet: organisations.set_quota,
    AuthorityRegister: authorities.register,
    AuthorityRemove: authorities.remove,
    ProposalSubmit: proposals.submit,
    ProposalApprove: proposals.approve,
    ProposalReject: proposals.reject,
    LogCreate: evidence.create_log,
    EvidenceAppend: evidence.append,
    AssetDefine: assets.define,
    AssetIssue: assets.issue,
    AssetTransfer: assets.transfer,
    AssetBurn: assets.burn,
}
"""The function behind each call."""


def execute_call(call: Call, caller: Caller, effects: Effects) -> None:
    """Execute one call.

    Raises:
        FailedTransaction: The verdict of the first rule that is broken.
    """
    EXECUTORS[type(call)](call, caller, effects)
