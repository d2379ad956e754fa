//! Hash files as streams and make the entries that logs of evidence hold.

use crate::detached::detached;
use crate::errors::bad_argument;
use crate::keys::suite;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use trine_crypto::{Digest, Suite};
use trine_verify::entry_of;

/// Bytes read at once: large enough for full disk speed, small enough for the cache.
const READ_BYTES: usize = 1 << 18;
/// Threads that hash; more gain nothing while one disk feeds them.
const THREADS_MAX: usize = 8;

fn hash_file(suite: Suite, path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = suite.hasher();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                size += length as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Hashes all `paths` on a few threads; the answers keep their order.
fn hash_all(suite: Suite, paths: &[PathBuf]) -> Vec<std::io::Result<(Digest, u64)>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(THREADS_MAX).min(paths.len()).max(1);
    let share = paths.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = paths
            .chunks(share)
            .map(|part| {
                scope.spawn(move || -> Vec<_> {
                    part.iter().map(|path| hash_file(suite, path)).collect()
                })
            })
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| match worker.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    })
}

/// Digest and size in bytes of each file, in constant memory. A file that cannot be read raises
/// `OSError` with its name.
#[pyfunction]
fn hash_files<'py>(
    py: Python<'py>,
    suite_name: &str,
    paths: Vec<PathBuf>,
) -> PyResult<Vec<(Bound<'py, PyBytes>, u64)>> {
    let suite = suite(suite_name)?;
    let hashed = detached(py, || hash_all(suite, &paths))?;
    hashed
        .into_iter()
        .zip(&paths)
        .map(|(result, path)| match result {
            Ok((digest, size)) => Ok((PyBytes::new(py, &digest.0), size)),
            Err(error) => Err(PyOSError::new_err((
                error.raw_os_error().unwrap_or(0),
                error.to_string(),
                path.clone(),
            ))),
        })
        .collect()
}

/// Entry that commits to a file: `tagged_hash("trine/evidence-entry", salt || file digest)`.
#[pyfunction]
fn entry<'py>(
    py: Python<'py>,
    suite_name: &str,
    salt: &[u8],
    digest: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let suite = suite(suite_name)?;
    let (Ok(salt), Ok(digest)) = (salt.try_into(), digest.try_into()) else {
        let (salt, digest) = (salt.len(), digest.len());
        return Err(bad_argument(format!("salt {salt} and digest {digest} bytes, expected 32")));
    };
    let entry = entry_of(suite, salt, &Digest(digest));
    Ok(PyBytes::new(py, &entry.0))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(hash_files, module)?)?;
    module.add_function(wrap_pyfunction!(entry, module)?)
}
