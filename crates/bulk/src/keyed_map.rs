//! Look up public keys quickly, in a table that senders of keys cannot make slow.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

/// A map whose keys are long and come from strangers.
pub(crate) type KeyedMap<K, V> = HashMap<K, V, Keyed>;

/// Makes hashers with secrets of this process.
///
/// Every eight bytes cost one multiplication to 128 bits, whose halves are added without carry;
/// both factors hide behind secrets. This is no cryptographic hash: the secrets never leave the
/// process, and its results are compared nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct Keyed([u64; 2]);

impl Default for Keyed {
    fn default() -> Self {
        static SECRETS: OnceLock<[u64; 2]> = OnceLock::new();
        Self(*SECRETS.get_or_init(|| {
            let random = RandomState::new();
            [random.hash_one(1), random.hash_one(2) | 1]
        }))
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher { state: self.0[0], factor: self.0[1] }
    }
}

pub(crate) struct KeyedHasher {
    state: u64,
    factor: u64,
}

impl KeyedHasher {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ (product >> 64) as u64 ^ self.factor.rotate_left(32);
    }
}

impl Hasher for KeyedHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(last));
        }
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests;
