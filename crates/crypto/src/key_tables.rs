//! Bound the memory for tables of keys that sign often, and fill them.
//!
//! A key of SM2 or P-256 whose table is there is checked in a sixth of the time. Validators' keys
//! are worth one; those of strangers are not learned, or strangers could crowd out the others.

use crate::Algorithm;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of tables that an algorithm may have, where nobody says otherwise: some 190 keys.
pub const KEY_TABLES_BYTES_DEFAULT: usize = 16 << 20;

static BYTES_MAX: AtomicUsize = AtomicUsize::new(KEY_TABLES_BYTES_DEFAULT);

/// Sets how many bytes the tables of each algorithm may take; 0 for none. To be called before the
/// first signature is made or checked: an algorithm keeps what it began with.
pub fn set_key_tables_bytes_max(bytes: usize) {
    BYTES_MAX.store(bytes, Ordering::Relaxed);
}

pub(crate) fn bytes_max() -> usize {
    BYTES_MAX.load(Ordering::Relaxed)
}

/// Makes tables for keys that will sign often; those unused for longest make room. Takes half
/// a millisecond a new key. Other algorithms and what is no key are passed over.
pub fn learn_keys<'a>(keys: impl IntoIterator<Item = (Algorithm, &'a [u8])>) {
    let mut keys_of = BTreeMap::<Algorithm, Vec<&[u8]>>::new();
    for (algorithm, key) in keys {
        keys_of.entry(algorithm).or_default().push(key);
    }
    for (algorithm, keys) in keys_of {
        algorithm.verifier().learn(&keys);
    }
}

/// Keys of an algorithm that have a table.
pub fn learned_keys(algorithm: Algorithm) -> usize {
    algorithm.verifier().learned()
}
