//! Check what enrolment by certificates records: accounts, certificates, numbers, events.

mod common;

use common::{AUTHORITY, certificate, chain, must, trust};
use trine_testkit::{TestChain, public_key, suite};
use trine_types::x509::{Authority, CertificateRegistry, MemberCertificate};
use trine_types::{
    Address, Call, Code, Digest, Encode, Event, OrganisationId, Outcome, Roles, StateKey,
};

const ALPHA: OrganisationId = OrganisationId(0);

fn registry(chain: &TestChain) -> CertificateRegistry {
    let key = StateKey::certificate_registry(suite(), ALPHA);
    chain.ledger.record(&key).expect("an authority was registered")
}

fn recorded(chain: &TestChain, name: &str) -> Option<MemberCertificate> {
    chain.ledger.record(&StateKey::member_certificate(suite(), chain.address(name)))
}

fn member(chain: &TestChain, number: u64) -> Option<Address> {
    chain.ledger.record(&StateKey::certified_member(suite(), ALPHA, number))
}

fn enrol(name: &str, roles: Roles, expires_ms: u64) -> Call {
    Call::AccountEnrol { key: public_key(name), roles, certificate: certificate(expires_ms) }
}

fn data(outcome: &Outcome) -> Vec<Vec<u8>> {
    outcome.events.iter().map(|event: &Event| event.data.clone()).collect()
}

/// Goal: an enrolled account is as any other, with its certificate beside it. Method: enrol, then
/// let it act; compare the account with one that was created.
#[test]
fn an_enrolled_account_acts() {
    let mut chain = chain();
    trust(&mut chain, "administrator");
    let expires_ms = chain.time_ms + 1_000_000;
    let outcome = must(&mut chain, "administrator", &[enrol("new", Roles::NOTARY, expires_ms)]);
    let address = chain.address("new");
    let created = [&[1][..], &address.0, &ALPHA.to_bytes(), &Roles::NOTARY.to_bytes()].concat();
    let certified = [&[7][..], &address.0, &certificate(expires_ms).to_bytes()].concat();
    assert_eq!(data(&outcome), [created, certified]);
    let account = chain.account("new").expect("it was enrolled").clone();
    assert_eq!((account.organisation, account.roles), (ALPHA, Roles::NOTARY));
    assert_eq!(recorded(&chain, "new"), Some(certificate(expires_ms)));
    must(&mut chain, "new", &[common::note(0)]);
}

/// Goal: expiry of a recorded certificate changes nothing by itself. Method: act after its time.
#[test]
fn expiry_is_recorded_and_not_enforced() {
    let mut chain = chain();
    trust(&mut chain, "administrator");
    let expires_ms = chain.time_ms + 1_000;
    must(&mut chain, "administrator", &[enrol("new", Roles::NOTARY, expires_ms)]);
    assert_eq!(chain.time_ms, expires_ms, "the last moment still counts");
    must(&mut chain, "new", &[common::note(0)]);
}

/// Goal: an enrolled administrator counts as one. Method: compare the organisation's number.
#[test]
fn enrolled_administrators_are_counted() {
    let mut chain = chain();
    trust(&mut chain, "administrator");
    let calls = [
        enrol("new", Roles::ADMINISTRATOR, u64::MAX),
        Call::RolesSet { address: chain.address("administrator"), roles: Roles::default() },
        Call::RolesSet { address: chain.address("frozen"), roles: Roles::default() },
    ];
    must(&mut chain, "administrator", &calls[..2]);
    must(&mut chain, "new", &calls[2..]);
    let last = Call::RolesSet { address: chain.address("new"), roles: Roles::default() };
    assert_eq!(chain.run("new", &[last]).code, Code::LastAdministrator);
}

/// Goal: members are numbered once, in the order of their first certificates. Method: enrol, record
/// for an older account, renew both.
#[test]
fn members_are_numbered_once() {
    let mut chain = chain();
    trust(&mut chain, "administrator");
    let set = |chain: &TestChain, name: &str, expires_ms| Call::CertificateSet {
        address: chain.address(name),
        certificate: certificate(expires_ms),
    };
    must(&mut chain, "administrator", &[enrol("new", Roles::default(), u64::MAX)]);
    let calls = [set(&chain, "target", u64::MAX - 1), set(&chain, "new", u64::MAX - 2)];
    must(&mut chain, "administrator", &calls);
    let again = set(&chain, "target", u64::MAX - 3);
    let outcome = must(&mut chain, "administrator", &[again]);
    let address = chain.address("target");
    let certified = [&[7][..], &address.0, &certificate(u64::MAX - 3).to_bytes()].concat();
    assert_eq!(data(&outcome), [certified]);
    assert_eq!(registry(&chain).members, 2);
    assert_eq!(member(&chain, 0), Some(chain.address("new")));
    assert_eq!(member(&chain, 1), Some(address));
    assert_eq!(member(&chain, 2), None);
    assert_eq!(recorded(&chain, "new"), Some(certificate(u64::MAX - 2)));
    assert_eq!(recorded(&chain, "target"), Some(certificate(u64::MAX - 3)));
}

/// Goal: an authority that is removed vouches for nobody further, and can come back. Method: remove
/// it between two enrolments.
#[test]
fn authorities_come_and_go() {
    let mut chain = chain();
    trust(&mut chain, "administrator");
    let other = Call::AuthorityRegister { fingerprint: Digest([1; 32]), expires_ms: 5 << 50 };
    must(&mut chain, "administrator", &[other, enrol("new", Roles::default(), u64::MAX)]);
    let remove = Call::AuthorityRemove { fingerprint: AUTHORITY };
    let outcome = must(&mut chain, "administrator", &[remove]);
    assert_eq!(data(&outcome), [[&[5][..], &ALPHA.to_bytes(), &AUTHORITY.0].concat()]);
    let left = vec![Authority { fingerprint: Digest([1; 32]), expires_ms: 5 << 50 }];
    assert_eq!(registry(&chain), CertificateRegistry { members: 1, authorities: left });
    assert_eq!(recorded(&chain, "new"), Some(certificate(u64::MAX)));
    let next = enrol("newer", Roles::default(), u64::MAX);
    let outcome = chain.run("administrator", std::slice::from_ref(&next));
    assert_eq!(outcome.code, Code::UnknownAuthority);
    trust(&mut chain, "administrator");
    must(&mut chain, "administrator", &[next]);
    assert_eq!(member(&chain, 1), Some(chain.address("newer")));
}
