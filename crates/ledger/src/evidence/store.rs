//! Store the entries of every log, and the upper part of its RFC 9162 tree.
//!
//! A log has two files: `LOG.entries` with 32 bytes an entry, and `LOG.nodes` with the hash of
//! every complete subtree of eight leaves or more, in the order in which they are completed. The
//! lower nodes are computed from the entries when they are asked for. Every byte has its fixed
//! place, so that writing the same entries again changes nothing. Nothing is synced block by block:
//! the files are derived from the segments of history.

use crate::history::{
    HistoryError,
    files::{FileCache, create_folder, read_at, write_at},
};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Mutex, RwLock},
};
use trine_types::{Digest, LogId, Suite, application::LogAppend, merkle};

/// Leaves of the smallest subtree whose hash is stored.
const GROUP: u64 = 1 << GROUP_LEVEL;
const GROUP_LEVEL: u32 = 3;
/// Files that stay open.
const OPEN_FILES_MAX: usize = 256;
const DIGEST_BYTES: u64 = Digest::LENGTH as u64;

/// The logs of one folder. One thread appends, any number read.
#[derive(Debug)]
pub struct Evidence {
    suite: Suite,
    files: FileCache,
    /// Entries of each log.
    sizes: RwLock<Vec<u64>>,
    /// Logs written since the last sync.
    dirty: Mutex<BTreeSet<LogId>>,
}

impl Evidence {
    /// Opens the folder; `sizes` are the entries of each log that the files are known to hold.
    ///
    /// # Errors
    /// [`HistoryError::Io`] when the folder cannot be used.
    pub fn open(folder: PathBuf, suite: Suite, sizes: Vec<u64>) -> Result<Self, HistoryError> {
        create_folder(&folder)?;
        let files = FileCache::new(folder, OPEN_FILES_MAX);
        Ok(Self { suite, files, sizes: RwLock::new(sizes), dirty: Mutex::default() })
    }

    /// Entries of each log, in the order of their ids.
    pub fn sizes(&self) -> Vec<u64> {
        self.sizes.read().unwrap_or_else(|error| error.into_inner()).clone()
    }

    /// Entries of a log; none for an unknown one.
    pub fn size(&self, log: LogId) -> Option<u64> {
        let sizes = self.sizes.read().unwrap_or_else(|error| error.into_inner());
        sizes.get(log.0 as usize).copied()
    }

    /// Adds entries; those that are there already are written again.
    ///
    /// # Errors
    /// [`HistoryError::LogGap`] when entries or logs before these are missing,
    /// [`HistoryError::Io`] or [`HistoryError::Corrupt`].
    pub fn append(&self, append: &LogAppend) -> Result<(), HistoryError> {
        let LogAppend { log, first_index, entries } = append;
        let (log, first_index) = (*log, *first_index);
        let logs = self.sizes.read().unwrap_or_else(|error| error.into_inner()).len();
        let size = self.size(log).unwrap_or(0);
        if log.0 as usize > logs || first_index > size {
            return Err(HistoryError::LogGap { log, size, first_index });
        }
        let end = first_index + entries.len() as u64;
        if !entries.is_empty() {
            self.write(log, first_index, entries)?;
            self.dirty.lock().unwrap_or_else(|error| error.into_inner()).insert(log);
        }
        let mut sizes = self.sizes.write().unwrap_or_else(|error| error.into_inner());
        match sizes.get_mut(log.0 as usize) {
            Some(size) => *size = end.max(*size),
            None => sizes.push(end),
        }
        Ok(())
    }

    fn write(&self, log: LogId, first: u64, entries: &[Digest]) -> Result<(), HistoryError> {
        let name = entries_name(log);
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.0).collect();
        let file = self.files.get_or_create(&name)?;
        write_at(&file, &self.files.path(&name), &bytes, first * DIGEST_BYTES)?;
        let groups = first / GROUP..(first + entries.len() as u64) / GROUP;
        if groups.is_empty() {
            return Ok(());
        }
        // Leaf hashes of the first group may belong to entries that were there before.
        let from = groups.start * GROUP;
        let mut leaves = self.leaves(log, from, first - from)?;
        leaves.extend(leaf_hashes(self.suite, entries));
        let mut nodes: Vec<Digest> = Vec::new();
        let start = node_place(groups.start, 0);
        for (group, mut node) in groups.zip(group_roots(self.suite, leaves)) {
            nodes.push(node);
            for height in 0..group.trailing_ones() {
                let left = node_place(group - (1 << height), height);
                let left = match left.checked_sub(start) {
                    Some(place) => nodes[place as usize],
                    None => self.node(log, left)?,
                };
                node = merkle::node_hash(self.suite, &left, &node);
                nodes.push(node);
            }
        }
        let name = nodes_name(log);
        let bytes: Vec<u8> = nodes.iter().flat_map(|node| node.0).collect();
        let file = self.files.get_or_create(&name)?;
        write_at(&file, &self.files.path(&name), &bytes, start * DIGEST_BYTES)
    }

    /// Makes everything written so far survive a crash.
    ///
    /// # Errors
    /// [`HistoryError::Io`].
    pub fn sync(&self) -> Result<(), HistoryError> {
        let dirty = std::mem::take(&mut *self.dirty.lock().unwrap_or_else(|e| e.into_inner()));
        for log in dirty {
            for name in [entries_name(log), nodes_name(log)] {
                let file = self.files.get_or_create(&name)?;
                let path = self.files.path(&name);
                file.sync_all().map_err(HistoryError::io("sync", &path))?;
            }
        }
        crate::history::files::sync_folder(&self.files.path(""))
    }

    /// Reads `count` entries from index `from` on.
    fn read_entries(&self, log: LogId, from: u64, count: u64) -> Result<Vec<Digest>, HistoryError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let name = entries_name(log);
        let mut bytes = vec![0; (count * DIGEST_BYTES) as usize];
        let file = self.files.get_or_create(&name)?;
        read_at(&file, &self.files.path(&name), &mut bytes, from * DIGEST_BYTES)?;
        Ok(bytes.as_chunks().0.iter().copied().map(Digest).collect())
    }

    fn leaves(&self, log: LogId, from: u64, count: u64) -> Result<Vec<Digest>, HistoryError> {
        let entries = self.read_entries(log, from, count)?;
        Ok(leaf_hashes(self.suite, &entries))
    }

    fn node(&self, log: LogId, place: u64) -> Result<Digest, HistoryError> {
        let name = nodes_name(log);
        let mut bytes = [0; Digest::LENGTH];
        let file = self.files.get_or_create(&name)?;
        read_at(&file, &self.files.path(&name), &mut bytes, place * DIGEST_BYTES)?;
        Ok(Digest(bytes))
    }

    /// Returns an entry; none when the log or the index is unknown.
    ///
    /// # Errors
    /// [`HistoryError::Io`] or [`HistoryError::Corrupt`].
    pub fn entry(&self, log: LogId, index: u64) -> Result<Option<Digest>, HistoryError> {
        if self.size(log).is_none_or(|size| index >= size) {
            return Ok(None);
        }
        Ok(self.read_entries(log, index, 1)?.first().copied())
    }

    /// Returns `count` entries from `first` on; fewer where the log ends, none where it is unknown.
    ///
    /// # Errors
    /// [`HistoryError::Io`] or [`HistoryError::Corrupt`].
    pub fn entries(&self, log: LogId, first: u64, count: u64) -> Result<Vec<Digest>, HistoryError> {
        let size = self.size(log).unwrap_or(0);
        let first = first.min(size);
        self.read_entries(log, first, count.min(size - first))
    }

    /// Returns the inclusion path (RFC 9162, section 2.1.3.1) of the entry at `index` in the log as
    /// it was with `size` entries; none when it never had so many or the index is outside.
    ///
    /// # Errors
    /// [`HistoryError::Io`] or [`HistoryError::Corrupt`].
    pub fn inclusion(
        &self,
        log: LogId,
        index: u64,
        size: u64,
    ) -> Result<Option<Vec<Digest>>, HistoryError> {
        if self.size(log).is_none_or(|stored| size > stored) || index >= size {
            return Ok(None);
        }
        let mut path = Vec::new();
        let (mut start, mut length) = (0, size);
        while length > 1 {
            let left = length.next_power_of_two() / 2;
            if index < start + left {
                path.push(self.root_of(log, start + left, length - left)?);
                length = left;
            } else {
                path.push(self.root_of(log, start, left)?);
                start += left;
                length -= left;
            }
        }
        path.reverse();
        Ok(Some(path))
    }

    /// Returns the root of the log as it was with `size` entries; none when it never had so many.
    ///
    /// # Errors
    /// [`HistoryError::Io`] or [`HistoryError::Corrupt`].
    pub fn root(&self, log: LogId, size: u64) -> Result<Option<Digest>, HistoryError> {
        if self.size(log).is_none_or(|stored| size > stored) {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(merkle::empty_root(self.suite)));
        }
        self.root_of(log, 0, size).map(Some)
    }

    /// Root of the subtree over `length` leaves from `start` on; it is one of the log's own, so
    /// `start` is a multiple of the power of two from `length` up.
    fn root_of(&self, log: LogId, start: u64, length: u64) -> Result<Digest, HistoryError> {
        if length < GROUP {
            return Ok(merkle::root_of_hashes(self.suite, self.leaves(log, start, length)?));
        }
        if length.is_power_of_two() {
            let height = length.trailing_zeros() - GROUP_LEVEL;
            return self.node(log, node_place((start + length) / GROUP - 1, height));
        }
        let left = length.next_power_of_two() / 2;
        let right = self.root_of(log, start + left, length - left)?;
        Ok(merkle::node_hash(self.suite, &self.root_of(log, start, left)?, &right))
    }
}

/// Place of a stored node: it covers `2^height` groups, of which `last` is the last. The nodes that
/// `last + 1` groups complete come before it, less those above it.
const fn node_place(last: u64, height: u32) -> u64 {
    2 * last - last.count_ones() as u64 + height as u64
}

fn leaf_hashes(suite: Suite, entries: &[Digest]) -> Vec<Digest> {
    merkle::leaf_hashes(suite, entries.iter().map(|entry| entry.0.as_slice()))
}

/// Roots of the complete groups of leaves.
fn group_roots(suite: Suite, leaves: Vec<Digest>) -> Vec<Digest> {
    (0..GROUP_LEVEL).fold(leaves, |level, _| merkle::parents(suite, level.as_chunks().0))
}

fn entries_name(log: LogId) -> String {
    format!("{:010}.entries", log.0)
}

fn nodes_name(log: LogId) -> String {
    format!("{:010}.nodes", log.0)
}
