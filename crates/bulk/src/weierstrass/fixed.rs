//! Multiply a point that stays the same, with tables of its multiples.

use super::Curve;
use super::affine::{Point, SIGN};
use super::digits::{Digits, count, halves};
use super::engine::{Engine, Portable};
use super::modulus::{Fe, Words, invert_all};
use super::projective::Projective;

/// Bits of a scalar modulo the order.
pub(crate) const SCALAR_BITS: usize = 256;

/// Digits of `width` bits for any scalar, and where their multiples lie in a table.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub width: usize,
    pub count: usize,
    halves: [u64; 5],
}

/// Layout of the generator's tables for verification: 475 KB.
pub(crate) const GENERATOR: Layout = Layout::new(9);
/// Layout of the tables of known keys: 88 KB a key.
pub(crate) const KNOWN: Layout = Layout::new(6);
/// Digits of the scalar of a key without a table, for doubling and adding.
pub(crate) const LADDER: Layout = Layout::new(5);

impl Layout {
    pub(super) const fn new(width: usize) -> Self {
        let count = count(SCALAR_BITS, width);
        Self { width, count, halves: halves(width, count) }
    }

    /// The same for the lowest digit alone.
    pub(super) const fn lowest(self) -> Self {
        Self { count: 1, ..self }
    }

    /// Multiples kept for each digit.
    pub const fn multiples(&self) -> usize {
        1 << (self.width - 1)
    }

    /// Points of a table.
    pub const fn points(&self) -> usize {
        self.count * self.multiples()
    }

    pub fn digits(&self, scalar: &Words) -> Digits {
        Digits::new(scalar, &self.halves)
    }

    /// Appends references to the points of the table at `base` that add up to `scalar` times the
    /// point.
    pub fn push_refs(&self, refs: &mut Vec<u32>, scalar: &Words, base: u32) {
        let digits = self.digits(scalar);
        for place in 0..self.count {
            let digit = digits.get(place, self.width);
            if digit != 0 {
                let multiple = (place * self.multiples()) as u32 + digit.unsigned_abs() - 1;
                let sign = if digit < 0 { SIGN } else { 0 };
                refs.push((base + multiple) | sign);
            }
        }
    }
}

/// Tables of a generator, for verification.
pub(crate) struct GeneratorTables {
    pub portable: Vec<Point>,
    /// As `portable`, in words of the vector engine.
    #[cfg(target_arch = "x86_64")]
    pub wide: Vec<Point>,
}

impl GeneratorTables {
    pub fn new<C: Curve>() -> Self {
        let portable = table::<C, Portable<C::P>>(&C::G, &GENERATOR);
        #[cfg(target_arch = "x86_64")]
        let wide = convert::<super::claim::Wide<C>>(&portable);
        Self {
            portable,
            #[cfg(target_arch = "x86_64")]
            wide,
        }
    }
}

/// Portable points in words of another engine.
fn convert<E: Engine>(points: &[Point]) -> Vec<Point> {
    let words = |words| E::from_portable(Fe::raw(words));
    points.iter().map(|point| Point { x: words(point.x), y: words(point.y) }).collect()
}

/// Multiples 1 to 2^(width - 1) of 2^(width i) times a point on the curve, for every digit i.
pub(crate) fn table<C: Curve, E: Engine<M = C::P>>(
    point: &[Words; 2],
    layout: &Layout,
) -> Vec<Point> {
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let [x, y] = point.map(|words| Fe::new(&words));
    let mut base = Projective::<Portable<C::P>> { x, y, z: Fe::ONE };
    let mut multiples = Vec::with_capacity(layout.points());
    for _ in 0..layout.count {
        let mut multiple = base;
        multiples.push(multiple);
        for _ in 1..layout.multiples() {
            multiple = multiple.add(&base, b);
            multiples.push(multiple);
        }
        base = multiple.double(b);
    }
    let mut inverses: Vec<_> = multiples.iter().map(|multiple| multiple.z).collect();
    invert_all(&mut inverses);
    let affine: Vec<_> = multiples
        .iter()
        .zip(&inverses)
        .map(|(point, inverse)| Point { x: point.x.mul(inverse).0, y: point.y.mul(inverse).0 })
        .collect();
    convert::<E>(&affine)
}

/// u G + v K by complete formulas, for a single signature; not for secrets.
///
/// Gives the affine x and y as plain numbers, or `None` for infinity.
pub(crate) fn combine<C: Curve>(u: &Words, v: &Words, key: &[Words; 2]) -> Option<[Words; 2]> {
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let [x, y] = key.map(|words| Fe::new(&words));
    let base = Projective::<Portable<C::P>> { x, y, z: Fe::ONE };
    let mut multiples = vec![base];
    for i in 1..LADDER.multiples() {
        multiples.push(multiples[i - 1].add(&base, b));
    }
    let digits = LADDER.digits(v);
    let mut result = Projective::<Portable<C::P>>::infinity();
    for place in (0..LADDER.count).rev() {
        for _ in 0..LADDER.width {
            result = result.double(b);
        }
        let digit = digits.get(place, LADDER.width);
        if digit != 0 {
            let mut multiple = multiples[digit.unsigned_abs() as usize - 1];
            if digit < 0 {
                multiple.y = Fe::ZERO.sub(&multiple.y);
            }
            result = result.add(&multiple, b);
        }
    }
    let mut refs = Vec::with_capacity(GENERATOR.count);
    GENERATOR.push_refs(&mut refs, u, 0);
    let table = &C::generator_tables().portable;
    for reference in refs {
        let point = Point::fetch::<C::P>(table, reference);
        result = result.add_affine([Fe::raw(point.x), Fe::raw(point.y)], b);
    }
    result.plain()
}
