//! Take over the state after a final block instead of executing the chain up to it.
//!
//! What is trusted is who certifies the block: whoever makes an [`Anchor`] has followed the
//! hand-overs from the genesis. The block's header commits to both state databases, and the
//! databases check each operation that an upstream sends against it.

use crate::{
    config::{Config, PAGE_BYTES},
    engine::{Environment, Parts, StartError},
    operations::{Operations, Remote, Verdict},
    upstream::{Distrust, Upstream},
};
use bytes::Bytes;
use commonware_cryptography::Digested;
use commonware_glue::stateful::db::{
    Anchor as StateAnchor, DatabaseSet as _, StateSyncSet as _, SyncEngineConfig,
};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_utils::{
    NZU16, NZU64, NZUsize,
    channel::{mpsc, ring},
};
use futures::{
    StreamExt as _,
    future::{Either, select},
    pin_mut,
    stream::FuturesUnordered,
};
use std::{num::NonZeroUsize, sync::Arc};
use tracing::info;
use trine_ledger::{
    Block, Ledger, adopt_genesis,
    by_suite::Resolvers,
    databases::{self, Databases},
    finality::{NotFinal, read_final},
    preset::{BlockDigest, Finalization},
    state::{OPERATIONS_MAX, Roots, State, StateReader, Table, read_accounts, read_values},
};
use trine_types::{ChainId, EpochChange, Header, Suite};

/// How much is fetched and applied at a time.
const SYNC: SyncEngineConfig = SyncEngineConfig {
    fetch_batch_size: NZU64!(OPERATIONS_MAX),
    apply_batch_size: NZU64!(OPERATIONS_MAX),
    max_outstanding_requests: NZUsize!(8),
};

/// A final block after which a node begins.
#[derive(Clone)]
pub struct Anchor {
    pub(crate) finalization: Finalization,
    pub(crate) block: Digested<Block>,
    /// Who certifies the blocks of its epoch.
    pub(crate) change: EpochChange,
}

impl Anchor {
    /// Reads a block behind its certificate (see
    /// [`Chain::encoded_finalization`](crate::Chain::encoded_finalization)) and checks that the
    /// validators of `change` certified it.
    ///
    /// # Errors
    /// [`NotFinal`] for anything else.
    pub fn new(
        suite: Suite,
        chain_id: ChainId,
        bytes: Bytes,
        change: EpochChange,
    ) -> Result<Self, NotFinal> {
        let (finalization, block) = read_final(suite, chain_id, bytes, &change)?;
        let digest = BlockDigest::from(block.id().0);
        let block = Digested::precomputed(block, digest);
        Ok(Self { finalization, block, change })
    }

    /// Header of the block.
    pub fn header(&self) -> &Header {
        self.block.inner().header()
    }
}

/// Fills the databases of an empty folder with the state after `anchor`, and lets the observer take
/// over what belongs to it. May be repeated after a crash. `genesis` is the chain's first header.
///
/// # Errors
/// [`StartError`] when the folder does not serve or the observer refuses.
pub async fn adopt<E: Environment>(
    context: &E,
    config: &Config,
    parts: &Parts,
    anchor: &Anchor,
    genesis: &Header,
    upstream: Arc<dyn Upstream>,
) -> Result<(), StartError> {
    let suite = parts.genesis.suite().map_err(trine_ledger::GenesisError::from)?;
    let strategy =
        context.strategy(NonZeroUsize::new(config.threads).expect("the configuration is checked"));
    let pages = NonZeroUsize::new(config.cache_bytes / usize::from(PAGE_BYTES));
    let cache = CacheRef::new(NZU16!(PAGE_BYTES), pages.expect("the configuration is checked"));
    let databases = databases::config(suite, &config.prefix, &cache, &strategy);
    let (verdicts, told) = mpsc::unbounded_channel();
    let sources = Resolvers((
        Operations::from(Remote {
            upstream: upstream.clone(),
            table: Table::Accounts,
            decode: read_accounts,
            verdicts: verdicts.clone(),
        }),
        Operations::from(Remote {
            upstream: upstream.clone(),
            table: Table::Values,
            decode: read_values,
            verdicts,
        }),
    ));
    let header = anchor.header();
    info!(height = header.height.0, "takes over the state after a final block");
    // The target stays: upstreams prove any size that their logs once had.
    let (_tips, updates) = ring::channel(NZUsize!(1));
    let sync = Databases::<E>::sync(
        context.child("state_sync"),
        databases,
        sources,
        StateAnchor::from_block(&anchor.block),
        <Ledger as commonware_glue::stateful::Application<E>>::sync_targets(anchor.block.inner()),
        updates,
        SYNC,
    );
    let failed = |error: String| StartError::Storage(format!("state sync: {error}"));
    let synced = {
        let listening = listen(told, upstream);
        pin_mut!(sync);
        pin_mut!(listening);
        match select(sync, listening).await {
            Either::Left((synced, _)) => synced,
            // All sources are gone: the sync has ended too.
            Either::Right(((), sync)) => sync.await,
        }
    };
    let (databases, _) = synced.map_err(|error| failed(error.0))?;
    if !databases.finalize().await.durable().await {
        return Err(failed("the node is stopping".into()));
    }
    let roots = Roots::default();
    roots.push(header);
    let state: Arc<dyn StateReader> = Arc::new(State::<E>::new(suite, databases, roots));
    let digest = trine_types::Digest(anchor.finalization.proposal.payload.0);
    parts
        .observer
        .adopted(header, digest, state)
        .await
        .map_err(|error| failed(error.to_string()))?;
    adopt_genesis(context.child("genesis"), &config.prefix, genesis).await?;
    info!(height = header.height.0, "has the state after that block");
    Ok(())
}

/// Leaves upstreams whose operations do not verify; ends when no source is left.
async fn listen(mut told: mpsc::UnboundedReceiver<Verdict>, upstream: Arc<dyn Upstream>) {
    let mut pending = FuturesUnordered::new();
    loop {
        let next = told.recv();
        pin_mut!(next);
        let done = match pending.is_empty() {
            true => Either::Left(next.await),
            false => match select(next, pending.next()).await {
                Either::Left((verdict, _)) => Either::Left(verdict),
                Either::Right((done, _)) => Either::Right(done),
            },
        };
        match done {
            Either::Left(None) => return,
            Either::Left(Some((source, verdict))) => {
                pending.push(async move { (source, verdict.await) });
            }
            Either::Right(Some((source, Ok(false)))) => {
                upstream.distrust(source, Distrust::Invalid);
            }
            Either::Right(_) => (),
        }
    }
}
