//! Hash many messages of different length in one call.

#[cfg(target_arch = "x86_64")]
use super::padding::Padding;
use super::{BLOCK_BYTES, DIGEST_BYTES, INITIAL, LENGTH_BYTES, compress, digest_of};
use crate::Path;

/// Messages hashed side by side.
pub(super) const LANES: usize = 16;
/// Messages sorted by their length at a time: what is written down of them stays near.
const CHUNK: usize = 1024;

/// A message in two pieces, after whole blocks that are hashed already.
#[derive(Clone, Copy)]
pub(crate) struct Prefixed<'a> {
    /// State after the blocks before `head`; the initial one where there are none.
    pub state: &'a [u32; 8],
    /// Bytes of those blocks; a multiple of the block.
    pub hashed_bytes: u64,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Prefixed<'a> {
    /// `head` followed by `body`, from the beginning.
    pub fn new(head: &'a [u8], body: &'a [u8]) -> Self {
        Self { state: &INITIAL, hashed_bytes: 0, head, body }
    }

    /// Bytes of both pieces.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Bytes of the message in all.
    pub(super) fn whole_bytes(&self) -> u64 {
        self.hashed_bytes.wrapping_add(self.len() as u64)
    }

    /// Blocks still to hash, padding included.
    pub(super) fn blocks(&self) -> usize {
        (self.len() + 1 + LENGTH_BYTES).div_ceil(BLOCK_BYTES)
    }

    /// Block number `index` after `hashed_bytes`; lies in `scratch` where it is not whole in the
    /// body.
    pub(super) fn block<'b>(
        &'b self,
        index: usize,
        scratch: &'b mut [u8; BLOCK_BYTES],
    ) -> &'b [u8; BLOCK_BYTES] {
        let start = index * BLOCK_BYTES;
        if let Some(from) = start.checked_sub(self.head.len())
            && let Some(block) = self.body.get(from..).and_then(<[u8]>::first_chunk)
        {
            return block;
        }
        scratch.fill(0);
        let mut filled = 0;
        for (piece, at) in [(self.head, 0), (self.body, self.head.len())] {
            if let Some(rest) = piece.get((start + filled).saturating_sub(at)..) {
                let taken = rest.len().min(BLOCK_BYTES - filled);
                scratch[filled..filled + taken].copy_from_slice(&rest[..taken]);
                filled += taken;
            }
        }
        if filled < BLOCK_BYTES && start + filled == self.len() {
            scratch[filled] = 0x80;
        }
        if index + 1 == self.blocks() {
            let bits = self.whole_bytes().wrapping_mul(8);
            scratch[BLOCK_BYTES - LENGTH_BYTES..].copy_from_slice(&bits.to_be_bytes());
        }
        scratch
    }

    /// Digest of the message, alone.
    pub fn digest(&self) -> [u8; DIGEST_BYTES] {
        let mut state = *self.state;
        let mut scratch = [0; BLOCK_BYTES];
        for index in 0..self.blocks() {
            compress(&mut state, self.block(index, &mut scratch));
        }
        digest_of(&state)
    }
}

/// Digests of `messages`, in their order, on the fastest path.
pub fn hash_many(messages: &[&[u8]]) -> Vec<[u8; DIGEST_BYTES]> {
    hash_many_on(Path::best(), messages)
}

/// Digests of `messages`, in their order, on `path`.
pub fn hash_many_on(path: Path, messages: &[&[u8]]) -> Vec<[u8; DIGEST_BYTES]> {
    let mut digests = Vec::new();
    digest_many(path, messages.iter().map(|message| Prefixed::new(&[], message)), &mut digests);
    digests
}

/// Appends the digests of `messages`, in their order, to `digests`.
pub(crate) fn digest_many<'a>(
    path: Path,
    mut messages: impl ExactSizeIterator<Item = Prefixed<'a>>,
    digests: &mut Vec<[u8; DIGEST_BYTES]>,
) {
    let before = digests.len();
    digests.resize(before + messages.len(), [0; DIGEST_BYTES]);
    let mut chunk = Vec::with_capacity(messages.len().min(CHUNK));
    for digests in digests[before..].chunks_mut(CHUNK) {
        chunk.clear();
        chunk.extend(messages.by_ref().take(digests.len()));
        digest_into(path, &chunk, digests);
    }
}

/// Writes the digests of `messages`, in their order.
fn digest_into(path: Path, messages: &[Prefixed], digests: &mut [[u8; DIGEST_BYTES]]) {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma if Path::best() == path => digest_wide(messages, digests),
        _ => digests.iter_mut().zip(messages).for_each(|(to, message)| *to = message.digest()),
    }
}

/// Hashes groups of messages of (nearly) equal length, so that few lanes run empty.
#[cfg(target_arch = "x86_64")]
fn digest_wide(messages: &[Prefixed], digests: &mut [[u8; DIGEST_BYTES]]) {
    let mut order: Vec<u32> = (0..messages.len() as u32).collect();
    if !messages.is_sorted_by_key(Prefixed::len) {
        order.sort_by_key(|&index| messages[index as usize].blocks());
    }
    let mut padding = Padding::new();
    let mut left = &order[..];
    while left.len() > LANES {
        let (now, later) = left.split_at(left.len().min(2 * LANES));
        hash_groups::<2>(messages, now, &mut padding, digests);
        left = later;
    }
    if !left.is_empty() {
        hash_groups::<1>(messages, left, &mut padding, digests);
    }
}

/// Messages to hash side by side in `G` groups of lanes.
#[cfg(target_arch = "x86_64")]
pub(super) struct Group<'a, 'b, const G: usize> {
    pub messages: [[&'b Prefixed<'a>; LANES]; G],
    /// Number of blocks of the longest one.
    pub blocks: usize,
    /// Whether all have the same number of bytes, before and in this call.
    pub is_one_length: bool,
}

/// Hashes the messages with these indices, as many as lanes in `G` groups at most.
#[cfg(target_arch = "x86_64")]
fn hash_groups<const G: usize>(
    messages: &[Prefixed],
    indices: &[u32],
    padding: &mut Padding,
    digests: &mut [[u8; DIGEST_BYTES]],
) {
    // Lanes without a message of their own repeat the first one.
    let message = |place: usize| &messages[*indices.get(place).unwrap_or(&indices[0]) as usize];
    let lanes: [[&Prefixed; LANES]; G] =
        std::array::from_fn(|group| std::array::from_fn(|lane| message(group * LANES + lane)));
    let all = lanes.as_flattened();
    let is_like_first = |message: &&Prefixed| {
        message.len() == all[0].len() && message.hashed_bytes == all[0].hashed_bytes
    };
    let group = Group {
        messages: lanes,
        blocks: all.iter().map(|message| message.blocks()).max().unwrap_or(0),
        is_one_length: all.iter().all(is_like_first),
    };
    // SAFETY: the caller found that the processor has AVX-512 F and BW.
    unsafe { super::wide::hash(&group, padding, indices, digests) }
}
