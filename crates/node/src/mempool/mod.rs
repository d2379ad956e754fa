//! Admit transactions, keep them until they are final, and bring them to every node.
//!
//! The path of a batch: decode, drop what is known, check against the newest final state, verify
//! signatures together with other requests, keep, forward.

pub mod admission;
mod arrivals;
pub mod batch;
pub mod forward;
pub mod pool;
pub mod refusal;
pub mod verifier;

#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod tests;

use crate::{clock, feed::Feed, metrics::Metrics, reader::ChainReader};
use admission::Admission;
use bytes::Bytes;
use forward::Forwarder;
use pool::{Origin, Pool};
use refusal::{Refusal, Verdict};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, futures::OwnedNotified, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use trine_ledger::TransactionIds;
use trine_types::application::{Application, BlockContext, SignerKey};
use trine_types::record::Parameters;
use trine_types::{
    ChainId, Code, Decode as _, Height, StateKey, Suite, Transaction, TransactionId, View, limits,
};
use verifier::{Signed, Verifier};

/// Bytes of a batch from which on decoding leaves the reactor.
const DECODE_INLINE_BYTES_MAX: usize = 256 * 1_024;
/// Batches of other nodes that are admitted at the same time.
const RECEIVE_CONCURRENCY: usize = 4;

/// What the pool needs to know and use.
pub struct Parts {
    /// Suite of the chain.
    pub suite: Suite,
    /// Chain.
    pub chain_id: ChainId,
    /// Rules.
    pub application: Arc<dyn Application>,
    /// State to check against.
    pub reader: Arc<dyn ChainReader>,
    /// Newest durable block.
    pub feed: Arc<Feed>,
    /// Checks signatures.
    pub verifier: Arc<Verifier>,
    /// Sends to the other nodes.
    pub forwarder: Arc<dyn Forwarder>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The transactions that this node keeps, and how they come in.
pub struct Mempool {
    parts: Parts,
    pool: Mutex<Pool>,
    changed: Arc<Notify>,
    outbox: Mutex<Vec<Bytes>>,
    outbox_filled: Notify,
    /// What other nodes vouched for and this node has yet to check.
    unchecked: Mutex<Vec<Arc<Transaction>>>,
    unchecked_filled: Notify,
    inbox: mpsc::Sender<Bytes>,
    parameters: Mutex<Option<(u64, Arc<Parameters>)>>,
    final_block: Notify,
    started: Instant,
}

/// What runs beside a pool: admits, forwards, checks again.
pub struct Background {
    mempool: Arc<Mempool>,
    received: mpsc::Receiver<Bytes>,
}

impl Background {
    /// Runs on the current runtime; none of the tasks ends by itself.
    pub fn spawn(self, tasks: &mut JoinSet<()>) {
        let Self { mempool, received } = self;
        tasks.spawn(mempool.clone().admit_received(received));
        tasks.spawn(mempool.clone().check_received());
        tasks.spawn(mempool.clone().send());
        tasks.spawn(mempool.clone().send_again());
        tasks.spawn(mempool.check_suspects());
    }
}

/// A submitted transaction on its way: still considered, or refused.
type Slot = Result<Arc<Transaction>, Verdict>;

/// Takes a lock; a thread that died with it left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(id: Option<TransactionId>, refusal: Refusal) -> Slot {
    Err(Verdict { id, result: Err(refusal) })
}

impl Mempool {
    /// Starts with an empty pool; the second part is what has to run beside it.
    pub fn new(parts: Parts) -> (Arc<Self>, Background) {
        let (inbox, received) = mpsc::channel(limits::FORWARD_QUEUE_MAX);
        let mempool = Arc::new(Self {
            parts,
            pool: Mutex::default(),
            changed: Arc::default(),
            outbox: Mutex::default(),
            outbox_filled: Notify::new(),
            unchecked: Mutex::default(),
            unchecked_filled: Notify::new(),
            inbox,
            parameters: Mutex::default(),
            final_block: Notify::new(),
            started: Instant::now(),
        });
        (mempool.clone(), Background { mempool, received })
    }

    /// Milliseconds since the start; the clock of what is sent again.
    fn age_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Number and bytes of the transactions kept.
    pub fn size(&self) -> (usize, usize) {
        let pool = lock(&self.pool);
        (pool.len(), pool.bytes())
    }

    /// Whether the transaction is kept.
    pub fn contains(&self, id: &TransactionId) -> bool {
        lock(&self.pool).contains(id)
    }

    /// Transactions to propose (see the engine's source of candidates).
    pub fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &TransactionIds,
    ) -> Vec<Arc<Transaction>> {
        lock(&self.pool).candidates(count_max, bytes_max, taken)
    }

    /// Those transactions, by their bytes, that are kept.
    pub fn known(&self, raw: &[Bytes]) -> Vec<Option<Arc<Transaction>>> {
        let pool = lock(&self.pool);
        raw.iter().map(|bytes| pool.find(bytes).cloned()).collect()
    }

    /// Resolves when a transaction was added after this call.
    pub fn changed(&self) -> OwnedNotified {
        self.changed.clone().notified_owned()
    }

    /// Takes note that a leader's block left these transactions out: they are proposed again only
    /// if they are still valid in the next final state.
    pub fn left_out(&self, ids: &[TransactionId]) {
        let mut pool = lock(&self.pool);
        ids.iter().for_each(|id| pool.suspect(id));
    }

    /// Takes note of the next final block.
    pub fn finalized(&self, transactions: &[Arc<Transaction>], time_ms: u64) {
        let keys_changed = transactions.iter().filter(|one| changes_keys(one));
        let mut pool = lock(&self.pool);
        let spent = transactions.iter().map(|one| (one.id, &one.body.sender, one.body.nonce));
        pool.finalize(spent, time_ms);
        keys_changed.for_each(|one| pool.suspect_sender(&one.body.sender));
    }

    /// Takes note that the state of a final block can be read now.
    pub fn durable(&self, _: Height) {
        self.final_block.notify_one();
    }

    /// Takes a batch that another node forwarded. Drops it when too many wait: the sender sends
    /// again what does not become final.
    pub fn receive(&self, batch: Bytes) {
        let metrics = &self.parts.metrics;
        match self.inbox.try_send(batch) {
            Ok(()) => metrics.batches_received.add(1),
            Err(_) => metrics.batches_dropped.add(1),
        }
    }

    /// Admits encoded transactions; one verdict each, in order.
    pub async fn submit(&self, raw: Vec<Bytes>) -> Vec<Verdict> {
        if lock(&self.pool).is_behind(self.age_ms()) {
            return self.count(raw.iter().map(|_| refused(None, Refusal::Behind)).collect());
        }
        let mut slots = self.decode_new(raw).await;
        let keys = self.check(&mut slots).await;
        self.verify(&mut slots, keys).await;
        self.keep(&mut slots, Origin::Client);
        self.count(slots)
    }

    /// Keeps transactions that another node vouches for. They may enter a block at once; what they
    /// need of the state, and their signatures, are checked with those of other batches.
    async fn admit(&self, raw: Vec<Bytes>) {
        let mut slots = self.decode_new(raw).await;
        refuse_where(&mut slots, |one| admission::check_chain(self.parts.chain_id, one));
        self.keep(&mut slots, Origin::Peer);
        let kept = slots.iter().filter_map(|slot| slot.as_ref().ok()).cloned();
        lock(&self.unchecked).extend(kept);
        self.count(slots);
        self.unchecked_filled.notify_one();
    }

    /// Decodes transactions that are neither kept already nor final since a short while.
    async fn decode_new(&self, raw: Vec<Bytes>) -> Vec<Slot> {
        let known = self.known(&raw);
        let fresh = raw.into_iter().zip(&known).filter(|(_, known)| known.is_none());
        let mut decoded = self.decode(fresh.map(|(bytes, _)| bytes).collect()).await.into_iter();
        let slot = |known: Option<Arc<Transaction>>| match known {
            Some(known) => Some(refused(Some(known.id), Refusal::Duplicate)),
            None => decoded.next(),
        };
        let mut slots: Vec<Slot> = known.into_iter().filter_map(slot).collect();
        let pool = lock(&self.pool);
        refuse_where(&mut slots, |transaction| pool.check_recent(transaction));
        drop(pool);
        slots
    }

    fn count(&self, slots: Vec<Slot>) -> Vec<Verdict> {
        let metrics = &self.parts.metrics;
        let verdicts: Vec<Verdict> = slots.into_iter().map(verdict).collect();
        let refusals = verdicts.iter().filter_map(|verdict| verdict.result.as_ref().err());
        let mut refused = 0;
        for refusal in refusals {
            metrics.refused.add(refusal.code(), 1);
            refused += 1;
        }
        metrics.accepted.add(verdicts.len() as u64 - refused);
        verdicts
    }

    async fn decode(&self, raw: Vec<Bytes>) -> Vec<Slot> {
        let suite = self.parts.suite;
        let count = raw.len();
        let bytes: usize = raw.iter().map(Bytes::len).sum();
        let work = move || raw.into_iter().map(|bytes| decode(suite, bytes)).collect();
        if bytes <= DECODE_INLINE_BYTES_MAX {
            return work();
        }
        let decoded = tokio::task::spawn_blocking(work).await;
        decoded.unwrap_or_else(|error| {
            tracing::error!(%error, "decoding a batch");
            (0..count).map(|_| refused(None, Refusal::Internal)).collect()
        })
    }

    /// Checks against the newest final state; returns the keys of those that pass, in order.
    async fn check(&self, slots: &mut [Slot]) -> Vec<SignerKey> {
        if slots.iter().all(Result::is_err) {
            return Vec::new();
        }
        let Some(tip) = self.parts.feed.tip() else {
            refuse_where(slots, |_| Err(Refusal::NotReady));
            return Vec::new();
        };
        let context = BlockContext {
            suite: self.parts.suite,
            chain_id: self.parts.chain_id,
            height: Height(tip.header.height.0 + 1),
            epoch: tip.header.epoch,
            time_ms: clock::now_ms().max(tip.header.time_ms + 1),
            closes_epoch: false,
        };
        let transactions: Vec<Arc<Transaction>> =
            slots.iter().filter_map(|slot| slot.as_ref().ok()).cloned().collect();
        let view = self.view(&context, &transactions).await;
        let parameters = self.parameters(tip.header.parameters_version).await;
        let (Some(view), Some(parameters)) = (view, parameters) else {
            refuse_where(slots, |_| Err(Refusal::Internal));
            return Vec::new();
        };
        let application = &*self.parts.application;
        let admission = Admission { application, context, parameters: &parameters };
        let mut keys = Vec::with_capacity(transactions.len());
        refuse_where(slots, |transaction| {
            keys.push(admission.check(transaction, &view)?);
            Ok(())
        });
        keys
    }

    /// Reads what admission looks at.
    async fn view(
        &self,
        context: &BlockContext,
        transactions: &[Arc<Transaction>],
    ) -> Option<View> {
        let senders = sorted(transactions.iter().map(|one| one.body.sender));
        let keys = sorted(transactions.iter().filter_map(|one| admission::key_state(context, one)));
        let reader = &self.parts.reader;
        let read = async {
            let accounts = reader.accounts(senders.clone()).await?;
            let values =
                if keys.is_empty() { Vec::new() } else { reader.values(keys.clone()).await? };
            Ok::<_, crate::reader::ReadError>((accounts, values))
        };
        let (accounts, values) =
            read.await.inspect_err(|error| tracing::error!(%error, "admission")).ok()?;
        let mut view = View::default();
        senders.iter().zip(accounts).for_each(|(at, account)| view.stage_account(*at, account));
        keys.iter().zip(values).for_each(|(key, value)| view.stage_value(*key, value));
        Some(view)
    }

    /// Parameters of the chain; read again only when they changed.
    async fn parameters(&self, version: u64) -> Option<Arc<Parameters>> {
        if let Some((known, parameters)) = &*lock(&self.parameters)
            && *known == version
        {
            return Some(parameters.clone());
        }
        let key = StateKey::parameters(self.parts.suite);
        let read = self.parts.reader.values(vec![key]).await;
        let values = read.inspect_err(|error| tracing::error!(%error, "parameters")).ok()?;
        let encoded = values.into_iter().next().flatten()?;
        let parameters = Arc::new(Parameters::from_bytes(&encoded).ok()?);
        *lock(&self.parameters) = Some((version, parameters.clone()));
        Some(parameters)
    }

    async fn verify(&self, slots: &mut [Slot], keys: Vec<SignerKey>) {
        let items: Vec<Signed> =
            slots.iter().filter_map(|slot| slot.as_ref().ok()).cloned().zip(keys).collect();
        let Ok(verdicts) = self.parts.verifier.verify(items).await else {
            return refuse_where(slots, |_| Err(Refusal::PoolFull));
        };
        let mut verdicts = verdicts.into_iter();
        refuse_where(slots, |_| match verdicts.next() {
            Some(true) => Ok(()),
            _ => {
                let detail = "the signature does not verify under the account's key";
                Err(Refusal::chain(Code::BadSignature, detail))
            }
        });
    }

    fn keep(&self, slots: &mut [Slot], origin: Origin) {
        let now_ms = self.age_ms();
        {
            let mut pool = lock(&self.pool);
            refuse_where(slots, |one| pool.insert(one.clone(), origin, now_ms));
        }
        let kept = || slots.iter().filter_map(|slot| slot.as_ref().ok());
        if kept().next().is_none() {
            return;
        }
        self.changed.notify_waiters();
        if origin == Origin::Client {
            lock(&self.outbox).extend(kept().map(|one| one.bytes.clone()));
            self.outbox_filled.notify_one();
        }
    }

    /// Admits what other nodes forward, a few batches at a time.
    async fn admit_received(self: Arc<Self>, mut received: mpsc::Receiver<Bytes>) {
        let mut running = JoinSet::new();
        while let Some(batch) = received.recv().await {
            let raw = match batch::split(&batch) {
                Ok(raw) => raw,
                Err(error) => {
                    tracing::warn!(%error, "another node forwarded a malformed batch");
                    continue;
                }
            };
            if running.len() >= RECEIVE_CONCURRENCY {
                running.join_next().await;
            }
            let mempool = self.clone();
            running.spawn(async move { mempool.admit(raw).await });
            while running.try_join_next().is_some() {}
        }
    }

    /// Checks what other nodes vouched for, many together.
    async fn check_received(self: Arc<Self>) {
        loop {
            self.unchecked_filled.notified().await;
            let full = async {
                while lock(&self.unchecked).len() < limits::CHECK_FORWARDED_FULL {
                    self.unchecked_filled.notified().await;
                }
            };
            let wait = Duration::from_millis(limits::CHECK_FORWARDED_MS_MAX);
            // Nobody waits for the verdict: the batch is taken when it is full or old enough.
            let _ = tokio::time::timeout(wait, full).await;
            let mut received = std::mem::take(&mut *lock(&self.unchecked));
            {
                let pool = lock(&self.pool);
                // One whose signature is verified by now stands in a block that was checked.
                received.retain(|one| !one.is_signed() && pool.contains(&one.id));
            }
            let verdicts = self.check_kept(&received).await;
            let refused = verdicts.iter().filter_map(|verdict| verdict.as_ref().err());
            let metrics = &self.parts.metrics;
            refused.for_each(|refusal| metrics.refused.add(refusal.code(), 1));
        }
    }

    /// Checks transactions that are kept, and drops those that are not valid; one verdict each.
    /// What has become final meanwhile is valid.
    async fn check_kept(&self, kept: &[Arc<Transaction>]) -> Vec<Result<(), Refusal>> {
        let mut slots: Vec<Slot> = kept.iter().cloned().map(Ok).collect();
        let keys = self.check(&mut slots).await;
        self.verify(&mut slots, keys).await;
        let mut pool = lock(&self.pool);
        let judged = kept.iter().zip(slots);
        judged
            .map(|(one, slot)| match verdict(slot).result {
                // These say nothing about the transaction.
                refused @ Err(Refusal::Internal | Refusal::NotReady | Refusal::PoolFull) => refused,
                Err(refusal) if pool.remove(&one.id) => Err(refusal),
                _ => Ok(()),
            })
            .collect()
    }

    fn forward(&self, transactions: &[Bytes]) {
        let parts = &self.parts;
        let count_max = limits::BATCH_TRANSACTIONS_MAX;
        for batch in forward::pack(transactions, limits::FORWARD_BYTES_MAX, count_max) {
            parts.metrics.batches_sent.add(1);
            parts.forwarder.forward(batch);
        }
    }

    /// Forwards clients' transactions, those of a few milliseconds together.
    async fn send(self: Arc<Self>) {
        loop {
            self.outbox_filled.notified().await;
            tokio::time::sleep(Duration::from_millis(limits::FORWARD_GATHER_MS)).await;
            let transactions = std::mem::take(&mut *lock(&self.outbox));
            self.forward(&transactions);
        }
    }

    /// Forwards again what did not become final: its receivers may have been away.
    async fn send_again(self: Arc<Self>) {
        let interval = Duration::from_millis(limits::FORWARD_AGAIN_MS);
        loop {
            tokio::time::sleep(interval).await;
            let now_ms = self.age_ms();
            let before_ms = now_ms.saturating_sub(limits::FORWARD_AGAIN_MS);
            let again = lock(&self.pool).send_again(before_ms, now_ms);
            let bytes: Vec<Bytes> = again.iter().map(|one| one.bytes.clone()).collect();
            self.forward(&bytes);
        }
    }

    /// Checks transactions in doubt against each new final state.
    async fn check_suspects(self: Arc<Self>) {
        loop {
            self.final_block.notified().await;
            let suspects = lock(&self.pool).suspects();
            if suspects.is_empty() {
                continue;
            }
            let verdicts = self.check_kept(&suspects).await;
            let mut pool = lock(&self.pool);
            let judged = suspects.iter().zip(verdicts);
            // Of the others, some stay in doubt: nobody could look.
            judged.filter(|(_, verdict)| verdict.is_ok()).for_each(|(one, _)| pool.clear(&one.id));
            drop(pool);
            self.changed.notify_waiters();
        }
    }
}

/// Values in order, each once.
fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn decode(suite: Suite, bytes: Bytes) -> Slot {
    match Transaction::from_bytes(suite, bytes) {
        Ok(transaction) => Ok(Arc::new(transaction)),
        Err(error) => refused(None, error.into()),
    }
}

/// Refuses those still considered for which `check` finds a reason.
fn refuse_where(
    slots: &mut [Slot],
    mut check: impl FnMut(&Arc<Transaction>) -> Result<(), Refusal>,
) {
    for slot in slots {
        if let Ok(transaction) = slot
            && let Err(refusal) = check(transaction)
        {
            *slot = refused(Some(transaction.id), refusal);
        }
    }
}

fn verdict(slot: Slot) -> Verdict {
    match slot {
        Ok(transaction) => Verdict { id: Some(transaction.id), result: Ok(()) },
        Err(verdict) => verdict,
    }
}

/// Whether a transaction revokes or rotates a key of its sender.
fn changes_keys(transaction: &Transaction) -> bool {
    // Module 1 is `accounts`; method 3 revokes, method 4 rotates.
    transaction.body.calls.iter().any(|call| call.module == 1 && matches!(call.method, 3 | 4))
}
