//! Check many claims "u G + v K has this x": by one random equation, or each on its own.

use super::Curve;
use super::affine::Point;
use super::decode;
use super::engine::{Engine, Portable};
use super::exact;
use super::fixed::combine;
#[cfg(target_arch = "x86_64")]
use super::ifma::Ifma;
use super::modulus::{Fe, Modulus, Words, reduce, subtract};
use super::multi::{Terms, balance, is_zero_sum};
use super::tables::Tables;
use crate::Path;
use crate::buffer::Buffer;
use std::iter;

/// Sets of registers that the vector engine interleaves.
#[cfg(target_arch = "x86_64")]
const INTERLEAVED: usize = 1;

/// The vector engine of a curve.
#[cfg(target_arch = "x86_64")]
pub(crate) type Wide<C> = Ifma<<C as Curve>::P, INTERLEAVED>;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Wide<C> = Portable<<C as Curve>::P>;

/// Claims under one random equation, at most; more make several equations.
pub const CHUNK_MAX: usize = 8192;
/// Fewer claims are checked each on its own.
const BATCH_MIN: usize = 16;
/// Bytes of the random factor of a claim.
const RANDOM_BYTES: usize = 16;
/// Fewer claims than this are computed one by one.
const LANES_WORTH: usize = 4;

/// What a signature says, after its range checks: x = x(u G + v K) mod n, 0 < v < n.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Index of the key.
    pub key: u32,
    pub x: Words,
    pub u: Words,
    pub v: Words,
    /// Parity of y of the point, as said by whoever passed the signature on.
    pub hint: Option<u8>,
}

/// Keys as sent, and claims about them.
pub(crate) struct Claims {
    pub keys: Buffer<[Words; 2]>,
    pub claims: Buffer<Claim>,
}

/// Claims of the signatures of a call that passed the checks of ranges.
pub(crate) struct Checked {
    pub claims: Claims,
    /// Signature of each claim.
    pub places: Vec<u32>,
    /// Signatures of the call.
    pub count: usize,
}

impl Checked {
    /// Answers in the order of the signatures; the default for those that failed a check.
    pub fn scatter<T: Default + Clone>(&self, check: impl FnOnce(&Claims) -> Vec<T>) -> Vec<T> {
        let mut answers = vec![T::default(); self.count];
        for (&place, answer) in self.places.iter().zip(check(&self.claims)) {
            answers[place as usize] = answer;
        }
        answers
    }

    /// For the only signature of a call, the parity of y where its claim holds.
    pub fn parity<C: Curve>(&self) -> Option<u8> {
        let claim = self.claims.claims.first()?;
        parity_of::<C>(claim, &self.claims.keys[claim.key as usize])
    }
}

/// For each claim, whether it holds.
pub(crate) fn verify<C: Curve>(path: Path, claims: &Claims, tables: &Tables) -> Vec<bool> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma if Path::best() == path => {
            let generator = &C::generator_tables().wide;
            Checker::<C, Wide<C>>::new(path, claims, generator, tables).verify()
        }
        _ => {
            let generator = &C::generator_tables().portable;
            Checker::<C, Portable<C::P>>::new(path, claims, generator, tables).verify()
        }
    }
}

/// For each claim that holds, the parity of y; each claim on its own, without hints.
pub(crate) fn parities<C: Curve>(path: Path, claims: &Claims, tables: &Tables) -> Vec<Option<u8>> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma if Path::best() == path => {
            let generator = &C::generator_tables().wide;
            Checker::<C, Wide<C>>::new(path, claims, generator, tables).parities()
        }
        _ => {
            let generator = &C::generator_tables().portable;
            Checker::<C, Portable<C::P>>::new(path, claims, generator, tables).parities()
        }
    }
}

struct Checker<'a, C, E: Engine> {
    path: Path,
    claims: &'a Claims,
    /// Keys on the curve, as points of the engine.
    keys: Buffer<Option<Point>>,
    generator: &'a [Point],
    tables: &'a Tables,
    curve: std::marker::PhantomData<(C, E)>,
}

impl<'a, C: Curve, E: Engine<M = C::P>> Checker<'a, C, E> {
    fn new(path: Path, claims: &'a Claims, generator: &'a [Point], tables: &'a Tables) -> Self {
        let keys = decode::check::<C, E>(&claims.keys);
        Self { path, claims, keys, generator, tables, curve: std::marker::PhantomData }
    }

    fn verify(&self) -> Vec<bool> {
        let mut verdicts = vec![false; self.claims.claims.len()];
        let mut batch = Vec::new();
        let mut alone = Vec::new();
        for (index, claim) in self.claims.claims.iter().enumerate() {
            match (self.keys[claim.key as usize], claim.hint) {
                (None, _) => {}
                (Some(_), Some(0 | 1)) => batch.push(index),
                (Some(_), _) => alone.push(index),
            }
        }
        for chunk in batch.chunks(CHUNK_MAX) {
            let before = alone.len();
            if chunk.len() >= BATCH_MIN && self.holds(chunk, &mut alone) {
                chunk.iter().for_each(|&index| verdicts[index] = true);
            } else {
                alone.truncate(before);
                alone.extend_from_slice(chunk);
            }
        }
        // What the equation had no point for is in `alone`, and decided there.
        for (&index, parity) in alone.iter().zip(self.exact(&alone)) {
            verdicts[index] = parity.is_some();
        }
        verdicts
    }

    fn parities(&self) -> Vec<Option<u8>> {
        let good = |claim: &Claim| self.keys[claim.key as usize].is_some();
        let indices: Vec<_> = (0..self.claims.claims.len())
            .filter(|&index| good(&self.claims.claims[index]))
            .collect();
        let mut found = vec![None; self.claims.claims.len()];
        for (&index, parity) in indices.iter().zip(self.exact(&indices)) {
            found[index] = parity;
        }
        found
    }

    /// Whether the random equation of the claims at `chunk` holds.
    ///
    /// sum z R - sum (z v) K - (sum z u) G = 0, with R found from x and the hint. A claim whose x
    /// belongs to no point takes no part and goes to `alone`.
    fn holds(&self, chunk: &[usize], alone: &mut Vec<usize>) -> bool {
        let claims = || chunk.iter().map(|&index| &self.claims.claims[index]);
        let xs: Buffer<_> = claims().map(|claim| claim.x).collect();
        let hints: Vec<_> = claims().map(|claim| claim.hint.unwrap_or(0)).collect();
        let found = decode::decompress::<C, E>(&xs, &hints);
        let mut randoms: Buffer<_> = iter::repeat_n(0, chunk.len() * RANDOM_BYTES).collect();
        getrandom::fill(&mut randoms).expect("the system has a generator");
        let mut key_sums: Buffer<_> = iter::repeat_n(Fe::<C::N>::ZERO, self.keys.len()).collect();
        let mut generator_sum = Fe::<C::N>::ZERO;
        let mut terms = Terms::with_capacity(1 + self.keys.len() + chunk.len());
        let mut short = Terms::with_capacity(chunk.len());
        let (randoms, _) = randoms.as_chunks::<8>();
        let (randoms, _) = randoms.as_chunks::<2>();
        for (((index, claim), point), random) in
            chunk.iter().zip(claims()).zip(&*found).zip(randoms)
        {
            let Some(point) = point else {
                alone.push(*index);
                continue;
            };
            let [low, high] = random.map(u64::from_le_bytes);
            let factor = [low, high, 0, 0];
            // A product of two plain numbers lacks 2^256, which is made up for once a sum.
            let times = |scalar: &Words| Fe::<C::N>::raw(factor).mul(&Fe::raw(*scalar));
            let key = claim.key as usize;
            key_sums[key] = key_sums[key].add(&times(&claim.v));
            generator_sum = generator_sum.add(&times(&claim.u));
            short.points.push(*point);
            short.scalars.push(factor);
        }
        let mut push = |point: Point, sum: Fe<C::N>| {
            if sum.is_zero() {
                return;
            }
            let (size, negative) = balance::<C>(&sum.mul(&Fe::raw(C::N::R2)).0);
            let mut point = point;
            if !negative {
                point.y = subtract(&C::P::M, &point.y).0;
            }
            terms.points.push(point);
            terms.scalars.push(size);
        };
        push(self.generator[0], generator_sum);
        for (key, sum) in self.keys.iter().zip(&*key_sums) {
            if let Some(key) = key {
                push(*key, *sum);
            }
        }
        terms.long = terms.points.len();
        terms.points.append(&mut short.points);
        terms.scalars.append(&mut short.scalars);
        is_zero_sum::<C, E>(&terms)
    }

    /// Parity of y for each claim at `indices` that holds; their keys are on the curve.
    fn exact(&self, indices: &[usize]) -> Vec<Option<u8>> {
        if indices.is_empty() {
            return Vec::new();
        }
        let claims: Vec<_> = indices.iter().map(|&index| &self.claims.claims[index]).collect();
        let keys: Vec<_> =
            claims.iter().map(|claim| self.claims.keys[claim.key as usize]).collect();
        let mut sums = vec![None; claims.len()];
        let mut cold = Vec::new();
        self.tables.with(self.path, &keys, |points, places| {
            let mut known = Vec::new();
            for (index, place) in places.iter().enumerate() {
                match place {
                    Some(place) => known.push((index, (claims[index], *place))),
                    None => cold.push(index),
                }
            }
            let (indices, known): (Vec<_>, Vec<_>) = known.into_iter().unzip();
            for (chunk, known) in indices.chunks(EXACT_CHUNK).zip(known.chunks(EXACT_CHUNK)) {
                let found = exact::combine_known::<C, E>(points, known);
                chunk.iter().zip(found).for_each(|(&index, sum)| sums[index] = sum);
            }
        });
        for chunk in cold.chunks(EXACT_CHUNK) {
            let found = self.combine_cold(chunk.iter().map(|&index| claims[index]).collect());
            chunk.iter().zip(found).for_each(|(&index, sum)| sums[index] = sum);
        }
        claims
            .iter()
            .zip(sums)
            .map(|(claim, sum)| {
                let [x, y] = sum?;
                (reduce::<C::N>(&x) == claim.x).then_some(y[0] as u8 & 1)
            })
            .collect()
    }

    fn combine_cold(&self, claims: Vec<&Claim>) -> Vec<Option<[Words; 2]>> {
        if claims.len() < LANES_WORTH {
            let single = |claim: &&Claim| {
                combine::<C>(&claim.u, &claim.v, &self.claims.keys[claim.key as usize])
            };
            return claims.iter().map(single).collect();
        }
        // The keys that occur, renumbered.
        let mut numbers = vec![u32::MAX; self.keys.len()];
        let mut keys = Vec::new();
        let renumbered: Vec<_> = claims
            .iter()
            .map(|claim| {
                let number = &mut numbers[claim.key as usize];
                if *number == u32::MAX {
                    *number = keys.len() as u32;
                    keys.push(self.keys[claim.key as usize].expect("the key is on the curve"));
                }
                Claim { key: *number, ..(*claim).clone() }
            })
            .collect();
        let borrowed: Vec<_> = renumbered.iter().collect();
        exact::combine_all::<C, E>(self.generator, &keys, &borrowed)
    }
}

/// Claims computed side by side, at most: their tables stay in the cache.
const EXACT_CHUNK: usize = 1024;

/// Parity of y where the claim about `key` holds; by portable code, one point at a time.
pub(crate) fn parity_of<C: Curve>(claim: &Claim, key: &[Words; 2]) -> Option<u8> {
    if !super::is_on_curve::<C>(key) {
        return None;
    }
    let [x, y] = combine::<C>(&claim.u, &claim.v, key)?;
    (reduce::<C::N>(&x) == claim.x).then_some(y[0] as u8 & 1)
}

#[cfg(test)]
mod tests;
