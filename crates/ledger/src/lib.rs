//! Apply blocks to authenticated state and keep history and proofs.
