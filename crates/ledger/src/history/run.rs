//! Keep a sorted, immutable file of index items, and search it with few reads.
//!
//! An [`Item`] is 96 bits: 48 of a key's fingerprint, then 48 of a location. A run starts with a
//! page that describes it; the pages after it hold 341 items each, ascending, and a checksum.
//! Fingerprints are uniform, so that a guess by interpolation is a page or two off.

use super::{
    HistoryError,
    files::{checksum, read_at, sync_folder},
};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use trine_types::{Decode as _, codec::Decoder};

/// Bytes of an item in a file.
const ITEM_BYTES: usize = 12;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 4_096;
/// Items of a full page.
const PAGE_ITEMS: usize = (PAGE_BYTES - 4) / ITEM_BYTES;
/// Guesses by interpolation before the search bisects, which no distribution of keys slows down.
const INTERPOLATIONS_MAX: u32 = 4;

const MAGIC: [u8; 8] = *b"trineix1";
const DESCRIPTION_BYTES: usize = 8 + 8;

/// A fingerprint and a location, ordered by both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item(u128);

impl Item {
    /// Bits of a fingerprint, and of a location.
    pub const BITS: u32 = 48;
    const MASK: u64 = (1 << Self::BITS) - 1;

    /// Joins the low 48 bits of both.
    pub const fn new(fingerprint: u64, location: u64) -> Self {
        let high = (fingerprint & Self::MASK) as u128;
        Self(high << Self::BITS | (location & Self::MASK) as u128)
    }

    /// Every item of a fingerprint lies between these two.
    pub const fn bounds(fingerprint: u64) -> (Self, Self) {
        (Self::new(fingerprint, 0), Self::new(fingerprint, Self::MASK))
    }

    const fn fingerprint(self) -> u64 {
        (self.0 >> Self::BITS) as u64
    }

    /// Location.
    pub const fn location(self) -> u64 {
        self.0 as u64 & Self::MASK
    }

    fn read(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)))
    }
}

/// In which order a search returns locations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ascending.
    OldestFirst,
    /// Descending.
    NewestFirst,
}

/// What the manifest says about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// Number in the file's name, used once.
    pub number: u64,
    /// How often its items were merged.
    pub level: u8,
    /// Items.
    pub items: u64,
}

impl RunInfo {
    /// Name of the file.
    pub fn name(&self) -> String {
        format!("{:016}.run", self.number)
    }

    const fn pages(&self) -> u64 {
        self.items.div_ceil(PAGE_ITEMS as u64)
    }

    /// Bytes of the file.
    pub const fn bytes(&self) -> u64 {
        (1 + self.pages()) * PAGE_BYTES as u64
    }
}

/// Writes `items`, which ascend, as a run and makes it durable.
///
/// # Errors
/// [`HistoryError::Io`], or what `items` gives.
pub fn write(
    folder: &Path,
    number: u64,
    level: u8,
    items: impl Iterator<Item = Result<Item, HistoryError>>,
) -> Result<Run, HistoryError> {
    let mut info = RunInfo { number, level, items: 0 };
    let path = folder.join(info.name());
    let file = File::create(&path).map_err(HistoryError::io("create", &path))?;
    let mut writer = BufWriter::with_capacity(64 * PAGE_BYTES, file);
    let mut page = Vec::with_capacity(PAGE_BYTES);
    page.extend_from_slice(&MAGIC);
    page.extend_from_slice(&number.to_be_bytes());
    let failed = || HistoryError::io("write", &path);
    write_page(&mut writer, &mut page).map_err(failed())?;
    for item in items {
        if page.len() == PAGE_ITEMS * ITEM_BYTES {
            write_page(&mut writer, &mut page).map_err(failed())?;
        }
        page.extend_from_slice(&item?.0.to_be_bytes()[16 - ITEM_BYTES..]);
        info.items += 1;
    }
    if !page.is_empty() {
        write_page(&mut writer, &mut page).map_err(failed())?;
    }
    let file = writer.into_inner().map_err(|error| failed()(error.into_error()))?;
    file.sync_all().map_err(HistoryError::io("sync", &path))?;
    sync_folder(folder)?;
    Run::open(folder, info)
}

fn write_page(to: &mut impl Write, page: &mut Vec<u8>) -> std::io::Result<()> {
    page.resize(PAGE_BYTES - 4, 0);
    let sum = checksum(page);
    page.extend_from_slice(&sum.to_be_bytes());
    to.write_all(page)?;
    page.clear();
    Ok(())
}

/// An open run.
#[derive(Debug)]
pub struct Run {
    info: RunInfo,
    path: PathBuf,
    file: File,
}

impl Run {
    /// Opens a run and checks that the file is it and as long as it should be.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`].
    pub fn open(folder: &Path, info: RunInfo) -> Result<Self, HistoryError> {
        let path = folder.join(info.name());
        let file = File::open(&path).map_err(HistoryError::io("open", &path))?;
        let run = Self { info, path, file };
        let page = run.read_page(0)?;
        let mut from = Decoder::new(&page[..DESCRIPTION_BYTES]);
        let magic: Result<[u8; 8], _> = from.array();
        let number = u64::decode(&mut from);
        if magic != Ok(MAGIC) || number != Ok(info.number) {
            return Err(run.corrupt(0, "the file is not the run of its name"));
        }
        let length = run.file.metadata().map_err(HistoryError::io("look at", &run.path))?.len();
        if length != info.bytes() {
            return Err(run.corrupt(length, "the run has another length than it was written with"));
        }
        Ok(run)
    }

    /// What the manifest says about it.
    pub const fn info(&self) -> RunInfo {
        self.info
    }

    /// Removes the file; those who have the run open keep it.
    ///
    /// # Errors
    /// [`HistoryError::Io`].
    pub fn remove(&self) -> Result<(), HistoryError> {
        fs::remove_file(&self.path).map_err(HistoryError::io("remove", &self.path))
    }

    fn corrupt(&self, offset: u64, what: &'static str) -> HistoryError {
        HistoryError::corrupt(&self.path, offset, what)
    }

    fn read_page(&self, page: u64) -> Result<Vec<u8>, HistoryError> {
        let mut bytes = vec![0; PAGE_BYTES];
        let offset = page * PAGE_BYTES as u64;
        read_at(&self.file, &self.path, &mut bytes, offset)?;
        let sum = bytes.split_off(PAGE_BYTES - 4);
        if checksum(&bytes).to_be_bytes()[..] != sum {
            return Err(self.corrupt(offset, "the checksum of a page does not match"));
        }
        Ok(bytes)
    }

    /// Items of the page at `place`, counted from 0.
    fn items(&self, place: u64) -> Result<Vec<Item>, HistoryError> {
        let bytes = self.read_page(place + 1)?;
        let before = place * PAGE_ITEMS as u64;
        let count = (self.info.items - before).min(PAGE_ITEMS as u64) as usize;
        Ok(bytes.chunks_exact(ITEM_BYTES).take(count).map(Item::read).collect())
    }

    /// The first page whose last item is not below `bound`; the number of pages when none is.
    fn find_page(&self, bound: Item) -> Result<u64, HistoryError> {
        let (mut from, mut to) = (0, self.info.pages());
        let (mut low, mut high) = (0, Item::MASK);
        for attempt in 0.. {
            if from == to {
                break;
            }
            let guess = if attempt < INTERPOLATIONS_MAX {
                let share = u128::from(bound.fingerprint().clamp(low, high) - low);
                let offset = share * u128::from(to - from) / u128::from(high - low + 1);
                from + offset as u64
            } else {
                from + (to - from) / 2
            };
            let items = self.items(guess)?;
            let (Some(first), Some(last)) = (items.first(), items.last()) else {
                return Err(self.corrupt(guess, "a page is empty"));
            };
            if *last < bound {
                (from, low) = (guess + 1, last.fingerprint());
            } else if *first >= bound {
                // An earlier page may hold such items as well.
                (to, high) = (guess, first.fingerprint());
            } else {
                return Ok(guess);
            }
        }
        Ok(from)
    }

    /// Collects locations of `fingerprint` into `found` until it holds `limit`.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`].
    pub fn find(
        &self,
        fingerprint: u64,
        order: Order,
        limit: usize,
        found: &mut Vec<u64>,
    ) -> Result<(), HistoryError> {
        let (low, high) = Item::bounds(fingerprint);
        match order {
            Order::OldestFirst => {
                for page in self.find_page(low)?..self.info.pages() {
                    let items = self.items(page)?;
                    let matching = items.iter().skip_while(|item| **item < low);
                    let matching = matching.take_while(|item| **item <= high);
                    found.extend(matching.map(|item| item.location()).take(limit - found.len()));
                    if found.len() == limit || items.last().is_none_or(|last| *last > high) {
                        break;
                    }
                }
            }
            Order::NewestFirst => {
                let after = (self.find_page(high)? + 1).min(self.info.pages());
                for page in (0..after).rev() {
                    let items = self.items(page)?;
                    let matching = items.iter().rev().skip_while(|item| **item > high);
                    let matching = matching.take_while(|item| **item >= low);
                    found.extend(matching.map(|item| item.location()).take(limit - found.len()));
                    if found.len() == limit || items.first().is_none_or(|first| *first < low) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Every item, ascending.
    pub fn iter(self: Arc<Self>) -> impl Iterator<Item = Result<Item, HistoryError>> {
        (0..self.info.pages()).flat_map(move |page| match self.items(page) {
            Ok(items) => items.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// Merges ascending sequences into one.
pub fn merge<I>(sources: Vec<I>) -> impl Iterator<Item = Result<Item, HistoryError>>
where
    I: Iterator<Item = Result<Item, HistoryError>>,
{
    let mut sources = sources;
    let mut heap = std::collections::BinaryHeap::new();
    let mut failure = None;
    for (source, items) in sources.iter_mut().enumerate() {
        match items.next() {
            Some(Ok(item)) => heap.push(std::cmp::Reverse((item, source))),
            Some(Err(error)) => failure = Some(error),
            None => (),
        }
    }
    std::iter::from_fn(move || {
        if let Some(error) = failure.take() {
            heap.clear();
            return Some(Err(error));
        }
        let std::cmp::Reverse((item, source)) = heap.pop()?;
        match sources[source].next() {
            Some(Ok(next)) => heap.push(std::cmp::Reverse((next, source))),
            Some(Err(error)) => failure = Some(error),
            None => (),
        }
        Some(Ok(item))
    })
}
