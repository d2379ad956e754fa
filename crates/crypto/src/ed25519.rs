//! Sign Ed25519, and verify it by the rule of ZIP 215: few with a library, many in bulk.

use crate::scheme::{Signed, Signer, ToSign, Verifier};
use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY, traits::IsIdentity};
use sha2::{Digest as _, Sha512};
use std::sync::LazyLock;
use trine_bulk::ed25519 as bulk;
use zeroize::Zeroizing;

pub(crate) const SECRET_KEY_BYTES: usize = 32;
pub(crate) const PUBLIC_KEY_BYTES: usize = 32;
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Signatures from which on a batch in bulk costs less than the library's.
const BULK_ITEMS_MIN: usize = 8;
/// Bytes for decoded keys, which spare a repeated signer half a microsecond.
const KEYS_BYTES_MAX: usize = 32 << 20;

static KEYS: LazyLock<bulk::KeyCache> = LazyLock::new(|| bulk::KeyCache::new(KEYS_BYTES_MAX));

pub(crate) struct Ed25519;

struct Key(bulk::SigningKey);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        self.0.public_key().to_vec()
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        self.0.sign(&[signed]).to_vec()
    }

    fn ed25519(&self) -> Option<&bulk::SigningKey> {
        Some(&self.0)
    }
}

impl Verifier for Ed25519 {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Key(bulk::SigningKey::new(secret.try_into().ok()?))))
    }

    fn signers(&self, secrets: &[&[u8]]) -> Vec<Option<Box<dyn Signer>>> {
        let sized = |secret: &&[u8]| <[u8; SECRET_KEY_BYTES]>::try_from(*secret).ok();
        let seeds: Zeroizing<Vec<_>> = Zeroizing::new(secrets.iter().filter_map(sized).collect());
        let keys = bulk::SigningKey::new_many(&seeds);
        let mut rest = keys.iter();
        let mut signer = |secret: &&[u8]| -> Option<Box<dyn Signer>> {
            let key = rest.by_ref().take(usize::from(secret.len() == SECRET_KEY_BYTES)).next()?;
            // A clone: the list erases its own keys.
            Some(Box::new(Key(key.clone())))
        };
        secrets.iter().map(&mut signer).collect()
    }

    fn sign_many(&self, items: &[ToSign<'_>]) -> Vec<Vec<u8>> {
        let items: Vec<_> = items
            .iter()
            .map(|item| bulk::SigningItem {
                key: item.signer.ed25519().expect("signers are of this algorithm"),
                message: &item.parts,
            })
            .collect();
        bulk::sign_batch(&items).iter().map(|signature| signature.to_vec()).collect()
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        point_of(key).is_some()
    }

    fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        verify(public_key, signed, signature).unwrap_or(false)
    }

    fn verify_many(&self, items: &[Signed<'_>]) -> Vec<bool> {
        if items.len() < BULK_ITEMS_MIN {
            let single =
                |one: &Signed<'_>| self.verify(one.public_key, &one.parts.concat(), one.signature);
            return items.iter().map(single).collect();
        }
        let sized: Vec<_> = items
            .iter()
            .map(|item| {
                let public_key = item.public_key.try_into().ok()?;
                let signature = item.signature.try_into().ok()?;
                Some(bulk::Item { public_key, message: &item.parts, signature })
            })
            .collect();
        // Items of another size are no signatures, and leave the others their batch.
        let whole: Vec<_> = sized.iter().flatten().copied().collect();
        let mut verdicts = bulk::verify_batch(&whole, &KEYS).into_iter();
        sized.iter().map(|item| item.is_some() && verdicts.next() == Some(true)).collect()
    }
}

/// The equation of ZIP 215, `[8](s B - k A - R) = O`, none where the input is malformed: `s` is
/// canonical, `R` and `A` are any encodings of curve points.
fn verify(public_key: &[u8], signed: &[u8], signature: &[u8]) -> Option<bool> {
    let (r, s) = signature.split_first_chunk::<32>()?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().ok()?))?;
    let key = point_of(public_key)?;
    let point = CompressedEdwardsY(*r).decompress()?;
    let hash = Sha512::new().chain_update(r).chain_update(public_key).chain_update(signed);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-k, &key, &s);
    Some((sum - point).mul_by_cofactor().is_identity())
}

/// Any encoding of a curve point, as ZIP 215 takes them.
fn point_of(key: &[u8]) -> Option<EdwardsPoint> {
    CompressedEdwardsY::from_slice(key).ok()?.decompress()
}
