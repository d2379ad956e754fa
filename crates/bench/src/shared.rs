//! Keep what the parts of a run share: the counts, the payments, the start.

use crate::client::FinalBlock;
use crate::pace::Batch;
use crate::payment::{Book, FinalPayment};
use crate::plan::{LoadPlan, Payload};
use crate::sign::Signed;
use crate::tracker::Tracker;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use trine_types::Height;

/// How far a run is; told once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Seconds since the start.
    pub elapsed_s: f64,
    /// Seconds that the run takes, warm-up included.
    pub total_s: f64,
    /// Honest transactions that became final in the last whole second.
    pub finalized_per_s: u64,
    /// Honest transactions on their way.
    pub waiting: u64,
    /// Payments that the audit after the load has looked up; none before it.
    pub audited: Option<u64>,
    /// Transactions signed, while the load waits for them.
    pub signed: Option<u64>,
}

/// What the parts of a run share.
pub struct Shared {
    tracker: Mutex<Tracker>,
    /// Payments, where the transactions are any.
    pub book: Option<Arc<Mutex<Book>>>,
    /// Start of the run.
    pub start: Instant,
}

/// Locks what no thread leaves half written.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Starts now; `window` is the measured time since the start.
    pub fn new(plan: &LoadPlan, window: (Duration, Duration)) -> Self {
        let book = match plan.payload {
            Payload::Payment(lookups) => Some(Book::new(lookups.audit as usize)),
            Payload::Transfer | Payload::Evidence { .. } => None,
        };
        Self {
            tracker: Mutex::new(Tracker::new(window)),
            book: book.map(|book| Arc::new(Mutex::new(book))),
            start: Instant::now(),
        }
    }

    /// Counts of transactions.
    pub fn tracker(&self) -> MutexGuard<'_, Tracker> {
        lock(&self.tracker)
    }

    /// Notes a batch before it is sent.
    pub fn note_sent(&self, batch: &Batch) {
        let mut tracker = self.tracker();
        let mut book = self.book.as_deref().map(lock);
        for (signed, due) in &batch.honest {
            tracker.send(signed.id, *due);
            if let (Some(book), Some(payment)) = (&mut book, signed.payment) {
                book.send(signed.id, payment);
            }
        }
    }

    /// Notes that a node refused a transaction.
    pub fn note_refused(&self, signed: &Signed, code: &str) {
        self.tracker().refuse(&signed.id, code);
        if let Some(book) = &self.book {
            lock(book).refuse(&signed.id);
        }
    }

    /// Notes a block that is final and durable.
    pub fn note_final(&self, block: &FinalBlock) {
        let (at, now) = (Instant::now(), self.start.elapsed());
        let mut tracker = self.tracker();
        let mut book = self.book.as_deref().map(lock);
        for (id, code) in &block.transactions {
            tracker.finalize(id, *code, now);
            if let Some(book) = &mut book {
                book.finalize(id, *code, Height(block.height), at);
            }
        }
    }

    /// Payments that became final, and a sample of them.
    pub fn take_sample(&self) -> (u64, Vec<FinalPayment>) {
        let book = self.book.as_deref().map(lock);
        book.map_or((0, Vec::new()), |mut book| (book.finalized, book.take_sample()))
    }

    /// Says how far the run is, whose load ends at `end`.
    pub fn tell(&self, end: Duration, audited: Option<u64>) -> Progress {
        let (now, tracker) = (self.start.elapsed(), self.tracker());
        Progress {
            elapsed_s: now.as_secs_f64(),
            total_s: end.as_secs_f64(),
            finalized_per_s: tracker.finalized_before(now),
            waiting: tracker.waiting() as u64,
            audited,
            signed: None,
        }
    }
}
