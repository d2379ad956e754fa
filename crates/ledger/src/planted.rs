//! Plant a fault, so that a test can show that the simulation finds it.
//!
//! Nothing in a node can turn a fault on: the switch belongs to the thread of one test.

use std::cell::Cell;

thread_local! {
    static FORGET_VALIDATORS: Cell<bool> = const { Cell::new(false) };
}

/// Lets the blocks built and checked on this thread forget to commit the next validators.
pub fn forget_validators(on: bool) {
    FORGET_VALIDATORS.set(on);
}

/// Whether the fault is on.
pub(crate) fn forgets_validators() -> bool {
    FORGET_VALIDATORS.get()
}
