//! Match what was sent with what became final.

use crate::report::{Latency, Second};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use trine_types::{Code, TransactionId};

/// Longest latency that the histogram tells apart, in microseconds.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Significant digits of a latency.
const LATENCY_DIGITS: u8 = 3;

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, LATENCY_DIGITS)
        .expect("the bounds and digits are within what the histogram allows")
}

struct SecondInProgress {
    sent: u64,
    finalized: u64,
    latencies: Histogram<u64>,
}

/// Transactions on their way, and the counts of those that arrived.
pub struct Tracker {
    /// Due time of each transaction that was sent and is not final, since the start of the run.
    waiting: HashMap<TransactionId, Duration>,
    /// The measured window, since the start of the run.
    window: (Duration, Duration),
    latencies: Histogram<u64>,
    seconds: Vec<SecondInProgress>,
    /// Honest transactions sent in the window.
    pub sent: u64,
    /// Honest transactions that became final in the window.
    pub finalized: u64,
    /// Refusals of honest transactions, by code.
    pub refused: BTreeMap<String, u64>,
    /// Failed outcomes of honest transactions, by code.
    pub failed: BTreeMap<String, u64>,
    /// Answers to hostile transactions, by code.
    pub hostile: BTreeMap<String, u64>,
}

impl Tracker {
    /// Starts with nothing sent. `window` is the measured time since the start of the run.
    pub fn new(window: (Duration, Duration)) -> Self {
        Self {
            waiting: HashMap::new(),
            window,
            latencies: histogram(),
            seconds: Vec::new(),
            sent: 0,
            finalized: 0,
            refused: BTreeMap::new(),
            failed: BTreeMap::new(),
            hostile: BTreeMap::new(),
        }
    }

    fn in_window(&self, at: Duration) -> bool {
        (self.window.0..self.window.1).contains(&at)
    }

    fn second(&mut self, at: Duration) -> &mut SecondInProgress {
        let place = at.as_secs() as usize;
        while self.seconds.len() <= place {
            let latencies = histogram();
            self.seconds.push(SecondInProgress { sent: 0, finalized: 0, latencies });
        }
        &mut self.seconds[place]
    }

    /// Notes an honest transaction before it is sent.
    pub fn send(&mut self, id: TransactionId, due: Duration) {
        self.waiting.insert(id, due);
        self.second(due).sent += 1;
        self.sent += u64::from(self.in_window(due));
    }

    /// Notes that a node refused an honest transaction.
    pub fn refuse(&mut self, id: &TransactionId, code: &str) {
        if self.waiting.remove(id).is_some() {
            *self.refused.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Notes the answer to a hostile transaction.
    pub fn answer_hostile(&mut self, answer: &str) {
        *self.hostile.entry(answer.to_owned()).or_default() += 1;
    }

    /// Notes that a transaction is final and durable.
    pub fn finalize(&mut self, id: &TransactionId, code: u16, at: Duration) {
        let Some(due) = self.waiting.remove(id) else { return };
        if code != Code::Ok.number() {
            let name = Code::from_number(code).map_or("unknown", Code::name);
            *self.failed.entry(name.to_owned()).or_default() += 1;
        }
        let latency_us = at.saturating_sub(due).as_micros() as u64;
        let latency_us = latency_us.clamp(1, LATENCY_US_MAX);
        let second = self.second(at);
        second.finalized += 1;
        second.latencies.saturating_record(latency_us);
        self.finalized += u64::from(self.in_window(at));
        if self.in_window(due) {
            self.latencies.saturating_record(latency_us);
        }
    }

    /// Transactions sent and not final yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those of them that were due in the window.
    pub fn unfinished(&self) -> u64 {
        self.waiting.values().filter(|due| self.in_window(**due)).count() as u64
    }

    /// Latencies of the transactions due in the window.
    pub fn latency(&self) -> Latency {
        Latency::of(&self.latencies)
    }

    /// Every second so far.
    pub fn seconds(&self) -> Vec<Second> {
        (0u64..)
            .zip(&self.seconds)
            .map(|(at_s, second)| Second {
                at_s,
                sent: second.sent,
                finalized: second.finalized,
                latency_ms: Latency::of(&second.latencies),
            })
            .collect()
    }

    /// Latency distribution of the window, by buckets that grow by a tenth: (ms, transactions).
    pub fn distribution(&self) -> Vec<(f64, u64)> {
        self.latencies
            .iter_log(100, 1.1)
            .filter(|step| step.count_since_last_iteration() > 0)
            .map(|step| {
                let ms = step.value_iterated_to() as f64 / 1_000.0;
                (ms, step.count_since_last_iteration())
            })
            .collect()
    }
}
