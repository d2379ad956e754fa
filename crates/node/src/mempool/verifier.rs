//! Check signatures in batches, across requests, on threads of their own.
//!
//! What was verified is remembered by transaction, signature and key, so that a block whose
//! transactions passed through the pool costs no second check.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use trine_crypto::{BatchItem, verify_batch, verify_each};
use trine_types::application::SignatureChecker;
use trine_types::limits::{
    VERIFIED_REMEMBERED_MAX, VERIFY_BATCH_MAX, VERIFY_GATHER_MS_MAX, VERIFY_QUEUE_MAX,
};
use trine_types::{Digest, Suite, Transaction};

/// A transaction with the key that must have signed it.
pub type Signed = (Arc<Transaction>, Vec<u8>);

/// Too many signatures wait to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

struct Item {
    signed: Signed,
    request: Arc<Request>,
    place: usize,
    since: Instant,
}

struct Request {
    results: Mutex<Vec<bool>>,
    remaining: AtomicUsize,
    reply: Mutex<Option<oneshot::Sender<Vec<bool>>>>,
}

impl Request {
    fn finish(&self, place: usize, valid: bool) {
        lock(&self.results)[place] = valid;
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            let results = std::mem::take(&mut *lock(&self.results));
            // The request may have been given up; nobody wants the answer then.
            lock(&self.reply).take().map(|reply| reply.send(results));
        }
    }
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    closed: bool,
}

struct Shared {
    suite: Suite,
    queue: Mutex<Queue>,
    filled: Condvar,
    verified: Mutex<Verified>,
}

/// Takes a lock; a thread that died with it left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Digests of what was verified, in two generations of half the limit each.
#[derive(Default)]
struct Verified {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Verified {
    fn contains(&self, digest: &Digest) -> bool {
        self.young.contains(digest) || self.old.contains(digest)
    }

    fn insert(&mut self, digest: Digest) {
        if self.young.len() >= VERIFIED_REMEMBERED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
    }
}

/// Digest of everything that a check of the signature depends on; the identifier covers the
/// payload, the rest of the transaction's bytes are algorithm and signature.
fn digest(suite: Suite, transaction: &Transaction, key: &[u8]) -> Digest {
    let algorithm = [transaction.algorithm.number()];
    suite.hash(&[&transaction.id.0, &algorithm, &transaction.signature, key])
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
    pub fn start(suite: Suite, threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            suite,
            queue: Mutex::default(),
            filled: Condvar::new(),
            verified: Mutex::default(),
        });
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
        let request = Arc::new(Request {
            results: Mutex::new(vec![false; items.len()]),
            remaining: AtomicUsize::new(items.len()),
            reply: Mutex::new(Some(reply)),
        });
        {
            let mut queue = lock(&self.shared.queue);
            if queue.items.len() + items.len() > VERIFY_QUEUE_MAX {
                return Err(QueueFull);
            }
            let since = Instant::now();
            queue.items.extend(items.into_iter().enumerate().map(|(place, signed)| Item {
                signed,
                request: request.clone(),
                place,
                since,
            }));
        }
        self.shared.filled.notify_all();
        // Workers answer everything they take and outlive every caller that holds `self`.
        answer.await.map_err(|_| QueueFull)
    }

    /// Number of signatures that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.shared.queue).items.len()
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
    fn check(&self, items: &[(&Transaction, &[u8])]) -> bool {
        let suite = self.shared.suite;
        let digests: Vec<Digest> =
            items.iter().map(|(transaction, key)| digest(suite, transaction, key)).collect();
        let unknown: Vec<usize> = {
            let verified = lock(&self.shared.verified);
            (0..items.len()).filter(|place| !verified.contains(&digests[*place])).collect()
        };
        let batch: Vec<BatchItem<'_>> =
            unknown.iter().map(|place| items[*place].0.batch_item(items[*place].1)).collect();
        if !verify_batch(&batch) {
            return false;
        }
        let mut verified = lock(&self.shared.verified);
        unknown.into_iter().for_each(|place| verified.insert(digests[place]));
        true
    }
}

/// Takes the next batch: as many as fit, once it is full or its oldest item has waited enough.
fn take(shared: &Shared) -> Option<Vec<Item>> {
    let gather = Duration::from_millis(VERIFY_GATHER_MS_MAX);
    let mut queue = lock(&shared.queue);
    loop {
        if queue.closed {
            return None;
        }
        let waited = queue.items.front().map(|oldest| oldest.since.elapsed());
        queue = match waited {
            None => shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(waited) if queue.items.len() < VERIFY_BATCH_MAX && waited < gather => {
                let wait = shared.filled.wait_timeout(queue, gather - waited);
                wait.unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                let count = queue.items.len().min(VERIFY_BATCH_MAX);
                return Some(queue.items.drain(..count).collect());
            }
        };
    }
}

fn work(shared: &Shared) {
    while let Some(items) = take(shared) {
        let digests: Vec<Digest> =
            items.iter().map(|item| digest(shared.suite, &item.signed.0, &item.signed.1)).collect();
        let known: Vec<bool> = {
            let verified = lock(&shared.verified);
            digests.iter().map(|digest| verified.contains(digest)).collect()
        };
        let unknown: Vec<usize> = (0..items.len()).filter(|place| !known[*place]).collect();
        let batch: Vec<BatchItem<'_>> = unknown
            .iter()
            .map(|place| &items[*place].signed)
            .map(|(transaction, key)| transaction.batch_item(key))
            .collect();
        let mut results = known;
        for (place, valid) in unknown.iter().zip(verify_each(&batch)) {
            results[*place] = valid;
        }
        {
            let mut verified = lock(&shared.verified);
            for place in unknown.into_iter().filter(|place| results[*place]) {
                verified.insert(digests[place]);
            }
        }
        for (item, valid) in items.iter().zip(results) {
            item.request.finish(item.place, valid);
        }
    }
}
