//! Test what is kept, what is not, and what a restart finds.

use super::*;
use commonware_runtime::{Clock as _, Runner as _, Supervisor as _, deterministic};
use std::time::Duration;
use trine_crypto::{SecretKey, VoteSigner};
use trine_testkit::suite;
use trine_types::{Epoch, EpochChange, OrganisationId, ValidatorSet};
use trine_verify::{Ballot, Conflict};

const CHAIN: ChainId = ChainId([1; 32]);
const VALIDATORS: u8 = 4;

fn signer(number: u8) -> VoteSigner {
    let key = SecretKey::from_bytes(suite().algorithm(), &[number + 1; 32]).unwrap();
    VoteSigner::new(key).unwrap()
}

fn key(number: u8) -> ValidatorKey {
    ValidatorKey(signer(number).vote_key().to_array())
}

fn committees(epochs: u64) -> Committees {
    let committees = Committees::new(b"trine/consensus/", None);
    let validator = |number| Validator {
        key: key(number),
        organisation: OrganisationId(number.into()),
        name: format!("v{number}"),
        address: "127.0.0.1:1".into(),
    };
    for epoch in 0..epochs {
        let validators = ValidatorSet::new((0..VALIDATORS).map(validator).collect()).unwrap();
        let change = EpochChange { epoch: Epoch(epoch), validators, following: None };
        committees.register(commonware_consensus::types::Epoch::new(epoch), &change, false);
    }
    committees
}

/// Two notarizations; the second digest is `other`.
fn votes(number: u8, epoch: u64, view: u64, other: u8) -> ConflictingVotes {
    let ballot = |digest: u8| {
        let namespace = [b"trine/consensus/".as_slice(), &CHAIN.0, b"_NOTARIZE"].concat();
        // All numbers are below 128, so each is its own varint.
        let message = [&[epoch as u8, view as u8, 0][..], &[digest; 32]].concat();
        let signature = signer(number).try_sign(&namespace, &message).unwrap();
        let signature = signature.as_ref().try_into().unwrap();
        Ballot { parent_view: 0, digest: Digest([digest; 32]), signature }
    };
    let conflict = Conflict::notarizations(ballot(1), ballot(other));
    ConflictingVotes { validator: key(number), epoch: Epoch(epoch), view, conflict }
}

async fn open(context: &deterministic::Context, epochs: u64) -> Keeper<deterministic::Context> {
    let child = context.child("keeper");
    Keeper::open(child, "test", (suite(), CHAIN), committees(epochs)).await.unwrap()
}

/// Goal: what holds is kept once and survives a restart; what does not is not kept. Method: send
/// good votes, the same again, other votes of the same view, forged and foreign ones; open again.
#[test]
fn what_holds_is_kept() {
    deterministic::Runner::timed(Duration::from_secs(60)).start(|context| async move {
        let keeper = open(&context, 2).await;
        let (conflicts, sender, _task) = keeper.start();
        let good = votes(2, 1, 7, 2);
        let mut forged = votes(3, 1, 8, 2);
        forged.view = 9;
        let framed = ConflictingVotes { validator: key(0), ..good.clone() };
        let same_view = votes(2, 1, 7, 3);
        let unknown_epoch = votes(2, 5, 7, 2);
        for one in [good.clone(), good.clone(), same_view, forged, framed, unknown_epoch] {
            sender.try_send(one).unwrap();
        }
        while conflicts.list().is_empty() {
            context.sleep(Duration::from_millis(1)).await;
        }
        context.sleep(Duration::from_millis(100)).await;
        let kept = conflicts.list();
        assert_eq!(kept.len(), 1);
        assert_eq!((&kept[0].votes, kept[0].validator.name.as_str()), (&good, "v2"));
        assert_eq!(kept[0].id, good.id(suite()));
        assert_eq!(open(&context, 2).await.conflicts.list(), kept);
    });
}

/// Goal: a file that a crash cut off harms nothing. Method: write half of one, and one under the
/// name of another; open.
#[test]
fn a_torn_file_is_removed() {
    deterministic::Runner::timed(Duration::from_secs(60)).start(|context| async move {
        let keeper = open(&context, 1).await;
        let found = votes(1, 0, 3, 2);
        let validator = keeper.committees.change(commonware_consensus::types::Epoch::zero());
        let validator = validator.unwrap().validators.as_slice()[0].clone();
        let kept = KeptVotes { id: found.id(suite()), votes: found, validator };
        let whole = write(&kept);
        let files = [(name_of(&kept.votes), &whole[..whole.len() / 2]), (vec![1; 51], &whole[..])];
        for (name, bytes) in files {
            let (blob, _) = context.open(&keeper.partition, &name).await.unwrap();
            blob.write_at(0, bytes.to_vec(), WriteOptions::default()).await.unwrap();
            blob.sync().await.unwrap();
        }
        assert_eq!(open(&context, 1).await.conflicts.list(), []);
        assert_eq!(context.scan(&keeper.partition).await.unwrap(), Vec::<Vec<u8>>::new());
    });
}

/// Goal: one validator fills neither the disk nor the places of others. Method: more than is kept
/// of an epoch, then more than is kept in all by one, beside a single piece against another.
#[test]
fn nobody_pushes_others_out() {
    deterministic::Runner::timed(Duration::from_secs(60)).start(|context| async move {
        let keeper = open(&context, 1).await;
        for view in 0..2 * CONFLICTING_VOTES_EPOCH_MAX as u64 {
            keeper.keep(votes(0, 0, view, 2)).await;
        }
        assert_eq!(keeper.conflicts.list().len(), CONFLICTING_VOTES_EPOCH_MAX);
        keeper.keep(votes(1, 0, 1, 2)).await;
        let template = keeper.conflicts.list()[0].as_ref().clone();
        for epoch in 1..=CONFLICTING_VOTES_MAX as u64 {
            let mut kept = template.clone();
            kept.votes.epoch = Epoch(epoch);
            keeper.conflicts.insert(name_of(&kept.votes), kept);
            keeper.conflicts.evict();
        }
        let kept = keeper.conflicts.list();
        assert_eq!(kept.len(), CONFLICTING_VOTES_MAX);
        assert_eq!(kept.iter().filter(|one| one.votes.validator == key(1)).count(), 1);
        assert_eq!(kept.last().unwrap().votes.epoch, Epoch(CONFLICTING_VOTES_MAX as u64));
    });
}
