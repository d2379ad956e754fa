//! Which files a part of the log speaks of.

use super::record::{Change, Record};
use crate::files::FileName;
use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    io,
    path::Path,
};

/// What has to be synced before a part of the log may go.
#[derive(Default)]
pub(super) struct Touched {
    files: HashSet<FileName>,
    partitions: BTreeSet<String>,
}

impl Touched {
    pub(super) fn add(&mut self, record: &Record<'_>) {
        match record.change {
            Change::Checkpointed(_) => return,
            Change::RemovePartition => self.files.retain(|name| name.partition != record.partition),
            Change::Remove => {
                self.files.remove(&FileName {
                    partition: record.partition.into(),
                    file: record.file.into(),
                });
            }
            Change::Create(_) | Change::Write { .. } | Change::Resize(_) => {
                self.files.insert(FileName {
                    partition: record.partition.into(),
                    file: record.file.into(),
                });
            }
        }
        if !matches!(record.change, Change::Write { .. } | Change::Resize(_))
            && !self.partitions.contains(record.partition)
        {
            self.partitions.insert(record.partition.into());
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
        self.partitions.extend(other.partitions);
    }

    /// Makes all of it durable. What has been removed since is left out: its name is not there.
    pub(super) fn sync(&self, root: &Path) -> io::Result<()> {
        for name in &self.files {
            sync(&name.path(root), File::sync_data)?;
        }
        for partition in &self.partitions {
            sync(&root.join(partition), File::sync_all)?;
        }
        if self.partitions.is_empty() { Ok(()) } else { sync(root, File::sync_all) }
    }
}

fn sync(path: &Path, how: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => how(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
