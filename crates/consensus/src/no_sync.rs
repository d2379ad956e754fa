//! Stand where state sync between peers will stand: answer nothing.
//!
//! A node that has nothing replays the blocks; nodes keep all of them.

use commonware_glue::stateful::db::{AttachableResolver, Shared};
use commonware_storage::qmdb::sync::{Request, Source, source};
use std::marker::PhantomData;
use trine_ledger::{databases::Family, preset::BlockDigest};

/// A source of operations `O` that has none.
pub struct NoSync<O>(PhantomData<fn() -> O>);

impl<O> Default for NoSync<O> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<O> Clone for NoSync<O> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// State is not served between peers.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("state sync between peers is not offered")]
pub struct NotOffered;

impl<O: 'static> Source for NoSync<O> {
    type Family = Family;
    type Digest = BlockDigest;
    type Op = O;
    type Error = NotOffered;

    async fn serve(&self, _: Request<Family>) -> source::Result<Self> {
        Err(NotOffered)
    }
}

impl<DB: Send + Sync + 'static, O: 'static> AttachableResolver<DB> for NoSync<O> {
    async fn attach_database(&self, _: Shared<DB>) {}
}
