//! Name the two state databases of either suite and how they are configured.
//!
//! `hot` holds accounts, `cold` everything else; see `docs/adr/0001-state-databases.md`.

use crate::by_suite::BySuite;
use crate::preset::{BlockDigest, Strategy};
use commonware_codec::RangeCfg;
use commonware_cryptography::{Hasher, Sha256};
use commonware_glue::stateful::db::{DatabaseSet, Shared};
use commonware_runtime::{Spawner, buffer::paged::CacheRef};
use commonware_storage::{
    Context as Storage,
    journal::contiguous::{fixed, variable},
    merkle::full::Config as TreeConfig,
    mmr,
    qmdb::{
        any,
        current::{FixedConfig, VariableConfig, ordered, unordered},
        sync::Target,
    },
    translator::EightCap,
};
use commonware_utils::{NZU64, NZUsize, sequence::FixedBytes};
use std::num::{NonZeroU64, NonZeroUsize};
use trine_crypto::Sm3;
use trine_types::{Address, StateKey, Suite, account::ACCOUNT_BYTES, limits};

/// Merkle structure of the operation logs.
pub type Family = mmr::Family;
/// Position of an operation.
pub type Location = commonware_storage::merkle::Location<Family>;
/// Key of the hot database: an account's address.
pub type HotKey = FixedBytes<{ Address::LENGTH }>;
/// Value of the hot database: an encoded account.
pub type HotValue = FixedBytes<ACCOUNT_BYTES>;
/// Key of the cold database.
pub type ColdKey = FixedBytes<STATE_KEY_BYTES>;
/// Value of the cold database.
pub type ColdValue = Vec<u8>;

/// Bytes of one chunk of the activity bitmap.
pub const CHUNK_BYTES: usize = 64;

/// Accounts under the hash `H`, with proofs of current values.
pub type HotDb<E, H> =
    unordered::fixed::Db<Family, E, HotKey, HotValue, H, EightCap, CHUNK_BYTES, Strategy>;
/// Everything else, with proofs of current values and of absence.
pub type ColdDb<E, H> =
    ordered::variable::Db<Family, E, ColdKey, ColdValue, H, EightCap, CHUNK_BYTES, Strategy>;

/// Operation of the hot database.
pub type HotOperation = any::unordered::fixed::Operation<Family, HotKey, HotValue>;
/// Operation of the cold database.
pub type ColdOperation = any::ordered::variable::Operation<Family, ColdKey, ColdValue>;

/// A hash of the state: that of one suite.
pub trait Hash: Hasher<Digest = BlockDigest> {}
impl<H: Hasher<Digest = BlockDigest>> Hash for H {}

/// Both databases under one hash, executed and committed as one.
pub type Pair<E, H> = (Shared<HotDb<E, H>>, Shared<ColdDb<E, H>>);
/// Both databases of a chain of either suite.
pub type Databases<E> = BySuite<Pair<E, Sha256>, Pair<E, Sm3>>;
/// Changes of one block before their roots are known.
pub type Unmerkleized<E> = <Databases<E> as DatabaseSet<E>>::Unmerkleized;
/// Changes of one block with their roots.
pub type Merkleized<E> = <Databases<E> as DatabaseSet<E>>::Merkleized;
/// Read access to the applied state.
pub type Readers<E> = <Databases<E> as DatabaseSet<E>>::Readers;
/// What a block commits to, as the databases see it.
pub type Targets = (Target<Family, BlockDigest>, Target<Family, BlockDigest>);

/// Bounds for a runtime that state databases can live in.
pub trait Runtime: Spawner + Storage {}
impl<E: Spawner + Storage> Runtime for E {}

/// Configuration of both databases.
pub type Config = (Suite, (HotConfig, ColdConfig));
/// Configuration of the hot database.
pub type HotConfig = FixedConfig<EightCap, Strategy>;
/// Configuration of the cold database.
pub type ColdConfig = VariableConfig<EightCap, ((), (RangeCfg<usize>, ())), Strategy>;

/// Bytes of a key of the cold database.
const STATE_KEY_BYTES: usize = size_of::<StateKey>();
const ITEMS_PER_BLOB: NonZeroU64 = NZU64!(1 << 18);
const WRITE_BUFFER: NonZeroUsize = NZUsize!(1 << 20);
const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1 << 21);
const INIT_CACHE: NonZeroUsize = NZUsize!(1 << 16);

fn tree(partition: &str, cache: &CacheRef, strategy: &Strategy) -> TreeConfig<Strategy> {
    TreeConfig {
        journal_partition: format!("{partition}-tree-nodes"),
        metadata_partition: format!("{partition}-tree-pins"),
        items_per_blob: ITEMS_PER_BLOB,
        write_buffer: WRITE_BUFFER,
        replay_buffer: REPLAY_BUFFER,
        strategy: strategy.clone(),
        page_cache: cache.clone(),
    }
}

/// Whether the runtime should put a partition's changes into its log: the databases sync their
/// small parts in every block.
pub fn is_logged(partition: &str) -> bool {
    const ENDS: [&str; 4] = ["-metadata", "-tree-pins", "-bitmap", "-genesis"];
    ENDS.iter().any(|end| partition.ends_with(end))
}

/// Configures the databases below the partition `prefix`.
///
/// The sizes are part of the files: changing them needs a migration.
pub fn config(suite: Suite, prefix: &str, cache: &CacheRef, strategy: &Strategy) -> Config {
    let hot = format!("{prefix}-hot");
    let cold = format!("{prefix}-cold");
    let both = (
        HotConfig {
            merkle_config: tree(&hot, cache, strategy),
            journal_config: fixed::Config {
                partition: format!("{hot}-log"),
                items_per_blob: ITEMS_PER_BLOB,
                page_cache: cache.clone(),
                write_buffer: WRITE_BUFFER,
                replay_buffer: REPLAY_BUFFER,
            },
            grafted_metadata_partition: format!("{hot}-bitmap"),
            translator: EightCap,
            init_cache: Some(INIT_CACHE),
            init_buffer: REPLAY_BUFFER,
            init_concurrency: (),
        },
        ColdConfig {
            merkle_config: tree(&cold, cache, strategy),
            journal_config: variable::Config {
                partition: format!("{cold}-log"),
                items_per_section: ITEMS_PER_BLOB,
                compression: None,
                codec_config: ((), (RangeCfg::from(0..=limits::STATE_VALUE_BYTES_MAX), ())),
                page_cache: cache.clone(),
                write_buffer: WRITE_BUFFER,
                replay_buffer: REPLAY_BUFFER,
            },
            grafted_metadata_partition: format!("{cold}-bitmap"),
            translator: EightCap,
            init_cache: Some(INIT_CACHE),
            init_buffer: REPLAY_BUFFER,
            init_concurrency: (),
        },
    );
    (suite, both)
}
