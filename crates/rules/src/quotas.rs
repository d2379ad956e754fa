//! Charge the quotas of accounts and organisations.
//!
//! A quota counts units in a window of block time. A call is one unit, an appended evidence entry
//! one.

use crate::state::{State, require};
use trine_types::record::Organisation;
use trine_types::{Account, Call, Code};

/// Units that a transaction's calls cost; a call that does not decode costs one.
pub(crate) fn units(calls: &[Result<Call, Code>]) -> u64 {
    calls
        .iter()
        .map(|call| match call {
            Ok(Call::EvidenceAppend { entries, .. }) => entries.len() as u64,
            _ => 1,
        })
        .sum()
}

/// Charges `units` to `account` and to its organisation, or nothing to either.
///
/// # Errors
/// [`Code::AccountQuota`], [`Code::OrganisationQuota`].
pub(crate) fn charge(state: &mut State, account: &mut Account, units: u64) -> Result<(), Code> {
    let time_ms = state.context.time_ms;
    let parameters = state.parameters();
    // The number of a window wraps after 2^32 of them: only equality counts.
    let window = (time_ms / parameters.quota_window_ms()) as u32;
    let account_limit = match account.quota {
        0 => parameters.account_quota(),
        own => own.into(),
    };
    let organisation_limit = parameters.organisation_quota();

    let used = if account.quota_window == window { account.quota_used.into() } else { 0 };
    let account_used: u64 = used + units;
    require(account_used <= account_limit, Code::AccountQuota)?;

    let organisation = state.organisation(account.organisation);
    let used = if organisation.quota_window == window { organisation.quota_used } else { 0 };
    let organisation_used = used + units;
    require(organisation_used <= organisation_limit, Code::OrganisationQuota)?;

    account.quota_window = window;
    account.quota_used = u32::try_from(account_used).expect("an account's limit has 32 bits");
    if let Some(organisation) = state.get_kept::<Organisation>(account.organisation) {
        organisation.quota_window = window;
        organisation.quota_used = organisation_used;
    }
    Ok(())
}
