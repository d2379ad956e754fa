//! Run work without the interpreter lock, and keep panics from crossing the border.

use crate::errors::refuse;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` with the lock released.
///
/// # Errors
/// `trine.errors.Internal` when `work` panics.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| {
        let text = (panic.downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        refuse("internal", format!("the core failed: {text}"))
    })
}
