//! Test keys, signatures and signers of validators.

use super::*;
use commonware_codec::{Copying, DecodeExt as _, Encode as _};

fn signer(byte: u8) -> VoteSigner {
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &[byte; 32]).unwrap();
    VoteSigner::new(key).unwrap()
}

/// Goal: a vote says what a signature of the chain says. Method: sign as a validator, verify with
/// the plain interface, and the other way round; another namespace, message or key is refused.
#[test]
fn votes_are_plain_signatures() {
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &[7; 32]).unwrap();
    let signature = signer(7).sign(b"votes", b"block");
    assert_eq!(signature.as_ref(), key.sign(b"votes", b"block"));
    let public = signer(7).public_key();
    assert_eq!(public.key(), key.public_key());
    assert!(public.verify(b"votes", b"block", &signature));
    assert!(!public.verify(b"voted", b"block", &signature));
    assert!(!public.verify(b"votes", b"black", &signature));
    assert!(!signer(8).public_key().verify(b"votes", b"block", &signature));
}

/// Goal: keys have one encoding and only keys are read. Method: round trip; another algorithm's
/// number, bytes behind the key, and every length.
#[test]
fn keys_have_one_encoding() {
    let key = signer(1).public_key();
    let encoded = key.encode();
    assert_eq!(VoteKey::decode(Copying(&encoded)).unwrap(), key);
    for number in (0..=u8::MAX).filter(|number| *number != key.algorithm().number()) {
        let mut other = encoded.to_vec();
        other[0] = number;
        assert!(VoteKey::decode(Copying(&other)).is_err(), "algorithm {number}");
    }
    let mut padded = encoded.to_vec();
    *padded.last_mut().unwrap() = 1;
    assert!(VoteKey::decode(Copying(&padded)).is_err());
    for length in 0..encoded.len() {
        assert!(VoteKey::decode(Copying(&encoded[..length])).is_err(), "{length} bytes");
    }
}

/// Goal: a signer that cannot sign votes for nothing and speaks for nobody. Method: one without a
/// signature: no vote, and what it gives where something must be given never verifies.
#[test]
fn a_signer_without_signatures_is_silent() {
    struct Lost(VoteKey);

    impl Signing for Lost {
        fn public_key(&self) -> VoteKey {
            self.0.clone()
        }

        fn sign(&self, _: &[u8], _: &[u8]) -> Option<VoteSignature> {
            None
        }
    }

    for algorithm in [Algorithm::Ed25519, Algorithm::P256, Algorithm::Sm2] {
        let key = SecretKey::from_bytes(algorithm, &[7; 32]).unwrap().public_key();
        let key = VoteKey::new(algorithm, &key).unwrap();
        let signer = VoteSigner::from_signing(Arc::new(Lost(key.clone())));
        assert_eq!(signer.try_sign(b"votes", b"block"), None);
        let given = Signer::sign(&signer, b"votes", b"block");
        assert!(!key.verify(b"votes", b"block", &given));
    }
}

/// Goal: nothing that is printed holds a secret. Method: look at what is printed.
#[test]
fn a_signer_shows_its_public_key_only() {
    let shown = format!("{:?}", signer(0xab));
    assert!(shown.contains(&signer(0xab).public_key().to_string()), "{shown}");
    assert!(!shown.contains(&"ab".repeat(32)), "{shown}");
}
