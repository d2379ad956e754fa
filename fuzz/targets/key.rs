//! Read keys and signatures: alone, in a batch and each by each, the verdict is the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_crypto::{BatchItem, SecretKey, verify, verify_batch, verify_each};
use trine_types::Algorithm;

const NAMESPACE: &[u8] = b"fuzz";

fuzz_target!(|input: (u8, &[u8], &[u8], &[u8])| {
    let (number, public_key, signature, message) = input;
    let Some(algorithm) = Algorithm::from_number(number) else {
        return;
    };
    assert_eq!(algorithm.number(), number);
    let item = BatchItem { algorithm, public_key, namespace: NAMESPACE, message, signature };
    let verdict = verify(item);
    assert!(!verdict || algorithm.is_public_key(public_key));
    let Ok(secret) = SecretKey::from_bytes(algorithm, signature.get(..32).unwrap_or(&[])) else {
        assert_eq!(verify_batch(&[item]), verdict);
        return;
    };
    let (own_key, own) = (secret.public_key(), secret.sign(NAMESPACE, message));
    let good = BatchItem { public_key: &own_key, signature: &own, ..item };
    assert!(algorithm.is_public_key(&own_key) && verify(good));
    assert_eq!(verify_batch(&[good, item]), verdict);
    assert_eq!(verify_each(&[item, good]), [verdict, true]);
});
