//! Verify proofs and receipts offline: certificates, epochs, inclusion, state.
//!
//! No I/O, no clock, no runtime: bytes in, verdict out. The formats and every step are specified
//! in `docs/reference/proofs.md` and `docs/reference/receipt.md`; the Python model has an
//! independent verifier written from the same pages. No input can make this crate panic.
//!
//! ```
//! use trine_verify::{TrustAnchor, VerifyError, verify_proof};
//!
//! let trust = TrustAnchor::from_json(br#"{
//!     "format": "trine-trust-v1", "chain": "example", "suite": "intl", "epoch": 0,
//!     "chain_id": "0000000000000000000000000000000000000000000000000000000000000000",
//!     "validators": [{"name": "n0", "organisation": 0,
//!         "key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}]}"#)?;
//! let error = verify_proof(b"something else", &trust).unwrap_err();
//! assert!(error.is_bad_input());
//! # Ok::<(), VerifyError>(())
//! ```

mod cbor;
pub mod certificate;
pub mod chain;
mod envelope;
pub mod error;
pub mod inclusion_receipt;
pub mod path;
pub mod proof;
pub mod receipt;
pub mod signed_statement;
pub mod state;
pub mod statement;
pub mod trust;
pub mod votes;

pub use certificate::Certificate;
pub use chain::CertifiedChain;
pub use error::VerifyError;
pub use path::SidedPath;
pub use proof::{Proof, VerifiedProof, verify_proof};
pub use receipt::{FileFacts, Receipt, Verified, entry_of, verify_receipt};
pub use signed_statement::SignedStatement;
pub use state::StateProof;
pub use statement::{Fact, Statement};
pub use trust::{Organisation, TrustAnchor, TrustedValidator};
pub use votes::{Ballot, Conflict, ConflictingVotes};
