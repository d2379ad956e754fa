//! Put the genesis state into empty databases and make the genesis block.

use crate::{
    Block, BlockError,
    databases::{ColdConfig, ColdDb, Config, Hash, HotConfig, HotDb, HotValue, Location, Runtime},
    execute::{cold_key, commitment, hot_key},
    log_heads,
};
use commonware_codec::RangeCfg;
use commonware_cryptography::Sha256;
use commonware_storage::{
    metadata::{self, Metadata},
    qmdb::floor::Proportional,
};
use commonware_utils::sequence::U64;
use trine_crypto::Sm3;
use trine_types::{
    Account, Address, Decode as _, Digest, Encode as _, Epoch, EpochChange, Genesis, Header,
    Height, StateCommitment, StateKey, Suite, ValidatorKey,
    application::{Application, GenesisState},
    limits, merkle,
};

const KEY: U64 = U64::new(0);

/// Why the chain cannot start in this folder.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The document is refused.
    #[error(transparent)]
    Document(#[from] trine_types::genesis::GenesisError),
    /// The folder belongs to another chain.
    #[error("the folder holds chain {found}, the genesis document is of chain {expected}")]
    OtherChain {
        /// Chain in the folder.
        found: trine_types::ChainId,
        /// Chain of the document.
        expected: trine_types::ChainId,
    },
    /// The stored genesis block is damaged.
    #[error("the stored genesis is damaged: {0}")]
    Damaged(#[from] BlockError),
    /// The databases failed.
    #[error("state database: {0}")]
    Database(String),
}

fn failed(error: impl std::fmt::Debug) -> GenesisError {
    GenesisError::Database(format!("{error:?}"))
}

/// Stores the genesis header on a folder whose databases hold a later state of the chain.
///
/// # Errors
/// [`GenesisError`] when the folder cannot be written.
pub async fn adopt<E: Runtime>(
    context: E,
    prefix: &str,
    header: &Header,
) -> Result<(), GenesisError> {
    let stored = stored(&context, prefix).await?;
    stored.put_sync(KEY, header.to_bytes()).await.map_err(failed)?;
    Ok(())
}

async fn stored<E: Runtime>(
    context: &E,
    prefix: &str,
) -> Result<Metadata<E, U64, Vec<u8>>, GenesisError> {
    let config = metadata::Config {
        partition: format!("{prefix}-genesis"),
        codec_config: (RangeCfg::from(0..=limits::HEADER_BYTES_MAX), ()),
    };
    Metadata::init(context.child("genesis"), config).await.map_err(failed)
}

/// Returns the genesis block, and on an empty folder first writes the genesis state.
///
/// # Errors
/// [`GenesisError`].
pub async fn open<E: Runtime>(
    context: E,
    prefix: &str,
    (suite, configs): Config,
    genesis: &Genesis,
    application: &dyn Application,
) -> Result<Block, GenesisError> {
    let stored = stored(&context, prefix).await?;
    let expected = genesis.chain_id();
    if let Some(bytes) = stored.get(&KEY) {
        let header = Header::from_bytes(bytes).map_err(BlockError::from)?;
        if header.chain_id != expected {
            return Err(GenesisError::OtherChain { found: header.chain_id, expected });
        }
        let block = trine_types::Block { header, transactions: Vec::new() };
        return Ok(Block::new(suite, block)?);
    }
    let state = application.genesis_state();
    let (accounts, values) = match suite {
        Suite::Intl => write::<E, Sha256>(&context, configs, &state).await?,
        Suite::Gm => write::<E, Sm3>(&context, configs, &state).await?,
    };
    let header = header(genesis, accounts, values)?;
    let bytes = header.to_bytes();
    let block = Block::new(suite, trine_types::Block { header, transactions: Vec::new() })?;
    // Last, so that a crash before it starts over.
    stored.put_sync(KEY, bytes).await.map_err(failed)?;
    Ok(block)
}

fn header(
    genesis: &Genesis,
    accounts: StateCommitment,
    values: StateCommitment,
) -> Result<Header, GenesisError> {
    let suite = genesis.suite()?;
    let validators = genesis.validator_set()?;
    let nothing = merkle::empty_root(suite);
    Ok(Header {
        chain_id: genesis.chain_id(),
        height: Height(0),
        epoch: Epoch(0),
        view: 0,
        parent_view: 0,
        proposer: ValidatorKey::default(),
        parent: Digest::default(),
        time_ms: genesis.time_ms,
        body_root: nothing,
        outcome_root: nothing,
        evidence_root: log_heads::genesis_root(suite, genesis.organisations.len() as u32),
        accounts,
        values,
        parameters_version: 0,
        epoch_change: Some(EpochChange { epoch: Epoch(0), validators, following: None }),
        extension: Vec::new(),
    })
}

/// Writes both databases; gives what the header commits about the accounts and about the values.
async fn write<E: Runtime, H: Hash>(
    context: &E,
    (hot, cold): (HotConfig, ColdConfig),
    state: &GenesisState,
) -> Result<(StateCommitment, StateCommitment), GenesisError> {
    let accounts = write_hot::<E, H>(context, hot, state, PART_ENTRIES).await?;
    Ok((accounts, write_cold::<E, H>(context, cold, state, PART_ENTRIES).await?))
}

/// Entries that are written at once. Each part is a batch with an operation of its own at its end,
/// so this is a rule of the chain: the root of a larger genesis state depends on it. It bounds the
/// memory of the write.
const PART_ENTRIES: usize = 1 << 20;

/// The entries of each batch; of a state without entries, one batch without.
fn parts<T>(entries: &[T], entries_max: usize) -> impl Iterator<Item = &[T]> {
    entries.chunks(entries_max).chain(entries.is_empty().then_some(entries))
}

macro_rules! write_state {
    ($name:ident, $db:ident, $config:ty, $label:literal, $entries:ident, $entry:expr) => {
        async fn $name<E: Runtime, H: Hash>(
            context: &E,
            config: $config,
            state: &GenesisState,
            entries_max: usize,
        ) -> Result<StateCommitment, GenesisError> {
            // A crash may have left operations behind: open at the state of an empty database.
            let empty = Some(Location::new(1));
            let mut db =
                $db::<E, H>::init(context.child($label), config, empty).await.map_err(failed)?;
            let mut last = StateCommitment::default();
            for part in parts(&state.$entries, entries_max) {
                let mut batch = db.new_batch();
                for entry in part {
                    let (key, value) = $entry(entry);
                    batch = batch.write(key, Some(value));
                }
                let merkleized = batch.merkleize(&db, None, &mut Proportional).await;
                let merkleized = merkleized.map_err(failed)?;
                last = commitment!(merkleized);
                db = db.apply_batch(merkleized).await.map_err(failed)?;
            }
            db.sync().await.map_err(failed)?;
            Ok(last)
        }
    };
}

write_state!(write_hot, HotDb, HotConfig, "hot", accounts, |(address, account): &(
    Address,
    Account
)| {
    (hot_key(address), HotValue::new(account.to_array()))
});
write_state!(write_cold, ColdDb, ColdConfig, "cold", values, |(key, value): &(
    StateKey,
    Vec<u8>
)| { (cold_key(key), value.clone()) });

#[cfg(test)]
mod tests;
