//! Look at parts that need no network.

#[path = "parts/clocks.rs"]
mod clocks;
#[path = "parts/config.rs"]
mod config;
#[path = "parts/peers.rs"]
mod peers;
#[path = "parts/share.rs"]
mod share;
mod support;
