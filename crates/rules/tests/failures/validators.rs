//! List how actions on validators and on organisations can fail.

use super::common::{chain, lonely_chain, must, pair, submit};
use super::{Case, alone, with_chain};
use trine_testkit::{TestChain, suite, validator};
use trine_types::call::Action;
use trine_types::limits::VALIDATORS_MAX;
use trine_types::{Call, Code, OrganisationId, StateKey, Validator, ValidatorKey, ValidatorSet};

const NO_KEY: ValidatorKey = ValidatorKey([0xff; ValidatorKey::LENGTH]);

fn admit(change: fn(&mut Validator)) -> (TestChain, &'static str, Call) {
    let (chain, mut new) = (chain(), validator("new", 0));
    change(&mut new);
    let call = submit(&chain, Action::AdmitValidator(new));
    (chain, "administrator", call)
}

/// Replaces the only validator of a chain with what `change` makes of it.
fn replace(change: fn(&mut Validator)) -> (TestChain, &'static str, Call) {
    let chain = lonely_chain();
    let registry: ValidatorSet =
        chain.ledger.record(&StateKey::validators(suite())).expect("genesis writes it");
    let mut new = registry.as_slice()[0].clone();
    let key = new.key;
    change(&mut new);
    (
        chain.clone(),
        "administrator",
        submit(&chain, Action::ReplaceValidator { key, validator: new }),
    )
}

/// As many validators as a chain may have.
fn fill(chain: &mut TestChain) {
    let all = (0..VALIDATORS_MAX).map(|number| validator(&format!("validator-{number}"), 0));
    let set = ValidatorSet::new(all.collect()).expect("no key twice");
    chain.ledger.set_record(StateKey::validators(suite()), &set);
}

/// A chain of two organisations of whom the second was removed, and a submission of `action`.
fn without_beta(action: Action) -> (TestChain, &'static str, Call) {
    let mut chain = pair(4);
    let remove = submit(&chain, Action::RemoveOrganisation(OrganisationId(1)));
    must(&mut chain, "administrator", &[remove]);
    let call = submit(&chain, action);
    (chain, "administrator", call)
}

pub const CASES: &[(&str, Code, Case)] = &[
    ("proposals.submit", Code::UnknownOrganisation, || {
        alone("administrator", |chain| submit(chain, Action::RemoveOrganisation(OrganisationId(1))))
    }),
    ("proposals.submit", Code::OrganisationRemoved, || {
        without_beta(Action::RemoveOrganisation(OrganisationId(1)))
    }),
    ("proposals.submit", Code::OrganisationRemoved, || {
        without_beta(Action::AdmitValidator(validator("new", 1)))
    }),
    ("proposals.submit", Code::LastOrganisation, || {
        alone("administrator", |chain| submit(chain, Action::RemoveOrganisation(OrganisationId(0))))
    }),
    ("proposals.submit", Code::LastValidator, || {
        let chain = pair(1);
        let call = submit(&chain, Action::RemoveOrganisation(OrganisationId(0)));
        (chain, "foreign", call)
    }),
    ("proposals.submit", Code::BadKey, || admit(|new| new.key = NO_KEY)),
    ("proposals.submit", Code::BadKey, || admit(|new| new.key.0[33] ^= 1)),
    ("proposals.submit", Code::BadName, || admit(|new| new.name = "A b".to_owned())),
    ("proposals.submit", Code::BadAddress, || admit(|new| new.address = "host".to_owned())),
    ("proposals.submit", Code::BadKey, || {
        with_chain("administrator", |chain| submit(chain, Action::RemoveValidator(NO_KEY)))
    }),
    ("proposals.submit", Code::BadKey, || {
        with_chain("administrator", |chain| {
            let validator = validator("new", 0);
            submit(chain, Action::ReplaceValidator { key: NO_KEY, validator })
        })
    }),
    ("proposals.submit", Code::BadAddress, || replace(|new| new.address = "host:0".to_owned())),
    ("proposals.submit", Code::UnknownOrganisation, || {
        alone("administrator", |chain| submit(chain, Action::AdmitValidator(validator("new", 1))))
    }),
    ("proposals.submit", Code::ValidatorExists, || {
        alone("administrator", |chain| {
            submit(chain, Action::AdmitValidator(validator("validator-0", 0)))
        })
    }),
    ("proposals.submit", Code::ValidatorLimit, || {
        alone("administrator", |chain| {
            fill(chain);
            submit(chain, Action::AdmitValidator(validator("new", 0)))
        })
    }),
    ("proposals.submit", Code::UnknownValidator, || {
        alone("administrator", |chain| {
            submit(chain, Action::RemoveValidator(validator("new", 0).key))
        })
    }),
    ("proposals.submit", Code::LastValidator, || {
        alone("administrator", |chain| {
            submit(chain, Action::RemoveValidator(validator("validator-0", 0).key))
        })
    }),
    ("proposals.submit", Code::UnknownValidator, || {
        alone("administrator", |chain| {
            let (key, validator) = (validator("new", 0).key, validator("newer", 0));
            submit(chain, Action::ReplaceValidator { key, validator })
        })
    }),
    ("proposals.submit", Code::OtherOrganisation, || replace(|new| new.organisation.0 = 1)),
    ("proposals.submit", Code::NoChange, || replace(|_| ())),
    ("proposals.submit", Code::ValidatorExists, || {
        let mut chain = lonely_chain();
        let admit = submit(&chain, Action::AdmitValidator(validator("new", 0)));
        must(&mut chain, "administrator", &[admit]);
        let (key, validator) = (validator("validator-0", 0).key, validator("new", 0));
        let call = submit(&chain, Action::ReplaceValidator { key, validator });
        (chain, "administrator", call)
    }),
];
