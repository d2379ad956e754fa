//! Draw the first number of many deterministic generators, in the sixteen lanes of registers.
//!
//! The generator is that of RFC 6979, section 3.2, with HMAC over SM3 (RFC 2104). All lengths are
//! the same and public; seeds and what comes of them are secret: no branch and no address depends
//! on them, and what holds them by name is overwritten.

use super::hmac::{INNER_PAD, OUTER_PAD};
use super::many::LANES;
use super::wide::{States, compress, digests_of, swap, transpose};
use super::{BLOCK_BYTES, DIGEST_BYTES, INITIAL};
use crate::Path;
use std::arch::x86_64::*;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a seed: a private key and the digest of a message.
const SEED_BYTES: usize = 64;
/// Words of a state, of a key and of a value.
const WORDS: usize = DIGEST_BYTES / 4;
/// Words of a block.
const BLOCK_WORDS: usize = BLOCK_BYTES / 4;
/// Groups of lanes whose rounds fill each other's gaps.
const GROUPS: usize = 2;

/// Blocks of words, one register a word.
type Blocks<const G: usize> = [[__m512i; BLOCK_WORDS]; G];

/// The first output of the generator of each seed.
///
/// # Panics
/// If the processor has no AVX-512, or there are not as many outputs as seeds.
pub(crate) fn first_outputs(seeds: &[[u8; SEED_BYTES]], outputs: &mut [[u8; DIGEST_BYTES]]) {
    assert!(Path::best() == Path::Ifma, "this processor has no AVX-512 IFMA");
    assert_eq!(seeds.len(), outputs.len(), "outputs for seeds");
    let whole = GROUPS * LANES;
    for (seeds, outputs) in seeds.chunks(whole).zip(outputs.chunks_mut(whole)) {
        // SAFETY: the processor has the features, as just checked.
        unsafe {
            if seeds.len() > LANES {
                Generators::<GROUPS>::new(seeds).draw(outputs);
            } else {
                Generators::<1>::new(seeds).draw(outputs);
            }
        }
    }
}

/// Generators side by side, and the block that is hashed at the moment.
struct Generators<const G: usize> {
    seeds: Blocks<G>,
    value: [States; G],
    /// States after the key, padded for either hash of HMAC.
    inner: [States; G],
    outer: [States; G],
    block: Blocks<G>,
}

impl<const G: usize> Drop for Generators<G> {
    fn drop(&mut self) {
        self.seeds.zeroize();
        self.value.zeroize();
        self.inner.zeroize();
        self.outer.zeroize();
        self.block.zeroize();
    }
}

impl<const G: usize> Generators<G> {
    /// Steps b and c; lanes without a seed repeat the first one.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(seeds: &[[u8; SEED_BYTES]]) -> Self {
        let zero = _mm512_setzero_si512();
        let ones = _mm512_set1_epi8(1);
        let mut made = Self {
            seeds: [[zero; BLOCK_WORDS]; G],
            value: [[ones; WORDS]; G],
            inner: [[zero; WORDS]; G],
            outer: [[zero; WORDS]; G],
            block: [[zero; BLOCK_WORDS]; G],
        };
        for (group, rows) in made.seeds.iter_mut().enumerate() {
            for (lane, row) in rows.iter_mut().enumerate() {
                let seed = seeds.get(group * LANES + lane).unwrap_or(&seeds[0]);
                // SAFETY: a seed has 64 bytes, which are what the load reads.
                *row = unsafe { _mm512_loadu_si512(seed.as_ptr().cast()) };
            }
            *rows = transpose(swap(*rows));
        }
        made.set_key(&[[zero; WORDS]; G]);
        made
    }

    /// Steps d to h, once.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn draw(&mut self, outputs: &mut [[u8; DIGEST_BYTES]]) {
        for step in [0, 1] {
            let key = Zeroizing::new(self.seeded_code(step));
            self.set_key(&key);
            self.advance();
        }
        self.advance();
        for (states, outputs) in self.value.iter().zip(outputs.chunks_mut(LANES)) {
            for (digest, output) in digests_of(states).into_iter().zip(outputs) {
                // SAFETY: an output has 32 bytes, which is what the store writes.
                unsafe { _mm256_storeu_si256(output.as_mut_ptr().cast(), digest) };
            }
        }
    }

    /// Begins both hashes with the key.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn set_key(&mut self, key: &[States; G]) {
        self.inner = self.keyed(key, INNER_PAD);
        self.outer = self.keyed(key, OUTER_PAD);
    }

    /// States after a block of the key and `pad`.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn keyed(&mut self, key: &[States; G], pad: u8) -> [States; G] {
        let pad = _mm512_set1_epi8(pad.cast_signed());
        for (block, key) in self.block.iter_mut().zip(key) {
            *block = [pad; BLOCK_WORDS];
            for (word, key) in block.iter_mut().zip(key) {
                *word = _mm512_xor_si512(pad, *key);
            }
        }
        let mut states = [INITIAL.map(|word| _mm512_set1_epi32(word.cast_signed())); G];
        compress(&mut states, &mut self.block, [u16::MAX; G]);
        states
    }

    /// Replaces the value by its own code.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn advance(&mut self) {
        let mut digest = self.inner;
        self.absorb_short(&mut digest, None);
        let mut code = self.outer;
        self.absorb_short(&mut code, Some(&digest));
        self.value = code;
        digest.zeroize();
    }

    /// Absorbs 32 bytes, `message` or the value, as the end of what began with a key.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn absorb_short(&mut self, states: &mut [States; G], message: Option<&[States; G]>) {
        for (block, message) in self.block.iter_mut().zip(message.unwrap_or(&self.value)) {
            *block = padding(DIGEST_BYTES);
            block[..WORDS].copy_from_slice(message);
            block[WORDS] = _mm512_set1_epi32(i32::MIN);
        }
        compress(states, &mut self.block, [u16::MAX; G]);
    }

    /// Code of the value, the byte `step` and the seed: 97 bytes.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn seeded_code(&mut self, step: u8) -> [States; G] {
        let mut digest = self.inner;
        for group in 0..G {
            let before = _mm512_set1_epi32(step.into());
            let block = &mut self.block[group];
            block[..WORDS].copy_from_slice(&self.value[group]);
            shift(before, &self.seeds[group][..WORDS], &mut block[WORDS..]);
        }
        compress(&mut digest, &mut self.block, [u16::MAX; G]);
        for group in 0..G {
            let seed = &self.seeds[group];
            let block = &mut self.block[group];
            *block = padding(DIGEST_BYTES + 1 + SEED_BYTES);
            shift(seed[WORDS - 1], &seed[WORDS..], &mut block[..WORDS]);
            let last = _mm512_slli_epi32::<24>(seed[BLOCK_WORDS - 1]);
            block[WORDS] = _mm512_or_si512(last, _mm512_set1_epi32(1 << 23));
        }
        compress(&mut digest, &mut self.block, [u16::MAX; G]);
        let mut code = self.outer;
        self.absorb_short(&mut code, Some(&digest));
        digest.zeroize();
        code
    }
}

/// A block of zeros and the length of a message of `bytes` bytes after a block with the key.
#[target_feature(enable = "avx512f,avx512bw")]
fn padding(bytes: usize) -> [__m512i; BLOCK_WORDS] {
    let mut block = [_mm512_setzero_si512(); BLOCK_WORDS];
    block[BLOCK_WORDS - 1] = _mm512_set1_epi32((8 * (BLOCK_BYTES + bytes)) as i32);
    block
}

/// Writes `words` a byte later, after the last byte of `before`.
#[target_feature(enable = "avx512f,avx512bw")]
fn shift(mut before: __m512i, words: &[__m512i], shifted: &mut [__m512i]) {
    for (to, &word) in shifted.iter_mut().zip(words) {
        let high = _mm512_slli_epi32::<24>(before);
        *to = _mm512_or_si512(high, _mm512_srli_epi32::<8>(word));
        before = word;
    }
}
