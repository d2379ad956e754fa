//! Check Ed25519 signing: every path and batch gives the bytes that the standard prescribes.

use ed25519_dalek::Signer;
use proptest::prelude::*;
use trine_bulk::Path;
use trine_bulk::ed25519::{
    Item, KeyCache, SigningItem, SigningKey, sign_batch, sign_batch_on, verify_batch,
};

/// Seed, public key, message, signature (RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc)).
const VECTORS: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a3\
         3bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15\
         996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16\
         f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274f\
         c1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90\
         b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("a hexadecimal byte");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Goal: keys and signatures are those of RFC 8032. Method: its vectors, on every path, alone and
/// as one batch.
#[test]
fn signatures_are_those_of_the_standard() {
    let seeds = VECTORS.map(|[seed, ..]| bytes(seed).try_into().expect("32 bytes"));
    let messages = VECTORS.map(|[_, _, message, _]| bytes(message));
    for path in Path::available() {
        let keys = SigningKey::new_many_on(*path, &seeds);
        let parts: Vec<[&[u8]; 1]> = messages.iter().map(|message| [&message[..]]).collect();
        let items: Vec<_> =
            keys.iter().zip(&parts).map(|(key, message)| SigningItem { key, message }).collect();
        let signatures = sign_batch_on(*path, &items);
        for (place, [_, public_key, _, signature]) in VECTORS.iter().enumerate() {
            assert_eq!(keys[place].public_key()[..], bytes(public_key));
            assert_eq!(signatures[place][..], bytes(signature));
            assert_eq!(sign_batch_on(*path, &items[place..=place])[0][..], bytes(signature));
            assert_eq!(keys[place].sign(&parts[place])[..], bytes(signature));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: a batch gives the bytes of the library, whatever the path. Method: random seeds that
    /// repeat, messages of different lengths in parts, batches that do not fill the lanes.
    #[test]
    fn batches_are_those_of_the_library(
        seeds in prop::collection::vec(any::<[u8; 32]>(), 1..20),
        messages in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..400)),
            1..101,
        ),
    ) {
        let libraries: Vec<_> =
            seeds.iter().map(ed25519_dalek::SigningKey::from_bytes).collect();
        for path in Path::available() {
            let keys = SigningKey::new_many_on(*path, &seeds);
            for (key, library) in keys.iter().zip(&libraries) {
                prop_assert_eq!(key.public_key(), &library.verifying_key().to_bytes());
            }
            let parts: Vec<[&[u8]; 2]> = messages
                .iter()
                .map(|(_, message)| [&message[..message.len() / 3], &message[message.len() / 3..]])
                .collect();
            let items: Vec<_> = messages
                .iter()
                .zip(&parts)
                .map(|((key, _), message)| SigningItem { key: key.get(&keys), message })
                .collect();
            let signatures = sign_batch_on(*path, &items);
            prop_assert_eq!(signatures.len(), messages.len());
            for ((key, message), signature) in messages.iter().zip(signatures) {
                prop_assert_eq!(signature, key.get(&libraries).sign(message).to_bytes());
            }
        }
    }
}

/// Goal: lengths at the limits of blocks are hashed right. Method: every length up to three blocks.
#[test]
fn every_length_is_hashed_right() {
    let message = [7; 400];
    let library = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let key = SigningKey::new(&[3; 32]);
    let parts: Vec<[&[u8]; 1]> = (0..=400).map(|length| [&message[..length]]).collect();
    let items: Vec<_> = parts.iter().map(|message| SigningItem { key: &key, message }).collect();
    for path in Path::available() {
        for (signature, parts) in sign_batch_on(*path, &items).iter().zip(&parts) {
            assert_eq!(*signature, library.sign(parts[0]).to_bytes());
        }
    }
}

/// Goal: batches longer than what is made at once are whole and in order; none is fine. Method:
/// 1,300 messages, verified; an empty batch.
#[test]
fn long_batches_keep_their_order() {
    let seeds: Vec<[u8; 32]> =
        (0..1300u32).map(|i| std::array::from_fn(|at| (i >> (8 * (at % 4))) as u8)).collect();
    let keys = SigningKey::new_many(&seeds);
    let messages: Vec<_> = (0..1300u32).map(u32::to_be_bytes).collect();
    let parts: Vec<[&[u8]; 1]> = messages.iter().map(|message| [&message[..]]).collect();
    let items: Vec<_> =
        keys.iter().zip(&parts).map(|(key, message)| SigningItem { key, message }).collect();
    let signatures = sign_batch(&items);
    let checked: Vec<_> = items
        .iter()
        .zip(&signatures)
        .map(|(item, signature)| Item {
            public_key: item.key.public_key(),
            message: item.message,
            signature,
        })
        .collect();
    assert_eq!(verify_batch(&checked, &KeyCache::new(0)), vec![true; 1300]);
    assert!(sign_batch(&[]).is_empty());
    assert!(SigningKey::new_many(&[]).is_empty());
}
