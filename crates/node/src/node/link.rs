//! Say where a node's blocks come from: the network of the validators, or other nodes' APIs.

use super::late_start::{self, Beginning};
use super::{NodeError, Settings, system};
use crate::config::FollowConfig;
use crate::metrics::Metrics;
use crate::upstream::HttpUpstream;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trine_consensus::{
    AddressBook, Config, Following, LateStart, Link, NetworkConfig, OBSERVERS_MAX, ProcessConfig,
    address_book, parse_address,
};
use trine_crypto::VoteSigner;
use trine_types::genesis::GenesisError;
use trine_types::{Genesis, ValidatorKey};

/// What a node does on the chain.
#[derive(Clone)]
pub enum Part {
    /// Belongs to the network of the validators.
    Peer(Peer),
    /// Follows other nodes, and votes on nothing.
    Follower(FollowConfig),
}

/// A peer of the validators.
#[derive(Clone)]
pub struct Peer {
    /// File of the key that votes.
    pub key_file: PathBuf,
    /// Whoever signs with it.
    pub key: VoteSigner,
    /// Address on which the other nodes connect.
    pub p2p_listen: SocketAddr,
    /// Addresses of validators that differ from the genesis document, by name.
    pub p2p_peers: BTreeMap<String, String>,
    /// Peers that may be known at once.
    pub peers_max: usize,
}

impl Part {
    /// The key under which peers know the node.
    pub fn key(&self) -> Option<ValidatorKey> {
        match self {
            Self::Peer(peer) => Some(ValidatorKey(peer.key.vote_key().to_array())),
            Self::Follower(_) => None,
        }
    }

    /// Where a follower begins that does not have the whole chain.
    ///
    /// # Errors
    /// As [`late_start::find`].
    pub(super) fn beginning(
        &self,
        settings: &Settings,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Beginning>, NodeError> {
        match self {
            Self::Peer(_) => Ok(None),
            Self::Follower(follow) => {
                late_start::find(follow, &settings.genesis, &settings.data, metrics)
            }
        }
    }

    /// Access to those that the node follows.
    ///
    /// # Errors
    /// [`NodeError::Upstream`] for files that cannot be used.
    pub(super) fn upstream(
        &self,
        genesis: &Genesis,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<HttpUpstream>>, NodeError> {
        match self {
            Self::Peer(_) => Ok(None),
            Self::Follower(follow) => {
                Ok(Some(HttpUpstream::open(follow, genesis, metrics.clone())?))
            }
        }
    }
}

/// Gives the key its one permission to vote from an empty folder; returns the permit's file, which
/// the engine spends.
///
/// A mark beside the key remembers that it was given. It does not lie with the votes: a node that
/// lost its votes and kept its key must not vote on what it may have voted on already.
fn permit(data: &Path, key_file: &Path) -> Result<PathBuf, NodeError> {
    let permit = data.join("first-start");
    let mut name = key_file.as_os_str().to_owned();
    name.push(".used");
    let mark = PathBuf::from(name);
    if !mark.try_exists().map_err(system(format!("cannot read {}", mark.display())))? {
        // In this order, so that a crash in between gives the permission again instead of never.
        create_synced(&permit).map_err(system(format!("cannot write {}", permit.display())))?;
        create_synced(&mark).map_err(system(format!("cannot write {}", mark.display())))?;
    }
    Ok(permit)
}

/// Creates an empty file that survives a crash.
fn create_synced(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    File::create(path)?.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Configures the engine's process.
///
/// # Errors
/// [`NodeError`] for what contradicts the genesis, or a folder that cannot be written.
pub(super) fn process_config(
    settings: &Settings,
    upstream: Option<Arc<HttpUpstream>>,
    start: Option<LateStart>,
) -> Result<ProcessConfig, NodeError> {
    let length = NonZeroU64::new(settings.genesis.blocks_per_epoch)
        .ok_or_else(|| GenesisError("blocks_per_epoch is 0".into()))?;
    let (signer, link) = match (&settings.part, upstream) {
        (Part::Peer(peer), _) => {
            (Some(peer.key.clone()), Link::Network(network_config(settings, peer)?))
        }
        (Part::Follower(_), Some(upstream)) => {
            (None, Link::Upstream(Following { upstream, start }))
        }
        (Part::Follower(_), None) => {
            return Err(NodeError::Task("a follower has no upstream".into()));
        }
    };
    let mut engine = Config::new(signer, length);
    engine.timing = settings.timing;
    engine.cache_bytes = settings.cache_bytes;
    engine.threads = settings.engine_threads;
    let storage = settings.data.join("engine");
    Ok(ProcessConfig { engine, storage, link, workers: settings.workers })
}

fn network_config(settings: &Settings, peer: &Peer) -> Result<NetworkConfig, NodeError> {
    let validators = settings.genesis.validator_set()?;
    address_book(&validators).map_err(|error| NodeError::PeerAddress {
        name: "genesis".into(),
        cause: error.to_string(),
    })?;
    let mut fixed = AddressBook::new();
    for (name, address) in &peer.p2p_peers {
        let found = validators.as_slice().iter().find(|validator| validator.name == *name);
        let found = found.ok_or_else(|| NodeError::UnknownPeer(name.clone()))?;
        let parsed = parse_address(address).map_err(|error| NodeError::PeerAddress {
            name: name.clone(),
            cause: error.to_string(),
        })?;
        fixed.extend(found.key.vote_key().map(|key| (key, parsed)));
    }
    Ok(NetworkConfig {
        permit: permit(&settings.data, &peer.key_file)?,
        listen: peer.p2p_listen,
        fixed,
        peers_max: peer.peers_max.max(validators.as_slice().len() + OBSERVERS_MAX),
    })
}
