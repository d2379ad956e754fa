//! Keep one write-ahead log under the engine's small files: a sync makes durable what all of them
//! were given since the last.
//!
//! The engine keeps votes, certificates and the state of its journals in dozens of files and syncs
//! each of them several times a block. Here a change of such a file is written to the file without
//! a sync, and appended to one log. A sync of any of these files is a sync of the log, and changes
//! that wait for one share it. When a segment of the log is full, the files it speaks of are synced
//! once; a start applies to the files what the log says ([`segment`] has the format).
//!
//! The promise is the one that [`commonware_runtime::Blob::sync`] makes: after a crash a file has
//! all that was synced, and any part of what was not. It rests on three rules:
//!
//! - every change of these files is in the log, in the order in which the files got them;
//! - a change that takes something away (a removal, a shorter length) is durable in the log before
//!   the file has it, so that no file lacks what the log builds upon;
//! - after an error of the log nothing counts as durable any more.

mod file;
mod record;
mod replay;
mod segment;
#[cfg(test)]
mod tests;
mod touched;
mod writer;

pub(crate) use file::LoggedBlob;

use crate::files::FileName;
use commonware_runtime::{Error, Handle};
use futures::channel::oneshot;
use record::{Change, OVERHEAD_BYTES_MAX, Record};
use segment::{BATCH_HEADER_BYTES, Segment};
use std::{
    collections::HashMap,
    io, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::task::spawn_blocking;
use touched::Touched;
use writer::Writer;

/// Most bytes of records that wait to be written; whoever changes a file waits for room.
const PENDING_BYTES_MAX: usize = if cfg!(test) { 64 << 10 } else { 8 << 20 };
/// Larger writes are several records.
const PIECE_BYTES_MAX: usize = if cfg!(test) { 8 << 10 } else { 1 << 20 };
/// Buffers up to this size are kept for the next batch.
const KEPT_BYTES_MAX: usize = 2 << 20;
const _: () = assert!(PIECE_BYTES_MAX + OVERHEAD_BYTES_MAX < PENDING_BYTES_MAX);
const _: () = assert!((PENDING_BYTES_MAX as u64) < segment::SEGMENT_BYTES / 2);

/// Reads a file of the log as a start does; returns how many changes it has.
///
/// # Errors
/// Says what is damaged.
pub fn count_changes(segment: &[u8]) -> Result<usize, String> {
    let Some(contents) = segment::contents(segment)? else { return Ok(0) };
    let known = contents.records().map(|record| record.map(|_| ()));
    let count: Option<Vec<()>> = known.collect();
    count.map(|all| all.len()).ok_or_else(|| "a record is none of this version's".to_owned())
}

/// Who waits, and for how many records.
struct Waiter {
    until: u64,
    answer: oneshot::Sender<Result<(), Error>>,
}

struct State {
    /// Records behind room for a batch's header.
    pending: Vec<u8>,
    touched: Touched,
    /// Records appended.
    appended: u64,
    /// Records that are durable.
    durable: u64,
    waiters: Vec<Waiter>,
    /// Whether a thread writes.
    busy: bool,
    failed: Option<Error>,
}

/// The log of a folder.
pub(crate) struct Wal {
    root: PathBuf,
    state: Mutex<State>,
    writer: Mutex<Writer>,
    /// Open files.
    open: Mutex<HashMap<FileName, Weak<file::Logged>>>,
    /// Held by whoever makes or removes files.
    names: Arc<tokio::sync::Mutex<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while these are held but for a lack of memory, which ends the process.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wal {
    /// Applies the log in the folder `root` to its files, and goes on with it. Nothing of the
    /// folder may be open.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::InvalidData`] for a log that is damaged.
    pub(crate) fn open(root: &Path) -> io::Result<Arc<Self>> {
        let paths = segment::paths(root);
        let segments = [Segment::open(&paths[0])?, Segment::open(&paths[1])?];
        let resumed = replay::replay(root, &segments)?;
        let writer = Writer::resume(root.to_owned(), segments, resumed.as_ref())?;
        let state = State {
            pending: writer::empty(),
            touched: Touched::default(),
            appended: 0,
            durable: 0,
            waiters: Vec::new(),
            busy: false,
            failed: None,
        };
        Ok(Arc::new(Self {
            root: root.to_owned(),
            state: Mutex::new(state),
            writer: Mutex::new(writer),
            open: Mutex::default(),
            names: Arc::default(),
        }))
    }

    /// Appends a record; returns how many there are with it, or `None` where too much waits.
    fn try_append(&self, record: &Record<'_>) -> Result<Option<u64>, Error> {
        let mut state = lock(&self.state);
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if state.pending.len() + record.bytes_max() > PENDING_BYTES_MAX {
            return Ok(None);
        }
        record.encode(&mut state.pending);
        state.touched.add(record);
        state.appended += 1;
        Ok(Some(state.appended))
    }

    /// Appends a record, after a sync where too much waits; returns how many there are with it.
    async fn append(self: &Arc<Self>, record: Record<'_>) -> Result<u64, Error> {
        loop {
            if let Some(until) = self.try_append(&record)? {
                return Ok(until);
            }
            self.sync_all().await?;
        }
    }

    /// Makes the first `until` records durable.
    fn sync(self: &Arc<Self>, until: u64) -> Handle<()> {
        let mut state = lock(&self.state);
        if let Some(error) = &state.failed {
            return Handle::ready(Err(error.clone()));
        }
        if until <= state.durable {
            return Handle::ready(Ok(()));
        }
        let (answer, answered) = oneshot::channel();
        state.waiters.push(Waiter { until, answer });
        if !mem::replace(&mut state.busy, true) {
            let log = self.clone();
            spawn_blocking(move || log.write());
        }
        Handle::from_future(async { answered.await.map_err(|_| Error::Closed)? })
    }

    async fn sync_all(self: &Arc<Self>) -> Result<(), Error> {
        let appended = lock(&self.state).appended;
        self.sync(appended).await
    }

    /// Writes what waits until nobody waits for it.
    fn write(&self) {
        let mut writer = lock(&self.writer);
        let mut batch = writer::empty();
        loop {
            let mut state = lock(&self.state);
            if state.waiters.is_empty() {
                state.busy = false;
                return;
            }
            mem::swap(&mut state.pending, &mut batch);
            let touched = mem::take(&mut state.touched);
            let until = state.appended;
            drop(state);
            let written = writer.write(&mut batch, touched);
            self.written(until, written);
            batch.truncate(BATCH_HEADER_BYTES);
            batch.shrink_to(KEPT_BYTES_MAX);
        }
    }

    /// Tells those who waited for the first `until` records.
    fn written(&self, until: u64, written: io::Result<()>) {
        let mut state = lock(&self.state);
        let answer = match written {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::from(error)),
        };
        match &answer {
            Ok(()) => state.durable = until,
            Err(error) => state.failed = Some(error.clone()),
        }
        let failed = answer.is_err();
        let done: Vec<_> =
            state.waiters.extract_if(.., |waiter| failed || waiter.until <= until).collect();
        drop(state);
        for waiter in done {
            // Who does not wait any more does not mind.
            let _ = waiter.answer.send(answer.clone());
        }
    }

    /// After this nothing counts as durable.
    fn fail(&self, error: &Error) {
        lock(&self.state).failed.get_or_insert_with(|| error.clone());
    }
}
