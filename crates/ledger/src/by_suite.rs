//! Choose between the databases of two suites while the program runs.
//!
//! A database has its hash as a type. The engine above is compiled once, for a set of databases
//! that is one or the other: compiling it a second time would double the build.

use commonware_cryptography::Digest;
use commonware_glue::stateful::db::{
    Anchor, AttachableResolverSet, Barrier, DatabaseSet, StateSyncSet, SyncEngineConfig, TipUpdate,
};
use commonware_utils::channel::ring;
use std::fmt::Debug;
use trine_types::Suite;

/// Something of the suite `intl`, or its like of the suite `gm`.
#[derive(Clone, Debug)]
pub enum BySuite<I, G> {
    /// Under SHA-256.
    Intl(I),
    /// Under SM3.
    Gm(G),
}

/// Does the same to whichever is there.
macro_rules! either {
    ($value:expr, $name:ident => $result:expr) => {
        match $value {
            BySuite::Intl($name) => $result,
            BySuite::Gm($name) => $result,
        }
    };
}

/// Does the same to whichever is there and keeps which it was.
macro_rules! keep {
    ($value:expr, $name:ident => $result:expr) => {
        match $value {
            BySuite::Intl($name) => BySuite::Intl($result),
            BySuite::Gm($name) => BySuite::Gm($result),
        }
    };
}

pub(crate) use either;

/// # Panics
/// A value of the other suite cannot come here: all that a set makes is of its own suite.
const MIXED: &str = "the databases of a chain are all of its suite";

impl<E, I, G> DatabaseSet<E> for BySuite<I, G>
where
    E: Send + Sync + 'static,
    I: DatabaseSet<E>,
    G: DatabaseSet<E, Config = I::Config, SyncTargets = I::SyncTargets>,
{
    type Unmerkleized = BySuite<I::Unmerkleized, G::Unmerkleized>;
    type Merkleized = BySuite<I::Merkleized, G::Merkleized>;
    type Readers = BySuite<I::Readers, G::Readers>;
    type Config = (Suite, I::Config);
    type SyncTargets = I::SyncTargets;

    async fn init(
        context: E,
        (suite, config): Self::Config,
        expected: Option<Self::SyncTargets>,
    ) -> Self {
        match suite {
            Suite::Intl => Self::Intl(I::init(context, config, expected).await),
            Suite::Gm => Self::Gm(G::init(context, config, expected).await),
        }
    }

    /// Asked without a suite, so that it can answer for one alone. Nothing asks: a chain's
    /// databases are never empty, genesis fills them.
    fn initial_sync_targets() -> Self::SyncTargets {
        I::initial_sync_targets()
    }

    async fn new_batches(&self) -> Self::Unmerkleized {
        keep!(self, set => set.new_batches().await)
    }

    fn fork_batches(parent: &Self::Merkleized) -> Self::Unmerkleized {
        match parent {
            BySuite::Intl(parent) => BySuite::Intl(I::fork_batches(parent)),
            BySuite::Gm(parent) => BySuite::Gm(G::fork_batches(parent)),
        }
    }

    fn matches_sync_targets(batches: &Self::Merkleized, targets: &Self::SyncTargets) -> bool {
        match batches {
            BySuite::Intl(batches) => I::matches_sync_targets(batches, targets),
            BySuite::Gm(batches) => G::matches_sync_targets(batches, targets),
        }
    }

    fn readers(&self) -> Self::Readers {
        keep!(self, set => set.readers())
    }

    async fn apply(&self, batches: Self::Merkleized) {
        match (self, batches) {
            (Self::Intl(set), BySuite::Intl(batches)) => set.apply(batches).await,
            (Self::Gm(set), BySuite::Gm(batches)) => set.apply(batches).await,
            _ => panic!("{MIXED}"),
        }
    }

    async fn finalize(&self) -> Barrier {
        either!(self, set => set.finalize().await)
    }

    async fn prune(&self, targets: &Self::SyncTargets) {
        either!(self, set => set.prune(targets).await);
    }

    async fn committed_targets(&self) -> Self::SyncTargets {
        either!(self, set => set.committed_targets().await)
    }
}

/// State sync failed, in the words of the databases.
#[derive(Debug)]
pub struct SyncError(pub String);

fn failed(error: impl Debug) -> SyncError {
    SyncError(format!("{error:?}"))
}

impl<E, R, I, G> StateSyncSet<E, Resolvers<R>> for BySuite<I, G>
where
    E: Send + Sync + 'static,
    R: Send,
    I: StateSyncSet<E, R>,
    G: StateSyncSet<E, R> + DatabaseSet<E, Config = I::Config, SyncTargets = I::SyncTargets>,
{
    type Error = SyncError;

    async fn sync<D: Digest>(
        context: E,
        (suite, config): Self::Config,
        sources: Resolvers<R>,
        anchor: Anchor<D>,
        targets: Self::SyncTargets,
        tips: ring::Receiver<TipUpdate<D, Self::SyncTargets>>,
        sync: SyncEngineConfig,
    ) -> Result<(Self, Anchor<D>), SyncError> {
        match suite {
            Suite::Intl => I::sync(context, config, sources.0, anchor, targets, tips, sync)
                .await
                .map(|(set, anchor)| (Self::Intl(set), anchor))
                .map_err(failed),
            Suite::Gm => G::sync(context, config, sources.0, anchor, targets, tips, sync)
                .await
                .map(|(set, anchor)| (Self::Gm(set), anchor))
                .map_err(failed),
        }
    }
}

/// What offers state to peers, whichever suite it is of.
#[derive(Clone, Debug, Default)]
pub struct Resolvers<R>(pub R);

impl<I, G, R> AttachableResolverSet<BySuite<I, G>> for Resolvers<R>
where
    I: Send + 'static,
    G: Send + 'static,
    R: AttachableResolverSet<I> + AttachableResolverSet<G>,
{
    async fn attach_databases(&self, databases: BySuite<I, G>) {
        either!(databases, set => self.0.attach_databases(set).await);
    }
}
