//! Tell clients what is final and durable on this node, in the order of heights.

use crate::reader::StoredBlock;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use trine_types::{Height, TransactionId, ValidatorKey, limits::WAITING_REQUESTS_MAX};

/// Blocks kept in memory: enough that a client of the stream reads no disk.
const RECENT_BLOCKS: usize = 256;
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

/// The newest durable block, the ones before it, and who waits for a transaction.
pub struct Feed {
    tip: watch::Sender<Option<Arc<StoredBlock>>>,
    recent: Mutex<VecDeque<(Instant, Arc<StoredBlock>)>>,
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
        {
            let mut recent = lock(&self.recent);
            if recent.len() == RECENT_BLOCKS {
                recent.pop_front();
            }
            recent.push_back((Instant::now(), block.clone()));
        }
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
        let recent = lock(&self.recent);
        let first = recent.front()?.1.header.height.0;
        let place = height.0.checked_sub(first)?;
        let (_, block) = recent.get(usize::try_from(place).ok()?)?;
        Some(block.clone())
    }

    /// Height of the last block that each validator proposed, among the recent ones.
    pub fn proposed(&self) -> HashMap<ValidatorKey, Height> {
        let recent = lock(&self.recent);
        let headers = recent.iter().map(|(_, block)| &block.header);
        headers.map(|header| (header.proposer, header.height)).collect()
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
        let recent = lock(&self.recent);
        let since = |arrived: &Instant| arrived.elapsed();
        let within = || recent.iter().rev().take_while(|(at, _)| since(at) <= RATE_WINDOW);
        let Some((oldest, _)) = within().last() else { return Rates::default() };
        // The first seconds after the start count as themselves, not as a whole window.
        let seconds = match recent.front() {
            Some((first, _)) if since(first) <= RATE_WINDOW => since(oldest).as_secs_f64().max(1.0),
            _ => RATE_WINDOW.as_secs_f64(),
        };
        let transactions: usize = within().map(|(_, block)| block.ids.len()).sum();
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
