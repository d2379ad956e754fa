//! Keep transactions, in the order of their arrival, until they are final.
//!
//! The pool is a data structure: it has no clock, no lock and no I/O.

use crate::mempool::refusal::Refusal;
use bytes::Bytes;
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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

/// Place in the order of arrival.
type Place = u64;

/// Milliseconds of validity whose ends are remembered together.
const EXPIRY_STEP_MS: u64 = 256;
/// Places of transactions that left, for which no sweep is worth its time.
const EXPIRIES_SWEPT_MIN: usize = 4_096;

/// Transactions that are not final yet; within the limits of `types::limits`.
#[derive(Debug, Default)]
pub struct Pool {
    entries: BTreeMap<Place, Pending>,
    places: HashMap<TransactionId, Place, RandomState>,
    /// Nonces and their places by sender; mostly one.
    accounts: HashMap<Address, Nonces, RandomState>,
    expiries: Expiries,
    suspects: BTreeSet<Place>,
    recent: Recent,
    bytes: usize,
    next: Place,
}

type Nonces = SmallVec<[(u64, Place); 1]>;

/// Places by the step in which a transaction's validity ends. Those that have left the pool are
/// swept out once they are the greater part.
#[derive(Debug, Default)]
struct Expiries {
    steps: BTreeMap<u64, Vec<Place>>,
    count: usize,
}

impl Expiries {
    fn insert(&mut self, valid_until_ms: u64, place: Place) {
        self.steps.entry(valid_until_ms / EXPIRY_STEP_MS).or_default().push(place);
        self.count += 1;
    }

    /// Takes the places of one step that is over, or has begun, at `time_ms`; oldest first.
    fn take(&mut self, time_ms: u64) -> Option<Vec<Place>> {
        let oldest = self.steps.first_entry()?;
        if *oldest.key() > time_ms / EXPIRY_STEP_MS {
            return None;
        }
        let places = oldest.remove();
        self.count -= places.len();
        Some(places)
    }

    fn sweep(&mut self, kept: usize, is_kept: impl Fn(&Place) -> bool) {
        if self.count <= 2 * kept + EXPIRIES_SWEPT_MIN {
            return;
        }
        self.steps.values_mut().for_each(|places| places.retain(&is_kept));
        self.steps.retain(|_, places| !places.is_empty());
        self.count = self.steps.values().map(Vec::len).sum();
    }
}

/// Remembers transactions that became final a short while ago, in two generations: longer than it
/// takes until the state shows that their nonces are used.
#[derive(Debug, Default)]
struct Recent {
    young: HashSet<TransactionId, RandomState>,
    old: HashSet<TransactionId, RandomState>,
}

impl Recent {
    fn insert(&mut self, id: TransactionId) {
        if self.young.len() >= RECENT_TRANSACTIONS_MAX / 2 {
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

    /// Whether blocks take transactions more slowly than they come: many wait, and the oldest that
    /// could stand in a block has waited long.
    pub fn is_behind(&self, now_ms: u64) -> bool {
        let is_old = |pending: &Pending| now_ms.saturating_sub(pending.since_ms) > BACKLOG_MS_MAX;
        let mut proposable = self.entries.values().filter(|pending| !pending.suspect);
        self.len() > BACKLOG_TRANSACTIONS_MIN && proposable.next().is_some_and(is_old)
    }

    /// The transaction with these bytes, if it is kept.
    pub fn find(&self, bytes: &Bytes) -> Option<&Arc<Transaction>> {
        let (sender, nonce) = peek_sender(bytes)?;
        let (_, place) = self.accounts.get(&sender)?.iter().find(|(taken, _)| *taken == nonce)?;
        let found = &self.entries.get(place)?.transaction;
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
            let kept = self.entries.get(&rival).map(|pending| &pending.transaction);
            if kept.is_some_and(|kept| kept.id == transaction.id) {
                return Err(Refusal::Duplicate);
            }
            if !transaction.is_signed() || kept.is_some_and(|kept| kept.is_signed()) {
                let detail =
                    format!("another transaction with nonce {nonce} waits: take another nonce");
                return Err(Refusal::chain(Code::NonceUsed, detail));
            }
            self.remove_place(rival);
        }
        let bytes = self.bytes + transaction.bytes.len();
        if self.len() >= PENDING_TRANSACTIONS_MAX || bytes > PENDING_BYTES_MAX {
            return Err(Refusal::PoolFull);
        }
        let place = self.next;
        self.next += 1;
        self.bytes = bytes;
        self.places.insert(transaction.id, place);
        self.accounts.entry(body.sender).or_default().push((nonce, place));
        self.expiries.insert(body.valid_until_ms, place);
        let (since_ms, sent_ms) = (now_ms, now_ms);
        let pending = Pending { transaction, origin, since_ms, sent_ms, suspect: false };
        self.entries.insert(place, pending);
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

    fn remove_place(&mut self, place: Place) {
        let Some(Pending { transaction, .. }) = self.entries.remove(&place) else { return };
        self.bytes -= transaction.bytes.len();
        self.places.remove(&transaction.id);
        self.suspects.remove(&place);
        let sender = &transaction.body.sender;
        if let Some(nonces) = self.accounts.get_mut(sender) {
            nonces.retain(|(_, taken)| *taken != place);
            if nonces.is_empty() {
                self.accounts.remove(sender);
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
        self.expire(time_ms);
    }

    /// Drops what is not valid any more at `time_ms`.
    fn expire(&mut self, time_ms: u64) {
        let mut still = Vec::new();
        while let Some(places) = self.expiries.take(time_ms) {
            for place in places {
                let Some(pending) = self.entries.get(&place) else { continue };
                match pending.transaction.body.valid_until_ms {
                    until if until < time_ms => self.remove_place(place),
                    until => still.push((until, place)),
                }
            }
        }
        still.into_iter().for_each(|(until, place)| self.expiries.insert(until, place));
        self.expiries.sweep(self.entries.len(), |place| self.entries.contains_key(place));
    }

    /// Drops what cannot be used once `nonce` is: the same nonce, and those below the window that
    /// ends with it.
    fn void(&mut self, sender: &Address, nonce: u64) {
        let Some(nonces) = self.accounts.get(sender) else { return };
        let lowest = nonce.saturating_sub(NONCE_WINDOW - 1);
        let is_void = |taken: &u64| *taken == nonce || *taken < lowest;
        let void: Vec<Place> =
            nonces.iter().filter(|(taken, _)| is_void(taken)).map(|(_, place)| *place).collect();
        void.into_iter().for_each(|place| self.remove_place(place));
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
        for (_, place) in nonces.iter() {
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
