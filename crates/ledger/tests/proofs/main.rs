//! Test proofs: against the library's own verifier, and as whole files.

mod databases;
mod files;
mod votes;
mod world;
