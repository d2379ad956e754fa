//! Test what holds for every algorithm: keys, encodings, single and batch verdicts.

use super::key_of;
use crate::{
    Algorithm, BatchItem, KEY_CANDIDATES_MAX, KeyError, SecretKey, UnframedItem, framed,
    public_key_from_spki, recover_secp256k1, signature_from_der, signature_to_der, verify,
    verify_batch, verify_each, verify_each_unframed, verify_unframed,
};
use curve25519_dalek::constants::EIGHT_TORSION;
use proptest::collection::vec;
use proptest::prelude::*;

const NAMESPACE: &[u8] = b"test";

/// Algorithms whose last byte of a signature never decides.
const HINTED: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];

fn algorithm() -> impl Strategy<Value = Algorithm> {
    proptest::sample::select(Algorithm::ALL.to_vec())
}

fn item<'a>(
    algorithm: Algorithm,
    public_key: &'a [u8],
    message: &'a [u8],
    signature: &'a [u8],
) -> BatchItem<'a> {
    BatchItem { algorithm, public_key, namespace: NAMESPACE, message, signature }
}

/// The verdict of every path on one item; they must agree.
fn verdict(item: BatchItem<'_>) -> bool {
    let single = verify(item);
    assert_eq!(verify_batch(&[item]), single);
    assert_eq!(verify_batch(&[item, item]), single);
    assert_eq!(verify_each(&[item]), [single]);
    let signed = framed(item.namespace, item.message);
    let unframed = verify_unframed(item.algorithm, item.public_key, &signed, item.signature);
    assert_eq!(unframed, single);
    let BatchItem { algorithm, public_key, signature, .. } = item;
    let unframed = [UnframedItem { public_key, message: &signed, signature }; 9];
    assert_eq!(verify_each_unframed(algorithm, &unframed), [single; 9]);
    single
}

/// Goal: numbers, names and lengths are those of the wire. Method: the table of the reference.
#[test]
fn numbers_names_and_lengths() {
    let table = Algorithm::ALL.map(|algorithm| {
        let text = algorithm.to_string();
        assert_eq!(text.parse(), Ok(algorithm));
        assert_eq!(Algorithm::from_number(algorithm.number()), Some(algorithm));
        let lengths = (algorithm.public_key_bytes(), algorithm.signature_bytes());
        (algorithm.number(), algorithm.name(), lengths)
    });
    assert_eq!(
        table,
        [
            (1, "ed25519", (32, 64)),
            (2, "sm2", (33, 65)),
            (3, "p256", (33, 65)),
            (4, "secp256k1", (33, 65)),
            (5, "ml-dsa-65", (1952, 3309)),
        ]
    );
    assert_eq!((0..=255).filter_map(Algorithm::from_number).count(), Algorithm::ALL.len());
    let error = "rsa".parse::<Algorithm>().unwrap_err().to_string();
    assert!(error.contains("\"rsa\"") && error.contains("\"ml-dsa-65\""), "{error}");
}

/// Goal: signing is deterministic and fixed. Method: signatures that must never change, by their
/// hash; RFC 6979 and FIPS 204 leave no choice.
#[test]
fn signatures_never_change() {
    let hashes = Algorithm::ALL.map(|algorithm| {
        let key = key_of(algorithm, 7);
        let signature = key.sign(NAMESPACE, b"message");
        assert_eq!(signature, key.sign(NAMESPACE, b"message"));
        let hash = crate::Suite::Intl.hash(&[&key.public_key(), &signature]).to_string();
        format!("{algorithm} {}", &hash[..16])
    });
    assert_eq!(
        hashes,
        [
            "ed25519 f9191909da4a8969",
            "sm2 2baa62f1ad895a4a",
            "p256 936dc5df49320522",
            "secp256k1 d0c54b2dc06b1519",
            "ml-dsa-65 58c7a3f2ecfefd01",
        ]
    );
}

/// Goal: Ed25519 follows ZIP 215 in every path. Method: every encoding of every point of small
/// order, canonical or not, as key and as `R`, with `s = 0`: 196 signatures of any message, all of
/// which the cofactor makes valid.
#[test]
fn zip_215_in_every_path() {
    let canonical = EIGHT_TORSION.map(|point| point.compress().to_bytes());
    let mut encodings = canonical.to_vec();
    // x = 0 with the sign bit, and y = 0 or 1 plus the prime, with either sign.
    encodings.extend(canonical.iter().filter(|y| is_zero_x(y)).map(|y| {
        let mut other = *y;
        other[31] |= 0x80;
        other
    }));
    for low in [0xed, 0xee] {
        for high in [0x7f, 0xff] {
            let mut other = [0xff; 32];
            (other[0], other[31]) = (low, high);
            encodings.push(other);
        }
    }
    assert_eq!(encodings.len(), 14);
    for key in &encodings {
        for r in &encodings {
            let signature = [&r[..], &[0; 32]].concat();
            assert!(verdict(item(Algorithm::Ed25519, key, b"message", &signature)));
        }
    }
}

/// Whether `y` is 1 or -1: the points with `x = 0`.
fn is_zero_x(y: &[u8; 32]) -> bool {
    matches!(y, [1 | 0xec, rest @ .., 0 | 0x7f] if rest.iter().all(|byte| *byte == rest[0]))
}

/// Goal: a key can be sent to another thread, as pools do. Method: the compiler.
#[test]
fn keys_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<SecretKey>();
}

/// Goal: no scalar out of range becomes a key. Method: zero, the order and above; the order less
/// one is in range.
#[test]
fn scalars_in_range_only() {
    let orders = [
        (Algorithm::P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (Algorithm::Secp256k1, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
    ];
    for (algorithm, order) in orders {
        let mut order = super::vectors::unhex(order);
        let refused = KeyError::BadSecretKey { algorithm, length: 32, expected: 32 };
        for secret in [&[0; 32][..], &order, &[0xff; 32]] {
            assert_eq!(SecretKey::from_bytes(algorithm, secret).unwrap_err(), refused);
        }
        order[31] -= 1;
        assert!(SecretKey::from_bytes(algorithm, &order).is_ok());
    }
    // SM2 divides by 1 + d: n - 1 is no key there (GB/T 32918.1-2016, section 6.1).
    let mut order =
        super::vectors::unhex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    for less in 0..3 {
        assert_eq!(SecretKey::from_bytes(Algorithm::Sm2, &order).is_ok(), less == 2);
        order[31] -= 1;
    }
}

/// Goal: making a key refuses candidates out of range and never hangs. Method: a source that gives
/// ones a number of times and then a good candidate.
#[test]
fn generation_tries_again() {
    for algorithm in Algorithm::ALL {
        let counted = |bad: usize| {
            let mut draws = 0;
            SecretKey::generate(algorithm, |bytes| {
                bytes.fill(if draws < bad { 255 } else { 9 });
                draws += 1;
            })
        };
        let has_order =
            matches!(algorithm, Algorithm::Sm2 | Algorithm::P256 | Algorithm::Secp256k1);
        let last = counted(KEY_CANDIDATES_MAX - 1).unwrap();
        assert_eq!(last.expose(), [if has_order { 9 } else { 255 }; 32]);
        assert_eq!(counted(KEY_CANDIDATES_MAX).is_err(), has_order);
    }
}

/// Goal: batches of several algorithms keep verdicts in their places. Method: 60 signatures of all
/// algorithms in turn, a third of them made bad.
#[test]
fn mixed_batches() {
    let count = 15 * Algorithm::ALL.len();
    let owned: Vec<_> = (0..count)
        .map(|i| {
            let key = key_of(Algorithm::ALL[i % Algorithm::ALL.len()], 1 + i as u8);
            let mut signature = key.sign(NAMESPACE, &[i as u8]);
            signature[3] ^= u8::from(i % 3 == 1);
            (key.algorithm(), key.public_key(), [i as u8], signature)
        })
        .collect();
    let items: Vec<_> = owned.iter().map(|(a, key, m, s)| item(*a, key, m, s)).collect();
    let expected: Vec<_> = (0..count).map(|i| i % 3 != 1).collect();
    assert_eq!(verify_each(&items), expected);
    assert!(!verify_batch(&items));
    let good: Vec<_> = items.iter().copied().zip(expected).filter(|(_, ok)| *ok).collect();
    let good: Vec<_> = good.into_iter().map(|(item, _)| item).collect();
    assert!(verify_batch(&good) && verify_each(&good).into_iter().all(|ok| ok));
    assert!(verify_batch(&[]) && verify_each(&[]).is_empty());
}

/// Goal: every signature has one encoding, apart from the hint. Method: flip every bit of one
/// signature, and of the message and the key.
#[test]
fn every_flipped_bit_is_refused() {
    for algorithm in Algorithm::ALL {
        let key = key_of(algorithm, 5);
        let (public_key, message) = (key.public_key(), *b"message");
        let signature = key.sign(NAMESPACE, &message);
        assert!(verdict(item(algorithm, &public_key, &message, &signature)));
        let free = if HINTED.contains(&algorithm) { 8 } else { 0 };
        let step = if algorithm == Algorithm::MlDsa65 { 397 } else { 1 };
        for bit in (0..signature.len() * 8).step_by(step) {
            let mut bad = signature.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let expected = bit >= signature.len() * 8 - free;
            let verdict = verify(item(algorithm, &public_key, &message, &bad));
            assert_eq!(verdict, expected, "{algorithm}, bit {bit} of the signature");
        }
        for bit in 0..message.len() * 8 {
            let mut bad = message;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(item(algorithm, &public_key, &bad, &signature)));
        }
        for bit in (0..public_key.len() * 8).step_by(step) {
            let mut bad = public_key.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let verdict = verify(item(algorithm, &bad, &message, &signature));
            assert!(!verdict, "{algorithm}, bit {bit} of the key");
        }
    }
}

/// Goal: a key on a curve has one encoding. Method: the uncompressed, hybrid and compact forms of a
/// good key, and the point at infinity.
#[test]
fn other_forms_of_points_are_no_keys() {
    for algorithm in [Algorithm::Sm2, Algorithm::P256, Algorithm::Secp256k1] {
        let key = key_of(algorithm, 5).public_key();
        assert!(algorithm.is_public_key(&key));
        let spki = crate::public_key_to_spki_der(algorithm, &key).unwrap();
        let point = &spki[spki.len() - 65..];
        assert_eq!(point[0], 4);
        assert!(!algorithm.is_public_key(point));
        for tag in [0, 1, 4, 5, 6, 7] {
            assert!(!algorithm.is_public_key(&[&[tag], &key[1..]].concat()), "tag {tag}");
        }
        for tag in [6, 7] {
            let mut spki = spki.clone();
            let place = spki.len() - 65;
            spki[place] = tag;
            assert!(public_key_from_spki(&spki).is_err());
        }
        assert!(!algorithm.is_public_key(&[0]) && !algorithm.is_public_key(&[]));
    }
}

/// Goal: `(r, n - s)` is no second signature. Method: negate `s`, whatever the last byte.
#[test]
fn high_s_is_refused() {
    for algorithm in [Algorithm::P256, Algorithm::Secp256k1] {
        let key = key_of(algorithm, 5);
        let mut signature = key.sign(NAMESPACE, b"message");
        let signed = framed(NAMESPACE, b"message");
        negate(algorithm, &mut signature[32..64]);
        for last in 0..=255 {
            signature[64] = last;
            assert!(!verify_unframed(algorithm, &key.public_key(), &signed, &signature));
        }
        let der = signature_to_der(algorithm, &signature).unwrap();
        let low = signature_from_der(algorithm, &der).unwrap();
        assert_eq!(low[..64], key.sign(NAMESPACE, b"message")[..64]);
    }
}

/// Replaces `s` by `n - s`.
fn negate(algorithm: Algorithm, s: &mut [u8]) {
    use p256::elliptic_curve::PrimeField;
    let bytes: [u8; 32] = s.as_ref().try_into().unwrap();
    let negated: [u8; 32] = match algorithm {
        Algorithm::P256 => (-p256::Scalar::from_repr(bytes.into()).unwrap()).to_repr().into(),
        _ => (-k256::Scalar::from_repr(bytes.into()).unwrap()).to_repr().into(),
    };
    s.copy_from_slice(&negated);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: what is signed verifies in every path, and not under another key, message or
    /// namespace. Method: any algorithm, seed, namespace and message.
    #[test]
    fn signs_and_verifies(
        algorithm in algorithm(),
        seed in 1u8..255,
        namespace in vec(any::<u8>(), 0..300),
        message in vec(any::<u8>(), 0..300),
    ) {
        let key = key_of(algorithm, seed);
        let (public_key, signature) = (key.public_key(), key.sign(&namespace, &message));
        prop_assert!(algorithm.is_public_key(&public_key));
        prop_assert_eq!(public_key.len(), algorithm.public_key_bytes());
        prop_assert_eq!(signature.len(), algorithm.signature_bytes());
        let good = BatchItem {
            algorithm,
            public_key: &public_key,
            namespace: &namespace,
            message: &message,
            signature: &signature,
        };
        prop_assert!(verdict(good));
        let other = key_of(algorithm, 1 + seed % 254).public_key();
        let bad = BatchItem { public_key: &other, ..good };
        prop_assert!(!verdict(bad));
        let longer = [&message[..], &[0]].concat();
        let bad = BatchItem { message: &longer, ..good };
        prop_assert!(!verdict(bad));
        let other = [&namespace[..], &[0]].concat();
        let bad = BatchItem { namespace: &other, ..good };
        prop_assert!(!verdict(bad));
    }

    /// Goal: the hint never decides. Method: any last byte of a good and of a bad signature.
    #[test]
    fn hint_never_decides(seed in 1u8..255, hint: u8, flip in 0usize..512) {
        for algorithm in HINTED {
            let key = key_of(algorithm, seed);
            let (public_key, mut signature) = (key.public_key(), key.sign(NAMESPACE, &[seed]));
            prop_assert!(signature[64] < 2);
            signature[64] = hint;
            prop_assert!(verdict(item(algorithm, &public_key, &[seed], &signature)));
            signature[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(!verdict(item(algorithm, &public_key, &[seed], &signature)));
        }
    }

    /// Goal: a signature without its hint has the same verdict. Method: cut the last byte off, of a
    /// good and of a bad one.
    #[test]
    fn hint_may_be_missing(seed in 1u8..255, flip in 0usize..512) {
        for algorithm in HINTED {
            let key = key_of(algorithm, seed);
            let (public_key, mut signature) = (key.public_key(), key.sign(NAMESPACE, &[seed]));
            signature.truncate(64);
            prop_assert!(verdict(item(algorithm, &public_key, &[seed], &signature)));
            signature[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(!verdict(item(algorithm, &public_key, &[seed], &signature)));
        }
    }

    /// Goal: batches and single checks agree on all that can happen to a batch. Method: up to 70
    /// signatures of one algorithm under few keys, some changed, doubled, cut or with another hint.
    #[test]
    fn batches_and_single_checks_agree(
        algorithm in algorithm(),
        plan in vec((1u8..6, any::<u8>(), 0u8..8, any::<u16>()), 0..70),
    ) {
        let keys: Vec<_> = (0..6).map(|seed| key_of(algorithm, seed + 1)).collect();
        let public: Vec<_> = keys.iter().map(SecretKey::public_key).collect();
        let owned: Vec<_> = plan.iter().map(|&(signer, message, change, bit)| {
            let mut signature = keys[usize::from(signer)].sign(NAMESPACE, &[message % 4]);
            let bit = usize::from(bit) % (8 * signature.len());
            match change {
                0 => signature[bit / 8] ^= 1 << (bit % 8),
                1 => *signature.last_mut().unwrap() ^= 1,
                2 => signature.truncate(bit / 8),
                _ => {}
            }
            let key = if change == 3 { usize::from(signer) - 1 } else { usize::from(signer) };
            (key, [message % 4], signature)
        }).collect();
        let items: Vec<_> = owned.iter().map(|(key, message, signature)| {
            item(algorithm, &public[*key], message, signature)
        }).collect();
        let single: Vec<_> = items.iter().map(|item| verify(*item)).collect();
        prop_assert_eq!(verify_batch(&items), single.iter().all(|ok| *ok));
        prop_assert_eq!(verify_each(&items), single);
    }

    /// Goal: the hint of a signer is the parity of `R.y`. Method: recover the key on P-256 with it.
    #[test]
    fn hint_recovers_the_key(seed in 1u8..255, message: [u8; 8]) {
        use p256::ecdsa::{RecoveryId, Signature, VerifyingKey};
        let key = key_of(Algorithm::P256, seed);
        let signature = key.sign(NAMESPACE, &message);
        let digest = crate::Suite::Intl.hash(&[&framed(NAMESPACE, &message)]);
        let id = RecoveryId::from_byte(signature[64]).unwrap();
        let rs = Signature::from_slice(&signature[..64]).unwrap();
        let found = VerifyingKey::recover_from_prehash(digest.as_bytes(), &rs, id).unwrap();
        let point = found.to_sec1_point(true);
        prop_assert_eq!(point.as_bytes(), key.public_key());
        let key = key_of(Algorithm::Secp256k1, seed);
        let signature = key.sign(NAMESPACE, &message);
        prop_assert_eq!(recover_secp256k1(&digest.0, &signature), Some(key.public_key()));
    }

    /// Goal: any bytes get a verdict, and it is no. Method: any key and signature, of the right
    /// length as often as not.
    #[test]
    fn any_bytes_are_refused(
        algorithm in algorithm(),
        right in any::<(bool, bool)>(),
        lengths in (0usize..80, 0usize..80),
        byte: u8,
        noise in vec(any::<u8>(), 1..80),
    ) {
        let fill = |length: usize| -> Vec<u8> {
            (0..length).map(|i| *noise.get(i).unwrap_or(&byte)).collect()
        };
        let key = fill(if right.0 { algorithm.public_key_bytes() } else { lengths.0 });
        let signature = fill(if right.1 { algorithm.signature_bytes() } else { lengths.1 });
        algorithm.is_public_key(&key);
        prop_assert!(!verdict(item(algorithm, &key, b"message", &signature)));
        let good = key_of(algorithm, 3).public_key();
        prop_assert!(!verdict(item(algorithm, &good, b"message", &signature)));
        let _ = SecretKey::from_bytes(algorithm, &key);
        let _ = signature_from_der(algorithm, &signature);
        let _ = signature_to_der(algorithm, &signature);
        recover_secp256k1(&[byte; 32], &signature);
    }

    /// Goal: DER and the wire's form are one to one. Method: translate there and back.
    #[test]
    fn der_there_and_back(seed in 1u8..255, message: [u8; 8]) {
        for algorithm in Algorithm::ALL {
            let signature = key_of(algorithm, seed).sign(NAMESPACE, &message);
            match signature_to_der(algorithm, &signature) {
                Ok(der) => {
                    let again = signature_from_der(algorithm, &der).unwrap();
                    prop_assert_eq!(&again[..64], &signature[..64]);
                    for wrong in [[&der[..], &[0]].concat(), der[1..].to_vec()] {
                        prop_assert!(signature_from_der(algorithm, &wrong).is_err());
                    }
                }
                Err(_) => prop_assert!(signature_from_der(algorithm, &signature).is_err()),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Goal: a batch of any size gives the verdicts of single checks. Method: forty or fewer
    /// Ed25519 signatures, some with a changed bit or another length, under a few repeated keys and
    /// namespaces short and long.
    #[test]
    fn ed25519_batches_agree_with_single_checks(
        spoils in vec((0..6u8, any::<proptest::sample::Index>()), 1..40),
        namespace_bytes in prop_oneof![0..4_usize, 120..140_usize],
    ) {
        let namespace = [7].repeat(namespace_bytes);
        let parts: Vec<_> = (0_u8..).zip(&spoils).map(|(number, (spoil, place))| {
            let key = SecretKey::from_bytes(Algorithm::Ed25519, &[number % 5; 32]).unwrap();
            let (mut public, message) = (key.public_key(), [number].repeat(number.into()));
            let mut signature = key.sign(&namespace, &message);
            match spoil {
                0 => signature[place.index(64)] ^= 1,
                1 => public[place.index(32)] ^= 1,
                2 => signature.truncate(place.index(64)),
                3 => public.truncate(place.index(32)),
                _ => {}
            }
            (public, message, signature)
        }).collect();
        let items: Vec<_> = parts.iter().map(|(public_key, message, signature)| BatchItem {
            algorithm: Algorithm::Ed25519, public_key, namespace: &namespace, message, signature,
        }).collect();
        let single: Vec<_> = items.iter().map(|item| verify(*item)).collect();
        prop_assert_eq!(verify_batch(&items), single.iter().all(|verdict| *verdict));
        prop_assert_eq!(verify_each(&items), single);
    }
}
