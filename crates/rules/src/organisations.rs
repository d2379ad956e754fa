//! Keep organisations: who is a member with which roles and quota (module 2).

use crate::state::{Caller, State, require};
use crate::{accounts, evidence, validators};
use trine_types::call::PublicKey;
use trine_types::limits::ORGANISATIONS_MAX;
use trine_types::record::{Organisation, RemovedOrganisations};
use trine_types::{Account, Address, Code, Encode, OrganisationId, Roles, StateKey};

const MODULE: u8 = 2;
const ROLES_SET: u8 = 1;
const QUOTA_SET: u8 = 2;
const CREATED: u8 = 3;
const REMOVED: u8 = 6;

/// Name of the log that every organisation has from the start.
pub(crate) const FIRST_LOG: &str = "default";

/// The sender's organisation, where the sender holds `role` in it.
///
/// # Errors
/// [`Code::NoRight`].
pub(crate) fn with_role(
    state: &State,
    caller: &Caller,
    role: Roles,
) -> Result<OrganisationId, Code> {
    let sender = state.sender(caller);
    require(sender.roles.has(role), Code::NoRight)?;
    Ok(sender.organisation)
}

/// The organisation that the sender administers.
///
/// # Errors
/// [`Code::NoRight`].
pub(crate) fn administered(state: &State, caller: &Caller) -> Result<OrganisationId, Code> {
    with_role(state, caller, Roles::ADMINISTRATOR)
}

/// An account of the sender's organisation.
///
/// # Errors
/// [`Code::UnknownAccount`], [`Code::OtherOrganisation`].
pub(crate) fn member(state: &State, caller: &Caller, address: &Address) -> Result<Account, Code> {
    let account = state.account(address).ok_or(Code::UnknownAccount)?;
    let own = state.sender(caller).organisation;
    require(account.organisation == own, Code::OtherOrganisation)?;
    Ok(account.clone())
}

/// Adds `change` to the number of an organisation's administrators.
pub(crate) fn count_administrators(state: &mut State, id: OrganisationId, change: i32) {
    let mut organisation = state.organisation(id).clone();
    organisation.administrators = organisation.administrators.saturating_add_signed(change);
    state.put(id, organisation);
}

/// Sets the roles of a member; the last administrator keeps the role.
pub(crate) fn set_roles(
    state: &mut State,
    caller: &Caller,
    address: Address,
    roles: Roles,
) -> Result<(), Code> {
    let organisation = administered(state, caller)?;
    let mut account = member(state, caller, &address)?;
    let was = account.roles.has(Roles::ADMINISTRATOR);
    let is = roles.has(Roles::ADMINISTRATOR);
    if was && !is {
        let administrators = state.organisation(organisation).administrators;
        require(administrators != 1, Code::LastAdministrator)?;
    }
    if was != is {
        count_administrators(state, organisation, i32::from(is) - i32::from(was));
    }
    account.roles = roles;
    state.put_account(address, account);
    state.emit(MODULE, ROLES_SET, Vec::new(), |to| {
        address.encode(to);
        roles.encode(to);
    });
    Ok(())
}

/// Sets the quota of a member.
pub(crate) fn set_quota(
    state: &mut State,
    caller: &Caller,
    address: Address,
    quota: u32,
) -> Result<(), Code> {
    administered(state, caller)?;
    let mut account = member(state, caller, &address)?;
    account.quota = quota;
    state.put_account(address, account);
    state.emit(MODULE, QUOTA_SET, Vec::new(), |to| {
        address.encode(to);
        quota.encode(to);
    });
    Ok(())
}

/// Creates an organisation with its first administrator and its first log. The caller checked name
/// and key.
///
/// # Errors
/// [`Code::OrganisationExists`], [`Code::OrganisationLimit`], [`Code::AccountExists`],
/// [`Code::LogLimit`].
pub(crate) fn create(state: &mut State, name: &str, administrator: &PublicKey) -> Result<(), Code> {
    let index = StateKey::organisation_name(state.suite(), name);
    require(!state.has_value(&index), Code::OrganisationExists)?;
    let mut counters = state.counters();
    require(counters.organisations < ORGANISATIONS_MAX, Code::OrganisationLimit)?;
    let id = OrganisationId(counters.organisations);
    let address = accounts::open(state, administrator, id, Roles::ACTING)?;
    counters.organisations += 1;
    state.put((), counters);
    let name = name.to_owned();
    state.put(id, Organisation { name, administrators: 1, quota_window: 0, quota_used: 0 });
    state.put_value(index, Some(&id));
    state.emit(MODULE, CREATED, Vec::new(), |to| {
        id.encode(to);
        address.encode(to);
    });
    evidence::open_log(state, id, FIRST_LOG.to_owned())
}

/// Removes an organisation and its validators. What it wrote stays; its accounts act no more, and
/// its votes on open proposals do not count.
///
/// # Errors
/// [`Code::UnknownOrganisation`], [`Code::OrganisationRemoved`], [`Code::LastOrganisation`],
/// [`Code::LastValidator`].
pub(crate) fn remove(state: &mut State, id: OrganisationId) -> Result<(), Code> {
    require(state.get::<Organisation>(id).is_some(), Code::UnknownOrganisation)?;
    require(!state.is_removed(id), Code::OrganisationRemoved)?;
    require(state.organisations() > 1, Code::LastOrganisation)?;
    validators::remove_of(state, id)?;
    let mut removed = state.get::<RemovedOrganisations>(()).cloned().unwrap_or_default();
    removed.insert(id);
    state.put((), removed);
    state.emit(MODULE, REMOVED, Vec::new(), |to| id.encode(to));
    Ok(())
}
