//! Tear writes that were not synced, and refuse writes, as disks do.

use commonware_runtime::{
    Blob, Clock as _, Error, Handle, IoBufs, IoBufsMut, ReadOptions, Spawner as _, Storage,
    Supervisor as _, WriteOptions, deterministic::Context,
};
use futures::Stream;
use rand::RngExt as _;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};
use tokio::sync::watch;

/// How long a sync takes on a disk that tears writes.
const SYNC: Duration = Duration::from_millis(3);
/// Every so many changes fail on a disk that fails.
const FAILS_EVERY: u64 = 5;

/// What a disk does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Of what was not synced when a node stops, parts may be there and others not.
    pub tears: bool,
    /// When, after the beginning, writes and syncs begin to fail. They do until the next start.
    pub fails_at: Option<Duration>,
}

/// Partition and name of a file.
type FileKey = (String, Vec<u8>);

/// A change of a file that no sync has followed yet.
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Resize(u64),
}

#[derive(Default)]
struct State {
    /// By file, with the place of each change among all.
    unsynced: HashMap<FileKey, Vec<(u64, Change)>>,
    /// What the last run left, for those files that were not opened since.
    left: HashMap<FileKey, Vec<(u64, Change)>>,
    fails: bool,
    changes: u64,
    /// When the disk reported its first error, and when the process ended that had it.
    reported: Option<SystemTime>,
    ended: Option<SystemTime>,
}

/// The disk of one validator; outlives its restarts.
pub struct Disk {
    pub faults: Faults,
    state: Mutex<State>,
    /// Counts the ends of the process.
    ends: watch::Sender<u64>,
}

impl Default for Disk {
    fn default() -> Self {
        Self::new(Faults::default())
    }
}

impl Disk {
    pub fn new(faults: Faults) -> Self {
        Self { faults, state: Mutex::default(), ends: watch::channel(0).0 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with this lock")
    }

    /// A process starts on it. It is a good disk again.
    pub fn power_on(&self) {
        let mut state = self.lock();
        state.fails = false;
        let unsynced = std::mem::take(&mut state.unsynced);
        if self.faults.tears {
            state.left.extend(unsynced);
        }
    }

    /// From now on, writes and syncs fail.
    pub fn fail(&self) {
        self.lock().fails = true;
    }

    /// The process ends, since a task of it panicked.
    pub fn end(&self, now: SystemTime) {
        self.lock().ended.get_or_insert(now);
        self.ends.send_modify(|ends| *ends += 1);
    }

    /// Resolves when the process ends.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let mut ends = self.ends.subscribe();
        async move {
            let _ = ends.changed().await;
        }
    }

    /// Says whether the process ended as soon as the disk reported an error, where it fails, and
    /// did not end otherwise.
    ///
    /// # Errors
    /// Names what did not happen.
    pub fn check(&self, patience: Duration) -> Result<(), String> {
        let state = self.lock();
        match (self.faults.fails_at, state.reported, state.ended) {
            (None, _, None) => Ok(()),
            (None, _, Some(_)) => Err("the process ended on a good disk".into()),
            (_, None, _) => Err("the disk reported no error".into()),
            (_, _, None) => Err("the process went on after an error of the disk".into()),
            (_, Some(reported), Some(ended)) => match ended.duration_since(reported) {
                Ok(passed) if passed <= patience => Ok(()),
                other => Err(format!("from the error to the end of the process: {other:?}")),
            },
        }
    }

    /// Forgets what was not synced of a file, or of a partition, that is removed.
    pub fn forget(&self, partition: &str, name: Option<&[u8]>) {
        let mut state = self.lock();
        let other = |key: &FileKey| key.0 != partition || name.is_some_and(|name| key.1 != name);
        state.unsynced.retain(|key, _| other(key));
        state.left.retain(|key, _| other(key));
    }

    /// Counts a change at this time; an error where it fails.
    fn change(&self, now: SystemTime) -> Result<(), Error> {
        let mut state = self.lock();
        state.changes += 1;
        if state.fails && state.changes.is_multiple_of(FAILS_EVERY) {
            state.reported.get_or_insert(now);
            return Err(Error::WriteFailed);
        }
        Ok(())
    }
}

/// An open file of a disk.
pub struct Platter {
    inner: Arc<<Context as Storage>::Blob>,
    key: FileKey,
    disk: Arc<Disk>,
    clock: Context,
}

impl Platter {
    /// Takes an opened file, with what is left of changes that the last run did not sync.
    pub async fn open(
        disk: &Arc<Disk>,
        (partition, name): (&str, &[u8]),
        inner: <Context as Storage>::Blob,
        length: u64,
        mut dice: Context,
    ) -> Result<(Self, u64), Error> {
        let key = (partition.to_owned(), name.to_vec());
        let left = {
            let mut state = disk.lock();
            // The library reads what is durable when it opens a file.
            state.unsynced.remove(&key);
            state.left.remove(&key).unwrap_or_default()
        };
        let mut length = length;
        let any = !left.is_empty();
        for (_, change) in left {
            match tear(change, &mut dice) {
                Some(Change::Write { offset, bytes }) => {
                    length = length.max(offset + bytes.len() as u64);
                    inner.write_at(offset, bytes, WriteOptions::default()).await?;
                }
                Some(Change::Resize(to)) => {
                    length = to;
                    inner.resize(to).await?;
                }
                None => {}
            }
        }
        if any {
            inner.sync().await?;
        }
        Ok((Self { inner: Arc::new(inner), key, disk: disk.clone(), clock: dice }, length))
    }

    /// A change that is about to happen; an error where it fails.
    fn change(&self, change: Option<Change>) -> Result<(), Error> {
        self.disk.change(self.clock.current())?;
        if let (Some(change), true) = (change, self.disk.faults.tears) {
            let mut state = self.disk.lock();
            let place = state.changes;
            state.unsynced.entry(self.key.clone()).or_default().push((place, change));
        }
        Ok(())
    }

    /// Takes the time that a sync takes; none where nothing can be torn in it. What came before it
    /// cannot be torn when the result resolves.
    fn settle(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (disk, key, context) = (self.disk.clone(), self.key.clone(), self.clock.child("sync"));
        let last = disk.lock().changes;
        async move {
            if disk.faults.tears {
                context.sleep(SYNC).await;
                if let Some(changes) = disk.lock().unsynced.get_mut(&key) {
                    changes.retain(|(place, _)| *place > last);
                }
            }
        }
    }

    /// Bytes that are durable at once lie on older ones, which must not come back.
    fn overwrite(&self, offset: u64, length: u64) {
        let mut state = self.disk.lock();
        let Some(changes) = state.unsynced.get_mut(&self.key) else { return };
        changes.retain(|(_, change)| match change {
            Change::Write { offset: at, bytes } => {
                *at >= offset + length || offset >= at + bytes.len() as u64
            }
            Change::Resize(_) => false,
        });
    }
}

/// What a disk that lost its power has of a change: all, a part, or nothing.
fn tear(change: Change, dice: &mut Context) -> Option<Change> {
    match (dice.random_range(0..3), change) {
        (0, _) | (1, Change::Resize(_)) => None,
        (1, Change::Write { offset, mut bytes }) => {
            bytes.truncate(dice.random_range(0..=bytes.len()));
            Some(Change::Write { offset, bytes })
        }
        (_, change) => Some(change),
    }
}

impl Blob for Platter {
    async fn read_at_buf(
        &self,
        offset: u64,
        length: usize,
        buffers: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.inner.read_at_buf(offset, length, buffers, options).await
    }

    async fn read_at(
        &self,
        offset: u64,
        length: usize,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.inner.read_at(offset, length, options).await
    }

    fn read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> impl Stream<Item = Result<(usize, IoBufsMut), Error>> + Send {
        self.inner.read_many(ranges, options)
    }

    async fn start_read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> Handle<Vec<IoBufsMut>> {
        self.inner.start_read_many(ranges, options).await
    }

    async fn write_at(
        &self,
        offset: u64,
        bytes: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        let bytes: IoBufs = bytes.into();
        let length = bytes.len() as u64;
        self.change(self.disk.faults.tears.then(|| {
            let bytes = bytes.clone().coalesce().as_ref().to_vec();
            Change::Write { offset, bytes }
        }))?;
        if !options.contains(WriteOptions::SYNC) {
            return self.inner.write_at(offset, bytes, options).await;
        }
        if self.disk.faults.tears {
            self.clock.sleep(SYNC).await;
        }
        self.inner.write_at(offset, bytes, options).await?;
        self.overwrite(offset, length);
        Ok(())
    }

    async fn resize(&self, length: u64) -> Result<(), Error> {
        self.change(Some(Change::Resize(length)))?;
        self.inner.resize(length).await
    }

    async fn sync(&self) -> Result<(), Error> {
        self.change(None)?;
        self.settle().await;
        self.inner.sync().await
    }

    async fn start_sync(&self) -> Handle<()> {
        if let Err(error) = self.change(None) {
            return Handle::ready(Err(error));
        }
        if !self.disk.faults.tears {
            return self.inner.start_sync().await;
        }
        let (inner, settled) = (self.inner.clone(), self.settle());
        let synced = self.clock.child("sync").spawn(|_| async move {
            settled.await;
            inner.sync().await
        });
        Handle::from_future(async move { synced.await? })
    }
}
