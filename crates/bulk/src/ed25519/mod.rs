//! Sign with Ed25519 in bulk, and verify signatures in bulk by the rule of ZIP 215.
//!
//! One rule holds in every path, single, batch, portable and vector, so that all nodes agree. A
//! signature (R, s) of a message M by a key A is valid exactly when
//!
//! 1. R and A decode to points of the curve: the highest bit is the parity of x, the other bits
//!    are y. An encoding of y that is p or more is accepted, so is an odd parity of x = 0.
//! 2. s is below l, the order of the base point B.
//! 3. `8 (s B - R - k A)` is the neutral point, where k is SHA-512 of the *bytes* R, A, M. Points
//!    of small order are accepted wherever this equation holds.
//!
//! Source: ZIP 215 (Zcash), which RFC 8032, section 5.1.7, permits by its equation with cofactor.
//!
//! A batch draws z of 128 bits for each signature from the operating system and checks
//! `8 (sum z R + sum (z k) A - (sum z s) B)` against the neutral point. Points that repeat, up
//! to their sign, share a term. A batch of valid signatures always passes; a batch with an
//! invalid one passes with a probability of at most 2^-126. A batch that fails is tried again in
//! smaller parts, and the parts that fail are decided one signature at a time by the equation
//! itself: only that decides that a signature is invalid.
//!
//! Signing is that of RFC 8032, section 5.1.6: deterministic, and free of branches and memory
//! addresses that depend on secrets. Verification knows no secret and runs in variable time.
//!
//! ```
//! use trine_bulk::ed25519::{Item, SigningItem, SigningKey, sign_batch, verify};
//!
//! let keys = SigningKey::new_many(&[[1; 32], [2; 32]]);
//! let messages: [&[&[u8]]; 2] = [&[b"first"], &[b"second, ", b"in parts"]];
//! let items: Vec<_> = keys
//!     .iter()
//!     .zip(messages)
//!     .map(|(key, message)| SigningItem { key, message })
//!     .collect();
//! let signatures = sign_batch(&items);
//! assert_eq!(signatures[1], keys[1].sign(&[b"second, in parts"]));
//! let message: &[&[u8]] = &[b"first"];
//! assert!(verify(&Item { public_key: keys[0].public_key(), message, signature: &signatures[0] }));
//! ```

mod base;
mod batch;
mod cache;
mod field;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod point;
mod portable;
mod scalar;
mod sign;
mod terms;

pub use cache::KeyCache;
pub use sign::{SigningItem, SigningKey, sign_batch, sign_batch_on};

use crate::Path;

/// Bytes of a seed, from which a private key is made.
pub const SEED_BYTES: usize = 32;
/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of a signature: R, then s.
pub const SIGNATURE_BYTES: usize = 64;

/// Signature to verify.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Encoded key A (RFC 8032, section 5.1.5).
    pub public_key: &'a [u8; PUBLIC_KEY_BYTES],
    /// Message, the concatenation of its parts: a prefix needs no copy of the rest.
    pub message: &'a [&'a [u8]],
    /// Encoded R, then s (RFC 8032, section 5.1.6).
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// Verifies one signature with portable code.
pub fn verify(item: &Item<'_>) -> bool {
    portable::verify(item)
}

/// Verifies signatures with the fastest code of this processor; one verdict for each item, the
/// same as [`verify`] gives.
///
/// `keys` remembers decoded keys from call to call; threads may share it.
///
/// # Panics
/// When the operating system gives no random numbers.
pub fn verify_batch(items: &[Item<'_>], keys: &KeyCache) -> Vec<bool> {
    batch::verify(Path::best(), items, keys)
}

/// [`verify_batch`] with the code that `path` names, or portable code where this processor cannot
/// run it.
///
/// # Panics
/// When the operating system gives no random numbers.
pub fn verify_batch_on(path: Path, items: &[Item<'_>], keys: &KeyCache) -> Vec<bool> {
    let path = if Path::available().contains(&path) { path } else { Path::Portable };
    batch::verify(path, items, keys)
}

/// Verifies signatures one by one, each by its own equation, with the code that `path` names;
/// the verdicts are those of [`verify`].
pub fn verify_each_on(path: Path, items: &[Item<'_>], keys: &KeyCache) -> Vec<bool> {
    let path = if Path::available().contains(&path) { path } else { Path::Portable };
    batch::verify_each(path, items, keys)
}
