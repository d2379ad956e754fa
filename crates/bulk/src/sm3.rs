//! Hash with SM3 (GB/T 32905-2016), one message at a time or sixteen in the lanes of a register.

#[cfg(target_arch = "x86_64")]
mod drbg;
mod hmac;
mod many;
#[cfg(target_arch = "x86_64")]
mod padding;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod wide;

#[cfg(target_arch = "x86_64")]
pub(crate) use drbg::first_outputs;
pub use hmac::Hmac;
pub(crate) use many::{Prefixed, digest_many};
pub use many::{hash_many, hash_many_on};

/// Bytes of a block (GB/T 32905-2016, section 5.1).
pub(crate) const BLOCK_BYTES: usize = 64;
/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;
/// Bytes at the end of the last block that hold the length of the message in bits.
const LENGTH_BYTES: usize = 8;

/// State before the first block (GB/T 32905-2016, section 4.1).
pub(crate) const INITIAL: [u32; 8] = [
    0x7380_166f,
    0x4914_b2b9,
    0x1724_42d7,
    0xda8a_0600,
    0xa96f_30bc,
    0x1631_38aa,
    0xe38d_ee4d,
    0xb0fb_0e4e,
];

/// Constant of round `j`, already rotated by `j` (GB/T 32905-2016, sections 4.2 and 5.3.3).
const ROUND_CONSTANTS: [u32; 64] = {
    let mut constants = [0; 64];
    let mut j = 0;
    while j < 64 {
        let base: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        constants[j] = base.rotate_left(j as u32 % 32);
        j += 1;
    }
    constants
};

/// A hash under way.
#[derive(Clone)]
pub struct Sm3 {
    state: [u32; 8],
    buffer: [u8; BLOCK_BYTES],
    buffered_bytes: usize,
    hashed_bytes: u64,
}

impl Default for Sm3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sm3 {
    /// Starts with the empty message.
    pub fn new() -> Self {
        Self { state: INITIAL, buffer: [0; BLOCK_BYTES], buffered_bytes: 0, hashed_bytes: 0 }
    }

    /// Appends `bytes` to the message.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.hashed_bytes = self.hashed_bytes.wrapping_add(bytes.len() as u64);
        if self.buffered_bytes > 0 {
            let taken = bytes.len().min(BLOCK_BYTES - self.buffered_bytes);
            self.buffer[self.buffered_bytes..self.buffered_bytes + taken]
                .copy_from_slice(&bytes[..taken]);
            self.buffered_bytes += taken;
            bytes = &bytes[taken..];
            if self.buffered_bytes < BLOCK_BYTES {
                return;
            }
            compress(&mut self.state, &self.buffer);
            self.buffered_bytes = 0;
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            compress(&mut self.state, block);
        }
        self.buffer[..rest.len()].copy_from_slice(rest);
        self.buffered_bytes = rest.len();
    }

    /// Digest of the whole message.
    pub fn finish(mut self) -> [u8; DIGEST_BYTES] {
        self.buffer[self.buffered_bytes] = 0x80;
        self.buffer[self.buffered_bytes + 1..].fill(0);
        if self.buffered_bytes + 1 + LENGTH_BYTES > BLOCK_BYTES {
            compress(&mut self.state, &self.buffer);
            self.buffer.fill(0);
        }
        let bits = self.hashed_bytes.wrapping_mul(8);
        self.buffer[BLOCK_BYTES - LENGTH_BYTES..].copy_from_slice(&bits.to_be_bytes());
        compress(&mut self.state, &self.buffer);
        digest_of(&self.state)
    }

    /// State after the whole blocks hashed so far, for messages that share a beginning.
    pub(crate) fn state(&self) -> [u32; 8] {
        self.state
    }

    /// Overwrites what the message left behind.
    pub(crate) fn zeroize(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.state);
        zeroize::Zeroize::zeroize(&mut self.buffer);
    }
}

/// Digest of `message`.
pub fn hash(message: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut hasher = Sm3::new();
    hasher.update(message);
    hasher.finish()
}

fn digest_of(state: &[u32; 8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// Permutation of the message expansion (GB/T 32905-2016, section 4.4).
#[inline(always)]
fn p1(x: u32) -> u32 {
    x ^ x.rotate_left(15) ^ x.rotate_left(23)
}

/// Replaces the words `first` to `first` + 3 of the ring by those sixteen later.
#[inline(always)]
fn expand(w: &mut [u32; 16], first: usize) {
    for k in first..first + 4 {
        w[k] = p1(w[k] ^ w[(k + 7) & 15] ^ w[(k + 13) & 15].rotate_left(15))
            ^ w[(k + 3) & 15].rotate_left(7)
            ^ w[(k + 10) & 15];
    }
}

/// Compression function (GB/T 32905-2016, section 5.3.3).
///
/// The message words live in a ring of sixteen; the word of a later round replaces the one that is
/// no longer used, so that nothing is kept in memory. The state is not moved from name to name:
/// the round is written for four rotations of the names.
pub(crate) fn compress(state: &mut [u32; 8], block: &[u8; BLOCK_BYTES]) {
    let mut w = [0u32; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident,
         $j:expr, $k:expr, $late:expr) => {{
            let a12 = $a.rotate_left(12);
            let ss1 = a12.wrapping_add($e).wrapping_add(ROUND_CONSTANTS[$j]).rotate_left(7);
            let (ff, gg) = if $late {
                (($a & $b) | ($c & ($a | $b)), $g ^ ($e & ($f ^ $g)))
            } else {
                ($a ^ $b ^ $c, $e ^ $f ^ $g)
            };
            let mixed = w[$k] ^ w[($k + 4) & 15];
            $d = $d.wrapping_add(ff).wrapping_add(ss1 ^ a12).wrapping_add(mixed);
            let tt2 = $h.wrapping_add(gg).wrapping_add(ss1).wrapping_add(w[$k]);
            $b = $b.rotate_left(9);
            $f = $f.rotate_left(19);
            $h = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
        }};
    }
    macro_rules! four {
        ($j:expr, $k:expr, $late:expr) => {
            round!(a b c d e f g h, $j, $k, $late);
            round!(d a b c h e f g, $j + 1, $k + 1, $late);
            round!(c d a b g h e f, $j + 2, $k + 2, $late);
            round!(b c d a f g h e, $j + 3, $k + 3, $late);
        };
    }
    macro_rules! sixteen {
        ($j:expr, $late:expr) => {
            four!($j, 0, $late);
            expand(&mut w, 0);
            four!($j + 4, 4, $late);
            expand(&mut w, 4);
            four!($j + 8, 8, $late);
            expand(&mut w, 8);
            four!($j + 12, 12, $late);
            expand(&mut w, 12);
        };
    }
    sixteen!(0, false);
    sixteen!(16, true);
    sixteen!(32, true);
    four!(48, 0, true);
    expand(&mut w, 0);
    four!(52, 4, true);
    four!(56, 8, true);
    four!(60, 12, true);
    for (word, mixed) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word ^= mixed;
    }
}
