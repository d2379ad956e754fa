//! Read and write files at offsets, replace them atomically, keep a bounded number open.

use super::HistoryError;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// CRC-32C (RFC 3720, appendix B.4) of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Creates a folder with its parents.
pub fn create_folder(path: &Path) -> Result<(), HistoryError> {
    fs::create_dir_all(path).map_err(HistoryError::io("create folder", path))
}

/// Makes the names in a folder survive a crash.
pub fn sync_folder(path: &Path) -> Result<(), HistoryError> {
    let folder = File::open(path).map_err(HistoryError::io("open folder", path))?;
    folder.sync_all().map_err(HistoryError::io("sync folder", path))
}

/// Opens a file for reading and writing, and creates it where it is missing.
pub fn open_or_create(path: &Path) -> Result<File, HistoryError> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    options.map_err(HistoryError::io("open", path))
}

/// Fills `buffer` from `offset` on.
pub fn read_at(
    file: &File,
    path: &Path,
    buffer: &mut [u8],
    offset: u64,
) -> Result<(), HistoryError> {
    file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            HistoryError::corrupt(path, offset, "the file ends early")
        }
        _ => HistoryError::Io { action: "read", path: path.to_owned(), source: error },
    })
}

/// Writes all of `bytes` at `offset`.
pub fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<(), HistoryError> {
    file.write_all_at(bytes, offset).map_err(HistoryError::io("write", path))
}

/// Replaces a file so that after a crash either the old or the new content is there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), HistoryError> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary).map_err(HistoryError::io("create", &temporary))?;
    file.write_all(bytes).map_err(HistoryError::io("write", &temporary))?;
    file.sync_all().map_err(HistoryError::io("sync", &temporary))?;
    fs::rename(&temporary, path).map_err(HistoryError::io("replace", path))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Files of one folder, of which only the most recently used stay open.
#[derive(Debug)]
pub struct FileCache {
    folder: PathBuf,
    open_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    clock: u64,
    files: HashMap<String, (u64, Arc<File>)>,
}

impl FileCache {
    /// Keeps at most `open_max` files of `folder` open.
    pub fn new(folder: PathBuf, open_max: usize) -> Self {
        Self { folder, open_max, open: Mutex::default() }
    }

    /// Path of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the open file, or opens it.
    ///
    /// # Errors
    /// [`HistoryError::Io`] when the file is missing or cannot be opened.
    pub fn get(&self, name: &str) -> Result<Arc<File>, HistoryError> {
        self.find(name, |path| File::open(path).map_err(HistoryError::io("open", path)))
    }

    /// Returns the open file, or opens it for writing and creates it where it is missing.
    ///
    /// # Errors
    /// [`HistoryError::Io`] when it cannot be opened.
    pub fn get_or_create(&self, name: &str) -> Result<Arc<File>, HistoryError> {
        self.find(name, open_or_create)
    }

    fn find(
        &self,
        name: &str,
        open: impl FnOnce(&Path) -> Result<File, HistoryError>,
    ) -> Result<Arc<File>, HistoryError> {
        let mut state = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        if let Some((used, file)) = state.files.get_mut(name) {
            *used = now;
            return Ok(file.clone());
        }
        let file = Arc::new(open(&self.path(name))?);
        if state.files.len() >= self.open_max {
            let oldest = state.files.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                state.files.remove(&name);
            }
        }
        state.files.insert(name.to_owned(), (now, file.clone()));
        Ok(file)
    }
}
