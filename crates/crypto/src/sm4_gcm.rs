//! Encrypt and authenticate with SM4 in GCM (GB/T 32907, NIST SP 800-38D; RFC 8998, section 3.2).
//!
//! ```
//! use trine_crypto::sm4_gcm::{open, seal};
//!
//! let (key, nonce) = ([1; 16], [2; 12]);
//! let sealed = seal(&key, &nonce, b"header", b"secret").unwrap();
//! assert_eq!(open(&key, &nonce, b"header", &sealed).unwrap(), b"secret");
//! assert!(open(&key, &nonce, b"other", &sealed).is_err());
//! ```

use aes_gcm::aead::{Aead, Payload, consts::U12};
use aes_gcm::{AesGcm, KeyInit};

/// Length of a key, in bytes.
pub const KEY_BYTES: usize = 16;
/// Length of a nonce, in bytes: the one length for which GCM needs no hash of it.
pub const NONCE_BYTES: usize = 12;
/// Length of the tag after the ciphertext, in bytes.
pub const TAG_BYTES: usize = 16;

// The mode of operation is generic over ciphers of 128-bit blocks.
type Sm4Gcm = AesGcm<sm4::Sm4, U12>;

/// The ciphertext was not made with this key, nonce and associated data, or a limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SM4-GCM: the tag is wrong, or the text is longer than 64 GiB")]
pub struct Sm4GcmError;

/// Encrypts `plaintext` and appends the tag, which also covers `associated`.
///
/// A nonce must never be used twice with one key: that would give away the text and the tag's key.
///
/// # Errors
/// [`Sm4GcmError`] for a text over the limit of SP 800-38D, 2^36 - 32 bytes.
pub fn seal(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Sm4GcmError> {
    let payload = Payload { msg: plaintext, aad: associated };
    Sm4Gcm::new(key.into()).encrypt(nonce.into(), payload).map_err(|_| Sm4GcmError)
}

/// Checks the tag at the end of `sealed` and decrypts what stands before it.
///
/// # Errors
/// [`Sm4GcmError`] when the tag is wrong or missing.
pub fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Sm4GcmError> {
    let payload = Payload { msg: sealed, aad: associated };
    Sm4Gcm::new(key.into()).decrypt(nonce.into(), payload).map_err(|_| Sm4GcmError)
}
