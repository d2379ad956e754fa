//! Check signatures and sums of products with portable code.

use sha2::{Digest, Sha512};

use super::Item;
use super::batch::{Candidate, Prepared};
use super::point::{Decoded, Niels, Point};
use super::scalar::{SCALAR_BITS, Scalar, words_of};
use super::terms::TermRef;

/// Bits of a digit in [`sum`] for every number of points.
const DIGIT_BITS_MIN: usize = 3;
const DIGIT_BITS_MAX: usize = 13;

/// SHA-512 of R, A and the message, modulo l.
pub(super) fn hash(item: &Item<'_>) -> Scalar {
    let mut hasher = Sha512::new();
    hasher.update(&item.signature[..32]);
    hasher.update(item.public_key);
    for part in item.message {
        hasher.update(part);
    }
    Scalar::from_wide(&hasher.finalize().into())
}

/// Whether `8 (s B - k A - R)` is the neutral point.
fn holds(s: Scalar, k: Scalar, key: &Point, r: &Point) -> bool {
    let base = Decoded::base().point();
    let sum = Point::sum_of_products([(base, s), (key.neg(), k)]);
    sum.subtract(&r.cached()).is_small_order()
}

/// Verdict of one item.
pub(super) fn verify(item: &Item<'_>) -> bool {
    let (r, s) = item.signature.split_at(32);
    let r = r.try_into().ok().and_then(|r| Decoded::decode(&words_of(r)));
    let s = s.try_into().ok().and_then(Scalar::from_canonical);
    let key = Decoded::decode(&words_of(item.public_key));
    match (r, s, key) {
        (Some(r), Some(s), Some(key)) => holds(s, hash(item), &key.point(), &r.point()),
        _ => false,
    }
}

/// Verdict of one prepared signature.
pub(super) fn decide(prepared: &Prepared, candidate: &Candidate) -> bool {
    let point = |term: TermRef| {
        let point = prepared.point(term).point();
        if term.is_negated { point.neg() } else { point }
    };
    holds(candidate.s, candidate.k, &point(candidate.key), &point(candidate.r))
}

fn digit_bits(count: usize) -> usize {
    // An addition into a bucket costs about half of the two that close a bucket.
    let bits = count.max(1).ilog2() as usize;
    bits.saturating_sub(2).clamp(DIGIT_BITS_MIN, DIGIT_BITS_MAX)
}

/// Sum of products by buckets of signed digits (Pippenger's method).
pub(super) fn sum(points: &[&Decoded], scalars: &[Scalar]) -> Point {
    let bits = digit_bits(points.len());
    let windows = SCALAR_BITS / bits + 1;
    let prepared: Vec<Niels> = points.iter().map(|point| point.niels()).collect();
    let mut digits = vec![0i16; windows * points.len()];
    for (position, scalar) in scalars.iter().enumerate() {
        scalar.digits(bits, windows, |window, digit| {
            digits[window * points.len() + position] = digit;
        });
    }
    let mut buckets = vec![Point::NEUTRAL; 1 << (bits - 1)];
    digits.chunks(points.len()).rev().fold(Point::NEUTRAL, |total, digits| {
        buckets.fill(Point::NEUTRAL);
        for (digit, point) in digits.iter().zip(&prepared) {
            let size = usize::from(digit.unsigned_abs());
            match digit.signum() {
                0 => {}
                1 => buckets[size - 1] = buckets[size - 1].add_affine(point),
                _ => buckets[size - 1] = buckets[size - 1].subtract_affine(point),
            }
        }
        let (mut running, mut weighted) = (Point::NEUTRAL, Point::NEUTRAL);
        for bucket in buckets.iter().rev() {
            running = running.add(&bucket.cached());
            weighted = weighted.add(&running.cached());
        }
        total.double_times(bits).add(&weighted.cached())
    })
}
