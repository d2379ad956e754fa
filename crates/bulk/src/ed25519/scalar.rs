//! Compute modulo the group order l = 2^252 + 27742317777372353535851937790883648493.
//!
//! Secrets of signing pass through here: products and reductions have no branch and no memory
//! address that depends on a number. Comparisons and digits are for public numbers alone.

use zeroize::Zeroize;

/// Words of l, least significant first (RFC 8032, section 5.1).
pub(super) const ORDER: [u64; 4] = [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 1 << 60];
/// 2 l.
const ORDER_2: [u64; 4] = [0xb024c634b9eba7da, 0x29bdf3bd45ef39ac, 0, 2 << 60];
/// 4 l.
const ORDER_4: [u64; 4] = [0x60498c6973d74fb4, 0x537be77a8bde7359, 0, 4 << 60];
/// l - 2^252.
const ORDER_LOW: [u64; 2] = [ORDER[0], ORDER[1]];
/// Bits of every scalar; `digits` covers one more for its last carry.
pub(super) const SCALAR_BITS: usize = 253;

/// Number below l, words least significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroize)]
pub(super) struct Scalar(pub(super) [u64; 4]);

/// Sum of products of a scalar with a 128-bit number, reduced only at its end; holds 2^120 of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WideSum([u64; 8]);

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    std::array::from_fn(|i| {
        let word = bytes[8 * i..8 * i + 8].try_into().expect("eight bytes of a longer slice");
        u64::from_le_bytes(word)
    })
}

/// Words of 32 bytes, least significant first.
pub(super) fn words_of(bytes: &[u8; 32]) -> [u64; 4] {
    words(bytes)
}

fn is_below(a: &[u64; 4], b: &[u64; 4]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a += b`, returns the carry.
fn add_assign(a: &mut [u64], b: &[u64]) -> bool {
    let mut carry = false;
    for (i, word) in a.iter_mut().enumerate() {
        let (value, over) = word.overflowing_add(b.get(i).copied().unwrap_or(0));
        let (value, more) = value.overflowing_add(u64::from(carry));
        *word = value;
        carry = over | more;
    }
    carry
}

/// `a -= b`, returns the borrow.
fn sub_assign(a: &mut [u64], b: &[u64]) -> bool {
    let mut borrow = false;
    for (i, word) in a.iter_mut().enumerate() {
        let (value, under) = word.overflowing_sub(b.get(i).copied().unwrap_or(0));
        let (value, more) = value.overflowing_sub(u64::from(borrow));
        *word = value;
        borrow = under | more;
    }
    borrow
}

/// `target += a * b`; the caller leaves room for the result.
#[inline]
fn add_product(target: &mut [u64], a: &[u64], b: &[u64]) {
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0u128;
        for (j, &y) in b.iter().enumerate() {
            let slot = &mut target[i + j];
            // (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
            let value =
                (u128::from(x) * u128::from(y)).wrapping_add(u128::from(*slot)).wrapping_add(carry);
            *slot = value as u64;
            carry = value >> 64;
        }
        for slot in &mut target[i + b.len()..] {
            let value = u128::from(*slot).wrapping_add(carry);
            *slot = value as u64;
            carry = value >> 64;
        }
    }
}

/// `value - subtracted` unless that is negative.
fn subtract_if_reached(value: [u64; 4], subtracted: &[u64; 4]) -> [u64; 4] {
    let mut less = value;
    let borrow = sub_assign(&mut less, subtracted);
    // Hidden from the compiler, which could turn the choice into a branch.
    let keep = std::hint::black_box(u64::from(borrow).wrapping_neg());
    std::array::from_fn(|i| (value[i] & keep) | (less[i] & !keep))
}

/// Splits at bit 252: (low part, high part).
fn split(value: &[u64; 8]) -> ([u64; 4], [u64; 5]) {
    let low = [value[0], value[1], value[2], value[3] & ((1 << 60) - 1)];
    let high = std::array::from_fn(|i| {
        let upper = value.get(i + 4).map_or(0, |word| word << 4);
        (value[i + 3] >> 60) | upper
    });
    (low, high)
}

/// Reduces a number of 512 bits by 2^252 = -`ORDER_LOW`, three times.
fn reduce(value: &[u64; 8]) -> Scalar {
    let (low, high) = split(value);
    let mut first = [0; 8];
    add_product(&mut first, &high, &ORDER_LOW);
    let (first_low, first_high) = split(&first);
    let mut second = [0; 8];
    add_product(&mut second, &first_high[..3], &ORDER_LOW);
    let (second_low, second_high) = split(&second);
    let mut third = [0; 8];
    add_product(&mut third, &second_high[..1], &ORDER_LOW);
    // low - first_low + second_low - third + 2 l lies between 0 and 5 l.
    let mut result = low;
    for _ in 0..2 {
        add_assign(&mut result, &ORDER);
    }
    add_assign(&mut result, &second_low);
    sub_assign(&mut result, &first_low);
    sub_assign(&mut result, &third[..4]);
    for multiple in [&ORDER_4, &ORDER_2, &ORDER] {
        result = subtract_if_reached(result, multiple);
    }
    Scalar(result)
}

impl Scalar {
    /// Reads 32 bytes, least significant first; nothing when the number is l or more.
    pub(super) fn from_canonical(bytes: &[u8; 32]) -> Option<Self> {
        let value = words_of(bytes);
        is_below(&value, &ORDER).then_some(Self(value))
    }

    /// Reduces 64 bytes, least significant first (the hash of RFC 8032, section 5.1.7).
    pub(super) fn from_wide(bytes: &[u8; 64]) -> Self {
        reduce(&words(bytes))
    }

    /// Reduces 32 bytes, least significant first.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let [a, b, c, d] = words(bytes);
        reduce(&[a, b, c, d, 0, 0, 0, 0])
    }

    /// `self * factor + addend`.
    pub(super) fn multiply_add(&self, factor: &Self, addend: &Self) -> Self {
        let [a, b, c, d] = addend.0;
        let mut sum = [a, b, c, d, 0, 0, 0, 0];
        add_product(&mut sum, &self.0, &factor.0);
        let result = reduce(&sum);
        sum.zeroize();
        result
    }

    /// Words of `self + other`, which stays below 2^256.
    pub(super) fn plus(&self, other: &[u64; 4]) -> [u64; 4] {
        let mut sum = self.0;
        add_assign(&mut sum, other);
        sum
    }

    /// 32 bytes, least significant first.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    pub(super) fn from_u128(value: u128) -> Self {
        Self([value as u64, (value >> 64) as u64, 0, 0])
    }

    pub(super) fn neg(self) -> Self {
        if self.0 == [0; 4] {
            return self;
        }
        let mut result = ORDER;
        sub_assign(&mut result, &self.0);
        Self(result)
    }

    /// Whether the number is below 2^128.
    pub(super) fn is_short(self) -> bool {
        self.0[2] | self.0[3] == 0
    }

    /// Hands `count` signed digits of `bits` bits to `write`, least significant first: the sum of
    /// `digit[i] * 2^(bits * i)`, each of magnitude at most `2^(bits - 1)`, is the scalar.
    /// `count * bits` is more than [`SCALAR_BITS`].
    #[inline]
    pub(super) fn digits(self, bits: usize, count: usize, mut write: impl FnMut(usize, i16)) {
        let mask = (1u64 << bits) - 1;
        let half = 1u64 << (bits - 1);
        let mut carry = 0;
        for i in 0..count {
            let (word, shift) = (i * bits / 64, i * bits % 64);
            let low = self.0.get(word).map_or(0, |word| word >> shift);
            let high = match self.0.get(word + 1) {
                Some(next) if shift + bits > 64 => next << (64 - shift),
                _ => 0,
            };
            let value = ((low | high) & mask) + carry;
            carry = u64::from(value > half);
            write(i, (value as i64 - ((carry << bits) as i64)) as i16);
        }
    }
}

impl WideSum {
    /// Adds `scalar * factor`.
    pub(super) fn add(&mut self, scalar: Scalar, factor: u128) {
        add_product(&mut self.0, &scalar.0, &[factor as u64, (factor >> 64) as u64]);
    }

    /// Reduces the sum.
    pub(super) fn total(&self) -> Scalar {
        reduce(&self.0)
    }
}

#[cfg(test)]
pub(in crate::ed25519) mod tests;
