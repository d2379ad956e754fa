//! Compare what the lanes do for a batch with the portable twins.

use proptest::prelude::*;
use sha2::{Digest, Sha512};

use super::*;
use crate::ed25519::point::tests::{compress, decoded, encoding};
use crate::ed25519::portable;
use crate::ed25519::scalar::tests::scalar;

fn is_available() -> bool {
    Path::best() == Path::Ifma
}

/// Keeps points that `sum` accepts: x != 0, no y twice.
fn distinct(points: Vec<Decoded>) -> Vec<Decoded> {
    let mut seen = std::collections::BTreeSet::new();
    let mut fits =
        |point: &Decoded| !point.is_vertical() && seen.insert(point.edwards[4..].to_vec());
    points.into_iter().filter(|point| fits(point)).collect()
}

fn encode(point: &Point) -> Decoded {
    let bytes = compress(point);
    Decoded::decode(&crate::ed25519::scalar::words_of(&bytes)).expect("a point")
}

fn compare(points: &[Decoded], scalars: &[Scalar]) {
    let scalars = &scalars[..points.len()];
    let points: Vec<_> = points.iter().collect();
    let expected = portable::sum(&points, scalars);
    let found = sum(&points, scalars);
    assert_eq!(compress(&found), compress(&expected));
}

/// Point of order eight.
fn order_eight() -> Point {
    let torsion = curve25519_dalek::constants::EIGHT_TORSION[1].compress().0;
    Decoded::decode(&crate::ed25519::scalar::words_of(&torsion)).expect("a point").point()
}

/// 1 B, 2 B, ... : sums of these meet often.
fn progression(count: usize) -> Vec<Decoded> {
    let base = Decoded::base().point();
    let mut point = Point::NEUTRAL;
    (0..count)
        .map(|_| {
            point = point.add(&base.cached());
            encode(&point)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: the lanes decode what the twin decodes. Method: encodings at the limits, counts
    /// that do not fill the lanes.
    #[test]
    fn decoding_matches(encodings in prop::collection::vec(encoding(), 0..40)) {
        if is_available() {
            let expected: Vec<_> = encodings.iter().map(Decoded::decode).collect();
            prop_assert_eq!(decode(&encodings), expected);
        }
    }

    /// Goal: hashes match. Method: messages of different lengths in one vector.
    #[test]
    fn hashes_match(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20),
    ) {
        if is_available() {
            let halves: Vec<[&[u8]; 2]> = messages
                .iter()
                .map(|message| [&message[..message.len() / 3], &message[message.len() / 3..]])
                .collect();
            let items: Vec<_> = halves
                .iter()
                .map(|parts| Item { public_key: &[5; 32], message: parts, signature: &[9; 64] })
                .collect();
            let expected: Vec<_> = messages
                .iter()
                .map(|message| {
                    let hash = Sha512::new().chain_update([9; 32]).chain_update([5; 32]);
                    Scalar::from_wide(&hash.chain_update(message).finalize().into())
                })
                .collect();
            prop_assert_eq!(hash(&items), expected);
        }
    }

    /// Goal: sums match. Method: random points, small orders and scalars at their limits.
    #[test]
    fn sums_match(
        points in prop::collection::vec(decoded(), 1..80),
        scalars in prop::collection::vec(scalar(), 80),
    ) {
        let points = distinct(points);
        if is_available() && !points.is_empty() {
            compare(&points, &scalars);
        }
    }

    /// Goal: partial sums that meet, cancel or double are right. Method: 1 B, 2 B, ..., each
    /// moved by points of small order, with scalars that fill few buckets.
    #[test]
    fn sums_of_related_points_match(
        torsions in prop::collection::vec(0usize..8, 200),
        numbers in prop::collection::vec(1u128..20, 200),
        negative in prop::collection::vec(any::<bool>(), 200),
        count in 1usize..200,
    ) {
        if is_available() {
            let torsion = order_eight();
            let points = progression(count).into_iter().zip(&torsions).map(|(point, &times)| {
                let moved = (0..times).fold(point.point(), |sum, _| sum.add(&torsion.cached()));
                encode(&moved)
            });
            let points = distinct(points.collect());
            let scalars: Vec<_> = numbers.iter().zip(&negative).map(|(&number, &negative)| {
                let scalar = Scalar::from_u128(number);
                if negative { scalar.neg() } else { scalar }
            }).collect();
            compare(&points, &scalars);
        }
    }
}

/// Goal: large sums of points whose partial sums meet are right. Method: 5,000 multiples of B
/// with scalars that a fixed generator gives.
#[test]
fn large_sums_of_related_points_match() {
    if is_available() {
        let points = progression(5000);
        let scalars: Vec<_> = (0..5000u64)
            .map(|i| {
                let mut hash: [u8; 64] = Sha512::digest(i.to_le_bytes()).into();
                if i % 2 == 0 {
                    hash[16..].fill(0);
                }
                Scalar::from_wide(&hash)
            })
            .collect();
        compare(&points, &scalars);
    }
}
