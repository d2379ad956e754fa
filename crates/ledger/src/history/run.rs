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
    collections::binary_heap::PeekMut,
    fs::{self, File},
    io::Write,
    ops::Range,
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
/// Bytes of a run that are written, and made durable, at a time.
const SYNC_BYTES: usize = 1 << 20;
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

    fn read(bytes: &[u8; ITEM_BYTES]) -> Self {
        let mut value = [0; size_of::<u128>()];
        value[size_of::<u128>() - ITEM_BYTES..].copy_from_slice(bytes);
        Self(u128::from_be_bytes(value))
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
    let mut writer = PageWriter { file, buffer: Vec::with_capacity(SYNC_BYTES) };
    let mut page = Vec::with_capacity(PAGE_BYTES);
    page.extend_from_slice(&MAGIC);
    page.extend_from_slice(&number.to_be_bytes());
    let failed = || HistoryError::io("write", &path);
    writer.write(&mut page).map_err(failed())?;
    for item in items {
        if page.len() == PAGE_ITEMS * ITEM_BYTES {
            writer.write(&mut page).map_err(failed())?;
        }
        page.extend_from_slice(&item?.0.to_be_bytes()[16 - ITEM_BYTES..]);
        info.items += 1;
    }
    if !page.is_empty() {
        writer.write(&mut page).map_err(failed())?;
    }
    writer.finish().map_err(HistoryError::io("sync", &path))?;
    sync_folder(folder)?;
    Run::open(folder, info)
}

/// Writes pages, and makes them durable a few at a time: a run has hundreds of megabytes, and
/// others would wait for the disk as long as it takes to write all of them.
struct PageWriter {
    file: File,
    buffer: Vec<u8>,
}

impl PageWriter {
    /// Takes the page's content, and leaves it empty.
    fn write(&mut self, page: &mut Vec<u8>) -> std::io::Result<()> {
        page.resize(PAGE_BYTES - 4, 0);
        let sum = checksum(page);
        page.extend_from_slice(&sum.to_be_bytes());
        self.buffer.append(page);
        if self.buffer.len() < SYNC_BYTES {
            return Ok(());
        }
        self.flush()?;
        self.file.sync_data()
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.flush()?;
        self.file.sync_all()
    }
}

/// Items of one page, as the file holds them: a search reads few of them.
struct Page {
    bytes: Vec<u8>,
    count: usize,
}

impl Page {
    fn items(&self) -> &[[u8; ITEM_BYTES]] {
        &self.bytes.as_chunks().0[..self.count]
    }

    fn first(&self) -> Option<Item> {
        self.items().first().map(Item::read)
    }

    fn last(&self) -> Option<Item> {
        self.items().last().map(Item::read)
    }

    /// Places of the items from `low` to `high`.
    fn between(&self, low: Item, high: Item) -> Range<usize> {
        let items = self.items();
        let from = items.partition_point(|item| Item::read(item) < low);
        from..items.partition_point(|item| Item::read(item) <= high)
    }

    fn locations(&self, places: Range<usize>) -> impl DoubleEndedIterator<Item = u64> {
        self.items()[places].iter().map(|item| Item::read(item).location())
    }
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
    fn page(&self, place: u64) -> Result<Page, HistoryError> {
        let bytes = self.read_page(place + 1)?;
        let before = place * PAGE_ITEMS as u64;
        let count = (self.info.items - before).min(PAGE_ITEMS as u64) as usize;
        Ok(Page { bytes, count })
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
            let page = self.page(guess)?;
            let (Some(first), Some(last)) = (page.first(), page.last()) else {
                return Err(self.corrupt(guess, "a page is empty"));
            };
            if last < bound {
                (from, low) = (guess + 1, last.fingerprint());
            } else if first >= bound {
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
                for place in self.find_page(low)?..self.info.pages() {
                    let page = self.page(place)?;
                    let places = page.between(low, high);
                    let is_last = places.end < page.count;
                    found.extend(page.locations(places).take(limit - found.len()));
                    if found.len() == limit || is_last {
                        break;
                    }
                }
            }
            Order::NewestFirst => {
                let after = (self.find_page(high)? + 1).min(self.info.pages());
                for place in (0..after).rev() {
                    let page = self.page(place)?;
                    let places = page.between(low, high);
                    let is_last = places.start > 0;
                    found.extend(page.locations(places).rev().take(limit - found.len()));
                    if found.len() == limit || is_last {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Every item, ascending.
    pub fn iter(self: Arc<Self>) -> impl Iterator<Item = Result<Item, HistoryError>> {
        (0..self.info.pages()).flat_map(move |place| match self.page(place) {
            Ok(page) => page.items().iter().map(|item| Ok(Item::read(item))).collect::<Vec<_>>(),
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
        let mut least = heap.peek_mut()?;
        let std::cmp::Reverse((item, source)) = *least;
        match sources[source].next() {
            Some(Ok(next)) => *least = std::cmp::Reverse((next, source)),
            ended => {
                PeekMut::pop(least);
                failure = ended.and_then(Result::err);
            }
        }
        Some(Ok(item))
    })
}
