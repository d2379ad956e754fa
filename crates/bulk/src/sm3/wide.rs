//! Compress blocks in the sixteen lanes of AVX-512 registers, in one or two groups of registers.
//!
//! Every step of a round waits for the one before; the rounds of two groups fill each other's gaps.

use super::many::{LANES, Prefixed};
use super::{BLOCK_BYTES, DIGEST_BYTES, ROUND_CONSTANTS};
use std::arch::x86_64::*;

/// Truth tables for `vpternlog`: exclusive or, majority, and choice by the first operand.
const XOR3: i32 = 0x96;
const MAJORITY: i32 = 0xe8;
const CHOICE: i32 = 0xca;

/// Digests of messages; all lanes run as long as the longest one.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn hash<const G: usize>(
    messages: &[[&Prefixed; LANES]; G],
) -> [[[u8; DIGEST_BYTES]; LANES]; G] {
    let mut state = [[_mm512_setzero_si512(); 8]; G];
    let mut longest = 0;
    for (state, messages) in state.iter_mut().zip(messages) {
        let mut rows = [_mm512_setzero_si512(); LANES];
        for (row, message) in rows.iter_mut().zip(messages) {
            longest = longest.max(message.blocks());
            // SAFETY: a state has eight 32-bit words, which are what the mask lets the load read.
            *row = unsafe { _mm512_maskz_loadu_epi32(0xff, message.state.as_ptr().cast()) };
        }
        state.copy_from_slice(&transpose(rows)[..8]);
    }
    for index in 0..longest {
        let mut blocks = [[_mm512_setzero_si512(); LANES]; G];
        let mut running = [0u16; G];
        for group in 0..G {
            for (lane, message) in messages[group].iter().enumerate() {
                let count = message.blocks();
                if index < count {
                    running[group] |= 1 << lane;
                    blocks[group][lane] = row(message, index, index + 1 == count);
                }
            }
            blocks[group] = transpose(swap(blocks[group]));
        }
        compress(&mut state, &mut blocks, running);
    }
    let mut digests = [[[0; DIGEST_BYTES]; LANES]; G];
    for (state, digests) in state.iter().zip(&mut digests) {
        let mut rows = [_mm512_setzero_si512(); LANES];
        rows[..8].copy_from_slice(state);
        for (digest, row) in digests.iter_mut().zip(swap(transpose(rows))) {
            // SAFETY: a digest has 32 bytes, which is what the store writes.
            unsafe { _mm256_storeu_si256(digest.as_mut_ptr().cast(), _mm512_castsi512_si256(row)) };
        }
    }
    digests
}

/// The lowest `count` bits, for `count` up to 64.
#[inline]
const fn ones(count: usize) -> u64 {
    if count < BLOCK_BYTES { (1 << count) - 1 } else { u64::MAX }
}

/// Block number `index` of a message as one register, padding included: what
/// [`Prefixed::block`] gives, without a detour through memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn row(message: &Prefixed, index: usize, is_last: bool) -> __m512i {
    let start = index * BLOCK_BYTES;
    let (head, body) = (message.head, message.body);
    let end = head.len() + body.len();
    let from_body = head.len().saturating_sub(start).min(BLOCK_BYTES);
    let until = end.saturating_sub(start).min(BLOCK_BYTES);
    // A masked load of nothing is slow where the bytes around it are not there.
    let mask = ones(until) & !ones(from_body);
    let first = body.as_ptr().wrapping_add(start).wrapping_sub(head.len());
    let mut row = _mm512_setzero_si512();
    if mask == u64::MAX {
        // SAFETY: the whole block lies in the body, as for the masked load below.
        return unsafe { _mm512_loadu_si512(first.cast()) };
    }
    if mask != 0 {
        // SAFETY: byte `i` of the register is read only where the mask has bit `i`: there
        // `start + i` is at least the length of the head and below that of both, so that the byte
        // lies in the body.
        row = unsafe { _mm512_maskz_loadu_epi8(mask, first.cast()) };
    }
    if from_body > 0 {
        // SAFETY: as above; bits below `from_body` are places in the head, from `start` on.
        row = unsafe {
            let first = head.as_ptr().wrapping_add(start);
            _mm512_mask_loadu_epi8(row, ones(from_body), first.cast())
        };
    }
    if until < BLOCK_BYTES && end >= start {
        row = _mm512_mask_set1_epi8(row, 1 << until, 0x80u8 as i8);
    }
    if is_last {
        let bits = message.hashed_bytes.wrapping_add(end as u64).wrapping_mul(8);
        row = _mm512_mask_set1_epi64(row, 1 << 7, bits.swap_bytes() as i64);
    }
    row
}

/// Turns words from big-endian to native byte order, or back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn swap(mut rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let big_endian = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    for row in &mut rows {
        *row = _mm512_shuffle_epi8(*row, big_endian);
    }
    rows
}

/// Turns sixteen blocks into sixteen registers of one message word each, or back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(mut rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut mixed = rows;
    for i in 0..8 {
        mixed[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        mixed[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    for i in 0..4 {
        rows[4 * i] = _mm512_unpacklo_epi64(mixed[4 * i], mixed[4 * i + 2]);
        rows[4 * i + 1] = _mm512_unpackhi_epi64(mixed[4 * i], mixed[4 * i + 2]);
        rows[4 * i + 2] = _mm512_unpacklo_epi64(mixed[4 * i + 1], mixed[4 * i + 3]);
        rows[4 * i + 3] = _mm512_unpackhi_epi64(mixed[4 * i + 1], mixed[4 * i + 3]);
    }
    for half in 0..2 {
        for i in 0..4 {
            let (low, high) = (rows[8 * half + i], rows[8 * half + 4 + i]);
            mixed[8 * half + i] = _mm512_shuffle_i32x4::<0x88>(low, high);
            mixed[8 * half + 4 + i] = _mm512_shuffle_i32x4::<0xdd>(low, high);
        }
    }
    // Quarter `q` of the registers now holds the words 4q to 4q + 3 of half of the lanes.
    for i in 0..4 {
        let (low, high) = (mixed[i], mixed[8 + i]);
        rows[i] = _mm512_shuffle_i32x4::<0x88>(low, high);
        rows[8 + i] = _mm512_shuffle_i32x4::<0xdd>(low, high);
        let (low, high) = (mixed[4 + i], mixed[12 + i]);
        rows[4 + i] = _mm512_shuffle_i32x4::<0x88>(low, high);
        rows[12 + i] = _mm512_shuffle_i32x4::<0xdd>(low, high);
    }
    rows
}

/// Compression function of [`super::compress`], for the lanes named in `running` alone; `w` is used
/// up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress<const G: usize>(
    state: &mut [[__m512i; 8]; G],
    w: &mut [[__m512i; LANES]; G],
    running: [u16; G],
) {
    let mut s = *state;
    // The round writes to s[d] and s[h]; the names rotate instead of the values.
    macro_rules! round {
        ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal,
         $j:expr, $k:expr, $ff:expr, $gg:expr) => {{
            let constant = _mm512_set1_epi32(ROUND_CONSTANTS[$j] as i32);
            for group in 0..G {
                let (s, w) = (&mut s[group], &w[group]);
                let a12 = _mm512_rol_epi32::<12>(s[$a]);
                let sum = _mm512_add_epi32(_mm512_add_epi32(s[$e], constant), a12);
                let ss1 = _mm512_rol_epi32::<7>(sum);
                let ss2 = _mm512_xor_si512(ss1, a12);
                let ff = _mm512_ternarylogic_epi32::<{ $ff }>(s[$a], s[$b], s[$c]);
                let gg = _mm512_ternarylogic_epi32::<{ $gg }>(s[$e], s[$f], s[$g]);
                let mixed = _mm512_xor_si512(w[$k], w[($k + 4) & 15]);
                let early = _mm512_add_epi32(_mm512_add_epi32(s[$d], mixed), ff);
                s[$d] = _mm512_add_epi32(early, ss2);
                let early = _mm512_add_epi32(_mm512_add_epi32(s[$h], w[$k]), gg);
                let tt2 = _mm512_add_epi32(early, ss1);
                s[$b] = _mm512_rol_epi32::<9>(s[$b]);
                s[$f] = _mm512_rol_epi32::<19>(s[$f]);
                let (nine, seventeen) = (_mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
                s[$h] = _mm512_ternarylogic_epi32::<XOR3>(tt2, nine, seventeen);
            }
        }};
    }
    macro_rules! four {
        ($j:expr, $k:expr, $ff:expr, $gg:expr) => {
            round!(0 1 2 3 4 5 6 7, $j, $k, $ff, $gg);
            round!(3 0 1 2 7 4 5 6, $j + 1, $k + 1, $ff, $gg);
            round!(2 3 0 1 6 7 4 5, $j + 2, $k + 2, $ff, $gg);
            round!(1 2 3 0 5 6 7 4, $j + 3, $k + 3, $ff, $gg);
        };
    }
    // The words of a round are not read again once the round is done, except by `expand`.
    macro_rules! sixteen {
        ($j:expr, $ff:expr, $gg:expr) => {
            four!($j, 0, $ff, $gg);
            expand(w, 0);
            four!($j + 4, 4, $ff, $gg);
            expand(w, 4);
            four!($j + 8, 8, $ff, $gg);
            expand(w, 8);
            four!($j + 12, 12, $ff, $gg);
            expand(w, 12);
        };
    }
    sixteen!(0, XOR3, XOR3);
    sixteen!(16, MAJORITY, CHOICE);
    sixteen!(32, MAJORITY, CHOICE);
    four!(48, 0, MAJORITY, CHOICE);
    expand(w, 0);
    four!(52, 4, MAJORITY, CHOICE);
    four!(56, 8, MAJORITY, CHOICE);
    four!(60, 12, MAJORITY, CHOICE);
    for group in 0..G {
        for (word, mixed) in state[group].iter_mut().zip(s[group]) {
            *word = _mm512_mask_xor_epi32(*word, running[group], *word, mixed);
        }
    }
}

/// Replaces the words `first` to `first` + 3 of the rings by those sixteen later.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn expand<const G: usize>(w: &mut [[__m512i; LANES]; G], first: usize) {
    for k in first..first + 4 {
        for w in &mut *w {
            let late = _mm512_rol_epi32::<15>(w[(k + 13) & 15]);
            let x = _mm512_ternarylogic_epi32::<XOR3>(w[k], w[(k + 7) & 15], late);
            let (x15, x23) = (_mm512_rol_epi32::<15>(x), _mm512_rol_epi32::<23>(x));
            let p1 = _mm512_ternarylogic_epi32::<XOR3>(x, x15, x23);
            let early = _mm512_rol_epi32::<7>(w[(k + 3) & 15]);
            w[k] = _mm512_ternarylogic_epi32::<XOR3>(p1, early, w[(k + 10) & 15]);
        }
    }
}
