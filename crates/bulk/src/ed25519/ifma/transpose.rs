//! Turn rows of words in memory into lanes, and lanes into rows.

use std::arch::x86_64::*;

use super::field::{LANES, Words8};

/// Four words from each of eight places into lanes.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn load(places: [&[u64; 4]; LANES]) -> Words8 {
    let pair = |first: &[u64; 4], second: &[u64; 4]| {
        // SAFETY: both references are to 32 bytes; the loads need no alignment.
        let (first, second) = unsafe {
            (_mm256_loadu_si256(first.as_ptr().cast()), _mm256_loadu_si256(second.as_ptr().cast()))
        };
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(first), second)
    };
    let a = pair(places[0], places[2]);
    let b = pair(places[1], places[3]);
    let c = pair(places[4], places[6]);
    let d = pair(places[5], places[7]);
    // Lanes of the quarters: 0 1, 0 1, 2 3, 2 3 and 4 5, 4 5, 6 7, 6 7.
    let even = [_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d)];
    let odd = [_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d)];
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(even[0], even[1]),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(odd[0], odd[1]),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(even[0], even[1]),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(odd[0], odd[1]),
    ]
}

/// Quarters of four vectors to four vectors: vector i gets quarter i of each.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn quarters(rows: [__m512i; 4]) -> [__m512i; 4] {
    let [a, b, c, d] = rows;
    let ab =
        [_mm512_shuffle_i64x2::<0b01_00_01_00>(a, b), _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b)];
    let cd =
        [_mm512_shuffle_i64x2::<0b01_00_01_00>(c, d), _mm512_shuffle_i64x2::<0b11_10_11_10>(c, d)];
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab[0], cd[0]),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab[0], cd[0]),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(ab[1], cd[1]),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(ab[1], cd[1]),
    ]
}

/// Lanes to eight rows: four words of `first`, then four of `second`.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn store(first: Words8, second: Words8) -> [__m512i; LANES] {
    let even = quarters([
        _mm512_unpacklo_epi64(first[0], first[1]),
        _mm512_unpacklo_epi64(first[2], first[3]),
        _mm512_unpacklo_epi64(second[0], second[1]),
        _mm512_unpacklo_epi64(second[2], second[3]),
    ]);
    let odd = quarters([
        _mm512_unpackhi_epi64(first[0], first[1]),
        _mm512_unpackhi_epi64(first[2], first[3]),
        _mm512_unpackhi_epi64(second[0], second[1]),
        _mm512_unpackhi_epi64(second[2], second[3]),
    ]);
    [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
}

/// Eight words in memory as a vector.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn from_row(row: &[u64; LANES]) -> __m512i {
    // SAFETY: the reference is to 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

/// A vector as eight words in memory.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn to_row(vector: __m512i) -> [u64; LANES] {
    let mut row = [0; LANES];
    // SAFETY: the array takes 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), vector) };
    row
}
