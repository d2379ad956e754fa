//! Run a load: send on schedule, watch what becomes final, report.

use crate::client::{Client, ClientError};
use crate::plan::{LoadPlan, Payload, PlanError};
use crate::process::{Usage, hardware, own_cpu, usage};
use crate::report::Report;
use crate::sign::{Prepared, Signed, Signers};
use crate::tracker::Tracker;
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use trine_types::limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX};

/// Time between two batches.
const TICK: Duration = Duration::from_millis(10);
/// Batches on their way at most, to all nodes.
const BATCHES_IN_FLIGHT_MAX: usize = 128;
/// Delay from which a transaction counts as not sent in time.
const LATE: Duration = Duration::from_millis(100);
/// Longest wait, after the last transaction, for those still on their way.
const DRAIN_MAX: Duration = Duration::from_secs(15);
/// Time that the signers have before the first transaction is due.
const HEAD_START: Duration = Duration::from_millis(500);
/// Honest transactions between one and its replay: seconds of load, so that it is final by then.
const REPLAYED_AFTER: usize = 8_192;
/// Wait before the stream is taken up again after it broke.
const RECONNECT: Duration = Duration::from_millis(200);
/// Answer to a transaction that the node has already.
const DUPLICATE: &str = "duplicate";
/// Accounts whose nonces are fetched from a network that is not fresh.
const NONCES_FETCHED_MAX: usize = 100_000;

/// A load could not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The plan was refused.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A node did not answer at the start.
    #[error("{0}")]
    Node(#[from] ClientError),
    /// The genesis names a suite that this build does not know.
    #[error("{0}")]
    Genesis(String),
    /// The machine gave no thread or event loop.
    #[error("cannot start the loader: {0}")]
    Start(String),
}

/// How far a run is; told once a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Seconds since the start.
    pub elapsed_s: f64,
    /// Seconds that the run takes, warm-up included.
    pub total_s: f64,
    /// Honest transactions that became final in the last whole second.
    pub finalized_per_s: u64,
    /// Honest transactions on their way.
    pub waiting: u64,
}

struct Shared {
    tracker: Mutex<Tracker>,
    start: Instant,
}

impl Shared {
    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the load to its end and reports; `progress` is called once a second and stops the run
/// early by returning false.
///
/// # Errors
/// [`LoadError`] when the plan is refused or no node answers.
pub fn run(
    plan: &LoadPlan,
    fresh: bool,
    mut progress: impl FnMut(Progress) -> bool,
) -> Result<Report, LoadError> {
    plan.check()?;
    let suite = plan.genesis.suite().map_err(|error| LoadError::Genesis(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| LoadError::Start(error.to_string()))?;
    let clients: Vec<Arc<Client>> =
        plan.nodes.iter().map(|url| Client::new(url).map(Arc::new)).collect::<Result<_, _>>()?;
    let prepared = Signers::prepare(plan, suite);
    if !fresh {
        runtime.block_on(fetch_nonces(&clients[0], &prepared))?;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let signers = prepared.start(cores.div_ceil(2));
    let report = runtime.block_on(drive(plan, &clients, &signers, &mut progress));
    signers.stop();
    report
}

async fn fetch_nonces(client: &Client, prepared: &Prepared) -> Result<(), LoadError> {
    for (place, address) in prepared.addresses().enumerate().take(NONCES_FETCHED_MAX) {
        prepared.set_nonce(place, client.nonce_base(&address.to_string()).await?);
    }
    Ok(())
}

async fn drive(
    plan: &LoadPlan,
    clients: &[Arc<Client>],
    signers: &Signers,
    progress: &mut impl FnMut(Progress) -> bool,
) -> Result<Report, LoadError> {
    let warmup = Duration::from_secs(plan.warmup_s);
    let end = warmup + Duration::from_secs(plan.duration_s);
    tokio::time::sleep(HEAD_START).await;
    let shared = Arc::new(Shared {
        tracker: Mutex::new(Tracker::new((warmup, end))),
        start: Instant::now(),
    });
    let follower = tokio::spawn(follow(clients[0].clone(), shared.clone()));
    let mut pace = Pace::new(plan, end);
    let mut window = Window::default();
    let mut hostile = Hostile::new(plan.hostile_percent);
    let flights = Arc::new(Semaphore::new(BATCHES_IN_FLIGHT_MAX));
    let mut told_s = 0;
    let mut turn = 0;
    loop {
        let now = shared.start.elapsed();
        window.sample(plan, signers, now, warmup);
        if now.as_secs() > told_s {
            told_s = now.as_secs();
            if !progress(tell(&shared, now, end)) {
                break;
            }
        }
        if now >= end {
            break;
        }
        for batch in pace.due(now, signers, &mut hostile) {
            let Ok(permit) = flights.clone().acquire_owned().await else { break };
            let client = clients[turn % clients.len()].clone();
            turn += 1;
            let shared = shared.clone();
            tokio::spawn(async move {
                submit(&client, &shared, batch).await;
                drop(permit);
            });
        }
        tokio::time::sleep(TICK).await;
    }
    window.close(plan, signers);
    drain(&shared, progress, end).await;
    follower.abort();
    Ok(report(plan, &shared, &pace, &window))
}

fn tell(shared: &Shared, now: Duration, end: Duration) -> Progress {
    let tracker = shared.tracker();
    let seconds = tracker.seconds();
    let last = seconds.iter().rev().find(|second| second.at_s < now.as_secs());
    Progress {
        elapsed_s: now.as_secs_f64(),
        total_s: end.as_secs_f64(),
        finalized_per_s: last.map_or(0, |second| second.finalized),
        waiting: tracker.waiting() as u64,
    }
}

async fn follow(client: Arc<Client>, shared: Arc<Shared>) {
    let mut after = None;
    loop {
        let result = client
            .follow(after, |block| {
                after = Some(block.height);
                let now = shared.start.elapsed();
                let mut tracker = shared.tracker();
                for (id, code) in &block.transactions {
                    tracker.finalize(id, *code, now);
                }
            })
            .await;
        // The stream resumes behind the last block that arrived: nothing is missed.
        if result.is_err() {
            tokio::time::sleep(RECONNECT).await;
        }
    }
}

async fn drain(shared: &Shared, progress: &mut impl FnMut(Progress) -> bool, end: Duration) {
    let until = Instant::now() + DRAIN_MAX;
    while shared.tracker().waiting() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if !progress(tell(shared, shared.start.elapsed(), end)) {
            return;
        }
    }
}

/// One batch: honest transactions with their due times, hostile ones behind them.
struct Batch {
    honest: Vec<(Signed, Duration)>,
    hostile: Vec<Bytes>,
}

impl Batch {
    fn encode(&self) -> Bytes {
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

async fn submit(client: &Client, shared: &Shared, batch: Batch) {
    {
        let mut tracker = shared.tracker();
        for (signed, due) in &batch.honest {
            tracker.send(signed.id, *due);
        }
    }
    let refused = client.submit(batch.encode()).await;
    let mut tracker = shared.tracker();
    let Ok(refused) = refused else {
        for (signed, _) in &batch.honest {
            tracker.refuse(&signed.id, "cannot_reach_node");
        }
        return;
    };
    let mut accepted_hostile = batch.hostile.len();
    for refused in refused {
        match batch.honest.get(refused.index) {
            // Another node passed it on before: it is on its way all the same.
            Some(_) if refused.code == DUPLICATE => {}
            Some((signed, _)) => tracker.refuse(&signed.id, &refused.code),
            None => {
                tracker.answer_hostile(&refused.code);
                accepted_hostile = accepted_hostile.saturating_sub(1);
            }
        }
    }
    (0..accepted_hostile).for_each(|_| tracker.answer_hostile("accepted"));
}

/// The schedule: which transactions are due, and how late they were sent.
struct Pace {
    rate_per_s: u64,
    total: u64,
    /// First transaction of the measured window.
    measured_from: u64,
    taken: u64,
    late: u64,
    delay_max: Duration,
}

impl Pace {
    fn new(plan: &LoadPlan, end: Duration) -> Self {
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
    fn due(&mut self, now: Duration, signers: &Signers, hostile: &mut Hostile) -> Vec<Batch> {
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
    fn shortfall_percent(&self) -> f64 {
        let scheduled = self.total - self.measured_from;
        let never = self.total - self.taken.max(self.measured_from);
        100.0 * (self.late + never) as f64 / scheduled.max(1) as f64
    }
}

/// Makes hostile transactions from honest ones.
struct Hostile {
    percent: u64,
    owed: u64,
    kind: u64,
    /// Honest transactions sent before, the oldest first; at most [`REPLAYED_AFTER`].
    sent_before: VecDeque<Bytes>,
}

impl Hostile {
    const fn new(percent: u64) -> Self {
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

/// What the processes had used at the ends of the measured window.
#[derive(Default)]
struct Window {
    opened: Option<(Usage, Duration, Duration)>,
    closed: Option<(Usage, Duration, Duration)>,
    resident_bytes_max: u64,
    sampled_s: u64,
}

impl Window {
    fn sample(&mut self, plan: &LoadPlan, signers: &Signers, now: Duration, warmup: Duration) {
        if now < warmup || (self.opened.is_some() && now.as_secs() == self.sampled_s) {
            return;
        }
        self.sampled_s = now.as_secs();
        let current = usage(&plan.validator_pids);
        self.resident_bytes_max = self.resident_bytes_max.max(current.resident_bytes_max);
        self.opened.get_or_insert((current, own_cpu(), signers.cpu()));
    }

    fn close(&mut self, plan: &LoadPlan, signers: &Signers) {
        self.closed = Some((usage(&plan.validator_pids), own_cpu(), signers.cpu()));
    }
}

fn report(plan: &LoadPlan, shared: &Shared, pace: &Pace, window: &Window) -> Report {
    let tracker = shared.tracker();
    let per_s = |count: u64| count as f64 / plan.duration_s as f64;
    let zero = (Usage::default(), Duration::ZERO, Duration::ZERO);
    let (before, after) = (window.opened.unwrap_or(zero), window.closed.unwrap_or(zero));
    let per_tx = |value: f64| value / tracker.finalized.max(1) as f64;
    let us = |after: Duration, before: Duration| {
        per_tx(after.saturating_sub(before).as_secs_f64() * 1e6)
    };
    let validators = plan.validator_pids.len();
    let local = validators > 0;
    let entries = match plan.payload {
        Payload::Transfer => 0,
        Payload::Evidence { entries } => entries.into(),
    };
    let written = after.0.written_bytes.saturating_sub(before.0.written_bytes) as f64;
    Report {
        scheduled_per_s: plan.rate_per_s as f64,
        offered_per_s: per_s(tracker.sent),
        finalized_per_s: per_s(tracker.finalized),
        entries_per_s: per_s(tracker.finalized * entries),
        latency_ms: tracker.latency(),
        cpu_us_per_tx_validator: local.then(|| us(after.0.cpu, before.0.cpu) / validators as f64),
        cpu_us_per_tx_loader: us(after.1, before.1),
        cpu_us_per_tx_signing: us(after.2, before.2),
        rss_mib_max: local.then(|| window.resident_bytes_max as f64 / 1_048_576.0),
        disk_bytes_per_tx: local.then(|| per_tx(written) / validators as f64),
        send_delay_ms_max: pace.delay_max.as_secs_f64() * 1e3,
        shortfall_percent: pace.shortfall_percent(),
        unfinished: tracker.unfinished(),
        refused: tracker.refused.clone(),
        failed: tracker.failed.clone(),
        hostile: tracker.hostile.clone(),
        seconds: tracker.seconds(),
        distribution: tracker.distribution(),
        hardware: hardware(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[cfg(test)]
mod tests;
