//! Compute in the field of 2^255 - 19, eight values in eight lanes: five limbs of 51 bits.
//!
//! Limbs of products, sums and differences stay below 2^51 + 2^15 ("reduced"), so that the 52
//! bits that the multiplier reads hold each limb whole. Arithmetic never fails; the products of
//! 52-bit limbs, ten to a column and folded by 19, stay below 2^61.

use std::arch::x86_64::*;

use super::super::field::{FOLD, Fe, LIMB_BITS, LIMB_MASK};

/// Values in a vector.
pub(super) const LANES: usize = 8;

/// Eight elements of the field.
#[derive(Clone, Copy)]
pub(super) struct F8(pub(super) [__m512i; 5]);

/// Eight values of four words each: word by word, lane by lane.
pub(super) type Words8 = [__m512i; 4];

const SHIFT: u32 = LIMB_BITS;

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn low(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_madd52lo_epu64(sum, a, b)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn high(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_madd52hi_epu64(sum, a, b)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn plus(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi64(a, b)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn twice(a: __m512i) -> __m512i {
    _mm512_add_epi64(a, a)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn masked(a: __m512i) -> __m512i {
    _mm512_and_si512(a, _mm512_set1_epi64(LIMB_MASK as i64))
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn times19(a: __m512i) -> __m512i {
    _mm512_mullo_epi64(a, _mm512_set1_epi64(FOLD as i64))
}

/// One step of carries, all limbs at once.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn carry(limbs: [__m512i; 5]) -> F8 {
    let (mut over, mut rest) = (limbs, limbs);
    for i in 0..5 {
        over[i] = _mm512_srli_epi64::<SHIFT>(limbs[i]);
        rest[i] = masked(limbs[i]);
    }
    // The carry of the last limb has at most ten bits: the 52-bit multiplier serves.
    let fold = _mm512_set1_epi64(FOLD as i64);
    F8([
        low(rest[0], over[4], fold),
        plus(rest[1], over[0]),
        plus(rest[2], over[1]),
        plus(rest[3], over[2]),
        plus(rest[4], over[3]),
    ])
}

/// Folds nine columns and carries.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn fold(columns: [__m512i; 10]) -> F8 {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = columns;
    carry([
        plus(c0, times19(c5)),
        plus(c1, times19(c6)),
        plus(c2, times19(c7)),
        plus(c3, times19(c8)),
        plus(c4, times19(c9)),
    ])
}

impl F8 {
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn splat(value: Fe) -> Self {
        F8(value.0.map(|limb| _mm512_set1_epi64(limb as i64)))
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn zero() -> Self {
        F8([_mm512_setzero_si512(); 5])
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn one() -> Self {
        Self::splat(Fe::ONE)
    }

    /// Reads 255 bits a lane; bit 255 is ignored.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn from_words(words: Words8) -> Self {
        let [a, b, c, d] = words;
        let join = |low: __m512i, high: __m512i| masked(_mm512_or_si512(low, high));
        F8([
            masked(a),
            join(_mm512_srli_epi64::<51>(a), _mm512_slli_epi64::<13>(b)),
            join(_mm512_srli_epi64::<38>(b), _mm512_slli_epi64::<26>(c)),
            join(_mm512_srli_epi64::<25>(c), _mm512_slli_epi64::<39>(d)),
            masked(_mm512_srli_epi64::<12>(d)),
        ])
    }

    /// Limbs of the least representatives.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn least(self) -> [__m512i; 5] {
        // A reduced value is below 2p: it is p or more exactly when adding 19 reaches 2^255.
        let mut quotient = _mm512_set1_epi64(FOLD as i64);
        for limb in self.0 {
            quotient = _mm512_srli_epi64::<SHIFT>(plus(limb, quotient));
        }
        let mut limbs = self.0;
        let mut over = times19(quotient);
        for limb in &mut limbs {
            let value = plus(*limb, over);
            *limb = masked(value);
            over = _mm512_srli_epi64::<SHIFT>(value);
        }
        limbs
    }

    /// Words of the least representatives.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn to_words(self) -> Words8 {
        let [a, b, c, d, e] = self.least();
        [
            _mm512_or_si512(a, _mm512_slli_epi64::<51>(b)),
            _mm512_or_si512(_mm512_srli_epi64::<13>(b), _mm512_slli_epi64::<38>(c)),
            _mm512_or_si512(_mm512_srli_epi64::<26>(c), _mm512_slli_epi64::<25>(d)),
            _mm512_or_si512(_mm512_srli_epi64::<39>(d), _mm512_slli_epi64::<12>(e)),
        ]
    }

    /// Lanes that are zero.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn zero_lanes(self) -> __mmask8 {
        let [a, b, c, d, e] = self.least();
        let any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
        let any = _mm512_or_si512(any, e);
        _mm512_testn_epi64_mask(any, any)
    }

    /// Lanes whose least representative is odd.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn odd_lanes(self) -> __mmask8 {
        _mm512_test_epi64_mask(self.least()[0], _mm512_set1_epi64(1))
    }

    /// `other` in the lanes of `mask`, `self` elsewhere.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn blend(self, mask: __mmask8, other: Self) -> Self {
        let mut limbs = self.0;
        for (limb, other) in limbs.iter_mut().zip(other.0) {
            *limb = _mm512_mask_mov_epi64(*limb, mask, other);
        }
        F8(limbs)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn add(self, other: Self) -> Self {
        let [a, b] = [self.0, other.0];
        carry([
            plus(a[0], b[0]),
            plus(a[1], b[1]),
            plus(a[2], b[2]),
            plus(a[3], b[3]),
            plus(a[4], b[4]),
        ])
    }

    /// `self + multiple - other`, where `multiple` is a multiple of p, plus a constant, whose
    /// limbs exceed those of `other`.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn biased_sub(self, multiple: [u64; 5], other: Self) -> Self {
        let mut limbs = self.0;
        for i in 0..5 {
            let biased = plus(limbs[i], _mm512_set1_epi64(multiple[i] as i64));
            limbs[i] = _mm512_sub_epi64(biased, other.0[i]);
        }
        carry(limbs)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn sub(self, other: Self) -> Self {
        self.biased_sub(multiple_of_p(2), other)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn neg(self) -> Self {
        Self::zero().sub(self)
    }

    /// The negative in the lanes of `mask`.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn neg_lanes(self, mask: __mmask8) -> Self {
        let bias = multiple_of_p(2);
        let mut limbs = self.0;
        for (limb, bias) in limbs.iter_mut().zip(bias) {
            *limb = _mm512_mask_sub_epi64(*limb, mask, _mm512_set1_epi64(bias as i64), *limb);
        }
        // Reduced limbs stay as they are, negatives below 2^52.
        F8(limbs)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn mul(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        let zero = _mm512_setzero_si512();
        // High halves weigh 2^52, two units of the next column.
        let mut columns = [zero; 10];
        for i in 0..5 {
            for j in 0..5 {
                columns[i + j + 1] = high(columns[i + j + 1], a[i], b[j]);
            }
        }
        for column in &mut columns[1..] {
            *column = twice(*column);
        }
        for i in 0..5 {
            for j in 0..5 {
                columns[i + j] = low(columns[i + j], a[i], b[j]);
            }
        }
        fold(columns)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn square(self) -> Self {
        let a = self.0;
        let mut columns = [_mm512_setzero_si512(); 10];
        // 4 (high, mixed) + 2 (low, mixed) + 2 (high, square) + (low, square).
        for i in 0..5 {
            for j in i + 1..5 {
                columns[i + j + 1] = high(columns[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut columns[2..9] {
            *column = twice(*column);
        }
        for i in 0..5 {
            columns[2 * i + 1] = high(columns[2 * i + 1], a[i], a[i]);
            for j in i + 1..5 {
                columns[i + j] = low(columns[i + j], a[i], a[j]);
            }
        }
        for column in &mut columns[1..] {
            *column = twice(*column);
        }
        for i in 0..5 {
            columns[2 * i] = low(columns[2 * i], a[i], a[i]);
        }
        fold(columns)
    }
}

/// Limbs of `factor` times p, each `factor` times as large as the limb of p.
pub(super) const fn multiple_of_p(factor: u64) -> [u64; 5] {
    let limb = factor * LIMB_MASK;
    [limb - 18 * factor, limb, limb, limb, limb]
}

/// Vectors that a power is computed of at once, to fill the multiplier's pipeline.
pub(super) type Many<const N: usize> = [F8; N];

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn square_times<const N: usize>(mut values: Many<N>, count: u32) -> Many<N> {
    for _ in 0..count {
        for value in &mut values {
            *value = value.square();
        }
    }
    values
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn mul_many<const N: usize>(mut a: Many<N>, b: &Many<N>) -> Many<N> {
    for (a, b) in a.iter_mut().zip(b) {
        *a = a.mul(*b);
    }
    a
}

/// `value^(2^250 - 1)` and `value^11`, as the portable twin does.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn power_ladder<const N: usize>(value: &Many<N>) -> (Many<N>, Many<N>) {
    let two = square_times(*value, 1);
    let nine = mul_many(square_times(two, 2), value);
    let eleven = mul_many(nine, &two);
    let ones_5 = mul_many(square_times(eleven, 1), &nine);
    let ones_10 = mul_many(square_times(ones_5, 5), &ones_5);
    let ones_20 = mul_many(square_times(ones_10, 10), &ones_10);
    let ones_40 = mul_many(square_times(ones_20, 20), &ones_20);
    let ones_50 = mul_many(square_times(ones_40, 10), &ones_10);
    let ones_100 = mul_many(square_times(ones_50, 50), &ones_50);
    let ones_200 = mul_many(square_times(ones_100, 100), &ones_100);
    (mul_many(square_times(ones_200, 50), &ones_50), eleven)
}

/// `value^((p - 5)/8)`.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn power_p58<const N: usize>(value: &Many<N>) -> Many<N> {
    mul_many(square_times(power_ladder(value).0, 2), value)
}

/// `1/value`, and zero for zero.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn invert(value: F8) -> F8 {
    let ([ones_250], [eleven]) = power_ladder(&[value]);
    let [shifted] = square_times([ones_250], 5);
    shifted.mul(eleven)
}

#[cfg(test)]
pub(in crate::ed25519) mod tests;
