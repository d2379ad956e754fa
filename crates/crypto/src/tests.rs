//! Test hashing, signing and batches against fixed values and each other.

use crate::{Algorithm, BatchItem, SecretKey, Suite, verify, verify_batch, verify_each};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(Algorithm::Ed25519, &[seed; 32]).unwrap()
}

/// Goal: the hash is SHA-256. Method: FIPS 180-4 example "abc", in one part and in three.
#[test]
fn hashes_the_standard_example() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Suite::Intl.hash(&[b"abc"]).to_string(), expected);
    assert_eq!(Suite::Intl.hash(&[b"a", b"b", b"c"]).to_string(), expected);
}

/// Goal: a batch and single checks agree, and one bad signature is named. Method: 40 signatures,
/// each in turn with one bit flipped.
#[test]
fn batch_and_single_agree() {
    let keys: Vec<_> = (1..=8).map(key).collect();
    let public: Vec<_> = keys.iter().map(SecretKey::public_key).collect();
    let messages: Vec<_> = (0..40u8).map(|i| [i; 20]).collect();
    let signatures: Vec<_> = (0..40).map(|i| keys[i % 8].sign(b"test", &messages[i])).collect();
    let items = |signatures: &'_ [Vec<u8>]| -> Vec<(usize, Vec<u8>)> {
        signatures.iter().cloned().enumerate().collect()
    };
    let check = |owned: &[(usize, Vec<u8>)]| {
        let items: Vec<_> = owned
            .iter()
            .map(|(i, signature)| BatchItem {
                algorithm: Algorithm::Ed25519,
                public_key: &public[i % 8],
                namespace: b"test",
                message: &messages[*i],
                signature,
            })
            .collect();
        let single: Vec<_> = items.iter().map(|item| verify(*item)).collect();
        assert_eq!(verify_batch(&items), single.iter().all(|ok| *ok));
        assert_eq!(verify_each(&items), single);
        single
    };
    assert!(check(&items(&signatures)).into_iter().all(|ok| ok));
    for bad in 0..40 {
        let mut altered = signatures.clone();
        altered[bad][bad % 64] ^= 1 << (bad % 8);
        let verdict = check(&items(&altered));
        assert_eq!(verdict.iter().filter(|ok| !**ok).count(), 1);
        assert!(!verdict[bad]);
    }
}

/// Goal: the namespace separates domains. Method: the same bytes under another namespace.
#[test]
fn namespace_is_signed() {
    let (key, message) = (key(3), b"message");
    let signature = key.sign(b"one", message);
    let item = BatchItem {
        algorithm: Algorithm::Ed25519,
        public_key: &key.public_key(),
        namespace: b"one",
        message,
        signature: &signature,
    };
    assert!(verify(item));
    assert!(!verify(BatchItem { namespace: b"two", ..item }));
    assert!(!verify(BatchItem { signature: &signature[..63], ..item }));
    assert!(!verify(BatchItem { public_key: &[2; 31], ..item }));
}
