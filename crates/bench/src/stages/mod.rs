//! Measure each stage of a transaction's path alone: CPU time and allocations a transaction.
//!
//! The stages run one after the other on the same blocks of transfers, against real databases in a
//! folder of their own, so that each has the inputs that it has in a node. CPU time is that of all
//! threads; nothing else runs meanwhile.

mod blocks;
mod state;

use crate::allocations::{self, Allocations};
use crate::process::own_cpu;
use blocks::Blocks;
use commonware_runtime::tokio;
use serde::Serialize;
use state::StateStages;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use trine_crypto::{BatchItem, SecretKey, verify_each};
use trine_ledger::Block;
use trine_node::mempool::{
    admission::Admission,
    batch,
    pool::{Origin, Pool},
};
use trine_rules::Rules;
use trine_types::application::Application as _;
use trine_types::limits::VERIFY_BATCH_FULL;
use trine_types::{Decode as _, Genesis, StateKey, Transaction, View, merkle, record::Parameters};

/// What is measured.
#[derive(Clone, Debug)]
pub struct StagesPlan {
    /// Genesis that generates accounts.
    pub genesis: Genesis,
    /// Transactions of a block.
    pub transactions: usize,
    /// Blocks that are measured; one more warms up.
    pub blocks: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageRow {
    /// Stage.
    pub stage: &'static str,
    /// `transaction` or `block`.
    pub per: &'static str,
    /// CPU time of all threads, in microseconds.
    pub us: f64,
    /// Allocations.
    pub allocations: f64,
    /// Bytes allocated.
    pub allocated_bytes: f64,
}

/// Why the stages could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum StagesError {
    /// The genesis document does not serve.
    #[error("stages: {0}")]
    Plan(String),
    /// A part of the node failed.
    #[error("stages: {what}: {cause}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// What it said.
        cause: String,
    },
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> StagesError {
    move |error| StagesError::Failed { what, cause: error.to_string() }
}

struct Sum {
    stage: &'static str,
    per: &'static str,
    count: u64,
    cpu: Duration,
    allocations: Allocations,
}

/// Adds up what each stage costs.
#[derive(Default)]
struct Meter {
    sums: Vec<Sum>,
    /// Whether figures count; not while the caches are cold.
    counts: bool,
}

impl Meter {
    fn add(&mut self, stage: &'static str, per: &'static str, count: usize, cost: Cost) {
        if !self.counts {
            return;
        }
        let place = self.sums.iter().position(|sum| sum.stage == stage).unwrap_or_else(|| {
            let (cpu, allocations) = Default::default();
            self.sums.push(Sum { stage, per, count: 0, cpu, allocations });
            self.sums.len() - 1
        });
        let sum = &mut self.sums[place];
        sum.count += count as u64;
        sum.cpu += cost.cpu;
        sum.allocations.count += cost.allocations.count;
        sum.allocations.bytes += cost.allocations.bytes;
    }

    /// Measures `work` on `count` transactions.
    fn time<T>(&mut self, stage: &'static str, count: usize, work: impl FnOnce() -> T) -> T {
        let (result, cost) = Cost::of(work);
        self.add(stage, "transaction", count, cost);
        result
    }

    fn rows(&self) -> Vec<StageRow> {
        let row = |sum: &Sum| {
            let each = |total: f64| total / sum.count.max(1) as f64;
            StageRow {
                stage: sum.stage,
                per: sum.per,
                us: each(sum.cpu.as_secs_f64() * 1e6),
                allocations: each(sum.allocations.count as f64),
                allocated_bytes: each(sum.allocations.bytes as f64),
            }
        };
        self.sums.iter().map(row).collect()
    }
}

/// What a piece of work cost.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    allocations: Allocations,
}

impl Cost {
    /// What the process has used so far.
    fn so_far() -> Self {
        Self { cpu: own_cpu(), allocations: allocations::counted() }
    }

    fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let start = Self::so_far();
        let result = work();
        (result, Self::so_far().less(start))
    }

    const fn less(self, other: Self) -> Self {
        let cpu = self.cpu.saturating_sub(other.cpu);
        Self { cpu, allocations: self.allocations.less(other.allocations) }
    }
}

/// Measures every stage in `folder`, which is empty; `tell` is called before each block with its
/// number, 0 for the one that warms up, and says whether to go on.
///
/// # Errors
/// [`StagesError`] when the plan does not serve or a part fails.
pub fn measure_stages(
    plan: &StagesPlan,
    folder: &Path,
    tell: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<StageRow>, StagesError> {
    let config =
        tokio::Config::new().with_worker_threads(1).with_storage_directory(folder.join("engine"));
    let logged = trine_ledger::databases::is_logged;
    let rows = trine_runtime::run(config, logged, |context| run(context, plan, folder, tell));
    allocations::stop_counting();
    rows.map_err(|error| failed("open the files")(error))?
}

async fn run(
    context: trine_runtime::Context,
    plan: &StagesPlan,
    folder: &Path,
    tell: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<StageRow>, StagesError> {
    let rules = Arc::new(Rules::new(&plan.genesis).map_err(failed("genesis"))?);
    let mut blocks = Blocks::new(plan)?;
    let mut state = StateStages::open(context, plan, rules.clone(), folder).await?;
    let mut meter = Meter::default();
    for number in 0..=plan.blocks {
        if !tell(number) {
            break;
        }
        meter.counts = number > 0;
        let sent = blocks.next_batch();
        let admitted = receive(&mut meter, plan, &rules, &state, sent)?;
        let executed = state.execute(&mut meter, admitted).await?;
        transfer(&mut meter, executed.block())?;
        state.persist(&mut meter, executed).await?;
    }
    certificates(&mut meter, plan)?;
    Ok(meter.rows())
}

/// Decodes, verifies, admits and orders a batch.
fn receive(
    meter: &mut Meter,
    plan: &StagesPlan,
    rules: &Rules,
    state: &StateStages,
    sent: bytes::Bytes,
) -> Result<Vec<Arc<Transaction>>, StagesError> {
    let (count, suite) = (plan.transactions, state.suite());
    let decoded = meter.time("decode and identify", count, || {
        let raw = batch::split(&sent).map_err(failed("batch"))?;
        raw.into_iter()
            .map(|bytes| Transaction::from_bytes(suite, bytes).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed("transaction"))
    })?;
    let context = state.context();
    let mut view = View::default();
    let accounts = rules.accounts(&decoded.iter().map(|one| &**one).collect::<Vec<_>>());
    accounts.iter().for_each(|one| view.stage_account(*one, state.account(one).cloned()));
    let parameters = state.value(&StateKey::parameters(suite)).unwrap_or_default();
    let parameters = Parameters::from_bytes(&parameters).map_err(failed("parameters"))?;
    let admission = Admission { application: rules, context, parameters: &parameters };
    let keys = meter.time("admit", count, || {
        let check = |one: &Arc<Transaction>| admission.check(one, &view);
        decoded.iter().map(check).collect::<Result<Vec<_>, _>>().map_err(failed("admission"))
    })?;
    let items: Vec<BatchItem<'_>> =
        decoded.iter().zip(&keys).map(|(one, key)| one.batch_item(key)).collect();
    let valid = meter.time("verify signatures", count, || {
        items.chunks(VERIFY_BATCH_FULL).all(|chunk| verify_each(chunk).into_iter().all(|one| one))
    });
    if !valid {
        return Err(StagesError::Plan("a signature does not verify".to_owned()));
    }
    drop(items);
    decoded.iter().zip(&keys).for_each(|(one, key)| one.note_verified(key));
    let mut pool = Pool::default();
    let chosen = meter.time("keep, choose and drop", count, || {
        for one in &decoded {
            pool.insert(one.clone(), Origin::Peer, 0).map_err(failed("pool"))?;
        }
        let chosen = pool.candidates(usize::MAX, usize::MAX, &Default::default());
        let spent = chosen.iter().map(|one| (one.id, &one.body.sender, one.body.nonce));
        pool.finalize(spent, 1);
        Ok(chosen)
    })?;
    Ok(chosen)
}

/// Takes a block as it comes from the network, and finds its transactions.
fn transfer(meter: &mut Meter, block: &Block) -> Result<(), StagesError> {
    let count = block.inner().transactions.len();
    let encoded =
        meter.time("encode block", count, || trine_types::Encode::to_bytes(&**block.inner()));
    let (taken, decoding) =
        Cost::of(|| Block::from_bytes(block.suite(), encoded.into()).map_err(failed("block")));
    let taken = taken?;
    let leaves = || block.inner().transactions.iter().map(|bytes| bytes.as_ref());
    let (root, hashing) = Cost::of(|| merkle::root(block.suite(), leaves()));
    // Whoever decodes a block hashes its body.
    meter.add("decode block", "transaction", count, decoding.less(hashing));
    meter.add("body root", "transaction", count, hashing);
    match root == taken.header().body_root {
        true => Ok(()),
        false => Err(StagesError::Plan("a block has another body root".to_owned())),
    }
}

/// Votes and certificates that are measured.
const CERTIFICATES: usize = 64;
/// Kinds of votes of a block: notarize and finalize.
const VOTES: usize = 2;

/// Signs a validator's votes on a block and checks those of a quorum, with known keys.
fn certificates(meter: &mut Meter, plan: &StagesPlan) -> Result<(), StagesError> {
    let suite = plan.genesis.suite().map_err(failed("genesis"))?;
    let key = |number: u8| {
        SecretKey::from_bytes(suite.algorithm(), &[number + 1; 32]).map_err(failed("vote key"))
    };
    let validators = plan.genesis.validators.len().max(1);
    let quorum = validators - (validators - 1) / 3;
    let keys: Vec<SecretKey> = (0..quorum as u8).map(key).collect::<Result<_, _>>()?;
    let public: Vec<Vec<u8>> = keys.iter().map(SecretKey::public_key).collect();
    trine_crypto::learn_keys(public.iter().map(|key| (suite.algorithm(), key.as_slice())));
    for number in 0..CERTIFICATES {
        let message = number.to_be_bytes();
        let signatures: Vec<Vec<u8>> =
            keys.iter().map(|key| key.sign(b"stages", &message)).collect();
        let items: Vec<BatchItem<'_>> = (public.iter().zip(&signatures))
            .map(|(public_key, signature)| BatchItem {
                algorithm: suite.algorithm(),
                public_key,
                namespace: b"stages",
                message: &message,
                signature,
            })
            .collect();
        let (_, cost) = Cost::of(|| {
            for _ in 0..VOTES {
                keys[0].sign(b"stages", &message);
                verify_each(&items[1..]);
                verify_each(&items);
            }
        });
        meter.add("sign and check votes", "block", 1, cost);
    }
    Ok(())
}
