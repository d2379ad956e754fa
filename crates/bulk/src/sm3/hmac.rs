//! Authenticate messages with HMAC over SM3 (RFC 2104), mainly for deterministic nonces.

use super::{BLOCK_BYTES, DIGEST_BYTES, Sm3, hash};
use zeroize::Zeroize;

pub(super) const INNER_PAD: u8 = 0x36;
pub(super) const OUTER_PAD: u8 = 0x5c;

/// A keyed hash under way; what the key left behind is overwritten on drop.
#[derive(Clone)]
pub struct Hmac {
    inner: Sm3,
    outer: Sm3,
}

impl Hmac {
    /// Starts with the empty message under `key`; a key longer than a block is hashed first.
    pub fn new(key: &[u8]) -> Self {
        let mut pad = [0; BLOCK_BYTES];
        if key.len() > BLOCK_BYTES {
            pad[..DIGEST_BYTES].copy_from_slice(&hash(key));
        } else {
            pad[..key.len()].copy_from_slice(key);
        }
        let mut keyed = |mask: u8| {
            let mut hasher = Sm3::new();
            pad.iter_mut().for_each(|byte| *byte ^= mask);
            hasher.update(&pad);
            pad.iter_mut().for_each(|byte| *byte ^= mask);
            hasher
        };
        let made = Self { inner: keyed(INNER_PAD), outer: keyed(OUTER_PAD) };
        pad.zeroize();
        made
    }

    /// Appends `bytes` to the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    /// Code of the message so far; the next message starts empty under the same key.
    pub fn code(&self) -> [u8; DIGEST_BYTES] {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.clone().finish());
        outer.finish()
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}
