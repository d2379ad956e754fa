//! Remember payments: those on their way, those just final, and a sample of all.

use super::Uetr;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use trine_types::{Address, Amount, Code, Height, TransactionId};

/// Payments on their way that are remembered; later ones are not looked up.
const WAITING_MAX: usize = 1_048_576;
/// Age, since they became final, of the payments that are looked up. Half of the second in which
/// one must be proven, so that what is late is the network's doing and not the choice's.
pub const RECENT: Duration = Duration::from_millis(500);
/// Payments that became final a moment ago that are remembered; the oldest make room.
const RECENT_MAX: usize = 131_072;

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Account that pays.
    pub sender: Address,
    /// Account that is paid.
    pub to: Address,
    /// Units of the primary asset.
    pub amount: Amount,
    /// Reference.
    pub uetr: Uetr,
}

/// A payment that became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalPayment {
    /// What was sent.
    pub payment: Payment,
    /// Transaction that made it.
    pub transaction: TransactionId,
    /// Block that holds the transaction.
    pub height: Height,
    /// When a node reported that it was final and durable.
    pub at: Instant,
}

/// Payments of a run, within limits of memory.
pub struct Book {
    waiting: HashMap<TransactionId, Payment>,
    recent: VecDeque<FinalPayment>,
    sample: Vec<FinalPayment>,
    sample_max: usize,
    /// Payments that became final.
    pub finalized: u64,
    rng: StdRng,
}

impl Book {
    /// Starts empty; keeps a uniform sample of `sample_max` of all that become final.
    pub fn new(sample_max: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            recent: VecDeque::new(),
            sample: Vec::new(),
            sample_max,
            finalized: 0,
            rng: rand::make_rng(),
        }
    }

    /// Notes a payment before it is sent.
    pub fn send(&mut self, id: TransactionId, payment: Payment) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(id, payment);
        }
    }

    /// Notes that a node refused a payment.
    pub fn refuse(&mut self, id: &TransactionId) {
        self.waiting.remove(id);
    }

    /// Notes that a payment is final and durable; one whose outcome is a failure was not made.
    pub fn finalize(&mut self, id: &TransactionId, code: u16, height: Height, at: Instant) {
        let Some(payment) = self.waiting.remove(id) else { return };
        if code != Code::Ok.number() {
            return;
        }
        let made = FinalPayment { payment, transaction: *id, height, at };
        self.forget_old(at);
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(made);
        self.finalized += 1;
        self.sample(made);
    }

    /// Keeps each payment with the same probability (Vitter, algorithm R).
    fn sample(&mut self, made: FinalPayment) {
        if self.sample.len() < self.sample_max {
            self.sample.push(made);
            return;
        }
        let place = self.rng.random_range(0..self.finalized) as usize;
        if let Some(kept) = self.sample.get_mut(place) {
            *kept = made;
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|made| now.duration_since(made.at) > RECENT) {
            self.recent.pop_front();
        }
    }

    /// Picks one of the payments that became final at most [`RECENT`] ago, each as likely.
    pub fn pick(&mut self, now: Instant) -> Option<FinalPayment> {
        self.forget_old(now);
        let count = self.recent.len();
        (count > 0).then(|| self.recent[self.rng.random_range(0..count)])
    }

    /// Takes the sample of all payments, each as likely to be in it.
    pub fn take_sample(&mut self) -> Vec<FinalPayment> {
        std::mem::take(&mut self.sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn id(number: u64) -> TransactionId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        TransactionId(bytes)
    }

    fn payment(number: u64) -> Payment {
        let uetr = Uetr(u128::from(number).to_be_bytes());
        Payment { sender: Address([1; 20]), to: Address([2; 20]), amount: Amount(number), uetr }
    }

    /// Makes payments final, one a millisecond.
    fn filled(book: &mut Book, count: u64, start: Instant) {
        for number in 0..count {
            book.send(id(number), payment(number));
            let at = start + Duration::from_millis(number);
            book.finalize(&id(number), 0, Height(number / 10), at);
        }
    }

    /// Goal: only payments final a short while ago are picked, and all of them. Method: one a
    /// millisecond for two seconds; pick very often.
    #[test]
    fn picks_are_recent() {
        let (mut book, start) = (Book::new(0), Instant::now());
        filled(&mut book, 2_000, start);
        let now = start + Duration::from_millis(1_999);
        let picked: HashSet<_> =
            (0..20_000).filter_map(|_| book.pick(now)).map(|made| made.payment.amount.0).collect();
        let recent = RECENT.as_millis() as u64;
        assert_eq!(picked, (1_999 - recent..2_000).collect());
        assert!(book.pick(now + RECENT * 2).is_none());
    }

    /// Goal: what was refused, failed or never sent is never looked up. Method: one of each, and
    /// one that is final twice.
    #[test]
    fn only_what_was_made_counts() {
        let (mut book, now) = (Book::new(10), Instant::now());
        (0..3).for_each(|number| book.send(id(number), payment(number)));
        book.refuse(&id(0));
        book.finalize(&id(0), 0, Height(1), now);
        book.finalize(&id(1), Code::InsufficientBalance.number(), Height(1), now);
        book.finalize(&id(2), 0, Height(7), now);
        book.finalize(&id(2), 0, Height(8), now);
        book.finalize(&id(3), 0, Height(1), now);
        let expected =
            FinalPayment { payment: payment(2), transaction: id(2), height: Height(7), at: now };
        assert_eq!((book.finalized, book.take_sample()), (1, vec![expected]));
    }

    /// Goal: memory stays within its limits and the sample spans the run. Method: one payment more
    /// than may wait; a sample of 100 from 10,000 has some of each quarter.
    #[test]
    fn memory_is_bounded() {
        let (mut book, start) = (Book::new(100), Instant::now());
        filled(&mut book, 10_000, start);
        assert_eq!((book.sample.len(), book.finalized), (100, 10_000));
        let quarters: HashSet<_> =
            book.take_sample().iter().map(|made| made.payment.amount.0 / 2_500).collect();
        assert_eq!(quarters.len(), 4);
        (0..=WAITING_MAX as u64).for_each(|number| book.send(id(number), payment(number)));
        assert_eq!(book.waiting.len(), WAITING_MAX);
        for number in 0..=RECENT_MAX as u64 {
            book.finalize(&id(number), 0, Height(1), start);
        }
        assert_eq!(book.recent.len(), RECENT_MAX);
    }
}
