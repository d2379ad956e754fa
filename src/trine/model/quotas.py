"""Limit how much accounts and organisations use in a window of block time: there are no fees."""

from dataclasses import replace

from trine.model.calls import EvidenceAppend, read_call
from trine.model.identifiers import Address, Milliseconds
from trine.model.records import Organisation
from trine.model.state import State
from trine.model.state_keys import organisation_key
from trine.model.transaction import RawCall
from trine.model.verdicts import AccountQuota, FailedTransaction, OrganisationQuota


def units_of(call: RawCall) -> int:
    """Return what a call costs, in quota units: 1, or 1 an entry where evidence is appended.

    A call whose arguments cannot be read costs 1.
    """
    try:
        decoded = read_call(call)
    except FailedTransaction:
        return 1
    return len(decoded.entries) if isinstance(decoded, EvidenceAppend) else 1


def charge(sender: Address, units: int, state: State, *, time_ms: Milliseconds) -> None:
    """Charge units to the sender and to its organisation, or to neither.

    A window is `quota_window_ms` of block time, counted from the Unix epoch modulo 2^32. What was
    used in another window does not count.

    Raises:
        AccountQuota: The account would exceed its quota.
        OrganisationQuota: The organisation would exceed `organisation_quota`.
    """
    parameters = state.parameters
    window = time_ms // parameters["quota_window_ms"] % 2**32

    account = state.accounts[sender]
    account_used = units + (account.quota_used if account.quota_window == window else 0)
    if account_used > (account.quota or parameters["account_quota"]):
        raise AccountQuota

    key = organisation_key(account.organisation)
    organisation = state.require(key, Organisation)
    used = units + (organisation.quota_used if organisation.quota_window == window else 0)
    if used > parameters["organisation_quota"]:
        raise OrganisationQuota

    state.accounts[sender] = replace(account, quota_window=window, quota_used=account_used)
    state.write(key, replace(organisation, quota_window=window, quota_used=used))
