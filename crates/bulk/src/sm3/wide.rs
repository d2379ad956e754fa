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
    let mut scratch = [[0u8; BLOCK_BYTES]; LANES];
    for index in 0..longest {
        let mut rows = [_mm512_setzero_si512(); LANES];
        let mut running = 0u16;
        for lane in 0..LANES {
            if index < blocks[lane] {
                running |= 1 << lane;
                let block = messages[lane].block(index, &mut scratch[lane]);
                // SAFETY: a block has 64 bytes, which is what the load reads.
                rows[lane] = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            }
        }
        compress(&mut state, &transpose(rows), running);
    }
    for (register, word) in state.iter().zip(&mut words) {
        // SAFETY: a row holds sixteen 32-bit words, which is what the store writes.
        unsafe { _mm512_storeu_si512(word.as_mut_ptr().cast(), *register) };
    }
    std::array::from_fn(|lane| std::array::from_fn(|word| words[word][lane]))
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
            let sum = _mm512_add_epi32(_mm512_add_epi32(a12, $e), constant);
            let ss1 = _mm512_rol_epi32::<7>(sum);
            let ss2 = _mm512_xor_si512(ss1, a12);
            let ff = _mm512_ternarylogic_epi32::<{ $ff }>($a, $b, $c);
            let gg = _mm512_ternarylogic_epi32::<{ $gg }>($e, $f, $g);
            let mixed = _mm512_xor_si512(w[$k], w[($k + 4) & 15]);
            $d = _mm512_add_epi32(_mm512_add_epi32($d, mixed), _mm512_add_epi32(ff, ss2));
            let tt2 = _mm512_add_epi32(_mm512_add_epi32($h, w[$k]), _mm512_add_epi32(gg, ss1));
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
