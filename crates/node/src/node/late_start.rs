//! Begin with the state of others instead of the whole chain: find a final block to begin after.
//!
//! What is trusted is the genesis. A proof from an upstream leads from its validators over all
//! hand-overs to those who certify the epoch before the newest; that epoch's last block is where
//! the node begins. Proof and block are kept, and checked again at each start.

use super::{NodeError, system};
use crate::config::FollowConfig;
use crate::metrics::Metrics;
use crate::upstream::HttpUpstream;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use trine_consensus::{Anchor, LateStart};
use trine_ledger::proofs::HandOvers;
use trine_types::{Epoch, EpochChange, Genesis, Height, ValidatorKey, ValidatorSet};
use trine_verify::trust::Organisation;
use trine_verify::{CertifiedChain, Proof, TrustAnchor, TrustedValidator};

/// Pause before upstreams are asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// Rounds of questions to all upstreams before the node gives up.
const ROUNDS_MAX: usize = 30;
const BLOCK: &str = "anchor.block";
const PROOF: &str = "anchor.proof";
const DONE: &str = "anchor.done";

/// Where a node begins.
pub struct Beginning {
    /// For the engine.
    pub start: LateStart,
    change: EpochChange,
    found: Vec<(Epoch, CertifiedChain)>,
}

impl Beginning {
    /// The hand-overs before the node's first block, for its proofs.
    pub fn hand_overs(&self, blocks_per_epoch: u64) -> HandOvers {
        HandOvers::starting_at(blocks_per_epoch, &self.change, self.found.clone())
    }
}

/// What upstreams send of a beginning; nothing is believed of it.
struct Sent {
    /// Proof of the last block of the epoch before that of `block`, unless that is the first.
    proof: Option<Bytes>,
    /// Last block of an epoch behind its certificate.
    block: Bytes,
}

/// Finds where a node with this folder begins: after the block that it began after before, or one
/// that `follow` asks for and upstreams prove. None for a node that has, or is to have, all blocks.
///
/// # Errors
/// [`NodeError::LateStart`] when no upstream proves a block, or what is stored does not hold.
pub fn find(
    follow: &FollowConfig,
    genesis: &Genesis,
    data: &Path,
    metrics: &Arc<Metrics>,
) -> Result<Option<Beginning>, NodeError> {
    if let Some(stored) = read(data)? {
        return check(genesis, data, &stored).map(Some).map_err(NodeError::LateStart);
    }
    if !follow.late_start || data.join("engine").exists() {
        return Ok(None);
    }
    // Connections belong to the runtime in which they are made, so the engine's has others.
    let upstream = HttpUpstream::open(follow, genesis, metrics.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(system("cannot start a runtime"))?;
    let Some((sent, beginning)) = runtime.block_on(ask(&upstream, genesis, data))? else {
        return Ok(None);
    };
    write(data, &sent)?;
    Ok(Some(beginning))
}

/// Asks one upstream after the other; none where the chain is in its first epoch.
async fn ask(
    upstream: &HttpUpstream,
    genesis: &Genesis,
    data: &Path,
) -> Result<Option<(Sent, Beginning)>, NodeError> {
    let mut last = String::new();
    for _ in 0..ROUNDS_MAX {
        for source in 0..upstream.count() {
            let sent = match fetch(upstream, source, genesis.blocks_per_epoch).await {
                Ok(Some(sent)) => sent,
                Ok(None) => return Ok(None),
                Err(reason) => {
                    last = format!("{}: {reason}", upstream.url(source));
                    continue;
                }
            };
            match check(genesis, data, &sent) {
                Ok(beginning) => return Ok(Some((sent, beginning))),
                Err(reason) => {
                    last = format!("{}: {reason}", upstream.url(source));
                    tracing::warn!(
                        code = "upstream_left",
                        reason = last,
                        "its answer does not hold"
                    );
                }
            }
        }
        tracing::info!(reason = last, "no upstream proves a block to begin after");
        tokio::time::sleep(PAUSE).await;
    }
    Err(NodeError::LateStart(last))
}

async fn fetch(
    upstream: &HttpUpstream,
    source: usize,
    blocks_per_epoch: u64,
) -> Result<Option<Sent>, String> {
    let tip = upstream.ask_tip(source, Height(0)).await.map_err(|error| error.to_string())?;
    let Some(epoch) = (tip.0 / blocks_per_epoch).checked_sub(1) else { return Ok(None) };
    let get = async |path: String| {
        let found = upstream.get(source, &path).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| format!("it does not have {path}"))
    };
    let proof = match epoch {
        0 => None,
        epoch => Some(get(format!("v1/blocks/{}/proof", epoch * blocks_per_epoch - 1)).await?),
    };
    let last = (epoch + 1) * blocks_per_epoch - 1;
    let block = get(format!("v1/sync/finalized/{last}")).await?;
    Ok(Some(Sent { proof, block }))
}

/// Checks what was sent against the genesis.
fn check(genesis: &Genesis, data: &Path, sent: &Sent) -> Result<Beginning, String> {
    let suite = genesis.suite().map_err(|error| error.to_string())?;
    let chain_id = genesis.chain_id();
    let (change, found) = match &sent.proof {
        None => {
            let validators = genesis.validator_set().map_err(|error| error.to_string())?;
            (EpochChange { epoch: Epoch(0), validators, following: None }, Vec::new())
        }
        Some(bytes) => follow_hand_overs(genesis, bytes)?,
    };
    let anchor = Anchor::new(suite, chain_id, sent.block.clone(), change.clone());
    let anchor = anchor.map_err(|error| error.to_string())?;
    if anchor.header().epoch_change.is_none() {
        return Err("not the last block of an epoch".into());
    }
    let start = LateStart { anchor, done: data.join(DONE) };
    Ok(Beginning { start, change, found })
}

/// Verifies the proof of an epoch's last block; returns who certifies the next epoch, and the
/// hand-overs up to it.
fn follow_hand_overs(
    genesis: &Genesis,
    bytes: &[u8],
) -> Result<(EpochChange, Vec<(Epoch, CertifiedChain)>), String> {
    let suite = genesis.suite().map_err(|error| error.to_string())?;
    let trusted = genesis.validator_set().map_err(|error| error.to_string())?;
    let trust = trust(genesis, &trusted)?;
    let proof = Proof::from_bytes(suite, bytes).map_err(|error| error.to_string())?;
    let header = proof.verify(&trust).map_err(|error| error.to_string())?.header;
    let change = header.epoch_change.clone().ok_or("not the last block of an epoch")?;
    let mut found: Vec<(Epoch, CertifiedChain)> = proof
        .hand_overs
        .iter()
        .filter_map(|one| Some((one.headers.first()?.epoch, one.clone())))
        .collect();
    let before = found.last().and_then(|(_, one)| one.headers.first()?.epoch_change.as_ref());
    let before = before.map_or_else(|| keys(&trusted), |before| keys(&before.validators));
    if keys(&change.validators) != before {
        found.push((header.epoch, proof.chain.clone()));
    }
    Ok((change, found))
}

fn keys(validators: &ValidatorSet) -> Vec<ValidatorKey> {
    validators.as_slice().iter().map(|validator| validator.key).collect()
}

fn trust(genesis: &Genesis, validators: &ValidatorSet) -> Result<TrustAnchor, String> {
    let suite = genesis.suite().map_err(|error| error.to_string())?;
    let validators = validators.as_slice().iter().map(|validator| TrustedValidator {
        name: validator.name.clone(),
        organisation: Organisation::Number(validator.organisation.0),
        key: validator.key,
    });
    TrustAnchor::new(
        genesis.name.clone(),
        genesis.chain_id(),
        suite,
        Epoch(0),
        validators.collect(),
    )
    .map_err(|error| error.to_string())
}

fn path(data: &Path, name: &str) -> PathBuf {
    data.join(name)
}

fn read(data: &Path) -> Result<Option<Sent>, NodeError> {
    let bytes = |name| match fs::read(path(data, name)) {
        Ok(bytes) => Ok(Some(Bytes::from(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(system(format!("cannot read {}", path(data, name).display()))(error)),
    };
    let Some(block) = bytes(BLOCK)? else { return Ok(None) };
    Ok(Some(Sent { proof: bytes(PROOF)?, block }))
}

/// Writes both, the block last: without it there is no beginning.
fn write(data: &Path, sent: &Sent) -> Result<(), NodeError> {
    let files = [(PROOF, sent.proof.as_ref()), (BLOCK, Some(&sent.block))];
    for (name, bytes) in files {
        let Some(bytes) = bytes else { continue };
        let failed = || system(format!("cannot write {}", path(data, name).display()));
        let mut file = File::create(path(data, name)).map_err(failed())?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed())?;
    }
    let folder = File::open(data).and_then(|folder| folder.sync_all());
    folder.map_err(system(format!("cannot write {}", data.display())))
}
