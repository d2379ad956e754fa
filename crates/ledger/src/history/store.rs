//! Open the store, append blocks, read them back by height.

use super::{
    Base, BlockHead, BlockRecord, FinalizedBlock, HistoryError,
    index::Index,
    segments::Segments,
    writer::{self, Progress, Writer},
};
use crate::evidence::Evidence;
use futures::future::BoxFuture;
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};
use trine_types::{ChainId, Height, Outcome, Suite, TransactionId, limits::PAGE_LIMIT_MAX};

/// Decoded blocks kept for reading; at most about 7 MiB each.
const RECORDS_CACHED_MAX: usize = 8;

/// How the store works; the defaults fit a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes at which a segment is sealed.
    pub segment_bytes: u64,
    /// Index items in memory at which a checkpoint is written; 16 bytes each.
    pub checkpoint_items: usize,
    /// Blocks after which a checkpoint is written; bounds the work of the next start.
    pub checkpoint_blocks: u64,
    /// Whether the first checkpoint comes earlier, by a part of the items that each folder draws
    /// for itself: nodes on one machine do not write theirs at the same time.
    pub staggered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: super::segments::SEGMENT_BYTES,
            checkpoint_items: 2_000_000,
            checkpoint_blocks: 65_536,
            staggered: true,
        }
    }
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Last height.
    pub height: Height,
    /// Transactions of all blocks.
    pub transactions: u64,
    /// Entries of all evidence logs.
    pub entries: u64,
    /// Evidence logs.
    pub logs: u64,
}

/// Everything that the threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) segments: Segments,
    pub(super) index: Index,
    pub(super) evidence: Evidence,
    /// Block after which history begins, where it does not begin with the chain.
    base: OnceLock<Arc<Base>>,
}

impl Shared {
    pub(super) fn base(&self) -> Option<&Arc<Base>> {
        self.base.get()
    }
}

/// Blocks read last, newest first: lookups come in runs that concern the same block.
#[derive(Debug, Default)]
struct Recent(Mutex<VecDeque<Arc<BlockRecord>>>);

impl Recent {
    fn get(&self, height: Height) -> Option<Arc<BlockRecord>> {
        let mut records = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let place = records.iter().position(|record| record.height() == height)?;
        let record = records.remove(place)?;
        records.push_front(record.clone());
        Some(record)
    }

    fn put(&self, record: Arc<BlockRecord>) {
        let mut records = self.0.lock().unwrap_or_else(|error| error.into_inner());
        records.truncate(RECORDS_CACHED_MAX - 1);
        records.push_front(record);
    }
}

/// The history of one chain in one folder.
///
/// The folder must belong to this process alone: the node locks it. Dropping the store waits for
/// what was appended.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    chain_id: ChainId,
    pub(super) shared: Arc<Shared>,
    recent: Recent,
    writer: Writer,
}

impl History {
    /// Opens the folder, or creates it. Cuts off what a crash left unfinished, and rebuilds the
    /// part of the index that was not written yet. `genesis_logs` are the evidence logs of the
    /// genesis state, which no block creates.
    ///
    /// # Errors
    /// [`HistoryError`] when the folder cannot be used, is damaged, or is another chain's.
    pub fn open(
        folder: &Path,
        suite: Suite,
        chain_id: ChainId,
        genesis_logs: u32,
    ) -> Result<Self, HistoryError> {
        Self::open_with(folder, suite, chain_id, genesis_logs, Settings::default())
    }

    /// Opens the folder with other than the default settings.
    ///
    /// # Errors
    /// As [`History::open`].
    pub fn open_with(
        folder: &Path,
        suite: Suite,
        chain_id: ChainId,
        genesis_logs: u32,
        settings: Settings,
    ) -> Result<Self, HistoryError> {
        let segments = folder.join("segments");
        let segments = Segments::open(segments, chain_id, settings.segment_bytes)?;
        let index = open_index(&folder.join("index"), chain_id, &segments)?;
        let base = Base::read(folder, chain_id)?.map(Arc::new);
        let mut sizes = match (index.checkpoint(), &base) {
            ((None, _), Some(base)) => base.sizes.clone(),
            ((_, sizes), _) => sizes,
        };
        sizes.resize(sizes.len().max(genesis_logs as usize), 0);
        let evidence = Evidence::open(folder.join("logs"), suite, sizes)?;
        let base = base.map_or_else(OnceLock::new, OnceLock::from);
        let shared = Arc::new(Shared { segments, index, evidence, base });
        let mut progress = Progress::new(shared.clone(), settings);
        progress.replay()?;
        progress.stagger();
        let writer = writer::start(progress).map_err(HistoryError::io("start writing", folder))?;
        let folder = folder.to_owned();
        Ok(Self { folder, chain_id, shared, recent: Recent::default(), writer })
    }

    /// Lets an empty history begin after the block of `base`, whose evidence logs the store holds
    /// already.
    ///
    /// # Errors
    /// [`HistoryError::Inconsistent`] where blocks are stored or logs are missing, or
    /// [`HistoryError::Io`].
    pub fn begin_after(&self, base: Base) -> Result<(), HistoryError> {
        let refuse = |what| HistoryError::Inconsistent { height: base.height, what };
        if self.last_height().is_some() || self.base().is_some_and(|known| *known != base) {
            return Err(refuse("a history that has begun"));
        }
        if self.evidence().sizes() != base.sizes {
            return Err(refuse("other evidence logs than those stored"));
        }
        self.evidence().sync()?;
        base.write(&self.folder, self.chain_id)?;
        // Where it is set already, it is the same.
        let _ = self.shared.base.set(Arc::new(base));
        Ok(())
    }

    /// The block after which this history begins; none where it begins with the chain.
    pub fn base(&self) -> Option<&Base> {
        self.shared.base().map(|base| &**base)
    }

    /// Stores a block and makes it durable. A block that is stored already is compared and
    /// accepted; the first block of an empty store may have any height.
    ///
    /// # Errors
    /// [`HistoryError`]; after any but [`HistoryError::Conflict`], [`HistoryError::Gap`] and
    /// [`HistoryError::Inconsistent`] the store refuses every later block.
    pub fn append(
        &self,
        block: Arc<FinalizedBlock>,
    ) -> BoxFuture<'static, Result<(), HistoryError>> {
        self.writer.append(block)
    }

    /// Last height stored; none in an empty store.
    pub fn last_height(&self) -> Option<Height> {
        self.shared.segments.range().map(|(_, end)| Height(end.0 - 1))
    }

    /// Checks that history begins with the first block after genesis, or after its base, and goes
    /// as far as the state, which becomes durable after it.
    ///
    /// # Errors
    /// [`HistoryError::Behind`] for a folder that was lost or is of another backup than the state.
    pub fn check_covers(&self, state: Height) -> Result<(), HistoryError> {
        let range = self.shared.segments.range();
        let stored = range.map(|(first, end)| (first.0, end.0 - 1));
        let base = self.base().map_or(0, |base| base.height.0);
        match stored {
            _ if state.0 == base => Ok(()),
            Some((first, last)) if first <= base + 1 && last >= state.0 => Ok(()),
            Some((first, last)) => {
                Err(HistoryError::Behind { stored: format!("blocks {first} to {last}"), state })
            }
            None => Err(HistoryError::Behind { stored: "no block".to_owned(), state }),
        }
    }

    /// First height stored; none in an empty store.
    pub fn first_height(&self) -> Option<Height> {
        self.shared.segments.range().map(|(first, _)| first)
    }

    /// Header, digest and transaction ids of a block; none for a height that is not stored.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`], as all reads below.
    pub fn head(&self, height: Height) -> Result<Option<BlockHead>, HistoryError> {
        self.shared.segments.head(height)
    }

    /// Everything stored of a block; none for a height that is not stored.
    ///
    /// # Errors
    /// As [`History::head`].
    pub fn record(&self, height: Height) -> Result<Option<Arc<BlockRecord>>, HistoryError> {
        if let Some(record) = self.recent.get(height) {
            return Ok(Some(record));
        }
        let record = self.shared.segments.record(height)?.map(Arc::new);
        record.iter().for_each(|record| self.recent.put(record.clone()));
        Ok(record)
    }

    /// Heads of at most `limit` blocks from `from` downwards, at most [`PAGE_LIMIT_MAX`].
    ///
    /// # Errors
    /// As [`History::head`].
    pub fn heads(&self, from: Height, limit: usize) -> Result<Vec<BlockHead>, HistoryError> {
        let Some((first, end)) = self.shared.segments.range() else { return Ok(Vec::new()) };
        let heights = (first.0..end.0.min(from.0.saturating_add(1))).rev();
        let heights = heights.take(limit.min(PAGE_LIMIT_MAX));
        heights.filter_map(|height| self.head(Height(height)).transpose()).collect()
    }

    /// Outcomes of a block in order, each with its transaction.
    ///
    /// # Errors
    /// As [`History::head`].
    pub fn outcomes(
        &self,
        height: Height,
    ) -> Result<Option<Vec<(TransactionId, Outcome)>>, HistoryError> {
        let record = self.record(height)?;
        Ok(record.map(|record| {
            let ids = record.head.ids.iter().copied();
            ids.zip(record.tail.outcomes.iter().cloned()).collect()
        }))
    }

    /// The evidence logs.
    pub fn evidence(&self) -> &Evidence {
        &self.shared.evidence
    }

    /// Counts what the store holds; none in an empty store.
    ///
    /// # Errors
    /// As [`History::head`].
    pub fn totals(&self) -> Result<Option<Totals>, HistoryError> {
        let Some(height) = self.last_height() else { return Ok(None) };
        let sizes = self.shared.evidence.sizes();
        let (entries, logs) = (sizes.iter().sum(), sizes.len() as u64);
        let totals = |head: BlockHead| Totals {
            height,
            transactions: head.transactions_total(),
            entries,
            logs,
        };
        Ok(self.head(height)?.map(totals))
    }

    /// Bytes on disk of the records and of the index.
    ///
    /// # Errors
    /// [`HistoryError::Io`].
    pub fn bytes(&self) -> Result<(u64, u64), HistoryError> {
        Ok((self.shared.segments.bytes()?, self.shared.index.bytes()))
    }
}

/// Opens the index, and starts it anew when it is damaged or ahead of the segments: it holds
/// nothing that the segments do not.
fn open_index(
    folder: &Path,
    chain_id: ChainId,
    segments: &Segments,
) -> Result<Index, HistoryError> {
    let reason = match Index::open(folder.to_owned(), chain_id) {
        Ok(index) => {
            let end = segments.range().map(|(_, end)| end);
            if index.checkpoint().0 <= end {
                return Ok(index);
            }
            "it is ahead of the blocks".to_owned()
        }
        Err(error @ HistoryError::Corrupt { .. }) => error.to_string(),
        Err(error) => return Err(error),
    };
    tracing::warn!(%reason, "the index of history is built anew");
    fs::remove_dir_all(folder).map_err(HistoryError::io("remove", folder))?;
    Index::open(folder.to_owned(), chain_id)
}
