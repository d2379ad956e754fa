//! Keep what became final: headers, transaction ids, outcomes, evidence, and ways to find them.
//!
//! ```text
//! final block -> segments (synced, one sync for all that wait) -> caller goes on
//!                    `-> evidence files, index (derived: rebuilt from the segments after a crash)
//! ```
//!
//! Two threads work beside the engine's own: one appends blocks, one writes checkpoints of the
//! index. Reads are synchronous and come from any thread. `docs/adr/0003-history-store.md` tells
//! why the store is as it is.

mod base;
mod error;
pub(crate) mod files;
mod find;
mod index;
mod observe;
mod record;
mod run;
mod segments;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use base::Base;
pub use error::HistoryError;
pub use find::{EntryPlace, TransactionPlace, TransferPlace};
pub use index::Location;
pub use record::{BlockHead, BlockRecord, BlockTail, FinalizedBlock};
pub use store::{History, Settings, Totals};
