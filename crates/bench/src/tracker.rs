//! Match what was sent with what became final.

use crate::report::{Latency, Second, distribution, histogram, record};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use trine_types::{Code, TransactionId};

/// Transactions on their way, and the counts of those that arrived.
pub struct Tracker {
    /// Due time of each transaction that was sent and is not final, since the start of the run.
    waiting: HashMap<TransactionId, Duration>,
    /// The measured window, since the start of the run.
    window: (Duration, Duration),
    latencies: Histogram<u64>,
    /// Every second; the latencies of the last are still in `last_latencies`.
    seconds: Vec<Second>,
    /// The second in which a transaction became final last, and the latencies of its transactions.
    last_s: usize,
    last_latencies: Histogram<u64>,
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
            last_s: 0,
            last_latencies: histogram(),
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

    fn second(&mut self, at: Duration) -> &mut Second {
        let place = at.as_secs() as usize;
        while self.seconds.len() <= place {
            let at_s = self.seconds.len() as u64;
            self.seconds.push(Second { at_s, ..Second::default() });
        }
        &mut self.seconds[place]
    }

    /// Sums up the last second when a later one begins: one histogram serves a run of any length.
    fn reach(&mut self, at: Duration) {
        let place = at.as_secs() as usize;
        if place > self.last_s {
            let latency_ms = Latency::of(&self.last_latencies);
            self.second(Duration::from_secs(self.last_s as u64)).latency_ms = latency_ms;
            self.last_latencies.reset();
            self.last_s = place;
        }
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
        let latency = at.saturating_sub(due);
        self.reach(at);
        self.second(at).finalized += 1;
        record(&mut self.last_latencies, latency);
        self.finalized += u64::from(self.in_window(at));
        if self.in_window(due) {
            record(&mut self.latencies, latency);
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
        let mut seconds = self.seconds.clone();
        if let Some(last) = seconds.get_mut(self.last_s) {
            last.latency_ms = Latency::of(&self.last_latencies);
        }
        seconds
    }

    /// Transactions that became final in the last second that was over at `now`.
    pub fn finalized_before(&self, now: Duration) -> u64 {
        let place = (now.as_secs() as usize).checked_sub(1);
        place.and_then(|place| self.seconds.get(place)).map_or(0, |second| second.finalized)
    }

    /// Latency distribution of the window, by buckets that grow by a tenth: (ms, transactions).
    pub fn distribution(&self) -> Vec<(f64, u64)> {
        distribution(&self.latencies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: latency counts from the due time and a refused transaction is never final. Method:
    /// three transactions: one final after 40 ms, one refused and then reported final, one
    /// unfinished.
    #[test]
    fn tracker_counts_from_the_due_time() {
        let ms = Duration::from_millis;
        let id = |byte| TransactionId([byte; 32]);
        let mut tracker = Tracker::new((ms(0), ms(1_000)));
        (1..=3).for_each(|byte| tracker.send(id(byte), ms(10)));
        tracker.refuse(&id(2), "nonce_used");
        tracker.finalize(&id(1), 0, ms(50));
        tracker.finalize(&id(2), 0, ms(60));
        tracker.finalize(&id(1), 0, ms(70));
        assert_eq!((tracker.sent, tracker.finalized, tracker.unfinished()), (3, 1, 1));
        assert_eq!(tracker.refused["nonce_used"], 1);
        assert!((tracker.latency().max - 40.0).abs() < 0.1, "{:?}", tracker.latency());
    }

    /// Goal: every second has its own counts and latencies, and silent ones none. Method: two
    /// final in the first second, none in the next, one in the third.
    #[test]
    fn seconds_are_told_apart() {
        let (ms, id) = (Duration::from_millis, |byte| TransactionId([byte; 32]));
        let mut tracker = Tracker::new((ms(0), ms(3_000)));
        (1..=3).for_each(|byte| tracker.send(id(byte), ms(10)));
        tracker.finalize(&id(1), 0, ms(20));
        tracker.finalize(&id(2), 0, ms(30));
        tracker.finalize(&id(3), 0, ms(2_010));
        let seconds = tracker.seconds();
        let counts: Vec<_> =
            seconds.iter().map(|one| (one.at_s, one.sent, one.finalized)).collect();
        assert_eq!(counts, [(0, 3, 2), (1, 0, 0), (2, 0, 1)]);
        for (second, expected) in seconds.iter().zip([20.0, 0.0, 2_000.0]) {
            // Three digits of a time are kept.
            assert!((second.latency_ms.max - expected).abs() <= expected / 1_000.0, "{second:?}");
        }
        let before = [500, 1_000, 2_500, 9_000].map(|now| tracker.finalized_before(ms(now)));
        assert_eq!(before, [0, 2, 0, 0]);
    }
}
