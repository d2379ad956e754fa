//! Compute modulo a 256-bit prime in Montgomery form, four words of 64 bits.
//!
//! Everything here is free of branches on values, so that signing may use it.

use std::marker::PhantomData;

/// A number of 256 bits, least word first.
pub(crate) type Words = [u64; 4];

/// A prime between 2^255 and 2^256.
pub(crate) trait Modulus:
    Copy + Send + Sync + 'static + PartialEq + std::fmt::Debug
{
    const M: Words;
    /// How M + 1 is written for the kernels with limbs of 52 bits; see `ifma`.
    const SPARSE: Sparse;
    /// -1 / M modulo 2^64.
    const NEGATIVE_INVERSE: u64 = negative_inverse(Self::M[0]);
    /// 2^256 mod M: one, in Montgomery form.
    const ONE: Words = power_of_two(&Self::M, 256);
    /// 2^512 mod M.
    const R2: Words = power_of_two(&Self::M, 512);
}

/// M + 1 = `low` 2^52 + `middle` 2^156 + `high` 2^208, for a prime of coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Sparse {
    pub low: i64,
    pub middle: i64,
    pub high: i64,
}

impl Sparse {
    /// For a modulus that the vector kernels never see.
    pub const NONE: Self = Self { low: 0, middle: 0, high: 0 };
}

const fn negative_inverse(m: u64) -> u64 {
    let mut inverse = 1u64;
    let mut i = 0;
    while i < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg()
}

/// 2^`bits` mod `m`, by doubling.
pub(crate) const fn power_of_two(m: &Words, bits: usize) -> Words {
    let mut value = [1, 0, 0, 0];
    let mut i = 0;
    while i < bits {
        let top = value[3] >> 63;
        let doubled = [
            value[0] << 1,
            value[1] << 1 | value[0] >> 63,
            value[2] << 1 | value[1] >> 63,
            value[3] << 1 | value[2] >> 63,
        ];
        value = subtract_once(&doubled, top, m);
        i += 1;
    }
    value
}

/// `u64::borrowing_sub`, for constants as well.
#[inline(always)]
const fn subtract_word(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// `value` + `top` 2^256, less `m` where that is not negative.
#[inline(always)]
const fn subtract_once(value: &Words, top: u64, m: &Words) -> Words {
    let (d0, borrow) = subtract_word(value[0], m[0], false);
    let (d1, borrow) = subtract_word(value[1], m[1], borrow);
    let (d2, borrow) = subtract_word(value[2], m[2], borrow);
    let (d3, borrow) = subtract_word(value[3], m[3], borrow);
    let (_, borrow) = subtract_word(top, 0, borrow);
    let keep = (borrow as u64).wrapping_neg();
    [
        d0 ^ (keep & (d0 ^ value[0])),
        d1 ^ (keep & (d1 ^ value[1])),
        d2 ^ (keep & (d2 ^ value[2])),
        d3 ^ (keep & (d3 ^ value[3])),
    ]
}

/// Whether `words` < M.
pub(crate) fn is_reduced<M: Modulus>(words: &Words) -> bool {
    subtract(words, &M::M).1
}

/// `a` - `b` mod 2^256, and whether it wrapped.
#[inline(always)]
pub(crate) fn subtract(a: &Words, b: &Words) -> (Words, bool) {
    let mut difference = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        (difference[i], borrow) = a[i].borrowing_sub(b[i], borrow);
    }
    (difference, borrow)
}

/// `a` + `b` mod 2^256, and whether it wrapped.
#[inline(always)]
pub(crate) fn sum(a: &Words, b: &Words) -> (Words, bool) {
    let mut total = [0; 4];
    let mut carry = false;
    for i in 0..4 {
        (total[i], carry) = a[i].carrying_add(b[i], carry);
    }
    (total, carry)
}

/// `words` mod M, for any `words`.
pub(crate) fn reduce<M: Modulus>(words: &Words) -> Words {
    subtract_once(words, 0, &M::M)
}

/// A residue modulo M, held as value 2^256 mod M.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fe<M>(pub Words, PhantomData<M>);

impl<M: Modulus> Fe<M> {
    pub const ZERO: Self = Self::raw([0; 4]);
    pub const ONE: Self = Self::raw(M::ONE);

    /// The residue whose Montgomery form is `words`.
    #[inline(always)]
    pub const fn raw(words: Words) -> Self {
        Self(words, PhantomData)
    }

    /// The residue of a number below 2^256.
    #[inline(always)]
    pub fn new(plain: &Words) -> Self {
        Self::raw(M::R2).mul(&Self::raw(*plain))
    }

    /// The number below M.
    #[inline(always)]
    pub fn plain(&self) -> Words {
        self.mul(&Self::raw([1, 0, 0, 0])).0
    }

    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 4]
    }

    #[inline(always)]
    pub fn add(&self, other: &Self) -> Self {
        let (total, carry) = sum(&self.0, &other.0);
        Self::raw(subtract_once(&total, carry as u64, &M::M))
    }

    #[inline(always)]
    pub fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = subtract(&self.0, &other.0);
        let mask = (borrow as u64).wrapping_neg();
        Self::raw(sum(&difference, &M::M.map(|word| word & mask)).0)
    }

    /// Product divided by 2^256 (Koc, Acar, Kaliski: finely integrated operand scanning).
    #[inline(always)]
    pub fn mul(&self, other: &Self) -> Self {
        let (a, b, m) = (&self.0, &other.0, &M::M);
        let mut t = [0u64; 5];
        for &digit in b {
            let mut high = 0;
            for j in 0..4 {
                (t[j], high) = a[j].carrying_mul_add(digit, high, t[j]);
            }
            let (top, over) = t[4].overflowing_add(high);
            let quotient = t[0].wrapping_mul(M::NEGATIVE_INVERSE);
            let (_, mut high) = m[0].carrying_mul_add(quotient, 0, t[0]);
            for j in 1..4 {
                (t[j - 1], high) = m[j].carrying_mul_add(quotient, high, t[j]);
            }
            let (last, carry) = top.overflowing_add(high);
            t[3] = last;
            t[4] = over as u64 + carry as u64;
        }
        Self::raw(subtract_once(&[t[0], t[1], t[2], t[3]], t[4], m))
    }

    /// `self` where `mask` is all ones, `other` where it is zero; no branch.
    #[inline(always)]
    pub fn select(mask: u64, yes: &Self, no: &Self) -> Self {
        Self::raw(std::array::from_fn(|i| no.0[i] ^ (mask & (yes.0[i] ^ no.0[i]))))
    }

    /// 1 / self, and zero of zero (Fermat).
    pub fn invert(&self) -> Self {
        let exponent = subtract(&M::M, &[2, 0, 0, 0]).0;
        super::engine::power::<super::engine::Portable<M>>(*self, &exponent)
    }
}

/// Replaces every residue by its inverse, for one inversion; zero stays zero.
pub(crate) fn invert_all<M: Modulus>(residues: &mut [Fe<M>]) {
    let mut product = Fe::ONE;
    let mut before = Vec::with_capacity(residues.len());
    for residue in residues.iter() {
        before.push(product);
        if !residue.is_zero() {
            product = product.mul(residue);
        }
    }
    let mut inverse = product.invert();
    for (residue, before) in residues.iter_mut().zip(&before).rev() {
        if !residue.is_zero() {
            let inverted = inverse.mul(before);
            inverse = inverse.mul(residue);
            *residue = inverted;
        }
    }
}
