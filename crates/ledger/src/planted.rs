//! Plant a fault, so that a test can show that the simulation finds it.
//!
//! Nothing in a node can turn a fault on: the switch belongs to the thread of one test.

use std::cell::Cell;

/// A fault of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Blocks do not commit the next validators, and nobody minds.
    ForgetValidators,
    /// New validators decide from the next epoch on, and not from the one after it.
    EarlyValidators,
    /// Blocks have the time of their parent, and nobody minds.
    OldTime,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Takes the fault back when it is dropped.
#[derive(Debug)]
#[must_use = "the fault ends with this"]
pub struct Planting(());

impl Drop for Planting {
    fn drop(&mut self) {
        PLANTED.set(None);
    }
}

/// Plants a fault in the blocks that this thread builds and checks.
pub fn plant(fault: Fault) -> Planting {
    PLANTED.set(Some(fault));
    Planting(())
}

/// Whether the fault is planted.
pub(crate) fn has(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}
