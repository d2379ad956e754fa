//! Look payments up by their references while a load runs, and after it.
//!
//! A payment is a transfer whose reference is a UETR (unique end-to-end transaction reference), as
//! messages of ISO 20022 carry it. Whoever holds it asks any node for the transfer and for a proof,
//! and verifies the proof alone; these modules do the same, again and again, and count.

mod book;
mod lookup;
mod report;
mod schedule;
mod uetr;

pub use book::{Book, FinalPayment, Payment};
pub use lookup::Committee;
pub use report::{AuditReport, LookupReport, PaymentsReport, Tally};
pub use schedule::{Audit, Lookups};
pub use uetr::Uetr;
