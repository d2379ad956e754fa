//! Test both kinds of files through the context.

use crate::{Context, context::run_with, open_files::OPEN_FILES_MAX};
use commonware_runtime::{
    Blob as _, Error, IoBuf, ReadOptions, Storage, WriteOptions, tokio::Config,
};
use futures::TryStreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::path::Path;

const PLAIN: WriteOptions = WriteOptions::DONT_CACHE;
const READ: ReadOptions = ReadOptions::DONT_CACHE;
/// More than is written or read in place.
const LARGE: usize = 300_000;

/// A partition of either kind.
const PARTITIONS: [&str; 2] = ["plain", "logged"];

fn start<F: Future>(folder: &Path, task: impl FnOnce(Context) -> F) -> F::Output {
    start_with(OPEN_FILES_MAX, folder, task)
}

fn start_with<F: Future>(
    open_max: usize,
    folder: &Path,
    task: impl FnOnce(Context) -> F,
) -> F::Output {
    let config = Config::new().with_worker_threads(1).with_storage_directory(folder);
    run_with(open_max, config, |partition| partition == "logged", task).unwrap()
}

fn random_bytes(random: &mut StdRng, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.random()).collect()
}

/// Plays random writes and resizes on a blob and on a vector; compares all ways to read.
async fn play(blob: &impl commonware_runtime::Blob, random: &mut StdRng, model: &mut Vec<u8>) {
    for _ in 0..100 {
        play_once(blob, random, model).await;
    }
}

async fn play_once(blob: &impl commonware_runtime::Blob, random: &mut StdRng, model: &mut Vec<u8>) {
    let length = if random.random_ratio(1, 8) { LARGE } else { random.random_range(0..5_000) };
    let offset = random.random_range(0..=model.len());
    let written = random_bytes(random, length);
    model.resize(model.len().max(offset + length), 0);
    model[offset..offset + length].copy_from_slice(&written);
    let options = if random.random_ratio(1, 10) { WriteOptions::SYNC } else { PLAIN };
    let piece = random.random_range(1..=written.len().max(1));
    let pieces: Vec<_> = written.chunks(piece).map(IoBuf::copy_from_slice).collect();
    blob.write_at(offset as u64, pieces, options).await.unwrap();
    if random.random_ratio(1, 10) {
        model.resize(random.random_range(0..=model.len() + 10), 0);
        blob.resize(model.len() as u64).await.unwrap();
    }
    if random.random_ratio(1, 10) {
        blob.sync().await.unwrap();
    }
    check(blob, random, model).await;
}

async fn check(blob: &impl commonware_runtime::Blob, random: &mut StdRng, model: &[u8]) {
    let ranges: Vec<_> = (0..5)
        .map(|_| {
            let start = random.random_range(0..=model.len());
            (start as u64, random.random_range(0..=model.len() - start))
        })
        .collect();
    let expected = |place: usize| {
        let (start, length) = ranges[place];
        &model[start as usize..start as usize + length]
    };
    let mut many: Vec<_> = blob.read_many(&ranges, READ).try_collect().await.unwrap();
    many.sort_by_key(|(place, _)| *place);
    assert_eq!(many.len(), ranges.len());
    let started = blob.start_read_many(&ranges, READ).await.await.unwrap();
    for (place, started) in started.into_iter().enumerate() {
        let (start, length) = ranges[place];
        let one = blob.read_at(start, length, READ).await.unwrap();
        assert_eq!(one.coalesce().as_ref(), expected(place));
        let into = blob.read_at_buf(start, length, vec![0; length], READ).await.unwrap();
        assert_eq!(into.coalesce().as_ref(), expected(place));
        assert_eq!(started.coalesce().as_ref(), expected(place));
        assert_eq!(many[place].1.clone_bytes(), expected(place));
    }
}

/// The bytes of a buffer that stays.
trait CloneBytes {
    fn clone_bytes(&self) -> Vec<u8>;
}

impl CloneBytes for commonware_runtime::IoBufsMut {
    fn clone_bytes(&self) -> Vec<u8> {
        self.as_single().expect("reads fill one buffer").as_ref().to_vec()
    }
}

/// Goal: both kinds of files hold what was written, and each may become the other. Method: random
/// changes against a vector, by us, by the library, by us again; after each, all ways to read.
#[test]
fn a_file_holds_what_was_written_for_us_and_for_the_library() {
    for (seed, part) in (0..6).map(|seed| (seed, PARTITIONS[seed as usize % 2])) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Vec::new();
        let mut random = StdRng::seed_from_u64(seed);
        start(folder.path(), async |context| {
            let (blob, length) = context.open(part, b"name").await.unwrap();
            assert_eq!(length, 0);
            play(&blob, &mut random, &mut model).await;
            // No sync: whoever opens it next finds all of it.
            drop(blob);
            let (blob, length) = context.open(part, b"name").await.unwrap();
            assert_eq!(length, model.len() as u64);
            check(&blob, &mut random, &model).await;
        });
        start(folder.path(), async |context| {
            let (blob, length) = context.library.open(part, b"name").await.unwrap();
            assert_eq!(length, model.len() as u64);
            play(&blob, &mut random, &mut model).await;
        });
        start(folder.path(), async |context| {
            let (blob, length) = context.open(part, b"name").await.unwrap();
            assert_eq!(length, model.len() as u64);
            check(&blob, &mut random, &model).await;
        });
    }
}

/// Goal: callers know the errors. Method: places behind the end, and ones that no file has.
#[test]
fn what_is_not_there_is_the_librarys_error() {
    for part in PARTITIONS {
        let folder = tempfile::tempdir().unwrap();
        start(folder.path(), |context| refuse(context, part));
    }
}

async fn refuse(context: Context, part: &str) {
    let (blob, _) = context.open(part, b"name").await.unwrap();
    blob.write_at(0, vec![1; 10], PLAIN).await.unwrap();
    for (offset, length) in [(0, 11), (10, 1), (1 << 40, 1), (0, LARGE)] {
        let ours = blob.read_at(offset, length, READ).await.unwrap_err().to_string();
        assert!(ours.contains("unexpected end of file"), "{ours}");
        assert!(
            blob.read_many(&[(0, 1), (offset, length)], READ)
                .try_collect::<Vec<_>>()
                .await
                .is_err()
        );
        assert!(blob.start_read_many(&[(0, 1), (offset, length)], READ).await.await.is_err());
    }
    assert!(matches!(blob.read_at(u64::MAX, 1, READ).await, Err(Error::OffsetOverflow)));
    let written = blob.write_at(u64::MAX, vec![1], PLAIN).await;
    assert!(matches!(written, Err(Error::OffsetOverflow)));
    assert!(blob.write_at(i64::MAX as u64, vec![1], PLAIN).await.is_err());
}

/// Goal: names behave as the library's do. Method: open twice, remove, read on, make anew.
#[test]
fn one_handle_a_file_and_removed_files_stay_readable() {
    for part in PARTITIONS {
        let folder = tempfile::tempdir().unwrap();
        start(folder.path(), |context| remove(context, part));
    }
}

async fn remove(context: Context, part: &str) {
    let (blob, _) = context.open(part, b"name").await.unwrap();
    blob.write_at(0, vec![7; 100], PLAIN).await.unwrap();
    assert!(matches!(context.open(part, b"name").await, Err(Error::BlobAlreadyOpen(..))));
    context.remove(part, Some(b"name")).await.unwrap();
    assert_eq!(blob.read_at(0, 100, READ).await.unwrap().clone_bytes(), [7; 100]);
    let (again, length) = context.open(part, b"name").await.unwrap();
    assert_eq!(length, 0);
    again.write_at(0, vec![8; 100], PLAIN).await.unwrap();
    assert_eq!(blob.read_at(0, 100, READ).await.unwrap().clone_bytes(), [7; 100]);
    assert_eq!(context.scan(part).await.unwrap(), [b"name".to_vec()]);
    assert!(part == "plain" || context.remove(part, Some(b"")).await.is_err());
    assert_eq!(context.scan(part).await.unwrap().len(), 1, "an empty name is not all names");
    assert!(matches!(context.remove(part, Some(b"none")).await, Err(Error::BlobMissing(..))));
    context.remove(part, None).await.unwrap();
    assert!(matches!(context.scan(part).await, Err(Error::PartitionMissing(_))));
    assert!(matches!(context.remove(part, None).await, Err(Error::PartitionMissing(_))));
}

/// Files of a folder that this process has open.
fn count_open(folder: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let open = all.filter_map(|one| std::fs::read_link(one.unwrap().path()).ok());
    open.filter(|path| path.starts_with(folder)).count()
}

/// Goal: many files need few descriptors, and hold what was written. Method: 40 files, of which 8
/// stay open, changed at random against vectors; some removed while they are closed; opened anew.
#[test]
fn many_files_need_few_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let mut models = vec![Vec::new(); 40];
    start_with(8, folder.path(), async |context| {
        let mut blobs = Vec::new();
        for place in 0..models.len() as u8 {
            blobs.push(context.open("plain", &[place]).await.unwrap().0);
        }
        for _ in 0..120 {
            let place = random.random_range(0..models.len());
            play_once(&blobs[place], &mut random, &mut models[place]).await;
            // Files of the folder itself are open too, and the library reads by another
            // descriptor; one file is in use.
            assert!(count_open(folder.path()) <= 2 * 9 + 4);
        }
        assert!(matches!(context.open("plain", &[0]).await, Err(Error::BlobAlreadyOpen(..))));
        for (place, blob) in blobs.iter().enumerate() {
            check(blob, &mut random, &models[place]).await;
        }
        for place in 0..4 {
            context.remove("plain", Some(&[place])).await.unwrap();
            let (again, length) = context.open("plain", &[place]).await.unwrap();
            assert_eq!(length, 0);
            drop(again);
        }
        // Those that stay come first: they would close the others.
        for (place, blob) in blobs.iter().enumerate().rev() {
            check(blob, &mut random, &models[place]).await;
        }
        context.remove("plain", Some(&[0])).await.unwrap();
        assert!(matches!(context.remove("plain", Some(&[0])).await, Err(Error::BlobMissing(..))));
    });
    start(folder.path(), async |context| {
        for (place, model) in models.iter().enumerate().skip(4) {
            let (blob, length) = context.library.open("plain", &[place as u8]).await.unwrap();
            assert_eq!(length, model.len() as u64);
            check(&blob, &mut random, model).await;
        }
    });
}
