//! Remember decoded public keys within a bounded memory.

use std::sync::{PoisonError, RwLock};

use super::point::Decoded;
use super::terms::{Spread, fill_random};

/// Keys that share a place.
const WAYS: usize = 8;
/// Of this many newcomers to a full place, one replaces a random key there. Where each key comes
/// once in a while, most of what would be remembered is given up before it comes again; a key that
/// comes often soon gets in.
const NEWCOMERS_PER_REPLACED: u64 = 8;
/// Words of [`KeyCache`]'s random choice of what to give up.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Decoded public keys, bounded in memory, shared by threads.
///
/// A key that is found saves its decoding (half a microsecond). Verdicts never depend on what is
/// remembered. When a place is full, a newcomer is passed over or takes the place of a random key;
/// which keys share a place is decided by a secret.
pub struct KeyCache {
    spread: Spread,
    sets: usize,
    table: RwLock<Table>,
}

/// Zero where nothing is; else part of the encoding's hash.
type Tag = u32;

/// Sets side by side: one that does not have a key is told from its tags, which share a line of the
/// processor's cache.
struct Table {
    tags: Vec<[Tag; WAYS]>,
    entries: Vec<[Entry; WAYS]>,
    state: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    encoding: [u64; 4],
    decoded: Decoded,
}

impl Entry {
    const EMPTY: Self =
        Self { encoding: [0; 4], decoded: Decoded { montgomery: [0; 8], edwards: [0; 8] } };
}

impl Table {
    /// Where the set has the key.
    fn way(&self, set: usize, tag: Tag, encoding: &[u64; 4]) -> Option<usize> {
        let has = |way: &usize| self.entries[set][*way].encoding == *encoding;
        (0..WAYS).filter(|way| self.tags[set][*way] == tag).find(has)
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(STEP).wrapping_add(STEP);
        self.state >> 32
    }

    /// Where a newcomer goes, if anywhere.
    fn room(&mut self, set: usize) -> Option<usize> {
        if let Some(way) = self.tags[set].iter().position(|tag| *tag == 0) {
            return Some(way);
        }
        let random = self.random();
        let is_replacing = random.is_multiple_of(NEWCOMERS_PER_REPLACED);
        is_replacing.then_some((random / NEWCOMERS_PER_REPLACED) as usize % WAYS)
    }
}

impl KeyCache {
    /// Makes a cache that takes at most `bytes_max` bytes, and remembers nothing when that is
    /// too little for one place.
    ///
    /// # Panics
    /// When the operating system gives no random numbers.
    pub fn new(bytes_max: usize) -> Self {
        let sets = bytes_max / size_of::<([Tag; WAYS], [Entry; WAYS])>();
        let mut seed = [0; 8];
        fill_random(&mut seed);
        let table = Table {
            tags: vec![[0; WAYS]; sets],
            entries: vec![[Entry::EMPTY; WAYS]; sets],
            state: u64::from_le_bytes(seed),
        };
        Self { spread: Spread::random(), sets, table: RwLock::new(table) }
    }

    /// Number of keys that fit.
    pub fn keys_max(&self) -> usize {
        self.sets * WAYS
    }

    fn place(&self, encoding: &[u64; 4]) -> (usize, Tag) {
        let hash = self.spread.hash(encoding);
        (Spread::scale(hash, self.sets), hash as Tag | 1)
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
            let (set, tag) = self.place(&encoding);
            if let Some(way) = table.way(set, tag, &encoding) {
                found(position, &table.entries[set][way].decoded);
            }
        }
    }

    /// Offers decoded keys, to be remembered where there is room.
    pub(super) fn insert(&self, keys: impl Iterator<Item = ([u64; 4], Decoded)>) {
        if self.sets == 0 {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for (encoding, decoded) in keys {
            let (set, tag) = self.place(&encoding);
            // Another thread may have brought it meanwhile.
            if table.way(set, tag, &encoding).is_some() {
                continue;
            }
            if let Some(way) = table.room(set) {
                table.tags[set][way] = tag;
                table.entries[set][way] = Entry { encoding, decoded };
            }
        }
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyCache").field("keys_max", &self.keys_max()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: u64 = 4_000;

    fn encoding(number: u64) -> [u64; 4] {
        [number, 1, 2, 3]
    }

    fn found(keys: &KeyCache, numbers: std::ops::Range<u64>) -> usize {
        let mut count = 0;
        let wanted = numbers.map(|number| (number as usize, encoding(number)));
        keys.find(wanted, |position, decoded| {
            assert_eq!(decoded.edwards[0], position as u64, "another key's point");
            count += 1;
        });
        count
    }

    fn insert(keys: &KeyCache, numbers: std::ops::Range<u64>) {
        let decoded = |number| Decoded { montgomery: [0; 8], edwards: [number; 8] };
        keys.insert(numbers.map(|number| (encoding(number), decoded(number))));
    }

    /// Goal: keys are remembered while there is room; later, few newcomers get in and none
    /// makes it larger. Method: a tenth of the room, then twice the room, then as many newcomers.
    #[test]
    fn newcomers_seldom_replace() {
        let keys = KeyCache::new(2_000 * size_of::<(Tag, Entry)>());
        insert(&keys, 0..200);
        assert_eq!(found(&keys, 0..200), 200);
        insert(&keys, 0..KEYS);
        let before = found(&keys, 0..KEYS);
        assert!(before <= keys.keys_max() && before > keys.keys_max() * 9 / 10, "{before}");
        insert(&keys, KEYS..2 * KEYS);
        let newcomers = found(&keys, KEYS..2 * KEYS);
        assert!(newcomers > 0 && newcomers < KEYS as usize / 4, "{newcomers}");
        assert!(newcomers + found(&keys, 0..KEYS) <= keys.keys_max());
    }
}
