//! Raise the exceptions of `trine.errors`, one for each code.

use pyo3::prelude::*;
use trine_types::{Code, DecodeError};

/// Makes the exception with this stable code.
pub fn refuse(code: &'static str, message: impl Into<String>) -> PyErr {
    let message = message.into();
    Python::attach(|py| {
        let made = py
            .import("trine.errors")
            .and_then(|module| module.call_method1("error_of", (code, &message)));
        match made {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    })
}

/// Bytes were refused by the codec.
pub fn of_decode(error: &DecodeError) -> PyErr {
    refuse(Code::from(error).name(), error.to_string())
}

/// An argument has a value that no caller of the SDK passes by itself.
pub fn bad_argument(message: impl Into<String>) -> PyErr {
    refuse("bad_argument", message)
}
