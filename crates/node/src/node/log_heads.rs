//! Start the forest of evidence logs at the block with which the state databases opened.
//!
//! The engine names that block with its first call, as the parent. History may be a few blocks
//! ahead of the state after a crash; their appends are taken back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trine_ledger::evidence::{Forest, HeadPath};
use trine_ledger::history::{History, HistoryError};
use trine_ledger::log_heads::LogHeads;
use trine_types::{Digest, Genesis, Height, LogId, Suite, View, application::LogAppend, merkle};

/// Blocks by which history can be ahead of the state, with room: the engine hands out fewer.
const AHEAD_MAX: usize = 256;

/// A forest that starts when its first block is known.
pub struct LateForest {
    suite: Suite,
    history: Arc<History>,
    organisations: usize,
    /// What history held before the engine started.
    opened: Option<(Height, Vec<u64>)>,
    forest: Mutex<Option<Arc<Forest>>>,
}

impl LateForest {
    /// Takes note of what history holds. Before the engine starts.
    pub fn new(suite: Suite, history: Arc<History>, genesis: &Genesis) -> Self {
        let opened = history.last_height().map(|last| (last, history.evidence().sizes()));
        let organisations = genesis.organisations.len();
        Self { suite, history, organisations, opened, forest: Mutex::default() }
    }

    /// Starts at the final block with this digest, where the forest has not started yet.
    pub fn start_at(&self, digest: Digest) {
        self.started(digest);
    }

    /// Place of a log in the evidence root of the final block at `height`, where it is recent.
    pub fn head_path(&self, log: LogId, height: Height) -> Option<HeadPath> {
        let forest = self.lock().clone()?;
        forest.head_path(log, height)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Forest>>> {
        self.forest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, base: Digest) -> Option<Arc<Forest>> {
        let mut forest = self.lock();
        if forest.is_none() {
            match self.start(base) {
                Ok(Some(started)) => *forest = Some(Arc::new(started)),
                Ok(None) => tracing::error!(%base, "history does not hold the state's last block"),
                Err(error) => tracing::error!(%error, "the evidence logs cannot be read"),
            }
        }
        forest.clone()
    }

    fn start(&self, base: Digest) -> Result<Option<Forest>, HistoryError> {
        let Some((height, sizes)) = self.sizes(base)? else { return Ok(None) };
        let evidence = self.history.evidence();
        let mut heads = Vec::with_capacity(sizes.len());
        for (log, size) in (0..).map(LogId).zip(sizes) {
            let root = evidence.root(log, size)?.unwrap_or(merkle::empty_root(self.suite));
            heads.push((size, root));
        }
        Ok(Some(Forest::new(self.suite, height, base, heads)))
    }

    /// Height of the block with this digest and the sizes of all logs after it; none where history
    /// does not hold it.
    fn sizes(&self, base: Digest) -> Result<Option<(Height, Vec<u64>)>, HistoryError> {
        if let Some(known) = self.history.base().filter(|known| known.digest == base) {
            return Ok(Some((known.height, known.sizes.clone())));
        }
        let Some((last, sizes)) = &self.opened else {
            // Nothing is stored: the base is the genesis block, whose logs are empty.
            return Ok(Some((Height(0), vec![0; self.organisations])));
        };
        let mut sizes = sizes.clone();
        for height in (1..=last.0).rev().take(AHEAD_MAX).map(Height) {
            let Some(record) = self.history.record(height)? else { return Ok(None) };
            if record.head.digest == base {
                return Ok(Some((height, sizes)));
            }
            take_back(&mut sizes, &record.tail.log_appends);
            if record.head.header.parent == base {
                return Ok(Some((Height(height.0 - 1), sizes)));
            }
        }
        Ok(None)
    }
}

/// Undoes a block's appends; a log that it created disappears.
fn take_back(sizes: &mut Vec<u64>, appends: &[LogAppend]) {
    let mut firsts: BTreeMap<LogId, u64> = BTreeMap::new();
    let mut created = 0;
    for append in appends {
        // The rules report the creation of a log as an append of nothing.
        created += usize::from(append.entries.is_empty());
        let first = firsts.entry(append.log).or_insert(append.first_index);
        *first = append.first_index.min(*first);
    }
    for (log, first) in firsts {
        if let Some(size) = sizes.get_mut(log.0 as usize) {
            *size = first;
        }
    }
    sizes.truncate(sizes.len().saturating_sub(created));
}

impl LogHeads for LateForest {
    fn root(
        &self,
        parent: Digest,
        parent_root: Digest,
        appends: &[LogAppend],
        view: &View,
    ) -> Digest {
        match self.started(parent) {
            Some(forest) => forest.root(parent, parent_root, appends, view),
            None => panic!("the evidence logs cannot be read, so no block can be checked"),
        }
    }

    fn remember(&self, parent: Digest, block: Digest, height: Height, appends: &[LogAppend]) {
        if let Some(forest) = self.started(parent) {
            forest.remember(parent, block, height, appends);
        }
    }

    fn finalize(&self, block: Digest, height: Height) {
        let forest = self.lock().clone();
        forest.iter().for_each(|forest| forest.finalize(block, height));
    }
}
