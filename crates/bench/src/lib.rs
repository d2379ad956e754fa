//! Load a network with signed transactions on a fixed schedule and measure what it finalizes.
//!
//! The load is open-loop: each transaction has a time at which it is due, whatever the network
//! does, and its latency counts from that time to the moment when a node reports it final and
//! durable. A loader that cannot keep its own schedule says so in the report.

mod client;
mod plan;
mod process;
mod report;
mod run;
mod sign;
mod tracker;

pub use plan::{LoadPlan, Payload, PlanError};
pub use report::{Latency, Report, Second};
pub use run::{LoadError, Progress, run};
