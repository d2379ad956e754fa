//! Sign, verify and recover ECDSA on secp256k1 with SHA-256 (SEC 1, section 4.1; low `s` only).

use crate::scheme::{Signer, Verifier};
use crate::{Suite, keccak256};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

pub(crate) const SECRET_KEY_BYTES: usize = 32;
pub(crate) const PUBLIC_KEY_BYTES: usize = 33;
/// `r || s || recovery id`.
pub(crate) const SIGNATURE_BYTES: usize = 65;

pub(crate) struct Secp256k1;

struct Key(SigningKey);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        self.0.verifying_key().to_sec1_point(true).as_bytes().to_vec()
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        let digest = Suite::Intl.hash(&[signed]);
        let (signature, id) = self.0.sign_prehash_recoverable(digest.as_bytes());
        [&signature.to_bytes()[..], &[id.to_byte()]].concat()
    }
}

impl Verifier for Secp256k1 {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Key(SigningKey::from_slice(secret).ok()?)))
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        matches!(key, [2 | 3, x @ ..] if x.len() == 32)
            && VerifyingKey::from_sec1_bytes(key).is_ok()
    }

    fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        let digest = Suite::Intl.hash(&[signed]);
        recover_secp256k1(digest.as_bytes(), signature).is_some_and(|key| key == public_key)
    }
}

/// Computes the public key (compressed, 33 bytes) under which `signature` is valid for a 32-byte
/// digest; SEC 1, section 4.1.6, with the rules of Ethereum: the recovery id is part of the
/// signature and `s` is low (EIP-2).
///
/// None when the signature is malformed or no key has it. The digest is the caller's choice:
/// SHA-256 of [`framed`] bytes in this project's signatures, Keccak-256 in Ethereum's.
pub fn recover_secp256k1(digest: &[u8; 32], signature: &[u8]) -> Option<Vec<u8>> {
    let [rs @ .., id] = <&[u8; SIGNATURE_BYTES]>::try_from(signature).ok()?;
    let signature = Signature::from_slice(rs).ok()?;
    if signature != signature.normalize_s() {
        return None;
    }
    let id = RecoveryId::from_byte(*id)?;
    let key = VerifyingKey::recover_from_prehash(digest, &signature, id).ok()?;
    Some(key.to_sec1_point(true).as_bytes().to_vec())
}

/// Reads a compressed or uncompressed point (SEC 1, section 2.3.4); gives it uncompressed.
pub(crate) fn uncompressed(point: &[u8]) -> Option<Vec<u8>> {
    match point.first()? {
        2..=4 => {
            let key = VerifyingKey::from_sec1_bytes(point).ok()?;
            Some(key.to_sec1_point(false).as_bytes().to_vec())
        }
        _ => None,
    }
}

/// Computes the address that Ethereum gives to a public key (Yellow Paper, appendix F): the last 20
/// bytes of the Keccak-256 hash of the point's coordinates. None for bytes that are no key.
pub fn ethereum_address(public_key: &[u8]) -> Option<[u8; 20]> {
    let point = Secp256k1.is_public_key(public_key).then(|| uncompressed(public_key))??;
    let (_, coordinates) = point.split_first()?;
    keccak256(&[coordinates]).0.last_chunk().copied()
}

/// Gives the signature `(r, s)` with the low one of `s` and `n - s`, both valid by SEC 1.
pub(crate) fn low_s(rs: &[u8; 64]) -> Option<[u8; 64]> {
    Some(Signature::from_slice(rs).ok()?.normalize_s().to_bytes().into())
}
