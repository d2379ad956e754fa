//! Add up many points, each times a scalar: Pippenger's buckets with affine additions.

use super::Curve;
use super::affine::{Point, SIGN, Sums};
use super::digits::{Digits, count, halves};
use super::engine::{Engine, LANES_MAX, Portable, Task};
use super::fixed::SCALAR_BITS;
use super::modulus::{Fe, Words};
use super::projective::Projective;
use crate::buffer::Buffer;

/// Bits of a short scalar, the random factor of a signature.
pub(crate) const SHORT_BITS: usize = 128;
const WIDTH_MIN: usize = 4;
const WIDTH_MAX: usize = 12;
/// Points whose additions share their inversions, over several windows.
const GROUP_POINTS: usize = 65_536;
/// Cost of an addition to a running sum, in affine additions.
const RUNNING_COST: usize = 2;

/// Points and scalars: the first `long` scalars have up to 256 bits, the others 128.
pub(crate) struct Terms {
    pub points: Buffer<Point>,
    pub scalars: Buffer<Words>,
    pub long: usize,
}

impl Terms {
    pub fn with_capacity(terms: usize) -> Self {
        let (points, scalars) = (Buffer::with_capacity(terms), Buffer::with_capacity(terms));
        Self { points, scalars, long: 0 }
    }
}

/// Whether the terms add up to infinity.
pub(crate) fn is_zero_sum<C: Curve, E: Engine<M = C::P>>(terms: &Terms) -> bool {
    let windows = Windows::new(terms, E::LANES);
    let mut sums = Sums::<E>::with_capacity(GROUP_POINTS + terms.points.len());
    let buckets = fill_buckets(terms, &windows, &mut sums);
    let [rows, columns] = add_lines(&buckets, &windows, &mut sums);
    let [rows, columns] = [rows, columns].map(|lines| weigh::<C, E>(&lines, windows.long));
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let times = |mut point: Projective<_>, doublings| {
        for _ in 0..doublings {
            point = point.double(b);
        }
        point
    };
    let mut total = Projective::<Portable<C::P>>::infinity();
    for (row, column) in rows.iter().zip(&columns).rev() {
        let window = times(*row, windows.column_bits()).add(column, b);
        total = times(total, windows.width).add(&window, b);
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
                let lines = 2 * windows.buckets() * windows.long;
                let steps = 2 * (windows.rows() + windows.columns());
                let running = steps * windows.long.next_multiple_of(lanes);
                let digits = terms.long * windows.long + short_terms * windows.short;
                digits + lines + RUNNING_COST * running
            })
            .expect("there is a width to choose")
    }

    fn buckets(&self) -> usize {
        1 << (self.width - 1)
    }

    /// Buckets lie in rows and columns; the column is what the lower bits of a bucket say.
    fn column_bits(&self) -> usize {
        (self.width - 1) / 2
    }

    fn columns(&self) -> usize {
        1 << self.column_bits()
    }

    fn rows(&self) -> usize {
        self.buckets() / self.columns()
    }
}

/// Sums of the points with equal digit: bucket `i` of a window holds the sum for digit i + 1.
fn fill_buckets<E: Engine>(terms: &Terms, windows: &Windows, sums: &mut Sums<E>) -> Buffer<Point> {
    let long_halves = halves(windows.width, windows.long);
    let short_halves = halves(windows.width, windows.short);
    let mut digits = Buffer::with_capacity(terms.scalars.len());
    let (long, short) = terms.scalars.split_at(terms.long);
    digits.extend(long.iter().map(|scalar| Digits::new(scalar, &long_halves)));
    digits.extend(short.iter().map(|scalar| Digits::new(scalar, &short_halves)));
    let mut buckets = Buffer::with_capacity(windows.long * windows.buckets());
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
        buckets.extend((0..group * windows.buckets()).map(|run| sums.sum(run)));
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

/// Sums of the rows of each window, without the first, and of its columns.
///
/// Bucket number `row columns + column` counts `row columns + (column + 1)` times: the sums of
/// rows and columns are few, so that adding them up that often costs little.
fn add_lines<E: Engine>(
    buckets: &[Point],
    windows: &Windows,
    sums: &mut Sums<E>,
) -> [Buffer<Point>; 2] {
    let columns = windows.columns();
    sums.clear();
    let mut refs = Vec::with_capacity(windows.rows().max(columns));
    let mut push = |sums: &mut Sums<E>, line: &mut dyn Iterator<Item = usize>| {
        refs.clear();
        refs.extend(line.filter(|&at| !buckets[at].is_infinity()).map(|at| at as u32));
        sums.push_run(buckets, &refs);
    };
    let firsts = || (0..buckets.len()).step_by(windows.buckets());
    for first in firsts() {
        for row in (first..first + windows.buckets()).step_by(columns).skip(1) {
            push(sums, &mut (row..row + columns));
        }
    }
    let rows = sums.places.len();
    for first in firsts() {
        for column in first..first + columns {
            push(sums, &mut (column..first + windows.buckets()).step_by(columns));
        }
    }
    sums.finish(buckets);
    [0..rows, rows..sums.places.len()].map(|runs| {
        let mut lines = Buffer::with_capacity(runs.len());
        lines.extend(runs.map(|run| sums.sum(run)));
        lines
    })
}

/// For each window the sum of its points, the first once, the second twice and so on.
fn weigh<C: Curve, E: Engine<M = C::P>>(
    points: &[Point],
    windows: usize,
) -> Vec<Projective<Portable<C::P>>> {
    let marker = std::marker::PhantomData;
    let sums = E::execute(Weigh::<C, E> { points, windows, marker });
    let point = |sum: &[Words; 3]| {
        let [x, y, z] = sum.map(|words| E::to_portable(&words));
        Projective { x, y, z }
    };
    sums.iter().map(point).collect()
}

/// See [`weigh`]; windows lie in lanes.
struct Weigh<'a, C, E> {
    points: &'a [Point],
    windows: usize,
    marker: std::marker::PhantomData<(C, E)>,
}

impl<C: Curve, E: Engine<M = C::P>> Task for Weigh<'_, C, E> {
    /// Projective coordinates of each window, the lowest first.
    type Output = Vec<[Words; 3]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let b = Projective::<E>::coefficient::<C>();
        let each = self.points.len() / self.windows;
        let mut sums = Vec::with_capacity(self.windows + LANES_MAX);
        for first in (0..self.windows).step_by(E::LANES) {
            let mut running = Projective::<E>::infinity();
            let mut total = Projective::<E>::infinity();
            for index in (0..each).rev() {
                let mut refs = [0; LANES_MAX];
                for (lane, reference) in refs.iter_mut().enumerate() {
                    let window = (first + lane).min(self.windows - 1);
                    *reference = (window * each + index) as u32;
                }
                let [x, y] = E::gather(self.points, &refs);
                let infinite = E::equal(x, E::zero()) & E::equal(y, E::zero());
                let added = running.add_affine([x, y], b);
                running = Projective::select(infinite, &running, &added);
                total = total.add(&running, b);
            }
            let [x, y, z] = [total.x, total.y, total.z].map(|v| E::words(E::canonical(v)));
            sums.extend((0..E::LANES).map(|lane| [x[lane], y[lane], z[lane]]));
        }
        sums.truncate(self.windows);
        sums
    }
}

/// A scalar modulo the order between -order/2 and order/2: its size, and whether it is negative.
pub(crate) fn balance<C: Curve>(scalar: &Words) -> (Words, bool) {
    let opposite = Fe::<C::N>::ZERO.sub(&Fe::raw(*scalar)).0;
    let negative = super::modulus::subtract(&opposite, scalar).1;
    (if negative { opposite } else { *scalar }, negative)
}
