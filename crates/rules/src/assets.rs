//! Define assets; issue, transfer and burn their units (module 5).
//!
//! The supply of an asset is the sum of its balances, always.

use crate::organisations;
use crate::state::{Caller, State, require};
use trine_types::call::TransferReference;
use trine_types::genesis::{is_symbol, is_title};
use trine_types::limits::DECIMALS_MAX;
use trine_types::record::{Asset, Transfer};
use trine_types::{Address, Amount, AssetId, Code, Encode, Event, Roles, StateKey};

const MODULE: u8 = 5;
const DEFINED: u8 = 1;
const ISSUED: u8 = 2;
const TRANSFERRED: u8 = 3;
const BURNED: u8 = 4;

/// Defines an asset of the sender's organisation.
pub(crate) fn define(
    state: &mut State,
    caller: &Caller,
    symbol: &str,
    name: &str,
    decimals: u8,
) -> Result<(), Code> {
    let organisation = organisations::with_role(state, caller, Roles::ISSUER)?;
    let good = is_symbol(symbol) && is_title(name) && decimals <= DECIMALS_MAX;
    require(good, Code::BadName)?;
    let index = StateKey::asset_symbol(state.suite(), organisation, symbol);
    require(!state.has_value(&index), Code::AssetExists)?;
    let mut counters = state.counters();
    counters.assets = counters.assets.checked_add(1).ok_or(Code::AmountOverflow)?;
    let asset = AssetId(counters.assets);
    state.put((), counters);
    let (symbol, name) = (symbol.to_owned(), name.to_owned());
    state.put(asset, Asset { organisation, symbol, name, decimals, supply: Amount(0) });
    state.put_value(index, Some(&asset));
    state.emit(MODULE, DEFINED, Vec::new(), |to| {
        asset.encode(to);
        organisation.encode(to);
    });
    Ok(())
}

/// Issues units of an asset of the sender's organisation.
pub(crate) fn issue(
    state: &mut State,
    caller: &Caller,
    id: AssetId,
    to: Address,
    amount: Amount,
) -> Result<(), Code> {
    let organisation = organisations::with_role(state, caller, Roles::ISSUER)?;
    let mut asset = state.get::<Asset>(id).ok_or(Code::UnknownAsset)?.clone();
    require(asset.organisation == organisation, Code::OtherOrganisation)?;
    require(amount.0 != 0, Code::ZeroAmount)?;
    require(state.account(&to).is_some(), Code::UnknownAccount)?;
    asset.supply = sum(asset.supply, amount)?;
    state.put(id, asset);
    credit(state, to, id, amount)?;
    state.emit(MODULE, ISSUED, vec![Event::address_topic(&to)], |data| {
        id.encode(data);
        to.encode(data);
        amount.encode(data);
    });
    Ok(())
}

/// Transfers units of the sender to another account, which may be frozen.
pub(crate) fn transfer(
    state: &mut State,
    caller: &Caller,
    asset: AssetId,
    to: Address,
    amount: Amount,
    reference: Option<&TransferReference>,
) -> Result<(), Code> {
    let from = caller.sender;
    require(state.get::<Asset>(asset).is_some(), Code::UnknownAsset)?;
    require(amount.0 != 0, Code::ZeroAmount)?;
    require(to != from, Code::SelfTransfer)?;
    require(state.account(&to).is_some(), Code::UnknownAccount)?;
    let record = reference.map(|one| StateKey::transfer(state.suite(), from, &one.0));
    if let Some(record) = &record {
        require(!state.has_value(record), Code::DuplicateReference)?;
    }
    debit(state, from, asset, amount)?;
    credit(state, to, asset, amount)?;
    let topics = vec![Event::address_topic(&from), Event::address_topic(&to)];
    state.emit(MODULE, TRANSFERRED, topics, |data| {
        asset.encode(data);
        amount.encode(data);
        data.bytes8(reference.map_or(&[], |one| &one.0));
    });
    if let Some((record, reference)) = record.zip(reference) {
        let (transaction, call, height) = (caller.transaction, caller.call, state.context.height);
        let reference = reference.clone();
        let value = Transfer { transaction, call, height, asset, to, amount, reference };
        state.put_value(record, Some(&value));
    }
    Ok(())
}

/// Burns units of the sender.
pub(crate) fn burn(
    state: &mut State,
    caller: &Caller,
    id: AssetId,
    amount: Amount,
) -> Result<(), Code> {
    let from = caller.sender;
    let mut asset = state.get::<Asset>(id).ok_or(Code::UnknownAsset)?.clone();
    require(amount.0 != 0, Code::ZeroAmount)?;
    debit(state, from, id, amount)?;
    asset.supply = difference(asset.supply, amount)?;
    state.put(id, asset);
    state.emit(MODULE, BURNED, vec![Event::address_topic(&from)], |data| {
        id.encode(data);
        amount.encode(data);
    });
    Ok(())
}

fn sum(a: Amount, b: Amount) -> Result<Amount, Code> {
    a.0.checked_add(b.0).map(Amount).ok_or(Code::AmountOverflow)
}

fn difference(a: Amount, b: Amount) -> Result<Amount, Code> {
    a.0.checked_sub(b.0).map(Amount).ok_or(Code::InsufficientBalance)
}

fn debit(state: &mut State, of: Address, asset: AssetId, amount: Amount) -> Result<(), Code> {
    change(state, of, asset, |balance| difference(balance, amount))
}

fn credit(state: &mut State, of: Address, asset: AssetId, amount: Amount) -> Result<(), Code> {
    change(state, of, asset, |balance| sum(balance, amount))
}

/// Changes a balance of an account that exists: the primary asset's in the account, another's in an
/// entry of its own, which is deleted at zero.
fn change(
    state: &mut State,
    of: Address,
    asset: AssetId,
    new: impl FnOnce(Amount) -> Result<Amount, Code>,
) -> Result<(), Code> {
    if asset == AssetId::PRIMARY {
        let mut account = state.account(&of).ok_or(Code::UnknownAccount)?.clone();
        account.balance = new(account.balance)?;
        state.put_account(of, account);
        return Ok(());
    }
    let key = StateKey::balance(state.suite(), of, asset);
    let balance = new(state.value(&key).unwrap_or_default())?;
    state.put_value(key, Some(&balance).filter(|balance| balance.0 != 0));
    Ok(())
}
