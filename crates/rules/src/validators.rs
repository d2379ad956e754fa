//! Keep the registry of validators: who decides the epochs to come (actions of module 3).
//!
//! What organisations decide here takes over with the epoch after the next: the last block of an
//! epoch names who decides the one after the following, as the registry is before that block.

use crate::proposals::MODULE;
use crate::state::{State, require};
use trine_types::genesis::is_name;
use trine_types::limits::VALIDATORS_MAX;
use trine_types::record::Organisation;
use trine_types::validators::is_peer_address;
use trine_types::{
    Code, Encode, OrganisationId, StateKey, Suite, Validator, ValidatorKey, ValidatorSet,
};

const ADMITTED: u8 = 7;
const REMOVED: u8 = 8;
const REPLACED: u8 = 9;

/// Refuses a validator that can never be one.
///
/// # Errors
/// [`Code::BadKey`], [`Code::BadName`], [`Code::BadAddress`].
pub(crate) fn check(suite: Suite, validator: &Validator) -> Result<(), Code> {
    check_key(suite, &validator.key)?;
    require(is_name(&validator.name), Code::BadName)?;
    require(is_peer_address(&validator.address), Code::BadAddress)
}

/// Refuses bytes that are no validator's key on a chain of the suite.
///
/// # Errors
/// [`Code::BadKey`].
pub(crate) fn check_key(suite: Suite, key: &ValidatorKey) -> Result<(), Code> {
    let key = key.vote_key();
    require(key.is_some_and(|key| suite.admits_validator(key.algorithm())), Code::BadKey)
}

/// Adds a validator. The caller checked it.
///
/// # Errors
/// [`Code::UnknownOrganisation`], [`Code::OrganisationRemoved`], [`Code::ValidatorExists`],
/// [`Code::ValidatorLimit`].
pub(crate) fn admit(state: &mut State, validator: &Validator) -> Result<(), Code> {
    let organisation = state.get::<Organisation>(validator.organisation);
    require(organisation.is_some(), Code::UnknownOrganisation)?;
    require(!state.is_removed(validator.organisation), Code::OrganisationRemoved)?;
    let mut validators = registry(state);
    require(place(&validators, &validator.key).is_none(), Code::ValidatorExists)?;
    require(validators.len() < VALIDATORS_MAX, Code::ValidatorLimit)?;
    validators.push(validator.clone());
    write(state, validators);
    state.emit(MODULE, ADMITTED, Vec::new(), |to| {
        validator.key.encode(to);
        validator.organisation.encode(to);
    });
    Ok(())
}

/// Removes a validator; the last one stays.
///
/// # Errors
/// [`Code::UnknownValidator`], [`Code::LastValidator`].
pub(crate) fn remove(state: &mut State, key: &ValidatorKey) -> Result<(), Code> {
    let mut validators = registry(state);
    let place = place(&validators, key).ok_or(Code::UnknownValidator)?;
    require(validators.len() > 1, Code::LastValidator)?;
    validators.remove(place);
    write(state, validators);
    state.emit(MODULE, REMOVED, Vec::new(), |to| key.encode(to));
    Ok(())
}

/// Removes every validator of an organisation, in the order of their keys.
///
/// # Errors
/// [`Code::LastValidator`] where there are no others.
pub(crate) fn remove_of(state: &mut State, organisation: OrganisationId) -> Result<(), Code> {
    let of_it = |validator: &Validator| validator.organisation == organisation;
    let (gone, left): (Vec<_>, Vec<_>) = registry(state).into_iter().partition(of_it);
    require(!left.is_empty(), Code::LastValidator)?;
    if gone.is_empty() {
        return Ok(());
    }
    write(state, left);
    for validator in gone {
        state.emit(MODULE, REMOVED, Vec::new(), |to| validator.key.encode(to));
    }
    Ok(())
}

/// Puts `validator` in the place of the one with `key`. The caller checked it.
///
/// # Errors
/// [`Code::UnknownValidator`], [`Code::OtherOrganisation`], [`Code::NoChange`],
/// [`Code::ValidatorExists`].
pub(crate) fn replace(
    state: &mut State,
    key: &ValidatorKey,
    validator: &Validator,
) -> Result<(), Code> {
    let mut validators = registry(state);
    let at = place(&validators, key).ok_or(Code::UnknownValidator)?;
    require(validators[at].organisation == validator.organisation, Code::OtherOrganisation)?;
    require(validators[at] != *validator, Code::NoChange)?;
    let has_key = place(&validators, &validator.key).is_none_or(|found| found == at);
    require(has_key, Code::ValidatorExists)?;
    validators[at] = validator.clone();
    write(state, validators);
    state.emit(MODULE, REPLACED, Vec::new(), |to| {
        key.encode(to);
        validator.key.encode(to);
    });
    Ok(())
}

fn registry(state: &State) -> Vec<Validator> {
    let set: Option<ValidatorSet> = state.value(&StateKey::validators(state.suite()));
    set.expect("genesis writes the validators").into_vec()
}

fn place(validators: &[Validator], key: &ValidatorKey) -> Option<usize> {
    validators.iter().position(|validator| validator.key == *key)
}

fn write(state: &mut State, validators: Vec<Validator>) {
    let set = ValidatorSet::new(validators).expect("number and keys were checked");
    state.put_value(StateKey::validators(state.suite()), Some(&set));
}
