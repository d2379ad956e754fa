//! Allocate memory for the core; Python keeps its own allocator.
//!
//! A node allocates on many threads and frees on others: the system's allocator took an eighth of
//! its time under load.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_long;
use trine_bench::allocations::note;

#[global_allocator]
static ALLOCATOR: Counted = Counted(MiMalloc);

/// Numbers of options in mimalloc's interface, which the binding does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
const PAGE_RECLAIM_ON_FREE: libmimalloc_sys::mi_option_t = 35;
const PAGE_FULL_RETAIN: libmimalloc_sys::mi_option_t = 36;

/// Milliseconds for which freed memory stays with the process. A node takes and frees the memory of
/// a block several times a second; each return to the system would have it zeroed again.
const PURGE_DELAY_MS: c_long = -1;

/// Lets threads take over pages that others filled, and hold none in reserve. Threads that start
/// from now on follow it.
pub(crate) fn share_memory() {
    // SAFETY: each sets one number of the allocator's options.
    unsafe {
        libmimalloc_sys::mi_option_set(PAGE_RECLAIM_ON_FREE, 1);
        libmimalloc_sys::mi_option_set(PAGE_FULL_RETAIN, 0);
    }
}

/// Returns memory that is free now, and lets what is freed from now on stay with the process.
pub(crate) fn keep_memory() {
    // SAFETY: the first asks the allocator to tidy up, the second sets one number of its options.
    unsafe {
        libmimalloc_sys::mi_collect(true);
        libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
    }
}

/// Tells the benchmarks what is allocated, while they count.
struct Counted(MiMalloc);

// SAFETY: every call goes to the inner allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the contract of the same method.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as above.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}
