//! Keep transactions, in the order of their arrival, until they are final.
//!
//! The pool is a data structure: it has no clock, no lock and no I/O.

use crate::mempool::arrivals::{Arrivals, Place};
use crate::mempool::refusal::Refusal;
use bytes::Bytes;
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use trine_ledger::TransactionIds;
use trine_types::limits::{
    BACKLOG_MS_MAX, BACKLOG_TRANSACTIONS_MIN, NONCE_WINDOW, PENDING_ACCOUNT_MAX, PENDING_BYTES_MAX,
    PENDING_TRANSACTIONS_MAX, RECENT_TRANSACTIONS_MAX,
};
use trine_types::transaction::peek_sender;
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
    since_ms: u64,
    sent_ms: u64,
    suspect: bool,
}

/// Head of a transaction's identifier. To find one with the head of another's takes 2⁶⁴ hashes,
/// while it waits.
type Mark = u64;

fn mark(id: &TransactionId) -> Mark {
    u64::from_le_bytes(*id.0.first_chunk().expect("an identifier has 32 bytes"))
}

/// Nonces of one sender and the places of their transactions.
type Nonces = SmallVec<[(u64, Place); 1]>;

/// Transactions that are not final yet; within the limits of `types::limits`.
#[derive(Debug, Default)]
pub struct Pool {
    entries: Arrivals<Pending>,
    places: HashMap<Mark, Place, RandomState>,
    /// Nonces and their places by sender; mostly one.
    accounts: HashMap<Address, Nonces, RandomState>,
    /// No transaction's validity ends before.
    valid_until_ms: u64,
    /// How many transactions are in doubt.
    suspects: usize,
    recent: Recent,
    bytes: usize,
}

/// Remembers transactions that became final a short while ago, in two generations: longer than it
/// takes until the state shows that their nonces are used.
#[derive(Debug, Default)]
struct Recent {
    young: HashSet<Mark, RandomState>,
    old: HashSet<Mark, RandomState>,
}

impl Recent {
    fn insert(&mut self, id: &TransactionId) {
        if self.young.len() >= RECENT_TRANSACTIONS_MAX / 2 {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(mark(id));
    }

    fn contains(&self, id: &TransactionId) -> bool {
        self.young.contains(&mark(id)) || self.old.contains(&mark(id))
    }
}

impl Pool {
    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all transactions.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the transaction is kept.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.place(id).is_some()
    }

    fn place(&self, id: &TransactionId) -> Option<Place> {
        let place = *self.places.get(&mark(id))?;
        self.entries.get(place).filter(|pending| pending.transaction.id == *id).map(|_| place)
    }

    /// Whether blocks take transactions more slowly than they come: many wait, and the oldest that
    /// could stand in a block has waited long.
    pub fn is_behind(&self, now_ms: u64) -> bool {
        let is_old = |pending: &Pending| now_ms.saturating_sub(pending.since_ms) > BACKLOG_MS_MAX;
        let mut proposable = self.entries.iter().filter(|(_, pending)| !pending.suspect);
        self.len() > BACKLOG_TRANSACTIONS_MIN
            && proposable.next().is_some_and(|(_, oldest)| is_old(oldest))
    }

    /// The transaction with these bytes, if it is kept.
    pub fn find(&self, bytes: &Bytes) -> Option<&Arc<Transaction>> {
        let (sender, nonce) = peek_sender(bytes)?;
        let (_, place) = self.accounts.get(&sender)?.iter().find(|(taken, _)| *taken == nonce)?;
        let found = &self.entries.get(*place)?.transaction;
        (found.bytes == *bytes).then_some(found)
    }

    /// Refuses a transaction that became final a short while ago.
    ///
    /// # Errors
    /// [`Refusal`] with [`Code::NonceUsed`].
    pub fn check_recent(&self, transaction: &Transaction) -> Result<(), Refusal> {
        if !self.recent.contains(&transaction.id) {
            return Ok(());
        }
        let nonce = transaction.body.nonce;
        let detail = format!("the transaction is final: nonce {nonce} is used");
        Err(Refusal::chain(Code::NonceUsed, detail))
    }

    /// Takes a transaction that may enter a block next. One whose signature is verified takes the
    /// place of one whose is not: whoever forwarded that may have made it up.
    ///
    /// # Errors
    /// [`Refusal`] when it is known, its nonce is taken or a limit is reached.
    pub fn insert(
        &mut self,
        transaction: Arc<Transaction>,
        origin: Origin,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.check_recent(&transaction)?;
        let body = &transaction.body;
        let nonce = body.nonce;
        if let Some(rival) = self.rival(&body.sender, nonce)? {
            let kept = self.entries.get(rival).map(|pending| &pending.transaction);
            if kept.is_some_and(|kept| kept.id == transaction.id) {
                return Err(Refusal::Duplicate);
            }
            if !transaction.is_signed() || kept.is_some_and(|kept| kept.is_signed()) {
                let detail =
                    format!("another transaction with nonce {nonce} waits: take another nonce");
                return Err(Refusal::chain(Code::NonceUsed, detail));
            }
            self.remove_place(rival);
            self.forget(&body.sender, rival);
        }
        let bytes = self.bytes + transaction.bytes.len();
        if self.len() >= PENDING_TRANSACTIONS_MAX || bytes > PENDING_BYTES_MAX {
            return Err(Refusal::PoolFull);
        }
        self.bytes = bytes;
        // The bound of an empty pool says nothing yet.
        let ends_ms = if self.is_empty() { u64::MAX } else { self.valid_until_ms };
        self.valid_until_ms = ends_ms.min(body.valid_until_ms);
        let (id, sender) = (transaction.id, body.sender);
        let (since_ms, sent_ms) = (now_ms, now_ms);
        let pending = Pending { transaction, origin, since_ms, sent_ms, suspect: false };
        let place = self.entries.push(pending);
        self.places.insert(mark(&id), place);
        self.accounts.entry(sender).or_default().push((nonce, place));
        Ok(())
    }

    /// The place of the waiting transaction with this nonce.
    ///
    /// # Errors
    /// [`Refusal::AccountFull`] when there is none and the account may have no further one.
    fn rival(&self, sender: &Address, nonce: u64) -> Result<Option<Place>, Refusal> {
        let Some(nonces) = self.accounts.get(sender) else { return Ok(None) };
        match nonces.iter().find(|(taken, _)| *taken == nonce) {
            Some((_, place)) => Ok(Some(*place)),
            None if nonces.len() >= PENDING_ACCOUNT_MAX => Err(Refusal::AccountFull),
            None => Ok(None),
        }
    }

    /// Removes what lies at a place; the account's nonces are the caller's.
    fn remove_place(&mut self, place: Place) -> Option<Arc<Transaction>> {
        let Pending { transaction, suspect, .. } = self.entries.remove(place)?;
        self.bytes -= transaction.bytes.len();
        self.suspects -= usize::from(suspect);
        let mark = mark(&transaction.id);
        if self.places.get(&mark) == Some(&place) {
            self.places.remove(&mark);
        }
        Some(transaction)
    }

    /// Takes the place of a removed transaction out of its account's nonces.
    fn forget(&mut self, sender: &Address, place: Place) {
        let Entry::Occupied(mut account) = self.accounts.entry(*sender) else { return };
        account.get_mut().retain(|(_, taken)| *taken != place);
        if account.get().is_empty() {
            account.remove();
        }
    }

    fn drop_place(&mut self, place: Place) {
        if let Some(transaction) = self.remove_place(place) {
            self.forget(&transaction.body.sender, place);
        }
    }

    /// Drops a transaction that can never become final; whether it was kept.
    pub fn remove(&mut self, id: &TransactionId) -> bool {
        let place = self.place(id);
        if let Some(place) = place {
            self.drop_place(place);
        }
        place.is_some()
    }

    /// Takes note of a final block: drops its transactions, those whose nonces they use or void,
    /// and those that expired by the block's time.
    pub fn finalize<'a>(
        &mut self,
        transactions: impl Iterator<Item = (TransactionId, &'a Address, u64)>,
        time_ms: u64,
    ) {
        for (id, sender, nonce) in transactions {
            self.recent.insert(&id);
            self.void(sender, nonce);
        }
        self.expire(time_ms);
    }

    /// Drops what is not valid any more at `time_ms`. Looks only when something may be: the bound
    /// moves on with every look.
    fn expire(&mut self, time_ms: u64) {
        if self.is_empty() || time_ms <= self.valid_until_ms {
            return;
        }
        let until = |pending: &Pending| pending.transaction.body.valid_until_ms;
        let entries = self.entries.iter();
        let expired: Vec<Place> = entries
            .filter(|(_, pending)| until(pending) < time_ms)
            .map(|(place, _)| place)
            .collect();
        expired.into_iter().for_each(|place| self.drop_place(place));
        let left = self.entries.iter().map(|(_, pending)| until(pending));
        self.valid_until_ms = left.min().unwrap_or(u64::MAX);
    }

    /// Drops what cannot be used once `nonce` is: the same nonce, and those below the window that
    /// ends with it.
    fn void(&mut self, sender: &Address, nonce: u64) {
        let Entry::Occupied(mut account) = self.accounts.entry(*sender) else { return };
        let lowest = nonce.saturating_sub(NONCE_WINDOW - 1);
        let mut void = SmallVec::<[Place; 1]>::new();
        account.get_mut().retain(|(taken, place)| {
            let is_void = *taken == nonce || *taken < lowest;
            if is_void {
                void.push(*place);
            }
            !is_void
        });
        if account.get().is_empty() {
            account.remove();
        }
        for place in void {
            self.remove_place(place);
        }
    }

    /// Transactions to propose, in order, none of `taken` and none that is in doubt.
    pub fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &TransactionIds,
    ) -> Vec<Arc<Transaction>> {
        let mut room = bytes_max;
        self.entries
            .iter()
            .map(|(_, pending)| pending)
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
        if let Some(place) = self.place(id) {
            self.set_suspect(place, true);
        }
    }

    /// Puts every transaction of an account in doubt: its keys changed.
    pub fn suspect_sender(&mut self, sender: &Address) {
        let nonces = self.accounts.get(sender).cloned().unwrap_or_default();
        nonces.into_iter().for_each(|(_, place)| self.set_suspect(place, true));
    }

    fn set_suspect(&mut self, place: Place, suspect: bool) {
        let Some(pending) = self.entries.get_mut(place) else { return };
        self.suspects -= usize::from(pending.suspect);
        self.suspects += usize::from(suspect);
        pending.suspect = suspect;
    }

    /// Transactions in doubt.
    pub fn suspects(&self) -> Vec<Arc<Transaction>> {
        let pending = self.entries.iter().map(|(_, pending)| pending);
        let suspects = pending.filter(|pending| pending.suspect).take(self.suspects);
        suspects.map(|pending| pending.transaction.clone()).collect()
    }

    /// Lets a transaction into proposals again.
    pub fn clear(&mut self, id: &TransactionId) {
        if let Some(place) = self.place(id) {
            self.set_suspect(place, false);
        }
    }

    /// Transactions of clients that were last sent to the other nodes before `before_ms`; notes
    /// that they are sent now.
    pub fn send_again(&mut self, before_ms: u64, now_ms: u64) -> Vec<Arc<Transaction>> {
        let mut again = Vec::new();
        self.entries.for_each_mut(|pending| {
            let is_own = pending.origin == Origin::Client && !pending.suspect;
            if is_own && pending.sent_ms < before_ms {
                pending.sent_ms = now_ms;
                again.push(pending.transaction.clone());
            }
        });
        again
    }
}
