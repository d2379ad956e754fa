//! Test that many keys and signatures at once are those made one by one.

use super::key_of;
use crate::{Algorithm, KeyError, SecretKey, SigningItem, sign_batch};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: a batch gives each signature that its key gives alone. Method: keys of all
    /// algorithms in any order, namespaces whose lengths take one byte and two, any messages.
    #[test]
    fn a_batch_signs_as_each_key_does(
        parts in vec((0usize..5, 1u8..9, prop_oneof![Just(5usize), Just(200)], 0usize..300), 0..40),
    ) {
        let keys: Vec<_> = parts
            .iter()
            .map(|(place, seed, ..)| key_of(Algorithm::ALL[*place], *seed))
            .collect();
        let texts: Vec<_> = parts
            .iter()
            .map(|(_, seed, namespace, message)| (vec![7; *namespace], vec![*seed; *message]))
            .collect();
        let items: Vec<_> = keys
            .iter()
            .zip(&texts)
            .map(|(key, (namespace, message))| SigningItem { key, namespace, message })
            .collect();
        let expected: Vec<_> =
            items.iter().map(|item| item.key.sign(item.namespace, item.message)).collect();
        prop_assert_eq!(sign_batch(&items), expected);
    }
}

/// Goal: many keys at once are the keys, and a bad one spoils no other. Method: lists with secrets
/// of a wrong length at the start, between and at the end; compare public keys and refusals.
#[test]
fn many_keys_are_the_keys() {
    for algorithm in Algorithm::ALL {
        let lengths = [31, 32, 32, 0, 33, 32, 32, 64].into_iter().zip(1..);
        let secrets: Vec<Vec<u8>> = lengths.map(|(length, seed)| vec![seed; length]).collect();
        let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
        let public = |key: Result<SecretKey, KeyError>| {
            key.map(|key| (key.public_key(), key.expose().to_vec()))
        };
        let expected: Vec<_> =
            secrets.iter().map(|secret| public(SecretKey::from_bytes(algorithm, secret))).collect();
        let found: Vec<_> =
            SecretKey::from_many(algorithm, &secrets).into_iter().map(public).collect();
        assert_eq!(found, expected);
        assert_eq!(found.iter().filter(|key| key.is_ok()).count(), 4);
        assert!(SecretKey::from_many(algorithm, &[]).is_empty());
    }
}
