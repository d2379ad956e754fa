//! Say what the kernels need of a field; the portable field, one lane at a time, is here.

use super::affine::{Point, REF_MASK, SIGN};
use super::modulus::{Fe, Modulus, Words, is_reduced, reduce};
use std::hint::black_box;
use std::marker::PhantomData;

/// Most lanes of any engine.
pub(crate) const LANES_MAX: usize = 16;
/// Bits of a signed digit of a secret scalar.
pub(crate) const SECRET_DIGIT_BITS: usize = 6;
/// Multiples of a point that the size of such a digit may ask for: 1 to this.
pub(crate) const MULTIPLES: usize = 1 << (SECRET_DIGIT_BITS - 1);

/// Work that runs with the processor features of an engine switched on.
pub(crate) trait Task {
    type Output;
    fn run(self) -> Self::Output;
}

/// Arithmetic of `LANES` field elements side by side.
///
/// A mask has one bit a lane. "Words of the engine" are the 256-bit least residue of an element in
/// the engine's own Montgomery form; points in memory hold these.
pub(crate) trait Engine: Copy + 'static {
    type M: Modulus;
    type V: Copy;
    /// The same with more lanes at a time: for long chains of products that wait for each other.
    type Wider: Engine<M = Self::M>;
    /// The multiples of one digit, as [`Engine::pick`] reads them.
    type Multiples: Send + Sync;
    const LANES: usize;

    /// The same words of the engine in every lane.
    fn splat(words: &Words) -> Self::V;
    /// Plain numbers below 2^256, the first in the first lane; as many as there are lanes.
    fn from_plain(plain: &[Words]) -> Self::V;
    /// Plain least residues.
    fn plain(value: Self::V) -> [Words; LANES_MAX];
    /// Words of the engine.
    fn words(value: Self::V) -> [Words; LANES_MAX];
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    fn sqr(a: Self::V) -> Self::V;
    fn add(a: Self::V, b: Self::V) -> Self::V;
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// a - b of two least residues: quicker than `sub`.
    fn difference(a: Self::V, b: Self::V) -> Self::V;
    /// The least residue; the other operations may give a larger one.
    fn canonical(a: Self::V) -> Self::V;
    /// The least residue of a - b.
    fn less(a: Self::V, b: Self::V) -> Self::V;
    /// The least residue of a - b - c.
    fn less_two(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Lanes in which two least residues are equal.
    fn equal(a: Self::V, b: Self::V) -> u32;
    /// Lanes in which two least residues are equal, and by chance others: quicker than `equal`.
    fn may_be_equal(a: Self::V, b: Self::V) -> u32;
    fn select(mask: u32, yes: Self::V, no: Self::V) -> Self::V;
    /// Asks the cache for the points at `refs`.
    fn prefetch(points: &[Point], refs: &[u32]);
    /// x of the points at `refs`.
    fn gather_x(points: &[Point], refs: &[u32]) -> Self::V;
    /// x and y of the points at `refs`, negated where the reference says so.
    fn gather(points: &[Point], refs: &[u32]) -> [Self::V; 2];
    /// Stores least residues at `places`.
    fn scatter(points: &mut [Point], places: &[u32], point: [Self::V; 2]);
    /// Arranges [`MULTIPLES`] points, words of the engine, for [`Engine::pick`].
    fn multiples(points: &[Point]) -> Self::Multiples;
    /// x and y, least residues, of the multiple that each lane's digit asks for, negated where the
    /// digit is; and the lanes whose digit is zero, which get any multiple.
    ///
    /// Reads all multiples: no branch and no address depends on a digit.
    fn pick(multiples: &Self::Multiples, digits: &[i8; LANES_MAX]) -> ([Self::V; 2], u32);
    /// Words of the engine of a portable residue.
    fn from_portable(residue: Fe<Self::M>) -> Words;
    /// Portable residue of words of the engine.
    fn to_portable(words: &Words) -> Fe<Self::M>;
    fn execute<T: Task>(task: T) -> T::Output;

    #[inline(always)]
    fn one() -> Self::V {
        Self::splat(&Self::from_portable(Fe::ONE))
    }

    #[inline(always)]
    fn zero() -> Self::V {
        Self::splat(&[0; 4])
    }

    #[inline(always)]
    fn twice(a: Self::V) -> Self::V {
        Self::add(a, a)
    }

    #[inline(always)]
    fn triple(a: Self::V) -> Self::V {
        Self::add(Self::twice(a), a)
    }
}

/// Runs of ones whose powers are kept by [`power`]: 1, 2, 4, ... 32 ones.
const RUNS: usize = 6;

/// `value` to a public power, in every lane.
///
/// The primes and orders here are mostly long runs of ones, which the powers for 2^k - 1 jump.
#[inline(always)]
pub(crate) fn power<E: Engine>(value: E::V, exponent: &Words) -> E::V {
    let bit = |i: usize| exponent[i / 64] >> (i % 64) & 1 == 1;
    let mut runs = [value; RUNS];
    for k in 1..RUNS {
        let mut squared = runs[k - 1];
        for _ in 0..1 << (k - 1) {
            squared = E::sqr(squared);
        }
        runs[k] = E::mul(squared, runs[k - 1]);
    }
    let mut result = E::one();
    let mut started = false;
    let mut left = 256;
    while left > 0 {
        let ones = (0..left).rev().take(1 << (RUNS - 1)).take_while(|&i| bit(i)).count();
        let jump = ones.checked_ilog2();
        let squares = jump.map_or(1, |k| 1 << k);
        left -= squares;
        if started {
            for _ in 0..squares {
                result = E::sqr(result);
            }
            if let Some(k) = jump {
                result = E::mul(result, runs[k as usize]);
            }
        } else if let Some(k) = jump {
            result = runs[k as usize];
            started = true;
        }
    }
    result
}

/// One over `value` in every lane, and zero of zero.
#[inline(always)]
pub(crate) fn invert<E: Engine>(value: E::V) -> E::V {
    power::<E>(value, &super::modulus::subtract(&E::M::M, &[2, 0, 0, 0]).0)
}

/// One lane of four words of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Portable<M>(PhantomData<M>);

/// All ones for zero, zero for all else; no branch.
///
/// A compiler that knows where the mask comes from skips what the mask would take away, by a branch
/// on the secret. `black_box` hides that from it.
fn is_zero_mask(value: u64) -> u64 {
    black_box((!(value | value.wrapping_neg()) >> 63).wrapping_neg())
}

fn first_lane(words: Words) -> [Words; LANES_MAX] {
    let mut lanes = [[0; 4]; LANES_MAX];
    lanes[0] = words;
    lanes
}

impl<M: Modulus> Engine for Portable<M> {
    type M = M;
    type V = Fe<M>;
    type Wider = Self;
    type Multiples = [Point; MULTIPLES];
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(words: &Words) -> Fe<M> {
        Fe::raw(*words)
    }

    #[inline(always)]
    fn from_plain(plain: &[Words]) -> Fe<M> {
        Fe::new(&if is_reduced::<M>(&plain[0]) { plain[0] } else { reduce::<M>(&plain[0]) })
    }

    #[inline(always)]
    fn plain(value: Fe<M>) -> [Words; LANES_MAX] {
        first_lane(value.plain())
    }

    #[inline(always)]
    fn words(value: Fe<M>) -> [Words; LANES_MAX] {
        first_lane(value.0)
    }

    #[inline(always)]
    fn mul(a: Fe<M>, b: Fe<M>) -> Fe<M> {
        a.mul(&b)
    }

    #[inline(always)]
    fn sqr(a: Fe<M>) -> Fe<M> {
        a.sqr()
    }

    #[inline(always)]
    fn add(a: Fe<M>, b: Fe<M>) -> Fe<M> {
        a.add(&b)
    }

    #[inline(always)]
    fn sub(a: Fe<M>, b: Fe<M>) -> Fe<M> {
        a.sub(&b)
    }

    #[inline(always)]
    fn difference(a: Fe<M>, b: Fe<M>) -> Fe<M> {
        a.sub(&b)
    }

    #[inline(always)]
    fn canonical(a: Fe<M>) -> Fe<M> {
        a
    }

    #[inline(always)]
    fn less(a: Fe<M>, b: Fe<M>) -> Fe<M> {
        a.sub(&b)
    }

    #[inline(always)]
    fn less_two(a: Fe<M>, b: Fe<M>, c: Fe<M>) -> Fe<M> {
        a.sub(&b).sub(&c)
    }

    #[inline(always)]
    fn equal(a: Fe<M>, b: Fe<M>) -> u32 {
        u32::from(a == b)
    }

    #[inline(always)]
    fn may_be_equal(a: Fe<M>, b: Fe<M>) -> u32 {
        Self::equal(a, b)
    }

    #[inline(always)]
    fn select(mask: u32, yes: Fe<M>, no: Fe<M>) -> Fe<M> {
        // The compiler would turn a mask that it knows to be of one bit back into a branch, and
        // masks may be secret.
        Fe::select(black_box(u64::from(mask & 1).wrapping_neg()), &yes, &no)
    }

    #[inline(always)]
    fn prefetch(_: &[Point], _: &[u32]) {}

    #[inline(always)]
    fn gather_x(points: &[Point], refs: &[u32]) -> Fe<M> {
        Fe::raw(points[(refs[0] & REF_MASK) as usize].x)
    }

    #[inline(always)]
    fn gather(points: &[Point], refs: &[u32]) -> [Fe<M>; 2] {
        let point = &points[(refs[0] & REF_MASK) as usize];
        let y = Fe::raw(point.y);
        let negated = u32::from(refs[0] & SIGN != 0);
        [Fe::raw(point.x), Self::select(negated, Fe::ZERO.sub(&y), y)]
    }

    #[inline(always)]
    fn scatter(points: &mut [Point], places: &[u32], [x, y]: [Fe<M>; 2]) {
        points[places[0] as usize] = Point { x: x.0, y: y.0 };
    }

    fn multiples(points: &[Point]) -> [Point; MULTIPLES] {
        points.try_into().expect("all multiples of a digit")
    }

    #[inline(always)]
    fn pick(multiples: &[Point; MULTIPLES], digits: &[i8; LANES_MAX]) -> ([Fe<M>; 2], u32) {
        let digit = i64::from(digits[0]);
        let negative = digit >> 63;
        let wanted = ((digit ^ negative) - negative).cast_unsigned();
        let (mut x, mut y) = (Fe::ZERO, Fe::ZERO);
        for (index, multiple) in (1..).zip(multiples) {
            let mask = is_zero_mask(wanted ^ index);
            x = Fe::select(mask, &Fe::raw(multiple.x), &x);
            y = Fe::select(mask, &Fe::raw(multiple.y), &y);
        }
        let negative = black_box(negative.cast_unsigned());
        y = Fe::select(negative, &Fe::ZERO.sub(&y), &y);
        ([x, y], is_zero_mask(wanted) as u32 & 1)
    }

    #[inline(always)]
    fn from_portable(residue: Fe<M>) -> Words {
        residue.0
    }

    #[inline(always)]
    fn to_portable(words: &Words) -> Fe<M> {
        Fe::raw(*words)
    }

    #[inline(always)]
    fn execute<T: Task>(task: T) -> T::Output {
        task.run()
    }
}
