//! Lead from a leaf to the root of an RFC 9162 tree whose size the root does not commit to.

use crate::{
    cbor::{Item, Writer},
    error::VerifyError,
};
use trine_types::{
    Digest, Suite,
    merkle::{PATH_LENGTH_MAX, leaf_hash, node_hash},
};

/// Bytes of one encoded step.
const STEP_BYTES: usize = 1 + Digest::LENGTH;

/// On which side of the path a sibling stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The sibling is on the left.
    Left,
    /// The sibling is on the right.
    Right,
}

/// Siblings from the leaf up, each with its side. Shows that a leaf is in a tree, not where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SidedPath(Vec<(Side, Digest)>);

impl SidedPath {
    /// Takes an inclusion path (RFC 9162, section 2.1.3.1) of the leaf at `index` among `size`;
    /// none when they do not fit each other.
    pub fn new(index: u64, size: u64, path: &[Digest]) -> Option<Self> {
        if index >= size {
            return None;
        }
        let (mut position, mut last) = (index, size - 1);
        let mut steps = Vec::with_capacity(path.len());
        for sibling in path {
            if last == 0 {
                return None;
            }
            if position & 1 == 1 || position == last {
                steps.push((Side::Left, *sibling));
                while position & 1 == 0 && position != 0 {
                    position >>= 1;
                    last >>= 1;
                }
            } else {
                steps.push((Side::Right, *sibling));
            }
            position >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(Self(steps))
    }

    /// Root to which the path leads from `leaf`.
    pub fn root(&self, suite: Suite, leaf: &[u8]) -> Digest {
        self.0.iter().fold(leaf_hash(suite, leaf), |node, (side, sibling)| match side {
            Side::Left => node_hash(suite, sibling, &node),
            Side::Right => node_hash(suite, &node, sibling),
        })
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        let mut bytes = Vec::with_capacity(self.0.len() * STEP_BYTES);
        for (side, sibling) in &self.0 {
            bytes.push(u8::from(*side == Side::Right));
            bytes.extend_from_slice(&sibling.0);
        }
        to.bytes(&bytes);
    }

    pub(crate) fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let wrong = |problem| VerifyError::malformed("path", problem);
        let (steps, rest) = item.bytes()?.as_chunks::<STEP_BYTES>();
        if !rest.is_empty() || steps.len() > PATH_LENGTH_MAX {
            return Err(wrong("of impossible length"));
        }
        let step = |step: &[u8; STEP_BYTES]| {
            let side = match step[0] {
                0 => Side::Left,
                1 => Side::Right,
                _ => return Err(wrong("a side is 0 or 1")),
            };
            let mut sibling = Digest::default();
            sibling.0.copy_from_slice(&step[1..]);
            Ok((side, sibling))
        };
        steps.iter().map(step).collect::<Result<_, _>>().map(Self)
    }
}

/// Writes digests one after the other as one byte string.
pub(crate) fn write_digests(digests: &[Digest], to: &mut Writer) {
    let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.0).collect();
    to.bytes(&bytes);
}

/// Reads a byte string of at most `limit` digests.
pub(crate) fn read_digests(item: Item<'_>, limit: usize) -> Result<Vec<Digest>, VerifyError> {
    let (digests, rest) = item.bytes()?.as_chunks();
    if !rest.is_empty() || digests.len() > limit {
        return Err(VerifyError::malformed("list of digests", "of impossible length"));
    }
    Ok(digests.iter().map(|digest| Digest(*digest)).collect())
}
