//! Add points of the SM2 curve and of P-256: the arithmetic under both signature schemes.
//!
//! Both curves are y^2 = x^3 - 3x + b over a prime p = -1 mod 2^64, have prime order and cofactor
//! one. A signature of either scheme becomes a [`claim::Claim`], "u G + v K has this x"; claims
//! are checked many at a time in [`claim`].

pub(crate) mod affine;
pub(crate) mod claim;
pub(crate) mod decode;
pub(crate) mod digits;
pub(crate) mod engine;
mod exact;
pub(crate) mod fixed;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod jacobian;
pub(crate) mod modulus;
mod multi;
pub(crate) mod projective;
pub(crate) mod secret;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod vectors;
mod words;

use modulus::{Fe, Modulus, Words};

/// A curve y^2 = x^3 - 3x + b of prime order.
pub(crate) trait Curve: Copy + Send + Sync + 'static {
    /// Prime of the coordinates.
    type P: Modulus;
    /// Order of the group.
    type N: Modulus;
    const B: Words;
    /// Coordinates of the generator.
    const G: [Words; 2];
    /// Tables of the generator, made at first use.
    fn generator_tables() -> &'static fixed::GeneratorTables;
}

/// Bytes of a coordinate or scalar, big-endian.
pub(crate) const SCALAR_BYTES: usize = 32;
/// Bytes of a compressed point: 2 plus the parity of y, then x, big-endian.
pub const COMPRESSED_BYTES: usize = 1 + SCALAR_BYTES;

/// Reads a big-endian number.
pub(crate) fn words_of(bytes: &[u8; SCALAR_BYTES]) -> Words {
    let (chunks, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_be_bytes(chunks[3 - i]))
}

/// Writes a big-endian number.
pub(crate) fn bytes_of(words: &Words) -> [u8; SCALAR_BYTES] {
    let mut bytes = [0; SCALAR_BYTES];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words.iter().rev()) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// Splits 64 bytes into two numbers.
pub(crate) fn pair_of(bytes: &[u8; 2 * SCALAR_BYTES]) -> [Words; 2] {
    let (halves, _) = bytes.as_chunks::<SCALAR_BYTES>();
    [words_of(&halves[0]), words_of(&halves[1])]
}

/// Whether x, y lie below p and on the curve; the point at infinity has no such form.
pub(crate) fn is_on_curve<C: Curve>(point: &[Words; 2]) -> bool {
    if !point.iter().all(modulus::is_reduced::<C::P>) {
        return false;
    }
    let [x, y] = point.map(|words| Fe::<C::P>::new(&words));
    y.mul(&y) == right_side::<C>(&x)
}

/// x^3 - 3x + b.
pub(crate) fn right_side<C: Curve>(x: &Fe<C::P>) -> Fe<C::P> {
    let three = Fe::new(&[3, 0, 0, 0]);
    x.mul(x).sub(&three).mul(x).add(&Fe::new(&C::B))
}
