//! Verify certificates, epochs, proofs and receipts, without I/O.
