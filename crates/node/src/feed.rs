//! Tell clients what is final and durable on this node, in the order of heights.

use crate::reader::StoredBlock;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use trine_types::{Header, Height, TransactionId, ValidatorKey, limits::WAITING_REQUESTS_MAX};

/// Blocks of which it is remembered who proposed them, and when.
const RECENT_BLOCKS: usize = 256;
/// Transactions whose blocks stay in memory: enough that a client of the stream that is seconds
/// behind reads no disk.
const RECENT_TRANSACTIONS: usize = 131_072;
/// Window over which rates are measured.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// Blocks and transactions a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Blocks a second.
    pub blocks: f64,
    /// Transactions a second.
    pub transactions: f64,
}

type Waiters = HashMap<TransactionId, Vec<oneshot::Sender<()>>>;

/// What is remembered of a block.
struct Arrived {
    at: Instant,
    height: Height,
    proposer: ValidatorKey,
    transactions: usize,
}

/// The newest durable blocks, the oldest first.
#[derive(Default)]
struct Recent {
    arrived: VecDeque<Arrived>,
    /// The last of those that arrived.
    blocks: VecDeque<Arc<StoredBlock>>,
    /// Transactions of `blocks`.
    transactions: usize,
}

impl Recent {
    fn push(&mut self, block: Arc<StoredBlock>) {
        if self.arrived.len() == RECENT_BLOCKS {
            self.arrived.pop_front();
        }
        let Header { height, proposer, .. } = block.header;
        let transactions = block.ids.len();
        self.arrived.push_back(Arrived { at: Instant::now(), height, proposer, transactions });
        self.transactions += transactions;
        self.blocks.push_back(block);
        while self.blocks.len() > RECENT_BLOCKS || self.transactions > RECENT_TRANSACTIONS {
            let Some(oldest) = self.blocks.pop_front() else { return };
            self.transactions -= oldest.ids.len();
        }
    }
}

/// The newest durable block, the ones before it, and who waits for a transaction.
pub struct Feed {
    tip: watch::Sender<Option<Arc<StoredBlock>>>,
    recent: Mutex<Recent>,
    waiters: Mutex<Waiters>,
}

/// As many requests wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWaiting;

/// Takes a lock; a thread that died with it left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    /// Starts at `tip`, the newest durable block, where there is one.
    pub fn new(tip: Option<Arc<StoredBlock>>) -> Self {
        Self { tip: watch::Sender::new(tip), recent: Mutex::default(), waiters: Mutex::default() }
    }

    /// Newest durable block.
    pub fn tip(&self) -> Option<Arc<StoredBlock>> {
        self.tip.borrow().clone()
    }

    /// Height of the newest durable block.
    pub fn height(&self) -> Option<Height> {
        self.tip.borrow().as_ref().map(|tip| tip.header.height)
    }

    /// Follows the newest durable block.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<StoredBlock>>> {
        self.tip.subscribe()
    }

    /// Takes the next durable block; one that came already is ignored.
    pub fn publish(&self, block: Arc<StoredBlock>) {
        if self.height().is_some_and(|height| block.header.height <= height) {
            return;
        }
        lock(&self.recent).push(block.clone());
        self.tip.send_replace(Some(block.clone()));
        let mut waiters = lock(&self.waiters);
        if waiters.is_empty() {
            return;
        }
        let found = block.ids.iter().filter_map(|id| waiters.remove(id));
        // A waiter that gave up meanwhile has closed its end.
        for waiter in found.flatten() {
            let _ = waiter.send(());
        }
    }

    /// Recent block at a height, where it is still in memory.
    pub fn recent(&self, height: Height) -> Option<Arc<StoredBlock>> {
        let blocks = &lock(&self.recent).blocks;
        let first = blocks.front()?.header.height.0;
        let place = height.0.checked_sub(first)?;
        blocks.get(usize::try_from(place).ok()?).cloned()
    }

    /// Height of the last block that each validator proposed, among the recent ones.
    pub fn proposed(&self) -> HashMap<ValidatorKey, Height> {
        lock(&self.recent).arrived.iter().map(|block| (block.proposer, block.height)).collect()
    }

    /// Resolves once the transaction is durable. Ask for its outcome after calling this and
    /// before waiting: it may be durable already.
    ///
    /// # Errors
    /// [`TooManyWaiting`] at the limit of requests that wait.
    pub fn wait(self: &Arc<Self>, id: TransactionId) -> Result<Waiting, TooManyWaiting> {
        let (sender, receiver) = oneshot::channel();
        let mut waiters = lock(&self.waiters);
        if waiters.len() >= WAITING_REQUESTS_MAX {
            return Err(TooManyWaiting);
        }
        waiters.entry(id).or_default().push(sender);
        drop(waiters);
        Ok(Waiting { feed: self.clone(), id, receiver })
    }

    /// Rates over the last seconds.
    pub fn rates(&self) -> Rates {
        let arrived = &lock(&self.recent).arrived;
        let since = |block: &Arrived| block.at.elapsed();
        let within = || arrived.iter().rev().take_while(|block| since(block) <= RATE_WINDOW);
        let Some(oldest) = within().last() else { return Rates::default() };
        // The first seconds after the start count as themselves, not as a whole window.
        let seconds = match arrived.front() {
            Some(first) if since(first) <= RATE_WINDOW => since(oldest).as_secs_f64().max(1.0),
            _ => RATE_WINDOW.as_secs_f64(),
        };
        let transactions: usize = within().map(|block| block.transactions).sum();
        Rates {
            blocks: within().count() as f64 / seconds,
            transactions: transactions as f64 / seconds,
        }
    }
}

/// A request that waits for a transaction.
pub struct Waiting {
    feed: Arc<Feed>,
    id: TransactionId,
    receiver: oneshot::Receiver<()>,
}

impl Waiting {
    /// Waits at most `limit`; says whether the transaction became durable.
    pub async fn within(mut self, limit: Duration) -> bool {
        tokio::time::timeout(limit, &mut self.receiver).await.is_ok_and(|found| found.is_ok())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.receiver.close();
        let mut waiters = lock(&self.feed.waiters);
        if let Some(list) = waiters.get_mut(&self.id) {
            list.retain(|waiter| !waiter.is_closed());
            if list.is_empty() {
                waiters.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
