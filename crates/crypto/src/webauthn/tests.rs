//! Test assertions that a software authenticator makes, and each rule broken alone.

use super::{
    AUTHENTICATOR_DATA_BYTES_MAX, Assertion, CLIENT_DATA_BYTES_MAX, Expected, Verified,
    WebauthnError, verify,
};
use crate::{Algorithm, Suite, signature_from_der};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use proptest::collection::vec;
use proptest::prelude::*;

const CHALLENGE: [u8; 32] = [0xfb; 32];
const ORIGINS: [&str; 2] = ["https://wallet.example.org", "http://localhost:8080"];
const EXPECTED: Expected<'_> = Expected {
    challenge: &CHALLENGE,
    relying_party: "example.org",
    origins: &ORIGINS,
    user_verification: true,
};

/// An assertion before it is signed.
#[derive(Clone)]
struct Draft {
    relying_party: &'static str,
    flags: u8,
    rest: Vec<u8>,
    json: Vec<u8>,
}

fn draft() -> Draft {
    // 32 bytes of 0xfb: "-_v7" over and over, in the alphabet of base64url.
    let challenge = "-_v7".repeat(10) + "-_s";
    let json = format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{}","crossOrigin":false}}"#,
        ORIGINS[0]
    );
    Draft { relying_party: "example.org", flags: 0x1d, rest: vec![], json: json.into_bytes() }
}

impl Draft {
    fn data(&self) -> Vec<u8> {
        let party = Suite::Intl.hash(&[self.relying_party.as_bytes()]);
        [&party.0[..], &[self.flags, 0, 0, 1, 2], &self.rest].concat()
    }

    /// Signs as an authenticator does, with the DER that it returns, and verifies.
    fn check(&self) -> Result<Verified, WebauthnError> {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let data = self.data();
        let hash = Suite::Intl.hash(&[&self.json]);
        let signature: Signature = key.sign(&[&data[..], hash.as_bytes()].concat());
        let der = signature.to_der();
        let signature = signature_from_der(Algorithm::P256, der.as_bytes()).unwrap();
        let assertion = Assertion {
            authenticator_data: &data,
            client_data_json: &self.json,
            signature: &signature,
        };
        verify(key.verifying_key().to_sec1_point(true).as_bytes(), &assertion, &EXPECTED)
    }

    fn replace(mut self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.json).unwrap();
        assert!(text.contains(from));
        self.json = text.replacen(from, to, 1).into_bytes();
        self
    }
}

/// Goal: what a browser and an authenticator return is accepted. Method: the order and members that
/// section 5.8.1.1 prescribes, older ones, extensions, each admitted origin.
#[test]
fn good_assertions() {
    let verified = Verified { user_verified: true, sign_count: 258 };
    assert_eq!(draft().check(), Ok(verified));
    assert_eq!(draft().replace(ORIGINS[0], ORIGINS[1]).check(), Ok(verified));
    assert_eq!(draft().replace(r#","crossOrigin":false"#, "").check(), Ok(verified));
    let more = r#"{"hashAlgorithm":"SHA-256","clientExtensions":{"a":[1]},"#;
    assert_eq!(draft().replace("{", more).check(), Ok(verified));
    assert_eq!(draft().replace("{", "\u{feff}{ ").check(), Ok(verified));
    let extended = Draft { flags: 0x85, rest: vec![0xa0], ..draft() };
    assert_eq!(extended.check(), Ok(verified));
}

/// Goal: each step refuses. Method: break one rule at a time; everything is signed as it stands.
#[test]
fn each_rule_broken_alone() {
    use WebauthnError as E;
    type Check = fn(&E) -> bool;
    let long = draft().replace("{", &format!("{{{}", " ".repeat(CLIENT_DATA_BYTES_MAX)));
    let twice = r#"{"type":"webauthn.get","type":"webauthn.get","#;
    let cases: Vec<(Draft, Check)> = vec![
        (draft().replace("get", "create"), |e| matches!(e, E::WrongType(_))),
        (draft().replace("-_v7", "-_v8"), |e| matches!(e, E::WrongChallenge { .. })),
        (draft().replace("-_s", "-_s="), |e| matches!(e, E::WrongChallenge { .. })),
        (draft().replace("-_v7", "+/v7"), |e| matches!(e, E::WrongChallenge { .. })),
        (draft().replace("wallet", "evil"), |e| matches!(e, E::WrongOrigin(_))),
        (draft().replace(".org", ".org/"), |e| matches!(e, E::WrongOrigin(_))),
        (draft().replace("false", "true"), |e| matches!(e, E::WrongOrigin(_))),
        (draft().replace("origin", "Origin"), |e| matches!(e, E::BadClientData(_))),
        (draft().replace(r#"{"type":"webauthn.get","#, twice), |e| {
            matches!(e, E::BadClientData(_))
        }),
        (draft().replace("}", "}}"), |e| matches!(e, E::BadClientData(_))),
        (long, |e| matches!(e, E::BadClientData(_))),
        (Draft { relying_party: "example.com", ..draft() }, |e| {
            matches!(e, E::WrongRelyingParty(_))
        }),
        (Draft { flags: 0x04, ..draft() }, |e| *e == E::UserNotPresent),
        (Draft { flags: 0x01, ..draft() }, |e| *e == E::UserNotVerified),
        (Draft { rest: vec![0], ..draft() }, |e| matches!(e, E::BadAuthenticatorData { .. })),
        (Draft { flags: 0x85, ..draft() }, |e| matches!(e, E::BadAuthenticatorData { .. })),
        (Draft { flags: 0x85, rest: vec![0; AUTHENTICATOR_DATA_BYTES_MAX], ..draft() }, |e| {
            matches!(e, E::BadAuthenticatorData { .. })
        }),
    ];
    for (index, (case, check)) in cases.iter().enumerate() {
        let error = case.check().unwrap_err();
        assert!(check(&error), "case {index}: {error}");
    }
}

/// Goal: presence is enough where no verification is asked. Method: the flag alone.
#[test]
fn presence_may_be_enough() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let present = Draft { flags: 0x01, ..draft() };
    let (data, json) = (present.data(), &present.json);
    let signature: Signature =
        key.sign(&[&data[..], Suite::Intl.hash(&[json]).as_bytes()].concat());
    let signature = [&signature.normalize_s().to_bytes()[..], &[0]].concat();
    let assertion =
        Assertion { authenticator_data: &data, client_data_json: json, signature: &signature };
    let expected = Expected { user_verification: false, ..EXPECTED };
    let public_key = key.verifying_key().to_sec1_point(true);
    let verified = verify(public_key.as_bytes(), &assertion, &expected).unwrap();
    assert!(!verified.user_verified);
    let other = SigningKey::from_slice(&[8; 32]).unwrap().verifying_key().to_sec1_point(true);
    let refused = verify(other.as_bytes(), &assertion, &expected);
    assert_eq!(refused, Err(WebauthnError::BadSignature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: any bytes give an error, never a panic. Method: any bytes in every place.
    #[test]
    fn any_bytes(
        data in vec(any::<u8>(), 0..80),
        json in vec(any::<u8>(), 0..80),
        signature in vec(any::<u8>(), 0..80),
    ) {
        let good = draft();
        let [any, good_data] = [&data, &good.data()];
        for (authenticator_data, client_data_json) in
            [(any, &json), (good_data, &json), (any, &good.json)]
        {
            let signature = &signature;
            let assertion = Assertion { authenticator_data, client_data_json, signature };
            prop_assert!(verify(signature, &assertion, &EXPECTED).is_err());
        }
        let assertion = Assertion {
            authenticator_data: &good.data(),
            client_data_json: &good.json,
            signature: &signature,
        };
        let refused = verify(&data, &assertion, &EXPECTED);
        prop_assert_eq!(refused, Err(WebauthnError::BadSignature));
    }
}
