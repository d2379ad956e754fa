//! Run a node's engine on tokio, with few syncs.
//!
//! The engine keeps what it must not forget in dozens of small files, and syncs each of them by
//! itself: ten times between a proposal and its certificate. Here such files share one write-ahead
//! log, and their syncs. All other files are the library's, of which those that were not used for
//! long are closed. What this runtime promises of
//! durability is what the library promises.

mod blob;
mod context;
mod files;
mod memory;
mod open_files;
mod storage;
#[cfg(test)]
mod tests;
mod wal;

pub use blob::Blob;
pub use context::{Context, WallClock, run};
pub use wal::count_changes;
