//! Test what crashes and damage do to the files.

use super::{SMALL, append_all, chain::Builder, check, open};
use crate::history::{History, HistoryError, Settings, tests::chain};
use futures::executor::block_on;
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};
use trine_types::{ChainId, Height};

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    found
}

fn last_segment(folder: &Path) -> PathBuf {
    files(&folder.join("segments"), ".segment").pop().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Goal: a write torn at any byte loses only blocks that were not acknowledged, and the store
    /// goes on. Method: cut the last segment, or overwrite its end with noise, as a crash in the
    /// middle of a sync leaves it; reopen, deliver the lost blocks again, compare everything.
    #[test]
    fn a_torn_tail_is_cut_off(
        seed in any::<u64>(),
        count in 2usize..20,
        cut in 1usize..3_000,
        noise in prop::option::of(any::<u8>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(seed, Height(1));
        let blocks: Vec<_> = (0..count).map(|_| builder.block(4)).collect();
        // All blocks in one batch: none was durable before the crash.
        let one = Settings { segment_bytes: u64::MAX, ..SMALL };
        let history = History::open_with(folder.path(), chain::SUITE, chain::chain_id(), 0, one);
        append_all(&history.unwrap(), &blocks[..1]);
        let kept = fs::metadata(last_segment(folder.path())).unwrap().len() as usize;
        let history = History::open_with(folder.path(), chain::SUITE, chain::chain_id(), 0, one);
        append_batch(&history.unwrap(), &blocks[1..]);
        // A real crash leaves no checkpoint of blocks that were not synced.
        fs::remove_dir_all(folder.path().join("index")).unwrap();
        let path = last_segment(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        let from = bytes.len() - 1 - cut % (bytes.len() - kept);
        match noise {
            None => bytes.truncate(from),
            Some(byte) => bytes[from..].fill(byte),
        }
        fs::write(&path, &bytes).unwrap();
        let history = open(folder.path());
        let stored = history.last_height().map_or(0, |height| height.0 as usize);
        prop_assert!(stored >= 1 && stored <= blocks.len());
        check(&history, &blocks[..stored]);
        append_all(&history, &blocks[stored..]);
        check(&history, &blocks);
    }
}

/// Appends so that all blocks share one sync.
fn append_batch(history: &History, blocks: &[std::sync::Arc<crate::history::FinalizedBlock>]) {
    let records: Vec<_> = blocks
        .iter()
        .scan(history.totals().unwrap().unwrap().transactions, |total, block| {
            let encoded = crate::history::record::encode(block, *total).unwrap();
            *total += block.transactions.len() as u64;
            Some(encoded)
        })
        .collect();
    if let Some(first) = blocks.first() {
        history.shared.segments.append(first.header.height, &records).unwrap();
    }
}

/// Goal: damage to a block that had been durable is an error that names file and place, never a
/// silent loss. Method: flip a bit in the middle of the last segment, and in a sealed one.
#[test]
fn a_damaged_middle_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(9, Height(1));
    let blocks: Vec<_> = (0..40).map(|_| builder.block(6)).collect();
    let one = Settings { segment_bytes: u64::MAX, ..SMALL };
    let reopen = || History::open_with(folder.path(), chain::SUITE, chain::chain_id(), 0, one);
    let history = reopen().unwrap();
    blocks.iter().for_each(|block| append_all(&history, std::slice::from_ref(block)));
    drop(history);
    let path = last_segment(folder.path());
    let sound = fs::read(&path).unwrap();
    for at in [sound.len() / 3, sound.len() / 2, 100] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let error = reopen().unwrap_err();
        assert!(matches!(error, HistoryError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("segment is damaged at byte"), "{error}");
    }
    fs::write(&path, &sound).unwrap();
    check(&reopen().unwrap(), &blocks);
}

/// Goal: a sealed segment's damage is found when it is read. Method: flip bits, read every block.
#[test]
fn a_damaged_sealed_segment_is_an_error_on_reading() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(9, Height(1));
    let blocks: Vec<_> = (0..40).map(|_| builder.block(6)).collect();
    let history = open(folder.path());
    blocks.iter().for_each(|block| append_all(&history, std::slice::from_ref(block)));
    drop(history);
    let path = files(&folder.path().join("segments"), ".segment").remove(0);
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let history = open(folder.path());
    let reads: Vec<_> = blocks.iter().map(|block| history.record(block.header.height)).collect();
    assert_eq!(reads.iter().filter(|read| read.is_err()).count(), 1);
    fs::write(&path, &sound).unwrap();
    fs::remove_file(&files(&folder.path().join("segments"), ".offsets")[0]).unwrap();
    check(&open(folder.path()), &blocks);
}

/// Goal: index and logs are derived: their loss or damage heals. Method: damage and remove them in
/// turn, reopen, compare everything.
#[test]
fn a_lost_index_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(11, Height(1));
    let blocks: Vec<_> = (0..60).map(|_| builder.block(6)).collect();
    append_all(&open(folder.path()), &blocks);
    let index = folder.path().join("index");
    let runs = files(&index, ".run");
    assert!(!runs.is_empty(), "the test needs runs on disk");
    fs::write(&runs[0], b"noise").unwrap();
    check(&open(folder.path()), &blocks);
    fs::write(index.join("manifest"), b"noise").unwrap();
    check(&open(folder.path()), &blocks);
    fs::remove_dir_all(&index).unwrap();
    fs::remove_dir_all(folder.path().join("logs")).unwrap();
    check(&open(folder.path()), &blocks);
}

/// Goal: a folder of another chain is refused with both names. Method: open it as another.
#[test]
fn another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    append_all(&open(folder.path()), &[Builder::new(1, Height(1)).block(1)]);
    let other = ChainId([9; 32]);
    let error = History::open(folder.path(), chain::SUITE, other, 0).unwrap_err();
    assert!(error.to_string().contains(&other.to_string()), "{error}");
    assert!(error.to_string().contains(&chain::chain_id().to_string()), "{error}");
}

/// Goal: a full disk stops the store with the reason, acknowledges nothing that is not stored, and
/// loses nothing before. Method: the next segment is a device that is always full; then make room.
#[test]
fn a_full_disk_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(13, Height(1));
    let blocks: Vec<_> = (0..4).map(|_| builder.block(3)).collect();
    let tiny = Settings { segment_bytes: 1, ..SMALL };
    let reopen =
        || History::open_with(folder.path(), chain::SUITE, chain::chain_id(), 0, tiny).unwrap();
    let history = reopen();
    append_all(&history, &blocks[..1]);
    let next = folder.path().join("segments").join(format!("{:020}.segment", 2));
    std::os::unix::fs::symlink("/dev/full", &next).unwrap();
    let error = block_on(history.append(blocks[1].clone())).unwrap_err();
    assert!(matches!(error, HistoryError::Io { .. }), "{error}");
    assert!(error.to_string().contains("No space left"), "{error}");
    assert!(error.to_string().contains(&next.display().to_string()), "{error}");
    let later = block_on(history.append(blocks[2].clone())).unwrap_err();
    assert!(matches!(later, HistoryError::Gap { .. } | HistoryError::Stopped(_)), "{later}");
    let again = block_on(history.append(blocks[1].clone())).unwrap_err();
    assert!(again.to_string().contains("No space left"), "{again}");
    check(&history, &blocks[..1]);
    drop(history);
    fs::remove_file(&next).unwrap();
    let history = reopen();
    check(&history, &blocks[..1]);
    append_all(&history, &blocks[1..]);
    check(&history, &blocks);
}
