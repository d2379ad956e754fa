//! Check what decisions on validators do to the registry, and when it counts.

mod common;

use common::{chain, document, lonely_chain, must, pair, submit};
use trine_testkit::{TestChain, suite, validator};
use trine_types::call::Action;
use trine_types::codec::Encoder;
use trine_types::validators::is_peer_address;
use trine_types::{
    Call, Encode, Event, Height, OrganisationId, ProposalId, StateKey, Validator, ValidatorSet,
};

/// Goal: an organisation leaves with its validators. Method: two organisations with two each.
#[test]
fn validators_leave_with_their_organisation() {
    let mut chain = pair(4);
    let beta = OrganisationId(1);
    let (gone, left): (Vec<_>, Vec<_>) =
        registry(&chain).into_vec().into_iter().partition(|one| one.organisation == beta);
    assert_eq!((gone.len(), left.len()), (2, 2));
    let call = submit(&chain, Action::RemoveOrganisation(beta));
    let told = must(&mut chain, "administrator", &[call]).events;
    assert_eq!(told[1], event(8, &[&|to| gone[0].key.encode(to)]));
    assert_eq!(told[2], event(8, &[&|to| gone[1].key.encode(to)]));
    assert_eq!(registry(&chain), ValidatorSet::new(left).unwrap());
}

fn registry(chain: &TestChain) -> ValidatorSet {
    chain.ledger.record(&StateKey::validators(suite())).expect("genesis writes it")
}

fn with(set: ValidatorSet, change: impl FnOnce(&mut Vec<Validator>)) -> ValidatorSet {
    let mut validators = set.into_vec();
    change(&mut validators);
    ValidatorSet::new(validators).expect("no key twice")
}

/// The event of module 3 with this number.
fn event(number: u8, fields: &[&dyn Fn(&mut Encoder)]) -> Event {
    let mut data = Encoder::default();
    number.encode(&mut data);
    fields.iter().for_each(|field| field(&mut data));
    Event { emitter: Event::module_emitter(3), topics: Vec::new(), data: data.0 }
}

/// Goal: each action changes the registry as it says and tells so. Method: admit, replace (key and
/// address) and remove on a chain whose proposals pass at once.
#[test]
fn actions_change_the_registry() {
    let mut chain = lonely_chain();
    let run = |chain: &mut TestChain, action| {
        let call = submit(chain, action);
        must(chain, "administrator", &[call]).events[1].clone()
    };
    let (first, new) = (registry(&chain).into_vec().remove(0), validator("new", 0));

    let told = run(&mut chain, Action::AdmitValidator(new.clone()));
    let owner = OrganisationId(0);
    assert_eq!(told, event(7, &[&|to| new.key.encode(to), &|to| owner.encode(to)]));
    assert_eq!(registry(&chain), ValidatorSet::new(vec![first.clone(), new.clone()]).unwrap());

    let moved = Validator { address: "[fd00::1]:9000".to_owned(), ..validator("newer", 0) };
    let replace = Action::ReplaceValidator { key: new.key, validator: moved.clone() };
    let told = run(&mut chain, replace);
    assert_eq!(told, event(9, &[&|to| new.key.encode(to), &|to| moved.key.encode(to)]));
    assert_eq!(registry(&chain), ValidatorSet::new(vec![first.clone(), moved.clone()]).unwrap());

    let told = run(&mut chain, Action::RemoveValidator(first.key));
    assert_eq!(told, event(8, &[&|to| first.key.encode(to)]));
    assert_eq!(registry(&chain), ValidatorSet::new(vec![moved]).unwrap());
}

/// Goal: one organisation alone changes nothing. Method: a proposal of one of three, then the
/// approval of another.
#[test]
fn a_majority_decides() {
    let mut chain = chain();
    let (before, new) = (registry(&chain), validator("new", 2));
    let action = Action::AdmitValidator(new.clone());
    let call = submit(&chain, action.clone());
    must(&mut chain, "administrator", &[call]);
    assert_eq!(registry(&chain), before);
    must(&mut chain, "foreign", &[Call::ProposalApprove { proposal: ProposalId(0), action }]);
    assert_eq!(registry(&chain), with(before, |validators| validators.push(new)));
}

/// Goal: the last block of an epoch names the registry of before that block. Method: execute that
/// block with a decision in it, and the last block of the next epoch after it.
#[test]
fn the_last_block_names_the_registry_before_it() {
    let mut chain = lonely_chain();
    let call = submit(&chain, Action::AdmitValidator(validator("new", 0)));
    let transaction = chain.transaction("administrator", &[call]);
    let (before, mut ledger) = (registry(&chain), chain.ledger.clone());
    let context = ledger.context(Height(99), chain.time_ms + 1);
    let applied = ledger.apply(&context, &[transaction.bytes]).expect("it is valid");
    assert_eq!(applied.execution.next_validators, Some(before.clone()));
    let context = ledger.context(Height(199), chain.time_ms + 2);
    let applied = ledger.apply(&context, &[]).expect("it is empty");
    let after = with(before, |validators| validators.push(validator("new", 0)));
    assert_eq!(applied.execution.next_validators, Some(after));
}

/// Goal: addresses of the genesis document and others are told apart. Method: both kinds.
#[test]
fn addresses_have_a_host_and_a_port() {
    for validator in document().validator_set().unwrap().as_slice() {
        assert!(is_peer_address(&validator.address), "{}", validator.address);
    }
    for good in ["a:1", "node-1.city.example:65535", "10.0.0.1:80", "[::1]:9000"] {
        assert!(is_peer_address(good), "{good}");
    }
    let long = format!("{}:1", "a".repeat(127));
    let bad =
        ["", ":", "a", "a:", ":1", "a:0", "a:01", "a:+1", "a:65536", "a b:1", "[]:1", "::1:9"];
    for bad in bad.into_iter().chain(["ä:1", "a:1 ", "[::g]:1", "http://a:1", &long]) {
        assert!(!is_peer_address(bad), "{bad}");
    }
}
