//! Sum products of points and scalars by buckets of signed digits (Pippenger's method).

use std::sync::OnceLock;

use crate::buffer::Buffer;

use super::super::point::{Decoded, Point, from_montgomery};
use super::super::scalar::{SCALAR_BITS, Scalar};
use super::buckets::{Affine, FIXED_PAIR, Pool, Signed, Sorted, Spilled};
use super::field::{F8, LANES};
use super::point::P8;
use super::transpose::load;

/// Bits of a digit.
const DIGIT_BITS_MIN: usize = 4;
const DIGIT_BITS_MAX: usize = 14;
/// Bits of a scalar that [`Scalar::is_short`].
const SHORT_BITS: usize = 128;
/// Estimate: eight buckets closed together cost as much as this many points sorted and added.
const CLOSING_COST: usize = 26;
/// Points sorted into one tree of additions, so that their sums stay near the processor.
const TREE_POINTS: usize = 1 << 15;
const EMPTY: Affine = Affine { u: [0; 4], v: [0; 4] };

/// What a bucket holds.
const ABSENT: u8 = 0;
const POSITIVE: u8 = 1;
const NEGATIVE: u8 = 2;

/// Points and digits, those with long scalars first.
struct Plan {
    bits: usize,
    windows: usize,
    /// Windows that short scalars reach.
    short_windows: usize,
    long: usize,
    count: usize,
    /// Digit of each point, window by window.
    digits: Buffer<i16>,
}

/// Sums of the buckets of every window.
struct Buckets {
    /// Buckets of a window.
    size: usize,
    sums: Buffer<Affine>,
    states: Buffer<u8>,
    /// What the buckets lack, window by window.
    extra: Vec<Point>,
}

fn filled<T: Copy>(value: T, count: usize) -> Buffer<T> {
    let mut buffer = Buffer::with_capacity(count);
    buffer.resize(count, value);
    buffer
}

fn affine(point: &Decoded) -> Affine {
    let [a, b, c, d, e, f, g, h] = point.montgomery;
    Affine { u: [a, b, c, d], v: [e, f, g, h] }
}

/// Two points with different u.
fn fixed_pair() -> [Affine; 2] {
    static PAIR: OnceLock<[Affine; 2]> = OnceLock::new();
    *PAIR.get_or_init(|| {
        let mut points = (2..).filter_map(|y| Decoded::decode(&[y, 0, 0, 0]));
        let mut next = || affine(&points.next().expect("every second y is one of a point"));
        [next(), next()]
    })
}

fn to_point(affine: &Affine, is_negative: bool) -> Point {
    let [[a, b, c, d], [e, f, g, h]] = [affine.u, affine.v];
    let point = from_montgomery(&[a, b, c, d, e, f, g, h]);
    if is_negative { point.neg() } else { point }
}

fn windows_of(bits: usize) -> usize {
    SCALAR_BITS / bits + 1
}

fn short_windows_of(bits: usize) -> usize {
    // One more bit for the last carry.
    SHORT_BITS / bits + 1
}

fn cost(bits: usize, long: usize, short: usize) -> usize {
    let windows = windows_of(bits);
    let closed = windows.div_ceil(LANES) << (bits - 1);
    long * windows + short * short_windows_of(bits) + closed * CLOSING_COST
}

impl Plan {
    fn new(points: &[&Decoded], scalars: &[Scalar]) -> (Self, Pool) {
        let count = points.len();
        let is_long = |&position: &usize| !scalars[position].is_short();
        let (mut order, short): (Vec<_>, Vec<_>) = (0..count).partition(is_long);
        let long = order.len();
        order.extend(&short);
        let bits = (DIGIT_BITS_MIN..=DIGIT_BITS_MAX)
            .min_by_key(|&bits| cost(bits, long, short.len()))
            .expect("the range is not empty");
        let (windows, short_windows) = (windows_of(bits), short_windows_of(bits));
        let mut digits = filled(0, windows * count);
        for (place, &position) in order.iter().enumerate() {
            let reach = if place < long { windows } else { short_windows };
            scalars[position].digits(bits, reach, |window, digit| {
                digits[window * count + place] = digit;
            });
        }
        let ordered = order.iter().map(|&position| affine(points[position]));
        // Room for the sums of the largest tree, padded to whole vectors at each of its levels.
        let room = count + 2 * TREE_POINTS.max(count);
        let mut points = Buffer::with_capacity(room);
        points.extend(fixed_pair().into_iter().chain(ordered));
        let pool = Pool::new(points);
        (Self { bits, windows, short_windows, long, count, digits }, pool)
    }

    /// Digits of a window that may be other than zero.
    fn row(&self, window: usize) -> &[i16] {
        let reach = if window < self.short_windows { self.count } else { self.long };
        &self.digits[window * self.count..][..reach]
    }

    /// Sorts the points of `windows` by bucket.
    fn sort(&self, windows: std::ops::Range<usize>) -> Sorted {
        let size = 1 << (self.bits - 1);
        let mut counts = filled(0u32, windows.len() * size);
        let mut points: Buffer<Signed> = Buffer::with_capacity(windows.len() * self.count);
        let mut places = filled(0u32, size + 1);
        for (counts, window) in counts.chunks_exact_mut(size).zip(windows) {
            let row = self.row(window);
            // Place 0 takes the digits that are zero.
            places.fill(0);
            for digit in row {
                places[usize::from(digit.unsigned_abs())] += 1;
            }
            counts.copy_from_slice(&places[1..]);
            let start = points.len();
            let mut next = start as u32;
            for place in &mut places[1..] {
                let count = *place;
                *place = next;
                next += count;
            }
            points.resize(next as usize, 0);
            for (position, digit) in row.iter().enumerate() {
                if *digit != 0 {
                    let place = &mut places[usize::from(digit.unsigned_abs())];
                    // Two fixed points come first.
                    let signed = ((position as u32 + 2) << 1) | u32::from(*digit < 0);
                    points[*place as usize] = signed;
                    *place += 1;
                }
            }
        }
        Sorted { points, counts }
    }
}

impl Buckets {
    fn new(plan: &Plan) -> Self {
        let size = 1 << (plan.bits - 1);
        let windows = plan.windows.next_multiple_of(LANES);
        Self {
            size,
            sums: filled(EMPTY, windows * size),
            states: filled(ABSENT, windows * size),
            extra: vec![Point::NEUTRAL; windows],
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn fill(&mut self, plan: &Plan, pool: &mut Pool) {
        let step = (TREE_POINTS / plan.count.max(1)).clamp(1, plan.windows);
        let mut spilled = Vec::new();
        for window in (0..plan.windows).step_by(step) {
            let sorted = plan.sort(window..plan.windows.min(window + step));
            let start = window * self.size;
            pool.sum_buckets(sorted, &mut spilled, |bucket, sum, is_negative| {
                self.sums[start + bucket] = *sum;
                self.states[start + bucket] = if is_negative { NEGATIVE } else { POSITIVE };
            });
            for spilled in spilled.drain(..) {
                self.add_extra(start, &spilled, pool);
            }
        }
    }

    /// Adds what a pair that left the tree lacks: its sum less that of the fixed pair.
    fn add_extra(&mut self, start: usize, spilled: &Spilled, pool: &Pool) {
        let point = |signed: Signed| to_point(pool.point(signed), signed & 1 == 1);
        let [a, b] = spilled.points.map(point);
        let [c, d] = FIXED_PAIR.map(point);
        let lacking = a.add(&b.cached()).subtract(&c.cached()).subtract(&d.cached());
        let bucket = start + spilled.bucket;
        let weight = Scalar::from_u128((bucket % self.size) as u128 + 1);
        let weighted = Point::sum_of_products([(lacking, weight)]);
        let extra = &mut self.extra[bucket / self.size];
        *extra = extra.add(&weighted.cached());
    }

    /// The buckets at `index` of eight windows.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn eight(&self, windows: usize, index: usize) -> P8 {
        let at = |lane: usize| (windows + lane) * self.size + index;
        let u = load(std::array::from_fn(|lane| &self.sums[at(lane)].u));
        let v = load(std::array::from_fn(|lane| &self.sums[at(lane)].v));
        let (mut negative, mut absent) = (0, 0);
        for lane in 0..LANES {
            let state = self.states[at(lane)];
            negative |= u8::from(state == NEGATIVE) << lane;
            absent |= u8::from(state == ABSENT) << lane;
        }
        P8::from_montgomery(F8::from_words(u), F8::from_words(v), negative, absent)
    }

    /// Sum of every bucket times its digit, for eight windows.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn close(&self, windows: usize) -> P8 {
        let (mut running, mut weighted) = (P8::neutral(), P8::neutral());
        for index in (0..self.size).rev() {
            running = running.add(&self.eight(windows, index).cached());
            weighted = weighted.add(&running.cached());
        }
        weighted
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn sum(points: &[&Decoded], scalars: &[Scalar]) -> Point {
    let (plan, mut pool) = Plan::new(points, scalars);
    let mut buckets = Buckets::new(&plan);
    buckets.fill(&plan, &mut pool);
    let mut total = Point::NEUTRAL;
    for windows in (0..plan.windows).step_by(LANES).rev() {
        let closed = buckets.close(windows).lanes();
        for (lane, closed) in closed.iter().enumerate().rev() {
            let own = closed.add(&buckets.extra[windows + lane].cached());
            total = total.double_times(plan.bits).add(&own.cached());
        }
    }
    total
}
