//! Open, read, change and remove the files whose changes are in the log.

use super::{Change, PIECE_BYTES_MAX, Record, Wal, lock};
use crate::{
    files::{FileName, HEADER_BYTES, is_partition, read_header, write_header},
    memory::{fill, read_small},
};
use commonware_runtime::{
    Blob, BlobVersion, Error, Handle, IoBufMut, IoBufs, IoBufsMut, ReadOptions, WriteOptions,
};
use std::{
    fs::{self, File},
    io,
    ops::RangeInclusive,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::task::spawn_blocking;

/// Longest file; less than any file system allows that serves a node.
const FILE_BYTES_MAX: u64 = 1 << 43;

/// An open file.
pub(super) struct Logged {
    name: FileName,
    file: File,
    /// Bytes of the file, header included; held while the log and the file get a change.
    length: tokio::sync::Mutex<u64>,
    /// Records of the log up to its last change.
    last: AtomicU64,
    /// Whether its name is gone, and the log with it.
    removed: AtomicBool,
}

/// One handle on a file.
pub struct LoggedBlob {
    log: Arc<Wal>,
    file: Arc<Logged>,
}

/// Where `offset` of the content lies in a file; an error for what no file can have: once it is in
/// the log, a change cannot fail.
fn place(offset: u64) -> Result<u64, Error> {
    let at = offset.checked_add(HEADER_BYTES).filter(|at| *at <= FILE_BYTES_MAX);
    at.ok_or(Error::OffsetOverflow)
}

/// Runs `work` where it may wait for a disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(|_| Error::Closed)?
}

impl Wal {
    /// Opens a file, or begins one with content of the last of `versions`; returns its length too.
    pub(crate) async fn open_file(
        self: &Arc<Self>,
        name: FileName,
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(LoggedBlob, u64, BlobVersion), Error> {
        let _names = self.names.lock().await;
        if self.opened(&name).is_some() {
            return Err(Error::BlobAlreadyOpen(name.partition, name.file));
        }
        let (path, read) = (name.path(&self.root), name.clone());
        let allowed = versions.clone();
        let (file, version) = blocking(move || {
            let failed = |error| read.open_failed(error);
            let folder = path.parent().expect("a file lies in a partition");
            fs::create_dir_all(folder)
                .map_err(|_| Error::PartitionCreationFailed(read.partition.clone()))?;
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(failed)?;
            let version = read_header(&file, &read, &allowed)?;
            if version.is_some() {
                // What it holds counts as durable for whoever opens it, and a process that was
                // killed may have left it in memory.
                file.sync_data().map_err(failed)?;
            }
            Ok((file, version))
        })
        .await?;
        let (last, version) = match version {
            Some(version) => {
                // Or this process, in the log.
                self.sync_all().await?;
                (0, version)
            }
            None => {
                let version = *versions.end();
                let change = Change::Create(version.get());
                let last = self.append(Record::of(&name, change)).await?;
                self.done(write_header(&file, version.get()))?;
                (last, version)
            }
        };
        let length = file.metadata().map_err(|error| name.open_failed(error))?.len();
        let file = Arc::new(Logged {
            name: name.clone(),
            file,
            length: tokio::sync::Mutex::new(length),
            last: AtomicU64::new(last),
            removed: AtomicBool::new(false),
        });
        let mut open = lock(&self.open);
        open.retain(|_, file| file.strong_count() > 0);
        open.insert(name, Arc::downgrade(&file));
        drop(open);
        let length = length.saturating_sub(HEADER_BYTES);
        Ok((LoggedBlob { log: self.clone(), file }, length, version))
    }

    /// The live handle on the file of this name.
    fn opened(&self, name: &FileName) -> Option<Arc<Logged>> {
        let file = lock(&self.open).get(name)?.upgrade()?;
        (!file.removed.load(Ordering::Acquire)).then_some(file)
    }

    /// Removes a file, or all files of a partition; goes on when nobody waits for it any more.
    pub(crate) async fn remove(
        self: &Arc<Self>,
        partition: String,
        file: Option<String>,
    ) -> Result<(), Error> {
        let log = self.clone();
        let removal = tokio::spawn(async move { log.remove_now(partition, file).await });
        removal.await.map_err(|_| Error::Closed)?
    }

    async fn remove_now(
        self: Arc<Self>,
        partition: String,
        file: Option<String>,
    ) -> Result<(), Error> {
        if !is_partition(&partition) {
            return Err(Error::PartitionNameInvalid(partition));
        }
        let _names = self.names.lock().await;
        let name = FileName { partition, file: file.unwrap_or_default() };
        let all = name.file.is_empty();
        let path = if all { self.root.join(&name.partition) } else { name.path(&self.root) };
        if !path.try_exists()? {
            return Err(match all {
                true => Error::PartitionMissing(name.partition),
                false => Error::BlobMissing(name.partition, name.file),
            });
        }
        self.retire(&name, all).await;
        let change = if all { Change::RemovePartition } else { Change::Remove };
        let until = self.append(Record::of(&name, change)).await?;
        self.sync(until).await?;
        let removed = blocking(move || {
            Ok(if all { fs::remove_dir_all(path) } else { fs::remove_file(path) })
        });
        let removed = removed.await?;
        self.done(removed)
    }

    /// Keeps further changes of a file, or of all in its partition, out of the log.
    async fn retire(&self, name: &FileName, all: bool) {
        let files: Vec<_> = lock(&self.open)
            .iter()
            .filter(|(open, _)| *open == name || all && open.partition == name.partition)
            .filter_map(|(_, file)| file.upgrade())
            .collect();
        for file in files {
            let _length = file.length.lock().await;
            file.removed.store(true, Ordering::Release);
        }
    }

    /// Ends the log where a file did not get what the log says.
    fn done(&self, result: io::Result<()>) -> Result<(), Error> {
        result.map_err(Error::from).inspect_err(|error| self.fail(error))
    }
}

impl Logged {
    async fn resize(self: Arc<Self>, log: Arc<Wal>, length: u64) -> Result<(), Error> {
        let wanted = place(length)?;
        let mut whole = self.length.lock().await;
        if !self.removed.load(Ordering::Acquire) {
            let until = log.append(Record::of(&self.name, Change::Resize(length))).await?;
            self.last.store(until, Ordering::Release);
            if wanted < *whole {
                // See the module's second rule.
                log.sync(until).await?;
            }
        }
        log.done(self.file.set_len(wanted))?;
        *whole = wanted;
        Ok(())
    }

    /// The part of `bytes` that the file, `whole` bytes long, does not have at `at` already, and
    /// how many bytes stand before it: the engine adds a few bytes and writes the page again.
    fn changed<'a>(&self, at: u64, bytes: &'a [u8], whole: u64) -> (u64, &'a [u8]) {
        let there =
            bytes.len().min(usize::try_from(whole.saturating_sub(at)).unwrap_or(usize::MAX));
        let Some(before) = read_small(&self.file, at, there) else { return (0, bytes) };
        let same = |(a, b): &(&u8, &u8)| a == b;
        let skipped = before.as_ref().iter().zip(bytes).take_while(same).count();
        let changed = &bytes[skipped..];
        let kept = if there < bytes.len() {
            0
        } else {
            let backwards = before.as_ref()[skipped..].iter().rev().zip(changed.iter().rev());
            backwards.take_while(same).count()
        };
        (skipped as u64, &changed[..changed.len() - kept])
    }
}

impl LoggedBlob {
    /// Writes one piece to the log and to the file.
    async fn write_piece(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let file = &*self.file;
        let at = place(offset)?;
        place(at + bytes.len() as u64)?;
        let mut whole = file.length.lock().await;
        let (skipped, bytes) = file.changed(at, bytes, *whole);
        let (offset, at) = (offset + skipped, at + skipped);
        if bytes.is_empty() {
            return Ok(());
        }
        if !file.removed.load(Ordering::Acquire) {
            let record = Record::of(&file.name, Change::Write { offset, bytes });
            file.last.store(self.log.append(record).await?, Ordering::Release);
        }
        self.log.done(file.file.write_all_at(bytes, at))?;
        *whole = (*whole).max(at + bytes.len() as u64);
        Ok(())
    }

    async fn read(&self, offset: u64, length: usize) -> Result<IoBufMut, Error> {
        let at = place(offset)?;
        if let Some(bytes) = read_small(&self.file.file, at, length) {
            return Ok(bytes);
        }
        let file = self.file.clone();
        blocking(move || {
            let end = file.file.metadata()?.len();
            // A buffer is made only for what can be read.
            if at.checked_add(length as u64).is_none_or(|until| until > end) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let mut bytes = IoBufMut::zeroed(length);
            file.file.read_exact_at(bytes.as_mut(), at)?;
            Ok(bytes)
        })
        .await
    }
}

impl Blob for LoggedBlob {
    async fn read_at_buf(
        &self,
        offset: u64,
        length: usize,
        buffers: impl Into<IoBufsMut> + Send,
        _: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        Ok(fill(buffers.into(), self.read(offset, length).await?.as_ref()))
    }

    async fn read_at(
        &self,
        offset: u64,
        length: usize,
        _: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        Ok(self.read(offset, length).await?.into())
    }

    async fn write_at(
        &self,
        offset: u64,
        bytes: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        let bytes = bytes.into().coalesce();
        let mut at = offset;
        for piece in bytes.as_ref().chunks(PIECE_BYTES_MAX) {
            self.write_piece(at, piece).await?;
            at += piece.len() as u64;
        }
        if options.contains(WriteOptions::SYNC) { self.sync().await } else { Ok(()) }
    }

    async fn resize(&self, length: u64) -> Result<(), Error> {
        let resize = self.file.clone().resize(self.log.clone(), length);
        // It goes on when nobody waits for it any more: the file gets what the log says.
        tokio::spawn(resize).await.map_err(|_| Error::Closed)?
    }

    async fn sync(&self) -> Result<(), Error> {
        self.start_sync().await.await
    }

    async fn start_sync(&self) -> Handle<()> {
        let removed = self.file.removed.load(Ordering::Acquire);
        self.log.sync(if removed { 0 } else { self.file.last.load(Ordering::Acquire) })
    }
}
