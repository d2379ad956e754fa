//! Decide what the chain allows, one module a file, pure and synchronous.
