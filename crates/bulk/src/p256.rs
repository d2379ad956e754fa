//! Verify ECDSA signatures over P-256 with SHA-256 (FIPS 186-5, section 6), many at a time.

#[cfg(test)]
mod tests;

use crate::Path;
use crate::buffer::Buffer;
use crate::keyed_map::{Keyed, KeyedMap};
use crate::weierstrass::claim::{self, Checked, Claim, Claims};
use crate::weierstrass::decode;
use crate::weierstrass::fixed::GeneratorTables;
use crate::weierstrass::modulus::{
    Fe, Modulus, Sparse, Words, invert_all, is_reduced, reduce, subtract, sum,
};
use crate::weierstrass::tables::Tables;
use crate::weierstrass::{Curve, pair_of, words_of};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

pub use crate::weierstrass::COMPRESSED_BYTES as COMPRESSED_KEY_BYTES;
pub use crate::weierstrass::claim::CHUNK_MAX;
pub use crate::weierstrass::tables::TABLE_BYTES;

/// Bytes of a public key: x and y, big-endian, without a prefix.
pub const PUBLIC_KEY_BYTES: usize = 64;
/// Bytes of a signature: r and s, big-endian (IEEE P1363).
pub const SIGNATURE_BYTES: usize = 64;

/// Coordinates (SP 800-186, section 3.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prime;

impl Modulus for Prime {
    const M: Words = [u64::MAX, 0xffff_ffff, 0, 0xffff_ffff_0000_0001];
    const SPARSE: Sparse = Sparse { low: 1 << 44, middle: 1 << 36, high: (1 << 48) - (1 << 16) };

    /// p + 1 = 2^64 (2^192 - 2^160 + 2^128 + 2^32), so that q is the lowest word.
    #[inline(always)]
    fn step([quotient, t0, t1, t2]: Words) -> Words {
        let (low, high) = (quotient << 32, quotient >> 32);
        let above = subtract(&[0, 0, quotient, quotient], &[0, 0, low, high]).0;
        sum(&[t0, t1, t2, 0], &[low, high, above[2], above[3]]).0
    }
}

/// Scalars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Order;

impl Modulus for Order {
    const M: Words =
        [0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, u64::MAX, 0xffff_ffff_0000_0000];
    const SPARSE: Sparse = Sparse::NONE;
}

/// The curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct P256;

impl Curve for P256 {
    type P = Prime;
    type N = Order;
    const B: Words = [
        0x3bce_3c3e_27d2_604b,
        0x651d_06b0_cc53_b0f6,
        0xb3eb_bd55_7698_86bc,
        0x5ac6_35d8_aa3a_93e7,
    ];
    const G: [Words; 2] = [
        [
            0xf4a1_3945_d898_c296,
            0x7703_7d81_2deb_33a0,
            0xf8bc_e6e5_63a4_40f2,
            0x6b17_d1f2_e12c_4247,
        ],
        [
            0xcbb6_4068_37bf_51f5,
            0x2bce_3357_6b31_5ece,
            0x8ee7_eb4a_7c0f_9e16,
            0x4fe3_42e2_fe1a_7f9b,
        ],
    ];

    fn generator_tables() -> &'static GeneratorTables {
        static TABLES: OnceLock<GeneratorTables> = OnceLock::new();
        TABLES.get_or_init(GeneratorTables::new::<Self>)
    }
}

/// What becomes of a signature (r, s) with s > n / 2, whose twin (r, n - s) is valid as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighS {
    /// It is invalid: a ledger admits one of the twins alone.
    Reject,
    /// It is judged as FIPS 186-5 says.
    Accept,
}

/// A signature to verify.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub public_key: &'a [u8; PUBLIC_KEY_BYTES],
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
    decode::uncompress::<P256>(path, keys)
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
        Self(Tables::new::<P256>(path, bytes_max))
    }

    /// Makes tables for `keys` (0.6 ms a key); the keys unused for longest make room.
    pub fn learn(&self, keys: &[&[u8; PUBLIC_KEY_BYTES]]) {
        self.0.learn::<P256>(&keys.iter().map(|key| pair_of(key)).collect::<Vec<_>>());
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
pub fn verify_batch(items: &[Item], high_s: HighS, cache: &KeyCache) -> Vec<bool> {
    verify_batch_on(Path::best(), items, high_s, cache)
}

/// As [`verify_batch`], on `path`.
pub fn verify_batch_on(path: Path, items: &[Item], high_s: HighS, cache: &KeyCache) -> Vec<bool> {
    check(items, high_s).scatter(|claims| claim::verify::<P256>(path, claims, &cache.0))
}

/// As [`verify_batch`], each signature computed on its own, without randomness.
pub fn verify_exact_on(path: Path, items: &[Item], high_s: HighS, cache: &KeyCache) -> Vec<bool> {
    hints_on(path, items, high_s, cache).iter().map(Option::is_some).collect()
}

/// Whether a signature is valid; no batch equation, no randomness.
pub fn verify(item: &Item, high_s: HighS) -> bool {
    hint(item, high_s).is_some()
}

/// The hint of a signature made elsewhere, or `None` where it is not valid.
pub fn hint(item: &Item, high_s: HighS) -> Option<u8> {
    check(std::slice::from_ref(item), high_s).parity::<P256>()
}

/// The hints of signatures made elsewhere, `None` for those that are not valid.
pub fn hints_on(path: Path, items: &[Item], high_s: HighS, cache: &KeyCache) -> Vec<Option<u8>> {
    check(items, high_s).scatter(|claims| claim::parities::<P256>(path, claims, &cache.0))
}

/// Checks ranges and computes what the signatures claim.
fn check(items: &[Item], high_s: HighS) -> Checked {
    let mut keys = Buffer::with_capacity(0);
    let mut number_of = KeyedMap::with_capacity_and_hasher(items.len(), Keyed::default());
    let mut claims: Buffer<Claim> = Buffer::with_capacity(items.len());
    let mut inverses = Buffer::with_capacity(items.len());
    let mut places = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let [r, s] = pair_of(item.signature);
        if !is_in_range(&r) || !is_in_range(&s) || (high_s == HighS::Reject && is_high(&s)) {
            continue;
        }
        let key = *number_of.entry(item.public_key).or_insert_with(|| {
            keys.push(pair_of(item.public_key));
            keys.len() as u32 - 1
        });
        let e = words_of(&Sha256::digest(item.message).into());
        claims.push(Claim { key, x: r, u: reduce::<Order>(&e), v: r, hint: item.hint });
        inverses.push(Fe::<Order>::new(&s));
        places.push(index as u32);
    }
    invert_all(&mut inverses);
    for (claim, inverse) in claims.iter_mut().zip(&*inverses) {
        claim.u = inverse.mul(&Fe::raw(claim.u)).0;
        claim.v = inverse.mul(&Fe::raw(claim.v)).0;
    }
    Checked { claims: Claims { keys, claims }, places, count: items.len() }
}

/// Whether 0 < `scalar` < n.
fn is_in_range(scalar: &Words) -> bool {
    *scalar != [0; 4] && is_reduced::<Order>(scalar)
}

/// Whether `s` > n / 2.
fn is_high(s: &Words) -> bool {
    let opposite = subtract(&Order::M, s).0;
    subtract(&opposite, s).1
}
