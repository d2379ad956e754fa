//! Test each limit of proof files, and one past it.

use std::{fs, path::PathBuf};
use trine_crypto::{Algorithm, SecretKey};
use trine_types::{
    Epoch, StateKey, Suite, ValidatorKey,
    limits::{
        FILE_NAME_BYTES_MAX, MEDIA_TYPE_BYTES_MAX, PROOF_BYTES_MAX, PROOF_HANDOVERS_MAX,
        PROOF_HEADERS_MAX, STATE_VALUE_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MAX,
        TRANSFER_REFERENCE_BYTES_MIN, TRUST_BYTES_MAX, VALIDATORS_MAX,
    },
};
use trine_verify::{
    Organisation, Proof, Receipt, Statement, TrustAnchor, TrustedValidator, VerifyError,
};

const SUITE: Suite = Suite::Intl;

fn read(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors");
    fs::read(folder.join(name)).unwrap()
}

fn proof(name: &str) -> Proof {
    Proof::from_bytes(SUITE, &read(name)).unwrap()
}

/// Whether a proof reads back.
fn reads(proof: &Proof) -> bool {
    match Proof::from_bytes(SUITE, &proof.to_bytes(SUITE)) {
        Ok(read) => {
            assert_eq!(&read, proof);
            true
        }
        Err(VerifyError::Malformed { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Goal: the numbers of headers and hand-overs are limited. Method: as many as allowed, and one
/// more.
#[test]
fn chains_are_limited() {
    let mut proof = proof("handed-over.proof");
    let header = proof.chain.headers[0].clone();
    proof.chain.headers = vec![header.clone(); PROOF_HEADERS_MAX];
    assert!(reads(&proof));
    proof.chain.headers.push(header);
    assert!(!reads(&proof));

    let mut proof = self::proof("handed-over.proof");
    let hand_over = proof.hand_overs[0].clone();
    proof.hand_overs = vec![hand_over.clone(); PROOF_HANDOVERS_MAX];
    assert!(reads(&proof));
    proof.hand_overs.push(hand_over);
    assert!(!reads(&proof));
}

/// Goal: a chain without a header is refused, not a panic. Method: take it away.
#[test]
fn a_chain_has_a_header() {
    let mut proof = proof("block.proof");
    let trust = TrustAnchor::from_json(&read("trust.json")).unwrap();
    proof.chain.headers.clear();
    let error = proof.verify(&trust).unwrap_err();
    assert!(matches!(error, VerifyError::Malformed { .. }), "{error}");
}

/// Goal: values and references are limited. Method: the longest, and one byte more; the shortest
/// reference, and one byte less.
#[test]
fn values_and_references_are_limited() {
    let mut value = proof("value.proof");
    for (length, expected) in [(STATE_VALUE_BYTES_MAX, true), (STATE_VALUE_BYTES_MAX + 1, false)] {
        let Statement::Value(entry) = &mut value.statement else { panic!() };
        entry.value = vec![0; length];
        entry.key = StateKey([1; 32]);
        assert_eq!(reads(&value), expected, "{length}");
    }
    let mut transfer = proof("transfer.proof");
    let (least, most) = (TRANSFER_REFERENCE_BYTES_MIN, TRANSFER_REFERENCE_BYTES_MAX);
    for (length, expected) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
        let Statement::Transfer { reference, .. } = &mut transfer.statement else { panic!() };
        *reference = vec![7; length];
        assert_eq!(reads(&transfer), expected, "{length}");
    }
}

/// Goal: a receipt carries the name of a file and nothing else. Method: the longest name and media
/// type, one byte more, and names that are none.
#[test]
fn names_are_limited() {
    let receipt = Receipt::from_bytes(SUITE, &read("vector.receipt")).unwrap();
    let reads = |name: String, media_type: String| {
        let receipt = Receipt { name, media_type, ..receipt.clone() };
        Receipt::from_bytes(SUITE, &receipt.to_bytes(SUITE)).is_ok()
    };
    assert!(reads("n".repeat(FILE_NAME_BYTES_MAX), "m".repeat(MEDIA_TYPE_BYTES_MAX)));
    assert!(!reads("n".repeat(FILE_NAME_BYTES_MAX + 1), String::new()));
    assert!(!reads("n".into(), "m".repeat(MEDIA_TYPE_BYTES_MAX + 1)));
    assert!(reads("文件.txt".into(), String::new()));
    for name in ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "a\u{85}b"] {
        assert!(!reads(name.into(), String::new()), "{name:?}");
    }
}

/// Goal: files and trust files are limited in size. Method: padding up to the limit, one byte more.
#[test]
fn sizes_are_limited() {
    let mut file = read("block.proof");
    file.resize(PROOF_BYTES_MAX, 0);
    let error = Proof::from_bytes(SUITE, &file).unwrap_err();
    assert!(matches!(error, VerifyError::Malformed { .. }), "{error}");
    file.push(0);
    let error = Proof::from_bytes(SUITE, &file).unwrap_err();
    assert!(matches!(error, VerifyError::TooLarge { .. }), "{error}");

    let mut trust = read("trust.json");
    trust.resize(TRUST_BYTES_MAX, b' ');
    assert!(TrustAnchor::from_json(&trust).is_ok());
    trust.push(b' ');
    assert!(TrustAnchor::from_json(&trust).is_err());
}

/// Goal: a trust file holds 1 to 100 validators, each once, with real keys, and reads back. Method:
/// each number at the limits; a repeated key; bytes that are no point of the curve.
#[test]
fn validators_are_limited() {
    let validator = |number: usize| {
        let secret = SecretKey::from_bytes(Algorithm::Ed25519, &[number as u8; 32]).unwrap();
        TrustedValidator {
            name: format!("n{number}"),
            organisation: Organisation::Name(format!("organisation-{number}")),
            key: ValidatorKey::new(Algorithm::Ed25519, &secret.public_key()).unwrap(),
        }
    };
    let trust = |validators: Vec<TrustedValidator>| {
        TrustAnchor::new("chain".into(), Default::default(), SUITE, Epoch(9), validators)
    };
    for number in [1, VALIDATORS_MAX] {
        let anchor = trust((0..number).map(validator).collect()).unwrap();
        assert_eq!(TrustAnchor::from_json(&anchor.to_json()).unwrap(), anchor);
    }
    for number in [0, VALIDATORS_MAX + 1] {
        assert!(trust((0..number).map(validator).collect()).is_err());
    }
    assert!(trust(vec![validator(1), validator(1)]).is_err());
    let no_key = TrustedValidator { key: ValidatorKey([2; 34]), ..validator(1) };
    assert!(no_key.key.vote_key().is_none());
    assert!(trust(vec![no_key]).is_err());
}

/// Goal: a trust file names the algorithm of a key where it is not the suite's, and no key of
/// another suite is trusted. Method: a validator of every algorithm in a file of every suite.
#[test]
fn validators_use_the_algorithms_of_the_suite() {
    let validator = |algorithm: Algorithm| {
        let secret = SecretKey::from_bytes(algorithm, &[7; 32]).unwrap();
        let key = ValidatorKey::new(algorithm, &secret.public_key())?;
        let (name, organisation) = ("n".to_owned(), Organisation::Number(0));
        Some(TrustedValidator { name, organisation, key })
    };
    let mut trusted = Vec::new();
    for suite in Suite::ALL {
        for validator in Algorithm::ALL.into_iter().filter_map(validator) {
            let algorithm = validator.key.parts().unwrap().0;
            let chain = "chain".to_owned();
            let anchor =
                TrustAnchor::new(chain, Default::default(), suite, Epoch(9), vec![validator]);
            let Ok(anchor) = anchor else { continue };
            let text = String::from_utf8(anchor.to_json()).unwrap();
            assert_eq!(text.contains("algorithm"), algorithm != suite.algorithm(), "{text}");
            assert_eq!(TrustAnchor::from_json(text.as_bytes()).unwrap(), anchor);
            trusted.push((suite, algorithm));
        }
    }
    let intl = [Algorithm::Ed25519, Algorithm::P256].map(|algorithm| (Suite::Intl, algorithm));
    assert_eq!(trusted, [&intl[..], &[(Suite::Gm, Algorithm::Sm2)]].concat());
}
