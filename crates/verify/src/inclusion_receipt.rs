//! Make the receipts of many entries of one log, which share all but index and path.
//!
//! A receipt is a COSE_Sign1 message whose unprotected header has an inclusion proof
//! (`docs/reference/scitt.md`, section 5; RFC 9942). Entries below one full tile share the path
//! above it, too.

use crate::signed_statement::{ARRAY, BYTES, UNSIGNED, write_head};
use trine_crypto::{Digest, Suite, hash_many};

/// Hashes of a full tile (C2SP tlog-tiles).
pub const TILE_WIDTH: usize = 256;
/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;
/// Bytes of a full tile.
pub const TILE_BYTES: usize = TILE_WIDTH * HASH_BYTES;
const TILE_HEIGHT: usize = 8;
/// What stands before the children of an inner node (RFC 9162, section 2.1.1).
const NODE: u8 = 1;

type Hash = [u8; HASH_BYTES];

/// The nodes that a full tile holds, by height, the hashes of its leaves first.
pub struct Nodes([Vec<Hash>; TILE_HEIGHT]);

impl Nodes {
    /// Hashes what lies over the leaves of a tile.
    pub fn over(suite: Suite, tile: &[u8; TILE_BYTES]) -> Self {
        let mut rows = [const { Vec::new() }; TILE_HEIGHT];
        let mut row = tile.as_chunks().0.to_vec();
        for kept in &mut rows {
            let joined: Vec<_> =
                row.as_chunks::<2>().0.iter().map(|[left, right]| node(left, right)).collect();
            let parents =
                hash_many(suite, &joined.iter().map(<[u8; 65]>::as_slice).collect::<Vec<_>>());
            *kept =
                std::mem::replace(&mut row, parents.into_iter().map(|Digest(hash)| hash).collect());
        }
        Self(rows)
    }

    /// What leads from a leaf to the root of the tile, leaf to root.
    fn path(&self, place: u8) -> impl Iterator<Item = &Hash> {
        let sibling = move |height: usize| usize::from(place >> height) ^ 1;
        self.0.iter().enumerate().map(move |(height, row)| &row[sibling(height)])
    }
}

fn node(left: &Hash, right: &Hash) -> [u8; 1 + 2 * HASH_BYTES] {
    let mut joined = [NODE; 1 + 2 * HASH_BYTES];
    joined[1..=HASH_BYTES].copy_from_slice(left);
    joined[1 + HASH_BYTES..].copy_from_slice(right);
    joined
}

/// What the receipts of entries below one tile share.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Entries of the log.
    pub size: u64,
    /// Path from the tile to the root of the log.
    pub above: &'a [Hash],
    /// Encoded message up to the array of proofs.
    pub before: &'a [u8],
    /// The message behind the unprotected header.
    pub behind: &'a [u8],
}

impl Head<'_> {
    /// The receipts of entries by their places in a tile, which has the given number.
    pub fn receipts(&self, nodes: &Nodes, number: u64, places: &[u8]) -> Vec<Vec<u8>> {
        let first = number.saturating_mul(TILE_WIDTH as u64);
        let receipt =
            |place: &u8| self.receipt(nodes, first.saturating_add((*place).into()), *place);
        places.iter().map(receipt).collect()
    }

    fn receipt(&self, nodes: &Nodes, index: u64, place: u8) -> Vec<u8> {
        let hashes = TILE_HEIGHT + self.above.len();
        let mut proof = Vec::with_capacity(hashes * (HASH_BYTES + 2) + 32);
        write_head(&mut proof, ARRAY, 3);
        write_head(&mut proof, UNSIGNED, self.size);
        write_head(&mut proof, UNSIGNED, index);
        write_head(&mut proof, ARRAY, hashes as u64);
        for hash in nodes.path(place).chain(self.above) {
            write_head(&mut proof, BYTES, HASH_BYTES as u64);
            proof.extend_from_slice(hash);
        }
        let mut receipt =
            Vec::with_capacity(self.before.len() + proof.len() + 9 + self.behind.len());
        receipt.extend_from_slice(self.before);
        write_head(&mut receipt, BYTES, proof.len() as u64);
        receipt.extend_from_slice(&proof);
        receipt.extend_from_slice(self.behind);
        receipt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(suite: Suite, message: &[u8]) -> Hash {
        hash_many(suite, &[message])[0].0
    }

    /// Goal: each receipt is the encoded proof of its entry. Method: all entries of a tile, whose
    /// paths are hashed up to one root.
    #[test]
    fn every_path_leads_to_the_root() {
        for suite in [Suite::Intl, Suite::Gm] {
            let leaves: Vec<Hash> = (0..=255).map(|leaf: u8| hash(suite, &[leaf])).collect();
            let nodes = Nodes::over(suite, leaves.as_flattened().try_into().unwrap());
            let above = [[7; HASH_BYTES]];
            let head = Head { size: 70_000, above: &above, before: b"before", behind: b"behind" };
            let places: Vec<u8> = (0..=255).collect();
            let made = head.receipts(&nodes, 3, &places);
            let mut roots = Vec::new();
            for (place, receipt) in made.iter().enumerate() {
                // An array of three: size, index, and nine hashes, in a byte string.
                let index = u16::try_from(3 * TILE_WIDTH + place).unwrap().to_be_bytes();
                let start =
                    [b"before\x59\x01\x3c\x83\x1a\x00\x01\x11\x70\x19", &index[..], b"\x89"]
                        .concat();
                let rest = receipt.strip_prefix(&start[..]).unwrap();
                let path = rest.strip_suffix(b"behind").unwrap();
                assert_eq!(path.len(), 9 * 34);
                let mut found = leaves[place];
                for (height, item) in path.chunks(34).take(TILE_HEIGHT).enumerate() {
                    let sibling: &Hash = item[2..].try_into().unwrap();
                    assert_eq!(item[..2], [0x58, 0x20]);
                    let joined = match place >> height & 1 {
                        0 => node(&found, sibling),
                        _ => node(sibling, &found),
                    };
                    found = hash(suite, &joined);
                }
                assert_eq!(path[8 * 34 + 2..], above[0]);
                roots.push(found);
            }
            assert!(roots.iter().all(|root| *root == roots[0]));
        }
    }
}
