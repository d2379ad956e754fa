//! Test what a lookup makes of a proof, on the proofs that all verifiers are tested with.

use super::*;
use crate::payment::{Payment, Uetr};
use std::path::PathBuf;
use trine_types::Height;

fn vector(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors");
    std::fs::read(folder.join(name)).unwrap()
}

fn committee() -> Committee {
    Committee(Arc::new(TrustAnchor::from_json(&vector("trust.json")).unwrap()))
}

/// What the proof of a transfer shows, with a UETR for its reference, and the payment of it.
fn shown() -> (Fact, Height, FinalPayment) {
    let proven = verify_proof(&vector("transfer.proof"), &committee().0).unwrap();
    let Fact::Transfer { sender, record, .. } = proven.fact else {
        panic!("expected a transfer, found {:?}", proven.fact)
    };
    let uetr = Uetr([5; 16]);
    let payment = Payment { sender, to: record.to, amount: record.amount, uetr };
    let (transaction, height, at) = (record.transaction, record.height, Instant::now());
    let payment = FinalPayment { payment, transaction, height, at };
    let fact = Fact::Transfer { sender, reference: uetr.0.to_vec(), record };
    (fact, proven.header.height, payment)
}

/// Goal: a payment is proven only when every detail is the one that was sent. Method: what a
/// proof shows, beside the same and beside what differs in one detail.
#[test]
fn every_detail_counts() {
    let (fact, height, right) = shown();
    assert_eq!(compare(&fact, height, &right), Ok(Verdict::Proven));
    let changes: [fn(&mut FinalPayment); 6] = [
        |wanted| wanted.payment.sender.0[0] ^= 1,
        |wanted| wanted.payment.to.0[0] ^= 1,
        |wanted| wanted.payment.amount.0 += 1,
        |wanted| wanted.payment.uetr.0[0] ^= 1,
        |wanted| wanted.transaction.0[0] ^= 1,
        |wanted| wanted.height.0 += 1,
    ];
    for change in changes {
        let mut wanted = right;
        change(&mut wanted);
        assert_eq!(compare(&fact, height, &wanted), Ok(Verdict::Different));
    }
}

/// Goal: no proof counts whose bytes were touched, or that other validators signed. Method: flip
/// one bit of each byte; trust another set.
#[test]
fn invalid_proofs_are_told() {
    let (proof, committee, (.., wanted)) = (vector("transfer.proof"), committee(), shown());
    // It verifies; its reference is another one.
    assert_eq!(judge(&proof, &committee, &wanted), Ok(Verdict::Different));
    for place in 0..proof.len() {
        let mut spoilt = proof.clone();
        spoilt[place] ^= 1;
        assert_eq!(judge(&spoilt, &committee, &wanted), Ok(Verdict::InvalidProof), "byte {place}");
    }
    let others = TrustAnchor::from_json(&vector("trust-1.json")).unwrap();
    let others = Committee(Arc::new(others));
    assert_eq!(judge(&proof, &others, &wanted), Ok(Verdict::InvalidProof));
}

/// Goal: a node whose state is older is asked again, one that denies a payment is not. Method: a
/// proof of absence from before and from after the block of the payment.
#[test]
fn absence_counts_from_the_payments_block_on() {
    let (proof, committee, (.., mut wanted)) = (vector("absence.proof"), committee(), shown());
    wanted.height = Height(u64::MAX);
    assert!(judge(&proof, &committee, &wanted).is_err());
    wanted.height = Height(0);
    assert_eq!(judge(&proof, &committee, &wanted), Ok(Verdict::Different));
}
