//! Compare the verifier of state proofs with the library's own on random databases.

use crate::world::{SuiteHash, World};
use commonware_codec::Encode as _;
use commonware_cryptography::Sha256;
use commonware_runtime::{Runner as _, deterministic};
use commonware_storage::qmdb::any::{ordered, unordered, value::VariableEncoding};
use rand::RngExt as _;
use trine_crypto::Sm3;
use trine_ledger::{
    databases::{ColdKey, ColdOperation, ColdValue, HotDb, HotKey, HotOperation, HotValue},
    preset::BlockDigest,
    proofs::state,
};
use trine_types::{
    ChainId, Digest, Epoch, Header, Height, StateCommitment, StateKey, account::ACCOUNT_BYTES,
};
use trine_verify::{Fact, StateProof, Statement, VerifyError};

/// A header that commits to these states and to nothing else.
pub fn header(accounts: StateCommitment, values: StateCommitment) -> Header {
    Header {
        chain_id: ChainId::default(),
        height: Height(1),
        epoch: Epoch(0),
        view: 1,
        parent_view: 0,
        proposer: trine_types::ValidatorKey([0; 34]),
        parent: Digest::default(),
        time_ms: 1,
        body_root: Digest::default(),
        outcome_root: Digest::default(),
        evidence_root: Digest::default(),
        accounts,
        values,
        parameters_version: 0,
        epoch_change: None,
        extension: Vec::new(),
    }
}

/// Commitments that differ in one field each.
fn altered(commitment: StateCommitment) -> Vec<StateCommitment> {
    let other = Digest([7; 32]);
    vec![
        StateCommitment { root: other, ..commitment },
        StateCommitment { operations_root: other, ..commitment },
        StateCommitment { size: commitment.size + 1, ..commitment },
        StateCommitment { size: commitment.size ^ 512, ..commitment },
        StateCommitment { size: 0, ..commitment },
        StateCommitment { size: u64::MAX, ..commitment },
    ]
}

/// Proofs that differ in one place each.
fn damaged(proof: &StateProof) -> Vec<StateProof> {
    let mut all = vec![
        StateProof { location: proof.location ^ 1, ..proof.clone() },
        StateProof { location: proof.location ^ 512, ..proof.clone() },
        StateProof { location: u64::MAX, ..proof.clone() },
    ];
    let last_chunk = match proof.last_chunk {
        Some(_) => None,
        None => Some(Digest::default()),
    };
    all.push(StateProof { last_chunk, ..proof.clone() });
    for place in 0..64 {
        let mut altered = proof.clone();
        altered.chunk[place] ^= 1 << (place % 8);
        all.push(altered);
    }
    let lists: [fn(&mut StateProof) -> &mut Vec<Digest>; 2] =
        [|proof| &mut proof.path, |proof| &mut proof.peaks];
    for list in lists {
        for place in 0..list(&mut proof.clone()).len() {
            let mut altered = proof.clone();
            list(&mut altered)[place].0[place % 32] ^= 1;
            all.push(altered);
        }
        let mut longer = proof.clone();
        list(&mut longer).push(Digest::default());
        let mut shorter = proof.clone();
        if list(&mut shorter).pop().is_some() {
            all.push(shorter);
        }
        all.push(longer);
    }
    all
}

fn with_proof(statement: &Statement, proof: StateProof) -> Statement {
    let mut altered = statement.clone();
    match &mut altered {
        Statement::Account { proof: place, .. } => *place = proof,
        Statement::Value(entry) => entry.proof = proof,
        Statement::Absence { neighbour, .. } => neighbour.proof = proof,
        other => panic!("no state proof in {other:?}"),
    }
    altered
}

/// Goal: accounts are proven as the library proves them, and nothing near a proof is accepted.
/// Method: random databases from one batch to thousands of operations, whose floor moves; each
/// proof is checked by the library and by us, then altered in every part and in the commitment.
#[test]
fn accounts_verify_as_in_the_library() {
    accounts_verify::<Sha256>();
    accounts_verify::<Sm3>();
}

fn accounts_verify<H: SuiteHash>() {
    for seed in 0..3 {
        deterministic::Runner::seeded(seed).start(|context| async move {
            let mut world = World::<H>::open(&context, seed).await;
            let mut floors = 0;
            for round in 0..60 {
                let count = world.rng.random_range(1..120);
                let (next, commitment) = world.write_accounts(count).await;
                world = next;
                floors += u32::from(commitment.floor > 0);
                let header = header(commitment, StateCommitment::default());
                for _ in 0..4 {
                    check_account(&mut world, &header, round).await;
                }
            }
            assert!(floors > 20, "the floor moves, so that inactive mountains are covered");
        });
    }
}

async fn check_account<H: SuiteHash>(world: &mut World<H>, header: &Header, round: usize) {
    let address = world.some_account();
    let account = world.accounts[&address].clone();
    let key = HotKey::new(address.0);
    let library = world.hot.key_value_proof(key.clone()).await.unwrap();
    let value = HotValue::new(account.to_array());
    let root = BlockDigest::from(header.accounts.root.0);
    assert!(HotDb::<deterministic::Context, H>::verify_key_value_proof(
        key, value, &library, &root
    ));

    let answer = state::account(&world.hot, address).await.unwrap().unwrap();
    assert_eq!(answer.root, header.accounts.root);
    let statement = answer.statement;
    assert_eq!(statement.verify(H::SUITE, header), Ok(Fact::Account { address, account }));
    for commitment in altered(header.accounts) {
        let other = Header { accounts: commitment, ..header.clone() };
        assert!(statement.verify(H::SUITE, &other).is_err(), "{commitment:?}");
    }
    if round.is_multiple_of(7) {
        let Statement::Account { proof, account, .. } = &statement else { panic!() };
        for proof in damaged(proof) {
            assert!(with_proof(&statement, proof).verify(H::SUITE, header).is_err());
        }
        for place in 0..ACCOUNT_BYTES {
            let (mut account, proof) = (*account, proof.clone());
            account[place] ^= 1 << (place % 8);
            let altered = Statement::Account { address, account, proof };
            assert!(altered.verify(H::SUITE, header).is_err());
        }
    }
}

/// Goal: an account's former value is not current. Method: keep proofs, change the accounts, and
/// verify the old proofs against the new commitment.
#[test]
fn a_former_value_is_refused() {
    former_values::<Sha256>();
    former_values::<Sm3>();
}

fn former_values<H: SuiteHash>() {
    deterministic::Runner::seeded(5).start(|context| async move {
        let (mut world, before) = World::<H>::open(&context, 5).await.write_accounts(50).await;
        let address = world.some_account();
        let old = state::account(&world.hot, address).await.unwrap().unwrap().statement;
        let (world, after) = world.write_accounts(200).await;
        let nothing = StateCommitment::default();
        assert!(old.verify(H::SUITE, &header(before, nothing)).is_ok());
        assert!(old.verify(H::SUITE, &header(after, nothing)).is_err());
        drop(world);
    });
}

/// Goal: values and their absence are proven as the library proves them. Method: as for accounts,
/// with values of many lengths and deletions; absent are random, deleted and extreme keys.
#[test]
fn values_and_absence_verify_as_in_the_library() {
    values_and_absence_verify::<Sha256>();
    values_and_absence_verify::<Sm3>();
}

fn values_and_absence_verify<H: SuiteHash>() {
    for seed in 10..13 {
        deterministic::Runner::seeded(seed).start(|context| async move {
            let mut world = World::<H>::open(&context, seed).await;
            for round in 0..50 {
                let count = world.rng.random_range(2..100);
                let (next, commitment) = world.write_values(count, &[]).await;
                world = next;
                let header = header(StateCommitment::default(), commitment);
                for _ in 0..3 {
                    check_value(&mut world, &header, round).await;
                }
                for key in absent_keys(&mut world) {
                    check_absence(&world, &header, key, round).await;
                }
            }
        });
    }
}

fn absent_keys<H: SuiteHash>(world: &mut World<H>) -> Vec<StateKey> {
    let mut keys = vec![StateKey([0; 32]), StateKey([0xff; 32]), StateKey(world.rng.random())];
    keys.extend(world.deleted.last().copied());
    keys.retain(|key| !world.values.contains_key(key));
    keys
}

async fn check_value<H: SuiteHash>(world: &mut World<H>, header: &Header, round: usize) {
    let key = world.some_value();
    let value = world.values[&key].clone();
    let place = ColdKey::new(key.0);
    let root = BlockDigest::from(header.values.root.0);
    let library = world.cold.key_value_proof(place.clone()).await.unwrap();
    let verified = library.verify::<H, VariableEncoding<ColdValue>>(place, value.clone(), &root);
    assert!(verified);

    let statement = state::value(&world.cold, key).await.unwrap().statement;
    assert_eq!(statement.verify(H::SUITE, header), Ok(Fact::Value { key, value }));
    refuse_near::<H>(&statement, header, round);
}

async fn check_absence<H: SuiteHash>(
    world: &World<H>,
    header: &Header,
    key: StateKey,
    round: usize,
) {
    let place = ColdKey::new(key.0);
    let root = BlockDigest::from(header.values.root.0);
    let library = world.cold.exclusion_proof(&place).await.unwrap();
    assert!(library.verify::<H>(&place, &root));

    let answer = state::value(&world.cold, key).await.unwrap();
    assert_eq!(answer.root, header.values.root);
    let statement = answer.statement;
    assert_eq!(statement.verify(H::SUITE, header), Ok(Fact::Absence { key }));
    let Statement::Absence { neighbour, .. } = &statement else { panic!() };
    for present in world.values.keys() {
        let other = Statement::Absence { key: *present, neighbour: neighbour.clone() };
        assert_eq!(other.verify(H::SUITE, header), Err(VerifyError::NotAbsent));
    }
    refuse_near::<H>(&statement, header, round);
}

fn refuse_near<H: SuiteHash>(statement: &Statement, header: &Header, round: usize) {
    for commitment in altered(header.values) {
        let other = Header { values: commitment, ..header.clone() };
        assert!(statement.verify(H::SUITE, &other).is_err());
    }
    let entry = match statement {
        Statement::Value(entry) => entry,
        Statement::Absence { neighbour, .. } => neighbour,
        other => panic!("{other:?}"),
    };
    let mut changed = entry.clone();
    changed.value.push(0);
    assert!(Statement::Value(changed).verify(H::SUITE, header).is_err());
    let mut changed = entry.clone();
    changed.next_key.0[31] ^= 1;
    assert!(Statement::Value(changed).verify(H::SUITE, header).is_err());
    if round.is_multiple_of(9) {
        for proof in damaged(&entry.proof) {
            assert!(with_proof(statement, proof).verify(H::SUITE, header).is_err());
        }
    }
}

/// Goal: the operations are encoded as the specification says. Method: the library's encoding of
/// one of each beside bytes written by hand.
#[test]
fn operations_have_the_specified_encoding() {
    let update = unordered::Update(HotKey::new([1; 20]), HotValue::new([2; ACCOUNT_BYTES]));
    let expected = [vec![0xd2], vec![1; 20], vec![2; ACCOUNT_BYTES]].concat();
    assert_eq!(HotOperation::Update(update).encode().as_ref(), expected);

    let update = ordered::Update {
        key: ColdKey::new([3; 32]),
        value: vec![4; 300],
        next_key: ColdKey::new([5; 32]),
    };
    let expected = [vec![0xd2], vec![3; 32], vec![0xac, 0x02], vec![4; 300], vec![5; 32]].concat();
    assert_eq!(ColdOperation::Update(update).encode().as_ref(), expected);
}
