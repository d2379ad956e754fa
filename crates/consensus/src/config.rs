//! Configure the engine.

use crate::pace::Pace;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroU64, time::Duration};
use trine_ledger::preset::PrivateKey;
use trine_types::limits;

/// Blocks that marshal hands out before the first of them is acknowledged.
pub const PENDING_BLOCKS_MAX: usize = 8;
/// Bytes of one page of the cache, so that a page with its checksum fills a disk block.
pub const PAGE_BYTES: u16 = 4_084;

/// Time limits, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// A leader without transactions proposes an empty block after this time.
    pub idle_ms: u64,
    /// Shortest time between a block and its parent.
    pub interval_ms_min: u64,
    /// How long a view waits for its leader's proposal; longer than `idle_ms`.
    pub leader_ms: u64,
    /// How long a view waits for a certificate; longer than `leader_ms`.
    pub certification_ms: u64,
    /// How often a stuck view asks again to be skipped.
    pub retry_ms: u64,
    /// How long a peer may take to answer.
    pub fetch_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            idle_ms: 1_000,
            interval_ms_min: 80,
            leader_ms: 2_000,
            certification_ms: 3_000,
            retry_ms: 500,
            fetch_ms: 2_000,
        }
    }
}

/// Everything about one node's engine that is not shared with its peers.
#[derive(Clone)]
pub struct Config {
    /// Key that votes; a node that only follows has none.
    pub signer: Option<PrivateKey>,
    /// Prefix of every partition, so that several chains share one folder.
    pub prefix: String,
    /// Blocks of an epoch; the same on every node of the chain.
    pub blocks_per_epoch: NonZeroU64,
    /// Time limits.
    pub timing: Timing,
    /// Most transactions in a proposal.
    pub transactions_max: usize,
    /// Most bytes of transactions in a proposal.
    pub bytes_max: usize,
    /// Bytes of the page cache, taken at the start.
    pub cache_bytes: usize,
    /// Threads for hashing and signatures.
    pub threads: usize,
    /// Finalized blocks kept; all of them when `None`.
    pub retained_blocks: Option<u64>,
    /// The operator's word that this key has never voted on this chain.
    pub first_start: bool,
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A node in the network of validators proves its key to them.
    #[error("a node that does not follow others needs a key")]
    NoKey,
    /// A value is outside its limits.
    #[error("{field} is {actual}, expected {expected}")]
    OutOfRange {
        /// Field of the configuration.
        field: &'static str,
        /// Value found.
        actual: u64,
        /// What would be accepted.
        expected: String,
    },
}

impl Config {
    /// Takes defaults for everything but the key and the epoch length.
    pub fn new(signer: Option<PrivateKey>, blocks_per_epoch: NonZeroU64) -> Self {
        Self {
            signer,
            prefix: "chain".into(),
            blocks_per_epoch,
            timing: Timing::default(),
            transactions_max: limits::BLOCK_TRANSACTIONS_MAX,
            bytes_max: limits::BLOCK_BYTES_MAX,
            cache_bytes: 256 << 20,
            threads: 1,
            retained_blocks: None,
            first_start: false,
        }
    }

    /// Refuses values that run now and halt the node or the chain later.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field, its value and what would be accepted.
    pub fn check(&self) -> Result<(), ConfigError> {
        let epoch = self.blocks_per_epoch.get();
        // The validators of an epoch are known before its last block is handed out.
        let minimum = limits::BLOCKS_PER_EPOCH_MIN.max(PENDING_BLOCKS_MAX as u64);
        at_least("blocks_per_epoch", epoch, minimum)?;
        if let Some(retained) = self.retained_blocks {
            // A restart reads the block that began the epoch.
            at_least("retained_blocks", retained, epoch)?;
        }
        at_least("leader_ms", self.timing.leader_ms, self.timing.idle_ms + 1)?;
        at_least("certification_ms", self.timing.certification_ms, self.timing.leader_ms + 1)?;
        at_least("retry_ms", self.timing.retry_ms, 1)?;
        at_least("fetch_ms", self.timing.fetch_ms, 1)?;
        at_least("threads", self.threads as u64, 1)?;
        at_least("cache_bytes", self.cache_bytes as u64, 1 << 18)
    }

    /// When and how much to propose.
    pub const fn pace(&self) -> Pace {
        Pace {
            interval_ms_min: self.timing.interval_ms_min,
            idle_ms: self.timing.idle_ms,
            transactions_max: self.transactions_max,
            bytes_max: self.bytes_max,
        }
    }
}

fn at_least(field: &'static str, actual: u64, minimum: u64) -> Result<(), ConfigError> {
    if actual < minimum {
        let expected = format!("at least {minimum}");
        return Err(ConfigError::OutOfRange { field, actual, expected });
    }
    Ok(())
}

/// Milliseconds as a duration.
pub const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}
