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
mod engine_hash;
mod hash;
mod keccak;
mod key;
mod key_file;
mod key_tables;
mod ml_dsa;
mod outside;
mod p256;
mod passkey;
mod points;
mod scheme;
mod secp256k1;
mod signature;
pub mod sm2;
pub mod sm4_gcm;
mod voting;
pub mod webauthn;

pub use engine_hash::Sm3;
pub use hash::{Digest, Hasher, Suite, UnknownSuite, hash_many};
pub use keccak::keccak256;
pub use key::{
    Algorithm, BatchItem, KEY_CANDIDATES_MAX, KeyError, SecretKey, SigningItem, UnframedItem,
    sign_batch, verify, verify_batch, verify_each, verify_each_unframed, verify_unframed,
};
pub use key_file::{
    KEY_FILE_BYTES_MAX, KeyFileError, PBKDF2_ITERATIONS_MAX, SCRYPT_BYTES_MAX,
    public_key_from_spki, public_key_to_spki_der, public_key_to_spki_pem,
};
pub use key_tables::{
    KEY_TABLES_BYTES_DEFAULT, learn_keys, learned_keys, set_key_tables_bytes_max,
};
pub use outside::{RAW_SIGNATURE_BYTES, complete_signature, input_to_sign};
pub use p256::low_s as lower_p256;
pub use passkey::{ASSERTION_BYTES_MAX, passkey_challenge};
pub use scheme::framed;
pub use secp256k1::{ethereum_address, recover_secp256k1};
pub use signature::{SignatureError, signature_from_der, signature_to_der};
pub use voting::{
    Signing, VOTE_KEY_BYTES, VOTE_SIGNATURE_BYTES, VoteKey, VoteSignature, VoteSigner,
};

#[cfg(test)]
mod tests;
