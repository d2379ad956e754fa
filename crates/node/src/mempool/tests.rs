//! Test admission, signatures and forwarding on a chain in memory.

use super::batch;
use super::forward::pack;
use super::refusal::Verdict;
use super::verifier::Verifier;
use crate::clock;
use crate::memory_chain::{MemoryChain, address};
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use trine_testkit::{public_key, secret_key, spoil, suite};
use trine_types::application::SignatureChecker;
use trine_types::call::PublicKey;
use trine_types::{
    Amount, AssetId, Call, Transaction, UnsignedTransaction,
    limits::{BATCH_TRANSACTIONS_MAX, FORWARD_AGAIN_MS, TRANSACTION_BYTES_MAX},
};

fn transfer(to: &str, amount: u64) -> Call {
    let (asset, to, amount) = (AssetId::PRIMARY, address(to), Amount(amount));
    Call::AssetTransfer { asset, to, amount, reference: None }
}

fn codes(verdicts: &[Verdict]) -> Vec<&'static str> {
    let code = |verdict: &Verdict| match &verdict.result {
        Ok(()) => "accepted",
        Err(refusal) => refusal.code(),
    };
    verdicts.iter().map(code).collect()
}

async fn submit(chain: &MemoryChain, transactions: &[&Transaction]) -> Vec<&'static str> {
    let raw = transactions.iter().map(|one| one.bytes.clone()).collect();
    codes(&chain.mempool.submit(raw).await)
}

fn resign(mut body: UnsignedTransaction, change: impl FnOnce(&mut UnsignedTransaction)) -> Bytes {
    change(&mut body);
    body.sign(suite(), &secret_key("alice")).bytes
}

/// Goal: every fault of a transaction has its own code, and its neighbours are accepted. Method:
/// one batch with each fault between two good transactions.
#[tokio::test]
async fn each_fault_has_its_code_and_harms_no_neighbour() {
    let chain = MemoryChain::start();
    let used = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    assert_eq!(submit(&chain, &[&used]).await, ["accepted"]);
    chain.produce();
    let good = |nonce| chain.transaction("alice", nonce, &[transfer("bob", 1)]);
    let body = || chain.unsigned("alice", 9, &[transfer("bob", 1)]);
    // Made once: the end of validity follows the clock, so that two would differ.
    let second = good(2);
    let mut forged = good(8).bytes.to_vec();
    spoil(&mut forged);
    let mut trailing = good(8).bytes.to_vec();
    trailing.push(0);
    let mut version = good(8).bytes.to_vec();
    version[0] = 9;
    let cut = good(8).bytes.slice(..40);
    let cases: Vec<(Bytes, &str)> = vec![
        (good(1).bytes, "accepted"),
        (resign(body(), |body| body.chain_id.0[0] ^= 1), "wrong_chain"),
        (resign(body(), |body| body.valid_until_ms = clock::now_ms() - 1_000), "expired"),
        (used.bytes.clone(), "nonce_used"),
        (resign(body(), |body| body.nonce = 0), "nonce_voided"),
        (resign(body(), |body| body.nonce = 1 << 40), "nonce_too_far"),
        (resign(body(), |body| body.key_index = 3), "unknown_key"),
        (resign(body(), |body| body.sender.0[0] ^= 1), "unknown_sender"),
        (forged.into(), "bad_signature"),
        (cut, "malformed"),
        (trailing.into(), "non_canonical"),
        (version.into(), "unknown_version"),
        (vec![0; TRANSACTION_BYTES_MAX + 1].into(), "too_large"),
        (Bytes::new(), "malformed"),
        (second.bytes.clone(), "accepted"),
        (second.bytes, "duplicate"),
    ];
    let raw = cases.iter().map(|(bytes, _)| bytes.clone()).collect();
    let verdicts = chain.mempool.submit(raw).await;
    let expected: Vec<&str> = cases.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes(&verdicts), expected);
    assert_eq!(chain.mempool.size().0, 2);
}

/// Goal: who may not act is told so at once. Method: freeze an account, revoke a key, give a
/// quota of one; submit after each became final.
#[tokio::test]
async fn frozen_revoked_and_over_quota_are_refused_early() {
    let chain = MemoryChain::start();
    let quota = Call::QuotaSet { address: address("alice"), quota: 1 };
    let freeze = Call::AccountFreeze { address: address("alice") };
    let second = public_key("second");
    let add = Call::KeyAdd { key: second, modules: u32::MAX };
    let revoke = Call::KeyRevoke { key_index: 1 };
    let set = chain.transaction("admin", 0, &[quota, add]);
    assert_eq!(submit(&chain, &[&set]).await, ["accepted"]);
    chain.produce();
    let two = chain.transaction("alice", 0, &[transfer("bob", 1), transfer("bob", 1)]);
    assert_eq!(submit(&chain, &[&two]).await, ["account_quota"]);
    let mut body = chain.unsigned("admin", 2, &[transfer("bob", 1)]);
    body.key_index = 1;
    let with_second = body.sign(suite(), &secret_key("second"));
    assert_eq!(submit(&chain, &[&with_second]).await, ["accepted"]);
    let revoke = chain.transaction("admin", 1, &[revoke, freeze]);
    assert_eq!(submit(&chain, &[&revoke]).await, ["accepted"]);
    chain.produce_from(&[Arc::new(revoke)]);
    let mut body = chain.unsigned("admin", 3, &[transfer("bob", 1)]);
    body.key_index = 1;
    let late = body.sign(suite(), &secret_key("second"));
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    assert_eq!(submit(&chain, &[&late, &one]).await, ["revoked_key", "account_frozen"]);
    // The transaction that waited under the revoked key is dropped without being proposed.
    tokio::time::timeout(Duration::from_secs(5), async {
        while chain.mempool.contains(&with_second.id) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("a transaction under a revoked key leaves the pool");
}

/// Goal: what one node admits, another gets and admits, also when the first sending was lost.
/// Method: drop the batch that the first pool sends, wait until it sends again, hand that over.
#[tokio::test(start_paused = true)]
async fn transactions_reach_another_node_even_after_a_loss() {
    let first = MemoryChain::start();
    let second = MemoryChain::start_with((*first.genesis).clone());
    let one = first.transaction("alice", 0, &[transfer("bob", 1)]);
    assert_eq!(submit(&first, &[&one]).await, ["accepted"]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let lost = std::mem::take(&mut *first.sent.0.lock().unwrap());
    assert_eq!(lost.len(), 1);
    tokio::time::sleep(Duration::from_millis(2 * FORWARD_AGAIN_MS)).await;
    let again = std::mem::take(&mut *first.sent.0.lock().unwrap());
    assert!(!again.is_empty(), "what is not final is sent again");
    second.mempool.receive(again[0].clone());
    for _ in 0..1_000 {
        if second.mempool.contains(&one.id) {
            break;
        }
        // Signatures are checked on threads that know nothing of the test's timer.
        std::thread::sleep(Duration::from_millis(2));
        tokio::task::yield_now().await;
    }
    assert!(second.mempool.contains(&one.id));
    tokio::time::sleep(Duration::from_millis(2 * FORWARD_AGAIN_MS)).await;
    assert!(second.sent.0.lock().unwrap().is_empty(), "forwarded transactions stop there");
}

/// Goal: what another node makes up leaves the pool, and its neighbours stay. Method: receive a
/// batch of invalid transactions of all kinds between two good ones; wait until they are gone.
#[tokio::test]
async fn invalid_transactions_of_another_node_are_dropped() {
    let chain = MemoryChain::start();
    let [first, mut forged, last] =
        [0, 1, 2].map(|nonce| chain.transaction("alice", nonce, &[transfer("bob", 1)]));
    let mut bytes = forged.bytes.to_vec();
    spoil(&mut bytes);
    forged.bytes = bytes.into();
    let body = || chain.unsigned("alice", 3, &[transfer("bob", 1)]);
    let batch = [
        first.bytes.clone(),
        forged.bytes.clone(),
        resign(body(), |body| body.chain_id.0[0] ^= 1),
        resign(body(), |body| body.nonce = 1 << 40),
        resign(body(), |body| body.sender.0[0] ^= 1),
        resign(body(), |body| body.valid_until_ms = clock::now_ms() - 1_000),
        last.bytes.clone(),
    ];
    chain.mempool.receive(batch::join(batch.iter()));
    let kept = || [&first, &forged, &last].map(|one| chain.mempool.contains(&one.id));
    tokio::time::timeout(Duration::from_secs(10), async {
        while kept() != [true, false, true] || chain.mempool.size().0 != 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the invalid ones leave, the others stay");
    let candidates = chain.mempool.candidates(9, usize::MAX, &Default::default());
    assert_eq!(candidates.len(), 2);
    // Each verdict stands alone, as a leader needs it.
    let key = public_key("alice").bytes;
    let verifier = Verifier::start(1).unwrap();
    let read = |bytes: &Bytes| Transaction::from_bytes(suite(), bytes.clone()).unwrap();
    let read = [&first, &forged, &last].map(|one| read(&one.bytes));
    let items: Vec<_> = read.iter().map(|one| (one, key.as_slice())).collect();
    assert_eq!(verifier.check_each(&items), [true, false, true]);
}

/// Goal: a leader waits for a transaction without polling. Method: take the future, add one,
/// await it.
#[tokio::test]
async fn an_added_transaction_wakes_the_leader() {
    let chain = MemoryChain::start();
    let changed = chain.mempool.changed();
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    assert_eq!(submit(&chain, &[&one]).await, ["accepted"]);
    tokio::time::timeout(Duration::from_secs(5), changed).await.expect("it was added before");
}

/// Goal: the checker of proposals finds every bad signature and remembers good ones under their
/// key only. Method: check good, forged, and good under another key.
#[tokio::test]
async fn the_checker_remembers_signature_and_key() {
    let verifier = Verifier::start(1).unwrap();
    let chain = MemoryChain::start();
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    let PublicKey { bytes: key, .. } = public_key("alice");
    let PublicKey { bytes: other, .. } = public_key("bob");
    let signed = vec![(Arc::new(one.clone()), key.clone().into())];
    assert_eq!(verifier.verify(signed).await, Ok(vec![true]));
    assert!(verifier.check(&[(&one, &key)]));
    assert!(!verifier.check(&[(&one, &other)]));
    assert!(!verifier.check(&[(&one, &key), (&one, &other)]));
    let mut forged = one.clone();
    forged.signature[63] ^= 1;
    assert!(!verifier.check(&[(&forged, &key)]));
    let mixed = vec![(Arc::new(forged), key.clone().into()), (Arc::new(one), key.into())];
    assert_eq!(verifier.verify(mixed).await, Ok(vec![false, true]));
}

proptest! {
    /// Goal: a batch has one form. Method: join and split random transactions; then cut a byte or
    /// add one.
    #[test]
    fn a_batch_comes_back_as_it_was(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        bytes_max in 1..200usize,
        count_max in 1..8usize,
    ) {
        let parts: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
        let joined = batch::join(parts.iter());
        prop_assert_eq!(batch::split(&joined).unwrap(), parts.clone());
        prop_assert!(batch::split(&joined.slice(..joined.len() - 1)).is_err());
        let longer: Bytes = [&joined[..], &[0]].concat().into();
        prop_assert!(batch::split(&longer).is_err());
        let packed = pack(&parts, bytes_max, count_max);
        let unpacked: Vec<Vec<Bytes>> =
            packed.iter().map(|packed| batch::split(packed).unwrap()).collect();
        prop_assert!(unpacked.iter().all(|one| one.len() == 1 || one.len() <= count_max));
        for one in unpacked.iter().filter(|one| one.len() > 1) {
            prop_assert!(one.iter().map(|bytes| bytes.len() + 4).sum::<usize>() <= bytes_max);
        }
        prop_assert_eq!(unpacked.concat(), parts);
    }

    /// Goal: no bytes make the reader of batches panic. Method: random bytes.
    #[test]
    fn any_bytes_are_split_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = batch::split(&bytes.into());
    }
}

/// Goal: the limit of a batch and one past it. Method: as many empty transactions.
#[test]
fn a_batch_holds_as_many_as_its_limit() {
    let fits = vec![Bytes::new(); BATCH_TRANSACTIONS_MAX];
    assert_eq!(batch::split(&batch::join(fits.iter())).unwrap().len(), BATCH_TRANSACTIONS_MAX);
    let over = vec![Bytes::new(); BATCH_TRANSACTIONS_MAX + 1];
    assert!(batch::split(&batch::join(over.iter())).is_err());
}
