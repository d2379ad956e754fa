//! Hold a running node: ask it, and learn when it stops.

use crate::{conflicts::Conflicts, gossip::Gossip};
use bytes::Bytes;
use commonware_codec::Encode as _;
use commonware_consensus::types::{
    Epoch as EngineEpoch, Epocher as _, FixedEpocher, Height as EngineHeight,
};
use commonware_glue::stateful;
use commonware_runtime::{Error as RuntimeError, Handle};
use commonware_utils::sync::Mutex;
use futures::future::{BoxFuture, select_all};
use std::sync::Arc;
use trine_ledger::{
    Block, Ledger, Runtime,
    preset::{BlockDigest, Finalization, Marshal},
    state::{State, StateReader},
};
use trine_types::{Digest, Epoch, Height};

/// An actor ended, and with it the node.
#[derive(Debug, thiserror::Error)]
#[error("the actor {actor:?} ended: {cause}")]
pub struct Stopped {
    /// Name of the actor.
    pub actor: &'static str,
    /// What it said.
    pub cause: String,
}

/// Answers questions about final blocks; clones share everything.
#[derive(Clone)]
pub struct Chain {
    marshal: Marshal,
    ledger: Ledger,
    epocher: FixedEpocher,
    gossip: Gossip,
    conflicts: Conflicts,
}

impl Chain {
    pub(crate) const fn new(
        marshal: Marshal,
        ledger: Ledger,
        epocher: FixedEpocher,
        gossip: Gossip,
        conflicts: Conflicts,
    ) -> Self {
        Self { marshal, ledger, epocher, gossip, conflicts }
    }

    /// Votes that exclude each other, which this node keeps as evidence; a follower sees none.
    pub const fn conflicts(&self) -> &Conflicts {
        &self.conflicts
    }

    /// Sends transactions to every other node.
    pub const fn gossip(&self) -> &Gossip {
        &self.gossip
    }

    /// Genesis block.
    pub fn genesis(&self) -> &Block {
        self.ledger.genesis_block()
    }

    /// Epochs by height.
    pub const fn epocher(&self) -> &FixedEpocher {
        &self.epocher
    }

    /// Height of the block that names the validators of an epoch: the last of the epoch before.
    pub fn naming(&self, epoch: Epoch) -> Height {
        let before = EngineEpoch::new(epoch.0).previous();
        let last = before.and_then(|before| self.epocher.last(before));
        last.map_or(Height(0), |last| Height(last.get()))
    }

    /// Final block at a height.
    pub async fn block(&self, height: Height) -> Option<Arc<Block>> {
        let block = self.marshal.get_block(EngineHeight::new(height.0)).await?;
        Some(block.inner_shared())
    }

    /// Block by its digest; final or on the way to it.
    pub async fn block_by_digest(&self, digest: Digest) -> Option<Arc<Block>> {
        let block = self.marshal.get_block(&BlockDigest::from(digest.0)).await?;
        Some(block.inner_shared())
    }

    /// Certificate of the block at a height.
    ///
    /// A final block may have none of its own: then the next certified block above it, which
    /// descends from it, stands for it.
    pub async fn certificate(&self, height: Height) -> Option<Finalization> {
        self.marshal.get_finalization(EngineHeight::new(height.0)).await
    }

    /// The encoded block with a digest; final or on the way to it.
    pub async fn encoded_block(&self, digest: Digest) -> Option<Bytes> {
        Some(self.block_by_digest(digest).await?.encode())
    }

    /// The certificate of the block at a height, encoded, and the block behind it; none where the
    /// block has no certificate of its own.
    pub async fn encoded_finalization(&self, height: Height) -> Option<Bytes> {
        let finalization = self.certificate(height).await?;
        let block = self.block(height).await?;
        Some((finalization, block).encode())
    }

    /// Height up to which this node has applied blocks durably; none before the first.
    pub async fn processed(&self) -> Option<Height> {
        let processed = self.marshal.get_processed().await?;
        // A node that took the state over has that of the block above, which is on its way.
        Some(Height(processed.anchor().get()))
    }
}

/// A running node.
pub struct Running<E: Runtime + commonware_runtime::Clock> {
    handles: Mutex<Vec<(&'static str, Handle<()>)>>,
    chain: Chain,
    state: stateful::Mailbox<E, Ledger>,
}

impl<E: Runtime + commonware_runtime::Clock> Running<E> {
    pub(crate) fn new(
        handles: Vec<(&'static str, Handle<()>)>,
        chain: Chain,
        state: stateful::Mailbox<E, Ledger>,
    ) -> Self {
        Self { handles: Mutex::new(handles), chain, state }
    }

    /// Adds another actor whose end stops the node.
    pub fn supervise(&self, actor: &'static str, handle: Handle<()>) {
        self.handles.lock().push((actor, handle));
    }

    /// Access to final blocks.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Access to the final state. Resolves when the databases are open.
    pub fn state(&self) -> BoxFuture<'static, Arc<dyn StateReader>> {
        let state = self.state.clone();
        let suite = self.chain.genesis().suite();
        let roots = self.chain.ledger.roots().clone();
        Box::pin(async move {
            let databases = state.subscribe_databases().await;
            let reader: Arc<dyn StateReader> = Arc::new(State::new(suite, databases, roots));
            reader
        })
    }

    /// Resolves when an actor ends. No actor may end while the node runs, so this is an error.
    ///
    /// # Panics
    /// When called a second time.
    pub fn stopped(&self) -> BoxFuture<'static, Stopped> {
        let handles = std::mem::take(&mut *self.handles.lock());
        assert!(!handles.is_empty(), "one task watches a node");
        Box::pin(watch(handles))
    }
}

/// Waits for the first actor that ends, and aborts the others.
async fn watch(handles: Vec<(&'static str, Handle<()>)>) -> Stopped {
    let (names, handles): (Vec<_>, Vec<_>) = handles.into_iter().unzip();
    let (result, place, rest) = select_all(handles).await;
    rest.iter().for_each(Handle::abort);
    let cause = match result {
        Ok(()) => "without an error".to_owned(),
        Err(RuntimeError::Closed | RuntimeError::Aborted) => "the node is stopping".to_owned(),
        Err(error) => error.to_string(),
    };
    Stopped { actor: names[place], cause }
}
