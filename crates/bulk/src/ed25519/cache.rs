//! Remember decoded public keys within a bounded memory.

use std::sync::{PoisonError, RwLock};

use super::point::Decoded;
use super::terms::{Spread, fill_random};

/// Keys that share a place; a full place gives up a random one.
const WAYS: usize = 8;
/// Words of [`KeyCache`]'s random choice of what to give up.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Decoded public keys, bounded in memory, shared by threads.
///
/// A key that is found saves its decoding (half a microsecond). Verdicts never depend on what is
/// remembered. When a place is full, a random key of it is given up; which keys share a place is
/// decided by a secret.
pub struct KeyCache {
    spread: Spread,
    sets: usize,
    table: RwLock<Table>,
}

struct Table {
    entries: Vec<Option<Entry>>,
    state: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    encoding: [u64; 4],
    decoded: Decoded,
}

impl KeyCache {
    /// Makes a cache that takes at most `bytes_max` bytes, and remembers nothing when that is
    /// too little for one place.
    ///
    /// # Panics
    /// When the operating system gives no random numbers.
    pub fn new(bytes_max: usize) -> Self {
        let sets = bytes_max / (WAYS * size_of::<Option<Entry>>());
        let mut seed = [0; 8];
        fill_random(&mut seed);
        let state = u64::from_le_bytes(seed);
        let table = Table { entries: vec![None; sets * WAYS], state };
        Self { spread: Spread::random(), sets, table: RwLock::new(table) }
    }

    /// Number of keys that fit.
    pub fn keys_max(&self) -> usize {
        self.sets * WAYS
    }

    fn place(&self, encoding: &[u64; 4]) -> usize {
        WAYS * self.spread.place(encoding, self.sets)
    }

    /// Looks up encodings, hands what is known to `found` with its position.
    pub(super) fn find(
        &self,
        encodings: impl Iterator<Item = (usize, [u64; 4])>,
        mut found: impl FnMut(usize, &Decoded),
    ) {
        if self.sets == 0 {
            return;
        }
        // Entries are written whole: a panic elsewhere leaves no half-written one.
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        for (position, encoding) in encodings {
            let place = self.place(&encoding);
            let mut entries = table.entries[place..place + WAYS].iter().flatten();
            if let Some(entry) = entries.find(|entry| entry.encoding == encoding) {
                found(position, &entry.decoded);
            }
        }
    }

    /// Remembers decoded keys.
    pub(super) fn insert(&self, keys: impl Iterator<Item = ([u64; 4], Decoded)>) {
        if self.sets == 0 {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for (encoding, decoded) in keys {
            let place = self.place(&encoding);
            let set = &table.entries[place..place + WAYS];
            let is_known =
                |entry: &Option<Entry>| entry.is_none_or(|entry| entry.encoding == encoding);
            let way = set.iter().position(is_known).unwrap_or_else(|| {
                table.state = table.state.wrapping_mul(STEP).wrapping_add(STEP);
                (table.state >> 61) as usize
            });
            table.entries[place + way] = Some(Entry { encoding, decoded });
        }
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyCache").field("keys_max", &self.keys_max()).finish_non_exhaustive()
    }
}
