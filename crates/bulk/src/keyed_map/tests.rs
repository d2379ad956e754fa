//! Check that every bit of a key counts, and that keys spread.

use super::Keyed;
use std::collections::HashSet;
use std::hash::BuildHasher;

/// Goal: keys that differ a little do not meet. Method: flip each bit of a key of 64 bytes; all
/// hashes differ, and so do most of their lowest and highest bytes.
#[test]
fn every_bit_counts() {
    let keyed = Keyed::default();
    let hashes: HashSet<u64> = (0..512)
        .map(|bit| {
            let mut key = [7u8; 64];
            key[bit / 8] ^= 1 << (bit % 8);
            keyed.hash_one(key)
        })
        .collect();
    assert_eq!(hashes.len(), 512);
    for shift in [0, 56] {
        let bytes: HashSet<_> = hashes.iter().map(|hash| (hash >> shift) as u8).collect();
        assert!(bytes.len() > 180, "{} values of the byte at {shift}", bytes.len());
    }
}

/// Goal: lengths count. Method: keys that begin with each other.
#[test]
fn lengths_count() {
    let keyed = Keyed::default();
    let hashes: HashSet<u64> = (0..70).map(|length| keyed.hash_one(&[0u8; 70][..length])).collect();
    assert_eq!(hashes.len(), 70);
}
