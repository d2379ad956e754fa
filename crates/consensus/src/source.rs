//! Ask for transactions to propose.

use bytes::Bytes;
use futures::future::BoxFuture;
use std::sync::Arc;
use trine_ledger::TransactionIds;
use trine_types::{Transaction, TransactionId};

/// Where a leader takes transactions from; the node's mempool.
pub trait Source: Send + Sync + 'static {
    /// Returns transactions in the order in which they should run, at most `count_max` of them with
    /// at most `bytes_max` encoded bytes together, none of `taken`.
    ///
    /// `taken` holds what blocks that are not final yet contain already.
    fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &TransactionIds,
    ) -> Vec<Arc<Transaction>>;

    /// Gives those transactions, by their bytes, that this node holds: a block need not be decoded
    /// for them, and what is verified already is not verified again.
    fn known(&self, raw: &[Bytes]) -> Vec<Option<Arc<Transaction>>> {
        vec![None; raw.len()]
    }

    /// Learns that a build left these out because they are not valid on the newest block.
    fn left_out(&self, ids: &[TransactionId]);

    /// Resolves when a transaction was added after this call.
    fn changed(&self) -> BoxFuture<'static, ()>;
}

/// Never has anything: for nodes that follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSource;

impl Source for NoSource {
    fn candidates(&self, _: usize, _: usize, _: &TransactionIds) -> Vec<Arc<Transaction>> {
        Vec::new()
    }

    fn left_out(&self, _: &[TransactionId]) {}

    fn changed(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
