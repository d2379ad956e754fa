//! Run the node that a configuration file describes.

use crate::api::server::{ServerError, TlsFiles};
use crate::config::{NodeConfig, Prepared, SetupError, is_disk_full, log, prepare};
use crate::node::{Control, NodeError, Settings, run};
use std::io;
use std::path::Path;
use std::sync::Arc;
use trine_consensus::{RunError, Timing};
use trine_crypto::{Algorithm, SecretKey};
use trine_ledger::history::HistoryError;
use trine_types::Genesis;

/// Threads that check the signatures of submitted transactions.
const VERIFY_THREADS_MAX: usize = 4;

/// Why a node did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// What the configuration names does not serve.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node ended.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl LaunchError {
    /// The stable code of the error; `trine explain CODE` tells cause and remedy.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup(error) => error.code(),
            Self::Node(error) => node_code(error),
        }
    }
}

fn node_code(error: &NodeError) -> &'static str {
    match error {
        NodeError::Genesis(_) => "bad_genesis",
        NodeError::PeerAddress { .. } | NodeError::UnknownPeer(_) => "bad_configuration",
        NodeError::ValidatorKey => "bad_secret_key",
        NodeError::History(HistoryError::Io { source, .. }) => storage_code(source),
        NodeError::History(_) => "damaged_data",
        NodeError::Server(ServerError::Bind { .. }) => "port_in_use",
        NodeError::Server(ServerError::PublicWithoutTls(_) | ServerError::Tls { .. }) => {
            "bad_configuration"
        }
        NodeError::Engine(RunError::StorageInUse(_)) => "folder_locked",
        NodeError::Engine(RunError::Storage(_, source)) => storage_code(source),
        NodeError::Engine(RunError::Listen(..)) => "port_in_use",
        NodeError::System { source, .. } => storage_code(source),
        NodeError::Server(_) | NodeError::Engine(_) | NodeError::Task(_) => "internal",
    }
}

fn storage_code(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if is_disk_full(error) => "disk_full",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "read_only_folder",
        _ => "internal",
    }
}

/// Runs a node until SIGTERM, SIGINT or a failure; blocks the thread.
///
/// # Errors
/// [`LaunchError`] that says what to change.
pub fn run_file(file: &Path) -> Result<(), LaunchError> {
    let config = NodeConfig::from_file(file)?;
    log::start(&config.log)?;
    let Prepared { genesis, validator_seed, lock: _lock } = prepare(&config)?;
    let ended = run(settings(config, genesis, validator_seed)?, &Control::default());
    if let Err(error) = &ended {
        tracing::error!(%error, "the node ended");
    }
    Ok(ended?)
}

fn settings(
    config: NodeConfig,
    genesis: Genesis,
    validator_seed: Option<[u8; 32]>,
) -> Result<Settings, LaunchError> {
    let (Some(key_file), Some(seed)) = (config.validator_key, validator_seed) else {
        let (file, field) = (config.file, "validator_key".to_owned());
        let (value, expected) = ("missing".to_owned(), "the path of a key".to_owned());
        return Err(SetupError::Field { file, field, value, expected }.into());
    };
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &seed);
    let key = Arc::new(key.map_err(|_| NodeError::ValidatorKey)?);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Settings {
        name: config.name,
        genesis: Arc::new(genesis),
        data: config.data_dir,
        key_file,
        key,
        p2p_listen: config.p2p_listen,
        p2p_peers: config.p2p_peers,
        http_listen: config.http_listen,
        tls: config.tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        http_peers: config.peers,
        timing: Timing {
            idle_ms: config.engine.idle_ms,
            interval_ms_min: config.engine.interval_ms_min,
            leader_ms: config.engine.leader_ms,
            certification_ms: config.engine.certification_ms,
            ..Timing::default()
        },
        cache_bytes: config.engine.cache_bytes,
        workers: config.engine.workers,
        engine_threads: config.engine.threads,
        verify_threads: processors.min(VERIFY_THREADS_MAX),
    })
}
