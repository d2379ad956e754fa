//! Look payments up on a fixed schedule beside the load, and many at full speed after it.

use super::lookup::{Committee, look_up};
use super::{Book, FinalPayment, Tally};
use crate::client::Client;
use crate::shared::lock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Lookups on their way at most, beside the load.
const LOOKUPS_AT_ONCE_MAX: usize = 1_024;
/// Lookups on their way at most in an audit, to all nodes.
const AUDITED_AT_ONCE_MAX: usize = 32;
/// Longest time for which a lookup is tried: from the finality of the payment beside the load,
/// from its own start in an audit.
const TRIED_FOR_MAX: Duration = Duration::from_secs(10);

/// Lookups beside the load.
pub struct Lookups {
    /// Nodes; lookups go to them in turn.
    pub clients: Vec<Arc<Client>>,
    /// Whom proofs must come from.
    pub committee: Committee,
    /// Payments that can be looked up.
    pub book: Arc<Mutex<Book>>,
    /// Lookups a second.
    pub per_s: u64,
    /// Start of the run.
    pub start: Instant,
    /// Time of the run that is measured; lookups begin with the run.
    pub window: (Duration, Duration),
    /// Counts of the window.
    pub tally: Arc<Mutex<Tally>>,
}

impl Lookups {
    /// Looks payments up until the window closes, and waits for those on their way.
    pub async fn run(self) {
        let warmup = Arc::new(Mutex::new(Tally::new()));
        let places = Arc::new(Semaphore::new(LOOKUPS_AT_ONCE_MAX));
        let mut flights = JoinSet::new();
        for number in 0.. {
            let due = self.due_at(number);
            if due >= self.window.1 {
                break;
            }
            tokio::time::sleep_until((self.start + due).into()).await;
            let tally = if due < self.window.0 { &warmup } else { &self.tally };
            let picked = pick(&self.book);
            match (picked, places.clone().try_acquire_owned()) {
                (None, _) => lock(tally).without_payment += 1,
                (_, Err(_)) => lock(tally).not_started += 1,
                (Some(wanted), Ok(place)) => {
                    let client = self.clients[number as usize % self.clients.len()].clone();
                    let (committee, tally) = (self.committee.clone(), tally.clone());
                    let due = self.start + due;
                    flights.spawn(async move {
                        let until = wanted.at + TRIED_FOR_MAX;
                        let verdict = look_up(&client, &committee, &wanted, until, &tally).await;
                        let (took, since) = (due.elapsed(), wanted.at.elapsed());
                        lock(&tally).end(&verdict, took, since);
                        drop(place);
                    });
                }
            }
            while flights.try_join_next().is_some() {}
        }
        while flights.join_next().await.is_some() {}
    }

    fn due_at(&self, number: u64) -> Duration {
        match self.per_s {
            0 => Duration::MAX,
            per_s => {
                let nanos = u128::from(number) * 1_000_000_000 / u128::from(per_s);
                Duration::from_nanos(nanos as u64)
            }
        }
    }
}

fn pick(book: &Mutex<Book>) -> Option<FinalPayment> {
    lock(book).pick(Instant::now())
}

/// Lookups at full speed.
pub struct Audit {
    /// Nodes; lookups go to them in turn.
    pub clients: Vec<Arc<Client>>,
    /// Whom proofs must come from.
    pub committee: Committee,
    /// Payments to look up.
    pub wanted: Vec<FinalPayment>,
    /// Counts.
    pub tally: Arc<Mutex<Tally>>,
}

impl Audit {
    /// Looks every payment up, some at a time.
    pub async fn run(self) {
        let next = Arc::new(AtomicU64::new(0));
        let (audit, mut workers) = (Arc::new(self), JoinSet::new());
        for _ in 0..AUDITED_AT_ONCE_MAX {
            let (audit, next) = (audit.clone(), next.clone());
            workers.spawn(async move {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some(wanted) = audit.wanted.get(place) else { break };
                    let client = &audit.clients[place % audit.clients.len()];
                    let (start, tally) = (Instant::now(), &audit.tally);
                    let until = start + TRIED_FOR_MAX;
                    let verdict = look_up(client, &audit.committee, wanted, until, tally).await;
                    lock(tally).end(&verdict, start.elapsed(), wanted.at.elapsed());
                }
            });
        }
        while workers.join_next().await.is_some() {}
    }
}
