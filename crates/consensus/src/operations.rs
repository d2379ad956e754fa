//! Fetch operations of the state's logs from upstreams, or offer none.
//!
//! Validators offer nothing to each other on the network: a node without state replays the blocks,
//! or takes the state over from upstreams ([`crate::state_sync`]).

use crate::upstream::{Distrust, Upstream};
use bytes::Bytes;
use commonware_codec::Encode as _;
use commonware_glue::stateful::db::{AttachableResolver, Shared};
use commonware_storage::qmdb::sync::{
    Request, Source,
    source::{self, Feedback},
};
use commonware_utils::channel::{mpsc, oneshot};
use std::sync::Arc;
use trine_ledger::{
    databases::Family,
    preset::BlockDigest,
    state::{self, Table},
};

/// Reads an answer to a request for at most so many operations.
pub type Decode<O> = fn(Bytes, usize) -> Option<state::Operations<O>>;

/// What the engine says of an answer, and who sent it.
pub type Verdict = (usize, oneshot::Receiver<bool>);

/// A table's operations, as upstreams have them.
pub struct Remote<O> {
    pub upstream: Arc<dyn Upstream>,
    pub table: Table,
    pub decode: Decode<O>,
    pub verdicts: mpsc::UnboundedSender<Verdict>,
}

/// A source of operations `O`: upstreams, or nobody.
pub struct Operations<O>(Option<Arc<Remote<O>>>);

impl<O> Operations<O> {
    /// Takes operations from upstreams.
    pub fn from(remote: Remote<O>) -> Self {
        Self(Some(Arc::new(remote)))
    }
}

impl<O> Default for Operations<O> {
    fn default() -> Self {
        Self(None)
    }
}

impl<O> Clone for Operations<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// State is not served between peers.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("state sync between peers is not offered")]
pub struct NotOffered;

impl<O: Send + Sync + 'static> Source for Operations<O> {
    type Family = Family;
    type Digest = BlockDigest;
    type Op = O;
    type Error = NotOffered;

    async fn serve(&self, request: Request<Family>) -> source::Result<Self> {
        let remote = self.0.as_ref().ok_or(NotOffered)?;
        let operations_max = usize::try_from(request.max_ops().get()).unwrap_or(usize::MAX);
        loop {
            let answer = remote.upstream.operations(remote.table, request.encode()).await;
            let Some(response) = (remote.decode)(answer.bytes, operations_max) else {
                remote.upstream.distrust(answer.source, Distrust::Invalid);
                continue;
            };
            let (verdict, told) = oneshot::channel();
            // Without the task that listens nobody is left for another.
            let _ = remote.verdicts.send((answer.source, told));
            // A refused answer is asked for anew, so there is no other candidate.
            let (_, candidates) = mpsc::channel(1);
            return Ok((response, Some(Feedback::new(verdict, candidates))));
        }
    }
}

impl<DB: Send + Sync + 'static, O: Send + Sync + 'static> AttachableResolver<DB> for Operations<O> {
    async fn attach_database(&self, _: Shared<DB>) {}
}
