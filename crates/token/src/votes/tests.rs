//! Check that a vote has one signature, whatever its signer does.

use super::*;
use crate::TokenName;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use trine_crypto::{Algorithm, SecretKey};

/// A signer that counts, signs the same vote differently each time, and loses its token in the end.
struct Randomised {
    key: SecretKey,
    signed: AtomicUsize,
    signatures_max: usize,
}

fn lost() -> TokenError {
    TokenError::Lost { token: TokenName::Label("t".into()), wait_ms: 1, reason: "pulled".into() }
}

impl VoteSource for Randomised {
    fn vote_key(&self) -> Option<VoteKey> {
        VoteKey::new(self.key.algorithm(), &self.key.public_key())
    }

    fn sign_vote(&self, namespace: &[u8], message: &[u8]) -> Result<VoteSignature, TokenError> {
        let count = self.signed.fetch_add(1, Ordering::Relaxed);
        if count == self.signatures_max {
            return Err(lost());
        }
        let message = [message, &count.to_be_bytes()].concat();
        let made: [u8; 64] = self.key.sign(namespace, &message).try_into().unwrap();
        Ok(made.into())
    }
}

fn open(file: &Path, signatures_max: usize, ends: &Arc<AtomicUsize>) -> PersistedVotes<Randomised> {
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &[1; 32]).unwrap();
    let source = Randomised { key, signed: AtomicUsize::new(0), signatures_max };
    let ends = ends.clone();
    let on_end = move |_: &VotesError| {
        ends.fetch_add(1, Ordering::Relaxed);
    };
    PersistedVotes::open(source, file, Box::new(on_end)).unwrap()
}

/// Goal: one vote has one signature, in this process and in the next. Method: eight threads ask for
/// the same votes; the log is opened again and asked for them with a signer that cannot sign.
#[test]
fn a_vote_has_one_signature() {
    let folder = tempfile::tempdir().unwrap();
    let (file, ends) = (folder.path().join("votes"), Arc::default());
    let votes = open(&file, usize::MAX, &ends);
    let sign = |number: u8| votes.sign(b"space", &[number]).unwrap();
    let all: Vec<Vec<_>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| (0..20).map(sign).collect())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().all(|one| *one == all[0]));
    // The same message in another namespace is another vote.
    let other = votes.sign(b"other", &[0]).unwrap();
    assert_ne!(other, all[0][0]);
    assert_eq!(votes.source.signed.load(Ordering::Relaxed), 21);
    drop(votes);
    let votes = open(&file, 0, &ends);
    for (number, signature) in (0..20).zip(&all[0]) {
        assert_eq!(votes.sign(b"space", &[number]).as_ref(), Some(signature));
    }
    assert_eq!(votes.sign(b"other", &[0]), Some(other));
    assert!(votes.ended().is_none());
}

/// Goal: a lost token ends the votes, once and for all. Method: a signer that fails at the third
/// signature: no vote after it, not even one that is known, and one call of `on_end`.
#[test]
fn a_lost_token_ends_the_votes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, ends) = (folder.path().join("votes"), Arc::default());
    let votes = open(&file, 2, &ends);
    assert!(votes.sign(b"space", b"1").is_some());
    assert!(votes.sign(b"space", b"2").is_some());
    for _ in 0..3 {
        assert_eq!(votes.sign(b"space", b"3"), None);
        assert_eq!(votes.sign(b"space", b"1"), None);
    }
    assert_eq!(votes.ended().map(VotesError::code), Some("token_lost"));
    assert_eq!(ends.load(Ordering::Relaxed), 1);
    assert_eq!(votes.source.signed.load(Ordering::Relaxed), 3);
}

/// Goal: only validators' algorithms vote. Method: a secp256k1 key.
#[test]
fn other_algorithms_do_not_vote() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::from_bytes(Algorithm::Secp256k1, &[1; 32]).unwrap();
    let source = Randomised { key, signed: AtomicUsize::new(0), signatures_max: 1 };
    let refused = PersistedVotes::open(source, &folder.path().join("votes"), Box::new(|_| {}));
    assert_eq!(refused.unwrap_err().code(), "algorithm_not_for_validators");
}
