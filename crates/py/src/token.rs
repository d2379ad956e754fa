//! Find, make and use keys in hardware tokens.

use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use crate::keys::algorithm;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use trine_token::{KeyName, PinSource, Sm2Codes, TokenConfig, TokenError, TokenName};

/// The exception of a token's refusal.
pub fn of_token(error: &TokenError) -> PyErr {
    refuse(error.code(), error.to_string())
}

/// A vendor's numbers for SM2: key type, mechanism that generates, mechanism that signs.
type Codes = (u64, u64, u64);

/// A token with which sessions are open.
#[pyclass(frozen, module = "trine._core.token")]
pub struct Token(trine_token::Token);

#[pymethods]
impl Token {
    /// Opens the token with this label or serial number; logs in with the PIN of a file or of an
    /// environment variable.
    #[new]
    #[pyo3(signature = (
        module, *, label=None, serial=None, pin_file=None, pin_variable=None, sm2=None, wait_ms=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
    fn new(
        py: Python<'_>,
        module: PathBuf,
        label: Option<String>,
        serial: Option<String>,
        pin_file: Option<PathBuf>,
        pin_variable: Option<String>,
        sm2: Option<Codes>,
        wait_ms: Option<u64>,
    ) -> PyResult<Self> {
        let token = match (label, serial) {
            (Some(label), None) => TokenName::Label(label),
            (None, Some(serial)) => TokenName::Serial(serial),
            _ => return Err(bad_argument("a token has a label or a serial number, one of them")),
        };
        let pin = match (pin_file, pin_variable) {
            (Some(file), None) => PinSource::File(file),
            (None, Some(name)) => PinSource::Variable(name),
            _ => return Err(bad_argument("a PIN is in a file or in a variable, one of them")),
        };
        let mut config = TokenConfig::new(module, token, pin);
        config.sm2 = sm2.map(|(key_type, generate, sign)| Sm2Codes { key_type, generate, sign });
        config.wait_ms = wait_ms.unwrap_or(config.wait_ms);
        let opened = detached(py, || trine_token::Token::open(config))?;
        opened.map(Self).map_err(|error| of_token(&error))
    }

    /// Finds a key pair by its label, and by its id where several share a label.
    #[pyo3(signature = (label, key_id=None))]
    fn key(&self, py: Python<'_>, label: String, key_id: Option<Vec<u8>>) -> PyResult<TokenKey> {
        let found = detached(py, || self.0.key(&KeyName { label, id: key_id }))?;
        found.map(TokenKey).map_err(|error| of_token(&error))
    }

    /// Makes a key pair that cannot leave the token.
    #[pyo3(signature = (algorithm_name, label, key_id=None))]
    fn generate(
        &self,
        py: Python<'_>,
        algorithm_name: &str,
        label: String,
        key_id: Option<Vec<u8>>,
    ) -> PyResult<TokenKey> {
        let algorithm = algorithm(algorithm_name)?;
        let made = detached(py, || self.0.generate(algorithm, &KeyName { label, id: key_id }))?;
        made.map(TokenKey).map_err(|error| of_token(&error))
    }
}

/// A key that lives in a token.
#[pyclass(frozen, module = "trine._core.token")]
pub struct TokenKey(pub trine_token::TokenKey);

#[pymethods]
impl TokenKey {
    /// Name of the algorithm.
    #[getter]
    fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// Label of the key in its token.
    #[getter]
    fn label(&self) -> &str {
        &self.0.name().label
    }

    /// Id of the key in its token, where it was named or made with one.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.name().id.as_ref().map(|id| PyBytes::new(py, id))
    }

    /// Public key, encoded.
    fn public_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.public_key())
    }

    /// Signs `message` in `namespace`, inside the token.
    fn sign<'py>(
        &self,
        py: Python<'py>,
        namespace: &[u8],
        message: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signature = detached(py, || self.0.sign(namespace, message))?;
        Ok(PyBytes::new(py, &signature.map_err(|error| of_token(&error))?))
    }

    /// Signs and verifies a random challenge; returns the time it took, in microseconds.
    fn health(&self, py: Python<'_>) -> PyResult<u64> {
        let health = detached(py, || self.0.health())?.map_err(|error| of_token(&error))?;
        Ok(health.took.as_micros() as u64)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Token>()?;
    module.add_class::<TokenKey>()
}
