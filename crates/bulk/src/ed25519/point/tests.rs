//! Compare points with those of curve25519-dalek.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar as LibraryScalar;
use proptest::prelude::*;

use super::*;
use crate::ed25519::field::tests::words;
use crate::ed25519::scalar::tests::scalar;

fn bytes(words: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *chunk = word.to_le_bytes();
    }
    bytes
}

pub(in crate::ed25519) fn compress(point: &Point) -> [u8; 32] {
    let inverse = point.z.invert();
    let (x, mut words) = (point.x.mul(inverse), point.y.mul(inverse).to_words());
    words[3] |= u64::from(x.is_odd()) << 63;
    bytes(&words)
}

/// Encodings, half of them of points.
pub(in crate::ed25519) fn encoding() -> impl Strategy<Value = [u64; 4]> {
    (words(), any::<bool>()).prop_map(|([a, b, c, d], odd)| [a, b, c, d | u64::from(odd) << 63])
}

/// Decoded points, small orders included.
pub(in crate::ed25519) fn decoded() -> impl Strategy<Value = Decoded> {
    encoding().prop_filter_map("no point has this y", |words| Decoded::decode(&words))
}

fn library(words: &[u64; 4]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(bytes(words)).decompress()
}

fn library_scalar(scalar: Scalar) -> LibraryScalar {
    LibraryScalar::from_bytes_mod_order(bytes(&scalar.0))
}

proptest! {
    /// Goal: exactly the encodings of ZIP 215 decode, to the right point. Method: the library's
    /// lenient decoding, values of p and more included; the Montgomery map backwards.
    #[test]
    fn decoding_is_that_of_the_library(words in encoding()) {
        let decoded = Decoded::decode(&words);
        let expected = library(&words);
        prop_assert_eq!(decoded.is_some(), expected.is_some());
        if let (Some(decoded), Some(expected)) = (decoded, expected) {
            prop_assert_eq!(compress(&decoded.point()), expected.compress().0);
            if !decoded.is_vertical() {
                let mapped = from_montgomery(&decoded.montgomery);
                prop_assert_eq!(compress(&mapped), expected.compress().0);
                prop_assert!(mapped.x.mul(mapped.y).equals(mapped.z.mul(mapped.t)));
            }
        }
    }

    /// Goal: sums, differences, doubles and negatives are right. Method: the library's.
    #[test]
    fn group_operations_are_those_of_the_library(a in decoded(), b in decoded()) {
        let (p, q) = (a.point(), b.point());
        let words = |d: &Decoded| compress(&d.point());
        let read = |d: &Decoded| CompressedEdwardsY(words(d)).decompress().expect("a point");
        let (x, y) = (read(&a), read(&b));
        prop_assert_eq!(compress(&p.add(&q.cached())), (x + y).compress().0);
        prop_assert_eq!(compress(&p.subtract(&q.cached())), (x - y).compress().0);
        prop_assert_eq!(compress(&p.add_affine(&b.niels())), (x + y).compress().0);
        prop_assert_eq!(compress(&p.subtract_affine(&b.niels())), (x - y).compress().0);
        prop_assert_eq!(compress(&p.add(&p.cached())), (x + x).compress().0);
        prop_assert_eq!(compress(&p.double()), (x + x).compress().0);
        prop_assert_eq!(compress(&p.neg()), (-x).compress().0);
        prop_assert_eq!(p.is_small_order(), x.is_small_order());
    }

    /// Goal: sums of products are right. Method: the library's products.
    #[test]
    fn products_are_those_of_the_library(
        (a, b) in (decoded(), decoded()),
        (s, t) in (scalar(), scalar()),
    ) {
        let sum = Point::sum_of_products([(a.point(), s), (b.point(), t)]);
        let read = |d: &Decoded| {
            CompressedEdwardsY(compress(&d.point())).decompress().expect("a point")
        };
        let expected = read(&a) * library_scalar(s) + read(&b) * library_scalar(t);
        prop_assert_eq!(compress(&sum), expected.compress().0);
    }
}

/// Goal: coordinates that are no point never pass. Method: all zero.
#[test]
fn zeros_are_no_point_of_small_order() {
    let zero = Point { x: Fe::ZERO, y: Fe::ZERO, z: Fe::ZERO, t: Fe::ZERO };
    assert!(!zero.is_small_order());
}

/// Goal: the base point is that of the standard. Method: the library's constant.
#[test]
fn base_point_is_that_of_the_standard() {
    let expected = curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED;
    assert_eq!(compress(&Decoded::base().point()), expected.0);
}
