//! Check that the state's databases hold a value now, from the format of their library.
//!
//! Re-implements the verification of `current` proofs of commonware-storage 2026.10.0 over a
//! Merkle mountain range, as `docs/reference/proofs.md`, section 7, specifies it.

use crate::{
    cbor::{Item, Writer},
    error::VerifyError,
    path::{read_digests, write_digests},
};
use trine_types::{Digest, StateCommitment, Suite};

/// Bytes of one chunk of the activity bits.
pub const CHUNK_BYTES: usize = 64;
/// Bits of one chunk.
const CHUNK_BITS: u64 = 8 * CHUNK_BYTES as u64;
/// Height at which the chunks are grafted onto the tree.
const GRAFTING_HEIGHT: u32 = CHUNK_BITS.trailing_zeros();
/// Largest number of operations of a mountain range.
const OPERATIONS_MAX: u64 = 1 << 62;
/// First bytes of every root: mountain range, peaks folded from the right.
const ROOT_DOMAIN: [u8; 2] = [0, 1];
/// Tag of an operation that sets a value.
const UPDATE: u8 = 0xd2;
/// Most siblings of a path and most peaks beside it.
const DIGESTS_MAX: usize = 64;

/// Shows that one operation of a database's log is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// Location of the operation.
    pub location: u64,
    /// Activity bits of the 512 operations around it.
    pub chunk: [u8; CHUNK_BYTES],
    /// Siblings from the leaf up to the mountain's peak.
    pub path: Vec<Digest>,
    /// Peaks beside the mountain, left to right: those of the inactive mountains folded into one,
    /// the others on the left each for itself, those on the right folded into one.
    pub peaks: Vec<Digest>,
    /// Digest of the last chunk where it is incomplete and another one.
    pub last_chunk: Option<Digest>,
}

/// The mountain that holds a location.
struct Mountain {
    height: u32,
    /// Mountains before it.
    before: usize,
    /// Of those, how many lie wholly below the floor.
    inactive: usize,
    /// Whether mountains follow.
    is_last: bool,
}

/// Finds the mountain of `location` among `size` operations.
fn mountain(location: u64, size: u64, floor: u64) -> Option<Mountain> {
    let (mut start, mut before, mut inactive) = (0, 0, 0);
    for height in (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1) {
        let end = start + (1 << height);
        if location < end {
            // An active operation is not below the floor, so neither is its whole mountain.
            let active = end > floor;
            return active.then_some(Mountain { height, before, inactive, is_last: end == size });
        }
        before += 1;
        if end <= floor {
            inactive += 1;
        }
        start = end;
    }
    None
}

/// Position of the node of `height` whose first leaf is `first`; `first` is at most 2^62.
const fn position(first: u64, height: u32) -> u64 {
    2 * first - first.count_ones() as u64 + (2 << height) - 2
}

impl StateProof {
    /// Checks that `operation` is active under `commitment`. `what` names it in the error.
    pub(crate) fn verify(
        &self,
        suite: Suite,
        operation: &[u8],
        commitment: &StateCommitment,
        what: &'static str,
    ) -> Result<(), VerifyError> {
        let bit = self.location % CHUNK_BITS;
        if self.chunk[(bit / 8) as usize] >> (bit % 8) & 1 == 0 {
            return Err(VerifyError::NotCurrent(what));
        }
        match self.root(suite, operation, commitment) {
            Some(root) if root == commitment.root => Ok(()),
            _ => Err(VerifyError::NotIncluded { what, root: "state root" }),
        }
    }

    /// Root to which the proof leads; none where its parts do not fit the commitment.
    fn root(&self, suite: Suite, operation: &[u8], commitment: &StateCommitment) -> Option<Digest> {
        let size = commitment.size;
        if size > OPERATIONS_MAX {
            return None;
        }
        let mountain = mountain(self.location, size, commitment.floor)?;
        let left = usize::from(mountain.inactive > 0) + (mountain.before - mountain.inactive);
        let right = usize::from(!mountain.is_last);
        if self.path.len() != mountain.height as usize || self.peaks.len() != left + right {
            return None;
        }
        let peak = self.climb(suite, operation);
        let row = self.peaks[left..].iter().rev().chain([&peak]);
        let row = row.chain(self.peaks[..left].iter().rev());
        let folded = row.copied().reduce(|folded, digest| suite.hash(&[&digest.0, &folded.0]))?;
        let inactive = (mountain.inactive as u64).to_be_bytes();
        let inactive = if mountain.inactive > 0 { inactive.as_slice() } else { &[] };
        let grafted = suite.hash(&[&ROOT_DOMAIN, &size.to_be_bytes(), inactive, &folded.0]);
        self.combine(suite, commitment, grafted)
    }

    /// Hashes from the leaf to the peak, taking in the chunk on the way.
    fn climb(&self, suite: Suite, operation: &[u8]) -> Digest {
        let leaf = position(self.location, 0).to_be_bytes();
        let mut node = suite.hash(&[&leaf, operation]);
        for (height, sibling) in (1..).zip(&self.path) {
            let first = self.location >> height << height;
            let position = position(first, height).to_be_bytes();
            node = match self.location >> (height - 1) & 1 {
                0 => suite.hash(&[&position, &node.0, &sibling.0]),
                _ => suite.hash(&[&position, &sibling.0, &node.0]),
            };
            if height == GRAFTING_HEIGHT {
                node = suite.hash(&[&self.chunk, &node.0]);
            }
        }
        node
    }

    fn combine(
        &self,
        suite: Suite,
        commitment: &StateCommitment,
        grafted: Digest,
    ) -> Option<Digest> {
        let operations = &commitment.operations_root.0;
        let rest = commitment.size % CHUNK_BITS;
        let in_last = self.location / CHUNK_BITS == commitment.size / CHUNK_BITS;
        let last = match (rest, in_last, self.last_chunk) {
            (0, _, None) => return Some(suite.hash(&[operations, &grafted.0])),
            (1.., true, None) => suite.hash(&[&self.chunk]),
            (1.., false, Some(digest)) => digest,
            _ => return None,
        };
        Some(suite.hash(&[operations, &grafted.0, &rest.to_be_bytes(), &last.0]))
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.map(5);
        to.unsigned(0).unsigned(self.location);
        to.unsigned(1).bytes(&self.chunk);
        write_digests(&self.path, to.unsigned(2));
        write_digests(&self.peaks, to.unsigned(3));
        let last = self.last_chunk.as_ref().map_or(&[][..], |digest| &digest.0);
        to.unsigned(4).bytes(last);
    }

    pub(crate) fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let [location, chunk, path, peaks, last] = item.named("state proof").fields()?;
        let last_chunk = match last.bytes()? {
            [] => None,
            _ => Some(Digest(last.array()?)),
        };
        Ok(Self {
            location: location.unsigned()?,
            chunk: chunk.array()?,
            path: read_digests(path, DIGESTS_MAX)?,
            peaks: read_digests(peaks, DIGESTS_MAX)?,
            last_chunk,
        })
    }
}

/// Encodes the operation that sets an account.
pub(crate) fn account_operation(address: &[u8], account: &[u8]) -> Vec<u8> {
    [&[UPDATE], address, account].concat()
}

/// Encodes the operation that sets a value.
pub(crate) fn value_operation(key: &[u8; 32], value: &[u8], next_key: &[u8; 32]) -> Vec<u8> {
    let mut operation = Vec::with_capacity(70 + value.len());
    operation.push(UPDATE);
    operation.extend_from_slice(key);
    crate::certificate::push_varint(value.len() as u64, &mut operation);
    operation.extend_from_slice(value);
    operation.extend_from_slice(next_key);
    operation
}
