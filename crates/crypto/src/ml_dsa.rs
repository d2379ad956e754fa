//! Sign and verify ML-DSA-65 (FIPS 204; deterministic signing, empty context).

use crate::scheme::{Signer, Verifier};
use ::ml_dsa::{EncodedVerifyingKey, MlDsa65, Seed, Signature, SigningKey, VerifyingKey};

/// The seed of FIPS 204, algorithm 6 (`xi`).
pub(crate) const SECRET_KEY_BYTES: usize = 32;
pub(crate) const PUBLIC_KEY_BYTES: usize = 1952;
pub(crate) const SIGNATURE_BYTES: usize = 3309;

/// Nothing in this project is signed in another context: the namespace separates domains.
const CONTEXT: &[u8] = b"";

pub(crate) struct MlDsa;

struct Key(SigningKey<MlDsa65>);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        self.0.expanded_key().verifying_key().encode().to_vec()
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        let signature = self.0.expanded_key().sign_deterministic(signed, CONTEXT);
        signature.expect("a context of at most 255 bytes").encode().to_vec()
    }
}

impl Verifier for MlDsa {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Key(SigningKey::from_seed(&Seed::try_from(secret).ok()?))))
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        // Every string of this length encodes a key: 320 bytes of 10-bit coefficients a polynomial.
        key.len() == PUBLIC_KEY_BYTES
    }

    fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        verify_in_context(public_key, signed, CONTEXT, signature)
    }
}

/// FIPS 204, algorithm 3.
pub(crate) fn verify_in_context(
    public_key: &[u8],
    signed: &[u8],
    context: &[u8],
    signature: &[u8],
) -> bool {
    let key = EncodedVerifyingKey::<MlDsa65>::try_from(public_key);
    let (Ok(key), Ok(signature)) = (key, Signature::<MlDsa65>::try_from(signature)) else {
        return false;
    };
    VerifyingKey::decode(&key).verify_with_context(signed, context, &signature)
}
