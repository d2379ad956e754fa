//! Write many files that survive a crash, with the interpreter lock released once.

use crate::detached::detached;
use crate::errors::bad_argument;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Files that are written and synced at a time: the disk takes many as one.
const SYNCS: usize = 32;

/// Tells the partial files of this process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A failure, and the file that it is about.
type Failed = (PathBuf, io::Error);

/// Writes a file beside its place, and syncs it; gives where it is.
fn write_partial(place: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let hidden = format!(".{}.{}-{number}", name.to_string_lossy(), std::process::id());
    let partial = folder.join(hidden);
    let mut file = File::create(&partial)?;
    file.write_all(content)?;
    file.sync_data()?;
    Ok(partial)
}

/// Does the work for each item on a few threads; the answers keep their order.
fn on_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(SYNCS).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(share)
            .map(|part| scope.spawn(|| part.iter().map(&work).collect::<Vec<R>>()))
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<R>>| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    })
}

/// Makes a folder where it is missing, and adds to `changed` in which folders there are new names.
fn make_folder<'a>(folder: &'a Path, changed: &mut BTreeSet<&'a Path>) -> io::Result<()> {
    let missing = folder.ancestors().take_while(|one| !one.exists());
    changed.extend(missing.filter_map(Path::parent));
    changed.insert(folder);
    fs::create_dir_all(folder)
}

/// Writes every file whole or not at all, then makes their names survive.
fn write_all(files: &[(PathBuf, PyBackedBytes)]) -> Result<(), Failed> {
    let mut changed = BTreeSet::new();
    for folder in files.iter().filter_map(|(place, _)| place.parent()).collect::<BTreeSet<_>>() {
        make_folder(folder, &mut changed).map_err(|error| (folder.to_path_buf(), error))?;
    }
    let partials = on_threads(files, |(place, content)| write_partial(place, content));
    for ((place, _), partial) in files.iter().zip(partials) {
        let moved = partial.and_then(|partial| fs::rename(partial, place));
        moved.map_err(|error| (place.clone(), error))?;
    }
    let folders: Vec<&Path> = changed.into_iter().collect();
    let synced = on_threads(&folders, |folder| File::open(folder)?.sync_all());
    for (folder, done) in folders.iter().zip(synced) {
        done.map_err(|error| (folder.to_path_buf(), error))?;
    }
    Ok(())
}

/// Writes files; on return they survive a crash of the machine. Folders are made where they are
/// missing. Raises `OSError` with the name of the first that cannot be written.
#[pyfunction]
fn write_files(py: Python<'_>, paths: Vec<PathBuf>, contents: Vec<PyBackedBytes>) -> PyResult<()> {
    if paths.len() != contents.len() {
        let (paths, contents) = (paths.len(), contents.len());
        return Err(bad_argument(format!("{contents} contents, expected {paths}")));
    }
    let failed = |(place, error): Failed| {
        PyOSError::new_err((error.raw_os_error().unwrap_or(0), error.to_string(), place))
    };
    let absolute =
        |place: PathBuf| std::path::absolute(&place).map_err(|error| failed((place, error)));
    let paths = paths.into_iter().map(absolute).collect::<PyResult<Vec<_>>>()?;
    let files: Vec<_> = paths.into_iter().zip(contents).collect();
    detached(py, || write_all(&files))?.map_err(failed)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(write_files, module)?)
}
