//! Wire the library's actors to one validator or follower.
//!
//! The same function runs on the tokio runtime with encrypted connections and on the deterministic
//! runtime with a simulated network. What each actor does is described in
//! `docs/internals/engine.md`.

use crate::{
    config::{Config, ConfigError, PAGE_BYTES, PENDING_BLOCKS_MAX, ms},
    delivery::Delivery,
    driver::{self, Driver},
    gossip::{Gossip, Incoming},
    guard::VoteGuard,
    no_sync::NoSync,
    pace::Paced,
    peers::Addresses,
    running::{Chain, Running},
    source::Source,
};
use bytes::Bytes;
use commonware_actor::Feedback;
use commonware_broadcast::buffered;
use commonware_consensus::{
    Reporter, Reporters,
    marshal::{
        self, Update,
        core::{Actor as MarshalActor, Floor},
        resolver::{handler, p2p as marshal_resolver},
        standard::Deferred,
    },
    simplex::{
        SkipBudget,
        config::{ForwardPolicy, SkipPolicy},
    },
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{
    Digested, Digestible as _, Signer as _, bls12381::primitives::variant::MinPk,
    certificate::Verifier as _,
};
use commonware_glue::{
    dkg::{
        fence::{Fence, Gate},
        network::Manager,
        orchestrator, state_sync,
    },
    stateful::{
        self, Config as StatefulConfig, PruneConfig, Stateful, SyncPlan, db::SyncEngineConfig,
    },
};
use commonware_p2p::{Blocker, Receiver, Sender, max_message_size};
use commonware_runtime::{
    Clock, Metrics, Network as RuntimeNetwork, Spawner, Storage, Strategizer,
    buffer::paged::CacheRef,
};
use commonware_storage::{archive::prunable, translator::EightCap};
use commonware_utils::{
    Acknowledgement as _, NZU16, NZU64, NZUsize, NonZeroDuration, sequence::Unit,
};
use rand::CryptoRng;
use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    sync::Arc,
};
use trine_ledger::{
    Block, Committees, Ledger, Parts as LedgerParts, Runtime, by_suite,
    databases::{self, ColdOperation, HotOperation},
    log_heads::LogHeads,
    observer::Observer,
    open_genesis,
    preset::{BlockDigest, Elector, Finalization, Marshal, PublicKey, Scheme, Strategy, Variant},
};
use trine_types::{
    Genesis, Suite, TransactionId,
    application::{Application, SignatureChecker},
    limits,
};

const MAILBOX: NonZeroUsize = NZUsize!(1_024);
const BUFFER: NonZeroUsize = NZUsize!(1 << 20);
const PAGE: NonZeroU16 = NZU16!(PAGE_BYTES);
/// Pages in memory while the genesis is written, which reads few.
const GENESIS_PAGES: NonZeroUsize = NZUsize!(4_096);
const ITEMS_PER_SECTION: NonZeroU64 = NZU64!(1_024);
const VIEWS_RETAINED: u64 = 256;
/// Blocks of each peer that wait for their certificate.
const BLOCKS_BUFFERED: usize = 4;
/// Heights fetched at a time while catching up.
const REPAIR: NonZeroUsize = NZUsize!(32);
/// Blocks between two runs of pruning.
const MAINTENANCE: NonZeroUsize = NZUsize!(64);
const PENDING: NonZeroUsize = NZUsize!(PENDING_BLOCKS_MAX);
/// Silence after which a leader's view is skipped at once, in milliseconds; longer where views wait
/// longer for a certificate.
const SKIP_MS_MIN: u64 = 5_000;
/// Separates this protocol's certificates from everything else that a key signs.
const NAMESPACE: &[u8] = b"trine/consensus/";

type Automaton<E> = Deferred<E, Scheme, Paced<stateful::Mailbox<E, Ledger>>, Block, FixedEpocher>;
type Resolvers = by_suite::Resolvers<(NoSync<HotOperation>, NoSync<ColdOperation>)>;
type Certificates<E> = prunable::Archive<EightCap, E, BlockDigest, Finalization>;
type Blocks<E> = prunable::Archive<EightCap, E, BlockDigest, Arc<Block>>;
type Backfill = (handler::Receiver<BlockDigest>, marshal_resolver::Mailbox<BlockDigest, PublicKey>);

/// What a runtime must offer.
pub trait Environment:
    Runtime + Metrics + CryptoRng + Clock + Storage + RuntimeNetwork + Strategizer + Spawner
{
}
impl<E> Environment for E where
    E: Runtime + Metrics + CryptoRng + Clock + Storage + RuntimeNetwork + Strategizer + Spawner
{
}

/// The parts that know the chain's rules.
#[derive(Clone)]
pub struct Parts {
    /// Genesis document.
    pub genesis: Arc<Genesis>,
    /// Rules.
    pub application: Arc<dyn Application>,
    /// Signature checks.
    pub checker: Arc<dyn SignatureChecker>,
    /// Transactions to propose.
    pub source: Arc<dyn Source>,
    /// Follows the chain.
    pub observer: Arc<dyn Observer>,
    /// Root over the evidence logs.
    pub log_heads: Arc<dyn LogHeads>,
    /// Takes transactions that peers forward.
    pub incoming: Incoming,
}

/// The channels of one node, in the order of [`CHANNELS`], and the network around them.
pub struct Network<S, R, B, M> {
    /// Votes.
    pub votes: (S, R),
    /// Certificates.
    pub certificates: (S, R),
    /// Requests for certificates.
    pub resolver: (S, R),
    /// Requests for blocks.
    pub backfill: (S, R),
    /// New blocks.
    pub blocks: (S, R),
    /// Transactions on their way to a leader.
    pub transactions: (S, R),
    /// Cuts peers off that send what no honest peer sends.
    pub blocker: B,
    /// Says who the peers are.
    pub manager: M,
    /// Where the validators listen; the engine keeps it as the chain says.
    pub addresses: Addresses,
}

/// Channels and the messages a second that each peer may send on them.
pub const CHANNELS: [(u64, u32); 6] = [(0, 512), (1, 512), (2, 128), (3, 128), (4, 64), (5, 256)];

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder cannot be read or written.
    #[error("storage: {0}")]
    Storage(String),
    /// The genesis state cannot be made.
    #[error(transparent)]
    Genesis(#[from] trine_ledger::GenesisError),
}

/// Returns the largest message of the network. Every node must use the same value.
pub fn message_bytes_max(suite: Suite) -> u32 {
    let validators = limits::VALIDATORS_MAX as u32;
    max_message_size(&[
        orchestrator::max_payload_size::<Scheme, BlockDigest>(validators),
        marshal::max_payload_size::<Variant, Scheme>(validators, &suite),
    ])
}

/// Sees every finalized tip and block that marshal hands out.
pub type Tap = Arc<dyn Fn(&Update<Block>) + Send + Sync>;

/// Starts all actors of one node.
///
/// # Errors
/// [`StartError`] when the configuration is refused or the folder does not serve.
pub async fn start<E, S, R, B, M>(
    context: E,
    config: Config,
    parts: Parts,
    network: Network<S, R, B, M>,
    tap: Option<Tap>,
) -> Result<Running<E>, StartError>
where
    E: Environment,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
    M: Manager<PublicKey = PublicKey, Directory = Unit>,
{
    config.check()?;
    let node = Node::open(context, config, parts).await?;
    let child = |label| node.context.child(label);
    let (fence, gate) = Fence::new();

    let resolver = node.backfill(network.backfill, &network.blocker, &network.manager);
    let config = node.broadcast_config(network.manager.clone());
    let (broadcast, buffer) = buffered::Engine::new(child("broadcast"), config);
    let incoming = node.parts.incoming.clone();
    let (gossip, gossip_handle) = Gossip::start(child("gossip"), network.transactions, incoming);

    let plan = SyncPlan::init(child("plan"), node.config.prefix.clone()).await;
    let (certificates, blocks) = node.archives().await?;
    let genesis = Digested::precomputed(node.genesis.clone(), node.genesis.digest());
    let config = node.marshal_config(plan.marshal_start(genesis));
    let (marshal_actor, marshal, floor) =
        MarshalActor::init(child("marshal"), certificates, blocks, config).await;
    let config = node.state_config((marshal.clone(), floor), plan);
    let (state, state_mailbox) = Stateful::new(child("state"), config);

    let (driver, driver_mailbox) = node.driver(marshal.clone(), network.addresses, fence);
    let config = node.orchestrator_config(
        network.blocker,
        network.manager,
        marshal.clone(),
        node.application(state_mailbox.clone(), marshal.clone()),
        gate,
    );
    let (orchestrator, orchestrator_mailbox) =
        orchestrator::Actor::new(child("orchestrator"), config);
    let observer = node.parts.observer.clone();
    let (delivery, delivery_handle) =
        Delivery::start(child("delivery"), state_mailbox.clone(), observer);
    let reporters = Reporters::from((
        Tapped(tap),
        Reporters::from((delivery, Reporters::from((driver_mailbox, orchestrator_mailbox)))),
    ));

    // Marshal asks the broadcast for blocks that a crash kept from it before it answers anybody.
    let broadcast_handle = broadcast.start(network.blocks);
    // From here on marshal answers. What it hands out waits in the mailboxes until the validators
    // of the current epoch and the roots of the opened databases are known.
    let marshal_handle = marshal_actor.start(reporters, buffer, resolver);
    node.settle(&driver, &marshal).await?;
    let handles = vec![
        ("marshal", marshal_handle),
        ("broadcast", broadcast_handle),
        ("gossip", gossip_handle),
        ("delivery", delivery_handle),
        ("driver", driver.start()),
        ("state", state.start()),
        ("orchestrator", orchestrator.start(network.votes, network.certificates, network.resolver)),
    ];
    let chain = Chain::new(marshal, node.ledger.clone(), node.epocher.clone(), gossip);
    Ok(Running::new(handles, chain, state_mailbox))
}

/// Passes updates to the tap and acknowledges blocks on its behalf.
#[derive(Clone)]
struct Tapped(Option<Tap>);

impl Reporter for Tapped {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        if let Some(tap) = &self.0 {
            tap(&update);
        }
        if let Update::Block(_, acknowledgement) = update {
            acknowledgement.acknowledge();
        }
        Feedback::Ok
    }
}

/// What the actors of one node share.
struct Node<E> {
    context: E,
    config: Config,
    parts: Parts,
    public_key: PublicKey,
    cache: CacheRef,
    strategy: Strategy,
    epocher: FixedEpocher,
    committees: Committees,
    guard: VoteGuard,
    genesis: Block,
    ledger: Ledger,
}

impl<E: Environment> Node<E> {
    async fn open(context: E, config: Config, parts: Parts) -> Result<Self, StartError> {
        let threads = NonZeroUsize::new(config.threads).expect("the configuration is checked");
        let strategy = context.strategy(threads);
        let guard = VoteGuard::open(context.child("guard"), &config.prefix, config.first_start)
            .await
            .map_err(|error| StartError::Storage(error.to_string()))?;
        let suite = parts.genesis.suite().map_err(trine_ledger::GenesisError::from)?;
        let genesis_cache = CacheRef::new(PAGE, GENESIS_PAGES);
        let genesis = open_genesis(
            context.child("genesis"),
            &config.prefix,
            databases::config(suite, &config.prefix, &genesis_cache, &strategy),
            &parts.genesis,
            parts.application.as_ref(),
        )
        .await?;
        // Only now, since the cache takes its memory at once and writing a genesis needs it too.
        let pages = NonZeroUsize::new(config.cache_bytes / usize::from(PAGE_BYTES));
        let cache = CacheRef::new(PAGE, pages.expect("the configuration is checked"));
        let namespace = [NAMESPACE, &genesis.header().chain_id.0].concat();
        let committees = Committees::new(&namespace, config.signer.clone());
        let epocher = FixedEpocher::new(config.blocks_per_epoch);
        let ledger = Ledger::new(LedgerParts {
            suite: genesis.suite(),
            genesis: genesis.clone(),
            application: parts.application.clone(),
            checker: parts.checker.clone(),
            observer: parts.observer.clone(),
            log_heads: parts.log_heads.clone(),
            committees: committees.clone(),
            epocher: epocher.clone(),
            left_out: {
                let source = parts.source.clone();
                Arc::new(move |ids: &[TransactionId]| source.left_out(ids))
            },
            known: {
                let source = parts.source.clone();
                Arc::new(move |raw: &[Bytes]| source.known(raw))
            },
            strategy: strategy.clone(),
        });
        let public_key = config.signer.public_key();
        Ok(Self {
            context,
            config,
            parts,
            public_key,
            cache,
            strategy,
            epocher,
            committees,
            guard,
            genesis,
            ledger,
        })
    }

    fn databases(&self) -> databases::Config {
        let suite = self.genesis.suite();
        databases::config(suite, &self.config.prefix, &self.cache, &self.strategy)
    }

    fn fetch_timeout(&self) -> NonZeroDuration {
        NonZeroDuration::new_panic(ms(self.config.timing.fetch_ms))
    }

    fn backfill<S, R, B, M>(&self, channel: (S, R), blocker: &B, manager: &M) -> Backfill
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
        B: Blocker<PublicKey = PublicKey>,
        M: Manager<PublicKey = PublicKey, Directory = Unit>,
    {
        marshal_resolver::init(
            self.context.child("backfill"),
            marshal_resolver::Config {
                public_key: self.public_key.clone(),
                peer_provider: manager.clone(),
                blocker: blocker.clone(),
                mailbox_size: MAILBOX,
                fetch_timeout: self.fetch_timeout(),
                fetch_retry_delay: ms(100),
                priority_requests: false,
                priority_responses: false,
            },
            channel,
        )
    }

    fn broadcast_config<M>(&self, manager: M) -> buffered::Config<PublicKey, Suite, M, Strategy>
    where
        M: Manager<PublicKey = PublicKey, Directory = Unit>,
    {
        buffered::Config {
            public_key: self.public_key.clone(),
            mailbox_size: MAILBOX,
            deque_size: BLOCKS_BUFFERED,
            priority: false,
            codec_config: self.genesis.suite(),
            peer_provider: manager,
            strategy: self.strategy.clone(),
        }
    }

    async fn archives(&self) -> Result<(Certificates<E>, Blocks<E>), StartError> {
        let certificates =
            self.archive("certificates", Scheme::certificate_codec_config_unbounded());
        let blocks = self.archive("blocks", self.genesis.suite());
        let failed =
            |error: commonware_storage::archive::Error| StartError::Storage(error.to_string());
        let certificates =
            prunable::Archive::init(self.context.child("certificates"), certificates);
        let blocks = prunable::Archive::init(self.context.child("blocks"), blocks);
        Ok((certificates.await.map_err(failed)?, blocks.await.map_err(failed)?))
    }

    fn archive<C>(&self, name: &str, codec_config: C) -> prunable::Config<EightCap, C> {
        let partition = format!("{}-{name}", self.config.prefix);
        prunable::Config {
            translator: EightCap,
            metadata_partition: format!("{partition}-metadata"),
            key_partition: format!("{partition}-keys"),
            key_page_cache: self.cache.clone(),
            value_partition: format!("{partition}-values"),
            compression: None,
            codec_config,
            items_per_section: ITEMS_PER_SECTION,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            replay_buffer: BUFFER,
        }
    }

    fn marshal_config(
        &self,
        start: marshal::Start<Scheme, BlockDigest, Digested<Block>>,
    ) -> marshal::Config<Committees, FixedEpocher, Strategy, Block, Digested<Block>> {
        marshal::Config {
            provider: self.committees.clone(),
            epocher: self.epocher.clone(),
            start,
            partition_prefix: format!("{}-marshal", self.config.prefix),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(VIEWS_RETAINED),
            prunable_items_per_section: ITEMS_PER_SECTION,
            page_cache: self.cache.clone(),
            replay_buffer: BUFFER,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            block_codec_config: self.genesis.suite(),
            max_repair: REPAIR,
            max_pending_acks: PENDING,
            strategy: self.strategy.clone(),
        }
    }

    fn simplex_config(&self) -> orchestrator::SimplexConfig<Elector> {
        let timing = &self.config.timing;
        orchestrator::SimplexConfig {
            elector: Elector::default(),
            mailbox_size: MAILBOX,
            replay_buffer: BUFFER,
            write_buffer: BUFFER,
            page_cache: self.cache.clone(),
            leader_timeout: ms(timing.leader_ms),
            certification_timeout: ms(timing.certification_ms),
            timeout_retry: ms(timing.retry_ms),
            fetch_timeout: self.fetch_timeout(),
            fetch_retry_delay: ms(timing.retry_ms),
            view_retention: ViewDelta::new(VIEWS_RETAINED),
            skip: SkipPolicy::Enabled {
                timeout: ms(SKIP_MS_MIN.max(timing.certification_ms + timing.retry_ms + 1)),
                budget: SkipBudget::Participants,
            },
            forward: ForwardPolicy::Disabled,
            track_historical_votes: false,
        }
    }

    fn state_config(
        &self,
        marshal: (Marshal, Floor),
        plan: SyncPlan<E, Scheme, Variant>,
    ) -> StatefulConfig<E, Ledger, Variant, Resolvers, Strategy> {
        StatefulConfig {
            application: self.ledger.clone(),
            db_config: self.databases(),
            provider: (),
            marshal,
            mailbox_size: MAILBOX,
            plan,
            resolvers: Resolvers::default(),
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(64),
                apply_batch_size: NZU64!(64),
                max_outstanding_requests: NZUsize!(1),
            },
            prune_config: self.prune_config(),
            strategy: self.strategy.clone(),
        }
    }

    fn votes_prefix(&self) -> String {
        format!("{}-votes", self.config.prefix)
    }

    fn driver(
        &self,
        marshal: Marshal,
        addresses: Addresses,
        fence: Fence,
    ) -> (Driver<E>, driver::Mailbox) {
        Driver::new(
            self.context.child("driver"),
            marshal,
            self.committees.clone(),
            addresses,
            fence,
            self.epocher.clone(),
            self.guard,
            self.votes_prefix(),
        )
    }

    fn application(&self, state: stateful::Mailbox<E, Ledger>, marshal: Marshal) -> Automaton<E> {
        let source = self.parts.source.clone();
        let paced = Paced::new(state, self.ledger.clone(), source, self.config.pace());
        Deferred::new(self.context.child("deferred"), paced, marshal, self.epocher.clone())
    }

    fn orchestrator_config<B, M>(
        &self,
        oracle: B,
        manager: M,
        marshal: Marshal,
        application: Automaton<E>,
        gate: Gate,
    ) -> orchestrator::Config<B, M, Committees, Variant, MinPk, Automaton<E>, Elector, Strategy>
    {
        orchestrator::Config {
            oracle,
            manager,
            provider: self.committees.clone(),
            marshal,
            application,
            strategy: self.strategy.clone(),
            simplex: self.simplex_config(),
            gate,
            state_sync: state_sync::Plan::disabled(),
            blocks_per_epoch: self.config.blocks_per_epoch,
            mailbox_size: MAILBOX,
            partition_prefix: self.votes_prefix(),
        }
    }

    /// Learns from the block processed last where this node stands.
    async fn settle(&self, driver: &Driver<E>, marshal: &Marshal) -> Result<(), StartError> {
        driver.enter_current().await.map_err(|height| {
            StartError::Storage(format!("the block at height {height} is missing"))
        })?;
        let anchor = match marshal.get_anchor().await {
            Some((_, block)) => block.inner().header().clone(),
            None => self.genesis.header().clone(),
        };
        self.ledger.roots().push(&anchor);
        Ok(())
    }

    fn prune_config(&self) -> Option<PruneConfig> {
        self.config.retained_blocks.map(|blocks| PruneConfig {
            maintenance_interval: MAINTENANCE,
            retained_marshal_blocks: usize::try_from(blocks).unwrap_or(usize::MAX),
            retained_qmdb_blocks: 0,
        })
    }
}
