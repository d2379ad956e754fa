//! Hash, sign and verify: every algorithm of the chain behind one small interface.
//!
//! An algorithm is one file. Callers name it by [`Algorithm`], a value that also enters the wire
//! format, so numbers are never reused. Keys and signatures cross the interface as bytes.
//!
//! ```
//! use trine_crypto::{Algorithm, BatchItem, SecretKey, verify};
//!
//! let key = SecretKey::from_bytes(Algorithm::Ed25519, &[7; 32]).unwrap();
//! let (namespace, message) = (b"example".as_slice(), b"message".as_slice());
//! let signature = key.sign(namespace, message);
//! let item = BatchItem {
//!     algorithm: Algorithm::Ed25519,
//!     public_key: &key.public_key(),
//!     namespace,
//!     message,
//!     signature: &signature,
//! };
//! assert!(verify(item));
//! assert!(!verify(BatchItem { message: b"massage", ..item }));
//! ```

mod ed25519;
mod hash;
mod key;
mod voting;

pub use hash::{Digest, Hasher, Suite, UnknownSuite};
pub use key::{Algorithm, BatchItem, KeyError, SecretKey, verify, verify_batch, verify_each};
pub use voting::{Signing, VOTE_SIGNATURE_BYTES, VoteKey, VoteSignature, VoteSigner};

#[cfg(test)]
mod tests;
