//! Sum points into buckets: a tree of affine additions on the Montgomery curve.
//!
//! Two points of v^2 = u^3 + 486662 u^2 + u with different u have the sum
//! u3 = w^2 - 486662 - u1 - u2, v3 = w (u1 - u3) - v1 with the slope w = (v2 - v1)/(u2 - u1).
//! The divisions of a run share one inversion (Montgomery's trick), so an addition costs five
//! multiplications and a square. Pairs with equal u, which no run of honest points has, leave the
//! tree: a fixed pair takes their place, and the caller adds the difference.

use crate::buffer::Buffer;

use super::field::{F8, LANES, invert, multiple_of_p};
use super::transpose::{load, store};

use std::arch::x86_64::*;

/// Coefficient of u^2 on the Montgomery curve (RFC 7748, section 4.1).
const COEFFICIENT: u64 = 486662;
/// Vectors of pairs that share an inversion.
const RUN_VECTORS: usize = 512;
/// Vectors ahead of which points are fetched from memory.
const AHEAD_VECTORS: usize = 2;

/// Montgomery coordinates: four words of u, four of v; one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Affine {
    pub(super) u: [u64; 4],
    pub(super) v: [u64; 4],
}

/// Point in [`Pool`] and its sign: twice the position, plus one for the negative.
pub(super) type Signed = u32;

/// Points: the fixed pair, those of the batch, then the sums of the tree.
pub(super) struct Pool {
    points: Buffer<Affine>,
    /// Number of points that are no sums.
    fixed: usize,
    /// Number of points that are in use; what follows is room for sums.
    used: usize,
    /// Pairs of a level; what follows is room for more.
    pairs: Buffer<[Signed; 2]>,
    prefixes: Buffer<F8>,
}

/// Pair that left the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spilled {
    /// Bucket that the pair belongs to.
    pub(super) bucket: usize,
    /// Points of the pair.
    pub(super) points: [Signed; 2],
}

/// The fixed pair, whose points differ in u.
pub(super) const FIXED_PAIR: [Signed; 2] = [0, 2];

/// Points sorted by bucket: bucket i has `counts[i]` of them.
pub(super) struct Sorted {
    pub(super) points: Buffer<Signed>,
    pub(super) counts: Buffer<u32>,
}

impl Sorted {
    /// The bucket of a point.
    fn bucket_of(&self, point: Signed) -> usize {
        let place = self.points.iter().position(|other| *other == point);
        let mut place = place.expect("a sum stands in its bucket") as u32;
        let holds = |&count: &u32| {
            let is_here = place < count;
            place = place.wrapping_sub(count);
            is_here
        };
        self.counts.iter().position(holds).expect("counts cover all points")
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn us(points: &[Affine], pairs: &[[Signed; 2]], side: usize) -> F8 {
    let at = |lane: usize| &points[(pairs[lane][side] >> 1) as usize].u;
    F8::from_words(load(std::array::from_fn(at)))
}

/// v with the sign of each lane; limbs below 2^52.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn vs(points: &[Affine], pairs: &[[Signed; 2]], side: usize) -> F8 {
    let at = |lane: usize| &points[(pairs[lane][side] >> 1) as usize].v;
    let mut mask = 0;
    for (lane, pair) in pairs.iter().enumerate() {
        mask |= ((pair[side] & 1) as u8) << lane;
    }
    F8::from_words(load(std::array::from_fn(at))).neg_lanes(mask)
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn fetch(points: &[Affine], pairs: &[[Signed; 2]]) {
    for signed in pairs.as_flattened() {
        let point: *const Affine = &raw const points[(signed >> 1) as usize];
        _mm_prefetch::<_MM_HINT_T0>(point.cast());
    }
}

/// Sums of eight pairs, given the inverses of their differences in u.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn add_pairs(
    points: &[Affine],
    pairs: &[[Signed; 2]],
    us: [F8; 2],
    inverse: F8,
) -> [__m512i; LANES] {
    let [u1, u2] = us;
    let [v1, v2] = [vs(points, pairs, 0), vs(points, pairs, 1)];
    let bias = multiple_of_p(4);
    let slope = v2.biased_sub(bias, v1).mul(inverse);
    // 4p - 486662, so that one step of carries serves the three subtractions.
    let mut shifted = bias;
    shifted[0] -= COEFFICIENT;
    let mut both = u1;
    for (limb, other) in both.0.iter_mut().zip(u2.0) {
        *limb = _mm512_add_epi64(*limb, other);
    }
    let u3 = slope.square().biased_sub(shifted, both);
    let v3 = slope.mul(u1.sub(u3)).biased_sub(bias, v1);
    store(u3.to_words(), v3.to_words())
}

impl Pool {
    /// Starts with the fixed pair and the points of the batch.
    pub(super) fn new(points: Buffer<Affine>) -> Self {
        let fixed = points.len();
        let pairs = Buffer::with_capacity(fixed);
        let prefixes = Buffer::with_capacity(RUN_VECTORS);
        Self { points, fixed, used: fixed, pairs, prefixes }
    }

    /// The point that `signed` names, without its sign.
    pub(super) fn point(&self, signed: Signed) -> &Affine {
        &self.points[(signed >> 1) as usize]
    }

    /// Sums the points of each bucket; hands the sum of each that is not empty to `found`.
    ///
    /// Sums live until the next call.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn sum_buckets(
        &mut self,
        mut sorted: Sorted,
        spilled: &mut Vec<Spilled>,
        mut found: impl FnMut(usize, &Affine, bool),
    ) {
        self.used = self.fixed;
        while sorted.counts.iter().any(|&count| count > 1) {
            self.level(&mut sorted, spilled);
        }
        let mut points = sorted.points.iter();
        for (bucket, _) in sorted.counts.iter().enumerate().filter(|(_, count)| **count == 1) {
            let signed = *points.next().expect("as many points as the counts say");
            found(bucket, &self.points[(signed >> 1) as usize], signed & 1 == 1);
        }
    }

    /// Adds the points of every bucket in pairs.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn level(&mut self, sorted: &mut Sorted, spilled: &mut Vec<Spilled>) {
        let count = self.pair_up(sorted);
        let padded = count.next_multiple_of(LANES);
        self.pairs[count..padded].fill(FIXED_PAIR);
        let start = self.used;
        self.used += padded;
        if self.points.len() < self.used {
            self.points.resize(self.used, Affine { u: [0; 4], v: [0; 4] });
        }
        let known = spilled.len();
        for from in (0..padded).step_by(RUN_VECTORS * LANES) {
            let to = padded.min(from + RUN_VECTORS * LANES);
            self.run(from, to, start, spilled);
        }
        for spilled in &mut spilled[known..] {
            spilled.bucket = sorted.bucket_of(((start + spilled.bucket) << 1) as Signed);
        }
    }

    /// Pairs the points of every bucket, replaces them by the sums to come; the number of pairs.
    fn pair_up(&mut self, sorted: &mut Sorted) -> usize {
        let room = sorted.points.len() / 2 + LANES;
        if self.pairs.len() < room {
            self.pairs.resize(room, FIXED_PAIR);
        }
        let (mut count, mut read, mut written) = (0, 0, 0);
        for bucket in sorted.counts.iter_mut() {
            let points = *bucket as usize;
            let pairs = points / 2;
            for pair in &mut self.pairs[count..count + pairs] {
                *pair = [sorted.points[read], sorted.points[read + 1]];
                read += 2;
            }
            for sum in &mut sorted.points[written..written + pairs] {
                *sum = ((self.used + count) << 1) as Signed;
                count += 1;
            }
            written += pairs;
            if points % 2 == 1 {
                sorted.points[written] = sorted.points[read];
                read += 1;
                written += 1;
            }
            *bucket = points.div_ceil(2) as u32;
        }
        sorted.points.truncate(written);
        count
    }

    /// Products of the differences of the pairs up to each vector; the last is of all.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn products(&mut self, from: usize, to: usize) -> F8 {
        self.prefixes.clear();
        let mut product = F8::one();
        for at in (from..to).step_by(LANES) {
            let ahead = at + AHEAD_VECTORS * LANES;
            if ahead + LANES <= to {
                fetch(&self.points, &self.pairs[ahead..ahead + LANES]);
            }
            let pairs = &self.pairs[at..at + LANES];
            let [u1, u2] = [us(&self.points, pairs, 0), us(&self.points, pairs, 1)];
            self.prefixes.push(product);
            product = product.mul(u2.sub(u1));
        }
        product
    }

    /// Adds the pairs `from..to`, whose sums go to positions that begin at `start`.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn run(&mut self, from: usize, to: usize, start: usize, spilled: &mut Vec<Spilled>) {
        let mut product = self.products(from, to);
        if product.zero_lanes() != 0 {
            self.spill(from, to, spilled);
            product = self.products(from, to);
        }
        let mut inverse = invert(product);
        let (inputs, sums) = self.points.split_at_mut(start + from);
        for at in (from..to).step_by(LANES).rev() {
            let pairs = &self.pairs[at..at + LANES];
            if let Some(ahead) = at.checked_sub(AHEAD_VECTORS * LANES) {
                fetch(inputs, &self.pairs[ahead..ahead + LANES]);
            }
            let [u1, u2] = [us(inputs, pairs, 0), us(inputs, pairs, 1)];
            let own = inverse.mul(self.prefixes[(at - from) / LANES]);
            inverse = inverse.mul(u2.sub(u1));
            let rows = add_pairs(inputs, pairs, [u1, u2], own);
            let sums = &mut sums[at - from..at - from + LANES];
            for (sum, row) in sums.iter_mut().zip(rows) {
                // SAFETY: an `Affine` has 64 bytes; the store needs no alignment.
                unsafe { _mm512_storeu_si512((&raw mut *sum).cast(), row) };
            }
        }
    }

    /// Puts the fixed pair in the place of pairs with equal u; their positions stand for buckets.
    fn spill(&mut self, from: usize, to: usize, spilled: &mut Vec<Spilled>) {
        for at in from..to {
            let pair = self.pairs[at];
            let [first, second] = pair.map(|signed| self.points[(signed >> 1) as usize].u);
            if first == second {
                self.pairs[at] = FIXED_PAIR;
                spilled.push(Spilled { bucket: at, points: pair });
            }
        }
    }
}
