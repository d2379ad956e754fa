//! Write scalars with signed digits.

use super::modulus::Words;
use zeroize::Zeroize;

/// A scalar plus half a digit in every place, so that each digit is read on its own.
#[derive(Clone, Copy)]
pub(crate) struct Digits([u64; 5]);

/// Digits that a scalar below 2^`bits` needs, of `width` bits each.
///
/// The top digit keeps a spare bit, as the digits lie between -2^(width-1) and 2^(width-1) - 1,
/// and one more for the sum of the halves below it.
pub(crate) const fn count(bits: usize, width: usize) -> usize {
    (bits + 2).div_ceil(width)
}

/// Half a digit in each of `count` places.
pub(crate) const fn halves(width: usize, count: usize) -> [u64; 5] {
    let mut words = [0; 5];
    let mut place = 0;
    while place < count {
        let bit = place * width + width - 1;
        words[bit / 64] |= 1 << (bit % 64);
        place += 1;
    }
    words
}

impl Zeroize for Digits {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Digits {
    #[inline(always)]
    pub fn new(scalar: &Words, halves: &[u64; 5]) -> Self {
        let mut words = [0; 5];
        let mut carry = false;
        for i in 0..4 {
            (words[i], carry) = scalar[i].carrying_add(halves[i], carry);
        }
        words[4] = halves[4].wrapping_add(u64::from(carry));
        Self(words)
    }

    /// Digit number `place`, the lowest first.
    #[inline(always)]
    pub fn get(&self, place: usize, width: usize) -> i32 {
        let bit = place * width;
        let (word, shift) = (bit / 64, bit % 64);
        let low = self.0[word] >> shift;
        let high = if shift + width > 64 { self.0[word + 1] << (64 - shift) } else { 0 };
        ((low | high) & ((1 << width) - 1)) as i32 - (1 << (width - 1))
    }
}
