//! Test SM2 against the standard, another program's verdicts, and identifiers.

mod encryption;

use super::{DEFAULT_ID, ID_BYTES_MAX, sign_as, uncompressed, verify_as};
use crate::tests::key_of;
use crate::tests::vectors::{hex, read};
use crate::{Algorithm, SecretKey, signature_from_der, verify_unframed};

/// Key `04 || x || y` in the form of the wire.
fn wire(point: &[u8]) -> Vec<u8> {
    assert_eq!((point.len(), point[0]), (65, 4));
    [&[2 | point[64] & 1], &point[1..33]].concat()
}

/// Goal: the example of the standard (GB/T 32918.5-2017, appendix A) is met. Method: its key gives
/// its public key; its signature is valid under its identifier alone.
#[test]
fn the_example_of_the_standard_is_met() {
    let Some(file) = read("sm2/sm2_standard_example.json") else { return };
    let case = &file["sign"];
    let secret = hex(&case["private_key_hex"]);
    let key = SecretKey::from_bytes(Algorithm::Sm2, &secret).unwrap();
    assert_eq!(key.public_key(), wire(&hex(&case["public_key_hex"])));
    let signature = [hex(&case["r_hex"]), hex(&case["s_hex"])].concat();
    let message = case["message"].as_str().unwrap().as_bytes();
    assert!(verify_as(&key.public_key(), DEFAULT_ID, message, &signature));
    assert!(verify_unframed(Algorithm::Sm2, &key.public_key(), message, &signature));
    assert!(!verify_as(&key.public_key(), b"ALICE123@YAHOO.COM", message, &signature));
}

/// Goal: verdicts are those of the standard, as OpenSSL and others apply it. Method: a published
/// file of good and spoiled signatures, plain and in DER; cases that give only a digest are checked
/// where digests are taken, in the bulk crate.
#[test]
fn verdicts_are_the_published_ones() {
    let Some(file) = read("sm2/sm2_verify_openssl.json") else { return };
    let mut count = 0;
    for case in file["cases"].as_array().unwrap() {
        if case["mode"] != "message" {
            continue;
        }
        let (id, message) = (hex(&case["distid_hex"]), hex(&case["msg_hex"]));
        let signature = hex(&case["sig_hex"]);
        let signature = match case["sig_encoding"].as_str().unwrap() {
            "rs" => Some(signature),
            _ => signature_from_der(Algorithm::Sm2, &signature).ok(),
        };
        let signature = signature.filter(|signature| signature.len() >= 64);
        let key = uncompressed(&hex(&case["public_key_hex"])).map(|point| wire(&point));
        let verdict = signature
            .zip(key)
            .is_some_and(|(signature, key)| verify_as(&key, &id, &message, &signature));
        assert_eq!(verdict, case["expected"] == "valid", "{case}");
        count += 1;
    }
    assert!(count > 150, "{count} cases");
}

/// Goal: the identifier is part of what is signed, and has a limit. Method: sign under one and
/// verify under others; the longest, and one byte more.
#[test]
fn identifiers_are_signed() {
    let key = key_of(Algorithm::Sm2, 7);
    let longest = vec![b'a'; ID_BYTES_MAX];
    for id in [b"".as_slice(), b"ALICE123@YAHOO.COM", DEFAULT_ID, &longest] {
        let signature = sign_as(&key, id, b"message").unwrap();
        assert!(verify_as(&key.public_key(), id, b"message", &signature));
        assert!(!verify_as(&key.public_key(), b"another", b"message", &signature));
        assert!(!verify_as(&key.public_key(), id, b"massage", &signature));
    }
    let longer = [&longest[..], b"a"].concat();
    assert_eq!(sign_as(&key, &longer, b"message"), None);
    let signature = sign_as(&key, &longest, b"message").unwrap();
    assert!(!verify_as(&key.public_key(), &longer, b"message", &signature));
    assert_eq!(sign_as(&key_of(Algorithm::P256, 7), DEFAULT_ID, b"message"), None);
}
