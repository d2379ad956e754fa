//! Check and set the chain's parameters.

use crate::state::{State, require};
use trine_types::Code;
use trine_types::record::PARAMETERS;

/// Refuses a parameter that does not exist and a value outside its range.
///
/// # Errors
/// [`Code::UnknownParameter`], [`Code::ParameterOutOfRange`].
pub(crate) fn check(parameter: u8, value: u64) -> Result<(), Code> {
    let rule = PARAMETERS.get(usize::from(parameter)).ok_or(Code::UnknownParameter)?;
    require((rule.min..=rule.max).contains(&value), Code::ParameterOutOfRange)
}

/// Sets a parameter, for every transaction that follows.
///
/// # Errors
/// As [`check`].
pub(crate) fn set(state: &mut State, parameter: u8, value: u64) -> Result<(), Code> {
    check(parameter, value)?;
    let mut parameters = state.parameters().clone();
    parameters.0[usize::from(parameter)] = value;
    state.put((), parameters);
    let mut counters = state.counters();
    counters.parameters_version += 1;
    state.put((), counters);
    Ok(())
}
