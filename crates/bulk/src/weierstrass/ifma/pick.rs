//! Choose multiples of a point by secret digits: all are loaded, registers choose among them.
//!
//! The choice is a permutation of lanes by a register, never an address; its time does not depend
//! on what is chosen.

use super::*;

/// A limb of each multiple.
#[repr(align(64))]
pub(crate) struct Row([u64; MULTIPLES]);

/// Limbs of x and of y of the multiples of one digit.
pub(crate) struct Multiples([[Row; LIMBS]; 2]);

impl Multiples {
    pub fn new(points: &[Point]) -> Self {
        let points: &[Point; MULTIPLES] = points.try_into().expect("all multiples of a digit");
        let limbs =
            [points.map(|point| limbs_of(&point.x)), points.map(|point| limbs_of(&point.y))];
        Self(limbs.map(|limbs| std::array::from_fn(|i| Row(limbs.map(|limbs| limbs[i])))))
    }

    /// x and y of the multiple that each digit asks for, and the lanes whose digit is negative or
    /// zero.
    #[inline(always)]
    pub fn pick<const K: usize>(&self, digits: &[i8; LANES_MAX]) -> ([[Limbs; K]; 2], u32, u32) {
        let [mut x, mut y] = [[[set(0); LIMBS]; K]; 2];
        let (mut negative, mut zero) = (0, 0);
        for k in 0..K {
            let digit = Digit::load(digits, k * WIDTH);
            negative |= u32::from(digit.negative) << (WIDTH * k);
            zero |= u32::from(digit.zero) << (WIDTH * k);
            x[k] = digit.pick_limbs(&self.0[0]);
            y[k] = digit.pick_limbs(&self.0[1]);
        }
        ([x, y], negative, zero)
    }
}

/// The digits of eight lanes.
struct Digit {
    /// Number of the multiple, less one.
    index: __m512i,
    /// Lanes whose multiple is in the upper half.
    upper: __mmask8,
    zero: __mmask8,
    negative: __mmask8,
}

impl Digit {
    /// Reads eight digits from the one at `first` on.
    #[inline(always)]
    fn load(digits: &[i8; LANES_MAX], first: usize) -> Self {
        let digits: &[i8; WIDTH] = digits[first..].first_chunk().expect("a digit for every lane");
        // SAFETY: runs inside `execute`, which checked the processor; the load reads eight digits
        // of eight bits.
        unsafe {
            let digit = _mm512_cvtepi8_epi64(_mm_loadl_epi64(digits.as_ptr().cast()));
            let index = _mm512_sub_epi64(_mm512_abs_epi64(digit), set(1));
            Self {
                index,
                upper: _mm512_test_epi64_mask(index, set(MULTIPLES as u64 / 2)),
                zero: _mm512_testn_epi64_mask(digit, digit),
                negative: _mm512_movepi64_mask(digit),
            }
        }
    }

    #[inline(always)]
    fn pick_limbs(&self, rows: &[Row; LIMBS]) -> Limbs {
        let mut limbs = [set(0); LIMBS];
        for (limb, row) in limbs.iter_mut().zip(rows) {
            *limb = self.pick(row);
        }
        limbs
    }

    /// The limb of the multiple that each lane asks for; of any one where the digit is zero.
    #[inline(always)]
    fn pick(&self, row: &Row) -> __m512i {
        const { assert!(MULTIPLES == 4 * WIDTH, "a row is four registers") };
        let row = row.0.as_ptr();
        // SAFETY: runs inside `execute`, which checked the processor; a row is four registers, and
        // aligned.
        unsafe {
            let a = _mm512_load_si512(row.cast());
            let b = _mm512_load_si512(row.add(WIDTH).cast());
            let c = _mm512_load_si512(row.add(2 * WIDTH).cast());
            let d = _mm512_load_si512(row.add(3 * WIDTH).cast());
            let lower = _mm512_permutex2var_epi64(a, self.index, b);
            let upper = _mm512_permutex2var_epi64(c, self.index, d);
            _mm512_mask_mov_epi64(lower, self.upper, upper)
        }
    }
}
