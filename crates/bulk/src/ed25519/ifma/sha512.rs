//! Hash eight messages in eight lanes with SHA-512.
//!
//! Source: FIPS 180-4, sections 4.1.3, 5.1.2 and 6.4.

use std::arch::x86_64::*;

use zeroize::{Zeroize, Zeroizing};

use super::super::Item;
use super::super::scalar::Scalar;
use super::super::sign::DIGEST_BYTES;
use super::field::LANES;
use super::transpose::{load, to_row};

const BLOCK_BYTES: usize = 128;
/// Bytes of a seed, and of what is hashed before a message for its nonce.
const SECRET_BYTES: usize = 32;
const ROUNDS: usize = 80;
/// Bytes of the padding: a one bit and the length of the message in bits.
const PADDING_BYTES: usize = 17;
/// Initial hash value (section 5.3.5).
const INITIAL: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];
/// Constants of the rounds (section 4.2.3).
const CONSTANTS: [u64; ROUNDS] = [
    0x428a2f98d728ae22,
    0x7137449123ef65cd,
    0xb5c0fbcfec4d3b2f,
    0xe9b5dba58189dbbc,
    0x3956c25bf348b538,
    0x59f111f1b605d019,
    0x923f82a4af194f9b,
    0xab1c5ed5da6d8118,
    0xd807aa98a3030242,
    0x12835b0145706fbe,
    0x243185be4ee4b28c,
    0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f,
    0x80deb1fe3b1696b1,
    0x9bdc06a725c71235,
    0xc19bf174cf692694,
    0xe49b69c19ef14ad2,
    0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5,
    0x240ca1cc77ac9c65,
    0x2de92c6f592b0275,
    0x4a7484aa6ea6e483,
    0x5cb0a9dcbd41fbd4,
    0x76f988da831153b5,
    0x983e5152ee66dfab,
    0xa831c66d2db43210,
    0xb00327c898fb213f,
    0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2,
    0xd5a79147930aa725,
    0x06ca6351e003826f,
    0x142929670a0e6e70,
    0x27b70a8546d22ffc,
    0x2e1b21385c26c926,
    0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df,
    0x650a73548baf63de,
    0x766a0abb3c77b2a8,
    0x81c2c92e47edaee6,
    0x92722c851482353b,
    0xa2bfe8a14cf10364,
    0xa81a664bbc423001,
    0xc24b8b70d0f89791,
    0xc76c51a30654be30,
    0xd192e819d6ef5218,
    0xd69906245565a910,
    0xf40e35855771202a,
    0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8,
    0x1e376c085141ab53,
    0x2748774cdf8eeb99,
    0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63,
    0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc,
    0x78a5636f43172f60,
    0x84c87814a1f0ab72,
    0x8cc702081a6439ec,
    0x90befffa23631e28,
    0xa4506cebde82bde9,
    0xbef9a3f7b2c67915,
    0xc67178f2e372532b,
    0xca273eceea26619c,
    0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e,
    0xf57d4f7fee6ed178,
    0x06f067aa72176fba,
    0x0a637dc5a2c898a6,
    0x113f9804bef90dae,
    0x1b710b35131c471b,
    0x28db77f523047d84,
    0x32caab7b40c72493,
    0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6,
    0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec,
    0x6c44198c4a475817,
];

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn plus(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi64(a, b)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

/// Words of a block of each lane, most significant byte first.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn read(blocks: [&[u8; BLOCK_BYTES]; LANES]) -> [__m512i; 16] {
    let mut words = [_mm512_setzero_si512(); 16];
    for (quarter, words) in words.chunks_exact_mut(4).enumerate() {
        let rows = blocks.map(|block| -> [u64; 4] {
            std::array::from_fn(|i| {
                let at = 32 * quarter + 8 * i;
                u64::from_be_bytes(block[at..at + 8].try_into().expect("eight bytes"))
            })
        });
        words.copy_from_slice(&load(std::array::from_fn(|lane| &rows[lane])));
    }
    words
}

/// Absorbs a block into the state of each lane.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn compress(state: &mut [__m512i; 8], mut words: [__m512i; 16], active: __mmask8) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for from in (0..ROUNDS).step_by(16) {
        for i in 0..16 {
            let sum1 = xor3(
                _mm512_ror_epi64::<14>(e),
                _mm512_ror_epi64::<18>(e),
                _mm512_ror_epi64::<41>(e),
            );
            let choice = _mm512_ternarylogic_epi64::<0xca>(e, f, g);
            let constant = _mm512_set1_epi64(CONSTANTS[from + i] as i64);
            let first = plus(plus(h, sum1), plus(choice, plus(constant, words[i])));
            let sum0 = xor3(
                _mm512_ror_epi64::<28>(a),
                _mm512_ror_epi64::<34>(a),
                _mm512_ror_epi64::<39>(a),
            );
            let majority = _mm512_ternarylogic_epi64::<0xe8>(a, b, c);
            (h, g, f, e) = (g, f, e, plus(d, first));
            (d, c, b, a) = (c, b, a, plus(first, plus(sum0, majority)));
            let (w1, w14) = (words[(i + 1) % 16], words[(i + 14) % 16]);
            let mixed0 = xor3(
                _mm512_ror_epi64::<1>(w1),
                _mm512_ror_epi64::<8>(w1),
                _mm512_srli_epi64::<7>(w1),
            );
            let mixed1 = xor3(
                _mm512_ror_epi64::<19>(w14),
                _mm512_ror_epi64::<61>(w14),
                _mm512_srli_epi64::<6>(w14),
            );
            words[i] = plus(plus(words[i], mixed0), plus(words[(i + 9) % 16], mixed1));
        }
    }
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = _mm512_mask_add_epi64(*word, active, *word, new);
    }
}

/// Appends the padding of SHA-512 (section 5.1.2).
pub(super) fn pad(message: &mut Vec<u8>) {
    let bits = 8 * message.len() as u128;
    let bytes = padded_bytes(message.len());
    message.push(0x80);
    message.resize(bytes - 16, 0);
    message.extend_from_slice(&bits.to_be_bytes());
}

/// Bytes of a message with its padding.
pub(super) const fn padded_bytes(bytes: usize) -> usize {
    (bytes + PADDING_BYTES).next_multiple_of(BLOCK_BYTES)
}

/// Digests of eight padded messages; that of no blocks has no meaning.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn digest(padded: &[Vec<u8>; LANES]) -> [[u8; DIGEST_BYTES]; LANES] {
    let mut state = INITIAL.map(|word| _mm512_set1_epi64(word as i64));
    let bytes_max = padded.iter().map(Vec::len).max().unwrap_or(0);
    for at in (0..bytes_max).step_by(BLOCK_BYTES) {
        let mut active = 0;
        let blocks = std::array::from_fn(|lane| {
            let block = padded[lane].get(at..at + BLOCK_BYTES);
            active |= u8::from(block.is_some()) << lane;
            block.and_then(|block| block.try_into().ok()).unwrap_or(&[0; BLOCK_BYTES])
        });
        compress(&mut state, read(blocks), active);
    }
    let mut digests = [[0; DIGEST_BYTES]; LANES];
    for (at, word) in state.into_iter().enumerate() {
        let mut row = to_row(word);
        for (digest, word) in digests.iter_mut().zip(row) {
            digest[8 * at..8 * at + 8].copy_from_slice(&word.to_be_bytes());
        }
        row.zeroize();
    }
    digests
}

/// SHA-512 of R, A and the message of each item, modulo l.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn hash(items: &[Item<'_>]) -> Vec<Scalar> {
    let mut scalars = Vec::with_capacity(items.len());
    let mut padded: [Vec<u8>; LANES] = Default::default();
    for group in items.chunks(LANES) {
        padded.iter_mut().for_each(Vec::clear);
        for (item, padded) in group.iter().zip(&mut padded) {
            padded.extend_from_slice(&item.signature[..32]);
            padded.extend_from_slice(item.public_key);
            item.message.iter().for_each(|part| padded.extend_from_slice(part));
            pad(padded);
        }
        let digests = digest(&padded);
        scalars.extend(digests[..group.len()].iter().map(Scalar::from_wide));
    }
    scalars
}

/// Hands SHA-512 of each secret and its public message to `read`; overwrites its copies of the
/// secret.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn hash_secrets<'a>(
    mut items: impl Iterator<Item = (&'a [u8; SECRET_BYTES], &'a [&'a [u8]])>,
    mut read: impl FnMut(&[u8; DIGEST_BYTES]),
) {
    let mut padded: [Vec<u8>; LANES] = Default::default();
    loop {
        let mut count = 0;
        for ((secret, message), padded) in items.by_ref().take(LANES).zip(&mut padded) {
            let bytes = SECRET_BYTES + message.iter().map(|part| part.len()).sum::<usize>();
            // With room for all, the secret is never moved.
            padded.reserve(padded_bytes(bytes));
            padded.extend_from_slice(secret);
            message.iter().for_each(|part| padded.extend_from_slice(part));
            pad(padded);
            count += 1;
        }
        if count == 0 {
            break;
        }
        let digests = Zeroizing::new(digest(&padded));
        digests[..count].iter().for_each(&mut read);
        for padded in &mut padded {
            padded.iter_mut().take(SECRET_BYTES).for_each(Zeroize::zeroize);
            padded.clear();
        }
    }
}
