//! Ask for the root over the heads of all evidence logs.

use trine_types::{
    Digest, Encode as _, Height, LogId, Suite, View, application::LogAppend, codec::Encoder, merkle,
};

/// Leaf of one log: its id, its size and the root of its tree.
pub fn leaf(log: LogId, size: u64, head: Digest) -> Vec<u8> {
    let mut encoder = Encoder::default();
    log.encode(&mut encoder);
    size.encode(&mut encoder);
    head.encode(&mut encoder);
    encoder.0
}

/// Root over the logs of a new chain, which are empty: one an organisation.
pub fn genesis_root(suite: Suite, organisations: u32) -> Digest {
    let empty = merkle::empty_root(suite);
    let leaves: Vec<_> = (0..organisations).map(|log| leaf(LogId(log), 0, empty)).collect();
    merkle::root(suite, leaves.iter().map(Vec::as_slice))
}

/// Computes the header's evidence root for blocks that are not final yet.
///
/// Blocks form a tree until one of them is final, so every call names the parent.
pub trait LogHeads: Send + Sync + 'static {
    /// Root after a block with these changes. `view` holds the changed logs' records.
    ///
    /// `parent_root` is the evidence root of the parent's header.
    fn root(
        &self,
        parent: Digest,
        parent_root: Digest,
        appends: &[LogAppend],
        view: &View,
    ) -> Digest;

    /// Remembers the changes of a block whose digest is known now.
    fn remember(&self, parent: Digest, block: Digest, height: Height, appends: &[LogAppend]);

    /// Makes a block's changes the base, and forgets every other block up to its height.
    fn finalize(&self, block: Digest, height: Height);
}
