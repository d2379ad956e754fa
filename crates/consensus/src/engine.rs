//! Wire the library's actors to one node that takes part in the network of validators.
//!
//! The same function runs on the tokio runtime with encrypted connections and on the deterministic
//! runtime with a simulated network. What each actor does is described in
//! `docs/internals/engine.md`.

use crate::{
    config::{Config, ConfigError, ms},
    conflicts::Keeper,
    gossip::{Gossip, Incoming},
    node::{BUFFER, MAILBOX, Node, VIEWS_RETAINED},
    pace::Paced,
    peers::Addresses,
    running::Running,
    source::Source,
    watch::Watched,
};
use commonware_actor::Feedback;
use commonware_broadcast::buffered;
use commonware_consensus::{
    Reporter, Reporters,
    marshal::{
        self, Update,
        resolver::{handler, p2p as marshal_resolver},
        standard::Deferred,
    },
    simplex::{
        SkipBudget,
        config::{ForwardPolicy, SkipPolicy},
    },
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Signer as _, bls12381::primitives::variant::MinPk};
use commonware_glue::{
    dkg::{
        fence::{Fence, Gate},
        network::Manager,
        orchestrator, state_sync,
    },
    stateful,
};
use commonware_p2p::{Blocker, Receiver, Sender, max_message_size};
use commonware_runtime::{Clock, Metrics, Network as RuntimeNetwork, Storage, Strategizer};
use commonware_utils::{Acknowledgement as _, channel::mpsc, sequence::Unit};
use rand::CryptoRng;
use std::sync::Arc;
use trine_ledger::{
    Block, Committees, Ledger, Runtime,
    log_heads::LogHeads,
    observer::Observer,
    preset::{BlockDigest, Elector, Marshal, PublicKey, Scheme, Strategy, Variant},
};
use trine_runtime::WallClock;
use trine_types::{
    Genesis, Suite,
    application::{Application, SignatureChecker},
    limits,
};
use trine_verify::ConflictingVotes;

/// Blocks of each peer that wait for their certificate.
const BLOCKS_BUFFERED: usize = 4;
/// Silence after which a leader's view is skipped at once, in milliseconds; longer where views wait
/// longer for a certificate.
const SKIP_MS_MIN: u64 = 4_000;

type Automaton<E> =
    Watched<Deferred<E, Scheme, Paced<stateful::Mailbox<E, Ledger>>, Block, FixedEpocher>>;
/// Takes votes that exclude each other.
type Found = mpsc::Sender<ConflictingVotes>;
type Backfill = (handler::Receiver<BlockDigest>, marshal_resolver::Mailbox<BlockDigest, PublicKey>);

/// What a runtime must offer.
pub trait Environment:
    Runtime + Metrics + CryptoRng + Clock + WallClock + Storage + RuntimeNetwork + Strategizer
{
}
impl<E> Environment for E where
    E: Runtime + Metrics + CryptoRng + Clock + WallClock + Storage + RuntimeNetwork + Strategizer
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
    let signer = config.signer.clone().ok_or(ConfigError::NoKey)?;
    let key = signer.public_key();
    let node = Node::open(context, config, parts).await?;
    let child = |label| node.context.child(label);
    let (fence, gate) = Fence::new();

    let resolver = node.backfill(key.clone(), network.backfill, &network.blocker, &network.manager);
    let config = node.broadcast_config(key, network.manager.clone());
    let (broadcast, buffer) = buffered::Engine::new(child("broadcast"), config);
    let incoming = node.parts.incoming.clone();
    let (gossip, gossip_handle) = Gossip::start(child("gossip"), network.transactions, incoming);

    let core = node.core(network.addresses, fence, None).await?;
    let (marshal, state) = (core.marshal, core.state);
    let (conflicts, found, keeper) = node.keeper().await?.start();
    let config = node.orchestrator_config(
        network.blocker,
        network.manager,
        marshal.clone(),
        node.application(state.clone(), marshal.clone(), found),
        gate,
    );
    let (orchestrator, orchestrator_mailbox) =
        orchestrator::Actor::new(child("orchestrator"), config);
    let reporters = Reporters::from((
        Tapped(tap),
        Reporters::from((
            core.delivery,
            Reporters::from((core.driver_mailbox, orchestrator_mailbox)),
        )),
    ));

    // Marshal asks the broadcast for blocks that a crash kept from it before it answers anybody.
    let broadcast_handle = broadcast.start(network.blocks);
    // From here on marshal answers. What it hands out waits in the mailboxes until the validators
    // of the current epoch and the roots of the opened databases are known.
    let marshal_handle = core.marshal_actor.start(reporters, buffer, resolver);
    node.settle(&core.driver, &marshal).await?;
    let handles = vec![
        ("marshal", marshal_handle),
        ("broadcast", broadcast_handle),
        ("gossip", gossip_handle),
        ("conflicts", keeper),
        ("delivery", core.delivered),
        ("driver", core.driver.start()),
        ("state", core.state_actor.start()),
        ("orchestrator", orchestrator.start(network.votes, network.certificates, network.resolver)),
    ];
    Ok(Running::new(handles, node.chain(marshal, gossip, conflicts), state))
}

/// Passes updates to the tap and acknowledges blocks on its behalf.
#[derive(Clone)]
pub struct Tapped(pub Option<Tap>);

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

impl<E: Environment> Node<E> {
    fn backfill<S, R, B, M>(
        &self,
        public_key: PublicKey,
        channel: (S, R),
        blocker: &B,
        manager: &M,
    ) -> Backfill
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
        B: Blocker<PublicKey = PublicKey>,
        M: Manager<PublicKey = PublicKey, Directory = Unit>,
    {
        marshal_resolver::init(
            self.context.child("backfill"),
            marshal_resolver::Config {
                public_key,
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

    fn broadcast_config<M>(
        &self,
        public_key: PublicKey,
        manager: M,
    ) -> buffered::Config<PublicKey, Suite, M, Strategy>
    where
        M: Manager<PublicKey = PublicKey, Directory = Unit>,
    {
        buffered::Config {
            public_key,
            mailbox_size: MAILBOX,
            deque_size: BLOCKS_BUFFERED,
            priority: false,
            codec_config: self.genesis.suite(),
            peer_provider: manager,
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
            // Without it a vote is forgotten once its certificate is there, and what the validator
            // votes against it later is no evidence. A vote takes some 200 bytes.
            track_historical_votes: true,
        }
    }

    async fn keeper(&self) -> Result<Keeper<E>, StartError> {
        let chain = (self.genesis.suite(), self.genesis.header().chain_id);
        let (context, committees) = (self.context.child("conflicts"), self.committees.clone());
        let keeper = Keeper::open(context, &self.config.prefix, chain, committees).await;
        keeper.map_err(|error| StartError::Storage(error.to_string()))
    }

    fn application(
        &self,
        state: stateful::Mailbox<E, Ledger>,
        marshal: Marshal,
        found: Found,
    ) -> Automaton<E> {
        let source = self.parts.source.clone();
        let paced = Paced::new(state, self.ledger.clone(), source, self.config.pace());
        let context = self.context.child("deferred");
        let deferred = Deferred::new(context, paced, marshal, self.epocher.clone());
        Watched::new(deferred, self.committees.clone(), found)
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
}
