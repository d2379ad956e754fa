//! Keep a node that lost its vote journal from voting twice.
//!
//! A validator that starts on an empty folder does not know what it voted for before. It votes
//! again only in an epoch that began after this start, because nobody can have voted in it before.
//! The first start of a new validator is told apart by the operator's permission, which is spent.

use commonware_storage::{
    Context,
    metadata::{Config, Metadata},
};
use commonware_utils::sequence::U64;
use std::time::{SystemTime, UNIX_EPOCH};
use trine_runtime::WallClock;

const KEY: U64 = U64::new(0);
/// Clocks of validators may differ by this much, in milliseconds.
const SKEW_MS: u64 = 2_000;

/// Says in which epochs this node may vote.
#[derive(Clone, Copy, Debug)]
pub struct VoteGuard {
    after_ms: u64,
}

impl VoteGuard {
    /// Reads the guard of this folder, or creates it on an empty one.
    ///
    /// `first_start` is the operator's word that this key has never voted on this chain.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub async fn open<E: Context + WallClock>(
        context: E,
        prefix: &str,
        first_start: bool,
    ) -> Result<Self, commonware_storage::metadata::Error> {
        let now_ms = to_unix_ms(context.wall());
        let config = Config { partition: format!("{prefix}-vote-guard"), codec_config: () };
        let metadata = Metadata::<E, U64, u64>::init(context, config).await?;
        if let Some(after_ms) = metadata.get(&KEY) {
            return Ok(Self { after_ms: *after_ms });
        }
        let after_ms = if first_start { 0 } else { now_ms.saturating_add(SKEW_MS) };
        metadata.put_sync(KEY, after_ms).await?;
        Ok(Self { after_ms })
    }

    /// Whether the node may vote in the epoch that a block of this time began.
    ///
    /// Genesis begins the first epoch, whatever its time says.
    pub const fn allows(self, boundary_ms: u64) -> bool {
        self.after_ms == 0 || boundary_ms > self.after_ms
    }
}

/// Milliseconds from 1970 to `time`.
pub fn to_unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
