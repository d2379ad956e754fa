//! Sign with SM2: deterministic, and in time that does not depend on the key or the nonce.
//!
//! The nonce is that of RFC 6979, section 3.2, with HMAC-SM3 and e in the place of the hash of the
//! message. Field arithmetic, the multiplication of G and the inversion are free of branches and
//! of memory addresses that depend on secrets. The number of attempts does depend on them, but a
//! second one happens for less than one nonce in 2^32 and tells nothing about the one used.

use super::digest::identity;
use super::{Order, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, Sm2};
use crate::sm3::{DIGEST_BYTES, Hmac, Prefixed};
use crate::weierstrass::fixed::multiply_secret;
use crate::weierstrass::modulus::{Fe, Modulus, Words, is_reduced, reduce, subtract};
use crate::weierstrass::{SCALAR_BYTES, bytes_of, words_of};
use zeroize::{Zeroize, Zeroizing};

/// A private key; overwritten on drop.
pub struct SigningKey {
    /// d, as a plain number.
    secret: Words,
    /// 1 / (1 + d), in Montgomery form.
    inverse: Words,
    public_key: [u8; PUBLIC_KEY_BYTES],
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
            public_key: multiply(&secret)
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
    pub fn identity(&self, id: &[u8]) -> [u8; DIGEST_BYTES] {
        assert!(id.len() <= super::ID_BYTES_MAX, "the identifier is longer than 8,191 bytes");
        identity(id, &self.public_key)
    }

    /// As [`SigningKey::sign`], with the identity hashed before.
    pub fn sign_for(
        &self,
        identity: &[u8; DIGEST_BYTES],
        message: &[u8],
    ) -> ([u8; SIGNATURE_BYTES], u8) {
        let digest = Prefixed::new(identity, message).digest();
        self.sign_digest(&digest)
    }

    /// Signs e itself, the hash of identity and message (GB/T 32918.2-2016, section 6.1).
    pub fn sign_digest(&self, e: &[u8; DIGEST_BYTES]) -> ([u8; SIGNATURE_BYTES], u8) {
        let e = reduce::<Order>(&words_of(e));
        let mut nonces = Nonces::new(&self.secret, &e);
        loop {
            let nonce = Zeroizing::new(nonces.next_nonce());
            if let Some(signed) = self.sign_with(&e, &nonce) {
                return signed;
            }
        }
    }

    /// Steps A4 to A6 with a given nonce; `None` where another one is needed.
    pub(super) fn sign_with(&self, e: &Words, nonce: &Words) -> Option<([u8; 64], u8)> {
        let [x, y] = multiply(nonce);
        let nonce = Fe::<Order>::raw(*nonce);
        let r = Fe::<Order>::raw(*e).add(&Fe::raw(reduce::<Order>(&x)));
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

/// Affine coordinates of a secret multiple of G.
fn multiply(scalar: &Words) -> [Words; 2] {
    let point = multiply_secret::<Sm2>(scalar);
    let inverse = point.z.invert();
    [point.x.mul(&inverse).plain(), point.y.mul(&inverse).plain()]
}

/// Nonces of one message under one key (RFC 6979, section 3.2).
struct Nonces {
    key: [u8; DIGEST_BYTES],
    value: [u8; DIGEST_BYTES],
    is_first: bool,
}

impl Nonces {
    fn new(secret: &Words, e: &Words) -> Self {
        let mut nonces = Self { key: [0; DIGEST_BYTES], value: [1; DIGEST_BYTES], is_first: true };
        let seed = Zeroizing::new([bytes_of(secret), bytes_of(e)].concat());
        nonces.mix(0, &seed);
        nonces.mix(1, &seed);
        nonces
    }

    fn mix(&mut self, step: u8, seed: &[u8]) {
        let mut hmac = Hmac::new(&self.key);
        hmac.update(&self.value);
        hmac.update(&[step]);
        hmac.update(seed);
        self.key = hmac.code();
        self.advance();
    }

    fn advance(&mut self) {
        let mut hmac = Hmac::new(&self.key);
        hmac.update(&self.value);
        self.value = hmac.code();
    }

    /// A number between 1 and n - 1.
    fn next_nonce(&mut self) -> Words {
        loop {
            if !self.is_first {
                self.mix(0, &[]);
            }
            self.is_first = false;
            self.advance();
            let nonce = words_of(&self.value);
            if nonce != [0; 4] && is_reduced::<Order>(&nonce) {
                return nonce;
            }
        }
    }
}

impl Drop for Nonces {
    fn drop(&mut self) {
        self.key.zeroize();
        self.value.zeroize();
    }
}
