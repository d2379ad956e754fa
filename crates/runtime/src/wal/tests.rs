//! Test the log against losses of everything that it does not promise.

use super::{Wal, lock, segment, segment::Place, writer};
use crate::files::FileName;
use commonware_runtime::{Blob as _, Error, Handle, WriteOptions};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    fs,
    future::Future,
    io::{ErrorKind, pipe},
    os::fd::OwnedFd,
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;

const FILES: [(&str, &str); 4] = [("one", "00"), ("one", "01"), ("two", "00"), ("two", "ff")];
const PLAIN: WriteOptions = WriteOptions::DONT_CACHE;

/// What the files hold.
type Model = BTreeMap<FileName, Vec<u8>>;

fn block_on<F: Future>(task: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(task)
}

fn name(which: usize) -> FileName {
    let (partition, file) = FILES[which];
    FileName { partition: partition.into(), file: file.into() }
}

async fn open(log: &Arc<Wal>, name: &FileName) -> (super::LoggedBlob, u64) {
    let version = commonware_runtime::DEFAULT_BLOB_VERSION;
    let (blob, length, _) = log.open_file(name.clone(), version..=version).await.unwrap();
    (blob, length)
}

/// Copies the folder `from`, the log or all but the log.
fn copy(from: &Path, to: &Path, log: bool) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target, log);
        } else if entry.file_name().to_str().unwrap().starts_with('.') == log {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn snapshot(folder: &Path) -> TempDir {
    let taken = tempfile::tempdir().unwrap();
    copy(folder, taken.path(), false);
    taken
}

/// Does one random thing to a random file; closes it again.
async fn step(log: &Arc<Wal>, random: &mut StdRng, model: &mut Model) {
    let name = name(random.random_range(0..FILES.len()));
    if random.random_ratio(1, 40) && model.contains_key(&name) {
        log.remove(name.partition.clone(), Some(name.file.clone())).await.unwrap();
        model.remove(&name);
        return;
    }
    if random.random_ratio(1, 200) && model.keys().any(|held| held.partition == name.partition) {
        log.remove(name.partition.clone(), None).await.unwrap();
        model.retain(|held, _| held.partition != name.partition);
        return;
    }
    let (blob, length) = open(log, &name).await;
    let content = model.entry(name).or_default();
    assert_eq!(length, content.len() as u64);
    if random.random_ratio(1, 6) {
        content.resize(random.random_range(0..=content.len() + 10), 0);
        blob.resize(content.len() as u64).await.unwrap();
    }
    let offset = random.random_range(0..=content.len());
    let length = random.random_range(0..20_000 - content.len().min(19_000));
    let written: Vec<u8> = (0..length).map(|_| random.random()).collect();
    content.resize(content.len().max(offset + length), 0);
    content[offset..offset + length].copy_from_slice(&written);
    let sync = random.random_ratio(1, 2);
    let options = if sync { WriteOptions::SYNC } else { PLAIN };
    blob.write_at(offset as u64, written, options).await.unwrap();
}

async fn check(folder: &Path, model: &Model) {
    let log = Wal::open(folder).unwrap();
    for which in 0..FILES.len() {
        let name = name(which);
        let held = model.get(&name);
        assert_eq!(name.path(folder).exists(), held.is_some(), "{name:?}");
        let Some(held) = held else { continue };
        let (blob, length) = open(&log, &name).await;
        assert_eq!(length, held.len() as u64, "{name:?}");
        let read = blob.read_at(0, held.len(), Default::default()).await.unwrap();
        assert!(read.coalesce().as_ref() == held, "{name:?} has other bytes");
    }
}

/// Goal: what was synced is there when nothing else reached the disk. Method: random changes over
/// several segments; then the log of this moment with the files as they were when the oldest
/// segment began that a start needs, or as some are now; twice, as after a second crash.
#[test]
fn what_was_synced_survives_the_loss_of_everything_else() {
    block_on(async {
        for seed in 0..12 {
            let random = &mut StdRng::seed_from_u64(seed);
            let folder = tempfile::tempdir().unwrap();
            let (mut model, mut turns) = (Model::new(), 0);
            let mut log = Wal::open(folder.path()).unwrap();
            let mut bases = vec![(lock(&log.writer).sequence, snapshot(folder.path()))];
            for _ in 0..random.random_range(1..400) {
                step(&log, random, &mut model).await;
                if random.random_ratio(1, 100) {
                    // A crash of the process alone.
                    log.sync_all().await.unwrap();
                    drop(log);
                    log = Wal::open(folder.path()).unwrap();
                    bases.clear();
                }
                let sequence = lock(&log.writer).sequence;
                if bases.last().is_none_or(|(last, _)| *last != sequence) {
                    // Taken a little late is as if the disk had been a little faster.
                    bases.push((sequence, snapshot(folder.path())));
                    turns += 1;
                }
            }
            log.sync_all().await.unwrap();
            let base = &bases[bases.len().saturating_sub(2)].1;
            for how in 0..3 {
                let crashed = tempfile::tempdir().unwrap();
                copy(base.path(), crashed.path(), false);
                copy(folder.path(), crashed.path(), true);
                for which in (0..FILES.len()).filter(|_| how > 0) {
                    // Some files and names did reach the disk.
                    let (from, to) =
                        (name(which).path(folder.path()), name(which).path(crashed.path()));
                    match (random.random_ratio(1, how), from.exists(), to.exists()) {
                        (true, true, _) => {
                            fs::create_dir_all(to.parent().unwrap()).unwrap();
                            fs::copy(from, to).unwrap();
                        }
                        (true, false, true) => fs::remove_file(to).unwrap(),
                        _ => {}
                    }
                }
                check(crashed.path(), &model).await;
                check(crashed.path(), &model).await;
            }
            assert!(seed > 0 || turns > 2, "the log never turned");
        }
    });
}

/// Writes `count` synced batches, each of them one page long.
async fn batches(folder: &Path, count: usize) {
    let log = Wal::open(folder).unwrap();
    let (blob, length) = open(&log, &name(0)).await;
    for number in 0..count as u64 {
        blob.write_at(length + number * 8, vec![1; 8], WriteOptions::SYNC).await.unwrap();
    }
}

/// Flips a bit of the batch with this index in the file `which`.
fn damage(folder: &Path, which: usize, index: usize) {
    let path = &segment::paths(folder)[which];
    let mut bytes = fs::read(path).unwrap();
    bytes[index * 4_096 + 40] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn length(folder: &Path) -> u64 {
    block_on(async { open(&Wal::open(folder).unwrap(), &name(0)).await.1 })
}

/// Goal: a torn end is dropped, a hole is refused. Method: flip a bit in each kind of batch.
#[test]
fn the_last_batch_may_be_torn_and_no_other() {
    for (index, expected) in [(4, Some(32)), (3, None), (1, None)] {
        let folder = tempfile::tempdir().unwrap();
        block_on(batches(folder.path(), 5));
        // The file is as new: all it has comes from the log.
        fs::remove_dir_all(folder.path().join("one")).unwrap();
        damage(folder.path(), 0, index);
        match expected {
            Some(expected) => assert_eq!(length(folder.path()), expected),
            None => {
                let error = Wal::open(folder.path()).err().unwrap();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert!(error.to_string().contains("is damaged, and others follow"), "{error}");
            }
        }
    }
}

/// Goal: the end of the segment before is not lost silently. Method: fill one, go on in the next,
/// damage the end of the first.
#[test]
fn a_segment_that_is_needed_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    block_on(batches(folder.path(), 70));
    let whole = tempfile::tempdir().unwrap();
    copy(folder.path(), whole.path(), true);
    copy(folder.path(), whole.path(), false);
    assert_eq!(length(whole.path()), 560);
    // The second segment goes on where the first, whose end is lost, had ended.
    damage(folder.path(), 0, 62);
    let error = Wal::open(folder.path()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("batches are missing"), "{error}");
}

/// Goal: a crash while a segment begins loses nothing. Method: tear the first batch of the segment
/// that would be written next.
#[test]
fn a_torn_first_batch_leaves_the_segment_before() {
    let folder = tempfile::tempdir().unwrap();
    block_on(batches(folder.path(), 64));
    assert!(
        segment::contents(&fs::read(&segment::paths(folder.path())[1]).unwrap()).unwrap().is_some()
    );
    let now = length(folder.path());
    damage(folder.path(), 0, 0);
    assert_eq!(length(folder.path()), now);
}

/// Goal: a file that went missing is noticed. Method: remove it under a log that builds upon it.
#[test]
fn changes_of_missing_files_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    block_on(batches(folder.path(), 2));
    drop(Wal::open(folder.path()).unwrap());
    block_on(batches(folder.path(), 2));
    fs::remove_dir_all(folder.path().join("one")).unwrap();
    let error = Wal::open(folder.path()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("which is missing"), "{error}");
}

/// Goal: an error is never forgotten. Method: a log that cannot be written, then every operation.
#[test]
fn after_a_failed_write_nothing_counts_as_durable() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let log = Wal::open(folder.path()).unwrap();
        let (blob, _) = open(&log, &name(0)).await;
        blob.write_at(0, vec![1], WriteOptions::SYNC).await.unwrap();
        let (_reader, writer) = pipe().unwrap();
        // A pipe has no places.
        lock(&log.writer).break_files(|| OwnedFd::from(writer.try_clone().unwrap()).into());
        blob.write_at(1, vec![1], PLAIN).await.unwrap();
        for _ in 0..2 {
            let synced = blob.sync().await;
            assert!(matches!(synced, Err(Error::Io(_))), "{synced:?}");
            assert!(matches!(blob.write_at(2, vec![1], PLAIN).await, Err(Error::Io(_))));
            assert!(blob.resize(0).await.is_err());
        }
        assert!(log.remove("one".into(), None).await.is_err());
        assert!(blob.sync().await.is_err(), "the file is not gone");
        drop(blob);
        let version = commonware_runtime::DEFAULT_BLOB_VERSION;
        assert!(log.open_file(name(1), version..=version).await.is_err());
    });
}

/// Goal: syncs share a write. Method: four files wait while the writer is held up.
#[test]
fn many_syncs_share_a_write() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let log = Wal::open(folder.path()).unwrap();
        let mut blobs = Vec::new();
        for which in 0..FILES.len() {
            blobs.push(open(&log, &name(which)).await.0);
            blobs[which].write_at(0, vec![1; 8], PLAIN).await.unwrap();
        }
        let (before, syncs) = start_syncs(&log, blobs.len() as u64);
        for sync in syncs {
            sync.await.unwrap();
        }
        assert_eq!(lock(&log.writer).index, before + 1);
    });
}

/// Syncs the last `count` records one by one while nobody can write; returns the index of the next
/// batch and the syncs.
fn start_syncs(log: &Arc<Wal>, count: u64) -> (u64, Vec<Handle<()>>) {
    let writer = lock(&log.writer);
    let last = lock(&log.state).appended;
    (writer.index, (last + 1 - count..=last).map(|record| log.sync(record)).collect())
}

/// Goal: a disk that returns anything is refused, not followed. Method: whole batches with random
/// bytes in the place of records, and random changes of good logs.
#[test]
fn no_bytes_in_a_log_panic_or_lead_elsewhere() {
    let random = &mut StdRng::seed_from_u64(1);
    let good = tempfile::tempdir().unwrap();
    block_on(batches(good.path(), 3));
    let bytes = fs::read(&segment::paths(good.path())[0]).unwrap();
    for _ in 0..2_000 {
        let mut batch = writer::empty();
        let start = random.random_range(32..200);
        batch.extend(&bytes[start..start + random.random_range(0..200)]);
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(32..=batch.len());
            batch.insert(at, random.random());
        }
        segment::seal(&mut batch, Place { sequence: 1, index: 0, previous: 0 });
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(&segment::paths(&folder)[0], batch).unwrap();
        let _ = Wal::open(&folder);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }
}
