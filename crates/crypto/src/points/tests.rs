//! Test that remembered points are the right ones and that memory has a bound.

use super::{Compressed, POINTS_MAX, PointCache, Uncompressed};

/// A point whose bytes say which it is; every tenth is none.
fn point_of(key: &Compressed) -> Option<Uncompressed> {
    let number = u32::from_be_bytes(*key.first_chunk().unwrap());
    let mut point = [0; 64];
    point[..4].copy_from_slice(&number.to_be_bytes());
    (number % 10 != 0).then_some(point)
}

fn key(number: u32) -> Compressed {
    let mut key = [0; 33];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key
}

fn points_of(keys: &[&Compressed]) -> Vec<Option<Uncompressed>> {
    keys.iter().map(|key| point_of(key)).collect()
}

/// Goal: the cache changes no answer and stays within its bound. Method: five times as many keys as
/// it holds, each group asked for twice, some of them no points.
#[test]
fn answers_stay_and_memory_is_bounded() {
    let cache = PointCache::default();
    for group in 0..10u32 {
        let keys: Vec<_> = (0..POINTS_MAX as u32 / 2)
            .map(|place| key(group * POINTS_MAX as u32 / 2 + place))
            .collect();
        let expected: Vec<_> = keys.iter().map(point_of).collect();
        assert_eq!(cache.points(&keys, points_of), expected);
        assert_eq!(cache.points(&keys, points_of), expected);
        let halves = cache.0.lock().unwrap();
        assert!(halves.recent.len() <= POINTS_MAX && halves.older.len() <= POINTS_MAX);
    }
}

/// Goal: a point in use is not computed again. Method: ask for one key between groups of others,
/// with a source that refuses it after the first time.
#[test]
fn points_in_use_are_kept() {
    fn without_one(keys: &[&Compressed]) -> Vec<Option<Uncompressed>> {
        assert!(!keys.contains(&&key(1)), "computed again");
        points_of(keys)
    }
    let cache = PointCache::default();
    assert_eq!(cache.points(&[key(1)], points_of), [point_of(&key(1))]);
    for group in 1..20u32 {
        let keys: Vec<_> =
            (0..POINTS_MAX as u32 / 2).map(|place| key(group << 20 | place)).collect();
        cache.points(&keys, without_one);
        assert_eq!(cache.points(&[key(1)], without_one), [point_of(&key(1))]);
    }
}
