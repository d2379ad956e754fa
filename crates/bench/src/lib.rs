//! Measure: a network under load on a fixed schedule, and the cryptography on one core.
//!
//! The load is open-loop: each transaction has a time at which it is due, whatever the network
//! does, and its latency counts from that time to the moment when a node reports it final and
//! durable. A loader that cannot keep its own schedule says so in the report.

pub mod allocations;
mod client;
mod crypto;
mod pace;
mod payment;
mod plan;
mod process;
mod report;
mod run;
mod shared;
mod sign;
mod stages;
mod tracker;
mod window;

pub use crypto::{CryptoPlan, CryptoRow, measure_crypto};
pub use payment::{AuditReport, LookupReport, PaymentsReport};
pub use plan::{LoadPlan, LookupPlan, Payload, PlanError};
pub use process::hardware;
pub use report::{Latency, Report, Second};
pub use run::{LoadError, Loader};
pub use shared::Progress;
pub use stages::{StageRow, StagesError, StagesPlan, measure_stages};
