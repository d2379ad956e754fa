//! Sign and verify SM2 with SM3 (GB/T 32918.2-2016), one signature or many in bulk; encrypt short
//! secrets to keys of SM2 and decrypt them (GB/T 32918.4-2016).
//!
//! ```
//! use trine_crypto::{Algorithm, SecretKey, sm2};
//!
//! let key = SecretKey::from_bytes(Algorithm::Sm2, &[7; 32]).unwrap();
//! let signature = sm2::sign_as(&key, b"ALICE123@YAHOO.COM", b"message").unwrap();
//! assert!(sm2::verify_as(&key.public_key(), b"ALICE123@YAHOO.COM", b"message", &signature));
//! assert!(!sm2::verify_as(&key.public_key(), sm2::DEFAULT_ID, b"message", &signature));
//!
//! let encrypted = sm2::encrypt(&key.public_key(), b"secret").unwrap();
//! assert_eq!(sm2::decrypt(&key, &encrypted).unwrap()[..], b"secret"[..]);
//! ```

use crate::points::{Entry, PointCache, split_hint, verdicts};
use crate::scheme::{Signed, Signer, ToSign, Verifier};
use crate::{Algorithm, SecretKey, key_tables};
use std::sync::LazyLock;
use trine_bulk::{Path, sm2 as bulk};
use zeroize::Zeroizing;

pub use trine_bulk::sm2::{
    CIPHERTEXT_OVERHEAD_BYTES, DEFAULT_ID, ID_BYTES_MAX, PLAINTEXT_BYTES_MAX,
};

pub(crate) const SECRET_KEY_BYTES: usize = 32;
/// Compressed, as the keys of other curves.
pub(crate) const PUBLIC_KEY_BYTES: usize = bulk::COMPRESSED_KEY_BYTES;
/// `r || s || hint`, the hint being the parity of the random point's y.
pub(crate) const SIGNATURE_BYTES: usize = 65;

static POINTS: LazyLock<PointCache> = LazyLock::new(PointCache::default);
static TABLES: LazyLock<bulk::KeyCache> =
    LazyLock::new(|| bulk::KeyCache::new(key_tables::bytes_max()));

pub(crate) struct Sm2;

/// A key with the hash of its identity under the default identifier.
struct Key(bulk::SigningKey, [u8; bulk::IDENTITY_BYTES]);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        compressed(self.0.public_key())
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        hinted(self.0.sign_for(&self.1, signed))
    }

    fn sm2(&self) -> Option<(&bulk::SigningKey, &[u8; bulk::IDENTITY_BYTES])> {
        Some((&self.0, &self.1))
    }
}

impl Verifier for Sm2 {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        let key = bulk::SigningKey::new(secret.try_into().ok()?)?;
        let identity = key.identity(DEFAULT_ID);
        Some(Box::new(Key(key, identity)))
    }

    fn sign_many(&self, items: &[ToSign<'_>]) -> Vec<Vec<u8>> {
        let messages: Vec<_> = items.iter().map(|item| item.parts.concat()).collect();
        let items: Vec<_> = items
            .iter()
            .zip(&messages)
            .map(|(item, message)| {
                let (key, identity) = item.signer.sm2().expect("signers are of this algorithm");
                bulk::SigningItem { key, identity, message }
            })
            .collect();
        bulk::sign_batch(&items).into_iter().map(hinted).collect()
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        point_of(key).is_some()
    }

    fn verify(&self, key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        verify_as(key, DEFAULT_ID, signed, signature)
    }

    fn verify_many(&self, items: &[Signed<'_>]) -> Vec<bool> {
        verdicts(items, &POINTS, bulk::uncompress, |entries| {
            let items: Vec<_> = entries.iter().map(item_of).collect();
            bulk::verify_batch(&items, &TABLES)
        })
    }

    fn learn(&self, public_keys: &[&[u8]]) {
        let points = POINTS.points_of(public_keys, bulk::uncompress);
        TABLES.learn(&points.iter().collect::<Vec<_>>());
    }

    fn learned(&self) -> usize {
        TABLES.keys()
    }
}

/// `r || s || hint`.
fn hinted((signature, hint): ([u8; bulk::SIGNATURE_BYTES], u8)) -> Vec<u8> {
    [&signature[..], &[hint]].concat()
}

fn item_of<'a>(entry: &'a Entry<'_>) -> bulk::Item<'a> {
    bulk::Item {
        public_key: &entry.public_key,
        id: DEFAULT_ID,
        message: &entry.signed,
        signature: entry.scalars,
        hint: entry.hint,
    }
}

/// Signs exactly `message` as the signer `id`, for others than this chain: no namespace precedes
/// it. Gives `r || s || hint`.
///
/// None for a key of another algorithm, or an identifier over [`ID_BYTES_MAX`].
pub fn sign_as(key: &SecretKey, id: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    if key.algorithm() != Algorithm::Sm2 || id.len() > ID_BYTES_MAX {
        return None;
    }
    let key = bulk::SigningKey::new(key.expose().try_into().ok()?)?;
    Some(hinted(key.sign(id, message)))
}

/// Checks a signature over exactly `message` by the signer `id` (GB/T 32918.2-2016, section 7.1);
/// the hint may be missing. False for any malformed key, identifier or signature.
pub fn verify_as(public_key: &[u8], id: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some((public_key, (signature, hint))) = known_point(public_key).zip(split_hint(signature))
    else {
        return false;
    };
    let item = bulk::Item { public_key: &public_key, id, message, signature, hint };
    bulk::verify_exact_on(Path::best(), &[item], &TABLES)[0]
}

/// A secret cannot be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// The key is no compressed point of the curve.
    #[error("not a public key of sm2: {0} bytes, expected a compressed point of 33")]
    BadPublicKey(usize),
    /// There is nothing to encrypt, or too much.
    #[error("a secret of {0} bytes, expected 1 to {limit}", limit = PLAINTEXT_BYTES_MAX)]
    Length(usize),
}

/// Encrypts a short secret to a public key (GB/T 32918.4-2016, section 6.1). Gives C1 || C3 || C2,
/// the point with both coordinates; each call gives another ciphertext.
///
/// # Errors
/// [`EncryptionError`] for no key, and for a secret that is empty or over [`PLAINTEXT_BYTES_MAX`].
pub fn encrypt(public_key: &[u8], secret: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let point = known_point(public_key).ok_or(EncryptionError::BadPublicKey(public_key.len()))?;
    bulk::encrypt(&point, secret).ok_or(EncryptionError::Length(secret.len()))
}

/// Decrypts what was encrypted to the public key of `key` (GB/T 32918.4-2016, section 7.1), in time
/// that does not depend on the key.
///
/// None for a key of another algorithm, and where any bit of the ciphertext is another.
pub fn decrypt(key: &SecretKey, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    bulk::decrypt(key.sm2()?, ciphertext)
}

fn known_point(key: &[u8]) -> Option<[u8; bulk::PUBLIC_KEY_BYTES]> {
    POINTS.points_of(&[key], bulk::uncompress).pop()
}

fn point_of(key: &[u8]) -> Option<[u8; bulk::PUBLIC_KEY_BYTES]> {
    let key = key.try_into().ok()?;
    *bulk::uncompress_on(Path::Portable, &[key]).first()?
}

/// Compresses `x || y` (SEC 1, section 2.3.3).
fn compressed(point: &[u8; bulk::PUBLIC_KEY_BYTES]) -> Vec<u8> {
    [&[2 | point[63] & 1], &point[..32]].concat()
}

/// Reads a compressed or uncompressed point (SEC 1, section 2.3.4); gives it uncompressed.
pub(crate) fn uncompressed(point: &[u8]) -> Option<Vec<u8>> {
    let coordinates = match point.split_first()? {
        (2 | 3, _) => point_of(point)?,
        (4, coordinates) => {
            // The way through the compressed form checks that the point is on the curve.
            let coordinates = <[u8; bulk::PUBLIC_KEY_BYTES]>::try_from(coordinates).ok()?;
            (point_of(&compressed(&coordinates))? == coordinates).then_some(coordinates)?
        }
        _ => return None,
    };
    Some([&[4], &coordinates[..]].concat())
}

/// Gives the signature as it is: SM2 has no second `s` for one signature.
pub(crate) fn checked(rs: &[u8; 64]) -> Option<[u8; 64]> {
    let zero = |scalar: &[u8]| scalar.iter().all(|byte| *byte == 0);
    let (r, s) = rs.split_at(32);
    (!zero(r) && !zero(s)).then_some(*rs)
}

#[cfg(test)]
mod tests;
