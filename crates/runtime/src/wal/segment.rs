//! Write and read the log's bytes on disk: two segments that take turns.
//!
//! A segment is a file of batches, each of which begins at a page and was synced before the next
//! was written:
//!
//! ```text
//! magic    u32   "TWAL"
//! checksum u32   CRC-32C of everything behind it
//! length   u32   bytes of records
//! previous u32   in the first batch: batches of the segment before that are needed; else 0
//! sequence u64   number of the segment
//! index    u64   number of the batch in it
//! records
//! zeros to the end of the page
//! ```
//!
//! When a segment is full, the log goes on in the other file, and a checkpoint makes the files
//! durable that the full one speaks of. The last batch of a segment says that the checkpoint of the
//! segment before is done; only then is that one's file written again.
//!
//! What follows the last whole batch of the newest segment was never acknowledged. A whole batch
//! behind one that is not was written after the other had been synced: the disk lost something, and
//! nothing is read at all.

use super::record::{Change, Record};
use crc_fast::{CrcAlgorithm::Crc32Iscsi, checksum};
use std::{
    fs::File,
    io, iter,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Where batches begin; what a disk writes at once.
const PAGE_BYTES: usize = 4_096;
/// Bytes of a batch before its records.
pub(super) const BATCH_HEADER_BYTES: usize = 32;
const MAGIC: [u8; 4] = *b"TWAL";
/// Bytes of a segment. Two of them are what a start reads at most.
pub(super) const SEGMENT_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 32 << 20 };
/// How far ahead a segment is filled with zeros, so that syncs write no metadata of the file.
const AHEAD_BYTES: u64 = 1 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Which batch of which segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) index: u64,
    /// See the module's text.
    pub(super) previous: u32,
}

/// Bytes of a batch on disk, whose records have `length` bytes.
fn padded(length: usize) -> usize {
    (BATCH_HEADER_BYTES + length).next_multiple_of(PAGE_BYTES)
}

/// Whether a batch of `length` bytes of records fits behind `position`, and the last one behind it.
pub(super) fn fits(position: u64, length: usize) -> bool {
    position + (padded(length) + PAGE_BYTES) as u64 <= SEGMENT_BYTES
}

#[allow(clippy::cast_possible_truncation, reason = "the checksum has 32 bits")]
fn sum(bytes: &[u8]) -> [u8; 4] {
    (checksum(Crc32Iscsi, bytes) as u32).to_be_bytes()
}

/// Fills in the header of a batch whose records begin behind it, and pads it.
///
/// # Panics
/// Where the batch is larger than a segment.
pub(super) fn seal(batch: &mut Vec<u8>, place: Place) {
    let length = batch.len() - BATCH_HEADER_BYTES;
    let whole = batch.len();
    batch[..4].copy_from_slice(&MAGIC);
    let length_field = u32::try_from(length).expect("a batch is smaller than a segment");
    batch[8..12].copy_from_slice(&length_field.to_be_bytes());
    batch[12..16].copy_from_slice(&place.previous.to_be_bytes());
    batch[16..24].copy_from_slice(&place.sequence.to_be_bytes());
    batch[24..32].copy_from_slice(&place.index.to_be_bytes());
    let sum = sum(&batch[8..whole]);
    batch[4..8].copy_from_slice(&sum);
    batch.resize(padded(length), 0);
}

/// The whole batch at the start of `input`: its place and its records.
fn open(input: &[u8]) -> Option<(Place, &[u8])> {
    let header: &[u8; BATCH_HEADER_BYTES] = input.first_chunk()?;
    let number = |at: usize| u32::from_be_bytes(*header[at..].first_chunk().expect("in range"));
    let long = |at: usize| u64::from_be_bytes(*header[at..].first_chunk().expect("in range"));
    if header[..4] != MAGIC {
        return None;
    }
    let end = BATCH_HEADER_BYTES.checked_add(usize::try_from(number(8)).ok()?)?;
    let whole = input.get(..end)?;
    if header[4..8] != sum(&whole[8..]) {
        return None;
    }
    let place = Place { sequence: long(16), index: long(24), previous: number(12) };
    Some((place, &whole[BATCH_HEADER_BYTES..]))
}

/// One of the two files.
pub(super) struct Segment {
    file: File,
    /// Bytes that the file has on disk.
    filled: u64,
}

/// Where the two files lie in the folder. Partitions have no dots in their names.
pub(super) fn paths(root: &Path) -> [PathBuf; 2] {
    [root.join(".log-0"), root.join(".log-1")]
}

impl Segment {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let filled = file.metadata()?.len();
        Ok(Self { file, filled })
    }

    #[cfg(test)]
    pub(super) fn break_file(&mut self, other: File) {
        self.file = other;
    }

    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.filled).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Writes a sealed batch and syncs; fills what follows with zeros.
    pub(super) fn write(&mut self, batch: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(batch, position)?;
        let end = position + batch.len() as u64;
        if end > self.filled {
            self.filled = end;
            let until = (end + AHEAD_BYTES).min(SEGMENT_BYTES);
            while self.filled < until {
                let zeros = &ZEROS[..ZEROS.len().min((until - self.filled) as usize)];
                self.file.write_all_at(zeros, self.filled)?;
                self.filled += zeros.len() as u64;
            }
        }
        self.file.sync_data()
    }
}

/// The whole batches from the start of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents<'a> {
    pub(super) sequence: u64,
    pub(super) previous: u32,
    pub(super) batches: Vec<&'a [u8]>,
    /// Where the next batch goes.
    pub(super) position: u64,
}

/// Reads a segment; `None` for one whose first batch is not whole.
///
/// # Errors
/// Says where, when a batch is missing before others.
pub(super) fn contents(bytes: &[u8]) -> Result<Option<Contents<'_>>, String> {
    let Some((Place { sequence, index: 0, previous }, _)) = open(bytes) else { return Ok(None) };
    let mut found = Contents { sequence, previous, batches: Vec::new(), position: 0 };
    let mut rest = bytes;
    while let Some((place, records)) = open(rest)
        && (place.sequence, place.index) == (sequence, found.batches.len() as u64)
    {
        found.batches.push(records);
        let length = padded(records.len());
        found.position += length as u64;
        rest = rest.get(length..).unwrap_or_default();
    }
    let missing = found.batches.len() as u64;
    let later = |page: &[u8], input: &[u8]| {
        page.starts_with(&MAGIC)
            && open(input)
                .is_some_and(|(place, _)| place.sequence == sequence && place.index > missing)
    };
    for (number, page) in rest.chunks(PAGE_BYTES).enumerate() {
        if later(page, &rest[number * PAGE_BYTES..]) {
            let position = found.position;
            return Err(format!("the batch at byte {position} is damaged, and others follow it"));
        }
    }
    Ok(Some(found))
}

impl<'a> Contents<'a> {
    /// The changes of all batches, in their order; the last one is none where no encoder made it.
    pub(super) fn records(&self) -> impl Iterator<Item = Option<Record<'a>>> {
        self.batches.iter().flat_map(|batch| {
            let mut rest = *batch;
            iter::from_fn(move || {
                if rest.is_empty() {
                    return None;
                }
                let record = Record::decode(&mut rest);
                if record.is_none() {
                    rest = &[];
                }
                Some(record)
            })
        })
    }

    /// Whether the segment before this one is needed no more.
    pub(super) fn stands_alone(&self) -> bool {
        let done = |sequence| {
            let mut last = *self.batches.last().expect("a segment has a first batch");
            let record = Record::decode(&mut last);
            record.is_some_and(|record| record.change == Change::Checkpointed(sequence))
        };
        self.previous == 0 || self.sequence.checked_sub(1).is_some_and(done)
    }
}
