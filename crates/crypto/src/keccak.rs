//! Hash with Keccak-256, the function of Ethereum.

use crate::Digest;
use sha3::Digest as _;

/// Hashes the concatenation of `parts` with Keccak-256: the Keccak submission with capacity 512,
/// whose padding differs from SHA3-256 (FIPS 202). Ethereum yellow paper, section 3.
pub fn keccak256(parts: &[&[u8]]) -> Digest {
    let mut hasher = sha3::Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest(hasher.finalize().into())
}
