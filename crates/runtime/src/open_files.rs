//! Keep few of the library's files open, however many a chain has.
//!
//! The engine opens every file of a journal and never gives one back: a node would run out of
//! descriptors within days. Here a file that was not used for long is closed, and opened again when
//! it is used. The library allows it: what a closed handle did not sync, the next one does first.

use commonware_formatting::hex;
use commonware_runtime::{
    Blob, BlobVersion, Error, Handle, IoBufs, IoBufsMut, ReadOptions, Storage, WriteOptions,
    tokio::Context,
};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use std::{
    collections::HashMap,
    ops::RangeInclusive,
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Files that stay open; the library may hold two descriptors for one.
pub(crate) const OPEN_FILES_MAX: usize = 384;
/// The part of them that is closed at a time.
const CLOSED_PART: usize = 8;

type Opened = <Context as Storage>::Blob;
/// Partition and name.
type Name = (String, Vec<u8>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No operation leaves what these hold half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The library's files that somebody has a handle on.
pub(crate) struct OpenFiles {
    library: Context,
    open_max: usize,
    /// All of them, open or not.
    handles: Mutex<HashMap<Name, Weak<LibraryFile>>>,
    /// Those that are open.
    open: Mutex<Vec<Weak<LibraryFile>>>,
    /// Counts uses, so that files can tell which was used last.
    uses: AtomicU64,
}

/// One handle on a file of the library, which is open while it is used.
pub struct LibraryBlob(Arc<LibraryFile>);

/// A file of the library, open or not.
struct LibraryFile {
    files: Arc<OpenFiles>,
    name: Name,
    version: BlobVersion,
    opened: Mutex<Option<Arc<Opened>>>,
    /// Held by who opens it again.
    opening: tokio::sync::Mutex<()>,
    last_use: AtomicU64,
    /// Whether its name is gone or going: it could not be opened again.
    removed: AtomicBool,
}

impl OpenFiles {
    pub(crate) fn new(library: Context, open_max: usize) -> Self {
        let (handles, open, uses) = Default::default();
        Self { library, open_max, handles, open, uses }
    }

    /// Opens a file as the library does.
    pub(crate) async fn open_versioned(
        self: &Arc<Self>,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(LibraryBlob, u64, BlobVersion), Error> {
        let key = (partition.to_owned(), name.to_vec());
        if lock(&self.handles).get(&key).is_some_and(|handle| handle.strong_count() > 0) {
            return Err(Error::BlobAlreadyOpen(key.0, hex(name)));
        }
        let (opened, length, version) =
            self.library.open_versioned(partition, name, versions).await?;
        let handle = Arc::new(LibraryFile {
            files: self.clone(),
            name: key.clone(),
            version,
            opened: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            last_use: AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed)),
            removed: AtomicBool::new(false),
        });
        lock(&self.handles).insert(key, Arc::downgrade(&handle));
        handle.put(opened);
        Ok((LibraryBlob(handle), length, version))
    }

    /// Removes as the library does: handles stay readable.
    pub(crate) async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        let going: Vec<_> = lock(&self.handles)
            .iter()
            .filter(|((of, called), _)| of == partition && name.is_none_or(|name| name == called))
            .filter_map(|(_, handle)| handle.upgrade())
            .collect();
        let removed = async {
            for handle in &going {
                handle.removed.store(true, Ordering::Release);
                handle.get().await?;
            }
            self.library.remove(partition, name).await
        };
        let removed = removed.await;
        for handle in &going {
            match removed {
                Ok(()) => self.forget(handle),
                Err(_) => handle.removed.store(false, Ordering::Release),
            }
        }
        removed
    }

    /// Lets go of a name, unless it is another handle's by now.
    fn forget(&self, handle: &LibraryFile) {
        let mut handles = lock(&self.handles);
        if handles.get(&handle.name).is_some_and(|known| ptr::eq(known.as_ptr(), handle)) {
            handles.remove(&handle.name);
        }
    }

    /// Notes that a file is open; closes those that were not used for longest where that is one
    /// too many.
    fn note(&self, handle: &Arc<LibraryFile>) {
        let mut open = lock(&self.open);
        open.push(Arc::downgrade(handle));
        if open.len() <= self.open_max {
            return;
        }
        let mut handles: Vec<_> = open.iter().filter_map(Weak::upgrade).collect();
        handles.sort_by_cached_key(|handle| handle.last_use.load(Ordering::Relaxed));
        let mut surplus =
            (handles.len() + self.open_max / CLOSED_PART).saturating_sub(self.open_max);
        handles.retain(|handle| {
            let closed = surplus > 0 && handle.close();
            surplus -= usize::from(closed);
            !closed
        });
        *open = handles.iter().map(Arc::downgrade).collect();
    }
}

impl LibraryFile {
    /// The open file; opens it where it was closed.
    async fn get(self: &Arc<Self>) -> Result<Arc<Opened>, Error> {
        self.last_use.store(self.files.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if let Some(opened) = lock(&self.opened).clone() {
            return Ok(opened);
        }
        let _opening = self.opening.lock().await;
        if let Some(opened) = lock(&self.opened).clone() {
            return Ok(opened);
        }
        let (partition, name) = &self.name;
        let versions = self.version..=self.version;
        let (opened, ..) = self.files.library.open_versioned(partition, name, versions).await?;
        Ok(self.put(opened))
    }

    fn put(self: &Arc<Self>, opened: Opened) -> Arc<Opened> {
        let opened = Arc::new(opened);
        *lock(&self.opened) = Some(opened.clone());
        self.files.note(self);
        opened
    }

    /// Closes the file unless it is in use, or could not be opened again.
    fn close(&self) -> bool {
        let mut opened = lock(&self.opened);
        let idle = opened.as_ref().is_none_or(|opened| Arc::strong_count(opened) == 1);
        let closes = idle && !self.removed.load(Ordering::Acquire);
        if closes {
            *opened = None;
        }
        closes
    }
}

impl Drop for LibraryFile {
    fn drop(&mut self) {
        self.files.forget(self);
    }
}

impl Blob for LibraryBlob {
    async fn read_at_buf(
        &self,
        offset: u64,
        length: usize,
        buffers: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.0.get().await?.read_at_buf(offset, length, buffers, options).await
    }

    async fn read_at(
        &self,
        offset: u64,
        length: usize,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.0.get().await?.read_at(offset, length, options).await
    }

    fn read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> impl Stream<Item = Result<(usize, IoBufsMut), Error>> + Send {
        let all = async move { self.start_read_many(ranges, options).await.await };
        stream::once(all)
            .map_ok(|all| stream::iter(all.into_iter().enumerate()).map(Ok))
            .try_flatten()
    }

    async fn start_read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> Handle<Vec<IoBufsMut>> {
        match self.0.get().await {
            Ok(opened) => opened.start_read_many(ranges, options).await,
            Err(error) => Handle::ready(Err(error)),
        }
    }

    async fn write_at(
        &self,
        offset: u64,
        bytes: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        self.0.get().await?.write_at(offset, bytes, options).await
    }

    async fn resize(&self, length: u64) -> Result<(), Error> {
        self.0.get().await?.resize(length).await
    }

    async fn sync(&self) -> Result<(), Error> {
        self.0.get().await?.sync().await
    }

    async fn start_sync(&self) -> Handle<()> {
        match self.0.get().await {
            Ok(opened) => opened.start_sync().await,
            Err(error) => Handle::ready(Err(error)),
        }
    }
}
