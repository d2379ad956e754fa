//! Sign in bulk: deterministic (RFC 8032, section 5.1.6), in time that does not depend on keys,
//! nonces or digests of them.
//!
//! Messages and their lengths, public keys and signatures are public. What holds secrets is
//! overwritten when it is dropped; docs/internals/constant-time.md says what was reviewed.

use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::batch::hash;
#[cfg(target_arch = "x86_64")]
use super::ifma;
use super::scalar::Scalar;
use super::{Item, PUBLIC_KEY_BYTES, SEED_BYTES, SIGNATURE_BYTES, base};
use crate::Path;

/// Bytes of the second half of a seed's hash.
pub(super) const PREFIX_BYTES: usize = 32;
/// Bytes of a digest of SHA-512.
pub(super) const DIGEST_BYTES: usize = 64;
/// Signatures made at once, so that what they need stays in the processor's caches.
const CHUNK_ITEMS_MAX: usize = 512;

/// Signatures or keys from which on eight lanes cost less than portable code.
const LANES_ITEMS_MIN: usize = 2;

/// A private key, expanded once; overwritten on drop. A value that is moved leaves its bytes where
/// it was; one that is cloned and dropped does not.
#[derive(Clone)]
pub struct SigningKey {
    /// The number a, modulo l.
    scalar: Scalar,
    /// What is hashed before a message for its nonce.
    pub(super) prefix: [u8; PREFIX_BYTES],
    public_key: [u8; PUBLIC_KEY_BYTES],
}

/// A message to sign.
#[derive(Clone, Copy)]
pub struct SigningItem<'a> {
    /// Key that signs.
    pub key: &'a SigningKey,
    /// Message, the concatenation of its parts.
    pub message: &'a [&'a [u8]],
}

impl SigningKey {
    /// Expands the key that a seed names (RFC 8032, section 5.1.5).
    pub fn new(seed: &[u8; SEED_BYTES]) -> Self {
        Self::new_many_on(Path::Portable, std::slice::from_ref(seed))[0].clone()
    }

    /// Expands many keys with the fastest code of this processor.
    pub fn new_many(seeds: &[[u8; SEED_BYTES]]) -> Vec<Self> {
        Self::new_many_on(best_for(seeds.len()), seeds)
    }

    /// [`SigningKey::new_many`] with the code that `path` names, or portable code where this
    /// processor cannot run it.
    pub fn new_many_on(path: Path, seeds: &[[u8; SEED_BYTES]]) -> Vec<Self> {
        let path = if Path::available().contains(&path) { path } else { Path::Portable };
        let mut keys = Vec::with_capacity(seeds.len());
        for seeds in seeds.chunks(CHUNK_ITEMS_MAX) {
            expand(path, seeds, &mut keys);
        }
        keys
    }

    /// The key that checks the signatures.
    pub const fn public_key(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public_key
    }

    /// Signs one message, the concatenation of its parts.
    pub fn sign(&self, message: &[&[u8]]) -> [u8; SIGNATURE_BYTES] {
        let mut signatures = sign(Path::Portable, &[SigningItem { key: self, message }]);
        signatures.pop().expect("one signature for one message")
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
        self.prefix.zeroize();
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

fn best_for(count: usize) -> Path {
    if count < LANES_ITEMS_MIN { Path::Portable } else { Path::best() }
}

/// Signs messages with the fastest code of this processor; keys may differ and repeat. The
/// signatures are those of [`SigningKey::sign`].
pub fn sign_batch(items: &[SigningItem<'_>]) -> Vec<[u8; SIGNATURE_BYTES]> {
    sign_batch_on(best_for(items.len()), items)
}

/// [`sign_batch`] with the code that `path` names, or portable code where this processor cannot
/// run it.
pub fn sign_batch_on(path: Path, items: &[SigningItem<'_>]) -> Vec<[u8; SIGNATURE_BYTES]> {
    let path = if Path::available().contains(&path) { path } else { Path::Portable };
    items.chunks(CHUNK_ITEMS_MAX).flat_map(|items| sign(path, items)).collect()
}

/// Encodings of secret multiples of B.
fn multiply(path: Path, scalars: &[Scalar]) -> Vec<[u8; 32]> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::multiply_base(scalars),
        _ => base::multiply(scalars),
    }
}

/// Hands the hash of each seed to `read`.
fn hash_seeds(path: Path, seeds: &[[u8; SEED_BYTES]], mut read: impl FnMut(&[u8; DIGEST_BYTES])) {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::hash_secrets(seeds.iter().map(|seed| (seed, &[][..])), read),
        _ => {
            for seed in seeds {
                read(&Zeroizing::new(Sha512::digest(seed).into()));
            }
        }
    }
}

/// Nonces of the items.
fn nonces(path: Path, items: &[SigningItem<'_>]) -> Zeroizing<Vec<Scalar>> {
    let mut nonces = Zeroizing::new(Vec::with_capacity(items.len()));
    let mut read = |digest: &[u8; DIGEST_BYTES]| nonces.push(Scalar::from_wide(digest));
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => {
            ifma::hash_secrets(items.iter().map(|item| (&item.key.prefix, item.message)), read);
        }
        _ => {
            for item in items {
                let mut hasher = Sha512::new_with_prefix(item.key.prefix);
                item.message.iter().for_each(|part| hasher.update(part));
                read(&Zeroizing::new(hasher.finalize().into()));
            }
        }
    }
    nonces
}

/// Appends the keys of the seeds; there is room for them, so that no key is moved.
fn expand(path: Path, seeds: &[[u8; SEED_BYTES]], keys: &mut Vec<SigningKey>) {
    let first = keys.len();
    let mut scalars = Zeroizing::new(Vec::with_capacity(seeds.len()));
    hash_seeds(path, seeds, |digest| {
        let (low, prefix) = digest.split_at(PREFIX_BYTES);
        let mut low: Zeroizing<[u8; 32]> = Zeroizing::new(low.try_into().expect("32 bytes"));
        low[0] &= 0xf8;
        low[31] = (low[31] & 0x7f) | 0x40;
        let scalar = Scalar::from_bytes(&low);
        scalars.push(scalar);
        let prefix = prefix.try_into().expect("32 bytes");
        keys.push(SigningKey { scalar, prefix, public_key: [0; PUBLIC_KEY_BYTES] });
    });
    for (key, point) in keys[first..].iter_mut().zip(multiply(path, &scalars)) {
        key.public_key = point;
    }
}

fn sign(path: Path, items: &[SigningItem<'_>]) -> Vec<[u8; SIGNATURE_BYTES]> {
    let nonces = nonces(path, items);
    let mut signatures = vec![[0; SIGNATURE_BYTES]; items.len()];
    for (signature, point) in signatures.iter_mut().zip(multiply(path, &nonces)) {
        signature[..32].copy_from_slice(&point);
    }
    let challenged: Vec<_> = items
        .iter()
        .zip(&signatures)
        .map(|(item, signature)| Item {
            public_key: &item.key.public_key,
            message: item.message,
            signature,
        })
        .collect();
    let challenges = hash(path, &challenged);
    let parts = items.iter().zip(&challenges).zip(nonces.iter());
    for (signature, ((item, challenge), nonce)) in signatures.iter_mut().zip(parts) {
        let s = challenge.multiply_add(&item.key.scalar, nonce);
        signature[32..].copy_from_slice(&s.to_bytes());
    }
    signatures
}
