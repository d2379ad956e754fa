//! Check encryption against the example of the standard, itself and ciphertexts made to deceive.

use super::*;
use crate::sm2::Order;
use crate::weierstrass::Curve;
use crate::weierstrass::fixed::combine;
use crate::weierstrass::modulus::{Modulus, subtract};
use crate::weierstrass::vectors::{read, unhex_field};
use proptest::prelude::*;

fn key(number: u8) -> SigningKey {
    SigningKey::new(&[number; 32]).expect("a key")
}

fn opened(key: &SigningKey, ciphertext: &[u8]) -> Option<Vec<u8>> {
    decrypt(key, ciphertext).map(|text| text.to_vec())
}

/// Goal: the example of the standard, to the last byte. Method: its key, nonce and text; the
/// ciphertext opens, and does not in the order of the draft before it (C1 || C2 || C3).
#[test]
fn the_example_of_the_standard_is_met() {
    let Some(file) = read("crypto/sm2/sm2_standard_example.json") else { return };
    let case = &file["encrypt"];
    let secret = unhex_field(case, "private_key_hex").try_into().expect("32 bytes");
    let key = SigningKey::new(&secret).expect("a key");
    let nonce = words_of(&unhex_field(case, "k_hex").try_into().expect("32 bytes"));
    let text = case["plaintext"].as_str().expect("text").as_bytes();
    let [c1, c2, c3] = ["c1_hex", "c2_hex", "c3_hex"].map(|name| unhex_field(case, name));
    let expected = [&c1[..], &c3, &c2].concat();
    let made = encrypt_at(&pair_of(key.public_key()), &nonce, text).expect("a stream");
    assert_eq!(made, expected);
    assert_eq!(opened(&key, &expected).as_deref(), Some(text));
    assert_eq!(opened(&key, &[c1, c2, c3].concat()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Goal: what goes in comes out, for the key's owner alone, and never twice the same. Method:
    /// random keys and texts of every length.
    #[test]
    fn only_the_key_opens(
        secret in prop::array::uniform32(any::<u8>()),
        text in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let Some(own) = SigningKey::new(&secret) else { return Ok(()) };
        let first = encrypt(own.public_key(), &text).expect("a point");
        let second = encrypt(own.public_key(), &text).expect("a point");
        prop_assert_eq!(first.len(), text.len() + CIPHERTEXT_OVERHEAD_BYTES);
        prop_assert_ne!(&first[..65], &second[..65]);
        prop_assert_eq!(opened(&own, &first), Some(text.clone()));
        prop_assert_eq!(opened(&own, &second), Some(text));
        prop_assert_eq!(opened(&key(9), &first), None);
    }

    /// Goal: any bytes give an answer. Method: random ones, alone and behind a point of the curve.
    #[test]
    fn any_bytes_are_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(opened(&key(1), &content), None);
        let behind = [&[UNCOMPRESSED], &key(2).public_key()[..], &content].concat();
        prop_assert_eq!(opened(&key(1), &behind), None);
    }
}

/// Goal: no nearby second encoding, and no text in pieces. Method: flip each bit; cut everywhere;
/// one byte more.
#[test]
fn every_flip_and_every_cut_is_refused() {
    let key = key(1);
    let good = encrypt(key.public_key(), b"a secret of some length").expect("a point");
    for bit in 0..8 * good.len() {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(opened(&key, &flipped), None, "bit {bit}");
    }
    for end in 0..good.len() {
        assert_eq!(opened(&key, &good[..end]), None, "{end} bytes");
    }
    assert_eq!(opened(&key, &[&good[..], &[0]].concat()), None);
}

/// Goal: nobody learns of the key by points that are none. Method: points of other curves, infinity
/// as zeros, coordinates of p and more, and other prefixes, each with the digest that would fit if
/// the point were taken; then the same with a point of the curve, which opens.
#[test]
fn only_points_of_the_curve_are_multiplied() {
    let (own, text) = (key(1), b"text".as_slice());
    let made = |point: [Words; 2]| {
        let shared = SharedPoint::new(&point, own.number());
        let mut masked = text.to_vec();
        shared.mask(&mut masked);
        let [x, y] = point.map(|n| bytes_of(&n));
        [&[UNCOMPRESSED], &x[..], &y, &shared.digest(text)[..], &masked].concat()
    };
    let [x, y] = pair_of(key(2).public_key());
    let good = made([x, y]);
    assert_eq!(opened(&own, &good).as_deref(), Some(text));
    let above = |words: Words| crate::weierstrass::modulus::sum(&words, &super::super::Prime::M).0;
    let off = subtract(&y, &[1, 0, 0, 0]).0;
    for point in [[x, off], [y, x], [above([1, 0, 0, 0]), y], [x, [u64::MAX; 4]]] {
        assert!(!is_on_curve::<Sm2>(&point));
        assert_eq!(opened(&own, &made(point)), None, "{point:?}");
    }
    for prefix in [0, 1, 2, 3, 5, 6, 7] {
        assert_eq!(opened(&own, &[&[prefix], &good[1..]].concat()), None, "{prefix}");
        let short = [&[prefix], &good[1..33], &good[65..]].concat();
        assert_eq!(opened(&own, &short), None, "{prefix} and x");
    }
    let zeros = [&[UNCOMPRESSED], &[0; 64][..], &good[65..]].concat();
    assert_eq!(opened(&own, &zeros), None);
    assert_eq!(opened(&own, &[&[0], &good[65..]].concat()), None);
}

/// Goal: a stream of zeros, which would show the text, is never used (steps A5 and B4). Method:
/// among texts of one byte every 256th nonce gives one: found by the other multiplication; such a
/// nonce is refused, and so is the ciphertext that it would make.
#[test]
fn streams_of_zeros_are_neither_made_nor_taken() {
    let own = key(1);
    let point = pair_of(own.public_key());
    let mut zeros = 0;
    for number in 1..2_000u64 {
        let nonce = [number, 0, 0, 0];
        let shared = combine::<Sm2>(&[0; 4], &nonce, &point).expect("finite");
        let [x, y] = shared.map(|n| bytes_of(&n));
        let stream = crate::sm3::hash(&[&x[..], &y, &[0, 0, 0, 1]].concat());
        let made = encrypt_at(&point, &nonce, b"t");
        assert_eq!(made.is_none(), stream[0] == 0, "{number}");
        let Some(made) = made else {
            let sent = combine::<Sm2>(&nonce, &[0; 4], &Sm2::G).expect("finite");
            let [sent_x, sent_y] = sent.map(|n| bytes_of(&n));
            let digest = crate::sm3::hash(&[&x[..], b"t", &y].concat());
            let shown = [&[UNCOMPRESSED], &sent_x[..], &sent_y, &digest, b"t"].concat();
            assert_eq!(opened(&own, &shown), None);
            zeros += 1;
            continue;
        };
        assert_eq!(made[97], b't' ^ stream[0]);
    }
    assert!(zeros > 0, "no nonce gave zeros");
    for _ in 0..1_000 {
        let made = encrypt(own.public_key(), b"t").expect("another nonce is drawn");
        assert_ne!(made[97], b't');
    }
}

/// Goal: lengths and keys have limits. Method: none, one, the most, one more; no points as keys.
#[test]
fn lengths_and_keys_have_limits() {
    let own = key(1);
    for bytes in [1, 31, 32, 33, 64, PLAINTEXT_BYTES_MAX] {
        let text = vec![7; bytes];
        let made = encrypt(own.public_key(), &text).expect("within the limits");
        assert_eq!(opened(&own, &made), Some(text), "{bytes}");
    }
    assert_eq!(encrypt(own.public_key(), b""), None);
    assert_eq!(encrypt(own.public_key(), &vec![7; PLAINTEXT_BYTES_MAX + 1]), None);
    let mut off = *own.public_key();
    off[63] ^= 1;
    for public_key in [off, [0; 64], [0xff; 64]] {
        assert_eq!(encrypt(&public_key, b"text"), None);
    }
    let overlong = vec![UNCOMPRESSED; PLAINTEXT_BYTES_MAX + CIPHERTEXT_OVERHEAD_BYTES + 1];
    assert_eq!(opened(&own, &overlong), None);
}

/// Goal: keys at the ends of the range decrypt. Method: the first and the last.
#[test]
fn keys_at_the_ends_of_the_range_decrypt() {
    for number in [[1, 0, 0, 0], subtract(&Order::M, &[2, 0, 0, 0]).0] {
        let key = SigningKey::new(&bytes_of(&number)).expect("a key");
        let made = encrypt(key.public_key(), b"text").expect("a point");
        assert_eq!(opened(&key, &made).as_deref(), Some(b"text".as_slice()));
    }
}
