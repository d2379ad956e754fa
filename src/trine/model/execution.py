"""Execute a valid transaction: use its nonce, charge quotas, run its calls, all or nothing."""

from trine.model.calls import read_call
from trine.model.context import Block, Caller, Effects, LogAppend
from trine.model.modules import execute_call
from trine.model.outcome import Outcome
from trine.model.quotas import charge, units_of
from trine.model.records import AccountKey
from trine.model.state import State
from trine.model.transaction import Transaction, UnsignedTransaction
from trine.model.verdicts import (
    OK_NUMBER,
    AccountFrozen,
    FailedTransaction,
    KeyNotPermitted,
    OrganisationRemoved,
)


def execute_transaction(
    transaction: Transaction, key: AccountKey, block: Block, state: State
) -> tuple[State, Outcome, list[LogAppend]]:
    """Execute a valid transaction.

    The nonce is used whatever happens. Where the quotas do not suffice nothing is charged and
    nothing runs; a frozen sender, or one whose organisation was removed, is charged and nothing
    runs. The first call that fails takes back
    what the earlier ones did, their events included, but neither nonce nor quota.

    Args:
        transaction: The transaction; it passed `validity`.
        key: Key that signed it, from the state before the block.
        block: Block that holds it.
        state: State after the block's earlier transactions; not changed.

    Returns:
        The state after the transaction, the outcome, and what evidence logs gained.
    """
    body = transaction.body
    state = state.copy()
    state.accounts[body.sender] = state.accounts[body.sender].use_nonce(body.nonce)
    units = sum(units_of(call) for call in body.calls)
    try:
        charge(body.sender, units, state, time_ms=block.time_ms)
    except FailedTransaction as verdict:
        return state, Outcome(verdict.number, 0, 0, ()), []
    if state.accounts[body.sender].frozen:
        return state, Outcome(AccountFrozen.number, 0, units, ()), []
    if state.is_removed(state.accounts[body.sender].organisation):
        return state, Outcome(OrganisationRemoved.number, 0, units, ()), []

    effects = Effects(state.copy())
    for index in range(len(body.calls)):
        try:
            _execute_call(body, index, key, block, effects)
        except FailedTransaction as verdict:
            return state, Outcome(verdict.number, index, units, ()), []
    outcome = Outcome(OK_NUMBER, 0, units, tuple(effects.events))
    return effects.state, outcome, effects.log_appends


def _execute_call(
    body: UnsignedTransaction, index: int, key: AccountKey, block: Block, effects: Effects
) -> None:
    """Execute one call of a transaction; its module must be among those that the key may call."""
    call = read_call(body.calls[index])
    if not key.may_call(call.module):
        raise KeyNotPermitted
    execute_call(call, Caller(block, body.sender, body.id(), index), effects)
