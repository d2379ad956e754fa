//! Find locations by key: recent items in memory, older ones in sorted runs on disk.
//!
//! The index is derived from the segments. It is written without a sync of its own for each block:
//! a checkpoint makes everything up to a height durable, and what came later is rebuilt from the
//! segments at the next start. Runs of one level are merged [`FANOUT`] at a time, so that an item
//! is rewritten a logarithmic number of times.

use super::{
    HistoryError,
    files::{checksum, create_folder, replace},
    run::{self, Item, Order, Run, RunInfo, merge},
};
use crate::evidence::Evidence;
use siphasher::sip::SipHasher13;
use std::{
    fs,
    hash::Hasher as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};
use trine_types::{
    Address, ChainId, Decode as _, DecodeError, Digest, Encode as _, Height, TransactionId,
    codec::{Decoder, Encoder},
    limits::{BLOCK_TRANSACTIONS_MAX, LOGS_MAX},
};

/// Runs of one level that are merged into one of the next.
const FANOUT: usize = 16;
const MANIFEST: &str = "manifest";
const VERSION: u8 = 2;
const SEED_BYTES: usize = 16;
/// Bits of a location that hold the place in the block; the others hold the height.
const PLACE_BITS: u32 = 14;
const _: () = assert!(BLOCK_TRANSACTIONS_MAX <= 1 << PLACE_BITS);

/// Where a transaction lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Height of the block.
    pub height: Height,
    /// Place in the block, from 0.
    pub place: u32,
}

impl Location {
    const fn pack(self) -> u64 {
        self.height.0 << PLACE_BITS | self.place as u64
    }

    const fn unpack(packed: u64) -> Self {
        let place = (packed & ((1 << PLACE_BITS) - 1)) as u32;
        Self { height: Height(packed >> PLACE_BITS), place }
    }
}

/// What transactions are found by.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// The transaction's own id.
    Transaction(&'a TransactionId),
    /// An account that sent it or that an event of it names.
    Account(&'a Address),
    /// The reference of a transfer in it.
    Reference(&'a [u8]),
    /// An evidence entry in it.
    Entry(&'a Digest),
}

impl Key<'_> {
    const fn parts(&self) -> (u8, &[u8]) {
        match self {
            Self::Transaction(id) => (1, &id.0),
            Self::Account(address) => (2, &address.0),
            Self::Reference(reference) => (3, reference),
            Self::Entry(entry) => (4, &entry.0),
        }
    }
}

/// What survives a crash of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manifest {
    chain_id: ChainId,
    /// Makes fingerprints unpredictable, so that nobody can choose keys that collide.
    seed: [u8; SEED_BYTES],
    /// Number of the next run.
    next_run: u64,
    /// First height that the checkpoint does not cover.
    next_height: Option<Height>,
    /// Entries of each evidence log at the checkpoint.
    log_sizes: Vec<u64>,
    /// Runs, oldest first.
    runs: Vec<RunInfo>,
}

impl Manifest {
    fn to_bytes(&self) -> Vec<u8> {
        let mut to = Encoder(vec![VERSION]);
        self.chain_id.encode(&mut to);
        to.raw(&self.seed);
        self.next_run.encode(&mut to);
        to.option(&self.next_height);
        (self.log_sizes.len() as u32).encode(&mut to);
        self.log_sizes.iter().for_each(|size| size.encode(&mut to));
        (self.runs.len() as u32).encode(&mut to);
        for run in &self.runs {
            run.number.encode(&mut to);
            run.level.encode(&mut to);
            run.items.encode(&mut to);
        }
        let sum = checksum(&to.0);
        sum.encode(&mut to);
        to.0
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let summed = bytes.split_last_chunk::<4>();
        let (bytes, sum) = summed.ok_or(DecodeError::Malformed("ends early"))?;
        if checksum(bytes).to_be_bytes() != *sum {
            return Err(DecodeError::Malformed("checksum"));
        }
        let mut from = Decoder::new(bytes);
        if u8::decode(&mut from)? != VERSION {
            return Err(DecodeError::Malformed("unknown version"));
        }
        let chain_id = ChainId::decode(&mut from)?;
        let seed = from.array()?;
        let next_run = u64::decode(&mut from)?;
        let next_height = from.option()?;
        let logs = u32::decode(&mut from)?;
        trine_types::codec::check_limit(logs as usize, LOGS_MAX as usize, "logs")?;
        let log_sizes = (0..logs).map(|_| u64::decode(&mut from)).collect::<Result<_, _>>()?;
        let runs = u32::decode(&mut from)?;
        let mut manifest =
            Self { chain_id, seed, next_run, next_height, log_sizes, runs: Vec::new() };
        for _ in 0..runs {
            manifest.runs.push(RunInfo {
                number: u64::decode(&mut from)?,
                level: u8::decode(&mut from)?,
                items: u64::decode(&mut from)?,
            });
        }
        from.finish()?;
        Ok(manifest)
    }
}

type Sorted = Arc<Vec<Item>>;

#[derive(Clone, Debug, Default)]
struct Contents {
    /// Runs on disk, oldest first.
    runs: Vec<Arc<Run>>,
    /// Items of a checkpoint that is being written.
    frozen: Vec<Sorted>,
    /// Items since, oldest first; each array is more than twice as long as the next.
    recent: Vec<Sorted>,
}

/// What a checkpoint makes durable.
#[derive(Debug)]
pub struct Checkpoint {
    items: Vec<Sorted>,
    next_height: Height,
    log_sizes: Vec<u64>,
}

/// The index of one folder. One thread inserts, one writes checkpoints, any number search.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    seed: [u8; SEED_BYTES],
    manifest: Mutex<Manifest>,
    contents: RwLock<Contents>,
}

impl Index {
    /// Opens the folder as the last checkpoint left it.
    ///
    /// # Errors
    /// [`HistoryError`] when the folder cannot be used, is damaged, or is another chain's.
    pub fn open(folder: PathBuf, chain_id: ChainId) -> Result<Self, HistoryError> {
        create_folder(&folder)?;
        let path = folder.join(MANIFEST);
        let manifest = match fs::read(&path) {
            Ok(bytes) => Manifest::from_bytes(&bytes)
                .map_err(|_| HistoryError::corrupt(&path, 0, "the manifest cannot be read"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let fresh = Manifest {
                    chain_id,
                    seed: rand::random(),
                    next_run: 0,
                    next_height: None,
                    log_sizes: Vec::new(),
                    runs: Vec::new(),
                };
                replace(&path, &fresh.to_bytes())?;
                fresh
            }
            Err(error) => return Err(HistoryError::io("read", &path)(error)),
        };
        if manifest.chain_id != chain_id {
            let found = manifest.chain_id;
            return Err(HistoryError::OtherChain { path, found, expected: chain_id });
        }
        remove_strangers(&folder, &manifest)?;
        let runs = manifest.runs.iter().map(|info| Run::open(&folder, *info).map(Arc::new));
        let contents = Contents { runs: runs.collect::<Result<_, _>>()?, ..Contents::default() };
        let seed = manifest.seed;
        let (manifest, contents) = (Mutex::new(manifest), RwLock::new(contents));
        Ok(Self { folder, seed, manifest, contents })
    }

    /// First height that the last checkpoint does not cover, and the sizes of logs before it.
    pub fn checkpoint(&self) -> (Option<Height>, Vec<u64>) {
        let manifest = self.manifest.lock().unwrap_or_else(|error| error.into_inner());
        (manifest.next_height, manifest.log_sizes.clone())
    }

    /// A number below `end` that another folder draws differently.
    pub fn draw(&self, end: usize) -> usize {
        let hash = SipHasher13::new_with_key(&self.seed).hash(b"draw");
        usize::try_from(hash % end.max(1) as u64).unwrap_or(0)
    }

    /// Makes the item that finds `location` by `key`.
    pub fn item(&self, key: Key<'_>, location: Location) -> Item {
        Item::new(self.fingerprint(key), location.pack())
    }

    fn fingerprint(&self, key: Key<'_>) -> u64 {
        let (kind, bytes) = key.parts();
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write_u8(kind);
        hasher.write(bytes);
        hasher.finish() >> (u64::BITS - Item::BITS)
    }

    /// Adds items; one thread at a time.
    pub fn insert(&self, mut items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        items.sort_unstable();
        let mut recent = self.contents().recent;
        while let Some(last) = recent.pop_if(|last| last.len() <= 2 * items.len()) {
            items = merge_two(&last, &items);
        }
        recent.push(Arc::new(items));
        self.contents.write().unwrap_or_else(|error| error.into_inner()).recent = recent;
    }

    /// Sets the recent items aside for a checkpoint of everything before `next_height`.
    pub fn freeze(&self, next_height: Height, log_sizes: Vec<u64>) -> Checkpoint {
        let mut contents = self.contents.write().unwrap_or_else(|error| error.into_inner());
        let items = std::mem::take(&mut contents.recent);
        contents.frozen.clone_from(&items);
        Checkpoint { items, next_height, log_sizes }
    }

    /// Makes a checkpoint durable, then merges runs; one thread at a time.
    ///
    /// # Errors
    /// [`HistoryError`]; the index must not be used for writing after it.
    pub fn write(&self, checkpoint: Checkpoint, evidence: &Evidence) -> Result<(), HistoryError> {
        evidence.sync()?;
        let mut manifest = self.manifest.lock().unwrap_or_else(|error| error.into_inner()).clone();
        manifest.next_height = Some(checkpoint.next_height);
        manifest.log_sizes = checkpoint.log_sizes;
        let sources: Vec<_> = checkpoint
            .items
            .iter()
            .map(|items| items.iter().map(|item| Ok::<_, HistoryError>(*item)))
            .collect();
        let mut runs = self.contents().runs;
        if !sources.is_empty() {
            runs.push(Arc::new(self.write_run(&mut manifest, 0, merge(sources))?));
        }
        self.publish(&mut manifest, runs, true)?;
        while let Some((from, to)) = mergeable(&manifest.runs) {
            let mut runs = self.contents().runs;
            let merged: Vec<Arc<Run>> = runs[from..to].to_vec();
            let sources = merged.iter().map(|run| run.clone().iter()).collect();
            let level = merged[0].info().level + 1;
            let run = self.write_run(&mut manifest, level, merge(sources))?;
            runs.splice(from..to, [Arc::new(run)]);
            self.publish(&mut manifest, runs, false)?;
            merged.iter().try_for_each(|run| run.remove())?;
        }
        Ok(())
    }

    fn write_run(
        &self,
        manifest: &mut Manifest,
        level: u8,
        items: impl Iterator<Item = Result<Item, HistoryError>>,
    ) -> Result<Run, HistoryError> {
        let number = manifest.next_run;
        manifest.next_run += 1;
        run::write(&self.folder, number, level, items)
    }

    fn publish(
        &self,
        manifest: &mut Manifest,
        runs: Vec<Arc<Run>>,
        thaw: bool,
    ) -> Result<(), HistoryError> {
        manifest.runs = runs.iter().map(|run| run.info()).collect();
        replace(&self.folder.join(MANIFEST), &manifest.to_bytes())?;
        *self.manifest.lock().unwrap_or_else(|error| error.into_inner()) = manifest.clone();
        let mut contents = self.contents.write().unwrap_or_else(|error| error.into_inner());
        contents.runs = runs;
        if thaw {
            contents.frozen.clear();
        }
        Ok(())
    }

    fn contents(&self) -> Contents {
        self.contents.read().unwrap_or_else(|error| error.into_inner()).clone()
    }

    /// Finds at most `limit` locations by `key`, in order. A key can share its fingerprint with
    /// others: the caller checks what lies there.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`].
    pub fn find(
        &self,
        key: Key<'_>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Location>, HistoryError> {
        let fingerprint = self.fingerprint(key);
        let Contents { runs, frozen, recent } = self.contents();
        let mut found = Vec::new();
        let memory: Vec<&Sorted> = frozen.iter().chain(&recent).collect();
        match order {
            Order::OldestFirst => {
                runs.iter().try_for_each(|run| run.find(fingerprint, order, limit, &mut found))?;
                for items in memory {
                    find_in_memory(items, fingerprint, order, limit, &mut found);
                }
            }
            Order::NewestFirst => {
                for items in memory.into_iter().rev() {
                    find_in_memory(items, fingerprint, order, limit, &mut found);
                }
                let mut runs = runs.iter().rev();
                runs.try_for_each(|run| run.find(fingerprint, order, limit, &mut found))?;
            }
        }
        Ok(found.into_iter().map(Location::unpack).collect())
    }

    /// Bytes of all runs.
    pub fn bytes(&self) -> u64 {
        self.contents().runs.iter().map(|run| run.info().bytes()).sum()
    }
}

fn find_in_memory(
    items: &[Item],
    fingerprint: u64,
    order: Order,
    limit: usize,
    found: &mut Vec<u64>,
) {
    let (low, high) = Item::bounds(fingerprint);
    let from = items.partition_point(|item| *item < low);
    let to = items.partition_point(|item| *item <= high);
    let room = limit - found.len();
    let locations = items[from..to].iter().map(|item| item.location());
    match order {
        Order::OldestFirst => found.extend(locations.take(room)),
        Order::NewestFirst => found.extend(locations.rev().take(room)),
    }
}

fn merge_two(left: &[Item], right: &[Item]) -> Vec<Item> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left, right);
    while let (Some((a, left_rest)), Some((b, right_rest))) =
        (left.split_first(), right.split_first())
    {
        if a <= b {
            merged.push(*a);
            left = left_rest;
        } else {
            merged.push(*b);
            right = right_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    merged
}

/// The oldest [`FANOUT`] neighbours of one level.
fn mergeable(runs: &[RunInfo]) -> Option<(usize, usize)> {
    let from = runs
        .windows(FANOUT)
        .position(|window| window.iter().all(|run| run.level == window[0].level))?;
    Some((from, from + FANOUT))
}

/// Removes runs that a crash left without an entry in the manifest.
fn remove_strangers(folder: &Path, manifest: &Manifest) -> Result<(), HistoryError> {
    let known: Vec<String> = manifest.runs.iter().map(RunInfo::name).collect();
    for file in fs::read_dir(folder).map_err(HistoryError::io("list", folder))? {
        let file = file.map_err(HistoryError::io("list", folder))?;
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".run") && !known.contains(&name) {
            fs::remove_file(file.path()).map_err(HistoryError::io("remove", &file.path()))?;
        }
    }
    Ok(())
}
