//! Verify signatures and hash messages in bulk: vector kernels and their portable twins.
//!
//! This crate is about speed alone. It knows algorithms and bytes, nothing of chains; the crate
//! `crypto` decides what is asked for and offers it to the others. Every kernel exists twice, with
//! AVX-512 IFMA and in portable code, and both give the same answers.

mod buffer;
pub mod ed25519;
mod keyed_map;
pub mod p256;
mod path;
pub mod sm2;
pub mod sm3;
mod weierstrass;

pub use path::Path;
