//! Build, check and finalize blocks: the application as the state actor sees it.

use crate::{
    Block,
    block::{Body, TransactionIds},
    committees::Committees,
    databases::{Databases, Merkleized, Readers, Runtime, Targets, Unmerkleized},
    execute::{Applied, Work, apply, commitments},
    log_heads::LogHeads,
    observer::Observer,
    parallel::{joined, stretches},
    pending::Pending,
    planted::{self, Fault},
    preset::{BlockDigest, Context, Scheme, Strategy},
    state::Roots,
};
use bytes::Bytes;
use commonware_consensus::{
    marshal::ancestry::Ancestry,
    types::{Epoch, Epocher as _, FixedEpocher, Height as EngineHeight},
};
use commonware_glue::stateful::{Application as StatefulApplication, Finality, Input, Proposed};
use commonware_runtime::Clock;
use commonware_utils::sync::Mutex;
use futures::StreamExt as _;
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tracing::{debug, warn};
use trine_types::{
    Code, Decode as _, Digest, Encode as _, EpochChange, Header, Height, StateKey, Suite,
    Transaction, TransactionId, ValidatorKey, View,
    application::{
        Application, BlockContext, Execution, InvalidBlock, SignatureChecker, SignerKey,
    },
    codec::Encoder,
    limits, merkle,
    record::Parameters,
};

/// Transactions that a leader wants to propose.
pub type Candidates = Vec<Arc<Transaction>>;

/// What a leader proposes.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What the block may hold.
    pub candidates: Candidates,
    /// Time of the block in milliseconds since 1970, unless its parent's is later.
    pub time_ms: u64,
}

/// Takes the identifiers of candidates that may not enter a block now.
pub type LeftOut = Arc<dyn Fn(&[TransactionId]) + Send + Sync>;

/// Gives those transactions, by their bytes, that are in memory already: decoded, perhaps verified.
pub type Known = Arc<dyn Fn(&[Bytes]) -> Vec<Option<Arc<Transaction>>> + Send + Sync>;

/// What the ledger is made of.
#[derive(Clone)]
pub struct Parts {
    /// Suite of the chain.
    pub suite: Suite,
    /// Genesis block.
    pub genesis: Block,
    /// Rules.
    pub application: Arc<dyn Application>,
    /// Signature checks.
    pub checker: Arc<dyn SignatureChecker>,
    /// Follows the chain.
    pub observer: Arc<dyn Observer>,
    /// Root over the evidence logs.
    pub log_heads: Arc<dyn LogHeads>,
    /// Validators by epoch.
    pub committees: Committees,
    /// Epochs by height.
    pub epocher: FixedEpocher,
    /// Learns which candidates a build left out as invalid.
    pub left_out: LeftOut,
    /// Gives transactions that are in memory already.
    pub known: Known,
    /// Pool for executing and for signatures.
    pub strategy: Strategy,
}

/// The chain's state machine; clones share everything.
#[derive(Clone)]
pub struct Ledger {
    parts: Arc<Parts>,
    pending: Arc<Mutex<Pending>>,
    roots: Roots,
    /// What the parameters of the newest block seen let a block hold.
    transactions_max: Arc<AtomicUsize>,
    /// Time that they want between blocks.
    interval_ms_min: Arc<AtomicU64>,
}

/// Why a block is invalid for ever.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Malformed(#[from] crate::BlockError),
    #[error("{0}")]
    Transaction(#[from] InvalidBlock),
    #[error("a signature does not verify")]
    Signature,
    #[error("{0} is not what the block's execution gives")]
    Commitment(&'static str),
    #[error("{0} does not follow from the parent")]
    Successor(&'static str),
}

impl Ledger {
    /// Starts with nothing pending.
    pub fn new(parts: Parts) -> Self {
        let transactions_max = Arc::new(AtomicUsize::new(limits::BLOCK_TRANSACTIONS_MAX));
        let (pending, roots, interval_ms_min) = Default::default();
        Self { parts: Arc::new(parts), pending, roots, transactions_max, interval_ms_min }
    }

    /// Genesis block.
    pub fn genesis_block(&self) -> &Block {
        &self.parts.genesis
    }

    /// State roots of the blocks applied last.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Identifiers of the transactions in `block` and its ancestors that are not final yet.
    pub fn unfinalized(&self, block: BlockDigest) -> TransactionIds {
        self.pending.lock().transactions(block)
    }

    /// Whether the chain that ends with `tip` has the block, which has this height; none where
    /// this node does not know yet.
    pub fn contains(&self, tip: BlockDigest, block: BlockDigest, height: Height) -> Option<bool> {
        self.pending.lock().contains(tip, block, height)
    }

    /// Most transactions that the next block may hold, as far as this node knows the chain's
    /// parameters. More candidates would be read, verified and left over.
    pub fn transactions_max(&self) -> usize {
        self.transactions_max.load(Ordering::Relaxed)
    }

    /// Shortest time between a block and its parent, in milliseconds, as far as this node knows
    /// the chain's parameters.
    pub fn interval_ms_min(&self) -> u64 {
        self.interval_ms_min.load(Ordering::Relaxed)
    }

    fn note_parameters(&self, view: &View) {
        let encoded = view.value(&StateKey::parameters(self.parts.suite));
        let parameters = encoded.and_then(|bytes| Parameters::from_bytes(bytes).ok());
        if let Some(parameters) = parameters {
            let count = usize::try_from(parameters.block_transactions_max());
            self.transactions_max.store(count.unwrap_or(usize::MAX), Ordering::Relaxed);
            self.interval_ms_min.store(parameters.block_interval_ms_min(), Ordering::Relaxed);
        }
    }

    fn block_context(&self, parent: &Header, epoch: u64, time_ms: u64) -> BlockContext {
        let height = Height(parent.height.0 + 1);
        BlockContext {
            suite: self.parts.suite,
            chain_id: parent.chain_id,
            height,
            epoch: trine_types::Epoch(epoch),
            time_ms,
            closes_epoch: self.closes_epoch(height, epoch),
        }
    }

    fn closes_epoch(&self, height: Height, epoch: u64) -> bool {
        self.parts.epocher.last(Epoch::new(epoch)) == Some(EngineHeight::new(height.0))
    }

    /// Returns who decides after this block, when it is the last of its epoch.
    ///
    /// # Panics
    /// When the epoch's own validators are unknown: its blocks only come after they are known.
    fn epoch_change(&self, context: &BlockContext, execution: &Execution) -> Option<EpochChange> {
        if !context.closes_epoch || planted::has(Fault::ForgetValidators) {
            return None;
        }
        let current = self.parts.committees.change(Epoch::new(context.epoch.0));
        let current = current.expect("an epoch is entered only when its validators are known");
        let mut validators = current.following().clone();
        let next = execution.next_validators.as_ref();
        if let Some(early) = next.filter(|_| planted::has(Fault::EarlyValidators)) {
            validators = early.clone();
        }
        let following = next.filter(|next| **next != validators).cloned();
        Some(EpochChange { epoch: trine_types::Epoch(context.epoch.0 + 1), validators, following })
    }

    /// Makes the header that commits to what execution gave.
    fn header<E: Runtime>(
        &self,
        context: &BlockContext,
        parent: &Header,
        place: &Context,
        applied: &Applied<E, Sealed>,
    ) -> Header {
        let Sealed { execution, body_root, outcome_root, .. } = &applied.result;
        self.note_parameters(&applied.view);
        let (accounts, values) = commitments::<E>(&applied.merkleized);
        let parent_digest = Digest(place.parent.1.0);
        Header {
            chain_id: context.chain_id,
            height: context.height,
            epoch: context.epoch,
            view: place.round.view().get(),
            parent_view: place.parent.0.get(),
            proposer: ValidatorKey(place.leader.to_array()),
            parent: parent_digest,
            time_ms: context.time_ms,
            body_root: *body_root,
            outcome_root: *outcome_root,
            evidence_root: self.parts.log_heads.root(
                parent_digest,
                parent.evidence_root,
                &execution.log_appends,
                &applied.view,
            ),
            accounts,
            values,
            parameters_version: execution.parameters_version,
            epoch_change: self.epoch_change(context, execution),
            extension: Vec::new(),
        }
    }

    /// Remembers what execution gave until the block is final or cannot be any more.
    fn remember(&self, block: &Block, body: Body, execution: Execution) {
        let header = block.header();
        self.parts.log_heads.remember(
            header.parent,
            block.id(),
            header.height,
            &execution.log_appends,
        );
        self.pending.lock().insert(block, body, Arc::new(execution));
    }

    async fn build<E: Runtime>(
        &self,
        place: Context,
        parent: &Header,
        batches: Unmerkleized<E>,
        plan: Plan,
    ) -> Option<Proposed<Self, E>> {
        let Plan { candidates, time_ms } = plan;
        let mut time_ms = time_ms.max(parent.time_ms + 1);
        if planted::has(Fault::OldTime) {
            time_ms = parent.time_ms;
        }
        let within = self.block_context(parent, place.round.epoch().get(), time_ms);
        let transactions: Arc<[Arc<Transaction>]> = candidates.into();
        let parts = self.parts.clone();
        let run = move |candidates: &[&Transaction], view: &mut View| {
            let signed = signed(&parts, &within, candidates, view);
            let chosen: Vec<&Transaction> = signed.iter().map(|place| candidates[*place]).collect();
            let (included, refused, execution) = parts.application.build(&within, &chosen, view);
            report_left_out(&parts, candidates, &signed, &refused);
            let places: Vec<usize> = included.iter().map(|place| signed[*place]).collect();
            Ok::<_, std::convert::Infallible>((places, execution))
        };
        let parts = &self.parts;
        let suite = parts.suite;
        let seal = move |transactions: &[Arc<Transaction>], (places, execution): (Vec<_>, _)| {
            let place = |place: &usize| transactions[*place].clone();
            let body: Body = places.iter().map(place).collect();
            let body_root = merkle::root(suite, body.iter().map(|one| one.bytes.as_ref()));
            Sealed::new(suite, body, body_root, execution)
        };
        let application = parts.application.clone();
        let work = Work { application, strategy: &parts.strategy, context: within, transactions };
        let applied = apply::<E, _, _, _>(work, batches, run, seal).await;
        let Ok(applied) = applied.unwrap_or_else(|error| panic!("building a block: {error}"));
        let header = self.header(&within, parent, &place, &applied);
        let Applied { result: Sealed { body, execution, .. }, merkleized, .. } = applied;
        let raw = body.iter().map(|one| one.bytes.clone()).collect();
        let block = trine_types::Block { header, transactions: raw };
        let block = Block::built(parts.suite, block, body.clone())
            .unwrap_or_else(|error| panic!("this node built a block that is no block: {error}"));
        self.remember(&block, body, execution);
        Some(Proposed { block, merkleized })
    }

    async fn check<E: Runtime>(
        &self,
        block: &Block,
        parent: &Header,
        batches: Unmerkleized<E>,
        finality: Finality,
    ) -> Result<Merkleized<E>, Refusal> {
        let header = block.header();
        check_successor(header, parent)?;
        let context = self.block_context(parent, header.epoch.0, header.time_ms);
        let transactions = block.transactions_with(|raw| (self.parts.known)(raw))?;
        let parts = self.parts.clone();
        let run = move |transactions: &[&Transaction], view: &mut View| {
            if finality == Finality::Candidate {
                check_signatures(&parts, &context, transactions, view)?;
            }
            Ok::<_, Refusal>(parts.application.execute(&context, transactions, view)?)
        };
        let parts = &self.parts;
        // The body was compared with its root when the block was decoded.
        let (suite, body, body_root) = (parts.suite, transactions.clone(), header.body_root);
        let seal = move |_: &[_], execution| Sealed::new(suite, body, body_root, execution);
        let application = parts.application.clone();
        let work = Work { application, strategy: &parts.strategy, context, transactions };
        let applied = apply::<E, _, _, _>(work, batches, run, seal).await;
        let applied = applied.unwrap_or_else(|error| panic!("checking a block: {error}"))?;
        let place = commonware_consensus::CertifiableBlock::context(block);
        let expected = self.header::<E>(&context, parent, &place, &applied);
        if let Some(field) = first_difference(header, &expected) {
            return Err(Refusal::Commitment(field));
        }
        let Applied { result: Sealed { body, execution, .. }, merkleized, .. } = applied;
        self.remember(block, body, execution);
        Ok(merkleized)
    }
}

/// What a block holds and what executing it gave, with the roots over both.
struct Sealed {
    body: Body,
    body_root: Digest,
    execution: Execution,
    outcome_root: Digest,
}

impl Sealed {
    fn new(suite: Suite, body: Body, body_root: Digest, execution: Execution) -> Self {
        let outcome_root = outcome_root(suite, &body, &execution);
        Self { body, body_root, execution, outcome_root }
    }
}

/// Refuses what can be seen from the two headers alone.
fn check_successor(header: &Header, parent: &Header) -> Result<(), Refusal> {
    if header.chain_id != parent.chain_id {
        return Err(Refusal::Successor("the chain"));
    }
    if header.height.0 != parent.height.0 + 1 {
        return Err(Refusal::Successor("the height"));
    }
    if header.time_ms <= parent.time_ms && !planted::has(Fault::OldTime) {
        return Err(Refusal::Successor("the time"));
    }
    Ok(())
}

/// Names the first field that differs.
fn first_difference(found: &Header, expected: &Header) -> Option<&'static str> {
    let fields = [
        (found.outcome_root == expected.outcome_root, "the outcome root"),
        (found.evidence_root == expected.evidence_root, "the evidence root"),
        (found.accounts == expected.accounts, "the commitment to the accounts"),
        (found.values == expected.values, "the commitment to the values"),
        (found.parameters_version == expected.parameters_version, "the parameters version"),
        (found.epoch_change == expected.epoch_change, "the next validators"),
        (found == expected, "the header"),
    ];
    fields.into_iter().find(|(same, _)| !same).map(|(_, field)| field)
}

/// The keys under which the signatures must verify, by the parent state.
fn signer_keys(
    parts: &Parts,
    context: &BlockContext,
    transactions: &[&Transaction],
    view: &View,
) -> Vec<Result<SignerKey, Code>> {
    let keys = |range: std::ops::Range<usize>| {
        let key = |one| parts.application.signer_key(context, one, view);
        transactions[range].iter().copied().map(key).collect()
    };
    joined(stretches(&parts.strategy, transactions.len(), keys))
}

/// Places of the candidates that are signed by the key that the parent state names.
fn signed(
    parts: &Parts,
    context: &BlockContext,
    candidates: &[&Transaction],
    view: &View,
) -> Vec<usize> {
    let keys = signer_keys(parts, context, candidates, view);
    let keyed =
        keys.iter().enumerate().filter_map(|(place, key)| Some((place, key.as_ref().ok()?)));
    let (places, items): (Vec<usize>, Vec<(&Transaction, &[u8])>) =
        keyed.map(|(place, key)| (place, (candidates[place], key.as_slice()))).unzip();
    let verdicts = parts.checker.check_each(&items);
    places.into_iter().zip(verdicts).filter_map(|(place, signed)| signed.then_some(place)).collect()
}

/// Tells the source which candidates are not valid now.
fn report_left_out(
    parts: &Parts,
    candidates: &[&Transaction],
    signed: &[usize],
    refused: &[InvalidBlock],
) {
    let unsigned = (0..candidates.len()).filter(|place| signed.binary_search(place).is_err());
    let refused = refused.iter().map(|refused| {
        debug!(place = refused.index, code = ?refused.code, "left out of the block");
        signed[refused.index]
    });
    let ids: Vec<TransactionId> =
        unsigned.chain(refused).map(|place| candidates[place].id).collect();
    if !ids.is_empty() {
        (parts.left_out)(&ids);
    }
}

fn check_signatures(
    parts: &Parts,
    context: &BlockContext,
    transactions: &[&Transaction],
    view: &View,
) -> Result<(), Refusal> {
    let keys = signer_keys(parts, context, transactions, view).into_iter().enumerate();
    let keys = keys.map(|(index, key)| key.map_err(|code| InvalidBlock { index, code }));
    let keys: Vec<SignerKey> = keys.collect::<Result<_, _>>()?;
    let items: Vec<(&Transaction, &[u8])> =
        transactions.iter().zip(&keys).map(|(one, key)| (*one, key.as_slice())).collect();
    parts.checker.check(&items).then_some(()).ok_or(Refusal::Signature)
}

/// Room for the leaf of most outcomes.
const OUTCOME_LEAF_BYTES_USUAL: usize = 192;

/// Root over the outcomes of a block, each with the identifier of its transaction.
pub fn outcome_root(suite: Suite, body: &[Arc<Transaction>], execution: &Execution) -> Digest {
    let mut leaves = Encoder(Vec::with_capacity(OUTCOME_LEAF_BYTES_USUAL * body.len()));
    let mut ends = Vec::with_capacity(body.len());
    for (transaction, outcome) in body.iter().zip(&execution.outcomes) {
        transaction.id.encode(&mut leaves);
        outcome.encode(&mut leaves);
        ends.push(leaves.0.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    merkle::root(suite, starts.zip(&ends).map(|(start, end)| &leaves.0[start..*end]))
}

impl<E: Runtime + Clock> StatefulApplication<E> for Ledger {
    type SigningScheme = Scheme;
    type Context = Context;
    type Block = Block;
    type Databases = Databases<E>;
    type Captured = ();
    type Provider = ();
    type Input = Plan;

    fn sync_targets(block: &Block) -> Targets {
        block.targets().clone()
    }

    async fn genesis(&mut self) -> Block {
        self.parts.genesis.clone()
    }

    async fn propose(
        &mut self,
        (_, place): (E, Context),
        ancestry: impl Ancestry<Block>,
        batches: Unmerkleized<E>,
        input: Input<Plan, ()>,
    ) -> Option<Proposed<Self, E>> {
        let parent = ancestry.peek()?.clone();
        self.build(place, parent.inner().header(), batches, input.upstream).await
    }

    async fn process(
        &mut self,
        _: (E, Context),
        mut ancestry: impl Ancestry<Block>,
        batches: Unmerkleized<E>,
        finality: Finality,
    ) -> Option<Merkleized<E>> {
        let block = ancestry.next().await?;
        let parent = ancestry.next().await?;
        let parent = parent.inner().header();
        match self.check(block.inner(), parent, batches, finality).await {
            Ok(merkleized) => Some(merkleized),
            Err(refusal) => {
                warn!(block = ?block.inner(), %refusal, "refused a block");
                None
            }
        }
    }

    /// Makes the block's history durable before its state can be.
    async fn capture(&mut self, _: (E, Context), block: &Block, _: &Merkleized<E>, _: Readers<E>) {
        let processed = self.pending.lock().of(block);
        let (body, execution) = processed.expect("a block is processed before it is applied");
        self.parts.log_heads.finalize(block.id(), block.header().height);
        self.roots.push(block.header());
        // The engine keeps blocks for a while, for peers that ask; they need no decoded ones.
        block.release_body();
        let observer = &self.parts.observer;
        observer
            .finalized(Arc::new(block.clone().with_body(body)), execution)
            .await
            .unwrap_or_else(|error| panic!("storing block {:?}: {error}", block));
        self.pending.lock().settle(block);
    }

    async fn finalized(&mut self, _: (E, Context), _: &Block, _: (), _: Readers<E>) {}
}
