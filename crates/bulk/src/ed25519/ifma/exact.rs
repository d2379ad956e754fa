//! Decide signatures by their own equations, eight in eight lanes.

use std::arch::x86_64::*;
use std::sync::OnceLock;

use super::super::batch::{Candidate, Prepared};
use super::super::field::Fe;
use super::super::point::{Decoded, Point};
use super::super::scalar::{SCALAR_BITS, Scalar};
use super::field::{F8, LANES, Words8};
use super::point::{Cached8, P8};
use super::transpose::{from_row, load};

/// Bits of a signed digit.
const BITS: usize = 4;
const WINDOWS: usize = SCALAR_BITS / BITS + 1;
/// Multiples in a table: 1 to 2^(`BITS` - 1).
const MULTIPLES: usize = 1 << (BITS - 1);

/// One to eight times B: y + x, y - x and 2dxy, a limb of the eight multiples in each row.
type BaseTable = [[[u64; LANES]; 5]; 3];

fn base_table() -> &'static BaseTable {
    static TABLE: OnceLock<BaseTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let base = Decoded::base().point();
        let mut table = [[[0; LANES]; 5]; 3];
        let mut multiple = base;
        for index in 0..MULTIPLES {
            let parts = niels(&multiple);
            for (rows, part) in table.iter_mut().zip(parts) {
                for (row, limb) in rows.iter_mut().zip(part.0) {
                    row[index] = limb;
                }
            }
            multiple = multiple.add(&base.cached());
        }
        table
    })
}

/// y + x, y - x, 2dxy with reduced limbs.
fn niels(point: &Point) -> [Fe; 3] {
    let inverse = point.z.invert();
    let (x, y) = (point.x.mul(inverse), point.y.mul(inverse));
    // A multiplication by one reduces the sum.
    [y.add(x).mul(Fe::ONE), y.sub(x), x.mul(y).mul(Fe::D2)]
}

/// Digits of eight scalars: sizes and signs, window by window.
struct Digits {
    sizes: [[u64; LANES]; WINDOWS],
    negative: [__mmask8; WINDOWS],
}

impl Digits {
    fn new(scalars: [Scalar; LANES]) -> Self {
        let mut digits = Self { sizes: [[0; LANES]; WINDOWS], negative: [0; WINDOWS] };
        for (lane, scalar) in scalars.iter().enumerate() {
            scalar.digits(BITS, WINDOWS, |window, digit| {
                digits.sizes[window][lane] = u64::from(digit.unsigned_abs());
                digits.negative[window] |= u8::from(digit < 0) << lane;
            });
        }
        digits
    }
}

/// Multiples of eight points, for [`pick`].
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn table(point: &P8) -> [Cached8; MULTIPLES] {
    let one = point.cached();
    let mut table = [one; MULTIPLES];
    let mut multiple = *point;
    for entry in &mut table[1..] {
        multiple = multiple.add(&one);
        *entry = multiple.cached();
    }
    table
}

/// The multiple that each lane asks for.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn pick(table: &[Cached8; MULTIPLES], sizes: __m512i, negative: __mmask8) -> Cached8 {
    let mut picked = Cached8::neutral();
    for (index, entry) in table.iter().enumerate() {
        let mask = _mm512_cmpeq_epi64_mask(sizes, _mm512_set1_epi64(index as i64 + 1));
        picked = picked.blend(mask, entry);
    }
    picked.neg_lanes(negative)
}

/// Adds the multiple of B that each lane asks for.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn add_base(point: &P8, table: &BaseTable, sizes: __m512i, negative: __mmask8) -> P8 {
    // Size 0 looks up entry 7, which the neutral point then replaces.
    let index = _mm512_sub_epi64(sizes, _mm512_set1_epi64(1));
    let zero = _mm512_testn_epi64_mask(sizes, sizes);
    let part = |rows: &[[u64; LANES]; 5]| {
        let mut limbs = F8::zero();
        for (limb, row) in limbs.0.iter_mut().zip(rows) {
            *limb = _mm512_permutexvar_epi64(index, from_row(row));
        }
        limbs
    };
    let sum = part(&table[0]).blend(zero, F8::one());
    let difference = part(&table[1]).blend(zero, F8::one());
    let t2d = part(&table[2]).blend(zero, F8::zero()).neg_lanes(negative);
    point.add_affine(sum.blend(negative, difference), difference.blend(negative, sum), t2d)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn point_of(rows: [&[u64; 8]; LANES], negated: __mmask8) -> P8 {
    let words = |from: usize| -> Words8 {
        load(rows.map(|row| row[from..].first_chunk().expect("four words of eight")))
    };
    let x = F8::from_words(words(0));
    P8::from_affine(x.blend(negated, x.neg()), F8::from_words(words(4)))
}

/// Lanes where `8 (s B - k A - R)` is the neutral point.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn holds(prepared: &Prepared, eight: [&Candidate; LANES]) -> __mmask8 {
    let (mut r_negated, mut key_kept) = (0, 0);
    for (lane, candidate) in eight.iter().enumerate() {
        r_negated |= u8::from(!candidate.r.is_negated) << lane;
        key_kept |= u8::from(!candidate.key.is_negated) << lane;
    }
    let minus_r = point_of(eight.map(|c| &prepared.point(c.r).edwards), r_negated);
    let minus_key = point_of(eight.map(|c| &prepared.point(c.key).edwards), key_kept);
    let multiples = table(&minus_key);
    let (s, k) = (Digits::new(eight.map(|c| c.s)), Digits::new(eight.map(|c| c.k)));
    let base = base_table();
    let mut point = P8::neutral();
    for window in (0..WINDOWS).rev() {
        for _ in 0..BITS {
            point = point.double();
        }
        let sizes = from_row(&k.sizes[window]);
        point = point.add(&pick(&multiples, sizes, k.negative[window]));
        point = add_base(&point, base, from_row(&s.sizes[window]), s.negative[window]);
    }
    point = point.add(&minus_r.cached()).double().double().double();
    let equal = point.y.sub(point.z).zero_lanes();
    point.x.zero_lanes() & equal & !point.z.zero_lanes()
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn decide_each(prepared: &Prepared, candidates: &[Candidate]) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(candidates.len() + LANES);
    for group in candidates.chunks(LANES) {
        // Lanes without a candidate repeat the first one.
        let eight = std::array::from_fn(|lane| group.get(lane).unwrap_or(&group[0]));
        let holds = holds(prepared, eight);
        verdicts.extend((0..LANES).map(|lane| holds >> lane & 1 == 1));
    }
    verdicts.truncate(candidates.len());
    verdicts
}
