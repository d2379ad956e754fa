//! Multiply the base point by secret scalars, with a table of its multiples and portable code.
//!
//! Every digit reads all its multiples and keeps one by masks: no branch and no memory address
//! depends on a scalar. The multiples are halved, as 2^-1 (y + x), 2^-1 (y - x) and dxy, which
//! spares a doubling of Z in each addition and changes no point: all four coordinates of a sum
//! become a quarter of what they were.

use std::hint::black_box;
use std::sync::OnceLock;

use super::field::Fe;
use super::point::{Decoded, Point};
use super::scalar::{SCALAR_BITS, Scalar};

/// Bits of a signed digit.
pub(super) const DIGIT_BITS: usize = 6;
/// Digits of a scalar.
pub(super) const DIGITS: usize = SCALAR_BITS.div_ceil(DIGIT_BITS);
/// Multiples kept for each digit: 1 to 2^(`DIGIT_BITS` - 1).
pub(super) const MULTIPLES: usize = 1 << (DIGIT_BITS - 1);

/// A limb of each multiple, aligned for vectors.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row(pub(super) [u64; MULTIPLES]);

/// Multiples of 2^(`DIGIT_BITS` i) B for digit i: limbs of (y + x) / 2, (y - x) / 2 and dxy.
pub(super) type Multiples = [[Row; 5]; 3];

/// The multiples of every digit: 165 KB.
pub(super) fn table() -> &'static [Multiples] {
    static TABLE: OnceLock<Vec<Multiples>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut base = Decoded::base().point();
        let mut table = vec![[[Row([0; MULTIPLES]); 5]; 3]; DIGITS];
        for multiples in &mut table {
            let mut multiple = base;
            for index in 0..MULTIPLES {
                for (rows, part) in multiples.iter_mut().zip(halved(&multiple)) {
                    for (row, limb) in rows.iter_mut().zip(part.0) {
                        row.0[index] = limb;
                    }
                }
                multiple = multiple.add(&base.cached());
            }
            base = base.double_times(DIGIT_BITS);
        }
        table
    })
}

/// (y + x) / 2, (y - x) / 2 and dxy with the limbs of the least representatives.
fn halved(point: &Point) -> [Fe; 3] {
    let inverse = point.z.invert();
    let (x, y) = (point.x.mul(inverse), point.y.mul(inverse));
    let parts = [y.add(x).mul(Fe::HALF), y.sub(x).mul(Fe::HALF), x.mul(y).mul(Fe::D)];
    parts.map(|part| Fe::from_words(&part.to_words()))
}

/// What is added to a scalar so that its digits need no carries: half a digit's range for each
/// digit but the last. The last one is at most 2, whatever the scalar.
pub(super) const HALVES: [u64; 4] = {
    let mut words = [0; 4];
    let mut digit = 0;
    while digit + 1 < DIGITS {
        let bit = DIGIT_BITS * digit + DIGIT_BITS - 1;
        words[bit / 64] |= 1 << (bit % 64);
        digit += 1;
    }
    words
};

/// Digits of a scalar, least significant first: each unsigned one less half its range.
fn digits(scalar: &Scalar) -> [i64; DIGITS] {
    let words = scalar.plus(&HALVES);
    let mut digits = [0; DIGITS];
    for (place, digit) in digits.iter_mut().enumerate() {
        let (word, shift) = (place * DIGIT_BITS / 64, place * DIGIT_BITS % 64);
        let above = words.get(word + 1).map_or(0, |next| (next << 1) << (63 - shift));
        let unsigned = ((words[word] >> shift) | above) & (2 * MULTIPLES as u64 - 1);
        let half = if place + 1 < DIGITS { MULTIPLES as i64 } else { 0 };
        *digit = unsigned.cast_signed().wrapping_sub(half);
    }
    digits
}

/// All ones where the numbers are equal, else zero; hidden from the compiler, which could turn
/// what follows into a branch.
#[inline(always)]
fn equal_mask(a: u64, b: u64) -> u64 {
    let difference = a ^ b;
    black_box(((difference | difference.wrapping_neg()) >> 63).wrapping_sub(1))
}

#[inline(always)]
fn select(mask: u64, chosen: Fe, other: Fe) -> Fe {
    Fe(std::array::from_fn(|i| (chosen.0[i] & mask) | (other.0[i] & !mask)))
}

/// The multiple that a digit asks for, by a scan of all.
fn pick(multiples: &Multiples, digit: i64) -> [Fe; 3] {
    let sign = digit >> 63;
    let size = (digit ^ sign).wrapping_sub(sign).cast_unsigned();
    let masks: [u64; MULTIPLES] = std::array::from_fn(|i| equal_mask(size, i as u64 + 1));
    let mut parts = [Fe::HALF, Fe::HALF, Fe::ZERO];
    let none = equal_mask(size, 0);
    for (part, rows) in parts.iter_mut().zip(multiples) {
        for (limb, row) in part.0.iter_mut().zip(rows) {
            let kept = row.0.iter().zip(&masks).fold(0, |kept, (word, mask)| kept | (word & mask));
            *limb = (*limb & none) | kept;
        }
    }
    let [sum, difference, product] = parts;
    let sign = black_box(sign.cast_unsigned());
    [
        select(sign, difference, sum),
        select(sign, sum, difference),
        select(sign, product.neg(), product),
    ]
}

fn multiply_one(table: &[Multiples], scalar: &Scalar) -> Point {
    let digits = zeroize::Zeroizing::new(digits(scalar));
    table
        .iter()
        .zip(digits.iter())
        .fold(Point::NEUTRAL, |sum, (multiples, digit)| sum.add_halved(pick(multiples, *digit)))
}

/// Encodings of the multiples of B (RFC 8032, section 5.1.2), with one inversion for all.
///
/// Projective coordinates tell about a scalar: they are overwritten, as far as they were in memory
/// that is named.
pub(super) fn multiply(scalars: &[Scalar]) -> Vec<[u8; 32]> {
    let table = table();
    let mut points: Vec<_> = scalars.iter().map(|scalar| multiply_one(table, scalar)).collect();
    let mut product = Fe::ONE;
    let mut before = Vec::with_capacity(points.len());
    for point in &points {
        before.push(product);
        product = product.mul(point.z);
    }
    // No z is zero: the formulas are complete.
    let mut inverse = product.invert();
    let mut encodings = vec![[0; 32]; points.len()];
    for ((point, before), encoding) in points.iter().zip(&before).zip(&mut encodings).rev() {
        let z_inverse = inverse.mul(*before);
        inverse = inverse.mul(point.z);
        *encoding = encode(point.x.mul(z_inverse), point.y.mul(z_inverse));
    }
    points.fill(Point::NEUTRAL);
    before.fill(Fe::ONE);
    black_box((&points, &before));
    encodings
}

fn encode(x: Fe, y: Fe) -> [u8; 32] {
    let mut words = y.to_words();
    words[3] |= x.to_words()[0] << 63;
    let mut bytes = [0; 32];
    for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests;
