//! Compute in the field of 2^255 - 19 with portable code: five limbs of 51 bits.
//!
//! Every limb of a value is below 2^52 ("reduced"), sums of two such values are accepted as
//! operands. No operation has a branch or a memory address that depends on a value; comparisons are
//! for public values alone, and their answers are branched on elsewhere.

/// Bits of a limb.
pub(super) const LIMB_BITS: u32 = 51;
/// Ones in all bits of a limb.
pub(super) const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;
/// 2^255 modulo p.
pub(super) const FOLD: u64 = 19;

/// Element of the field of 2^255 - 19, not necessarily the least representative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fe(pub(super) [u64; 5]);

#[inline(always)]
fn wide(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

#[inline(always)]
fn sum(terms: [u128; 5]) -> u128 {
    // Operands below 2^54, folded by 19: no sum of five reaches 2^116.
    terms.into_iter().fold(0, u128::wrapping_add)
}

impl Fe {
    pub(super) const ZERO: Self = Self([0; 5]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0]);
    /// 1/2.
    pub(super) const HALF: Self =
        Self([LIMB_MASK - 8, LIMB_MASK, LIMB_MASK, LIMB_MASK, LIMB_MASK >> 1]);
    /// Coefficient d = -121665/121666 of the twisted Edwards curve (RFC 8032, section 5.1).
    pub(super) const D: Self =
        Self([0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff]);
    /// 2d.
    pub(super) const D2: Self =
        Self([0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff]);
    /// Square root of -1: 2^((p - 1)/4).
    pub(super) const SQRT_M1: Self =
        Self([0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d]);
    /// Square root of -486664, the scale between the Edwards and the Montgomery curve
    /// (RFC 7748, section 4.1); either root serves.
    pub(super) const MONTGOMERY_SCALE: Self =
        Self([0x604aaff457e06, 0x2296fa350598d, 0x7f13dfb16874f, 0x35de93d846e01, 0x0f26edf460a00]);

    /// Reads 255 bits, least significant word first; the highest bit is ignored and a value of
    /// p or more is accepted.
    pub(super) fn from_words(words: &[u64; 4]) -> Self {
        let [a, b, c, d] = *words;
        Self([
            a & LIMB_MASK,
            ((a >> 51) | (b << 13)) & LIMB_MASK,
            ((b >> 38) | (c << 26)) & LIMB_MASK,
            ((c >> 25) | (d << 39)) & LIMB_MASK,
            (d >> 12) & LIMB_MASK,
        ])
    }

    /// The least representative, least significant word first.
    pub(super) fn to_words(self) -> [u64; 4] {
        let mut limbs = self.carry().0;
        let mut quotient = FOLD;
        for limb in limbs {
            quotient = (limb + quotient) >> LIMB_BITS;
        }
        let mut carry = FOLD * quotient;
        for limb in &mut limbs {
            let value = *limb + carry;
            *limb = value & LIMB_MASK;
            carry = value >> LIMB_BITS;
        }
        let [a, b, c, d, e] = limbs;
        [a | (b << 51), (b >> 13) | (c << 38), (c >> 26) | (d << 25), (d >> 39) | (e << 12)]
    }

    #[inline(always)]
    fn carry(self) -> Self {
        let [a, b, c, d, e] = self.0;
        Self([
            (a & LIMB_MASK) + FOLD * (e >> LIMB_BITS),
            (b & LIMB_MASK) + (a >> LIMB_BITS),
            (c & LIMB_MASK) + (b >> LIMB_BITS),
            (d & LIMB_MASK) + (c >> LIMB_BITS),
            (e & LIMB_MASK) + (d >> LIMB_BITS),
        ])
    }

    /// `self + other` of reduced operands; not reduced itself.
    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].wrapping_add(other.0[i])))
    }

    /// `self - other`, reduced; either operand may be a sum of two reduced values.
    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        // 4p limb by limb, so that no limb becomes negative.
        const BIAS: [u64; 5] =
            [4 * (LIMB_MASK - 18), 4 * LIMB_MASK, 4 * LIMB_MASK, 4 * LIMB_MASK, 4 * LIMB_MASK];
        let limbs =
            std::array::from_fn(|i| self.0[i].wrapping_add(BIAS[i]).wrapping_sub(other.0[i]));
        Self(limbs).carry()
    }

    pub(super) fn neg(self) -> Self {
        Self::ZERO.sub(self)
    }

    #[inline(always)]
    fn fold(columns: [u128; 5]) -> Self {
        let mut limbs = [0; 5];
        let mut carry = 0u128;
        for (limb, column) in limbs.iter_mut().zip(columns) {
            let value = column.wrapping_add(carry);
            *limb = (value as u64) & LIMB_MASK;
            carry = value >> LIMB_BITS;
        }
        // The last carry stays below 2^59: a fold by 19 fits.
        let first = limbs[0].wrapping_add((carry as u64).wrapping_mul(FOLD));
        limbs[0] = first & LIMB_MASK;
        limbs[1] = limbs[1].wrapping_add(first >> LIMB_BITS);
        Self(limbs)
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let [b0, b1, b2, b3, b4] = other.0;
        let [c1, c2, c3, c4] = [b1, b2, b3, b4].map(|limb| limb.wrapping_mul(FOLD));
        Self::fold([
            sum([wide(a0, b0), wide(a1, c4), wide(a2, c3), wide(a3, c2), wide(a4, c1)]),
            sum([wide(a0, b1), wide(a1, b0), wide(a2, c4), wide(a3, c3), wide(a4, c2)]),
            sum([wide(a0, b2), wide(a1, b1), wide(a2, b0), wide(a3, c4), wide(a4, c3)]),
            sum([wide(a0, b3), wide(a1, b2), wide(a2, b1), wide(a3, b0), wide(a4, c4)]),
            sum([wide(a0, b4), wide(a1, b3), wide(a2, b2), wide(a3, b1), wide(a4, b0)]),
        ])
    }

    #[inline(always)]
    pub(super) fn square(self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let (d0, d1, d2) = (a0.wrapping_mul(2), a1.wrapping_mul(2), a2.wrapping_mul(2));
        let (f3, f4) = (a3.wrapping_mul(FOLD), a4.wrapping_mul(FOLD));
        Self::fold([
            sum([wide(a0, a0), wide(d1, f4), wide(d2, f3), 0, 0]),
            sum([wide(d0, a1), wide(d2, f4), wide(a3, f3), 0, 0]),
            sum([wide(d0, a2), wide(a1, a1), wide(a3.wrapping_mul(2), f4), 0, 0]),
            sum([wide(d0, a3), wide(d1, a2), wide(a4, f4), 0, 0]),
            sum([wide(d0, a4), wide(d1, a3), wide(a2, a2), 0, 0]),
        ])
    }

    /// `self` squared `count` times.
    pub(super) fn square_times(self, count: u32) -> Self {
        (0..count).fold(self, |value, _| value.square())
    }

    /// `self^(2^250 - 1)` and `self^11`, from which the powers below follow.
    fn power_ladder(self) -> (Self, Self) {
        let two = self.square();
        let nine = two.square_times(2).mul(self);
        let eleven = nine.mul(two);
        let ones_5 = eleven.square().mul(nine);
        let ones_10 = ones_5.square_times(5).mul(ones_5);
        let ones_20 = ones_10.square_times(10).mul(ones_10);
        let ones_40 = ones_20.square_times(20).mul(ones_20);
        let ones_50 = ones_40.square_times(10).mul(ones_10);
        let ones_100 = ones_50.square_times(50).mul(ones_50);
        let ones_200 = ones_100.square_times(100).mul(ones_100);
        (ones_200.square_times(50).mul(ones_50), eleven)
    }

    /// `self^((p - 5)/8)`.
    pub(super) fn power_p58(self) -> Self {
        self.power_ladder().0.square_times(2).mul(self)
    }

    /// `1/self`, and zero for zero.
    pub(super) fn invert(self) -> Self {
        let (ones_250, eleven) = self.power_ladder();
        ones_250.square_times(5).mul(eleven)
    }

    pub(super) fn is_zero(self) -> bool {
        self.to_words() == [0; 4]
    }

    pub(super) fn equals(self, other: Self) -> bool {
        self.sub(other).is_zero()
    }

    /// Whether the least representative is odd (the sign of RFC 8032, section 5.1.2).
    pub(super) fn is_odd(self) -> bool {
        self.to_words()[0] & 1 == 1
    }
}

#[cfg(test)]
pub(in crate::ed25519) mod tests;
