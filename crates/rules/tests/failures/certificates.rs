//! List how enrolment by certificates and its authorities can fail.

use super::common::{AUTHORITY, certificate, chain, must, trust};
use super::{Case, NOBODY, bad_key, with_chain};
use trine_testkit::{TestChain, public_key};
use trine_types::call::PublicKey;
use trine_types::limits::AUTHORITIES_MAX;
use trine_types::{Address, Call, Code, Digest, Roles};

/// Enrols `key` after `prepare`, with a certificate that is valid until `expires_ms`.
fn enrolment(
    who: &'static str,
    key: fn() -> PublicKey,
    expires_ms: u64,
    prepare: fn(&mut TestChain),
) -> (TestChain, &'static str, Call) {
    let mut chain = chain();
    prepare(&mut chain);
    let certificate = certificate(expires_ms);
    (chain, who, Call::AccountEnrol { key: key(), roles: Roles::default(), certificate })
}

/// Records a certificate that is valid until `expires_ms` for an account after `prepare`.
fn record(
    who: &'static str,
    address: fn(&TestChain) -> Address,
    expires_ms: u64,
    prepare: fn(&mut TestChain),
) -> (TestChain, &'static str, Call) {
    let mut chain = chain();
    prepare(&mut chain);
    let (address, certificate) = (address(&chain), certificate(expires_ms));
    (chain, who, Call::CertificateSet { address, certificate })
}

fn target(chain: &TestChain) -> Address {
    chain.address("target")
}

fn trusted(chain: &mut TestChain) {
    trust(chain, "administrator");
}

/// An authority whose time ends just before that of the block to come.
fn short_trust(chain: &mut TestChain) {
    let (fingerprint, expires_ms) = (AUTHORITY, chain.time_ms + 1_999);
    must(chain, "administrator", &[Call::AuthorityRegister { fingerprint, expires_ms }]);
}

fn register(number: usize, expires_ms: u64) -> Call {
    Call::AuthorityRegister { fingerprint: Digest([number as u8; 32]), expires_ms }
}

/// Registers as many authorities as an organisation may have.
fn full_registry(chain: &mut TestChain) {
    let all: Vec<Call> = (0..AUTHORITIES_MAX).map(|number| register(number, u64::MAX)).collect();
    must(chain, "administrator", &all);
}

pub const CASES: &[(&str, Code, Case)] = &[
    ("accounts.enrol", Code::NoRight, || enrolment("member", bad_key, 0, |_| ())),
    ("accounts.enrol", Code::UnknownAuthority, || {
        // The authority is another organisation's.
        enrolment("administrator", bad_key, 0, |chain| trust(chain, "foreign"))
    }),
    ("accounts.enrol", Code::AuthorityExpired, || {
        enrolment("administrator", bad_key, 0, short_trust)
    }),
    ("accounts.enrol", Code::ExpiryPassed, || enrolment("administrator", bad_key, 0, trusted)),
    ("accounts.enrol", Code::BadKey, || enrolment("administrator", bad_key, u64::MAX, trusted)),
    ("accounts.enrol", Code::AccountExists, || {
        enrolment("administrator", || public_key("third"), u64::MAX, trusted)
    }),
    ("accounts.set_certificate", Code::NoRight, || record("member", |_| NOBODY, 0, |_| ())),
    ("accounts.set_certificate", Code::UnknownAccount, || {
        record("administrator", |_| NOBODY, 0, |_| ())
    }),
    ("accounts.set_certificate", Code::OtherOrganisation, || {
        record("administrator", |chain| chain.address("third"), 0, |_| ())
    }),
    ("accounts.set_certificate", Code::UnknownAuthority, || {
        record("administrator", target, 0, |_| ())
    }),
    ("accounts.set_certificate", Code::AuthorityExpired, || {
        record("administrator", target, 0, short_trust)
    }),
    ("accounts.set_certificate", Code::ExpiryPassed, || {
        record("administrator", target, 0, trusted)
    }),
    ("organisations.register_authority", Code::NoRight, || {
        with_chain("member", |_| register(1, 0))
    }),
    ("organisations.register_authority", Code::ExpiryPassed, || {
        with_chain("administrator", |chain| register(1, chain.time_ms + 999))
    }),
    ("organisations.register_authority", Code::AuthorityExists, || {
        with_chain("administrator", |chain| {
            full_registry(chain);
            register(0, u64::MAX)
        })
    }),
    ("organisations.register_authority", Code::AuthorityLimit, || {
        with_chain("administrator", |chain| {
            full_registry(chain);
            register(AUTHORITIES_MAX, u64::MAX)
        })
    }),
    ("organisations.remove_authority", Code::NoRight, || {
        with_chain("member", |_| Call::AuthorityRemove { fingerprint: AUTHORITY })
    }),
    ("organisations.remove_authority", Code::UnknownAuthority, || {
        with_chain("administrator", |chain| {
            trust(chain, "foreign");
            Call::AuthorityRemove { fingerprint: AUTHORITY }
        })
    }),
];
