//! Run the node that a configuration file describes.

mod token;

use crate::api::server::ServerError;
use crate::config::{NodeConfig, Prepared, SetupError, disk_full, is_disk_full, log, prepare};
use crate::node::{Control, NodeError, Part, Peer, Settings, run};
use std::io;
use std::path::Path;
use std::sync::Arc;
use token::TokenVotes;
use trine_consensus::{RunError, Timing};
use trine_crypto::{SecretKey, Signing as _, VoteSigner};
use trine_ledger::history::HistoryError;
use trine_token::VotesError;
use trine_types::Genesis;

/// Why a node did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// What the configuration names does not serve.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node ended.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The token of the validator's key does not serve, or no longer.
    #[error(transparent)]
    Votes(#[from] VotesError),
}

impl LaunchError {
    /// The stable code of the error; `trine explain CODE` tells cause and remedy.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup(error) => error.code(),
            Self::Node(error) => node_code(error),
            Self::Votes(error) => error.code(),
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
        NodeError::Upstream(_) => "bad_configuration",
        NodeError::LateStart(_) => "cannot_follow",
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
        io::ErrorKind::InvalidData => "damaged_data",
        _ => "internal",
    }
}

/// Runs a node until SIGTERM, SIGINT or a failure; blocks the thread. Calls `opened` once its
/// databases are open.
///
/// # Errors
/// [`LaunchError`] that says what to change.
pub fn run_file(file: &Path, opened: fn()) -> Result<(), LaunchError> {
    let config = NodeConfig::from_file(file)?;
    log::start(&config.log)?;
    log::take_panics();
    trine_crypto::set_key_tables_bytes_max(config.engine.key_tables_bytes);
    let Prepared { genesis, validator_key, lock: _lock } = prepare(&config)?;
    let data = config.data_dir.clone();
    let control = Control::on_open(opened);
    let (settings, votes) = settings(config, genesis, validator_key, &control)?;
    let ended = run(settings, &control);
    // A node that its token left stopped in good order: why is the more useful answer.
    if let Some(lost) = votes.as_ref().and_then(|votes| votes.ended()) {
        return Err(lost.clone().into());
    }
    ended.map_err(|error| {
        tracing::error!(%error, "the node ended");
        cause(error, &data)
    })
}

/// Finds the cause of a node's end that its operator can remove.
fn cause(error: NodeError, data: &Path) -> LaunchError {
    match &error {
        NodeError::Engine(RunError::Panicked(text)) if is_disk_full_text(text) => {
            disk_full(data).into()
        }
        _ => error.into(),
    }
}

/// Looks for the operating system's error number: the engine ends with a panic when it cannot
/// write, and only the text of the panic says why.
fn is_disk_full_text(text: &str) -> bool {
    text.split("(os error ").skip(1).any(|rest| {
        let number = rest.split(')').next().and_then(|number| number.parse().ok());
        number.is_some_and(|number| is_disk_full(&io::Error::from_raw_os_error(number)))
    })
}

#[cfg(test)]
mod tests;

fn settings(
    config: NodeConfig,
    genesis: Genesis,
    validator_key: Option<SecretKey>,
    control: &Control,
) -> Result<(Settings, Option<TokenVotes>), LaunchError> {
    let mut votes = None;
    let part = match &config.follow {
        Some(follow) => Part::Follower(follow.clone()),
        None => Part::Peer(peer(&config, &genesis, validator_key, control, &mut votes)?),
    };
    let settings = Settings {
        name: config.name,
        genesis: Arc::new(genesis),
        data: config.data_dir,
        part,
        http_listen: config.http_listen,
        tls: config.tls,
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
        verify_threads: config.engine.verify_threads,
    };
    Ok((settings, votes))
}

/// What a node needs for its part in the network of the validators.
fn peer(
    config: &NodeConfig,
    genesis: &Genesis,
    validator_key: Option<SecretKey>,
    control: &Control,
    votes: &mut Option<TokenVotes>,
) -> Result<Peer, LaunchError> {
    let refuse = |field: &str, expected: &str| SetupError::Field {
        file: config.file.clone(),
        field: field.to_owned(),
        value: "missing".to_owned(),
        expected: expected.to_owned(),
    };
    let key = if let (Some(file), Some(key)) = (&config.validator_key, validator_key) {
        (file.clone(), VoteSigner::new(key).ok_or(NodeError::ValidatorKey)?)
    } else if let Some(token) = &config.validator_token {
        let suite = genesis.suite().map_err(NodeError::from)?;
        let opened = votes.insert(token::open(token, suite, &config.data_dir, control)?);
        // There is no file: what is remembered of the key lies beside the configuration.
        let key = opened.public_key();
        let file = config.file.with_file_name(format!("validator-{key}"));
        (file, VoteSigner::from_signing(opened.clone()))
    } else {
        let expected = "the path of a key, or the table follow in its place";
        return Err(refuse("validator_key", expected).into());
    };
    let (key_file, key) = key;
    let listen = config.p2p_listen;
    Ok(Peer {
        key_file,
        key,
        p2p_listen: listen.ok_or_else(|| refuse("p2p_listen", "an address and a port"))?,
        p2p_peers: config.p2p_peers.clone(),
        peers_max: config.engine.peers_max,
    })
}
