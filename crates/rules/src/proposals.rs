//! Let organisations decide together: submit, approve, reject (module 3).
//!
//! An approval carries the action again, so that an approver signs what happens, and so that the
//! entries which the action touches are known before the block executes. A rejection does not carry
//! it, so it never executes one.

use crate::state::{Caller, State, require};
use crate::{accounts, organisations, parameters, validators};
use trine_types::call::Action;
use trine_types::genesis::is_name;
use trine_types::record::{Proposal, ProposalStatus};
use trine_types::{Code, Encode, OrganisationId, ProposalId};

/// Number of the module.
pub(crate) const MODULE: u8 = 3;
const SUBMITTED: u8 = 1;
const APPROVED: u8 = 2;
const REJECTED_BY_ONE: u8 = 3;
const EXECUTED: u8 = 4;
const REJECTED: u8 = 5;
const PARAMETER_SET: u8 = 6;

/// Submits a proposal and approves it for the sender's organisation.
pub(crate) fn submit(
    state: &mut State,
    caller: &Caller,
    action: &Action,
    expires_ms: u64,
) -> Result<(), Code> {
    let organisation = organisations::administered(state, caller)?;
    let time_ms = state.context.time_ms;
    let last_ms = time_ms.saturating_add(state.parameters().proposal_lifetime_ms_max());
    require(expires_ms > time_ms && expires_ms <= last_ms, Code::BadLifetime)?;
    check_action(state.suite(), action)?;
    let mut counters = state.counters();
    let id = ProposalId(counters.proposals);
    counters.proposals += 1;
    state.put((), counters);
    emit_vote(state, SUBMITTED, id, organisation);
    let proposal = Proposal {
        action: action.clone(),
        organisation,
        expires_ms,
        status: ProposalStatus::Open,
        approvals: vec![organisation],
        rejections: Vec::new(),
    };
    tally_approval(state, id, proposal)
}

/// Approves a proposal for the sender's organisation.
pub(crate) fn approve(
    state: &mut State,
    caller: &Caller,
    id: ProposalId,
    action: &Action,
) -> Result<(), Code> {
    let (organisation, mut proposal) = ballot(state, caller, id)?;
    require(proposal.action == *action, Code::ActionMismatch)?;
    proposal.approvals.push(organisation);
    emit_vote(state, APPROVED, id, organisation);
    tally_approval(state, id, proposal)
}

/// Rejects a proposal for the sender's organisation.
pub(crate) fn reject(state: &mut State, caller: &Caller, id: ProposalId) -> Result<(), Code> {
    let (organisation, mut proposal) = ballot(state, caller, id)?;
    proposal.rejections.push(organisation);
    emit_vote(state, REJECTED_BY_ONE, id, organisation);
    tally_rejection(state, id, proposal);
    Ok(())
}

/// The sender's organisation and the open proposal on which it has not voted yet.
fn ballot(
    state: &mut State,
    caller: &Caller,
    id: ProposalId,
) -> Result<(OrganisationId, Proposal), Code> {
    let organisation = organisations::administered(state, caller)?;
    let time_ms = state.context.time_ms;
    let proposal = state.get::<Proposal>(id).ok_or(Code::UnknownProposal)?;
    require(proposal.status == ProposalStatus::Open, Code::ProposalClosed)?;
    require(time_ms <= proposal.expires_ms, Code::ProposalExpired)?;
    let voted =
        proposal.approvals.contains(&organisation) || proposal.rejections.contains(&organisation);
    require(!voted, Code::AlreadyVoted)?;
    Ok((organisation, proposal.clone()))
}

/// Executes the action where enough organisations approve; writes the proposal.
fn tally_approval(state: &mut State, id: ProposalId, mut proposal: Proposal) -> Result<(), Code> {
    let organisations = state.organisations();
    let approvals = count(state, &proposal.approvals);
    if approvals * 100 <= organisations * state.parameters().approval_percent() {
        tally_rejection(state, id, proposal);
        return Ok(());
    }
    run(state, &proposal.action)?;
    proposal.status = ProposalStatus::Executed;
    state.put(id, proposal);
    state.emit(MODULE, EXECUTED, Vec::new(), |to| id.encode(to));
    Ok(())
}

/// Closes the proposal where too many organisations reject it; writes the proposal.
fn tally_rejection(state: &mut State, id: ProposalId, mut proposal: Proposal) {
    let organisations = state.organisations();
    let possible = organisations - count(state, &proposal.rejections);
    let rejected = possible * 100 <= organisations * state.parameters().approval_percent();
    if rejected {
        proposal.status = ProposalStatus::Rejected;
    }
    state.put(id, proposal);
    if rejected {
        state.emit(MODULE, REJECTED, Vec::new(), |to| id.encode(to));
    }
}

/// Number of the votes whose organisations are not removed.
fn count(state: &mut State, votes: &[OrganisationId]) -> u64 {
    votes.iter().filter(|id| !state.is_removed(**id)).count() as u64
}

fn check_action(suite: trine_types::Suite, action: &Action) -> Result<(), Code> {
    match action {
        Action::Freeze(_) | Action::Unfreeze(_) | Action::RemoveOrganisation(_) => Ok(()),
        Action::SetParameter { parameter, value } => parameters::check(*parameter, *value),
        Action::CreateOrganisation { name, administrator } => {
            require(is_name(name), Code::BadName)?;
            accounts::check_key(suite, administrator)
        }
        Action::AdmitValidator(validator) => validators::check(suite, validator),
        Action::RemoveValidator(key) => validators::check_key(suite, key),
        Action::ReplaceValidator { key, validator } => {
            validators::check_key(suite, key)?;
            validators::check(suite, validator)
        }
    }
}

fn run(state: &mut State, action: &Action) -> Result<(), Code> {
    match action {
        Action::Freeze(address) => accounts::set_frozen(state, *address, true),
        Action::Unfreeze(address) => accounts::set_frozen(state, *address, false),
        Action::SetParameter { parameter, value } => {
            parameters::set(state, *parameter, *value)?;
            state.emit(MODULE, PARAMETER_SET, Vec::new(), |to| {
                parameter.encode(to);
                value.encode(to);
            });
            Ok(())
        }
        Action::CreateOrganisation { name, administrator } => {
            organisations::create(state, name, administrator)
        }
        Action::RemoveOrganisation(id) => organisations::remove(state, *id),
        Action::AdmitValidator(validator) => validators::admit(state, validator),
        Action::RemoveValidator(key) => validators::remove(state, key),
        Action::ReplaceValidator { key, validator } => validators::replace(state, key, validator),
    }
}

fn emit_vote(state: &mut State, number: u8, id: ProposalId, organisation: OrganisationId) {
    state.emit(MODULE, number, Vec::new(), |to| {
        id.encode(to);
        organisation.encode(to);
    });
}
