//! Check the verdicts on Ed25519 signatures: every path, batch and single, gives the same.

mod support;

use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use trine_bulk::Path;
use trine_bulk::ed25519::{Item, KeyCache, verify, verify_batch, verify_batch_on, verify_each_on};

const CACHE_BYTES: usize = 1 << 20;
/// l, the order of the base point, least significant byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Numbers of Wycheproof's vectors that RFC 8032 refuses and ZIP 215 accepts. 151: R is y = 1 with
/// an odd parity of x = 0.
const ZIP_215_ACCEPTS: [u64; 1] = [151];

#[derive(Clone, Debug)]
struct Signed {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Signed {
    fn new(key: [u8; 32], message: Vec<u8>, r: [u8; 32], s: [u8; 32]) -> Self {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        Self { key, message, signature }
    }

    /// The rule of ZIP 215 with the library's points.
    fn is_valid(&self) -> bool {
        let read = |bytes: &[u8]| CompressedEdwardsY::from_slice(bytes).ok()?.decompress();
        let s = self.signature[32..].try_into().expect("32 bytes");
        let (Some(key), Some(r), Some(s)) = (
            read(&self.key),
            read(&self.signature[..32]),
            Option::<Scalar>::from(Scalar::from_canonical_bytes(s)),
        ) else {
            return false;
        };
        let k = challenge(&self.signature[..32], &self.key, &self.message);
        (&s * ED25519_BASEPOINT_TABLE - r - key * k).mul_by_cofactor().is_identity()
    }
}

fn challenge(r: &[u8], key: &[u8], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn signed(seed: u8, message: Vec<u8>) -> Signed {
    let key = signing_key(seed);
    let signature = key.sign(&message).to_bytes();
    Signed { key: key.verifying_key().to_bytes(), message, signature }
}

/// Signature with a chosen nonce; key and R moved by points of small order.
fn signed_by_hand(key: u64, nonce: u64, torsions: [usize; 2], message: Vec<u8>) -> Signed {
    let (secret, nonce) = (Scalar::from(key), Scalar::from(nonce));
    let point = |scalar: &Scalar, torsion: usize| {
        (scalar * ED25519_BASEPOINT_TABLE + EIGHT_TORSION[torsion]).compress().0
    };
    let key = point(&secret, torsions[0]);
    let r = point(&nonce, torsions[1]);
    let s = nonce + challenge(&r, &key, &message) * secret;
    Signed::new(key, message, r, s.to_bytes())
}

/// Every encoding, the least y and others, of the eight points of small order.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let is_small = |point: EdwardsPoint| point.is_small_order();
    let mut encodings = Vec::new();
    for torsion in EIGHT_TORSION {
        let least = torsion.compress().0;
        for odd in [0, 0x80] {
            let mut encoding = least;
            encoding[31] = (encoding[31] & 0x7f) | odd;
            let mut other = prime;
            // y + p fits into 255 bits for y below 19 alone.
            let is_low = encoding[1..31].iter().all(|byte| *byte == 0)
                && encoding[0] < 19
                && encoding[31] & 0x7f == 0;
            other[0] += if is_low { encoding[0] } else { 0 };
            other[31] |= odd;
            encodings.push(encoding);
            if is_low {
                encodings.push(other);
            }
        }
    }
    encodings.retain(|encoding| CompressedEdwardsY(*encoding).decompress().is_some_and(is_small));
    encodings.sort_unstable();
    encodings.dedup();
    encodings
}

fn with_items<T>(signed: &[Signed], work: impl FnOnce(&[Item<'_>]) -> T) -> T {
    let halves: Vec<[&[u8]; 2]> = signed
        .iter()
        .map(|signed| {
            let (first, second) = signed.message.split_at(signed.message.len() / 2);
            [first, second]
        })
        .collect();
    let items: Vec<_> = signed
        .iter()
        .zip(&halves)
        .map(|(signed, parts)| Item {
            public_key: &signed.key,
            message: parts,
            signature: &signed.signature,
        })
        .collect();
    work(&items)
}

/// Asserts that every path gives the expected verdicts, with keys unknown and known.
fn assert_verdicts(signed: &[Signed], expected: &[bool]) {
    with_items(signed, |items| {
        let singles: Vec<_> = items.iter().map(verify).collect();
        assert_eq!(singles, expected, "single");
        for path in Path::available() {
            let keys = KeyCache::new(CACHE_BYTES);
            assert_eq!(verify_batch_on(*path, items, &keys), expected, "{path:?}");
            assert_eq!(verify_batch_on(*path, items, &keys), expected, "{path:?}, known keys");
            assert_eq!(verify_each_on(*path, items, &keys), expected, "{path:?}, each");
        }
    });
}

fn assert_library_verdicts(signed: &[Signed]) {
    let expected: Vec<_> = signed.iter().map(Signed::is_valid).collect();
    assert_verdicts(signed, &expected);
}

/// Signatures of every kind: honest, spoilt, crafted.
fn any_signed() -> impl Strategy<Value = Signed> {
    let message = || prop::collection::vec(any::<u8>(), 0..200);
    let honest = (0u8..4, message()).prop_map(|(seed, message)| signed(seed, message));
    let flipped = (0u8..4, message(), 0usize..96, 0u8..8).prop_map(|(seed, message, byte, bit)| {
        let mut signed = signed(seed, message);
        let place = match byte {
            0..64 => &mut signed.signature[byte],
            _ => &mut signed.key[byte - 64],
        };
        *place ^= 1 << bit;
        signed
    });
    let crafted = (1u64..6, 1u64..6, [0usize..8, 0..8], 0u8..2).prop_map(
        |(key, nonce, torsions, message)| signed_by_hand(key, nonce, torsions, vec![message]),
    );
    let small = (prop::sample::select(small_order_encodings()), any::<bool>()).prop_flat_map(
        |(key, is_zero)| {
            prop::sample::select(small_order_encodings()).prop_map(move |r| {
                let mut s = [0; 32];
                s[0] = u8::from(!is_zero);
                Signed::new(key, vec![1], r, s)
            })
        },
    );
    let large_s = (0u8..4, message()).prop_map(|(seed, message)| {
        let mut signed = signed(seed, message);
        let mut carry = 0;
        for (byte, order) in signed.signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        signed
    });
    prop_oneof![4 => honest, 2 => flipped, 4 => crafted, 2 => small, 1 => large_s]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Goal: the verdict never depends on path, batch or cache. Method: mixes of honest, spoilt,
    /// crafted, repeated and small-order signatures, s of l and more; the library's points by
    /// the rule.
    #[test]
    fn verdicts_are_those_of_the_rule(signed in prop::collection::vec(any_signed(), 0..24)) {
        assert_library_verdicts(&signed);
    }

    /// Goal: batches in which all are valid pass whatever points they repeat or relate. Method:
    /// small secrets and nonces, points moved by small orders.
    #[test]
    fn related_points_are_accepted(
        parts in prop::collection::vec((1u64..200, 1u64..200, [0usize..8, 0..8]), 1..120),
    ) {
        let signed: Vec<_> = parts
            .into_iter()
            .map(|(key, nonce, torsions)| signed_by_hand(key, nonce, torsions, vec![]))
            .collect();
        assert_verdicts(&signed, &vec![true; signed.len()]);
    }
}

/// Goal: all 196 pairs of encodings of small order are valid with s = 0, as ZIP 215 says.
/// Method: generate the fourteen encodings for key and R; alone and as one batch.
#[test]
fn every_pair_of_small_order_is_valid() {
    let encodings = small_order_encodings();
    assert_eq!(encodings.len(), 14);
    let pairs = encodings.iter().flat_map(|key| encodings.iter().map(move |r| (key, r)));
    let signed: Vec<_> =
        pairs.map(|(key, r)| Signed::new(*key, b"Zcash".to_vec(), *r, [0; 32])).collect();
    assert_eq!(signed.len(), 196);
    assert_verdicts(&signed, &[true; 196]);
}

/// Goal: s must be below l, even for signatures that are valid otherwise. Method: s = 0 for
/// points of small order, then s = l and s = l + 1.
#[test]
fn s_of_the_order_or_more_is_refused() {
    let neutral = EIGHT_TORSION[0].compress().0;
    let mut above = ORDER;
    above[0] += 1;
    let signed: Vec<_> = [[0; 32], ORDER, above, [0xff; 32]]
        .into_iter()
        .map(|s| Signed::new(neutral, vec![], neutral, s))
        .collect();
    assert_verdicts(&signed, &[true, false, false, false]);
}

/// Goal: large batches with few bad signatures give each its own verdict. Method: 1,500
/// signatures, more than one suspect part, bad ones at the limits of parts.
#[test]
fn bad_signatures_in_large_batches_are_found() {
    let mut all: Vec<_> = (0..1500u32).map(|i| signed(i as u8, i.to_le_bytes().to_vec())).collect();
    let mut expected = vec![true; all.len()];
    for bad in [0, 511, 512, 1499] {
        all[bad].message[0] ^= 1;
        expected[bad] = false;
    }
    assert_verdicts(&all, &expected);
}

/// Goal: two wrong signatures whose errors cancel are refused. Method: add one to one s, take
/// one from the other.
#[test]
fn errors_that_cancel_are_refused() {
    let mut pair = [signed(1, vec![1]), signed(1, vec![2])];
    for (signed, change) in pair.iter_mut().zip([Scalar::ONE, -Scalar::ONE]) {
        let s = Scalar::from_bytes_mod_order(signed.signature[32..].try_into().expect("32 bytes"));
        signed.signature[32..].copy_from_slice(&(s + change).to_bytes());
    }
    assert_verdicts(&pair, &[false, false]);
}

/// Goal: a cache of any size leaves verdicts alone. Method: more keys than fit, twice.
#[test]
fn small_caches_change_no_verdict() {
    let mut all: Vec<_> = (0..64).map(|seed| signed(seed, vec![seed])).collect();
    all[7].signature[3] ^= 1;
    let expected: Vec<_> = all.iter().map(Signed::is_valid).collect();
    for bytes_max in [0, 100, 2000, 5000] {
        let keys = KeyCache::new(bytes_max);
        assert!(keys.keys_max() * 160 <= bytes_max);
        for _ in 0..2 {
            with_items(&all, |items| assert_eq!(verify_batch(items, &keys), expected));
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("a hexadecimal byte");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Goal: verdicts are Wycheproof's. Method: every vector whose signature has 64 bytes; others
/// cannot be asked. `ZIP_215_ACCEPTS` lists where the rule of ZIP 215 differs.
#[test]
fn verdicts_are_those_of_wycheproof() {
    let Some(text) = support::vectors("crypto/wycheproof/ed25519_test.json") else { return };
    let file: serde_json::Value = serde_json::from_str(&text).expect("the file is JSON");
    let groups = file["testGroups"].as_array().expect("groups");
    let (mut all, mut expected) = (Vec::new(), Vec::new());
    for group in groups {
        let text = |value: &serde_json::Value| bytes(value.as_str().expect("a string"));
        let key = text(&group["publicKey"]["pk"]).try_into().expect("a key has 32 bytes");
        for test in group["tests"].as_array().expect("tests") {
            let id = test["tcId"].as_u64().expect("a number");
            let is_valid = test["result"] == "valid" || ZIP_215_ACCEPTS.contains(&id);
            match <[u8; 64]>::try_from(text(&test["sig"])) {
                Ok(signature) => {
                    all.push(Signed { key, message: text(&test["msg"]), signature });
                    expected.push(is_valid);
                }
                Err(_) => assert!(!is_valid, "{test}"),
            }
        }
    }
    assert!(all.len() > 100);
    assert_verdicts(&all, &expected);
}
