//! Hold what the actors of one node share, and configure each of them.

use crate::{
    config::{Config, PAGE_BYTES, PENDING_BLOCKS_MAX, ms},
    conflicts::Conflicts,
    delivery::Delivery,
    driver::{self, Driver},
    engine::{Environment, Parts, StartError},
    gossip::Gossip,
    guard::VoteGuard,
    operations::Operations,
    peers::Addresses,
    running::Chain,
    state_sync::Anchor,
};
use bytes::Bytes;
use commonware_consensus::{
    marshal::{self, core::Floor},
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible as _, certificate::Verifier as _};
use commonware_glue::{
    dkg::fence::Fence,
    stateful::{
        self, Config as StatefulConfig, PruneConfig, Stateful, SyncPlan, db::SyncEngineConfig,
    },
};
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_storage::{archive::prunable, translator::EightCap};
use commonware_utils::{NZU16, NZU64, NZUsize, NonZeroDuration};
use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    sync::Arc,
};
use trine_ledger::{
    Block, Committees, Ledger, Parts as LedgerParts, by_suite,
    databases::{self, ColdOperation, HotOperation},
    finality::namespace,
    open_genesis,
    preset::{BlockDigest, Finalization, Marshal, Scheme, Strategy, Variant},
};
use trine_types::TransactionId;

/// Messages that wait for an actor.
pub const MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Bytes of a buffer for reading or writing a file.
pub const BUFFER: NonZeroUsize = NZUsize!(1 << 20);
const PAGE: NonZeroU16 = NZU16!(PAGE_BYTES);
/// Pages in memory while the genesis is written, which reads few.
pub const GENESIS_PAGES: NonZeroUsize = NZUsize!(4_096);
const ITEMS_PER_SECTION: NonZeroU64 = NZU64!(1_024);
/// Views for which votes and certificates are kept.
pub const VIEWS_RETAINED: u64 = 256;
/// Heights fetched at a time while catching up.
const REPAIR: NonZeroUsize = NZUsize!(32);
/// Blocks between two runs of pruning.
const MAINTENANCE: NonZeroUsize = NZUsize!(64);
const PENDING: NonZeroUsize = NZUsize!(PENDING_BLOCKS_MAX);

type MarshalActor<E> = marshal::core::Actor<
    E,
    Variant,
    Committees,
    Certificates<E>,
    Blocks<E>,
    FixedEpocher,
    Strategy,
>;
type StateActor<E> = Stateful<E, Ledger, Variant, Resolvers, Strategy>;
type Resolvers = by_suite::Resolvers<(Operations<HotOperation>, Operations<ColdOperation>)>;
type Certificates<E> = prunable::Archive<EightCap, E, BlockDigest, Finalization>;
type Blocks<E> = prunable::Archive<EightCap, E, BlockDigest, Arc<Block>>;

/// The actors that every node has, before they run.
pub struct Core<E: Environment> {
    pub marshal_actor: MarshalActor<E>,
    pub marshal: Marshal,
    pub state_actor: StateActor<E>,
    pub state: stateful::Mailbox<E, Ledger>,
    pub driver: Driver<E>,
    pub driver_mailbox: driver::Mailbox,
    pub delivery: Delivery<stateful::Mailbox<E, Ledger>>,
    /// Task of `delivery`.
    pub delivered: Handle<()>,
}

/// What the actors of one node share.
pub struct Node<E> {
    pub context: E,
    pub config: Config,
    pub parts: Parts,
    pub cache: CacheRef,
    pub strategy: Strategy,
    pub epocher: FixedEpocher,
    pub committees: Committees,
    pub guard: VoteGuard,
    pub genesis: Block,
    pub ledger: Ledger,
}

impl<E: Environment> Node<E> {
    pub async fn open(context: E, config: Config, parts: Parts) -> Result<Self, StartError> {
        let threads = NonZeroUsize::new(config.threads).expect("the configuration is checked");
        let strategy = context.strategy(threads);
        let guard = VoteGuard::open(context.child("guard"), &config.prefix, config.first_start)
            .await
            .map_err(|error| StartError::Storage(error.to_string()))?;
        let suite = parts.genesis.suite().map_err(trine_ledger::GenesisError::from)?;
        let genesis_cache = CacheRef::new(PAGE, GENESIS_PAGES);
        let genesis = open_genesis(
            context.child("genesis"),
            &config.prefix,
            databases::config(suite, &config.prefix, &genesis_cache, &strategy),
            &parts.genesis,
            parts.application.as_ref(),
        )
        .await?;
        // Only now, since the cache takes its memory at once and writing a genesis needs it too.
        let pages = NonZeroUsize::new(config.cache_bytes / usize::from(PAGE_BYTES));
        let cache = CacheRef::new(PAGE, pages.expect("the configuration is checked"));
        let namespace = namespace(genesis.header().chain_id);
        let committees = Committees::new(&namespace, config.signer.clone());
        let epocher = FixedEpocher::new(config.blocks_per_epoch);
        let ledger = Ledger::new(LedgerParts {
            suite: genesis.suite(),
            genesis: genesis.clone(),
            application: parts.application.clone(),
            checker: parts.checker.clone(),
            observer: parts.observer.clone(),
            log_heads: parts.log_heads.clone(),
            committees: committees.clone(),
            epocher: epocher.clone(),
            left_out: {
                let source = parts.source.clone();
                Arc::new(move |ids: &[TransactionId]| source.left_out(ids))
            },
            known: {
                let source = parts.source.clone();
                Arc::new(move |raw: &[Bytes]| source.known(raw))
            },
            strategy: strategy.clone(),
        });
        Ok(Self {
            context,
            config,
            parts,
            cache,
            strategy,
            epocher,
            committees,
            guard,
            genesis,
            ledger,
        })
    }

    fn databases(&self) -> databases::Config {
        let suite = self.genesis.suite();
        databases::config(suite, &self.config.prefix, &self.cache, &self.strategy)
    }

    pub fn fetch_timeout(&self) -> NonZeroDuration {
        NonZeroDuration::new_panic(ms(self.config.timing.fetch_ms))
    }

    /// Makes the actors that every node has, and opens their files. None of them runs yet. A node
    /// whose state was taken over begins at its anchor.
    pub async fn core(
        &self,
        addresses: Addresses,
        fence: Fence,
        anchor: Option<&Anchor>,
    ) -> Result<Core<E>, StartError> {
        let child = |label| self.context.child(label);
        let plan = SyncPlan::init(child("plan"), self.config.prefix.clone()).await;
        let (certificates, blocks) = self.archives().await?;
        let start = match anchor {
            Some(anchor) => marshal::Start::Floor(anchor.finalization.clone()),
            None => {
                let digest = self.genesis.digest();
                marshal::Start::Genesis(Digested::precomputed(self.genesis.clone(), digest))
            }
        };
        let config = self.marshal_config(start);
        let (marshal_actor, marshal, floor) =
            MarshalActor::init(child("marshal"), certificates, blocks, config).await;
        let config = self.state_config((marshal.clone(), floor), plan);
        let (state_actor, state) = Stateful::new(child("state"), config);
        let (driver, driver_mailbox) = self.driver(marshal.clone(), addresses, fence);
        let observer = self.parts.observer.clone();
        let (delivery, delivered) = Delivery::start(child("delivery"), state.clone(), observer);
        Ok(Core {
            marshal_actor,
            marshal,
            state_actor,
            state,
            driver,
            driver_mailbox,
            delivery,
            delivered,
        })
    }

    async fn archives(&self) -> Result<(Certificates<E>, Blocks<E>), StartError> {
        let certificates =
            self.archive("certificates", Scheme::certificate_codec_config_unbounded());
        let blocks = self.archive("blocks", self.genesis.suite());
        let failed =
            |error: commonware_storage::archive::Error| StartError::Storage(error.to_string());
        let certificates =
            prunable::Archive::init(self.context.child("certificates"), certificates);
        let blocks = prunable::Archive::init(self.context.child("blocks"), blocks);
        Ok((certificates.await.map_err(failed)?, blocks.await.map_err(failed)?))
    }

    fn archive<C>(&self, name: &str, codec_config: C) -> prunable::Config<EightCap, C> {
        let partition = format!("{}-{name}", self.config.prefix);
        prunable::Config {
            translator: EightCap,
            metadata_partition: format!("{partition}-metadata"),
            key_partition: format!("{partition}-keys"),
            key_page_cache: self.cache.clone(),
            value_partition: format!("{partition}-values"),
            compression: None,
            codec_config,
            items_per_section: ITEMS_PER_SECTION,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            replay_buffer: BUFFER,
        }
    }

    fn marshal_config(
        &self,
        start: marshal::Start<Scheme, BlockDigest, Digested<Block>>,
    ) -> marshal::Config<Committees, FixedEpocher, Strategy, Block, Digested<Block>> {
        marshal::Config {
            provider: self.committees.clone(),
            epocher: self.epocher.clone(),
            start,
            partition_prefix: format!("{}-marshal", self.config.prefix),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(VIEWS_RETAINED),
            prunable_items_per_section: ITEMS_PER_SECTION,
            page_cache: self.cache.clone(),
            replay_buffer: BUFFER,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            block_codec_config: self.genesis.suite(),
            max_repair: REPAIR,
            max_pending_acks: PENDING,
            strategy: self.strategy.clone(),
        }
    }

    fn state_config(
        &self,
        marshal: (Marshal, Floor),
        plan: SyncPlan<E, Scheme, Variant>,
    ) -> StatefulConfig<E, Ledger, Variant, Resolvers, Strategy> {
        StatefulConfig {
            application: self.ledger.clone(),
            db_config: self.databases(),
            provider: (),
            marshal,
            mailbox_size: MAILBOX,
            plan,
            resolvers: Resolvers::default(),
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(64),
                apply_batch_size: NZU64!(64),
                max_outstanding_requests: NZUsize!(1),
            },
            prune_config: self.prune_config(),
            strategy: self.strategy.clone(),
        }
    }

    /// Access to final blocks, for whoever asks this node.
    pub fn chain(&self, marshal: Marshal, gossip: Gossip, conflicts: Conflicts) -> Chain {
        Chain::new(marshal, self.ledger.clone(), self.epocher.clone(), gossip, conflicts)
    }

    pub fn votes_prefix(&self) -> String {
        format!("{}-votes", self.config.prefix)
    }

    fn driver(
        &self,
        marshal: Marshal,
        addresses: Addresses,
        fence: Fence,
    ) -> (Driver<E>, driver::Mailbox) {
        Driver::new(
            self.context.child("driver"),
            marshal,
            self.committees.clone(),
            addresses,
            fence,
            self.epocher.clone(),
            self.guard,
            self.votes_prefix(),
        )
    }

    /// Learns from the block processed last where this node stands.
    pub async fn settle(&self, driver: &Driver<E>, marshal: &Marshal) -> Result<(), StartError> {
        driver.enter_current().await.map_err(|height| {
            StartError::Storage(format!("the block at height {height} is missing"))
        })?;
        let anchor = match marshal.get_anchor().await {
            Some((_, block)) => block.inner().header().clone(),
            None => self.genesis.header().clone(),
        };
        self.ledger.roots().push(&anchor);
        Ok(())
    }

    fn prune_config(&self) -> Option<PruneConfig> {
        self.config.retained_blocks.map(|blocks| PruneConfig {
            maintenance_interval: MAINTENANCE,
            retained_marshal_blocks: usize::try_from(blocks).unwrap_or(usize::MAX),
            retained_qmdb_blocks: 0,
        })
    }
}
