//! Bring a client's transactions to the other nodes, whose turn to propose may come first.

use bytes::Bytes;

/// Sends messages to every other node of the chain; the consensus network's own channel.
pub trait Forwarder: Send + Sync + 'static {
    /// Sends a batch (see [`crate::mempool::batch`]). May drop it: the pool sends what does not
    /// become final again.
    fn forward(&self, batch: Bytes);
}

/// Sends nothing: for a chain with one node.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoForwarder;

impl Forwarder for NoForwarder {
    fn forward(&self, _: Bytes) {}
}

/// Packs transactions into batches of limited size.
pub fn pack(transactions: &[Bytes], bytes_max: usize, count_max: usize) -> Vec<Bytes> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (end, transaction) in transactions.iter().enumerate() {
        let full = bytes + transaction.len() + 4 > bytes_max || end - start >= count_max;
        if full && end > start {
            batches.push(super::batch::join(transactions[start..end].iter()));
            (start, bytes) = (end, 0);
        }
        bytes += transaction.len() + 4;
    }
    if start < transactions.len() {
        batches.push(super::batch::join(transactions[start..].iter()));
    }
    batches
}
