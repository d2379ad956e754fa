//! Sum points into buckets: a tree of affine additions on the Montgomery curve.
//!
//! Two points of v^2 = u^3 + 486662 u^2 + u with different u have the sum
//! u3 = w^2 - 486662 - u1 - u2, v3 = w (u1 - u3) - v1 with the slope w = (v2 - v1)/(u2 - u1).
//! The divisions of a run share one inversion (Montgomery's trick), so an addition costs five
//! multiplications and a square. Pairs with equal u, which no run of honest points has, leave the
//! tree: a fixed pair takes their place, and the caller adds the difference.

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
    points: Vec<Affine>,
    /// Number of points that are no sums.
    fixed: usize,
    pairs: Vec<[Signed; 2]>,
    owners: Vec<u32>,
    prefixes: Vec<F8>,
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
    pub(super) points: Vec<Signed>,
    pub(super) counts: Vec<u32>,
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
    pub(super) fn new(points: Vec<Affine>) -> Self {
        let fixed = points.len();
        Self { points, fixed, pairs: Vec::new(), owners: Vec::new(), prefixes: Vec::new() }
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
        self.points.truncate(self.fixed);
        while sorted.counts.iter().any(|&count| count > 1) {
            sorted = self.level(&sorted, spilled);
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
    fn level(&mut self, sorted: &Sorted, spilled: &mut Vec<Spilled>) -> Sorted {
        self.pairs.clear();
        self.owners.clear();
        let mut next = Sorted {
            points: Vec::with_capacity(sorted.points.len() / 2 + sorted.counts.len()),
            counts: Vec::with_capacity(sorted.counts.len()),
        };
        let mut rest = &sorted.points[..];
        let mut free = self.points.len() as u32;
        for (bucket, &count) in sorted.counts.iter().enumerate() {
            let (own, others) = rest.split_at(count as usize);
            rest = others;
            let (pairs, single) = own.as_chunks::<2>();
            for pair in pairs {
                self.pairs.push(*pair);
                self.owners.push(bucket as u32);
                next.points.push(free << 1);
                free += 1;
            }
            next.points.extend(single);
            next.counts.push(count.div_ceil(2));
        }
        self.pairs.resize(self.pairs.len().next_multiple_of(LANES), FIXED_PAIR);
        let start = self.points.len();
        self.points.reserve(self.pairs.len());
        for from in (0..self.pairs.len()).step_by(RUN_VECTORS * LANES) {
            let to = self.pairs.len().min(from + RUN_VECTORS * LANES);
            self.run(from, to, start, spilled);
        }
        next
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
        self.points.resize(start + to, Affine { u: [0; 4], v: [0; 4] });
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

    /// Puts the fixed pair in the place of pairs with equal u.
    fn spill(&mut self, from: usize, to: usize, spilled: &mut Vec<Spilled>) {
        for at in from..to {
            let pair = self.pairs[at];
            let [first, second] = pair.map(|signed| self.points[(signed >> 1) as usize].u);
            if first == second {
                self.pairs[at] = FIXED_PAIR;
                // The padding at the end has no owner, and the fixed pair is never equal.
                let bucket = self.owners[at] as usize;
                spilled.push(Spilled { bucket, points: pair });
            }
        }
    }
}
