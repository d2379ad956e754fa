//! Build keys, genesis documents and transactions for tests, and run blocks in memory.
//!
//! [`MemoryLedger`] executes blocks through the same [`Application`] interface as the real ledger,
//! on ordered maps instead of databases. [`TestChain`] puts named people on top of it.
//!
//! [`Application`]: trine_types::application::Application

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod chain;
mod ledger;
mod people;

pub use chain::TestChain;
pub use ledger::{Applied, MemoryLedger};
pub use people::{Member, genesis, public_key, secret_key, spoil, suite, validator};
