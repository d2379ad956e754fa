//! Check P-256 against published answers and its paths against each other.

use super::*;
use crate::weierstrass::vectors::{read, unhex_field};
use ::p256::ecdsa::{
    SigningKey,
    signature::{Signer as _, Verifier as _},
};
use proptest::prelude::*;

/// A signature that owns its bytes.
#[derive(Clone, Debug)]
struct Owned {
    public_key: [u8; 64],
    message: Vec<u8>,
    signature: [u8; 64],
    hint: Option<u8>,
}

impl Owned {
    fn item(&self) -> Item<'_> {
        let Self { public_key, message, signature, hint } = self;
        Item { public_key, message, signature, hint: *hint }
    }
}

/// Checks every way to verify against `expected`.
fn check_everywhere(items: &[Owned], high_s: HighS, expected: &[bool]) {
    let items: Vec<_> = items.iter().map(Owned::item).collect();
    let single: Vec<_> = items.iter().map(|item| verify(item, high_s)).collect();
    assert_eq!(single, expected, "single");
    for &path in Path::available() {
        let cache = KeyCache::new_on(path, 3 * TABLE_BYTES);
        for round in ["cold", "known"] {
            assert_eq!(verify_batch_on(path, &items, high_s, &cache), expected, "{path:?} {round}");
            assert_eq!(verify_exact_on(path, &items, high_s, &cache), expected, "{path:?} {round}");
            let keys: Vec<_> = items.iter().map(|item| item.public_key).take(4).collect();
            cache.learn(&keys);
        }
        let cache = KeyCache::new_on(path, items.len() * TABLE_BYTES);
        cache.learn(&items.iter().map(|item| item.public_key).collect::<Vec<_>>());
        let alone = |item: &Item| verify_exact_on(path, &[*item], high_s, &cache)[0];
        assert_eq!(items.iter().map(alone).collect::<Vec<_>>(), expected, "{path:?} alone");
    }
}

fn signed(number: u8, message: &[u8]) -> Owned {
    let key = SigningKey::from_slice(&[number + 1; 32]).expect("a key");
    let signature: ::p256::ecdsa::Signature = key.sign(message);
    let point = key.verifying_key().to_sec1_point(false);
    let mut owned = Owned {
        public_key: point.as_bytes()[1..].try_into().expect("two coordinates"),
        message: message.to_vec(),
        signature: signature.normalize_s().to_bytes().into(),
        hint: None,
    };
    owned.hint = hint(&owned.item(), HighS::Reject);
    owned
}

/// Goal: published verdicts, on every path. Method: Wycheproof's signatures of 64 bytes, all in one
/// batch without hints and with those found; of twins with a high `s` only where they are admitted.
#[test]
fn published_verdicts_are_met() {
    let name = "crypto/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json";
    let Some(file) = read(name) else { return };
    let (mut items, mut expected) = (Vec::new(), Vec::new());
    for group in file["testGroups"].as_array().expect("groups") {
        let key = unhex_field(&group["publicKey"], "uncompressed");
        for case in group["tests"].as_array().expect("tests") {
            let Ok(signature) = unhex_field(case, "sig").try_into() else { continue };
            let public_key = key[1..].try_into().expect("two coordinates");
            items.push(Owned {
                public_key,
                message: unhex_field(case, "msg"),
                signature,
                hint: None,
            });
            expected.push(case["result"] == "valid");
        }
    }
    assert!(items.len() > 150 && expected.contains(&true), "{} tests", items.len());
    check_everywhere(&items, HighS::Accept, &expected);
    for item in &mut items {
        item.hint = hint(&item.item(), HighS::Accept);
    }
    check_everywhere(&items, HighS::Accept, &expected);
    let low = |item: &Owned| verify(&item.item(), HighS::Reject);
    let kept: Vec<_> = items.iter().map(low).collect();
    assert!(kept.iter().zip(&expected).all(|(kept, valid)| *valid || !kept));
    check_everywhere(&items, HighS::Reject, &kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: one answer on every path, batch or not. Method: good signatures, repeated ones, and
    /// ones with a changed bit of signature, key or message, a wrong hint or none.
    #[test]
    fn batch_and_single_verdicts_agree(
        parts in prop::collection::vec(
            (0u8..5, 0u8..200, 0u8..9, any::<prop::sample::Index>()), 1..60,
        ),
    ) {
        let mut items: Vec<Owned> = Vec::new();
        for (key, message, change, at) in &parts {
            let mut item = signed(*key, &vec![*message; usize::from(*message)]);
            match change {
                0 => item.signature[at.index(64)] ^= 1,
                1 => item.public_key[at.index(64)] ^= 1,
                2 => item.message.push(0),
                3 => item.hint = item.hint.map(|hint| hint ^ 1),
                4 => item.hint = None,
                5 => item = items.last().cloned().unwrap_or(item),
                _ => {}
            }
            items.push(item);
        }
        let good = |item: &Owned| {
            let key = [&[4], &item.public_key[..]].concat();
            let signature = ::p256::ecdsa::Signature::from_slice(&item.signature);
            let key = ::p256::ecdsa::VerifyingKey::from_sec1_bytes(&key);
            signature.ok().zip(key.ok()).is_some_and(|(signature, key)| {
                let is_low = signature == signature.normalize_s();
                is_low && key.verify(&item.message, &signature).is_ok()
            })
        };
        let expected: Vec<_> = items.iter().map(good).collect();
        check_everywhere(&items, HighS::Reject, &expected);
    }
}
