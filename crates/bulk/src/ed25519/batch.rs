//! Decide batches of signatures: prepare what both paths share, then check the equation.

use super::cache::KeyCache;
#[cfg(target_arch = "x86_64")]
use super::ifma;
use super::point::{Decoded, Point};
use super::scalar::{Scalar, WideSum};
use super::terms::{TermRef, Terms, canonical, fill_random};
use super::{Item, portable};
use crate::Path;

/// Signatures under one equation.
const CHUNK_ITEMS_MAX: usize = 1 << 15;
/// Signatures under one equation once a chunk failed.
const SUSPECT_ITEMS_MAX: usize = 512;
/// A chunk of this many signatures or fewer that fails is decided one by one.
const EACH_ITEMS_MAX: usize = 2 * SUSPECT_ITEMS_MAX;

/// Signature whose parts decoded.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    /// Position among the items.
    pub(super) item: usize,
    pub(super) r: TermRef,
    pub(super) key: TermRef,
    pub(super) s: Scalar,
    /// SHA-512 of R, A, M modulo l.
    pub(super) k: Scalar,
}

/// Signatures with their decoded points.
pub(super) struct Prepared {
    pub(super) candidates: Vec<Candidate>,
    /// Points that candidates refer to; nothing where no point has the encoding.
    pub(super) points: Vec<Option<Decoded>>,
}

impl Prepared {
    /// The point of a reference of a candidate.
    pub(super) fn point(&self, term: TermRef) -> &Decoded {
        self.points[term.index as usize].as_ref().expect("candidates have decoded points")
    }
}

fn decode(path: Path, encodings: &[[u64; 4]]) -> Vec<Option<Decoded>> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::decode(encodings),
        _ => encodings.iter().map(Decoded::decode).collect(),
    }
}

/// SHA-512 of R, A and the message of each item, modulo l.
pub(super) fn hash(path: Path, items: &[Item<'_>]) -> Vec<Scalar> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::hash(items),
        _ => items.iter().map(portable::hash).collect(),
    }
}

fn decide_each(path: Path, prepared: &Prepared, candidates: &[Candidate]) -> Vec<bool> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::decide_each(prepared, candidates),
        _ => candidates.iter().map(|candidate| portable::decide(prepared, candidate)).collect(),
    }
}

/// Sum of products; the points have x != 0 and differ in y.
fn sum(path: Path, points: &[&Decoded], scalars: &[Scalar]) -> Point {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Ifma => ifma::sum(points, scalars),
        _ => portable::sum(points, scalars),
    }
}

fn prepare(path: Path, items: &[Item<'_>], keys: &KeyCache) -> Prepared {
    let mut terms = Terms::new(2 * items.len());
    let mut key_terms = Vec::with_capacity(items.len());
    let mut candidates = Vec::with_capacity(items.len());
    for (item, parts) in items.iter().enumerate() {
        let (r, s) = parts.signature.split_at(32);
        let r: &[u8; 32] = r.try_into().expect("half of 64 bytes");
        let s: &[u8; 32] = s.try_into().expect("half of 64 bytes");
        let Some(s) = Scalar::from_canonical(s) else { continue };
        let count = terms.encodings.len();
        let key = terms.insert(canonical(parts.public_key));
        if terms.encodings.len() > count {
            key_terms.push(key.index as usize);
        }
        let r = terms.insert(canonical(r));
        candidates.push(Candidate { item, r, key, s, k: Scalar::from_u128(0) });
    }
    let points = decode_terms(path, &terms, &key_terms, keys);
    let is_decoded = |term: TermRef| points[term.index as usize].is_some();
    candidates.retain(|candidate| is_decoded(candidate.r) && is_decoded(candidate.key));
    let hashed: Vec<_> = candidates.iter().map(|candidate| items[candidate.item]).collect();
    for (candidate, k) in candidates.iter_mut().zip(hash(path, &hashed)) {
        candidate.k = k;
    }
    Prepared { candidates, points }
}

fn decode_terms(
    path: Path,
    terms: &Terms,
    key_terms: &[usize],
    keys: &KeyCache,
) -> Vec<Option<Decoded>> {
    let mut points = vec![None; terms.encodings.len()];
    let wanted = key_terms.iter().map(|&term| (term, terms.encodings[term]));
    keys.find(wanted, |term, decoded| points[term] = Some(*decoded));
    let missing: Vec<_> = (0..points.len()).filter(|&term| points[term].is_none()).collect();
    let encodings: Vec<_> = missing.iter().map(|&term| terms.encodings[term]).collect();
    let is_cached: Vec<_> = key_terms.iter().map(|&term| points[term].is_some()).collect();
    for (term, decoded) in missing.into_iter().zip(decode(path, &encodings)) {
        points[term] = decoded;
    }
    let fresh = key_terms.iter().zip(is_cached).filter(|(_, is_cached)| !is_cached);
    keys.insert(fresh.filter_map(|(&term, _)| Some((terms.encodings[term], points[term]?))));
    points
}

/// Verdicts of the items, by batch equations.
pub(super) fn verify(path: Path, items: &[Item<'_>], keys: &KeyCache) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(items.len());
    for chunk in items.chunks(CHUNK_ITEMS_MAX) {
        let prepared = prepare(path, chunk, keys);
        let start = verdicts.len();
        verdicts.resize(start + chunk.len(), false);
        decide(path, &prepared, &prepared.candidates, &mut verdicts[start..]);
    }
    verdicts
}

/// Verdicts of the items, each by its own equation.
pub(super) fn verify_each(path: Path, items: &[Item<'_>], keys: &KeyCache) -> Vec<bool> {
    let prepared = prepare(path, items, keys);
    let mut verdicts = vec![false; items.len()];
    let decided = decide_each(path, &prepared, &prepared.candidates);
    for (candidate, verdict) in prepared.candidates.iter().zip(decided) {
        verdicts[candidate.item] = verdict;
    }
    verdicts
}

fn decide(path: Path, prepared: &Prepared, candidates: &[Candidate], verdicts: &mut [bool]) {
    if candidates.is_empty() {
        return;
    }
    if candidates.len() > 1 && is_all_valid(path, prepared, candidates) {
        for candidate in candidates {
            verdicts[candidate.item] = true;
        }
    } else if candidates.len() > EACH_ITEMS_MAX {
        for part in candidates.chunks(SUSPECT_ITEMS_MAX) {
            decide(path, prepared, part, verdicts);
        }
    } else {
        for (candidate, verdict) in candidates.iter().zip(decide_each(path, prepared, candidates)) {
            verdicts[candidate.item] = verdict;
        }
    }
}

/// Whether the equation of the batch holds, with fresh coefficients.
fn is_all_valid(path: Path, prepared: &Prepared, candidates: &[Candidate]) -> bool {
    let mut random = vec![[0; 16]; candidates.len()];
    fill_random(random.as_flattened_mut());
    let one = Scalar::from_u128(1);
    let mut base = WideSum::default();
    let mut totals = vec![WideSum::default(); prepared.points.len()];
    for (candidate, z) in candidates.iter().zip(random) {
        let z = u128::from_le_bytes(z);
        base.add(candidate.s, z);
        for (term, factor) in [(candidate.r, one), (candidate.key, candidate.k)] {
            let factor = if term.is_negated { factor.neg() } else { factor };
            totals[term.index as usize].add(factor, z);
        }
    }
    let mut points = Vec::with_capacity(totals.len() + 1);
    let mut scalars = Vec::with_capacity(totals.len() + 1);
    points.push(Decoded::base());
    scalars.push(base.total().neg());
    for (point, total) in prepared.points.iter().zip(&totals) {
        // Eight times a point with x = 0 is the neutral one: it has no part in the equation.
        let Some(point) = point.as_ref().filter(|point| !point.is_vertical()) else { continue };
        let scalar = total.total();
        if scalar != Scalar::from_u128(0) {
            points.push(point);
            scalars.push(scalar);
        }
    }
    sum(path, &points, &scalars).is_small_order()
}
