//! Build and check RFC 9162 Merkle trees (section 2.1) with the suite's hash.

use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use trine_crypto::{Digest, Suite, hash_many};

/// Siblings of the longest inclusion path, of a tree with 2^64 - 1 leaves.
pub const PATH_LENGTH_MAX: usize = 64;

/// Hash of a leaf: `H(0x00 || leaf)`.
pub fn leaf_hash(suite: Suite, leaf: &[u8]) -> Digest {
    suite.hash(&[&[0], leaf])
}

/// Hash of an inner node: `H(0x01 || left || right)`.
pub fn node_hash(suite: Suite, left: &Digest, right: &Digest) -> Digest {
    suite.hash(&[&[1], &left.0, &right.0])
}

/// Root of an empty tree: the hash of nothing.
pub fn empty_root(suite: Suite) -> Digest {
    suite.hash(&[])
}

/// Hashes of many leaves, several at a time.
pub fn leaf_hashes<'a>(suite: Suite, leaves: impl IntoIterator<Item = &'a [u8]>) -> Vec<Digest> {
    let mut messages = Messages::default();
    let mut hashes = Vec::new();
    for leaf in leaves {
        messages.push(&[&[0], leaf]);
        messages.hash_when_full(suite, &mut hashes);
    }
    messages.hash(suite, &mut hashes);
    hashes
}

/// Root over `leaves`.
pub fn root<'a>(suite: Suite, leaves: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    root_of_hashes(suite, leaf_hashes(suite, leaves))
}

/// Root over leaves that are hashed already.
pub fn root_of_hashes(suite: Suite, mut level: Vec<Digest>) -> Digest {
    while level.len() > 1 {
        let (pairs, rest) = level.as_chunks::<2>();
        let mut above = parents(suite, pairs);
        // A node without a sibling moves up: its subtree is complete, or the last of its level.
        above.extend(rest);
        level = above;
    }
    level.pop().unwrap_or_else(|| empty_root(suite))
}

/// Hashes of the inner nodes over pairs of nodes, several at a time.
pub fn parents(suite: Suite, pairs: &[[Digest; 2]]) -> Vec<Digest> {
    let mut messages = Messages::default();
    let mut hashes = Vec::with_capacity(pairs.len());
    for [left, right] in pairs {
        messages.push(&[&[1], &left.0, &right.0]);
        messages.hash_when_full(suite, &mut hashes);
    }
    messages.hash(suite, &mut hashes);
    hashes
}

/// Messages gathered in one buffer until they are hashed together.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Messages {
    /// Bytes from which on messages are hashed: they stay in the processor's first caches.
    const FULL_BYTES: usize = 32 * 1_024;

    fn push(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.ends.push(self.bytes.len());
    }

    fn hash_when_full(&mut self, suite: Suite, hashes: &mut Vec<Digest>) {
        if self.bytes.len() >= Self::FULL_BYTES {
            self.hash(suite, hashes);
        }
    }

    fn hash(&mut self, suite: Suite, hashes: &mut Vec<Digest>) {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let messages: Vec<&[u8]> =
            starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]).collect();
        hashes.extend(hash_many(suite, &messages));
        self.bytes.clear();
        self.ends.clear();
    }
}

/// The right edge of a growing tree: its size and the roots of its complete subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Largest subtree first; one for each bit set in `size`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf that is hashed already.
    pub fn append(&mut self, suite: Suite, leaf_hash: Digest) {
        let mut node = leaf_hash;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(suite, &left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Appends leaves that are hashed already, several nodes at a time.
    pub fn extend(&mut self, suite: Suite, leaf_hashes: Vec<Digest>) {
        let mut size_above = self.size;
        self.size += leaf_hashes.len() as u64;
        let mut level = leaf_hashes;
        let mut fresh: Vec<Digest> = Vec::new();
        while !level.is_empty() {
            if size_above & 1 == 1 {
                // The subtree that had no sibling gets one.
                level.splice(..0, self.peaks.pop());
            }
            let (pairs, rest) = level.as_chunks::<2>();
            fresh.extend(rest);
            level = parents(suite, pairs);
            size_above >>= 1;
        }
        self.peaks.extend(fresh.into_iter().rev());
    }

    /// Root of the tree so far.
    pub fn root(&self, suite: Suite) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root(suite) };
        peaks.fold(*last, |right, left| node_hash(suite, left, &right))
    }
}

impl Encode for Frontier {
    fn encode(&self, to: &mut Encoder) {
        self.size.encode(to);
        self.peaks.iter().for_each(|peak| peak.encode(to));
    }
}

impl Decode for Frontier {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let size = u64::decode(from)?;
        let peaks =
            (0..size.count_ones()).map(|_| Digest::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }
}

/// Inclusion path (RFC 9162, section 2.1.3.1) of the leaf at `index` among `leaf_hashes`, from the
/// leaf's sibling up; none when the index is outside.
pub fn inclusion_path(suite: Suite, leaf_hashes: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaf_hashes.len() {
        return None;
    }
    let mut path = Vec::new();
    collect_path(suite, leaf_hashes, index, &mut path);
    Some(path)
}

fn collect_path(suite: Suite, leaves: &[Digest], index: usize, path: &mut Vec<Digest>) {
    if leaves.len() == 1 {
        return;
    }
    let (left, right) = leaves.split_at(split_point(leaves.len()));
    if index < left.len() {
        collect_path(suite, left, index, path);
        path.push(subtree_root(suite, right));
    } else {
        collect_path(suite, right, index - left.len(), path);
        path.push(subtree_root(suite, left));
    }
}

/// Largest power of two smaller than `size`, which is at least 2.
const fn split_point(size: usize) -> usize {
    size.next_power_of_two() / 2
}

fn subtree_root(suite: Suite, leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.append(suite, *leaf));
    frontier.root(suite)
}

/// Root to which an inclusion path leads (RFC 9162, section 2.1.3.2); none when the path does not
/// fit the index and size.
pub fn root_of_path(
    suite: Suite,
    leaf_hash: Digest,
    index: u64,
    size: u64,
    path: &[Digest],
) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut position, mut last, mut node) = (index, size - 1, leaf_hash);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if position & 1 == 1 || position == last {
            node = node_hash(suite, sibling, &node);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(suite, &node, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}
