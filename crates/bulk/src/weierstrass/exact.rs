//! Compute u G + v K for many signatures, each on its own: no batch equation, no randomness.

use super::Curve;
use super::affine::{NONE, Pairs, Point, SIGN, Sums, add_pairs};
use super::claim::Claim;
use super::engine::{Engine, LANES_MAX, Portable, Task};
use super::fixed::{GENERATOR, KNOWN, LADDER};
use super::jacobian::{add, double, make_affine};
use super::modulus::Words;
use super::multi::balance;
use super::projective::Projective;
use std::marker::PhantomData;

/// Fewer claims about known keys are computed one by one.
const TOGETHER_WORTH: usize = 8;

/// x and y of u G + v K as plain numbers, `None` for infinity; keys are points of the engine.
pub(crate) fn combine_all<C: Curve, E: Engine<M = C::P>>(
    generator: &[Point],
    keys: &[Point],
    claims: &[&Claim],
) -> Vec<Option<[Words; 2]>> {
    let mut sums = Sums::<E>::with_capacity(0);
    let mut refs = Vec::with_capacity(GENERATOR.count);
    for claim in claims {
        refs.clear();
        GENERATOR.push_refs(&mut refs, &claim.u, 0);
        sums.push_run(generator, &refs);
    }
    sums.finish(generator);
    let multiples = multiples::<E>(keys, &mut sums.scratch);
    let first = sums.work.len() as u32;
    let padded = claims.len().next_multiple_of(E::LANES);
    sums.work.resize(first as usize + padded, Point::default());
    E::execute(Ladder::<C, E> {
        multiples: &multiples,
        claims,
        products: &mut sums.work[first as usize..],
        curve: PhantomData,
    });
    sums.pairs.clear();
    for (index, place) in sums.places.iter_mut().enumerate() {
        let product = first + index as u32;
        match *place {
            NONE => *place = product,
            place => sums.pairs.push(place, product, place),
        }
    }
    if !sums.pairs.is_empty() {
        add_pairs::<E>(None, &mut sums.work, &mut sums.pairs, &mut sums.scratch);
    }
    plain_sums::<C, E>(&sums)
}

/// As [`combine_all`], for keys whose tables lie in `table`, at the place given with each claim.
pub(crate) fn combine_known<C: Curve, E: Engine<M = C::P>>(
    table: &[Point],
    claims: &[(&Claim, u32)],
) -> Vec<Option<[Words; 2]>> {
    if claims.len() < TOGETHER_WORTH {
        let one = |(claim, base): &(&Claim, u32)| combine_one_known::<C, E>(table, claim, *base);
        return claims.iter().map(one).collect();
    }
    let mut sums = Sums::<E>::with_capacity(0);
    let mut refs = Vec::with_capacity(GENERATOR.count + KNOWN.count);
    for (claim, base) in claims {
        refs.clear();
        GENERATOR.push_refs(&mut refs, &claim.u, 0);
        KNOWN.push_refs(&mut refs, &claim.v, *base);
        sums.push_run(table, &refs);
    }
    sums.finish(table);
    plain_sums::<C, E>(&sums)
}

/// As [`combine_known`], for one claim: the lanes share its points, and no slope is computed.
fn combine_one_known<C: Curve, E: Engine<M = C::P>>(
    table: &[Point],
    claim: &Claim,
    base: u32,
) -> Option<[Words; 2]> {
    let mut refs = Vec::with_capacity(GENERATOR.count + KNOWN.count);
    GENERATOR.push_refs(&mut refs, &claim.u, 0);
    KNOWN.push_refs(&mut refs, &claim.v, base);
    let lanes = E::execute(LaneSums::<C, E> { table, refs: &refs, curve: PhantomData });
    let b = Projective::<Portable<C::P>>::coefficient::<C>();
    let sum = |sum: Projective<_>, lane| sum.add(&lane, b);
    lanes.into_iter().fold(Projective::infinity(), sum).plain()
}

/// Sums of every `LANES`-th point at `refs`, by complete formulas.
struct LaneSums<'a, C, E> {
    table: &'a [Point],
    refs: &'a [u32],
    curve: PhantomData<(C, E)>,
}

impl<C: Curve, E: Engine<M = C::P>> Task for LaneSums<'_, C, E> {
    type Output = Vec<Projective<Portable<C::P>>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let b = Projective::<E>::coefficient::<C>();
        let mut sum = Projective::<E>::infinity();
        for refs in self.refs.chunks(E::LANES) {
            let mut padded = [0; LANES_MAX];
            padded[..refs.len()].copy_from_slice(refs);
            let added = sum.add_affine(E::gather(self.table, &padded[..E::LANES]), b);
            sum = Projective::select((1 << refs.len()) - 1, &added, &sum);
        }
        let [x, y, z] = [sum.x, sum.y, sum.z].map(|v| E::words(E::canonical(v)));
        let portable = |words: &Words| E::to_portable(words);
        (0..E::LANES)
            .map(|lane| Projective {
                x: portable(&x[lane]),
                y: portable(&y[lane]),
                z: portable(&z[lane]),
            })
            .collect()
    }
}

fn plain_sums<C: Curve, E: Engine<M = C::P>>(sums: &Sums<E>) -> Vec<Option<[Words; 2]>> {
    (0..sums.places.len())
        .map(|run| {
            let point = sums.sum(run);
            (!point.is_infinity())
                .then(|| [point.x, point.y].map(|words| E::to_portable(&words).plain()))
        })
        .collect()
}

/// Multiples 1 to 16 of each point.
fn multiples<E: Engine>(points: &[Point], scratch: &mut Vec<E::V>) -> Vec<Point> {
    let each = LADDER.multiples();
    let mut table = vec![Point::default(); points.len() * each];
    for (multiples, point) in table.chunks_exact_mut(each).zip(points) {
        multiples[0] = *point;
    }
    let mut pairs = Pairs::with_capacity(points.len() + LANES_MAX);
    for multiple in 1..each as u32 {
        pairs.clear();
        for first in (0..table.len() as u32).step_by(each) {
            pairs.push(first, first + multiple - 1, first + multiple);
        }
        if !pairs.is_empty() {
            add_pairs::<E>(None, &mut table, &mut pairs, scratch);
        }
    }
    table
}

/// v K for every claim, by doubling and adding in Jacobian coordinates, one claim a lane.
///
/// Scalars are taken between -n/2 and n/2, so that the running multiple k of K and the multiple
/// d <= 16 that is added never satisfy k = d or k = -d modulo n, except for k = 0: the additions
/// need no other exception.
struct Ladder<'a, C, E> {
    multiples: &'a [Point],
    claims: &'a [&'a Claim],
    products: &'a mut [Point],
    curve: PhantomData<(C, E)>,
}

impl<C: Curve, E: Engine<M = C::P>> Task for Ladder<'_, C, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut points = Vec::with_capacity(self.claims.len().div_ceil(E::LANES));
        for claims in self.claims.chunks(E::LANES) {
            points.push(climb::<C, E>(self.multiples, claims));
        }
        make_affine::<E>(&mut points);
        for (step, [x, y, _]) in points.into_iter().enumerate() {
            let places: [u32; LANES_MAX] =
                std::array::from_fn(|lane| (step * E::LANES + lane) as u32);
            E::scatter(self.products, &places[..E::LANES], [x, y]);
        }
    }
}

/// Jacobian coordinates of v K of one vector of claims.
#[inline(always)]
fn climb<C: Curve, E: Engine<M = C::P>>(multiples: &[Point], claims: &[&Claim]) -> [E::V; 3] {
    let scalars: [_; LANES_MAX] = std::array::from_fn(|lane| {
        let claim = claims.get(lane).unwrap_or(&claims[0]);
        let (size, negative) = balance::<C>(&claim.v);
        (LADDER.digits(&size), negative, claim.key * LADDER.multiples() as u32)
    });
    let mut point = [E::zero(), E::one(), E::zero()];
    let mut started = 0u32;
    for place in (0..LADDER.count).rev() {
        if started != 0 {
            for _ in 0..LADDER.width {
                point = double::<E>(point);
            }
        }
        let mut refs = [0; LANES_MAX];
        let mut some = 0u32;
        for (lane, reference) in refs[..E::LANES].iter_mut().enumerate() {
            let (digits, negative, base) = &scalars[lane];
            let digit = digits.get(place, LADDER.width);
            some |= u32::from(digit != 0) << lane;
            let sign = if (digit < 0) != *negative { SIGN } else { 0 };
            *reference = (base + digit.unsigned_abs().saturating_sub(1)) | sign;
        }
        let [x, y] = E::gather(multiples, &refs[..E::LANES]);
        let added = add::<E>(point, [x, y]);
        let first = [x, y, E::one()];
        for i in 0..3 {
            let sum = E::select(started, added[i], first[i]);
            point[i] = E::select(some, sum, point[i]);
        }
        started |= some;
    }
    point
}
