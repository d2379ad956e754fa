//! Append the records of blocks to segment files, and find them by height.
//!
//! A segment `HEIGHT.segment` starts with magic, chain id and the height of its first block, and
//! holds one frame a block. A full segment is sealed with `HEIGHT.offsets`: where each frame
//! starts, eight bytes each. A frame starts with
//!
//! ```text
//! head length u32 | tail length u32 | height u64 | synced u64 | head CRC | tail CRC | own CRC
//! ```
//!
//! where `synced` is how many bytes of the segment were durable before the frame was written. After
//! a crash, the last segment is read to its end. What cannot be read there was torn in the
//! crash and is cut off, unless a later frame says that it had been durable: then it is damaged.

use super::{
    HistoryError,
    files::{
        FileCache, checksum, create_folder, open_or_create, read_at, replace, sync_folder, write_at,
    },
    record::{BlockHead, BlockRecord, BlockTail, Encoded},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use trine_types::{ChainId, Decode as _, Height, codec::Decoder};

/// Bytes at which a segment is sealed.
pub const SEGMENT_BYTES: u64 = 128 * 1_024 * 1_024;
/// Sealed segments and offset files that stay open.
const OPEN_FILES_MAX: usize = 64;

const MAGIC: [u8; 8] = *b"trinehi1";
const START_BYTES: u64 = 8 + 32 + 8 + 4;
const FRAME_BYTES: usize = 4 + 4 + 8 + 8 + 4 + 4 + 4;

/// The start of a frame.
#[derive(Clone, Copy, Debug)]
struct Frame {
    head_bytes: u32,
    tail_bytes: u32,
    height: u64,
    synced: u64,
    head_checksum: u32,
    tail_checksum: u32,
}

impl Frame {
    fn to_array(self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        bytes[..4].copy_from_slice(&self.head_bytes.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.tail_bytes.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.height.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.synced.to_be_bytes());
        bytes[24..28].copy_from_slice(&self.head_checksum.to_be_bytes());
        bytes[28..32].copy_from_slice(&self.tail_checksum.to_be_bytes());
        let sum = checksum(&bytes[..32]);
        bytes[32..].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// Reads the start of a frame; none where there is none.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Decoder::new(bytes);
        let summed = from.clone().raw(FRAME_BYTES - 4).ok()?;
        let frame = Self {
            head_bytes: u32::decode(&mut from).ok()?,
            tail_bytes: u32::decode(&mut from).ok()?,
            height: u64::decode(&mut from).ok()?,
            synced: u64::decode(&mut from).ok()?,
            head_checksum: u32::decode(&mut from).ok()?,
            tail_checksum: u32::decode(&mut from).ok()?,
        };
        (u32::decode(&mut from).ok()? == checksum(summed)).then_some(frame)
    }

    /// Bytes of the frame, its start included.
    const fn bytes(&self) -> u64 {
        FRAME_BYTES as u64 + self.head_bytes as u64 + self.tail_bytes as u64
    }
}

/// The segment that takes new blocks.
#[derive(Debug)]
struct Active {
    first: u64,
    path: PathBuf,
    file: Arc<File>,
    /// Where each durable frame starts.
    offsets: Vec<u64>,
    /// Durable bytes.
    synced: u64,
}

#[derive(Debug, Default)]
struct Layout {
    /// First height of each sealed segment, ascending.
    sealed: Vec<u64>,
    active: Option<Active>,
}

/// All segments of a folder. One thread appends, any number read.
#[derive(Debug)]
pub struct Segments {
    folder: PathBuf,
    chain_id: ChainId,
    segment_bytes: u64,
    files: FileCache,
    layout: RwLock<Layout>,
}

/// Where one record lies.
struct Place {
    file: Arc<File>,
    path: PathBuf,
    offset: u64,
}

impl Segments {
    /// Opens the folder, and cuts off what a crash left unfinished.
    ///
    /// # Errors
    /// [`HistoryError`] when the folder cannot be used, is damaged, or is another chain's.
    pub fn open(
        folder: PathBuf,
        chain_id: ChainId,
        segment_bytes: u64,
    ) -> Result<Self, HistoryError> {
        create_folder(&folder)?;
        let mut firsts = first_heights(&folder)?;
        let files = FileCache::new(folder.clone(), OPEN_FILES_MAX);
        let mut layout = Layout::default();
        while let Some(first) = firsts.pop() {
            if let Some(active) = recover(&folder, chain_id, first)? {
                layout.active = Some(active);
                break;
            }
        }
        layout.sealed = firsts;
        let segments = Self { folder, chain_id, segment_bytes, files, layout: RwLock::new(layout) };
        segments.check_sealed()?;
        Ok(segments)
    }

    /// Checks that sealed segments follow each other, and completes their offset files.
    fn check_sealed(&self) -> Result<(), HistoryError> {
        let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
        let Some(active) = &layout.active else { return Ok(()) };
        let ends = layout.sealed.iter().skip(1).chain([&active.first]);
        for (first, end) in layout.sealed.iter().zip(ends) {
            let bytes = fs::metadata(self.folder.join(offsets_name(*first))).map(|file| file.len());
            if bytes.ok() == Some(8 * (end - first)) {
                continue;
            }
            let path = self.folder.join(segment_name(*first));
            let scanned = scan(&path, self.chain_id, *first)?;
            if scanned.offsets.len() as u64 != end - first {
                return Err(HistoryError::corrupt(&path, scanned.end, "a block is missing"));
            }
            write_offsets(&self.folder, *first, &scanned.offsets)?;
        }
        Ok(())
    }

    /// Heights stored: first, and the one after the last.
    pub fn range(&self) -> Option<(Height, Height)> {
        let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
        let active = layout.active.as_ref()?;
        let first = layout.sealed.first().copied().unwrap_or(active.first);
        Some((Height(first), Height(active.first + active.offsets.len() as u64)))
    }

    /// Appends records of successive heights and makes them durable with one sync.
    ///
    /// # Errors
    /// [`HistoryError::Io`]; the store must not be used for writing after it.
    pub fn append(&self, first: Height, records: &[Encoded]) -> Result<(), HistoryError> {
        if records.is_empty() {
            return Ok(());
        }
        self.make_room(first.0)?;
        let (file, path, synced) = {
            let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
            let active = layout.active.as_ref().ok_or_else(no_segment)?;
            (active.file.clone(), active.path.clone(), active.synced)
        };
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(records.len());
        for (height, record) in (first.0..).zip(records) {
            offsets.push(synced + bytes.len() as u64);
            let frame = Frame {
                head_bytes: record.head.len() as u32,
                tail_bytes: record.tail.len() as u32,
                height,
                synced,
                head_checksum: checksum(&record.head),
                tail_checksum: checksum(&record.tail),
            };
            bytes.extend_from_slice(&frame.to_array());
            bytes.extend_from_slice(&record.head);
            bytes.extend_from_slice(&record.tail);
        }
        write_at(&file, &path, &bytes, synced)?;
        file.sync_data().map_err(HistoryError::io("sync", &path))?;
        let mut layout = self.layout.write().unwrap_or_else(|error| error.into_inner());
        let active = layout.active.as_mut().ok_or_else(no_segment)?;
        active.offsets.extend(offsets);
        active.synced = synced + bytes.len() as u64;
        Ok(())
    }

    /// Seals a full segment and starts the next, so that one takes blocks from `height` on.
    fn make_room(&self, height: u64) -> Result<(), HistoryError> {
        {
            let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
            if let Some(active) = &layout.active {
                if active.synced < self.segment_bytes {
                    return Ok(());
                }
                write_offsets(&self.folder, active.first, &active.offsets)?;
            }
        }
        let active = create(&self.folder, self.chain_id, height)?;
        let mut layout = self.layout.write().unwrap_or_else(|error| error.into_inner());
        if let Some(full) = layout.active.replace(active) {
            layout.sealed.push(full.first);
        }
        Ok(())
    }

    fn place(&self, height: Height) -> Result<Option<Place>, HistoryError> {
        let first = {
            let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
            let Some(active) = &layout.active else { return Ok(None) };
            if height.0 >= active.first {
                let offset = active.offsets.get((height.0 - active.first) as usize);
                return Ok(offset.map(|offset| Place {
                    file: active.file.clone(),
                    path: active.path.clone(),
                    offset: *offset,
                }));
            }
            let after = layout.sealed.partition_point(|first| *first <= height.0);
            let Some(segment) = after.checked_sub(1) else { return Ok(None) };
            layout.sealed[segment]
        };
        let name = offsets_name(first);
        let mut offset = [0; 8];
        let at = 8 * (height.0 - first);
        read_at(&*self.files.get(&name)?, &self.files.path(&name), &mut offset, at)?;
        let name = segment_name(first);
        let (file, path) = (self.files.get(&name)?, self.files.path(&name));
        Ok(Some(Place { file, path, offset: u64::from_be_bytes(offset) }))
    }

    /// Reads the head of a record; none for a height that is not stored.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`].
    pub fn head(&self, height: Height) -> Result<Option<BlockHead>, HistoryError> {
        let Some(place) = self.place(height)? else { return Ok(None) };
        let frame = place.frame(height)?;
        place.head(&frame).map(Some)
    }

    /// Reads a whole record; none for a height that is not stored.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`].
    pub fn record(&self, height: Height) -> Result<Option<BlockRecord>, HistoryError> {
        let Some(place) = self.place(height)? else { return Ok(None) };
        let frame = place.frame(height)?;
        let head = place.head(&frame)?;
        let offset = FRAME_BYTES as u64 + u64::from(frame.head_bytes);
        let bytes = place.part(offset, frame.tail_bytes, frame.tail_checksum)?;
        let tail = BlockTail::from_compressed(&bytes, head.ids.len());
        let damaged = |_| place.corrupt("the tail of a record cannot be decoded");
        Ok(Some(BlockRecord { head, tail: tail.map_err(damaged)? }))
    }

    /// Bytes of all segments.
    ///
    /// # Errors
    /// [`HistoryError::Io`].
    pub fn bytes(&self) -> Result<u64, HistoryError> {
        let layout = self.layout.read().unwrap_or_else(|error| error.into_inner());
        let mut total = layout.active.as_ref().map_or(0, |active| active.synced);
        for first in &layout.sealed {
            let path = self.folder.join(segment_name(*first));
            total += fs::metadata(&path).map_err(HistoryError::io("look at", &path))?.len();
        }
        Ok(total)
    }
}

impl Place {
    fn corrupt(&self, what: &'static str) -> HistoryError {
        HistoryError::corrupt(&self.path, self.offset, what)
    }

    fn frame(&self, height: Height) -> Result<Frame, HistoryError> {
        let mut bytes = [0; FRAME_BYTES];
        read_at(&self.file, &self.path, &mut bytes, self.offset)?;
        let frame = Frame::read(&bytes).filter(|frame| frame.height == height.0);
        frame.ok_or_else(|| self.corrupt("no record of the block starts here"))
    }

    fn part(&self, offset: u64, length: u32, sum: u32) -> Result<Vec<u8>, HistoryError> {
        let mut bytes = vec![0; length as usize];
        read_at(&self.file, &self.path, &mut bytes, self.offset + offset)?;
        if checksum(&bytes) != sum {
            return Err(self.corrupt("the checksum of a record does not match"));
        }
        Ok(bytes)
    }

    fn head(&self, frame: &Frame) -> Result<BlockHead, HistoryError> {
        let bytes = self.part(FRAME_BYTES as u64, frame.head_bytes, frame.head_checksum)?;
        let head = BlockHead::from_bytes(&bytes);
        head.map_err(|_| self.corrupt("the head of a record cannot be decoded"))
    }
}

fn no_segment() -> HistoryError {
    HistoryError::Stopped("no segment is open".to_owned())
}

fn segment_name(first: u64) -> String {
    format!("{first:020}.segment")
}

fn offsets_name(first: u64) -> String {
    format!("{first:020}.offsets")
}

fn first_heights(folder: &Path) -> Result<Vec<u64>, HistoryError> {
    let mut firsts = Vec::new();
    for file in fs::read_dir(folder).map_err(HistoryError::io("list", folder))? {
        let name = file.map_err(HistoryError::io("list", folder))?.file_name();
        let name = name.to_string_lossy();
        if let Some(first) = name.strip_suffix(".segment").and_then(|text| text.parse().ok()) {
            firsts.push(first);
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn start(chain_id: ChainId, first: u64) -> [u8; START_BYTES as usize] {
    let mut bytes = [0; START_BYTES as usize];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..40].copy_from_slice(&chain_id.0);
    bytes[40..48].copy_from_slice(&first.to_be_bytes());
    let sum = checksum(&bytes[..48]);
    bytes[48..].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn create(folder: &Path, chain_id: ChainId, first: u64) -> Result<Active, HistoryError> {
    let path = folder.join(segment_name(first));
    let file = open_or_create(&path)?;
    write_at(&file, &path, &start(chain_id, first), 0)?;
    file.sync_all().map_err(HistoryError::io("sync", &path))?;
    sync_folder(folder)?;
    Ok(Active { first, path, file: Arc::new(file), offsets: Vec::new(), synced: START_BYTES })
}

fn write_offsets(folder: &Path, first: u64, offsets: &[u64]) -> Result<(), HistoryError> {
    let bytes: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect();
    replace(&folder.join(offsets_name(first)), &bytes)
}

/// Opens the last segment for appending. None, after removing it, for one whose start was torn.
fn recover(folder: &Path, chain_id: ChainId, first: u64) -> Result<Option<Active>, HistoryError> {
    let path = folder.join(segment_name(first));
    let file = open_or_create(&path)?;
    let length = file.metadata().map_err(HistoryError::io("look at", &path))?.len();
    if length < START_BYTES {
        fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
        return Ok(None);
    }
    let scanned = scan(&path, chain_id, first)?;
    if scanned.end < length {
        tracing::warn!(
            path = %path.display(), kept = scanned.end, cut = length - scanned.end,
            "cut off blocks that a crash left unfinished; they come again",
        );
        file.set_len(scanned.end).map_err(HistoryError::io("shorten", &path))?;
        file.sync_all().map_err(HistoryError::io("sync", &path))?;
    }
    let (file, offsets, synced) = (Arc::new(file), scanned.offsets, scanned.end);
    Ok(Some(Active { first, path, file, offsets, synced }))
}

/// What a segment holds up to the first byte that is no record.
struct Scanned {
    offsets: Vec<u64>,
    end: u64,
}

fn scan(path: &Path, chain_id: ChainId, first: u64) -> Result<Scanned, HistoryError> {
    let bytes = fs::read(path).map_err(HistoryError::io("read", path))?;
    check_start(path, &bytes, chain_id, first)?;
    let mut offsets = Vec::new();
    let mut end = START_BYTES as usize;
    while let Some(frame) = sound_frame(&bytes, end, first + offsets.len() as u64) {
        offsets.push(end as u64);
        end += frame.bytes() as usize;
    }
    // Bytes before `synced` of any later frame had been durable: a crash cannot have torn them.
    let later = (end + 1..bytes.len()).filter_map(|at| Frame::read(bytes.get(at..)?));
    if later.map(|frame| frame.synced).any(|synced| synced > end as u64) {
        return Err(HistoryError::corrupt(path, end as u64, "a record inside cannot be read"));
    }
    Ok(Scanned { offsets, end: end as u64 })
}

fn check_start(
    path: &Path,
    bytes: &[u8],
    chain_id: ChainId,
    first: u64,
) -> Result<(), HistoryError> {
    let start_bytes = bytes.get(..START_BYTES as usize);
    if start_bytes == Some(&start(chain_id, first)[..]) {
        return Ok(());
    }
    let found = bytes.get(8..40).and_then(|bytes| ChainId::from_bytes(bytes).ok());
    match found {
        Some(found) if start_bytes == Some(&start(found, first)[..]) => {
            Err(HistoryError::OtherChain { path: path.to_owned(), found, expected: chain_id })
        }
        _ => Err(HistoryError::corrupt(path, 0, "the start of the segment is not its own")),
    }
}

/// The frame at `offset`, when it is whole and of the expected height.
fn sound_frame(bytes: &[u8], offset: usize, height: u64) -> Option<Frame> {
    let rest = bytes.get(offset..)?;
    let frame = Frame::read(rest).filter(|frame| frame.height == height)?;
    let (head, tail) = rest
        .get(FRAME_BYTES..frame.bytes() as usize)?
        .split_at_checked(frame.head_bytes as usize)?;
    let sound = checksum(head) == frame.head_checksum && checksum(tail) == frame.tail_checksum;
    sound.then_some(frame)
}
