//! Find points that repeat in a batch, so that they share one term of its equation.

use super::scalar::words_of;

/// Slots of the table for each point expected, so that searches stay short.
const SLOTS_PER_POINT: usize = 4;
const EMPTY: u32 = u32::MAX;
const SIGN: u64 = 1 << 63;
/// p = 2^255 - 19, least significant word first.
const PRIME: [u64; 4] = [u64::MAX - 18, u64::MAX, u64::MAX, u64::MAX >> 1];

/// Reference to a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TermRef {
    pub(super) index: u32,
    /// Whether the point is the negative of the term's.
    pub(super) is_negated: bool,
}

/// Secret multipliers that spread encodings over a table: nobody can prepare collisions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread([u64; 5]);

/// Distinct points of a batch, as encodings with the least y and the sign seen first.
pub(super) struct Terms {
    spread: Spread,
    slots: Vec<u32>,
    pub(super) encodings: Vec<[u64; 4]>,
}

impl Spread {
    /// Draws the multipliers.
    pub(super) fn random() -> Self {
        let mut bytes = [0; 40];
        fill_random(&mut bytes);
        Self(std::array::from_fn(|i| {
            u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight bytes")) | 1
        }))
    }

    /// Sixty-four bits of `words`.
    #[inline]
    pub(super) fn hash(&self, words: &[u64; 4]) -> u64 {
        let [a, b, c, d, e] = self.0;
        let fold = |x: u64, y: u64| {
            let product = u128::from(x) * u128::from(y);
            (product as u64) ^ (product >> 64) as u64
        };
        fold(fold(words[0] ^ a, words[1] ^ b) ^ fold(words[2] ^ c, words[3] ^ d), e)
    }

    /// Number below `count` for a hash, by its high bits.
    #[inline]
    pub(super) fn scale(hash: u64, count: usize) -> usize {
        ((u128::from(hash) * count as u128) >> 64) as usize
    }
}

/// Fills `bytes` from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random numbers");
}

/// The encoding with the least y; the parity bit stays.
pub(super) fn canonical(bytes: &[u8; 32]) -> [u64; 4] {
    let words = words_of(bytes);
    let y = [words[0], words[1], words[2], words[3] & !SIGN];
    let is_least = y[1..] != PRIME[1..] || y[0] < PRIME[0];
    if is_least { words } else { [y[0] - PRIME[0], 0, 0, words[3] & SIGN] }
}

impl Terms {
    /// Makes room for `count` points.
    pub(super) fn new(count: usize) -> Self {
        let slots = vec![EMPTY; SLOTS_PER_POINT * (count + 1)];
        Self { spread: Spread::random(), slots, encodings: Vec::with_capacity(count) }
    }

    /// The term of the point that `encoding` (with the least y) names.
    pub(super) fn insert(&mut self, encoding: [u64; 4]) -> TermRef {
        let [a, b, c, d] = encoding;
        let mut slot = Spread::scale(self.spread.hash(&[a, b, c, d & !SIGN]), self.slots.len());
        loop {
            let index = self.slots[slot];
            if index == EMPTY {
                let index = self.encodings.len() as u32;
                self.slots[slot] = index;
                self.encodings.push(encoding);
                return TermRef { index, is_negated: false };
            }
            let found = self.encodings[index as usize];
            if found[..3] == encoding[..3] && (found[3] ^ d) & !SIGN == 0 {
                return TermRef { index, is_negated: found[3] != d };
            }
            slot = if slot + 1 == self.slots.len() { 0 } else { slot + 1 };
        }
    }
}
