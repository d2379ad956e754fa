"""Define named units, issue them, transfer and burn them.

The sum of all balances of an asset is its supply, always.
"""

from dataclasses import replace
from typing import Final

from trine.model.account import Roles
from trine.model.calls import ASSETS, AssetBurn, AssetDefine, AssetIssue, AssetTransfer
from trine.model.codec import U32, U64, Reader
from trine.model.context import Caller, Effects
from trine.model.identifiers import PRIMARY_ASSET, Address, Amount, AssetId
from trine.model.limits import U64_MAX
from trine.model.names import is_asset
from trine.model.outcome import Event
from trine.model.records import Asset, Transfer
from trine.model.state import State
from trine.model.state_keys import asset_key, asset_symbol_key, balance_key, transfer_key
from trine.model.verdicts import (
    AmountOverflow,
    AssetExists,
    BadName,
    DuplicateReference,
    InsufficientBalance,
    OtherOrganisation,
    SelfTransfer,
    UnknownAccount,
    UnknownAsset,
    ZeroAmount,
)

DEFINED: Final = 1
"""Event: an asset was defined. Fields: asset, organisation."""
ISSUED: Final = 2
"""Event: units were issued. Fields: asset, recipient, amount. Topics: recipient."""
TRANSFERRED: Final = 3
"""Event: units were transferred. Fields: asset, amount, reference. Topics: sender, recipient."""
BURNED: Final = 4
"""Event: units were burned. Fields: asset, amount. Topics: sender."""


def define(call: AssetDefine, caller: Caller, effects: Effects) -> None:
    """Define an asset of the sender's organisation; the chain's first becomes the primary.

    Raises:
        NoRight: The sender is no issuer.
        BadName: Symbol, name or decimals are not allowed.
        AssetExists: The organisation has an asset with this symbol.
    """
    organisation = caller.require_role(Roles.ISSUER, effects).organisation
    if not is_asset(call.symbol, call.name, call.decimals):
        raise BadName
    state, counters = effects.state, effects.state.counters
    symbol = asset_symbol_key(organisation, call.symbol)
    if state.read_number(symbol) is not None:
        raise AssetExists
    number = AssetId(counters.assets + 1)
    state.counters = replace(counters, assets=number)
    asset = Asset(organisation, call.symbol, call.name, call.decimals, Amount(0))
    state.write(asset_key(number), asset)
    state.write_number(symbol, number)
    fields = U32.write(number) + U32.write(organisation)
    effects.events.append(Event.of_module(ASSETS, DEFINED, fields))


def issue(call: AssetIssue, caller: Caller, effects: Effects) -> None:
    """Issue units of an asset of the sender's organisation to any account.

    Raises:
        NoRight: The sender is no issuer.
        UnknownAsset: No asset has the number.
        OtherOrganisation: The asset belongs to another organisation.
        ZeroAmount: The amount is zero.
        UnknownAccount: The recipient has no account.
        AmountOverflow: Supply or balance would exceed 2^64 - 1.
    """
    organisation = caller.require_role(Roles.ISSUER, effects).organisation
    asset = _asset(call.asset, effects.state)
    if asset.organisation != organisation:
        raise OtherOrganisation
    if call.amount == 0:
        raise ZeroAmount
    if call.to not in effects.state.accounts:
        raise UnknownAccount
    supply = _sum(asset.supply, call.amount)
    _credit(call.to, call.asset, call.amount, effects.state)
    effects.state.write(asset_key(call.asset), replace(asset, supply=supply))
    fields = U32.write(call.asset) + call.to + U64.write(call.amount)
    effects.events.append(Event.of_module(ASSETS, ISSUED, fields, topics=(call.to,)))


def transfer(call: AssetTransfer, caller: Caller, effects: Effects) -> None:
    """Transfer units to another account, a frozen one too, and record the reference if any.

    Raises:
        UnknownAsset: No asset has the number.
        ZeroAmount: The amount is zero.
        SelfTransfer: Sender and recipient are the same.
        UnknownAccount: The recipient has no account.
        DuplicateReference: The sender used the reference before.
        InsufficientBalance: The sender holds less than the amount.
        AmountOverflow: The recipient's balance would exceed 2^64 - 1.
    """
    state = effects.state
    _asset(call.asset, state)
    if call.amount == 0:
        raise ZeroAmount
    if call.to == caller.address:
        raise SelfTransfer
    if call.to not in state.accounts:
        raise UnknownAccount
    reference = call.reference or b""
    name = transfer_key(caller.address, reference)
    if name in state.values:
        raise DuplicateReference
    _debit(caller.address, call.asset, call.amount, state)
    _credit(call.to, call.asset, call.amount, state)
    if reference:
        state.write(name, _record(call, reference, caller))
    fields = U32.write(call.asset) + U64.write(call.amount) + bytes([len(reference)]) + reference
    topics = (caller.address, call.to)
    effects.events.append(Event.of_module(ASSETS, TRANSFERRED, fields, topics=topics))


def burn(call: AssetBurn, caller: Caller, effects: Effects) -> None:
    """Burn units of the sender.

    Raises:
        UnknownAsset: No asset has the number.
        ZeroAmount: The amount is zero.
        InsufficientBalance: The sender holds less than the amount.
    """
    asset = _asset(call.asset, effects.state)
    if call.amount == 0:
        raise ZeroAmount
    _debit(caller.address, call.asset, call.amount, effects.state)
    supply = Amount(asset.supply - call.amount)
    effects.state.write(asset_key(call.asset), replace(asset, supply=supply))
    fields = U32.write(call.asset) + U64.write(call.amount)
    effects.events.append(Event.of_module(ASSETS, BURNED, fields, topics=(caller.address,)))


def balance_of(address: Address, asset: AssetId, state: State) -> Amount:
    """Return how much of an asset an account holds.

    The primary asset's balance lies in the account, every other in an entry of its own, which is
    not there while the balance is zero.
    """
    if asset == PRIMARY_ASSET:
        return state.accounts[address].balance
    data = state.values.get(balance_key(address, asset))
    return Amount(0 if data is None else U64.read(Reader(data)))


def _set_balance(address: Address, asset: AssetId, amount: Amount, state: State) -> None:
    if asset == PRIMARY_ASSET:
        state.accounts[address] = replace(state.accounts[address], balance=amount)
    elif amount == 0:
        state.values.pop(balance_key(address, asset), None)
    else:
        state.values[balance_key(address, asset)] = U64.write(amount)


def _credit(address: Address, asset: AssetId, amount: Amount, state: State) -> None:
    _set_balance(address, asset, _sum(balance_of(address, asset, state), amount), state)


def _debit(address: Address, asset: AssetId, amount: Amount, state: State) -> None:
    balance = balance_of(address, asset, state)
    if balance < amount:
        raise InsufficientBalance
    _set_balance(address, asset, Amount(balance - amount), state)


def _sum(one: Amount, other: Amount) -> Amount:
    if one + other > U64_MAX:
        raise AmountOverflow
    return Amount(one + other)


def _asset(number: AssetId, state: State) -> Asset:
    asset = state.read(asset_key(number), Asset)
    if asset is None:
        raise UnknownAsset
    return asset


def _record(call: AssetTransfer, reference: bytes, caller: Caller) -> Transfer:
    return Transfer(
        transaction=caller.transaction,
        call=caller.call,
        height=caller.block.height,
        asset=call.asset,
        to=call.to,
        amount=call.amount,
        reference=reference,
    )
