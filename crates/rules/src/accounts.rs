//! Create accounts, keep their keys, freeze and unfreeze them (module 1).

use crate::state::{Caller, State, require};
use crate::{authorities, organisations};
use trine_types::account::{is_recorded, key_field};
use trine_types::call::PublicKey;
use trine_types::limits::ACCOUNT_KEYS_MAX;
use trine_types::record::AccountKey;
use trine_types::x509::MemberCertificate;
use trine_types::{Account, Address, Code, Encode, OrganisationId, Roles, StateKey, Suite};

const MODULE: u8 = 1;
const CREATED: u8 = 1;
const KEY_ADDED: u8 = 2;
const KEY_REVOKED: u8 = 3;
const KEY_ROTATED: u8 = 4;
const FROZEN: u8 = 5;
const UNFROZEN: u8 = 6;
const CERTIFICATE_SET: u8 = 7;

/// Refuses a key that is not well-formed, or of an algorithm that the suite does not admit.
pub(crate) fn check_key(suite: Suite, key: &PublicKey) -> Result<(), Code> {
    let length = key.algorithm.public_key_bytes();
    let good = suite.admits(key.algorithm)
        && key.bytes.len() == length
        && key.algorithm.is_public_key(&key.bytes);
    require(good, Code::BadKey)
}

/// Address of the account whose first key is `key`.
pub(crate) fn address_of(suite: Suite, key: &PublicKey) -> Address {
    Address::of_key(suite, key.algorithm, &key.bytes)
}

/// Creates an account in the sender's organisation.
pub(crate) fn create(
    state: &mut State,
    caller: &Caller,
    key: &PublicKey,
    roles: Roles,
) -> Result<(), Code> {
    let organisation = organisations::administered(state, caller)?;
    admit(state, key, organisation, roles)?;
    Ok(())
}

/// Creates an account in the sender's organisation for the holder of a certificate.
pub(crate) fn enrol(
    state: &mut State,
    caller: &Caller,
    key: &PublicKey,
    roles: Roles,
    certificate: &MemberCertificate,
) -> Result<(), Code> {
    let organisation = organisations::administered(state, caller)?;
    authorities::check(state, organisation, certificate)?;
    let address = admit(state, key, organisation, roles)?;
    record_certificate(state, organisation, address, certificate);
    Ok(())
}

/// Records a certificate of a member of the sender's organisation, its first or a renewal.
pub(crate) fn set_certificate(
    state: &mut State,
    caller: &Caller,
    address: Address,
    certificate: &MemberCertificate,
) -> Result<(), Code> {
    let organisation = organisations::administered(state, caller)?;
    organisations::member(state, caller, &address)?;
    authorities::check(state, organisation, certificate)?;
    record_certificate(state, organisation, address, certificate);
    Ok(())
}

fn record_certificate(
    state: &mut State,
    organisation: OrganisationId,
    address: Address,
    certificate: &MemberCertificate,
) {
    let name = StateKey::member_certificate(state.suite(), address);
    if !state.has_value(&name) {
        authorities::count_member(state, organisation, address);
    }
    state.put_value(name, Some(certificate));
    state.emit(MODULE, CERTIFICATE_SET, Vec::new(), |to| {
        address.encode(to);
        certificate.encode(to);
    });
}

/// Creates an account; who may do so is checked before.
///
/// # Errors
/// [`Code::BadKey`], [`Code::AccountExists`].
fn admit(
    state: &mut State,
    key: &PublicKey,
    organisation: OrganisationId,
    roles: Roles,
) -> Result<Address, Code> {
    check_key(state.suite(), key)?;
    let address = open(state, key, organisation, roles)?;
    if roles.has(Roles::ADMINISTRATOR) {
        organisations::count_administrators(state, organisation, 1);
    }
    state.emit(MODULE, CREATED, Vec::new(), |to| {
        address.encode(to);
        organisation.encode(to);
        roles.encode(to);
    });
    Ok(address)
}

/// Writes a new account.
///
/// # Errors
/// [`Code::AccountExists`].
pub(crate) fn open(
    state: &mut State,
    key: &PublicKey,
    organisation: OrganisationId,
    roles: Roles,
) -> Result<Address, Code> {
    let address = address_of(state.suite(), key);
    require(state.account(&address).is_none(), Code::AccountExists)?;
    let account = Account::new(state.suite(), organisation, roles, key.algorithm, &key.bytes);
    state.put_account(address, account);
    if is_recorded(key.algorithm) {
        let name = StateKey::account_key(state.suite(), address, 0);
        state.put_value(name, Some(&first_record(key.clone())));
    }
    Ok(address)
}

/// Record of a first key that is too long for the account's own: it may call every module.
pub(crate) const fn first_record(key: PublicKey) -> AccountKey {
    AccountKey { key, modules: u32::MAX }
}

/// Gives the sender's account a further key.
pub(crate) fn add_key(
    state: &mut State,
    caller: &Caller,
    key: &PublicKey,
    modules: u32,
) -> Result<(), Code> {
    check_key(state.suite(), key)?;
    let mut account = state.sender(caller).clone();
    let index = account.key_count;
    require(usize::from(index) < ACCOUNT_KEYS_MAX, Code::KeyLimit)?;
    account.key_count += 1;
    account.live_keys |= 1 << index;
    state.put_account(caller.sender, account);
    let name = StateKey::account_key(state.suite(), caller.sender, index);
    state.put_value(name, Some(&AccountKey { key: key.clone(), modules }));
    emit_key(state, KEY_ADDED, caller.sender, index);
    Ok(())
}

/// Revokes a key of the sender's account; its index is never used again.
pub(crate) fn revoke_key(state: &mut State, caller: &Caller, key_index: u8) -> Result<(), Code> {
    require(key_index != 0, Code::FirstKey)?;
    let mut account = live(state, caller, key_index)?;
    account.live_keys &= !(1 << key_index);
    state.put_account(caller.sender, account);
    let name = StateKey::account_key(state.suite(), caller.sender, key_index);
    state.put_value(name, None::<&AccountKey>);
    emit_key(state, KEY_REVOKED, caller.sender, key_index);
    Ok(())
}

/// Replaces a key of the sender's account; what it may call stays.
pub(crate) fn rotate_key(
    state: &mut State,
    caller: &Caller,
    key_index: u8,
    key: &PublicKey,
) -> Result<(), Code> {
    let mut account = live(state, caller, key_index)?;
    check_key(state.suite(), key)?;
    let name = StateKey::account_key(state.suite(), caller.sender, key_index);
    if key_index == 0 {
        let was_recorded = is_recorded(account.algorithm);
        account.algorithm = key.algorithm;
        account.key = key_field(state.suite(), key.algorithm, &key.bytes);
        state.put_account(caller.sender, account);
        if is_recorded(key.algorithm) {
            state.put_value(name, Some(&first_record(key.clone())));
        } else if was_recorded {
            state.put_value(name, None::<&AccountKey>);
        }
    } else {
        let before: AccountKey = state.value(&name).ok_or(Code::NoSuchKey)?;
        let modules = before.modules;
        state.put_value(name, Some(&AccountKey { key: key.clone(), modules }));
    }
    emit_key(state, KEY_ROTATED, caller.sender, key_index);
    Ok(())
}

/// The sender's account, where the key with this index lives.
fn live(state: &State, caller: &Caller, key_index: u8) -> Result<Account, Code> {
    let account = state.sender(caller);
    let lives =
        usize::from(key_index) < ACCOUNT_KEYS_MAX && account.live_keys >> key_index & 1 == 1;
    require(lives, Code::NoSuchKey)?;
    Ok(account.clone())
}

fn emit_key(state: &mut State, number: u8, address: Address, index: u8) {
    state.emit(MODULE, number, Vec::new(), |to| {
        address.encode(to);
        index.encode(to);
    });
}

/// Freezes a member of the sender's organisation, but not the sender itself.
pub(crate) fn freeze(state: &mut State, caller: &Caller, address: Address) -> Result<(), Code> {
    organisations::administered(state, caller)?;
    require(address != caller.sender, Code::NoRight)?;
    organisations::member(state, caller, &address)?;
    set_frozen(state, address, true)
}

/// Unfreezes a member of the sender's organisation.
pub(crate) fn unfreeze(state: &mut State, caller: &Caller, address: Address) -> Result<(), Code> {
    organisations::administered(state, caller)?;
    organisations::member(state, caller, &address)?;
    set_frozen(state, address, false)
}

/// Freezes or unfreezes any account.
///
/// # Errors
/// [`Code::UnknownAccount`], [`Code::NoChange`].
pub(crate) fn set_frozen(state: &mut State, address: Address, frozen: bool) -> Result<(), Code> {
    let mut account = state.account(&address).ok_or(Code::UnknownAccount)?.clone();
    require(account.frozen != frozen, Code::NoChange)?;
    account.frozen = frozen;
    state.put_account(address, account);
    let number = if frozen { FROZEN } else { UNFROZEN };
    state.emit(MODULE, number, Vec::new(), |to| address.encode(to));
    Ok(())
}
