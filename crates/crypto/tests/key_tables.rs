//! Learn keys in a process of its own: the bound is the process's.

use trine_crypto::{
    Algorithm, BatchItem, SecretKey, learn_keys, learned_keys, set_key_tables_bytes_max, verify,
};

/// Bytes of a table: 88 KB (see `engine.key_tables_mib` in the reference of the configuration).
const TABLE_BYTES: usize = 88_064;
const NAMESPACE: &[u8] = b"example";

fn verdicts(key: &SecretKey) -> [bool; 2] {
    let (public_key, signature) = (key.public_key(), key.sign(NAMESPACE, b"message"));
    [b"message", b"massage"].map(|message| {
        verify(BatchItem {
            algorithm: key.algorithm(),
            public_key: &public_key,
            namespace: NAMESPACE,
            message,
            signature: &signature,
        })
    })
}

/// Goal: memory stays within the bound, and tables change no verdict. Method: room for two, five
/// keys and what is none; a good and a bad signature of each key before and after.
#[test]
fn tables_are_bounded_and_change_no_verdict() {
    set_key_tables_bytes_max(2 * TABLE_BYTES);
    for algorithm in Algorithm::ALL {
        let keys: Vec<_> = (1..=5)
            .map(|byte| SecretKey::from_bytes(algorithm, &[byte; 32]).expect("a key"))
            .collect();
        assert!(keys.iter().all(|key| verdicts(key) == [true, false]), "{algorithm}");
        let public: Vec<_> = keys.iter().map(SecretKey::public_key).collect();
        let none: [&[u8]; 3] = [&[], &[4; 33], &[2; 40]];
        learn_keys(none.into_iter().map(|key| (algorithm, key)));
        assert_eq!(learned_keys(algorithm), 0, "{algorithm}");
        learn_keys(public.iter().map(|key| (algorithm, &key[..])));
        let has_tables = matches!(algorithm, Algorithm::Sm2 | Algorithm::P256);
        assert_eq!(learned_keys(algorithm), if has_tables { 2 } else { 0 }, "{algorithm}");
        assert!(keys.iter().all(|key| verdicts(key) == [true, false]), "{algorithm}");
    }
}
