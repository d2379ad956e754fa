//! Test what the signers send: whose it is, that it is signed, and how much they make at once.

use super::*;
use trine_types::{Genesis, Transaction, TransactionId};

fn plan(suite: Suite, accounts: u64) -> LoadPlan {
    let genesis = serde_json::json!({
        "format": "trine-genesis-v1", "name": "load", "suite": suite.to_string(), "time_ms": 1,
        "blocks_per_epoch": 64, "organisations": ["one"], "validators": [], "accounts": [],
        "generated_accounts":
            {"organisation": 0, "seed": "x", "count": accounts, "balance": 1000},
    });
    let genesis: Genesis = serde_json::from_value(genesis).unwrap();
    LoadPlan {
        genesis,
        nodes: vec!["http://127.0.0.1:1".to_owned()],
        rate_per_s: 500,
        duration_s: 1,
        warmup_s: 0,
        payload: Payload::Transfer,
        hostile_percent: 0,
        presign: false,
        validator_pids: Vec::new(),
        notary_keys: Vec::new(),
    }
}

/// Goal: accounts made in bulk are those of genesis. Method: derive each alone, on either suite;
/// a number that fills no chunk.
#[test]
fn accounts_are_those_of_genesis() {
    for suite in Suite::ALL {
        let plan = plan(suite, 37);
        let generated = plan.genesis.generated_accounts.as_ref().unwrap();
        let expected: Vec<_> = (0..37)
            .map(|index| {
                let key = generated.secret_key(suite, index);
                Address::of_key(suite, suite.algorithm(), &key.public_key())
            })
            .collect();
        let prepared = Senders::prepare(&plan, suite);
        assert_eq!(prepared.addresses().copied().collect::<Vec<_>>(), expected);
    }
}

/// Goal: what is queued is signed by its sender, and no nonce of an account is used twice or left
/// out. Method: one thread, 1,000 transactions of 5 accounts; read and verify each.
#[test]
fn transactions_are_signed_by_their_senders() {
    let suite = Suite::Intl;
    let plan = plan(suite, 5);
    let generated = plan.genesis.generated_accounts.as_ref().unwrap();
    let keys: Vec<_> =
        (0..5).map(|index| generated.secret_key(suite, index).public_key()).collect();
    let senders = Arc::new(Senders::prepare(&plan, suite));
    let signers = Signers::start(&senders, plan.rate_per_s, Ahead::Little, 1);
    let mut nonces = [0; 5];
    for signed in signers.ready.iter().take(1_000) {
        let transaction = Transaction::from_bytes(suite, signed.bytes).unwrap();
        assert_eq!(transaction.id, signed.id);
        assert_ne!(transaction.id, TransactionId::default());
        let is_sender = |key: &Vec<u8>| {
            Address::of_key(suite, suite.algorithm(), key) == transaction.body.sender
        };
        let place = keys.iter().position(is_sender).unwrap();
        assert!(trine_crypto::verify(transaction.batch_item(&keys[place])));
        assert_eq!(transaction.body.nonce, nonces[place]);
        nonces[place] += 1;
    }
    signers.stop();
}

/// Goal: what is signed before a load is all of it, once. Method: two threads sign 2,000; wait for
/// them, count what is ready, and look for nonces that are missing or there twice.
#[test]
fn a_whole_load_is_signed_ahead() {
    let suite = Suite::Intl;
    let senders = Arc::new(Senders::prepare(&plan(suite, 5), suite));
    let signers = Signers::start(&senders, 1_000, Ahead::Whole(2), 2);
    while signers.made() < 2_000 {
        std::thread::yield_now();
    }
    let ready: Vec<_> = signers.ready.iter().collect();
    // Each thread may have begun one more batch.
    assert!((2_000..2_000 + 2 * BATCH_MAX).contains(&ready.len()), "{}", ready.len());
    let read = |signed: &Signed| Transaction::from_bytes(suite, signed.bytes.clone()).unwrap();
    let nonces: std::collections::HashSet<_> =
        ready.iter().map(read).map(|one| (one.body.sender, one.body.nonce)).collect();
    assert_eq!(nonces.len(), ready.len());
    signers.stop();
}

/// Goal: a batch never holds more of an account's nonces than its window bears, nor more than the
/// schedule takes in time. Method: few accounts, few transactions, many of both, none.
#[test]
fn batches_are_small_where_they_must_be() {
    assert_eq!(batch_size(1, 2, 40_000), NONCES_AT_ONCE_MAX / 2);
    assert_eq!(batch_size(1, 64, 40_000), 1);
    assert_eq!(batch_size(1_000, 2, 2), 2);
    assert_eq!(batch_size(1_000, 2, 40_000), BATCH_MAX);
    assert_eq!(batch_size(0, 1, 0), 1);
}
