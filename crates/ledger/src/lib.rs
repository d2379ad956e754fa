//! Apply blocks to authenticated state and keep history and proofs.
//!
//! The engine's state actor drives [`Ledger`]: it builds and checks blocks by running the chain's
//! rules on two authenticated databases, and tells an [`Observer`](observer::Observer) what became
//! final.

mod block;
pub mod by_suite;
pub mod certificates;
pub mod committees;
pub mod databases;
mod epochs;
pub mod evidence;
pub mod execute;
pub mod finality;
mod genesis;
pub mod history;
mod ledger;
pub mod log_heads;
pub mod observer;
mod parallel;
mod pending;
#[doc(hidden)]
pub mod planted;
pub mod preset;
pub mod proofs;
mod rotation;
pub mod state;

pub use block::{Block, BlockError, Body, TransactionIds};
pub use committees::Committees;
pub use databases::Runtime;
pub use execute::DatabaseError;
pub use genesis::{GenesisError, adopt as adopt_genesis, open as open_genesis};
pub use ledger::{Candidates, Known, Ledger, LeftOut, Parts, Plan, outcome_root};
pub use rotation::FIRST_VIEWS;
