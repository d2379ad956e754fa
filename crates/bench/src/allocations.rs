//! Count allocations, where somebody asks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Takes note of one allocation, if a count runs; else it costs one look. An allocator calls it.
pub fn note(bytes: usize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        COUNT.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Allocations and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocations {
    /// Number.
    pub count: u64,
    /// Bytes asked for.
    pub bytes: u64,
}

impl Allocations {
    /// What is left without `other`.
    pub const fn less(self, other: Self) -> Self {
        let count = self.count.saturating_sub(other.count);
        Self { count, bytes: self.bytes.saturating_sub(other.bytes) }
    }
}

/// Allocations of the whole process so far, as far as they were counted. Zero where the process has
/// another allocator.
pub fn counted() -> Allocations {
    IS_COUNTING.store(true, Ordering::Relaxed);
    Allocations { count: COUNT.load(Ordering::Relaxed), bytes: BYTES.load(Ordering::Relaxed) }
}

/// Ends the count.
pub fn stop_counting() {
    IS_COUNTING.store(false, Ordering::Relaxed);
}
