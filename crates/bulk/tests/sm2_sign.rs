//! Check SM2 signing in bulk: every path and batch gives the bytes that each key gives alone.

use proptest::prelude::*;
use trine_bulk::Path;
use trine_bulk::sm2::{
    DEFAULT_ID, Item, KeyCache, SigningItem, SigningKey, sign_batch, sign_batch_on, verify_batch,
    verify_exact_on,
};

fn keys(count: usize) -> Vec<SigningKey> {
    let secret = |number: usize| {
        let mut secret = [0x5a; 32];
        secret[24..].copy_from_slice(&number.to_be_bytes());
        secret
    };
    (0..count).map(|number| SigningKey::new(&secret(number)).expect("a key")).collect()
}

/// Goal: batches of every size are whole, in order, valid and those of the single signer. Method:
/// sizes around lanes and chunks, all keys different, on every path; the verifier, with the hints
/// and without the equation.
#[test]
fn batches_of_every_size_are_those_made_one_by_one() {
    let keys = keys(1000);
    let identities: Vec<_> = keys.iter().map(|key| key.identity(DEFAULT_ID)).collect();
    let messages: Vec<_> = (0..1000u32).map(u32::to_be_bytes).collect();
    let items: Vec<_> = keys
        .iter()
        .zip(identities.iter().zip(&messages))
        .map(|(key, (identity, message))| SigningItem { key, identity, message })
        .collect();
    let expected: Vec<_> =
        items.iter().map(|item| item.key.sign(DEFAULT_ID, item.message)).collect();
    for &path in Path::available() {
        for size in [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 511, 513, 1000] {
            assert_eq!(sign_batch_on(path, &items[..size]), expected[..size], "{path:?} {size}");
        }
    }
    assert_eq!(sign_batch(&items), expected);
    let signed: Vec<_> = items
        .iter()
        .zip(&expected)
        .map(|(item, (signature, hint))| Item {
            public_key: item.key.public_key(),
            id: DEFAULT_ID,
            message: item.message,
            signature,
            hint: Some(*hint),
        })
        .collect();
    assert_eq!(verify_batch(&signed, &KeyCache::new(0)), vec![true; 1000]);
    let exact = verify_exact_on(Path::best(), &signed, &KeyCache::new(0));
    assert_eq!(exact, vec![true; 1000]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Goal: a batch gives the bytes of the single signer, whatever the keys. Method: random keys
    /// that repeat, and those near the ends of the range; messages of different lengths; any
    /// identifier.
    #[test]
    fn any_batch_is_that_of_its_keys(
        secrets in prop::collection::vec(
            prop_oneof![
                4 => prop::array::uniform32(any::<u8>()),
                1 => (1u8..40).prop_map(|low| std::array::from_fn(|i| low * u8::from(i == 31))),
                1 => (0u8..40).prop_map(last_key),
            ],
            1..12,
        ),
        id in prop::collection::vec(any::<u8>(), 0..40),
        messages in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..300)),
            1..70,
        ),
    ) {
        let keys: Vec<_> = secrets.iter().filter_map(SigningKey::new).collect();
        prop_assume!(!keys.is_empty());
        let identities: Vec<_> = keys.iter().map(|key| key.identity(&id)).collect();
        let items: Vec<_> = messages
            .iter()
            .map(|(key, message)| SigningItem {
                key: key.get(&keys),
                identity: key.get(&identities),
                message,
            })
            .collect();
        let expected: Vec<_> = items.iter().map(|item| item.key.sign(&id, item.message)).collect();
        for &path in Path::available() {
            prop_assert_eq!(&sign_batch_on(path, &items), &expected);
        }
    }
}

/// n - 2 less `less`, the largest key for 0.
fn last_key(less: u8) -> [u8; 32] {
    let mut key = [0xff; 32];
    key[3] = 0xfe;
    let low = 0x7203_df6b_21c6_052b_53bb_f409_39d5_4123u128 - 2 - u128::from(less);
    key[16..].copy_from_slice(&low.to_be_bytes());
    key
}
