//! Check that buffers come back empty, fit, and stay within their bound.

use super::{Buffer, KEPT, KEPT_BYTES_MAX};

fn kept_bytes() -> usize {
    KEPT.with_borrow(|kept| kept.bytes)
}

/// Goal: memory is used again, and starts empty. Method: the address of a dropped buffer.
#[test]
fn memory_is_used_again() {
    let mut first = Buffer::<u64>::with_capacity(1000);
    first.extend(0..1000);
    let address = first.as_ptr();
    drop(first);
    assert_eq!(kept_bytes(), 8000);
    let larger = Buffer::<u64>::with_capacity(1001);
    assert_ne!(larger.as_ptr(), address);
    let other = Buffer::<i64>::with_capacity(10);
    let again = Buffer::<u64>::with_capacity(900);
    assert_eq!((again.as_ptr(), again.len(), other.len()), (address, 0, 0));
    assert_eq!(kept_bytes(), 0);
}

/// Goal: a thread keeps no more than the bound. Method: more buffers than that, at once.
#[test]
fn kept_memory_is_bounded() {
    let many: Vec<_> = (0..40).map(|_| Buffer::<u8>::with_capacity(1 << 20)).collect();
    drop(many);
    assert_eq!(kept_bytes(), KEPT_BYTES_MAX);
}
