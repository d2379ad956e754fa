//! Keep logs of evidence (module 4).

use crate::organisations;
use crate::state::{Caller, State, require};
use trine_types::application::LogAppend;
use trine_types::genesis::is_name;
use trine_types::limits::LOGS_MAX;
use trine_types::merkle::{Frontier, leaf_hashes};
use trine_types::record::Log;
use trine_types::{Code, Digest, Encode, LogId, OrganisationId, Roles, StateKey};

const MODULE: u8 = 4;
const CREATED: u8 = 1;
const APPENDED: u8 = 2;

/// Creates a log of the sender's organisation.
pub(crate) fn create_log(state: &mut State, caller: &Caller, name: &str) -> Result<(), Code> {
    let organisation = organisations::administered(state, caller)?;
    require(is_name(name), Code::BadName)?;
    open_log(state, organisation, name.to_owned())
}

/// Writes a new, empty log. The caller checked the name.
///
/// # Errors
/// [`Code::LogExists`], [`Code::LogLimit`].
pub(crate) fn open_log(
    state: &mut State,
    organisation: OrganisationId,
    name: String,
) -> Result<(), Code> {
    let index = StateKey::log_name(state.suite(), organisation, &name);
    require(!state.has_value(&index), Code::LogExists)?;
    let mut counters = state.counters();
    require(counters.logs < LOGS_MAX, Code::LogLimit)?;
    let log = LogId(counters.logs);
    counters.logs += 1;
    state.put((), counters);
    state.put(log, Log { organisation, name, frontier: Frontier::default() });
    state.put_value(index, Some(&log));
    state.append(LogAppend { log, first_index: 0, entries: Vec::new() });
    state.emit(MODULE, CREATED, Vec::new(), |to| {
        log.encode(to);
        organisation.encode(to);
    });
    Ok(())
}

/// Appends entries to a log of the sender's organisation.
pub(crate) fn append(
    state: &mut State,
    caller: &Caller,
    id: LogId,
    entries: &[Digest],
) -> Result<(), Code> {
    let organisation = organisations::with_role(state, caller, Roles::NOTARY)?;
    let mut log = state.get::<Log>(id).ok_or(Code::UnknownLog)?.clone();
    require(log.organisation == organisation, Code::OtherOrganisation)?;
    let suite = state.suite();
    let first_index = log.frontier.size();
    let count = u16::try_from(entries.len()).expect("the codec admits 1,000 entries");
    let leaves = leaf_hashes(suite, entries.iter().map(|entry| entry.0.as_slice()));
    log.frontier.extend(suite, leaves);
    state.put(id, log);
    state.append(LogAppend { log: id, first_index, entries: entries.to_vec() });
    state.emit(MODULE, APPENDED, Vec::new(), |to| {
        id.encode(to);
        first_index.encode(to);
        count.encode(to);
    });
    Ok(())
}
