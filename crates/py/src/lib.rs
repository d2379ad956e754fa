//! Expose the Rust core to Python.
