//! Sign and verify ECDSA on P-256 with SHA-256 (FIPS 186-5, section 6; low `s` only): verified by
//! the bulk crate, alone or many at once; signed by a library.

use crate::points::{Entry, PointCache, split_hint, verdicts};
use crate::scheme::{Signed, Signer, Verifier};
use crate::{Suite, key_tables, passkey};
use ::p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use std::sync::LazyLock;
use trine_bulk::{Path, p256 as bulk};

pub(crate) const SECRET_KEY_BYTES: usize = 32;
pub(crate) const PUBLIC_KEY_BYTES: usize = 33;
/// `r || s || hint`, the hint being the parity of `R.y`.
pub(crate) const SIGNATURE_BYTES: usize = 65;

static POINTS: LazyLock<PointCache> = LazyLock::new(PointCache::default);
static TABLES: LazyLock<bulk::KeyCache> =
    LazyLock::new(|| bulk::KeyCache::new(key_tables::bytes_max()));

pub(crate) struct P256;

struct Key(SigningKey);

impl Signer for Key {
    fn public_key(&self) -> Vec<u8> {
        self.0.verifying_key().to_sec1_point(true).as_bytes().to_vec()
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        let digest = Suite::Intl.hash(&[signed]);
        let (signature, id) = self.0.sign_prehash_recoverable(digest.as_bytes());
        let low = signature.normalize_s();
        // (r, n - s) is the signature of -R, whose y has the other parity.
        let hint = u8::from(id.is_y_odd() ^ (low != signature));
        [&low.to_bytes()[..], &[hint]].concat()
    }
}

impl Verifier for P256 {
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Key(SigningKey::from_slice(secret).ok()?)))
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        point_of(key).is_some()
    }

    fn verify(&self, key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        if let Some((signed, signature)) = passkey::asserted(signed, signature) {
            return self.verify(key, &signed, signature);
        }
        // The hint speeds batches: every value of it gives the same verdict.
        let point = POINTS.points_of(&[key], bulk::uncompress).pop();
        let Some((public_key, (signature, hint))) = point.zip(split_hint(signature)) else {
            return false;
        };
        let item = bulk::Item { public_key: &public_key, message: signed, signature, hint };
        bulk::verify_exact_on(Path::best(), &[item], bulk::HighS::Reject, &TABLES)[0]
    }

    fn verify_many(&self, items: &[Signed<'_>]) -> Vec<bool> {
        let asserted: Vec<_> = items.iter().map(asserted).collect();
        let items: Vec<_> = items.iter().zip(&asserted).map(|(item, by)| inner(item, by)).collect();
        verdicts(&items, &POINTS, bulk::uncompress, |entries| {
            let items: Vec<_> = entries.iter().map(item_of).collect();
            bulk::verify_batch(&items, bulk::HighS::Reject, &TABLES)
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

/// What a passkey signed in the place of an item; none where the item is no passkey's.
fn asserted<'a>(item: &Signed<'a>) -> Option<(Vec<u8>, &'a [u8])> {
    let may_be = passkey::is_assertion_length(item.signature.len());
    may_be.then(|| passkey::asserted(&item.parts.concat(), item.signature)).flatten()
}

/// The item as the curve has to judge it.
fn inner<'a>(item: &Signed<'a>, asserted: &'a Option<(Vec<u8>, &'a [u8])>) -> Signed<'a> {
    match asserted {
        Some((signed, signature)) => Signed { parts: [signed, &[], &[]], signature, ..*item },
        None => *item,
    }
}

fn item_of<'a>(entry: &'a Entry<'_>) -> bulk::Item<'a> {
    bulk::Item {
        public_key: &entry.public_key,
        message: &entry.signed,
        signature: entry.scalars,
        hint: entry.hint,
    }
}

fn point_of(key: &[u8]) -> Option<[u8; bulk::PUBLIC_KEY_BYTES]> {
    let key = key.try_into().ok()?;
    *bulk::uncompress_on(Path::Portable, &[key]).first()?
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

/// Gives the signature `(r, s)` with the low one of `s` and `n - s`, both valid by FIPS 186-5.
pub fn low_s(rs: &[u8; 64]) -> Option<[u8; 64]> {
    Some(Signature::from_slice(rs).ok()?.normalize_s().to_bytes().into())
}
