//! Expand a block of padding once for all the messages of one length.

use super::many::Prefixed;
use super::{BLOCK_BYTES, expand};

const ROUNDS: usize = 64;

/// The words of a block that has nothing of a message but its length.
pub(super) struct Padding {
    /// Bytes of the message, which tell what the block holds.
    of: Option<u64>,
    /// Word of each round.
    pub words: [u32; ROUNDS],
    /// The word of each round and the word four rounds later, in exclusive or.
    pub mixed: [u32; ROUNDS],
}

impl Padding {
    /// No block yet.
    pub fn new() -> Self {
        Self { of: None, words: [0; ROUNDS], mixed: [0; ROUNDS] }
    }

    /// Expands block number `index` of `message`, which holds no byte of it.
    pub fn set(&mut self, message: &Prefixed, index: usize) {
        let of = Some(message.whole_bytes());
        if self.of != of {
            let mut scratch = [0; BLOCK_BYTES];
            self.expand(message.block(index, &mut scratch));
            self.of = of;
        }
    }

    fn expand(&mut self, block: &[u8; BLOCK_BYTES]) {
        let mut words = [0; ROUNDS + 4];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let mut ring = words[..16].try_into().unwrap_or_default();
        for j in (16..words.len()).step_by(4) {
            expand(&mut ring, j & 15);
            words[j..j + 4].copy_from_slice(&ring[j & 15..][..4]);
        }
        self.words.copy_from_slice(&words[..ROUNDS]);
        for (j, mixed) in self.mixed.iter_mut().enumerate() {
            *mixed = words[j] ^ words[j + 4];
        }
    }
}
