//! Check signatures in batches, across requests, on threads of their own.
//!
//! A transaction remembers under which key its signature was verified, so that a block whose
//! transactions passed through the pool costs no second check.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use trine_crypto::{BatchItem, verify_each};
use trine_types::Transaction;
use trine_types::application::{SignatureChecker, SignerKey};
use trine_types::limits::{VERIFY_BATCH_FULL, VERIFY_GATHER_MS_MAX, VERIFY_QUEUE_MAX};

/// A transaction with the key that must have signed it.
pub type Signed = (Arc<Transaction>, SignerKey);

/// Too many signatures wait to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

/// One caller's signatures.
struct Request {
    items: Vec<Signed>,
    reply: oneshot::Sender<Vec<bool>>,
    since: Instant,
}

#[derive(Default)]
struct Queue {
    requests: VecDeque<Request>,
    /// Signatures of all requests.
    items: usize,
    /// Whether a thread waits for the next batch to fill.
    is_gathering: bool,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

/// Takes a lock; a thread that died with it left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Worker threads that check signatures.
pub struct Verifier {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Verifier {
    /// Starts `threads` workers, at least one.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let spawn = |number: usize| {
            let shared = shared.clone();
            let name = format!("verify-{number}");
            std::thread::Builder::new().name(name).spawn(move || work(&shared))
        };
        let threads = (0..threads.max(1)).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    /// Checks signatures, together with those of other callers. One verdict each, in order.
    ///
    /// # Errors
    /// [`QueueFull`] when too many wait already.
    pub async fn verify(&self, items: Vec<Signed>) -> Result<Vec<bool>, QueueFull> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = lock(&self.shared.queue);
            if queue.items + items.len() > VERIFY_QUEUE_MAX {
                return Err(QueueFull);
            }
            queue.items += items.len();
            queue.requests.push_back(Request { items, reply, since: Instant::now() });
        }
        self.shared.filled.notify_one();
        // Workers answer everything they take and outlive every caller that holds `self`.
        answer.await.map_err(|_| QueueFull)
    }

    /// Number of signatures that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.shared.queue).items
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.filled.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that checks signatures panicked");
            }
        }
    }
}

impl SignatureChecker for Verifier {
    fn check_each(&self, items: &[(&Transaction, &[u8])]) -> Vec<bool> {
        verify(items)
    }
}

/// Takes the next batch: the requests that wait, once they fill it or the oldest has waited enough.
fn take(shared: &Shared) -> Option<Vec<Request>> {
    let gather = Duration::from_millis(VERIFY_GATHER_MS_MAX);
    let mut queue = lock(&shared.queue);
    loop {
        if queue.closed {
            return None;
        }
        let is_full = queue.items >= VERIFY_BATCH_FULL;
        let waited = queue.requests.front().map(|oldest| oldest.since.elapsed());
        queue = match waited {
            Some(waited) if is_full || waited >= gather => {
                let taken = batch(&mut queue);
                if queue.items > 0 {
                    shared.filled.notify_one();
                }
                return Some(taken);
            }
            Some(waited) if !queue.is_gathering => {
                queue.is_gathering = true;
                let wait = shared.filled.wait_timeout(queue, gather - waited);
                let mut queue = wait.unwrap_or_else(PoisonError::into_inner).0;
                queue.is_gathering = false;
                queue
            }
            _ => shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

/// Takes requests until the batch is full.
fn batch(queue: &mut Queue) -> Vec<Request> {
    let mut taken = Vec::new();
    let mut items = 0;
    while items < VERIFY_BATCH_FULL {
        let Some(request) = queue.requests.pop_front() else { break };
        items += request.items.len();
        taken.push(request);
    }
    queue.items -= items;
    taken
}

fn work(shared: &Shared) {
    while let Some(requests) = take(shared) {
        let signed = requests.iter().flat_map(|request| &request.items);
        let items: Vec<_> = signed.map(|(one, key)| (&**one, key.as_slice())).collect();
        let mut verdicts = verify(&items).into_iter();
        for Request { items, reply, .. } in requests {
            // The request may have been given up; nobody wants the answer then.
            let _ = reply.send(verdicts.by_ref().take(items.len()).collect());
        }
    }
}

/// Checks those signatures that were not verified before; one verdict each, in order.
fn verify(items: &[(&Transaction, &[u8])]) -> Vec<bool> {
    let mut verdicts: Vec<bool> = items.iter().map(|(one, key)| one.is_verified(key)).collect();
    let unknown: Vec<usize> = (0..items.len()).filter(|place| !verdicts[*place]).collect();
    let batch: Vec<BatchItem<'_>> =
        unknown.iter().map(|place| items[*place].0.batch_item(items[*place].1)).collect();
    for (place, valid) in unknown.into_iter().zip(verify_each(&batch)) {
        verdicts[place] = valid;
        if valid {
            let (transaction, key) = items[place];
            transaction.note_verified(key);
        }
    }
    verdicts
}
