//! Keep transactions, in the order of their arrival, until they are final.
//!
//! The pool is a data structure: it has no clock, no lock and no I/O.

use crate::mempool::refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use trine_types::limits::{
    NONCE_WINDOW, PENDING_ACCOUNT_MAX, PENDING_BYTES_MAX, PENDING_TRANSACTIONS_MAX,
};
use trine_types::{Address, Code, Transaction, TransactionId};

/// Who brought a transaction to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client; this node sends it to the others.
    Client,
    /// Another node, which takes care that every node has it.
    Peer,
}

#[derive(Debug)]
struct Pending {
    transaction: Arc<Transaction>,
    origin: Origin,
    sent_ms: u64,
    suspect: bool,
}

/// Place in the order of arrival.
type Place = u64;

/// Transactions that are not final yet; within the limits of `types::limits`.
#[derive(Debug, Default)]
pub struct Pool {
    entries: BTreeMap<Place, Pending>,
    places: HashMap<TransactionId, Place>,
    /// Places by sender and nonce.
    accounts: HashMap<Address, BTreeMap<u64, Place>>,
    /// Places by the time until which the transaction is valid.
    expiries: BTreeSet<(u64, Place)>,
    suspects: BTreeSet<Place>,
    recent: Recent,
    bytes: usize,
    next: Place,
}

/// Remembers transactions that became final a short while ago, in two generations.
#[derive(Debug, Default)]
struct Recent {
    young: HashSet<TransactionId>,
    old: HashSet<TransactionId>,
}

impl Recent {
    fn insert(&mut self, id: TransactionId) {
        if self.young.len() >= PENDING_TRANSACTIONS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id);
    }

    fn contains(&self, id: &TransactionId) -> bool {
        self.young.contains(id) || self.old.contains(id)
    }
}

impl Pool {
    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all transactions.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the transaction is kept.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.places.contains_key(id)
    }

    /// Says whether `transaction` would be taken.
    ///
    /// # Errors
    /// [`Refusal`] when it is known or a limit is reached.
    pub fn check(&self, transaction: &Transaction) -> Result<(), Refusal> {
        if self.contains(&transaction.id) {
            return Err(Refusal::Duplicate);
        }
        let nonce = transaction.body.nonce;
        if self.recent.contains(&transaction.id) {
            let detail = format!("the transaction is final: nonce {nonce} is used");
            return Err(Refusal::chain(Code::NonceUsed, detail));
        }
        if let Some(nonces) = self.accounts.get(&transaction.body.sender) {
            if nonces.contains_key(&nonce) {
                let detail =
                    format!("another transaction with nonce {nonce} waits: take another nonce");
                return Err(Refusal::chain(Code::NonceUsed, detail));
            }
            if nonces.len() >= PENDING_ACCOUNT_MAX {
                return Err(Refusal::AccountFull);
            }
        }
        let bytes = self.bytes + transaction.bytes.len();
        if self.len() >= PENDING_TRANSACTIONS_MAX || bytes > PENDING_BYTES_MAX {
            return Err(Refusal::PoolFull);
        }
        Ok(())
    }

    /// Takes a transaction whose signature and nonce were checked.
    ///
    /// # Errors
    /// As [`Pool::check`].
    pub fn insert(
        &mut self,
        transaction: Arc<Transaction>,
        origin: Origin,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.check(&transaction)?;
        let place = self.next;
        self.next += 1;
        self.bytes += transaction.bytes.len();
        self.places.insert(transaction.id, place);
        let body = &transaction.body;
        self.accounts.entry(body.sender).or_default().insert(body.nonce, place);
        self.expiries.insert((body.valid_until_ms, place));
        self.entries
            .insert(place, Pending { transaction, origin, sent_ms: now_ms, suspect: false });
        Ok(())
    }

    fn remove_place(&mut self, place: Place) {
        let Some(Pending { transaction, .. }) = self.entries.remove(&place) else { return };
        self.bytes -= transaction.bytes.len();
        self.places.remove(&transaction.id);
        let body = &transaction.body;
        self.expiries.remove(&(body.valid_until_ms, place));
        self.suspects.remove(&place);
        if let Some(nonces) = self.accounts.get_mut(&body.sender) {
            nonces.remove(&body.nonce);
            if nonces.is_empty() {
                self.accounts.remove(&body.sender);
            }
        }
    }

    /// Drops a transaction that can never become final.
    pub fn remove(&mut self, id: &TransactionId) {
        if let Some(place) = self.places.get(id) {
            self.remove_place(*place);
        }
    }

    /// Takes note of a final block: drops its transactions, those whose nonces they use or void,
    /// and those that expired by the block's time.
    pub fn finalize<'a>(
        &mut self,
        transactions: impl Iterator<Item = (TransactionId, &'a Address, u64)>,
        time_ms: u64,
    ) {
        for (id, sender, nonce) in transactions {
            self.recent.insert(id);
            self.remove(&id);
            self.void(sender, nonce);
        }
        while let Some((valid_until_ms, place)) = self.expiries.first().copied() {
            if valid_until_ms >= time_ms {
                break;
            }
            self.remove_place(place);
        }
    }

    /// Drops what cannot be used once `nonce` is: the same nonce, and those below the window that
    /// ends with it.
    fn void(&mut self, sender: &Address, nonce: u64) {
        let Some(nonces) = self.accounts.get(sender) else { return };
        let lowest = nonce.saturating_sub(NONCE_WINDOW - 1);
        let below = nonces.range(..lowest).map(|(_, place)| *place);
        let void: Vec<Place> = below.chain(nonces.get(&nonce).copied()).collect();
        void.into_iter().for_each(|place| self.remove_place(place));
    }

    /// Transactions to propose, in order, none of `taken` and none that is in doubt.
    pub fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &HashSet<TransactionId>,
    ) -> Vec<Arc<Transaction>> {
        let mut room = bytes_max;
        self.entries
            .values()
            .filter(|pending| !pending.suspect && !taken.contains(&pending.transaction.id))
            .take_while(|pending| {
                let length = pending.transaction.bytes.len();
                let fits = length <= room;
                room = room.saturating_sub(length);
                fits
            })
            .take(count_max)
            .map(|pending| pending.transaction.clone())
            .collect()
    }

    /// Keeps a transaction out of proposals until it was checked against the next final state.
    pub fn suspect(&mut self, id: &TransactionId) {
        let Some(place) = self.places.get(id) else { return };
        if let Some(pending) = self.entries.get_mut(place) {
            pending.suspect = true;
            self.suspects.insert(*place);
        }
    }

    /// Puts every transaction of an account in doubt: its keys changed.
    pub fn suspect_sender(&mut self, sender: &Address) {
        let Some(nonces) = self.accounts.get(sender) else { return };
        for place in nonces.values() {
            if let Some(pending) = self.entries.get_mut(place) {
                pending.suspect = true;
                self.suspects.insert(*place);
            }
        }
    }

    /// Transactions in doubt.
    pub fn suspects(&self) -> Vec<Arc<Transaction>> {
        let pending = self.suspects.iter().filter_map(|place| self.entries.get(place));
        pending.map(|pending| pending.transaction.clone()).collect()
    }

    /// Lets a transaction into proposals again.
    pub fn clear(&mut self, id: &TransactionId) {
        let Some(place) = self.places.get(id) else { return };
        self.suspects.remove(place);
        if let Some(pending) = self.entries.get_mut(place) {
            pending.suspect = false;
        }
    }

    /// Transactions of clients that were last sent to the other nodes before `before_ms`; notes
    /// that they are sent now.
    pub fn send_again(&mut self, before_ms: u64, now_ms: u64) -> Vec<Arc<Transaction>> {
        let own = self.entries.values_mut().filter(|pending| {
            pending.origin == Origin::Client && !pending.suspect && pending.sent_ms < before_ms
        });
        own.map(|pending| {
            pending.sent_ms = now_ms;
            pending.transaction.clone()
        })
        .collect()
    }
}
