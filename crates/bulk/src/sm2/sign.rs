//! Sign with SM2: deterministic, and in time that does not depend on the key or the nonce.
//!
//! Field arithmetic, the multiplication of G and the inversion are free of branches and of memory
//! addresses that depend on secrets. The number of attempts does depend on them, but a second one
//! happens for less than one nonce in 2^32 and tells nothing about the one used.

use super::digest::identity;
use super::nonces::{self, Nonces, is_nonce};
use super::{IDENTITY_BYTES, Order, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, Sm2};
use crate::Path;
use crate::sm3::{DIGEST_BYTES, Prefixed, digest_many};
use crate::weierstrass::modulus::{Fe, Modulus, Words, is_reduced, reduce, subtract};
use crate::weierstrass::secret::SecretTables;
use crate::weierstrass::{SCALAR_BYTES, bytes_of, words_of};
use std::sync::OnceLock;
use zeroize::{Zeroize, Zeroizing};

/// Signatures made at once, so that what they need stays in the processor's caches.
const CHUNK_ITEMS_MAX: usize = 512;
/// Signatures from which on eight lanes cost less than portable code.
const LANES_ITEMS_MIN: usize = 2;

/// A private key, to sign or to decrypt; overwritten on drop.
pub struct SigningKey {
    /// d, as a plain number.
    secret: Words,
    /// 1 / (1 + d), in Montgomery form.
    inverse: Words,
    public_key: [u8; PUBLIC_KEY_BYTES],
}

/// A message to sign.
#[derive(Clone, Copy)]
pub struct SigningItem<'a> {
    /// Key that signs.
    pub key: &'a SigningKey,
    /// Hash Z of the signer, from [`SigningKey::identity`].
    pub identity: &'a [u8; IDENTITY_BYTES],
    pub message: &'a [u8],
}

impl SigningKey {
    /// The key with number d, big-endian; `None` unless 0 < d < n - 1 (GB/T 32918.1-2016, 6.1).
    pub fn new(secret: &[u8; SCALAR_BYTES]) -> Option<Self> {
        let secret = words_of(secret);
        let last = subtract(&Order::M, &[1, 0, 0, 0]).0;
        if secret == [0; 4] || secret == last || !is_reduced::<Order>(&secret) {
            return None;
        }
        let inverse = Fe::<Order>::new(&secret).add(&Fe::ONE).invert().0;
        Some(Self {
            secret,
            inverse,
            public_key: multiply(Path::Portable, &[secret])[0]
                .map(|n| bytes_of(&n))
                .concat()
                .try_into()
                .expect("two coordinates of 32 bytes"),
        })
    }

    /// x and y of the public key, big-endian.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public_key
    }

    /// d, big-endian.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        Zeroizing::new(bytes_of(&self.secret))
    }

    /// d, for decryption.
    pub(super) fn number(&self) -> &Words {
        &self.secret
    }

    /// Signs `message` as the signer `id`; gives r and s, and the hint for verification.
    ///
    /// # Panics
    /// If `id` is longer than [`super::ID_BYTES_MAX`].
    pub fn sign(&self, id: &[u8], message: &[u8]) -> ([u8; SIGNATURE_BYTES], u8) {
        self.sign_for(&self.identity(id), message)
    }

    /// Hash Z of this signer under `id`, for [`SigningKey::sign_for`].
    ///
    /// # Panics
    /// If `id` is longer than [`super::ID_BYTES_MAX`].
    pub fn identity(&self, id: &[u8]) -> [u8; IDENTITY_BYTES] {
        assert!(id.len() <= super::ID_BYTES_MAX, "the identifier is longer than 8,191 bytes");
        identity(id, &self.public_key)
    }

    /// As [`SigningKey::sign`], with the identity hashed before.
    pub fn sign_for(
        &self,
        identity: &[u8; IDENTITY_BYTES],
        message: &[u8],
    ) -> ([u8; SIGNATURE_BYTES], u8) {
        let digest = Prefixed::new(identity, message).digest();
        self.sign_digest(&digest)
    }

    /// Signs e itself, the hash of identity and message (GB/T 32918.2-2016, section 6.1).
    pub fn sign_digest(&self, e: &[u8; DIGEST_BYTES]) -> ([u8; SIGNATURE_BYTES], u8) {
        self.sign_reduced(&reduce::<Order>(&words_of(e)))
    }

    /// As [`SigningKey::sign_digest`], for e modulo n.
    fn sign_reduced(&self, e: &Words) -> ([u8; SIGNATURE_BYTES], u8) {
        let mut nonces = Nonces::new(&self.secret, e);
        loop {
            let nonce = Zeroizing::new(nonces.next_nonce());
            let point = multiply(Path::Portable, std::slice::from_ref(&nonce))[0];
            if let Some(signed) = self.sign_at(e, &nonce, &point) {
                return signed;
            }
        }
    }

    /// Steps A4 to A6 with a given nonce and its multiple of G; `None` where another nonce is
    /// needed.
    pub(super) fn sign_at(
        &self,
        e: &Words,
        nonce: &Words,
        [x, y]: &[Words; 2],
    ) -> Option<([u8; SIGNATURE_BYTES], u8)> {
        let nonce = Fe::<Order>::raw(*nonce);
        let r = Fe::<Order>::raw(*e).add(&Fe::raw(reduce::<Order>(x)));
        if r.is_zero() || r.add(&nonce).is_zero() {
            return None;
        }
        let product = Fe::<Order>::new(&r.0).mul(&Fe::raw(self.secret));
        let s = nonce.sub(&product).mul(&Fe::raw(self.inverse));
        if s.is_zero() {
            return None;
        }
        let mut signature = [0; SIGNATURE_BYTES];
        signature[..SCALAR_BYTES].copy_from_slice(&bytes_of(&r.0));
        signature[SCALAR_BYTES..].copy_from_slice(&bytes_of(&s.0));
        Some((signature, y[0] as u8 & 1))
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.inverse.zeroize();
    }
}

/// Affine coordinates of secret multiples of G; 0 < scalar < n for each.
pub(super) fn multiply(path: Path, scalars: &[Words]) -> Vec<[Words; 2]> {
    static TABLES: OnceLock<SecretTables<Sm2>> = OnceLock::new();
    TABLES.get_or_init(SecretTables::new).multiply(path, scalars)
}

/// Signs messages with the fastest code of this processor; keys may differ and repeat. The
/// signatures and hints are those of [`SigningKey::sign`].
pub fn sign_batch(items: &[SigningItem<'_>]) -> Vec<([u8; SIGNATURE_BYTES], u8)> {
    let path = if items.len() < LANES_ITEMS_MIN { Path::Portable } else { Path::best() };
    sign_batch_on(path, items)
}

/// [`sign_batch`] with the code that `path` names, or portable code where this processor cannot
/// run it.
pub fn sign_batch_on(path: Path, items: &[SigningItem<'_>]) -> Vec<([u8; SIGNATURE_BYTES], u8)> {
    let path = if Path::available().contains(&path) { path } else { Path::Portable };
    items.chunks(CHUNK_ITEMS_MAX).flat_map(|items| sign(path, items)).collect()
}

fn sign(path: Path, items: &[SigningItem<'_>]) -> Vec<([u8; SIGNATURE_BYTES], u8)> {
    let mut digests = Vec::with_capacity(items.len());
    let messages = items.iter().map(|item| Prefixed::new(item.identity, item.message));
    digest_many(path, messages, &mut digests);
    let reduced = |digest| reduce::<Order>(&words_of(digest));
    let to_sign: Vec<_> =
        items.iter().zip(&digests).map(|(item, digest)| (item.key, reduced(digest))).collect();
    let secrets = to_sign.iter().map(|(key, e)| (&key.secret, e));
    let nonces = nonces::first_nonces(path, secrets);
    sign_with_nonces(path, &to_sign, nonces)
}

/// Steps A4 to A6 with the first nonce of each key and e; starts again, alone, where that is none.
pub(super) fn sign_with_nonces(
    path: Path,
    to_sign: &[(&SigningKey, Words)],
    mut nonces: Zeroizing<Vec<Words>>,
) -> Vec<([u8; SIGNATURE_BYTES], u8)> {
    let good: Vec<_> = nonces.iter().map(is_nonce).collect();
    for (nonce, good) in nonces.iter_mut().zip(&good) {
        if !good {
            *nonce = [1, 0, 0, 0];
        }
    }
    let points = multiply(path, &nonces);
    let parts = to_sign.iter().zip(nonces.iter().zip(points).zip(good));
    parts
        .map(|((key, e), ((nonce, point), good))| {
            let signed = good.then(|| key.sign_at(e, nonce, &point)).flatten();
            signed.unwrap_or_else(|| key.sign_reduced(e))
        })
        .collect()
}
