//! Allocate memory for the core; Python keeps its own allocator.
//!
//! A node allocates on many threads and frees on others: the system's allocator took an eighth of
//! its time under load.

use std::ffi::c_long;
use trine_bench::allocations::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator<mimalloc::MiMalloc> = CountingAllocator(mimalloc::MiMalloc);

/// Number of the option `purge_delay` in mimalloc's interface, which the binding does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Milliseconds for which freed memory stays with the process. A node takes and frees the memory of
/// a block several times a second; each return to the system would have it zeroed again.
const PURGE_DELAY_MS: c_long = 5_000;

/// Lets freed memory stay with the process for a while.
pub(crate) fn keep_memory() {
    // SAFETY: sets one number of the allocator's options.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_DELAY_MS) }
}
