//! Check genesis documents.

use crate::detached::detached;
use crate::errors::refuse;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use trine_types::Genesis;

/// Checks a genesis document and returns its chain id.
#[pyfunction]
fn chain_id<'py>(py: Python<'py>, document: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let id = detached(py, || Genesis::from_json(document).map(|genesis| genesis.chain_id()))?
        .map_err(|error| refuse("bad_genesis", error.to_string()))?;
    Ok(PyBytes::new(py, &id.0))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(chain_id, module)?)
}
