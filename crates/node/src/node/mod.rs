//! Put a whole node together and run it: rules, history, engine, pool, API.

mod adoption;
mod keeper;
mod late_start;
mod link;
mod log_heads;
mod proofs;
mod reader;

pub use keeper::Keeper;
pub use link::{Part, Peer};
pub use log_heads::LateForest;
pub use reader::NodeReader;

use crate::api::server::{Server, ServerError, Stopper};
use crate::api::tls::TlsFiles;
use crate::api::{self, Api, EngineMetrics, Identity};
use crate::config::clock;
use crate::feed::Feed;
use crate::mempool::{self, Mempool, forward::Forwarder, verifier::Verifier};
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::reader::ChainReader as _;
use crate::upstream::{HttpUpstream, UpstreamError};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use trine_consensus::{Chain, Gossip, RunError, Source, Timing, metrics_text, run as run_engine};
use trine_ledger::TransactionIds;
use trine_ledger::history::{History, HistoryError};
use trine_ledger::state::StateReader;
use trine_rules::Rules;
use trine_types::genesis::GenesisError;
use trine_types::{Genesis, Height, Transaction, TransactionId, ValidatorKey};

/// Everything that differs from node to node; `config` reads it from a file.
#[derive(Clone)]
pub struct Settings {
    /// Name for people.
    pub name: String,
    /// Genesis document of the chain.
    pub genesis: Arc<Genesis>,
    /// Folder of state, history and votes.
    pub data: PathBuf,
    /// Where its blocks come from.
    pub part: Part,
    /// Address of the HTTP API.
    pub http_listen: SocketAddr,
    /// Certificate and key of the HTTP API.
    pub tls: Option<TlsFiles>,
    /// Where the other validators serve their API, by name.
    pub http_peers: BTreeMap<String, String>,
    /// Time limits of the engine.
    pub timing: Timing,
    /// Bytes of the page cache.
    pub cache_bytes: usize,
    /// Threads of the runtime.
    pub workers: usize,
    /// Threads that hash, execute and check blocks.
    pub engine_threads: usize,
    /// Threads that check the signatures of submitted transactions.
    pub verify_threads: usize,
}

/// Why a node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The genesis document is refused.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// An address of a validator cannot be read.
    #[error("the address of validator {name:?}: {cause}")]
    PeerAddress {
        /// Name of the validator.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A name that no validator of the genesis document has.
    #[error("no validator of the chain is named {0:?}")]
    UnknownPeer(String),
    /// The key is not of an algorithm that validators use.
    #[error("no validator signs with a key of this algorithm")]
    ValidatorKey,
    /// History cannot be opened.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The files with which a follower reaches its upstreams cannot be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// No upstream proves a block to begin after, or the stored one does not hold.
    #[error("no block to begin after: {0}")]
    LateStart(String),
    /// The HTTP API cannot listen.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The engine did not start, or stopped.
    #[error(transparent)]
    Engine(#[from] RunError),
    /// The operating system refused.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A part of the node stopped that has to run.
    #[error("the node's own task ended: {0}")]
    Task(String),
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> NodeError {
    let what = what.into();
    move |source| NodeError::System { what, source }
}

/// Asks a running node to stop, and tells where it listens.
#[derive(Clone)]
pub struct Control {
    stop: watch::Sender<bool>,
    address: watch::Sender<Option<SocketAddr>>,
    opened: fn(),
}

impl Default for Control {
    fn default() -> Self {
        Self { stop: watch::Sender::new(false), address: watch::Sender::new(None), opened: || {} }
    }
}

impl Control {
    /// Has `opened` called once the databases are open: the genesis is written by then, which takes
    /// more memory than what follows.
    pub fn on_open(opened: fn()) -> Self {
        Self { opened, ..Self::default() }
    }

    /// Stops the node, as SIGTERM does.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Address of the HTTP API, once it listens.
    pub fn http_address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.subscribe()
    }
}

/// Sends to the other nodes once the engine runs; before that there is nobody to send to.
#[derive(Default)]
struct Peering(OnceLock<Gossip>);

impl Forwarder for Peering {
    fn forward(&self, batch: Bytes) {
        if let Some(gossip) = self.0.get() {
            gossip.send(batch);
        }
    }
}

/// The pool as the engine's source of transactions.
struct PoolSource(Arc<Mempool>);

impl Source for PoolSource {
    fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &TransactionIds,
    ) -> Vec<Arc<Transaction>> {
        self.0.candidates(count_max, bytes_max, taken)
    }

    fn known(&self, raw: &[Bytes]) -> Vec<Option<Arc<Transaction>>> {
        self.0.known(raw)
    }

    fn left_out(&self, ids: &[TransactionId]) {
        self.0.left_out(ids);
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.0.changed())
    }
}

/// Parts of a node that exist before its engine runs.
struct Node {
    settings: Settings,
    public_key: Option<ValidatorKey>,
    upstream: Option<Arc<HttpUpstream>>,
    feed: Arc<Feed>,
    reader: Arc<NodeReader>,
    forest: Arc<LateForest>,
    mempool: Arc<Mempool>,
    background: mempool::Background,
    peering: Arc<Peering>,
    metrics: Arc<Metrics>,
}

/// Runs a node until SIGTERM, SIGINT, [`Control::stop`] or a failure; blocks the thread. The caller
/// holds the folder (see [`FolderLock`](crate::config::FolderLock)): history has one writer.
///
/// # Errors
/// [`NodeError`] that says what to change.
pub fn run(settings: Settings, control: &Control) -> Result<(), NodeError> {
    settings.genesis.check()?;
    let suite = settings.genesis.suite()?;
    let chain_id = settings.genesis.chain_id();
    let application = Arc::new(Rules::new(&settings.genesis)?);
    let metrics = Arc::new(Metrics::default());
    let upstream = settings.part.upstream(&settings.genesis, &metrics)?;
    let beginning = settings.part.beginning(&settings, &metrics)?;
    let start = beginning.as_ref().map(|beginning| beginning.start.clone());
    let process = link::process_config(&settings, upstream.clone(), start)?;
    let server = bind(&settings)?;
    let history = Arc::new(open_history(&settings)?);
    let feed = Arc::new(Feed::new(None));
    let genesis = &settings.genesis;
    let forest = Arc::new(LateForest::new(suite, history.clone(), genesis));
    let reader = NodeReader::new(genesis, history.clone(), forest.clone(), beginning.as_ref());
    let reader = Arc::new(reader?);
    let verifier = Verifier::start(settings.verify_threads);
    let verifier = Arc::new(verifier.map_err(system("cannot start threads"))?);
    let peering = Arc::new(Peering::default());
    let (mempool, background) = Mempool::new(mempool::Parts {
        suite,
        chain_id,
        application: application.clone(),
        reader: reader.clone(),
        feed: feed.clone(),
        verifier: verifier.clone(),
        forwarder: peering.clone(),
        metrics: metrics.clone(),
    });
    let incoming = mempool.clone();
    let parts = trine_consensus::Parts {
        genesis: settings.genesis.clone(),
        application,
        checker: verifier,
        source: Arc::new(PoolSource(mempool.clone())),
        observer: Arc::new(Keeper::new(
            history,
            reader.clone(),
            mempool.clone(),
            feed.clone(),
            metrics.clone(),
            upstream.clone(),
        )),
        log_heads: forest.clone(),
        incoming: Arc::new(move |batch| incoming.receive(batch)),
    };
    let public_key = settings.part.key();
    let node = Node {
        settings,
        public_key,
        upstream,
        feed,
        reader,
        forest,
        mempool,
        background,
        peering,
        metrics,
    };
    let control = control.clone();
    run_engine(process, parts, move |context, running| {
        let engine_metrics: EngineMetrics = Box::new(move || metrics_text(&context));
        let (chain, state) = (running.chain().clone(), running.state());
        node.serve(server, chain, state, engine_metrics, control)
    })?
}

fn open_history(settings: &Settings) -> Result<History, NodeError> {
    let (genesis, folder) = (&settings.genesis, settings.data.join("history"));
    // Genesis makes one evidence log for each organisation.
    let genesis_logs = genesis.organisations.len() as u32;
    Ok(History::open(&folder, genesis.suite()?, genesis.chain_id(), genesis_logs)?)
}

/// Listens for HTTP before anything else is started.
fn bind(settings: &Settings) -> Result<Server, NodeError> {
    Ok(Server::bind(settings.http_listen, settings.tls.clone())?)
}

impl Node {
    /// Serves the API until the node is to stop.
    async fn serve(
        self,
        server: Server,
        chain: Chain,
        state: BoxFuture<'static, Arc<dyn StateReader>>,
        engine_metrics: EngineMetrics,
        control: Control,
    ) -> Result<(), NodeError> {
        // Another caller cannot have set it: a node runs once.
        let _ = self.peering.0.set(chain.gossip().clone());
        let mut tasks = JoinSet::new();
        self.background.spawn(&mut tasks);
        let settings = &self.settings;
        let (urls, feed) = (settings.http_peers.values().cloned().collect(), self.feed.clone());
        let newest_block_ms = move || feed.tip().map(|tip| tip.header.time_ms);
        tasks.spawn(async move { match clock::watch(urls, newest_block_ms).await {} });
        if let Some(upstream) = self.upstream.clone() {
            tasks.spawn(async move { match upstream.send().await {} });
        }
        if let Some(tls) = server.tls().cloned() {
            let metrics = self.metrics.clone();
            tasks.spawn(async move { match tls.watch(metrics).await {} });
        }
        control.address.send_replace(Some(server.address()));
        tracing::info!(address = %server.address(), name = settings.name, "serves HTTP");
        let api = Api::new(api::Parts {
            genesis: settings.genesis.clone(),
            suite: settings.genesis.suite()?,
            chain_id: settings.genesis.chain_id(),
            identity: Identity { name: settings.name.clone(), key: self.public_key },
            reader: self.reader.clone(),
            feed: self.feed.clone(),
            mempool: self.mempool.clone(),
            metrics: self.metrics.clone(),
            engine_metrics,
            peers: peers(settings)?,
            upstream: self.upstream.clone(),
        });
        let stopper = server.stopper();
        let mut stop = control.stop.subscribe();
        let serve = server.serve(api.router());
        let (reader, forest, feed) = (self.reader.clone(), self.forest, self.feed.clone());
        // The databases open while the API says already that the node is not ready.
        let opening = async {
            reader.attach(state.await, chain.clone());
            (control.opened)();
            match show_tip(&chain, &reader, &forest, &feed).await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        tokio::pin!(serve);
        tokio::select! {
            served = &mut serve => return Ok(served?),
            error = opening => return Err(error),
            signalled = terminated() => signalled?,
            _ = stop.wait_for(|stop| *stop) => {}
            ended = tasks.join_next() => {
                let cause = ended.map_or_else(String::new, |ended| format!("{ended:?}"));
                return Err(NodeError::Task(cause));
            }
        }
        tracing::info!("stops");
        finish(&stopper, serve).await
    }
}

/// Shows the block with which the databases opened; later ones come through the observer.
async fn show_tip(
    chain: &Chain,
    reader: &NodeReader,
    forest: &LateForest,
    feed: &Feed,
) -> Result<(), NodeError> {
    let processed = chain.processed().await.unwrap_or(Height(0));
    reader.history.check_covers(processed)?;
    let tip = reader.block(processed).await.map_err(|error| NodeError::Task(error.to_string()))?;
    if let Some(tip) = tip {
        forest.start_at(tip.digest);
        feed.publish(Arc::new(tip));
    }
    Ok(())
}

async fn finish(
    stopper: &Stopper,
    serve: impl Future<Output = Result<(), ServerError>>,
) -> Result<(), NodeError> {
    stopper.stop();
    Ok(serve.await?)
}

/// Resolves on SIGTERM or SIGINT.
async fn terminated() -> Result<(), NodeError> {
    let listen = |kind| signal(kind).map_err(system("cannot listen for signals"));
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Where the other validators serve their API, by key.
fn peers(settings: &Settings) -> Result<Peers, NodeError> {
    let validators = settings.genesis.validator_set()?;
    let urls = settings.http_peers.iter().map(|(name, url)| {
        let found = validators.as_slice().iter().find(|validator| validator.name == *name);
        let key = found.ok_or_else(|| NodeError::UnknownPeer(name.clone()))?.key;
        Ok((key, url.clone()))
    });
    Ok(Peers::new(urls.collect::<Result<_, NodeError>>()?))
}
