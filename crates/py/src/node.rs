//! Run a node in this process.

use crate::allocator::keep_memory;
use crate::detached::detached;
use crate::errors::refuse;
use pyo3::prelude::*;
use std::path::PathBuf;
use trine_node::launch::run_file;

/// Runs the node that a configuration file describes, until SIGTERM, SIGINT or a failure.
#[pyfunction]
fn run(py: Python<'_>, config: PathBuf) -> PyResult<()> {
    detached(py, || run_file(&config, keep_memory))?
        .map_err(|error| refuse(error.code(), error.to_string()))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(run, module)?)
}
