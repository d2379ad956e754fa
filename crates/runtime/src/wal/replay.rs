//! Bring the files to what the log says, at a start.

use super::{
    record::{Change, Record},
    segment::{self, Contents, Segment},
    touched::Touched,
};
use crate::files::{FileName, HEADER_BYTES, write_header};
use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
};

/// Files that are open at a time.
const OPEN_MAX: usize = 64;

/// Where the log goes on after a start.
pub(super) struct Resumed {
    /// Which of the two files has the newest segment.
    pub(super) current: usize,
    pub(super) sequence: u64,
    /// Batches in it.
    pub(super) index: u64,
    pub(super) position: u64,
    /// Whether the segment before it is needed no more, and it says so.
    pub(super) stands_alone: bool,
}

fn damaged(path: &Path, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()))
}

/// Applies what both segments say to the files in `root` and makes the files durable; `None` where
/// nothing was ever logged.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidData`] for a log that is damaged.
pub(super) fn replay(root: &Path, segments: &[Segment; 2]) -> io::Result<Option<Resumed>> {
    let paths = segment::paths(root);
    let bytes = [segments[0].read()?, segments[1].read()?];
    let read = |which: usize| {
        segment::contents(&bytes[which]).map_err(|reason| damaged(&paths[which], &reason))
    };
    let found = [read(0)?, read(1)?];
    let newest = usize::from(sequence(&found[1]) > sequence(&found[0]));
    let Some(current) = &found[newest] else { return Ok(None) };
    let mut applier = Applier::new(root);
    if !current.stands_alone() {
        let path = &paths[1 - newest];
        let before = found[1 - newest].as_ref().filter(|before| {
            before.sequence + 1 == current.sequence
                && before.batches.len() as u64 == u64::from(current.previous)
        });
        let before = before.ok_or_else(|| damaged(path, "batches are missing"))?;
        applier.apply_all(before, path)?;
    }
    applier.apply_all(current, &paths[newest])?;
    applier.finish(&paths[newest])?;
    Ok(Some(Resumed {
        current: newest,
        sequence: current.sequence,
        index: current.batches.len() as u64,
        position: current.position,
        stands_alone: current.stands_alone(),
    }))
}

fn sequence(found: &Option<Contents<'_>>) -> Option<u64> {
    found.as_ref().map(|contents| contents.sequence)
}

struct Applier<'a> {
    root: &'a Path,
    open: HashMap<FileName, File>,
    touched: Touched,
    /// Files that are written and not there. A file goes after its removal is logged, so a removal
    /// follows.
    missing: BTreeSet<FileName>,
}

impl<'a> Applier<'a> {
    fn new(root: &'a Path) -> Self {
        Self { root, open: HashMap::new(), touched: Touched::default(), missing: BTreeSet::new() }
    }

    fn apply_all(&mut self, contents: &Contents<'_>, path: &Path) -> io::Result<()> {
        contents.records().try_for_each(|record| {
            self.apply(record.ok_or_else(|| damaged(path, "a record is none of this version's"))?)
        })
    }

    fn apply(&mut self, record: Record<'_>) -> io::Result<()> {
        self.touched.add(&record);
        let name = FileName { partition: record.partition.into(), file: record.file.into() };
        match record.change {
            Change::Create(version) => {
                fs::create_dir_all(self.root.join(record.partition))?;
                let path = name.path(self.root);
                let mut options = File::options();
                let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
                write_header(&file, version)?;
                self.missing.remove(&name);
                self.keep(name, file);
                Ok(())
            }
            Change::Write { offset, bytes } => self.change(name, |file| {
                let at = offset.checked_add(HEADER_BYTES).ok_or(io::ErrorKind::InvalidData)?;
                file.write_all_at(bytes, at)
            }),
            Change::Resize(length) => self.change(name, |file| {
                file.set_len(length.checked_add(HEADER_BYTES).ok_or(io::ErrorKind::InvalidData)?)
            }),
            Change::Remove => {
                self.open.remove(&name);
                self.missing.remove(&name);
                unless_missing(fs::remove_file(name.path(self.root)))
            }
            Change::RemovePartition => {
                self.open.retain(|open, _| open.partition != name.partition);
                self.missing.retain(|missing| missing.partition != name.partition);
                unless_missing(fs::remove_dir_all(self.root.join(name.partition)))
            }
            Change::Checkpointed(_) => Ok(()),
        }
    }

    fn change(
        &mut self,
        name: FileName,
        change: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(file) = self.open.get(&name) {
            return change(file);
        }
        match File::options().write(true).open(name.path(self.root)) {
            Ok(file) => {
                change(&file)?;
                self.keep(name, file);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.missing.insert(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn keep(&mut self, name: FileName, file: File) {
        if self.open.len() >= OPEN_MAX {
            self.open.clear();
        }
        self.open.insert(name, file);
    }

    fn finish(self, log: &Path) -> io::Result<()> {
        if let Some(missing) = self.missing.first() {
            let path = missing.path(self.root);
            let reason = format!("it has changes of {}, which is missing", path.display());
            return Err(damaged(log, &reason));
        }
        drop(self.open);
        self.touched.sync(self.root)
    }
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
