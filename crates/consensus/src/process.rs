//! Run one node as a process: tokio, encrypted connections, a folder on disk.

use crate::{
    config::{Config, ConfigError, PAGE_BYTES},
    engine::{self, CHANNELS, Network, Parts, StartError, message_bytes_max},
    follow::follow,
    guard::VoteGuard,
    node::GENESIS_PAGES,
    peers::{AddressBook, AddressError, Addresses, Peers, address_book},
    running::{Running, Stopped},
    state_sync::{self, Anchor},
    upstream::Upstream,
};
use commonware_cryptography::ChaCha20Poly1305;
use commonware_p2p::{Address, authenticated::lookup};
use commonware_runtime::{
    Metrics as _, Quota, Strategizer as _, Supervisor as _, buffer::paged::CacheRef, tokio,
};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU16, NZUsize};
use futures::future::{BoxFuture, Either, select};
use std::{
    fs::{File, TryLockError},
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    num::{NonZeroU32, NonZeroUsize},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use trine_ledger::{databases, open_genesis, preset::PrivateKey};
use trine_runtime::Context;
use trine_types::Header;

/// File on which the library locks a folder.
const LOCK_NAME: &str = ".hold";
/// Largest difference between two peers' clocks at a handshake. Wide on purpose: a node with a
/// wrong clock connects, follows and warns; the handshake's fresh keys make a replay useless.
const CLOCK_SKEW: Duration = Duration::from_hours(24);
const NETWORK_MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Peer sets, one an epoch, whose members stay connected. Mailboxes are sized for all of them.
const PEER_SETS: NonZeroUsize = NZUsize!(2);
/// Threads that may wait for the disk, at least.
const DISK_THREADS_MIN: usize = 4;

/// What a process needs beside the engine's configuration.
#[derive(Clone)]
pub struct ProcessConfig {
    /// Engine.
    pub engine: Config,
    /// Folder of the chain's data.
    pub storage: PathBuf,
    /// Where its blocks come from.
    pub link: Link,
    /// Threads of the runtime.
    pub workers: usize,
}

/// How a node learns of blocks.
#[derive(Clone)]
pub enum Link {
    /// As a peer of the validators.
    Network(NetworkConfig),
    /// From other nodes' APIs, without a part in consensus.
    Upstream(Following),
}

/// A follower.
#[derive(Clone)]
pub struct Following {
    /// Whom it follows.
    pub upstream: Arc<dyn Upstream>,
    /// Where it begins, when not with the chain.
    pub start: Option<LateStart>,
}

/// The start of a node that does not execute the whole chain.
#[derive(Clone)]
pub struct LateStart {
    /// Block whose state is taken over.
    pub anchor: Anchor,
    /// File that says that this was done.
    pub done: PathBuf,
}

/// A peer of the validators.
#[derive(Clone)]
pub struct NetworkConfig {
    /// File that permits a new key to vote from an empty folder; spent by the first start.
    pub permit: PathBuf,
    /// Address on which peers connect.
    pub listen: SocketAddr,
    /// Where peers listen whose addresses the operator fixed; those of others are the chain's.
    pub fixed: AddressBook,
    /// Peers that may be known at once, this node among them: validators of an epoch and of the
    /// next, and observers. Each takes memory for its messages.
    pub peers_max: usize,
}

/// Why a node ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process uses the folder.
    #[error("{} is in use by another node", .0.display())]
    StorageInUse(PathBuf),
    /// The folder does not serve.
    #[error("{}: {}", .0.display(), .1)]
    Storage(PathBuf, io::Error),
    /// The address for peers cannot be used.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The genesis document has an address that cannot be read.
    #[error("genesis: {0}")]
    Address(#[from] AddressError),
    /// The engine ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A task panicked.
    #[error("the node failed: {0}")]
    Panicked(String),
}

/// Whether a partition's changes go through the runtime's log: what a node writes before it votes,
/// and what is small and synced often. Blocks and the state are large: they would be written twice.
fn is_logged(partition: &str) -> bool {
    const PARTS: [&str; 3] = ["-votes_consensus_", "-marshal-", "-certificates-"];
    const ENDS: [&str; 2] = ["-keys", "-vote-guard"];
    const BLOCKS: [&str; 2] = ["-verified-value", "-notarized-value"];
    if BLOCKS.iter().any(|end| partition.ends_with(end)) {
        return false;
    }
    trine_ledger::databases::is_logged(partition)
        || PARTS.iter().any(|part| partition.contains(part))
        || ENDS.iter().any(|end| partition.ends_with(end))
}

/// The runtime's context in a process.
pub type ProcessContext = Context;

/// How many threads may wait for the system. Each keeps memory of its own; fewer are enough for the
/// disk, whose reads are handed over many at a time. A name server that does not answer holds a
/// thread for each peer with a name, which the disk must not miss.
pub fn waiting_threads(book: &AddressBook, workers: usize) -> usize {
    let named = book.values().filter(|address| matches!(address, Address::Asymmetric { .. }));
    workers.max(DISK_THREADS_MIN) + named.count()
}

/// The addresses at the start: those of the genesis document, and those that the operator fixed.
fn first_book(network: &NetworkConfig, parts: &Parts) -> Result<AddressBook, RunError> {
    let validators = parts.genesis.validator_set().map_err(trine_ledger::GenesisError::from);
    let mut book = address_book(&validators.map_err(StartError::from)?)?;
    book.extend(network.fixed.clone());
    Ok(book)
}

/// Checks that peers can connect, and returns how many threads may wait for the system.
fn check_link(config: &ProcessConfig, parts: &Parts) -> Result<usize, RunError> {
    let network = match &config.link {
        Link::Network(network) => network,
        Link::Upstream(_) => return Ok(waiting_threads(&AddressBook::new(), config.workers)),
    };
    let failed = |error| RunError::Listen(network.listen, error);
    // The network would only log that it cannot listen.
    drop(TcpListener::bind(network.listen).map_err(failed)?);
    Ok(waiting_threads(&first_book(network, parts)?, config.workers))
}

/// Writes the metrics of a node's runtime and engine in the text format of Prometheus.
pub fn metrics_text(context: &ProcessContext) -> String {
    context.encode()
}

/// Runs a node until `service` ends or the engine fails; blocks the thread.
///
/// `service` gets the running node and serves people and programs; it runs on the same runtime.
///
/// # Errors
/// [`RunError`]; never for the end of `service`.
pub fn run<F, S, T>(config: ProcessConfig, parts: Parts, service: S) -> Result<T, RunError>
where
    S: FnOnce(Context, &Running<Context>) -> F,
    F: Future<Output = T>,
{
    check_storage(&config.storage)?;
    let waiting = check_link(&config, &parts)?;
    let runtime = tokio::Config::new()
        .with_worker_threads(config.workers)
        .with_max_blocking_threads(waiting)
        .with_storage_directory(config.storage.clone());
    let genesis = late_genesis(&config, &parts)?;
    let storage = config.storage.clone();
    let task = AssertUnwindSafe(|| {
        let ended = trine_runtime::run(runtime, is_logged, |context| async move {
            let running = start(context.child("node"), config, parts, genesis).await?;
            let service = pin!(service(context.child("service"), &running));
            match select(service, running.stopped()).await {
                Either::Left((result, _)) => Ok(result),
                Either::Right((stopped, _)) => Err(stopped.into()),
            }
        });
        ended.unwrap_or_else(|error| Err(RunError::Storage(storage, error)))
    });
    catch_unwind(task).unwrap_or_else(|panic| Err(RunError::Panicked(panic_text(&*panic))))
}

/// Starts the engine. Boxed, so that its code is generated in this crate, once.
fn start(
    context: Context,
    config: ProcessConfig,
    parts: Parts,
    genesis: Option<Header>,
) -> BoxFuture<'static, Result<Running<Context>, RunError>> {
    Box::pin(start_in(context, config, parts, genesis))
}

/// Turns the operator's permission into the folder's own record before anybody votes.
async fn spend_permit(
    context: &Context,
    permit: &Path,
    engine: &mut Config,
) -> Result<(), RunError> {
    let failed = |error| RunError::Storage(permit.to_owned(), error);
    engine.first_start = permit.is_file();
    let guard = context.child("guard");
    VoteGuard::open(guard, &engine.prefix, engine.first_start)
        .await
        .map_err(|error| StartError::Storage(error.to_string()))?;
    if engine.first_start {
        std::fs::remove_file(permit).map_err(failed)?;
        let folder = permit.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(())
}

async fn start_in(
    context: Context,
    config: ProcessConfig,
    parts: Parts,
    genesis: Option<Header>,
) -> Result<Running<Context>, RunError> {
    match config.link {
        Link::Network(network) => take_part(context, config.engine, network, parts).await,
        Link::Upstream(following) => {
            follow_in(context, config.engine, following, parts, genesis).await
        }
    }
}

/// Starts a follower, which first takes over the state where it begins late.
async fn follow_in(
    context: Context,
    config: Config,
    following: Following,
    parts: Parts,
    genesis: Option<Header>,
) -> Result<Running<Context>, RunError> {
    let Following { upstream, start } = following;
    if let (Some(LateStart { anchor, done }), Some(genesis)) = (&start, genesis) {
        let failed = |error| RunError::Storage(done.clone(), error);
        config.check().map_err(StartError::from)?;
        state_sync::adopt(&context, &config, &parts, anchor, &genesis, upstream.clone()).await?;
        create_synced(done).map_err(failed)?;
    }
    let anchor = start.as_ref().map(|start| &start.anchor);
    Ok(follow(context.child("engine"), config, parts, upstream, anchor, None).await?)
}

/// Creates an empty file that survives a crash.
fn create_synced(path: &Path) -> io::Result<()> {
    File::create(path)?.sync_all()?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes the genesis header of a node that will not have the genesis state: in a folder of its own,
/// which is removed.
fn late_genesis(config: &ProcessConfig, parts: &Parts) -> Result<Option<Header>, RunError> {
    let Link::Upstream(Following { start: Some(start), .. }) = &config.link else {
        return Ok(None);
    };
    if start.done.is_file() {
        return Ok(None);
    }
    let folder = config.storage.with_extension("genesis");
    let failed = |error| RunError::Storage(folder.clone(), error);
    let runtime = tokio::Config::new().with_storage_directory(folder.clone());
    let (prefix, parts) = (config.engine.prefix.clone(), parts.clone());
    let made = trine_runtime::run(
        runtime,
        |_| false,
        |context| async move { open_genesis_alone(context, &prefix, &parts).await },
    );
    let header = made.map_err(failed)?.map_err(StartError::from)?;
    std::fs::remove_dir_all(&folder).map_err(failed)?;
    Ok(Some(header))
}

/// Writes the genesis state, and gives the header that commits to it.
async fn open_genesis_alone(
    context: Context,
    prefix: &str,
    parts: &Parts,
) -> Result<Header, trine_ledger::GenesisError> {
    let suite = parts.genesis.suite()?;
    let strategy = context.strategy(NonZeroUsize::MIN);
    let cache = CacheRef::new(NZU16!(PAGE_BYTES), GENESIS_PAGES);
    let databases = databases::config(suite, prefix, &cache, &strategy);
    let (genesis, application) = (&parts.genesis, parts.application.as_ref());
    let block = open_genesis(context.child("genesis"), prefix, databases, genesis, application);
    Ok(block.await?.header().clone())
}

/// Starts a node in the network of the validators.
async fn take_part(
    context: Context,
    mut config: Config,
    at: NetworkConfig,
    parts: Parts,
) -> Result<Running<Context>, RunError> {
    let signer = config.signer.clone().ok_or(ConfigError::NoKey).map_err(StartError::from)?;
    let suite = parts.genesis.suite().map_err(trine_ledger::GenesisError::from);
    let suite = suite.map_err(StartError::from)?;
    spend_permit(&context, &at.permit, &mut config).await?;
    let (mut network, oracle) =
        lookup::Network::new(context.child("network"), network_config(signer, &at, &parts, suite));
    let mut register = |place: usize| {
        let (channel, rate) = CHANNELS[place];
        let rate = NonZeroU32::new(rate).expect("rates are positive");
        network.register(channel, Quota::per_second(rate))
    };
    let addresses = Addresses::default();
    let channels = Network {
        votes: register(0),
        certificates: register(1),
        resolver: register(2),
        backfill: register(3),
        blocks: register(4),
        transactions: register(5),
        blocker: oracle.clone(),
        manager: Peers::new(oracle, at.fixed, addresses.clone(), at.peers_max - 1),
        addresses,
    };
    let engine = context.child("engine");
    let running = engine::start(engine, config, parts, channels, None).await?;
    running.supervise("network", network.start());
    Ok(running)
}

type Handshake = Cups<Sake<PrivateKey>, ChaCha20Poly1305>;

fn network_config(
    signer: PrivateKey,
    network: &NetworkConfig,
    parts: &Parts,
    suite: trine_types::Suite,
) -> lookup::Config<Handshake> {
    let handshake = Cups::new(
        Sake {
            signer,
            synchrony_bound: CLOCK_SKEW,
            max_handshake_age: CLOCK_SKEW,
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let namespace = [b"trine/network/".as_slice(), &parts.genesis.chain_id().0].concat();
    // The network ends with a panic past this number; `Peers` stays below.
    let peers = NonZeroUsize::new(network.peers_max);
    lookup::Config {
        bypass_ip_check: true,
        dial_frequency: Duration::from_millis(200),
        tracked_peer_sets: PEER_SETS,
        ..lookup::Config::local(
            handshake,
            &namespace,
            network.listen,
            peers.expect("the configuration is checked"),
            message_bytes_max(suite),
            NETWORK_MAILBOX,
        )
    }
}

/// Refuses a folder that another node holds: the library would wait for it without a word.
fn check_storage(folder: &Path) -> Result<(), RunError> {
    let failed = |error| RunError::Storage(folder.to_owned(), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let path = folder.join(LOCK_NAME);
    let file = File::options().write(true).create(true).truncate(false).open(path);
    match file.map_err(failed)?.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(RunError::StorageInUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}
