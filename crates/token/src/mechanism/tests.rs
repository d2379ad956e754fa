//! Check how points and vendors' numbers are read.

use super::*;
use crate::{PinSource, TokenName};
use proptest::prelude::*;
use trine_crypto::SecretKey;

fn config(sm2: Option<Sm2Codes>) -> TokenConfig {
    let token = TokenName::Label("token".into());
    TokenConfig { sm2, ..TokenConfig::new("module.so", token, PinSource::File("pin".into())) }
}

const CODES: Sm2Codes =
    Sm2Codes { key_type: 0x8000_0001, generate: 0x8000_0002, sign: 0x8000_0003 };

/// The uncompressed point in the form of `SubjectPublicKeyInfo`: its last 65 bytes.
fn uncompressed(algorithm: Algorithm, key: &[u8]) -> Vec<u8> {
    let info = trine_crypto::public_key_to_spki_der(algorithm, key).unwrap();
    info[info.len() - 65..].to_vec()
}

/// A secret whose point begins with 63: bare, it looks like a header and 63 bytes.
const LIKE_A_HEADER: u8 = 164;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: a key is the same in every form of its point. Method: DER and bare, compressed and
    /// not.
    #[test]
    fn points_are_read_in_every_form(secret in prop_oneof![Just(LIKE_A_HEADER), 1u8..255]) {
        for algorithm in [Algorithm::P256, Algorithm::Sm2, Algorithm::Ed25519] {
            let names = Names::of(algorithm, &config(Some(CODES))).unwrap();
            let key = SecretKey::from_bytes(algorithm, &[secret; 32]).unwrap().public_key();
            let mut forms = vec![key.clone()];
            if algorithm != Algorithm::Ed25519 {
                forms.push(uncompressed(algorithm, &key));
            }
            for form in forms {
                let der = [&[OCTET_STRING, form.len() as u8], &form[..]].concat();
                prop_assert_eq!(names.public_key(&form), Some(key.clone()));
                prop_assert_eq!(names.public_key(&der), Some(key.clone()));
            }
        }
    }

    /// Goal: any bytes of a token are a key or none. Method: random bytes.
    #[test]
    fn any_point_gives_an_answer(point: Vec<u8>) {
        for algorithm in [Algorithm::P256, Algorithm::Sm2, Algorithm::Ed25519] {
            let names = Names::of(algorithm, &config(Some(CODES))).unwrap();
            if let Some(key) = names.public_key(&point) {
                prop_assert!(algorithm.is_public_key(&key));
            }
        }
    }
}

/// Goal: SM2 has a vendor's numbers or none: never those of ECDSA. Method: leave them out; give
/// numbers of the standard.
#[test]
fn sm2_needs_numbers_of_a_vendor() {
    let refused = Names::of(Algorithm::Sm2, &config(None)).unwrap_err();
    assert_eq!(refused.code(), "mechanism_missing");
    let ecdsa = 0x1041;
    for codes in [
        Sm2Codes { key_type: 3, ..CODES },
        Sm2Codes { generate: 0x1040, ..CODES },
        Sm2Codes { sign: ecdsa, ..CODES },
    ] {
        let refused = Names::of(Algorithm::Sm2, &config(Some(codes))).unwrap_err();
        assert_eq!(refused.code(), "bad_token_configuration");
        assert!(refused.to_string().contains("0x80000000"), "{refused}");
    }
    Names::of(Algorithm::Sm2, &config(Some(CODES))).unwrap();
}

/// Goal: a key of another curve is not taken for one of ours. Method: P-256's type with the curve
/// of SM2 and of secp256k1.
#[test]
fn the_curve_decides() {
    let config = config(Some(CODES));
    let secp256k1 = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];
    assert!(Names::of_key(KeyType::EC, SM2, &config).is_none());
    assert!(Names::of_key(KeyType::EC, secp256k1, &config).is_none());
    let found = Names::of_key(KeyType::EC, P256, &config).unwrap();
    assert_eq!(found.algorithm, Algorithm::P256);
}
