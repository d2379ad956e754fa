//! Check what signers outside are asked to sign, and what becomes of their answers.

use super::*;
use crate::SecretKey;
use ::p256::ecdsa::{SigningKey, signature::hazmat::RandomizedPrehashSigner};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Goal: a P-256 signature made outside serves as one made here. Method: an independent,
    /// randomised signer with either `s`; the completed form must verify, have a low `s` and the
    /// hint that this project's own signer computes for that nonce point.
    #[test]
    fn a_randomised_p256_signature_is_completed(secret in 1u8.., message: Vec<u8>, high: bool) {
        let key = SecretKey::from_bytes(Algorithm::P256, &[secret; 32]);
        let Ok(key) = key else { return Ok(()) };
        let public_key = key.public_key();
        let digest = input_to_sign(Algorithm::P256, &public_key, b"space", &message).unwrap();
        let outside = SigningKey::from_slice(&[secret; 32]).unwrap();
        let made: ::p256::ecdsa::Signature =
            outside.sign_prehash_with_rng(&mut rand::rng(), &digest).unwrap();
        let low = made.normalize_s();
        let (r, s) = low.split_scalars();
        let raw = if high {
            ::p256::ecdsa::Signature::from_scalars(r, -*s).unwrap().to_bytes()
        } else {
            low.to_bytes()
        };
        let complete =
            complete_signature(Algorithm::P256, &public_key, b"space", &message, &raw.into());
        let complete = complete.unwrap();
        prop_assert_eq!(&complete[..64], &low.to_bytes()[..]);
        let item = BatchItem {
            algorithm: Algorithm::P256,
            public_key: &public_key,
            namespace: b"space",
            message: &message,
            signature: &complete,
        };
        prop_assert!(verify(item));
    }

    /// Goal: the hint is right. Method: the deterministic signer of this crate computes it from the
    /// nonce, the completion from the signature alone.
    #[test]
    fn the_hint_is_that_of_the_signer(sm2: bool, secret in 1u8..255, message: Vec<u8>) {
        let algorithm = if sm2 { Algorithm::Sm2 } else { Algorithm::P256 };
        let key = SecretKey::from_bytes(algorithm, &[secret; 32]).unwrap();
        let signature = key.sign(b"space", &message);
        let raw = signature[..64].try_into().unwrap();
        let complete = complete_signature(algorithm, &key.public_key(), b"space", &message, raw);
        prop_assert_eq!(complete, Some(signature));
    }

    /// Goal: an SM2 signer outside needs the digest alone. Method: the kernels' signer of a digest
    /// gives what the signer of messages gives.
    #[test]
    fn the_digest_of_sm2_is_what_is_signed(secret in 1u8..255, message: Vec<u8>) {
        let key = SecretKey::from_bytes(Algorithm::Sm2, &[secret; 32]).unwrap();
        let digest = input_to_sign(Algorithm::Sm2, &key.public_key(), b"space", &message).unwrap();
        let outside = bulk_sm2::SigningKey::new(&[secret; 32]).unwrap();
        let (raw, hint) = outside.sign_digest(&digest.try_into().unwrap());
        prop_assert_eq!([&raw[..], &[hint]].concat(), key.sign(b"space", &message));
    }

    /// Goal: nonsense is never completed. Method: flip any bit of a valid signature.
    #[test]
    fn a_wrong_signature_is_refused(choice in 0..3usize, bit in 0usize..512, message: Vec<u8>) {
        let algorithm = [Algorithm::Ed25519, Algorithm::P256, Algorithm::Sm2][choice];
        let key = SecretKey::from_bytes(algorithm, &[7; 32]).unwrap();
        let mut raw: [u8; 64] = key.sign(b"space", &message)[..64].try_into().unwrap();
        let public_key = key.public_key();
        prop_assert!(
            complete_signature(algorithm, &public_key, b"space", &message, &raw).is_some()
        );
        raw[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(
            complete_signature(algorithm, &public_key, b"space", &message, &raw).is_none()
        );
    }
}

/// Goal: no algorithm without this form, and no malformed key, is signed for. Method: one of each.
#[test]
fn other_algorithms_and_keys_are_refused() {
    for algorithm in [Algorithm::Secp256k1, Algorithm::MlDsa65] {
        let key = SecretKey::from_bytes(algorithm, &[7; 32]).unwrap().public_key();
        assert_eq!(input_to_sign(algorithm, &key, b"", b""), None);
        assert_eq!(complete_signature(algorithm, &key, b"", b"", &[1; 64]), None);
    }
    assert_eq!(input_to_sign(Algorithm::P256, &[2; 32], b"", b""), None);
    assert_eq!(complete_signature(Algorithm::P256, &[4; 33], b"", b"", &[1; 64]), None);
}
