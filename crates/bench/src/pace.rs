//! Keep the schedule: which transactions are due, and the hostile ones beside them.

use crate::plan::LoadPlan;
use crate::sign::{Signed, Signers};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Duration;
use trine_types::limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX};

/// Delay from which a transaction counts as not sent in time.
const LATE: Duration = Duration::from_millis(100);
/// Honest transactions between one and its replay: seconds of load, so that it is final by then.
const REPLAYED_AFTER: usize = 8_192;

/// One batch: honest transactions with their due times, hostile ones behind them.
pub struct Batch {
    /// Transactions that must become final, each with the time at which it is due.
    pub honest: Vec<(Signed, Duration)>,
    /// Transactions that must not.
    pub hostile: Vec<Bytes>,
}

impl Batch {
    /// Encodes the body of a request.
    pub fn encode(&self) -> Bytes {
        let all = || self.honest.iter().map(|(signed, _)| &signed.bytes).chain(&self.hostile);
        let bytes: usize = all().map(|bytes| bytes.len() + 4).sum();
        let mut buffer = BytesMut::with_capacity(bytes + 4);
        buffer.put_u32((self.honest.len() + self.hostile.len()) as u32);
        for bytes in all() {
            buffer.put_u32(bytes.len() as u32);
            buffer.put_slice(bytes);
        }
        buffer.freeze()
    }
}

/// The schedule: which transactions are due, and how late they were sent.
pub struct Pace {
    rate_per_s: u64,
    total: u64,
    /// First transaction of the measured window.
    measured_from: u64,
    taken: u64,
    late: u64,
    /// Longest delay between the time at which a transaction was due and its batch.
    pub delay_max: Duration,
}

impl Pace {
    /// Starts a schedule that ends at `end`.
    pub fn new(plan: &LoadPlan, end: Duration) -> Self {
        Self {
            rate_per_s: plan.rate_per_s,
            total: plan.rate_per_s * end.as_secs(),
            measured_from: plan.rate_per_s * plan.warmup_s,
            taken: 0,
            late: 0,
            delay_max: Duration::ZERO,
        }
    }

    fn due_at(&self, index: u64) -> Duration {
        Duration::from_nanos(
            (u128::from(index) * 1_000_000_000 / u128::from(self.rate_per_s)) as u64,
        )
    }

    /// Takes what is due from the signers, in batches within the node's limits.
    pub fn due(&mut self, now: Duration, signers: &Signers, hostile: &mut Hostile) -> Vec<Batch> {
        let until = (now.as_nanos() * u128::from(self.rate_per_s) / 1_000_000_000) as u64 + 1;
        let mut batches = Vec::new();
        let mut bytes = BATCH_BYTES_MAX;
        while self.taken < until.min(self.total) {
            let Ok(signed) = signers.ready.try_recv() else { break };
            let due = self.due_at(self.taken);
            self.note_delay(now.saturating_sub(due));
            self.taken += 1;
            let hostile = hostile.beside(&signed);
            let size = |bytes: &Bytes| bytes.len() + 4;
            let added = size(&signed.bytes) + hostile.iter().map(size).sum::<usize>();
            let full = batches.last().is_none_or(|batch: &Batch| {
                let count = batch.honest.len() + batch.hostile.len() + 1 + hostile.len();
                count > BATCH_TRANSACTIONS_MAX || bytes + added > BATCH_BYTES_MAX
            });
            if full {
                batches.push(Batch { honest: Vec::new(), hostile: Vec::new() });
                bytes = 4;
            }
            bytes += added;
            if let Some(batch) = batches.last_mut() {
                batch.honest.push((signed, due));
                batch.hostile.extend(hostile);
            }
        }
        batches
    }

    fn note_delay(&mut self, delay: Duration) {
        if self.taken >= self.measured_from {
            self.delay_max = self.delay_max.max(delay);
            self.late += u64::from(delay > LATE);
        }
    }

    /// Scheduled transactions of the window that were sent late or never, in percent.
    pub fn shortfall_percent(&self) -> f64 {
        let scheduled = self.total - self.measured_from;
        let never = self.total - self.taken.max(self.measured_from);
        100.0 * (self.late + never) as f64 / scheduled.max(1) as f64
    }
}

/// Makes hostile transactions from honest ones.
pub struct Hostile {
    percent: u64,
    owed: u64,
    kind: u64,
    /// Honest transactions sent before, the oldest first; at most [`REPLAYED_AFTER`].
    sent_before: VecDeque<Bytes>,
}

impl Hostile {
    /// Makes `percent` hostile transactions for each 100 honest ones.
    pub const fn new(percent: u64) -> Self {
        Self { percent, owed: 0, kind: 0, sent_before: VecDeque::new() }
    }

    /// The hostile transactions that go beside `honest`: by turns one sent just before, bytes that
    /// are no transaction, one sent long ago whose nonce is used, and one with a flipped bit of
    /// its signature.
    fn beside(&mut self, honest: &Signed) -> Vec<Bytes> {
        self.owed += self.percent;
        let mut made = Vec::new();
        while self.owed >= 100 {
            self.owed -= 100;
            self.kind += 1;
            made.push(match (self.kind % 4, self.sent_before.back(), self.sent_before.front()) {
                (1, Some(latest), _) => latest.clone(),
                (2, ..) => honest.bytes.slice(..honest.bytes.len() - 1),
                (3, _, Some(oldest)) => oldest.clone(),
                _ => spoil_signature(&honest.bytes),
            });
        }
        if self.percent > 0 {
            self.sent_before.push_back(honest.bytes.clone());
            if self.sent_before.len() > REPLAYED_AFTER {
                self.sent_before.pop_front();
            }
        }
        made
    }
}

/// Flips a bit of `s`: the last byte is a hint in some algorithms, which decides nothing.
fn spoil_signature(bytes: &Bytes) -> Bytes {
    let mut altered = BytesMut::from(bytes.as_ref());
    if let Some(place) = altered.len().checked_sub(2) {
        altered[place] ^= 1;
    }
    altered.freeze()
}

#[cfg(test)]
mod tests;
