//! Say why history cannot be stored or read.

use std::path::{Path, PathBuf};
use trine_types::{ChainId, Digest, Height, LogId};

/// Why the history store failed. Every case but [`HistoryError::Conflict`] and
/// [`HistoryError::Gap`] names the file to look at.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The operating system refused: a full disk, a read-only folder, a missing right.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Bytes that were stored safely are not what they were.
    #[error(
        "{} is damaged at byte {offset}: {what}; restore the node's folder from a backup, or empty \
         it and let the node catch up",
        path.display()
    )]
    Corrupt {
        /// File.
        path: PathBuf,
        /// Where the damage starts.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The folder holds the history of another chain.
    #[error("{} holds chain {found}, expected chain {expected}", path.display())]
    OtherChain {
        /// File that names the chain.
        path: PathBuf,
        /// Chain found.
        found: ChainId,
        /// Chain of this node.
        expected: ChainId,
    },
    /// A block was delivered again, but differently.
    #[error("block {height} was stored as {stored} and delivered again as {delivered}")]
    Conflict {
        /// Height of both.
        height: Height,
        /// Digest in the store.
        stored: Digest,
        /// Digest delivered.
        delivered: Digest,
    },
    /// A block was delivered out of order.
    #[error("block {delivered} was delivered where block {expected} was expected")]
    Gap {
        /// Next height of the store.
        expected: Height,
        /// Height delivered.
        delivered: Height,
    },
    /// The store does not hold all blocks of the state.
    #[error(
        "history holds {stored} and the state is at block {state}: they belong together; restore \
         the node's folder from one backup, or empty it and let the node catch up"
    )]
    Behind {
        /// Blocks in the store, as text.
        stored: String,
        /// Height of the durable state.
        state: Height,
    },
    /// Entries were delivered that do not follow those of their log.
    #[error("log {log} has {size} entries, and entries from {first_index} on were delivered")]
    LogGap {
        /// Log.
        log: LogId,
        /// Entries stored.
        size: u64,
        /// Index of the first entry delivered.
        first_index: u64,
    },
    /// A block's parts do not fit each other.
    #[error("block {height} was delivered with {what}")]
    Inconsistent {
        /// Block.
        height: Height,
        /// What does not fit.
        what: &'static str,
    },
    /// An earlier failure stopped the store, or it was closed.
    #[error("the history store has stopped: {0}")]
    Stopped(String),
}

impl HistoryError {
    /// Makes a function that adds what was tried on which path to a system error.
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn corrupt(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Corrupt { path: path.to_owned(), offset, what }
    }
}
