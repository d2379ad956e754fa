//! Add many pairs of affine points, with one inversion for all of them.
//!
//! An addition costs five multiplications and a square, three of them for its share of the
//! inversion (Montgomery's trick). Pairs without a slope (equal points, opposite points, infinity)
//! are rare but easy to provoke; they are handled in their lane at no cost to the others.

use super::engine::{Engine, LANES_MAX, Task, invert};
use super::modulus::{Modulus, Words, subtract};
use crate::buffer::Buffer;

/// A point in memory: words of the engine, one cache line; (0, 0) is infinity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Point {
    pub x: Words,
    pub y: Words,
}

/// Bit of a reference that says that the point is to be negated.
pub(crate) const SIGN: u32 = 1 << 31;
/// Bits of a reference that say where the point lies.
pub(crate) const REF_MASK: u32 = SIGN - 1;

/// Vectors of pairs that share an inversion: their products stay in the second-level cache.
const STEPS_MAX: usize = 1024;
/// Steps between asking the cache for points and using them.
const AHEAD: usize = 3;

impl Point {
    pub fn is_infinity(&self) -> bool {
        *self == Self::default()
    }

    /// The point that `reference` names among `points`, negated where it says so.
    pub fn fetch<M: Modulus>(points: &[Self], reference: u32) -> Self {
        let mut point = points[(reference & REF_MASK) as usize];
        if reference & SIGN != 0 && !point.is_infinity() {
            point.y = subtract(&M::M, &point.y).0;
        }
        point
    }
}

/// Pairs to add and the places of their sums.
pub(crate) struct Pairs {
    left: Buffer<u32>,
    right: Buffer<u32>,
    place: Buffer<u32>,
}

impl Pairs {
    pub fn with_capacity(pairs: usize) -> Self {
        Self {
            left: Buffer::with_capacity(pairs),
            right: Buffer::with_capacity(pairs),
            place: Buffer::with_capacity(pairs),
        }
    }

    pub fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
        self.place.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    #[inline(always)]
    pub fn push(&mut self, left: u32, right: u32, place: u32) {
        self.left.push(left);
        self.right.push(right);
        self.place.push(place);
    }

    /// Fills the last vector with copies of the last pair: the same sum is stored again.
    fn pad(&mut self, lanes: usize) {
        while !self.left.len().is_multiple_of(lanes) {
            let last = self.left.len() - 1;
            self.push(self.left[last], self.right[last], self.place[last]);
        }
    }
}

/// Adds `pairs` of points of `table`, or of `work` itself where there is no table, into `work`.
///
/// A sum must not be stored where another pair of the same call is read.
pub(crate) fn add_pairs<E: Engine>(
    table: Option<&[Point]>,
    work: &mut [Point],
    pairs: &mut Pairs,
    scratch: &mut Vec<E::V>,
) {
    pairs.pad(E::LANES);
    E::execute(AddPairs::<E> { table, work, pairs, scratch });
}

struct AddPairs<'a, E: Engine> {
    table: Option<&'a [Point]>,
    work: &'a mut [Point],
    pairs: &'a Pairs,
    scratch: &'a mut Vec<E::V>,
}

impl<E: Engine> Task for AddPairs<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let chunk = STEPS_MAX * E::LANES;
        let Pairs { left, right, place } = self.pairs;
        for ((left, right), place) in
            left.chunks(chunk).zip(right.chunks(chunk)).zip(place.chunks(chunk))
        {
            let source = self.table.unwrap_or(self.work);
            let product = multiply_denominators::<E>(source, left, right, self.scratch);
            let mut inverse = invert::<E>(product);
            let lanes = E::LANES;
            for step in (0..left.len() / lanes).rev() {
                let at = step * lanes..(step + 1) * lanes;
                let source = self.table.unwrap_or(self.work);
                if step >= AHEAD {
                    let ahead = (step - AHEAD) * lanes;
                    E::prefetch(source, &left[ahead..]);
                    E::prefetch(source, &right[ahead..]);
                    E::prefetch(self.work, &place[ahead..]);
                }
                let pair = gather_pair::<E>(source, &left[at.clone()], &right[at.clone()]);
                let before = self.scratch[step];
                let sum = add_step::<E>(pair, before, &mut inverse);
                E::scatter(self.work, &place[at], sum);
            }
        }
    }
}

#[inline(always)]
fn gather_pair<E: Engine>(source: &[Point], left: &[u32], right: &[u32]) -> [E::V; 4] {
    let [x1, y1] = E::gather(source, left);
    let [x2, y2] = E::gather(source, right);
    [x1, y1, x2, y2]
}

/// Lanes that may have no slope: equal x, or an x of zero, which infinity has.
#[inline(always)]
fn suspects<E: Engine>(x1: E::V, x2: E::V) -> u32 {
    let zero = E::zero();
    E::may_be_equal(x1, x2) | E::may_be_equal(x1, zero) | E::may_be_equal(x2, zero)
}

/// Product of all denominators of a lane; leaves the product before each step in `scratch`.
#[inline(always)]
fn multiply_denominators<E: Engine>(
    source: &[Point],
    left: &[u32],
    right: &[u32],
    scratch: &mut Vec<E::V>,
) -> E::V {
    scratch.clear();
    let mut product = E::one();
    let (lefts, rights) = (left, right);
    for (step, (left, right)) in
        left.chunks_exact(E::LANES).zip(right.chunks_exact(E::LANES)).enumerate()
    {
        let ahead = (step + AHEAD) * E::LANES;
        if ahead < lefts.len() {
            E::prefetch(source, &lefts[ahead..]);
            E::prefetch(source, &rights[ahead..]);
        }
        let (x1, x2) = (E::gather_x(source, left), E::gather_x(source, right));
        let mut denominator = E::difference(x2, x1);
        if suspects::<E>(x1, x2) != 0 {
            let pair = gather_pair::<E>(source, left, right);
            denominator = E::execute(Special::<E> { pair }).denominator;
        }
        scratch.push(product);
        product = E::mul(product, denominator);
    }
    product
}

/// Sums of one vector of pairs; steps `inverse` back to the vector before.
#[inline(always)]
fn add_step<E: Engine>(pair: [E::V; 4], before: E::V, inverse: &mut E::V) -> [E::V; 2] {
    let [x1, y1, x2, y2] = pair;
    if suspects::<E>(x1, x2) != 0 {
        let (sum, next) = E::execute(AddSpecial::<E> { pair, before, inverse: *inverse });
        *inverse = next;
        return sum;
    }
    let inverted = E::mul(*inverse, before);
    *inverse = E::mul(*inverse, E::difference(x2, x1));
    let slope = E::mul(E::difference(y2, y1), inverted);
    let x3 = E::less_two(E::sqr(slope), x1, x2);
    let y3 = E::less(E::mul(slope, E::difference(x1, x3)), y1);
    [x3, y3]
}

/// As [`add_step`], for a vector in which some lane may have no slope.
struct AddSpecial<E: Engine> {
    pair: [E::V; 4],
    before: E::V,
    inverse: E::V,
}

impl<E: Engine> Task for AddSpecial<E> {
    /// The sums, and the inverse for the vector before.
    type Output = ([E::V; 2], E::V);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let [x1, y1, x2, y2] = self.pair;
        let special = Special::<E> { pair: self.pair }.run();
        let next = E::mul(self.inverse, special.denominator);
        let slope = E::mul(special.numerator, E::mul(self.inverse, self.before));
        let x3 = E::less_two(E::sqr(slope), x1, x2);
        let y3 = E::less(E::mul(slope, E::difference(x1, x3)), y1);
        let mut sum = [x3, y3];
        for (sum, [one, two]) in sum.iter_mut().zip([[x1, x2], [y1, y2]]) {
            let chosen = E::select(special.cancels, E::zero(), *sum);
            let chosen = E::select(special.second_infinite, one, chosen);
            *sum = E::canonical(E::select(special.first_infinite, two, chosen));
        }
        (sum, next)
    }
}

/// Slope and exceptions of a vector of pairs in which some lane may have no slope.
struct Slope<E: Engine> {
    numerator: E::V,
    denominator: E::V,
    first_infinite: u32,
    second_infinite: u32,
    /// Opposite points, whose sum is infinity.
    cancels: u32,
}

struct Special<E: Engine> {
    pair: [E::V; 4],
}

impl<E: Engine> Task for Special<E> {
    type Output = Slope<E>;

    #[inline(always)]
    fn run(self) -> Slope<E> {
        let [x1, y1, x2, y2] = self.pair;
        let (x1, y1) = (E::canonical(x1), E::canonical(y1));
        let (x2, y2) = (E::canonical(x2), E::canonical(y2));
        let zero = E::zero();
        let first_infinite = E::equal(x1, zero) & E::equal(y1, zero);
        let second_infinite = E::equal(x2, zero) & E::equal(y2, zero);
        let finite = !(first_infinite | second_infinite);
        let same_x = E::equal(x1, x2) & finite;
        let doubles = same_x & E::equal(y1, y2);
        let cancels = same_x & !doubles;
        let square = E::sub(E::sqr(x1), E::one());
        let tangent = E::add(E::add(square, square), square);
        let numerator = E::select(doubles, tangent, E::sub(y2, y1));
        let denominator = E::select(doubles, E::add(y1, y1), E::sub(x2, x1));
        let denominator = E::select(cancels | !finite, E::one(), denominator);
        Slope { numerator, denominator, first_infinite, second_infinite, cancels }
    }
}

/// Adds up runs of points, each run to one point.
pub(crate) struct Sums<E: Engine> {
    /// The sums lie here, among points that are of no more use.
    pub work: Buffer<Point>,
    /// Where the sum of each run lies; `NONE` for an empty run.
    pub places: Buffer<u32>,
    lens: Buffer<u32>,
    pub pairs: Pairs,
    pub scratch: Buffer<E::V>,
}

/// Place of the sum of nothing.
pub(crate) const NONE: u32 = u32::MAX;

impl<E: Engine> Sums<E> {
    /// Has room for runs of `points` points in all: growing would copy them.
    pub fn with_capacity(points: usize) -> Self {
        Self {
            work: Buffer::with_capacity(points),
            places: Buffer::with_capacity(0),
            lens: Buffer::with_capacity(0),
            pairs: Pairs::with_capacity(points / 2 + LANES_MAX),
            scratch: Buffer::with_capacity(STEPS_MAX),
        }
    }

    /// Forgets earlier runs.
    pub fn clear(&mut self) {
        self.work.clear();
        self.places.clear();
        self.lens.clear();
        self.pairs.clear();
    }

    /// Begins a run with the references of its points in `table`.
    #[inline(always)]
    pub fn push_run(&mut self, table: &[Point], refs: &[u32]) {
        let first = self.work.len() as u32;
        self.places.push(if refs.is_empty() { NONE } else { first });
        self.lens.push(refs.len().div_ceil(2) as u32);
        let (pairs, rest) = refs.as_chunks::<2>();
        self.pairs.left.extend(pairs.iter().map(|pair| pair[0]));
        self.pairs.right.extend(pairs.iter().map(|pair| pair[1]));
        self.pairs.place.extend(first..first + pairs.len() as u32);
        let end = self.work.len() + pairs.len();
        self.work.resize(end, Point::default());
        if let [last] = rest {
            self.work.push(Point::fetch::<E::M>(table, *last));
        }
    }

    /// Adds up all runs: a tree of pairs, level by level, in place from the second level on.
    pub fn finish(&mut self, table: &[Point]) {
        if !self.pairs.is_empty() {
            add_pairs::<E>(Some(table), &mut self.work, &mut self.pairs, &mut self.scratch);
        }
        let mut stride = 1;
        loop {
            self.pairs.clear();
            for (&first, &len) in self.places.iter().zip(&*self.lens) {
                let mut at = 0;
                while at + stride < len {
                    self.pairs.push(first + at, first + at + stride, first + at);
                    at += 2 * stride;
                }
            }
            if self.pairs.is_empty() {
                return;
            }
            add_pairs::<E>(None, &mut self.work, &mut self.pairs, &mut self.scratch);
            stride *= 2;
        }
    }

    /// The sum of run number `run`.
    pub fn sum(&self, run: usize) -> Point {
        self.work.get(self.places[run] as usize).copied().unwrap_or_default()
    }
}
