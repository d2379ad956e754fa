//! Run one organisation's node: admit transactions, serve the HTTP API, follow the chain.

pub mod clock;
pub mod feed;
pub mod mempool;
pub mod metrics;
pub mod reader;
