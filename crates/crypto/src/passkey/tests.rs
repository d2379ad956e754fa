//! Test assertions in the place of signatures: good ones, and each rule broken alone.

use super::{ASSERTION_BYTES_MAX, passkey_challenge};
use crate::{Algorithm, BatchItem, SecretKey, Suite, verify, verify_batch, verify_each};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

const NAMESPACE: &[u8] = b"trine/transaction/1";
const MESSAGE: &[u8] = &[9; 32];

/// What an authenticator and a browser make of a challenge.
struct Draft {
    data: Vec<u8>,
    json: String,
}

fn draft() -> Draft {
    let challenge = URL_SAFE_NO_PAD.encode(passkey_challenge(NAMESPACE, MESSAGE).0);
    let start = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","#);
    let json = start + r#""origin":"https://wallet.example.org","crossOrigin":false}"#;
    let party = Suite::Intl.hash(&[b"example.org"]);
    Draft { data: [&party.0[..], &[0x1d, 0, 0, 1, 2]].concat(), json }
}

fn key() -> SecretKey {
    SecretKey::from_bytes(Algorithm::P256, &[0x21; 32]).unwrap()
}

impl Draft {
    fn replaced(mut self, from: &str, to: &str) -> Self {
        assert!(self.json.contains(from));
        self.json = self.json.replacen(from, to, 1);
        self
    }

    fn with_data(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.data);
        self
    }

    fn encode(&self) -> Vec<u8> {
        let hash = Suite::Intl.hash(&[self.json.as_bytes()]);
        let signature = key().sign_unframed(&[&self.data[..], hash.as_bytes()].concat());
        let length = (self.data.len() as u16).to_be_bytes();
        [&signature[..], &length, &self.data, self.json.as_bytes()].concat()
    }
}

/// The verdict, which must be the same alone and among others.
fn is_valid(signature: &[u8]) -> bool {
    let public_key = key().public_key();
    let plain = key().sign(NAMESPACE, MESSAGE);
    let item = |signature| BatchItem {
        algorithm: Algorithm::P256,
        public_key: &public_key,
        namespace: NAMESPACE,
        message: MESSAGE,
        signature,
    };
    let alone = verify(item(signature));
    let among = [item(&plain), item(signature), item(&plain)];
    assert_eq!(verify_each(&among), [true, alone, true]);
    assert_eq!(verify_batch(&among), alone);
    alone
}

/// Goal: what browsers make is a signature. Method: members after `crossOrigin`, which a browser
/// may add; extensions of the authenticator; a long text up to the limit.
#[test]
fn good_assertions_are_signatures() {
    assert!(is_valid(&draft().encode()));
    let more = r#""crossOrigin":false,"topOrigin":"https://a.example"}"#;
    assert!(is_valid(&draft().replaced(r#""crossOrigin":false}"#, more).encode()));
    let extended = draft().with_data(|data| {
        data[32] |= 0x80;
        data.push(0xa0);
    });
    assert!(is_valid(&extended.encode()));
    let left = ASSERTION_BYTES_MAX - draft().encode().len();
    for (bytes, expected) in [(left, true), (left + 1, false)] {
        let origin = format!("https://{}", "w".repeat(bytes));
        let long = draft().replaced("https://", &origin).encode();
        assert_eq!(is_valid(&long), expected, "{bytes}");
    }
}

/// Goal: nothing else is a signature. Method: each rule broken alone, all signed rightly.
#[test]
fn each_rule_is_kept() {
    let changes = [
        ("webauthn.get", "webauthn.create"),
        ("challenge\":\"", "challenge\":\"A"),
        (r#","crossOrigin":false"#, ""),
        (r#""crossOrigin":false"#, r#""crossOrigin":true"#),
        ("{", "{ "),
        (r#""crossOrigin":false}"#, r#""crossOrigin":false} "#),
        (r#""crossOrigin":false}"#, r#""crossOrigin":false,"a":1"#),
        (r#"https://wallet.example.org"#, r#"https://\","crossOrigin":false"#),
        (r#""type""#, r#""kind""#),
    ];
    for (from, to) in changes {
        assert!(!is_valid(&draft().replaced(from, to).encode()), "{to}");
    }
    type Change = fn(&mut Vec<u8>);
    let data: [(&str, Change); 5] = [
        ("not present", |data| data[32] &= !0x01),
        ("not verified", |data| data[32] &= !0x04),
        ("too short", |data| data.truncate(36)),
        ("too long", |data| data.push(0)),
        ("no extensions", |data| data[32] |= 0x80),
    ];
    for (name, change) in data {
        assert!(!is_valid(&draft().with_data(change).encode()), "{name}");
    }
    let other = SecretKey::from_bytes(Algorithm::P256, &[0x22; 32]).unwrap();
    let mut signature = draft().encode();
    signature[..65].copy_from_slice(&other.sign_unframed(b"another"));
    assert!(!is_valid(&signature), "another key's");
}

proptest! {
    /// Goal: no bytes make a panic or another verdict, and no length but the allowed ones is
    /// admitted. Method: a good assertion with one byte changed, cut or prolonged.
    #[test]
    fn damaged_assertions_are_none(
        place in any::<prop::sample::Index>(),
        flip in 1u8..,
        cut in 0..80usize,
    ) {
        let good = draft().encode();
        let mut changed = good.clone();
        let place = place.index(good.len());
        changed[place] ^= flip;
        // The hint decides nothing.
        prop_assert_eq!(is_valid(&changed), place == 64);
        prop_assert!(!is_valid(&good[..good.len() - 1 - cut]));
        prop_assert!(Algorithm::P256.admits_signature_bytes(good.len()));
        for bytes in [64, 66, 103, ASSERTION_BYTES_MAX + 1] {
            prop_assert!(!Algorithm::P256.admits_signature_bytes(bytes));
        }
        prop_assert!(!Algorithm::Ed25519.admits_signature_bytes(good.len()));
    }
}
