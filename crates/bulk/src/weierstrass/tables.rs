//! Keep tables of known keys, within a bound in bytes.

use super::Curve;
use super::affine::Point;
use super::claim::Wide;
use super::engine::Portable;
use super::fixed::{GENERATOR, KNOWN, table};
use super::modulus::Words;
use crate::Path;
use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the table of one key.
pub const TABLE_BYTES: usize = KNOWN.points() * size_of::<Point>();

/// Tables of keys that sign often; the one unused for longest makes room for a new one.
pub(crate) struct Tables {
    path: Path,
    slots_max: usize,
    clock: AtomicU64,
    held: RwLock<Held>,
}

struct Held {
    /// The generator's table, then one table a slot.
    points: Vec<Point>,
    slots: HashMap<[Words; 2], usize>,
    keys: Vec<[Words; 2]>,
    used: Vec<AtomicU64>,
}

impl Tables {
    /// No tables yet; at most `bytes_max` bytes of them, for verification on `path`.
    pub fn new<C: Curve>(path: Path, bytes_max: usize) -> Self {
        let generator = C::generator_tables();
        let points = match path {
            #[cfg(target_arch = "x86_64")]
            Path::Ifma => generator.wide.clone(),
            _ => generator.portable.clone(),
        };
        Self {
            path,
            slots_max: bytes_max / TABLE_BYTES,
            clock: AtomicU64::new(0),
            held: RwLock::new(Held {
                points,
                slots: HashMap::new(),
                keys: Vec::new(),
                used: Vec::new(),
            }),
        }
    }

    /// Makes tables for keys; those not on the curve are passed over.
    pub fn learn<C: Curve>(&self, keys: &[[Words; 2]]) {
        for key in keys {
            if self.slots_max == 0 || self.read().slots.contains_key(key) {
                continue;
            }
            if !super::is_on_curve::<C>(key) {
                continue;
            }
            let made = match self.path {
                #[cfg(target_arch = "x86_64")]
                Path::Ifma => table::<C, Wide<C>>(key, &KNOWN),
                _ => table::<C, Portable<C::P>>(key, &KNOWN),
            };
            self.insert(key, &made);
        }
    }

    fn insert(&self, key: &[Words; 2], made: &[Point]) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut held = self.held.write().expect("no holder of the lock panics");
        let held = &mut *held;
        if held.slots.contains_key(key) {
            return;
        }
        if held.keys.len() < self.slots_max {
            held.slots.insert(*key, held.keys.len());
            held.keys.push(*key);
            held.used.push(AtomicU64::new(now));
            held.points.extend_from_slice(made);
            return;
        }
        let oldest = held.used.iter().enumerate();
        let oldest = oldest.min_by_key(|(_, used)| used.load(Ordering::Relaxed));
        let slot = oldest.expect("there is a slot").0;
        held.slots.remove(&held.keys[slot]);
        held.slots.insert(*key, slot);
        held.keys[slot] = *key;
        *held.used[slot].get_mut() = now;
        held.points[GENERATOR.points() + slot * KNOWN.points()..][..KNOWN.points()]
            .copy_from_slice(made);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().expect("no holder of the lock panics")
    }

    /// Runs `task` with the tables and where those of `keys` begin, if it runs on this path.
    pub fn with<R>(
        &self,
        path: Path,
        keys: &[[Words; 2]],
        task: impl FnOnce(&[Point], &[Option<u32>]) -> R,
    ) -> R {
        if path != self.path || self.slots_max == 0 {
            return task(&[], &vec![None; keys.len()]);
        }
        let held = self.read();
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let places: Vec<_> = keys
            .iter()
            .map(|key| {
                let slot = *held.slots.get(key)?;
                held.used[slot].store(now, Ordering::Relaxed);
                Some((GENERATOR.points() + slot * KNOWN.points()) as u32)
            })
            .collect();
        task(&held.points, &places)
    }

    /// Keys that have a table.
    pub fn len(&self) -> usize {
        self.read().keys.len()
    }
}
