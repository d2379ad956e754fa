//! Test the pool against a naive model and its limits.

use super::pool::{Origin, Pool};
use super::refusal::Refusal;
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use trine_ledger::TransactionIds;
use trine_testkit::{secret_key, suite};
use trine_types::limits::{
    BACKLOG_MS_MAX, BACKLOG_TRANSACTIONS_MIN, NONCE_WINDOW, PENDING_ACCOUNT_MAX,
};
use trine_types::{
    Address, ChainId, Code, RawCall, Transaction, TransactionId, UnsignedTransaction,
};

/// A transaction of one of a few accounts; `salt` makes two with one nonce differ.
fn transaction(account: u8, nonce: u64, valid_until_ms: u64, salt: u8) -> Arc<Transaction> {
    let body = UnsignedTransaction {
        chain_id: ChainId([1; 32]),
        sender: Address([account; 20]),
        key_index: 0,
        nonce,
        valid_until_ms,
        calls: [RawCall { module: 9, method: 9, arguments: [salt][..].into() }].into(),
    };
    Arc::new(body.sign(suite(), &secret_key("pool")))
}

fn ids(transactions: &[Arc<Transaction>]) -> Vec<TransactionId> {
    transactions.iter().map(|one| one.id).collect()
}

fn all(pool: &Pool) -> Vec<TransactionId> {
    ids(&pool.candidates(usize::MAX, usize::MAX, &Default::default()))
}

#[derive(Clone, Debug)]
enum Step {
    Insert { account: u8, nonce: u64, valid_until_ms: u64, salt: u8 },
    Finalize { account: u8, nonce: u64, time_ms: u64, salt: u8 },
    Remove { place: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let nonce = prop_oneof![0..4u64, 120..140u64, 250..270u64];
    let insert =
        (0..3u8, nonce.clone(), 1..40u64, 0..2u8).prop_map(|(account, nonce, until, salt)| {
            Step::Insert { account, nonce, valid_until_ms: until, salt }
        });
    let finalize = (0..3u8, nonce, 1..40u64, 0..2u8).prop_map(|(account, nonce, time_ms, salt)| {
        Step::Finalize { account, nonce, time_ms, salt }
    });
    let remove = (0..8usize).prop_map(|place| Step::Remove { place });
    prop_oneof![6 => insert, 2 => finalize, 1 => remove]
}

/// The same rules, written as filters over a list.
#[derive(Default)]
struct Model {
    kept: Vec<Arc<Transaction>>,
    finished: HashSet<TransactionId>,
}

impl Model {
    fn insert(&mut self, one: &Arc<Transaction>) -> Result<(), &'static str> {
        if self.kept.iter().any(|kept| kept.id == one.id) {
            return Err("duplicate");
        }
        let same = |kept: &Arc<Transaction>| {
            (kept.body.sender, kept.body.nonce) == (one.body.sender, one.body.nonce)
        };
        if self.finished.contains(&one.id) || self.kept.iter().any(same) {
            return Err("nonce_used");
        }
        self.kept.push(one.clone());
        Ok(())
    }

    fn finalize(&mut self, one: &Arc<Transaction>, time_ms: u64) {
        self.finished.insert(one.id);
        let (sender, nonce) = (one.body.sender, one.body.nonce);
        self.kept.retain(|kept| {
            let void = kept.body.nonce == nonce || kept.body.nonce + NONCE_WINDOW <= nonce;
            let gone = kept.body.sender == sender && void;
            !gone && kept.body.valid_until_ms >= time_ms
        });
    }
}

proptest! {
    /// Goal: the pool keeps exactly what can still become final, in the order of arrival.
    /// Method: random steps on the pool and on a list filtered by the rules; compare after each.
    #[test]
    fn agrees_with_a_naive_model(steps in prop::collection::vec(step(), 1..60)) {
        let (mut pool, mut model) = (Pool::default(), Model::default());
        for step in steps {
            match step {
                Step::Insert { account, nonce, valid_until_ms, salt } => {
                    let one = transaction(account, nonce, valid_until_ms, salt);
                    let found = pool.insert(one.clone(), Origin::Client, 0);
                    prop_assert_eq!(found.map_err(|refusal| refusal.code()), model.insert(&one));
                }
                Step::Finalize { account, nonce, time_ms, salt } => {
                    let one = transaction(account, nonce, 39, salt);
                    let spent = std::iter::once((one.id, &one.body.sender, one.body.nonce));
                    pool.finalize(spent, time_ms);
                    model.finalize(&one, time_ms);
                }
                Step::Remove { place } => {
                    if place < model.kept.len() {
                        let one = model.kept.remove(place);
                        pool.remove(&one.id);
                    }
                }
            }
            prop_assert_eq!(all(&pool), ids(&model.kept));
            let bytes: usize = model.kept.iter().map(|one| one.bytes.len()).sum();
            prop_assert_eq!((pool.len(), pool.bytes()), (model.kept.len(), bytes));
        }
    }
}

/// Goal: proposals respect both limits and leave out what is taken. Method: three transactions of
/// one size; ask with room for each number of them.
#[test]
fn candidates_respect_count_bytes_and_taken() {
    let mut pool = Pool::default();
    let three: Vec<_> = (0..3).map(|nonce| transaction(1, nonce, 9, 0)).collect();
    three.iter().for_each(|one| pool.insert(one.clone(), Origin::Peer, 0).unwrap());
    let size = three[0].bytes.len();
    let none = TransactionIds::default();
    for count in 0..=3 {
        assert_eq!(pool.candidates(count, usize::MAX, &none).len(), count);
        assert_eq!(pool.candidates(9, count * size, &none).len(), count);
    }
    assert_eq!(pool.candidates(9, 2 * size - 1, &none).len(), 1);
    let taken = TransactionIds::from_iter([three[0].id]);
    assert_eq!(ids(&pool.candidates(9, usize::MAX, &taken)), ids(&three[1..]));
}

/// Goal: an account's limit holds and another account is not touched by it. Method: fill to the
/// limit, one more, then one of a neighbour.
#[test]
fn an_account_at_its_limit_is_refused_alone() {
    let mut pool = Pool::default();
    for nonce in 0..PENDING_ACCOUNT_MAX as u64 {
        pool.insert(transaction(1, nonce, 9, 0), Origin::Client, 0).unwrap();
    }
    let over = transaction(1, PENDING_ACCOUNT_MAX as u64, 9, 0);
    assert_eq!(pool.insert(over, Origin::Client, 0), Err(Refusal::AccountFull));
    assert_eq!(pool.insert(transaction(2, 0, 9, 0), Origin::Client, 0), Ok(()));
}

/// Goal: what a leader left out is not proposed until it is cleared. Method: suspect one of two,
/// then clear it; suspect a whole sender.
#[test]
fn suspects_are_not_proposed() {
    let mut pool = Pool::default();
    let (first, second) = (transaction(1, 0, 9, 0), transaction(2, 0, 9, 0));
    pool.insert(first.clone(), Origin::Client, 0).unwrap();
    pool.insert(second.clone(), Origin::Client, 0).unwrap();
    pool.suspect(&first.id);
    assert_eq!(all(&pool), vec![second.id]);
    assert_eq!(ids(&pool.suspects()), vec![first.id]);
    pool.clear(&first.id);
    assert_eq!(all(&pool), vec![first.id, second.id]);
    pool.suspect_sender(&second.body.sender);
    assert_eq!(all(&pool), vec![first.id]);
}

/// Goal: only clients' transactions are sent again, each once an interval. Method: one of a client
/// and one of a peer; ask at three times.
#[test]
fn clients_transactions_are_sent_again() {
    let mut pool = Pool::default();
    let (own, foreign) = (transaction(1, 0, 9, 0), transaction(2, 0, 9, 0));
    pool.insert(own.clone(), Origin::Client, 10).unwrap();
    pool.insert(foreign, Origin::Peer, 10).unwrap();
    assert!(pool.send_again(10, 15).is_empty());
    assert_eq!(ids(&pool.send_again(11, 20)), vec![own.id]);
    assert!(pool.send_again(20, 25).is_empty());
}

/// Goal: a copy that arrives after finality is not kept again. Method: finalize, then insert.
#[test]
fn a_final_transaction_does_not_come_back() {
    let mut pool = Pool::default();
    let one = transaction(1, 5, 9, 0);
    pool.insert(one.clone(), Origin::Client, 0).unwrap();
    pool.finalize(std::iter::once((one.id, &one.body.sender, 5)), 1);
    let refusal = pool.insert(one, Origin::Peer, 0).unwrap_err();
    assert_eq!(refusal.code(), Code::NonceUsed.name());
}

/// Goal: a long and old backlog is one, a long or an old one alone is none. Method: at the limit,
/// then one over it, each at both ages; then doubt the oldest.
#[test]
fn a_backlog_is_long_and_old() {
    let mut pool = Pool::default();
    let count = BACKLOG_TRANSACTIONS_MIN as u64;
    let place = |number: u64| (number / NONCE_WINDOW, number % NONCE_WINDOW);
    let one = |number: u64| {
        let (account, nonce) = place(number);
        transaction(account as u8, nonce, 9, 0)
    };
    for number in 0..count {
        pool.insert(one(number), Origin::Client, 0).unwrap();
    }
    assert!(!pool.is_behind(BACKLOG_MS_MAX + 1), "long enough is not too long");
    pool.insert(one(count), Origin::Client, 1).unwrap();
    assert!(!pool.is_behind(BACKLOG_MS_MAX), "not old yet");
    assert!(pool.is_behind(BACKLOG_MS_MAX + 1));
    let doubted = one(0).body.sender;
    pool.suspect_sender(&doubted);
    assert!(pool.is_behind(BACKLOG_MS_MAX + 1), "the next oldest is as old");
}

/// Goal: what another node makes up keeps no honest transaction out. Method: an unverified one
/// takes a nonce; another such one is refused, a verified one takes its place and is kept.
#[test]
fn a_verified_transaction_takes_the_place_of_an_unverified_one() {
    let mut pool = Pool::default();
    let [made_up, other, honest, late] = [0, 1, 2, 3].map(|salt| transaction(1, 0, 9, salt));
    pool.insert(made_up.clone(), Origin::Peer, 0).unwrap();
    assert_eq!(pool.insert(other, Origin::Peer, 0).unwrap_err().code(), Code::NonceUsed.name());
    assert!(pool.contains(&made_up.id));
    honest.note_verified(b"key");
    pool.insert(honest.clone(), Origin::Client, 0).unwrap();
    assert_eq!(all(&pool), vec![honest.id]);
    late.note_verified(b"key");
    assert_eq!(pool.insert(late, Origin::Client, 0).unwrap_err().code(), Code::NonceUsed.name());
}

/// Goal: a transaction is found by exactly its bytes. Method: one kept; ask for its bytes, for
/// others, for too few.
#[test]
fn a_transaction_is_found_by_its_bytes() {
    let mut pool = Pool::default();
    let one = transaction(1, 0, 9, 0);
    pool.insert(one.clone(), Origin::Peer, 0).unwrap();
    assert_eq!(pool.find(&one.bytes).map(|found| found.id), Some(one.id));
    let mut forged = one.bytes.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert!(pool.find(&forged.into()).is_none());
    assert!(pool.find(&one.bytes.slice(..40)).is_none());
}
