//! Look where peers are found, and what waiting for their names costs.

use commonware_p2p::Address;
use commonware_utils::{TryCollect as _, ordered::Set};
use std::collections::BTreeMap;
use trine_consensus::{Addresses, Peers, parse_address, waiting_threads};
use trine_crypto::{Algorithm, SecretKey};
use trine_ledger::{committees::public_key, preset::PublicKey};
use trine_testkit::validator;
use trine_types::{Epoch, EpochChange, Validator, ValidatorSet};

fn at(name: &str, address: &str) -> Validator {
    Validator { address: address.to_owned(), ..validator(name, 0) }
}

fn change(validators: &[Validator], following: Option<&[Validator]>) -> EpochChange {
    let set = |validators: &[Validator]| ValidatorSet::new(validators.to_vec()).unwrap();
    let (validators, following) = (set(validators), following.map(set));
    EpochChange { epoch: Epoch(1), validators, following }
}

/// Goal: a validator that the chain admits or moves is found where the chain says, unless the
/// operator fixed its address. Method: learn one epoch, then one in which a validator comes,
/// one moves and one is gone; an operator fixed the address of one that moves.
#[test]
fn addresses_follow_the_chain() {
    let (a, b, c) = (at("a", "10.0.0.1:1"), at("b", "10.0.0.2:1"), at("c", "10.0.0.3:1"));
    let key = |validator: &Validator| public_key(&validator.key);
    let fixed = BTreeMap::from([(key(&b), parse_address("192.168.0.2:1").unwrap())]);
    let addresses = Addresses::default();
    let peers = Peers::new((), fixed.clone(), addresses.clone(), 100);
    let found = |validators: &[&Validator]| -> [Vec<(PublicKey, Address)>; 2] {
        let keys: Set<PublicKey> =
            validators.iter().map(|one| key(one)).try_collect().expect("no key twice");
        peers.divide(&keys).map(|map| map.into_iter().collect())
    };
    let expected = |all: &[(&Validator, &str)]| {
        let mut all: Vec<_> = all
            .iter()
            .map(|(validator, address)| (key(validator), parse_address(address).unwrap()))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    };

    addresses.learn(&change(&[a.clone(), b.clone()], Some(&[a.clone(), b.clone(), c.clone()])));
    let [validators, observers] = found(&[&a, &b]);
    assert_eq!(validators, expected(&[(&a, "10.0.0.1:1"), (&b, "192.168.0.2:1")]));
    assert_eq!(observers, expected(&[(&c, "10.0.0.3:1")]));

    let (moved, lost) = (at("b", "10.0.0.9:1"), at("c", "nowhere"));
    addresses.learn(&change(&[moved, at("c", "10.0.0.4:1")], None));
    let [validators, observers] = found(&[&b, &c]);
    assert_eq!(validators, expected(&[(&b, "192.168.0.2:1"), (&c, "10.0.0.4:1")]));
    assert_eq!(observers, []);

    addresses.learn(&change(&[a.clone(), lost], None));
    let [validators, observers] = found(&[&a, &c]);
    assert_eq!(validators, expected(&[(&a, "10.0.0.1:1")]));
    assert_eq!(observers, expected(&[(&b, "192.168.0.2:1")]));

    let few = Peers::new((), fixed, addresses, 1);
    let keys: Set<PublicKey> = [key(&a), key(&b)].into_iter().try_collect().unwrap();
    assert_eq!(few.divide(&keys).map(|map| map.len()), [1, 0]);
}

/// Goal: name servers that do not answer cannot hold all threads. Method: peers with names and
/// peers without.
#[test]
fn each_name_has_a_thread_beside_those_of_the_disk() {
    let peer = |(number, address): (u8, &str)| {
        let secret = SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).unwrap();
        let key = PublicKey::new(Algorithm::Ed25519, &secret.public_key()).unwrap();
        (key, parse_address(address).unwrap())
    };
    let book = |addresses: [&'static str; 3]| (1..).zip(addresses).map(peer).collect();
    let numbers = ["10.0.0.1:1", "10.0.0.2:1", "[::1]:1"];
    assert_eq!(waiting_threads(&book(numbers), 1), 4);
    assert_eq!(waiting_threads(&book(numbers), 6), 6);
    let names = ["a.example:1", "b.example:1", "10.0.0.2:1"];
    assert_eq!(waiting_threads(&book(names), 1), 6);
}
