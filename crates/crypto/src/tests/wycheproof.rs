//! Compare every verdict with Wycheproof's.

use super::vectors::{for_each_test, hex, is_valid, read, unhex};
use crate::{
    Algorithm, BatchItem, Suite, ml_dsa, public_key_from_spki, recover_secp256k1,
    signature_from_der, sm4_gcm, verify_batch, verify_unframed,
};
use serde_json::Value;

/// The key of a group, read from its SPKI and compared with its plain form.
fn ec_key(group: &Value, algorithm: Algorithm) -> Vec<u8> {
    let (found, key) = public_key_from_spki(&hex(&group["publicKeyDer"])).unwrap();
    let pem = group["publicKeyPem"].as_str().unwrap();
    assert_eq!(public_key_from_spki(pem.as_bytes()).unwrap(), (found, key.clone()));
    assert_eq!(found, algorithm);
    assert_eq!(key[1..], hex(&group["publicKey"]["uncompressed"])[1..33]);
    key
}

/// The verdict on a DER signature. For secp256k1 every recovery id is tried: a file in that form
/// has none.
fn verify_der(algorithm: Algorithm, key: &[u8], message: &[u8], der: &[u8]) -> bool {
    signature_from_der(algorithm, der).is_ok_and(|rs| verify_any_id(algorithm, key, message, rs))
}

/// The verdict whatever the last byte. All values must agree for P-256; one of the first four, and
/// no other, is right for secp256k1.
fn verify_any_id(algorithm: Algorithm, key: &[u8], message: &[u8], mut signature: Vec<u8>) -> bool {
    let verdicts = [0, 1, 2, 3, 4, 27, 255].map(|last| {
        *signature.last_mut().unwrap() = last;
        verify_unframed(algorithm, key, message, &signature)
    });
    let right = verdicts.iter().filter(|verdict| **verdict).count();
    match algorithm {
        Algorithm::Secp256k1 => assert!(right <= 1 && verdicts[4..].iter().all(|verdict| !verdict)),
        _ => assert!(right == 0 || right == verdicts.len()),
    }
    right > 0
}

fn is_high(algorithm: Algorithm, rs: &[u8]) -> bool {
    // Half the order, rounded down.
    let half = match algorithm {
        Algorithm::P256 => "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8",
        _ => "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0",
    };
    rs[32..] > unhex(half)[..]
}

/// Goal: the verdicts on DER signatures are Wycheproof's. Method: signatures are translated first,
/// with the high `s` brought low, as the file counts both as valid.
#[test]
fn ecdsa_in_der() {
    for (algorithm, name) in [
        (Algorithm::P256, "wycheproof/ecdsa_secp256r1_sha256_test.json"),
        (Algorithm::Secp256k1, "wycheproof/ecdsa_secp256k1_sha256_test.json"),
    ] {
        for_each_test(name, |group, test| {
            let key = ec_key(group, algorithm);
            let verdict = verify_der(algorithm, &key, &hex(&test["msg"]), &hex(&test["sig"]));
            assert_eq!(verdict, is_valid(test), "{name}: {test}");
        });
    }
}

/// Goal: a high `s` is refused on secp256k1. Method: the file whose verdicts follow Bitcoin's rule;
/// a signature is taken only when its translation left it as it was.
#[test]
fn ecdsa_in_der_with_low_s_only() {
    let name = "wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json";
    for_each_test(name, |group, test| {
        let algorithm = Algorithm::Secp256k1;
        let (key, der) = (ec_key(group, algorithm), hex(&test["sig"]));
        let unchanged = signature_from_der(algorithm, &der)
            .and_then(|rs| crate::signature_to_der(algorithm, &rs))
            .is_ok_and(|again| again == der);
        let verdict = unchanged && verify_der(algorithm, &key, &hex(&test["msg"]), &der);
        assert_eq!(verdict, is_valid(test), "{name}: {test}");
    });
}

/// Goal: the verdicts on `r || s` are Wycheproof's, but for the one rule that is stricter. Method:
/// a signature with a high `s` must be refused, and its twin must get the file's verdict.
#[test]
fn ecdsa_in_plain_form() {
    for (algorithm, name) in [
        (Algorithm::P256, "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"),
        (Algorithm::Secp256k1, "wycheproof/ecdsa_secp256k1_sha256_p1363_test.json"),
    ] {
        for_each_test(name, |group, test| {
            let (key, message) = (ec_key(group, algorithm), hex(&test["msg"]));
            let rs = hex(&test["sig"]);
            let mut verdict = verify_any_id(algorithm, &key, &message, [&rs[..], &[0]].concat());
            if is_valid(test) && is_high(algorithm, &rs) {
                assert!(!verdict, "{name}: {test}");
                let low = match algorithm {
                    Algorithm::P256 => crate::p256::low_s(rs[..].try_into().unwrap()),
                    _ => crate::secp256k1::low_s(rs[..].try_into().unwrap()),
                };
                let low = [&low.unwrap()[..], &[0]].concat();
                verdict = verify_any_id(algorithm, &key, &message, low);
            }
            assert_eq!(verdict, is_valid(test), "{name}: {test}");
        });
    }
}

/// Goal: recovery gives the key that signed. Method: every valid secp256k1 signature of the file.
#[test]
fn recovery_gives_the_key() {
    for_each_test("wycheproof/ecdsa_secp256k1_sha256_test.json", |group, test| {
        if !is_valid(test) {
            return;
        }
        let key = ec_key(group, Algorithm::Secp256k1);
        let digest = Suite::Intl.hash(&[&hex(&test["msg"])]);
        let signature = signature_from_der(Algorithm::Secp256k1, &hex(&test["sig"])).unwrap();
        let found = (0..4).any(|id| {
            let signature = [&signature[..64], &[id]].concat();
            recover_secp256k1(digest.as_bytes(), &signature) == Some(key.clone())
        });
        assert!(found, "{test}");
    });
}

/// The one case of the file that RFC 8032 refuses and ZIP 215 admits: `R` with `y = 1` and the sign
/// bit of `x = 0` set.
const ADMITTED_BY_ZIP_215: [u64; 1] = [151];

/// Goal: the verdicts on Ed25519 are Wycheproof's, but for what ZIP 215 admits. Method: each alone
/// and, where the message happens to be framed, as a batch.
#[test]
fn ed25519() {
    let mut batches = 0;
    for_each_test("wycheproof/ed25519_test.json", |group, test| {
        let key = hex(&group["publicKey"]["pk"]);
        let spki = public_key_from_spki(&hex(&group["publicKeyDer"])).unwrap();
        assert_eq!(spki, (Algorithm::Ed25519, key.clone()));
        let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
        let verdict = verify_unframed(Algorithm::Ed25519, &key, &message, &signature);
        let admitted = ADMITTED_BY_ZIP_215.contains(&test["tcId"].as_u64().unwrap());
        let expected = is_valid(test) || admitted;
        assert_eq!(verdict, expected, "{test}");
        let Some((namespace, rest)) = unframed(&message) else { return };
        let item = BatchItem {
            algorithm: Algorithm::Ed25519,
            public_key: &key,
            namespace,
            message: rest,
            signature: &signature,
        };
        assert_eq!(verify_batch(&[item, item]), expected, "{test}");
        batches += 1;
    });
    println!("{batches} messages were framed");
}

/// Takes a message apart whose first byte is the length of a namespace.
fn unframed(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = message.split_first().filter(|(length, _)| **length < 0x80)?;
    rest.split_at_checked(usize::from(*length))
}

/// Goal: the verdicts on ML-DSA-65 are Wycheproof's. Method: each in its own context; outside the
/// empty one the public function must refuse it.
#[test]
fn ml_dsa_65() {
    for_each_test("wycheproof/mldsa_65_verify_test.json", |group, test| {
        let key = hex(&group["publicKey"]);
        let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
        let context = test.get("ctx").map_or(vec![], hex);
        let verdict = ml_dsa::verify_in_context(&key, &message, &context, &signature);
        assert_eq!(verdict, is_valid(test), "{}", test["tcId"]);
        let public = verify_unframed(Algorithm::MlDsa65, &key, &message, &signature);
        assert_eq!(public, verdict && context.is_empty(), "{}", test["tcId"]);
        if Algorithm::MlDsa65.is_public_key(&key) {
            let spki = public_key_from_spki(&hex(&group["publicKeyDer"])).unwrap();
            assert_eq!(spki, (Algorithm::MlDsa65, key));
        }
    });
}

/// Goal: SM4-GCM gives Wycheproof's texts and verdicts. Method: every case with the one length of
/// nonce that is admitted, sealed and opened.
#[test]
fn sm4_gcm() {
    let mut checked = 0;
    let all = for_each_test("wycheproof/sm4_gcm_test.json", |_, test| {
        let key = hex(&test["key"]).try_into().unwrap();
        let Ok(nonce) = hex(&test["iv"]).try_into() else { return };
        let (associated, text) = (hex(&test["aad"]), hex(&test["msg"]));
        let sealed = [hex(&test["ct"]), hex(&test["tag"])].concat();
        let opened = sm4_gcm::open(&key, &nonce, &associated, &sealed);
        assert_eq!(opened.is_ok_and(|opened| opened == text), is_valid(test), "{test}");
        let again = sm4_gcm::seal(&key, &nonce, &associated, &text).unwrap();
        assert_eq!(again == sealed, is_valid(test), "{test}");
        checked += 1;
    });
    assert!(all == 0 || checked == 65, "{checked} of {all}");
}

/// Goal: the block cipher under the mode is SM4. Method: the known answers in ECB, among them the
/// two examples of GB/T 32907 (one of a million rounds).
#[test]
fn sm4_blocks() {
    use sm4::cipher::{BlockCipherEncrypt, KeyInit};
    let Some(file) = read("sm4/sm4_kat.json") else { return };
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap().iter().filter(|case| case["mode"] == "ecb") {
        let cipher = sm4::Sm4::new_from_slice(&hex(&case["key_hex"])).unwrap();
        let mut text = hex(&case["plain_hex"]);
        for _ in 0..case.get("rounds").map_or(1, |rounds| rounds.as_u64().unwrap()) {
            for block in text.chunks_exact_mut(16) {
                cipher.encrypt_block(block.try_into().unwrap());
            }
        }
        assert_eq!(text, hex(&case["cipher_hex"]), "{case}");
        checked += 1;
    }
    assert!(checked > 2);
}
