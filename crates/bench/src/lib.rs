//! Measure: a network under load on a fixed schedule, and the cryptography on one core.
//!
//! The load is open-loop: each transaction has a time at which it is due, whatever the network
//! does, and its latency counts from that time to the moment when a node reports it final and
//! durable. A loader that cannot keep its own schedule says so in the report.

pub mod allocations;
mod client;
mod crypto;
mod plan;
mod process;
mod report;
mod run;
mod sign;
mod stages;
mod tracker;

pub use crypto::{CryptoPlan, CryptoRow, measure_crypto};
pub use plan::{LoadPlan, Payload, PlanError};
pub use process::hardware;
pub use report::{Latency, Report, Second};
pub use run::{LoadError, Progress, run};
pub use stages::{StageRow, StagesError, StagesPlan, measure_stages};
