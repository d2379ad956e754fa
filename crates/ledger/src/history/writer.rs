//! Run the threads that append blocks and write checkpoints.

use super::{
    FinalizedBlock, HistoryError,
    find::Indexed,
    index::Checkpoint,
    record::{Encoded, encode},
    store::{Settings, Shared},
};
use futures::{FutureExt as _, channel::oneshot, future::BoxFuture};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
};
use trine_types::{Height, application::LogAppend, limits::HISTORY_QUEUE_BLOCKS_MAX};

/// How far the appending thread has come.
pub(super) struct Progress {
    shared: Arc<Shared>,
    settings: Settings,
    /// Next height; none as long as the store is empty.
    next: Option<u64>,
    /// Transactions stored.
    transactions: u64,
    /// Index items since the last checkpoint.
    items: usize,
    /// Blocks since the last checkpoint.
    blocks: u64,
}

impl Progress {
    pub(super) const fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        Self { shared, settings, next: None, transactions: 0, items: 0, blocks: 0 }
    }

    /// Derives from the segments what the last checkpoint does not cover.
    pub(super) fn replay(&mut self) -> Result<(), HistoryError> {
        let shared = self.shared.clone();
        let Some((first, end)) = shared.segments.range() else {
            self.next = shared.base().map(|base| base.height.0 + 1);
            return Ok(());
        };
        let from = shared.index.checkpoint().0.unwrap_or(first);
        for height in from.0..end.0 {
            if let Some(record) = shared.segments.record(Height(height))? {
                self.derive(&Indexed::from(&record))?;
            }
            if self.is_checkpoint_due(1) {
                let checkpoint = self.checkpoint(height + 1);
                shared.index.write(checkpoint, &shared.evidence)?;
            }
        }
        let Some(last) = end.0.checked_sub(1) else { return Ok(()) };
        if let Some(head) = shared.segments.head(Height(last))? {
            self.next = Some(end.0);
            self.transactions = head.transactions_total();
        }
        Ok(())
    }

    /// Brings the next checkpoint forward where the settings say so.
    pub(super) fn stagger(&mut self) {
        if self.settings.staggered {
            self.items += self.shared.index.draw(self.settings.checkpoint_items);
        }
    }

    /// Adds a stored block to evidence and index.
    fn derive(&mut self, block: &Indexed<'_>) -> Result<(), HistoryError> {
        let Shared { evidence, index, .. } = &*self.shared;
        joined(&block.log_appends).iter().try_for_each(|append| evidence.append(append))?;
        let mut items = Vec::with_capacity(3 * block.transactions.len());
        block.keys(|key, location| items.push(index.item(key, location)));
        self.items += items.len();
        self.blocks += 1;
        index.insert(items);
        Ok(())
    }

    const fn is_checkpoint_due(&self, times: u32) -> bool {
        self.items >= self.settings.checkpoint_items.saturating_mul(times as usize)
            || self.blocks >= self.settings.checkpoint_blocks.saturating_mul(times as u64)
    }

    fn checkpoint(&mut self, next: u64) -> Checkpoint {
        (self.items, self.blocks) = (0, 0);
        self.shared.index.freeze(Height(next), self.shared.evidence.sizes())
    }
}

/// The changes of each log as one: what a block appends to a log has successive indices.
fn joined(appends: &[&LogAppend]) -> Vec<LogAppend> {
    let mut logs = BTreeMap::new();
    for LogAppend { log, first_index, entries } in appends {
        let start = || LogAppend { log: *log, first_index: *first_index, entries: Vec::new() };
        logs.entry(*log).or_insert_with(start).entries.extend(entries);
    }
    logs.into_values().collect()
}

/// A block on its way, and who waits for it.
struct Job {
    block: Arc<FinalizedBlock>,
    done: oneshot::Sender<Result<(), HistoryError>>,
}

impl Job {
    fn answer(self, result: Result<(), HistoryError>) {
        // Whoever waited may have gone.
        let _ = self.done.send(result);
    }
}

/// The way to the appending thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts both threads.
pub(super) fn start(progress: Progress) -> std::io::Result<Writer> {
    let (jobs, received) = sync_channel(HISTORY_QUEUE_BLOCKS_MAX);
    let (checkpoints, due) = channel::<Checkpoint>();
    let (report, written) = channel();
    let shared = progress.shared.clone();
    let write_checkpoints = move || {
        for checkpoint in due {
            // The other end is gone when the store closes; the checkpoint is complete all the same.
            let _ = report.send(shared.index.write(checkpoint, &shared.evidence));
        }
    };
    let mut appender =
        Appender { progress, checkpoints, written, is_writing: false, failure: None };
    let append_blocks = move || {
        while let Ok(job) = received.recv() {
            let mut batch = vec![job];
            batch.extend(received.try_iter().take(HISTORY_QUEUE_BLOCKS_MAX - 1));
            appender.take(batch);
        }
    };
    let threads = vec![
        thread::Builder::new().name("history".to_owned()).spawn(append_blocks)?,
        thread::Builder::new().name("history-index".to_owned()).spawn(write_checkpoints)?,
    ];
    Ok(Writer { jobs: Some(jobs), threads })
}

impl Writer {
    pub(super) fn append(
        &self,
        block: Arc<FinalizedBlock>,
    ) -> BoxFuture<'static, Result<(), HistoryError>> {
        let (done, result) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { block, done }).is_ok());
        async move {
            let stopped = || HistoryError::Stopped("its thread has ended".to_owned());
            if !sent {
                return Err(stopped());
            }
            result.await.unwrap_or_else(|_| Err(stopped()))
        }
        .boxed()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic has been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// What the appending thread owns.
struct Appender {
    progress: Progress,
    checkpoints: Sender<Checkpoint>,
    written: Receiver<Result<(), HistoryError>>,
    /// Whether a checkpoint is on its way.
    is_writing: bool,
    failure: Option<String>,
}

impl Appender {
    /// Stores the blocks with as few syncs as their order allows, and answers everybody.
    fn take(&mut self, batch: Vec<Job>) {
        let mut successors = Vec::new();
        for job in batch {
            let height = |job: &Job| job.block.header.height.0;
            let follows = successors.last().map(|last| height(last) + 1).or(self.progress.next);
            if follows.is_some_and(|follows| follows != height(&job)) {
                self.store(std::mem::take(&mut successors));
                let result = self.check_stored(&job.block);
                job.answer(result);
                continue;
            }
            successors.push(job);
        }
        self.store(successors);
    }

    /// Accepts a block that is stored already.
    fn check_stored(&self, block: &FinalizedBlock) -> Result<(), HistoryError> {
        let (height, delivered) = (block.header.height, block.digest);
        match self.progress.shared.segments.head(height)?.map(|head| head.digest) {
            Some(stored) if stored == delivered => Ok(()),
            Some(stored) => Err(HistoryError::Conflict { height, stored, delivered }),
            None => {
                let expected = Height(self.progress.next.unwrap_or(height.0));
                Err(HistoryError::Gap { expected, delivered: height })
            }
        }
    }

    /// Stores blocks that follow each other with one sync.
    fn store(&mut self, jobs: Vec<Job>) {
        let mut encoded = Vec::with_capacity(jobs.len());
        let mut accepted = Vec::with_capacity(jobs.len());
        let mut transactions = self.progress.transactions;
        let mut jobs = jobs.into_iter();
        for job in jobs.by_ref() {
            match encode(&job.block, transactions) {
                Ok(record) => {
                    transactions += job.block.transactions.len() as u64;
                    encoded.push(record);
                    accepted.push(job);
                }
                Err(what) => {
                    let height = job.block.header.height;
                    job.answer(Err(HistoryError::Inconsistent { height, what }));
                    break;
                }
            }
        }
        let mut result = self.try_store(&accepted, &encoded);
        if let Err(error) = &result {
            self.failure.get_or_insert_with(|| error.to_string());
        }
        for job in accepted {
            let next = self.failure.clone().map_or(Ok(()), |why| Err(HistoryError::Stopped(why)));
            job.answer(std::mem::replace(&mut result, next));
        }
        for job in jobs {
            let result = self.check_stored(&job.block);
            job.answer(result);
        }
    }

    fn try_store(&mut self, jobs: &[Job], records: &[Encoded]) -> Result<(), HistoryError> {
        if let Some(failure) = &self.failure {
            return Err(HistoryError::Stopped(failure.clone()));
        }
        let Some(first) = jobs.first().map(|job| job.block.header.height) else { return Ok(()) };
        self.progress.shared.segments.append(first, records)?;
        for job in jobs {
            self.progress.next = Some(job.block.header.height.0 + 1);
            self.progress.transactions += job.block.transactions.len() as u64;
            self.progress.derive(&Indexed::from(&*job.block))?;
        }
        self.write_checkpoint()
    }

    /// Hands a checkpoint to the other thread when one is due. Waits for the one before when the
    /// items in memory would become too many.
    fn write_checkpoint(&mut self) -> Result<(), HistoryError> {
        if self.is_writing {
            let written = match self.progress.is_checkpoint_due(2) {
                true => self.written.recv().ok(),
                false => self.written.try_recv().ok(),
            };
            if let Some(result) = written {
                self.is_writing = false;
                result?;
            }
        }
        let Some(next) = self.progress.next.filter(|_| self.progress.is_checkpoint_due(1)) else {
            return Ok(());
        };
        if !self.is_writing {
            let sent = self.checkpoints.send(self.progress.checkpoint(next));
            let ended = |_| HistoryError::Stopped("the checkpoint thread has ended".to_owned());
            sent.map_err(ended)?;
            self.is_writing = true;
        }
        Ok(())
    }
}
