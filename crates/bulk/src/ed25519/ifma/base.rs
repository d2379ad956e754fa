//! Multiply the base point by secret scalars, sixteen at a time, as the portable twin does.
//!
//! The multiples of a digit are in registers when one is chosen: the choice is a permutation of
//! lanes by registers, never an address. Its time does not depend on what is chosen.

use std::arch::x86_64::*;

use super::super::base::{DIGIT_BITS, DIGITS, HALVES, MULTIPLES, Multiples, Row, table};
use super::super::field::Fe;
use super::super::scalar::Scalar;
use super::field::{F8, LANES, Words8, invert};
use super::point::P8;
use super::transpose::{load, store, to_row};

/// Vectors whose scalars share the loads of a digit's multiples.
const VECTORS: usize = 2;

/// What is left of eight scalars, the next digit in the lowest bits.
#[derive(Clone, Copy)]
struct Digits8(Words8);

/// The next digit of each lane.
struct Digit8 {
    /// Lane and register of the multiple: its number less one.
    index: __m512i,
    /// Lanes whose multiple is in the upper two of four registers.
    upper: __mmask8,
    zero: __mmask8,
    negative: __mmask8,
}

impl Digits8 {
    /// Adds the halves of the digits to the scalars.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn new(scalars: Words8) -> Self {
        let mut words = scalars;
        let one = _mm512_set1_epi64(1);
        let mut carry = 0;
        for (word, half) in words.iter_mut().zip(HALVES) {
            // No half is all ones: half and carry stay within a word.
            let half = _mm512_set1_epi64(half as i64);
            let half = _mm512_mask_add_epi64(half, carry, half, one);
            *word = _mm512_add_epi64(*word, half);
            carry = _mm512_cmplt_epu64_mask(*word, half);
        }
        Self(words)
    }

    /// Takes a digit; `half` is what was added to it.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn take(&mut self, half: usize) -> Digit8 {
        const BITS: u32 = DIGIT_BITS as u32;
        let [a, b, c, d] = self.0;
        let unsigned = _mm512_and_si512(a, _mm512_set1_epi64(2 * MULTIPLES as i64 - 1));
        let digit = _mm512_sub_epi64(unsigned, _mm512_set1_epi64(half as i64));
        self.0 = [
            _mm512_or_si512(_mm512_srli_epi64::<BITS>(a), _mm512_slli_epi64::<{ 64 - BITS }>(b)),
            _mm512_or_si512(_mm512_srli_epi64::<BITS>(b), _mm512_slli_epi64::<{ 64 - BITS }>(c)),
            _mm512_or_si512(_mm512_srli_epi64::<BITS>(c), _mm512_slli_epi64::<{ 64 - BITS }>(d)),
            _mm512_srli_epi64::<BITS>(d),
        ];
        let index = _mm512_sub_epi64(_mm512_abs_epi64(digit), _mm512_set1_epi64(1));
        Digit8 {
            index,
            upper: _mm512_test_epi64_mask(index, _mm512_set1_epi64(MULTIPLES as i64 / 2)),
            zero: _mm512_testn_epi64_mask(digit, digit),
            negative: _mm512_movepi64_mask(digit),
        }
    }
}

/// The limb of the multiple that each lane asks for.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn pick_limb(row: &Row, digit: &Digit8, none: u64) -> __m512i {
    let rows = row.0.as_ptr();
    // SAFETY: a row is four vectors, and aligned.
    let (a, b, c, d) = unsafe {
        (
            _mm512_load_si512(rows.cast()),
            _mm512_load_si512(rows.add(LANES).cast()),
            _mm512_load_si512(rows.add(2 * LANES).cast()),
            _mm512_load_si512(rows.add(3 * LANES).cast()),
        )
    };
    let lower = _mm512_permutex2var_epi64(a, digit.index, b);
    let upper = _mm512_permutex2var_epi64(c, digit.index, d);
    let picked = _mm512_mask_mov_epi64(lower, digit.upper, upper);
    _mm512_mask_mov_epi64(picked, digit.zero, _mm512_set1_epi64(none as i64))
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn pick(rows: &[Row; 5], digit: &Digit8, none: Fe) -> F8 {
    let mut limbs = F8::zero();
    for ((limb, row), none) in limbs.0.iter_mut().zip(rows).zip(none.0) {
        *limb = pick_limb(row, digit, none);
    }
    limbs
}

/// Adds the multiple that each lane asks for.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn add(point: &P8, multiples: &Multiples, digit: &Digit8) -> P8 {
    let sum = pick(&multiples[0], digit, Fe::HALF);
    let difference = pick(&multiples[1], digit, Fe::HALF);
    let product = pick(&multiples[2], digit, Fe::ZERO).neg_lanes(digit.negative);
    let negative = digit.negative;
    point.add_halved(sum.blend(negative, difference), difference.blend(negative, sum), product)
}

/// Encodings of the multiples of B (RFC 8032, section 5.1.2), with one inversion for all.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn multiply(scalars: &[Scalar]) -> Vec<[u8; 32]> {
    let table = table();
    let mut points = Vec::with_capacity(scalars.len().div_ceil(LANES) + VECTORS);
    for group in scalars.chunks(VECTORS * LANES) {
        // Lanes without a scalar repeat the first one.
        let pick = |from: usize| -> [&[u64; 4]; LANES] {
            std::array::from_fn(|lane| &group.get(from + lane).unwrap_or(&group[0]).0)
        };
        let mut digits = [Digits8::new(load(pick(0))), Digits8::new(load(pick(LANES)))];
        let mut sums = [P8::neutral(); VECTORS];
        for (place, multiples) in table.iter().enumerate() {
            let half = if place + 1 < DIGITS { MULTIPLES } else { 0 };
            for (sum, digits) in sums.iter_mut().zip(&mut digits) {
                *sum = add(sum, multiples, &digits.take(half));
            }
        }
        points.extend(sums);
    }
    let mut encodings = encode(&points);
    encodings.truncate(scalars.len());
    points.fill(P8::neutral());
    std::hint::black_box(&points);
    encodings
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn encode(points: &[P8]) -> Vec<[u8; 32]> {
    let mut product = F8::one();
    let mut before = Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product = product.mul(point.z);
    }
    // No z is zero: the formulas are complete.
    let mut inverse = invert(product);
    let mut encodings = vec![[0; 32]; LANES * points.len()];
    let places = encodings.chunks_exact_mut(VECTORS * LANES).rev();
    let pairs = points.chunks_exact(VECTORS).zip(before.chunks_exact(VECTORS)).rev();
    for ((points, before), places) in pairs.zip(places) {
        let mut words = [[_mm512_setzero_si512(); 4]; VECTORS];
        for vector in (0..VECTORS).rev() {
            let point = &points[vector];
            let z_inverse = inverse.mul(before[vector]);
            inverse = inverse.mul(point.z);
            let x = point.x.mul(z_inverse).to_words();
            let mut y = point.y.mul(z_inverse).to_words();
            y[3] = _mm512_or_si512(y[3], _mm512_slli_epi64::<63>(x[0]));
            words[vector] = y;
        }
        let rows = store(words[0], words[1]);
        for (lane, row) in rows.into_iter().enumerate() {
            let words = to_row(row);
            for (at, word) in words.into_iter().enumerate() {
                let place = &mut places[lane + LANES * (at / 4)];
                place[8 * (at % 4)..8 * (at % 4) + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
    }
    before.fill(F8::one());
    std::hint::black_box(&before);
    encodings
}
