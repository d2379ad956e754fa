//! Hold secret keys, sign, verify and derive addresses.

use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use trine_crypto::{Algorithm, BatchItem, KeyError, Suite};
use trine_types::Address;

pub fn algorithm(name: &str) -> PyResult<Algorithm> {
    name.parse().map_err(|error| of_key(&error))
}

pub fn suite(name: &str) -> PyResult<Suite> {
    name.parse::<Suite>().map_err(|error| refuse("unknown_suite", error.to_string()))
}

/// The suite whose hash function has the name.
pub fn suite_hashing(function: &str) -> PyResult<Suite> {
    match function {
        "sha256" => Ok(Suite::Intl),
        "sm3" => Ok(Suite::Gm),
        other => Err(bad_argument(format!("hash function {other:?}, expected sha256 or sm3"))),
    }
}

fn of_key(error: &KeyError) -> PyErr {
    let code = match error {
        KeyError::UnknownAlgorithm(_) => "unknown_algorithm",
        KeyError::BadSecretKey { .. } => "bad_secret_key",
    };
    refuse(code, error.to_string())
}

/// A secret key; erased from memory when dropped.
#[pyclass(frozen, module = "trine._core.keys")]
pub struct SecretKey(pub trine_crypto::SecretKey);

#[pymethods]
impl SecretKey {
    #[new]
    fn new(algorithm_name: &str, secret: &[u8]) -> PyResult<Self> {
        let algorithm = algorithm(algorithm_name)?;
        trine_crypto::SecretKey::from_bytes(algorithm, secret)
            .map(Self)
            .map_err(|error| of_key(&error))
    }

    /// Name of the algorithm.
    #[getter]
    fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// Public key, encoded.
    fn public_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.public_key())
    }

    /// The secret itself, for a keystore to encrypt.
    fn expose<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.expose())
    }

    /// Signs `message` in `namespace`.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        namespace: &[u8],
        message: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signature = detached(py, || self.0.sign(namespace, message))?;
        Ok(PyBytes::new(py, &signature))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// Says whether `signature` is valid.
#[pyfunction]
fn verify(
    py: Python<'_>,
    algorithm_name: &str,
    public_key: &[u8],
    namespace: &[u8],
    message: &[u8],
    signature: &[u8],
) -> PyResult<bool> {
    let algorithm = algorithm(algorithm_name)?;
    let item = BatchItem { algorithm, public_key, namespace, message, signature };
    detached(py, || trine_crypto::verify(item))
}

/// Says whether `key` is a well-formed public key of the algorithm.
#[pyfunction]
fn is_public_key(algorithm_name: &str, key: &[u8]) -> PyResult<bool> {
    Ok(algorithm(algorithm_name)?.is_public_key(key))
}

/// Address of the account whose first key this is.
#[pyfunction]
fn address_of_key<'py>(
    py: Python<'py>,
    suite_name: &str,
    algorithm_name: &str,
    public_key: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let (suite, algorithm) = (suite(suite_name)?, algorithm(algorithm_name)?);
    if public_key.len() != algorithm.public_key_bytes() {
        let (found, expected) = (public_key.len(), algorithm.public_key_bytes());
        return Err(bad_argument(format!("public key of {found} bytes, expected {expected}")));
    }
    Ok(PyBytes::new(py, &Address::of_key(suite, algorithm, public_key).0))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SecretKey>()?;
    module.add_function(wrap_pyfunction!(verify, module)?)?;
    module.add_function(wrap_pyfunction!(is_public_key, module)?)?;
    module.add_function(wrap_pyfunction!(address_of_key, module)?)
}
