//! Do the work of a batch with AVX-512 IFMA, eight lanes at a time.
//!
//! The functions here are the safe border of the kernels: each checks that the processor can run
//! them, and gives the answers of its portable twin.

mod base;
mod buckets;
mod decode;
mod exact;
mod field;
mod point;
mod sha512;
mod sum;
mod transpose;

use super::Item;
use super::batch::{Candidate, Prepared};
use super::point::{Decoded, Point};
use super::scalar::Scalar;
use super::sign::DIGEST_BYTES;
use crate::Path;

fn assert_available() {
    assert!(Path::best() == Path::Ifma, "this processor cannot run AVX-512 IFMA");
}

/// Decodes points, as [`Decoded::decode`] does.
pub(super) fn decode(encodings: &[[u64; 4]]) -> Vec<Option<Decoded>> {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { decode::decode(encodings) }
}

/// SHA-512 of R, A and the message of each item, modulo l.
pub(super) fn hash(items: &[Item<'_>]) -> Vec<Scalar> {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { sha512::hash(items) }
}

/// Hands SHA-512 of each secret of 32 bytes and its public message to `read`.
pub(super) fn hash_secrets<'a>(
    items: impl Iterator<Item = (&'a [u8; 32], &'a [&'a [u8]])>,
    read: impl FnMut(&[u8; DIGEST_BYTES]),
) {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { sha512::hash_secrets(items, read) }
}

/// Encodings of secret multiples of B.
pub(super) fn multiply_base(scalars: &[Scalar]) -> Vec<[u8; 32]> {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { base::multiply(scalars) }
}

/// Verdict of each candidate by its own equation.
pub(super) fn decide_each(prepared: &Prepared, candidates: &[Candidate]) -> Vec<bool> {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { exact::decide_each(prepared, candidates) }
}

/// Sum of products; the points have x != 0 and differ in y. Coordinates that are all zero where
/// the sum met a case that it leaves out.
pub(super) fn sum(points: &[&Decoded], scalars: &[Scalar]) -> Point {
    assert_available();
    // SAFETY: the processor has the features, as just asserted.
    unsafe { sum::sum(points, scalars) }
}

#[cfg(test)]
mod tests;
