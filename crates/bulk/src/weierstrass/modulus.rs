//! Compute modulo a 256-bit prime in Montgomery form, four words of 64 bits.
//!
//! Everything here is free of branches on values, so that signing may use it.

use std::marker::PhantomData;

pub(crate) use super::words::{Words, subtract, sum};
use super::words::{add_to_row, choose, multiply_row, product, square, subtract_once};

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

    /// A step of Montgomery's reduction: (t + q M) / 2^64, for the q that makes it whole.
    ///
    /// Stays below 2^256, since M < 2^256 - 2^192. A prime of coordinates has its own step, without
    /// products.
    #[inline(always)]
    fn step(t: Words) -> Words {
        const { assert!(Self::M[3] < u64::MAX, "a sum of 2^192 and M must fit 256 bits") };
        let quotient = t[0].wrapping_mul(Self::NEGATIVE_INVERSE);
        let [_, t0, t1, t2, t3] = add_to_row(multiply_row(&Self::M, quotient), &t);
        [t0, t1, t2, t3]
    }
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
        value = less_once(&doubled, top, m);
        i += 1;
    }
    value
}

/// As [`subtract_once`], for constants.
const fn less_once(value: &Words, top: u64, m: &Words) -> Words {
    let mut less = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (difference, first) = value[i].overflowing_sub(m[i]);
        let (difference, second) = difference.overflowing_sub(borrow as u64);
        (less[i], borrow) = (difference, first | second);
        i += 1;
    }
    if top == 1 || !borrow { less } else { *value }
}

/// Whether `words` < M.
pub(crate) fn is_reduced<M: Modulus>(words: &Words) -> bool {
    subtract(words, &M::M).1
}

/// `words` mod M, for any `words`.
pub(crate) fn reduce<M: Modulus>(words: &Words) -> Words {
    subtract_once(words, false, &M::M)
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
        Self::raw(subtract_once(&total, carry, &M::M))
    }

    #[inline(always)]
    pub fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = subtract(&self.0, &other.0);
        let mask = u64::from(borrow).wrapping_neg();
        Self::raw(sum(&difference, &M::M.map(|word| word & mask)).0)
    }

    #[inline(always)]
    pub fn mul(&self, other: &Self) -> Self {
        Self::shrink(product(&self.0, &other.0))
    }

    #[inline(always)]
    pub fn sqr(&self) -> Self {
        Self::shrink(square(&self.0))
    }

    /// A product of two residues divided by 2^256 (Montgomery).
    ///
    /// The lower half becomes a number of at most M, whatever it is; the upper half is below M.
    #[inline(always)]
    fn shrink(t: [u64; 8]) -> Self {
        let mut low = [t[0], t[1], t[2], t[3]];
        for _ in 0..4 {
            low = M::step(low);
        }
        let (total, carry) = sum(&low, &[t[4], t[5], t[6], t[7]]);
        Self::raw(subtract_once(&total, carry, &M::M))
    }

    /// `self` where `mask` is all ones, `other` where it is zero; no branch.
    #[inline(always)]
    pub fn select(mask: u64, yes: &Self, no: &Self) -> Self {
        Self::raw(choose(mask, &yes.0, &no.0))
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
