//! Compress sixteen blocks in the sixteen lanes of AVX-512 registers.

use super::many::{LANES, Prefixed};
use super::{BLOCK_BYTES, ROUND_CONSTANTS};
use std::arch::x86_64::*;

/// Truth tables for `vpternlog`: exclusive or, majority, and choice by the first operand.
const XOR3: i32 = 0x96;
const MAJORITY: i32 = 0xe8;
const CHOICE: i32 = 0xca;

/// States after the whole of each message; all lanes run as long as the longest one.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn hash(messages: &[&Prefixed; LANES]) -> [[u32; 8]; LANES] {
    let mut words = [[0u32; LANES]; 8];
    for (lane, message) in messages.iter().enumerate() {
        for (word, value) in words.iter_mut().zip(message.state) {
            word[lane] = value;
        }
    }
    let mut state = [_mm512_setzero_si512(); 8];
    for (register, word) in state.iter_mut().zip(&words) {
        // SAFETY: a row holds sixteen 32-bit words, which is what the load reads.
        *register = unsafe { _mm512_loadu_si512(word.as_ptr().cast()) };
    }
    let mut blocks = [0; LANES];
    let mut longest = 0;
    for (count, message) in blocks.iter_mut().zip(messages) {
        *count = message.blocks();
        longest = longest.max(*count);
    }
    for index in 0..longest {
        let mut rows = [_mm512_setzero_si512(); LANES];
        let mut running = 0u16;
        for lane in 0..LANES {
            if index < blocks[lane] {
                running |= 1 << lane;
                rows[lane] = row(messages[lane], index, index + 1 == blocks[lane]);
            }
        }
        compress(&mut state, &transpose(rows), running);
    }
    for (register, word) in state.iter().zip(&mut words) {
        // SAFETY: a row holds sixteen 32-bit words, which is what the store writes.
        unsafe { _mm512_storeu_si512(word.as_mut_ptr().cast(), *register) };
    }
    let mut states = [[0; 8]; LANES];
    for (lane, state) in states.iter_mut().enumerate() {
        for (place, word) in state.iter_mut().zip(&words) {
            *place = word[lane];
        }
    }
    states
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
    let mask = ones(until) & !ones(from_body);
    // SAFETY: byte `i` of the register is read only where the mask has bit `i`: there `start + i`
    // is at least the length of the head and below that of both, so the byte lies in the body.
    let mut row = unsafe {
        let first = body.as_ptr().wrapping_add(start).wrapping_sub(head.len());
        _mm512_maskz_loadu_epi8(mask, first.cast())
    };
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

/// Turns sixteen blocks into sixteen registers of one message word each, in native byte order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose(mut rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let big_endian = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    let mut mixed = rows;
    for row in &mut rows {
        *row = _mm512_shuffle_epi8(*row, big_endian);
    }
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

/// Compression function of [`super::compress`], for the lanes named in `running` alone.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress(state: &mut [__m512i; 8], block: &[__m512i; LANES], running: u16) {
    let mut w = *block;
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident,
         $j:expr, $k:expr, $ff:expr, $gg:expr) => {{
            let a12 = _mm512_rol_epi32::<12>($a);
            let constant = _mm512_set1_epi32(ROUND_CONSTANTS[$j] as i32);
            // Sums are put together so that what comes last from the round before is added last.
            let sum = _mm512_add_epi32(_mm512_add_epi32($e, constant), a12);
            let ss1 = _mm512_rol_epi32::<7>(sum);
            let ss2 = _mm512_xor_si512(ss1, a12);
            let ff = _mm512_ternarylogic_epi32::<{ $ff }>($a, $b, $c);
            let gg = _mm512_ternarylogic_epi32::<{ $gg }>($e, $f, $g);
            let mixed = _mm512_xor_si512(w[$k], w[($k + 4) & 15]);
            $d = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32($d, mixed), ff), ss2);
            let tt2 = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32($h, w[$k]), gg), ss1);
            $b = _mm512_rol_epi32::<9>($b);
            $f = _mm512_rol_epi32::<19>($f);
            let (nine, seventeen) = (_mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
            $h = _mm512_ternarylogic_epi32::<XOR3>(tt2, nine, seventeen);
        }};
    }
    macro_rules! four {
        ($j:expr, $k:expr, $ff:expr, $gg:expr) => {
            round!(a b c d e f g h, $j, $k, $ff, $gg);
            round!(d a b c h e f g, $j + 1, $k + 1, $ff, $gg);
            round!(c d a b g h e f, $j + 2, $k + 2, $ff, $gg);
            round!(b c d a f g h e, $j + 3, $k + 3, $ff, $gg);
        };
    }
    // The words of a round are not read again once the round is done, except by `expand`.
    macro_rules! sixteen {
        ($j:expr, $ff:expr, $gg:expr) => {
            four!($j, 0, $ff, $gg);
            expand(&mut w, 0);
            four!($j + 4, 4, $ff, $gg);
            expand(&mut w, 4);
            four!($j + 8, 8, $ff, $gg);
            expand(&mut w, 8);
            four!($j + 12, 12, $ff, $gg);
            expand(&mut w, 12);
        };
    }
    sixteen!(0, XOR3, XOR3);
    sixteen!(16, MAJORITY, CHOICE);
    sixteen!(32, MAJORITY, CHOICE);
    four!(48, 0, MAJORITY, CHOICE);
    expand(&mut w, 0);
    four!(52, 4, MAJORITY, CHOICE);
    four!(56, 8, MAJORITY, CHOICE);
    four!(60, 12, MAJORITY, CHOICE);
    for (word, mixed) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = _mm512_mask_xor_epi32(*word, running, *word, mixed);
    }
}

/// Replaces the words `first` to `first` + 3 of the ring by those sixteen later.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn expand(w: &mut [__m512i; LANES], first: usize) {
    for k in first..first + 4 {
        let late = _mm512_rol_epi32::<15>(w[(k + 13) & 15]);
        let x = _mm512_ternarylogic_epi32::<XOR3>(w[k], w[(k + 7) & 15], late);
        let (x15, x23) = (_mm512_rol_epi32::<15>(x), _mm512_rol_epi32::<23>(x));
        let p1 = _mm512_ternarylogic_epi32::<XOR3>(x, x15, x23);
        let early = _mm512_rol_epi32::<7>(w[(k + 3) & 15]);
        w[k] = _mm512_ternarylogic_epi32::<XOR3>(p1, early, w[(k + 10) & 15]);
    }
}
