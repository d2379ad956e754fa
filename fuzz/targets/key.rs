//! Read keys and signatures: alone, in a batch and each by each, the verdict is the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_crypto::{BatchItem, SecretKey, verify, verify_batch, verify_each};
use trine_types::Algorithm;

const NAMESPACE: &[u8] = b"fuzz";

// Algorithm, length of the key, length of the signature, then key, signature and message.
fuzz_target!(|data: &[u8]| {
    let [number, key_bytes, signature_bytes, rest @ ..] = data else {
        return;
    };
    let Some(algorithm) = Algorithm::from_number(*number) else {
        return;
    };
    assert_eq!(algorithm.number(), *number);
    let (public_key, rest) = rest.split_at(rest.len().min((*key_bytes).into()));
    let (signature, message) = rest.split_at(rest.len().min((*signature_bytes).into()));
    let item = BatchItem { algorithm, public_key, namespace: NAMESPACE, message, signature };
    let verdict = verify(item);
    assert!(!verdict || algorithm.is_public_key(public_key));
    assert_eq!(verify_batch(&[item]), verdict);
    let Ok(secret) = SecretKey::from_bytes(algorithm, public_key) else {
        return;
    };
    let (own_key, own) = (secret.public_key(), secret.sign(NAMESPACE, message));
    let good = BatchItem { public_key: &own_key, signature: &own, ..item };
    assert!(algorithm.is_public_key(&own_key) && verify(good));
    assert_eq!(verify_each(&[item, good]), [verdict, true]);
});
