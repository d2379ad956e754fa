//! Add up many points, each times a scalar: Pippenger's buckets with affine additions.

use super::Curve;
use super::affine::{NONE, Point, SIGN, Sums};
use super::digits::{Digits, count, halves};
use super::engine::{Engine, LANES_MAX, Portable, Task};
use super::fixed::SCALAR_BITS;
use super::modulus::{Fe, Words};
use super::projective::Projective;

/// Bits of a short scalar, the random factor of a signature.
pub(crate) const SHORT_BITS: usize = 128;
const WIDTH_MIN: usize = 4;
const WIDTH_MAX: usize = 12;
/// Points whose additions share their inversions, over several windows.
const GROUP_POINTS: usize = 32_768;
/// Cost of an addition to a running sum, in affine additions.
const RUNNING_COST: usize = 3;

/// Points and scalars: the first `long` scalars have up to 256 bits, the others 128.
pub(crate) struct Terms {
    pub points: Vec<Point>,
    pub scalars: Vec<Words>,
    pub long: usize,
}

/// Whether the terms add up to infinity.
pub(crate) fn is_zero_sum<C: Curve, E: Engine<M = C::P>>(terms: &Terms) -> bool {
    let windows = Windows::new(terms, E::LANES);
    let buckets = fill_buckets::<E>(terms, &windows);
    let sums = E::execute(Reduce::<C, E> {
        buckets: &buckets,
        windows: &windows,
        marker: std::marker::PhantomData,
    });
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let mut total = Projective::<Portable<C::P>>::infinity();
    for window in sums.iter().rev() {
        for _ in 0..windows.width {
            total = total.double(b);
        }
        let [x, y, z] = window.map(|words| E::to_portable(&words));
        total = total.add(&Projective { x, y, z }, b);
    }
    total.z.is_zero()
}

/// How scalars are cut.
struct Windows {
    width: usize,
    long: usize,
    short: usize,
}

impl Windows {
    /// The width with the least additions.
    fn new(terms: &Terms, lanes: usize) -> Self {
        let short_terms = terms.points.len() - terms.long;
        (WIDTH_MIN..=WIDTH_MAX)
            .map(|width| Self {
                width,
                long: count(SCALAR_BITS, width),
                short: count(SHORT_BITS, width),
            })
            .min_by_key(|windows| {
                let running = 2 * windows.buckets() * windows.long.next_multiple_of(lanes);
                terms.long * windows.long + short_terms * windows.short + RUNNING_COST * running
            })
            .expect("there is a width to choose")
    }

    fn buckets(&self) -> usize {
        1 << (self.width - 1)
    }
}

/// Sums of the points with equal digit: bucket `i` of a window holds the sum for digit i + 1.
fn fill_buckets<E: Engine>(terms: &Terms, windows: &Windows) -> Vec<Point> {
    let long_halves = halves(windows.width, windows.long);
    let short_halves = halves(windows.width, windows.short);
    let digits: Vec<_> = terms
        .scalars
        .iter()
        .enumerate()
        .map(|(i, scalar)| {
            Digits::new(scalar, if i < terms.long { &long_halves } else { &short_halves })
        })
        .collect();
    let mut buckets = Vec::with_capacity(windows.long * windows.buckets());
    let most = GROUP_POINTS + digits.len() + windows.buckets();
    let mut sums = Sums::<E>::with_capacity(most.min(windows.long * digits.len()));
    let mut sorter = Sorter::default();
    let mut window = 0;
    while window < windows.long {
        sums.clear();
        let mut points = 0;
        let mut group = 0;
        while window + group < windows.long && (group == 0 || points < GROUP_POINTS) {
            let terms_here = if window + group < windows.short { digits.len() } else { terms.long };
            sorter.sort(&digits[..terms_here], window + group, windows);
            for run in sorter.runs() {
                sums.push_run(&terms.points, run);
            }
            points += terms_here;
            group += 1;
        }
        sums.finish(&terms.points);
        for run in 0..group * windows.buckets() {
            let place = sums.places[run];
            let bucket = if place == NONE { Point::default() } else { sums.sum(run) };
            buckets.push(bucket);
        }
        window += group;
    }
    buckets
}

/// Sorts references to points by digit (a counting sort).
#[derive(Default)]
struct Sorter {
    window: Vec<i16>,
    ends: Vec<u32>,
    refs: Vec<u32>,
}

impl Sorter {
    fn sort(&mut self, digits: &[Digits], place: usize, windows: &Windows) {
        self.window.clear();
        self.window.extend(digits.iter().map(|d| d.get(place, windows.width) as i16));
        self.ends.clear();
        self.ends.resize(windows.buckets() + 2, 0);
        for digit in &self.window {
            self.ends[usize::from(digit.unsigned_abs()) + 1] += 1;
        }
        let mut total = 0;
        for end in &mut self.ends {
            total += *end;
            *end = total;
        }
        self.refs.resize(digits.len(), 0);
        for (index, digit) in (0u32..).zip(&self.window) {
            let end = &mut self.ends[usize::from(digit.unsigned_abs())];
            self.refs[*end as usize] = index | if *digit < 0 { SIGN } else { 0 };
            *end += 1;
        }
    }

    /// References with digit 1 or -1, with 2 or -2 and so on.
    fn runs(&self) -> impl Iterator<Item = &[u32]> {
        let ends = &self.ends[..self.ends.len() - 1];
        ends.windows(2).map(|pair| &self.refs[pair[0] as usize..pair[1] as usize])
    }
}

/// Adds up the buckets of each window, times their digits; windows lie in lanes.
struct Reduce<'a, C, E> {
    buckets: &'a [Point],
    windows: &'a Windows,
    marker: std::marker::PhantomData<(C, E)>,
}

impl<C: Curve, E: Engine<M = C::P>> Task for Reduce<'_, C, E> {
    /// Projective coordinates of each window, the lowest first.
    type Output = Vec<[Words; 3]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let b = Projective::<E>::coefficient::<C>();
        let buckets = self.windows.buckets();
        let mut sums = Vec::with_capacity(self.windows.long + LANES_MAX);
        for first in (0..self.windows.long).step_by(E::LANES) {
            let mut running = Projective::<E>::infinity();
            let mut total = Projective::<E>::infinity();
            for bucket in (0..buckets).rev() {
                let mut refs = [0; LANES_MAX];
                for (lane, reference) in refs.iter_mut().enumerate() {
                    let window = (first + lane).min(self.windows.long - 1);
                    *reference = (window * buckets + bucket) as u32;
                }
                let [x, y] = E::gather(self.buckets, &refs);
                let infinite = E::equal(x, E::zero()) & E::equal(y, E::zero());
                let added = running.add_affine([x, y], b);
                running = Projective::select(infinite, &running, &added);
                total = total.add(&running, b);
            }
            let [x, y, z] = [total.x, total.y, total.z].map(|v| E::words(E::canonical(v)));
            sums.extend((0..E::LANES).map(|lane| [x[lane], y[lane], z[lane]]));
        }
        sums.truncate(self.windows.long);
        sums
    }
}

/// A scalar modulo the order between -order/2 and order/2: its size, and whether it is negative.
pub(crate) fn balance<C: Curve>(scalar: &Words) -> (Words, bool) {
    let opposite = Fe::<C::N>::ZERO.sub(&Fe::raw(*scalar)).0;
    let negative = super::modulus::subtract(&opposite, scalar).1;
    (if negative { opposite } else { *scalar }, negative)
}
