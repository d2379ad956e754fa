//! Sign transactions ahead of time, in threads of their own.

use crate::payment::{Payment, Uetr};
use crate::plan::{LoadPlan, Payload};
use crate::process::thread_cpu;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trine_crypto::SecretKey;
use trine_types::call::TransferReference;
use trine_types::signing::sign_many;
use trine_types::transaction::UnsignedTransaction;
use trine_types::{
    Address, Amount, AssetId, Call, ChainId, Digest, LogId, Suite, TransactionId, limits,
};

/// Milliseconds for which a transaction stays valid after it was signed.
const VALID_FOR_MS: u64 = 120_000;
/// Seconds that the signers run ahead of the schedule: further, and the measured window would pay
/// for transactions that are never sent.
const AHEAD_S: u64 = 2;
/// Wait while the queue is full: a small part of the time that it bridges.
const PAUSE: Duration = Duration::from_millis(20);
/// Transactions signed at once.
const BATCH_MAX: usize = 256;
/// Nonces of one account, on average, that the batches of all threads hold: threads queue them in
/// any order, which must stay well within the account's window.
const NONCES_AT_ONCE_MAX: usize = 32;

/// Nonces of one account, on average, that a run may leave signed and unsent: so few that the next
/// run's are still in reach of the account's window, also where chance gave an account more.
const NONCES_UNSENT_MAX: u64 = limits::NONCE_SLIDE_MAX / 2;
/// Most units that one payment moves.
const PAID_MAX: u64 = 1_000;

/// A transaction ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Identifier.
    pub id: TransactionId,
    /// The encoding.
    pub bytes: Bytes,
    /// What it pays, where it can be looked up by its reference.
    pub payment: Option<Payment>,
}

/// An account that sends: its key and its next nonce.
struct Sender {
    key: SecretKey,
    address: Address,
    nonce: AtomicU64,
}

/// The accounts that send. Their nonces go on from one run to the next.
pub struct Senders {
    suite: Suite,
    chain_id: ChainId,
    payload: Payload,
    all: Vec<Sender>,
}

/// The threads that sign, and what they have ready.
pub struct Signers {
    /// Signed transactions, in the order of their nonces.
    pub ready: Receiver<Signed>,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    senders: Arc<Senders>,
    batch: usize,
    valid_for_ms: u64,
    stop: AtomicBool,
    made: AtomicU64,
    /// Transactions from which on no batch is begun.
    enough: u64,
    cpu: Mutex<Duration>,
}

/// How far ahead of the schedule to sign.
#[derive(Clone, Copy, Debug)]
pub enum Ahead {
    /// A short while.
    Little,
    /// All of a load that takes so many seconds, in time of its own.
    Whole(u64),
}

/// Derives the accounts that send, in parallel.
fn senders(plan: &LoadPlan, suite: Suite) -> Vec<Sender> {
    let generated = plan.genesis.generated_accounts.as_ref();
    match (generated, plan.payload) {
        (Some(generated), Payload::Transfer | Payload::Payment(_)) => {
            let derive = |indices| generated.secret_keys(suite, indices);
            in_parallel(generated.count, suite, derive)
        }
        _ => in_parallel(plan.notary_keys.len() as u64, suite, |indices| {
            let secrets = &plan.notary_keys[indices.start as usize..indices.end as usize];
            let secrets: Vec<_> = secrets.iter().map(|secret| &secret[..]).collect();
            let keys = SecretKey::from_many(suite.algorithm(), &secrets).into_iter();
            keys.map(|key| key.expect("the plan's keys are keys of the suite")).collect()
        }),
    }
}

/// Makes `count` accounts of the keys that `derive` gives for ranges of indices.
fn in_parallel(
    count: u64,
    suite: Suite,
    derive: impl Fn(Range<u64>) -> Vec<SecretKey> + Sync,
) -> Vec<Sender> {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let chunk = count.div_ceil(threads).max(1);
    let work = |first: u64| -> Vec<Sender> {
        let keys = derive(first..count.min(first + chunk));
        keys.into_iter().map(|key| sender(suite, key)).collect()
    };
    thread::scope(|scope| {
        let starts = (0..count).step_by(chunk as usize);
        let workers: Vec<_> = starts.map(|first| scope.spawn(move || work(first))).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("deriving an address does not panic"))
            .collect()
    })
}

fn sender(suite: Suite, key: SecretKey) -> Sender {
    let address = Address::of_key(suite, suite.algorithm(), &key.public_key());
    Sender { key, address, nonce: AtomicU64::new(0) }
}

impl Senders {
    /// Derives the accounts; nothing is signed yet.
    pub fn prepare(plan: &LoadPlan, suite: Suite) -> Self {
        let (chain_id, payload) = (plan.genesis.chain_id(), plan.payload);
        Self { suite, chain_id, payload, all: senders(plan, suite) }
    }

    /// Leaves the first `count` accounts to send.
    pub fn keep(&mut self, count: usize) {
        self.all.truncate(count);
    }

    /// Addresses of the accounts.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.all.iter().map(|sender| &sender.address)
    }

    /// Sets the next nonce of the account at `place`.
    pub fn set_nonce(&self, place: usize, nonce: u64) {
        self.all[place].nonce.store(nonce, Ordering::Relaxed);
    }
}

impl Signers {
    /// Starts `threads` threads that sign for a load of `rate_per_s`.
    pub fn start(senders: &Arc<Senders>, rate_per_s: u64, ahead: Ahead, threads: usize) -> Self {
        let count = senders.all.len();
        let queue_max = queue_size(count, rate_per_s, ahead);
        let batch = batch_size(count, threads, queue_max);
        let (queue, ready) = sync_channel(queue_max + batch * threads);
        let shared = Arc::new(Shared {
            senders: senders.clone(),
            batch,
            valid_for_ms: VALID_FOR_MS + ahead.seconds() * 2_000,
            stop: AtomicBool::new(false),
            made: AtomicU64::new(0),
            enough: ahead.enough(queue_max),
            cpu: Mutex::default(),
        });
        let threads = (0..threads)
            .map(|_| {
                let (queue, shared) = (queue.clone(), shared.clone());
                thread::spawn(move || work(&shared, &queue))
            })
            .collect();
        Self { ready, shared, threads }
    }

    /// CPU time that signing has cost so far.
    pub fn cpu(&self) -> Duration {
        *self.shared.cpu.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Transactions signed so far.
    pub fn made(&self) -> u64 {
        self.shared.made.load(Ordering::Relaxed)
    }

    /// Stops the threads.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.ready);
        for thread in self.threads {
            // A signer that panicked has already ended the run by leaving the queue empty.
            let _ = thread.join();
        }
    }
}

impl Ahead {
    const fn seconds(self) -> u64 {
        match self {
            Self::Little => AHEAD_S,
            Self::Whole(seconds) => seconds,
        }
    }

    const fn enough(self, queue_max: usize) -> u64 {
        match self {
            Self::Little => u64::MAX,
            Self::Whole(_) => queue_max as u64,
        }
    }
}

/// Transactions that wait, signed, at most.
fn queue_size(senders: usize, rate_per_s: u64, ahead: Ahead) -> usize {
    let count = rate_per_s * ahead.seconds();
    match ahead {
        Ahead::Little => count.min(senders as u64 * NONCES_UNSENT_MAX).max(1) as usize,
        // All of them are sent.
        Ahead::Whole(_) => count as usize,
    }
}

/// Transactions that each thread signs at once: no more than the schedule takes before they
/// expire, and few enough of each account.
fn batch_size(senders: usize, threads: usize, queue_max: usize) -> usize {
    let of_accounts = senders * NONCES_AT_ONCE_MAX / threads.max(1);
    BATCH_MAX.min(of_accounts).min(queue_max).max(1)
}

fn work(shared: &Shared, queue: &SyncSender<Signed>) {
    let mut rng: StdRng = rand::make_rng();
    let mut counted = Duration::ZERO;
    let is_enough = || shared.made.load(Ordering::Relaxed) >= shared.enough;
    while !shared.stop.load(Ordering::Relaxed) && !is_enough() {
        let (bodies, payments): (Vec<_>, Vec<_>) =
            (0..shared.batch).map(|_| next(shared, &mut rng)).unzip();
        for (signed, payment) in sign_many(shared.senders.suite, &bodies).into_iter().zip(payments)
        {
            if !put(shared, queue, Signed { id: signed.id, bytes: signed.bytes, payment }) {
                return;
            }
        }
        let now = thread_cpu();
        let mut cpu = shared.cpu.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *cpu += now - counted;
        counted = now;
    }
}

/// Queues a transaction once there is room; false when the run is over.
fn put(shared: &Shared, queue: &SyncSender<Signed>, mut signed: Signed) -> bool {
    loop {
        match queue.try_send(signed) {
            Ok(()) => {
                shared.made.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            Err(TrySendError::Full(back)) if !shared.stop.load(Ordering::Relaxed) => signed = back,
            Err(_) => return false,
        }
        thread::sleep(PAUSE);
    }
}

/// A transaction to sign, and who signs it.
type ToSign<'a> = (UnsignedTransaction, &'a SecretKey);

fn next<'a>(shared: &'a Shared, rng: &mut StdRng) -> (ToSign<'a>, Option<Payment>) {
    let senders = &*shared.senders;
    let from = rng.random_range(0..senders.all.len());
    let sender = &senders.all[from];
    let (call, payment) = match senders.payload {
        Payload::Transfer => (transfer(other(senders, from, rng), Amount(1), None), None),
        Payload::Payment(_) => {
            let payment = Payment {
                sender: sender.address,
                to: other(senders, from, rng),
                amount: Amount(rng.random_range(1..=PAID_MAX)),
                uetr: Uetr::random(rng),
            };
            (transfer(payment.to, payment.amount, Some(payment.uetr)), Some(payment))
        }
        Payload::Evidence { entries } => {
            let call = Call::EvidenceAppend {
                log: LogId(0),
                media_type: String::new(),
                reference: Vec::new(),
                entries: (0..entries).map(|_| random_digest(rng)).collect(),
            };
            (call, None)
        }
    };
    let unsigned = UnsignedTransaction {
        chain_id: senders.chain_id,
        sender: sender.address,
        key_index: 0,
        nonce: sender.nonce.fetch_add(1, Ordering::Relaxed),
        valid_until_ms: now_ms() + shared.valid_for_ms,
        calls: [call.to_raw()].into(),
    };
    ((unsigned, &sender.key), payment)
}

fn transfer(to: Address, amount: Amount, uetr: Option<Uetr>) -> Call {
    let reference = uetr.map(|uetr| TransferReference(uetr.0.to_vec()));
    Call::AssetTransfer { asset: AssetId::PRIMARY, to, amount, reference }
}

/// Address of one of the accounts but `from`, each as likely.
fn other(senders: &Senders, from: usize, rng: &mut StdRng) -> Address {
    let count = senders.all.len();
    senders.all[(from + rng.random_range(1..count)) % count].address
}

fn random_digest(rng: &mut StdRng) -> Digest {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Digest(bytes)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
