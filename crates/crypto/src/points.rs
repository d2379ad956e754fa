//! Bring signatures under compressed points of curves to the form that the bulk kernels take.

use crate::scheme::Signed;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Bytes of a compressed point (SEC 1, section 2.3.3).
pub(crate) const COMPRESSED_BYTES: usize = 33;
const UNCOMPRESSED_BYTES: usize = 64;
const SCALARS_BYTES: usize = 64;
/// Points in each of the two halves of a cache: 8 MiB in all.
const POINTS_MAX: usize = 32 << 10;

type Compressed = [u8; COMPRESSED_BYTES];
type Uncompressed = [u8; UNCOMPRESSED_BYTES];

/// Points that were seen before, so that a repeated signer costs no square root.
///
/// Full halves are forgotten in turn: the points in use stay.
#[derive(Default)]
pub(crate) struct PointCache(Mutex<Halves>);

#[derive(Default)]
struct Halves {
    recent: HashMap<Compressed, Uncompressed>,
    older: HashMap<Compressed, Uncompressed>,
}

impl Halves {
    fn get(&mut self, point: &Compressed) -> Option<Uncompressed> {
        if let Some(found) = self.recent.get(point) {
            return Some(*found);
        }
        let found = *self.older.get(point)?;
        self.insert(*point, found);
        Some(found)
    }

    fn insert(&mut self, point: Compressed, found: Uncompressed) {
        if self.recent.len() == POINTS_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(point, found);
    }
}

/// Finds many points at once; none for what is no point.
type Uncompress = fn(&[&Compressed]) -> Vec<Option<Uncompressed>>;

impl PointCache {
    /// The points of those `keys` that are compressed points.
    pub(crate) fn points_of(&self, keys: &[&[u8]], uncompress: Uncompress) -> Vec<Uncompressed> {
        let sized: Vec<_> = keys.iter().filter_map(|key| (*key).try_into().ok()).collect();
        self.points(&sized, uncompress).into_iter().flatten().collect()
    }

    /// The points of `keys`, in order; the new ones are computed together.
    fn points(&self, keys: &[Compressed], uncompress: Uncompress) -> Vec<Option<Uncompressed>> {
        // A panic elsewhere leaves a map that is whole: entries are correct or absent.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut points: Vec<_> = {
            let mut halves = lock();
            keys.iter().map(|key| halves.get(key)).collect()
        };
        let unknown: Vec<_> = (0..keys.len()).filter(|&place| points[place].is_none()).collect();
        let found = uncompress(&unknown.iter().map(|&place| &keys[place]).collect::<Vec<_>>());
        let mut halves = lock();
        for (place, point) in unknown.into_iter().zip(found) {
            points[place] = point;
            if let Some(point) = point {
                halves.insert(keys[place], point);
            }
        }
        points
    }
}

/// A signature as the bulk kernels take it.
pub(crate) struct Entry<'a> {
    pub(crate) public_key: Uncompressed,
    pub(crate) signed: Vec<u8>,
    pub(crate) scalars: &'a [u8; SCALARS_BYTES],
    pub(crate) hint: Option<u8>,
}

/// Splits `r || s` from the hint that may follow; none for another length.
pub(crate) fn split_hint(signature: &[u8]) -> Option<(&[u8; SCALARS_BYTES], Option<u8>)> {
    let (scalars, rest) = signature.split_first_chunk()?;
    match rest {
        [] => Some((scalars, None)),
        [hint] => Some((scalars, Some(*hint))),
        _ => None,
    }
}

/// Verdict on each item: `check` judges those that have a key and a signature of the right form.
pub(crate) fn verdicts(
    items: &[Signed<'_>],
    cache: &PointCache,
    uncompress: Uncompress,
    check: impl FnOnce(&[Entry<'_>]) -> Vec<bool>,
) -> Vec<bool> {
    let sized = |item: &Signed<'_>| Compressed::try_from(item.public_key).ok();
    let keys: Vec<_> = items.iter().filter_map(sized).collect();
    let mut points = cache.points(&keys, uncompress).into_iter();
    let (mut places, mut entries) = (Vec::new(), Vec::new());
    for (place, item) in items.iter().enumerate() {
        let point = sized(item).and_then(|_| points.next().flatten());
        if let Some((public_key, (scalars, hint))) = point.zip(split_hint(item.signature)) {
            let signed = item.parts.concat();
            entries.push(Entry { public_key, signed, scalars, hint });
            places.push(place);
        }
    }
    let mut verdicts = vec![false; items.len()];
    for (place, verdict) in places.into_iter().zip(check(&entries)) {
        verdicts[place] = verdict;
    }
    verdicts
}

#[cfg(test)]
mod tests;
