//! Find points from what travels: x with the parity of y, or both coordinates.

use super::affine::Point;
use super::claim::Wide;
use super::engine::Portable;
use super::engine::{Engine, LANES_MAX, Task, power};
use super::modulus::{Fe, Modulus, Words, is_reduced, sum};
use super::{COMPRESSED_BYTES, Curve, SCALAR_BYTES, bytes_of, is_on_curve, words_of};
use crate::Path;
use crate::buffer::Buffer;
use std::marker::PhantomData;

/// Coordinates, big-endian, of compressed points (SEC 1, section 2.3.4); `None` for what is none.
pub(crate) fn uncompress<C: Curve>(
    path: Path,
    points: &[&[u8; COMPRESSED_BYTES]],
) -> Vec<Option<[u8; 2 * SCALAR_BYTES]>> {
    match path {
        Path::Ifma if Path::best() == path => uncompress_by::<C, Wide<C>>(points),
        _ => uncompress_by::<C, Portable<C::P>>(points),
    }
}

fn uncompress_by<C: Curve, E: Engine<M = C::P>>(
    points: &[&[u8; COMPRESSED_BYTES]],
) -> Vec<Option<[u8; 2 * SCALAR_BYTES]>> {
    let parted: Vec<_> = points.iter().map(|[tag, x @ ..]| (*tag, words_of(x))).collect();
    let xs: Vec<_> = parted.iter().map(|(_, x)| *x).collect();
    let parities: Vec<_> = parted.iter().map(|(tag, _)| tag & 1).collect();
    let found = decompress::<C, E>(&xs, &parities);
    let whole = |(point, (tag, x)): (&Option<Point>, &(u8, Words))| {
        let y = E::to_portable(&point.as_ref()?.y).plain();
        let mut coordinates = [0; 2 * SCALAR_BYTES];
        coordinates[..SCALAR_BYTES].copy_from_slice(&bytes_of(x));
        coordinates[SCALAR_BYTES..].copy_from_slice(&bytes_of(&y));
        matches!(tag, 2 | 3).then_some(coordinates)
    };
    found.iter().zip(&parted).map(whole).collect()
}

/// The points with these x and parities of y; `None` where no point has that x.
pub(crate) fn decompress<C: Curve, E: Engine<M = C::P>>(
    xs: &[Words],
    parities: &[u8],
) -> Buffer<Option<Point>> {
    E::Wider::execute(Decompress::<C, E::Wider> { xs, parities, curve: PhantomData })
}

/// The points with these coordinates; `None` where they are not below p or not on the curve.
pub(crate) fn check<C: Curve, E: Engine<M = C::P>>(points: &[[Words; 2]]) -> Buffer<Option<Point>> {
    E::execute(Check::<C, E> { points, curve: PhantomData })
}

struct Decompress<'a, C, E> {
    xs: &'a [Words],
    parities: &'a [u8],
    curve: PhantomData<(C, E)>,
}

/// Copies a chunk to as many numbers as there are lanes.
#[inline(always)]
fn filled(chunk: impl Iterator<Item = Words>) -> [Words; LANES_MAX] {
    let mut lanes = [[0; 4]; LANES_MAX];
    lanes.iter_mut().zip(chunk).for_each(|(lane, words)| *lane = words);
    lanes
}

/// x^3 - 3x + b in every lane.
#[inline(always)]
fn right_side<C: Curve, E: Engine<M = C::P>>(x: E::V) -> E::V {
    let three = E::splat(&E::from_portable(Fe::new(&[3, 0, 0, 0])));
    let b = E::splat(&E::from_portable(Fe::new(&C::B)));
    E::add(E::mul(E::sub(E::sqr(x), three), x), b)
}

/// (p + 1) / 4, the power that gives a root modulo a prime p = 3 mod 4.
#[inline(always)]
fn root_exponent<M: Modulus>() -> Words {
    let next = sum(&M::M, &[1, 0, 0, 0]).0;
    std::array::from_fn(|i| next[i] >> 2 | next.get(i + 1).map_or(0, |word| word << 62))
}

impl<C: Curve, E: Engine<M = C::P>> Task for Decompress<'_, C, E> {
    type Output = Buffer<Option<Point>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut points = Buffer::with_capacity(self.xs.len());
        for (xs, parities) in self.xs.chunks(E::LANES).zip(self.parities.chunks(E::LANES)) {
            let x = E::from_plain(&filled(xs.iter().copied()));
            let square = E::canonical(right_side::<C, E>(x));
            let root = power::<E>(square, &root_exponent::<C::P>());
            let found = E::equal(E::canonical(E::sqr(root)), square);
            let plain = E::plain(root);
            let mut flips = 0;
            for (lane, parity) in parities.iter().enumerate() {
                flips |= u32::from(plain[lane][0] as u8 & 1 != *parity) << lane;
            }
            let y = E::canonical(E::select(flips, E::sub(E::zero(), root), root));
            let (x, y) = (E::words(E::canonical(x)), E::words(y));
            points.extend((0..xs.len()).map(|lane| {
                let good = found >> lane & 1 == 1 && is_reduced::<C::P>(&xs[lane]);
                good.then_some(Point { x: x[lane], y: y[lane] })
            }));
        }
        points
    }
}

struct Check<'a, C, E> {
    points: &'a [[Words; 2]],
    curve: PhantomData<(C, E)>,
}

impl<C: Curve, E: Engine<M = C::P>> Task for Check<'_, C, E> {
    type Output = Buffer<Option<Point>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut points = Buffer::with_capacity(self.points.len());
        for chunk in self.points.chunks(E::LANES) {
            let x = E::canonical(E::from_plain(&filled(chunk.iter().map(|point| point[0]))));
            let y = E::canonical(E::from_plain(&filled(chunk.iter().map(|point| point[1]))));
            let left = E::canonical(E::sqr(y));
            let found = E::equal(left, E::canonical(right_side::<C, E>(x)));
            let (x, y) = (E::words(x), E::words(y));
            points.extend((0..chunk.len()).map(|lane| {
                let good = found >> lane & 1 == 1 && chunk[lane].iter().all(is_reduced::<C::P>);
                good.then_some(Point { x: x[lane], y: y[lane] })
            }));
        }
        debug_assert!(
            points
                .iter()
                .zip(self.points)
                .all(|(made, given)| { made.is_some() == is_on_curve::<C>(given) })
        );
        points
    }
}

#[cfg(test)]
mod tests;
