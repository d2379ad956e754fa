//! Compute in eight lanes a register with AVX-512 IFMA: five limbs of 52 bits, R = 2^260.
//!
//! Between operations a value is below 2 p and its limbs below 2^52 (the highest below 2^50).
//! p = -1 mod 2^52, so a Montgomery step needs no product for its quotient q: adding q p to the
//! sum removes its lowest limb and adds q (p + 1), which is sparse ([`Sparse`]).
//!
//! The functions here are inlined into [`Engine::execute`], which switches the features on.

use super::affine::{Point, REF_MASK, SIGN};
use super::engine::{Engine, LANES_MAX, MULTIPLES, Task};
use super::modulus::{Fe, Modulus, Sparse, Words, power_of_two};
use crate::Path;
use std::arch::x86_64::*;
use std::marker::PhantomData;

mod pick;

use pick::Multiples;

const LIMBS: usize = 5;
const LIMB_BITS: u32 = 52;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;
/// Bits of the highest limb that lie below 2^256.
const TOP_BITS: u32 = 256 - 4 * LIMB_BITS;
/// Lanes of a register.
const WIDTH: usize = 8;

type Limbs = [__m512i; LIMBS];

/// Writes out an array of limbs.
///
/// A closure handed to a library function is compiled without the processor features, and stays a
/// call there that costs more than what it does; so these kernels use none.
macro_rules! limbs {
    ($i:ident => $limb:expr) => {
        [
            {
                const $i: usize = 0;
                $limb
            },
            {
                const $i: usize = 1;
                $limb
            },
            {
                const $i: usize = 2;
                $limb
            },
            {
                const $i: usize = 3;
                $limb
            },
            {
                const $i: usize = 4;
                $limb
            },
        ]
    };
}

/// Computes each of the `K` sets of registers.
macro_rules! sets {
    ($k:ident => $set:expr) => {{
        let mut all = [[set(0); LIMBS]; K];
        for $k in 0..K {
            all[$k] = $set;
        }
        all
    }};
}

/// Eight lanes in each of `K` sets of registers, whose operations follow each other: the processor
/// overlaps them, and each set has all registers for its own product.
#[derive(Clone, Copy)]
pub(crate) struct Ifma<M, const K: usize>(PhantomData<M>);

const fn limbs_of(w: &Words) -> [u64; LIMBS] {
    [
        w[0] & LIMB_MASK,
        (w[0] >> 52 | w[1] << 12) & LIMB_MASK,
        (w[1] >> 40 | w[2] << 24) & LIMB_MASK,
        (w[2] >> 28 | w[3] << 36) & LIMB_MASK,
        w[3] >> 16,
    ]
}

#[inline(always)]
fn set(value: u64) -> __m512i {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe { _mm512_set1_epi64(value.cast_signed()) }
}

#[inline(always)]
fn set_half() -> __m256i {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe { _mm256_setzero_si256() }
}

/// The 52 bits of two parts of a limb.
#[inline(always)]
fn join(high: __m512i, low: __m512i) -> __m512i {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe { _mm512_and_si512(_mm512_or_si512(high, low), set(LIMB_MASK)) }
}

/// Four words in eight lanes, as limbs.
#[inline(always)]
fn pack(w: [__m512i; 4]) -> Limbs {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe {
        [
            _mm512_and_si512(w[0], set(LIMB_MASK)),
            join(_mm512_slli_epi64::<12>(w[1]), _mm512_srli_epi64::<52>(w[0])),
            join(_mm512_slli_epi64::<24>(w[2]), _mm512_srli_epi64::<40>(w[1])),
            join(_mm512_slli_epi64::<36>(w[3]), _mm512_srli_epi64::<28>(w[2])),
            _mm512_srli_epi64::<16>(w[3]),
        ]
    }
}

/// Limbs of values below 2^256, as words.
#[inline(always)]
fn unpack(l: Limbs) -> [__m512i; 4] {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe {
        [
            _mm512_or_si512(l[0], _mm512_slli_epi64::<52>(l[1])),
            _mm512_or_si512(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
            _mm512_or_si512(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
            _mm512_or_si512(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
        ]
    }
}

/// Exchanges rows and columns of eight registers of eight words.
#[inline(always)]
fn transpose(r: [__m512i; WIDTH]) -> [__m512i; WIDTH] {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe {
        let mut columns = [r[0]; WIDTH];
        let even = [
            _mm512_unpacklo_epi64(r[0], r[1]),
            _mm512_unpacklo_epi64(r[2], r[3]),
            _mm512_unpacklo_epi64(r[4], r[5]),
            _mm512_unpacklo_epi64(r[6], r[7]),
        ];
        let odds = [
            _mm512_unpackhi_epi64(r[0], r[1]),
            _mm512_unpackhi_epi64(r[2], r[3]),
            _mm512_unpackhi_epi64(r[4], r[5]),
            _mm512_unpackhi_epi64(r[6], r[7]),
        ];
        for (odd, [a, b, c, d]) in [even, odds].into_iter().enumerate() {
            let (ab, cd) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0x88>(c, d));
            columns[odd] = _mm512_shuffle_i64x2::<0x88>(ab, cd);
            columns[4 + odd] = _mm512_shuffle_i64x2::<0xdd>(ab, cd);
            let (ab, cd) = (_mm512_shuffle_i64x2::<0xdd>(a, b), _mm512_shuffle_i64x2::<0xdd>(c, d));
            columns[2 + odd] = _mm512_shuffle_i64x2::<0x88>(ab, cd);
            columns[6 + odd] = _mm512_shuffle_i64x2::<0xdd>(ab, cd);
        }
        columns
    }
}

/// Bytes from the first point to each of those that eight references name, and which of them are
/// to be negated. The check of all eight is one comparison: eight branches cost more than loads.
///
/// # Panics
/// If a reference lies outside `points`.
#[inline(always)]
fn offsets(refs: &[u32], points: &[Point]) -> ([usize; WIDTH], u8) {
    let refs: &[u32; WIDTH] = refs.first_chunk().expect("there is a reference for every lane");
    let count = points.len().min(SIGN as usize) as u32;
    let mut offsets = [0; WIDTH];
    for (offset, reference) in offsets.iter_mut().zip(refs) {
        *offset = ((reference & REF_MASK) as usize) * size_of::<Point>();
    }
    // SAFETY: runs inside `execute`, which checked the processor; the load reads eight references
    // of 32 bits.
    unsafe {
        let refs = _mm256_loadu_si256(refs.as_ptr().cast());
        let index = _mm256_and_si256(refs, _mm256_set1_epi32(REF_MASK.cast_signed()));
        let inside = _mm256_cmplt_epu32_mask(index, _mm256_set1_epi32(count.cast_signed()));
        assert!(inside == u8::MAX, "a reference lies outside {count} points");
        (offsets, _mm256_movepi32_mask(refs))
    }
}

/// Moves what a limb has above 52 bits, or lacks, to the next one.
#[inline(always)]
fn carry(mut l: Limbs) -> Limbs {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe {
        for i in 0..LIMBS - 1 {
            l[i + 1] = _mm512_add_epi64(l[i + 1], _mm512_srai_epi64::<LIMB_BITS>(l[i]));
            l[i] = _mm512_and_si512(l[i], set(LIMB_MASK));
        }
        l
    }
}

/// Brings a value in [0, 16 p) below 1.01 p; limbs may still be unsettled.
///
/// 2^256 = p + 2^208 2^16 - `middle` 2^156 - `low` 2^52 + 1 takes the place of what lies above
/// 2^256. The part above is read before the carries arrive: what they add later is below 2^210.
#[inline(always)]
fn fold<M: Modulus>(mut l: Limbs) -> Limbs {
    // SAFETY: runs inside `execute`, which checked the processor.
    unsafe {
        let above = _mm512_srai_epi64::<TOP_BITS>(l[4]);
        let below = _mm512_and_si512(l[4], set((1 << TOP_BITS) - 1));
        l[0] = _mm512_add_epi64(l[0], above);
        let low = _mm512_slli_epi64::<44>(above);
        l[1] = if M::SPARSE.low > 0 {
            _mm512_sub_epi64(l[1], low)
        } else {
            _mm512_add_epi64(l[1], _mm512_sub_epi64(low, _mm512_slli_epi64::<12>(above)))
        };
        if M::SPARSE.middle != 0 {
            l[3] = _mm512_sub_epi64(l[3], _mm512_slli_epi64::<36>(above));
        }
        l[4] = _mm512_add_epi64(below, _mm512_slli_epi64::<16>(above));
        carry(l)
    }
}

impl<M: Modulus, const K: usize> Ifma<M, K> {
    const MODULUS: [u64; LIMBS] = limbs_of(&M::M);
    /// The shifts of `fold` and the products of `reduce_step` fit these primes alone.
    const IS_KNOWN: () = {
        let Sparse { low, middle, high } = M::SPARSE;
        assert!(low == 1 << 44 || low == (1 << 12) - (1 << 44));
        assert!(middle == if low < 0 { 0 } else { 1 << 36 });
        assert!(low > 0 || high == -16 * low);
        assert!(high == (1 << 48) - (1 << 16));
    };
    /// 2^520 mod p, to enter the Montgomery form.
    const R2: Words = power_of_two(&M::M, 520);
    /// 2^252: leads from R = 2^260 to R = 2^256 by a portable product.
    const TO_PORTABLE: Words = [0, 0, 0, 1 << 60];
    /// 2^260 mod p: leads back.
    const FROM_PORTABLE: Words = power_of_two(&M::M, 260);

    /// Montgomery step: removes limb `i` of the sum.
    ///
    /// The quotient q is the limb itself, modulo 2^52. Where `low` is negative, `high` is -16
    /// `low`: one product with `low` serves for both, and limbs are negative for a while.
    #[inline(always)]
    fn reduce_step(t: &mut [__m512i; 2 * LIMBS], i: usize) {
        // SAFETY: runs inside `execute`, which checked the processor.
        unsafe {
            let high = set(M::SPARSE.high.unsigned_abs());
            let low = set(M::SPARSE.low.unsigned_abs());
            let middle = set(M::SPARSE.middle.unsigned_abs());
            let q = t[i];
            t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64::<LIMB_BITS>(q));
            if M::SPARSE.low < 0 {
                let below = _mm512_madd52lo_epu64(set(0), q, low);
                let above = _mm512_madd52hi_epu64(set(0), q, low);
                t[i + 1] = _mm512_sub_epi64(t[i + 1], below);
                t[i + 2] = _mm512_sub_epi64(t[i + 2], above);
                t[i + 4] = _mm512_add_epi64(t[i + 4], _mm512_slli_epi64::<4>(below));
                t[i + 5] = _mm512_add_epi64(t[i + 5], _mm512_slli_epi64::<4>(above));
            } else {
                t[i + 1] = _mm512_madd52lo_epu64(t[i + 1], q, low);
                t[i + 2] = _mm512_madd52hi_epu64(t[i + 2], q, low);
                t[i + 3] = _mm512_madd52lo_epu64(t[i + 3], q, middle);
                t[i + 4] = _mm512_madd52hi_epu64(t[i + 4], q, middle);
                t[i + 4] = _mm512_madd52lo_epu64(t[i + 4], q, high);
                t[i + 5] = _mm512_madd52hi_epu64(t[i + 5], q, high);
            }
        }
    }

    /// The least residue of a value in [0, 16 p) whose limbs may be unsettled.
    #[inline(always)]
    fn least(value: Limbs) -> Limbs {
        let value = fold::<M>(value);
        // SAFETY: runs inside `execute`, which checked the processor.
        unsafe {
            let less = carry(limbs!(I => _mm512_sub_epi64(value[I], set(Self::MODULUS[I]))));
            let negative = _mm512_movepi64_mask(less[4]);
            limbs!(I => _mm512_mask_mov_epi64(less[I], negative, value[I]))
        }
    }

    #[inline(always)]
    fn multiply(a: Limbs, b: Limbs) -> Limbs {
        let () = Self::IS_KNOWN;
        let mut t = [set(0); 2 * LIMBS];
        for i in 0..LIMBS {
            // SAFETY: runs inside `execute`, which checked the processor.
            unsafe {
                for j in 0..LIMBS {
                    t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], b[j]);
                }
                for j in 0..LIMBS {
                    t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], b[j]);
                }
            }
            Self::reduce_step(&mut t, i);
        }
        carry([t[5], t[6], t[7], t[8], t[9]])
    }

    #[inline(always)]
    fn square(a: Limbs) -> Limbs {
        let () = Self::IS_KNOWN;
        let mut t = [set(0); 2 * LIMBS];
        // SAFETY: runs inside `execute`, which checked the processor.
        unsafe {
            for i in 0..LIMBS {
                for j in i + 1..LIMBS {
                    t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], a[j]);
                    t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], a[j]);
                }
            }
            for limb in &mut t[1..2 * LIMBS - 1] {
                *limb = _mm512_add_epi64(*limb, *limb);
            }
            for i in 0..LIMBS {
                t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a[i], a[i]);
                t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a[i], a[i]);
            }
        }
        for i in 0..LIMBS {
            Self::reduce_step(&mut t, i);
        }
        carry([t[5], t[6], t[7], t[8], t[9]])
    }

    #[inline(always)]
    fn load(words: &[Words]) -> [Limbs; K] {
        sets!(k => {
            let words = &words[k * WIDTH..(k + 1) * WIDTH];
            let mut columns = [set(0); 4];
            for (word, register) in columns.iter_mut().enumerate() {
                let mut column = [0u64; WIDTH];
                for (lane, value) in column.iter_mut().enumerate() {
                    *value = words[lane][word];
                }
                // SAFETY: the column has 64 bytes, which is what the load reads.
                *register = unsafe { _mm512_loadu_si512(column.as_ptr().cast()) };
            }
            pack(columns)
        })
    }

    /// p - y in the lanes of `signs`, for y of finite points: none is zero, as the order is odd,
    /// so that p - y is a least residue.
    #[inline(always)]
    fn negate(signs: u32, y: [Limbs; K]) -> [Limbs; K] {
        let negated = sets!(k => carry(limbs!(I => {
            // SAFETY: runs inside `execute`, which checked the processor.
            unsafe { _mm512_sub_epi64(set(Self::MODULUS[I]), y[k][I]) }
        })));
        Self::select(signs, negated, y)
    }

    #[inline(always)]
    fn settled(limbs: [u64; LIMBS]) -> [Limbs; K] {
        [limbs!(I => set(limbs[I])); K]
    }
}

impl<M: Modulus, const K: usize> Engine for Ifma<M, K> {
    type M = M;
    type V = [Limbs; K];
    type Wider = Ifma<M, 2>;
    type Multiples = Multiples;
    const LANES: usize = WIDTH * K;

    #[inline(always)]
    fn splat(words: &Words) -> Self::V {
        Self::settled(limbs_of(words))
    }

    #[inline(always)]
    fn from_plain(plain: &[Words]) -> Self::V {
        Self::mul(Self::load(plain), Self::splat(&Self::R2))
    }

    #[inline(always)]
    fn plain(value: Self::V) -> [Words; LANES_MAX] {
        let one = Self::settled([1, 0, 0, 0, 0]);
        Self::words(Self::canonical(Self::mul(value, one)))
    }

    #[inline(always)]
    fn words(value: Self::V) -> [Words; LANES_MAX] {
        let mut lanes = [[0; 4]; LANES_MAX];
        for (value, lanes) in value.into_iter().zip(lanes.chunks_exact_mut(WIDTH)) {
            for (word, column) in unpack(value).into_iter().enumerate() {
                let mut words = [0u64; WIDTH];
                // SAFETY: the row has 64 bytes, which is what the store writes.
                unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), column) };
                for (lane, value) in lanes.iter_mut().zip(words) {
                    lane[word] = value;
                }
            }
        }
        lanes
    }

    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        sets!(k => Self::multiply(a[k], b[k]))
    }

    #[inline(always)]
    fn sqr(a: Self::V) -> Self::V {
        sets!(k => Self::square(a[k]))
    }

    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: runs inside `execute`, which checked the processor.
        sets!(k => fold::<M>(limbs!(I => unsafe { _mm512_add_epi64(a[k][I], b[k][I]) })))
    }

    #[inline(always)]
    fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: runs inside `execute`, which checked the processor.
        sets!(k => fold::<M>(limbs!(I => unsafe {
            _mm512_sub_epi64(_mm512_add_epi64(a[k][I], set(2 * Self::MODULUS[I])), b[k][I])
        })))
    }

    #[inline(always)]
    fn difference(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: runs inside `execute`, which checked the processor.
        sets!(k => carry(limbs!(I => unsafe {
            _mm512_sub_epi64(_mm512_add_epi64(a[k][I], set(Self::MODULUS[I])), b[k][I])
        })))
    }

    #[inline(always)]
    fn canonical(a: Self::V) -> Self::V {
        sets!(k => Self::least(a[k]))
    }

    #[inline(always)]
    fn less(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: runs inside `execute`, which checked the processor.
        sets!(k => Self::least(limbs!(I => unsafe {
            _mm512_sub_epi64(_mm512_add_epi64(a[k][I], set(2 * Self::MODULUS[I])), b[k][I])
        })))
    }

    #[inline(always)]
    fn less_two(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: runs inside `execute`, which checked the processor.
        sets!(k => Self::least(limbs!(I => unsafe {
            let both = _mm512_add_epi64(b[k][I], c[k][I]);
            _mm512_sub_epi64(_mm512_add_epi64(a[k][I], set(4 * Self::MODULUS[I])), both)
        })))
    }

    #[inline(always)]
    fn equal(a: Self::V, b: Self::V) -> u32 {
        let mut lanes = 0;
        for k in 0..K {
            let mut mask = u8::MAX;
            for i in 0..LIMBS {
                // SAFETY: runs inside `execute`, which checked the processor.
                mask = unsafe { _mm512_mask_cmpeq_epi64_mask(mask, a[k][i], b[k][i]) };
            }
            lanes |= u32::from(mask) << (WIDTH * k);
        }
        lanes
    }

    #[inline(always)]
    fn may_be_equal(a: Self::V, b: Self::V) -> u32 {
        let mut lanes = 0;
        for k in 0..K {
            // SAFETY: runs inside `execute`, which checked the processor.
            let mask = unsafe { _mm512_cmpeq_epi64_mask(a[k][0], b[k][0]) };
            lanes |= u32::from(mask) << (WIDTH * k);
        }
        lanes
    }

    #[inline(always)]
    fn select(mask: u32, yes: Self::V, no: Self::V) -> Self::V {
        sets!(k => {
            let mask = (mask >> (WIDTH * k)) as u8;
            // SAFETY: runs inside `execute`, which checked the processor.
            limbs!(I => unsafe { _mm512_mask_mov_epi64(no[k][I], mask, yes[k][I]) })
        })
    }

    #[inline(always)]
    fn prefetch(points: &[Point], refs: &[u32]) {
        for &reference in &refs[..Self::LANES] {
            let at = points.as_ptr().wrapping_add((reference & REF_MASK) as usize);
            // SAFETY: a prefetch of any address does nothing but load the cache.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
        }
    }

    #[inline(always)]
    fn gather_x(points: &[Point], refs: &[u32]) -> Self::V {
        sets!(k => {
            let (offsets, _) = offsets(&refs[WIDTH * k..], points);
            let mut halves = [set_half(); WIDTH];
            for (half, offset) in halves.iter_mut().zip(offsets) {
                // SAFETY: a point begins there, and its x comes first with the 32 bytes read.
                *half = unsafe { _mm256_loadu_si256(points.as_ptr().byte_add(offset).cast()) };
            }
            // SAFETY: runs inside `execute`, which checked the processor.
            unsafe {
                let a = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(halves[0]), halves[2]);
                let b = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(halves[1]), halves[3]);
                let c = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(halves[4]), halves[6]);
                let d = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(halves[5]), halves[7]);
                let even = (_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d));
                let odd = (_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d));
                pack([
                    _mm512_shuffle_i64x2::<0x88>(even.0, even.1),
                    _mm512_shuffle_i64x2::<0x88>(odd.0, odd.1),
                    _mm512_shuffle_i64x2::<0xdd>(even.0, even.1),
                    _mm512_shuffle_i64x2::<0xdd>(odd.0, odd.1),
                ])
            }
        })
    }

    #[inline(always)]
    fn gather(points: &[Point], refs: &[u32]) -> [Self::V; 2] {
        let mut signs = 0u32;
        let mut both = [[[set(0); LIMBS]; K]; 2];
        for k in 0..K {
            let (offsets, negated) = offsets(&refs[WIDTH * k..], points);
            signs |= u32::from(negated) << (WIDTH * k);
            let mut rows = [set(0); WIDTH];
            for (row, offset) in rows.iter_mut().zip(offsets) {
                // SAFETY: a point begins there, with the 64 bytes read.
                *row = unsafe { _mm512_loadu_si512(points.as_ptr().byte_add(offset).cast()) };
            }
            let c = transpose(rows);
            both[0][k] = pack([c[0], c[1], c[2], c[3]]);
            both[1][k] = pack([c[4], c[5], c[6], c[7]]);
        }
        let [x, y] = both;
        if signs == 0 {
            return [x, y];
        }
        [x, Self::negate(signs, y)]
    }

    #[inline(always)]
    fn scatter(points: &mut [Point], places: &[u32], [x, y]: [Self::V; 2]) {
        for k in 0..K {
            let (x, y) = (unpack(x[k]), unpack(y[k]));
            let rows = transpose([x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]);
            let (offsets, _) = offsets(&places[WIDTH * k..], points);
            for (row, offset) in rows.into_iter().zip(offsets) {
                // SAFETY: a point begins there, with the 64 bytes written.
                unsafe { _mm512_storeu_si512(points.as_mut_ptr().byte_add(offset).cast(), row) };
            }
        }
    }

    fn multiples(points: &[Point]) -> Multiples {
        Multiples::new(points)
    }

    #[inline(always)]
    fn pick(multiples: &Multiples, digits: &[i8; LANES_MAX]) -> ([Self::V; 2], u32) {
        let ([x, y], signs, zeros) = multiples.pick(digits);
        ([x, Self::negate(signs, y)], zeros)
    }

    #[inline(always)]
    fn from_portable(residue: Fe<M>) -> Words {
        residue.mul(&Fe::raw(Self::FROM_PORTABLE)).0
    }

    #[inline(always)]
    fn to_portable(words: &Words) -> Fe<M> {
        Fe::raw(*words).mul(&Fe::raw(Self::TO_PORTABLE))
    }

    fn execute<T: Task>(task: T) -> T::Output {
        assert!(Path::best() == Path::Ifma, "this processor has no AVX-512 IFMA");
        // SAFETY: the processor has the features, as just checked.
        unsafe { with_features(task) }
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
fn with_features<T: Task>(task: T) -> T::Output {
    task.run()
}
