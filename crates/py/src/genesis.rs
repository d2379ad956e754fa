//! Check genesis documents, and derive the accounts that they generate.

use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use crate::keys::SecretKey;
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

/// Keys of the first `count` generated accounts of a genesis document, in bulk.
#[pyfunction]
fn generated_keys(py: Python<'_>, document: &[u8], count: u64) -> PyResult<Vec<SecretKey>> {
    let derive = || {
        let genesis = Genesis::from_json(document).map_err(|error| error.to_string())?;
        let suite = genesis.suite().map_err(|error| error.to_string())?;
        Ok((genesis.generated_accounts.map(|all| (all.count, all)), suite))
    };
    let read: Result<_, String> = detached(py, derive)?;
    let (generated, suite) = read.map_err(|message| refuse("bad_genesis", message))?;
    match generated {
        Some((most, all)) if count <= most => {
            let keys = detached(py, || all.secret_keys(suite, 0..count))?;
            Ok(keys.into_iter().map(SecretKey).collect())
        }
        found => {
            let most = found.map_or(0, |(most, _)| most);
            Err(bad_argument(format!("{count} keys, the genesis generates {most} accounts")))
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(chain_id, module)?)?;
    module.add_function(wrap_pyfunction!(generated_keys, module)?)
}
