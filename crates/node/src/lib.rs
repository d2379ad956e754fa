//! Run one organisation's node: admit transactions, serve the HTTP API, follow the chain.

pub mod api;
pub mod clock;
pub mod config;
pub mod feed;
pub mod launch;
#[cfg(test)]
mod memory_chain;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod page;
pub mod peers;
pub mod read_signature;
pub mod reader;
pub mod upstream;
