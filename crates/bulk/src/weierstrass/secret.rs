//! Multiply points by secret scalars, in time that does not depend on them.
//!
//! The generator is multiplied by many scalars side by side, any other point by one at a time.
//!
//! Every digit reads all its multiples and adds one of them. Digits of zero, and the sum of none
//! before the first other digit, are left out by masks.
//!
//! The additions of the generator's multiples fail for equal and for opposite points, which scalars
//! s with 0 < s < n never meet.
//! Digits are added from the lowest: what is added to k G, the sum below place i, is d 2^(6 i) G
//! with 0 < |d| <= 32, while |k| < 0.51 2^(6 i). So k = d 2^(6 i) or its opposite could hold modulo
//! n alone, where both together reach n: in the highest place, i = 42, with 0 < d <= 16. There
//! k = -d 2^252 makes s a multiple of n, and k = d 2^252 - n makes s = 2^257 - n > n for d = 16, or
//! |k| > 0.9 2^252 for a smaller d.

use super::Curve;
#[cfg(target_arch = "x86_64")]
use super::claim::Wide;
use super::engine::{Engine, LANES_MAX, MULTIPLES, Portable, SECRET_DIGIT_BITS, Task};
use super::fixed::{Layout, table};
use super::jacobian::{add, make_affine};
use super::modulus::Words;
use super::projective::Projective;
use crate::Path;
use std::hint::black_box;
use zeroize::Zeroizing;

/// Layout of the tables: 88 KB, or 110 KB for the vector engine, read whole for every vector.
const LAYOUT: Layout = Layout::new(SECRET_DIGIT_BITS);

/// Digits of the scalars of one vector, the lowest place first.
type Digits = [[i8; LANES_MAX]; LAYOUT.count];

/// Multiples of the generator for every place.
pub(crate) struct SecretTables<C: Curve> {
    portable: Vec<Multiples<Portable<C::P>>>,
    #[cfg(target_arch = "x86_64")]
    wide: Vec<Multiples<Wide<C>>>,
}

type Multiples<E> = <E as Engine>::Multiples;

impl<C: Curve> SecretTables<C> {
    pub fn new() -> Self {
        Self {
            portable: arranged::<C, Portable<C::P>>(),
            #[cfg(target_arch = "x86_64")]
            wide: arranged::<C, Wide<C>>(),
        }
    }

    /// Affine x and y, plain numbers, of the multiples of the generator; 0 < scalar < n for each.
    pub fn multiply(&self, path: Path, scalars: &[Words]) -> Vec<[Words; 2]> {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Ifma if Path::best() == path => {
                Wide::<C>::execute(Multiply::<Wide<C>> { table: &self.wide, scalars })
            }
            _ => {
                let table = &self.portable;
                Portable::<C::P>::execute(Multiply::<Portable<C::P>> { table, scalars })
            }
        }
    }
}

fn arranged<C: Curve, E: Engine<M = C::P>>() -> Vec<Multiples<E>> {
    table::<C, E>(&C::G, &LAYOUT).chunks_exact(MULTIPLES).map(E::multiples).collect()
}

struct Multiply<'a, E: Engine> {
    table: &'a [E::Multiples],
    scalars: &'a [Words],
}

impl<E: Engine> Task for Multiply<'_, E> {
    type Output = Vec<[Words; 2]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut digits: Zeroizing<Digits> = Zeroizing::new([[0; LANES_MAX]; LAYOUT.count]);
        let mut points = Vec::with_capacity(self.scalars.len().div_ceil(E::LANES));
        for scalars in self.scalars.chunks(E::LANES) {
            write_digits(scalars, &mut digits);
            points.push(add_multiples::<E>(self.table, &digits));
        }
        make_affine::<E>(&mut points);
        let mut plain = Vec::with_capacity(points.len() * E::LANES);
        for [x, y, _] in points {
            let (xs, ys) = (E::plain(x), E::plain(y));
            plain.extend(xs.iter().zip(&ys).take(E::LANES).map(|(x, y)| [*x, *y]));
        }
        plain.truncate(self.scalars.len());
        plain
    }
}

/// Lanes without a scalar keep the digits that they had: none, or those of an earlier scalar.
fn write_digits(scalars: &[Words], digits: &mut Digits) {
    for (lane, scalar) in scalars.iter().enumerate() {
        let read = Zeroizing::new(LAYOUT.digits(scalar));
        for (place, digits) in digits.iter_mut().enumerate() {
            digits[lane] = read.get(place, LAYOUT.width) as i8;
        }
    }
}

/// Jacobian coordinates of the multiples with these digits.
#[inline(always)]
fn add_multiples<E: Engine>(table: &[E::Multiples], digits: &Digits) -> [E::V; 3] {
    let mut point = [E::zero(), E::one(), E::zero()];
    let mut started = 0;
    for (multiples, digits) in table.iter().zip(digits) {
        let ([x, y], none) = E::pick(multiples, digits);
        let added = add::<E>(point, [x, y]);
        let first = [x, y, E::one()];
        for i in 0..3 {
            let sum = E::select(started, added[i], first[i]);
            point[i] = E::select(none, point[i], sum);
        }
        started = black_box(started | !none);
    }
    point
}

/// Affine x and y, plain numbers, of a secret multiple of a public point on the curve;
/// 0 < scalar < n.
///
/// The additions are complete: no digit, and no point that somebody else chose, is an exception.
///
/// # Panics
/// If the scalar is a multiple of n.
pub(crate) fn multiply_point<C: Curve>(point: &[Words; 2], scalar: &Words) -> [Words; 2] {
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let multiples = table::<C, Portable<C::P>>(point, &LAYOUT.lowest());
    let multiples = Portable::<C::P>::multiples(&multiples);
    let read = Zeroizing::new(LAYOUT.digits(scalar));
    let mut digits = Zeroizing::new([0; LANES_MAX]);
    let mut sum = Projective::<Portable<C::P>>::infinity();
    for place in (0..LAYOUT.count).rev() {
        for _ in 0..LAYOUT.width {
            sum = sum.double(b);
        }
        digits[0] = read.get(place, LAYOUT.width) as i8;
        let (multiple, none) = Portable::<C::P>::pick(&multiples, &digits);
        let added = sum.add_affine(multiple, b);
        sum = Projective::select(none, &sum, &added);
    }
    sum.plain().expect("the order is prime: no smaller multiple of a point is infinity")
}
