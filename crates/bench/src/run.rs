//! Run a load: send on schedule, watch what becomes final, report.

use crate::client::{Client, ClientError};
use crate::pace::{Batch, Hostile, Pace};
use crate::payment::{Audit, Committee, Lookups, PaymentsReport, Tally};
use crate::plan::{LoadPlan, LookupPlan, Payload, PlanError};
use crate::process::{Usage, hardware};
use crate::report::Report;
use crate::shared::{Progress, Shared, lock};
use crate::sign::{Ahead, Senders, Signers};
use crate::window::Window;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trine_types::limits::NONCE_WINDOW;

/// Time between two batches.
const TICK: Duration = Duration::from_millis(10);
/// Batches on their way at most, to all nodes.
const BATCHES_IN_FLIGHT_MAX: usize = 128;
/// Longest wait, after the last transaction, for those still on their way.
const DRAIN_MAX: Duration = Duration::from_secs(15);
/// Time that the signers have before the first transaction is due.
const HEAD_START: Duration = Duration::from_millis(500);
/// Wait between two looks at what is still on its way.
const DRAIN_PAUSE: Duration = Duration::from_millis(100);
/// Time between two reports of progress.
const TOLD: Duration = Duration::from_secs(1);
/// Wait before the stream is taken up again after it broke.
const RECONNECT: Duration = Duration::from_millis(200);
/// Answer to a transaction that the node has already.
const DUPLICATE: &str = "duplicate";
/// Accounts whose nonces are fetched from a network that is not fresh; only these send.
const NONCES_FETCHED_MAX: usize = 100_000;
/// Accounts whose nonces are asked for at the same time.
const NONCES_AT_ONCE_MAX: usize = 64;

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

/// Accounts, connections and threads of a load; they serve one run after another.
pub struct Loader {
    plan: LoadPlan,
    committee: Committee,
    runtime: tokio::runtime::Runtime,
    clients: Vec<Arc<Client>>,
    senders: Arc<Senders>,
}

impl Loader {
    /// Derives the accounts, and asks a network that is not `fresh` for their nonces.
    ///
    /// # Errors
    /// [`LoadError`] when the plan is refused or no node answers.
    pub fn open(plan: LoadPlan, fresh: bool) -> Result<Self, LoadError> {
        plan.check()?;
        let refused = |error: &dyn std::fmt::Display| LoadError::Genesis(error.to_string());
        let suite = plan.genesis.suite().map_err(|error| refused(&error))?;
        let committee = Committee::of(&plan.genesis).map_err(|error| refused(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| LoadError::Start(error.to_string()))?;
        let client = |url: &String| Client::new(url).map(Arc::new);
        let clients: Vec<_> = plan.nodes.iter().map(client).collect::<Result<_, _>>()?;
        let mut senders = Senders::prepare(&plan, suite);
        if !fresh {
            senders.keep(NONCES_FETCHED_MAX);
            runtime.block_on(fetch_nonces(&clients, &senders))?;
        }
        Ok(Self { plan, committee, runtime, clients, senders: Arc::new(senders) })
    }

    /// Runs the load at `rate_per_s` to its end and reports; `progress` is called once a second
    /// and stops the run early by returning false.
    ///
    /// # Errors
    /// [`LoadError`] when the rate is refused.
    pub fn run(
        &self,
        rate_per_s: u64,
        mut progress: impl FnMut(Progress) -> bool,
    ) -> Result<Report, LoadError> {
        let plan = LoadPlan { rate_per_s, ..self.plan.clone() };
        plan.check()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (ahead, threads) = match plan.presign {
            true => (Ahead::Whole(plan.duration_s + plan.warmup_s), cores),
            false => (Ahead::Little, cores.div_ceil(2)),
        };
        let signers = Signers::start(&self.senders, rate_per_s, ahead, threads);
        let report = self.runtime.block_on(self.drive(&plan, &signers, &mut progress));
        signers.stop();
        Ok(report)
    }

    async fn drive(
        &self,
        plan: &LoadPlan,
        signers: &Signers,
        progress: &mut impl FnMut(Progress) -> bool,
    ) -> Report {
        let warmup = Duration::from_secs(plan.warmup_s);
        let end = warmup + Duration::from_secs(plan.duration_s);
        let mut stopped = !head_start(plan, signers, progress, end).await;
        let shared = Arc::new(Shared::new(plan, (warmup, end)));
        let follower = tokio::spawn(follow(self.clients[0].clone(), shared.clone()));
        let payments = Running::start(self, &shared, plan, (warmup, end));
        let mut pace = Pace::new(plan, end);
        let mut window = Window::default();
        let mut hostile = Hostile::new(plan.hostile_percent);
        let flights = Arc::new(Semaphore::new(BATCHES_IN_FLIGHT_MAX));
        let (mut told_s, mut turn) = (0, 0);
        loop {
            let now = shared.start.elapsed();
            window.sample(plan, signers, now, warmup);
            if now.as_secs() > told_s {
                told_s = now.as_secs();
                stopped = stopped || !progress(shared.tell(end, None));
            }
            if stopped || now >= end {
                break;
            }
            for batch in pace.due(now, signers, &mut hostile) {
                let Ok(permit) = flights.clone().acquire_owned().await else { break };
                let client = self.clients[turn % self.clients.len()].clone();
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
        stopped = stopped || !drain(&shared, progress, end).await;
        let payments = match payments {
            Some(run) if !stopped => Some(run.finish(self, &shared, progress, end).await),
            _ => None,
        };
        follower.abort();
        report(plan, &shared, &pace, &window, payments)
    }
}

/// Waits until what must be signed before the first transaction is due is; false when it was told
/// to stop.
async fn head_start(
    plan: &LoadPlan,
    signers: &Signers,
    progress: &mut impl FnMut(Progress) -> bool,
    end: Duration,
) -> bool {
    tokio::time::sleep(HEAD_START).await;
    let count = plan.rate_per_s * end.as_secs();
    while plan.presign && signers.made() < count {
        let signed = Some(signers.made());
        let told = Progress { total_s: end.as_secs_f64(), signed, ..Progress::default() };
        if !progress(told) {
            return false;
        }
        tokio::time::sleep(TOLD).await;
    }
    true
}

/// Lookups that go on beside the load.
struct Running {
    task: tokio::task::JoinHandle<()>,
    tally: Arc<Mutex<Tally>>,
    plan: LookupPlan,
    duration_s: u64,
}

impl Running {
    /// Starts lookups where payments are sent.
    fn start(
        loader: &Loader,
        shared: &Shared,
        plan: &LoadPlan,
        window: (Duration, Duration),
    ) -> Option<Self> {
        let (Payload::Payment(lookups), Some(book)) = (plan.payload, &shared.book) else {
            return None;
        };
        let tally = Arc::new(Mutex::new(Tally::new()));
        let task = Lookups {
            clients: loader.clients.clone(),
            committee: loader.committee.clone(),
            book: book.clone(),
            per_s: lookups.per_s,
            start: shared.start,
            window,
            tally: tally.clone(),
        };
        let task = tokio::spawn(task.run());
        Some(Self { task, tally, plan: lookups, duration_s: plan.duration_s })
    }

    /// Waits for the last lookups, then audits payments of the whole run.
    async fn finish(
        self,
        loader: &Loader,
        shared: &Shared,
        progress: &mut impl FnMut(Progress) -> bool,
        end: Duration,
    ) -> PaymentsReport {
        // A lookup that panicked is one that never ended: the counts say so.
        let _ = self.task.await;
        let (finalized, wanted) = shared.take_sample();
        let audited = Arc::new(Mutex::new(Tally::new()));
        let begun = Instant::now();
        let mut audit = tokio::spawn(
            Audit {
                clients: loader.clients.clone(),
                committee: loader.committee.clone(),
                wanted,
                tally: audited.clone(),
            }
            .run(),
        );
        let mut told = tokio::time::interval(TOLD);
        loop {
            tokio::select! {
                _ = &mut audit => break,
                _ = told.tick() => {
                    if !progress(shared.tell(end, Some(lock(&audited).ended()))) {
                        audit.abort();
                        break;
                    }
                }
            }
        }
        let audit = lock(&audited).audit(begun.elapsed().as_secs_f64());
        let lookups = lock(&self.tally).lookups(self.plan.per_s, self.duration_s as f64);
        PaymentsReport { finalized, lookups, audit }
    }
}

/// Asks for the nonces of all accounts, and lets each begin behind its window: what earlier runs
/// used lies inside it, some nonces of it unused.
async fn fetch_nonces(clients: &[Arc<Client>], senders: &Senders) -> Result<(), LoadError> {
    let (mut flights, mut addresses) = (JoinSet::new(), senders.addresses().enumerate());
    loop {
        while flights.len() < NONCES_AT_ONCE_MAX {
            let Some((place, address)) = addresses.next() else { break };
            let (client, address) = (clients[place % clients.len()].clone(), address.to_string());
            flights.spawn(async move { (place, client.nonce_base(&address).await) });
        }
        let Some(answer) = flights.join_next().await else { return Ok(()) };
        let (place, base) = answer.map_err(|error| LoadError::Start(error.to_string()))?;
        senders.set_nonce(place, base? + NONCE_WINDOW);
    }
}

async fn follow(client: Arc<Client>, shared: Arc<Shared>) {
    let mut after = None;
    loop {
        let result = client
            .follow(after, |block| {
                after = Some(block.height);
                shared.note_final(&block);
            })
            .await;
        // The stream resumes behind the last block that arrived: nothing is missed.
        if result.is_err() {
            tokio::time::sleep(RECONNECT).await;
        }
    }
}

/// Waits for what is on its way; false when it was told to stop.
async fn drain(
    shared: &Shared,
    progress: &mut impl FnMut(Progress) -> bool,
    end: Duration,
) -> bool {
    let until = Instant::now() + DRAIN_MAX;
    let mut told = Instant::now();
    while shared.tracker().waiting() > 0 && Instant::now() < until {
        tokio::time::sleep(DRAIN_PAUSE).await;
        if told.elapsed() >= TOLD {
            told = Instant::now();
            if !progress(shared.tell(end, None)) {
                return false;
            }
        }
    }
    true
}

async fn submit(client: &Client, shared: &Shared, batch: Batch) {
    shared.note_sent(&batch);
    let Ok(refused) = client.submit(batch.encode()).await else {
        for (signed, _) in &batch.honest {
            shared.note_refused(signed, "cannot_reach_node");
        }
        return;
    };
    let mut accepted_hostile = batch.hostile.len();
    for refused in refused {
        match batch.honest.get(refused.index) {
            // Another node passed it on before: it is on its way all the same.
            Some(_) if refused.code == DUPLICATE => {}
            Some((signed, _)) => shared.note_refused(signed, &refused.code),
            None => {
                shared.tracker().answer_hostile(&refused.code);
                accepted_hostile = accepted_hostile.saturating_sub(1);
            }
        }
    }
    let mut tracker = shared.tracker();
    (0..accepted_hostile).for_each(|_| tracker.answer_hostile("accepted"));
}

fn report(
    plan: &LoadPlan,
    shared: &Shared,
    pace: &Pace,
    window: &Window,
    payments: Option<PaymentsReport>,
) -> Report {
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
        Payload::Transfer | Payload::Payment(_) => 0,
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
        payments,
        seconds: tracker.seconds(),
        distribution: tracker.distribution(),
        hardware: hardware(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
