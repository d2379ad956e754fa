//! Take what the engine finalizes: into history, out of the pool, and to clients once durable.

use super::NodeReader;
use super::adoption::adopt_logs;
use crate::feed::Feed;
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use crate::reader::StoredBlock;
use crate::upstream::HttpUpstream;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use trine_ledger::Block;
use trine_ledger::history::{FinalizedBlock, History};
use trine_ledger::observer::{Observer, ObserverError};
use trine_ledger::state::StateReader;
use trine_types::{Digest, Header, Height, application::Execution};

/// Keeps what becomes final, on behalf of the node.
pub struct Keeper {
    history: Arc<History>,
    reader: Arc<NodeReader>,
    mempool: Arc<Mempool>,
    feed: Arc<Feed>,
    metrics: Arc<Metrics>,
    /// Whom the node follows; a validator follows nobody.
    upstream: Option<Arc<HttpUpstream>>,
    /// Final blocks that are not durable yet; the engine bounds their number.
    pending: Mutex<BTreeMap<Height, Arc<StoredBlock>>>,
}

impl Keeper {
    /// Passes blocks on to these.
    pub fn new(
        history: Arc<History>,
        reader: Arc<NodeReader>,
        mempool: Arc<Mempool>,
        feed: Arc<Feed>,
        metrics: Arc<Metrics>,
        upstream: Option<Arc<HttpUpstream>>,
    ) -> Self {
        Self { history, reader, mempool, feed, metrics, upstream, pending: Mutex::default() }
    }
}

/// What clients are told about a block.
pub(super) fn stored(block: &FinalizedBlock) -> StoredBlock {
    StoredBlock {
        header: block.header.clone(),
        digest: block.digest,
        ids: block.transactions.iter().map(|one| one.id).collect(),
        codes: block.execution.outcomes.iter().map(|outcome| outcome.code.number()).collect(),
    }
}

impl Observer for Keeper {
    fn finalized(
        &self,
        block: Arc<Block>,
        execution: Arc<Execution>,
    ) -> BoxFuture<'_, Result<(), ObserverError>> {
        Box::pin(async move {
            let block = FinalizedBlock::new(&block, execution)?;
            let block = Arc::new(block);
            self.history.append(block.clone()).await?;
            self.mempool.finalized(&block.transactions, block.header.time_ms);
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.insert(block.header.height, Arc::new(stored(&block)));
            drop(pending);
            self.reader.remember(block);
            Ok(())
        })
    }

    fn adopted<'a>(
        &'a self,
        header: &'a Header,
        digest: Digest,
        state: Arc<dyn StateReader>,
    ) -> BoxFuture<'a, Result<(), ObserverError>> {
        Box::pin(async move {
            let upstream = self.upstream.as_ref().ok_or("a node that follows nobody")?;
            let suite = self.reader.suite;
            adopt_logs(suite, &self.history, upstream, state, header, digest).await
        })
    }

    fn durable(&self, height: Height) {
        let durable = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let later = pending.split_off(&Height(height.0 + 1));
            std::mem::replace(&mut *pending, later)
        };
        for block in durable.into_values() {
            self.metrics.blocks.add(1);
            self.metrics.transactions.add(block.ids.len() as u64);
            self.feed.publish(block);
        }
        self.mempool.durable(height);
    }
}
