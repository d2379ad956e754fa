//! Check compressed points on every path.

use super::uncompress;
use crate::Path;
use crate::p256::P256;
use crate::sm2::{SigningKey, Sm2};
use crate::weierstrass::{Curve, bytes_of, is_on_curve, pair_of};
use proptest::prelude::*;

fn compress(point: &[u8; 64]) -> [u8; 33] {
    let mut bytes = [0; 33];
    bytes[0] = 2 | point[63] & 1;
    bytes[1..].copy_from_slice(&point[..32]);
    bytes
}

/// The same points on every path.
fn uncompress_everywhere<C: Curve>(points: &[[u8; 33]]) -> Vec<Option<[u8; 64]>> {
    let points: Vec<_> = points.iter().collect();
    let expected = uncompress::<C>(Path::Portable, &points);
    for &path in Path::available() {
        assert_eq!(uncompress::<C>(path, &points), expected, "{path:?}");
    }
    expected
}

/// Goal: a key survives its compressed form. Method: keys of both parities, and the same x with
/// every other first byte.
#[test]
fn keys_survive_compression() {
    let keys: Vec<_> = (1..40).map(|n| *SigningKey::new(&[n; 32]).unwrap().public_key()).collect();
    let compressed: Vec<_> = keys.iter().map(compress).collect();
    let found = uncompress_everywhere::<Sm2>(&compressed);
    assert_eq!(found, keys.iter().copied().map(Some).collect::<Vec<_>>());
    let mut tags: Vec<_> = (0..=u8::MAX).map(|_| compressed[0]).collect();
    tags.iter_mut().zip(0..=u8::MAX).for_each(|(point, tag)| point[0] = tag);
    let found = uncompress_everywhere::<Sm2>(&tags);
    assert_eq!(found.iter().flatten().count(), 2);
    assert!(found[2].is_some() && found[3].is_some() && found[2] != found[3]);
}

/// Goal: x that is not below the prime gives no point. Method: the generator's x plus the prime
/// where that has 256 bits, the prime itself, and the largest number.
#[test]
fn numbers_above_the_prime_are_no_points() {
    fn check<C: Curve>() {
        use crate::weierstrass::modulus::{Modulus, subtract};
        let largest = subtract(&[0; 4], &[1, 0, 0, 0]).0;
        for x in [C::P::M, largest] {
            let mut point = [2; 33];
            point[1..].copy_from_slice(&bytes_of(&x));
            assert_eq!(uncompress_everywhere::<C>(&[point]), [None]);
        }
    }
    check::<Sm2>();
    check::<P256>();
}

proptest! {
    /// Goal: any bytes give a point of the curve with that x and parity, or none. Method: random x.
    #[test]
    fn any_bytes_are_a_point_or_none(points in prop::collection::vec(any::<[u8; 32]>(), 1..40)) {
        let points: Vec<[u8; 33]> = points.iter().map(|x| {
            let mut point = [2 | x[0] & 1; 33];
            point[1..].copy_from_slice(x);
            point
        }).collect();
        let found = uncompress_everywhere::<P256>(&points);
        for (point, key) in points.iter().zip(found) {
            if let Some(key) = key {
                prop_assert_eq!(compress(&key), *point);
                prop_assert!(is_on_curve::<P256>(&pair_of(&key)));
            }
        }
    }
}
