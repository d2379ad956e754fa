//! Expose the Rust core to Python as `trine._core`: bytes in, bytes out.
//!
//! Thin: argument conversion and error mapping only. Long work runs with the interpreter lock
//! released; a panic becomes `trine.errors.Internal`.

mod allocator;
mod calls;
mod crypto;
mod detached;
mod durable;
mod errors;
mod evidence;
mod genesis;
mod keys;
mod load;
mod memory_chain;
mod node;
mod proofs;
mod registry;
mod statements;
mod token;
mod transactions;

use pyo3::prelude::*;

/// Adds a submodule so that `import trine._core.NAME` works as well as attribute access.
fn add(
    parent: &Bound<'_, PyModule>,
    name: &str,
    register: fn(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let full_name = format!("trine._core.{name}");
    let module = PyModule::new(parent.py(), &full_name)?;
    register(&module)?;
    parent.add(name, &module)?;
    parent.py().import("sys")?.getattr("modules")?.set_item(full_name, &module)
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    allocator::share_memory();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    add(module, "calls", calls::register)?;
    add(module, "crypto", crypto::register)?;
    add(module, "durable", durable::register)?;
    add(module, "evidence", evidence::register)?;
    add(module, "genesis", genesis::register)?;
    add(module, "keys", keys::register)?;
    add(module, "load", load::register)?;
    add(module, "memory_chain", memory_chain::register)?;
    add(module, "node", node::register)?;
    add(module, "proofs", proofs::register)?;
    add(module, "registry", registry::register)?;
    add(module, "statements", statements::register)?;
    add(module, "token", token::register)?;
    add(module, "transactions", transactions::register)
}
