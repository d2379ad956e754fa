//! Decrypt with SM2: nothing opens but what was encrypted to the key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use trine_crypto::{SecretKey, public_key_to_spki_der, sm2};
use trine_types::Algorithm;

const SECRET: &[u8] = b"a secret of thirty-three bytes...";
/// Bytes of a point with both coordinates, which the file of a public key ends with.
const POINT_BYTES: usize = 65;

static KEY: LazyLock<SecretKey> = LazyLock::new(|| key(7));
static GOOD: LazyLock<Vec<u8>> =
    LazyLock::new(|| sm2::encrypt(&KEY.public_key(), SECRET).expect("a point and a secret"));

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(Algorithm::Sm2, &[number; 32]).expect("a small number is a key")
}

/// A point of the curve.
fn point(number: u8) -> Vec<u8> {
    let file = public_key_to_spki_der(Algorithm::Sm2, &key(number).public_key());
    let file = file.expect("it is a key");
    file[file.len() - POINT_BYTES..].to_vec()
}

// What follows the first byte is by that: a ciphertext; what follows a point in one; or what is
// spoiled in a good one, two bytes for the place and one for the bits.
fuzz_target!(|data: &[u8]| {
    let Some((form, rest)) = data.split_first() else {
        return;
    };
    let ciphertext = match form {
        0 => rest.to_vec(),
        1..=9 => [&point(*form)[..], rest].concat(),
        _ => {
            let mut spoiled = GOOD.clone();
            for [high, low, bits] in rest.as_chunks::<3>().0 {
                let place = usize::from(u16::from_be_bytes([*high, *low]));
                let length = spoiled.len();
                spoiled[place % length] ^= bits;
            }
            spoiled
        }
    };
    let opened = sm2::decrypt(&KEY, &ciphertext);
    match opened {
        Some(secret) => assert!(ciphertext == *GOOD && *secret == SECRET, "a forged ciphertext"),
        None => assert!(ciphertext != *GOOD, "a good ciphertext is refused"),
    }
});
