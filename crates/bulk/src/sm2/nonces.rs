//! Draw the nonces of signatures: those of RFC 6979, section 3.2, with HMAC-SM3 and e in the place
//! of the hash of the message.

use super::Order;
use crate::Path;
use crate::sm3::{DIGEST_BYTES, Hmac};
use crate::weierstrass::modulus::{Words, is_reduced};
use crate::weierstrass::{bytes_of, words_of};
use zeroize::{Zeroize, Zeroizing};

/// Whether a number that was drawn is between 1 and n - 1.
pub(super) fn is_nonce(drawn: &Words) -> bool {
    *drawn != [0; 4] && is_reduced::<Order>(drawn)
}

/// The first number drawn for each key d and message e; on a vector path it may be no nonce.
pub(super) fn first_nonces<'a>(
    path: Path,
    secrets: impl ExactSizeIterator<Item = (&'a Words, &'a Words)>,
) -> Zeroizing<Vec<Words>> {
    let mut nonces = Zeroizing::new(Vec::with_capacity(secrets.len()));
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => {
            let mut seeds = Zeroizing::new(Vec::with_capacity(secrets.len()));
            seeds.extend(secrets.map(|(secret, e)| seed_of(secret, e)));
            let mut outputs = Zeroizing::new(vec![[0; DIGEST_BYTES]; seeds.len()]);
            crate::sm3::first_outputs(&seeds, &mut outputs);
            nonces.extend(outputs.iter().map(words_of));
        }
        _ => nonces.extend(secrets.map(|(secret, e)| Nonces::new(secret, e).next_nonce())),
    }
    nonces
}

/// Key and message as the generator takes them (RFC 6979, section 3.2, step d).
fn seed_of(secret: &Words, e: &Words) -> [u8; 2 * DIGEST_BYTES] {
    let mut seed = [0; 2 * DIGEST_BYTES];
    seed[..DIGEST_BYTES].copy_from_slice(&bytes_of(secret));
    seed[DIGEST_BYTES..].copy_from_slice(&bytes_of(e));
    seed
}

/// Nonces of one message under one key (RFC 6979, section 3.2).
pub(super) struct Nonces {
    key: [u8; DIGEST_BYTES],
    value: [u8; DIGEST_BYTES],
    is_first: bool,
}

impl Nonces {
    pub fn new(secret: &Words, e: &Words) -> Self {
        let mut nonces = Self { key: [0; DIGEST_BYTES], value: [1; DIGEST_BYTES], is_first: true };
        let seed = Zeroizing::new(seed_of(secret, e));
        nonces.mix(0, &*seed);
        nonces.mix(1, &*seed);
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
    pub fn next_nonce(&mut self) -> Words {
        loop {
            if !self.is_first {
                self.mix(0, &[]);
            }
            self.is_first = false;
            self.advance();
            let nonce = words_of(&self.value);
            if is_nonce(&nonce) {
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
