//! Compress blocks in the sixteen lanes of AVX-512 registers, in one or two groups of registers.
//!
//! Every step of a round waits for the one before; the rounds of two groups fill each other's gaps.

use super::many::{Group, LANES, Prefixed};
use super::padding::Padding;
use super::{BLOCK_BYTES, DIGEST_BYTES, INITIAL, ROUND_CONSTANTS};
use std::arch::x86_64::*;

/// Truth tables for `vpternlog`: exclusive or, majority, and choice by the first operand.
const XOR3: i32 = 0x96;
const MAJORITY: i32 = 0xe8;
const CHOICE: i32 = 0xca;

/// Word `i` of the states of sixteen messages in register `i`.
pub(super) type States = [__m512i; 8];

/// Writes the digest of each message to the place in `digests` that `places` has for its lane;
/// lanes beyond `places` are dropped. All lanes run as long as the longest one. `padding` is kept
/// for the next call: lengths repeat.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn hash<const G: usize>(
    group: &Group<G>,
    padding: &mut Padding,
    places: &[u32],
    digests: &mut [[u8; DIGEST_BYTES]],
) {
    let (messages, first) = (&group.messages, group.messages[0][0]);
    let mut states = first_states(group);
    for index in 0..group.blocks {
        if group.is_one_length && first.len() <= index * BLOCK_BYTES {
            padding.set(first, index);
            compress_padding(&mut states, padding);
            continue;
        }
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
        compress(&mut states, &mut blocks, running);
    }
    for (states, places) in states.iter().zip(places.chunks(LANES)) {
        for (&place, digest) in places.iter().zip(digests_of(states)) {
            let digest_bytes = &mut digests[place as usize];
            // SAFETY: a digest has 32 bytes, which is what the store writes.
            unsafe { _mm256_storeu_si256(digest_bytes.as_mut_ptr().cast(), digest) };
        }
    }
}

/// States before the first block of each message.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn first_states<const G: usize>(group: &Group<G>) -> [States; G] {
    if group.is_one_length && group.messages[0][0].hashed_bytes == 0 {
        let mut state = [_mm512_setzero_si512(); 8];
        for (register, word) in state.iter_mut().zip(INITIAL) {
            *register = _mm512_set1_epi32(word as i32);
        }
        return [state; G];
    }
    let mut states = [[_mm512_setzero_si512(); 8]; G];
    for (states, messages) in states.iter_mut().zip(&group.messages) {
        let mut rows = [_mm512_setzero_si512(); LANES];
        for (row, message) in rows.iter_mut().zip(messages) {
            // SAFETY: a state has eight 32-bit words, which are what the mask lets the load read.
            *row = unsafe { _mm512_maskz_loadu_epi32(0xff, message.state.as_ptr().cast()) };
        }
        states.copy_from_slice(&transpose(rows)[..8]);
    }
    states
}

/// The digest of each lane: transposes eight rows of sixteen words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn digests_of(states: &States) -> [__m256i; LANES] {
    let rows = swap(*states);
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Lane 4q + i of the first or second four words lies in quarter q of register i.
    let mut fours = [[_mm512_setzero_si512(); 4]; 2];
    for (half, fours) in fours.iter_mut().enumerate() {
        let pairs = &pairs[4 * half..];
        fours[0] = _mm512_unpacklo_epi64(pairs[0], pairs[2]);
        fours[1] = _mm512_unpackhi_epi64(pairs[0], pairs[2]);
        fours[2] = _mm512_unpacklo_epi64(pairs[1], pairs[3]);
        fours[3] = _mm512_unpackhi_epi64(pairs[1], pairs[3]);
    }
    let mut digests = [_mm256_setzero_si256(); LANES];
    let quarters = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let later = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for i in 0..4 {
        let (low, high) = (fours[0][i], fours[1][i]);
        let first = _mm512_permutex2var_epi64(low, quarters, high);
        let second = _mm512_permutex2var_epi64(low, later, high);
        digests[i] = _mm512_castsi512_si256(first);
        digests[4 + i] = _mm512_extracti64x4_epi64::<1>(first);
        digests[8 + i] = _mm512_castsi512_si256(second);
        digests[12 + i] = _mm512_extracti64x4_epi64::<1>(second);
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
    let end = message.len();
    let first = body.as_ptr().wrapping_add(start).wrapping_sub(head.len());
    if head.len() <= start && start + BLOCK_BYTES <= end {
        // SAFETY: the whole block lies in the body.
        return unsafe { _mm512_loadu_si512(first.cast()) };
    }
    let from_body = head.len().saturating_sub(start).min(BLOCK_BYTES);
    let until = end.saturating_sub(start).min(BLOCK_BYTES);
    let mask = ones(until) & !ones(from_body);
    let mut row = _mm512_setzero_si512();
    // A masked load of nothing is slow where the bytes around it are not there.
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
        let bits = message.whole_bytes().wrapping_mul(8);
        row = _mm512_mask_set1_epi64(row, 1 << 7, bits.swap_bytes() as i64);
    }
    row
}

/// Turns words from big-endian to native byte order, or back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn swap<const N: usize>(mut rows: [__m512i; N]) -> [__m512i; N] {
    let big_endian = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    for row in &mut rows {
        *row = _mm512_shuffle_epi8(*row, big_endian);
    }
    rows
}

/// Turns sixteen blocks into sixteen registers of one message word each, or back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn transpose(mut rows: [__m512i; LANES]) -> [__m512i; LANES] {
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

/// Round `$j` + `$i` of all groups, with the two words of the message that `$words` finds for
/// `$i`. It writes to two words of the state and turns two; their names rotate instead of the
/// values. A function would not be inlined so often.
macro_rules! round {
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal,
     $states:ident, $late:literal, $j:expr, $index:literal,
     |$group:ident, $i:ident| $words:expr) => {{
        const $i: usize = $index;
        let constant = _mm512_set1_epi32(ROUND_CONSTANTS[$j + $i] as i32);
        for $group in 0..G {
            let [word, mixed] = $words;
            let s = &mut $states[$group];
            let a12 = _mm512_rol_epi32::<12>(s[$a]);
            let sum = _mm512_add_epi32(_mm512_add_epi32(s[$e], constant), a12);
            let ss1 = _mm512_rol_epi32::<7>(sum);
            let ss2 = _mm512_xor_si512(ss1, a12);
            const FF: i32 = if $late { MAJORITY } else { XOR3 };
            const GG: i32 = if $late { CHOICE } else { XOR3 };
            let ff = _mm512_ternarylogic_epi32::<FF>(s[$a], s[$b], s[$c]);
            let gg = _mm512_ternarylogic_epi32::<GG>(s[$e], s[$f], s[$g]);
            let early = _mm512_add_epi32(_mm512_add_epi32(s[$d], mixed), ff);
            s[$d] = _mm512_add_epi32(early, ss2);
            let early = _mm512_add_epi32(_mm512_add_epi32(s[$h], word), gg);
            let tt2 = _mm512_add_epi32(early, ss1);
            s[$b] = _mm512_rol_epi32::<9>(s[$b]);
            s[$f] = _mm512_rol_epi32::<19>(s[$f]);
            let (nine, seventeen) = (_mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
            s[$h] = _mm512_ternarylogic_epi32::<XOR3>(tt2, nine, seventeen);
        }
    }};
}

/// Rounds `$j` to `$j` + 3.
macro_rules! four {
    ($states:ident, $late:literal, $j:expr, |$group:ident, $i:ident| $words:expr) => {
        round!(0 1 2 3 4 5 6 7, $states, $late, $j, 0, |$group, $i| $words);
        round!(3 0 1 2 7 4 5 6, $states, $late, $j, 1, |$group, $i| $words);
        round!(2 3 0 1 6 7 4 5, $states, $late, $j, 2, |$group, $i| $words);
        round!(1 2 3 0 5 6 7 4, $states, $late, $j, 3, |$group, $i| $words);
    };
}

/// Compression function of [`super::compress`], for the lanes named in `running` alone; `w` is used
/// up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn compress<const G: usize>(
    states: &mut [States; G],
    w: &mut [[__m512i; LANES]; G],
    running: [u16; G],
) {
    let mut s = *states;
    // The words of a round are not read again once it is done, except by `expand`.
    macro_rules! own {
        ($late:literal, $j:expr, $k:literal) => {
            four!(s, $late, $j, |group, I| {
                let w = &w[group];
                [w[$k + I], _mm512_xor_si512(w[$k + I], w[($k + I + 4) & 15])]
            })
        };
    }
    macro_rules! sixteen {
        ($late:literal, $j:expr) => {
            own!($late, $j, 0);
            expand(w, 0);
            own!($late, $j + 4, 4);
            expand(w, 4);
            own!($late, $j + 8, 8);
            expand(w, 8);
            own!($late, $j + 12, 12);
            expand(w, 12);
        };
    }
    sixteen!(false, 0);
    sixteen!(true, 16);
    sixteen!(true, 32);
    own!(true, 48, 0);
    expand(w, 0);
    own!(true, 52, 4);
    own!(true, 56, 8);
    own!(true, 60, 12);
    for group in 0..G {
        for (word, mixed) in states[group].iter_mut().zip(s[group]) {
            *word = _mm512_mask_xor_epi32(*word, running[group], *word, mixed);
        }
    }
}

/// Compression function for a block that all lanes have.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress_padding<const G: usize>(states: &mut [States; G], padding: &Padding) {
    let mut s = *states;
    macro_rules! common {
        ($late:literal, $j:expr) => {
            four!(s, $late, $j, |group, I| {
                let (word, mixed) = (padding.words[$j + I] as i32, padding.mixed[$j + I] as i32);
                [_mm512_set1_epi32(word), _mm512_set1_epi32(mixed)]
            })
        };
    }
    for j in (0..16).step_by(4) {
        common!(false, j);
    }
    for j in (16..64).step_by(4) {
        common!(true, j);
    }
    for (states, s) in states.iter_mut().zip(s) {
        for (word, mixed) in states.iter_mut().zip(s) {
            *word = _mm512_xor_si512(*word, mixed);
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
