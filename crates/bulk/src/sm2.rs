//! Sign and verify with SM2 (GB/T 32918.2-2016, curve of GB/T 32918.5-2017), many at a time;
//! encrypt and decrypt short secrets (GB/T 32918.4-2016).
//!
//! ```
//! use trine_bulk::sm2::{DEFAULT_ID, Item, KeyCache, SigningItem, SigningKey};
//! use trine_bulk::sm2::{sign_batch, verify_batch};
//!
//! let key = SigningKey::new(&[7; 32]).expect("the number is a key");
//! let (signature, hint) = key.sign(DEFAULT_ID, b"message");
//! let item = Item {
//!     public_key: key.public_key(),
//!     id: DEFAULT_ID,
//!     message: b"message",
//!     signature: &signature,
//!     hint: Some(hint),
//! };
//! assert_eq!(verify_batch(&[item], &KeyCache::new(0)), [true]);
//!
//! let identity = &key.identity(DEFAULT_ID);
//! let message = |message| SigningItem { key: &key, identity, message };
//! let signed = sign_batch(&[message(b"another"), message(b"message")]);
//! assert_eq!(signed[1], (signature, hint));
//!
//! let encrypted = trine_bulk::sm2::encrypt(key.public_key(), b"secret").expect("a point");
//! assert_eq!(trine_bulk::sm2::decrypt(&key, &encrypted).expect("its key")[..], b"secret"[..]);
//! ```

mod digest;
mod encrypt;
mod nonces;
mod sign;
#[cfg(test)]
mod tests;

pub use encrypt::{CIPHERTEXT_OVERHEAD_BYTES, PLAINTEXT_BYTES_MAX, decrypt, encrypt};
pub use sign::{SigningItem, SigningKey, sign_batch, sign_batch_on};

use crate::Path;
use crate::buffer::Buffer;
use crate::weierstrass::claim::{self, Checked, Claim, Claims};
use crate::weierstrass::decode;
use crate::weierstrass::fixed::GeneratorTables;
use crate::weierstrass::modulus::{Fe, Modulus, Sparse, Words, is_reduced, reduce, subtract, sum};
use crate::weierstrass::tables::Tables;
use crate::weierstrass::{Curve, pair_of, words_of};
use std::sync::OnceLock;

pub use crate::weierstrass::COMPRESSED_BYTES as COMPRESSED_KEY_BYTES;
pub use crate::weierstrass::claim::CHUNK_MAX;
pub use crate::weierstrass::tables::TABLE_BYTES;

/// Identifier of a signer who has agreed on no other (GB/T 35276-2017, section 10).
pub const DEFAULT_ID: &[u8] = b"1234567812345678";
/// Longest identifier, in bytes: its length in bits has two bytes (GB/T 32918.2, section 5.5).
pub const ID_BYTES_MAX: usize = (u16::MAX / 8) as usize;
/// Bytes of a public key: x and y, big-endian, without a prefix.
pub const PUBLIC_KEY_BYTES: usize = 64;
/// Bytes of the hash Z of a signer's identity.
pub const IDENTITY_BYTES: usize = crate::sm3::DIGEST_BYTES;
/// Bytes of a signature: r and s, big-endian.
pub const SIGNATURE_BYTES: usize = 64;

/// Coordinates (GB/T 32918.5-2017, section 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prime;

impl Modulus for Prime {
    const M: Words = [u64::MAX, 0xffff_ffff_0000_0000, u64::MAX, 0xffff_fffe_ffff_ffff];
    const SPARSE: Sparse =
        Sparse { low: (1 << 12) - (1 << 44), middle: 0, high: (1 << 48) - (1 << 16) };

    /// p + 1 = 2^64 (2^192 - 2^160 - 2^32 + 1), so that q is the lowest word.
    #[inline(always)]
    fn step([quotient, t0, t1, t2]: Words) -> Words {
        let (low, high) = (quotient << 32, quotient >> 32);
        let added = subtract(&[quotient, 0, 0, quotient], &[low, high, low, high]).0;
        sum(&[t0, t1, t2, 0], &added).0
    }
}

/// Scalars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Order;

impl Modulus for Order {
    const M: Words =
        [0x53bb_f409_39d5_4123, 0x7203_df6b_21c6_052b, u64::MAX, 0xffff_fffe_ffff_ffff];
    const SPARSE: Sparse = Sparse::NONE;
}

/// The curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sm2;

impl Curve for Sm2 {
    type P = Prime;
    type N = Order;
    const B: Words = [
        0xddbc_bd41_4d94_0e93,
        0xf397_89f5_15ab_8f92,
        0x4d5a_9e4b_cf65_09a7,
        0x28e9_fa9e_9d9f_5e34,
    ];
    const G: [Words; 2] = [
        [
            0x715a_4589_334c_74c7,
            0x8fe3_0bbf_f266_0be1,
            0x5f99_0446_6a39_c994,
            0x32c4_ae2c_1f19_8119,
        ],
        [
            0x02df_32e5_2139_f0a0,
            0xd0a9_877c_c62a_4740,
            0x59bd_cee3_6b69_2153,
            0xbc37_36a2_f4f6_779c,
        ],
    ];

    fn generator_tables() -> &'static GeneratorTables {
        static TABLES: OnceLock<GeneratorTables> = OnceLock::new();
        TABLES.get_or_init(GeneratorTables::new::<Self>)
    }
}

/// A signature to verify.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub public_key: &'a [u8; PUBLIC_KEY_BYTES],
    /// Identifier of the signer; longer ones than [`ID_BYTES_MAX`] make the signature invalid.
    pub id: &'a [u8],
    pub message: &'a [u8],
    pub signature: &'a [u8; SIGNATURE_BYTES],
    /// Parity of y of the signer's random point. Makes verification faster where it is right and
    /// slower where it is wrong or missing; never changes the answer.
    pub hint: Option<u8>,
}

/// Public keys of compressed ones (SEC 1, section 2.3.4), `None` for those that are none.
pub fn uncompress(keys: &[&[u8; COMPRESSED_KEY_BYTES]]) -> Vec<Option<[u8; PUBLIC_KEY_BYTES]>> {
    uncompress_on(Path::best(), keys)
}

/// As [`uncompress`], on `path`.
pub fn uncompress_on(
    path: Path,
    keys: &[&[u8; COMPRESSED_KEY_BYTES]],
) -> Vec<Option<[u8; PUBLIC_KEY_BYTES]>> {
    decode::uncompress::<Sm2>(path, keys)
}

/// Tables of keys that sign often, for the exact path.
pub struct KeyCache(Tables);

impl KeyCache {
    /// Holds at most `bytes_max` bytes of tables, [`TABLE_BYTES`] a key, beside 475 KB of its own.
    pub fn new(bytes_max: usize) -> Self {
        Self::new_on(Path::best(), bytes_max)
    }

    /// As [`KeyCache::new`], for verification on `path`; another path does not use the tables.
    pub fn new_on(path: Path, bytes_max: usize) -> Self {
        Self(Tables::new::<Sm2>(path, bytes_max))
    }

    /// Makes tables for `keys` (0.6 ms a key); the keys unused for longest make room.
    pub fn learn(&self, keys: &[&[u8; PUBLIC_KEY_BYTES]]) {
        self.0.learn::<Sm2>(&keys.iter().map(|key| pair_of(key)).collect::<Vec<_>>());
    }

    /// Keys that have a table.
    pub fn keys(&self) -> usize {
        self.0.len()
    }
}

/// For each signature, whether it is valid, on the fastest path.
///
/// Groups of up to [`CHUNK_MAX`] are checked by one random equation; where it does not hold, each
/// signature of the group is computed on its own. Callers choose smaller groups by calling with
/// fewer items.
pub fn verify_batch(items: &[Item], cache: &KeyCache) -> Vec<bool> {
    verify_batch_on(Path::best(), items, cache)
}

/// As [`verify_batch`], on `path`.
pub fn verify_batch_on(path: Path, items: &[Item], cache: &KeyCache) -> Vec<bool> {
    check(path, items).scatter(|claims| claim::verify::<Sm2>(path, claims, &cache.0))
}

/// As [`verify_batch`], each signature computed on its own, without randomness.
pub fn verify_exact_on(path: Path, items: &[Item], cache: &KeyCache) -> Vec<bool> {
    hints_on(path, items, cache).iter().map(Option::is_some).collect()
}

/// Whether a signature is valid; no batch equation, no randomness.
pub fn verify(item: &Item) -> bool {
    hint(item).is_some()
}

/// The digest e that a signer elsewhere has to sign (GB/T 32918.2-2016, section 6.1, A1 and A2), or
/// `None` for an identifier over [`ID_BYTES_MAX`].
pub fn digest(
    public_key: &[u8; PUBLIC_KEY_BYTES],
    id: &[u8],
    message: &[u8],
) -> Option<[u8; crate::sm3::DIGEST_BYTES]> {
    let signature = &[0; SIGNATURE_BYTES];
    let item = Item { public_key, id, message, signature, hint: None };
    let digests = digest::digests(Path::Portable, &[item]);
    digests.key_of[0].map(|_| digests.digests[0])
}

/// The hint of a signature made elsewhere, or `None` where it is not valid.
pub fn hint(item: &Item) -> Option<u8> {
    check(Path::Portable, std::slice::from_ref(item)).parity::<Sm2>()
}

/// The hints of signatures made elsewhere, `None` for those that are not valid.
pub fn hints_on(path: Path, items: &[Item], cache: &KeyCache) -> Vec<Option<u8>> {
    check(path, items).scatter(|claims| claim::parities::<Sm2>(path, claims, &cache.0))
}

/// Checks ranges and computes what the signatures claim.
fn check(path: Path, items: &[Item]) -> Checked {
    let digests = digest::digests(path, items);
    let mut claims = Claims { keys: digests.keys, claims: Buffer::with_capacity(items.len()) };
    let mut places = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Some(key) = digests.key_of[index] else { continue };
        if let Some((x, u, v)) = claim_of(item.signature, &digests.digests[index]) {
            claims.claims.push(Claim { key, x, u, v, hint: item.hint });
            places.push(index as u32);
        }
    }
    Checked { claims, places, count: items.len() }
}

/// x, u = s and v = t of a signature (GB/T 32918.2-2016, section 7.1, steps B1, B2 and B5 to B7),
/// or `None` where r, s or t is out of range.
fn claim_of(signature: &[u8; SIGNATURE_BYTES], e: &[u8; 32]) -> Option<(Words, Words, Words)> {
    let [r, s] = pair_of(signature);
    if [r, s].iter().any(|scalar| *scalar == [0; 4] || !is_reduced::<Order>(scalar)) {
        return None;
    }
    let t = Fe::<Order>::raw(r).add(&Fe::raw(s));
    let e = reduce::<Order>(&words_of(e));
    let x = Fe::<Order>::raw(r).sub(&Fe::raw(e)).0;
    (!t.is_zero()).then_some((x, s, t.0))
}
