//! Sign and verify Ed25519 by the rule of ZIP 215: few signatures with libraries, many in bulk.

use crate::BatchItem;
use crate::scheme::{Signer, Verifier, frame};
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::{
    BatchEntry, BatchVerifier, Signer as _,
    ed25519::{PrivateKey, PublicKey, Signature},
};
use commonware_parallel::Sequential;
use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY, traits::IsIdentity};
use rand::rngs::StdRng;
use sha2::{Digest as _, Sha512};
use std::sync::LazyLock;
use trine_bulk::ed25519 as bulk;

pub(crate) const SECRET_KEY_BYTES: usize = 32;
pub(crate) const PUBLIC_KEY_BYTES: usize = 32;
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Signatures from which on a batch in bulk costs less than the library's.
const BULK_ITEMS_MIN: usize = 8;
/// Bytes for decoded keys, which spare a repeated signer half a microsecond.
const KEYS_BYTES_MAX: usize = 32 << 20;

static KEYS: LazyLock<bulk::KeyCache> = LazyLock::new(|| bulk::KeyCache::new(KEYS_BYTES_MAX));

pub(crate) struct Ed25519;

struct Key(PrivateKey);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        self.0.public_key().encode().to_vec()
    }

    fn sign(&self, namespace: &[u8], message: &[u8]) -> Vec<u8> {
        self.0.sign(namespace, message).encode().to_vec()
    }
}

impl Verifier for Ed25519 {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Key(PrivateKey::decode(Copying(secret)).ok()?)))
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        PublicKey::decode(Copying(key)).is_ok()
    }

    fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        verify(public_key, signed, signature).unwrap_or(false)
    }

    fn verify_batch(&self, items: &[BatchItem<'_>]) -> bool {
        if items.len() >= BULK_ITEMS_MIN {
            return bulk_verdicts(items).into_iter().all(|verdict| verdict);
        }
        let Some(parsed) = items.iter().map(parse).collect::<Option<Vec<_>>>() else {
            return false;
        };
        // The coefficients must come from the operating system, never from the data.
        let mut rng: StdRng = rand::make_rng();
        PublicKey::verify_batch(
            &mut rng,
            items,
            |index, item| BatchEntry {
                namespace: item.namespace,
                message: item.message,
                public_key: &parsed[index].0,
                signature: &parsed[index].1,
            },
            &Sequential,
        )
    }

    fn verify_each(&self, items: &[BatchItem<'_>]) -> Vec<bool> {
        if items.len() >= BULK_ITEMS_MIN {
            return bulk_verdicts(items);
        }
        if self.verify_batch(items) {
            return vec![true; items.len()];
        }
        items.iter().map(|item| self.verify_item(item)).collect()
    }
}

/// Verdict on each item, all in one batch.
fn bulk_verdicts(items: &[BatchItem<'_>]) -> Vec<bool> {
    let heads: Vec<_> = items.iter().map(|item| frame(item.namespace.len())).collect();
    let head = |place: usize| &heads[place].0[..heads[place].1];
    let signed: Vec<[&[u8]; 3]> =
        (0..).zip(items).map(|(place, item)| [head(place), item.namespace, item.message]).collect();
    let sized: Vec<_> = items
        .iter()
        .zip(&signed)
        .map(|(item, signed)| {
            let public_key = item.public_key.try_into().ok()?;
            let signature = item.signature.try_into().ok()?;
            Some(bulk::Item { public_key, message: signed, signature })
        })
        .collect();
    // Items of another size are no signatures, and leave the others their batch.
    let whole: Vec<_> = sized.iter().flatten().copied().collect();
    let mut verdicts = bulk::verify_batch(&whole, &KEYS).into_iter();
    sized.iter().map(|item| item.is_some() && verdicts.next() == Some(true)).collect()
}

fn parse(item: &BatchItem<'_>) -> Option<(PublicKey, Signature)> {
    let key = PublicKey::decode(Copying(item.public_key)).ok()?;
    Some((key, Signature::decode(Copying(item.signature)).ok()?))
}

/// The equation of ZIP 215, `[8](s B - k A - R) = O`, none where the input is malformed: `s` is
/// canonical, `R` and `A` are any encodings of curve points.
fn verify(public_key: &[u8], signed: &[u8], signature: &[u8]) -> Option<bool> {
    let (r, s) = signature.split_first_chunk::<32>()?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().ok()?))?;
    let key = CompressedEdwardsY::from_slice(public_key).ok()?.decompress()?;
    let point = CompressedEdwardsY(*r).decompress()?;
    let hash = Sha512::new().chain_update(r).chain_update(public_key).chain_update(signed);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-k, &key, &s);
    Some((sum - point).mul_by_cofactor().is_identity())
}
