//! Agree on blocks: wire the BFT engine to an application.

mod clocks;
mod config;
mod conflicts;
mod delivery;
mod driver;
mod engine;
mod follow;
mod gossip;
mod guard;
mod node;
mod operations;
mod pace;
mod peers;
mod process;
mod running;
mod share;
mod source;
mod state_sync;
mod upstream;
mod watch;

pub use clocks::Clocks;
pub use config::{Config, ConfigError, Timing};
pub use conflicts::{Conflicts, KeptVotes};
pub use engine::{
    CHANNELS, Environment, Network, Parts, StartError, Tap, message_bytes_max, start,
};
pub use follow::follow;
pub use gossip::{Gossip, Incoming};
pub use pace::Pace;
pub use peers::{
    AddressBook, AddressError, Addresses, OBSERVERS_MAX, Peers, address_book, parse_address,
};
pub use process::{
    Following, LateStart, Link, NetworkConfig, ProcessConfig, ProcessContext, RunError,
    metrics_text, run, waiting_threads,
};
pub use running::{Chain, Running, Stopped};
pub use share::Share;
pub use source::{NoSource, Source};
pub use state_sync::Anchor;
pub use upstream::{Answer, Claim, Distrust, Upstream, Wanted};
