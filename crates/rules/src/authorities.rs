//! Keep the certification authorities that organisations trust (part of module 2).
//!
//! Paths, signatures and revocation are checked off the chain. The chain holds an administrator to
//! what can be decided here: the authority is registered, and neither it nor the certificate has
//! expired at the block's time. A recorded certificate that expires later changes nothing by
//! itself: whether its account may go on is the organisation's to say, by `accounts.freeze`.

use crate::organisations::administered;
use crate::state::{Caller, State, require};
use trine_types::limits::AUTHORITIES_MAX;
use trine_types::x509::{Authority, CertificateRegistry, MemberCertificate};
use trine_types::{Address, Code, Digest, Encode, OrganisationId, StateKey};

const MODULE: u8 = 2;
const REGISTERED: u8 = 4;
const REMOVED: u8 = 5;

/// Registers an authority of the sender's organisation.
pub(crate) fn register(
    state: &mut State,
    caller: &Caller,
    fingerprint: Digest,
    expires_ms: u64,
) -> Result<(), Code> {
    let organisation = administered(state, caller)?;
    require(expires_ms >= state.context.time_ms, Code::ExpiryPassed)?;
    let mut registry = registry(state, organisation);
    require(registry.authority(&fingerprint).is_none(), Code::AuthorityExists)?;
    require(registry.authorities.len() < AUTHORITIES_MAX, Code::AuthorityLimit)?;
    registry.authorities.push(Authority { fingerprint, expires_ms });
    put(state, organisation, &registry);
    state.emit(MODULE, REGISTERED, Vec::new(), |to| {
        organisation.encode(to);
        fingerprint.encode(to);
        expires_ms.encode(to);
    });
    Ok(())
}

/// Removes an authority of the sender's organisation; what it vouched for stays recorded.
pub(crate) fn remove(state: &mut State, caller: &Caller, fingerprint: Digest) -> Result<(), Code> {
    let organisation = administered(state, caller)?;
    let mut registry = registry(state, organisation);
    require(registry.authority(&fingerprint).is_some(), Code::UnknownAuthority)?;
    registry.authorities.retain(|one| one.fingerprint != fingerprint);
    put(state, organisation, &registry);
    state.emit(MODULE, REMOVED, Vec::new(), |to| {
        organisation.encode(to);
        fingerprint.encode(to);
    });
    Ok(())
}

/// Checks what the chain can know of a certificate.
///
/// # Errors
/// [`Code::UnknownAuthority`], [`Code::AuthorityExpired`], [`Code::ExpiryPassed`].
pub(crate) fn check(
    state: &State,
    organisation: OrganisationId,
    certificate: &MemberCertificate,
) -> Result<(), Code> {
    let registry = registry(state, organisation);
    let authority = registry.authority(&certificate.authority).ok_or(Code::UnknownAuthority)?;
    require(authority.expires_ms >= state.context.time_ms, Code::AuthorityExpired)?;
    require(certificate.expires_ms >= state.context.time_ms, Code::ExpiryPassed)
}

/// Gives the next number of the organisation's certified members to an account.
pub(crate) fn count_member(state: &mut State, organisation: OrganisationId, address: Address) {
    let mut registry = registry(state, organisation);
    let name = StateKey::certified_member(state.suite(), organisation, registry.members);
    state.put_value(name, Some(&address));
    registry.members += 1;
    put(state, organisation, &registry);
}

fn registry(state: &State, organisation: OrganisationId) -> CertificateRegistry {
    let name = StateKey::certificate_registry(state.suite(), organisation);
    state.value(&name).unwrap_or_default()
}

fn put(state: &mut State, organisation: OrganisationId, registry: &CertificateRegistry) {
    let name = StateKey::certificate_registry(state.suite(), organisation);
    state.put_value(name, Some(registry));
}
