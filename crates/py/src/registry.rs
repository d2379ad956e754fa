//! List the core's codes, limits, methods and parameters, for the SDK and its tests.

use pyo3::prelude::*;
use trine_types::call::METHODS;
use trine_types::record::PARAMETERS;
use trine_types::{Code, limits};

/// Every verdict as (number, name).
#[pyfunction]
fn codes() -> Vec<(u16, &'static str)> {
    Code::ALL.iter().map(|code| (code.number(), code.name())).collect()
}

/// Every method as (module number, module name, method number, method name).
#[pyfunction]
fn methods() -> Vec<(u8, &'static str, u8, &'static str)> {
    METHODS.to_vec()
}

/// Every parameter as (name, default, smallest, largest value), in the order of the numbers.
#[pyfunction]
fn parameters() -> Vec<(&'static str, u64, u64, u64)> {
    PARAMETERS.iter().map(|rule| (rule.name, rule.default, rule.min, rule.max)).collect()
}

macro_rules! named {
    ($($name:ident)*) => {
        /// The limits that a client meets.
        const LIMITS: &[(&str, u64)] = &[$((stringify!($name), limits::$name as u64),)*];
    };
}

named! {
    TRANSACTION_BYTES_MAX CALLS_MAX ARGUMENTS_BYTES_MAX SIGNATURE_BYTES_MAX PUBLIC_KEY_BYTES_MAX
    BATCH_TRANSACTIONS_MAX BATCH_BYTES_MAX NONCE_WINDOW NONCE_SLIDE_MAX ACCOUNT_KEYS_MAX
    NAME_BYTES_MAX SYMBOL_BYTES_MAX DECIMALS_MAX MEDIA_TYPE_BYTES_MAX ENTRIES_MAX
    EVIDENCE_REFERENCE_BYTES_MAX TRANSFER_REFERENCE_BYTES_MIN TRANSFER_REFERENCE_BYTES_MAX
    VALIDATORS_MAX GENESIS_BYTES_MAX BLOCKS_PER_EPOCH_MIN BLOCKS_PER_EPOCH_MAX
    GENERATED_ACCOUNTS_MAX WAIT_MS_MAX PAGE_LIMIT_MAX RECEIPTS_MAX PROOF_BYTES_MAX TRUST_BYTES_MAX
    FILE_NAME_BYTES_MAX
}

/// Every limit that a client meets, as (name, value).
#[pyfunction(name = "limits")]
fn list_limits() -> Vec<(&'static str, u64)> {
    LIMITS.to_vec()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(codes, module)?)?;
    module.add_function(wrap_pyfunction!(methods, module)?)?;
    module.add_function(wrap_pyfunction!(parameters, module)?)?;
    module.add_function(wrap_pyfunction!(list_limits, module)?)
}
