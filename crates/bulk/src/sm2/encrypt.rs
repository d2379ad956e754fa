//! Encrypt short secrets to public keys of SM2, and decrypt them (GB/T 32918.4-2016).
//!
//! A ciphertext is C1 || C3 || C2: the sender's random point (4, x and y), the digest of the text
//! between the coordinates of the shared point, and the text under a stream of SM3.
//!
//! Neither end has a branch or a memory address that depends on the private key, on the nonce or on
//! the shared point, but for the outcome, which everybody may know: whether the ciphertext is one.

use super::nonces::Nonces;
use super::sign::{SigningKey, multiply};
use super::{PUBLIC_KEY_BYTES, Sm2};
use crate::Path;
use crate::sm3::{DIGEST_BYTES, Sm3};
use crate::weierstrass::modulus::Words;
use crate::weierstrass::secret::multiply_point;
use crate::weierstrass::{SCALAR_BYTES, bytes_of, is_on_curve, pair_of, words_of};
use std::hint::black_box;
use zeroize::Zeroizing;

/// Longest text, in bytes; a text has one byte at least. Longer ones go under a cipher, and its key
/// here.
pub const PLAINTEXT_BYTES_MAX: usize = 64 << 10;
/// Bytes by which a ciphertext is longer than its text.
pub const CIPHERTEXT_OVERHEAD_BYTES: usize = 1 + PUBLIC_KEY_BYTES + DIGEST_BYTES;
/// First byte of a point with both coordinates (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// Encrypts `plaintext` to a public key (section 6.1); each call gives another ciphertext.
///
/// `None` where the key is no point of the curve, or the text has no byte or more than
/// [`PLAINTEXT_BYTES_MAX`].
pub fn encrypt(public_key: &[u8; PUBLIC_KEY_BYTES], plaintext: &[u8]) -> Option<Vec<u8>> {
    let point = pair_of(public_key);
    if !is_text_length(plaintext.len()) || !is_on_curve::<Sm2>(&point) {
        return None;
    }
    let mut nonces = nonces_of(public_key, plaintext);
    loop {
        let nonce = Zeroizing::new(nonces.next_nonce());
        if let Some(ciphertext) = encrypt_at(&point, &nonce, plaintext) {
            return Some(ciphertext);
        }
    }
}

/// Decrypts what was encrypted to the public key of `key` (section 7.1).
///
/// `None` where it was not, or any bit of it differs; nothing says at which step.
pub fn decrypt(key: &SigningKey, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (first, rest) = ciphertext.split_first()?;
    let (sent, rest) = rest.split_first_chunk::<PUBLIC_KEY_BYTES>()?;
    let (digest, masked) = rest.split_first_chunk::<DIGEST_BYTES>()?;
    let point = pair_of(sent);
    if *first != UNCOMPRESSED || !is_text_length(masked.len()) || !is_on_curve::<Sm2>(&point) {
        return None;
    }
    let shared = SharedPoint::new(&point, key.number());
    let mut text = Zeroizing::new(masked.to_vec());
    let is_masked = shared.mask(&mut text);
    let is_digest = is_same(&shared.digest(&text), digest);
    (is_masked & is_digest).then_some(text)
}

fn is_text_length(bytes: usize) -> bool {
    (1..=PLAINTEXT_BYTES_MAX).contains(&bytes)
}

/// The generator of signatures' nonces, with fresh bytes of the operating system in the place of
/// the private key and the digest of key and text in that of the message: should the system ever
/// give the same bytes twice, two texts still have two nonces.
fn nonces_of(public_key: &[u8; PUBLIC_KEY_BYTES], plaintext: &[u8]) -> Nonces {
    let mut random = Zeroizing::new([0u8; SCALAR_BYTES]);
    getrandom::fill(&mut *random).expect("the operating system gives random numbers");
    let digest = digest_of(&[public_key, plaintext]);
    Nonces::new(&Zeroizing::new(words_of(&random)), &Zeroizing::new(words_of(&digest)))
}

/// Steps A2 to A8 with a given nonce; `None` where another is needed.
pub(super) fn encrypt_at(
    public_key: &[Words; 2],
    nonce: &Words,
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let shared = SharedPoint::new(public_key, nonce);
    let mut masked = Zeroizing::new(plaintext.to_vec());
    if !shared.mask(&mut masked) {
        return None;
    }
    let [x, y] = multiply(Path::Portable, std::slice::from_ref(nonce))[0].map(|n| bytes_of(&n));
    let digest = shared.digest(plaintext);
    Some([&[UNCOMPRESSED], &x[..], &y[..], &digest[..], &masked[..]].concat())
}

/// x2 || y2, which both ends compute: the one from its nonce, the other from its private key.
struct SharedPoint(Zeroizing<[u8; 2 * SCALAR_BYTES]>);

impl SharedPoint {
    fn new(point: &[Words; 2], scalar: &Words) -> Self {
        let coordinates = Zeroizing::new(multiply_point::<Sm2>(point, scalar));
        let mut bytes = Zeroizing::new([0u8; 2 * SCALAR_BYTES]);
        for (bytes, coordinate) in bytes.chunks_exact_mut(SCALAR_BYTES).zip(&*coordinates) {
            bytes.copy_from_slice(&*Zeroizing::new(bytes_of(coordinate)));
        }
        Self(bytes)
    }

    /// Adds the stream that is derived from the point (section 5.4.3) to `text`; whether any bit of
    /// the stream is set.
    fn mask(&self, text: &mut [u8]) -> bool {
        let mut found = 0u8;
        for (counter, part) in (1u32..).zip(text.chunks_mut(DIGEST_BYTES)) {
            let stream = digest_of(&[&*self.0, &counter.to_be_bytes()]);
            for (byte, mask) in part.iter_mut().zip(&*stream) {
                *byte ^= mask;
                found |= mask;
            }
        }
        black_box(found) != 0
    }

    /// C3 of `text`.
    fn digest(&self, text: &[u8]) -> Zeroizing<[u8; DIGEST_BYTES]> {
        let (x, y) = self.0.split_at(SCALAR_BYTES);
        digest_of(&[x, text, y])
    }
}

/// Digest of what is secret; the hasher that has a name here is overwritten.
fn digest_of(parts: &[&[u8]]) -> Zeroizing<[u8; DIGEST_BYTES]> {
    let mut hasher = Sm3::new();
    parts.iter().for_each(|part| hasher.update(part));
    let digest = Zeroizing::new(hasher.clone().finish());
    hasher.zeroize();
    digest
}

/// Compares all bytes, whatever the first ones say.
fn is_same(one: &[u8; DIGEST_BYTES], other: &[u8; DIGEST_BYTES]) -> bool {
    let differences = one.iter().zip(other).fold(0, |found, (one, other)| found | (one ^ other));
    black_box(differences) == 0
}

#[cfg(test)]
mod tests;
