//! Test hashing, signing and batches against fixed values, published vectors and each other.

use crate::{
    Algorithm, BatchItem, SecretKey, Suite, hash_many, keccak256, verify, verify_batch, verify_each,
};

pub(crate) mod openssl;
mod schemes;
mod signing;
pub(crate) mod vectors;
mod wycheproof;

/// A key whose every byte is `seed`: in range for every algorithm unless 0 or 255.
pub(crate) fn key_of(algorithm: Algorithm, seed: u8) -> SecretKey {
    let secret = vec![seed; algorithm.secret_key_bytes()];
    SecretKey::from_bytes(algorithm, &secret).unwrap()
}

fn key(seed: u8) -> SecretKey {
    key_of(Algorithm::Ed25519, seed)
}

/// Goal: the hash is SHA-256. Method: FIPS 180-4 example "abc", in one part and in three.
#[test]
fn hashes_the_standard_example() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Suite::Intl.hash(&[b"abc"]).to_string(), expected);
    assert_eq!(Suite::Intl.hash(&[b"a", b"b", b"c"]).to_string(), expected);
}

/// Goal: the hash of the suite `gm` is SM3. Method: GB/T 32905-2016, examples 1 and 2, in one part
/// and in parts of every length.
#[test]
fn hashes_the_examples_of_sm3() {
    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    let abcd = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732";
    assert_eq!(Suite::Gm.hash(&[b"abc"]).to_string(), abc);
    assert_eq!(Suite::Gm.hash(&[b"a", b"", b"bc"]).to_string(), abc);
    let message = b"abcd".repeat(16);
    for length in 0..=message.len() {
        let (head, tail) = message.split_at(length);
        assert_eq!(Suite::Gm.hash(&[head, tail]).to_string(), abcd);
    }
}

/// Goal: many hashes at once are the hashes. Method: messages of many lengths, on either suite.
#[test]
fn many_hashes_are_the_hashes() {
    let messages: Vec<Vec<u8>> = (0..90).map(|length| vec![length as u8; 3 * length]).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    for suite in Suite::ALL {
        let expected: Vec<_> = messages.iter().map(|one| suite.hash(&[one])).collect();
        assert_eq!(hash_many(suite, &messages), expected);
    }
}

/// Goal: suites have names, and others are refused with what was expected. Method: round trip.
#[test]
fn suites_have_names() {
    for suite in Suite::ALL {
        assert_eq!(suite.to_string().parse(), Ok(suite));
    }
    let error = "GM".parse::<Suite>().unwrap_err().to_string();
    assert!(error.contains("\"GM\"") && error.contains("\"gm\""), "{error}");
}

/// Goal: Keccak-256 is the function of Ethereum, not SHA3-256. Method: the hash of nothing, which
/// every empty account of that chain carries, and of "abc", in one part and in three.
#[test]
fn keccak_is_that_of_ethereum() {
    let nothing = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    let abc = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45";
    assert_eq!(keccak256(&[]).to_string(), nothing);
    assert_eq!(keccak256(&[b"abc"]).to_string(), abc);
    assert_eq!(keccak256(&[b"a", b"", b"bc"]).to_string(), abc);
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
