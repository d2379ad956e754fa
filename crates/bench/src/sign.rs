//! Sign transactions ahead of time, in threads of their own.

use crate::plan::{LoadPlan, Payload};
use crate::process::thread_cpu;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trine_types::transaction::UnsignedTransaction;
use trine_types::{
    Address, Amount, AssetId, Call, ChainId, Digest, LogId, Suite, Transaction, TransactionId,
};

/// Milliseconds for which a transaction stays valid after it was signed.
const VALID_FOR_MS: u64 = 120_000;
/// Seconds that the signers run ahead of the schedule: further, and the measured window would pay
/// for transactions that are never sent.
const AHEAD_S: u64 = 2;

/// A transaction ready to send.
pub struct Signed {
    /// Identifier.
    pub id: TransactionId,
    /// Encoding.
    pub bytes: Bytes,
}

/// An account that sends: its key and its next nonce.
struct Sender {
    key: trine_crypto::SecretKey,
    address: Address,
    nonce: AtomicU64,
}

/// The threads that sign, and what they have ready.
pub struct Signers {
    /// Signed transactions, in the order of their nonces.
    pub ready: Receiver<Signed>,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    suite: Suite,
    chain_id: ChainId,
    payload: Payload,
    queue_max: usize,
    senders: Vec<Sender>,
    stop: AtomicBool,
    cpu: Mutex<Duration>,
}

/// Derives the accounts that send, in parallel; calls `progress` with the number done.
fn senders(plan: &LoadPlan, suite: Suite) -> Vec<Sender> {
    let secrets: Vec<[u8; 32]> = match (&plan.genesis.generated_accounts, plan.payload) {
        (Some(generated), Payload::Transfer) => (0..generated.count)
            .map(|index| {
                let key = generated.secret_key(suite, index);
                let mut secret = [0; 32];
                secret.copy_from_slice(key.expose());
                secret
            })
            .collect(),
        _ => plan.notary_keys.clone(),
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let chunk = secrets.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = secrets
            .chunks(chunk)
            .map(|secrets| scope.spawn(move || secrets.iter().map(|s| sender(suite, *s)).collect()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| -> Vec<Sender> {
                worker.join().expect("deriving an address does not panic")
            })
            .collect()
    })
}

fn sender(suite: Suite, secret: [u8; 32]) -> Sender {
    let address = Address::of_key(suite, suite.algorithm(), &key(suite, &secret).public_key());
    Sender { key: key(suite, &secret), address, nonce: AtomicU64::new(0) }
}

fn key(suite: Suite, secret: &[u8; 32]) -> trine_crypto::SecretKey {
    trine_crypto::SecretKey::from_bytes(suite.algorithm(), secret)
        .expect("the plan's keys are keys of the suite")
}

impl Signers {
    /// Derives the accounts; nothing is signed before [`Signers::start`].
    pub fn prepare(plan: &LoadPlan, suite: Suite) -> Prepared {
        Prepared(Shared {
            suite,
            chain_id: plan.genesis.chain_id(),
            payload: plan.payload,
            queue_max: (plan.rate_per_s * AHEAD_S) as usize,
            senders: senders(plan, suite),
            stop: AtomicBool::new(false),
            cpu: Mutex::default(),
        })
    }

    /// CPU time that signing has cost so far.
    pub fn cpu(&self) -> Duration {
        *self.shared.cpu.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

/// Accounts that are ready to sign.
pub struct Prepared(Shared);

impl Prepared {
    /// Addresses of the accounts.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.0.senders.iter().map(|sender| &sender.address)
    }

    /// Sets the next nonce of the account at `place`.
    pub fn set_nonce(&self, place: usize, nonce: u64) {
        self.0.senders[place].nonce.store(nonce, Ordering::Relaxed);
    }

    /// Starts `threads` threads.
    pub fn start(self, threads: usize) -> Signers {
        let (queue, ready) = sync_channel(self.0.queue_max);
        let shared = Arc::new(self.0);
        let threads = (0..threads)
            .map(|_| {
                let (queue, shared) = (queue.clone(), shared.clone());
                thread::spawn(move || work(&shared, &queue))
            })
            .collect();
        Signers { ready, shared, threads }
    }
}

fn work(shared: &Shared, queue: &SyncSender<Signed>) {
    let mut rng: StdRng = rand::make_rng();
    let mut counted = Duration::ZERO;
    while !shared.stop.load(Ordering::Relaxed) {
        let transaction = next(shared, &mut rng);
        let mut signed = Signed { id: transaction.id, bytes: transaction.bytes };
        while let Err(error) = queue.try_send(signed) {
            let TrySendError::Full(back) = error else { return };
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            signed = back;
            thread::sleep(Duration::from_millis(1));
        }
        let now = thread_cpu();
        let mut cpu = shared.cpu.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *cpu += now - counted;
        counted = now;
    }
}

fn next(shared: &Shared, rng: &mut StdRng) -> Transaction {
    let count = shared.senders.len();
    let from = rng.random_range(0..count);
    let call = match shared.payload {
        Payload::Transfer => {
            // Uniform over the others.
            let to = (from + rng.random_range(1..count)) % count;
            Call::AssetTransfer {
                asset: AssetId::PRIMARY,
                to: shared.senders[to].address,
                amount: Amount(1),
                reference: None,
            }
        }
        Payload::Evidence { entries } => Call::EvidenceAppend {
            log: LogId(0),
            media_type: String::new(),
            reference: Vec::new(),
            entries: (0..entries).map(|_| random_digest(rng)).collect(),
        },
    };
    let sender = &shared.senders[from];
    let unsigned = UnsignedTransaction {
        chain_id: shared.chain_id,
        sender: sender.address,
        key_index: 0,
        nonce: sender.nonce.fetch_add(1, Ordering::Relaxed),
        valid_until_ms: now_ms() + VALID_FOR_MS,
        calls: [call.to_raw()].into(),
    };
    unsigned.sign(shared.suite, &sender.key)
}

fn random_digest(rng: &mut StdRng) -> Digest {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Digest(bytes)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
